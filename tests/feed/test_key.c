/* feed/key: the secret file of the JavaScript programs, in every shape they accept, and what is
 * refused. */
#include "lib/cmocka.h"

#include "base/limits.h"
#include "feed/key_inside.h"

#include <sodium.h>
#include <stdlib.h>

#define PUBLIC "CyBVI+VCzD4kbq4cIGlX2HBtRN/67REahLYG5NAksW0=.ed25519"
#define PRIVATE                                                                  \
	"CAU8q/9xtgjLjQyMi841LBpBFXaXdb5CTCNW3vzq68ILIFUj5ULMPiRurhwgaVfYcG1E3/" \
	"rtERqEtgbk0CSxbQ==.ed25519"
#define OBJECT                                                                                   \
	"{\n  \"curve\": \"ed25519\",\n  \"public\": \"" PUBLIC "\",\n  \"private\": \"" PRIVATE \
	"\",\n  \"id\": \"@" PUBLIC "\"\n}"

/* protocol/01 §2, to the letter. */
static const char file_text[] =
	"# WARNING: Never show this to anyone.\n"
	"# WARNING: Never edit it or use it on multiple devices at once.\n"
	"#\n"
	"# This is your SECRET, it gives you magical powers. With your secret you can\n"
	"# sign your messages so that your friends can verify that the messages came\n"
	"# from you. If anyone learns your secret, they can use it to impersonate you.\n"
	"#\n"
	"# If you use this secret on more than one device you will create a fork and\n"
	"# your friends will stop replicating your content.\n"
	"#\n" OBJECT "\n"
	"#\n"
	"# The only part of this file that's safe to share is your public name:\n"
	"#\n"
	"#   @" PUBLIC;

static void assert_reads(const char *text)
{
	struct key *key = NULL;
	const char *why = "";
	char id[FEED_ID_TEXT_BYTES];
	if (key_from_text(span_text(text), &key, &why) != ERR_OK) {
		fail_msg("%s: %s", why, text);
	}
	feed_id_format(key_id(key), id);
	assert_string_equal(id, "@" PUBLIC);
	key_free(key);
}

static void assert_refuses(const char *text)
{
	struct key *key = NULL;
	const char *why = NULL;
	assert_int_equal(key_from_text(span_text(text), &key, &why), ERR_REFUSED);
	assert_null(key);
	assert_non_null(why);
}

static void reads_every_shape_that_ssb_keys_reads(void **state)
{
	(void)state;
	assert_reads(file_text);
	assert_reads(OBJECT);
	assert_reads(OBJECT "\n");
	assert_reads(OBJECT "\n# behind");
	assert_reads(OBJECT " # behind\n\n\n");
	assert_reads("# before\r\n{\r\n \"curve\":\"ed25519\",\r\n \"public\":\"" PUBLIC
		     "\",\r\n \"private\":\"" PRIVATE "\"\r\n}\r\n");
	assert_reads("{\"curve\":\"ed25519\",\"public\":\"" PUBLIC "\",\"private\":\"" PRIVATE
		     "\",\"id\":\"" PUBLIC "\"}");
}

static void writes_the_text_that_ssb_keys_writes(void **state)
{
	(void)state;
	struct key *key = NULL;
	const char *why = "";
	struct buf out = BUF_INIT(LIMIT_SECRET_FILE_BYTES);
	assert_int_equal(key_from_text(span_text(file_text), &key, &why), ERR_OK);
	assert_int_equal(key_to_text(key, &out), ERR_OK);
	assert_true(span_equal_text(buf_span(&out), file_text));
	key_free(key);
	buf_fini(&out);
}

static void refuses_files_that_are_damaged(void **state)
{
	(void)state;
	assert_refuses("");
	assert_refuses("\xef\xbb\xbf" OBJECT);
	assert_refuses(PRIVATE);
	assert_refuses("\"" PRIVATE "\"");
	assert_refuses("[" OBJECT "]");
	assert_refuses("# only comments\n");
	assert_refuses(
		"{\"curve\":\"k256\",\"public\":\"" PUBLIC "\",\"private\":\"" PRIVATE "\"}");
	assert_refuses("{\"public\":\"" PUBLIC "\",\"private\":\"" PRIVATE "\"}");
	assert_refuses("{\"curve\":\"ed25519\",\"public\":\"" PUBLIC "\"}");
	assert_refuses("{\"curve\":\"ed25519\",\"private\":\"" PRIVATE "\"}");
	assert_refuses(
		"{\"curve\":\"ed25519\",\"public\":\"" PUBLIC "\",\"private\":\"" PUBLIC "\"}");
	assert_refuses("{\"curve\":\"ed25519\",\"public\":\"" PUBLIC "\",\"private\":7}");
	assert_refuses("{\"curve\":\"ed25519\",\"public\":\"" PUBLIC "\",\"private\":\"" PRIVATE
		       "\",\"id\":\"@" PRIVATE "\"}");
	assert_refuses("{\"curve\":\"ed25519\",\"public\":\"" PUBLIC "\",\"private\":\"" PRIVATE
		       "\",\"id\":null}");
}

static void write_object(struct buf *out, const uint8_t *secret, const uint8_t *public_key)
{
	char private_text[BASE64_BYTES(64) + 1] = "";
	char public_text[BASE64_BYTES(32) + 1] = "";
	(void)base64_encode(span_of(secret, 64), private_text);
	(void)base64_encode(span_of(public_key, 32), public_text);
	buf_clear(out);
	assert_int_equal(buf_printf(out,
				 "{\"curve\":\"ed25519\",\"public\":\"%s.ed25519\",\"private\":\"%"
				 "s.ed25519\"}",
				 public_text, private_text),
		ERR_OK);
	assert_non_null(buf_cstr(out));
}

static void refuses_halves_that_do_not_belong_together(void **state)
{
	(void)state;
	struct buf out = BUF_INIT(LIMIT_SECRET_FILE_BYTES);
	struct key *key = NULL;
	uint8_t secret[64];
	const char *why = "";
	assert_int_equal(key_from_text(span_text(OBJECT), &key, &why), ERR_OK);
	memcpy(secret, key->secret, sizeof(secret));
	write_object(&out, secret, secret + 32);
	assert_reads((const char *)out.at);
	/* The seed of another key: the three texts agree, and still it would sign for nobody. */
	secret[0] ^= 1;
	write_object(&out, secret, secret + 32);
	assert_refuses((const char *)out.at);
	/* The public text is another key's. */
	secret[0] ^= 1;
	uint8_t other[32];
	memcpy(other, secret + 32, 32);
	other[5] ^= 1;
	write_object(&out, secret, other);
	assert_refuses((const char *)out.at);
	struct key *never = NULL;
	secret[40] ^= 1;
	assert_int_equal(key_from_secret(secret, &never), ERR_REFUSED);
	key_free(key);
	buf_fini(&out);
}

static void refuses_files_over_the_limit(void **state)
{
	(void)state;
	static const size_t over[] = {
		LIMIT_SECRET_FILE_BYTES + 1, 1000 * (size_t)LIMIT_SECRET_FILE_BYTES};
	const char *why = "";
	char *text = malloc(over[1]);
	struct key *key = NULL;
	assert_non_null(text);
	memset(text, ' ', over[1]);
	memcpy(text, OBJECT, sizeof(OBJECT) - 1);
	assert_int_equal(key_from_text(span_of(text, LIMIT_SECRET_FILE_BYTES), &key, &why), ERR_OK);
	key_free(key);
	for (size_t i = 0; i < 2; i++) {
		key = NULL;
		assert_int_equal(key_from_text(span_of(text, over[i]), &key, &why), ERR_LIMIT);
		assert_null(key);
	}
	free(text);
}

static void makes_different_keys(void **state)
{
	(void)state;
	struct key *a = NULL;
	struct key *b = NULL;
	assert_int_equal(key_generate(&a), ERR_OK);
	assert_int_equal(key_generate(&b), ERR_OK);
	assert_false(feed_id_equal(key_id(a), key_id(b)));
	key_free(a);
	key_free(b);
	key_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_every_shape_that_ssb_keys_reads),
		cmocka_unit_test(writes_the_text_that_ssb_keys_writes),
		cmocka_unit_test(refuses_files_that_are_damaged),
		cmocka_unit_test(refuses_halves_that_do_not_belong_together),
		cmocka_unit_test(refuses_files_over_the_limit),
		cmocka_unit_test(makes_different_keys),
	};
	return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
