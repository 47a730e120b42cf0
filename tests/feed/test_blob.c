/* feed/sniff, feed/blob_box, feed/blob_ref: what a file is, what is encrypted as deployed programs
 * do it, and where a text names one. */
#include "lib/cmocka.h"
#include "lib/vectors.h"

#include "feed/blob_box.h"
#include "feed/blob_ref.h"
#include "feed/sniff.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

/* --- Types. --- */

struct sample {
	const char *bytes;
	size_t len;
	const char *type;
};
#define SAMPLE(text, type)                     \
	{                                      \
		(text), sizeof(text) - 1, type \
	}

static const char *type_of(const char *bytes, size_t len, size_t filled)
{
	uint8_t file[1024] = {0};
	memcpy(file, bytes, len);
	return sniff_type(span_of(file, filled > len ? filled : len));
}

static void what_a_page_may_show_has_its_type(void **state)
{
	static const struct sample samples[] = {
		SAMPLE("\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "image/png"),
		SAMPLE("\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0\xff\xdb", "image/jpeg"),
		SAMPLE("GIF89a\1\0\1\0\x80\0\0", "image/gif"),
		SAMPLE("RIFF\x24\0\0\0WEBPVP8 \x18\0\0\0", "image/webp"),
		SAMPLE("\0\0\0\x1c"
		       "ftypavif\0\0\0\0avifmif1miaf",
			"image/avif"),
		SAMPLE("\0\0\0\x20"
		       "ftypmif1\0\0\0\0mif1avifmiaf"
		       "MA1B",
			"image/avif"),
		SAMPLE("RIFF\x24\0\0\0WAVEfmt \x10\0\0\0", "audio/wav"),
		SAMPLE("fLaC\0\0\0\x22\x10\0\x10\0", "audio/flac"),
		SAMPLE("ID3\4\0\0\0\0\0\x23TSSE\0\0\0\x0f\0\0", "audio/mpeg"),
		SAMPLE("OggS\0\2\0\0\0\0\0\0\0\0\1\2\3\4\0\0\0\0\5\6\7\x08\1\x13OpusHead",
			"audio/ogg"),
		SAMPLE("\0\0\0\x14"
		       "ftypM4A \0\0\2\0M4A ",
			"audio/mp4"),
		SAMPLE("\0\0\0\x18"
		       "ftypisom\0\0\2\0isomiso2",
			"video/mp4"),
		SAMPLE("\x1a\x45\xdf\xa3\x8b\x42\x86\x81\1\x42\x82\x84webm\x18\x53", "video/webm"),
	};
	(void)state;
	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		assert_string_equal(
			type_of(samples[i].bytes, samples[i].len, 512), samples[i].type);
		assert_string_equal(sniff_known(span_text(samples[i].type)), samples[i].type);
		/* Cut anywhere before its magic is whole it is nothing, and never something else.
		 */
		for (size_t len = 0; len < samples[i].len; len++) {
			const char *cut = sniff_type(span_of(samples[i].bytes, len));
			assert_true(cut[0] == '\0' || strcmp(cut, samples[i].type) == 0);
		}
	}
}

static void what_may_run_or_is_not_known_has_none(void **state)
{
	static const struct sample samples[] = {
		SAMPLE("<svg xmlns=\"http://www.w3.org/2000/svg\">", ""),
		SAMPLE("<?xml version=\"1.0\"?><svg/>", ""),
		SAMPLE("<!doctype html><script>", ""),
		SAMPLE("%PDF-1.7\n", ""),
		SAMPLE("PK\3\4", ""),
		SAMPLE("GIF89", ""),
		SAMPLE("\x89PNG\r\n\x1a\n<html>", ""),
		SAMPLE("\xff\xd8\xff<script>alert(1)</script>", ""),
		SAMPLE("RIFF....<script>", ""),
		SAMPLE("....ftypavif", ""),
		SAMPLE("\0\0\0\x18"
		       "ftypheic\0\0\0\0heic",
			""),
		SAMPLE("\x1a\x45\xdf\xa3\x8f\x42\x86\x81\1\x42\x82\x88matroska", ""),
		SAMPLE("\xff\xfe<\0s\0c\0r\0i\0p\0t\0", ""),
		SAMPLE("\xff\xfb\x90\x64not a second frame", ""),
		SAMPLE("MZ\x90\0", ""),
	};
	(void)state;
	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		if (type_of(samples[i].bytes, samples[i].len, 512)[0] != '\0') {
			fail_msg("sample %zu is %s", i,
				type_of(samples[i].bytes, samples[i].len, 512));
		}
	}
	assert_string_equal(sniff_known(span_text("image/svg+xml")), "");
	assert_string_equal(sniff_known(span_text("text/html")), "");
}

/* Frames of 417 bytes, as 128 kbit/s at 44.1 kHz. */
static void sound_without_a_head_is_known_by_two_frames(void **state)
{
	uint8_t file[512] = {0xff, 0xfb, 0x90, 0x64};
	(void)state;
	assert_string_equal(sniff_type(span_of(file, sizeof(file))), "");
	memcpy(file + 417, file, 4);
	assert_string_equal(sniff_type(span_of(file, sizeof(file))), "audio/mpeg");
}

/* --- Encrypted ones. --- */

enum { VECTOR_PLAIN = 5018 };

static void seal(struct span plain, const uint8_t key[32], size_t step, struct buf *out)
{
	struct blob_box box;
	blob_box_begin(&box, key);
	for (size_t at = 0; at < plain.len; at += step) {
		assert_int_equal(
			blob_box_seal(&box, span_take(span_skip(plain, at), step), out), ERR_OK);
	}
	assert_int_equal(blob_box_finish(&box, out), ERR_OK);
	assert_int_equal(out->len, blob_box_bytes(plain.len));
	assert_int_equal(blob_box_plain_bytes(out->len), plain.len);
}

static void writes_and_opens_what_deployed_programs_do(void **state)
{
	uint8_t plain[VECTOR_PLAIN];
	uint8_t key[32];
	struct blob_id id;
	char text[BLOB_ID_TEXT_BYTES];
	struct buf boxed = BUF_INIT(1 << 16);
	struct buf head = BUF_INIT(1 << 10);
	struct buf opened = BUF_INIT(1 << 16);
	(void)state;
	json_t *vector = vectors_load("private-blob");
	memset(plain, 'a', sizeof(plain));
	memcpy(plain, "kith private blob\n", 18);
	assert_int_equal(crypto_hash_sha256(key, plain, sizeof(plain)), 0);
	seal(span_of(plain, sizeof(plain)), key, 1000, &boxed);
	assert_int_equal(
		boxed.len, json_integer_value(json_object_get(vector, "ciphertext_length")));
	assert_true(vectors_hex(vector, "ciphertext_head_hex", &head));
	assert_memory_equal(boxed.at, head.at, head.len);
	assert_true(vectors_hex(vector, "ciphertext_tail_hex", &head));
	assert_memory_equal(boxed.at + boxed.len - head.len, head.at, head.len);
	assert_int_equal(crypto_hash_sha256(id.at, boxed.at, boxed.len), 0);
	blob_id_format(&id, text);
	assert_string_equal(text, vectors_text(vector, "blob_id"));
	assert_int_equal(blob_box_open(buf_span(&boxed), key, &opened), ERR_OK);
	assert_int_equal(opened.len, sizeof(plain));
	assert_memory_equal(opened.at, plain, sizeof(plain));
	/* The link has the key. */
	struct blob_ref ref;
	size_t at = 0;
	assert_true(blob_ref_next(span_text(vectors_text(vector, "link")), &at, &ref));
	assert_true(ref.has_key);
	assert_memory_equal(ref.key, key, sizeof(key));
	assert_true(blob_id_equal(&ref.id, &id));
	buf_fini(&boxed);
	buf_fini(&head);
	buf_fini(&opened);
	json_decref(vector);
}

static void pieces_of_any_size_make_the_same_boxes(void **state)
{
	static const size_t sizes[] = {0, 1, 4095, 4096, 4097, 8192, 20000};
	uint8_t plain[20000];
	const uint8_t key[32] = {7};
	(void)state;
	randombytes_buf_deterministic(plain, sizeof(plain), key);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct buf whole = BUF_INIT(1 << 16);
		struct buf parts = BUF_INIT(1 << 16);
		struct buf opened = BUF_INIT(1 << 16);
		seal(span_of(plain, sizes[i]), key, sizeof(plain), &whole);
		seal(span_of(plain, sizes[i]), key, 333, &parts);
		assert_true(span_equal(buf_span(&whole), buf_span(&parts)));
		assert_int_equal(blob_box_open(buf_span(&whole), key, &opened), ERR_OK);
		assert_true(span_equal(buf_span(&opened), span_of(plain, sizes[i])));
		buf_fini(&whole);
		buf_fini(&parts);
		buf_fini(&opened);
	}
}

static void what_is_cut_altered_or_too_long_is_refused(void **state)
{
	uint8_t plain[9000] = {1, 2, 3};
	const uint8_t key[32] = {8};
	const uint8_t other[32] = {9};
	struct buf boxed = BUF_INIT(1 << 16);
	struct buf opened = BUF_INIT(1 << 16);
	struct buf small = BUF_INIT(5000);
	(void)state;
	seal(span_of(plain, sizeof(plain)), key, 4096, &boxed);
	assert_int_equal(blob_box_open(buf_span(&boxed), other, &opened), ERR_REFUSED);
	for (size_t len = 0; len < boxed.len; len += 97) {
		assert_int_equal(blob_box_open(span_of(boxed.at, len), key, &opened), ERR_REFUSED);
		assert_int_equal(opened.len, 0);
	}
	boxed.at[5000] ^= 1;
	assert_int_equal(blob_box_open(buf_span(&boxed), key, &opened), ERR_REFUSED);
	boxed.at[5000] ^= 1;
	assert_int_equal(blob_box_open(buf_span(&boxed), key, &small), ERR_LIMIT);
	assert_int_equal(small.len, 0);
	assert_int_equal(buf_append_byte(&boxed, 0), ERR_OK);
	assert_int_equal(blob_box_open(buf_span(&boxed), key, &opened), ERR_REFUSED);
	buf_fini(&boxed);
	buf_fini(&opened);
	buf_fini(&small);
}

static void a_key_is_read_in_all_its_forms(void **state)
{
	static const char *const good[] = {
		"/+//////////////////////////////////////////AA==.boxs",
		"dSUYOFGx7+jVvcJxRKeUtxeXYgqBEQtSBlQdDO6AyvQ=.boxs",
		"dSUYOFGx7+jVvcJxRKeUtxeXYgqBEQtSBlQdDO6AyvQ=",
		"dSUYOFGx7 jVvcJxRKeUtxeXYgqBEQtSBlQdDO6AyvQ=.boxs",
		"dSUYOFGx7-jVvcJxRKeUtxeXYgqBEQtSBlQdDO6AyvQ=.boxs",
	};
	static const char *const bad[] = {
		"", ".boxs", "dSUYOFGx7", "@@@@@FGx7+jVvcJxRKeUtxeXYgqBEQtSBlQdDO6AyvQ="};
	uint8_t first[32];
	uint8_t key[32];
	char text[BLOB_BOX_KEY_TEXT_BYTES];
	(void)state;
	assert_int_equal(blob_box_key_parse(span_text(good[1]), first), ERR_OK);
	for (size_t i = 2; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(blob_box_key_parse(span_text(good[i]), key), ERR_OK);
		assert_memory_equal(key, first, sizeof(key));
	}
	blob_box_key_format(first, text);
	assert_string_equal(text, good[1]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(blob_box_key_parse(span_text(bad[i]), key), ERR_REFUSED);
	}
	assert_int_equal(blob_box_key_parse(span_text(good[0]), key), ERR_REFUSED);
}

/* --- References. --- */

#define ID "&A1IH98vCxuYI8uNKNVYcjydhgcY8zEa98jxvHa8+3yk=.sha256"
#define KEY "?unbox=dSUYOFGx7+jVvcJxRKeUtxeXYgqBEQtSBlQdDO6AyvQ=.boxs"

static size_t count_of(const char *text, struct blob_ref *last)
{
	size_t count = 0;
	size_t at = 0;
	struct blob_ref ref;
	while (blob_ref_next(span_text(text), &at, &ref)) {
		*last = ref;
		count++;
	}
	return count;
}

static void a_blob_is_found_in_every_form(void **state)
{
	static const char *const forms[] = {
		ID,
		"![alt](" ID ")",
		"{\"link\":\"" ID "\"}",
		"x" ID "y",
		"[a](&A1IH98vCxuYI8uNKNVYcjydhgcY8zEa98jxvHa8%2B3yk=.sha256)",
		"[a](&A1IH98vCxuYI8uNKNVYcjydhgcY8zEa98jxvHa8 3yk=.sha256)",
		"[a](%26A1IH98vCxuYI8uNKNVYcjydhgcY8zEa98jxvHa8%2B3yk%3D.sha256)",
		"ssb:blob/classic/A1IH98vCxuYI8uNKNVYcjydhgcY8zEa98jxvHa8-3yk=",
		"(ssb://blob/classic/A1IH98vCxuYI8uNKNVYcjydhgcY8zEa98jxvHa8-3yk=)",
		"& &a %26 ssb: " ID KEY,
	};
	static const char *const none[] = {"", "&", "%26", "a & b", "&A1IH98=.sha256",
		"%A1IH98vCxuYI8uNKNVYcjydhgcY8zEa98jxvHa8+3yk=.sha256", "ssb:message/classic/x",
		"&A1IH98vCxuYI8uNKNVYcjydhgcY8zEa98jxvHa8+3yl=.sha256"};
	struct blob_id id;
	struct blob_ref ref;
	(void)state;
	assert_int_equal(blob_id_parse(span_text(ID), &id), ERR_OK);
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		if (count_of(forms[i], &ref) != 1 || !blob_id_equal(&ref.id, &id)) {
			fail_msg("not found in %s", forms[i]);
		}
	}
	assert_true(ref.has_key);
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		assert_int_equal(count_of(none[i], &ref), 0);
	}
	assert_int_equal(count_of(ID ID " " ID KEY KEY, &ref), 3);
}

static void a_label_is_what_the_brackets_say(void **state)
{
	static const struct {
		const char *text, *label;
		bool is_image;
	} rows[] = {
		{"![a cat](" ID ")", "a cat", true},
		{"x ![](" ID ")", "", true},
		{"[the plan](" ID KEY ")", "the plan", false},
		{"![a [b] c](<" ID ">)", "a [b] c", true},
		{"![a \\] c](" ID ")", "a \\] c", true},
		{"a](" ID ")", "", false},
		{ID, "", false},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct blob_ref ref;
		bool is_image = false;
		assert_int_equal(count_of(rows[i].text, &ref), 1);
		struct span label = blob_ref_label(span_text(rows[i].text), &ref, &is_image);
		assert_true(span_equal_text(label, rows[i].label));
		assert_int_equal(is_image, rows[i].is_image);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_page_may_show_has_its_type),
		cmocka_unit_test(what_may_run_or_is_not_known_has_none),
		cmocka_unit_test(sound_without_a_head_is_known_by_two_frames),
		cmocka_unit_test(writes_and_opens_what_deployed_programs_do),
		cmocka_unit_test(pieces_of_any_size_make_the_same_boxes),
		cmocka_unit_test(what_is_cut_altered_or_too_long_is_refused),
		cmocka_unit_test(a_key_is_read_in_all_its_forms),
		cmocka_unit_test(a_blob_is_found_in_every_form),
		cmocka_unit_test(a_label_is_what_the_brackets_say),
	};
	return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
