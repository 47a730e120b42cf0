/* After `kith check --repair` has cut a feed back, its messages come again from whoever holds them.
 */
#include "lib/cmocka.h"
#include "lib/nodes.h"

#include "store/repair.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

enum { NODES = 3, POSTS = 200 };

static int set_up(void **state)
{
	struct node *nodes = calloc(NODES, sizeof(*nodes));
	for (unsigned i = 0; i < NODES; i++) {
		node_init(&nodes[i], i);
	}
	*state = nodes;
	return 0;
}

static int tear_down(void **state)
{
	struct node *nodes = *state;
	for (unsigned i = 0; i < NODES; i++) {
		node_fini(&nodes[i]);
	}
	free(nodes);
	return 0;
}

/* Of a stopped node. */
static void damage(const struct node *node, const char *sql)
{
	char path[128];
	sqlite3 *db = NULL;
	(void)snprintf(path, sizeof(path), "%s/kith.db", node->dir);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK) {
		fail_msg("%s: %s", sql, sqlite3_errmsg(db));
	}
	assert_true(sqlite3_changes(db) > 0);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void mend(const struct node *node)
{
	struct store *store = NULL;
	struct repair repair = {.steps = 0};
	char why[256];
	const struct store_opts opts = {
		.dir = node->dir, .env = env_system(), .self = node->self.id};
	assert_int_equal(store_open(&opts, &store, why, sizeof(why)), ERR_OK);
	assert_int_equal(repair_run(store, NULL, &repair), ERR_OK);
	assert_true(repair.steps > 0);
	for (int i = 0; i < AUDIT_KINDS; i++) {
		assert_int_equal(repair.left[i], 0);
	}
	store_close(store);
}

static void expect_whole(struct node *node)
{
	struct audit audit = {.on_fault = NULL};
	assert_int_equal(audit_run(node->store, NULL, &audit), ERR_OK);
	assert_int_equal(audit.faults, 0);
}

/* Ben holds Ana's feed, and Cleo does. */
static void befriend(struct node *nodes)
{
	struct node *ana = nodes;
	for (int i = 0; i < POSTS; i++) {
		(void)node_publish(ana, "{\"type\":\"post\",\"text\":\"%d\"}", i);
	}
	for (int i = 1; i < NODES; i++) {
		node_contact(&nodes[i], &ana->self.id, EDGE_FOLLOW);
		for (int j = 1; j < NODES; j++) {
			if (j != i) {
				node_contact(&nodes[i], &nodes[j].self.id, EDGE_FOLLOW);
			}
		}
		node_contact(ana, &nodes[i].self.id, EDGE_FOLLOW);
	}
}

/* A query about Ana's feed in another one's database, where it is not number 1. */
static void damage_anas(const struct node *node, const struct node *ana, const char *format)
{
	char sql[512];
	char feed[128];
	char hex[2 * ID_BYTES + 1];
	for (size_t i = 0; i < ID_BYTES; i++) {
		(void)snprintf(hex + 2 * i, 3, "%02x", ana->self.id.at[i]);
	}
	(void)snprintf(feed, sizeof(feed), "(SELECT feed FROM feeds WHERE id = x'%s')", hex);
	(void)snprintf(sql, sizeof(sql), format, feed);
	damage(node, sql);
}

static const char *const damages[] = {
	"UPDATE messages SET body = zeroblob(9) WHERE sequence = 100 AND feed = %s",
	"DELETE FROM messages WHERE sequence = 1 AND feed = %s",
	"DELETE FROM messages WHERE feed = %s",
	"UPDATE messages SET key_tail = zeroblob(24) WHERE sequence > 199 AND feed = %s",
};

static void what_was_cut_off_comes_again_from_its_author(void **state)
{
	struct node *ana = *state;
	struct node *ben = ana + 1;
	befriend(ana);
	node_connect(ben, ana);
	node_wait(ben, &ana->self.id, POSTS + 2);
	for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
		node_stop(ben);
		damage_anas(ben, ana, damages[i]);
		mend(ben);
		node_start(ben);
		assert_true(node_head(ben, &ana->self.id) < POSTS + 2);
		if (!node_is_connected(ben, &ana->self.id)) {
			node_connect(ben, ana);
		}
		node_wait(ben, &ana->self.id, POSTS + 2);
		nodes_agree(ana, ben, &ana->self.id);
		expect_whole(ben);
	}
}

static void what_was_cut_off_comes_again_from_a_friend_of_the_author(void **state)
{
	struct node *ana = *state;
	struct node *ben = ana + 1;
	struct node *cleo = ana + 2;
	befriend(ana);
	node_connect(ben, ana);
	node_connect(cleo, ana);
	node_wait(ben, &ana->self.id, POSTS + 2);
	node_wait(cleo, &ana->self.id, POSTS + 2);
	node_stop(ana);
	node_stop(ben);
	damage_anas(ben, ana, damages[0]);
	mend(ben);
	node_start(ben);
	if (!node_is_connected(ben, &cleo->self.id)) {
		node_connect(ben, cleo);
	}
	node_wait(ben, &ana->self.id, POSTS + 2);
	nodes_agree(cleo, ben, &ana->self.id);
	expect_whole(ben);
	node_start(ana); /* for the end of the test */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			what_was_cut_off_comes_again_from_its_author, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			what_was_cut_off_comes_again_from_a_friend_of_the_author, set_up,
			tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
