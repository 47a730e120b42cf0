/* Whatever strangers do at once, a friend gets in, is served, and memory stays flat. */
#include "lib/cmocka.h"
#include "lib/script.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SILENT = 300, CALLS = 40, BOMBS = 200, GROWTH_MAX = 16 * MIB };

#ifndef __has_feature /* clang tells by this, gcc by the names */
#define __has_feature(name) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || \
	__has_feature(address_sanitizer)
static const bool is_memory_told = false; /* freed memory is kept aside */
#else
static const bool is_memory_told = true;
#endif

static long resident(void)
{
	long pages = 0;
	FILE *file = fopen("/proc/self/statm", "r");
	assert_non_null(file);
	assert_int_equal(fscanf(file, "%*d %ld", &pages), 1);
	(void)fclose(file);
	return pages * sysconf(_SC_PAGESIZE);
}

/* A socket that says `count` bytes of nothing, and then no more. */
static int half_open(uint16_t port, size_t count)
{
	static const uint8_t zeros[63];
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	(void)send(fd, zeros, count % sizeof(zeros), MSG_NOSIGNAL);
	return fd;
}

/* A friend's post is served whole. */
static void friend_is_served(struct node *node, struct script *friend)
{
	char args[128];
	script_dial(friend, node);
	assert_true(friend->is_ready);
	uint64_t head = node_publish(node, "{\"type\":\"post\",\"text\":\"well\"}").sequence;
	(void)snprintf(args, sizeof(args), "[{\"id\":\"%s\"}]", node->self.text);
	struct script_call *call = script_open(friend, "createHistoryStream", RPC_SOURCE, args);
	SCRIPT_UNTIL(friend, call->is_ended);
	assert_int_equal(call->items, head);
	script_close(friend);
}

static void a_friend_is_served_beside_silent_sockets_bombs_and_floods(void **state)
{
	(void)state;
	struct node node;
	struct script friend;
	struct script bad;
	int sockets[SILENT];
	char *bomb = malloc(LIMIT_RPC_JSON_BYTES);
	assert_non_null(bomb);
	memset(bomb, '[', LIMIT_RPC_JSON_BYTES / 2);
	memset(bomb + LIMIT_RPC_JSON_BYTES / 2, ']', LIMIT_RPC_JSON_BYTES / 2);
	node_init(&node, 0);
	script_init(&friend, 1);
	script_init(&bad, 2);
	friend_is_served(&node, &friend);
	long before = resident();
	for (size_t i = 0; i < SILENT; i++) {
		sockets[i] = half_open(node.port, i);
	}
	friend_is_served(&node, &friend);
	/* Bombs where notes belong are passed over; wants of blobs are refused without a grudge. */
	script_dial(&bad, &node);
	struct script_call *ebt = script_open(
		&bad, "ebt.replicate", RPC_DUPLEX, "[{\"version\":3,\"format\":\"classic\"}]");
	for (size_t i = 0; i < BOMBS; i++) {
		SCRIPT_UNTIL(&bad, !rpc_is_full(ebt->call));
		script_send_span(ebt, span_of(bomb, LIMIT_RPC_JSON_BYTES));
	}
	for (size_t i = 0; i < CALLS; i++) {
		struct script_call *call = script_open(&bad, "blobs.has", RPC_ASYNC, "[\"&x\"]");
		SCRIPT_UNTIL(&bad, call->is_ended);
	}
	assert_true(bad.is_ready);
	friend_is_served(&node, &friend);
	/* Unknown methods are forgiven ten times a minute. */
	for (size_t i = 0; i <= LIMIT_RPC_ERRORS_PER_MINUTE && bad.is_ready; i++) {
		struct script_call *call = script_open(&bad, "no.such", RPC_ASYNC, "[]");
		SCRIPT_UNTIL(&bad, call->is_ended);
	}
	SCRIPT_UNTIL(&bad, bad.is_closed);
	friend_is_served(&node, &friend);
	if (is_memory_told) {
		assert_true(resident() - before < GROWTH_MAX);
	}
	for (size_t i = 0; i < SILENT; i++) {
		(void)close(sockets[i]);
	}
	script_fini(&bad);
	script_fini(&friend);
	node_fini(&node);
	free(bomb);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_friend_is_served_beside_silent_sockets_bombs_and_floods),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
