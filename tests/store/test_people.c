/* store/people, store/graph: profiles, lists, and whom we replicate. */
#include "lib/cmocka.h"
#include "lib/shelf.h"
#include "lib/vectors.h"

#include "base/limits.h"
#include "store/people.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct person person_of(struct shelf *shelf, const struct feed_id *id)
{
	struct person person;
	assert_int_equal(person_read(shelf->reader, id, &person), ERR_OK);
	return person;
}

static void a_name_is_one_clean_line_of_64_characters(void **state)
{
	struct shelf *shelf = *state;
	static const struct {
		const char *said, *shown;
	} names[] = {
		{"Ben", "Ben"},
		{"", "Ben"}, /* leaves the earlier value */
		{"  two\\nlines\\t ", "two lines"},
		{"a\\u202eb\\u0007c\\u0000d", "abcd"},
		{"\\ud83d\\ude00 \\u00e9", "\xf0\x9f\x98\x80 \xc3\xa9"},
		{"lone \\ud800", "lone \xef\xbf\xbd"},
		{"0123456789012345678901234567890123456789012345678901234567890123",
			"0123456789012345678901234567890123456789012345678901234567890123"},
		{"01234567890123456789012345678901234567890123456789012345678901234",
			"0123456789012345678901234567890123456789012345678901234567890123"},
	};
	struct author ben;
	author_init(&ben, 1);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		assert_int_equal(
			shelf_append(shelf, author_name(&ben, names[i].said)), APPEND_STORED);
		assert_string_equal(person_of(shelf, &ben.id).name, names[i].shown);
	}
	static char far_above[4000];
	for (size_t i = 0; i + 4 < sizeof(far_above); i += 4) {
		memcpy(far_above + i, "\xf0\x9f\x98\x80", 5);
	}
	assert_int_equal(shelf_append(shelf, author_name(&ben, far_above)), APPEND_STORED);
	assert_int_equal(strlen(person_of(shelf, &ben.id).name), 256);
	author_fini(&ben);
}

/* So many edges would take long to sign: the books are cooked instead. */
static void cook(struct shelf *shelf, const char *sql)
{
	shelf_close(shelf);
	char path[128];
	sqlite3 *db = NULL;
	(void)snprintf(path, sizeof(path), "%s/kith.db", shelf->dir);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_changes(db), 1);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	shelf_open(shelf);
}

static uint32_t follows_of(struct shelf *shelf, const struct feed_id *id)
{
	return person_of(shelf, id).follows;
}

/* Ben, with one edge, is brought to one below a limit; then one more counts, and no other. */
static void check_edge_limit(struct shelf *shelf, const char *sql)
{
	struct author ben;
	struct author others[5];
	author_init(&ben, 1);
	for (unsigned i = 0; i < 5; i++) {
		author_init(&others[i], 10 + i);
	}
	assert_int_equal(shelf_append(shelf, author_contact(&ben, &others[0].id, EDGE_BLOCK)),
		APPEND_STORED);
	cook(shelf, sql);
	for (unsigned i = 1; i < 4; i++) {
		assert_int_equal(
			shelf_append(shelf, author_contact(&ben, &others[i].id, EDGE_FOLLOW)),
			APPEND_STORED);
		assert_int_equal(follows_of(shelf, &ben.id), 1);
	}
	assert_int_equal(person_of(shelf, &others[2].id).followers, 0);
	/* What he said of somebody before he may still change, and our own word always counts. */
	assert_int_equal(shelf_append(shelf, author_contact(&ben, &others[0].id, EDGE_FOLLOW)),
		APPEND_STORED);
	assert_int_equal(follows_of(shelf, &ben.id), 2);
	(void)shelf_contact(shelf, &others[4].id, EDGE_FOLLOW);
	assert_int_equal(follows_of(shelf, &shelf->self.id), 1);
	for (unsigned i = 0; i < 5; i++) {
		author_fini(&others[i]);
	}
	author_fini(&ben);
}

static void an_author_has_at_most_20000_edges(void **state)
{
	char sql[96];
	(void)snprintf(sql, sizeof(sql), "UPDATE feeds SET edges = %d WHERE edges = 1",
		LIMIT_GRAPH_EDGES_PER_AUTHOR - 1);
	check_edge_limit(*state, sql);
}

static void all_together_have_at_most_2000000_edges(void **state)
{
	char sql[96];
	(void)snprintf(sql, sizeof(sql), "UPDATE figures SET n = %d WHERE name = 'edges'",
		LIMIT_GRAPH_EDGES - 1);
	check_edge_limit(*state, sql);
}

static void nobody_names_somebody_else(void **state)
{
	struct shelf *shelf = *state;
	struct author ben;
	struct author eve;
	author_init(&ben, 1);
	author_init(&eve, 2);
	assert_int_equal(shelf_append(shelf, author_name(&ben, "Ben")), APPEND_STORED);
	assert_int_equal(
		shelf_append(shelf,
			author_say(&eve, "{\"type\":\"about\",\"about\":\"%s\",\"name\":\"Fool\"}",
				ben.text)),
		APPEND_STORED);
	assert_string_equal(person_of(shelf, &ben.id).name, "Ben");
	assert_string_equal(person_of(shelf, &eve.id).name, "");
	author_fini(&ben);
	author_fini(&eve);
}

static void a_person_never_heard_of_is_empty(void **state)
{
	struct shelf *shelf = *state;
	struct author ben;
	author_init(&ben, 1);
	struct person person = person_of(shelf, &ben.id);
	assert_string_equal(person.name, "");
	assert_int_equal(person.hops, -2);
	assert_int_equal(person.sequence, 0);
	assert_int_equal(person_of(shelf, &shelf->self.id).hops, 0);
	author_fini(&ben);
}

static void put_reach(struct shelf *shelf, int hops_max)
{
	struct reach_entry reach[100];
	const struct change change = {.kind = CHANGE_REACH, .reach = reach};
	struct change copy = change;
	assert_int_equal(
		graph_reach(shelf->reader, hops_max, reach, 100, &copy.reach_count), ERR_OK);
	assert_int_equal(writer_change_wait(shelf->writer, &copy), ERR_OK);
}

static void a_person_has_edges_both_ways_and_hops(void **state)
{
	struct shelf *shelf = *state;
	struct author ben;
	struct author cy;
	author_init(&ben, 1);
	author_init(&cy, 2);
	(void)shelf_contact(shelf, &ben.id, EDGE_FOLLOW);
	assert_int_equal(shelf_append(shelf, author_contact(&ben, &shelf->self.id, EDGE_FOLLOW)),
		APPEND_STORED);
	assert_int_equal(
		shelf_append(shelf, author_contact(&ben, &cy.id, EDGE_FOLLOW)), APPEND_STORED);
	put_reach(shelf, 2);
	struct person person = person_of(shelf, &ben.id);
	assert_int_equal(person.mine, EDGE_FOLLOW);
	assert_int_equal(person.theirs, EDGE_FOLLOW);
	assert_int_equal(person.hops, 1);
	assert_int_equal(person.follows, 2);
	assert_int_equal(person.followers, 1);
	assert_int_equal(person.sequence, 2);
	assert_int_equal(person_of(shelf, &cy.id).hops, 2);
	(void)shelf_contact(shelf, &ben.id, EDGE_BLOCK);
	assert_int_equal(person_of(shelf, &ben.id).hops, -1);
	author_fini(&ben);
	author_fini(&cy);
}

static void lists_go_by_name_and_leave_out_whom_we_block(void **state)
{
	struct shelf *shelf = *state;
	static const char *const names[] = {"cyan", "Ana", "", "ben"};
	struct author people[4];
	struct feed_id out[10];
	size_t count = 0;
	size_t total = 0;
	for (unsigned i = 0; i < 4; i++) {
		author_init(&people[i], i + 1);
		assert_int_equal(
			shelf_append(shelf, author_name(&people[i], names[i])), APPEND_STORED);
		assert_int_equal(shelf_append(shelf,
					 author_contact(&people[i], &shelf->self.id, EDGE_FOLLOW)),
			APPEND_STORED);
	}
	assert_int_equal(people_list(shelf->reader, PEOPLE_FOLLOWERS_OF, &shelf->self.id, out, 10,
				 &count, &total),
		ERR_OK);
	assert_int_equal(count, 4);
	assert_int_equal(total, 4);
	const unsigned order[] = {1, 3, 0, 2};
	for (size_t i = 0; i < 4; i++) {
		assert_true(feed_id_equal(&out[i], &people[order[i]].id));
	}
	(void)shelf_contact(shelf, &people[1].id, EDGE_BLOCK);
	assert_int_equal(people_list(shelf->reader, PEOPLE_FOLLOWERS_OF, &shelf->self.id, out, 2,
				 &count, &total),
		ERR_OK);
	assert_int_equal(count, 2);
	assert_int_equal(total, 3);
	assert_true(feed_id_equal(&out[0], &people[3].id));
	assert_int_equal(people_list(shelf->reader, PEOPLE_BLOCKED_BY, &shelf->self.id, out, 10,
				 &count, &total),
		ERR_OK);
	assert_int_equal(count, 1);
	assert_true(feed_id_equal(&out[0], &people[1].id));
	for (unsigned i = 0; i < 4; i++) {
		author_fini(&people[i]);
	}
}

/* A small graph: edges of person 0 (us) and others, and where everybody must be. Cases read off
 * layered-graph 1.2.0 and protocol/04 §4. */
struct graph_case {
	const char *what;
	struct {
		int from, to;
		enum contact_edge edge;
	} edges[8];
	int hops_max;
	int hops[6]; /* of persons 1…5: −1 not in reach; index 0 unused */
};

static const struct graph_case graph_cases[] = {
	{"follows of follows", {{0, 1, EDGE_FOLLOW}, {1, 2, EDGE_FOLLOW}, {2, 3, EDGE_FOLLOW}}, 2,
		{0, 1, 2, -1, -1, -1}},
	{"three hops", {{0, 1, EDGE_FOLLOW}, {1, 2, EDGE_FOLLOW}, {2, 3, EDGE_FOLLOW}}, 3,
		{0, 1, 2, 3, -1, -1}},
	{"no hops", {{0, 1, EDGE_FOLLOW}}, 0, {0, -1, -1, -1, -1, -1}},
	{"my follow beats a friend's block",
		{{0, 1, EDGE_FOLLOW}, {0, 2, EDGE_FOLLOW}, {1, 2, EDGE_BLOCK}}, 2,
		{0, 1, 1, -1, -1, -1}},
	{"my block beats a friend's follow",
		{{0, 1, EDGE_FOLLOW}, {0, 2, EDGE_BLOCK}, {1, 2, EDGE_FOLLOW}, {2, 3, EDGE_FOLLOW}},
		3, {0, 1, -1, -1, -1, -1}},
	{"a friend's follow ties with a friend's block and wins",
		{{0, 1, EDGE_FOLLOW}, {0, 2, EDGE_FOLLOW}, {1, 3, EDGE_BLOCK}, {2, 3, EDGE_FOLLOW}},
		2, {0, 1, 1, 2, -1, -1}},
	{"a friend's block beats a follow at three",
		{{0, 1, EDGE_FOLLOW}, {1, 2, EDGE_FOLLOW}, {1, 3, EDGE_BLOCK}, {2, 3, EDGE_FOLLOW}},
		3, {0, 1, 2, -1, -1, -1}},
	{"my unfollow ties with a friend's follow, which wins",
		{{0, 1, EDGE_FOLLOW}, {0, 2, EDGE_NEITHER}, {1, 2, EDGE_FOLLOW}}, 2,
		{0, 1, 2, -1, -1, -1}},
	{"my unfollow beats a follow at three",
		{{0, 1, EDGE_FOLLOW}, {0, 3, EDGE_NEITHER}, {1, 2, EDGE_FOLLOW},
			{2, 3, EDGE_FOLLOW}},
		3, {0, 1, 2, -1, -1, -1}},
	{"nobody expands from a block", {{0, 1, EDGE_BLOCK}, {1, 2, EDGE_FOLLOW}}, 3,
		{0, -1, -1, -1, -1, -1}},
};

static void check_graph(const struct graph_case *wanted)
{
	struct shelf shelf;
	struct author people[6];
	shelf_init(&shelf);
	for (unsigned i = 0; i < 6; i++) {
		author_init(&people[i], i);
	}
	for (size_t i = 0; i < 8 && wanted->edges[i].from != wanted->edges[i].to; i++) {
		int from = wanted->edges[i].from;
		const struct feed_id *to = &people[wanted->edges[i].to].id;
		if (from == 0) {
			(void)shelf_contact(&shelf, to, wanted->edges[i].edge);
		} else {
			(void)shelf_append(
				&shelf, author_contact(&people[from], to, wanted->edges[i].edge));
		}
	}
	struct reach_entry reach[6];
	size_t count = 0;
	assert_int_equal(graph_reach(shelf.reader, wanted->hops_max, reach, 6, &count), ERR_OK);
	for (int i = 0; i < 6; i++) {
		int hops = -1;
		for (size_t k = 0; k < count; k++) {
			hops = feed_id_equal(&reach[k].feed, &people[i].id) ? reach[k].hops : hops;
		}
		if (hops != wanted->hops[i]) {
			fail_msg("%s: person %d is at %d, not %d", wanted->what, i, hops,
				wanted->hops[i]);
		}
	}
	for (unsigned i = 0; i < 6; i++) {
		author_fini(&people[i]);
	}
	shelf_fini(&shelf);
}

static void reach_is_as_in_ssb_friends(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(graph_cases) / sizeof(graph_cases[0]); i++) {
		check_graph(&graph_cases[i]);
	}
}

enum { CASE_PEOPLE_MAX = 16 };

static void check_recorded(const json_t *recorded, size_t number)
{
	struct shelf shelf;
	struct author people[CASE_PEOPLE_MAX];
	struct reach_entry reach[CASE_PEOPLE_MAX];
	size_t count = 0;
	unsigned number_of_people =
		(unsigned)json_integer_value(json_object_get(recorded, "people"));
	const json_t *edges = json_object_get(recorded, "edges");
	const json_t *hops = json_object_get(recorded, "hops");
	assert_in_range(number_of_people, 1, CASE_PEOPLE_MAX);
	shelf_init(&shelf);
	for (unsigned i = 0; i < number_of_people; i++) {
		author_init(&people[i], i);
	}
	for (size_t i = 0; i < json_array_size(edges); i++) {
		const json_t *edge = json_array_get(edges, i);
		size_t from = (size_t)json_integer_value(json_array_get(edge, 0));
		size_t to = (size_t)json_integer_value(json_array_get(edge, 1));
		int value = (int)json_integer_value(json_array_get(edge, 2));
		enum contact_edge is = value == 1    ? EDGE_FOLLOW
				       : value == -1 ? EDGE_BLOCK
						     : EDGE_NEITHER;
		if (from == 0) {
			(void)shelf_contact(&shelf, &people[to].id, is);
			continue;
		}
		/* What a person we block says is not stored; it does not count for the reach
		 * either. */
		struct chain_head before = people[from].head;
		if (shelf_append(&shelf, author_contact(&people[from], &people[to].id, is)) ==
			APPEND_NOT_WANTED) {
			people[from].head = before;
			author_fini(&people[from]);
			author_twin(&people[from], (unsigned)from, &before);
			people[from].now_ms += 100000 * (int64_t)i;
		}
	}
	int hops_max = (int)json_integer_value(json_object_get(recorded, "max"));
	assert_int_equal(
		graph_reach(shelf.reader, hops_max, reach, CASE_PEOPLE_MAX, &count), ERR_OK);
	if (count != json_object_size(hops)) {
		fail_msg("case %zu: %zu in reach, not %zu", number, count, json_object_size(hops));
	}
	for (size_t i = 0; i < count; i++) {
		unsigned person = 0;
		char name[16];
		while (!feed_id_equal(&people[person].id, &reach[i].feed)) {
			person++;
		}
		(void)snprintf(name, sizeof(name), "%u", person);
		assert_non_null(json_object_get(hops, name));
		assert_int_equal(json_integer_value(json_object_get(hops, name)), reach[i].hops);
	}
	for (unsigned i = 0; i < number_of_people; i++) {
		author_fini(&people[i]);
	}
	shelf_fini(&shelf);
}

static void reach_is_as_layered_graph_computed_it(void **state)
{
	(void)state;
	json_t *file = vectors_load("graph");
	const json_t *cases = json_object_get(file, "cases");
	assert_int_equal(json_array_size(cases), 60);
	for (size_t i = 0; i < json_array_size(cases); i++) {
		check_recorded(json_array_get(cases, i), i);
	}
	json_decref(file);
}

static void run_sql(struct shelf *shelf, const char *sql)
{
	shelf_close(shelf);
	char path[128];
	sqlite3 *db = NULL;
	(void)snprintf(path, sizeof(path), "%s/kith.db", shelf->dir);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	shelf_open(shelf);
}

/* The friend with the lowest or the highest row follows `count` people more, of whom nobody ever
 * heard. */
static void follow_strangers(struct shelf *shelf, const char *which, unsigned count)
{
	char sql[640];
	(void)snprintf(sql, sizeof(sql),
		"CREATE TEMP TABLE seen AS SELECT max(feed) AS last FROM feeds;"
		"WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < %u) "
		"INSERT INTO feeds (id) SELECT randomblob(32) FROM n;"
		"INSERT INTO contacts (feed, about, edge) SELECT (SELECT %s(about) FROM contacts "
		"WHERE feed = 1), feed, 1 FROM feeds WHERE feed > (SELECT last FROM seen);",
		count, which);
	run_sql(shelf, sql);
}

static size_t reach_within(struct shelf *shelf, size_t room)
{
	struct reach_entry *reach = calloc(room + 1, sizeof(*reach));
	size_t count = 0;
	assert_non_null(reach);
	assert_int_equal(graph_reach(shelf->reader, 2, reach, room, &count), ERR_OK);
	free(reach);
	return count;
}

static void a_friend_brings_2000_feeds_and_pushes_out_nobody_elses(void **state)
{
	struct shelf *shelf = *state;
	struct author friends[2];
	for (unsigned i = 0; i < 2; i++) {
		author_init(&friends[i], 1 + i);
		(void)shelf_contact(shelf, &friends[i].id, EDGE_FOLLOW);
	}
	enum { NEAR = 3 }; /* we and both */
	follow_strangers(shelf, "min", LIMIT_FEEDS_PER_FRIEND);
	assert_int_equal(reach_within(shelf, LIMIT_FEEDS), NEAR + LIMIT_FEEDS_PER_FRIEND);
	follow_strangers(shelf, "min", 1);
	assert_int_equal(reach_within(shelf, LIMIT_FEEDS), NEAR + LIMIT_FEEDS_PER_FRIEND);
	follow_strangers(shelf, "max", 100);
	assert_int_equal(reach_within(shelf, LIMIT_FEEDS), NEAR + LIMIT_FEEDS_PER_FRIEND + 100);
	follow_strangers(shelf, "min", 1000 * LIMIT_FEEDS_PER_FRIEND / 50);
	assert_int_equal(reach_within(shelf, LIMIT_FEEDS), NEAR + LIMIT_FEEDS_PER_FRIEND + 100);
	/* Without room for all, each has the same share; one who needs less leaves the rest. */
	assert_int_equal(reach_within(shelf, NEAR + 2 * 40), NEAR + 2 * 40);
	assert_int_equal(reach_within(shelf, NEAR + 1000 + 100), NEAR + 1000 + 100);
	for (unsigned i = 0; i < 2; i++) {
		author_fini(&friends[i]);
	}
}

static void hops_have_a_limit(void **state)
{
	struct shelf *shelf = *state;
	struct reach_entry reach[1];
	size_t count = 0;
	assert_int_equal(graph_reach(shelf->reader, LIMIT_HOPS_MAX, reach, 1, &count), ERR_OK);
	assert_int_equal(count, 1);
	assert_int_equal(
		graph_reach(shelf->reader, LIMIT_HOPS_MAX + 1, reach, 1, &count), ERR_LIMIT);
	assert_int_equal(graph_reach(shelf->reader, 1000, reach, 1, &count), ERR_LIMIT);
}

static void count_block(void *ctx, const struct feed_id *from, const struct feed_id *to)
{
	size_t *count = ctx;
	assert_false(feed_id_equal(from, to));
	(*count)++;
}

static void every_block_counts_wherever_it_is(void **state)
{
	struct shelf *shelf = *state;
	struct author ben;
	struct author cy;
	size_t count = 0;
	author_init(&ben, 1);
	author_init(&cy, 2);
	assert_int_equal(shelf_append(shelf, author_contact(&ben, &shelf->self.id, EDGE_BLOCK)),
		APPEND_STORED);
	assert_int_equal(
		shelf_append(shelf, author_contact(&ben, &cy.id, EDGE_BLOCK)), APPEND_STORED);
	assert_int_equal(
		shelf_append(shelf, author_contact(&cy, &ben.id, EDGE_FOLLOW)), APPEND_STORED);
	assert_int_equal(shelf_append(shelf, author_contact(&cy, &cy.id, EDGE_BLOCK)),
		APPEND_STORED); /* about oneself: ignored */
	assert_int_equal(graph_blocks(shelf->reader, count_block, &count), ERR_OK);
	assert_int_equal(count, 2);
	author_fini(&ben);
	author_fini(&cy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			an_author_has_at_most_20000_edges, shelf_set_up, shelf_tear_down),
		cmocka_unit_test_setup_teardown(
			all_together_have_at_most_2000000_edges, shelf_set_up, shelf_tear_down),
		cmocka_unit_test_setup_teardown(
			a_name_is_one_clean_line_of_64_characters, shelf_set_up, shelf_tear_down),
		cmocka_unit_test_setup_teardown(
			nobody_names_somebody_else, shelf_set_up, shelf_tear_down),
		cmocka_unit_test_setup_teardown(
			a_person_never_heard_of_is_empty, shelf_set_up, shelf_tear_down),
		cmocka_unit_test_setup_teardown(
			a_person_has_edges_both_ways_and_hops, shelf_set_up, shelf_tear_down),
		cmocka_unit_test_setup_teardown(lists_go_by_name_and_leave_out_whom_we_block,
			shelf_set_up, shelf_tear_down),
		cmocka_unit_test(reach_is_as_in_ssb_friends),
		cmocka_unit_test(reach_is_as_layered_graph_computed_it),
		cmocka_unit_test_setup_teardown(
			a_friend_brings_2000_feeds_and_pushes_out_nobody_elses, shelf_set_up,
			shelf_tear_down),
		cmocka_unit_test_setup_teardown(hops_have_a_limit, shelf_set_up, shelf_tear_down),
		cmocka_unit_test_setup_teardown(
			every_block_counts_wherever_it_is, shelf_set_up, shelf_tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
