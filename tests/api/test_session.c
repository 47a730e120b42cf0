/* Codes, sessions, and how often one may ask. Time is the test's. */
#include "api/session.h"

#include "lib/cmocka.h"

#include <sodium.h>
#include <stdio.h>

enum { CODE_TRIES = 40 };

static int64_t now_ms;
static struct {
	char name[SESSION_NAME_BYTES], text[300];
	int64_t expires_ms;
	int puts, drops;
} kept;

static int64_t clock_ms(void *ctx)
{
	(void)ctx;
	return now_ms;
}

static void random_bytes(void *ctx, uint8_t *out, size_t count)
{
	(void)ctx;
	randombytes_buf(out, count);
}

static void log_nothing(void *ctx, enum log_level level, const char *line)
{
	(void)ctx;
	(void)level;
	(void)line;
}

static const struct env env = {
	.mono_ms = clock_ms, .wall_ms = clock_ms, .random = random_bytes, .log_line = log_nothing};

static void on_put(void *ctx, const char *name, const char *text, int64_t expires_ms)
{
	(void)ctx;
	(void)snprintf(kept.name, sizeof(kept.name), "%s", name);
	(void)snprintf(kept.text, sizeof(kept.text), "%s", text);
	kept.expires_ms = expires_ms;
	kept.puts++;
}

static void on_drop(void *ctx, const char *name)
{
	(void)ctx;
	(void)name;
	kept.drops++;
}

static struct sessions *begin(void)
{
	struct sessions *sessions = NULL;
	now_ms = 1795351736968;
	memset(&kept, 0, sizeof(kept));
	assert_int_equal(
		sessions_new(
			&(struct session_opts){.env = &env, .on_put = on_put, .on_drop = on_drop},
			&sessions),
		ERR_OK);
	return sessions;
}

struct door_keys {
	char cookie[SESSION_SECRET_BYTES], token[SESSION_SECRET_BYTES];
	struct session_id id;
};

static enum err login(
	struct sessions *sessions, const char *code, const char *from, struct door_keys *keys)
{
	int64_t retry_s = 0;
	enum err err = sessions_login(
		sessions, span_text(code), from, keys->cookie, keys->token, &retry_s);
	assert_true(err != ERR_LIMIT || retry_s > 0);
	return err;
}

static enum err check(struct sessions *sessions, struct door_keys *keys)
{
	return sessions_check(sessions, span_text(keys->cookie), span_text(keys->token), &keys->id);
}

static void open_one(struct sessions *sessions, struct door_keys *keys)
{
	char code[SESSION_SECRET_BYTES];
	now_ms += 60001; /* out of the way of the limit on attempts */
	sessions_new_code(sessions, code);
	assert_int_equal(login(sessions, code, "127.0.0.1", keys), ERR_OK);
	assert_int_equal(check(sessions, keys), ERR_OK);
}

static void opens_with_a_code_once(void **state)
{
	struct sessions *sessions = begin();
	struct door_keys keys;
	char code[SESSION_SECRET_BYTES];
	(void)state;
	sessions_new_code(sessions, code);
	assert_int_equal(strlen(code), 32);
	assert_int_equal(login(sessions, code, "::1", &keys), ERR_OK);
	assert_int_equal(check(sessions, &keys), ERR_OK);
	assert_int_equal(login(sessions, code, "::1", &keys), ERR_DENIED);
	sessions_free(sessions);
}

static void takes_no_code_older_than_ten_minutes(void **state)
{
	struct sessions *sessions = begin();
	struct door_keys keys;
	char code[SESSION_SECRET_BYTES];
	(void)state;
	sessions_new_code(sessions, code);
	now_ms += SESSION_CODE_MS + 1;
	assert_int_equal(login(sessions, code, "::1", &keys), ERR_DENIED);
	sessions_free(sessions);
}

static void wants_cookie_and_token_of_one_session(void **state)
{
	struct sessions *sessions = begin();
	struct door_keys a;
	struct door_keys b;
	struct session_id id;
	(void)state;
	open_one(sessions, &a);
	open_one(sessions, &b);
	assert_int_equal(
		sessions_check(sessions, span_text(a.cookie), span_text(b.token), &id), ERR_DENIED);
	assert_int_equal(
		sessions_check(sessions, span_text(a.cookie), span_text(""), &id), ERR_DENIED);
	assert_int_equal(
		sessions_check(sessions, span_text(""), span_text(a.token), &id), ERR_DENIED);
	assert_int_equal(
		sessions_check(sessions, span_text(a.token), span_text(a.cookie), &id), ERR_DENIED);
	assert_int_equal(sessions_check_token(sessions, &a.id, span_text(b.token)), ERR_DENIED);
	assert_int_equal(sessions_check_token(sessions, &a.id, span_text(a.token)), ERR_OK);
	assert_int_equal(sessions_check_cookie(sessions, span_text(a.cookie), &id), ERR_OK);
	assert_int_equal(sessions_check_cookie(sessions, span_text("x"), &id), ERR_DENIED);
	sessions_free(sessions);
}

static void ends_when_told_to(void **state)
{
	struct sessions *sessions = begin();
	struct door_keys keys;
	(void)state;
	open_one(sessions, &keys);
	sessions_end(sessions, &keys.id);
	assert_int_equal(check(sessions, &keys), ERR_DENIED);
	assert_int_equal(kept.drops, 1);
	assert_int_equal(sessions_count(sessions), 0);
	sessions_free(sessions);
}

static void ends_after_a_quiet_week(void **state)
{
	struct sessions *sessions = begin();
	struct door_keys keys;
	(void)state;
	open_one(sessions, &keys);
	now_ms += LIMIT_SESSION_IDLE_MS;
	assert_int_equal(check(sessions, &keys), ERR_OK);
	now_ms += LIMIT_SESSION_IDLE_MS + 1;
	assert_int_equal(check(sessions, &keys), ERR_DENIED);
	sessions_free(sessions);
}

static void ends_after_thirty_days_however_busy(void **state)
{
	struct sessions *sessions = begin();
	struct door_keys keys;
	(void)state;
	open_one(sessions, &keys);
	for (int day = 0; day < 30; day++) {
		assert_int_equal(check(sessions, &keys), ERR_OK);
		now_ms += 24LL * 3600 * 1000;
	}
	assert_int_equal(check(sessions, &keys), ERR_OK);
	now_ms += 1;
	assert_int_equal(check(sessions, &keys), ERR_DENIED);
	sessions_free(sessions);
}

static void survives_a_restart_by_its_hashes_alone(void **state)
{
	struct sessions *sessions = begin();
	struct door_keys keys;
	(void)state;
	open_one(sessions, &keys);
	assert_int_equal(kept.puts, 1);
	assert_null(strstr(kept.text, keys.token));
	assert_null(strstr(kept.name, keys.cookie));
	sessions_free(sessions);
	assert_int_equal(sessions_new(&(struct session_opts){.env = &env}, &sessions), ERR_OK);
	sessions_restore(sessions, span_text("rubbish"), span_text(kept.text), kept.expires_ms);
	sessions_restore(
		sessions, span_text(kept.name), span_text("{\"token\":1}"), kept.expires_ms);
	sessions_restore(sessions, span_text(kept.name), span_text(kept.text), now_ms - 1);
	assert_int_equal(sessions_count(sessions), 0);
	sessions_restore(sessions, span_text(kept.name), span_text(kept.text), kept.expires_ms);
	assert_int_equal(check(sessions, &keys), ERR_OK);
	sessions_free(sessions);
}

static void gives_up_the_quietest_session_for_a_new_one(void **state)
{
	struct sessions *sessions = begin();
	struct door_keys keys[LIMIT_SESSIONS + 1];
	(void)state;
	for (size_t i = 0; i < LIMIT_SESSIONS; i++) {
		open_one(sessions, &keys[i]);
	}
	assert_int_equal(sessions_count(sessions), LIMIT_SESSIONS);
	assert_int_equal(check(sessions, &keys[0]), ERR_OK);
	open_one(sessions, &keys[LIMIT_SESSIONS]);
	assert_int_equal(sessions_count(sessions), LIMIT_SESSIONS);
	assert_int_equal(check(sessions, &keys[0]), ERR_OK);
	assert_int_equal(check(sessions, &keys[1]), ERR_DENIED);
	assert_int_equal(kept.drops, 1);
	sessions_free(sessions);
}

static void stops_guessing_after_five_failures_from_one_address(void **state)
{
	struct sessions *sessions = begin();
	struct door_keys keys;
	char code[SESSION_SECRET_BYTES];
	(void)state;
	for (int i = 0; i < LIMIT_LOGIN_FAILURES; i++) {
		assert_int_equal(login(sessions, "wrong", "127.0.0.1", &keys), ERR_DENIED);
	}
	sessions_new_code(sessions, code);
	for (int i = 0; i < 1000; i++) {
		assert_int_equal(login(sessions, code, "127.0.0.1", &keys), ERR_LIMIT);
	}
	assert_int_equal(login(sessions, code, "::1", &keys), ERR_OK);
	now_ms += 15 * 60 * 1000 + 1;
	sessions_new_code(sessions, code);
	assert_int_equal(login(sessions, code, "127.0.0.1", &keys), ERR_OK);
	sessions_free(sessions);
}

static void bounds_attempts_from_everywhere_together(void **state)
{
	struct sessions *sessions = begin();
	struct door_keys keys;
	char from[32];
	(void)state;
	for (int i = 0; i < LIMIT_LOGIN_PER_MINUTE; i++) {
		(void)snprintf(from, sizeof(from), "10.0.0.%d", i);
		assert_int_equal(login(sessions, "wrong", from, &keys), ERR_DENIED);
	}
	for (int i = 0; i < 1000; i++) {
		(void)snprintf(from, sizeof(from), "10.0.1.%d", i);
		assert_int_equal(login(sessions, "wrong", from, &keys), ERR_LIMIT);
	}
	now_ms += 60001;
	assert_int_equal(login(sessions, "wrong", "10.1.0.0", &keys), ERR_DENIED);
	sessions_free(sessions);
}

static void keeps_only_the_newest_codes(void **state)
{
	struct sessions *sessions = begin();
	struct door_keys keys;
	char first[SESSION_SECRET_BYTES];
	char code[SESSION_SECRET_BYTES];
	(void)state;
	sessions_new_code(sessions, first);
	for (int i = 0; i < CODE_TRIES; i++) {
		now_ms++;
		sessions_new_code(sessions, code);
	}
	assert_int_equal(login(sessions, first, "::1", &keys), ERR_DENIED);
	assert_int_equal(login(sessions, code, "::1", &keys), ERR_OK);
	sessions_free(sessions);
}

static size_t spend_all(
	struct sessions *sessions, const struct session_id *id, enum session_cost cost)
{
	size_t count = 0;
	int64_t retry_s = 0;
	while (count < 10000 && sessions_spend(sessions, id, cost, &retry_s) == ERR_OK) {
		count++;
	}
	assert_true(retry_s >= 1);
	return count;
}

static void slows_down_who_asks_too_often(void **state)
{
	struct sessions *sessions = begin();
	struct door_keys keys;
	(void)state;
	open_one(sessions, &keys);
	assert_int_equal(spend_all(sessions, &keys.id, SESSION_ASKS), LIMIT_HTTP_REQUESTS_BURST);
	now_ms += 1000;
	assert_int_equal(
		spend_all(sessions, &keys.id, SESSION_ASKS), LIMIT_HTTP_REQUESTS_PER_SECOND);
	now_ms += 3600 * 1000;
	assert_int_equal(spend_all(sessions, &keys.id, SESSION_ASKS), LIMIT_HTTP_REQUESTS_BURST);
	assert_int_equal(
		spend_all(sessions, &keys.id, SESSION_PUBLISHES), LIMIT_PUBLISH_PER_MINUTE);
	now_ms += 60000;
	assert_int_equal(
		spend_all(sessions, &keys.id, SESSION_PUBLISHES), LIMIT_PUBLISH_PER_MINUTE);
	sessions_free(sessions);
}

int main(void)
{
	if (sodium_init() < 0) {
		return 1;
	}
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(opens_with_a_code_once),
		cmocka_unit_test(takes_no_code_older_than_ten_minutes),
		cmocka_unit_test(wants_cookie_and_token_of_one_session),
		cmocka_unit_test(ends_when_told_to),
		cmocka_unit_test(ends_after_a_quiet_week),
		cmocka_unit_test(ends_after_thirty_days_however_busy),
		cmocka_unit_test(survives_a_restart_by_its_hashes_alone),
		cmocka_unit_test(gives_up_the_quietest_session_for_a_new_one),
		cmocka_unit_test(stops_guessing_after_five_failures_from_one_address),
		cmocka_unit_test(bounds_attempts_from_everywhere_together),
		cmocka_unit_test(keeps_only_the_newest_codes),
		cmocka_unit_test(slows_down_who_asks_too_often),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
