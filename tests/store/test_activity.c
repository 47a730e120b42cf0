/* store/activity: what others did that concerns us is kept, grouped, counted, and is the same in
 * whatever order it came. */
#include "lib/cmocka.h"
#include "lib/shelf.h"

#include "store/activity.h"
#include "store/audit.h"
#include "store/inside.h"
#include "store/marks.h"
#include "store/repair.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PEOPLE = 4, DAY_MS = 86400000 };

struct rig {
	struct shelf shelf;
	struct author people[PEOPLE]; /* numbers 1 … */
	struct message_id mine;       /* a post of ours */
	char said[512];
};

static int set_up(void **state)
{
	struct rig *rig = calloc(1, sizeof(*rig));
	assert_non_null(rig);
	shelf_init(&rig->shelf);
	rig->shelf.wall_ms = rig->shelf.wall_ms / DAY_MS * DAY_MS + DAY_MS / 2;
	for (unsigned i = 0; i < PEOPLE; i++) {
		author_init(&rig->people[i], i + 1);
		rig->people[i].now_ms = rig->shelf.wall_ms;
	}
	rig->mine = shelf_publish(&rig->shelf, "{\"type\":\"post\",\"text\":\"mine\"}").key;
	*state = rig;
	return 0;
}

static int tear_down(void **state)
{
	struct rig *rig = *state;
	for (unsigned i = 0; i < PEOPLE; i++) {
		author_fini(&rig->people[i]);
	}
	shelf_fini(&rig->shelf);
	free(rig);
	return 0;
}

static void come(struct rig *rig, struct message *message)
{
	assert_int_equal(shelf_append(&rig->shelf, message), APPEND_STORED);
}

static unsigned number_of(const struct rig *rig, const struct feed_id *id)
{
	unsigned i = 0;
	while (i < PEOPLE && !feed_id_equal(&rig->people[i].id, id)) {
		i++;
	}
	return i + 1;
}

/* A page in short: "like 2: 2 1; reply: 3 new", the newest first. */
static const char *page(struct rig *rig, const struct activity_query *query)
{
	struct activity_page page;
	size_t at = 0;
	rig->said[0] = '\0';
	assert_int_equal(activity_page(rig->shelf.reader, query, &page), ERR_OK);
	for (size_t i = 0; i < page.count; i++) {
		const struct activity_item *item = &page.items[i];
		char *to = rig->said + at;
		at += (size_t)snprintf(to, sizeof(rig->said) - at, "%s%s %u:", i == 0 ? "" : "; ",
			activity_kind_text(item->kind), item->n);
		for (size_t j = 0; j < item->who_count; j++) {
			at += (size_t)snprintf(rig->said + at, sizeof(rig->said) - at, " %u",
				number_of(rig, &item->who[j]));
		}
		at += (size_t)snprintf(
			rig->said + at, sizeof(rig->said) - at, "%s", item->is_new ? "" : " seen");
		assert_in_range(at, 1, sizeof(rig->said) - 1);
	}
	activity_page_free(&page);
	return rig->said;
}

static const char *all(struct rig *rig)
{
	const struct activity_query query = {.kinds = ACTIVITY_ALL, .limit = 20};
	return page(rig, &query);
}

static uint32_t unread(struct rig *rig, unsigned kinds)
{
	uint32_t n = 0;
	assert_int_equal(activity_unread(rig->shelf.reader, kinds, &n), ERR_OK);
	return n;
}

static void assert_sound(struct rig *rig)
{
	struct audit audit = {.on_fault = NULL};
	assert_int_equal(audit_run(rig->shelf.store, NULL, &audit), ERR_OK);
	assert_int_equal(audit.faults, 0);
}

static struct message *mention(struct author *author, const struct feed_id *who)
{
	char text[FEED_ID_TEXT_BYTES];
	feed_id_format(who, text);
	return author_say(author,
		"{\"type\":\"post\",\"text\":\"look\",\"mentions\":[{\"link\":\"%s\",\"name\":"
		"\"us\"}]}",
		text);
}

static void each_kind_makes_an_item_and_our_own_messages_none(void **state)
{
	struct rig *rig = *state;
	struct author *ben = &rig->people[0];
	char mine[MESSAGE_ID_TEXT_BYTES];
	message_id_format(&rig->mine, mine);
	come(rig, author_contact(ben, &rig->shelf.self.id, EDGE_FOLLOW));
	come(rig, author_like(ben, &rig->mine, 1));
	come(rig, author_reply(ben, "yes", &rig->mine, &rig->mine));
	come(rig, mention(ben, &rig->shelf.self.id));
	come(rig, author_say(ben, "{\"type\":\"post\",\"text\":\"see [us](%s)\"}",
			  rig->shelf.self.text));
	assert_string_equal(
		all(rig), "mention 1: 1; mention 1: 1; reply 1: 1; like 1: 1; follow 1: 1");
	/* What concerns nobody here: others' posts, other people, a like of no post. */
	come(rig, mention(ben, &rig->people[1].id));
	come(rig, author_like(ben, &ben->head.key, 1));
	come(rig, author_contact(ben, &rig->people[1].id, EDGE_FOLLOW));
	const struct message_id contact = shelf_contact(&rig->shelf, &ben->id, EDGE_FOLLOW).key;
	come(rig, author_like(ben, &contact, 1));
	(void)shelf_publish(&rig->shelf,
		"{\"type\":\"post\",\"text\":\"%s\",\"root\":\"%s\",\"branch\":\"%s\"}",
		rig->shelf.self.text, mine, mine);
	(void)shelf_publish(&rig->shelf,
		"{\"type\":\"vote\",\"vote\":{\"link\":\"%s\",\"value\":1,\"expression\":\"\"}}",
		mine);
	assert_int_equal(unread(rig, ACTIVITY_ALL), 5);
	assert_sound(rig);
}

static void an_answer_that_mentions_is_one_item(void **state)
{
	struct rig *rig = *state;
	const struct activity_query mentions = {.kinds = 1U << ACTIVITY_MENTION, .limit = 20};
	come(rig, author_reply(&rig->people[0], rig->shelf.self.text, &rig->mine, &rig->mine));
	assert_string_equal(all(rig), "reply 1: 1");
	assert_string_equal(page(rig, &mentions), "mention 1: 1");
	assert_int_equal(unread(rig, ACTIVITY_ALL), 1);
	assert_int_equal(unread(rig, 1U << ACTIVITY_MENTION), 1);
	assert_int_equal(unread(rig, 1U << ACTIVITY_LIKE), 0);
}

static void likes_of_a_post_and_follows_are_grouped_by_day(void **state)
{
	struct rig *rig = *state;
	struct message_id other =
		shelf_publish(&rig->shelf, "{\"type\":\"post\",\"text\":\"another\"}").key;
	for (unsigned i = 0; i < 3; i++) {
		come(rig, author_like(&rig->people[i], &rig->mine, 1));
		come(rig, author_contact(&rig->people[i], &rig->shelf.self.id, EDGE_FOLLOW));
	}
	come(rig, author_like(&rig->people[0], &other, 1));
	assert_string_equal(all(rig), "like 1: 1; follow 3: 3 2 1; like 3: 3 2 1");
	assert_int_equal(unread(rig, ACTIVITY_ALL), 3);
	rig->shelf.wall_ms += DAY_MS;
	rig->people[3].now_ms = rig->shelf.wall_ms;
	come(rig, author_like(&rig->people[3], &rig->mine, 1));
	come(rig, author_contact(&rig->people[3], &rig->shelf.self.id, EDGE_FOLLOW));
	assert_string_equal(
		all(rig), "follow 1: 4; like 1: 4; like 1: 1; follow 3: 3 2 1; like 3: 3 2 1");
	assert_sound(rig);
}

static void what_is_taken_back_is_gone(void **state)
{
	struct rig *rig = *state;
	struct author *ben = &rig->people[0];
	come(rig, author_like(ben, &rig->mine, 1));
	come(rig, author_like(&rig->people[1], &rig->mine, 1));
	come(rig, author_contact(ben, &rig->shelf.self.id, EDGE_FOLLOW));
	come(rig, author_like(ben, &rig->mine, 0));
	assert_string_equal(all(rig), "follow 1: 1; like 1: 2");
	come(rig, author_contact(ben, &rig->shelf.self.id, EDGE_NEITHER));
	assert_string_equal(all(rig), "like 1: 2");
	come(rig, author_contact(ben, &rig->shelf.self.id, EDGE_BLOCK));
	assert_string_equal(all(rig), "like 1: 2");
	come(rig, author_like(ben, &rig->mine, 1));
	assert_string_equal(all(rig), "like 2: 1 2");
	assert_sound(rig);
}

static void whom_we_block_or_mute_does_not_appear(void **state)
{
	struct rig *rig = *state;
	struct author *ben = &rig->people[0];
	struct change mute = {.kind = CHANGE_MUTE, .feed = ben->id, .number = 1};
	static const char shown[] = "mention 1: 1; reply 1: 1; follow 1: 1; like 1: 1";
	come(rig, author_like(ben, &rig->mine, 1));
	come(rig, author_contact(ben, &rig->shelf.self.id, EDGE_FOLLOW));
	come(rig, author_reply(ben, "yes", &rig->mine, &rig->mine));
	come(rig, mention(ben, &rig->shelf.self.id));
	assert_string_equal(all(rig), shown);
	(void)shelf_contact(&rig->shelf, &ben->id, EDGE_BLOCK);
	assert_string_equal(all(rig), "");
	assert_int_equal(unread(rig, ACTIVITY_ALL), 0);
	assert_sound(rig);
	(void)shelf_contact(&rig->shelf, &ben->id, EDGE_NEITHER);
	assert_string_equal(all(rig), shown);
	assert_int_equal(writer_change_wait(rig->shelf.writer, &mute), ERR_OK);
	assert_string_equal(all(rig), "");
	come(rig, author_contact(ben, &rig->shelf.self.id, EDGE_FOLLOW));
	come(rig, author_like(ben, &rig->mine, 1));
	assert_string_equal(all(rig), "");
	assert_sound(rig);
	mute.number = 0;
	assert_int_equal(writer_change_wait(rig->shelf.writer, &mute), ERR_OK);
	assert_string_equal(all(rig), "like 1: 1; follow 1: 1; mention 1: 1; reply 1: 1");
	assert_sound(rig);
}

static void what_comes_late_stands_where_it_came_and_old_history_where_it_was_written(void **state)
{
	struct rig *rig = *state;
	come(rig, author_like(&rig->people[0], &rig->mine, 1));
	rig->people[1].now_ms = rig->shelf.wall_ms - LIMIT_ACTIVITY_LATE_MS;
	come(rig, author_reply(&rig->people[1], "at the limit", &rig->mine, &rig->mine));
	rig->people[2].now_ms = rig->shelf.wall_ms - LIMIT_ACTIVITY_LATE_MS - 1;
	come(rig, author_reply(&rig->people[2], "above it", &rig->mine, &rig->mine));
	rig->people[3].now_ms = 1000;
	come(rig, author_reply(&rig->people[3], "far above it", &rig->mine, &rig->mine));
	assert_string_equal(all(rig), "reply 1: 2; like 1: 1; reply 1: 3; reply 1: 4");
	assert_sound(rig);
}

static void a_mark_says_what_is_new_and_only_rises(void **state)
{
	struct rig *rig = *state;
	struct activity_page page;
	const struct activity_query query = {.kinds = ACTIVITY_ALL, .limit = 20};
	struct change change = {.kind = CHANGE_MARK, .name = span_text("activity")};
	come(rig, author_like(&rig->people[0], &rig->mine, 1));
	assert_int_equal(activity_page(rig->shelf.reader, &query, &page), ERR_OK);
	assert_true(page.has_newest);
	change.number = page.newest_at_ms;
	change.order = page.newest_order;
	activity_page_free(&page);
	assert_int_equal(writer_change_wait(rig->shelf.writer, &change), ERR_OK);
	assert_string_equal(all(rig), "like 1: 1 seen");
	assert_int_equal(unread(rig, ACTIVITY_ALL), 0);
	change.order--;
	assert_int_equal(writer_change_wait(rig->shelf.writer, &change), ERR_OK);
	change.number--;
	change.order = INT64_MAX;
	assert_int_equal(writer_change_wait(rig->shelf.writer, &change), ERR_OK);
	assert_int_equal(unread(rig, ACTIVITY_ALL), 0);
	come(rig, author_like(&rig->people[1], &rig->mine, 1));
	assert_string_equal(all(rig), "like 2: 2 1");
	assert_int_equal(unread(rig, ACTIVITY_ALL), 1);
}

static void pages_have_a_limit_and_follow_one_another(void **state)
{
	struct rig *rig = *state;
	struct activity_query query = {.kinds = ACTIVITY_ALL};
	size_t seen = 0;
	for (int i = 0; i < 120; i++) {
		come(rig, author_reply(&rig->people[i % PEOPLE], "x", &rig->mine, &rig->mine));
	}
	assert_int_equal(unread(rig, ACTIVITY_ALL), UNREAD_MAX);
	for (size_t limit = 0; limit <= 1000 * LIMIT_PAGE_ROWS; limit += 1000 * LIMIT_PAGE_ROWS) {
		struct activity_page page;
		query.limit = limit;
		assert_int_equal(activity_page(rig->shelf.reader, &query, &page), ERR_LIMIT);
	}
	query.limit = LIMIT_PAGE_ROWS + 1;
	struct activity_page page;
	assert_int_equal(activity_page(rig->shelf.reader, &query, &page), ERR_LIMIT);
	query.limit = LIMIT_PAGE_ROWS;
	for (bool has_more = true; has_more;) {
		assert_int_equal(activity_page(rig->shelf.reader, &query, &page), ERR_OK);
		assert_in_range(page.count, 1, LIMIT_PAGE_ROWS);
		seen += page.count;
		has_more = page.has_more;
		query.has_before = true;
		query.at_ms = page.items[page.count - 1].at_ms;
		query.order = page.items[page.count - 1].order;
		activity_page_free(&page);
	}
	assert_int_equal(seen, 120);
}

/* Ours: a post, and an answer in Ben's conversation. Theirs: about both, in all ways. */
enum { OWN = 2, THEIRS = 10 };

static void make(struct message **own, struct message **theirs)
{
	struct author self;
	struct author ben;
	struct author ana;
	author_init(&self, 0);
	author_init(&ben, 1);
	author_init(&ana, 2);
	theirs[0] = author_post(&ben, "a conversation");
	own[0] = author_post(&self, "mine");
	own[1] = author_reply(&self, "and so", &theirs[0]->key, &theirs[0]->key);
	theirs[1] = author_reply(&ben, "yes", &own[0]->key, &own[0]->key);
	theirs[2] = author_like(&ben, &own[0]->key, 1);
	theirs[3] = author_contact(&ben, &self.id, EDGE_FOLLOW);
	theirs[4] = author_reply(&ana, "no", &theirs[0]->key, &own[1]->key);
	theirs[5] = author_like(&ana, &own[1]->key, 1);
	theirs[6] = author_contact(&ana, &self.id, EDGE_FOLLOW);
	theirs[7] = author_contact(&ana, &self.id, EDGE_NEITHER);
	theirs[8] = author_like(&ben, &own[1]->key, 1);
	theirs[9] = author_like(&ben, &own[1]->key, 0);
	author_fini(&ana);
	author_fini(&ben);
	author_fini(&self);
}

static void append_some(struct shelf *shelf, struct message **messages, size_t count)
{
	if (count == 1) {
		assert_int_equal(shelf_append(shelf, messages[0]), APPEND_STORED);
	} else {
		assert_int_equal(shelf_append_all(shelf, messages, count, NULL), ERR_OK);
	}
}

/* Rows by what they say, not by when they came. */
static const char rows[] =
	"SELECT v.kind, f.id, v.at, m.key_head, v.link FROM activity v JOIN messages m ON "
	"m.message "
	"= v.message JOIN feeds f ON f.feed = v.feed ORDER BY m.key_head, v.kind";

static char *play(bool is_bulk, bool is_own_first, size_t at_once)
{
	struct rig rig = {.said = ""};
	struct message *own[OWN];
	struct message *theirs[THEIRS];
	make(own, theirs);
	shelf_init(&rig.shelf);
	shelf_close(&rig.shelf);
	rig.shelf.is_stepped = true;
	rig.shelf.bulk_begins = is_bulk ? 1 : SIZE_MAX;
	shelf_open(&rig.shelf);
	if (is_own_first) {
		append_some(&rig.shelf, own, OWN);
	}
	for (size_t i = 0; i < THEIRS; i += at_once) {
		append_some(&rig.shelf, theirs + i, at_once);
	}
	if (!is_own_first) {
		append_some(&rig.shelf, own, OWN);
	}
	rig.shelf.added_ms += 1000;
	shelf_settle(&rig.shelf);
	assert_sound(&rig);
	char *text = shelf_dump(&rig.shelf, rows);
	shelf_close(&rig.shelf);
	/* And once more, all of it, when a part is missing. */
	char path[128];
	sqlite3 *db = NULL;
	struct repair repair = {.on_fault = NULL};
	(void)snprintf(path, sizeof(path), "%s/kith.db", rig.shelf.dir);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db,
				 "DELETE FROM activity WHERE kind = 3; UPDATE activity SET at = 1 "
				 "WHERE kind = 4",
				 NULL, NULL, NULL),
		SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	shelf_open_store(&rig.shelf);
	assert_int_equal(repair_run(rig.shelf.store, NULL, &repair), ERR_OK);
	assert_true(repair.kinds[AUDIT_VIEW] > 0);
	assert_int_equal(repair.left[AUDIT_VIEW], 0);
	shelf_close_store(&rig.shelf);
	char *again = shelf_dump(&rig.shelf, rows);
	assert_string_equal(again, text);
	free(again);
	shelf_fini(&rig.shelf);
	return text;
}

static void rows_are_the_same_whenever_and_however_messages_come(void **state)
{
	(void)state;
	char *first = play(false, true, 1);
	size_t count = 0;
	for (const char *at = first; *at != '\0'; at++) {
		count += *at == '|';
	}
	assert_int_equal(count, 5 * 5); /* two answers, two likes, one follow */
	for (int i = 1; i < 4; i++) {
		bool is_bulk = (i & 1) != 0;
		char *text = play(is_bulk, (i & 2) == 0, is_bulk ? THEIRS : 1);
		assert_string_equal(text, first);
		free(text);
	}
	free(first);
}

static void the_setting_says_which_kinds_are_wanted(void **state)
{
	struct rig *rig = *state;
	static const struct {
		const char *text;
		unsigned kinds;
	} cases[] = {{"{\"like\":false,\"reply\":true}", ACTIVITY_ALL & ~(1U << ACTIVITY_LIKE)},
		{"{\"mention\":false,\"reply\":false,\"like\":false,\"follow\":false}", 0},
		{"{\"like\":\"no\"}", ACTIVITY_ALL}, {"[]", ACTIVITY_ALL}, {"{", ACTIVITY_ALL}};
	unsigned kinds = 0;
	assert_int_equal(activity_wanted(rig->shelf.reader, &kinds), ERR_OK);
	assert_int_equal(kinds, ACTIVITY_ALL);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct change change = {.kind = CHANGE_SETTING,
			.name = span_text("activity"),
			.text = span_text(cases[i].text)};
		assert_int_equal(writer_change_wait(rig->shelf.writer, &change), ERR_OK);
		assert_int_equal(activity_wanted(rig->shelf.reader, &kinds), ERR_OK);
		assert_int_equal(kinds, cases[i].kinds);
	}
}

#define WITH_RIG(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_RIG(each_kind_makes_an_item_and_our_own_messages_none),
		WITH_RIG(an_answer_that_mentions_is_one_item),
		WITH_RIG(likes_of_a_post_and_follows_are_grouped_by_day),
		WITH_RIG(what_is_taken_back_is_gone),
		WITH_RIG(whom_we_block_or_mute_does_not_appear),
		WITH_RIG(what_comes_late_stands_where_it_came_and_old_history_where_it_was_written),
		WITH_RIG(a_mark_says_what_is_new_and_only_rises),
		WITH_RIG(pages_have_a_limit_and_follow_one_another),
		cmocka_unit_test(rows_are_the_same_whenever_and_however_messages_come),
		WITH_RIG(the_setting_says_which_kinds_are_wanted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
