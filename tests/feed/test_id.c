/* feed/id: strict sigil ids, and the wider forms of links and of what our user types. */
#include "lib/cmocka.h"
#include "lib/vectors.h"

#include "feed/id.h"

static const char feed_text[] = "@/RckOFqgx1tk+3jNYC+h2ZH96/drE8WO1wLqyDXp9hg=.ed25519";
static const char path_text[] = "_RckOFqgx1tk-3jNYC-h2ZH96_drE8WO1wLqyDXp9hg";

/* ssb-ref also takes an author ending .sha256 and any character for the dot: quirks we do not copy
 * (protocol/01 §1). */
static bool is_quirk(const char *ref)
{
	return strstr(ref, "=X") != NULL || (ref[0] == '@' && strstr(ref, ".sha256") != NULL);
}

static void takes_the_refs_that_ssb_ref_takes_but_its_quirks(void **state)
{
	(void)state;
	json_t *root = vectors_load("addresses");
	size_t i;
	const json_t *vector;
	json_array_foreach(json_object_get(root, "refs"), i, vector)
	{
		const char *ref = vectors_text(vector, "ref");
		bool may = !is_quirk(ref);
		struct feed_id feed;
		struct message_id message;
		struct blob_id blob;
		assert_int_equal(feed_id_parse(span_text(ref), &feed) == ERR_OK,
			may && json_is_true(json_object_get(vector, "isFeed")));
		assert_int_equal(message_id_parse(span_text(ref), &message) == ERR_OK,
			may && json_is_true(json_object_get(vector, "isMsg")));
		assert_int_equal(blob_id_parse(span_text(ref), &blob) == ERR_OK,
			may && json_is_true(json_object_get(vector, "isBlob")));
		bool is_link = feed_id_parse_link(span_text(ref), &feed) == ERR_OK ||
			       message_id_parse_link(span_text(ref), &message) == ERR_OK ||
			       blob_id_parse_link(span_text(ref), &blob) == ERR_OK;
		assert_int_equal(is_link, may && json_is_true(json_object_get(vector, "isLink")));
	}
	json_decref(root);
}

static void takes_the_uris_of_classic_things(void **state)
{
	(void)state;
	json_t *root = vectors_load("addresses");
	size_t i;
	const json_t *vector;
	json_array_foreach(json_object_get(root, "uris"), i, vector)
	{
		struct span uri = span_text(vectors_text(vector, "uri"));
		const char *sigil = vectors_text(vector, "sigil");
		char text[FEED_ID_TEXT_BYTES] = "";
		struct feed_id feed;
		struct message_id message;
		struct blob_id blob;
		if (feed_id_parse_link(uri, &feed) == ERR_OK) {
			feed_id_format(&feed, text);
		}
		if (message_id_parse_link(uri, &message) == ERR_OK) {
			assert_string_equal(text, "");
			message_id_format(&message, text);
		}
		if (blob_id_parse_link(uri, &blob) == ERR_OK) {
			assert_string_equal(text, "");
			blob_id_format(&blob, text);
		}
		assert_string_equal(text, sigil == NULL ? "" : sigil);
		assert_int_equal(feed_id_parse(uri, &feed), ERR_REFUSED);
	}
	json_decref(root);
}

static void goes_to_the_path_form_and_back(void **state)
{
	(void)state;
	struct feed_id feed;
	struct message_id message;
	char path[ID_PATH_BYTES];
	assert_int_equal(feed_id_parse(span_text(feed_text), &feed), ERR_OK);
	id_format_path(feed.at, path);
	assert_string_equal(path, path_text);
	assert_int_equal(message_id_parse_any(span_text(path), &message), ERR_OK);
	assert_memory_equal(message.at, feed.at, ID_BYTES);
	assert_int_equal(message_id_parse_link(span_text(path), &message), ERR_REFUSED);
}

static void leaves_the_result_alone_when_it_refuses(void **state)
{
	(void)state;
	struct feed_id feed;
	memset(&feed, 0x55, sizeof(feed));
	struct feed_id before = feed;
	char text[sizeof(feed_text)];
	for (size_t i = 0; i < sizeof(feed_text) - 1; i++) {
		assert_int_equal(feed_id_parse(span_of(feed_text, i), &feed), ERR_REFUSED);
		memcpy(text, feed_text, sizeof(text));
		text[i] = '\0';
		assert_int_equal(
			feed_id_parse_any(span_of(text, sizeof(text) - 1), &feed), ERR_REFUSED);
	}
	assert_true(feed_id_equal(&feed, &before));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_the_refs_that_ssb_ref_takes_but_its_quirks),
		cmocka_unit_test(takes_the_uris_of_classic_things),
		cmocka_unit_test(goes_to_the_path_form_and_back),
		cmocka_unit_test(leaves_the_result_alone_when_it_refuses),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
