/* store/password: the one that was set fits and no other, whatever has become of its file. */
#include "lib/cmocka.h"
#include "lib/folder.h"

#include "base/file.h"
#include "base/limits.h"
#include "store/password.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FAR_ABOVE = 1000 * LIMIT_PASSWORD_BYTES };

static char dir[64];
static char path[96];

static int set_up(void **state)
{
	(void)state;
	folder_make(dir, sizeof(dir), "kith-password");
	(void)snprintf(path, sizeof(path), "%s/password", dir);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	folder_remove(dir);
	return 0;
}

static enum err set(const char *text)
{
	return password_set(dir, span_text(text));
}

static enum err check(const char *text)
{
	return password_check(dir, span_text(text));
}

static void fits_when_it_is_the_same_and_not_otherwise(void **state)
{
	(void)state;
	assert_false(password_is_set(dir));
	assert_int_equal(check("correct horse"), ERR_NOT_FOUND);
	assert_int_equal(set("correct horse"), ERR_OK);
	assert_true(password_is_set(dir));
	assert_int_equal(check("correct horse"), ERR_OK);
	assert_int_equal(check("correct hors"), ERR_DENIED);
	assert_int_equal(check("correct horse "), ERR_DENIED);
	assert_int_equal(check(""), ERR_DENIED);
	assert_int_equal(password_check(dir, span_of(NULL, 0)), ERR_DENIED);
	assert_int_equal(set("battery staple"), ERR_OK);
	assert_int_equal(check("correct horse"), ERR_DENIED);
	assert_int_equal(check("battery staple"), ERR_OK);
	assert_int_equal(password_remove(dir), ERR_OK);
	assert_int_equal(check("battery staple"), ERR_NOT_FOUND);
	assert_int_equal(password_remove(dir), ERR_NOT_FOUND);
}

static void is_kept_as_argon2id_and_for_its_owner_alone(void **state)
{
	struct buf text = BUF_INIT(4096);
	struct stat info;
	(void)state;
	assert_int_equal(set("correct horse"), ERR_OK);
	assert_int_equal(stat(path, &info), 0);
	assert_int_equal(info.st_mode & 0777, 0600);
	assert_int_equal(file_read(path, &text), ERR_OK);
	assert_int_equal(buf_append(&text, span_of("", 1)), ERR_OK);
	assert_non_null(strstr((const char *)text.at, "$argon2id$v=19$m=65536,t=3,p=1$"));
	assert_null(strstr((const char *)text.at, "horse"));
	buf_fini(&text);
}

static void has_ten_bytes_and_1024_at_most(void **state)
{
	static const struct {
		size_t len;
		enum err err;
	} cases[] = {{0, ERR_LIMIT}, {LIMIT_PASSWORD_BYTES_MIN - 1, ERR_LIMIT},
		{LIMIT_PASSWORD_BYTES_MIN, ERR_OK}, {LIMIT_PASSWORD_BYTES, ERR_OK},
		{LIMIT_PASSWORD_BYTES + 1, ERR_LIMIT}, {FAR_ABOVE, ERR_LIMIT}};
	static uint8_t text[FAR_ABOVE];
	(void)state;
	memset(text, 'p', sizeof(text));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct span password = span_of(text, cases[i].len);
		assert_int_equal(password_set(dir, password), cases[i].err);
		assert_true(cases[i].err != ERR_OK || password_check(dir, password) == ERR_OK);
	}
}

static void a_file_that_is_damaged_opens_nothing(void **state)
{
	static const char *const texts[] = {"", "\n", "correct horse", "correct horse\n",
		"$argon2id$v=19$m=65536,t=3,p=1$\n", "$argon2id$v=19$m=8,t=1,p=1$AAAA$AAAA\n",
		"$7$x\n"};
	static char big[100000];
	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_int_equal(file_replace(path, span_text(texts[i]), 0600), ERR_OK);
		assert_true(password_is_set(dir)); /* or the door would be thought open */
		assert_int_not_equal(check("correct horse"), ERR_OK);
		assert_int_not_equal(check(""), ERR_OK);
	}
	memset(big, '$', sizeof(big));
	assert_int_equal(file_replace(path, span_of(big, sizeof(big)), 0600), ERR_OK);
	assert_int_equal(check("correct horse"), ERR_LIMIT);
}

static void one_made_with_other_work_is_understood(void **state)
{
	char text[crypto_pwhash_STRBYTES + 1];
	(void)state;
	assert_int_equal(crypto_pwhash_str(text, "correct horse", 13, 1, 8192), 0);
	size_t len = strlen(text);
	text[len] = '\n';
	assert_int_equal(file_replace(path, span_of(text, len + 1), 0600), ERR_OK);
	assert_int_equal(check("correct horse"), ERR_OK);
	assert_int_equal(check("correct hors"), ERR_DENIED);
}

#define PASSWORD(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	if (sodium_init() < 0) {
		return 1;
	}
	const struct CMUnitTest tests[] = {
		PASSWORD(fits_when_it_is_the_same_and_not_otherwise),
		PASSWORD(is_kept_as_argon2id_and_for_its_owner_alone),
		PASSWORD(has_ten_bytes_and_1024_at_most),
		PASSWORD(a_file_that_is_damaged_opens_nothing),
		PASSWORD(one_made_with_other_work_is_understood),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
