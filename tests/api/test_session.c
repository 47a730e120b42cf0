/* Codes, sessions, and how often one may ask. Time is the test's. */
#include "api/session.h"

#include "base/encode.h"
#include "lib/cmocka.h"

#include <sodium.h>
#include <stdio.h>

enum { CODE_TRIES = 40 };

static int64_t now_ms;
static struct {
	char name[SESSION_NAME_BYTES], text[800];
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
	struct session_keys given;
	struct session_id id;
};

static void new_code(struct sessions *sessions, char code[static SESSION_SECRET_BYTES])
{
	sessions_new_code(sessions, &(struct session_invite){.may = SESSION_MAY_WRITE}, code);
}

static void new_short_code(struct sessions *sessions, char code[static SESSION_SECRET_BYTES])
{
	sessions_new_code(sessions,
		&(struct session_invite){.is_short = true, .may = SESSION_MAY_READ}, code);
}

static enum err login(
	struct sessions *sessions, const char *code, const char *from, struct door_keys *keys)
{
	int64_t retry_s = 0;
	const struct session_knock knock = {
		.code = span_text(code), .address = from, .label = span_text("Firefox")};
	enum err err = sessions_login(sessions, &knock, &keys->given, &retry_s);
	assert_true(err != ERR_LIMIT || retry_s > 0);
	return err;
}

static enum err check(struct sessions *sessions, struct door_keys *keys)
{
	return sessions_check(
		sessions, span_text(keys->given.cookie), span_text(keys->given.token), &keys->id);
}

static void open_one(struct sessions *sessions, struct door_keys *keys)
{
	char code[SESSION_SECRET_BYTES];
	now_ms += 60001; /* out of the way of the limit on attempts */
	new_code(sessions, code);
	assert_int_equal(login(sessions, code, "127.0.0.1", keys), ERR_OK);
	assert_int_equal(check(sessions, keys), ERR_OK);
}

static void opens_with_a_code_once(void **state)
{
	struct sessions *sessions = begin();
	struct door_keys keys;
	char code[SESSION_SECRET_BYTES];
	(void)state;
	new_code(sessions, code);
	assert_int_equal(strlen(code), 32);
	assert_int_equal(login(sessions, code, "::1", &keys), ERR_OK);
	assert_int_equal(check(sessions, &keys), ERR_OK);
	assert_int_equal(login(sessions, code, "::1", &keys), ERR_DENIED);
	sessions_free(sessions);
}

static void takes_no_long_code_older_than_ten_minutes(void **state)
{
	struct sessions *sessions = begin();
	struct door_keys keys;
	char code[SESSION_SECRET_BYTES];
	(void)state;
	new_code(sessions, code);
	now_ms += LIMIT_LONG_CODE_MS + 1;
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
		sessions_check(sessions, span_text(a.given.cookie), span_text(b.given.token), &id),
		ERR_DENIED);
	assert_int_equal(sessions_check(sessions, span_text(a.given.cookie), span_text(""), &id),
		ERR_DENIED);
	assert_int_equal(
		sessions_check(sessions, span_text(""), span_text(a.given.token), &id), ERR_DENIED);
	assert_int_equal(
		sessions_check(sessions, span_text(a.given.token), span_text(a.given.cookie), &id),
		ERR_DENIED);
	assert_int_equal(
		sessions_check_token(sessions, &a.id, span_text(b.given.token)), ERR_DENIED);
	assert_int_equal(sessions_check_token(sessions, &a.id, span_text(a.given.token)), ERR_OK);
	assert_int_equal(sessions_check_cookie(sessions, span_text(a.given.cookie), &id), ERR_OK);
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
	assert_null(strstr(kept.text, keys.given.token));
	assert_null(strstr(kept.name, keys.given.cookie));
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
	new_code(sessions, code);
	for (int i = 0; i < 1000; i++) {
		assert_int_equal(login(sessions, code, "127.0.0.1", &keys), ERR_LIMIT);
	}
	assert_int_equal(login(sessions, code, "::1", &keys), ERR_OK);
	now_ms += 15 * 60 * 1000 + 1;
	new_code(sessions, code);
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
	new_code(sessions, first);
	for (int i = 0; i < CODE_TRIES; i++) {
		now_ms++;
		new_code(sessions, code);
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

static enum err try_short(const char *typed, int64_t after_ms)
{
	struct sessions *sessions = begin();
	struct door_keys keys;
	char code[SESSION_SECRET_BYTES];
	char text[64];
	new_short_code(sessions, code);
	now_ms += after_ms;
	(void)snprintf(text, sizeof(text), typed, 4, code, code + 5);
	enum err err = login(sessions, text, "::1", &keys);
	sessions_free(sessions);
	return err;
}

static void a_short_code_is_eight_letters_that_nobody_mixes_up(void **state)
{
	struct sessions *sessions = begin();
	char code[SESSION_SECRET_BYTES];
	bool is_seen[128] = {false};
	size_t count = 0;
	(void)state;
	for (int i = 0; i < 1000; i++) {
		new_short_code(sessions, code);
		assert_int_equal(strlen(code), 9);
		assert_int_equal(code[4], '-');
		for (size_t j = 0; j < 9; j++) {
			assert_null(strchr("0O1ILabcdefghijklmnopqrstuvwxyz", code[j]));
			count += is_seen[(size_t)code[j]] ? 0 : 1;
			is_seen[(size_t)code[j]] = true;
		}
	}
	assert_int_equal(count, 31 + 1);
	sessions_free(sessions);
}

static void a_short_code_is_taken_however_it_is_typed(void **state)
{
	(void)state;
	assert_int_equal(try_short("%.*s-%s", 0), ERR_OK);
	assert_int_equal(try_short("%.*s%s", 0), ERR_OK);
	assert_int_equal(try_short(" %.*s - %s ", 0), ERR_OK);
	assert_int_equal(try_short("%.*s%sA", 0), ERR_DENIED);
	assert_int_equal(try_short("%.*s", 0), ERR_DENIED);
	assert_int_equal(try_short("", 0), ERR_DENIED);
	struct sessions *sessions = begin();
	struct door_keys keys;
	char code[SESSION_SECRET_BYTES];
	new_short_code(sessions, code);
	for (size_t i = 0; i < 9; i++) {
		code[i] = (char)(code[i] >= 'A' ? code[i] + ('a' - 'A') : code[i]);
	}
	assert_int_equal(login(sessions, code, "::1", &keys), ERR_OK);
	assert_int_equal(keys.given.may, SESSION_MAY_READ);
	sessions_free(sessions);
}

static void a_short_code_opens_once_and_for_two_minutes(void **state)
{
	struct sessions *sessions = begin();
	struct door_keys keys;
	char code[SESSION_SECRET_BYTES];
	(void)state;
	new_short_code(sessions, code);
	assert_int_equal(login(sessions, code, "::1", &keys), ERR_OK);
	assert_int_equal(login(sessions, code, "::1", &keys), ERR_DENIED);
	sessions_free(sessions);
	assert_int_equal(try_short("%.*s-%s", LIMIT_SHORT_CODE_MS), ERR_OK);
	assert_int_equal(try_short("%.*s-%s", LIMIT_SHORT_CODE_MS + 1), ERR_DENIED);
	assert_int_equal(try_short("%.*s-%s", 1000LL * LIMIT_SHORT_CODE_MS), ERR_DENIED);
}

static void of_short_codes_the_newest_five_are_good_and_no_long_one_gives_way(void **state)
{
	struct sessions *sessions = begin();
	struct door_keys keys;
	char link[SESSION_SECRET_BYTES];
	char codes[CODE_TRIES][SESSION_SECRET_BYTES];
	(void)state;
	new_code(sessions, link);
	for (int i = 0; i < CODE_TRIES; i++) {
		now_ms++;
		new_short_code(sessions, codes[i]);
	}
	int newest = CODE_TRIES - LIMIT_SHORT_CODES;
	assert_int_equal(login(sessions, codes[0], "::1", &keys), ERR_DENIED);
	assert_int_equal(login(sessions, codes[newest - 1], "::1", &keys), ERR_DENIED);
	for (int i = newest; i < CODE_TRIES; i++) {
		assert_int_equal(login(sessions, codes[i], "::1", &keys), ERR_OK);
	}
	assert_int_equal(login(sessions, link, "::1", &keys), ERR_OK);
	sessions_free(sessions);
}

static void codes_of_a_device_end_with_it_and_with_its_right_to_write(void **state)
{
	struct sessions *sessions = begin();
	struct door_keys keys;
	struct door_keys other;
	char code[SESSION_SECRET_BYTES];
	(void)state;
	open_one(sessions, &keys);
	struct session_invite invite = {.may = SESSION_MAY_WRITE, .maker = &keys.id};
	for (int way = 0; way < 4; way++) {
		invite.is_short = way % 2 == 0;
		sessions_new_code(sessions, &invite, code);
		if (way < 2) {
			const struct session_change change = {
				.has_may = true, .may = SESSION_MAY_READ};
			assert_int_equal(sessions_change(sessions, &keys.id, &change), ERR_OK);
		} else {
			sessions_end(sessions, &keys.id);
		}
		now_ms += 60001;
		assert_int_equal(login(sessions, code, "::1", &other), ERR_DENIED);
	}
	sessions_free(sessions);
}

static void counts_an_ipv6_network_as_one_address(void **state)
{
	struct sessions *sessions = begin();
	struct door_keys keys;
	char from[64];
	(void)state;
	for (int i = 0; i < LIMIT_LOGIN_FAILURES; i++) {
		(void)snprintf(from, sizeof(from), "2001:db8:0:7::%d", i + 1);
		assert_int_equal(login(sessions, "wrong", from, &keys), ERR_DENIED);
	}
	assert_int_equal(login(sessions, "wrong", "2001:db8:0:7:ffff::1", &keys), ERR_LIMIT);
	assert_int_equal(login(sessions, "wrong", "2001:db8:0:8::1", &keys), ERR_DENIED);
	for (int i = 0; i < LIMIT_LOGIN_FAILURES; i++) {
		assert_int_equal(login(sessions, "wrong",
					 i % 2 == 0 ? "192.0.2.7" : "::ffff:192.0.2.7", &keys),
			ERR_DENIED);
	}
	assert_int_equal(login(sessions, "wrong", "192.0.2.7", &keys), ERR_LIMIT);
	assert_int_equal(login(sessions, "wrong", "192.0.2.8", &keys), ERR_DENIED);
	sessions_free(sessions);
}

static void rotate(struct sessions *sessions, struct door_keys *keys)
{
	int64_t retry_s = 0;
	assert_int_equal(check(sessions, keys), ERR_OK);
	assert_int_equal(sessions_rotate(sessions, &keys->id, &keys->given, &retry_s), ERR_OK);
}

static enum err check_mix(
	struct sessions *sessions, const struct door_keys *a, const struct door_keys *b)
{
	struct session_id id;
	return sessions_check(sessions, span_text(a->given.cookie), span_text(b->given.token), &id);
}

static void the_old_pair_goes_on_until_the_new_token_was_seen_and_a_minute(void **state)
{
	struct sessions *sessions = begin();
	struct door_keys old;
	(void)state;
	open_one(sessions, &old);
	struct door_keys fresh = old;
	rotate(sessions, &fresh);
	assert_string_not_equal(old.given.cookie, fresh.given.cookie);
	assert_string_not_equal(old.given.token, fresh.given.token);
	/* The answer never came: nothing is lost. */
	now_ms += 3600 * 1000;
	assert_int_equal(check(sessions, &old), ERR_OK);
	/* Another tab has the new cookie and the old token. */
	assert_int_equal(check_mix(sessions, &fresh, &old), ERR_OK);
	assert_int_equal(check(sessions, &fresh), ERR_OK);
	assert_memory_equal(&old.id, &fresh.id, sizeof(old.id));
	now_ms += LIMIT_ROTATE_MS - 1;
	assert_int_equal(check(sessions, &old), ERR_OK);
	assert_int_equal(check_mix(sessions, &old, &fresh), ERR_OK);
	now_ms += 1;
	assert_int_equal(check(sessions, &old), ERR_DENIED);
	assert_int_equal(check_mix(sessions, &old, &fresh), ERR_DENIED);
	assert_int_equal(check_mix(sessions, &fresh, &old), ERR_DENIED);
	assert_int_equal(check(sessions, &fresh), ERR_OK);
	sessions_free(sessions);
}

static void two_tabs_that_rotate_at_once_get_one_new_pair(void **state)
{
	struct sessions *sessions = begin();
	struct door_keys old;
	struct session_keys second;
	int64_t retry_s = 0;
	(void)state;
	open_one(sessions, &old);
	struct door_keys fresh = old;
	rotate(sessions, &fresh);
	now_ms += LIMIT_ROTATE_MS - 1;
	assert_int_equal(sessions_rotate(sessions, &old.id, &second, &retry_s), ERR_LIMIT);
	assert_int_equal(retry_s, 1);
	now_ms += 1;
	/* The first answer was lost, so the pair is replaced and the old one goes on. */
	struct door_keys third = old;
	rotate(sessions, &third);
	assert_int_equal(check(sessions, &old), ERR_OK);
	assert_int_equal(check(sessions, &fresh), ERR_DENIED);
	assert_int_equal(check(sessions, &third), ERR_OK);
	sessions_free(sessions);
}

static void a_new_pair_outlives_a_restart_seen_or_not(void **state)
{
	(void)state;
	for (int is_seen = 0; is_seen < 2; is_seen++) {
		struct sessions *sessions = begin();
		struct door_keys old;
		open_one(sessions, &old);
		struct door_keys fresh = old;
		rotate(sessions, &fresh);
		if (is_seen != 0) {
			assert_int_equal(check(sessions, &fresh), ERR_OK);
		}
		sessions_free(sessions);
		assert_int_equal(
			sessions_new(&(struct session_opts){.env = &env}, &sessions), ERR_OK);
		sessions_restore(
			sessions, span_text(kept.name), span_text(kept.text), kept.expires_ms);
		assert_int_equal(check(sessions, &old), is_seen != 0 ? ERR_DENIED : ERR_OK);
		assert_int_equal(check(sessions, &fresh), ERR_OK);
		sessions_free(sessions);
	}
}

static void what_an_older_program_kept_is_understood(void **state)
{
	struct sessions *sessions = begin();
	struct session_id id;
	uint8_t hash[SESSION_HASH_BYTES];
	char name[SESSION_NAME_BYTES];
	char token[SESSION_NAME_BYTES];
	char text[256];
	(void)state;
	assert_int_equal(
		crypto_generichash(hash, sizeof(hash), (const uint8_t *)"cookie", 6, NULL, 0), 0);
	hex_encode(span_of(hash, sizeof(hash)), name);
	assert_int_equal(
		crypto_generichash(hash, sizeof(hash), (const uint8_t *)"token", 5, NULL, 0), 0);
	hex_encode(span_of(hash, sizeof(hash)), token);
	(void)snprintf(text, sizeof(text), "{\"token\":\"%s\",\"made\":%lld,\"seen\":%lld}", token,
		(long long)now_ms, (long long)now_ms);
	sessions_restore(sessions, span_text(name), span_text(text), now_ms + 1000);
	assert_int_equal(
		sessions_check(sessions, span_text("cookie"), span_text("token"), &id), ERR_OK);
	assert_true(sessions_may_write(sessions, &id));
	sessions_free(sessions);
}

static void what_a_device_is_called_and_may_do_outlives_a_restart(void **state)
{
	struct sessions *sessions = begin();
	struct session_row rows[LIMIT_SESSIONS];
	struct door_keys keys;
	(void)state;
	open_one(sessions, &keys);
	assert_true(sessions_may_write(sessions, &keys.id));
	const struct session_change change = {.has_label = true,
		.label = span_text("the old phone"),
		.has_may = true,
		.may = SESSION_MAY_READ};
	assert_int_equal(sessions_change(sessions, &keys.id, &change), ERR_OK);
	assert_false(sessions_may_write(sessions, &keys.id));
	sessions_free(sessions);
	assert_int_equal(sessions_new(&(struct session_opts){.env = &env}, &sessions), ERR_OK);
	sessions_restore(sessions, span_text(kept.name), span_text(kept.text), kept.expires_ms);
	assert_int_equal(check(sessions, &keys), ERR_OK);
	assert_false(sessions_may_write(sessions, &keys.id));
	assert_int_equal(sessions_list(sessions, &keys.id, rows), 1);
	assert_string_equal(rows[0].label, "the old phone");
	assert_int_equal(rows[0].may, SESSION_MAY_READ);
	assert_true(rows[0].is_you);
	sessions_free(sessions);
}

static void all_others_end_at_once(void **state)
{
	struct sessions *sessions = begin();
	struct door_keys keys[LIMIT_SESSIONS];
	(void)state;
	for (size_t i = 0; i < LIMIT_SESSIONS; i++) {
		open_one(sessions, &keys[i]);
	}
	sessions_end_others(sessions, &keys[3].id);
	assert_int_equal(sessions_count(sessions), 1);
	assert_int_equal(kept.drops, LIMIT_SESSIONS - 1);
	for (size_t i = 0; i < LIMIT_SESSIONS; i++) {
		assert_int_equal(check(sessions, &keys[i]), i == 3 ? ERR_OK : ERR_DENIED);
	}
	sessions_end_others(sessions, NULL);
	assert_int_equal(sessions_count(sessions), 0);
	sessions_free(sessions);
}

int main(void)
{
	if (sodium_init() < 0) {
		return 1;
	}
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(opens_with_a_code_once),
		cmocka_unit_test(takes_no_long_code_older_than_ten_minutes),
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
		cmocka_unit_test(a_short_code_is_eight_letters_that_nobody_mixes_up),
		cmocka_unit_test(a_short_code_is_taken_however_it_is_typed),
		cmocka_unit_test(a_short_code_opens_once_and_for_two_minutes),
		cmocka_unit_test(of_short_codes_the_newest_five_are_good_and_no_long_one_gives_way),
		cmocka_unit_test(codes_of_a_device_end_with_it_and_with_its_right_to_write),
		cmocka_unit_test(counts_an_ipv6_network_as_one_address),
		cmocka_unit_test(the_old_pair_goes_on_until_the_new_token_was_seen_and_a_minute),
		cmocka_unit_test(two_tabs_that_rotate_at_once_get_one_new_pair),
		cmocka_unit_test(a_new_pair_outlives_a_restart_seen_or_not),
		cmocka_unit_test(what_an_older_program_kept_is_understood),
		cmocka_unit_test(what_a_device_is_called_and_may_do_outlives_a_restart),
		cmocka_unit_test(all_others_end_at_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
