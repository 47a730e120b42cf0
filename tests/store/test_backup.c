/* A backup is of one moment, can be read back, holds no fence and no session, and leaves nothing
 * behind when it fails. */
#include "lib/cmocka.h"

#include "base/file.h"
#include "feed/window.h"
#include "lib/shelf.h"
#include "store/backup.h"
#include "store/db.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

enum { PATH_BYTES = 160, WHY_BYTES = 256 };

static const uint8_t derived[32] = {1, 2, 3};
static const struct bundle_opener by_key = {.derived = derived};

static char *in_shelf(const struct shelf *shelf, const char *name, char room[static PATH_BYTES])
{
	assert_true(snprintf(room, PATH_BYTES, "%s/%s", shelf->dir, name) < PATH_BYTES);
	return room;
}

static size_t files_in(const char *dir)
{
	DIR *open = opendir(dir);
	size_t count = 0;
	assert_non_null(open);
	for (struct dirent *entry = readdir(open); entry != NULL; entry = readdir(open)) {
		count += entry->d_name[0] == '.' ? 0 : 1;
	}
	(void)closedir(open);
	return count;
}

static enum err back_up(struct shelf *shelf, const char *path, struct backup_result *result,
	char why[static WHY_BYTES])
{
	const struct backup_opts opts = {.store = shelf->store, .path = path, .opener = by_key};
	return backup_write(&opts, result, why, WHY_BYTES);
}

static enum err keep(void *ctx, struct span bytes)
{
	return buf_append(ctx, bytes);
}

/* The database of a backup as a file of its own; its manifest. */
static void unpack(const char *from, const char *to, struct bundle_manifest *manifest)
{
	struct bundle_reader *reader = NULL;
	struct buf bytes = BUF_INIT(256 * MIB);
	char why[WHY_BYTES] = "";
	int fd = open(from, O_RDONLY);
	assert_true(fd >= 0);
	if (bundle_open(fd, &by_key, &reader, why, sizeof(why)) != ERR_OK) {
		fail_msg("%s", why);
	}
	*manifest = *bundle_manifest(reader);
	assert_int_equal(manifest->entry_count, 1);
	assert_string_equal(manifest->entries[0].name, "kith.db");
	assert_int_equal(bundle_read_entry(reader, keep, &bytes), ERR_OK);
	assert_int_equal(bundle_end(reader), ERR_OK);
	assert_int_equal(file_create(to, buf_span(&bytes), 0600), ERR_OK);
	buf_fini(&bytes);
	bundle_reader_free(reader);
	(void)close(fd);
}

static int64_t ask(struct db *db, const char *sql)
{
	sqlite3_stmt *stmt = NULL;
	assert_int_equal(sqlite3_prepare_v2(db_handle(db), sql, -1, &stmt, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	int64_t value = sqlite3_column_int64(stmt, 0);
	(void)sqlite3_finalize(stmt);
	return value;
}

struct crowd {
	struct shelf *shelf;
	atomic_bool is_over;
	atomic_uint published;
};

static void *publish_on(void *ctx)
{
	struct crowd *crowd = ctx;
	while (!crowd->is_over) {
		(void)shelf_publish(
			crowd->shelf, "{\"type\":\"post\",\"text\":\"%u\"}", crowd->published++);
	}
	return NULL;
}

static void is_of_one_moment_while_messages_arrive(void **state)
{
	struct shelf *shelf = *state;
	struct crowd crowd = {.shelf = shelf};
	char path[PATH_BYTES];
	char copy[PATH_BYTES];
	char why[WHY_BYTES] = "";
	pthread_t thread;
	struct backup_result result;
	struct bundle_manifest *manifest = malloc(sizeof(*manifest));
	assert_int_equal(pthread_create(&thread, NULL, publish_on, &crowd), 0);
	for (int i = 0; i < 5; i++) {
		struct db *db = NULL;
		unsigned least = crowd.published;
		while (crowd.published < least + 5) {
			(void)usleep(1000);
		}
		if (back_up(shelf, in_shelf(shelf, "one.backup", path), &result, why) != ERR_OK) {
			fail_msg("%s", why);
		}
		unpack(path, in_shelf(shelf, "one.db", copy), manifest);
		assert_true(manifest->sequence >= least);
		assert_int_equal(manifest->sequence, result.sequence);
		assert_int_equal(db_open(copy, DB_COPY, &shelf->env, &db), ERR_OK);
		assert_int_equal(ask(db, "SELECT count(*) FROM messages WHERE feed = 1"),
			manifest->sequence);
		assert_int_equal(ask(db, "SELECT max(sequence) FROM messages WHERE feed = 1"),
			manifest->sequence);
		assert_int_equal(
			ask(db, "SELECT sequence FROM feeds WHERE feed = 1"), manifest->sequence);
		assert_int_equal(manifest->messages, manifest->sequence);
		assert_int_equal(ask(db, "SELECT count(*) = 0 FROM pragma_integrity_check "
					 "WHERE integrity_check <> 'ok'"),
			1);
		db_close(db);
		assert_int_equal(unlink(path), 0);
		assert_int_equal(unlink(copy), 0);
	}
	crowd.is_over = true;
	assert_int_equal(pthread_join(thread, NULL), 0);
	free(manifest);
}

static bool has_bytes(struct span all, struct span part)
{
	return memmem(all.at, all.len, part.at, part.len) != NULL;
}

static void holds_no_session_no_witness_and_no_fence(void **state)
{
	struct shelf *shelf = *state;
	char path[PATH_BYTES];
	char copy[PATH_BYTES];
	char why[WHY_BYTES] = "";
	struct backup_result result;
	struct buf bytes = BUF_INIT(64 * MIB);
	struct buf fence = BUF_INIT(MIB);
	struct bundle_manifest *manifest = malloc(sizeof(*manifest));
	const struct span name = span_text("session-name-that-is-secret");
	const struct change session = {.kind = CHANGE_SESSION_PUT,
		.name = name,
		.text = span_text("{}"),
		.number = INT64_MAX};
	const struct change setting = {.kind = CHANGE_SETTING,
		.name = span_text("kept-setting"),
		.text = span_text("kept-value")};
	(void)shelf_publish(shelf, "{\"type\":\"post\",\"text\":\"x\"}");
	assert_int_equal(writer_change_wait(shelf->writer, &session), ERR_OK);
	assert_int_equal(writer_change_wait(shelf->writer, &setting), ERR_OK);
	assert_int_equal(back_up(shelf, in_shelf(shelf, "one.backup", path), &result, why), ERR_OK);
	unpack(path, in_shelf(shelf, "one.db", copy), manifest);
	assert_int_equal(file_read(copy, &bytes), ERR_OK);
	assert_int_equal(file_read(in_shelf(shelf, "fence", path), &fence), ERR_OK);
	assert_false(has_bytes(buf_span(&bytes), name));
	assert_true(has_bytes(buf_span(&bytes), span_text("kept-value")));
	assert_false(has_bytes(buf_span(&bytes), span_text("kithfen1")));
	assert_true(has_bytes(buf_span(&fence), span_text("kithfen1")));
	buf_fini(&bytes);
	buf_fini(&fence);
	free(manifest);
}

static void holds_nothing_that_is_ahead_of_its_history(void **state)
{
	struct shelf *shelf = *state;
	struct author ben;
	struct message *feed[3];
	struct span texts[2];
	char path[PATH_BYTES];
	char copy[PATH_BYTES];
	char why[WHY_BYTES] = "";
	const char *said = NULL;
	struct backup_result result;
	struct bundle_manifest *manifest = malloc(sizeof(*manifest));
	struct ahead_job *job = ahead_job_new();
	struct db *db = NULL;
	const struct change behind_it = {
		.kind = CHANGE_SETTING, .name = span_text("test"), .text = span_text("1")};
	assert_non_null(manifest);
	assert_non_null(job);
	author_init(&ben, 1);
	for (int i = 0; i < 3; i++) {
		feed[i] = author_post(&ben, "hello");
	}
	texts[0] = feed[1]->compact;
	texts[1] = feed[2]->compact;
	(void)shelf_contact(shelf, &ben.id, EDGE_FOLLOW);
	assert_int_equal(
		window_read(&ben.id, texts, 2, NULL, 0, NULL, &job->window, &said), ERR_OK);
	assert_int_equal(writer_ahead(shelf->writer, job), ERR_OK);
	assert_int_equal(writer_change_wait(shelf->writer, &behind_it), ERR_OK);
	assert_int_equal(
		db_open(in_shelf(shelf, "kith.db", path), DB_READER, &shelf->env, &db), ERR_OK);
	assert_int_equal(ask(db, "SELECT count(*) FROM ahead"), 2);
	assert_int_equal(ask(db, "SELECT count(*) FROM posts"), 2);
	db_close(db);
	if (back_up(shelf, in_shelf(shelf, "one.backup", path), &result, why) != ERR_OK) {
		fail_msg("%s", why);
	}
	unpack(path, in_shelf(shelf, "one.db", copy), manifest);
	assert_int_equal(manifest->messages, 1);
	assert_int_equal(db_open(copy, DB_COPY, &shelf->env, &db), ERR_OK);
	assert_int_equal(ask(db, "SELECT count(*) FROM ahead"), 0);
	assert_int_equal(ask(db, "SELECT count(*) FROM ahead_feeds"), 0);
	assert_int_equal(ask(db, "SELECT count(*) FROM posts"), 0);
	db_close(db);
	free(manifest);
	for (int i = 0; i < 3; i++) {
		message_free(feed[i]);
	}
	author_fini(&ben);
}

static void keeps_what_has_the_name_already(void **state)
{
	struct shelf *shelf = *state;
	char path[PATH_BYTES];
	char why[WHY_BYTES] = "";
	struct backup_result result;
	struct buf text = BUF_INIT(KIB);
	(void)in_shelf(shelf, "mine", path);
	assert_int_equal(file_create(path, span_text("mine"), 0600), ERR_OK);
	assert_int_equal(back_up(shelf, path, &result, why), ERR_EXISTS);
	assert_non_null(strstr(why, "is there already"));
	assert_int_equal(file_read(path, &text), ERR_OK);
	assert_true(span_equal_text(buf_span(&text), "mine"));
	buf_fini(&text);
}

static void asks_for_room_before_it_writes(void **state)
{
	struct shelf *shelf = *state;
	char path[PATH_BYTES];
	char why[WHY_BYTES] = "";
	struct backup_result result;
	const struct backup_opts opts = {.store = shelf->store,
		.path = in_shelf(shelf, "one.backup", path),
		.opener = by_key,
		.room_bytes = INT64_MAX / 2};
	size_t before = files_in(shelf->dir);
	assert_int_equal(backup_write(&opts, &result, why, sizeof(why)), ERR_DISK_FULL);
	assert_non_null(strstr(why, "not enough room"));
	assert_int_equal(files_in(shelf->dir), before + 1); /* its lock */
}

/* Gives up at the n-th word about its progress. */
struct patience {
	unsigned left;
	unsigned phases; /* seen, as bits */
};

static bool on_progress(void *ctx, enum backup_phase phase, uint64_t done, uint64_t total)
{
	struct patience *patience = ctx;
	assert_true(done <= total);
	patience->phases |= 1u << phase;
	return patience->left-- > 0;
}

static void leaves_nothing_behind_wherever_it_is_stopped(void **state)
{
	struct shelf *shelf = *state;
	char path[PATH_BYTES];
	char why[WHY_BYTES] = "";
	struct backup_result result;
	enum err err = ERR_CLOSED;
	unsigned stops = 0;
	for (int i = 0; i < 20; i++) {
		(void)shelf_publish(shelf, "{\"type\":\"post\",\"text\":\"%d\"}", i);
	}
	(void)in_shelf(shelf, "one.backup", path);
	assert_int_equal(back_up(shelf, path, &result, why), ERR_OK);
	assert_int_equal(unlink(path), 0);
	size_t before = files_in(shelf->dir);
	for (; err == ERR_CLOSED; stops++) {
		struct patience patience = {.left = stops};
		const struct backup_opts opts = {.store = shelf->store,
			.path = path,
			.opener = by_key,
			.on_progress = on_progress,
			.ctx = &patience};
		err = backup_write(&opts, &result, why, sizeof(why));
		if (err == ERR_CLOSED) {
			assert_non_null(strstr(why, "was stopped"));
			assert_int_equal(files_in(shelf->dir), before);
		} else {
			assert_int_equal(patience.phases, 7);
		}
	}
	assert_int_equal(err, ERR_OK);
	assert_true(stops > 6);
	assert_int_equal(files_in(shelf->dir), before + 1);
}

static void removes_what_a_killed_one_left(void **state)
{
	struct shelf *shelf = *state;
	static const char *const names[] = {
		"backup.copy", "backup.copy-journal", "one.backup.partial"};
	char path[PATH_BYTES];
	char why[WHY_BYTES] = "";
	struct backup_result result;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		assert_int_equal(file_create(in_shelf(shelf, names[i], path),
					 span_text("left by a kill"), 0600),
			ERR_OK);
	}
	assert_int_equal(back_up(shelf, in_shelf(shelf, "one.backup", path), &result, why), ERR_OK);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		assert_int_not_equal(access(in_shelf(shelf, names[i], path), F_OK), 0);
	}
}

static void makes_one_at_a_time(void **state)
{
	struct shelf *shelf = *state;
	char path[PATH_BYTES];
	char why[WHY_BYTES] = "";
	struct backup_result result;
	int lock = open(in_shelf(shelf, "backup.lock", path), O_RDWR | O_CREAT, 0600);
	assert_true(lock >= 0);
	assert_int_equal(flock(lock, LOCK_EX), 0);
	assert_int_equal(
		back_up(shelf, in_shelf(shelf, "one.backup", path), &result, why), ERR_BUSY);
	assert_non_null(strstr(why, "Another backup"));
	(void)close(lock);
	assert_int_equal(back_up(shelf, path, &result, why), ERR_OK);
}

static void makes_none_of_a_damaged_database(void **state)
{
	struct shelf *shelf = *state;
	char path[PATH_BYTES];
	char why[WHY_BYTES] = "";
	struct backup_result result;
	for (int i = 0; i < 400; i++) {
		(void)shelf_publish(shelf, "{\"type\":\"post\",\"text\":\"%0500d\"}", i);
	}
	shelf_close(shelf);
	int fd = open(in_shelf(shelf, "kith.db", path), O_RDWR);
	uint8_t junk[4096];
	memset(junk, 0x5a, sizeof(junk));
	off_t end = lseek(fd, 0, SEEK_END);
	assert_true(end > 160 * 4096);
	for (off_t at = 128 * 4096; at < end; at += 3 * 4096) { /* behind the schema */
		assert_int_equal(pwrite(fd, junk, sizeof(junk), at), sizeof(junk));
	}
	(void)close(fd);
	const struct store_opts opts = {
		.dir = shelf->dir, .env = &shelf->env, .is_read_only = true};
	assert_int_equal(store_open(&opts, &shelf->store, why, sizeof(why)), ERR_OK);
	size_t before = files_in(shelf->dir);
	assert_int_equal(
		back_up(shelf, in_shelf(shelf, "one.backup", path), &result, why), ERR_DAMAGED);
	assert_non_null(strstr(why, "damaged"));
	assert_int_equal(files_in(shelf->dir), before + 1);
	store_close(shelf->store);
	shelf->store = NULL;
	assert_int_equal(unlink(in_shelf(shelf, "kith.db", path)), 0);
	assert_int_equal(unlink(in_shelf(shelf, "fence", path)), 0);
	shelf_open(shelf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			is_of_one_moment_while_messages_arrive, shelf_set_up, shelf_tear_down),
		cmocka_unit_test_setup_teardown(
			holds_no_session_no_witness_and_no_fence, shelf_set_up, shelf_tear_down),
		cmocka_unit_test_setup_teardown(
			holds_nothing_that_is_ahead_of_its_history, shelf_set_up, shelf_tear_down),
		cmocka_unit_test_setup_teardown(
			keeps_what_has_the_name_already, shelf_set_up, shelf_tear_down),
		cmocka_unit_test_setup_teardown(
			asks_for_room_before_it_writes, shelf_set_up, shelf_tear_down),
		cmocka_unit_test_setup_teardown(leaves_nothing_behind_wherever_it_is_stopped,
			shelf_set_up, shelf_tear_down),
		cmocka_unit_test_setup_teardown(
			removes_what_a_killed_one_left, shelf_set_up, shelf_tear_down),
		cmocka_unit_test_setup_teardown(makes_one_at_a_time, shelf_set_up, shelf_tear_down),
		cmocka_unit_test_setup_teardown(
			makes_none_of_a_damaged_database, shelf_set_up, shelf_tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
