/*
 * How fast two peers talk over loopback TCP, everything between socket and rpc included: items of
 * several sizes one way (a source), small items there and back one at a time (a duplex), and what
 * an idle peer costs in memory. Two threads, one loop each, as two nodes would have. Prints one
 * line per figure.
 */
#include "base/limits.h"
#include "net/dial.h"
#include "net/listen.h"
#include "net/peer.h"

#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

enum { TOTAL_BYTES = 256 * MIB, ROUNDS = 20000, IDLE_PEERS = 200, BODY_MAX = 64 * KIB };

static const uint8_t network_key[32] = {7};

struct server {
	struct loop *loop;
	struct listener *listener;
	struct signer *signer;
	pthread_t thread;
	uint8_t body[BODY_MAX];
};

/* One call that the server serves. */
struct served {
	struct server *server;
	struct rpc_call *call;
	size_t size, left; /* source: bytes per item, bytes to send */
};

struct client {
	struct loop *loop;
	struct signer *signer;
	struct feed_id server_id;
	uint16_t port;
	struct peer *peer;
	int ready, closed, rounds;
	size_t bytes;
	bool is_ended;
};

static void must(enum err err)
{
	if (err != ERR_OK) {
		(void)fprintf(stderr, "wire_bench: %s\n", err_text(err));
		exit(1);
	}
}

static struct signer *signer_of(uint8_t fill)
{
	struct key *key = NULL;
	struct signer *signer = NULL;
	uint8_t seed[32];
	memset(seed, fill, sizeof(seed));
	must(key_from_seed(seed, &key));
	must(signer_new(key, NULL, &signer));
	return signer;
}

/* Server. */

static void pump(void *ctx, struct rpc_call *call)
{
	struct served *served = ctx;
	while (served->left > 0 && !rpc_is_full(call)) {
		must(rpc_send(call, MUXRPC_BINARY, span_of(served->server->body, served->size)));
		served->left -= served->size < served->left ? served->size : served->left;
	}
	if (served->left == 0) {
		rpc_end(call);
	}
}

static void echo(void *ctx, struct rpc_call *call, enum muxrpc_type type, struct span body,
	const struct json *json)
{
	(void)ctx;
	(void)json;
	must(rpc_send(call, type, body));
}

static void served_end(void *ctx, struct rpc_call *call, const char *error)
{
	(void)call;
	(void)error;
	free(ctx);
}

static void on_call(void *ctx, struct peer *peer, struct rpc_call *call, const char *name,
	enum rpc_kind kind, const struct json *args)
{
	struct server *server = ctx;
	struct served *served = calloc(1, sizeof(*served));
	struct rpc_handler handler = {
		.on_item = echo, .on_end = served_end, .on_room = pump, .ctx = served};
	(void)peer;
	(void)args;
	if (served == NULL) {
		return;
	}
	served->server = server;
	if (kind == RPC_DUPLEX) {
		handler.on_room = NULL;
		rpc_accept(call, &handler);
		return;
	}
	served->size = (size_t)strtoul(name + strlen("bench."), NULL, 10);
	served->left = TOTAL_BYTES;
	rpc_accept(call, &handler);
	pump(served, call);
}

static void on_link(void *ctx, struct link *link)
{
	struct server *server = ctx;
	struct peer *peer;
	struct peer_opts opts = {.loop = server->loop,
		.network_key = network_key,
		.signer = server->signer,
		.events = {.on_call = on_call, .ctx = server}};
	must(peer_new(link, &opts, &peer));
}

static void *run_server(void *ctx)
{
	struct server *server = ctx;
	loop_run(server->loop);
	return NULL;
}

static void server_up(struct server *server)
{
	char why[96];
	must(loop_new(env_system(), &server->loop));
	server->signer = signer_of(2);
	randombytes_buf(server->body, sizeof(server->body));
	struct listen_opts opts = {
		.loop = server->loop, .host = "127.0.0.1", .on_link = on_link, .ctx = server};
	must(listener_start(&opts, &server->listener, why, sizeof(why)));
}

/* Client. */

static void client_item(void *ctx, struct rpc_call *call, enum muxrpc_type type, struct span body,
	const struct json *json)
{
	struct client *client = ctx;
	(void)json;
	client->bytes += body.len;
	if (client->rounds > 0) {
		client->rounds--;
		if (client->rounds == 0) {
			loop_stop(client->loop);
		} else {
			must(rpc_send(call, type, body));
		}
	}
}

static void client_end(void *ctx, struct rpc_call *call, const char *error)
{
	struct client *client = ctx;
	(void)call;
	client->is_ended = error == NULL;
	if (client->rounds == 0 && client->closed == 0 && error == NULL) {
		loop_stop(client->loop);
	}
}

static void client_ready(void *ctx, struct peer *peer)
{
	struct client *client = ctx;
	client->peer = peer;
	client->ready++;
}

static void client_closed(void *ctx, struct peer *peer, const char *reason)
{
	struct client *client = ctx;
	(void)peer;
	(void)reason;
	client->closed++;
}

static void client_dialled(void *ctx, struct link *link, const char *reason)
{
	struct client *client = ctx;
	struct peer *peer;
	if (link == NULL) {
		(void)fprintf(stderr, "wire_bench: %s\n", reason);
		exit(1);
	}
	struct peer_opts opts = {.loop = client->loop,
		.network_key = network_key,
		.signer = client->signer,
		.server_id = &client->server_id,
		.events = {.on_ready = client_ready, .on_closed = client_closed, .ctx = client}};
	must(peer_new(link, &opts, &peer));
}

static void client_up(struct client *client, const struct server *server, int peers)
{
	struct dial *dial;
	*client = (struct client){
		.port = listener_port(server->listener), .server_id = *signer_id(server->signer)};
	must(loop_new(env_system(), &client->loop));
	client->signer = signer_of(1);
	for (int i = 0; i < peers; i++) {
		must(dial_start(client->loop, "127.0.0.1", client->port, false, client_dialled,
			client, &dial));
		while (client->ready <= i) {
			(void)loop_step(client->loop);
		}
	}
}

static void client_down(struct client *client)
{
	loop_free(client->loop);
	signer_free(client->signer);
}

static double seconds_since(struct timespec start)
{
	struct timespec now;
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - start.tv_sec) + (double)(now.tv_nsec - start.tv_nsec) / 1e9;
}

static void hang_up(struct client *client)
{
	peer_close(client->peer, "done");
	while (client->closed == 0) {
		(void)loop_step(client->loop);
	}
}

static void measure_source(const struct server *server, size_t size)
{
	struct client client;
	struct rpc_call *call;
	struct timespec start;
	char name[32];
	client_up(&client, server, 1);
	struct rpc_handler handler = {.on_item = client_item, .on_end = client_end, .ctx = &client};
	(void)snprintf(name, sizeof(name), "bench.%zu", size);
	(void)clock_gettime(CLOCK_MONOTONIC, &start);
	must(rpc_open(peer_rpc(client.peer), name, RPC_SOURCE, span_text("[]"), &handler, &call));
	loop_run(client.loop);
	double seconds = seconds_since(start);
	(void)printf("source, items of %zu bytes: %.0f MB/s, %.0f items/s\n", size,
		(double)client.bytes / 1e6 / seconds,
		(double)client.bytes / (double)size / seconds);
	hang_up(&client);
	client_down(&client);
}

static void measure_rounds(const struct server *server)
{
	struct client client;
	struct rpc_call *call;
	struct timespec start;
	client_up(&client, server, 1);
	struct rpc_handler handler = {.on_item = client_item, .on_end = client_end, .ctx = &client};
	must(rpc_open(
		peer_rpc(client.peer), "bench.echo", RPC_DUPLEX, span_text("[]"), &handler, &call));
	client.rounds = ROUNDS;
	(void)clock_gettime(CLOCK_MONOTONIC, &start);
	must(rpc_send(call, MUXRPC_BINARY, span_text("a small item")));
	loop_run(client.loop);
	(void)printf("duplex, there and back: %.0f us\n", seconds_since(start) / ROUNDS * 1e6);
	hang_up(&client);
	client_down(&client);
}

static long resident_kib(void)
{
	long pages = 0;
	FILE *file = fopen("/proc/self/statm", "r");
	if (file == NULL || fscanf(file, "%*s %ld", &pages) != 1) {
		pages = 0;
	}
	if (file != NULL) {
		(void)fclose(file);
	}
	return pages * 4;
}

static void measure_idle(const struct server *server)
{
	struct client client;
	long before = resident_kib();
	client_up(&client, server, IDLE_PEERS);
	(void)printf("idle: %.1f KiB per peer, both ends\n",
		(double)(resident_kib() - before) / IDLE_PEERS);
	/* The process ends here; nobody says 200 goodbyes. */
}

int main(void)
{
	static struct server server;
	if (sodium_init() < 0) {
		return 1;
	}
	server_up(&server);
	if (pthread_create(&server.thread, NULL, run_server, &server) != 0) {
		return 1;
	}
	measure_source(&server, 64 * KIB);
	measure_source(&server, 4 * KIB);
	measure_source(&server, 512);
	measure_rounds(&server);
	measure_idle(&server);
	(void)fflush(stdout);
	_Exit(0);
}
