/* store/writer for an import: many jobs share one COMMIT, and writer_flush() says whether all that
 * was told done is stored. */
#include "lib/cmocka.h"
#include "lib/shelf.h"

#include "store/inside.h"

/* The shelf's writer again, as an import has it; stepped, so that no pause ends a transaction. */
static void import_begins(struct shelf *shelf)
{
	char why[256] = "";
	const struct writer_opts opts = {
		.store = shelf->store, .is_stepped = true, .is_import = true};
	shelf->is_stepped = true;
	writer_stop(shelf->writer);
	assert_int_equal(writer_start(&opts, &shelf->writer, why, sizeof(why)), ERR_OK);
}

static uint64_t head_of(struct shelf *shelf, const struct author *author)
{
	struct chain_head head = {.sequence = 0};
	enum err err = reader_head(shelf->reader, &author->id, &head);
	assert_true(err == ERR_OK || err == ERR_NOT_FOUND);
	return head.sequence;
}

static void append_ten(struct shelf *shelf, struct author *author)
{
	struct message *messages[10];
	enum append_result results[10];
	for (size_t i = 0; i < 10; i++) {
		messages[i] = author_post(author, "hello");
	}
	assert_int_equal(shelf_append_all(shelf, messages, 10, results), ERR_OK);
	for (size_t i = 0; i < 10; i++) {
		assert_int_equal(results[i], APPEND_STORED);
	}
}

static void what_is_told_done_is_stored_by_the_flush(void **state)
{
	struct shelf *shelf = *state;
	struct author ben;
	author_init(&ben, 1);
	import_begins(shelf);
	append_ten(shelf, &ben);
	append_ten(shelf, &ben);
	assert_int_equal(head_of(shelf, &ben), 0);
	assert_int_equal(writer_flush(shelf->writer), ERR_OK);
	assert_int_equal(head_of(shelf, &ben), 20);
	append_ten(shelf, &ben);
	assert_int_equal(writer_flush(shelf->writer), ERR_OK);
	assert_int_equal(head_of(shelf, &ben), 30);
	author_fini(&ben);
}

static void the_end_stores_what_no_flush_has(void **state)
{
	struct shelf *shelf = *state;
	struct author ben;
	author_init(&ben, 1);
	import_begins(shelf);
	append_ten(shelf, &ben);
	shelf_close(shelf);
	shelf_open(shelf);
	assert_int_equal(head_of(shelf, &ben), 10);
	author_fini(&ben);
}

/* Whatever else is to be written takes what came before along. */
static void another_transaction_ends_the_one_before(void **state)
{
	struct shelf *shelf = *state;
	struct author ben;
	author_init(&ben, 1);
	import_begins(shelf);
	append_ten(shelf, &ben);
	const struct change change = {
		.kind = CHANGE_SETTING, .name = span_text("x"), .text = span_text("y")};
	assert_int_equal(writer_change_wait(shelf->writer, &change), ERR_OK);
	assert_int_equal(head_of(shelf, &ben), 10);
	author_fini(&ben);
}

/* A node of our own key that comes back from a file is as precious as ever. */
static void own_messages_are_stored_at_once(void **state)
{
	struct shelf *shelf = *state;
	struct author self;
	struct author ben;
	author_init(&self, 0);
	author_init(&ben, 1);
	import_begins(shelf);
	append_ten(shelf, &ben);
	append_ten(shelf, &self);
	assert_int_equal(head_of(shelf, &ben), 10);
	assert_int_equal(head_of(shelf, &self), 10);
	author_fini(&ben);
	author_fini(&self);
}

static int refuse_commit(void *ctx)
{
	(void)ctx;
	return 1;
}

static void a_commit_that_fails_is_told_by_the_flush_and_by_every_later_one(void **state)
{
	struct shelf *shelf = *state;
	struct author ben;
	author_init(&ben, 1);
	import_begins(shelf);
	append_ten(shelf, &ben);
	(void)sqlite3_commit_hook(db_handle(shelf->store->writer), refuse_commit, NULL);
	assert_int_not_equal(writer_flush(shelf->writer), ERR_OK);
	(void)sqlite3_commit_hook(db_handle(shelf->store->writer), NULL, NULL);
	assert_int_equal(head_of(shelf, &ben), 0);
	assert_int_not_equal(writer_flush(shelf->writer), ERR_OK);
	/* The feed goes on from what is stored, not from what was lost. */
	author_fini(&ben);
	author_init(&ben, 1);
	append_ten(shelf, &ben);
	author_fini(&ben);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			what_is_told_done_is_stored_by_the_flush, shelf_set_up, shelf_tear_down),
		cmocka_unit_test_setup_teardown(
			the_end_stores_what_no_flush_has, shelf_set_up, shelf_tear_down),
		cmocka_unit_test_setup_teardown(
			another_transaction_ends_the_one_before, shelf_set_up, shelf_tear_down),
		cmocka_unit_test_setup_teardown(
			own_messages_are_stored_at_once, shelf_set_up, shelf_tear_down),
		cmocka_unit_test_setup_teardown(
			a_commit_that_fails_is_told_by_the_flush_and_by_every_later_one,
			shelf_set_up, shelf_tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
