/* store/search: posts are found by their words, and by nothing else. */
#include "lib/cmocka.h"
#include "lib/shelf.h"

#include "base/limits.h"
#include "store/inside.h"
#include "store/people.h"
#include "store/search.h"
#include "store/tags.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum err try_typed(struct shelf *shelf, struct span typed, struct posts *posts)
{
	struct search search;
	struct search_cursor cursor;
	const struct search_query query = {.search = &search, .limit = 100};
	enum err err = search_read(shelf->reader, typed, 0, &search);
	return err == ERR_OK ? search_page(shelf->reader, &query, posts, &cursor) : err;
}

static void expect(struct shelf *shelf, const char *typed, size_t count)
{
	size_t found = shelf_found(shelf, typed);
	if (found != count) {
		fail_msg("%s: %zu found, not %zu", typed, found, count);
	}
}

static void all_words_are_asked_for_whatever_their_case_and_accents(void **state)
{
	struct shelf *shelf = *state;
	(void)shelf_publish(shelf, "{\"type\":\"post\",\"text\":\"Gr\xc3\xbc\xc3\x9f"
				   "e vom Caf\xc3\xa9 am See\"}");
	(void)shelf_publish(shelf, "{\"type\":\"post\",\"text\":\"Tea by the see-saw\"}");
	(void)shelf_publish(
		shelf, "{\"type\":\"about\",\"about\":\"%s\",\"name\":\"see\"}", shelf->self.text);
	expect(shelf, "see", 2);
	expect(shelf, "SEE", 2);
	expect(shelf, "cafe", 1);
	expect(shelf,
		"CAF\xc3\x89 gr\xc3\xbc\xc3\x9f"
		"e",
		1);
	expect(shelf, "see tea", 1);
	expect(shelf, "cafe tea", 0);
	expect(shelf, "sea", 0);
	expect(shelf, "see-saw", 1);
	expect(shelf, "saw-see", 0);
}

static void nothing_in_a_question_reaches_the_engine(void **state)
{
	static const char *const none[] = {"one OR two", "one NOT two", "one AND two", "words:one",
		"NEAR(one two)", "one + two", "{words}:one two", "+ \"\" -", "*", "-",
		"'; DROP TABLE posts; --",
		"\xee\x80\x80"
		"1",
		"one \xee\x80\x81"
		"2 two"};
	struct shelf *shelf = *state;
	(void)shelf_publish(shelf, "{\"type\":\"post\",\"text\":\"one\"}");
	(void)shelf_publish(shelf, "{\"type\":\"post\",\"text\":\"two\"}");
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		expect(shelf, none[i], 0);
	}
	expect(shelf, "^one", 1); /* signs are no words */
	expect(shelf, "one*", 1);
	expect(shelf, "\"one\"", 1);
	expect(shelf, "one \"", 1);
	expect(shelf, "one \"\"\" + \" -", 1);
}

static void what_is_not_a_question_is_refused(void **state)
{
	struct shelf *shelf = *state;
	struct posts posts;
	char many[4 * 1000 * LIMIT_SEARCH_CHARS];
	assert_int_equal(try_typed(shelf, span_text(""), &posts), ERR_REFUSED);
	assert_int_equal(try_typed(shelf, span_text(" \t\n "), &posts), ERR_REFUSED);
	assert_int_equal(try_typed(shelf, span_of("a\0b", 3), &posts), ERR_REFUSED);
	expect(shelf, "a b c d e f g h", 0);
	assert_int_equal(try_typed(shelf, span_text("a b c d e f g h i"), &posts), ERR_LIMIT);
	memset(many, 'a', sizeof(many));
	assert_int_equal(try_typed(shelf, span_of(many, LIMIT_SEARCH_CHARS), &posts), ERR_OK);
	posts_free(&posts);
	assert_int_equal(
		try_typed(shelf, span_of(many, LIMIT_SEARCH_CHARS + 1), &posts), ERR_LIMIT);
	assert_int_equal(
		try_typed(shelf, span_of(many, 1000 * LIMIT_SEARCH_CHARS), &posts), ERR_LIMIT);
	for (size_t i = 0; i < LIMIT_SEARCH_CHARS; i++) { /* the longest characters there are */
		memcpy(many + 4 * i, "\xf0\x9f\x98\x80", 4);
	}
	assert_int_equal(try_typed(shelf, span_of(many, 4 * LIMIT_SEARCH_CHARS), &posts), ERR_OK);
	posts_free(&posts);
	memset(many, '"', sizeof(many));
	assert_int_equal(try_typed(shelf, span_of(many, LIMIT_SEARCH_CHARS), &posts), ERR_OK);
	posts_free(&posts);
	for (size_t i = 0; i < 1000; i++) {
		many[2 * i] = 'a';
		many[2 * i + 1] = ' ';
	}
	assert_int_equal(try_typed(shelf, span_of(many, 2 * 8), &posts), ERR_OK);
	posts_free(&posts);
	assert_int_equal(try_typed(shelf, span_of(many, 200), &posts), ERR_LIMIT);
	struct search search;
	struct search_cursor cursor;
	struct search_query query = {.search = &search, .limit = 0};
	assert_int_equal(search_read(shelf->reader, span_text("a"), 0, &search), ERR_OK);
	assert_int_equal(search_page(shelf->reader, &query, &posts, &cursor), ERR_LIMIT);
	query.limit = LIMIT_PAGE_ROWS + 1;
	assert_int_equal(search_page(shelf->reader, &query, &posts, &cursor), ERR_LIMIT);
}

static void pages_go_from_the_newest_to_the_oldest(void **state)
{
	enum { POSTS = 57, DAY_MS = 86400000 };
	struct shelf *shelf = *state;
	struct author authors[2];
	struct search search;
	struct search_query query = {.search = &search, .limit = 10};
	int64_t last_ms = INT64_MAX;
	size_t total = 0;
	struct posts posts;
	author_init(&authors[0], 1);
	author_init(&authors[1], 2);
	assert_int_equal(search_read(shelf->reader, span_text("word"), 0, &search), ERR_OK);
	/* One after the other arrives; their times interleave. */
	for (int who = 0; who < 2; who++) {
		for (int i = 0; i < POSTS; i++) {
			authors[who].now_ms = 1700000000000 + (int64_t)DAY_MS * (2 * i + who);
			assert_int_equal(shelf_append(shelf, author_post(&authors[who], "a word")),
				APPEND_STORED);
		}
	}
	do {
		struct search_cursor cursor;
		assert_int_equal(search_page(shelf->reader, &query, &posts, &cursor), ERR_OK);
		assert_true(posts.count <= 10);
		for (size_t i = 0; i < posts.count; i++) {
			assert_true(posts.at[i].at_ms < last_ms);
			last_ms = posts.at[i].at_ms;
		}
		total += posts.count;
		query.has_before = true;
		query.before = cursor.order;
		query.before_ms = cursor.at_ms;
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
		expect(shelf, "word", 5);
		/* Not only out of sight. */
		assert_int_equal(sqlite3_prepare_v2(db_handle(shelf->store->writer),
					 "SELECT count(*) FROM search WHERE words MATCH 'word'", -1,
					 &stmt, NULL),
			SQLITE_OK);
		assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
		assert_int_equal(sqlite3_column_int(stmt, 0), 5);
		(void)sqlite3_finalize(stmt);
		(void)shelf_contact(shelf, &ben.id, round == 1 ? EDGE_FOLLOW : EDGE_NEITHER);
		expect(shelf, "word", 10);
		expect(shelf, "our word", 10);
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
	expect(shelf, "zebra", 1);
	(void)shelf_contact(shelf, &ben.id, EDGE_BLOCK);
	expect(shelf, "zebra", 0);
	(void)shelf_contact(shelf, &ben.id, EDGE_FOLLOW);
	expect(shelf, "zebra", 1);
	author_fini(&ben);
}

static void post(struct shelf *shelf, const char *text)
{
	(void)shelf_publish(shelf, "{\"type\":\"post\",\"text\":\"%s\"}", text);
}

static void parts_of_words_are_found(void **state)
{
	struct shelf *shelf = *state;
	post(shelf, "The gardener is in the kindergarten");
	post(shelf, "Gartenzaun");
	post(shelf, "A garden");
	post(shelf, "The see-sawing");
	expect(shelf, "see-saw", 1); /* the last of several may go on */
	expect(shelf, "garden", 2);
	expect(shelf, "rten", 2);
	expect(shelf, "GART", 2);
	expect(shelf, "gardener", 1);
	expect(shelf, "gardeners", 0);
	expect(shelf, "ga", 3); /* the beginning of a word */
	expect(shelf, "ar", 0); /* … not its middle */
	expect(shelf, "g", 0);  /* one letter is a word */
	expect(shelf, "a", 1);
	expect(shelf, "\"garden\"", 1);
	expect(shelf, "kinder ener", 1);
	expect(shelf, "gard -gardener", 1);
	expect(shelf, "gard -\"a garden\"", 1);
}

static void scripts_without_blanks_are_found(void **state)
{
	struct shelf *shelf = *state;
	post(shelf, "\xe6\x9d\xb1\xe4\xba\xac\xe9\x83\xbd\xe3\x81\xab\xe8\xa1\x8c\xe3"
		    "\x81\x8f"); /* 東京都に行く */
	post(shelf,
		"\xe4\xba\xac\xe9\x83\xbd kith\xe3\x81\xaf\xe8\x89\xaf\xe3\x81\x84"); /* 京都
											 kithは良い
										       */
	post(shelf, "\xea\xb2\x80\xec\x83\x89\xec\x97\x94\xec\xa7\x84"); /* 검색엔진 */
	expect(shelf, "\xe6\x9d\xb1\xe4\xba\xac", 1);                    /* 東京 */
	expect(shelf, "\xe4\xba\xac\xe9\x83\xbd", 2);             /* 京都 is in 東京都 too */
	expect(shelf, "\xe4\xba\xac\xe9\x83\xbd\xe3\x81\xab", 1); /* 京都に */
	expect(shelf, "\xe9\x83\xbd", 2);                         /* 都, once at an end */
	expect(shelf, "\xe6\x9d\xb1", 1);
	expect(shelf, "\xe8\x8c\xb6", 0);             /* 茶 */
	expect(shelf, "\xe6\x9d\xb1\xe9\x83\xbd", 0); /* 東都: not beside each other */
	expect(shelf, "kith\xe3\x81\xaf", 1);
	expect(shelf, "kith\xe3\x81\xaf\xe8\x89\xaf", 1);
	expect(shelf, "\"\xe4\xba\xac\xe9\x83\xbd kith\"", 1);
	expect(shelf, "\xec\x83\x89\xec\x97\x94", 1); /* 색엔 */
	expect(shelf, "\xec\x97\x94", 1);
	expect(shelf, "kith -\xe8\x89\xaf\xe3\x81\x84", 0);
}

static void what_nobody_sees_is_in_no_ones_way(void **state)
{
	struct shelf *shelf = *state;
	post(shelf, "Zu\xc2\xadsammen \xd9\x85\xdb\x8c\xe2\x80\x8c\xd8\xae\xd9\x88");
	expect(shelf, "zusammen", 1);
	expect(shelf, "\xd9\x85\xdb\x8c\xd8\xae\xd9\x88", 1);
	expect(shelf, "zu\xe2\x80\x8dsammen", 1);
}

static void operators_narrow_it_down(void **state)
{
	struct shelf *shelf = *state;
	struct author ana;
	struct author ben;
	char typed[128];
	author_init(&ana, 1);
	author_init(&ben, 2);
	ana.now_ms = 1767225600000 - 1000; /* a second before 2026 */
	ben.now_ms = 1767225600000;
	assert_int_equal(shelf_append(shelf, author_name(&ana, "Ana Lee")), APPEND_STORED);
	assert_int_equal(shelf_append(shelf, author_name(&ben, "Anatol")), APPEND_STORED);
	ana.now_ms = 1767225600000 - 1000;
	ben.now_ms = 1767225600000;
	assert_int_equal(shelf_append(shelf, author_post(&ana, "tea #Garden")), APPEND_STORED);
	assert_int_equal(shelf_append(shelf, author_post(&ben, "tea #gardening")), APPEND_STORED);
	expect(shelf, "from:ana tea", 2);
	expect(shelf, "from:\"ana lee\" tea", 1);
	expect(shelf, "from:\"ANA LEE\"", 1);
	expect(shelf, "from:anatol", 1);
	expect(shelf, "from:nobody tea", 0);
	expect(shelf, "from: tea", 2);
	(void)snprintf(typed, sizeof(typed), "FROM:%s te", ben.text);
	expect(shelf, typed, 1);
	expect(shelf, "tag:garden", 1);
	expect(shelf, "#garden tea", 1);
	expect(shelf, "tag:gard", 0);
	expect(shelf, "tag:garden tag:gardening", 0);
	expect(shelf, "tea before:2026", 1);
	expect(shelf, "tea after:2026", 1);
	expect(shelf, "after:2026-01-01 before:2026-01-02", 1);
	expect(shelf, "after:2025-12 before:2026-02", 2);
	expect(shelf, "before:2025", 0);
	expect(shelf, "tea before:yesterday", 2);
	expect(shelf, "tea from:ana after:2026-01 #gardening", 1);
	author_fini(&ana);
	author_fini(&ben);
}

/* Names of people that are found, with a blank behind each. */
static void expect_people(struct shelf *shelf, const char *typed, const char *names)
{
	struct search search;
	struct feed_id ids[LIMIT_SEARCH_PEOPLE];
	struct person person;
	char text[1024] = "";
	size_t count = 0;
	assert_int_equal(search_read(shelf->reader, span_text(typed), 0, &search), ERR_OK);
	assert_int_equal(search_people(shelf->reader, &search, ids, &count), ERR_OK);
	for (size_t i = 0; i < count; i++) {
		size_t len = strlen(text);
		assert_int_equal(person_read(shelf->reader, &ids[i], &person), ERR_OK);
		(void)snprintf(text + len, sizeof(text) - len, "%s ", person.name);
	}
	assert_string_equal(text, names);
}

static void people_are_found_by_name_and_key(void **state)
{
	static const char *const names[] = {"Jos\xc3\xa9 Ruiz", "Ruizinho",
		"\xe7\x94\xb0\xe4\xb8\xad", "Josef", "Maria Jos\xc3\xa9"};
	enum { PEOPLE = 5 };
	struct shelf *shelf = *state;
	struct author people[PEOPLE];
	char key[16];
	for (unsigned i = 0; i < PEOPLE; i++) {
		author_init(&people[i], i + 1);
		people[i].now_ms += i;
		assert_int_equal(
			shelf_append(shelf, author_name(&people[i], names[i])), APPEND_STORED);
	}
	(void)shelf_contact(shelf, &people[0].id, EDGE_FOLLOW);
	expect_people(shelf, "jose ruiz", "Jos\xc3\xa9 Ruiz ");
	expect_people(shelf, "ruiz jose", "Jos\xc3\xa9 Ruiz ");
	expect_people(shelf, "ruiz", "Jos\xc3\xa9 Ruiz Ruizinho ");
	expect_people(shelf, "inho", "Ruizinho ");
	expect_people(shelf, "\xe4\xb8\xad", "\xe7\x94\xb0\xe4\xb8\xad ");
	expect_people(shelf, "\xe7\x94\xb0", "\xe7\x94\xb0\xe4\xb8\xad ");
	expect_people(shelf, "from:jose ruiz", "");
	expect_people(shelf, "-ruiz", "");
	(void)snprintf(key, sizeof(key), "%.4s %.4s", people[3].text + 1, people[3].text + 5);
	expect_people(shelf, key, "Josef ");
	expect_people(shelf, people[3].text, "");
	(void)shelf_contact(shelf, &people[1].id, EDGE_BLOCK);
	expect_people(shelf, "ruiz", "Jos\xc3\xa9 Ruiz ");
	for (unsigned i = 0; i < PEOPLE; i++) {
		author_fini(&people[i]);
	}
}

static void expect_go(struct shelf *shelf, const char *typed, enum search_go_kind kind)
{
	struct search_go go;
	assert_int_equal(search_go(shelf->reader, span_text(typed), &go), ERR_OK);
	if (go.kind != kind) {
		fail_msg("%s: %d", typed, (int)go.kind);
	}
}

static void what_was_pasted_leads_to_its_page(void **state)
{
	struct shelf *shelf = *state;
	struct publish_result made = shelf_publish(shelf, "{\"type\":\"post\",\"text\":\"x\"}");
	char id[MESSAGE_ID_TEXT_BYTES];
	char path[ID_PATH_BYTES];
	char typed[256];
	message_id_format(&made.key, id);
	id_format_path(made.key.at, path);
	expect_go(shelf, id, SEARCH_GO_MESSAGE);
	expect_go(shelf, path, SEARCH_GO_MESSAGE);
	expect_go(shelf, shelf->self.text, SEARCH_GO_PERSON);
	(void)snprintf(typed, sizeof(typed), "  http://127.0.0.1:8989/m/%s/raw?x ", path);
	expect_go(shelf, typed, SEARCH_GO_MESSAGE);
	(void)snprintf(typed, sizeof(typed), "/p/%s#posts", path);
	expect_go(shelf, typed, SEARCH_GO_PERSON);
	(void)snprintf(typed, sizeof(typed), "ssb:message/classic/%s", path);
	expect_go(shelf, typed, SEARCH_GO_MESSAGE);
	(void)snprintf(typed, sizeof(typed), "ssb:feed/classic/%s", path);
	expect_go(shelf, typed, SEARCH_GO_PERSON);
	(void)snprintf(typed, sizeof(typed), "net:10.0.0.1:8008~shs:%.44s", shelf->self.text + 1);
	expect_go(shelf, typed, SEARCH_GO_PERSON);
	id_format_path(shelf->self.id.at, path);
	expect_go(shelf, path, SEARCH_GO_PERSON);
	path[0] = path[0] == 'A' ? 'B' : 'A';
	expect_go(shelf, path, SEARCH_GO_NOWHERE); /* of whom, or of what? */
	expect_go(shelf, "https://kith.local/tag/Garden", SEARCH_GO_TAG);
	expect_go(shelf, "https://example.org/", SEARCH_GO_NOWHERE);
	expect_go(shelf, "https://", SEARCH_GO_NOWHERE);
	expect_go(shelf, "net:x~shs:", SEARCH_GO_NOWHERE);
	expect_go(shelf, "garden", SEARCH_GO_NOWHERE);
	expect_go(shelf, " ", SEARCH_GO_NOWHERE);
}

static uint64_t posts_with(struct shelf *shelf, const char *tag)
{
	struct tag_count tags[8];
	size_t count = 0;
	const struct tag start = tag_normal(span_text(tag));
	assert_int_equal(tags_like(shelf->reader, &start, tags, 8, &count), ERR_OK);
	return count == 0 ? 0 : tags[0].posts;
}

static void tags_are_counted_as_posts_come_and_go(void **state)
{
	struct shelf *shelf = *state;
	struct tag_count tags[3];
	size_t count = 0;
	struct author ben;
	author_init(&ben, 1);
	assert_int_equal(
		shelf_append(shelf,
			author_say(&ben,
				"{\"type\":\"post\",\"text\":\"a #Tea "
				"#tea\",\"channel\":\"TEA\",\"mentions\":[{\"link\":\"#Time\"}]}")),
		APPEND_STORED);
	post(shelf, "#tea");
	assert_int_equal(posts_with(shelf, "te"), 2);
	assert_int_equal(posts_with(shelf, "TIME"), 1);
	assert_int_equal(tags_newest(shelf->reader, tags, 3, &count), ERR_OK);
	assert_int_equal(count, 2);
	assert_string_equal(tags[0].tag.text, "tea");
	(void)shelf_contact(shelf, &ben.id, EDGE_BLOCK);
	assert_int_equal(posts_with(shelf, "tea"), 1);
	assert_int_equal(posts_with(shelf, "time"), 0);
	expect(shelf, "#time", 0);
	(void)shelf_contact(shelf, &ben.id, EDGE_NEITHER);
	assert_int_equal(posts_with(shelf, "tea"), 2);
	expect(shelf, "#time", 1);
	author_fini(&ben);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			all_words_are_asked_for_whatever_their_case_and_accents, shelf_set_up,
			shelf_tear_down),
		cmocka_unit_test_setup_teardown(
			nothing_in_a_question_reaches_the_engine, shelf_set_up, shelf_tear_down),
		cmocka_unit_test_setup_teardown(
			what_is_not_a_question_is_refused, shelf_set_up, shelf_tear_down),
		cmocka_unit_test_setup_teardown(
			pages_go_from_the_newest_to_the_oldest, shelf_set_up, shelf_tear_down),
		cmocka_unit_test_setup_teardown(a_blocked_authors_words_are_gone_and_come_back,
			shelf_set_up, shelf_tear_down),
		cmocka_unit_test_setup_teardown(
			words_of_any_bytes_go_in_and_out, shelf_set_up, shelf_tear_down),
		cmocka_unit_test_setup_teardown(
			parts_of_words_are_found, shelf_set_up, shelf_tear_down),
		cmocka_unit_test_setup_teardown(
			scripts_without_blanks_are_found, shelf_set_up, shelf_tear_down),
		cmocka_unit_test_setup_teardown(
			what_nobody_sees_is_in_no_ones_way, shelf_set_up, shelf_tear_down),
		cmocka_unit_test_setup_teardown(
			operators_narrow_it_down, shelf_set_up, shelf_tear_down),
		cmocka_unit_test_setup_teardown(
			people_are_found_by_name_and_key, shelf_set_up, shelf_tear_down),
		cmocka_unit_test_setup_teardown(
			what_was_pasted_leads_to_its_page, shelf_set_up, shelf_tear_down),
		cmocka_unit_test_setup_teardown(
			tags_are_counted_as_posts_come_and_go, shelf_set_up, shelf_tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
