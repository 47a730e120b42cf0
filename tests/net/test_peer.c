/* net/peer: strangers become peers or are turned away, and either way nothing hangs, grows or is
 * told twice. */
#include "net/net_lib.h"

#include "net/dial.h"
#include "net/link_pair.h"
#include "net/listen.h"
#include "net/peer.h"

#include <sodium.h>
#include <stdio.h>

static const uint8_t network_key[32] = "kith tests, not the main network";

struct side {
	struct loop *loop;
	struct signer *signer;
	struct peer *peer;
	int readies, closes, items, ends;
	bool was_ready, is_closed_to_all;
	size_t item_bytes;
	struct rpc_call *echo; /* a duplex the other side opened */
	char reason[96], last[64], end_error[64];
	int pause_after; /* items; 0: never */
};

static struct signer *signer_of(uint8_t fill)
{
	struct key *key = NULL;
	struct signer *signer = NULL;
	uint8_t seed[32];
	memset(seed, fill, sizeof(seed));
	assert_int_equal(key_from_seed(seed, &key), ERR_OK);
	assert_int_equal(signer_new(key, NULL, &signer), ERR_OK);
	return signer;
}

static void side_item(void *ctx, struct rpc_call *call, enum muxrpc_type type, struct span body,
	const struct json *json)
{
	struct side *side = ctx;
	(void)type;
	(void)json;
	side->items++;
	side->item_bytes += body.len;
	(void)snprintf(side->last, sizeof(side->last), "%.*s", body.len > 60 ? 60 : (int)body.len,
		(const char *)body.at);
	if (call == side->echo) {
		assert_int_equal(rpc_send(call, type, body), ERR_OK);
	}
	if (side->items == side->pause_after) {
		peer_pause(side->peer);
	}
}

static void side_end(void *ctx, struct rpc_call *call, const char *error)
{
	struct side *side = ctx;
	side->ends++;
	side->echo = side->echo == call ? NULL : side->echo;
	(void)snprintf(side->end_error, sizeof(side->end_error), "%s", error == NULL ? "" : error);
}

static struct rpc_handler handler_of(struct side *side)
{
	return (struct rpc_handler){.on_item = side_item, .on_end = side_end, .ctx = side};
}

static void side_call(void *ctx, struct peer *peer, struct rpc_call *call, const char *name,
	enum rpc_kind kind, const struct json *args)
{
	struct side *side = ctx;
	(void)kind;
	(void)args;
	assert_ptr_equal(peer, side->peer);
	struct rpc_handler handler = handler_of(side);
	if (strcmp(name, "test.echo") == 0) {
		side->echo = call;
		rpc_accept(call, &handler);
	} else if (strcmp(name, "test.close") == 0) {
		rpc_accept(call, &handler);
		peer_close(peer, "asked to");
	}
}

static void side_ready(void *ctx, struct peer *peer)
{
	struct side *side = ctx;
	side->peer = peer;
	side->readies++;
	assert_true(peer_is_ready(peer));
}

static void side_closed(void *ctx, struct peer *peer, const char *reason)
{
	struct side *side = ctx;
	(void)peer;
	side->closes++;
	side->was_ready = side->readies > 0;
	side->peer = NULL;
	(void)snprintf(side->reason, sizeof(side->reason), "%s", reason);
}

static bool side_welcome(void *ctx, const struct feed_id *id)
{
	(void)id;
	return !((struct side *)ctx)->is_closed_to_all;
}

static struct peer_opts opts_of(struct side *side, const struct feed_id *server)
{
	return (struct peer_opts){
		.loop = side->loop,
		.network_key = network_key,
		.signer = side->signer,
		.server_id = server,
		.events = {.is_welcome = side_welcome,
			.on_ready = side_ready,
			.on_call = side_call,
			.on_closed = side_closed,
			.ctx = side},
	};
}

struct world {
	struct loop *loop;
	struct side a, b; /* a dials b */
};

static void world_up(struct world *world)
{
	memset(world, 0, sizeof(*world));
	world->loop = loop_for_test();
	world->a = (struct side){.loop = world->loop, .signer = signer_of(1)};
	world->b = (struct side){.loop = world->loop, .signer = signer_of(2)};
}

static void world_down(struct world *world)
{
	assert_int_equal(*loop_buffered(world->loop), 0);
	signer_free(world->a.signer);
	signer_free(world->b.signer);
	loop_free(world->loop);
}

static void join_with(struct world *world, size_t chunk, struct peer_opts *a, struct peer_opts *b)
{
	struct link *one;
	struct link *two;
	assert_int_equal(link_pair_new(world->loop, chunk, &one, &two), ERR_OK);
	assert_int_equal(peer_new(one, a, &world->a.peer), ERR_OK);
	assert_int_equal(peer_new(two, b, &world->b.peer), ERR_OK);
}

static void join(struct world *world, size_t chunk)
{
	struct peer_opts a = opts_of(&world->a, signer_id(world->b.signer));
	struct peer_opts b = opts_of(&world->b, NULL);
	join_with(world, chunk, &a, &b);
	TURN_UNTIL(world->loop, world->a.readies == 1 && world->b.readies == 1);
}

static void part(struct world *world)
{
	if (world->a.peer != NULL) {
		peer_close(world->a.peer, "done");
	}
	TURN_UNTIL(world->loop, world->a.closes == 1 && world->b.closes == 1);
	assert_null(world->a.peer);
	assert_null(world->b.peer);
}

static struct rpc_call *open_echo(struct world *world)
{
	struct rpc_call *call = NULL;
	struct rpc_handler handler = handler_of(&world->a);
	assert_int_equal(rpc_open(peer_rpc(world->a.peer), "test.echo", RPC_DUPLEX, span_text("[]"),
				 &handler, &call),
		ERR_OK);
	return call;
}

static void two_peers_talk_byte_by_byte(void **state)
{
	(void)state;
	for (size_t chunk = 0; chunk < 2; chunk++) {
		struct world world;
		world_up(&world);
		join(&world, chunk);
		assert_true(feed_id_equal(peer_id(world.a.peer), signer_id(world.b.signer)));
		assert_true(feed_id_equal(peer_id(world.b.peer), signer_id(world.a.signer)));
		struct rpc_call *call = open_echo(&world);
		for (int i = 1; i <= 20; i++) {
			assert_int_equal(rpc_send(call, MUXRPC_STRING, span_text("marco")), ERR_OK);
			TURN_UNTIL(world.loop, world.a.items == i);
			assert_string_equal(world.a.last, "marco");
		}
		struct peer_figures figures;
		peer_figures(world.a.peer, &figures);
		assert_true(figures.bytes_out > 100 && figures.bytes_in >= 20 * (9 + 5));
		part(&world);
		assert_string_equal(world.a.reason, "done");
		assert_string_equal(world.b.reason, "the other side said goodbye");
		assert_true(world.a.was_ready && world.b.was_ready);
		assert_int_equal(world.a.ends, 1);
		assert_int_equal(world.b.ends, 1);
		world_down(&world);
	}
}

static void a_close_from_inside_a_call_is_a_goodbye(void **state)
{
	(void)state;
	struct world world;
	world_up(&world);
	join(&world, 0);
	struct rpc_call *call;
	struct rpc_handler handler = handler_of(&world.a);
	assert_int_equal(rpc_open(peer_rpc(world.a.peer), "test.close", RPC_SOURCE, span_text("[]"),
				 &handler, &call),
		ERR_OK);
	TURN_UNTIL(world.loop, world.a.closes == 1 && world.b.closes == 1);
	assert_string_equal(world.b.reason, "asked to");
	assert_int_equal(world.a.ends, 1);
	assert_string_equal(world.a.end_error, "unexpected end of parent stream");
	world_down(&world);
}

static void a_pause_holds_the_stream_and_resume_goes_on_where_it_was(void **state)
{
	(void)state;
	enum { ITEMS = 2000, BODY = 1000 };
	struct world world;
	world_up(&world);
	world.b.pause_after = 10;
	join(&world, 0);
	struct rpc_call *call = open_echo(&world);
	char body[BODY];
	memset(body, 'x', sizeof(body));
	int sent = 0;
	while (sent < ITEMS && !rpc_is_full(call)) {
		assert_int_equal(rpc_send(call, MUXRPC_BINARY, span_of(body, BODY)), ERR_OK);
		sent++;
		(void)loop_step(world.loop);
	}
	turns(world.loop, 50);
	assert_true(sent < ITEMS);
	assert_true(world.b.items >= 10 && world.b.items <= 10 + PEER_PLAIN_BYTES / BODY + 1);
	int before = world.b.items;
	peer_pause(world.b.peer);
	peer_resume(world.b.peer);
	turns(world.loop, 20);
	assert_int_equal(world.b.items, before);
	peer_resume(world.b.peer);
	TURN_UNTIL(world.loop, world.b.items == sent && world.a.items == sent);
	assert_int_equal(world.a.item_bytes, (size_t)sent * BODY);
	assert_false(rpc_is_full(call));
	part(&world);
	world_down(&world);
}

static void a_writer_that_ignores_full_is_cut_off_at_the_cap(void **state)
{
	(void)state;
	static char body[60 * KIB];
	struct world world;
	world_up(&world);
	join(&world, 0);
	peer_pause(world.b.peer);
	struct rpc_call *call = open_echo(&world);
	enum err err = ERR_OK;
	size_t sent = 0;
	while (err == ERR_OK && sent < (size_t)20 * MIB) {
		err = rpc_send(call, MUXRPC_BINARY, span_of(body, sizeof(body)));
		sent += sizeof(body);
		assert_true(*loop_buffered(world.loop) <= LIMIT_PEER_OUT_BYTES);
	}
	assert_int_equal(err, ERR_LIMIT);
	assert_true(sent <= LIMIT_PEER_OUT_BYTES + sizeof(body));
	peer_resume(world.b.peer);
	TURN_UNTIL(world.loop, world.a.closes == 1 && world.b.closes == 1);
	assert_string_equal(world.a.reason, "the other side reads too slowly");
	world_down(&world);
}

/* The dialler's options are changed by `spoil`; both must close, unready, for the reasons given. */
static void expect_refusal(const uint8_t *a_network, const struct feed_id *a_server, bool is_closed,
	const char *a_reason, const char *b_reason)
{
	for (size_t chunk = 0; chunk < 2; chunk++) {
		struct world world;
		world_up(&world);
		world.b.is_closed_to_all = is_closed;
		struct peer_opts a = opts_of(&world.a, signer_id(world.b.signer));
		struct peer_opts b = opts_of(&world.b, NULL);
		a.network_key = a_network != NULL ? a_network : network_key;
		a.server_id = a_server != NULL ? a_server : a.server_id;
		join_with(&world, chunk, &a, &b);
		TURN_UNTIL(world.loop, world.a.closes == 1 && world.b.closes == 1);
		assert_int_equal(world.a.readies + world.b.readies, 0);
		assert_false(world.a.was_ready || world.b.was_ready);
		assert_string_equal(world.a.reason, a_reason);
		assert_string_equal(world.b.reason, b_reason);
		world_down(&world);
	}
}

static void another_network_key_is_turned_away(void **state)
{
	(void)state;
	static const uint8_t other[32] = "another network, at another time";
	expect_refusal(other, NULL, false,
		"the other side hung up: wrong network key, or not a Scuttlebutt node",
		"wrong network key, or not a Scuttlebutt node");
}

static void a_dialler_of_somebody_else_is_turned_away(void **state)
{
	(void)state;
	struct signer *else_signer = signer_of(9);
	expect_refusal(NULL, signer_id(else_signer), false,
		"the other side refused us: it has another key, or we are not welcome",
		"the handshake failed: it expected another key, or is garbled");
	signer_free(else_signer);
}

static void an_unwelcome_key_is_turned_away(void **state)
{
	(void)state;
	expect_refusal(NULL, NULL, true,
		"the other side refused us: it has another key, or we are not welcome",
		"not welcome here");
}

/* A stranger on a bare link against a server. */
struct stranger {
	struct world world;
	struct ear ear;
};

static void stranger_up(struct stranger *stranger, int64_t handshake_ms)
{
	struct link *one;
	struct link *two;
	memset(stranger, 0, sizeof(*stranger));
	world_up(&stranger->world);
	assert_int_equal(link_pair_new(stranger->world.loop, 0, &one, &two), ERR_OK);
	struct peer_opts opts = opts_of(&stranger->world.b, NULL);
	opts.handshake_ms = handshake_ms;
	ear_take(&stranger->ear, one);
	assert_int_equal(peer_new(two, &opts, &stranger->world.b.peer), ERR_OK);
}

static void stranger_down(struct stranger *stranger, const char *reason)
{
	struct side *b = &stranger->world.b;
	TURN_UNTIL(stranger->world.loop, b->closes == 1 && stranger->ear.closes == 1);
	assert_int_equal(b->readies, 0);
	assert_string_equal(b->reason, reason);
	buf_fini(&stranger->ear.heard);
	world_down(&stranger->world);
}

static void garbage_of_any_length_is_turned_away_without_a_word(void **state)
{
	(void)state;
	static const size_t lengths[] = {64, 65, 1000, 60000};
	uint8_t *garbage = malloc(60000);
	assert_non_null(garbage);
	randombytes_buf(garbage, 60000);
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		struct stranger stranger;
		stranger_up(&stranger, 0);
		assert_int_equal(
			link_write(stranger.ear.link, span_of(garbage, lengths[i])), ERR_OK);
		TURN_UNTIL(stranger.world.loop, stranger.ear.closes == 1);
		assert_int_equal(stranger.ear.bytes, 0);
		stranger_down(&stranger, "wrong network key, or not a Scuttlebutt node");
	}
	free(garbage);
}

static void silence_ends_with_the_time_for_the_handshake(void **state)
{
	(void)state;
	struct stranger stranger;
	stranger_up(&stranger, 30);
	stranger_down(&stranger, "the handshake took too long");
}

/* The limit is for the whole handshake: every byte arrives well before a limit per read would
 * strike. */
static void one_byte_now_and_then_does_not_win_time(void **state)
{
	(void)state;
	struct stranger stranger;
	stranger_up(&stranger, 60);
	int written = 0;
	while (stranger.ear.closes == 0 && written < 63) {
		written += link_write(stranger.ear.link, span_text("x")) == ERR_OK;
		for (int i = 0; i < 50 && stranger.ear.closes == 0; i++) {
			turns(stranger.world.loop, 1);
		}
	}
	assert_true(written > 1 && written < 63);
	stranger_down(&stranger, "the handshake took too long");
}

static void a_low_order_key_with_the_right_hmac_is_turned_away(void **state)
{
	(void)state;
	static const char *const low_order[] = {
		"0000000000000000000000000000000000000000000000000000000000000000",
		"0100000000000000000000000000000000000000000000000000000000000000",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
		"5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
	};
	for (size_t i = 0; i < sizeof(low_order) / sizeof(low_order[0]); i++) {
		struct stranger stranger;
		uint8_t hello[64];
		stranger_up(&stranger, 2000);
		assert_int_equal(hex_decode(span_text(low_order[i]), hello + 32, 32), ERR_OK);
		assert_int_equal(crypto_auth(hello, hello + 32, 32, network_key), 0);
		assert_int_equal(link_write(stranger.ear.link, span_of(hello, 64)), ERR_OK);
		/* Refused at once or with the next message; never ready, never a crash. */
		uint8_t next[112] = {0};
		TURN_UNTIL(
			stranger.world.loop, stranger.ear.closes == 1 || stranger.ear.bytes == 64);
		if (stranger.ear.link != NULL) {
			assert_int_equal(link_write(stranger.ear.link, span_of(next, 112)), ERR_OK);
		}
		TURN_UNTIL(stranger.world.loop, stranger.world.b.closes == 1);
		char reason[96];
		memcpy(reason, stranger.world.b.reason, sizeof(reason));
		assert_string_not_equal(reason, "the handshake took too long");
		stranger_down(&stranger, reason);
	}
}

static void an_unusable_server_key_is_refused_and_the_link_closed(void **state)
{
	(void)state;
	struct world world;
	struct link *one;
	struct link *two;
	struct ear ear = {0};
	struct peer *peer = NULL;
	struct feed_id nobody = {{0}};
	world_up(&world);
	assert_int_equal(link_pair_new(world.loop, 0, &one, &two), ERR_OK);
	ear_take(&ear, two);
	struct peer_opts opts = opts_of(&world.a, &nobody);
	assert_int_equal(peer_new(one, &opts, &peer), ERR_REFUSED);
	TURN_UNTIL(world.loop, ear.closes == 1);
	assert_int_equal(ear.bytes, 0);
	assert_int_equal(world.a.closes, 0);
	world_down(&world);
}

static void an_idle_peer_is_closed_with_a_goodbye(void **state)
{
	(void)state;
	struct world world;
	world_up(&world);
	struct peer_opts a = opts_of(&world.a, signer_id(world.b.signer));
	struct peer_opts b = opts_of(&world.b, NULL);
	a.idle_ms = 40;
	join_with(&world, 0, &a, &b);
	TURN_UNTIL(world.loop, world.a.closes == 1 && world.b.closes == 1);
	assert_string_equal(world.a.reason, "idle for too long");
	assert_string_equal(world.b.reason, "the other side said goodbye");
	world_down(&world);
}

static void closing_twice_does_not_wait_and_tells_once(void **state)
{
	(void)state;
	struct world world;
	world_up(&world);
	join(&world, 1);
	struct peer *peer = world.a.peer;
	peer_close(peer, "first");
	peer_close(peer, "second");
	part(&world);
	turns(world.loop, 20);
	assert_string_equal(world.a.reason, "first");
	assert_int_equal(world.a.closes, 1);
	world_down(&world);
}

/* Over TCP, with a crowd. */

struct server {
	struct world *world;
	struct listener *listener;
	int peers, closed, shaken;
};

static void server_ready(void *ctx, struct peer *peer)
{
	struct server *server = ctx;
	(void)peer;
	server->shaken++;
}

static void server_closed(void *ctx, struct peer *peer, const char *reason)
{
	struct server *server = ctx;
	(void)peer;
	(void)reason;
	server->closed++;
}

static void server_link(void *ctx, struct link *link)
{
	struct server *server = ctx;
	struct peer *peer;
	struct peer_opts opts = opts_of(&server->world->b, NULL);
	opts.events = (struct peer_events){
		.on_ready = server_ready, .on_closed = server_closed, .ctx = server};
	server->peers++;
	assert_int_equal(peer_new(link, &opts, &peer), ERR_OK);
}

static void good_dialled(void *ctx, struct link *link, const char *reason)
{
	struct world *world = ctx;
	assert_null(reason);
	struct peer_opts opts = opts_of(&world->a, signer_id(world->b.signer));
	assert_int_equal(peer_new(link, &opts, &world->a.peer), ERR_OK);
}

static void a_good_peer_gets_in_beside_300_silent_sockets(void **state)
{
	(void)state;
	enum { SILENT = 400 };
	struct world world;
	struct server server = {.world = &world};
	struct listener_figures figures;
	struct dial *dial;
	int fds[SILENT];
	char why[96];
	world_up(&world);
	struct listen_opts listen = {
		.loop = world.loop, .host = "127.0.0.1", .on_link = server_link, .ctx = &server};
	assert_int_equal(listener_start(&listen, &server.listener, why, sizeof(why)), ERR_OK);
	for (int i = 0; i < SILENT; i++) {
		fds[i] = raw_connect(listener_port(server.listener));
	}
	assert_int_equal(dial_start(world.loop, "127.0.0.1", listener_port(server.listener), false,
				 good_dialled, &world, &dial),
		ERR_OK);
	TURN_UNTIL(world.loop, world.a.readies == 1);
	listener_figures(server.listener, &figures);
	assert_true(figures.shaking <= LIMIT_HANDSHAKES);
	assert_true(figures.displaced >= SILENT - LIMIT_HANDSHAKES - 1);
	peer_close(world.a.peer, "done");
	for (int i = 0; i < SILENT; i++) {
		(void)close(fds[i]);
	}
	TURN_UNTIL(world.loop, world.a.closes == 1 && server.closed == SILENT + 1);
	assert_int_equal(server.shaken, 1);
	listener_figures(server.listener, &figures);
	assert_int_equal(figures.open, 0);
	assert_int_equal(figures.shaking, 0);
	listener_stop(server.listener);
	world_down(&world);
}

static int setup(void **state)
{
	(void)state;
	return sodium_init() < 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_peers_talk_byte_by_byte),
		cmocka_unit_test(a_close_from_inside_a_call_is_a_goodbye),
		cmocka_unit_test(a_pause_holds_the_stream_and_resume_goes_on_where_it_was),
		cmocka_unit_test(a_writer_that_ignores_full_is_cut_off_at_the_cap),
		cmocka_unit_test(another_network_key_is_turned_away),
		cmocka_unit_test(a_dialler_of_somebody_else_is_turned_away),
		cmocka_unit_test(an_unwelcome_key_is_turned_away),
		cmocka_unit_test(garbage_of_any_length_is_turned_away_without_a_word),
		cmocka_unit_test(silence_ends_with_the_time_for_the_handshake),
		cmocka_unit_test(one_byte_now_and_then_does_not_win_time),
		cmocka_unit_test(a_low_order_key_with_the_right_hmac_is_turned_away),
		cmocka_unit_test(an_unusable_server_key_is_refused_and_the_link_closed),
		cmocka_unit_test(an_idle_peer_is_closed_with_a_goodbye),
		cmocka_unit_test(closing_twice_does_not_wait_and_tells_once),
		cmocka_unit_test(a_good_peer_gets_in_beside_300_silent_sockets),
	};
	return cmocka_run_group_tests(tests, setup, NULL);
}
