/* kith verify as a driver uses it: over pipes, line by line, with the verdicts of the reference
 * packages. */
#include "lib/cmocka.h"
#include "lib/vectors.h"

#include "base/encode.h"
#include "base/limits.h"

#include <libgen.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static char program[4096]; /* the kith of the same build */

struct driver {
	FILE *to;
	FILE *from;
	pid_t pid;
};

static void start(struct driver *driver)
{
	int to[2];
	int from[2];
	assert_int_equal(pipe(to), 0);
	assert_int_equal(pipe(from), 0);
	driver->pid = fork();
	assert_true(driver->pid >= 0);
	if (driver->pid == 0) {
		(void)dup2(to[0], STDIN_FILENO);
		(void)dup2(from[1], STDOUT_FILENO);
		(void)close(to[1]);
		(void)close(from[0]);
		(void)execl(program, "kith", "verify", (char *)NULL);
		_exit(127);
	}
	(void)close(to[0]);
	(void)close(from[1]);
	driver->to = fdopen(to[1], "w");
	driver->from = fdopen(from[0], "r");
	assert_non_null(driver->to);
	assert_non_null(driver->from);
}

/* Send a line and wait for its answer: nothing follows it yet, so an answer that is held back would
 * hang here. */
static json_t *ask(struct driver *driver, struct span line)
{
	char *text = NULL;
	size_t room = 0;
	assert_int_equal(fwrite(line.at, 1, line.len, driver->to), line.len);
	assert_int_equal(fputc('\n', driver->to), '\n');
	assert_int_equal(fflush(driver->to), 0);
	ssize_t len = getline(&text, &room, driver->from);
	assert_true(len > 0);
	json_t *answer = json_loadb(text, (size_t)len, 0, NULL);
	assert_non_null(answer);
	free(text);
	return answer;
}

/* End of input: no more answers, and exit code 0. */
static void finish(struct driver *driver)
{
	int status = 0;
	(void)fclose(driver->to);
	assert_int_equal(fgetc(driver->from), EOF);
	(void)fclose(driver->from);
	assert_int_equal(waitpid(driver->pid, &status, 0), driver->pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void assert_answer(struct driver *driver, struct span line, bool is_valid, const char *what)
{
	json_t *answer = ask(driver, line);
	if (json_is_true(json_object_get(answer, "valid")) != is_valid) {
		fail_msg("%s: valid is not %d", what, is_valid);
	}
	assert_int_equal(json_object_size(answer), 2);
	assert_true(json_is_string(json_object_get(answer, is_valid ? "id" : "error")));
	json_decref(answer);
}

static void assert_says(struct driver *driver, const char *line, bool is_valid)
{
	assert_answer(driver, span_text(line), is_valid, line);
}

/* The first message of the worked examples, and the answer it must get. */
#define FIRST                                                                              \
	"{\"previous\":null,\"sequence\":1,\"author\":\"@ebVWLo/"                          \
	"mVPlAeLES6KmLp5AfhTrmlb7X4OORC60ElmQ=.ed25519\","                                 \
	"\"timestamp\":1514517067954,\"hash\":\"sha256\",\"content\":{\"type\":\"test\"}," \
	"\"signature\":\"9GsXClkv40xwVl0/QhM2feZFStIyGDTnwpnIeLV1O1Nd/o7b/"                \
	"ip0uWXhEgc5IFZqBAGFnBh1Y+ruCCs/HTk8Dg==.sig.ed25519\"}"
#define FIRST_ID "%wBIEc8XZvqLxJEgvZJ4gooxoObdYt2GI4U/OF4xxr5g=.sha256"

static void answers_each_line_before_the_next_is_sent(void **state)
{
	(void)state;
	struct driver driver;
	start(&driver);
	for (int i = 0; i < 3; i++) {
		json_t *answer = ask(&driver,
			span_text("{\"state\":null,\"hmacKey\":null,\"message\":" FIRST "}"));
		assert_true(json_is_true(json_object_get(answer, "valid")));
		assert_string_equal(vectors_text(answer, "id"), FIRST_ID);
		json_decref(answer);
	}
	finish(&driver);
}

static void judges_the_state_before_the_message(void **state)
{
	(void)state;
	struct driver driver;
	start(&driver);
	assert_says(&driver, "{\"message\":" FIRST "}", true);
	assert_says(&driver,
		"{\"state\":{\"id\":\"" FIRST_ID "\",\"sequence\":1},\"message\":" FIRST "}",
		false);
	static const char *const bad[] = {"false", "0", "\"\"", "[]", "{}",
		"{\"id\":\"" FIRST_ID "\"}", "{\"sequence\":1}", "{\"id\":\"x\",\"sequence\":1}",
		"{\"id\":\"" FIRST_ID "\",\"sequence\":\"1\"}",
		"{\"id\":\"" FIRST_ID "\",\"sequence\":0}",
		"{\"id\":\"" FIRST_ID "\",\"sequence\":1.5}"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct buf line = BUF_INIT(8 * KIB);
		assert_int_equal(buf_printf(&line, "{\"state\":%s,\"hmacKey\":null,\"message\":%s}",
					 bad[i], FIRST),
			ERR_OK);
		assert_answer(&driver, buf_span(&line), false, bad[i]);
		buf_fini(&line);
	}
	finish(&driver);
}

static void a_key_that_is_rubbish_makes_every_message_invalid(void **state)
{
	(void)state;
	struct driver driver;
	start(&driver);
	static const char *const bad[] = {"\"\"", "\"x\"", "7", "true", "{}", "[]",
		"\"QkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQg==\"",
		"\"QkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkI=\"",
		"\"QkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkI=.x\""};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct buf line = BUF_INIT(8 * KIB);
		assert_int_equal(buf_printf(&line, "{\"state\":null,\"hmacKey\":%s,\"message\":%s}",
					 bad[i], FIRST),
			ERR_OK);
		assert_answer(&driver, buf_span(&line), false, bad[i]);
		buf_fini(&line);
	}
	finish(&driver);
}

static void goes_on_after_lines_it_cannot_judge(void **state)
{
	(void)state;
	struct driver driver;
	start(&driver);
	static const char *const bad[] = {"", " ", "x", "null", "[]", "7", "{}",
		"{\"message\":null}", "{\"message\":[]}", "{\"message\":\"" FIRST_ID "\"}",
		"{\"message\":" FIRST, "{\"message\":" FIRST "}}",
		"{\"message\":" FIRST ",\"message\":1}",
		"{\"message\":" FIRST ",\"mess\\u0061ge\":1}"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_says(&driver, bad[i], false);
		assert_says(&driver, "{\"message\":1,\"mess\\u0061ge\":" FIRST "}", true);
	}
	finish(&driver);
}

/* The line's limit is its own; the message's is that of every message. */
static void refuses_lines_over_the_limit_and_goes_on(void **state)
{
	(void)state;
	struct driver driver;
	struct buf line = BUF_INIT(64 * MIB);
	static const size_t totals[] = {
		4 * LIMIT_MESSAGE_BYTES, 4 * LIMIT_MESSAGE_BYTES + 1, 32 * MIB};
	start(&driver);
	for (size_t i = 0; i < 3; i++) {
		buf_clear(&line);
		assert_int_equal(buf_append_text(&line, "{\"message\":" FIRST "}"), ERR_OK);
		while (line.len < totals[i]) {
			assert_int_equal(buf_append_byte(&line, ' '), ERR_OK);
		}
		assert_answer(&driver, buf_span(&line), i == 0, "long line");
	}
	assert_says(&driver, "{\"message\":" FIRST "}", true);
	finish(&driver);
	buf_fini(&line);
}

static void append_wire(const json_t *vector, const char *field, struct buf *line)
{
	struct buf wire = BUF_INIT(1 * MIB);
	assert_true(vectors_hex(vector, field, &wire));
	assert_null(memchr(wire.at, '\n', wire.len));
	assert_int_equal(buf_append(line, buf_span(&wire)), ERR_OK);
	buf_fini(&wire);
}

/* Every encoding vector, also with bytes that are no UTF-8 and the exact form it came in. */
static void judges_messages_by_their_own_bytes(void **state)
{
	(void)state;
	struct driver driver;
	json_t *root = vectors_load("feed-encoding");
	size_t i;
	const json_t *vector;
	start(&driver);
	json_array_foreach(json_object_get(root, "vectors"), i, vector)
	{
		struct buf line = BUF_INIT(1 * MIB);
		const char *hmac = vectors_text(vector, "hmac_key");
		const char *name = vectors_text(vector, "name");
		/* The vector with white space holds newlines, which a line cannot. */
		if (strcmp(name, "wire_whitespace") != 0) {
			const char *previous = vectors_text(vector, "previous_key");
			assert_int_equal(
				buf_printf(&line, "{\"hmacKey\":%s%s%s,\"message\":",
					hmac == NULL ? "" : "\"", hmac == NULL ? "null" : hmac,
					hmac == NULL ? "" : "\""),
				ERR_OK);
			append_wire(vector, "wire_hex", &line);
			assert_int_equal(
				previous == NULL
					? buf_append_text(&line, ",\"state\":null}")
					: buf_printf(&line,
						  ",\"state\":{\"id\":\"%s\",\"sequence\":1}}",
						  previous),
				ERR_OK);
			bool is_valid = vectors_text(vector, "ssb_validate") == NULL;
			json_t *answer = ask(&driver, buf_span(&line));
			assert_int_equal(json_is_true(json_object_get(answer, "valid")), is_valid);
			if (is_valid) {
				assert_string_equal(
					vectors_text(answer, "id"), vectors_text(vector, "key"));
			}
			json_decref(answer);
		}
		buf_fini(&line);
	}
	finish(&driver);
	json_decref(root);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_each_line_before_the_next_is_sent),
		cmocka_unit_test(judges_the_state_before_the_message),
		cmocka_unit_test(a_key_that_is_rubbish_makes_every_message_invalid),
		cmocka_unit_test(goes_on_after_lines_it_cannot_judge),
		cmocka_unit_test(refuses_lines_over_the_limit_and_goes_on),
		cmocka_unit_test(judges_messages_by_their_own_bytes),
	};
	(void)argc;
	(void)snprintf(program, sizeof(program), "%s/../../kith", dirname(argv[0]));
	(void)signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
