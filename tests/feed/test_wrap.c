/* feed/wrap: a passphrase opens what it locked; nothing else does; and a file that was touched, or
 * would cost more than a small machine has, is refused. */
#include "lib/cmocka.h"

#include "feed/wrap.h"

#include "feed/key_inside.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

/* The least that is taken, so that a test costs milliseconds. */
static const struct wrap_cost cheap = {.memory_kib = LIMIT_WRAP_MEMORY_KIB_MIN, .passes = 1};
static const char passphrase[] = "correct horse battery";

static struct key *key;
static struct buf text; /* `key` locked with `passphrase` */

static int set_up(void **state)
{
	(void)state;
	text = BUF_INIT(LIMIT_SECRET_FILE_BYTES);
	assert_int_equal(key_generate(&key), ERR_OK);
	assert_int_equal(wrap_lock(key, span_text(passphrase), &cheap, &text), ERR_OK);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	key_free(key);
	buf_fini(&text);
	return 0;
}

static enum err unlock(struct span from, const char *with)
{
	struct key *found = NULL;
	const char *why = NULL;
	enum err err = wrap_unlock(from, span_text(with), &found, &why);
	if (err == ERR_OK) {
		assert_memory_equal(found->secret, key->secret, sizeof(key->secret));
	} else {
		assert_null(found);
		assert_non_null(why);
	}
	key_free(found);
	return err;
}

static void opens_with_its_passphrase_and_no_other(void **state)
{
	(void)state;
	assert_int_equal(unlock(buf_span(&text), passphrase), ERR_OK);
	assert_int_equal(unlock(buf_span(&text), "correct horse batterz"), ERR_DENIED);
	assert_int_equal(unlock(buf_span(&text), "correct horse battery "), ERR_DENIED);
	assert_int_equal(unlock(buf_span(&text), ""), ERR_DENIED);
}

static void says_whose_key_it_is_without_the_passphrase(void **state)
{
	(void)state;
	struct feed_id id;
	const char *why = NULL;
	assert_true(wrap_is(buf_span(&text)));
	assert_int_equal(wrap_read_id(buf_span(&text), &id, &why), ERR_OK);
	assert_true(feed_id_equal(&id, key_id(key)));
}

static void holds_nothing_of_the_key_in_the_clear(void **state)
{
	(void)state;
	char base64[BASE64_BYTES(64) + 1];
	char hex[65];
	base64[base64_encode(span_of(key->secret, 64), base64)] = '\0';
	base64[20] = '\0';
	(void)sodium_bin2hex(hex, sizeof(hex), key->secret, 32);
	assert_null(memmem(text.at, text.len, base64, 20));
	assert_null(memmem(text.at, text.len, hex, 16));
	assert_null(memmem(text.at, text.len, key->secret, 8));
	assert_null(memmem(text.at, text.len, passphrase, 8));
}

static void never_locks_twice_alike(void **state)
{
	(void)state;
	struct buf again = BUF_INIT(LIMIT_SECRET_FILE_BYTES);
	assert_int_equal(wrap_lock(key, span_text(passphrase), &cheap, &again), ERR_OK);
	assert_false(span_equal(buf_span(&text), buf_span(&again)));
	assert_int_equal(unlock(buf_span(&again), passphrase), ERR_OK);
	buf_fini(&again);
}

static void refuses_a_file_in_which_one_byte_is_another(void **state)
{
	(void)state;
	uint8_t *copy = malloc(text.len);
	assert_non_null(copy);
	for (size_t i = 0; i < text.len; i++) {
		memcpy(copy, text.at, text.len);
		copy[i] ^= 1;
		assert_int_not_equal(unlock(span_of(copy, text.len), passphrase), ERR_OK);
	}
	free(copy);
}

static void refuses_a_file_that_is_cut_or_longer(void **state)
{
	(void)state;
	struct buf longer = BUF_INIT(LIMIT_SECRET_FILE_BYTES);
	for (size_t len = 0; len < text.len; len++) {
		assert_int_equal(unlock(span_take(buf_span(&text), len), passphrase), ERR_REFUSED);
	}
	assert_int_equal(buf_append(&longer, buf_span(&text)), ERR_OK);
	assert_int_equal(buf_append_byte(&longer, '\n'), ERR_OK);
	assert_int_equal(unlock(buf_span(&longer), passphrase), ERR_REFUSED);
	buf_fini(&longer);
	assert_false(wrap_is(span_text("# a plain secret\n{}")));
	assert_int_equal(unlock(span_text("# a plain secret\n{}"), passphrase), ERR_REFUSED);
}

/* The text with `from` replaced by `to`. */
static enum err unlock_changed(const char *from, const char *to)
{
	struct buf changed = BUF_INIT(LIMIT_SECRET_FILE_BYTES);
	const uint8_t *at = memmem(text.at, text.len, from, strlen(from));
	assert_non_null(at);
	size_t before = (size_t)(at - text.at);
	assert_int_equal(buf_append(&changed, span_take(buf_span(&text), before)), ERR_OK);
	assert_int_equal(buf_append_text(&changed, to), ERR_OK);
	assert_int_equal(
		buf_append(&changed, span_skip(buf_span(&text), before + strlen(from))), ERR_OK);
	enum err err = unlock(buf_span(&changed), passphrase);
	buf_fini(&changed);
	return err;
}

static void does_no_work_beyond_its_limits_for_any_file(void **state)
{
	(void)state;
	/* At the limit it works, and finds that the file was changed; above it nothing is tried. */
	assert_int_equal(unlock_changed("8192 KiB, 1", "8192 KiB, 16"), ERR_DENIED);
	assert_int_equal(unlock_changed("8192 KiB, 1", "65536 KiB, 1"), ERR_DENIED);
	assert_int_equal(unlock_changed("8192 KiB, 1", "8192 KiB, 17"), ERR_REFUSED);
	assert_int_equal(unlock_changed("8192 KiB, 1", "65537 KiB, 1"), ERR_REFUSED);
	assert_int_equal(unlock_changed("8192 KiB, 1", "8191 KiB, 1"), ERR_REFUSED);
	assert_int_equal(unlock_changed("8192 KiB, 1", "8192 KiB, 16000"), ERR_REFUSED);
	assert_int_equal(unlock_changed("8192 KiB, 1", "65536000 KiB, 1"), ERR_REFUSED);
	assert_int_equal(unlock_changed("8192 KiB, 1", "99999999999999999999 KiB, 1"), ERR_REFUSED);
	assert_int_equal(unlock_changed("8192 KiB, 1", "8192 KiB, 0"), ERR_REFUSED);
	assert_int_equal(unlock_changed("8192 KiB, 1", "08192 KiB, 1"), ERR_REFUSED);
	assert_int_equal(unlock_changed("8192 KiB, 1", "-8192 KiB, 1"), ERR_REFUSED);
	assert_int_equal(unlock_changed("secret 1\n", "secret 2\n"), ERR_REFUSED);
	assert_int_equal(unlock_changed("id: @", "id:  @"), ERR_REFUSED);
	assert_int_equal(unlock_changed("salt: ", "salt:"), ERR_REFUSED);
}

static void takes_passphrases_of_8_to_1024_bytes(void **state)
{
	(void)state;
	static char many[1000 * LIMIT_PASSPHRASE_BYTES];
	static const struct {
		size_t len;
		enum err err;
	} rows[] = {{0, ERR_LIMIT}, {LIMIT_PASSPHRASE_BYTES_MIN - 1, ERR_LIMIT},
		{LIMIT_PASSPHRASE_BYTES_MIN, ERR_OK}, {LIMIT_PASSPHRASE_BYTES, ERR_OK},
		{LIMIT_PASSPHRASE_BYTES + 1, ERR_LIMIT}, {sizeof(many), ERR_LIMIT}};
	memset(many, 'p', sizeof(many));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf out = BUF_INIT(LIMIT_SECRET_FILE_BYTES);
		struct key *found = NULL;
		const char *why = NULL;
		struct span with = span_of(many, rows[i].len);
		assert_int_equal(wrap_lock(key, with, &cheap, &out), rows[i].err);
		if (rows[i].err == ERR_OK) {
			assert_int_equal(wrap_unlock(buf_span(&out), with, &found, &why), ERR_OK);
		} else {
			assert_int_equal(out.len, 0);
			assert_int_equal(
				wrap_unlock(buf_span(&text), with, &found, &why), ERR_DENIED);
		}
		key_free(found);
		buf_fini(&out);
	}
}

static void the_usual_cost_is_within_the_limits_and_works(void **state)
{
	(void)state;
	struct buf out = BUF_INIT(LIMIT_SECRET_FILE_BYTES);
	assert_int_equal(wrap_lock(key, span_text(passphrase), &wrap_cost_usual, &out), ERR_OK);
	assert_non_null(memmem(out.at, out.len, "argon2id: 65536 KiB, 3 passes\n", 30));
	assert_int_equal(unlock(buf_span(&out), passphrase), ERR_OK);
	buf_fini(&out);
	const struct wrap_cost over = {.memory_kib = LIMIT_WRAP_MEMORY_KIB + 1, .passes = 1};
	assert_int_equal(wrap_lock(key, span_text(passphrase), &over, &out), ERR_LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(opens_with_its_passphrase_and_no_other),
		cmocka_unit_test(says_whose_key_it_is_without_the_passphrase),
		cmocka_unit_test(holds_nothing_of_the_key_in_the_clear),
		cmocka_unit_test(never_locks_twice_alike),
		cmocka_unit_test(refuses_a_file_in_which_one_byte_is_another),
		cmocka_unit_test(refuses_a_file_that_is_cut_or_longer),
		cmocka_unit_test(does_no_work_beyond_its_limits_for_any_file),
		cmocka_unit_test(takes_passphrases_of_8_to_1024_bytes),
		cmocka_unit_test(the_usual_cost_is_within_the_limits_and_works),
	};
	return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, set_up, tear_down);
}
