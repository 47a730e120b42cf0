/* A feed of which the beginning was let go: nobody gets it with a hole, nobody waits for it in
 * vain, and what is new of it goes on. */
#include "lib/cmocka.h"
#include "lib/nodes.h"
#include "lib/script.h"

#include "store/let_go.h"

#include <stdio.h>
#include <stdlib.h>

enum { SAID = 10, FIRST = 6 };

static const char replicate[] = "[{\"version\":3,\"format\":\"classic\"}]";

/* We follow the peer, the peer follows Carol, and of Carol 6 to 10 are here. */
struct stage {
	struct node node;
	struct script peer;
	struct author carol;
};

static void let_go(struct stage *stage, uint64_t below)
{
	const struct let_go_request request = {.feed = stage->carol.id,
		.why = LET_GO_FOR_ROOM,
		.below = below,
		.at_least = 100,
		.at_most = 100};
	struct let_go_result result;
	assert_int_equal(writer_let_go(stage->node.writer, &request, &result), ERR_OK);
	assert_true(result.is_done);
}

static int set_up(void **state)
{
	struct stage *stage = calloc(1, sizeof(*stage));
	struct message *said[SAID];
	node_init(&stage->node, 0);
	script_init(&stage->peer, 1);
	author_init(&stage->carol, 2);
	node_contact(&stage->node, &stage->peer.self.id, EDGE_FOLLOW);
	struct message *follow = author_contact(&stage->peer.self, &stage->carol.id, EDGE_FOLLOW);
	node_append(&stage->node, &follow, 1);
	for (int i = 0; i < SAID; i++) {
		said[i] = author_post(&stage->carol, "word");
	}
	node_append(&stage->node, said, SAID);
	let_go(stage, FIRST);
	*state = stage;
	return 0;
}

static int tear_down(void **state)
{
	struct stage *stage = *state;
	author_fini(&stage->carol);
	script_fini(&stage->peer);
	node_fini(&stage->node);
	free(stage);
	return 0;
}

static char *note(char room[static 96], const struct author *author, int value)
{
	(void)snprintf(room, 96, "\"%s\":%d", author->text, value);
	return room;
}

static struct script_call *begin(struct stage *stage)
{
	script_dial(&stage->peer, &stage->node);
	struct script_call *ebt = script_open(&stage->peer, "ebt.replicate", RPC_DUPLEX, replicate);
	SCRIPT_UNTIL(&stage->peer, ebt->items >= 1);
	return ebt;
}

static void who_is_below_is_told_that_we_are_level_and_gets_nothing(void **state)
{
	struct stage *stage = *state;
	char room[96];
	struct script_call *ebt = begin(stage);
	assert_false(script_has(ebt, stage->carol.text));
	script_send(ebt, "{%s}", note(room, &stage->carol, 2 * 3));
	SCRIPT_UNTIL(&stage->peer, script_has(ebt, note(room, &stage->carol, 2 * 3 + 1)));
	script_linger(&stage->peer, 200);
	assert_false(script_has(ebt, "\"sequence\""));
	assert_false(script_has(ebt, note(room, &stage->carol, 2 * SAID)));
	assert_false(ebt->is_ended);
}

static void who_has_come_up_to_it_gets_the_rest(void **state)
{
	struct stage *stage = *state;
	char room[96];
	struct script_call *ebt = begin(stage);
	script_send(ebt, "{%s}", note(room, &stage->carol, 0));
	SCRIPT_UNTIL(&stage->peer, script_has(ebt, note(room, &stage->carol, 1)));
	/* By somebody else it got further, and says so as it does: by an odd note. */
	script_send(ebt, "{%s}", note(room, &stage->carol, 2 * (FIRST - 1) + 1));
	SCRIPT_UNTIL(&stage->peer, script_has(ebt, note(room, &stage->carol, 2 * SAID + 1)) ||
					   script_has(ebt, note(room, &stage->carol, 2 * SAID)));
	script_send(ebt, "{%s}", note(room, &stage->carol, 2 * (FIRST - 1)));
	SCRIPT_UNTIL(&stage->peer, script_has(ebt, "\"sequence\":10,"));
	assert_true(script_has(ebt, "\"sequence\":6,"));
	assert_false(script_has(ebt, "\"sequence\":5,"));
}

static void what_is_new_of_it_goes_on(void **state)
{
	struct stage *stage = *state;
	char room[96];
	struct script_call *ebt = begin(stage);
	script_send(ebt, "{%s}", note(room, &stage->carol, 2 * SAID + 2));
	SCRIPT_UNTIL(&stage->peer, script_has(ebt, note(room, &stage->carol, 2 * SAID)));
	struct message *next = author_post(&stage->carol, "new");
	script_send_span(ebt, next->compact);
	SCRIPT_UNTIL(&stage->peer, node_head(&stage->node, &stage->carol.id) == SAID + 1);
	message_free(next);
}

static void what_goes_while_somebody_takes_it_is_said(void **state)
{
	struct stage *stage = *state;
	char room[96];
	struct script_call *ebt = begin(stage);
	script_send(ebt, "{%s}", note(room, &stage->carol, 2 * 7 + 1));
	SCRIPT_UNTIL(&stage->peer, script_has(ebt, note(room, &stage->carol, 2 * SAID + 1)) ||
					   script_has(ebt, note(room, &stage->carol, 2 * SAID)));
	let_go(stage, SAID);
	SCRIPT_UNTIL(&stage->peer, script_has(ebt, note(room, &stage->carol, 2 * 7 + 1)));
	script_send(ebt, "{%s}", note(room, &stage->carol, 2 * 7));
	script_linger(&stage->peer, 200);
	assert_false(script_has(ebt, "\"sequence\""));
}

static void a_history_stream_from_below_is_empty(void **state)
{
	struct stage *stage = *state;
	char args[160];
	script_dial(&stage->peer, &stage->node);
	for (int from = 1; from <= FIRST; from++) {
		(void)snprintf(args, sizeof(args),
			"[{\"id\":\"%s\",\"sequence\":%d,\"keys\":false}]", stage->carol.text,
			from);
		struct script_call *call =
			script_open(&stage->peer, "createHistoryStream", RPC_SOURCE, args);
		SCRIPT_UNTIL(&stage->peer, call->is_ended);
		assert_int_equal(call->items, from < FIRST ? 0 : SAID - FIRST + 1);
	}
}

static void whom_we_follow_then_is_asked_for_from_the_first_message(void **state)
{
	struct stage *stage = *state;
	const struct let_go_request request = {
		.feed = stage->carol.id, .why = LET_GO_FOR_AGAIN, .at_least = 100, .at_most = 100};
	struct let_go_result result;
	struct author again;
	char room[96];
	struct script_call *ebt = begin(stage);
	script_send(ebt, "{%s}", note(room, &stage->carol, 2 * SAID + 1));
	node_contact(&stage->node, &stage->carol.id, EDGE_FOLLOW);
	assert_int_equal(writer_let_go(stage->node.writer, &request, &result), ERR_OK);
	assert_true(result.is_done);
	SCRIPT_UNTIL(&stage->peer, script_has(ebt, note(room, &stage->carol, 0)));
	author_init(&again, 2);
	for (int i = 0; i < SAID; i++) {
		struct message *message = author_post(&again, "word");
		script_send_span(ebt, message->compact);
		message_free(message);
	}
	SCRIPT_UNTIL(&stage->peer, node_head(&stage->node, &stage->carol.id) == SAID);
	author_fini(&again);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			who_is_below_is_told_that_we_are_level_and_gets_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			who_has_come_up_to_it_gets_the_rest, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_new_of_it_goes_on, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			what_goes_while_somebody_takes_it_is_said, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_history_stream_from_below_is_empty, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			whom_we_follow_then_is_asked_for_from_the_first_message, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
