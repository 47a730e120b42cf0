/* store/behind: what a bulk leaves for later is made later, and is then what it would have been. */
#include "lib/cmocka.h"
#include "lib/shelf.h"

#include "store/audit.h"
#include "store/inside.h"
#include "store/repair.h"
#include "store/search.h"
#include "store/timeline.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BULK = 200 };

/* A stepped shelf for which `begins` messages are a bulk; 0: nothing ever is. */
static void shelf_of(struct shelf *shelf, size_t begins)
{
	shelf_init(shelf);
	shelf_close(shelf);
	shelf->is_stepped = true;
	shelf->bulk_begins = begins == 0 ? SIZE_MAX : begins;
	shelf_open(shelf);
}

static int64_t ask(struct shelf *shelf, const char *sql)
{
	sqlite3_stmt *stmt = NULL;
	assert_int_equal(sqlite3_prepare_v2(db_handle(shelf->store->writer), sql, -1, &stmt, NULL),
		SQLITE_OK);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	int64_t number = sqlite3_column_int64(stmt, 0);
	(void)sqlite3_finalize(stmt);
	return number;
}

static uint64_t waiting(struct shelf *shelf)
{
	uint64_t count = 0;
	assert_int_equal(search_behind(shelf->reader, &count), ERR_OK);
	return count;
}

static size_t posts_of(struct shelf *shelf, enum timeline_kind kind)
{
	struct posts posts;
	const struct timeline_query query = {.kind = kind, .limit = 100};
	assert_int_equal(timeline_page(shelf->reader, &query, &posts), ERR_OK);
	size_t count = posts.count;
	posts_free(&posts);
	return count;
}

static void assert_sound(struct shelf *shelf)
{
	struct audit audit = {.on_fault = NULL};
	assert_int_equal(audit_run(shelf->store, NULL, &audit), ERR_OK);
	assert_int_equal(audit.faults, 0);
}

/* The whole of what is derived, as one text. */
static void dump(struct shelf *shelf, struct buf *out)
{
	static const char *const queries[] = {
		"SELECT 'p', message, feed, at, home, root, fork FROM posts ORDER BY message",
		"SELECT 'v', link, feed, message, 0, 0, 0 FROM votes ORDER BY link, feed",
		"SELECT 'k', key_head, message, 0, 0, 0, 0 FROM keys ORDER BY key_head, message",
		"SELECT 'a', at, message, kind, feed, link, 0 FROM activity ORDER BY at, message, "
		"kind",
		"SELECT 'f', name, n, 0, 0, 0, 0 FROM figures ORDER BY name",
		"SELECT 't', tag, at, message, 0, 0, 0 FROM tags ORDER BY tag, at, message",
		"SELECT 'c', tag, n, at, 0, 0, 0 FROM tag_counts ORDER BY tag",
		"SELECT 'l', text, 0, 0, 0, 0, 0 FROM words ORDER BY text",
		"SELECT 's', rowid, 0, 0, 0, 0, 0 FROM search WHERE words MATCH 'w OR hello' ORDER "
		"BY rowid",
	};
	for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
		sqlite3_stmt *stmt = NULL;
		assert_int_equal(sqlite3_prepare_v2(db_handle(shelf->store->writer), queries[i], -1,
					 &stmt, NULL),
			SQLITE_OK);
		while (sqlite3_step(stmt) == SQLITE_ROW) {
			for (int column = 0; column < 7; column++) {
				const char *text = (const char *)sqlite3_column_text(stmt, column);
				assert_int_equal(
					buf_printf(out, "%s ", text == NULL ? "-" : text), ERR_OK);
			}
			assert_int_equal(buf_append_text(out, "\n"), ERR_OK);
		}
		(void)sqlite3_finalize(stmt);
	}
}

/* What Ben says: posts, replies, likes given and taken back, again and again about the same few. */
static struct message *ben_says(struct author *ben, int i, const struct message_id *about)
{
	char text[64];
	struct message_id other = {{(uint8_t)(i % 3)}};
	(void)snprintf(text, sizeof(text), "w number%d", i);
	switch (i % 8) {
	case 0:
		return author_reply(ben, text, about, about);
	case 1:
	case 2:
		return author_like(ben, &other, 1);
	case 3:
		return author_like(ben, &other, i % 16 == 3 ? 0 : 1);
	case 4:
		return author_like(ben, about, i % 3 == 0 ? 1 : 0);
	case 5:
		return author_name(ben, "Ben");
	default:
		return author_post(ben, text);
	}
}

static void bulk(struct shelf *shelf, struct author *ben, const struct message_id *about, int from)
{
	struct message *messages[BULK];
	for (int i = 0; i < BULK; i++) {
		messages[i] = ben_says(ben, from + i, about);
	}
	assert_int_equal(shelf_append_all(shelf, messages, BULK, NULL), ERR_OK);
}

static void a_bulk_stores_first_and_makes_rows_behind(void **state)
{
	struct shelf shelf;
	struct author ben;
	struct author dee;
	struct chain_head head;
	struct message_id about = {{9}};
	(void)state;
	shelf_of(&shelf, BULK);
	author_init(&ben, 1);
	author_init(&dee, 4);
	bulk(&shelf, &ben, &about, 0);
	assert_int_equal(reader_head(shelf.reader, &ben.id, &head), ERR_OK);
	assert_int_equal(head.sequence, BULK);
	assert_int_equal(ask(&shelf, "SELECT count(*) FROM profiles"), 1);
	assert_int_equal(waiting(&shelf), BULK);
	assert_int_equal(ask(&shelf, "SELECT count(*) FROM posts"), 0);
	assert_int_equal(ask(&shelf, "SELECT count(*) FROM votes"), 0);
	assert_int_equal(ask(&shelf, "SELECT count(*) FROM keys"), 0);
	assert_int_equal(writer_behind(shelf.writer), WRITER_BEHIND_WORKS);
	assert_sound(&shelf);
	/* Ourselves, and what comes live, at once. */
	(void)shelf_publish(&shelf, "{\"type\":\"post\",\"text\":\"mine\"}");
	assert_int_equal(shelf_append(&shelf, author_post(&dee, "live")), APPEND_STORED);
	assert_int_equal(waiting(&shelf), BULK);
	assert_int_equal(posts_of(&shelf, TIMELINE_WIDE), 2);
	assert_int_equal(shelf_found(&shelf, "mine"), 1);
	assert_int_equal(shelf_found(&shelf, "live"), 1);
	assert_int_equal(ask(&shelf, "SELECT count(*) FROM keys"), 2);
	assert_sound(&shelf);
	shelf.late = 0;
	shelf_pass(&shelf, 1000);
	assert_int_equal(waiting(&shelf), 0);
	assert_int_equal(ask(&shelf, "SELECT count(*) FROM behind"), 0);
	assert_int_equal(writer_behind(shelf.writer), WRITER_BEHIND_DONE);
	assert_int_equal(ask(&shelf, "SELECT count(*) FROM keys"), BULK + 2);
	assert_int_equal(shelf_found(&shelf, "\"number6\""), 1);
	assert_int_equal(posts_of(&shelf, TIMELINE_WIDE), 77);
	assert_int_equal(shelf.late, 75 + 100); /* posts and votes: news for people now */
	assert_sound(&shelf);
	author_fini(&dee);
	author_fini(&ben);
	shelf_fini(&shelf);
}

/* What people see of this does not depend on when the rows were made. */
static void play(struct shelf *shelf, bool is_cut)
{
	struct author ben;
	struct message_id about;
	author_init(&ben, 1);
	shelf->wall_ms = 1800000000000;
	about = shelf_publish(shelf, "{\"type\":\"post\",\"text\":\"hello\"}").key;
	(void)shelf_contact(shelf, &ben.id, EDGE_FOLLOW);
	bulk(shelf, &ben, &about, 0);
	(void)shelf_contact(shelf, &ben.id, EDGE_BLOCK);
	(void)shelf_contact(shelf, &ben.id, EDGE_NEITHER);
	bulk(shelf, &ben, &about, BULK);
	(void)shelf_contact(shelf, &ben.id, EDGE_FOLLOW);
	if (is_cut) {
		shelf_close(shelf); /* the memory of keys is gone */
		shelf_open(shelf);
		shelf_pass(shelf, 0);
	}
	bulk(shelf, &ben, &about, 2 * BULK);
	/* Live, while older messages wait: like, withdraw. */
	assert_int_equal(shelf_append(shelf, author_like(&ben, &about, 1)), APPEND_STORED);
	shelf_pass(shelf, 1000);
	assert_int_equal(ask(shelf, "SELECT count(*) FROM behind"), 0);
	author_fini(&ben);
}

static void rows_made_behind_are_those_made_at_once(void **state)
{
	struct buf dumps[3] = {BUF_INIT(1 << 20), BUF_INIT(1 << 20), BUF_INIT(1 << 20)};
	(void)state;
	for (int i = 0; i < 3; i++) {
		struct shelf shelf;
		shelf_of(&shelf, i == 0 ? 0 : BULK);
		play(&shelf, i == 2);
		assert_sound(&shelf);
		dump(&shelf, &dumps[i]);
		assert_true(shelf_found(&shelf, "w") == 100);
		assert_int_equal(shelf_found(&shelf, "number407"), 1);
		shelf_fini(&shelf);
	}
	for (int i = 1; i < 3; i++) {
		assert_non_null(buf_cstr(&dumps[0]));
		assert_non_null(buf_cstr(&dumps[i]));
		assert_string_equal((const char *)dumps[i].at, (const char *)dumps[0].at);
	}
	for (int i = 0; i < 3; i++) {
		buf_fini(&dumps[i]);
	}
}

static void who_is_blocked_while_rows_wait_appears_nowhere(void **state)
{
	struct shelf shelf;
	struct author ben;
	struct message_id about = {{9}};
	(void)state;
	shelf_of(&shelf, BULK);
	author_init(&ben, 1);
	bulk(&shelf, &ben, &about, 0);
	(void)shelf_contact(&shelf, &ben.id, EDGE_BLOCK);
	shelf_pass(&shelf, 1000);
	assert_int_equal(posts_of(&shelf, TIMELINE_WIDE), 0);
	assert_int_equal(shelf_found(&shelf, "w"), 0);
	assert_int_equal(ask(&shelf, "SELECT count(*) FROM votes"), 0);
	assert_int_equal(ask(&shelf, "SELECT count(*) FROM keys"), BULK + 1);
	assert_sound(&shelf);
	author_fini(&ben);
	shelf_fini(&shelf);
}

/* What schema 004 leaves of an older database: profiles, and nothing that says where they are from.
 */
static void an_older_profile_is_found_again_in_its_messages(void **state)
{
	struct shelf shelf;
	struct author ben;
	struct author dee;
	struct message_id about = {{9}};
	(void)state;
	shelf_of(&shelf, BULK);
	author_init(&ben, 1);
	author_init(&dee, 4);
	bulk(&shelf, &ben, &about, 0);
	assert_int_equal(shelf_append(&shelf, author_name(&dee, "Dee")), APPEND_STORED);
	shelf_pass(&shelf, 1000);
	assert_int_equal(
		db_exec(shelf.store->writer,
			"DELETE FROM profiles_from; INSERT INTO behind (part, first, last) "
			"SELECT 1, 1, max(message) FROM messages"),
		ERR_OK);
	shelf_close(&shelf);
	shelf_open(&shelf);
	assert_int_equal(shelf_append(&shelf, author_name(&dee, "Dee again")), APPEND_STORED);
	shelf_pass(&shelf, 1000);
	assert_int_equal(ask(&shelf, "SELECT count(*) FROM behind"), 0);
	assert_int_equal(ask(&shelf, "SELECT count(*) FROM profiles_from WHERE bio = 0"), 2);
	assert_int_equal(ask(&shelf, "SELECT min(name) FROM profiles_from"), 2);
	assert_int_equal(ask(&shelf, "SELECT max(name) FROM profiles_from"), BULK - 2);
	assert_sound(&shelf);
	author_fini(&dee);
	author_fini(&ben);
	shelf_fini(&shelf);
}

static void ten_bulks(struct shelf *shelf, struct author *ben)
{
	struct message_id about = {{9}};
	shelf_of(shelf, BULK);
	author_init(ben, 1);
	for (int i = 0; i < 10; i++) {
		bulk(shelf, ben, &about, i * BULK);
	}
}

static void a_start_goes_on_where_the_last_one_was_killed(void **state)
{
	struct shelf shelf;
	struct author ben;
	(void)state;
	ten_bulks(&shelf, &ben);
	assert_int_equal(waiting(&shelf), 10 * BULK);
	assert_int_equal(ask(&shelf, "SELECT count(*) FROM behind"), 2);
	int closed = 0;
	while (waiting(&shelf) > 0) {
		shelf_close(&shelf);
		shelf_open(&shelf);
		for (int i = 0; i < 3; i++) { /* keys are read, keys are written, words */
			(void)writer_step(shelf.writer);
		}
		assert_sound(&shelf);
		closed++;
	}
	assert_in_range(closed, 3, 100);
	shelf_settle(&shelf);
	assert_int_equal(ask(&shelf, "SELECT count(*) FROM behind"), 0);
	assert_int_equal(ask(&shelf, "SELECT count(*) FROM posts"), 10 * 75);
	assert_int_equal(ask(&shelf, "SELECT count(*) FROM keys"), 10 * BULK);
	author_fini(&ben);
	shelf_fini(&shelf);
}

static void the_newest_messages_get_their_rows_first(void **state)
{
	struct shelf shelf;
	struct author ben;
	(void)state;
	ten_bulks(&shelf, &ben);
	shelf.added_ms += 1000;
	while (ask(&shelf, "SELECT count(*) FROM posts") == 0) {
		assert_true(writer_step(shelf.writer));
	}
	assert_int_equal(shelf_found(&shelf, "number1999"), 1);
	assert_int_equal(shelf_found(&shelf, "number6"), 0);
	assert_true(waiting(&shelf) > 1000);
	author_fini(&ben);
	shelf_fini(&shelf);
}

static void repair_makes_everything_that_waits(void **state)
{
	struct shelf shelf;
	struct author ben;
	struct message_id about = {{9}};
	struct repair repair = {.on_fault = NULL};
	(void)state;
	shelf_of(&shelf, BULK);
	author_init(&ben, 1);
	bulk(&shelf, &ben, &about, 0);
	shelf_pass(&shelf, 1000);
	bulk(&shelf, &ben, &about, BULK);
	shelf_close(&shelf);
	char path[128];
	sqlite3 *db = NULL;
	(void)snprintf(path, sizeof(path), "%s/kith.db", shelf.dir);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "DELETE FROM posts", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	char why[256] = "";
	const struct store_opts opts = {.dir = shelf.dir, .env = &shelf.env, .self = shelf.self.id};
	struct store *store = NULL;
	assert_int_equal(store_open(&opts, &store, why, sizeof(why)), ERR_OK);
	assert_int_equal(repair_run(store, NULL, &repair), ERR_OK);
	assert_true(repair.steps > 0);
	store_close(store);
	shelf_open(&shelf);
	assert_int_equal(ask(&shelf, "SELECT count(*) FROM behind"), 0);
	assert_int_equal(ask(&shelf, "SELECT count(*) FROM posts"), 150);
	assert_int_equal(shelf_found(&shelf, "\"number6\""), 1);
	assert_int_equal(shelf_found(&shelf, "number206"), 1);
	assert_sound(&shelf);
	author_fini(&ben);
	shelf_fini(&shelf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_bulk_stores_first_and_makes_rows_behind),
		cmocka_unit_test(rows_made_behind_are_those_made_at_once),
		cmocka_unit_test(who_is_blocked_while_rows_wait_appears_nowhere),
		cmocka_unit_test(an_older_profile_is_found_again_in_its_messages),
		cmocka_unit_test(a_start_goes_on_where_the_last_one_was_killed),
		cmocka_unit_test(the_newest_messages_get_their_rows_first),
		cmocka_unit_test(repair_makes_everything_that_waits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
