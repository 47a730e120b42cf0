/* store/repair: what can be mended is, our own feed is never touched, and neither a second run nor
 * a kill in the middle does any harm. */
#include "lib/cmocka.h"
#include "lib/death.h"
#include "lib/shelf.h"

#include "store/fence.h"
#include "store/inside.h"
#include "store/layer.h"
#include "store/repair.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MESSAGES = 300 };

/* A feed 1 of our own that follows 2 and blocks 4; 2 speaks of 3, of whom nothing is held. */
static void fill(struct shelf *shelf)
{
	struct author ben;
	struct author cleo;
	struct author dora;
	author_init(&ben, 1);
	author_init(&cleo, 2);
	author_init(&dora, 3);
	struct publish_result mine = shelf_publish(shelf, "{\"type\":\"post\",\"text\":\"mine\"}");
	(void)shelf_contact(shelf, &ben.id, EDGE_FOLLOW);
	struct message *messages[MESSAGES];
	for (int i = 0; i < MESSAGES; i++) {
		messages[i] = i == 50      ? author_contact(&ben, &shelf->self.id, EDGE_BLOCK)
			      : i == 60    ? author_contact(&ben, &shelf->self.id, EDGE_FOLLOW)
			      : i == 70    ? author_contact(&ben, &cleo.id, EDGE_BLOCK)
			      : i == 80    ? author_like(&ben, &mine.key, 1)
			      : i % 3 == 0 ? author_name(&ben, "Ben")
					   : author_post(&ben, "hello");
	}
	assert_int_equal(shelf_append_all(shelf, messages, MESSAGES, NULL), ERR_OK);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(shelf_append(shelf, author_post(&dora, "bad")), APPEND_STORED);
		assert_int_equal(
			shelf_append(shelf, author_like(&dora, &mine.key, 1)), APPEND_STORED);
	}
	(void)shelf_contact(shelf, &dora.id, EDGE_BLOCK);
	(void)shelf_publish(shelf, "{\"type\":\"post\",\"text\":\"last\"}");
	author_fini(&dora);
	author_fini(&cleo);
	author_fini(&ben);
}

static void path_in(const struct shelf *shelf, const char *name, char out[static 128])
{
	(void)snprintf(out, 128, "%s/%s", shelf->dir, name);
}

static void exec(const struct shelf *shelf, const char *sql)
{
	char path[128];
	sqlite3 *db = NULL;
	path_in(shelf, "kith.db", path);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK) {
		fail_msg("%s: %s", sql, sqlite3_errmsg(db));
	}
	assert_true(sqlite3_changes(db) > 0);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static const char own_feed[] =
	"SELECT message, sequence, key_head, hex(key_tail), received, hex(body) "
	"FROM messages WHERE feed = 1 ORDER BY message";
static const char all_views[] =
	"SELECT 'p', p.message, p.feed, p.at, p.home, p.root, p.fork FROM posts p UNION ALL SELECT "
	"'v', link, feed, message, 0, 0, 0 FROM votes UNION ALL SELECT 'c', feed, about, edge, 0, "
	"0, 0 "
	"FROM "
	"contacts UNION ALL SELECT 'n', feed, name, bio, image, 0, 0 FROM profiles UNION ALL "
	"SELECT "
	"'f', name, n, 0, 0, 0, 0 FROM figures UNION ALL SELECT 'h', feed, sequence, hex(head), "
	"timestamp, at, edges FROM feeds ORDER BY 1, 2, 3";

static struct repair run_repair(struct shelf *shelf)
{
	struct repair repair = {.steps = 0};
	shelf_open_store(shelf);
	assert_int_equal(repair_run(shelf->store, NULL, &repair), ERR_OK);
	shelf_close_store(shelf);
	return repair;
}

static uint64_t sum(const uint64_t kinds[static AUDIT_KINDS])
{
	uint64_t all = 0;
	for (int i = 0; i < AUDIT_KINDS; i++) {
		all += kinds[i];
	}
	return all;
}

/* What is no message of ours: after one run nothing is wrong, and a second one does nothing. */
static const char *const mendable[] = {
	"UPDATE messages SET body = CAST(replace(CAST(body AS TEXT), 'hello', 'hullo') AS BLOB) "
	"WHERE "
	"feed = 2 AND sequence = 200",
	"UPDATE messages SET key_head = key_head + 1 WHERE feed = 2 AND sequence = 200",
	"DELETE FROM messages WHERE feed = 2 AND sequence = 200",
	"DELETE FROM messages WHERE feed = 2 AND sequence IN (40, 90, 300)",
	"DELETE FROM messages WHERE feed = 2 AND sequence = 1",
	"DELETE FROM messages WHERE feed = 2 AND sequence = 300",
	"DELETE FROM messages WHERE feed = 2",
	"UPDATE feeds SET head = zeroblob(32) WHERE feed = 2",
	"UPDATE feeds SET sequence = 250 WHERE feed = 2",
	"UPDATE feeds SET sequence = 0 WHERE feed = 2",
	"UPDATE feeds SET id = randomblob(32) WHERE feed = 2",
	"UPDATE feeds SET timestamp = 5, at = 5",
	"UPDATE messages SET feed = 99 WHERE feed = 2 AND sequence = 300",
	"UPDATE messages SET sequence = -1 WHERE feed = 2 AND sequence = 300",
	"INSERT INTO messages (feed, sequence, key_head, key_tail, received, body) SELECT 3, 1, "
	"key_head, key_tail, received, body FROM messages WHERE feed = 2 AND sequence = 300",
	"DELETE FROM posts",
	"DELETE FROM votes",
	"INSERT INTO votes (link, feed, message) VALUES (5, 2, 1), (6, 4, 1)",
	"DELETE FROM contacts",
	"UPDATE contacts SET edge = 1",
	"DELETE FROM profiles",
	"UPDATE figures SET n = 0",
	"DELETE FROM words",
	"INSERT INTO search (search) VALUES ('delete-all')",
	"INSERT INTO search (rowid, words) VALUES (7, char(57344) || '2')",
	"INSERT INTO tags (tag, at, message) VALUES ('no', 1, 1)",
	"INSERT INTO tag_counts (tag, n, at) VALUES ('no', 1, 1)",
	"INSERT INTO holders (peer, sequence, at) VALUES (77, 1, 1)",
	"INSERT INTO clocks (peer, feed, note) VALUES (77, 2, 1)",
	"INSERT INTO nonces (nonce, sequence) VALUES (x'61', 9)",
	"INSERT INTO forks (feed, at, proof) VALUES (2, 1, x'61')",
	"INSERT INTO forks (feed, at, proof) VALUES (77, 1, x'61')",
};

static void what_is_not_ours_is_mended_and_a_second_run_does_nothing(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(mendable) / sizeof(mendable[0]); i++) {
		struct shelf shelf;
		shelf_init(&shelf);
		fill(&shelf);
		shelf_close(&shelf);
		char *own = shelf_dump(&shelf, own_feed);
		exec(&shelf, mendable[i]);
		struct repair first = run_repair(&shelf);
		if (sum(first.kinds) == 0 || first.steps == 0 || sum(first.left) != 0) {
			fail_msg("%s: %llu faults, %llu steps, %llu left", mendable[i],
				(unsigned long long)sum(first.kinds),
				(unsigned long long)first.steps,
				(unsigned long long)sum(first.left));
		}
		char *views = shelf_dump(&shelf, all_views);
		struct repair second = run_repair(&shelf);
		assert_int_equal(second.steps, 0);
		assert_int_equal(sum(second.kinds), 0);
		char *own_after = shelf_dump(&shelf, own_feed);
		char *views_after = shelf_dump(&shelf, all_views);
		assert_string_equal(own, own_after);
		assert_string_equal(views, views_after);
		/* Every step is in the log, and the node starts and publishes as before. */
		char count[32];
		(void)snprintf(count, sizeof(count), "%llu|", (unsigned long long)first.steps);
		char *logged = shelf_dump(&shelf,
			"SELECT count(*) FROM safety_log WHERE event = 'repair' AND text <> ''");
		assert_string_equal(logged, count);
		shelf_open(&shelf);
		assert_int_equal(
			shelf_publish(&shelf, "{\"type\":\"post\",\"text\":\"on\"}").sequence, 5);
		free(logged);
		free(own);
		free(own_after);
		free(views);
		free(views_after);
		shelf_fini(&shelf);
	}
}

static void views_come_back_exactly_as_they_were(void **state)
{
	(void)state;
	struct shelf shelf;
	shelf_init(&shelf);
	fill(&shelf);
	shelf_close(&shelf);
	char *views = shelf_dump(&shelf, all_views);
	exec(&shelf, "DELETE FROM posts; DELETE FROM votes; DELETE FROM contacts; DELETE FROM "
		     "profiles; UPDATE feeds SET edges = 7; UPDATE figures SET n = n + 3");
	struct repair repair = run_repair(&shelf);
	assert_int_equal(repair.steps, 1);
	char *after = shelf_dump(&shelf, all_views);
	assert_string_equal(views, after);
	free(views);
	free(after);
	shelf_fini(&shelf);
}

/* What the book says of a block that a private word ended, in a node that runs. */
static void lift(struct shelf *shelf, unsigned who)
{
	const struct change again = {.kind = CHANGE_EDGES, .feed = shelf->self.id};
	struct layer_edge edge = {.edge = EDGE_FOLLOW};
	struct author of;
	bool is_changed = false;
	author_init(&of, who);
	edge.of = of.id;
	assert_int_equal(layer_set(shelf->store, &edge, 1, &is_changed), ERR_OK);
	assert_int_equal(writer_change_wait(shelf->writer, &again), ERR_OK);
	author_fini(&of);
}

static const char lifted_rows[] = "SELECT f.id, (SELECT count(*) FROM posts p WHERE p.feed = "
				  "l.feed) FROM lifted l JOIN feeds f ON f.feed = l.feed";

/* A stopped node knows of no private word: what it ended stays ended. */
static void a_lifted_block_outlives_every_repair(void **state)
{
	(void)state;
	static const char *const damage[] = {"DELETE FROM posts", "DELETE FROM contacts",
		"UPDATE figures SET n = 0", "DELETE FROM votes",
		"UPDATE messages SET key_head = key_head + 1 WHERE feed = 2 AND sequence = 200",
		"INSERT INTO lifted (feed) VALUES (2)", "INSERT INTO lifted (feed) VALUES (77)"};
	for (size_t i = 0; i < sizeof(damage) / sizeof(damage[0]); i++) {
		struct shelf shelf;
		shelf_init(&shelf);
		fill(&shelf);
		lift(&shelf, 3);
		shelf_close(&shelf);
		char *before = shelf_dump(&shelf, lifted_rows);
		assert_non_null(strstr(before, "|5|"));
		char *views = shelf_dump(&shelf, all_views);
		struct repair sound = run_repair(&shelf);
		assert_int_equal(sound.steps, 0);
		assert_int_equal(sum(sound.kinds), 0);
		exec(&shelf, damage[i]);
		struct repair first = run_repair(&shelf);
		assert_true(sum(first.kinds) > 0);
		assert_int_equal(sum(first.left), 0);
		char *after = shelf_dump(&shelf, lifted_rows);
		assert_string_equal(before, after);
		if (strstr(damage[i], "messages") == NULL) {
			char *views_after = shelf_dump(&shelf, all_views);
			assert_string_equal(views, views_after);
			free(views_after);
		}
		assert_int_equal(run_repair(&shelf).steps, 0);
		free(views);
		free(before);
		free(after);
		shelf_fini(&shelf);
	}
}

static void a_cut_keeps_what_is_good(void **state)
{
	(void)state;
	struct shelf shelf;
	shelf_init(&shelf);
	fill(&shelf);
	shelf_close(&shelf);
	exec(&shelf, "UPDATE messages SET body = zeroblob(5) WHERE feed = 2 AND sequence = 200");
	struct repair repair = run_repair(&shelf);
	assert_int_equal(repair.kinds[AUDIT_OWN], 0);
	assert_true(repair.kinds[AUDIT_FEED] > 0);
	char *kept = shelf_dump(&shelf,
		"SELECT feed, count(*), max(sequence), (SELECT sequence FROM feeds f "
		"WHERE f.feed = m.feed) FROM messages m GROUP BY feed");
	assert_string_equal(kept, "1|4|4|4|2|199|199|199|4|10|10|10|");
	free(kept);
	shelf_fini(&shelf);
}

static enum fence_state fence_state_of(const struct shelf *shelf)
{
	char path[128];
	struct fence *fence = NULL;
	path_in(shelf, "fence", path);
	assert_int_equal(fence_open(path, &fence), ERR_OK);
	enum fence_state state = fence_facts(fence)->state;
	fence_close(fence);
	return state;
}

static void our_own_feed_is_never_written_and_publishing_pauses(void **state)
{
	(void)state;
	static const char *const damages[] = {
		"UPDATE messages SET body = zeroblob(5) WHERE feed = 1 AND sequence = 1",
		"UPDATE messages SET body = zeroblob(5) WHERE feed = 1 AND sequence = 4",
		"UPDATE messages SET key_tail = randomblob(24) WHERE feed = 1 AND sequence = 2",
		"DELETE FROM messages WHERE feed = 1 AND sequence = 2",
		"UPDATE feeds SET sequence = 3 WHERE feed = 1",
		"UPDATE feeds SET sequence = 9 WHERE feed = 1",
		"UPDATE feeds SET head = zeroblob(32) WHERE feed = 1",
	};
	for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
		struct shelf shelf;
		shelf_init(&shelf);
		fill(&shelf);
		shelf_close(&shelf);
		exec(&shelf, damages[i]);
		exec(&shelf, "DELETE FROM profiles"); /* so that there is something to mend too */
		char *own = shelf_dump(&shelf, own_feed);
		char *head =
			shelf_dump(&shelf, "SELECT sequence, hex(head) FROM feeds WHERE feed = 1");
		char *edges = shelf_dump(&shelf, "SELECT about, edge FROM contacts WHERE feed = 1");
		assert_int_equal(fence_state_of(&shelf), FENCE_CLEAN);
		struct repair first = run_repair(&shelf);
		assert_true(first.left[AUDIT_OWN] > 0);
		assert_int_equal(first.left[AUDIT_VIEW], 0);
		assert_int_equal(fence_state_of(&shelf), FENCE_SUSPECT);
		struct repair second = run_repair(&shelf);
		assert_int_equal(second.steps, 0);
		assert_true(second.left[AUDIT_OWN] > 0);
		char *own_after = shelf_dump(&shelf, own_feed);
		char *head_after =
			shelf_dump(&shelf, "SELECT sequence, hex(head) FROM feeds WHERE feed = 1");
		char *edges_after =
			shelf_dump(&shelf, "SELECT about, edge FROM contacts WHERE feed = 1");
		assert_string_equal(own, own_after);
		assert_string_equal(head, head_after);
		/* Whom we block stays blocked, whatever can be read. */
		assert_string_equal(edges, edges_after);
		/* The next start says why nothing is published, and signs nothing. */
		struct guard_report report;
		shelf_open(&shelf);
		writer_guard(shelf.writer, &report);
		assert_int_equal(report.state, FENCE_SUSPECT);
		assert_true(report.cause == GUARD_DAMAGE || report.cause == GUARD_BEHIND);
		free(own);
		free(own_after);
		free(head);
		free(head_after);
		free(edges);
		free(edges_after);
		shelf_fini(&shelf);
	}
}

/* Deaths. */

/* Repair in a process of its own that dies at a statement; true when it got through alive. */
static bool repair_and_die(struct shelf *shelf, int at)
{
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct repair repair = {.steps = 0};
		char why[256];
		const struct store_opts opts = {
			.dir = shelf->dir, .env = &shelf->env, .self = shelf->self.id};
		if (store_open(&opts, &shelf->store, why, sizeof(why)) != ERR_OK) {
			_exit(1);
		}
		death_at(db_handle(shelf->store->writer), SQLITE_TRACE_STMT, at);
		enum err err = repair_run(shelf->store, NULL, &repair);
		_exit(err == ERR_OK && sum(repair.left) == 0 ? 0 : 1);
	}
	return death_missed(pid);
}

static void a_kill_in_the_middle_loses_nothing(void **state)
{
	(void)state;
	bool is_through = false;
	int rounds = 0;
	for (int at = 1; !is_through; at += 1 + at / 8) {
		struct shelf shelf;
		shelf_init(&shelf);
		fill(&shelf);
		shelf_close(&shelf);
		char *own = shelf_dump(&shelf, own_feed);
		exec(&shelf, "UPDATE messages SET body = zeroblob(5) WHERE feed = 2 AND sequence = "
			     "200");
		exec(&shelf, "INSERT INTO clocks (peer, feed, note) VALUES (77, 2, 1)");
		is_through = repair_and_die(&shelf, at);
		rounds++;
		struct repair repair = run_repair(&shelf);
		assert_int_equal(sum(repair.left), 0);
		char *own_after = shelf_dump(&shelf, own_feed);
		char *kept =
			shelf_dump(&shelf, "SELECT count(*) FROM messages WHERE feed IN (2, 4)");
		assert_string_equal(own, own_after);
		assert_string_equal(kept, "209|");
		free(kept);
		free(own);
		free(own_after);
		shelf_fini(&shelf);
	}
	assert_true(rounds > 10); /* it did die at many places */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_not_ours_is_mended_and_a_second_run_does_nothing),
		cmocka_unit_test(views_come_back_exactly_as_they_were),
		cmocka_unit_test(a_lifted_block_outlives_every_repair),
		cmocka_unit_test(a_cut_keeps_what_is_good),
		cmocka_unit_test(our_own_feed_is_never_written_and_publishing_pauses),
		cmocka_unit_test(a_kill_in_the_middle_loses_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
