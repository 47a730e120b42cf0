/* R9 of restore.md, to its end: a data directory was copied, both posted, and they meet by their
 * friends. Both stop; one takes the other's side, and the feed is one chain again. */
#include "lib/cmocka.h"
#include "lib/nodes.h"

#include "store/fork.h"
#include "store/safety.h"

#include <stdio.h>
#include <stdlib.h>

/* Ben meets ana first, cleo the copy. */
struct stage {
	struct node ana, copy, ben, cleo;
};

enum { SHARED = 3, HERE = 2, THERE = 3 };

static int set_up(void **state)
{
	struct stage *stage = calloc(1, sizeof(*stage));
	assert_non_null(stage);
	node_init(&stage->ana, 0);
	node_init(&stage->copy, 0);
	node_init(&stage->ben, 1);
	node_init(&stage->cleo, 2);
	*state = stage;
	return 0;
}

static int tear_down(void **state)
{
	struct stage *stage = *state;
	node_fini(&stage->cleo);
	node_fini(&stage->ben);
	node_fini(&stage->copy);
	node_fini(&stage->ana);
	free(stage);
	return 0;
}

static void post(struct node *node, const char *text, int count)
{
	for (int i = 0; i < count; i++) {
		(void)node_publish(node, "{\"type\":\"post\",\"text\":\"%s %d\"}", text, i);
	}
}

static void copy_directory(struct stage *stage)
{
	static const char *const files[] = {"kith.db", "fence"};
	node_stop(&stage->ana);
	node_stop(&stage->copy);
	for (size_t i = 0; i < 2; i++) {
		char line[512];
		(void)snprintf(line, sizeof(line), "cp %s/%s %s/%s", stage->ana.dir, files[i],
			stage->copy.dir, files[i]);
		assert_int_equal(system(line), 0);
	}
	node_start(&stage->ana);
	node_start(&stage->copy);
}

static void resume(struct node *node)
{
	char why[256] = "";
	if (writer_resume(node->writer, node_guard(node).sequence, false, why, sizeof(why)) !=
		ERR_OK) {
		fail_msg("resume: %s", why);
	}
}

static struct fork_sides sides_of(struct node *node)
{
	struct fork_sides sides;
	assert_int_equal(reader_fork(node->reader, 0, &sides, NULL, NULL), ERR_OK);
	return sides;
}

/* A node stops, and its friend has noticed, for its key is to be met again. */
static void stop(struct node *node, struct node *friend)
{
	const struct feed_id id = node->self.id;
	node_stop(node);
	node_wait_peer(friend, &id, false);
}

static void expect_fork(struct node *node, int others)
{
	node_wait_state(node, FENCE_FORKED);
	WAIT_UNTIL(node_guard(node).fork_sequence == SHARED + 1);
	WAIT_UNTIL(sides_of(node).theirs_count == (uint64_t)others);
	assert_int_equal(sides_of(node).missing, 0);
	assert_int_equal(sides_of(node).sequence, SHARED + 1);
}

/* Ana's feed in two, and both have met the other side. */
static void fork_off(struct stage *stage)
{
	const struct feed_id ana = stage->ana.self.id;
	node_contact(&stage->ben, &ana, EDGE_FOLLOW);
	node_contact(&stage->cleo, &ana, EDGE_FOLLOW);
	node_contact(&stage->ana, &stage->ben.self.id, EDGE_FOLLOW);
	node_contact(&stage->ana, &stage->cleo.self.id, EDGE_FOLLOW);
	post(&stage->ana, "both", 1);
	copy_directory(stage);
	/* The copy waits, but nobody was ever given this feed: so both go on (U4). */
	node_wait_state(&stage->ana, FENCE_CLEAN);
	node_wait_state(&stage->copy, FENCE_CLEAN);
	post(&stage->ana, "here", HERE);
	post(&stage->copy, "there", THERE);
	node_connect(&stage->ben, &stage->ana);
	node_connect(&stage->cleo, &stage->copy);
	node_wait(&stage->ben, &ana, SHARED + HERE);
	node_wait(&stage->cleo, &ana, SHARED + THERE);
	stop(&stage->ana, &stage->ben);
	node_connect(&stage->ben, &stage->copy);
	expect_fork(&stage->copy, HERE);
	stop(&stage->copy, &stage->cleo);
	node_start(&stage->ana);
	node_connect(&stage->cleo, &stage->ana);
	expect_fork(&stage->ana, THERE);
}

/* The owner of a stopped node decides, and it starts again. */
static struct fork_done decide(struct node *node, enum fork_choice choice)
{
	struct fork_done done;
	struct author self;
	struct store *store = NULL;
	char why[256] = "";
	author_init(&self, node->number);
	const struct store_opts opts = {.dir = node->dir, .env = env_system(), .self = self.id};
	assert_int_equal(store_open(&opts, &store, why, sizeof(why)), ERR_OK);
	if (fork_choose(store, NULL, choice, &done) != ERR_OK) {
		fail_msg("fork_choose: %s", done.why);
	}
	store_close(store);
	author_fini(&self);
	node_start(node);
	return done;
}

struct search {
	const struct feed_id *peer;
	struct guard_holder found;
};

static void look_at(void *ctx, const struct guard_holder *holder)
{
	struct search *search = ctx;
	if (feed_id_equal(&holder->peer, search->peer)) {
		search->found = *holder;
	}
}

static struct guard_holder holder(struct node *node, const struct node *peer)
{
	struct search search = {.peer = &peer->self.id, .found = {.told = -1}};
	assert_int_equal(
		reader_holders(node->reader, node_guard(node).spell, look_at, &search), ERR_OK);
	return search.found;
}

static void count_draft(void *ctx, const struct draft_row *row)
{
	(void)row;
	(*(int *)ctx)++;
}

static void r9_two_copies_meet_and_one_takes_the_others_side(void **state)
{
	struct stage *stage = *state;
	int drafts = 0;
	fork_off(stage);
	const struct feed_id ana = stage->ana.self.id;
	assert_int_equal(sides_of(&stage->ana).ours_count, HERE);
	stop(&stage->ana, &stage->cleo);
	struct fork_done done = decide(&stage->ana, FORK_ADOPT);
	assert_int_equal(done.given_up, HERE);
	assert_int_equal(done.drafts, HERE);
	assert_int_equal(node_guard(&stage->ana).state, FENCE_SUSPECT);
	assert_int_equal(node_head(&stage->ana, &ana), SHARED + THERE);
	assert_int_equal(reader_drafts(stage->ana.reader, count_draft, &drafts), ERR_OK);
	assert_int_equal(drafts, HERE);
	struct publish_result result;
	const struct publish_request request = {
		.content = span_text("{\"type\":\"post\",\"text\":\"too early\"}")};
	assert_int_equal(writer_publish(stage->ana.writer, &request, &result), ERR_PAUSED);
	/* Cleo holds that side, and says so. */
	node_connect(&stage->ana, &stage->cleo);
	WAIT_UNTIL(holder(&stage->ana, &stage->cleo).agreement == GUARD_AGREES &&
		   holder(&stage->ana, &stage->cleo).told == SHARED + THERE);
	/* Ben holds what was given up: it alarms nobody, but only the owner can go on now. */
	node_connect(&stage->ana, &stage->ben);
	WAIT_UNTIL(holder(&stage->ana, &stage->ben).agreement == GUARD_DIFFERS);
	assert_int_equal(node_guard(&stage->ana).state, FENCE_SUSPECT);
	resume(&stage->ana);
	post(&stage->ana, "again", 1);
	node_wait(&stage->cleo, &ana, SHARED + THERE + 1);
	nodes_agree(&stage->cleo, &stage->ana, &ana);
	assert_int_equal(node_guard(&stage->ana).state, FENCE_CLEAN);
	/* The copy's owner keeps that side too; what ana posted on comes to it. */
	stop(&stage->ana, &stage->cleo);
	done = decide(&stage->copy, FORK_KEEP);
	assert_int_equal(done.given_up, HERE);
	node_connect(&stage->copy, &stage->cleo);
	node_wait(&stage->copy, &ana, SHARED + THERE + 1);
	nodes_agree(&stage->copy, &stage->cleo, &ana);
	assert_int_equal(node_guard(&stage->copy).state, FENCE_SUSPECT);
	/* Ben, who saw the other side first, keeps what he saw. */
	assert_int_equal(node_head(&stage->ben, &ana), SHARED + HERE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			r9_two_copies_meet_and_one_takes_the_others_side, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
