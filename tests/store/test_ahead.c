/* store/ahead: the newest messages of a feed are shown before its history, are nothing but shown,
 * and when the chain has come up everything is as if it had come in order. */
#include "lib/cmocka.h"
#include "lib/shelf.h"

#include "feed/window.h"
#include "store/ahead.h"
#include "store/audit.h"
#include "store/inside.h"
#include "store/people.h"
#include "store/repair.h"
#include "store/timeline.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FEED = 40, FIRST = 31 }; /* messages of Ben's feed; what is held ahead begins at FIRST */

/* Our node, and Ben's whole feed: every fifth message is his name, every seventh a like. */
struct rig {
	struct shelf shelf;
	struct author ben;
	struct message *feed[FEED];
};

static struct message *make(struct rig *rig, int i)
{
	char name[32];
	(void)snprintf(name, sizeof(name), "Ben %d", i + 1);
	return i % 5 == 4   ? author_name(&rig->ben, name)
	       : i % 7 == 6 ? author_like(&rig->ben, &rig->feed[0]->key, 1)
			    : author_post(&rig->ben, name);
}

static int set_up(void **state)
{
	struct rig *rig = calloc(1, sizeof(*rig));
	assert_non_null(rig);
	shelf_init(&rig->shelf);
	author_init(&rig->ben, 1);
	for (int i = 0; i < FEED; i++) {
		rig->feed[i] = make(rig, i);
	}
	(void)shelf_contact(&rig->shelf, &rig->ben.id, EDGE_FOLLOW);
	*state = rig;
	return 0;
}

static int tear_down(void **state)
{
	struct rig *rig = *state;
	for (int i = 0; i < FEED; i++) {
		message_free(rig->feed[i]);
	}
	author_fini(&rig->ben);
	shelf_fini(&rig->shelf);
	free(rig);
	return 0;
}

/* Numbers `first` … `newest` of `from`; `said` is a number with a profile below, or 0. */
static struct window *window_from(
	struct message **from, uint64_t first, uint64_t newest, uint64_t said)
{
	struct span texts[LIMIT_WINDOW_MESSAGES];
	struct window *window = NULL;
	const char *why = "";
	for (uint64_t i = first; i <= newest; i++) {
		texts[i - first] = from[i - 1]->compact;
	}
	enum err err = window_read(&from[0]->author, texts, newest - first + 1,
		said == 0 ? NULL : &from[said - 1]->compact, said != 0, NULL, &window, &why);
	if (err != ERR_OK) {
		fail_msg("window_read: %s", why);
	}
	return window;
}

struct answer {
	bool is_done, is_kept;
	enum err err;
};

static void on_done(void *ctx, struct ahead_job *job)
{
	struct answer *answer = ctx;
	answer->err = job->err;
	answer->is_kept = job->is_kept;
	ahead_job_free(job);
	__atomic_store_n(&answer->is_done, true, __ATOMIC_RELEASE);
}

static enum err give(struct rig *rig, struct window *window, bool *is_kept)
{
	struct answer answer = {.is_done = false};
	struct ahead_job *job = ahead_job_new();
	assert_non_null(job);
	job->window = window;
	job->on_done = on_done;
	job->ctx = &answer;
	assert_int_equal(writer_ahead(rig->shelf.writer, job), ERR_OK);
	/* Jobs are done in order; the answer is given before this one's. */
	const struct change change = {
		.kind = CHANGE_SETTING, .name = span_text("test"), .text = span_text("1")};
	while (!__atomic_load_n(&answer.is_done, __ATOMIC_ACQUIRE)) {
		assert_int_equal(writer_change_wait(rig->shelf.writer, &change), ERR_OK);
	}
	if (is_kept != NULL) {
		*is_kept = answer.is_kept;
	}
	return answer.err;
}

static void show(struct rig *rig)
{
	bool is_kept = false;
	assert_int_equal(give(rig, window_from(rig->feed, FIRST, FEED, 25), &is_kept), ERR_OK);
	assert_true(is_kept);
}

static void come(struct rig *rig, uint64_t first, uint64_t last)
{
	for (uint64_t i = first; i <= last; i++) {
		struct message *copy = NULL;
		const char *why = NULL;
		assert_int_equal(message_reread(rig->feed[i - 1]->compact, &copy, &why), ERR_OK);
		assert_int_equal(shelf_append(&rig->shelf, copy), APPEND_STORED);
	}
}

static void page(struct rig *rig, enum timeline_kind kind, struct posts *out)
{
	const struct timeline_query query = {.kind = kind, .person = rig->ben.id, .limit = 100};
	assert_int_equal(timeline_page(rig->shelf.reader, &query, out), ERR_OK);
}

/* How many posts there are on the page, ahead ones and unchecked ones among them. */
static void assert_page(
	struct rig *rig, enum timeline_kind kind, size_t all, size_t ahead, size_t unchecked)
{
	struct posts posts;
	page(rig, kind, &posts);
	size_t ahead_count = 0;
	size_t unchecked_count = 0;
	for (size_t i = 0; i < posts.count; i++) {
		ahead_count += posts.at[i].is_ahead;
		unchecked_count += posts.at[i].is_unchecked;
		assert_true(i == 0 || posts.at[i].sequence < posts.at[i - 1].sequence);
	}
	assert_int_equal(posts.count, all);
	assert_int_equal(ahead_count, ahead);
	assert_int_equal(unchecked_count, unchecked);
	posts_free(&posts);
}

static struct person person_of(struct rig *rig)
{
	struct person person;
	assert_int_equal(person_read(rig->shelf.reader, &rig->ben.id, &person), ERR_OK);
	return person;
}

static void assert_nothing_ahead(struct rig *rig)
{
	struct ahead_state state;
	assert_int_equal(reader_ahead(rig->shelf.reader, &rig->ben.id, &state), ERR_NOT_FOUND);
	assert_int_equal(person_of(rig).ahead_newest, 0);
}

static void drop(struct rig *rig)
{
	const struct change change = {.kind = CHANGE_AHEAD_DROP, .feed = rig->ben.id};
	assert_int_equal(writer_change_wait(rig->shelf.writer, &change), ERR_OK);
}

static bool on_message(void *ctx, const struct stored *stored)
{
	uint64_t *newest = ctx;
	*newest = stored->sequence;
	return true;
}

static void on_head(void *ctx, const struct feed_id *feed, const struct chain_head *head)
{
	size_t *count = ctx;
	(void)feed;
	(void)head;
	(*count)++;
}

/* Posts among FIRST … FEED: 31 32 33 34 36 37 38 39. */
enum { POSTS_AHEAD = 8 };

static void the_newest_posts_are_shown_before_their_history(void **state)
{
	struct rig *rig = *state;
	struct ahead_state held;
	show(rig);
	assert_page(rig, TIMELINE_PERSON, POSTS_AHEAD, POSTS_AHEAD, POSTS_AHEAD);
	assert_page(rig, TIMELINE_HOME, POSTS_AHEAD, POSTS_AHEAD, POSTS_AHEAD);
	struct person person = person_of(rig);
	assert_int_equal(person.sequence, 0);
	assert_int_equal(person.ahead_first, FIRST);
	assert_int_equal(person.ahead_newest, FEED);
	assert_string_equal(person.name, "Ben 40");
	assert_true(person.newest_ms == (int64_t)rig->feed[38]->timestamp);
	assert_int_equal(rig->shelf.ahead, POSTS_AHEAD + 1);
	assert_int_equal(rig->shelf.last_ahead.type, CONTENT_ABOUT);
	assert_int_equal(reader_ahead(rig->shelf.reader, &rig->ben.id, &held), ERR_OK);
	assert_int_equal(held.first, FIRST);
	assert_int_equal(held.newest, FEED);
	assert_int_equal(held.count, FEED - FIRST + 1);
	assert_false(held.is_checked);
}

static void a_name_from_below_the_window_is_shown(void **state)
{
	struct rig *rig = *state;
	assert_int_equal(give(rig, window_from(rig->feed, 31, 34, 25), NULL), ERR_OK);
	assert_string_equal(person_of(rig).name, "Ben 25");
}

static void nothing_that_serves_peers_or_counts_sees_them(void **state)
{
	struct rig *rig = *state;
	struct store_figures before;
	struct store_figures after;
	struct chain_head head;
	struct stored stored;
	struct buf text = BUF_INIT(1 << 20);
	uint64_t newest = 0;
	size_t heads = 0;
	struct audit audit = {.on_fault = NULL};
	come(rig, 1, 2);
	assert_int_equal(reader_figures(rig->shelf.reader, &before), ERR_OK);
	show(rig);
	assert_int_equal(reader_figures(rig->shelf.reader, &after), ERR_OK);
	assert_int_equal(after.feeds, before.feeds);
	assert_int_equal(after.messages, before.messages);
	assert_int_equal(after.posts, before.posts);
	assert_int_equal(
		reader_feed(rig->shelf.reader, &rig->ben.id, 1, 1000, on_message, &newest), ERR_OK);
	assert_int_equal(newest, 2);
	assert_int_equal(
		reader_feed(rig->shelf.reader, &rig->ben.id, FIRST, 1000, on_message, &newest),
		ERR_OK);
	assert_int_equal(newest, 2);
	assert_int_equal(reader_head(rig->shelf.reader, &rig->ben.id, &head), ERR_OK);
	assert_int_equal(head.sequence, 2);
	assert_int_equal(reader_heads(rig->shelf.reader, on_head, &heads), ERR_OK);
	assert_int_equal(heads, 2); /* ours and his */
	const struct message_id *key = &rig->feed[FEED - 1]->key;
	assert_int_equal(reader_message(rig->shelf.reader, key, &text, &stored), ERR_NOT_FOUND);
	assert_int_equal(reader_ahead_message(rig->shelf.reader, key, &text, &stored), ERR_OK);
	assert_int_equal(stored.sequence, FEED);
	assert_true(span_equal(stored.compact, rig->feed[FEED - 1]->compact));
	assert_int_equal(person_of(rig).sequence, 2);
	assert_int_equal(audit_run(rig->shelf.store, NULL, &audit), ERR_OK);
	assert_int_equal(audit.faults, 0);
	buf_fini(&text);
}

/* All that follows from the messages, as text; the caller's: free(). */
static char *views(const struct rig *rig)
{
	static const char sql[] =
		"SELECT 'p', p.message, p.feed, p.at, p.home, p.root, p.fork FROM posts p UNION "
		"ALL "
		"SELECT 'v', link, feed, 0, 0, 0, 0 FROM votes UNION ALL SELECT 'c', feed, about, "
		"edge, 0, 0, 0 FROM contacts UNION ALL SELECT 'n', feed, name, bio, image, 0, 0 "
		"FROM "
		"profiles UNION ALL SELECT 'f', name, n, 0, 0, 0, 0 FROM figures UNION ALL SELECT "
		"'h', feed, sequence, hex(head), timestamp, at, edges FROM feeds UNION ALL SELECT "
		"'a', feed, sequence, 0, 0, 0, 0 FROM ahead UNION ALL SELECT 'w', feed, first, 0, "
		"0, "
		"0, 0 FROM ahead_feeds ORDER BY 1, 2, 3";
	return shelf_dump(&rig->shelf, sql);
}

static void when_the_chain_has_come_up_all_is_as_if_it_had_come_in_order(void **state)
{
	struct rig *ahead = *state;
	struct rig *plain = NULL;
	assert_int_equal(set_up((void **)&plain), 0);
	show(ahead);
	come(ahead, 1, FEED);
	come(plain, 1, FEED);
	assert_nothing_ahead(ahead);
	char *one = views(ahead);
	char *other = views(plain);
	assert_string_equal(one, other);
	assert_string_equal(person_of(ahead).name, "Ben 40");
	free(one);
	free(other);
	assert_int_equal(tear_down((void **)&plain), 0);
}

static void the_newer_name_stays_while_older_ones_arrive(void **state)
{
	struct rig *rig = *state;
	show(rig);
	for (uint64_t i = 1; i <= FEED; i++) {
		come(rig, i, i);
		assert_string_equal(person_of(rig).name, "Ben 40");
	}
}

static void a_name_that_the_chain_has_overtaken_counts_no_longer(void **state)
{
	struct rig *rig = *state;
	/* The window's own profile is number 25; 30 was left out by whoever gave it. */
	assert_int_equal(give(rig, window_from(rig->feed, 36, 39, 25), NULL), ERR_OK);
	come(rig, 1, 24);
	assert_string_equal(person_of(rig).name, "Ben 25");
	come(rig, 25, 30);
	assert_string_equal(person_of(rig).name, "Ben 30");
}

static void what_comes_for_real_was_shown_and_takes_its_place(void **state)
{
	struct rig *rig = *state;
	show(rig);
	come(rig, 1, FIRST - 1);
	assert_false(rig->shelf.last.was_shown);
	come(rig, FIRST, FIRST);
	assert_true(rig->shelf.last.was_shown);
	assert_int_equal(person_of(rig).ahead_first, FIRST + 1);
	assert_page(rig, TIMELINE_PERSON, 20 + POSTS_AHEAD, POSTS_AHEAD - 1, POSTS_AHEAD - 1);
	come(rig, FIRST + 1, FEED);
	assert_true(rig->shelf.last.was_shown);
	assert_page(rig, TIMELINE_PERSON, 20 + POSTS_AHEAD, 0, 0);
}

static void what_the_chain_has_reached_is_left_out(void **state)
{
	struct rig *rig = *state;
	bool is_kept = true;
	come(rig, 1, 35);
	show(rig);
	assert_int_equal(person_of(rig).ahead_first, 36);
	come(rig, 36, FEED);
	assert_int_equal(give(rig, window_from(rig->feed, FIRST, FEED, 0), &is_kept), ERR_OK);
	assert_false(is_kept);
	assert_nothing_ahead(rig);
}

static void a_checked_window_takes_the_mark_away(void **state)
{
	struct rig *rig = *state;
	const char *why = NULL;
	struct window *window = window_from(rig->feed, FIRST, FEED, 0);
	show(rig);
	uint64_t commits = rig->shelf.commits;
	assert_int_equal(window_check(window, SIZE_MAX, NULL, &why), ERR_OK);
	assert_int_equal(give(rig, window, NULL), ERR_OK);
	assert_page(rig, TIMELINE_PERSON, POSTS_AHEAD, POSTS_AHEAD, 0);
	assert_int_equal(rig->shelf.commits, commits + 1);
	assert_int_equal(rig->shelf.ahead, POSTS_AHEAD);
	assert_true(rig->shelf.last_ahead.was_shown);
}

static void an_older_window_replaces_nothing(void **state)
{
	struct rig *rig = *state;
	bool is_kept = true;
	show(rig);
	assert_int_equal(give(rig, window_from(rig->feed, 21, 38, 0), &is_kept), ERR_OK);
	assert_false(is_kept);
	assert_int_equal(person_of(rig).ahead_first, FIRST);
	assert_int_equal(person_of(rig).ahead_newest, FEED);
}

static void a_newer_window_joins_what_it_follows(void **state)
{
	struct rig *rig = *state;
	assert_int_equal(give(rig, window_from(rig->feed, 21, 30, 0), NULL), ERR_OK);
	show(rig);
	assert_int_equal(person_of(rig).ahead_first, 21);
	assert_int_equal(person_of(rig).ahead_newest, FEED);
}

static void a_newer_window_with_a_gap_before_it_stands_alone(void **state)
{
	struct rig *rig = *state;
	struct ahead_state held;
	assert_int_equal(give(rig, window_from(rig->feed, 11, 20, 0), NULL), ERR_OK);
	show(rig);
	assert_int_equal(reader_ahead(rig->shelf.reader, &rig->ben.id, &held), ERR_OK);
	assert_int_equal(held.first, FIRST);
	assert_int_equal(held.count, FEED - FIRST + 1);
	assert_page(rig, TIMELINE_PERSON, POSTS_AHEAD, POSTS_AHEAD, POSTS_AHEAD);
}

/* Ben's other history, which parts from his feed after `last`: `count` posts. */
static void other_history(struct rig *rig, uint64_t last, struct message **out, size_t count)
{
	struct author twin;
	const struct message *from = rig->feed[last - 1];
	author_twin(&twin, 1,
		&(struct chain_head){
			.sequence = last, .key = from->key, .timestamp = from->timestamp});
	for (size_t i = 0; i < count; i++) {
		out[i] = author_post(&twin, "another");
	}
	author_fini(&twin);
}

static bool is_forked(struct rig *rig)
{
	return person_of(rig).is_forked;
}

static void another_history_from_below_ends_it_and_leaves_the_proof(void **state)
{
	struct rig *rig = *state;
	struct message *other[FEED - FIRST + 1];
	const char *why = NULL;
	struct audit audit = {.on_fault = NULL};
	struct window *window = window_from(rig->feed, FIRST, FEED, 0);
	assert_int_equal(window_check(window, SIZE_MAX, NULL, &why), ERR_OK);
	assert_int_equal(give(rig, window, NULL), ERR_OK);
	other_history(rig, 30, other, FEED - FIRST + 1);
	come(rig, 1, 30);
	assert_int_equal(shelf_append(&rig->shelf, other[0]), APPEND_STORED);
	assert_false(rig->shelf.last.was_shown);
	assert_nothing_ahead(rig);
	assert_page(rig, TIMELINE_PERSON, 21, 0, 0);
	assert_true(is_forked(rig));
	for (size_t i = 1; i < FEED - FIRST + 1; i++) {
		assert_int_equal(shelf_append(&rig->shelf, other[i]), APPEND_STORED);
	}
	assert_int_equal(audit_run(rig->shelf.store, NULL, &audit), ERR_OK);
	assert_int_equal(audit.faults, 0);
	/* Nothing more of a feed with two histories is shown ahead. */
	assert_int_equal(give(rig, window_from(rig->feed, FIRST, FEED, 0), NULL), ERR_REFUSED);
}

static void what_nobody_checked_proves_nothing(void **state)
{
	struct rig *rig = *state;
	struct message *other[1];
	show(rig);
	other_history(rig, 30, other, 1);
	come(rig, 1, 30);
	assert_int_equal(shelf_append(&rig->shelf, other[0]), APPEND_STORED);
	assert_nothing_ahead(rig);
	assert_false(is_forked(rig));
}

static void a_window_of_another_history_is_refused(void **state)
{
	struct rig *rig = *state;
	struct message *other[12];
	struct message *all[FEED];
	memcpy(all, rig->feed, sizeof(all));
	other_history(rig, 20, other, 12);
	memcpy(all + 20, other, sizeof(other));
	come(rig, 1, 24);
	assert_int_equal(give(rig, window_from(all, 21, 32, 0), NULL), ERR_REFUSED);
	assert_int_equal(give(rig, window_from(all, 25, 32, 0), NULL), ERR_REFUSED);
	assert_nothing_ahead(rig);
	for (size_t i = 0; i < 12; i++) {
		message_free(other[i]);
	}
}

static void a_proof_of_a_fork_ends_it(void **state)
{
	struct rig *rig = *state;
	struct message *other[1];
	come(rig, 1, 5);
	show(rig);
	other_history(rig, 3, other, 1);
	assert_int_equal(shelf_append(&rig->shelf, other[0]), APPEND_FORKED);
	assert_nothing_ahead(rig);
	assert_page(rig, TIMELINE_PERSON, 4, 0, 0);
}

static void it_goes_with_a_block_and_with_the_follow(void **state)
{
	struct rig *rig = *state;
	const struct change reach = {.kind = CHANGE_REACH};
	show(rig);
	(void)shelf_contact(&rig->shelf, &rig->ben.id, EDGE_BLOCK);
	assert_nothing_ahead(rig);
	assert_page(rig, TIMELINE_PERSON, 0, 0, 0);
	assert_int_equal(give(rig, window_from(rig->feed, FIRST, FEED, 0), NULL), ERR_REFUSED);
	(void)shelf_contact(&rig->shelf, &rig->ben.id, EDGE_FOLLOW);
	show(rig);
	assert_int_equal(writer_change_wait(rig->shelf.writer, &reach), ERR_OK);
	assert_page(rig, TIMELINE_HOME, POSTS_AHEAD, POSTS_AHEAD, POSTS_AHEAD);
	(void)shelf_contact(&rig->shelf, &rig->ben.id, EDGE_NEITHER);
	assert_page(rig, TIMELINE_HOME, 0, 0, 0);
	assert_page(rig, TIMELINE_PERSON, POSTS_AHEAD, POSTS_AHEAD, POSTS_AHEAD);
	assert_int_equal(writer_change_wait(rig->shelf.writer, &reach), ERR_OK);
	assert_nothing_ahead(rig);
	assert_page(rig, TIMELINE_PERSON, 0, 0, 0);
	assert_int_equal(give(rig, window_from(rig->feed, FIRST, FEED, 0), NULL), ERR_REFUSED);
}

static void it_can_be_dropped(void **state)
{
	struct rig *rig = *state;
	show(rig);
	drop(rig);
	assert_nothing_ahead(rig);
	assert_page(rig, TIMELINE_WIDE, 0, 0, 0);
	assert_true(rig->shelf.is_ahead_gone);
	drop(rig);
	show(rig);
	assert_page(rig, TIMELINE_WIDE, POSTS_AHEAD, POSTS_AHEAD, POSTS_AHEAD);
}

/* While so much pours in that rows are made behind it (store/behind), nothing that is on a page
 * goes from it. */
static void in_a_bulk_what_was_shown_stays_on_the_page(void **state)
{
	enum { FILL = 3000 };
	struct rig *rig = *state;
	struct author dora;
	struct message *fill[FILL];
	struct message *feed[FEED];
	author_init(&dora, 3);
	show(rig);
	for (int i = 0; i < FILL; i++) {
		fill[i] = author_post(&dora, "fill");
	}
	for (int i = 0; i < FEED; i++) {
		const char *why = NULL;
		assert_int_equal(message_reread(rig->feed[i]->compact, &feed[i], &why), ERR_OK);
	}
	for (int i = 0; i < FILL; i += 500) {
		assert_int_equal(shelf_append_all(&rig->shelf, fill + i, 500, NULL), ERR_OK);
	}
	assert_int_equal(shelf_append_all(&rig->shelf, feed, FEED, NULL), ERR_OK);
	struct posts posts;
	page(rig, TIMELINE_PERSON, &posts);
	assert_true(posts.count >= POSTS_AHEAD);
	for (size_t i = 0; i < POSTS_AHEAD; i++) {
		assert_true(posts.at[i].sequence >= FIRST);
		assert_false(posts.at[i].is_ahead);
	}
	assert_string_equal(person_of(rig).name, "Ben 40");
	posts_free(&posts);
	author_fini(&dora);
}

/* The second message of the author with that number. */
static enum err show_one(struct rig *rig, unsigned number, bool *is_kept)
{
	struct author author;
	struct message *feed[2];
	author_init(&author, number);
	feed[0] = author_post(&author, "one");
	feed[1] = author_post(&author, "two");
	enum err err = give(rig, window_from(feed, 2, 2, 0), is_kept);
	message_free(feed[0]);
	message_free(feed[1]);
	author_fini(&author);
	return err;
}

static void set_reach(struct rig *rig, unsigned first, size_t count)
{
	struct reach_entry *reach = calloc(count, sizeof(*reach));
	assert_non_null(reach);
	for (size_t i = 0; i < count; i++) {
		struct author author;
		author_init(&author, first + (unsigned)i);
		reach[i] = (struct reach_entry){.feed = author.id, .hops = i % 2 == 0 ? 2 : 3};
		author_fini(&author);
	}
	const struct change change = {.kind = CHANGE_REACH, .reach = reach, .reach_count = count};
	assert_int_equal(writer_change_wait(rig->shelf.writer, &change), ERR_OK);
	free(reach);
}

static void count_feed(void *ctx, const struct feed_id *feed, const struct ahead_state *state)
{
	size_t *count = ctx;
	(void)feed;
	assert_int_equal(state->count, 1);
	(*count)++;
}

static size_t feeds_held(struct rig *rig)
{
	size_t count = 0;
	assert_int_equal(reader_ahead_all(rig->shelf.reader, count_feed, &count), ERR_OK);
	return count;
}

/* Every second of them is three hops away, the others two. */
static void so_many_feeds_are_held_and_the_nearest_first(void **state)
{
	enum { OF_3_HOPS = 1001, MORE = 100 };
	struct rig *rig = *state;
	bool is_kept = false;
	set_reach(rig, OF_3_HOPS - 1, LIMIT_AHEAD_FEEDS + MORE);
	for (unsigned i = 0; i < LIMIT_AHEAD_FEEDS; i++) {
		assert_int_equal(show_one(rig, OF_3_HOPS - 1 + i, &is_kept), ERR_OK);
		assert_true(is_kept);
	}
	assert_int_equal(feeds_held(rig), LIMIT_AHEAD_FEEDS);
	/* One above, as far as the farthest; one nearer; and many more. */
	assert_int_equal(show_one(rig, OF_3_HOPS + LIMIT_AHEAD_FEEDS, &is_kept), ERR_REFUSED);
	assert_int_equal(show_one(rig, OF_3_HOPS - 1 + LIMIT_AHEAD_FEEDS, &is_kept), ERR_OK);
	assert_true(is_kept);
	for (unsigned i = 0; i < MORE; i++) {
		(void)show_one(rig, OF_3_HOPS - 1 + LIMIT_AHEAD_FEEDS + i, &is_kept);
	}
	assert_int_equal(feeds_held(rig), LIMIT_AHEAD_FEEDS);
}

static void our_own_feed_is_never_shown_ahead(void **state)
{
	struct rig *rig = *state;
	struct author twin;
	struct message *mine[3];
	author_init(&twin, 0);
	for (int i = 0; i < 3; i++) {
		mine[i] = author_post(&twin, "mine");
	}
	assert_int_equal(give(rig, window_from(mine, 2, 3, 0), NULL), ERR_REFUSED);
	assert_page(rig, TIMELINE_WIDE, 0, 0, 0);
	for (int i = 0; i < 3; i++) {
		message_free(mine[i]);
	}
	author_fini(&twin);
}

static void a_restart_keeps_it(void **state)
{
	struct rig *rig = *state;
	show(rig);
	shelf_close(&rig->shelf);
	shelf_open(&rig->shelf);
	assert_page(rig, TIMELINE_HOME, POSTS_AHEAD, POSTS_AHEAD, POSTS_AHEAD);
	come(rig, 1, FEED);
	assert_true(rig->shelf.last.was_shown);
	assert_nothing_ahead(rig);
}

static void views_made_again_keep_it_and_orphans_are_found(void **state)
{
	struct rig *rig = *state;
	struct audit audit = {.on_fault = NULL};
	struct repair repair = {.on_fault = NULL};
	come(rig, 1, 3);
	show(rig);
	char *before = views(rig);
	assert_int_equal(db_exec(rig->shelf.store->writer,
				 "DELETE FROM ahead WHERE sequence = 36; DELETE FROM votes"),
		ERR_OK);
	assert_int_equal(audit_run(rig->shelf.store, NULL, &audit), ERR_OK);
	assert_true(audit.faults > 0);
	shelf_close(&rig->shelf);
	char why[256];
	const struct store_opts opts = {
		.dir = rig->shelf.dir, .env = &rig->shelf.env, .self = rig->shelf.self.id};
	assert_int_equal(store_open(&opts, &rig->shelf.store, why, sizeof(why)), ERR_OK);
	assert_int_equal(repair_run(rig->shelf.store, NULL, &repair), ERR_OK);
	store_close(rig->shelf.store);
	shelf_open(&rig->shelf);
	assert_page(rig, TIMELINE_PERSON, 3 + POSTS_AHEAD - 1, POSTS_AHEAD - 1, POSTS_AHEAD - 1);
	audit.faults = 0;
	assert_int_equal(audit_run(rig->shelf.store, NULL, &audit), ERR_OK);
	assert_int_equal(audit.faults, 0);
	free(before);
}

static void a_reply_that_is_ahead_stands_in_its_thread(void **state)
{
	struct rig *rig = *state;
	struct message *feed[3];
	struct posts thread;
	struct thread_facts facts;
	struct publish_result mine =
		shelf_publish(&rig->shelf, "{\"type\":\"post\",\"text\":\"who is there\"}");
	struct author cleo;
	author_init(&cleo, 2);
	feed[0] = author_post(&cleo, "first");
	feed[1] = author_post(&cleo, "second");
	feed[2] = author_reply(&cleo, "I am", &mine.key, &mine.key);
	(void)shelf_contact(&rig->shelf, &cleo.id, EDGE_FOLLOW);
	assert_int_equal(give(rig, window_from(feed, 2, 3, 0), NULL), ERR_OK);
	assert_int_equal(shelf_thread(&rig->shelf, &mine.key, &facts, &thread), ERR_OK);
	assert_int_equal(thread.count, 2);
	assert_int_equal(thread.at[0].replies, 1);
	assert_true(message_id_equal(&thread.at[1].key, &feed[2]->key));
	assert_true(thread.at[1].is_ahead);
	posts_free(&thread);
	/* … and is a root and a branch like any other. */
	char text[MESSAGE_ID_TEXT_BYTES];
	message_id_format(&feed[1]->key, text);
	(void)shelf_publish(&rig->shelf,
		"{\"type\":\"post\",\"text\":\"yes\",\"root\":\"%s\",\"branch\":\"%s\"}", text,
		text);
	(void)shelf_publish(
		&rig->shelf, "{\"type\":\"vote\",\"vote\":{\"link\":\"%s\",\"value\":1}}", text);
	assert_int_equal(shelf_thread(&rig->shelf, &feed[1]->key, &facts, &thread), ERR_OK);
	assert_int_equal(thread.count, 2);
	assert_true(thread.at[0].is_ahead);
	assert_true(thread.at[0].is_liked);
	assert_int_equal(thread.at[0].replies, 1);
	posts_free(&thread);
	for (int i = 0; i < 3; i++) {
		message_free(feed[i]);
	}
	author_fini(&cleo);
}

int main(void)
{
	if (sodium_init() < 0) {
		return 1;
	}
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(the_newest_posts_are_shown_before_their_history),
		T(a_name_from_below_the_window_is_shown),
		T(nothing_that_serves_peers_or_counts_sees_them),
		T(when_the_chain_has_come_up_all_is_as_if_it_had_come_in_order),
		T(the_newer_name_stays_while_older_ones_arrive),
		T(a_name_that_the_chain_has_overtaken_counts_no_longer),
		T(what_comes_for_real_was_shown_and_takes_its_place),
		T(what_the_chain_has_reached_is_left_out),
		T(a_checked_window_takes_the_mark_away),
		T(an_older_window_replaces_nothing),
		T(a_newer_window_joins_what_it_follows),
		T(a_newer_window_with_a_gap_before_it_stands_alone),
		T(another_history_from_below_ends_it_and_leaves_the_proof),
		T(what_nobody_checked_proves_nothing),
		T(a_window_of_another_history_is_refused),
		T(a_proof_of_a_fork_ends_it),
		T(it_goes_with_a_block_and_with_the_follow),
		T(it_can_be_dropped),
		T(in_a_bulk_what_was_shown_stays_on_the_page),
		T(so_many_feeds_are_held_and_the_nearest_first),
		T(our_own_feed_is_never_shown_ahead),
		T(a_restart_keeps_it),
		T(views_made_again_keep_it_and_orphans_are_found),
		T(a_reply_that_is_ahead_stands_in_its_thread),
	};
#undef T
	return cmocka_run_group_tests(tests, NULL, NULL);
}
