/* store/blob_links: which messages name which blobs. Whoever is muted or blocked names none, and
 * what a repair makes again is what was there. */
#include "lib/cmocka.h"
#include "lib/shelf.h"

#include "store/audit.h"
#include "store/inside.h"
#include "store/repair.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PEOPLE = 4, SAID = 3 };

struct crowd {
	struct author people[PEOPLE]; /* the second is muted, the third blocked, before or after */
};

/* Each says three things about two blobs, one of which all of them name. */
static void say(struct shelf *shelf, struct crowd *crowd)
{
	static const char shapes[SAID][96] = {"{\"type\":\"post\",\"text\":\"![](%s)\"}",
		"{\"type\":\"post\",\"text\":\"x\",\"mentions\":[{\"link\":\"%s\"}]}",
		"{\"type\":\"thing\",\"image\":{\"link\":\"%s\"}}"};
	char content[256];
	char text[BLOB_ID_TEXT_BYTES];
	for (uint8_t i = 0; i < PEOPLE; i++) {
		for (uint8_t j = 0; j < SAID; j++) {
			const struct blob_id id = {{j == 0 ? 255 : i}};
			blob_id_format(&id, text);
			(void)snprintf(content, sizeof(content), shapes[j], text);
			assert_int_equal(
				shelf_append(shelf, author_say(&crowd->people[i], "%s", content)),
				APPEND_STORED);
		}
	}
}

static void hide(struct shelf *shelf, struct crowd *crowd, bool is_on)
{
	const struct change mute = {
		.kind = CHANGE_MUTE, .feed = crowd->people[1].id, .number = is_on};
	assert_int_equal(writer_change_wait(shelf->writer, &mute), ERR_OK);
	(void)shelf_contact(shelf, &crowd->people[2].id, is_on ? EDGE_BLOCK : EDGE_NEITHER);
	shelf_settle(shelf);
}

static void begin(struct shelf *shelf, struct crowd *crowd)
{
	shelf_close(shelf);
	shelf->is_stepped = true;
	shelf_open(shelf);
	for (unsigned i = 0; i < PEOPLE; i++) {
		author_init(&crowd->people[i], i + 1);
	}
}

static void end(struct crowd *crowd)
{
	for (unsigned i = 0; i < PEOPLE; i++) {
		author_fini(&crowd->people[i]);
	}
}

/* Rows of the people, the lowest number first, as one text. */
static void expect(struct shelf *shelf, const char *wanted)
{
	char *said =
		shelf_dump(shelf, "SELECT f.feed - (SELECT min(feed) FROM feeds WHERE feed > 1), "
				  "count(l.blob) FROM feeds f LEFT JOIN blob_links l ON l.feed = "
				  "f.feed WHERE f.feed > 1 GROUP BY f.feed ORDER BY f.feed");
	assert_string_equal(said, wanted);
	free(said);
}

static void say_fault(void *ctx, const struct audit_fault *fault)
{
	(void)ctx;
	print_message("%s\n", fault->sentence);
}

static void assert_sound(struct shelf *shelf)
{
	struct audit audit = {.on_fault = say_fault};
	assert_int_equal(audit_run(shelf->store, NULL, &audit), ERR_OK);
	assert_int_equal(audit.faults, 0);
}

static void who_is_not_shown_names_nothing_and_does_again(void **state)
{
	struct shelf *shelf = *state;
	struct crowd crowd;
	begin(shelf, &crowd);
	say(shelf, &crowd);
	expect(shelf, "0|3|1|3|2|3|3|3|");
	assert_sound(shelf);
	hide(shelf, &crowd, true);
	expect(shelf, "0|3|1|0|2|0|3|3|");
	assert_sound(shelf);
	hide(shelf, &crowd, false);
	expect(shelf, "0|3|1|3|2|3|3|3|");
	assert_sound(shelf);
	end(&crowd);
}

static void what_comes_from_who_is_muted_names_nothing(void **state)
{
	struct shelf *shelf = *state;
	struct crowd crowd;
	begin(shelf, &crowd);
	for (unsigned i = 0; i < PEOPLE; i++) {
		assert_int_equal(
			shelf_append(shelf, author_post(&crowd.people[i], "first")), APPEND_STORED);
	}
	const struct change mute = {.kind = CHANGE_MUTE, .feed = crowd.people[1].id, .number = 1};
	assert_int_equal(writer_change_wait(shelf->writer, &mute), ERR_OK);
	shelf_settle(shelf);
	say(shelf, &crowd);
	expect(shelf, "0|3|1|0|2|3|3|3|");
	assert_sound(shelf);
	end(&crowd);
}

/* Some are missing, some are too many, some are of who is hidden. */
static void a_repair_makes_them_again_and_not_of_who_is_hidden(void **state)
{
	static const char *const harms[] = {"DELETE FROM blob_links",
		"DELETE FROM blob_links WHERE feed = (SELECT max(feed) FROM feeds)",
		"INSERT INTO blob_links (blob, message, feed) SELECT 77, max(message), max(feed) "
		"FROM "
		"messages",
		"INSERT INTO blob_links (blob, message, feed) SELECT 78, m.message, m.feed FROM "
		"messages m JOIN mutes u ON u.feed = m.feed WHERE m.sequence = 1",
		"UPDATE blob_links SET blob = blob + 1"};
	struct shelf *shelf = *state;
	struct crowd crowd;
	begin(shelf, &crowd);
	say(shelf, &crowd);
	hide(shelf, &crowd, true);
	for (size_t i = 0; i < sizeof(harms) / sizeof(harms[0]); i++) {
		struct repair repair = {.on_fault = NULL};
		sqlite3 *db = db_handle(shelf->store->writer);
		assert_int_equal(sqlite3_exec(db, harms[i], NULL, NULL, NULL), SQLITE_OK);
		assert_true(sqlite3_changes(db) > 0);
		shelf_close(shelf);
		shelf_open_store(shelf);
		assert_int_equal(repair_run(shelf->store, NULL, &repair), ERR_OK);
		shelf_close_store(shelf);
		shelf_open(shelf);
		assert_true(repair.kinds[AUDIT_VIEW] > 0);
		assert_int_equal(repair.left[AUDIT_VIEW], 0);
		expect(shelf, "0|3|1|0|2|0|3|3|");
		assert_sound(shelf);
	}
	hide(shelf, &crowd, false);
	expect(shelf, "0|3|1|3|2|3|3|3|");
	end(&crowd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(who_is_not_shown_names_nothing_and_does_again,
			shelf_set_up, shelf_tear_down),
		cmocka_unit_test_setup_teardown(
			what_comes_from_who_is_muted_names_nothing, shelf_set_up, shelf_tear_down),
		cmocka_unit_test_setup_teardown(a_repair_makes_them_again_and_not_of_who_is_hidden,
			shelf_set_up, shelf_tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
