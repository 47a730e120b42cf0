/* What the owner keeps about people: a mute hides and gives back, whenever messages come; names;
 * and friends of friends. */
#include "lib/cmocka.h"
#include "lib/shelf.h"

#include "base/limits.h"
#include "store/audit.h"
#include "store/inside.h"
#include "store/people.h"
#include "store/timeline.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BULK = 64 };

static void mute(struct shelf *shelf, const struct feed_id *id, bool is_on)
{
	const struct change change = {.kind = CHANGE_MUTE, .feed = *id, .number = is_on};
	assert_int_equal(writer_change_wait(shelf->writer, &change), ERR_OK);
	if (shelf->is_stepped) {
		shelf_settle(shelf);
	}
}

static enum err call_them(struct shelf *shelf, const struct feed_id *id, struct span name)
{
	const struct change change = {.kind = CHANGE_PETNAME, .feed = *id, .name = name};
	return writer_change_wait(shelf->writer, &change);
}

static struct person person_of(struct shelf *shelf, const struct feed_id *id)
{
	struct person person;
	assert_int_equal(person_read(shelf->reader, id, &person), ERR_OK);
	return person;
}

static int64_t count(struct shelf *shelf, const char *sql)
{
	sqlite3_stmt *stmt = NULL;
	sqlite3 *db = db_handle(shelf->store->writer); /* the writer sleeps: its jobs are done */
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	int64_t rows = sqlite3_column_int64(stmt, 0);
	(void)sqlite3_finalize(stmt);
	return rows;
}

static void run(struct shelf *shelf, const char *sql)
{
	assert_int_equal(
		sqlite3_exec(db_handle(shelf->store->writer), sql, NULL, NULL, NULL), SQLITE_OK);
}

static size_t shown(struct shelf *shelf)
{
	struct posts posts;
	const struct timeline_query query = {.kind = TIMELINE_WIDE, .limit = 100};
	assert_int_equal(timeline_page(shelf->reader, &query, &posts), ERR_OK);
	size_t found = posts.count;
	posts_free(&posts);
	return found;
}

static void assert_sound(struct shelf *shelf)
{
	struct audit audit = {.on_fault = NULL};
	assert_int_equal(audit_run(shelf->store, NULL, &audit), ERR_OK);
	assert_int_equal(audit.faults, 0);
}

/* Dee: a post, and a like of ours. */
static void dee_begins(struct shelf *shelf, struct author *dee, const struct message_id *ours)
{
	author_init(dee, 1);
	(void)shelf_contact(shelf, &dee->id, EDGE_FOLLOW);
	assert_int_equal(shelf_append(shelf, author_post(dee, "first words")), APPEND_STORED);
	assert_int_equal(shelf_append(shelf, author_like(dee, ours, 1)), APPEND_STORED);
}

static void a_mute_hides_what_is_here_and_what_comes_and_ends(void **state)
{
	struct shelf *shelf = *state;
	struct author dee;
	struct publish_result ours = shelf_publish(shelf, "{\"type\":\"post\",\"text\":\"ours\"}");
	dee_begins(shelf, &dee, &ours.key);
	assert_int_equal(shown(shelf), 2);
	mute(shelf, &dee.id, true);
	mute(shelf, &dee.id, true);
	assert_true(person_of(shelf, &dee.id).is_muted);
	assert_int_equal(shown(shelf), 1);
	assert_int_equal(shelf_found(shelf, "words"), 0);
	assert_int_equal(count(shelf, "SELECT count(*) FROM votes"), 0);
	assert_int_equal(shelf_append(shelf, author_post(&dee, "second words")), APPEND_STORED);
	/* It is stored, and no news for people. */
	assert_true(feed_id_equal(&shelf->last.author, &dee.id));
	assert_int_equal(shelf->last.type, CONTENT_OTHER);
	assert_int_equal(shown(shelf), 1);
	assert_int_equal(person_of(shelf, &dee.id).sequence, 3);
	assert_sound(shelf);
	mute(shelf, &dee.id, false);
	assert_false(person_of(shelf, &dee.id).is_muted);
	assert_int_equal(shown(shelf), 3);
	assert_int_equal(shelf_found(shelf, "words"), 2);
	assert_int_equal(count(shelf, "SELECT count(*) FROM votes WHERE message > 0"), 1);
	assert_int_equal(count(shelf, "SELECT count(*) FROM posts WHERE home = 1"), 3);
	assert_sound(shelf);
	author_fini(&dee);
}

static void a_mute_leaves_no_trace_in_our_feed(void **state)
{
	struct shelf *shelf = *state;
	struct author dee;
	struct chain_head before;
	struct chain_head after;
	struct publish_result ours = shelf_publish(shelf, "{\"type\":\"post\",\"text\":\"ours\"}");
	dee_begins(shelf, &dee, &ours.key);
	assert_int_equal(reader_head(shelf->reader, &shelf->self.id, &before), ERR_OK);
	mute(shelf, &dee.id, true);
	assert_int_equal(call_them(shelf, &dee.id, span_text("Trouble")), ERR_OK);
	mute(shelf, &dee.id, false);
	assert_int_equal(reader_head(shelf->reader, &shelf->self.id, &after), ERR_OK);
	assert_int_equal(before.sequence, after.sequence);
	assert_true(message_id_equal(&before.key, &after.key));
	author_fini(&dee);
}

static void a_muted_bulk_stays_hidden_and_comes_back_whole(void **state)
{
	struct shelf shelf;
	struct author dee;
	struct message *messages[BULK];
	(void)state;
	shelf_init(&shelf);
	shelf_close(&shelf);
	shelf.is_stepped = true;
	shelf.bulk_begins = BULK / 2;
	shelf_open(&shelf);
	author_init(&dee, 1);
	mute(&shelf, &dee.id, true);
	for (int i = 0; i < BULK; i++) {
		messages[i] = author_post(&dee, "w words");
	}
	assert_int_equal(shelf_append_all(&shelf, messages, BULK, NULL), ERR_OK);
	shelf_pass(&shelf, 60000);
	assert_int_equal(count(&shelf, "SELECT count(*) FROM messages"), BULK);
	assert_int_equal(shown(&shelf), 0);
	assert_int_equal(shelf.late, 0);
	assert_sound(&shelf);
	mute(&shelf, &dee.id, false);
	assert_int_equal(shown(&shelf), BULK);
	assert_int_equal(shelf_found(&shelf, "words"), BULK);
	assert_sound(&shelf);
	/* Muted while the rows of a bulk are still to be made. */
	for (int i = 0; i < BULK; i++) {
		messages[i] = author_post(&dee, "w words");
	}
	assert_int_equal(shelf_append_all(&shelf, messages, BULK, NULL), ERR_OK);
	mute(&shelf, &dee.id, true);
	shelf_pass(&shelf, 60000);
	assert_int_equal(shown(&shelf), 0);
	assert_sound(&shelf);
	author_fini(&dee);
	shelf_fini(&shelf);
}

static void a_block_and_a_mute_end_apart(void **state)
{
	struct shelf *shelf = *state;
	struct author dee;
	struct message_id other = {{7}};
	dee_begins(shelf, &dee, &other);
	mute(shelf, &dee.id, true);
	(void)shelf_contact(shelf, &dee.id, EDGE_BLOCK);
	(void)shelf_contact(shelf, &dee.id, EDGE_NEITHER);
	assert_int_equal(shown(shelf), 0);
	assert_sound(shelf);
	(void)shelf_contact(shelf, &dee.id, EDGE_BLOCK);
	mute(shelf, &dee.id, false);
	assert_int_equal(shown(shelf), 0);
	(void)shelf_contact(shelf, &dee.id, EDGE_FOLLOW);
	assert_int_equal(shown(shelf), 1);
	assert_int_equal(count(shelf, "SELECT count(*) FROM posts WHERE home = 1"), 1);
	assert_sound(shelf);
	author_fini(&dee);
}

static void a_mute_outlives_the_process(void **state)
{
	struct shelf *shelf = *state;
	struct author dee;
	struct message_id other = {{7}};
	dee_begins(shelf, &dee, &other);
	mute(shelf, &dee.id, true);
	shelf_close(shelf);
	shelf_open(shelf);
	assert_int_equal(shelf_append(shelf, author_post(&dee, "more")), APPEND_STORED);
	assert_int_equal(shown(shelf), 0);
	author_fini(&dee);
}

/* Rows for so many people that nobody ever spoke of. */
static void fill(struct shelf *shelf, const char *table, int rows)
{
	char sql[256];
	(void)snprintf(sql, sizeof(sql),
		"WITH RECURSIVE n (i) AS (SELECT 1000 UNION ALL SELECT i + 1 FROM n WHERE i < %d) "
		"INSERT INTO %s SELECT i, 'x' FROM n",
		1000 + rows - 1, table);
	run(shelf, sql);
}

static void at_most_10000_are_muted(void **state)
{
	struct shelf *shelf = *state;
	struct author dee;
	struct author eve;
	author_init(&dee, 1);
	author_init(&eve, 2);
	run(shelf, "WITH RECURSIVE n (i) AS (SELECT 1000 UNION ALL SELECT i + 1 FROM n WHERE i < "
		   "10998) INSERT INTO mutes SELECT i, 1 FROM n");
	assert_int_equal(count(shelf, "SELECT count(*) FROM mutes"), LIMIT_MUTES - 1);
	mute(shelf, &dee.id, true);
	mute(shelf, &eve.id, true);
	assert_true(person_of(shelf, &dee.id).is_muted);
	assert_false(person_of(shelf, &eve.id).is_muted);
	/* What is refused is not hidden either. */
	assert_int_equal(shelf_append(shelf, author_post(&eve, "heard")), APPEND_STORED);
	assert_int_equal(shown(shelf), 1);
	author_fini(&dee);
	author_fini(&eve);
}

static void nobody_mutes_themselves(void **state)
{
	struct shelf *shelf = *state;
	(void)shelf_publish(shelf, "{\"type\":\"post\",\"text\":\"ours\"}");
	mute(shelf, &shelf->self.id, true);
	assert_int_equal(shown(shelf), 1);
	assert_int_equal(count(shelf, "SELECT count(*) FROM mutes"), 0);
}

static void a_name_that_is_given_is_one_clean_line(void **state)
{
	struct shelf *shelf = *state;
	struct author ben;
	author_init(&ben, 1);
	assert_int_equal(shelf_append(shelf, author_name(&ben, "Ben")), APPEND_STORED);
	struct person person = person_of(shelf, &ben.id);
	assert_string_equal(person_called(&person), "Ben");
	assert_int_equal(
		call_them(shelf, &ben.id, span_text("  Benny\n\xe2\x80\xae the Boat ")), ERR_OK);
	person = person_of(shelf, &ben.id);
	assert_string_equal(person.petname, "Benny the Boat");
	assert_string_equal(person.name, "Ben");
	assert_string_equal(person_called(&person), "Benny the Boat");
	assert_int_equal(call_them(shelf, &ben.id, span_text(" ")), ERR_OK);
	assert_string_equal(person_of(shelf, &ben.id).petname, "");
	author_fini(&ben);
}

static void a_name_that_is_given_has_at_most_128_bytes(void **state)
{
	struct shelf *shelf = *state;
	struct author ben;
	static char name[1000 * LIMIT_PETNAME_BYTES];
	memset(name, 'n', sizeof(name));
	author_init(&ben, 1);
	assert_int_equal(call_them(shelf, &ben.id, span_of(name, LIMIT_PETNAME_BYTES)), ERR_OK);
	assert_int_equal(strlen(person_of(shelf, &ben.id).petname), 64);
	assert_int_equal(
		call_them(shelf, &ben.id, span_of(name, LIMIT_PETNAME_BYTES + 1)), ERR_LIMIT);
	assert_int_equal(call_them(shelf, &ben.id, span_of(name, sizeof(name))), ERR_LIMIT);
	author_fini(&ben);
}

static void at_most_10000_names_are_given(void **state)
{
	struct shelf *shelf = *state;
	struct author ben;
	struct author cy;
	author_init(&ben, 1);
	author_init(&cy, 2);
	fill(shelf, "petnames", LIMIT_PETNAMES - 1);
	assert_int_equal(call_them(shelf, &ben.id, span_text("B")), ERR_OK);
	assert_int_equal(call_them(shelf, &cy.id, span_text("C")), ERR_OK);
	assert_string_equal(person_of(shelf, &cy.id).petname, "");
	/* Another name for the same person needs no room. */
	assert_int_equal(call_them(shelf, &ben.id, span_text("Bb")), ERR_OK);
	assert_string_equal(person_of(shelf, &ben.id).petname, "Bb");
	author_fini(&ben);
	author_fini(&cy);
}

static void lists_go_by_the_owners_names(void **state)
{
	struct shelf *shelf = *state;
	static const char *const names[] = {"Ana", "Ben", "Cy"};
	struct author people[3];
	struct feed_id out[3];
	size_t n = 0;
	size_t total = 0;
	for (unsigned i = 0; i < 3; i++) {
		author_init(&people[i], i + 1);
		assert_int_equal(
			shelf_append(shelf, author_name(&people[i], names[i])), APPEND_STORED);
		(void)shelf_contact(shelf, &people[i].id, EDGE_FOLLOW);
	}
	assert_int_equal(call_them(shelf, &people[0].id, span_text("zoe")), ERR_OK);
	assert_int_equal(
		people_list(shelf->reader, PEOPLE_FOLLOWED_BY, &shelf->self.id, out, 3, &n, &total),
		ERR_OK);
	assert_int_equal(n, 3);
	assert_true(feed_id_equal(&out[0], &people[1].id));
	assert_true(feed_id_equal(&out[2], &people[0].id));
	mute(shelf, &people[1].id, true);
	mute(shelf, &people[2].id, true);
	assert_int_equal(
		people_list(shelf->reader, PEOPLE_MUTED, &shelf->self.id, out, 1, &n, &total),
		ERR_OK);
	assert_int_equal(n, 1);
	assert_int_equal(total, 2);
	assert_true(feed_id_equal(&out[0], &people[1].id));
	for (unsigned i = 0; i < 3; i++) {
		author_fini(&people[i]);
	}
}

static void a_person_is_here_since_their_first_message(void **state)
{
	struct shelf *shelf = *state;
	struct author ben;
	author_init(&ben, 1);
	assert_int_equal(person_of(shelf, &ben.id).since_ms, -1);
	struct message *first = author_post(&ben, "one");
	int64_t claimed = (int64_t)first->timestamp;
	int64_t expected = claimed < shelf->wall_ms ? claimed : shelf->wall_ms;
	assert_int_equal(shelf_append(shelf, first), APPEND_STORED);
	assert_int_equal(shelf_append(shelf, author_post(&ben, "two")), APPEND_STORED);
	assert_int_equal(person_of(shelf, &ben.id).since_ms, expected);
	author_fini(&ben);
}

enum { FRIENDS = 7 };

static void friends_of_friends_come_with_through_whom(void **state)
{
	struct shelf *shelf = *state;
	struct author friends[FRIENDS];
	struct author cy;
	struct author eve;
	struct author mute_one;
	struct people_suggestion out[10];
	struct people_between between;
	size_t n = 0;
	author_init(&cy, 50);
	author_init(&eve, 51);
	author_init(&mute_one, 52);
	for (unsigned i = 0; i < FRIENDS; i++) {
		author_init(&friends[i], i + 1);
		(void)shelf_contact(shelf, &friends[i].id, EDGE_FOLLOW);
		assert_int_equal(
			shelf_append(shelf, author_contact(&friends[i], &cy.id, EDGE_FOLLOW)),
			APPEND_STORED);
	}
	assert_int_equal(shelf_append(shelf, author_contact(&friends[0], &eve.id, EDGE_FOLLOW)),
		APPEND_STORED);
	assert_int_equal(
		shelf_append(shelf, author_contact(&friends[0], &mute_one.id, EDGE_FOLLOW)),
		APPEND_STORED);
	mute(shelf, &mute_one.id, true);
	assert_int_equal(people_suggestions(shelf->reader, out, 10, &n), ERR_OK);
	assert_int_equal(n, 2);
	/* Who wrote last comes first. */
	assert_int_equal(shelf_append(shelf, author_post(&eve, "hello")), APPEND_STORED);
	assert_int_equal(people_suggestions(shelf->reader, out, 10, &n), ERR_OK);
	assert_true(feed_id_equal(&out[0].id, &eve.id));
	assert_int_equal(out[0].through.total, 1);
	assert_true(feed_id_equal(&out[0].through.at[0], &friends[0].id));
	assert_true(feed_id_equal(&out[1].id, &cy.id));
	assert_int_equal(out[1].through.total, FRIENDS);
	assert_int_equal(out[1].through.count, PEOPLE_BETWEEN_MAX);
	assert_int_equal(people_between(shelf->reader, &cy.id, &between), ERR_OK);
	assert_int_equal(between.total, FRIENDS);
	assert_int_equal(people_suggestions(shelf->reader, out, 1, &n), ERR_OK);
	assert_int_equal(n, 1);
	/* Whoever we have said something of, or who blocks us, is suggested no more. */
	assert_int_equal(shelf_append(shelf, author_contact(&eve, &shelf->self.id, EDGE_BLOCK)),
		APPEND_STORED);
	(void)shelf_contact(shelf, &cy.id, EDGE_FOLLOW);
	(void)shelf_contact(shelf, &cy.id, EDGE_NEITHER);
	assert_int_equal(people_suggestions(shelf->reader, out, 10, &n), ERR_OK);
	assert_int_equal(n, 0);
	for (unsigned i = 0; i < FRIENDS; i++) {
		author_fini(&friends[i]);
	}
	author_fini(&cy);
	author_fini(&eve);
	author_fini(&mute_one);
}

#define ON_A_SHELF(test) cmocka_unit_test_setup_teardown(test, shelf_set_up, shelf_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_A_SHELF(a_mute_hides_what_is_here_and_what_comes_and_ends),
		ON_A_SHELF(a_mute_leaves_no_trace_in_our_feed),
		cmocka_unit_test(a_muted_bulk_stays_hidden_and_comes_back_whole),
		ON_A_SHELF(a_block_and_a_mute_end_apart),
		ON_A_SHELF(a_mute_outlives_the_process),
		ON_A_SHELF(at_most_10000_are_muted),
		ON_A_SHELF(nobody_mutes_themselves),
		ON_A_SHELF(a_name_that_is_given_is_one_clean_line),
		ON_A_SHELF(a_name_that_is_given_has_at_most_128_bytes),
		ON_A_SHELF(at_most_10000_names_are_given),
		ON_A_SHELF(lists_go_by_the_owners_names),
		ON_A_SHELF(a_person_is_here_since_their_first_message),
		ON_A_SHELF(friends_of_friends_come_with_through_whom),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
