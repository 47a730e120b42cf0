/* sync/recover, confirm, replay, twin: what the network does for a feed that must not fork. */
#include "lib/cmocka.h"
#include "lib/script.h"

#include "net/link_pair.h"
#include "store/safety.h"
#include "sync/core.h"
#include "sync/peers.h"
#include "sync/schedule.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char replicate[] = "[{\"version\":3,\"format\":\"classic\"}]";

struct stage {
	struct node ana;
	struct node ben;
	struct script peer;
};

static int set_up(void **state)
{
	struct stage *stage = calloc(1, sizeof(*stage));
	node_init(&stage->ana, 0);
	node_init(&stage->ben, 1);
	script_init(&stage->peer, 2);
	*state = stage;
	return 0;
}

static int tear_down(void **state)
{
	struct stage *stage = *state;
	script_fini(&stage->peer);
	node_fini(&stage->ana);
	node_fini(&stage->ben);
	free(stage);
	return 0;
}

static void post(struct node *node, int count)
{
	for (int i = 0; i < count; i++) {
		(void)node_publish(node, "{\"type\":\"post\",\"text\":\"%d\"}", i);
	}
}

static void befriend(struct stage *stage)
{
	node_contact(&stage->ana, &stage->ben.self.id, EDGE_FOLLOW);
	node_contact(&stage->ben, &stage->ana.self.id, EDGE_FOLLOW);
}

/* The peer is somebody ana knows. */
static void know(struct stage *stage)
{
	node_contact(&stage->ana, &stage->peer.self.id, EDGE_FOLLOW);
	WAIT_UNTIL(node_figures(&stage->ana).feeds == 2);
}

struct search {
	const struct feed_id *peer;
	struct guard_holder found;
	size_t count;
};

static void take(void *ctx, const struct guard_holder *holder)
{
	struct search *search = ctx;
	search->count++;
	if (feed_id_equal(&holder->peer, search->peer)) {
		search->found = *holder;
	}
}

static struct guard_holder holder(struct node *node, const struct feed_id *peer)
{
	struct search search = {.peer = peer, .found = {.told = -1}};
	assert_int_equal(
		reader_holders(node->reader, node_guard(node).spell, take, &search), ERR_OK);
	return search.found;
}

static bool has_confirmed(struct node *node, const struct feed_id *peer, int64_t told)
{
	struct guard_holder row = holder(node, peer);
	return row.told == told && row.agreement == GUARD_AGREES;
}

/* Our stored message as the peer would send it. */
static bool take_text(void *ctx, const struct stored *stored)
{
	assert_int_equal(buf_append(ctx, stored->compact), ERR_OK);
	return false;
}

static void send_stored(struct node *node, struct script_call *call, uint64_t sequence)
{
	struct buf text = BUF_INIT(LIMIT_MESSAGE_BYTES);
	assert_int_equal(
		reader_feed(node->reader, &node->self.id, sequence, 1, take_text, &text), ERR_OK);
	script_send_span(call, buf_span(&text));
	buf_fini(&text);
}

static char *note(char room[static 96], const struct author *author, int64_t value)
{
	(void)snprintf(room, 96, "\"%s\":%lld", author->text, (long long)value);
	return room;
}

/* Publish, and make a copy of the database of before. */
static void publish_behind_a_copy(struct stage *stage, int before, int after)
{
	struct feed_id ana = stage->ana.self.id;
	post(&stage->ana, before);
	befriend(stage);
	node_connect(&stage->ana, &stage->ben);
	node_wait(&stage->ben, &ana, (uint64_t)before + 1);
	node_stop(&stage->ana);
	node_save(&stage->ana);
	node_start(&stage->ana);
	node_connect(&stage->ana, &stage->ben);
	post(&stage->ana, after);
	node_wait(&stage->ben, &ana, (uint64_t)(before + 1 + after));
	node_stop(&stage->ana);
}

static enum err try_to_post(struct node *node, struct publish_result *result)
{
	static const char text[] = "{\"type\":\"post\",\"text\":\"too early\"}";
	const struct publish_request request = {.content = span_text(text)};
	return writer_publish(node->writer, &request, result);
}

static void an_older_database_gets_its_tail_back_and_its_holder_confirms(void **state)
{
	struct stage *stage = *state;
	struct publish_result result;
	publish_behind_a_copy(stage, 3, 200);
	node_restore(&stage->ana, false);
	node_start(&stage->ana);
	assert_int_equal(node_guard(&stage->ana).state, FENCE_SUSPECT);
	assert_int_equal(node_head(&stage->ana, &stage->ana.self.id), 4);
	assert_int_equal(try_to_post(&stage->ana, &result), ERR_PAUSED);
	node_connect(&stage->ana, &stage->ben);
	node_wait(&stage->ana, &stage->ana.self.id, 204);
	nodes_agree(&stage->ana, &stage->ben, &stage->ana.self.id);
	WAIT_UNTIL(has_confirmed(&stage->ana, &stage->ben.self.id, 204));
	assert_int_equal(node_guard(&stage->ana).state, FENCE_SUSPECT);
	assert_int_equal(node_head(&stage->ben, &stage->ana.self.id), 204);
}

static void with_the_key_alone_everything_comes_back_and_nothing_is_signed(void **state)
{
	struct stage *stage = *state;
	struct publish_result result;
	publish_behind_a_copy(stage, 3, 150);
	node_lose_all(&stage->ana);
	node_start(&stage->ana);
	assert_int_equal(node_guard(&stage->ana).state, FENCE_SUSPECT);
	assert_int_equal(try_to_post(&stage->ana, &result), ERR_PAUSED);
	node_connect(&stage->ben, &stage->ana);
	node_wait(&stage->ana, &stage->ana.self.id, 154);
	nodes_agree(&stage->ana, &stage->ben, &stage->ana.self.id);
	/* Who dialled in was a stranger until our own feed told that we follow them. */
	WAIT_UNTIL(has_confirmed(&stage->ana, &stage->ben.self.id, 154));
	assert_int_equal(node_head(&stage->ben, &stage->ana.self.id), 154);
}

static void who_holds_our_feed_is_known_after_a_restart_but_strangers_are_not(void **state)
{
	struct stage *stage = *state;
	struct sync_holder holders[4];
	size_t count = 0;
	char room[96];
	post(&stage->ana, 3);
	befriend(stage);
	node_connect(&stage->ana, &stage->ben);
	node_wait(&stage->ben, &stage->ana.self.id, 4);
	script_dial(&stage->peer, &stage->ana);
	struct script_call *ebt = script_open(&stage->peer, "ebt.replicate", RPC_DUPLEX, replicate);
	script_send(ebt, "{%s}", note(room, &stage->ana.self, 8));
	WAIT_UNTIL((script_turn(&stage->peer),
		sync_holders(stage->ana.sync, holders, 4, &count) == ERR_OK && count == 2));
	script_close(&stage->peer);
	node_stop(&stage->ben);
	node_stop(&stage->ana);
	node_start(&stage->ana);
	assert_int_equal(sync_holders(stage->ana.sync, holders, 4, &count), ERR_OK);
	assert_int_equal(count, 1);
	assert_memory_equal(&holders[0].id, &stage->ben.self.id, sizeof(struct feed_id));
	assert_int_equal(holders[0].sequence, 4);
	node_start(&stage->ben);
}

static void a_claim_without_a_message_pauses_but_no_restart_remembers_it(void **state)
{
	struct stage *stage = *state;
	char room[96];
	post(&stage->ana, 3);
	know(stage);
	script_dial(&stage->peer, &stage->ana);
	struct script_call *ebt = script_open(&stage->peer, "ebt.replicate", RPC_DUPLEX, replicate);
	script_send(ebt, "{%s}", note(room, &stage->ana.self, 2000000000));
	SCRIPT_UNTIL(&stage->peer, node_guard(&stage->ana).state == FENCE_SUSPECT);
	assert_int_equal(node_guard(&stage->ana).cause, GUARD_CLAIM);
	/* It is asked for what it claims to have, both ways. */
	SCRIPT_UNTIL(&stage->peer, script_called(&stage->peer, "createHistoryStream", 0) != NULL);
	assert_non_null(
		strstr(script_called(&stage->peer, "createHistoryStream", 0)->args, "\"seq\":4,"));
	SCRIPT_UNTIL(&stage->peer, script_has(ebt, note(room, &stage->ana.self, 8)));
	node_stop(&stage->ana);
	node_start(&stage->ana);
	assert_int_equal(node_guard(&stage->ana).state, FENCE_CLEAN);
	post(&stage->ana, 1);
}

static void replays_of_our_own_messages_change_nothing(void **state)
{
	struct stage *stage = *state;
	char room[96];
	post(&stage->ana, 3);
	know(stage);
	script_dial(&stage->peer, &stage->ana);
	struct script_call *ebt = script_open(&stage->peer, "ebt.replicate", RPC_DUPLEX, replicate);
	script_send(ebt, "{%s}", note(room, &stage->ana.self, 6));
	for (int i = 0; i < 3 * LIMIT_OWN_REPLAYS_PER_MINUTE; i++) {
		send_stored(&stage->ana, ebt, (uint64_t)(1 + i % 3));
	}
	SCRIPT_UNTIL(&stage->peer,
		node_figures(&stage->ana).duplicates >= 3 * LIMIT_OWN_REPLAYS_PER_MINUTE);
	script_linger(&stage->peer, 200);
	assert_int_equal(node_guard(&stage->ana).state, FENCE_CLEAN);
	assert_int_equal(node_figures(&stage->ana).refused, 0);
	post(&stage->ana, 1);
}

/* The other side of a fork of ana's: her first message, then others. */
static void fork_off(struct stage *stage, struct author *other, struct message *messages[static 3])
{
	struct chain_head head = {0};
	struct buf text = BUF_INIT(LIMIT_MESSAGE_BYTES);
	struct message *first = NULL;
	const char *why = NULL;
	assert_int_equal(
		reader_feed(stage->ana.reader, &stage->ana.self.id, 1, 1, take_text, &text),
		ERR_OK);
	assert_int_equal(message_verify(buf_span(&text), NULL, &first, &why), ERR_OK);
	head = (struct chain_head){.sequence = 1, .key = first->key, .timestamp = first->timestamp};
	author_twin(other, 0, &head);
	messages[0] = author_post(other, "two, otherwise");
	messages[1] = author_post(other, "three, otherwise");
	messages[2] = author_post(other, "four, otherwise");
	message_free(first);
	buf_fini(&text);
}

static int64_t count_rows(const struct node *node, const char *table)
{
	char query[64];
	char path[128];
	sqlite3 *db = NULL;
	sqlite3_stmt *stmt = NULL;
	(void)snprintf(path, sizeof(path), "%s/kith.db", node->dir);
	(void)snprintf(query, sizeof(query), "SELECT count(*) FROM %s", table);
	assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, query, -1, &stmt, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	int64_t count = sqlite3_column_int64(stmt, 0);
	(void)sqlite3_finalize(stmt);
	(void)sqlite3_close(db);
	return count;
}

static void another_message_with_a_number_of_ours_is_a_fork_even_unasked(void **state)
{
	struct stage *stage = *state;
	struct author other;
	struct message *theirs[3];
	post(&stage->ana, 3);
	fork_off(stage, &other, theirs);
	script_dial(&stage->peer, &stage->ana);
	struct script_call *ebt = script_open(&stage->peer, "ebt.replicate", RPC_DUPLEX, replicate);
	script_send_span(ebt, theirs[1]->compact);
	SCRIPT_UNTIL(&stage->peer, node_guard(&stage->ana).state == FENCE_FORKED);
	assert_int_equal(node_guard(&stage->ana).fork_sequence, 3);
	/* Now the rest of it is asked for, by whatever the peer answers. */
	SCRIPT_UNTIL(&stage->peer, script_called(&stage->peer, "createHistoryStream", 0) != NULL);
	struct script_call *asked = script_called(&stage->peer, "createHistoryStream", 0);
	assert_non_null(strstr(asked->args, "\"seq\":1,"));
	send_stored(&stage->ana, asked, 1);
	for (int i = 0; i < 3; i++) {
		script_send_span(asked, theirs[i]->compact);
	}
	rpc_end(asked->call);
	SCRIPT_UNTIL(&stage->peer, count_rows(&stage->ana, "branch") == 3);
	assert_int_equal(node_guard(&stage->ana).fork_sequence, 2);
	for (int i = 0; i < 3; i++) {
		message_free(theirs[i]);
	}
	author_fini(&other);
}

/* After `replays` old messages of ours somebody sends one that differs. */
static void fork_after(struct stage *stage, int replays, bool is_seen)
{
	struct author other;
	struct message *theirs[3];
	post(&stage->ana, 3);
	fork_off(stage, &other, theirs);
	script_dial(&stage->peer, &stage->ana);
	struct script_call *ebt = script_open(&stage->peer, "ebt.replicate", RPC_DUPLEX, replicate);
	for (int i = 0; i < replays; i++) {
		send_stored(&stage->ana, ebt, 1);
	}
	script_send_span(ebt, theirs[0]->compact);
	SCRIPT_UNTIL(&stage->peer, node_figures(&stage->ana).duplicates >= (uint64_t)replays + 1);
	if (is_seen) {
		SCRIPT_UNTIL(&stage->peer, node_guard(&stage->ana).state == FENCE_FORKED);
	} else {
		script_linger(&stage->peer, 200);
		assert_int_equal(node_guard(&stage->ana).state, FENCE_CLEAN);
	}
	for (int i = 0; i < 3; i++) {
		message_free(theirs[i]);
	}
	author_fini(&other);
}

static void replays_up_to_the_limit_are_looked_at(void **state)
{
	fork_after(*state, LIMIT_OWN_REPLAYS_PER_MINUTE - 1, true);
}

static void replays_above_the_limit_wait_for_the_next_minute(void **state)
{
	fork_after(*state, LIMIT_OWN_REPLAYS_PER_MINUTE, false);
}

static void replays_far_above_the_limit_cost_nothing(void **state)
{
	fork_after(*state, 50 * LIMIT_OWN_REPLAYS_PER_MINUTE, false);
}

static struct script_call *next_history(struct stage *stage, size_t n)
{
	SCRIPT_UNTIL(&stage->peer, script_called(&stage->peer, "createHistoryStream", n) != NULL);
	return script_called(&stage->peer, "createHistoryStream", n);
}

static size_t count_histories(struct stage *stage)
{
	size_t n = 0;
	while (script_called(&stage->peer, "createHistoryStream", n) != NULL) {
		n++;
	}
	return n;
}

static void two_histories_of_equal_length_are_found_out_though_nothing_is_paused(void **state)
{
	struct stage *stage = *state;
	struct author other;
	struct message *theirs[3];
	char room[96];
	post(&stage->ana, 3);
	know(stage);
	fork_off(stage, &other, theirs);
	script_dial(&stage->peer, &stage->ana);
	struct script_call *ebt = script_open(&stage->peer, "ebt.replicate", RPC_DUPLEX, replicate);
	script_send(ebt, "{%s}", note(room, &stage->ana.self, 8));
	struct script_call *asked = next_history(stage, 0);
	assert_non_null(strstr(asked->args, "\"seq\":4,\"limit\":1,"));
	script_send_span(asked, theirs[2]->compact);
	SCRIPT_UNTIL(&stage->peer, node_guard(&stage->ana).state == FENCE_FORKED);
	for (int i = 0; i < 3; i++) {
		message_free(theirs[i]);
	}
	author_fini(&other);
}

enum again { ANSWERS, TELLS_LATER, FINDS_LATER };

/* A holder from an earlier run that stands where it stood says nothing of our feed. */
static void meet_again(struct stage *stage, enum again how)
{
	struct author other;
	struct message *theirs[3];
	char room[96];
	post(&stage->ana, 3);
	know(stage);
	script_dial(&stage->peer, &stage->ana);
	struct script_call *ebt = script_open(&stage->peer, "ebt.replicate", RPC_DUPLEX, replicate);
	script_send(ebt, "{%s}", note(room, &stage->ana.self, 8));
	struct script_call *asked = next_history(stage, 0);
	send_stored(&stage->ana, asked, 4);
	rpc_end(asked->call);
	script_linger(&stage->peer, 50);
	script_close(&stage->peer);
	node_stop(&stage->ana);
	node_start(&stage->ana);
	fork_off(stage, &other, theirs);
	script_dial(&stage->peer, &stage->ana);
	ebt = script_open(&stage->peer, "ebt.replicate", RPC_DUPLEX, replicate);
	script_send(ebt, "{}");
	asked = next_history(stage, 1);
	assert_non_null(strstr(asked->args, "\"seq\":4,\"limit\":1,"));
	if (how != ANSWERS) {
		rpc_end(asked->call);
		script_linger(&stage->peer, 200);
		assert_int_equal(count_histories(stage), 2);
		if (how == TELLS_LATER) {
			script_send(ebt, "{%s}", note(room, &stage->ana.self, 8));
		}
		asked = next_history(stage, 2);
	}
	assert_int_equal(node_guard(&stage->ana).state, FENCE_CLEAN);
	script_send_span(asked, theirs[2]->compact);
	SCRIPT_UNTIL(&stage->peer, node_guard(&stage->ana).state == FENCE_FORKED);
	for (int i = 0; i < 3; i++) {
		message_free(theirs[i]);
	}
	author_fini(&other);
}

static void a_holder_that_says_nothing_of_our_feed_is_asked_for_our_head(void **state)
{
	meet_again(*state, ANSWERS);
}

static void a_holder_that_had_nothing_when_asked_is_compared_when_it_tells(void **state)
{
	meet_again(*state, TELLS_LATER);
}

/* Whose index was not ready when it was asked. */
static void a_holder_that_had_nothing_when_asked_is_asked_once_more(void **state)
{
	meet_again(*state, FINDS_LATER);
}

/* Ana holds `count` messages and knows nothing else: her fence is gone. */
static void make_suspect(struct stage *stage, int count)
{
	char path[128];
	post(&stage->ana, count - 1 - (int)node_head(&stage->ana, &stage->ana.self.id));
	know(stage);
	node_stop(&stage->ana);
	(void)snprintf(path, sizeof(path), "%s/fence", stage->ana.dir);
	assert_int_equal(unlink(path), 0);
	node_start(&stage->ana);
	assert_int_equal(node_guard(&stage->ana).state, FENCE_SUSPECT);
}

static void who_refuses_history_streams_is_asked_by_a_note_one_lower(void **state)
{
	struct stage *stage = *state;
	char room[96];
	make_suspect(stage, 4);
	script_dial(&stage->peer, &stage->ana);
	struct script_call *ebt = script_open(&stage->peer, "ebt.replicate", RPC_DUPLEX, replicate);
	script_send(ebt, "{%s}", note(room, &stage->ana.self, 8));
	SCRIPT_UNTIL(&stage->peer, script_has(ebt, note(room, &stage->ana.self, 8)));
	rpc_refuse_not_allowed(next_history(stage, 0)->call, "createHistoryStream");
	script_called(&stage->peer, "createHistoryStream", 0)->call = NULL;
	SCRIPT_UNTIL(&stage->peer, script_has(ebt, note(room, &stage->ana.self, 6)));
	buf_clear(&ebt->text);
	send_stored(&stage->ana, ebt, 4);
	SCRIPT_UNTIL(&stage->peer, has_confirmed(&stage->ana, &stage->peer.self.id, 4));
	/* And the real number is told again. */
	SCRIPT_UNTIL(&stage->peer, script_has(ebt, note(room, &stage->ana.self, 8)));
}

static void without_any_note_the_number_is_found_by_halving(void **state)
{
	struct stage *stage = *state;
	enum { HEAD = 10, THEIRS = 3 };
	make_suspect(stage, HEAD);
	stage->peer.refuses_ebt = true;
	script_dial(&stage->peer, &stage->ana);
	for (size_t n = 0; n < 8 && holder(&stage->ana, &stage->peer.self.id).told < 0; n++) {
		struct script_call *asked = next_history(stage, n);
		const char *at = strstr(asked->args, "\"seq\":");
		assert_non_null(at);
		uint64_t from = strtoull(at + strlen("\"seq\":"), NULL, 10);
		for (uint64_t i = from; i <= THEIRS; i++) {
			send_stored(&stage->ana, asked, i);
		}
		rpc_end(asked->call);
		for (int i = 0; i < 100 &&
				script_called(&stage->peer, "createHistoryStream", n + 1) == NULL;
			i++) {
			script_linger(&stage->peer, 5);
		}
	}
	SCRIPT_UNTIL(&stage->peer, has_confirmed(&stage->ana, &stage->peer.self.id, THEIRS));
}

static void who_has_nothing_of_ours_any_more_tells_zero(void **state)
{
	struct stage *stage = *state;
	char room[96];
	post(&stage->ana, 1);
	know(stage);
	script_dial(&stage->peer, &stage->ana);
	struct script_call *ebt = script_open(&stage->peer, "ebt.replicate", RPC_DUPLEX, replicate);
	script_send(ebt, "{%s}", note(room, &stage->ana.self, 4));
	SCRIPT_UNTIL(&stage->peer, holder(&stage->ana, &stage->peer.self.id).sequence == 2);
	script_close(&stage->peer);
	make_suspect(stage, 3);
	size_t before = count_histories(stage);
	script_dial(&stage->peer, &stage->ana);
	ebt = script_open(&stage->peer, "ebt.replicate", RPC_DUPLEX, replicate);
	script_send(ebt, "{%s}", note(room, &stage->ana.self, 0));
	rpc_end(next_history(stage, before)->call);
	SCRIPT_UNTIL(&stage->peer, holder(&stage->ana, &stage->peer.self.id).told == 0);
}

static void while_paused_our_number_is_told_even_to_who_stands_there(void **state)
{
	struct stage *stage = *state;
	char room[96];
	know(stage);
	post(&stage->ana, 3);
	script_dial(&stage->peer, &stage->ana);
	struct script_call *ebt = script_open(&stage->peer, "ebt.replicate", RPC_DUPLEX, replicate);
	script_send(ebt, "{%s}", note(room, &stage->ana.self, 8));
	SCRIPT_UNTIL(&stage->peer, ebt->items >= 1);
	script_linger(&stage->peer, 50);
	script_close(&stage->peer);
	node_wait_peer(&stage->ana, &stage->peer.self.id, false);
	/* Again: nothing to say. */
	script_dial(&stage->peer, &stage->ana);
	ebt = script_open(&stage->peer, "ebt.replicate", RPC_DUPLEX, replicate);
	SCRIPT_UNTIL(&stage->peer, ebt->items >= 1);
	assert_false(script_has(ebt, stage->ana.self.text));
	struct change twin = {.kind = CHANGE_TWIN, .text = span_text("192.0.2.1:8008")};
	assert_int_equal(writer_change_wait(stage->ana.writer, &twin), ERR_OK);
	SCRIPT_UNTIL(&stage->peer, script_has(ebt, note(room, &stage->ana.self, 8)));
	script_close(&stage->peer);
	node_wait_peer(&stage->ana, &stage->peer.self.id, false);
	script_dial(&stage->peer, &stage->ana);
	ebt = script_open(&stage->peer, "ebt.replicate", RPC_DUPLEX, replicate);
	SCRIPT_UNTIL(&stage->peer, script_has(ebt, note(room, &stage->ana.self, 8)));
}

static void a_wanted_feed_is_replicated_without_a_follow_message(void **state)
{
	struct stage *stage = *state;
	struct change want = {.kind = CHANGE_WANT, .feed = stage->ben.self.id, .number = 1};
	post(&stage->ben, 3);
	assert_int_equal(writer_change_wait(stage->ana.writer, &want), ERR_OK);
	WAIT_UNTIL(node_figures(&stage->ana).feeds == 2);
	node_connect(&stage->ana, &stage->ben);
	node_wait(&stage->ana, &stage->ben.self.id, 3);
	assert_int_equal(node_head(&stage->ana, &stage->ana.self.id), 0);
	want.number = 0;
	assert_int_equal(writer_change_wait(stage->ana.writer, &want), ERR_OK);
	WAIT_UNTIL(node_figures(&stage->ana).feeds == 1);
}

/* Somebody whose address the owner gave holds our feed up to message 1. */
static void hold(struct node *node, unsigned number)
{
	struct change changes[] = {
		{.kind = CHANGE_ADDRESS_PUT, .text = span_text("net:192.0.2.1:8008")},
		{.kind = CHANGE_HOLDS, .number = 1},
	};
	for (size_t i = 0; i < 2; i++) {
		memcpy(changes[i].feed.at, &number, sizeof(number));
		changes[i].feed.at[ID_BYTES - 1] = 1;
		while (writer_change(node->writer, &changes[i]) != ERR_OK) {
			nodes_nap();
		}
	}
}

static void as_many_holders_as_the_limit_are_kept_and_no_more(void **state)
{
	struct stage *stage = *state;
	struct change last = {.kind = CHANGE_LOG, .name = span_text("test"), .text = span_text("")};
	const unsigned counts[] = {LIMIT_HOLDERS, LIMIT_HOLDERS + 1, 3 * LIMIT_HOLDERS};
	unsigned number = 0;
	for (size_t i = 0; i < 3; i++) {
		while (number < counts[i]) {
			hold(&stage->ana, ++number);
		}
		assert_int_equal(writer_change_wait(stage->ana.writer, &last), ERR_OK);
		assert_int_equal(count_rows(&stage->ana, "holders"), LIMIT_HOLDERS);
	}
}

/* Loop thread: the peer's beacon. */
struct beacon {
	struct node *node;
	struct address address;
};

static void hear(void *ctx)
{
	struct beacon *beacon = ctx;
	schedule_heard(beacon->node->sync->schedule, &beacon->address);
}

static void hear_the_peer(struct stage *stage, struct beacon *beacon)
{
	*beacon = (struct beacon){.node = &stage->ana, .address = script_address(&stage->peer)};
	assert_int_equal(loop_post(stage->ana.loop, hear, beacon), ERR_OK);
}

static void strangers_nearby_are_dialled_only_while_our_feed_is_looked_for(void **state)
{
	struct stage *stage = *state;
	struct beacon beacon;
	char path[128];
	post(&stage->ana, 1);
	script_listen(&stage->peer);
	hear_the_peer(stage, &beacon);
	script_linger(&stage->peer, 300);
	assert_false(stage->peer.is_ready);
	node_stop(&stage->ana);
	(void)snprintf(path, sizeof(path), "%s/fence", stage->ana.dir);
	assert_int_equal(unlink(path), 0);
	node_start(&stage->ana);
	hear_the_peer(stage, &beacon);
	SCRIPT_UNTIL(&stage->peer, stage->peer.is_ready);
	/* A stranger's word is no holder's. */
	assert_int_equal(holder(&stage->ana, &stage->peer.self.id).told, -1);
}

/* Twins. */

struct twins {
	struct node *node;
	struct link *inner, *outer;
	struct peer *peer;
	atomic_bool is_ready, is_closed;
	const char *remote;
};

static void on_twin_ready(void *ctx, struct peer *peer)
{
	struct twins *twins = ctx;
	(void)peer;
	atomic_store(&twins->is_ready, true);
}

static void on_twin_closed(void *ctx, struct peer *peer, const char *reason)
{
	struct twins *twins = ctx;
	(void)peer;
	(void)reason;
	atomic_store(&twins->is_closed, true);
}

/* Loop thread of the node: somebody with its own key comes in from `remote`. */
static void come_in(void *ctx)
{
	struct twins *twins = ctx;
	struct node *node = twins->node;
	const struct peer_opts opts = {
		.loop = node->loop,
		.network_key = nodes_network_key,
		.signer = node->self.signer,
		.server_id = &node->self.id,
		.events = {.on_ready = on_twin_ready, .on_closed = on_twin_closed, .ctx = twins},
	};
	assert_int_equal(link_pair_new(node->loop, 0, &twins->inner, &twins->outer), ERR_OK);
	(void)snprintf(twins->inner->remote, sizeof(twins->inner->remote), "%s", twins->remote);
	peers_accept(node->sync, twins->inner);
	assert_int_equal(peer_new(twins->outer, &opts, &twins->peer), ERR_OK);
}

static void meet(struct twins *twins)
{
	assert_int_equal(loop_post(twins->node->loop, come_in, twins), ERR_OK);
	WAIT_UNTIL(atomic_load(&twins->is_closed));
}

static void our_own_key_from_elsewhere_is_a_twin_and_both_sides_have_the_proof(void **state)
{
	struct stage *stage = *state;
	struct twins twins = {.node = &stage->ana, .remote = "192.0.2.7:40000"};
	post(&stage->ana, 1);
	meet(&twins);
	assert_true(atomic_load(&twins.is_ready));
	node_wait_state(&stage->ana, FENCE_SUSPECT);
	struct guard_report report = node_guard(&stage->ana);
	assert_int_equal(report.cause, GUARD_TWIN);
	assert_non_null(strstr(report.why, "192.0.2.7"));
	assert_int_equal(node_figures(&stage->ana).connected, 0);
}

static void our_own_key_from_the_loopback_is_no_twin(void **state)
{
	struct stage *stage = *state;
	static const char *const remotes[] = {"127.0.0.1:40000", "[::1]:40000"};
	post(&stage->ana, 1);
	for (size_t i = 0; i < 2; i++) {
		struct twins twins = {.node = &stage->ana, .remote = remotes[i]};
		meet(&twins);
		assert_false(atomic_load(&twins.is_ready));
	}
	post(&stage->ana, 1);
	assert_int_equal(node_guard(&stage->ana).state, FENCE_CLEAN);
}

/* Greeting. */

static void nobody_is_waited_for_when_nobody_holds_our_feed(void **state)
{
	struct stage *stage = *state;
	sync_greeting(stage->ana.sync);
	post(&stage->ana, 1);
	sync_greeting(stage->ana.sync);
}

static void the_first_post_of_a_run_waits_for_holders_to_speak(void **state)
{
	struct stage *stage = *state;
	publish_behind_a_copy(stage, 3, 10);
	/* As after a machine was set back with all it had: nothing here disagrees. */
	node_restore(&stage->ana, true);
	node_start(&stage->ana);
	assert_int_equal(node_guard(&stage->ana).state, FENCE_CLEAN);
	sync_greeting(stage->ana.sync);
	struct publish_result result;
	assert_int_equal(try_to_post(&stage->ana, &result), ERR_PAUSED);
	node_wait(&stage->ana, &stage->ana.self.id, 14);
	node_wait_state(&stage->ana, FENCE_SUSPECT);
	WAIT_UNTIL(node_guard(&stage->ana).cause == GUARD_RETURNED);
}

static void a_holder_that_cannot_be_reached_holds_nobody_up_for_long(void **state)
{
	struct stage *stage = *state;
	publish_behind_a_copy(stage, 3, 1);
	node_stop(&stage->ben);
	node_start(&stage->ana);
	sync_greeting(stage->ana.sync);
	post(&stage->ana, 1);
	node_start(&stage->ben);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		T(an_older_database_gets_its_tail_back_and_its_holder_confirms),
		T(with_the_key_alone_everything_comes_back_and_nothing_is_signed),
		T(who_holds_our_feed_is_known_after_a_restart_but_strangers_are_not),
		T(a_claim_without_a_message_pauses_but_no_restart_remembers_it),
		T(replays_of_our_own_messages_change_nothing),
		T(another_message_with_a_number_of_ours_is_a_fork_even_unasked),
		T(replays_up_to_the_limit_are_looked_at),
		T(replays_above_the_limit_wait_for_the_next_minute),
		T(replays_far_above_the_limit_cost_nothing),
		T(two_histories_of_equal_length_are_found_out_though_nothing_is_paused),
		T(a_holder_that_says_nothing_of_our_feed_is_asked_for_our_head),
		T(a_holder_that_had_nothing_when_asked_is_compared_when_it_tells),
		T(a_holder_that_had_nothing_when_asked_is_asked_once_more),
		T(who_refuses_history_streams_is_asked_by_a_note_one_lower),
		T(without_any_note_the_number_is_found_by_halving),
		T(who_has_nothing_of_ours_any_more_tells_zero),
		T(while_paused_our_number_is_told_even_to_who_stands_there),
		T(a_wanted_feed_is_replicated_without_a_follow_message),
		T(as_many_holders_as_the_limit_are_kept_and_no_more),
		T(strangers_nearby_are_dialled_only_while_our_feed_is_looked_for),
		T(our_own_key_from_elsewhere_is_a_twin_and_both_sides_have_the_proof),
		T(our_own_key_from_the_loopback_is_no_twin),
		T(nobody_is_waited_for_when_nobody_holds_our_feed),
		T(the_first_post_of_a_run_waits_for_holders_to_speak),
		T(a_holder_that_cannot_be_reached_holds_nobody_up_for_long),
#undef T
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
