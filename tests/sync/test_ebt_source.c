/* sync/ebt_source: each feed is taken from one peer at a time, whoever else has it. */
#include "lib/cmocka.h"
#include "lib/script.h"

#include <stdio.h>
#include <stdlib.h>

static const char replicate[] = "[{\"version\":3,\"format\":\"classic\"}]";

enum { PEERS = 3, HAS_TWO = 5, HAS_THREE = 7, ODD = 1, EVEN = 0 };

struct stage {
	struct node node;
	struct script peers[PEERS];
	struct script_call *ebts[PEERS];
	struct author carol; /* whom the node follows, and nobody else is */
	struct message *messages[3];
};

static int set_up(void **state)
{
	struct stage *stage = calloc(1, sizeof(*stage));
	node_init(&stage->node, 0);
	author_init(&stage->carol, 9);
	for (unsigned i = 0; i < PEERS; i++) {
		script_init(&stage->peers[i], i + 1);
		stage->messages[i] = author_post(&stage->carol, "hello");
	}
	node_contact(&stage->node, &stage->carol.id, EDGE_FOLLOW);
	*state = stage;
	return 0;
}

static int tear_down(void **state)
{
	struct stage *stage = *state;
	for (unsigned i = 0; i < PEERS; i++) {
		script_fini(&stage->peers[i]);
		message_free(stage->messages[i]);
	}
	author_fini(&stage->carol);
	node_fini(&stage->node);
	free(stage);
	return 0;
}

static void turn_all(struct stage *stage)
{
	for (unsigned i = 0; i < PEERS; i++) {
		if (stage->ebts[i] != NULL && !stage->peers[i].is_closed) {
			script_turn(&stage->peers[i]);
		}
	}
}

#define UNTIL(stage, condition)                      \
	do {                                         \
		int left = 20000;                    \
		while (!(condition) && left-- > 0) { \
			turn_all(stage);             \
		}                                    \
		assert_true(condition);              \
	} while (0)

static void linger(struct stage *stage)
{
	for (int i = 0; i < 200; i++) {
		turn_all(stage);
	}
}

/* Was the peer told this number of Carol's feed since its text was last cleared? */
static bool has_note(struct stage *stage, unsigned peer, int value)
{
	char note[96];
	(void)snprintf(note, sizeof(note), "\"%s\":%d", stage->carol.text, value);
	return script_has(stage->ebts[peer], note);
}

static void say(struct stage *stage, unsigned peer, int value)
{
	script_send(stage->ebts[peer], "{\"%s\":%d}", stage->carol.text, value);
}

static void begin(struct stage *stage, unsigned peer)
{
	script_dial(&stage->peers[peer], &stage->node);
	stage->ebts[peer] =
		script_open(&stage->peers[peer], "ebt.replicate", RPC_DUPLEX, replicate);
	UNTIL(stage, script_has(stage->ebts[peer], stage->carol.text));
}

static void forget(struct stage *stage)
{
	for (unsigned i = 0; i < PEERS; i++) {
		if (stage->ebts[i] != NULL) {
			buf_clear(&stage->ebts[i]->text);
		}
	}
}

static uint64_t head(struct stage *stage)
{
	return node_head(&stage->node, &stage->carol.id);
}

static void the_first_peer_is_asked_and_the_others_are_only_told(void **state)
{
	struct stage *stage = *state;
	for (unsigned i = 0; i < PEERS; i++) {
		begin(stage, i);
		assert_true(has_note(stage, i, i == 0 ? EVEN : ODD));
		assert_false(has_note(stage, i, i == 0 ? ODD : EVEN));
	}
}

static void a_source_that_gives_is_kept_though_others_claim_more(void **state)
{
	struct stage *stage = *state;
	begin(stage, 0);
	say(stage, 0, HAS_TWO);
	script_send_span(stage->ebts[0], stage->messages[0]->compact);
	UNTIL(stage, head(stage) == 1);
	begin(stage, 1);
	say(stage, 1, HAS_THREE);
	linger(stage);
	assert_false(has_note(stage, 0, 3));
	assert_false(has_note(stage, 1, 2));
	/* What the source has is here now: the rest comes from the other one. */
	script_send_span(stage->ebts[0], stage->messages[1]->compact);
	UNTIL(stage, has_note(stage, 1, 4));
	UNTIL(stage, has_note(stage, 0, 5));
}

static void who_announces_more_than_an_idle_source_is_asked_instead(void **state)
{
	struct stage *stage = *state;
	begin(stage, 0);
	begin(stage, 1);
	say(stage, 0, 1);
	say(stage, 1, HAS_TWO);
	UNTIL(stage, has_note(stage, 1, EVEN));
	UNTIL(stage, has_note(stage, 0, ODD));
}

static void a_silent_source_is_passed_over_and_all_others_are_tried_in_turn(void **state)
{
	struct stage *stage = *state;
	for (unsigned i = 0; i < PEERS; i++) {
		begin(stage, i);
	}
	say(stage, 0, HAS_THREE);
	say(stage, 1, HAS_TWO);
	say(stage, 2, HAS_TWO);
	forget(stage);
	UNTIL(stage, has_note(stage, 1, EVEN) || has_note(stage, 2, EVEN));
	UNTIL(stage, has_note(stage, 0, ODD));
	unsigned second = has_note(stage, 1, EVEN) ? 1 : 2;
	assert_false(has_note(stage, 3 - second, EVEN));
	forget(stage);
	/* Not back to the first: the third was not asked yet. */
	UNTIL(stage, has_note(stage, 3 - second, EVEN));
	UNTIL(stage, has_note(stage, second, ODD));
	assert_false(has_note(stage, 0, EVEN));
	script_send_span(stage->ebts[3 - second], stage->messages[0]->compact);
	script_send_span(stage->ebts[3 - second], stage->messages[1]->compact);
	UNTIL(stage, head(stage) == 2);
	assert_int_equal(node_figures(&stage->node).duplicates, 0);
}

static void who_was_passed_over_does_not_come_back_by_claiming_more(void **state)
{
	struct stage *stage = *state;
	begin(stage, 0);
	begin(stage, 1);
	say(stage, 0, HAS_THREE);
	say(stage, 1, HAS_TWO);
	forget(stage);
	UNTIL(stage, has_note(stage, 1, EVEN));
	say(stage, 0, 99);
	script_send_span(stage->ebts[1], stage->messages[0]->compact);
	UNTIL(stage, head(stage) == 1);
	linger(stage);
	assert_false(has_note(stage, 0, 2));
	assert_false(has_note(stage, 1, 3));
}

/* Both have the same, and the first is asked for it. */
static void begin_with_a_source(struct stage *stage)
{
	begin(stage, 0);
	begin(stage, 1);
	say(stage, 0, HAS_TWO);
	say(stage, 1, HAS_TWO);
	linger(stage);
	assert_false(has_note(stage, 1, EVEN));
}

static void a_source_that_goes_away_is_followed_at_once(void **state)
{
	struct stage *stage = *state;
	begin_with_a_source(stage);
	script_close(&stage->peers[0]);
	UNTIL(stage, has_note(stage, 1, EVEN));
}

static void a_source_that_no_longer_replicates_the_feed_is_followed_at_once(void **state)
{
	struct stage *stage = *state;
	begin_with_a_source(stage);
	say(stage, 0, -1);
	UNTIL(stage, has_note(stage, 1, EVEN));
	forget(stage);
	/* And is asked for nothing more until it says another number. */
	script_send_span(stage->ebts[1], stage->messages[0]->compact);
	UNTIL(stage, head(stage) == 1);
	linger(stage);
	assert_false(has_note(stage, 0, 3));
	say(stage, 0, 1);
	UNTIL(stage, has_note(stage, 0, 3));
}

static void the_author_is_asked_rather_than_anybody_else(void **state)
{
	struct stage *stage = *state;
	char note[96];
	(void)snprintf(note, sizeof(note), "\"%s\":%d", stage->peers[1].self.text, EVEN);
	node_contact(&stage->node, &stage->peers[1].self.id, EDGE_FOLLOW);
	begin(stage, 0);
	UNTIL(stage, script_has(stage->ebts[0], note));
	begin(stage, 1);
	UNTIL(stage, script_has(stage->ebts[1], note));
	(void)snprintf(note, sizeof(note), "\"%s\":%d", stage->peers[1].self.text, ODD);
	UNTIL(stage, script_has(stage->ebts[0], note));
}

static void a_message_of_a_former_source_that_was_under_way_is_taken(void **state)
{
	struct stage *stage = *state;
	begin(stage, 0);
	begin(stage, 1);
	say(stage, 0, 1);
	say(stage, 1, HAS_TWO);
	UNTIL(stage, has_note(stage, 0, ODD));
	script_send_span(stage->ebts[0], stage->messages[0]->compact);
	UNTIL(stage, head(stage) == 1);
}

static void who_turned_our_own_feed_down_hears_of_each_new_message_of_it(void **state)
{
	struct stage *stage = *state;
	char note[96];
	begin(stage, 0);
	script_send(stage->ebts[0], "{\"%s\":-1}", stage->node.self.text);
	linger(stage);
	struct publish_result said =
		node_publish(&stage->node, "{\"type\":\"post\",\"text\":\"one\"}");
	(void)snprintf(
		note, sizeof(note), "\"%s\":%d", stage->node.self.text, (int)said.sequence * 2);
	UNTIL(stage, script_has(stage->ebts[0], note));
	assert_false(script_has(stage->ebts[0], "\"one\""));
	/* It follows us again, and stands where it stood. */
	script_send(
		stage->ebts[0], "{\"%s\":%d}", stage->node.self.text, (int)(said.sequence - 1) * 2);
	UNTIL(stage, script_has(stage->ebts[0], "\"one\""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define SCENE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		SCENE(the_first_peer_is_asked_and_the_others_are_only_told),
		SCENE(a_source_that_gives_is_kept_though_others_claim_more),
		SCENE(who_announces_more_than_an_idle_source_is_asked_instead),
		SCENE(a_silent_source_is_passed_over_and_all_others_are_tried_in_turn),
		SCENE(who_was_passed_over_does_not_come_back_by_claiming_more),
		SCENE(a_source_that_goes_away_is_followed_at_once),
		SCENE(a_source_that_no_longer_replicates_the_feed_is_followed_at_once),
		SCENE(the_author_is_asked_rather_than_anybody_else),
		SCENE(a_message_of_a_former_source_that_was_under_way_is_taken),
		SCENE(who_turned_our_own_feed_down_hears_of_each_new_message_of_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
