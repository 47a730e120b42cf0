/* sync/ebt: the conversation, seen from a peer that follows a script (vectors/ebt.json has the same
 * scenes). */
#include "lib/cmocka.h"
#include "lib/script.h"

#include <stdio.h>
#include <stdlib.h>

static const char replicate[] = "[{\"version\":3,\"format\":\"classic\"}]";

struct stage {
	struct node node;
	struct script peer;
};

static int set_up(void **state)
{
	struct stage *stage = calloc(1, sizeof(*stage));
	node_init(&stage->node, 0);
	script_init(&stage->peer, 1);
	*state = stage;
	return 0;
}

static int tear_down(void **state)
{
	struct stage *stage = *state;
	script_fini(&stage->peer);
	node_fini(&stage->node);
	free(stage);
	return 0;
}

/* The note of `id` as it stands in an item. */
static char *note(char room[static 96], const struct author *author, int value)
{
	(void)snprintf(room, 96, "\"%s\":%d", author->text, value);
	return room;
}

static struct script_call *begin(struct stage *stage)
{
	script_dial(&stage->peer, &stage->node);
	return script_open(&stage->peer, "ebt.replicate", RPC_DUPLEX, replicate);
}

static void as_dialled_the_first_notes_go_out_at_once_even_if_the_peer_is_silent(void **state)
{
	struct stage *stage = *state;
	char room[96];
	(void)node_publish(&stage->node, "{\"type\":\"post\",\"text\":\"one\"}");
	struct script_call *ebt = begin(stage);
	SCRIPT_UNTIL(&stage->peer, ebt->items >= 1);
	assert_true(script_has(ebt, note(room, &stage->node.self, 2)));
}

static void nothing_new_is_said_as_an_empty_object(void **state)
{
	struct stage *stage = *state;
	char room[96];
	(void)node_publish(&stage->node, "{\"type\":\"post\",\"text\":\"one\"}");
	/* Only of peers somebody has spoken of it is remembered what they have. */
	node_contact(&stage->node, &stage->peer.self.id, EDGE_NEITHER);
	struct script_call *ebt = begin(stage);
	script_send(ebt, "{%s}", note(room, &stage->node.self, 4));
	SCRIPT_UNTIL(&stage->peer, ebt->items >= 1);
	script_linger(&stage->peer, 50);
	script_close(&stage->peer);
	node_wait_peer(&stage->node, &stage->peer.self.id, false);
	ebt = begin(stage);
	SCRIPT_UNTIL(&stage->peer, ebt->items >= 1);
	assert_true(script_has(ebt, "{}\n"));
	/* Now something happened: it is announced, and pulled by an even note. */
	(void)node_publish(&stage->node, "{\"type\":\"post\",\"text\":\"two\"}");
	SCRIPT_UNTIL(&stage->peer, script_has(ebt, note(room, &stage->node.self, 6)));
	assert_false(script_has(ebt, "\"text\""));
	script_send(ebt, "{%s}", note(room, &stage->node.self, 4));
	SCRIPT_UNTIL(&stage->peer, script_has(ebt, "\"two\""));
	assert_false(script_has(ebt, "\"one\""));
}

static void messages_come_in_order_and_new_ones_follow_at_once(void **state)
{
	struct stage *stage = *state;
	char room[96];
	for (int i = 1; i <= 200; i++) {
		(void)node_publish(&stage->node, "{\"type\":\"post\",\"text\":\"%d\"}", i);
	}
	struct script_call *ebt = begin(stage);
	SCRIPT_UNTIL(&stage->peer, ebt->items >= 1);
	size_t notes = ebt->items;
	script_send(ebt, "{\"clock\":{%s}}", note(room, &stage->node.self, 0));
	SCRIPT_UNTIL(&stage->peer, ebt->items >= notes + 200);
	(void)node_publish(&stage->node, "{\"type\":\"post\",\"text\":\"live\"}");
	SCRIPT_UNTIL(&stage->peer, script_has(ebt, "\"live\""));
	const char *at = buf_cstr(&ebt->text);
	for (int i = 1; i <= 201; i++) {
		char sequence[32];
		(void)snprintf(sequence, sizeof(sequence), "\"sequence\":%d,", i);
		const char *next = strstr(at, sequence);
		assert_non_null(next);
		at = next;
	}
	assert_int_equal(ebt->items, notes + 201);
}

static void an_even_note_at_a_lower_number_rewinds(void **state)
{
	struct stage *stage = *state;
	char room[96];
	for (int i = 1; i <= 3; i++) {
		(void)node_publish(&stage->node, "{\"type\":\"post\",\"text\":\"%d\"}", i);
	}
	struct script_call *ebt = begin(stage);
	SCRIPT_UNTIL(&stage->peer, ebt->items >= 1);
	script_send(ebt, "{%s}", note(room, &stage->node.self, 0));
	SCRIPT_UNTIL(&stage->peer, script_has(ebt, "\"sequence\":3,"));
	buf_clear(&ebt->text);
	script_send(ebt, "{%s}", note(room, &stage->node.self, 2));
	SCRIPT_UNTIL(&stage->peer, script_has(ebt, "\"sequence\":3,"));
	assert_true(script_has(ebt, "\"sequence\":2,"));
	assert_false(script_has(ebt, "\"sequence\":1,"));
}

static void an_odd_note_gets_no_messages(void **state)
{
	struct stage *stage = *state;
	char room[96];
	(void)node_publish(&stage->node, "{\"type\":\"post\",\"text\":\"one\"}");
	struct script_call *ebt = begin(stage);
	script_send(ebt, "{%s}", note(room, &stage->node.self, 1));
	script_linger(&stage->peer, 200);
	assert_true(ebt->items >= 1);
	assert_false(script_has(ebt, "\"text\""));
}

static void an_unwanted_feed_is_answered_with_minus_one_and_a_minus_one_with_nothing(void **state)
{
	struct stage *stage = *state;
	struct author carol;
	struct author dave;
	char room[96];
	char room_two[96];
	author_init(&carol, 2);
	author_init(&dave, 3);
	struct script_call *ebt = begin(stage);
	script_send(ebt, "{%s,%s,\"rubbish\":4,\"@x\":true}", note(room, &carol, 0),
		note(room_two, &dave, -1));
	SCRIPT_UNTIL(&stage->peer, script_has(ebt, note(room, &carol, -1)));
	script_linger(&stage->peer, 100);
	assert_false(script_has(ebt, dave.text));
	/* Following her later asks this peer after all. */
	node_contact(&stage->node, &carol.id, EDGE_FOLLOW);
	SCRIPT_UNTIL(&stage->peer, script_has(ebt, note(room, &carol, 0)));
	author_fini(&carol);
	author_fini(&dave);
}

static void unfollowing_says_minus_one_and_ignores_what_still_comes(void **state)
{
	struct stage *stage = *state;
	char room[96];
	node_contact(&stage->node, &stage->peer.self.id, EDGE_FOLLOW);
	struct message *one = author_post(&stage->peer.self, "one");
	struct message *two = author_post(&stage->peer.self, "two");
	struct script_call *ebt = begin(stage);
	SCRIPT_UNTIL(&stage->peer, script_has(ebt, note(room, &stage->peer.self, 0)));
	script_send_span(ebt, one->compact);
	SCRIPT_UNTIL(&stage->peer, node_head(&stage->node, &stage->peer.self.id) >= 1);
	node_contact(&stage->node, &stage->peer.self.id, EDGE_NEITHER);
	SCRIPT_UNTIL(&stage->peer, script_has(ebt, note(room, &stage->peer.self, -1)));
	script_send_span(ebt, two->compact);
	script_linger(&stage->peer, 100);
	assert_int_equal(node_head(&stage->node, &stage->peer.self.id), 1);
	assert_false(ebt->is_ended);
	message_free(one);
	message_free(two);
}

static void following_again_takes_the_minus_one_back_even_at_the_same_number(void **state)
{
	struct stage *stage = *state;
	char room[96];
	node_contact(&stage->node, &stage->peer.self.id, EDGE_FOLLOW);
	struct message *one = author_post(&stage->peer.self, "one");
	struct script_call *ebt = begin(stage);
	SCRIPT_UNTIL(&stage->peer, script_has(ebt, note(room, &stage->peer.self, 0)));
	script_send_span(ebt, one->compact);
	SCRIPT_UNTIL(&stage->peer, node_head(&stage->node, &stage->peer.self.id) >= 1);
	node_contact(&stage->node, &stage->peer.self.id, EDGE_NEITHER);
	SCRIPT_UNTIL(&stage->peer, script_has(ebt, note(room, &stage->peer.self, -1)));
	node_contact(&stage->node, &stage->peer.self.id, EDGE_FOLLOW);
	SCRIPT_UNTIL(&stage->peer, script_has(ebt, note(room, &stage->peer.self, 2)));
	message_free(one);
}

static void a_minus_one_of_an_earlier_connection_is_taken_back_too(void **state)
{
	struct stage *stage = *state;
	char room[96];
	node_contact(&stage->node, &stage->peer.self.id, EDGE_FOLLOW);
	struct message *one = author_post(&stage->peer.self, "one");
	struct script_call *ebt = begin(stage);
	SCRIPT_UNTIL(&stage->peer, script_has(ebt, note(room, &stage->peer.self, 0)));
	script_send_span(ebt, one->compact);
	SCRIPT_UNTIL(&stage->peer, node_head(&stage->node, &stage->peer.self.id) >= 1);
	node_contact(&stage->node, &stage->peer.self.id, EDGE_NEITHER);
	SCRIPT_UNTIL(&stage->peer, script_has(ebt, note(room, &stage->peer.self, -1)));
	script_close(&stage->peer);
	node_wait_peer(&stage->node, &stage->peer.self.id, false);
	node_contact(&stage->node, &stage->peer.self.id, EDGE_FOLLOW);
	ebt = begin(stage);
	SCRIPT_UNTIL(&stage->peer, script_has(ebt, note(room, &stage->peer.self, 2)));
	message_free(one);
}

/* EBT 7 keeps the highest number it heard from us, in this session or an earlier one. */
static void a_peer_that_says_it_has_more_and_sends_nothing_is_asked_by_history(void **state)
{
	struct stage *stage = *state;
	char room[96];
	node_contact(&stage->node, &stage->peer.self.id, EDGE_FOLLOW);
	struct message *one = author_post(&stage->peer.self, "one");
	struct message *two = author_post(&stage->peer.self, "two");
	struct message *three = author_post(&stage->peer.self, "three");
	struct script_call *ebt = begin(stage);
	SCRIPT_UNTIL(&stage->peer, script_has(ebt, note(room, &stage->peer.self, 0)));
	script_send(ebt, "{%s}", note(room, &stage->peer.self, 4));
	SCRIPT_UNTIL(&stage->peer, script_called(&stage->peer, "createHistoryStream", 0) != NULL);
	struct script_call *history = script_called(&stage->peer, "createHistoryStream", 0);
	assert_non_null(strstr(history->args, stage->peer.self.text));
	assert_non_null(strstr(history->args, "\"seq\":1,"));
	assert_non_null(strstr(history->args, "\"live\":false"));
	script_send_span(history, one->compact);
	script_send_span(history, two->compact);
	rpc_end(history->call);
	SCRIPT_UNTIL(&stage->peer, node_head(&stage->node, &stage->peer.self.id) >= 2);
	/* Only what was missing, once; what is new comes over EBT again. */
	script_send_span(ebt, three->compact);
	SCRIPT_UNTIL(&stage->peer, node_head(&stage->node, &stage->peer.self.id) >= 3);
	assert_null(script_called(&stage->peer, "createHistoryStream", 1));
	message_free(one);
	message_free(two);
	message_free(three);
}

static void a_fork_keeps_the_prefix_and_stops_this_feed_from_this_peer_only(void **state)
{
	struct stage *stage = *state;
	char room[96];
	struct author twin;
	struct author carol;
	author_init(&carol, 2);
	node_contact(&stage->node, &stage->peer.self.id, EDGE_FOLLOW);
	node_contact(&stage->node, &carol.id, EDGE_FOLLOW);
	struct message *one = author_post(&stage->peer.self, "one");
	author_twin(&twin, 1, &stage->peer.self.head);
	struct message *two = author_post(&stage->peer.self, "two");
	struct message *other = author_post(&twin, "two, otherwise");
	struct message *three = author_post(&twin, "three, otherwise");
	struct message *hers = author_post(&carol, "hers");
	struct script_call *ebt = begin(stage);
	SCRIPT_UNTIL(&stage->peer, script_has(ebt, note(room, &carol, 0)));
	script_send_span(ebt, one->compact);
	script_send_span(ebt, two->compact);
	SCRIPT_UNTIL(&stage->peer, node_head(&stage->node, &stage->peer.self.id) >= 2);
	script_send_span(ebt, three->compact);
	SCRIPT_UNTIL(&stage->peer, script_has(ebt, note(room, &stage->peer.self, -1)));
	script_send_span(ebt, other->compact);
	script_send_span(ebt, hers->compact);
	SCRIPT_UNTIL(&stage->peer, node_head(&stage->node, &carol.id) >= 1);
	assert_int_equal(node_head(&stage->node, &stage->peer.self.id), 2);
	assert_false(ebt->is_ended);
	assert_int_equal(node_figures(&stage->node).refused, 1);
	message_free(one);
	message_free(two);
	message_free(other);
	message_free(three);
	message_free(hers);
	author_fini(&twin);
	author_fini(&carol);
}

static void an_invalid_message_stops_the_feed_for_that_peer_and_a_good_copy_comes_from_another(
	void **state)
{
	struct stage *stage = *state;
	struct author carol;
	struct script second;
	char room[96];
	author_init(&carol, 2);
	script_init(&second, 3);
	node_contact(&stage->node, &carol.id, EDGE_FOLLOW);
	struct message *one = author_post(&carol, "good");
	struct buf broken = BUF_INIT(LIMIT_MESSAGE_BYTES);
	assert_int_equal(buf_append(&broken, one->compact), ERR_OK);
	memcpy(memmem(broken.at, broken.len, "good", 4), "evil", 4);
	struct script_call *ebt = begin(stage);
	script_dial(&second, &stage->node);
	struct script_call *other = script_open(&second, "ebt.replicate", RPC_DUPLEX, replicate);
	SCRIPT_UNTIL(&stage->peer, script_has(ebt, note(room, &carol, 0)));
	SCRIPT_UNTIL(&second, script_has(other, note(room, &carol, 1)));
	script_send(other, "{%s}", note(room, &carol, 2));
	script_send(ebt, "{%s}", note(room, &carol, 2));
	script_send_span(ebt, buf_span(&broken));
	SCRIPT_UNTIL(&stage->peer, script_has(ebt, note(room, &carol, -1)));
	SCRIPT_UNTIL(&second, script_has(other, note(room, &carol, 0)));
	script_send_span(ebt, one->compact);
	script_linger(&stage->peer, 100);
	assert_int_equal(node_head(&stage->node, &carol.id), 0);
	script_send_span(other, one->compact);
	SCRIPT_UNTIL(&second, node_head(&stage->node, &carol.id) == 1);
	assert_false(script_has(other, note(room, &carol, -1)));
	assert_false(stage->peer.is_closed);
	buf_fini(&broken);
	message_free(one);
	script_fini(&second);
	author_fini(&carol);
}

/* The first message of author `number`, with a signature that does not match. */
static void send_broken(struct stage *stage, struct script_call *ebt, unsigned number)
{
	struct author author;
	struct buf broken = BUF_INIT(LIMIT_MESSAGE_BYTES);
	char room[96];
	author_init(&author, number);
	node_contact(&stage->node, &author.id, EDGE_FOLLOW);
	struct message *one = author_post(&author, "good");
	assert_int_equal(buf_append(&broken, one->compact), ERR_OK);
	memcpy(memmem(broken.at, broken.len, "good", 4), "evil", 4);
	SCRIPT_UNTIL(&stage->peer, script_has(ebt, note(room, &author, 0)));
	script_send_span(ebt, buf_span(&broken));
	buf_fini(&broken);
	message_free(one);
	author_fini(&author);
}

static void who_sends_more_invalid_messages_than_a_mistake_explains_is_closed(void **state)
{
	struct stage *stage = *state;
	struct script_call *ebt = begin(stage);
	for (unsigned i = 0; i < LIMIT_PEER_BAD_SIGNATURES; i++) {
		send_broken(stage, ebt, 100 + i);
		SCRIPT_UNTIL(&stage->peer, node_figures(&stage->node).refused == i + 1);
	}
	script_linger(&stage->peer, 50);
	assert_false(stage->peer.is_closed);
	send_broken(stage, ebt, 100 + LIMIT_PEER_BAD_SIGNATURES);
	SCRIPT_UNTIL(&stage->peer, stage->peer.is_closed);
}

static void good_messages_before_a_bad_one_in_the_same_breath_are_kept(void **state)
{
	struct stage *stage = *state;
	char room[96];
	node_contact(&stage->node, &stage->peer.self.id, EDGE_FOLLOW);
	struct message *messages[4];
	for (size_t i = 0; i < 4; i++) {
		messages[i] = author_post(&stage->peer.self, "good");
	}
	struct buf broken = BUF_INIT(LIMIT_MESSAGE_BYTES);
	assert_int_equal(buf_append(&broken, messages[2]->compact), ERR_OK);
	memcpy(memmem(broken.at, broken.len, "good", 4), "evil", 4);
	struct script_call *ebt = begin(stage);
	SCRIPT_UNTIL(&stage->peer, script_has(ebt, note(room, &stage->peer.self, 0)));
	script_send_span(ebt, messages[0]->compact);
	script_send_span(ebt, messages[1]->compact);
	script_send_span(ebt, buf_span(&broken));
	script_send_span(ebt, messages[3]->compact);
	SCRIPT_UNTIL(&stage->peer, script_has(ebt, note(room, &stage->peer.self, -1)));
	SCRIPT_UNTIL(&stage->peer, node_head(&stage->node, &stage->peer.self.id) == 2);
	assert_int_equal(node_figures(&stage->node).refused, 1);
	buf_fini(&broken);
	for (size_t i = 0; i < 4; i++) {
		message_free(messages[i]);
	}
}

static void a_gap_is_dropped_and_asked_for_again(void **state)
{
	struct stage *stage = *state;
	char room[96];
	node_contact(&stage->node, &stage->peer.self.id, EDGE_FOLLOW);
	struct message *one = author_post(&stage->peer.self, "one");
	struct message *two = author_post(&stage->peer.self, "two");
	struct script_call *ebt = begin(stage);
	SCRIPT_UNTIL(&stage->peer, script_has(ebt, note(room, &stage->peer.self, 0)));
	buf_clear(&ebt->text);
	script_send_span(ebt, two->compact);
	SCRIPT_UNTIL(&stage->peer, script_has(ebt, note(room, &stage->peer.self, 0)));
	script_send_span(ebt, one->compact);
	script_send_span(ebt, two->compact);
	SCRIPT_UNTIL(&stage->peer, node_head(&stage->node, &stage->peer.self.id) == 2);
	message_free(one);
	message_free(two);
}

static void an_author_who_blocks_the_peer_is_not_given_to_it(void **state)
{
	struct stage *stage = *state;
	struct author carol;
	char room[96];
	author_init(&carol, 2);
	struct message *hers[] = {author_post(&carol, "hers"),
		author_contact(&carol, &stage->peer.self.id, EDGE_BLOCK)};
	node_append(&stage->node, hers, 2);
	/* Her feed is replicated from here on, and the graph that says so knows her block. */
	node_contact(&stage->node, &carol.id, EDGE_FOLLOW);
	struct script_call *ebt = begin(stage);
	script_send(ebt, "{%s}", note(room, &carol, 0));
	SCRIPT_UNTIL(&stage->peer, script_has(ebt, note(room, &carol, -1)));
	script_linger(&stage->peer, 100);
	assert_false(script_has(ebt, "\"hers\""));
	author_fini(&carol);
}

static void a_peer_we_block_is_disconnected_and_not_let_in_again(void **state)
{
	struct stage *stage = *state;
	struct script_call *ebt = begin(stage);
	SCRIPT_UNTIL(&stage->peer, ebt->items >= 1);
	node_contact(&stage->node, &stage->peer.self.id, EDGE_BLOCK);
	SCRIPT_UNTIL(&stage->peer, stage->peer.is_closed);
	script_dial(&stage->peer, &stage->node);
	assert_true(stage->peer.is_closed);
	assert_false(stage->peer.is_ready);
}

static void a_second_call_replaces_the_first(void **state)
{
	struct stage *stage = *state;
	char room[96];
	struct script_call *first = begin(stage);
	SCRIPT_UNTIL(&stage->peer, first->items >= 1);
	struct script_call *second =
		script_open(&stage->peer, "ebt.replicate", RPC_DUPLEX, "[{\"version\":3}]");
	SCRIPT_UNTIL(&stage->peer, first->is_ended);
	assert_string_equal(first->error, "reconnected to peer");
	(void)node_publish(&stage->node, "{\"type\":\"post\",\"text\":\"one\"}");
	script_send(second, "{%s}", note(room, &stage->node.self, 0));
	SCRIPT_UNTIL(&stage->peer, script_has(second, "\"one\""));
}

static void refuse(struct stage *stage, const char *args, const char *expected)
{
	struct script_call *ebt = script_open(&stage->peer, "ebt.replicate", RPC_DUPLEX, args);
	SCRIPT_UNTIL(&stage->peer, ebt->is_ended);
	assert_string_equal(ebt->error, expected);
}

static void other_versions_and_formats_are_refused_in_words_peers_know(void **state)
{
	struct stage *stage = *state;
	script_dial(&stage->peer, &stage->node);
	refuse(stage, "[{\"version\":2}]", "expected ebt.replicate({version: 3})");
	refuse(stage, "[{\"version\":\"3\"}]", "expected ebt.replicate({version: 3})");
	refuse(stage, "[]", "expected ebt.replicate({version: 3})");
	refuse(stage, "[{\"version\":3,\"format\":\"bendybutt-v1\"}]",
		"Unknown format: bendybutt-v1");
	assert_int_equal(node_figures(&stage->node).calls_refused, 4);
	assert_false(stage->peer.is_closed);
}

static void as_dialler_we_keep_silent_until_the_first_notes(void **state)
{
	struct stage *stage = *state;
	char room[96];
	(void)node_publish(&stage->node, "{\"type\":\"post\",\"text\":\"one\"}");
	script_listen(&stage->peer);
	struct address address = script_address(&stage->peer);
	sync_address_added(stage->node.sync, &address);
	SCRIPT_UNTIL(&stage->peer, script_called(&stage->peer, "ebt.replicate", 0) != NULL);
	struct script_call *ebt = script_called(&stage->peer, "ebt.replicate", 0);
	assert_string_equal(ebt->args, replicate);
	script_linger(&stage->peer, 300);
	assert_int_equal(ebt->items, 0);
	script_send(ebt, "{}");
	SCRIPT_UNTIL(&stage->peer, script_has(ebt, note(room, &stage->node.self, 2)));
}

static void a_peer_that_waits_too_hears_our_notes_in_the_end(void **state)
{
	struct stage *stage = *state;
	script_listen(&stage->peer);
	struct address address = script_address(&stage->peer);
	sync_address_added(stage->node.sync, &address);
	SCRIPT_UNTIL(&stage->peer, script_called(&stage->peer, "ebt.replicate", 0) != NULL);
	struct script_call *ebt = script_called(&stage->peer, "ebt.replicate", 0);
	SCRIPT_UNTIL(&stage->peer, ebt->items >= 1);
}

static void a_peer_without_ebt_is_asked_by_history_streams_ours_first(void **state)
{
	struct stage *stage = *state;
	stage->peer.refuses_ebt = true;
	node_contact(&stage->node, &stage->peer.self.id, EDGE_FOLLOW);
	script_listen(&stage->peer);
	struct address address = script_address(&stage->peer);
	sync_address_added(stage->node.sync, &address);
	SCRIPT_UNTIL(&stage->peer, script_called(&stage->peer, "createHistoryStream", 1) != NULL);
	char expected[160];
	(void)snprintf(expected, sizeof(expected),
		"[{\"id\":\"%s\",\"seq\":2,\"live\":true,\"keys\":false}]", stage->node.self.text);
	assert_string_equal(script_called(&stage->peer, "createHistoryStream", 0)->args, expected);
	/* As ssb-db2 does: by time, not by number. */
	struct script_call *stream = script_called(&stage->peer, "createHistoryStream", 1);
	struct message *messages[9];
	for (size_t i = 0; i < 9; i++) {
		messages[i] = author_post(&stage->peer.self, "hello");
	}
	static const size_t order[] = {0, 1, 2, 5, 6, 4, 3, 8, 7};
	script_send(stream, "{\"sync\":true}");
	for (size_t i = 0; i < 9; i++) {
		script_send_span(stream, messages[order[i]]->compact);
	}
	SCRIPT_UNTIL(&stage->peer, node_head(&stage->node, &stage->peer.self.id) == 9);
	for (size_t i = 0; i < 9; i++) {
		message_free(messages[i]);
	}
}

static void a_dialler_who_asks_by_history_is_asked_the_same_way(void **state)
{
	struct stage *stage = *state;
	script_dial(&stage->peer, &stage->node);
	char args[128];
	(void)snprintf(
		args, sizeof(args), "[{\"id\":\"%s\",\"live\":true}]", stage->node.self.text);
	(void)script_open(&stage->peer, "createHistoryStream", RPC_SOURCE, args);
	SCRIPT_UNTIL(&stage->peer, script_called(&stage->peer, "createHistoryStream", 0) != NULL);
	/* Until it opens EBT after all. */
	struct script_call *stream = script_called(&stage->peer, "createHistoryStream", 0);
	struct script_call *ebt = script_open(&stage->peer, "ebt.replicate", RPC_DUPLEX, replicate);
	SCRIPT_UNTIL(&stage->peer, ebt->items >= 1 && stream->is_ended);
}

/* Notes of `count` made-up feeds. */
static void say_notes(struct script_call *ebt, unsigned count)
{
	struct buf text = BUF_INIT(LIMIT_RPC_NOTE_BYTES);
	struct author one;
	author_init(&one, 50);
	for (unsigned i = 0; i < count; i++) {
		char id[FEED_ID_TEXT_BYTES];
		memcpy(one.id.at, &i, sizeof(i));
		feed_id_format(&one.id, id);
		assert_int_equal(buf_printf(&text, "%c\"%s\":0", i == 0 ? '{' : ',', id), ERR_OK);
	}
	assert_int_equal(buf_append_byte(&text, '}'), ERR_OK);
	script_send_span(ebt, buf_span(&text));
	buf_fini(&text);
	author_fini(&one);
}

static size_t count_of(const struct script_call *call, const char *what)
{
	size_t count = 0;
	const char *at = buf_cstr((struct buf *)(uintptr_t)&call->text);
	while (at != NULL && (at = strstr(at, what)) != NULL) {
		count++;
		at += strlen(what);
	}
	return count;
}

static void notes_of_many_unknown_feeds_are_each_answered_in_small_items(void **state)
{
	struct stage *stage = *state;
	struct script_call *ebt = begin(stage);
	enum { MANY = LIMIT_NOTES_PER_ITEM * 4 + 1 };
	say_notes(ebt, MANY);
	SCRIPT_UNTIL(&stage->peer, count_of(ebt, "\":-1") == MANY);
	/* Five items of answers; the first notes may be in one of them. */
	assert_true(ebt->items >= 5);
	assert_false(stage->peer.is_closed);
}

static void more_bytes_of_notes_than_a_stranger_may_send_close_the_connection(void **state)
{
	struct stage *stage = *state;
	struct script_call *ebt = begin(stage);
	say_notes(ebt, LIMIT_RPC_NOTE_BYTES_STRANGER / 50);
	SCRIPT_UNTIL(&stage->peer, stage->peer.is_closed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define SCENE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		SCENE(as_dialled_the_first_notes_go_out_at_once_even_if_the_peer_is_silent),
		SCENE(nothing_new_is_said_as_an_empty_object),
		SCENE(messages_come_in_order_and_new_ones_follow_at_once),
		SCENE(an_even_note_at_a_lower_number_rewinds),
		SCENE(an_odd_note_gets_no_messages),
		SCENE(an_unwanted_feed_is_answered_with_minus_one_and_a_minus_one_with_nothing),
		SCENE(unfollowing_says_minus_one_and_ignores_what_still_comes),
		SCENE(a_fork_keeps_the_prefix_and_stops_this_feed_from_this_peer_only),
		SCENE(an_invalid_message_stops_the_feed_for_that_peer_and_a_good_copy_comes_from_another),
		SCENE(who_sends_more_invalid_messages_than_a_mistake_explains_is_closed),
		SCENE(good_messages_before_a_bad_one_in_the_same_breath_are_kept),
		SCENE(following_again_takes_the_minus_one_back_even_at_the_same_number),
		SCENE(a_minus_one_of_an_earlier_connection_is_taken_back_too),
		SCENE(a_peer_that_says_it_has_more_and_sends_nothing_is_asked_by_history),
		SCENE(a_gap_is_dropped_and_asked_for_again),
		SCENE(an_author_who_blocks_the_peer_is_not_given_to_it),
		SCENE(a_peer_we_block_is_disconnected_and_not_let_in_again),
		SCENE(a_second_call_replaces_the_first),
		SCENE(other_versions_and_formats_are_refused_in_words_peers_know),
		SCENE(as_dialler_we_keep_silent_until_the_first_notes),
		SCENE(a_peer_that_waits_too_hears_our_notes_in_the_end),
		SCENE(a_peer_without_ebt_is_asked_by_history_streams_ours_first),
		SCENE(a_dialler_who_asks_by_history_is_asked_the_same_way),
		SCENE(notes_of_many_unknown_feeds_are_each_answered_in_small_items),
		SCENE(more_bytes_of_notes_than_a_stranger_may_send_close_the_connection),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
