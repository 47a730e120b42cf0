/* store/search: posts are found by their words, and by nothing else. */
#include "lib/cmocka.h"
#include "lib/shelf.h"

#include "base/limits.h"
#include "store/inside.h"
#include "store/search.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum err try_words(struct shelf *shelf, struct span words, struct posts *posts)
{
	int64_t cursor = 0;
	const struct search_query query = {.words = words, .limit = 100};
	return search_page(shelf->reader, &query, posts, &cursor);
}

static size_t found(struct shelf *shelf, const char *words)
{
	struct posts posts;
	if (try_words(shelf, span_text(words), &posts) != ERR_OK) {
		fail_msg("%s", words);
	}
	size_t count = posts.count;
	posts_free(&posts);
	return count;
}

static void all_words_are_asked_for_whatever_their_case_and_accents(void **state)
{
	struct shelf *shelf = *state;
	(void)shelf_publish(shelf, "{\"type\":\"post\",\"text\":\"Gr\xc3\xbc\xc3\x9f"
				   "e vom Caf\xc3\xa9 am See\"}");
	(void)shelf_publish(shelf, "{\"type\":\"post\",\"text\":\"Tea by the see-saw\"}");
	(void)shelf_publish(
		shelf, "{\"type\":\"about\",\"about\":\"%s\",\"name\":\"see\"}", shelf->self.text);
	assert_int_equal(found(shelf, "see"), 2);
	assert_int_equal(found(shelf, "SEE"), 2);
	assert_int_equal(found(shelf, "cafe"), 1);
	assert_int_equal(found(shelf, "CAF\xc3\x89 gr\xc3\xbc\xc3\x9f"
				      "e"),
		1);
	assert_int_equal(found(shelf, "see tea"), 1);
	assert_int_equal(found(shelf, "cafe tea"), 0);
	assert_int_equal(found(shelf, "sea"), 0);
	assert_int_equal(found(shelf, "see-saw"), 1);
	assert_int_equal(found(shelf, "saw-see"), 0);
}

static void nothing_in_a_question_is_an_operator(void **state)
{
	static const char *const questions[] = {"one OR two", "one NOT two", "on*", "^one",
		"words:one", "NEAR(one two)", "one + two", "\"one two\"x", "{words}:one",
		"-one zwo"};
	struct shelf *shelf = *state;
	(void)shelf_publish(shelf, "{\"type\":\"post\",\"text\":\"one\"}");
	(void)shelf_publish(shelf, "{\"type\":\"post\",\"text\":\"two\"}");
	for (size_t i = 0; i < sizeof(questions) / sizeof(questions[0]); i++) {
		if (i == 3) {
			assert_int_equal(found(shelf, questions[i]), 1); /* signs are no words */
		} else {
			assert_int_equal(found(shelf, questions[i]), 0);
		}
	}
	assert_int_equal(found(shelf, "\"one\""), 1);
	assert_int_equal(found(shelf, "one \"\"\" + \" -"), 1); /* signs alone are left out */
	assert_int_equal(found(shelf, "+ \"\" -"), 0);
	assert_int_equal(found(shelf, "'; DROP TABLE posts; --"), 0);
	assert_int_equal(found(shelf, "one"), 1);
}

static void what_is_not_a_question_is_refused(void **state)
{
	struct shelf *shelf = *state;
	struct posts posts;
	char many[4 * 1000 * LIMIT_SEARCH_CHARS];
	assert_int_equal(try_words(shelf, span_text(""), &posts), ERR_REFUSED);
	assert_int_equal(try_words(shelf, span_text(" \t\n "), &posts), ERR_REFUSED);
	assert_int_equal(try_words(shelf, span_of("a\0b", 3), &posts), ERR_REFUSED);
	assert_int_equal(found(shelf, "a b c d e f g h"), 0);
	assert_int_equal(try_words(shelf, span_text("a b c d e f g h i"), &posts), ERR_LIMIT);
	memset(many, 'a', sizeof(many));
	assert_int_equal(try_words(shelf, span_of(many, LIMIT_SEARCH_CHARS), &posts), ERR_OK);
	posts_free(&posts);
	assert_int_equal(
		try_words(shelf, span_of(many, LIMIT_SEARCH_CHARS + 1), &posts), ERR_LIMIT);
	assert_int_equal(
		try_words(shelf, span_of(many, 1000 * LIMIT_SEARCH_CHARS), &posts), ERR_LIMIT);
	for (size_t i = 0; i < LIMIT_SEARCH_CHARS; i++) { /* the longest characters there are */
		memcpy(many + 4 * i, "\xf0\x9f\x98\x80", 4);
	}
	assert_int_equal(try_words(shelf, span_of(many, 4 * LIMIT_SEARCH_CHARS), &posts), ERR_OK);
	posts_free(&posts);
	memset(many, '"', sizeof(many));
	assert_int_equal(try_words(shelf, span_of(many, LIMIT_SEARCH_CHARS), &posts), ERR_OK);
	posts_free(&posts);
	for (size_t i = 0; i < 1000; i++) {
		many[2 * i] = 'a';
		many[2 * i + 1] = ' ';
	}
	assert_int_equal(try_words(shelf, span_of(many, 2 * 8), &posts), ERR_OK);
	posts_free(&posts);
	assert_int_equal(try_words(shelf, span_of(many, 200), &posts), ERR_LIMIT);
	struct search_query query = {.words = span_text("a"), .limit = 0};
	int64_t cursor = 0;
	assert_int_equal(search_page(shelf->reader, &query, &posts, &cursor), ERR_LIMIT);
	query.limit = LIMIT_PAGE_ROWS + 1;
	assert_int_equal(search_page(shelf->reader, &query, &posts, &cursor), ERR_LIMIT);
}

static void pages_go_from_the_newest_to_the_oldest(void **state)
{
	enum { POSTS = 57, DAY_MS = 86400000 };
	struct shelf *shelf = *state;
	struct author authors[2];
	struct search_query query = {.words = span_text("word"), .limit = 10};
	int64_t last_ms = INT64_MAX;
	size_t total = 0;
	struct posts posts;
	author_init(&authors[0], 1);
	author_init(&authors[1], 2);
	/* One after the other arrives; their times interleave. */
	for (int who = 0; who < 2; who++) {
		for (int i = 0; i < POSTS; i++) {
			authors[who].now_ms = 1700000000000 + (int64_t)DAY_MS * (2 * i + who);
			assert_int_equal(shelf_append(shelf, author_post(&authors[who], "a word")),
				APPEND_STORED);
		}
	}
	do {
		int64_t cursor = 0;
		assert_int_equal(search_page(shelf->reader, &query, &posts, &cursor), ERR_OK);
		assert_true(posts.count <= 10);
		for (size_t i = 0; i < posts.count; i++) {
			assert_true(posts.at[i].at_ms < last_ms);
			last_ms = posts.at[i].at_ms;
		}
		total += posts.count;
		query.has_before = true;
		query.before = cursor;
		bool has_more = posts.has_more;
		posts_free(&posts);
		if (!has_more) {
			break;
		}
	} while (total < 1000);
	assert_int_equal(total, 2 * POSTS);
	author_fini(&authors[0]);
	author_fini(&authors[1]);
}

static void a_blocked_authors_words_are_gone_and_come_back(void **state)
{
	struct shelf *shelf = *state;
	struct author ben;
	struct author dee;
	author_init(&ben, 1);
	author_init(&dee, 4);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(shelf_append(shelf, author_post(&ben, "our word")), APPEND_STORED);
		assert_int_equal(shelf_append(shelf, author_post(&dee, "our word")), APPEND_STORED);
	}
	for (int round = 0; round < 3; round++) {
		sqlite3_stmt *stmt = NULL;
		(void)shelf_contact(shelf, &ben.id, EDGE_BLOCK);
		assert_int_equal(found(shelf, "word"), 5);
		/* Not only out of sight. */
		assert_int_equal(sqlite3_prepare_v2(db_handle(shelf->store->writer),
					 "SELECT count(*) FROM search WHERE words MATCH 'word'", -1,
					 &stmt, NULL),
			SQLITE_OK);
		assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
		assert_int_equal(sqlite3_column_int(stmt, 0), 5);
		(void)sqlite3_finalize(stmt);
		(void)shelf_contact(shelf, &ben.id, round == 1 ? EDGE_FOLLOW : EDGE_NEITHER);
		assert_int_equal(found(shelf, "word"), 10);
		assert_int_equal(found(shelf, "our word"), 10);
	}
	author_fini(&ben);
	author_fini(&dee);
}

static void words_of_any_bytes_go_in_and_out(void **state)
{
	struct shelf *shelf = *state;
	struct author ben;
	author_init(&ben, 1);
	assert_int_equal(
		shelf_append(shelf, author_say(&ben, "{\"type\":\"post\",\"text\":\"be\\u0000fore "
						     "\\ud800 after\\uffff zebra\"}")),
		APPEND_STORED);
	assert_int_equal(shelf_append(shelf, author_say(&ben, "{\"type\":\"post\",\"text\":\"\"}")),
		APPEND_STORED);
	assert_int_equal(found(shelf, "zebra"), 1);
	(void)shelf_contact(shelf, &ben.id, EDGE_BLOCK);
	assert_int_equal(found(shelf, "zebra"), 0);
	(void)shelf_contact(shelf, &ben.id, EDGE_FOLLOW);
	assert_int_equal(found(shelf, "zebra"), 1);
	author_fini(&ben);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			all_words_are_asked_for_whatever_their_case_and_accents, shelf_set_up,
			shelf_tear_down),
		cmocka_unit_test_setup_teardown(
			nothing_in_a_question_is_an_operator, shelf_set_up, shelf_tear_down),
		cmocka_unit_test_setup_teardown(
			what_is_not_a_question_is_refused, shelf_set_up, shelf_tear_down),
		cmocka_unit_test_setup_teardown(
			pages_go_from_the_newest_to_the_oldest, shelf_set_up, shelf_tear_down),
		cmocka_unit_test_setup_teardown(a_blocked_authors_words_are_gone_and_come_back,
			shelf_set_up, shelf_tear_down),
		cmocka_unit_test_setup_teardown(
			words_of_any_bytes_go_in_and_out, shelf_set_up, shelf_tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
