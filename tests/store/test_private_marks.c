/* store/private_marks: what the owner read and decided of conversations, sealed and bounded. */
#include "lib/cmocka.h"
#include "lib/shelf.h"

#include "store/private_marks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct private_book *book;

static int set_up(void **state)
{
	int rc = shelf_set_up(state);
	struct shelf *shelf = *state;
	const struct private_opts opts = {.store = shelf->store,
		.writer = shelf->writer,
		.signer = shelf->self.signer,
		.is_stepped = true};
	assert_int_equal(private_start(&opts, &book), ERR_OK);
	return rc;
}

static int tear_down(void **state)
{
	private_stop(book);
	return shelf_tear_down(state);
}

static struct private_decision read_one(struct shelf *shelf, const struct private_name *name)
{
	struct private_decision mark;
	assert_int_equal(private_mark_read(book, shelf->reader, name, &mark), ERR_OK);
	return mark;
}

static void put(struct shelf *shelf, const struct private_decision *mark)
{
	assert_int_equal(private_mark_put(book, shelf->writer, mark), ERR_OK);
}

static void a_mark_is_read_as_it_was_written(void **state)
{
	struct shelf *shelf = *state;
	struct private_decision mark = {.name = {{7}},
		.is_read = true,
		.read = {1795351736968, -9},
		.is_hidden = true,
		.hidden = {INT64_MAX, INT64_MIN},
		.with_count = LIMIT_BOX_RECIPIENTS};
	memset(mark.with, 0xa5, sizeof(mark.with));
	put(shelf, &mark);
	struct private_decision again = read_one(shelf, &mark.name);
	assert_true(again.is_read && again.is_hidden && !again.is_accepted);
	assert_int_equal(again.read.at_ms, mark.read.at_ms);
	assert_int_equal(again.read.order, -9);
	assert_true(again.hidden.at_ms == INT64_MAX && again.hidden.order == INT64_MIN);
	assert_int_equal(again.with_count, LIMIT_BOX_RECIPIENTS);
	assert_memory_equal(again.with, mark.with, sizeof(mark.with));
	const struct private_name other = {{8}};
	assert_false(read_one(shelf, &other).is_read);
}

static void a_row_of_another_key_or_of_nobody_says_nothing(void **state)
{
	struct shelf *shelf = *state;
	struct private_decision mark = {.name = {{7}}, .is_accepted = true};
	put(shelf, &mark);
	assert_true(read_one(shelf, &mark.name).is_accepted);
	free(shelf_dump(shelf, "UPDATE private_marks SET sealed = zeroblob(length(sealed))"));
	assert_false(read_one(shelf, &mark.name).is_accepted);
	free(shelf_dump(shelf, "UPDATE private_marks SET sealed = x''"));
	assert_false(read_one(shelf, &mark.name).is_accepted);
	put(shelf, &mark);
	assert_true(read_one(shelf, &mark.name).is_accepted);
}

static void at_most_20000_conversations_are_marked(void **state)
{
	struct shelf *shelf = *state;
	char sql[256];
	struct private_decision last = {.name = {{1}}, .is_accepted = true};
	struct private_decision over = {.name = {{2}}, .is_accepted = true};
	(void)snprintf(sql, sizeof(sql),
		"WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) "
		"INSERT INTO private_marks SELECT CAST(printf('%%032d', i) AS BLOB), x'00' FROM n",
		LIMIT_PRIVATE_MARKS - 1);
	free(shelf_dump(shelf, sql));
	put(shelf, &last);
	put(shelf, &over);
	assert_true(read_one(shelf, &last.name).is_accepted);
	assert_false(read_one(shelf, &over.name).is_accepted);
	/* One that is there may change. */
	last.is_accepted = false;
	put(shelf, &last);
	assert_false(read_one(shelf, &last.name).is_accepted);
}

static void a_mark_that_is_too_long_is_not_taken(void **state)
{
	struct shelf *shelf = *state;
	static const uint8_t bytes[1000 * LIMIT_PRIVATE_MARK_BYTES];
	struct change change = {
		.kind = CHANGE_PRIVATE_MARK, .text = span_of(bytes, LIMIT_PRIVATE_MARK_BYTES)};
	assert_int_equal(writer_change_wait(shelf->writer, &change), ERR_OK);
	change.text = span_of(bytes, LIMIT_PRIVATE_MARK_BYTES + 1);
	assert_int_equal(writer_change_wait(shelf->writer, &change), ERR_LIMIT);
	change.text = span_of(bytes, sizeof(bytes));
	assert_int_equal(writer_change_wait(shelf->writer, &change), ERR_LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_mark_is_read_as_it_was_written, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_row_of_another_key_or_of_nobody_says_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			at_most_20000_conversations_are_marked, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_mark_that_is_too_long_is_not_taken, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
