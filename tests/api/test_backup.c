/* Backups through the page: asked for, seen, fetched, and nothing else with them; and the way out.
 */
#include "lib/api_rig.h"

#include "lib/cmocka.h"

#include "base/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct api_rig rig;

static int set_up(void **state)
{
	char path[128];
	struct api_reply reply;
	(void)state;
	api_rig_start(&rig, NULL);
	(void)snprintf(path, sizeof(path), "%s/secret", rig.dir);
	assert_int_equal(file_create(path, span_text("the text of the secret file"), 0600), ERR_OK);
	api_rig_ask(&rig, "POST", "/api/post", "{\"text\":\"one\"}", "", &reply);
	assert_int_equal(reply.status, 200);
	api_reply_fini(&reply);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	api_rig_stop(&rig);
	return 0;
}

static unsigned ask(const char *method, const char *target, const char *body, char code[32])
{
	struct api_reply reply;
	api_rig_advance(10000); /* each has its whole allowance */
	api_rig_ask(&rig, method, target, body, "", &reply);
	unsigned status = reply.status;
	(void)snprintf(code, 32, "%s", api_reply_text(&reply, "error.code"));
	api_reply_fini(&reply);
	return status;
}

static void assert_said(
	const char *method, const char *target, const char *body, unsigned status, const char *code)
{
	char got[32];
	unsigned is = ask(method, target, body, got);
	if (is != status || strcmp(got, code) != 0) {
		fail_msg("%s %s: %u %s", method, target, is, got);
	}
}

/* The member `backup` of GET /api/safety once no job runs; json_decref() it. */
static json_t *wait_for_job(void)
{
	for (;;) {
		struct api_reply reply;
		api_rig_advance(10000);
		api_rig_ask(&rig, "GET", "/api/safety", NULL, "", &reply);
		assert_int_equal(reply.status, 200);
		json_t *backup = json_incref(json_object_get(reply.json, "backup"));
		const char *phase =
			json_string_value(json_object_get(json_object_get(backup, "job"), "phase"));
		assert_non_null(phase);
		bool is_over = strcmp(phase, "done") == 0 || strcmp(phase, "failed") == 0;
		api_reply_fini(&reply);
		if (is_over) {
			return backup;
		}
		json_decref(backup);
		(void)usleep(10000);
	}
}

/* Ask for one, wait, and tell its name. */
static void make(const char *body, char name[64])
{
	char code[32];
	assert_int_equal(ask("POST", "/api/safety/backup", body, code), 202);
	json_t *backup = wait_for_job();
	const json_t *job = json_object_get(backup, "job");
	assert_string_equal(json_string_value(json_object_get(job, "phase")), "done");
	assert_string_equal(json_string_value(json_object_get(job, "kind")), "backup");
	(void)snprintf(name, 64, "%s", json_string_value(json_object_get(job, "name")));
	assert_true(json_is_integer(json_object_get(backup, "last_ok")));
	assert_false(json_is_true(json_object_get(backup, "is_late")));
	const json_t *file = json_array_get(json_object_get(backup, "files"), 0);
	assert_string_equal(json_string_value(json_object_get(file, "name")), name);
	assert_true(json_integer_value(json_object_get(file, "bytes")) > 0);
	json_decref(backup);
}

static void what_is_made_can_be_fetched_byte_for_byte(void **state)
{
	char name[64];
	char target[128];
	char path[256];
	struct api_reply reply;
	struct buf file = BUF_INIT(64 * 1024 * 1024);
	(void)state;
	make("{}", name);
	(void)snprintf(target, sizeof(target), "/api/safety/backup/%s", name);
	(void)snprintf(path, sizeof(path), "%s/backups/%s", rig.dir, name);
	assert_int_equal(file_read(path, &file), ERR_OK);
	api_rig_ask(&rig, "GET", target, NULL, "", &reply);
	assert_int_equal(reply.status, 200);
	assert_non_null(strstr(reply.text, "Content-Type: application/octet-stream\r\n"));
	assert_non_null(strstr(reply.text, "Content-Disposition: attachment; filename=kith-"));
	assert_non_null(strstr(reply.text, "Cache-Control: no-store\r\n"));
	assert_non_null(strstr(reply.text, "X-Content-Type-Options: nosniff\r\n"));
	assert_non_null(
		strstr(reply.text, "Content-Security-Policy: default-src 'none'; sandbox\r\n"));
	size_t head = (size_t)(reply.body - reply.text);
	assert_int_equal(reply.len - head, file.len);
	assert_memory_equal(reply.body, file.at, file.len);
	api_reply_fini(&reply);
	buf_fini(&file);
}

static void one_with_a_passphrase_is_another_file(void **state)
{
	char plain[64];
	char away[64];
	(void)state;
	make("{}", plain);
	make("{\"passphrase\":\"correct horse\"}", away);
	assert_non_null(strstr(away, "-away.backup"));
	assert_string_not_equal(plain, away);
	assert_said("POST", "/api/safety/backup", "{\"passphrase\":\"seven77\"}", 422, "refused");
	assert_said("POST", "/api/safety/backup", "{\"passphrase\":7}", 400, "bad_request");
}

static void only_backups_are_given_out(void **state)
{
	static const char *const names[] = {"secret", "..", "../secret", "%2e%2e/secret",
		"..%2fsecret", "kith.db", "", "kith-20200101-000000.backup",
		"kith-20200102-000000.backup", "kith-20200103-000000.backup",
		"kith-20200101-000000.backup.partial"};
	char path[256];
	char name[64];
	(void)state;
	make("{}", name);
	/* One is a link to the key, one a folder, one a pipe: none may be opened. */
	(void)snprintf(path, sizeof(path), "%s/backups/kith-20200101-000000.backup", rig.dir);
	assert_int_equal(symlink("../secret", path), 0);
	(void)snprintf(path, sizeof(path), "%s/backups/kith-20200102-000000.backup", rig.dir);
	assert_int_equal(mkdir(path, 0700), 0);
	(void)snprintf(path, sizeof(path), "%s/backups/kith-20200103-000000.backup", rig.dir);
	assert_int_equal(mkfifo(path, 0600), 0);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char target[128];
		struct api_reply reply;
		(void)snprintf(target, sizeof(target), "/api/safety/backup/%s", names[i]);
		api_rig_advance(10000);
		api_rig_ask(&rig, "GET", target, NULL, "", &reply);
		assert_true(reply.status == 404 || reply.status == 400 || reply.status == 405);
		assert_null(strstr(reply.text, "the text of the secret file"));
		api_reply_fini(&reply);
	}
}

static void nobody_without_a_session_gets_or_makes_one(void **state)
{
	char name[64];
	char target[128];
	char cookie[sizeof(rig.cookie)];
	(void)state;
	make("{}", name);
	(void)snprintf(target, sizeof(target), "/api/safety/backup/%s", name);
	memcpy(cookie, rig.cookie, sizeof(cookie));
	(void)snprintf(rig.cookie, sizeof(rig.cookie), "nothing=1");
	assert_said("GET", target, NULL, 401, "login");
	assert_said("POST", "/api/safety/backup", "{}", 401, "login");
	assert_said("POST", "/api/safety/move", "{\"confirm\":\"move\",\"bundle\":false}", 401,
		"login");
	memcpy(rig.cookie, cookie, sizeof(cookie));
}

static void a_failure_is_said(void **state)
{
	char path[256];
	char code[32];
	(void)state;
	(void)snprintf(path, sizeof(path), "%s/backups", rig.dir);
	assert_int_equal(file_create(path, span_text("no folder"), 0600), ERR_OK);
	assert_int_equal(ask("POST", "/api/safety/backup", "{}", code), 202);
	json_t *backup = wait_for_job();
	const json_t *job = json_object_get(backup, "job");
	assert_string_equal(json_string_value(json_object_get(job, "phase")), "failed");
	assert_true(json_is_null(json_object_get(job, "name")));
	assert_string_equal(json_string_value(json_object_get(job, "said")),
		json_string_value(json_object_get(backup, "last_error")));
	json_decref(backup);
}

static void moving_out_wants_to_be_meant_and_is_for_good(void **state)
{
	static const char move[] = "{\"confirm\":\"move\",\"passphrase\":\"correct horse\"}";
	char code[32];
	(void)state;
	assert_said("POST", "/api/safety/move", "{\"passphrase\":\"correct horse\"}", 400,
		"bad_request");
	assert_said("POST", "/api/safety/move", "{\"confirm\":\"yes\"}", 400, "bad_request");
	assert_said("POST", "/api/safety/move", "{\"confirm\":\"move\"}", 422, "refused");
	assert_said("POST", "/api/safety/move", "{\"confirm\":\"move\",\"passphrase\":\"seven77\"}",
		422, "refused");
	/* None of these has retired it. */
	assert_int_equal(ask("POST", "/api/post", "{\"text\":\"two\"}", code), 200);
	assert_int_equal(ask("POST", "/api/safety/move", move, code), 202);
	json_t *backup = wait_for_job();
	const json_t *job = json_object_get(backup, "job");
	assert_string_equal(json_string_value(json_object_get(job, "kind")), "move");
	assert_non_null(strstr(json_string_value(json_object_get(job, "name")), "-move.backup"));
	json_decref(backup);
	assert_said("POST", "/api/post", "{\"text\":\"three\"}", 409, "paused");
	api_rig_restart(&rig);
	assert_said("POST", "/api/post", "{\"text\":\"three\"}", 409, "paused");
	/* The file was lost on the way: once more. */
	assert_int_equal(ask("POST", "/api/safety/move", move, code), 202);
	json_decref(wait_for_job());
	assert_int_equal(
		ask("POST", "/api/safety/move", "{\"confirm\":\"move\",\"bundle\":false}", code),
		200);
}

static void a_week_without_one_is_late(void **state)
{
	char name[64];
	struct api_reply reply;
	(void)state;
	for (int i = 0; i < 2; i++) {
		api_rig_advance(LIMIT_BACKUP_LATE_MS - 100000);
		api_rig_restart(&rig); /* sessions end in such a time: as the owner */
		api_rig_ask_owner(&rig, "GET", "/api/status", NULL, &reply);
		assert_false(json_is_true(json_object_get(reply.json, "backup_late")));
		api_reply_fini(&reply);
		api_rig_advance(200000);
		api_rig_ask_owner(&rig, "GET", "/api/status", NULL, &reply);
		assert_true(json_is_true(json_object_get(reply.json, "backup_late")));
		api_reply_fini(&reply);
		if (i == 0) {
			api_rig_ask_owner(&rig, "POST", "/api/safety/backup", "{}", &reply);
			assert_int_equal(reply.status, 202);
			api_reply_fini(&reply);
			do {
				(void)usleep(10000);
				api_rig_ask_owner(&rig, "GET", "/api/safety", NULL, &reply);
				(void)snprintf(name, sizeof(name), "%s",
					api_reply_text(&reply, "backup.job.phase"));
				api_reply_fini(&reply);
			} while (strcmp(name, "done") != 0);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			what_is_made_can_be_fetched_byte_for_byte, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			one_with_a_passphrase_is_another_file, set_up, tear_down),
		cmocka_unit_test_setup_teardown(only_backups_are_given_out, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			nobody_without_a_session_gets_or_makes_one, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_failure_is_said, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			moving_out_wants_to_be_meant_and_is_for_good, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_week_without_one_is_late, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
