/* store/audit: each kind of damage is found and said in a sentence. */
#include "lib/cmocka.h"
#include "lib/shelf.h"

#include "store/audit.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct heard {
	uint64_t count;
	char last[512];
};

static void on_fault(void *ctx, const char *sentence)
{
	struct heard *heard = ctx;
	heard->count++;
	(void)snprintf(heard->last, sizeof(heard->last), "%s", sentence);
}

static struct audit audit_of(struct shelf *shelf, struct heard *heard)
{
	*heard = (struct heard){0};
	struct audit audit = {.on_fault = on_fault, .ctx = heard};
	assert_int_equal(audit_run(shelf->store, NULL, &audit), ERR_OK);
	assert_int_equal(audit.faults, heard->count);
	return audit;
}

static void fill(struct shelf *shelf)
{
	struct author ben;
	author_init(&ben, 1);
	(void)shelf_publish(shelf, "{\"type\":\"post\",\"text\":\"x\"}");
	for (int i = 0; i < 600; i++) {
		struct message *message =
			i % 3 == 0 ? author_name(&ben, "b") : author_post(&ben, "hello");
		assert_int_equal(shelf_append(shelf, message), APPEND_STORED);
	}
	author_fini(&ben);
}

static void a_sound_store_has_no_faults(void **state)
{
	(void)state;
	struct shelf shelf;
	struct heard heard;
	shelf_init(&shelf);
	fill(&shelf);
	struct audit audit = audit_of(&shelf, &heard);
	assert_int_equal(audit.faults, 0);
	assert_int_equal(audit.feeds, 2);
	assert_int_equal(audit.messages, 601);
	shelf_fini(&shelf);
}

static void every_kind_of_damage_is_a_sentence(void **state)
{
	(void)state;
	static const struct {
		const char *sql, *said;
	} damages[] = {
		{"UPDATE messages SET body = CAST(replace(CAST(body AS TEXT), 'hello', 'hullo') AS "
		 "BLOB) WHERE feed = 2 AND sequence = 300",
			"Message 300 of "},
		{"UPDATE messages SET key_head = key_head + 1 WHERE feed = 2 AND sequence = 300",
			"under a key that is not its own"},
		{"UPDATE messages SET body = CAST(CAST(body AS TEXT) || ' ' AS BLOB) WHERE feed = "
		 "2 AND sequence = 300",
			"canonical"},
		{"DELETE FROM messages WHERE feed = 2 AND sequence = 300", "Message 301 of "},
		{"DELETE FROM messages WHERE feed = 2 AND sequence = 600",
			"the last one held is number 599"},
		{"UPDATE feeds SET head = zeroblob(32) WHERE feed = 2", "is said to be number 600"},
		{"DELETE FROM posts WHERE feed = 1", "missing from the list of posts"},
		{"UPDATE posts SET at = at + 1 WHERE feed = 1", "tells message 1 of "},
		{"UPDATE posts SET home = 0 WHERE feed = 1", "tells message 1 of "},
	};
	for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
		struct shelf shelf;
		struct heard heard;
		char path[128];
		sqlite3 *db = NULL;
		shelf_init(&shelf);
		fill(&shelf);
		(void)snprintf(path, sizeof(path), "%s/kith.db", shelf.dir);
		assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
		assert_int_equal(sqlite3_exec(db, damages[i].sql, NULL, NULL, NULL), SQLITE_OK);
		assert_int_equal(sqlite3_changes(db), 1);
		assert_int_equal(sqlite3_close(db), SQLITE_OK);
		struct audit audit = audit_of(&shelf, &heard);
		assert_true(audit.faults > 0);
		if (strstr(heard.last, damages[i].said) == NULL) {
			fail_msg("%s: said \"%s\"", damages[i].sql, heard.last);
		}
		shelf_fini(&shelf);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_sound_store_has_no_faults),
		cmocka_unit_test(every_kind_of_damage_is_a_sentence),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
