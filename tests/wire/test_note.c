/* wire/note against the tables of epidemic-broadcast-trees. */
#include "wire/vectors.h"

#include "base/limits.h"
#include "wire/note.h"

static void encodes_as_javascript_does(void **state)
{
	(void)state;
	json_t *root = vectors_load("ebt");
	size_t i;
	json_t *row;
	json_array_foreach(json_object_get(root, "note_encode"), i, row)
	{
		json_int_t sequence = json_integer_value(json_object_get(row, "seq"));
		struct note note = {
			.is_replicated = sequence != -1,
			.wants = json_is_true(json_object_get(row, "receive")),
			.sequence = sequence == -1 ? 0 : (uint64_t)sequence,
		};
		assert_int_equal(
			note_encode(&note), json_integer_value(json_object_get(row, "note")));
	}
	assert_int_equal(i, 10);
	json_decref(root);
}

static void decodes_as_javascript_does_and_refuses_what_is_no_note(void **state)
{
	(void)state;
	json_t *root = vectors_load("ebt");
	size_t i;
	json_t *row;
	json_array_foreach(json_object_get(root, "note_decode"), i, row)
	{
		const json_t *value = json_object_get(row, "note");
		struct note note;
		if (!json_is_integer(value)) {
			continue; /* skipped by note_each(), below */
		}
		enum err err = note_decode(json_integer_value(value), &note);
		assert_int_equal(err, json_integer_value(value) < -1 ? ERR_REFUSED : ERR_OK);
		if (err != ERR_OK) {
			continue;
		}
		bool is_replicated = json_is_true(json_object_get(row, "replicate"));
		assert_int_equal(note.is_replicated, is_replicated);
		if (is_replicated) {
			assert_int_equal(note.wants, json_is_true(json_object_get(row, "receive")));
			assert_int_equal(
				note.sequence, json_integer_value(json_object_get(row, "seq")));
		}
	}
	assert_int_equal(i, 15);
	json_decref(root);
}

static void notes_are_right_beyond_32_bits(void **state)
{
	(void)state;
	static const uint64_t sequences[] = {UINT64_C(1) << 30, UINT64_C(1) << 31,
		UINT64_C(1) << 32, (UINT64_C(1) << 53) - 1, UINT64_C(1) << 53};
	struct note note;
	for (size_t i = 0; i < sizeof(sequences) / sizeof(sequences[0]); i++) {
		struct note in = {.is_replicated = true, .wants = true, .sequence = sequences[i]};
		assert_int_equal(note_decode(note_encode(&in), &note), ERR_OK);
		assert_true(note.sequence == sequences[i] && note.wants);
	}
	assert_int_equal(note_decode(INT64_C(1) << 54, &note), ERR_OK);
	assert_int_equal(note_decode((INT64_C(1) << 54) + 1, &note), ERR_REFUSED);
	assert_int_equal(note_decode(INT64_MAX, &note), ERR_REFUSED);
	assert_int_equal(note_decode(INT64_MIN, &note), ERR_REFUSED);
}

#define ALICE "@/RckOFqgx1tk+3jNYC+h2ZH96/drE8WO1wLqyDXp9hg=.ed25519"
#define BOB "@AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM=.ed25519"

static void write_down(void *ctx, const struct feed_id *feed, const struct note *note)
{
	char text[FEED_ID_TEXT_BYTES];
	feed_id_format(feed, text);
	assert_int_equal(
		buf_printf(ctx, "%.2s %lld\n", text, (long long)note_encode(note)), ERR_OK);
}

static void assert_notes(const char *item, const char *wanted)
{
	struct json_doc *doc = NULL;
	struct buf heard = BUF_INIT(KIB);
	assert_int_equal(json_parse(span_text(item), LIMIT_JSON_DEPTH, &doc), ERR_OK);
	assert_int_equal(note_each(json_root(doc), write_down, &heard), ERR_OK);
	assert_string_equal(buf_cstr(&heard), wanted);
	buf_fini(&heard);
	json_doc_free(doc);
}

static void what_is_no_note_is_skipped_and_the_rest_is_told(void **state)
{
	(void)state;
	assert_notes("{\"" ALICE "\":12,\"" BOB "\":-1}", "@/ 12\n@A -1\n");
	assert_notes("{\"" ALICE "\":\"5\",\"x\":3,\"" BOB "\":3}", "@A 3\n");
	assert_notes("{\"" ALICE "\":null,\"" BOB "\":1.5}", "");
	assert_notes("{\"" ALICE "\":-2,\"" BOB "\":1e300}", "");
	assert_notes("{\"clock\":{\"" ALICE "\":4}}", "@/ 4\n");
	assert_notes("{\"clock\":7,\"" ALICE "\":4}", "@/ 4\n");
	assert_notes("{}", "");
	assert_notes("[1,2]", "");
	assert_notes("true", "");
}

static void a_message_is_told_from_notes(void **state)
{
	(void)state;
	static const struct {
		const char *item;
		bool is_message;
	} items[] = {
		{"{\"author\":\"" ALICE "\",\"sequence\":1,\"content\":{}}", true},
		{"{\"author\":\"" ALICE "\",\"sequence\":1,\"content\":\"x.box\"}", true},
		{"{\"author\":\"" ALICE "\",\"sequence\":0,\"content\":{}}", false},
		{"{\"author\":\"" ALICE "\",\"sequence\":1.5,\"content\":{}}", false},
		{"{\"author\":\"" ALICE "\",\"sequence\":\"1\",\"content\":{}}", false},
		{"{\"author\":\"" ALICE "\",\"sequence\":1,\"content\":\"\"}", false},
		{"{\"author\":\"" ALICE "\",\"sequence\":1}", false},
		{"{\"author\":\"alice\",\"sequence\":1,\"content\":{}}", false},
		{"{\"" ALICE "\":1}", false},
		{"[]", false},
		{"null", false},
	};
	for (size_t i = 0; i < sizeof(items) / sizeof(items[0]); i++) {
		struct json_doc *doc = NULL;
		assert_int_equal(
			json_parse(span_text(items[i].item), LIMIT_JSON_DEPTH, &doc), ERR_OK);
		assert_int_equal(note_is_message(json_root(doc)), items[i].is_message);
		json_doc_free(doc);
	}
}

static void count_one(void *ctx, const struct feed_id *feed, const struct note *note)
{
	(void)feed;
	(void)note;
	(*(size_t *)ctx)++;
}

static void clocks_are_taken_up_to_their_limit(void **state)
{
	(void)state;
	static const size_t counts[] = {
		LIMIT_NOTE_ENTRIES, LIMIT_NOTE_ENTRIES + 1, 10 * LIMIT_NOTE_ENTRIES};
	for (size_t i = 0; i < 3; i++) {
		struct buf item = BUF_INIT(64 * MIB);
		struct json_doc *doc = NULL;
		size_t told = 0;
		assert_int_equal(note_open(&item), ERR_OK);
		for (size_t n = 0; n < counts[i]; n++) {
			struct feed_id feed = {{(uint8_t)n, (uint8_t)(n >> 8), (uint8_t)(n >> 16)}};
			assert_int_equal(
				note_add(&item, &feed,
					&(struct note){.is_replicated = true, .sequence = n}),
				ERR_OK);
		}
		assert_int_equal(note_close(&item), ERR_OK);
		assert_int_equal(json_parse(buf_span(&item), 1, &doc), ERR_OK);
		assert_int_equal(
			note_each(json_root(doc), count_one, &told), i == 0 ? ERR_OK : ERR_LIMIT);
		assert_int_equal(told, i == 0 ? counts[i] : 0);
		json_doc_free(doc);
		buf_fini(&item);
	}
}

static void builds_items_that_javascript_would_write(void **state)
{
	(void)state;
	struct buf item = BUF_INIT(KIB);
	struct feed_id alice;
	struct feed_id bob;
	assert_int_equal(feed_id_parse(span_text(ALICE), &alice), ERR_OK);
	assert_int_equal(feed_id_parse(span_text(BOB), &bob), ERR_OK);
	assert_int_equal(note_open(&item), ERR_OK);
	assert_int_equal(note_close(&item), ERR_OK);
	assert_string_equal(buf_cstr(&item), "{}");
	buf_clear(&item);
	assert_int_equal(note_open(&item), ERR_OK);
	assert_int_equal(
		note_add(&item, &alice,
			&(struct note){.is_replicated = true, .wants = true, .sequence = 6}),
		ERR_OK);
	assert_int_equal(note_add(&item, &bob, &(struct note){.is_replicated = false}), ERR_OK);
	assert_int_equal(note_close(&item), ERR_OK);
	assert_string_equal(buf_cstr(&item), "{\"" ALICE "\":12,\"" BOB "\":-1}");
	buf_fini(&item);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(encodes_as_javascript_does),
		cmocka_unit_test(decodes_as_javascript_does_and_refuses_what_is_no_note),
		cmocka_unit_test(notes_are_right_beyond_32_bits),
		cmocka_unit_test(what_is_no_note_is_skipped_and_the_rest_is_told),
		cmocka_unit_test(a_message_is_told_from_notes),
		cmocka_unit_test(clocks_are_taken_up_to_their_limit),
		cmocka_unit_test(builds_items_that_javascript_would_write),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
