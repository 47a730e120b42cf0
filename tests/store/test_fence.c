/*
 * store/fence and the steps of publishing: a process that dies between any two of them leaves the
 * same bytes or nothing, and a database that was rolled back does not sign (restore.md R1, R3, R16
 * in the form they have now).
 */
#include "lib/cmocka.h"
#include "lib/shelf.h"

#include "base/file.h"
#include "store/fence.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void path_in(const struct shelf *shelf, const char *name, char out[static 128])
{
	(void)snprintf(out, 128, "%s/%s", shelf->dir, name);
}

static void copy_file(const char *from, const char *to)
{
	struct buf bytes = BUF_INIT(64 << 20);
	assert_int_equal(file_read(from, &bytes), ERR_OK);
	assert_int_equal(file_replace(to, buf_span(&bytes), 0600), ERR_OK);
	buf_fini(&bytes);
}

static void die(void *ctx, enum writer_step step)
{
	if (step == *(const enum writer_step *)ctx) {
		(void)kill(getpid(), SIGKILL);
	}
}

static enum err try_publish(
	struct shelf *shelf, const char *text, const char *nonce, struct publish_result *result)
{
	char content[128];
	(void)snprintf(content, sizeof(content), "{\"type\":\"post\",\"text\":\"%s\"}", text);
	const struct publish_request request = {
		.content = span_text(content), .nonce = span_text(nonce)};
	return writer_publish(shelf->writer, &request, result);
}

/* In a child: publish two messages, die at `step` of the third. */
static void publish_and_die(struct shelf *shelf, enum writer_step step)
{
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		struct publish_result result;
		shelf_open(shelf);
		bool is_good = try_publish(shelf, "one", "1", &result) == ERR_OK &&
			       try_publish(shelf, "two", "2", &result) == ERR_OK;
		if (!is_good) {
			_exit(1);
		}
		shelf->on_step = die;
		shelf->step_ctx = &step;
		(void)try_publish(shelf, "three", "3", &result);
		_exit(2);
	}
	int status = 0;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

/* R1_ROUNDS in the environment: more of them. */
static int rounds(void)
{
	const char *text = getenv("R1_ROUNDS");
	return text == NULL ? 4 : atoi(text);
}

static void r1_a_death_between_any_two_steps_leaves_the_same_bytes_or_nothing(void **state)
{
	(void)state;
	int steps = WRITER_ANNOUNCED + 1;
	for (int round = 0; round < steps * rounds(); round++) {
		int step = round % steps;
		struct shelf shelf;
		struct publish_result result;
		struct fence *fence = NULL;
		struct chain_head head;
		char path[128];
		char why[256];
		shelf_init(&shelf);
		shelf_close(&shelf);
		publish_and_die(&shelf, (enum writer_step)step);
		path_in(&shelf, "fence", path);
		assert_int_equal(fence_open(path, &fence), ERR_OK);
		struct fence_facts facts = *fence_facts(fence);
		fence_close(fence);
		shelf_open(&shelf);
		assert_string_equal(writer_state(shelf.writer, why, sizeof(why)), "CLEAN");
		assert_int_equal(reader_head(shelf.reader, &shelf.self.id, &head), ERR_OK);
		bool is_signed = step >= WRITER_FENCED;
		assert_int_equal(head.sequence, is_signed ? 3 : 2);
		if (is_signed) {
			/* What the fence held is what is stored now: nothing was signed again. */
			assert_int_equal(facts.intent_sequence, 3);
			assert_true(message_id_equal(&facts.intent_key, &head.key));
		}
		assert_int_equal(try_publish(&shelf, "one", "1", &result), ERR_OK);
		assert_int_equal(result.sequence, 1);
		/* Who asked and got no answer asks again. */
		assert_int_equal(try_publish(&shelf, "three", "3", &result), ERR_OK);
		assert_int_equal(result.sequence, 3);
		assert_int_equal(try_publish(&shelf, "four", "4", &result), ERR_OK);
		assert_int_equal(result.sequence, 4);
		shelf_fini(&shelf);
	}
}

static void expect_paused(struct shelf *shelf, const char *state)
{
	struct publish_result result;
	char why[256];
	assert_string_equal(writer_state(shelf->writer, why, sizeof(why)), state);
	assert_true(strlen(why) > 20);
	assert_int_equal(try_publish(shelf, "no", "", &result), ERR_PAUSED);
	assert_string_equal(result.why, why);
	struct buf setting = BUF_INIT(64);
	assert_int_equal(reader_setting(shelf->reader, "state", &setting), ERR_OK);
	assert_true(span_equal_text(buf_span(&setting), state));
	buf_fini(&setting);
}

static void r3_a_database_from_a_backup_pauses_publishing(void **state)
{
	(void)state;
	struct shelf shelf;
	char database[128];
	char backup[128];
	shelf_init(&shelf);
	path_in(&shelf, "kith.db", database);
	path_in(&shelf, "backup.db", backup);
	for (int i = 0; i < 3; i++) {
		(void)shelf_publish(&shelf, "{\"type\":\"post\",\"text\":\"x\"}");
	}
	shelf_close(&shelf);
	copy_file(database, backup);
	shelf_open(&shelf);
	for (int i = 0; i < 10; i++) {
		(void)shelf_publish(&shelf, "{\"type\":\"post\",\"text\":\"x\"}");
	}
	shelf_close(&shelf);
	copy_file(backup, database);
	for (int round = 0; round < 2; round++) { /* and so after another start */
		shelf_open(&shelf);
		expect_paused(&shelf, "SUSPECT");
		struct chain_head head;
		assert_int_equal(reader_head(shelf.reader, &shelf.self.id, &head), ERR_OK);
		assert_int_equal(head.sequence, 3);
		shelf_close(&shelf);
	}
	shelf_fini(&shelf);
}

static void r16_a_missing_foreign_or_torn_fence_pauses_publishing(void **state)
{
	(void)state;
	for (int kind = 0; kind < 3; kind++) {
		struct shelf shelf;
		char path[128];
		shelf_init(&shelf);
		path_in(&shelf, "fence", path);
		(void)shelf_publish(&shelf, "{\"type\":\"post\",\"text\":\"x\"}");
		shelf_close(&shelf);
		assert_int_equal(unlink(path), 0);
		if (kind == 1) {
			struct fence *fence = NULL;
			struct author other;
			author_init(&other, 9);
			const struct fence_facts facts = {
				.identity = other.id, .state = FENCE_CLEAN};
			assert_int_equal(fence_create(path, &facts, &fence), ERR_OK);
			fence_close(fence);
			author_fini(&other);
		}
		if (kind == 2) {
			assert_int_equal(
				file_create(path, span_text("kithfen1 but not really"), 0600),
				ERR_OK);
		}
		shelf_open(&shelf);
		expect_paused(&shelf, "SUSPECT");
		shelf_fini(&shelf);
	}
}

static void r16_one_torn_slot_leaves_the_other(void **state)
{
	(void)state;
	struct shelf shelf;
	char path[128];
	shelf_init(&shelf);
	path_in(&shelf, "fence", path);
	struct fence *fence = NULL;
	struct fence_facts facts = {.identity = shelf.self.id, .state = FENCE_CLEAN, .epoch = 7};
	(void)snprintf(path, sizeof(path), "%s/other-fence", shelf.dir);
	assert_int_equal(fence_create(path, &facts, &fence), ERR_OK);
	facts.epoch = 8;
	facts.intent_sequence = 1;
	assert_int_equal(fence_write(fence, &facts, span_text("{\"signed\":true}")), ERR_OK);
	fence_close(fence);
	assert_int_equal(fence_open(path, &fence), ERR_OK);
	assert_int_equal(fence_facts(fence)->epoch, 8);
	assert_true(span_equal_text(fence_intent(fence), "{\"signed\":true}"));
	fence_close(fence);
	/* The second slot loses one byte of its intent. */
	FILE *file = fopen(path, "r+b");
	assert_non_null(file);
	assert_int_equal(fseek(file, FENCE_SLOT_BYTES + 224 + 3, SEEK_SET), 0);
	assert_int_equal(fputc('X', file), 'X');
	assert_int_equal(fclose(file), 0);
	assert_int_equal(fence_open(path, &fence), ERR_OK);
	assert_int_equal(fence_facts(fence)->epoch, 7);
	assert_int_equal(fence_intent(fence).len, 0);
	fence_close(fence);
	shelf_fini(&shelf);
}

static void an_intent_has_a_limit(void **state)
{
	(void)state;
	struct shelf shelf;
	char path[128];
	shelf_init(&shelf);
	path_in(&shelf, "other-fence", path);
	struct fence *fence = NULL;
	struct fence_facts facts = {.identity = shelf.self.id, .state = FENCE_CLEAN};
	assert_int_equal(fence_create(path, &facts, &fence), ERR_OK);
	const size_t sizes[] = {
		FENCE_INTENT_BYTES_MAX, FENCE_INTENT_BYTES_MAX + 1, 1000 * FENCE_INTENT_BYTES_MAX};
	uint8_t *bytes = calloc(1, sizes[2]);
	assert_non_null(bytes);
	facts.intent_sequence = 1;
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(fence_write(fence, &facts, span_of(bytes, sizes[i])),
			i == 0 ? ERR_OK : ERR_LIMIT);
	}
	free(bytes);
	fence_close(fence);
	shelf_fini(&shelf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(r1_a_death_between_any_two_steps_leaves_the_same_bytes_or_nothing),
		cmocka_unit_test(r3_a_database_from_a_backup_pauses_publishing),
		cmocka_unit_test(r16_a_missing_foreign_or_torn_fence_pauses_publishing),
		cmocka_unit_test(r16_one_torn_slot_leaves_the_other),
		cmocka_unit_test(an_intent_has_a_limit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
