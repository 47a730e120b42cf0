/* store/timeline: what is on a page, and what is not. */
#include "lib/cmocka.h"
#include "lib/shelf.h"

#include "base/limits.h"
#include "feed/tag.h"
#include "store/index.h"
#include "store/layer.h"
#include "store/timeline.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct posts page_of(
	struct shelf *shelf, enum timeline_kind kind, const struct feed_id *person)
{
	struct posts posts;
	struct timeline_query query = {.kind = kind, .limit = 100};
	if (person != NULL) {
		query.person = *person;
	}
	assert_int_equal(timeline_page(shelf->reader, &query, &posts), ERR_OK);
	return posts;
}

static size_t count_of(struct shelf *shelf, enum timeline_kind kind, const struct feed_id *person)
{
	struct posts posts = page_of(shelf, kind, person);
	size_t count = posts.count;
	posts_free(&posts);
	return count;
}

static void home_is_us_and_whom_we_follow(void **state)
{
	struct shelf *shelf = *state;
	struct author ben;
	author_init(&ben, 1);
	(void)shelf_publish(shelf, "{\"type\":\"post\",\"text\":\"mine\"}");
	assert_int_equal(shelf_append(shelf, author_post(&ben, "one")), APPEND_STORED);
	assert_false(shelf->last.is_home);
	assert_int_equal(count_of(shelf, TIMELINE_HOME, NULL), 1);
	assert_int_equal(count_of(shelf, TIMELINE_WIDE, NULL), 2);
	(void)shelf_contact(shelf, &ben.id, EDGE_FOLLOW);
	assert_int_equal(count_of(shelf, TIMELINE_HOME, NULL), 2);
	assert_int_equal(shelf_append(shelf, author_post(&ben, "two")), APPEND_STORED);
	assert_true(shelf->last.is_home);
	assert_int_equal(count_of(shelf, TIMELINE_HOME, NULL), 3);
	(void)shelf_contact(shelf, &ben.id, EDGE_NEITHER);
	assert_int_equal(count_of(shelf, TIMELINE_HOME, NULL), 1);
	assert_int_equal(count_of(shelf, TIMELINE_PERSON, &ben.id), 2);
	author_fini(&ben);
}

enum { LAID_ROUNDS = 12, LAID_MANY = 40, LAID_ROOM = 100 };

/* Home in small pages, from the newest or from the oldest; how many. */
static size_t walk_home(struct shelf *shelf, bool is_newer, int64_t order[static LAID_ROOM])
{
	struct timeline_query query = {.kind = TIMELINE_HOME, .limit = 3};
	struct posts posts;
	size_t count = 0;
	bool has_more = true;
	query.has_after = is_newer;
	while (has_more) {
		assert_int_equal(timeline_page(shelf->reader, &query, &posts), ERR_OK);
		for (size_t i = 0; i < posts.count; i++) {
			assert_in_range(count, 0, LAID_ROOM - 1);
			order[count++] = posts.at[is_newer ? posts.count - 1 - i : i].order;
		}
		if (posts.count > 0) {
			const struct post *last = &posts.at[is_newer ? 0 : posts.count - 1];
			query.has_before = !is_newer;
			query.at_ms = last->at_ms;
			query.order = last->order;
		}
		has_more = posts.has_more;
		posts_free(&posts);
	}
	return count;
}

/* What is said in private changes home, and how it is looked for does not. */
static void home_is_the_same_however_it_is_looked_for(void **state)
{
	struct shelf *shelf = *state;
	static const enum contact_edge said[] = {
		EDGE_FOLLOW, EDGE_NEITHER, EDGE_FOLLOW, EDGE_FOLLOW, EDGE_NEITHER};
	struct author people[5];
	struct layer_edge edges[3 + LAID_MANY] = {
		{.edge = EDGE_FOLLOW}, {.edge = EDGE_BLOCK}, {.edge = EDGE_NEITHER}};
	int64_t few[2][LAID_ROOM];
	int64_t many[2][LAID_ROOM];
	bool is_changed = false;
	for (unsigned i = 0; i < 5; i++) {
		author_init(&people[i], 1 + i);
		if (said[i] == EDGE_FOLLOW) {
			(void)shelf_contact(shelf, &people[i].id, said[i]);
		}
	}
	for (int round = 0; round < LAID_ROUNDS; round++) {
		for (int i = 0; i < 5; i++) {
			assert_int_equal(
				shelf_append(shelf, author_post(&people[i], "one")), APPEND_STORED);
		}
		(void)shelf_publish(shelf, "{\"type\":\"post\",\"text\":\"%d\"}", round);
	}
	for (unsigned i = 0; i < 3; i++) {
		edges[i].of = people[i + 1].id;
	}
	for (unsigned i = 0; i < LAID_MANY; i++) {
		edges[3 + i] = (struct layer_edge){.of = {{200, (uint8_t)i}}, .edge = EDGE_FOLLOW};
	}
	assert_int_equal(layer_set(shelf->store, edges, 3, &is_changed), ERR_OK);
	for (int way = 0; way < 2; way++) {
		assert_int_equal(walk_home(shelf, way == 1, few[way]), 3 * LAID_ROUNDS);
	}
	assert_int_equal(layer_set(shelf->store, edges, 3 + LAID_MANY, &is_changed), ERR_OK);
	for (int way = 0; way < 2; way++) {
		assert_int_equal(walk_home(shelf, way == 1, many[way]), 3 * LAID_ROUNDS);
		assert_memory_equal(few[way], many[way], 3 * LAID_ROUNDS * sizeof(int64_t));
	}
	for (unsigned i = 0; i < 5; i++) {
		author_fini(&people[i]);
	}
}

static void a_blocked_author_appears_nowhere_and_comes_back_whole(void **state)
{
	struct shelf *shelf = *state;
	struct author dee;
	struct author ben;
	author_init(&dee, 4);
	author_init(&ben, 1);
	(void)shelf_contact(shelf, &dee.id, EDGE_FOLLOW);
	struct publish_result mine = shelf_publish(shelf, "{\"type\":\"post\",\"text\":\"mine\"}");
	struct message *reply = author_reply(&dee, "a reply", &mine.key, &mine.key);
	struct message_id reply_key = reply->key;
	assert_int_equal(shelf_append(shelf, author_post(&dee, "a post")), APPEND_GAP);
	author_fini(&dee);
	author_init(&dee, 4);
	message_free(author_reply(&dee, "a reply", &mine.key, &mine.key));
	assert_int_equal(shelf_append(shelf, reply), APPEND_STORED);
	assert_int_equal(shelf_append(shelf, author_like(&dee, &mine.key, 1)), APPEND_STORED);
	assert_int_equal(shelf_append(shelf, author_post(&dee, "a post")), APPEND_STORED);
	assert_int_equal(shelf_append(shelf, author_reply(&ben, "to Dee", &mine.key, &reply_key)),
		APPEND_STORED);
	for (int round = 0; round < 2; round++) {
		bool is_blocked = round == 0;
		if (is_blocked) {
			(void)shelf_contact(shelf, &dee.id, EDGE_BLOCK);
		} else {
			(void)shelf_contact(shelf, &dee.id, EDGE_FOLLOW);
		}
		assert_int_equal(count_of(shelf, TIMELINE_HOME, NULL), is_blocked ? 1 : 3);
		assert_int_equal(count_of(shelf, TIMELINE_WIDE, NULL), is_blocked ? 2 : 4);
		assert_int_equal(count_of(shelf, TIMELINE_PERSON, &dee.id), is_blocked ? 0 : 2);
		struct posts posts;
		struct thread_facts facts;
		const struct message_id ids[] = {mine.key, reply_key};
		assert_int_equal(posts_read(shelf->reader, ids, 2, &posts), ERR_OK);
		assert_int_equal(posts.count, is_blocked ? 1 : 2);
		assert_int_equal(posts.at[0].likes, is_blocked ? 0 : 1);
		assert_int_equal(posts.at[0].replies, is_blocked ? 1 : 2);
		posts_free(&posts);
		assert_int_equal(shelf_thread(shelf, &mine.key, &facts, &posts), ERR_OK);
		assert_int_equal(posts.count, 3);
		assert_int_equal(posts.at[1].is_missing, is_blocked);
		assert_true(message_id_equal(&posts.at[1].key, &reply_key));
		assert_int_equal(posts.at[1].text.len, is_blocked ? 0 : strlen("a reply"));
		posts_free(&posts);
		struct store_figures figures;
		assert_int_equal(reader_figures(shelf->reader, &figures), ERR_OK);
		assert_int_equal(figures.posts, is_blocked ? 2 : 4);
	}
	author_fini(&dee);
	author_fini(&ben);
}

static void pages_join_without_gap_or_overlap_in_both_directions(void **state)
{
	struct shelf *shelf = *state;
	struct author ben;
	author_init(&ben, 1);
	for (int i = 0; i < 25; i++) {
		ben.now_ms -= i % 3 == 0 ? 1000 : 0; /* some at the same millisecond as others */
		assert_int_equal(
			shelf_append(shelf,
				author_say(&ben, "{\"type\":\"post\",\"text\":\"%02d\"}", i)),
			APPEND_STORED);
	}
	struct timeline_query query = {.kind = TIMELINE_WIDE, .limit = 10};
	struct post last[3];
	size_t seen = 0;
	for (int page = 0; page < 3; page++) {
		struct posts posts;
		assert_int_equal(timeline_page(shelf->reader, &query, &posts), ERR_OK);
		assert_int_equal(posts.count, page < 2 ? 10 : 5);
		assert_int_equal(posts.has_more, page < 2);
		for (size_t i = 0; i < posts.count; i++) {
			char want[3];
			(void)snprintf(want, sizeof(want), "%02d", (int)(24 - seen++));
			assert_true(span_equal_text(posts.at[i].text, want));
		}
		last[page] = posts.at[posts.count - 1];
		query.has_before = true;
		query.at_ms = last[page].at_ms;
		query.order = last[page].order;
		posts_free(&posts);
	}
	/* Newer than the last of the second page (number 05): the oldest ten of them, newest first.
	 */
	struct posts posts;
	query = (struct timeline_query){.kind = TIMELINE_WIDE,
		.limit = 10,
		.has_after = true,
		.at_ms = last[1].at_ms,
		.order = last[1].order};
	assert_int_equal(timeline_page(shelf->reader, &query, &posts), ERR_OK);
	assert_int_equal(posts.count, 10);
	assert_true(posts.has_more);
	assert_true(span_equal_text(posts.at[0].text, "15"));
	assert_true(span_equal_text(posts.at[9].text, "06"));
	posts_free(&posts);
	author_fini(&ben);
}

static void a_page_has_at_most_a_hundred_rows(void **state)
{
	struct shelf *shelf = *state;
	const size_t limits[] = {LIMIT_PAGE_ROWS, LIMIT_PAGE_ROWS + 1, 1000 * LIMIT_PAGE_ROWS, 0};
	for (size_t i = 0; i < 4; i++) {
		struct posts posts;
		const struct timeline_query query = {.kind = TIMELINE_WIDE, .limit = limits[i]};
		assert_int_equal(
			timeline_page(shelf->reader, &query, &posts), i == 0 ? ERR_OK : ERR_LIMIT);
		if (i == 0) {
			posts_free(&posts);
		}
	}
}

static void a_future_claim_counts_as_arrival(void **state)
{
	struct shelf *shelf = *state;
	struct author ben;
	author_init(&ben, 1);
	ben.now_ms = 9000000000000000;
	assert_int_equal(shelf_append(shelf, author_post(&ben, "later")), APPEND_STORED);
	assert_int_equal(shelf->last.at_ms, shelf->wall_ms);
	author_fini(&ben);
}

static void an_odd_time_is_shown_as_a_time(void **state)
{
	(void)state;
	static const struct {
		double claimed;
		int64_t at_ms;
	} cases[] = {{1500, 1500}, {1500.999, 1500}, {0.5, 0}, {-0.0, 0}, {-1, 0}, {-1e308, 0},
		{5e-324, 0}, {1999.5, 1999}, {2000, 2000}, {2000.001, 2000}, {2001, 2000},
		{9007199254740993.0, 2000}, {1e308, 2000}, {INFINITY, 2000}};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(index_at_ms(cases[i].claimed, 2000), cases[i].at_ms);
	}
}

static int64_t clock_ms;
static int64_t clock_step_ms;

static int64_t running_clock(void *ctx)
{
	(void)ctx;
	clock_ms += clock_step_ms;
	return clock_ms;
}

static void a_query_ends_after_two_seconds_and_the_next_begins_anew(void **state)
{
	struct shelf *shelf = *state;
	static const struct {
		int64_t step_ms;
		enum err err;
	} cases[] = {{0, ERR_OK}, {LIMIT_QUERY_MS, ERR_TIMEOUT}, {0, ERR_OK},
		{(int64_t)1000 * LIMIT_QUERY_MS, ERR_TIMEOUT}, {0, ERR_OK}};
	struct message *messages[400];
	struct author ben;
	author_init(&ben, 1);
	for (size_t i = 0; i < 400; i++) {
		messages[i] = author_post(&ben, "x");
	}
	assert_int_equal(shelf_append_all(shelf, messages, 400, NULL), ERR_OK);
	shelf_close(shelf);
	shelf->is_stepped = true; /* no thread of the writer looks at the clock */
	shelf_open(shelf);
	int64_t (*true_clock)(void *ctx) = shelf->env.mono_ms;
	shelf->env.mono_ms = running_clock;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct posts posts;
		const struct timeline_query query = {
			.kind = TIMELINE_WIDE, .limit = LIMIT_PAGE_ROWS};
		clock_step_ms = cases[i].step_ms;
		enum err err = timeline_page(shelf->reader, &query, &posts);
		assert_int_equal(err, cases[i].err);
		if (err == ERR_OK) {
			assert_int_equal(posts.count, LIMIT_PAGE_ROWS);
			posts_free(&posts);
		}
	}
	shelf->env.mono_ms = true_clock;
	author_fini(&ben);
}

static void a_post_shows_what_it_says(void **state)
{
	struct shelf *shelf = *state;
	struct author ben;
	author_init(&ben, 1);
	struct message *message =
		author_say(&ben, "{\"type\":\"post\",\"text\":\"a\\u0000b\",\"contentWarning\":"
				 "\"cw\",\"channel\":\"tea\",\"mentions\":[{\"link\":\"#x\"}]}");
	struct message_id key = message->key;
	assert_int_equal(shelf_append(shelf, message), APPEND_STORED);
	assert_int_equal(shelf_append(shelf, author_like(&ben, &key, 1)), APPEND_STORED);
	struct posts posts = page_of(shelf, TIMELINE_PERSON, &ben.id);
	assert_int_equal(posts.count, 1);
	assert_int_equal(posts.at[0].text.len, 3);
	assert_memory_equal(posts.at[0].text.at, "a\0b", 3);
	assert_true(span_equal_text(posts.at[0].warning, "cw"));
	assert_true(span_equal_text(posts.at[0].channel, "tea"));
	assert_true(span_equal_text(posts.at[0].mentions, "[{\"link\":\"#x\"}]"));
	assert_int_equal(posts.at[0].likes, 1);
	assert_int_equal(posts.at[0].liker_count, 1);
	assert_false(posts.at[0].is_liked);
	posts_free(&posts);
	assert_int_equal(shelf_append(shelf, author_like(&ben, &key, 0)), APPEND_STORED);
	char text[MESSAGE_ID_TEXT_BYTES];
	message_id_format(&key, text);
	(void)shelf_publish(
		shelf, "{\"type\":\"vote\",\"vote\":{\"link\":\"%s\",\"value\":1}}", text);
	posts = page_of(shelf, TIMELINE_PERSON, &ben.id);
	assert_int_equal(posts.at[0].likes, 1);
	assert_true(posts.at[0].is_liked);
	posts_free(&posts);
	author_fini(&ben);
}

static void a_thread_has_at_most_50_stand_ins(void **state)
{
	struct shelf *shelf = *state;
	static const size_t wanted[][2] = {{48, 48}, {56, 50}, {800, 50}};
	struct author ben;
	struct posts posts;
	struct thread_facts facts;
	uint32_t number = 0;
	author_init(&ben, 1);
	for (size_t i = 0; i < 3; i++) {
		struct message *first = author_post(&ben, "root");
		struct message_id key = first->key;
		char root_text[MESSAGE_ID_TEXT_BYTES];
		message_id_format(&key, root_text);
		assert_int_equal(shelf_append(shelf, first), APPEND_STORED);
		for (size_t put = 0; put < wanted[i][0]; put += CONTENT_BRANCHES_MAX) {
			char texts[CONTENT_BRANCHES_MAX][MESSAGE_ID_TEXT_BYTES];
			for (size_t k = 0; k < CONTENT_BRANCHES_MAX; k++) {
				struct message_id none = {{0}};
				memcpy(none.at, &number, sizeof(number));
				number++;
				message_id_format(&none, texts[k]);
			}
			assert_int_equal(
				shelf_append(shelf,
					author_say(&ben,
						"{\"type\":\"post\",\"text\":\"x\",\"root\":\"%s\","
						"\"branch\":[\"%s\",\"%s\",\"%s\",\"%s\",\"%s\","
						"\"%s\",\"%s\",\"%s\"]}",
						root_text, texts[0], texts[1], texts[2], texts[3],
						texts[4], texts[5], texts[6], texts[7])),
				APPEND_STORED);
		}
		assert_int_equal(shelf_thread(shelf, &key, &facts, &posts), ERR_OK);
		size_t missing = 0;
		for (size_t k = 0; k < posts.count; k++) {
			missing += posts.at[k].is_missing;
		}
		assert_int_equal(missing, wanted[i][1]);
		assert_int_equal(posts.count - missing, 1 + wanted[i][0] / CONTENT_BRANCHES_MAX);
		posts_free(&posts);
	}
	assert_int_equal(wanted[1][1], LIMIT_THREAD_MISSING);
	author_fini(&ben);
}

static void a_thread_tells_what_is_missing(void **state)
{
	struct shelf *shelf = *state;
	struct author ana;
	struct author ben;
	struct thread_facts facts;
	struct posts posts;
	author_init(&ana, 1);
	author_init(&ben, 2);
	struct message *first = author_post(&ana, "root");
	struct message *second = author_reply(&ana, "not here", &first->key, &first->key);
	struct message *third = author_reply(&ben, "here", &first->key, &second->key);
	struct message *fourth =
		author_say(&ben, "{\"type\":\"about\",\"about\":\"%s\",\"name\":\"b\"}", ben.text);
	struct message_id keys[] = {first->key, second->key, third->key};
	assert_int_equal(shelf_append(shelf, third), APPEND_STORED);
	assert_int_equal(shelf_append(shelf, fourth), APPEND_STORED);
	for (size_t i = 0; i < 3; i += 2) { /* asked by the root's id and by the reply's */
		assert_int_equal(shelf_thread(shelf, &keys[i], &facts, &posts), ERR_OK);
		assert_true(message_id_equal(&facts.root, &keys[0]));
		assert_int_equal(posts.count, 3);
		assert_true(posts.at[0].is_missing && message_id_equal(&posts.at[0].key, &keys[0]));
		assert_true(posts.at[1].is_missing && message_id_equal(&posts.at[1].key, &keys[1]));
		assert_true(
			!posts.at[2].is_missing && message_id_equal(&posts.at[2].key, &keys[2]));
		posts_free(&posts);
	}
	assert_int_equal(shelf_thread(shelf, &keys[1], &facts, &posts), ERR_NOT_FOUND);
	assert_int_equal(shelf_append(shelf, first), APPEND_STORED);
	assert_int_equal(shelf_append(shelf, second), APPEND_STORED);
	assert_int_equal(shelf_thread(shelf, &keys[0], &facts, &posts), ERR_OK);
	assert_int_equal(posts.count, 3);
	for (size_t i = 0; i < 3; i++) {
		assert_true(
			message_id_equal(&posts.at[i].key, &keys[i]) && !posts.at[i].is_missing);
	}
	assert_int_equal(posts.at[0].replies, 2);
	posts_free(&posts);
	author_fini(&ana);
	author_fini(&ben);
}

static void a_conversation_of_its_own_is_counted_where_it_began_and_shown_by_itself(void **state)
{
	struct shelf *shelf = *state;
	struct author ana;
	struct thread_facts facts;
	struct posts posts;
	author_init(&ana, 1);
	struct message *first = author_post(&ana, "root");
	struct message *second = author_reply(&ana, "reply", &first->key, &first->key);
	char a[MESSAGE_ID_TEXT_BYTES];
	char b[MESSAGE_ID_TEXT_BYTES];
	message_id_format(&first->key, a);
	message_id_format(&second->key, b);
	struct message *third = author_say(&ana,
		"{\"type\":\"post\",\"text\":\"aside\",\"root\":\"%s\",\"fork\":\"%s\",\"branch\":["
		"\"%s\"]}",
		b, a, b);
	const struct message_id keys[] = {first->key, second->key, third->key};
	struct message *all[] = {first, second, third};
	shelf_append_all(shelf, all, 3, NULL);
	for (size_t i = 0; i < 3; i++) { /* the aside opens its own conversation */
		assert_int_equal(shelf_thread(shelf, &keys[i], &facts, &posts), ERR_OK);
		size_t begins = i == 2 ? 1 : 0;
		assert_true(message_id_equal(&facts.root, &keys[begins]));
		assert_int_equal(posts.count, 2);
		assert_true(message_id_equal(&posts.at[0].key, &keys[begins]));
		assert_true(message_id_equal(&posts.at[1].key, &keys[begins + 1]));
		assert_int_equal(posts.at[1 - begins].replies, 1);
		assert_int_equal(facts.has_above, i == 2);
		assert_int_equal(facts.here, 2);
		assert_int_equal(facts.total, 2);
		posts_free(&posts);
	}
	const struct thread_query own = {.id = keys[1], .is_own = true};
	assert_int_equal(thread_read(shelf->reader, &own, &facts, &posts), ERR_OK);
	assert_true(message_id_equal(&facts.root, &keys[1]));
	assert_true(facts.has_above && message_id_equal(&facts.above, &keys[0]));
	assert_int_equal(posts.count, 2);
	posts_free(&posts);
	author_fini(&ana);
}

static void only_the_first_thousand_posts_of_a_thread_are_shown(void **state)
{
	struct shelf *shelf = *state;
	struct author ana;
	struct thread_facts facts;
	struct posts posts;
	author_init(&ana, 1);
	struct message *first = author_post(&ana, "root");
	struct message_id root_key = first->key;
	assert_int_equal(shelf_append(shelf, first), APPEND_STORED);
	for (size_t i = 1; i <= LIMIT_THREAD_POSTS; i++) {
		assert_int_equal(shelf_append(shelf, author_reply(&ana, "r", &root_key, &root_key)),
			APPEND_STORED);
		if (i < LIMIT_THREAD_POSTS - 1) {
			continue;
		}
		assert_int_equal(shelf_thread(shelf, &root_key, &facts, &posts), ERR_OK);
		assert_int_equal(posts.count, LIMIT_THREAD_POSTS);
		assert_int_equal(posts.has_more, i == LIMIT_THREAD_POSTS);
		assert_int_equal(facts.here, i + 1);
		assert_int_equal(facts.total, i + 1);
		posts_free(&posts);
	}
	author_fini(&ana);
}

static void keep(struct shelf *shelf, const struct message_id *id, bool is_on)
{
	const struct change change = {.kind = CHANGE_BOOKMARK, .key = *id, .number = is_on};
	assert_int_equal(writer_change_wait(shelf->writer, &change), ERR_OK);
}

static bool is_kept(struct shelf *shelf, const struct message_id *id)
{
	int64_t at_ms = 0;
	assert_int_equal(post_bookmark_read(shelf->reader, id, &at_ms), ERR_OK);
	return at_ms != 0;
}

static void what_is_kept_comes_latest_kept_first_and_pages_join_both_ways(void **state)
{
	struct shelf *shelf = *state;
	struct message_id keys[7];
	for (int i = 0; i < 7; i++) {
		keys[i] = shelf_publish(shelf, "{\"type\":\"post\",\"text\":\"%d\"}", i).key;
	}
	/* Kept in another order than they were written, all in one millisecond. */
	for (int i = 0; i < 7; i++) {
		keep(shelf, &keys[i * 3 % 7], true);
	}
	struct timeline_query query = {.kind = TIMELINE_KEPT, .limit = 3};
	for (int seen = 0; seen < 7;) {
		struct posts page;
		assert_int_equal(timeline_page(shelf->reader, &query, &page), ERR_OK);
		assert_int_equal(page.count, seen < 6 ? 3 : 1);
		assert_int_equal(page.has_more, seen < 6);
		for (size_t i = 0; i < page.count; i++, seen++) {
			assert_true(message_id_equal(&page.at[i].key, &keys[(6 - seen) * 3 % 7]));
		}
		query.has_before = true;
		query.at_ms = page.at[page.count - 1].kept_ms;
		posts_free(&page);
	}
	struct posts above;
	query.has_before = false;
	query.has_after = true;
	assert_int_equal(timeline_page(shelf->reader, &query, &above), ERR_OK);
	assert_int_equal(above.count, 3);
	assert_true(above.has_more);
	assert_true(message_id_equal(&above.at[2].key, &keys[3]));
	posts_free(&above);
}

static void only_what_is_here_and_shown_is_among_what_is_kept(void **state)
{
	struct shelf *shelf = *state;
	struct author dee;
	author_init(&dee, 4);
	struct message *hers = author_post(&dee, "hers");
	struct message_id key = hers->key;
	struct message_id nowhere = {.at = {9}};
	assert_int_equal(shelf_append(shelf, hers), APPEND_STORED);
	keep(shelf, &nowhere, true);
	keep(shelf, &key, true);
	keep(shelf, &key, true);
	assert_int_equal(count_of(shelf, TIMELINE_KEPT, NULL), 1);
	(void)shelf_contact(shelf, &dee.id, EDGE_BLOCK);
	assert_int_equal(count_of(shelf, TIMELINE_KEPT, NULL), 0);
	(void)shelf_contact(shelf, &dee.id, EDGE_NEITHER);
	assert_int_equal(count_of(shelf, TIMELINE_KEPT, NULL), 1);
	keep(shelf, &key, false);
	assert_int_equal(count_of(shelf, TIMELINE_KEPT, NULL), 0);
	author_fini(&dee);
}

/* Rows of made-up keys, written where a test may: `count` of them. */
static void fill_bookmarks(struct shelf *shelf, int count)
{
	char sql[256];
	(void)snprintf(sql, sizeof(sql),
		"WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) "
		"INSERT INTO bookmarks SELECT CAST(printf('%%032d', i) AS BLOB), i FROM n",
		count);
	free(shelf_dump(shelf, sql));
}

static void a_node_keeps_so_many_posts_and_no_more(void **state)
{
	struct shelf *shelf = *state;
	struct message_id last = {.at = {1}};
	struct message_id over = {.at = {2}};
	fill_bookmarks(shelf, LIMIT_BOOKMARKS - 1);
	keep(shelf, &last, true);
	assert_true(is_kept(shelf, &last));
	keep(shelf, &over, true);
	assert_false(is_kept(shelf, &over));
	keep(shelf, &last, false);
	keep(shelf, &over, true);
	assert_true(is_kept(shelf, &over));
}

static void a_tag_shows_what_carries_it_however_it_is_written(void **state)
{
	struct shelf *shelf = *state;
	struct author ben;
	author_init(&ben, 1);
	(void)shelf_publish(shelf, "{\"type\":\"post\",\"text\":\"of the #Garden\"}");
	(void)shelf_publish(shelf, "{\"type\":\"post\",\"text\":\"beans\",\"channel\":\"garden\"}");
	(void)shelf_publish(shelf, "{\"type\":\"post\",\"text\":\"#gardening\"}");
	assert_int_equal(shelf_append(shelf, author_post(&ben, "my #garden too")), APPEND_STORED);
	const struct tag tag = tag_normal(span_text("GARDEN"));
	struct timeline_query query = {.kind = TIMELINE_TAG, .tag = tag.text, .limit = 2};
	struct posts page;
	assert_int_equal(timeline_page(shelf->reader, &query, &page), ERR_OK);
	assert_int_equal(page.count, 2);
	assert_true(page.has_more);
	query.has_before = true;
	query.at_ms = page.at[1].at_ms;
	query.order = page.at[1].order;
	posts_free(&page);
	assert_int_equal(timeline_page(shelf->reader, &query, &page), ERR_OK);
	assert_int_equal(page.count, 1);
	assert_false(page.has_more);
	posts_free(&page);
	author_fini(&ben);
}

static void a_profile_is_shown_with_and_without_its_replies(void **state)
{
	struct shelf *shelf = *state;
	struct author ben;
	author_init(&ben, 1);
	struct publish_result mine = shelf_publish(shelf, "{\"type\":\"post\",\"text\":\"mine\"}");
	assert_int_equal(shelf_append(shelf, author_post(&ben, "a post")), APPEND_STORED);
	assert_int_equal(shelf_append(shelf, author_reply(&ben, "a reply", &mine.key, &mine.key)),
		APPEND_STORED);
	assert_int_equal(count_of(shelf, TIMELINE_PERSON, &ben.id), 2);
	struct posts page = page_of(shelf, TIMELINE_ROOTS, &ben.id);
	assert_int_equal(page.count, 1);
	assert_true(span_equal_text(page.at[0].text, "a post"));
	posts_free(&page);
	author_fini(&ben);
}

static void everybody_who_likes_a_post_can_be_named(void **state)
{
	struct shelf *shelf = *state;
	struct publish_result mine = shelf_publish(shelf, "{\"type\":\"post\",\"text\":\"mine\"}");
	for (unsigned i = 1; i <= POST_LIKERS_MAX + 2; i++) {
		struct author author;
		author_init(&author, i);
		assert_int_equal(
			shelf_append(shelf, author_like(&author, &mine.key, 1)), APPEND_STORED);
		author_fini(&author);
	}
	struct feed_id likers[4];
	size_t count = 0;
	size_t total = 0;
	assert_int_equal(
		post_likers_read(shelf->reader, &mine.key, likers, 4, &count, &total), ERR_OK);
	assert_int_equal(count, 4);
	assert_int_equal(total, POST_LIKERS_MAX + 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			what_is_kept_comes_latest_kept_first_and_pages_join_both_ways, shelf_set_up,
			shelf_tear_down),
		cmocka_unit_test_setup_teardown(only_what_is_here_and_shown_is_among_what_is_kept,
			shelf_set_up, shelf_tear_down),
		cmocka_unit_test_setup_teardown(
			a_node_keeps_so_many_posts_and_no_more, shelf_set_up, shelf_tear_down),
		cmocka_unit_test_setup_teardown(a_tag_shows_what_carries_it_however_it_is_written,
			shelf_set_up, shelf_tear_down),
		cmocka_unit_test_setup_teardown(a_profile_is_shown_with_and_without_its_replies,
			shelf_set_up, shelf_tear_down),
		cmocka_unit_test_setup_teardown(
			everybody_who_likes_a_post_can_be_named, shelf_set_up, shelf_tear_down),
		cmocka_unit_test(an_odd_time_is_shown_as_a_time),
		cmocka_unit_test_setup_teardown(
			a_query_ends_after_two_seconds_and_the_next_begins_anew, shelf_set_up,
			shelf_tear_down),
		cmocka_unit_test_setup_teardown(
			a_thread_has_at_most_50_stand_ins, shelf_set_up, shelf_tear_down),
		cmocka_unit_test_setup_teardown(
			home_is_the_same_however_it_is_looked_for, shelf_set_up, shelf_tear_down),
		cmocka_unit_test_setup_teardown(
			home_is_us_and_whom_we_follow, shelf_set_up, shelf_tear_down),
		cmocka_unit_test_setup_teardown(
			a_blocked_author_appears_nowhere_and_comes_back_whole, shelf_set_up,
			shelf_tear_down),
		cmocka_unit_test_setup_teardown(
			pages_join_without_gap_or_overlap_in_both_directions, shelf_set_up,
			shelf_tear_down),
		cmocka_unit_test_setup_teardown(
			a_page_has_at_most_a_hundred_rows, shelf_set_up, shelf_tear_down),
		cmocka_unit_test_setup_teardown(
			a_future_claim_counts_as_arrival, shelf_set_up, shelf_tear_down),
		cmocka_unit_test_setup_teardown(
			a_post_shows_what_it_says, shelf_set_up, shelf_tear_down),
		cmocka_unit_test_setup_teardown(
			a_thread_tells_what_is_missing, shelf_set_up, shelf_tear_down),
		cmocka_unit_test_setup_teardown(
			a_conversation_of_its_own_is_counted_where_it_began_and_shown_by_itself,
			shelf_set_up, shelf_tear_down),
		cmocka_unit_test_setup_teardown(only_the_first_thousand_posts_of_a_thread_are_shown,
			shelf_set_up, shelf_tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
