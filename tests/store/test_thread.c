/* store/thread: the order of ssb-sort, from the shared vectors. */
#include "lib/cmocka.h"
#include "lib/vectors.h"

#include "base/limits.h"
#include "store/thread.h"

#include <stdlib.h>
#include <string.h>

enum { ITEMS_MAX = 32 };

static void sort_set(const json_t *set, bool is_reversed)
{
	const json_t *messages = json_object_get(set, "messages");
	size_t count = json_array_size(messages);
	struct thread_item items[ITEMS_MAX];
	struct json_doc *docs[ITEMS_MAX];
	size_t order[ITEMS_MAX];
	assert_in_range(count, 1, ITEMS_MAX);
	for (size_t i = 0; i < count; i++) {
		const json_t *message = json_array_get(messages, is_reversed ? count - 1 - i : i);
		const json_t *value = json_object_get(message, "value");
		char *text = json_dumps(value, JSON_COMPACT);
		assert_non_null(text);
		assert_int_equal(json_parse(span_text(text), LIMIT_JSON_DEPTH, &docs[i]), ERR_OK);
		free(text);
		items[i] = (struct thread_item){
			.received_ms = json_number_value(json_object_get(message, "timestamp")),
			.claimed_ms = json_number_value(json_object_get(value, "timestamp")),
			.value = json_root(docs[i]),
		};
		assert_int_equal(
			message_id_parse(span_text(vectors_text(message, "key")), &items[i].key),
			ERR_OK);
	}
	assert_int_equal(thread_order(items, count, order), ERR_OK);
	const json_t *sorted = json_object_get(set, "sorted");
	for (size_t i = 0; i < count; i++) {
		char text[MESSAGE_ID_TEXT_BYTES];
		message_id_format(&items[order[i]].key, text);
		const char *name = json_string_value(json_array_get(sorted, i));
		assert_string_equal(text, vectors_text(json_object_get(set, "names"), name));
	}
	for (size_t i = 0; i < count; i++) {
		json_doc_free(docs[i]);
	}
}

static void every_set_comes_in_the_order_of_ssb_sort(void **state)
{
	(void)state;
	json_t *file = vectors_load("threads");
	const json_t *sets = json_object_get(file, "sets");
	assert_true(json_array_size(sets) >= 6);
	for (size_t i = 0; i < json_array_size(sets); i++) {
		sort_set(json_array_get(sets, i), false);
		sort_set(json_array_get(sets, i), true);
	}
	json_decref(file);
}

static void no_items_are_in_order(void **state)
{
	(void)state;
	size_t order[1] = {7};
	assert_int_equal(thread_order(NULL, 0, order), ERR_OK);
	assert_int_equal(order[0], 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_set_comes_in_the_order_of_ssb_sort),
		cmocka_unit_test(no_items_are_in_order),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
