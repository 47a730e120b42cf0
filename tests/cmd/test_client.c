/* How a command asks: through the socket of a running node, and by itself when none runs. */
/* Test programs are linked without cmd/: the files under test come in here. */
#include "cmd/ask.c"
#include "cmd/client.c"
#include "cmd/cmd.c"
#include "cmd/socket.c"
#include "cmd/unlock.c"

#include "lib/api_rig.h"

#include "lib/cmocka.h"
#include "lib/folder.h"

#include "feed/key.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct cmd command = {.name = "test", .usage = "", .summary = ""};

/* main.c has the real table; it is no part of the test programs. */
const struct cmd *cmd_find(const char *name)
{
	(void)name;
	return &command;
}

static json_t *ask(const char *dir, bool must_run, const char *method, const char *target,
	const char *body, bool *is_running)
{
	const struct client_options options = {.name = "test", .data = dir};
	struct client *client = client_open(&options, must_run);
	json_t *answer = NULL;
	if (client != NULL) {
		*is_running = client_is_running(client);
		answer = client_ask(client, method, target, span_text(body));
	}
	client_close(client);
	return answer;
}

static void asks_a_running_node_through_its_socket(void **state)
{
	struct api_rig rig;
	bool is_running = false;
	(void)state;
	api_rig_start(&rig, NULL);
	json_t *answer =
		ask(rig.dir, true, "POST", "/api/post", "{\"text\":\"by socket\"}", &is_running);
	assert_true(is_running);
	assert_int_equal(json_integer_value(json_object_get(answer, "sequence")), 1);
	json_decref(answer);
	assert_null(ask(rig.dir, true, "POST", "/api/post", "{}", &is_running));
	api_rig_stop(&rig);
}

static void finds_the_socket_of_a_directory_with_a_long_name(void **state)
{
	struct api_rig rig;
	char link[256];
	bool is_running = false;
	(void)state;
	api_rig_start(&rig, NULL);
	/* The same directory under a name that no socket address has room for. */
	int len = snprintf(link, sizeof(link), "/tmp/kith-long-%d-", (int)getpid());
	memset(link + len, 'x', 150);
	link[len + 150] = '\0';
	assert_int_equal(symlink(rig.dir, link), 0);
	json_t *answer = ask(link, true, "GET", "/api/me", NULL, &is_running);
	assert_non_null(answer);
	json_decref(answer);
	(void)unlink(link);
	api_rig_stop(&rig);
}

static void serves_itself_when_no_node_runs(void **state)
{
	char dir[] = "/tmp/kith-client-XXXXXX";
	char why[256];
	struct key *key = NULL;
	bool is_running = true;
	(void)state;
	assert_non_null(mkdtemp(dir));
	/* No identity yet: a sentence, and nothing is made. */
	assert_null(ask(dir, false, "GET", "/api/me", NULL, &is_running));
	assert_int_equal(key_generate(&key), ERR_OK);
	assert_int_equal(config_save_key(dir, key, why, sizeof(why)), ERR_OK);
	assert_int_equal(config_save_fence(dir, key_id(key), why, sizeof(why)), ERR_OK);
	key_free(key);
	for (int i = 1; i <= 3; i++) {
		json_t *answer =
			ask(dir, false, "POST", "/api/publish", "{\"type\":\"test\"}", &is_running);
		assert_false(is_running);
		assert_int_equal(json_integer_value(json_object_get(answer, "sequence")), i);
		json_decref(answer);
	}
	assert_null(ask(dir, true, "GET", "/api/me", NULL, &is_running));
	assert_null(ask(dir, false, "POST", "/api/network/connect",
		"{\"address\":\"net:127.0.0.1:1~shs:u/"
		"WUB9aYZsCzT+7b6C1aPe51WfPtY4JOBIWhRYAYF4Q=\"}",
		&is_running));
	folder_remove(dir);
}

static int read_options(struct client_options *options, int argc, const char **argv, int least,
	int most, const char *wanted)
{
	/* Rows of argv move, their texts do not change. */
	return client_options(options, argc, (char **)(uintptr_t)argv, least, most, wanted);
}

static void takes_options_apart_from_arguments(void **state)
{
	struct client_options options = {.data = NULL};
	const char *argv[] = {"test", "--data", "/somewhere", "one", "--json", NULL};
	(void)state;
	assert_int_equal(read_options(&options, 5, argv, 1, 2, "wrong"), -1);
	assert_string_equal(options.data, "/somewhere");
	assert_true(options.is_json);
	assert_string_equal(argv[1], "one");
	assert_null(argv[2]);
	const char *none[] = {"test", "--data", "/somewhere", NULL};
	assert_int_equal(read_options(&options, 3, none, 0, 1, "wrong"), -1);
	assert_null(none[1]);
	const char *many[] = {"test", "a", "b", NULL};
	assert_int_equal(read_options(&options, 3, many, 0, 1, "wrong"), EXIT_USAGE);
	const char *unknown[] = {"test", "--nonsense", NULL};
	assert_int_equal(read_options(&options, 2, unknown, 0, 1, "wrong"), EXIT_USAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(asks_a_running_node_through_its_socket),
		cmocka_unit_test(finds_the_socket_of_a_directory_with_a_long_name),
		cmocka_unit_test(serves_itself_when_no_node_runs),
		cmocka_unit_test(takes_options_apart_from_arguments),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
