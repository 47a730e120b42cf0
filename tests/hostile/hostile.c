/*
 * Peers nobody wants, and a good one, against a node on this machine: raw sockets, with the
 * program's own handshake and boxes, so that anything can be said. tests/hostile/run.js starts it.
 *
 *   hostile PORT NETWORK_KEY NODE_KEY idle N      N authenticated sockets, each its own key
 *   hostile … silent N                            N raw connections that never speak
 *   hostile … slow N                              N that say a byte now and then; half of them
 * shook hands hostile … bomb NAME                           one of the table below hostile … good
 * SEQUENCE                       take the node's messages from SEQUENCE on hostile … key the key
 * that the bombs have
 *
 * idle, silent and slow print "ready" and stay until standard input ends. Every kind has addresses
 * of its own (127.K.x.y).
 */
#include "base/encode.h"
#include "feed/message.h"
#include "feed/signer.h"
#include "wire/boxstream.h"
#include "wire/muxrpc.h"
#include "wire/shs.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { THREADS = 8, PATIENCE_S = 30, PLAIN_MAX = 4 * MIB, BOMB_KEY = 1 << 24, GOOD_KEY = 2 << 24 };
/* The second byte of the addresses. */
enum { FROM_GOOD = 1, FROM_IDLE = 2, FROM_SILENT = 3, FROM_SLOW = 4, FROM_BOMB = 5 };

static struct node {
	struct sockaddr_in at;
	uint8_t network_key[32];
	struct feed_id id;
	char id_text[FEED_ID_TEXT_BYTES];
} node;

/* A connection after its handshake. */
struct line {
	int fd;
	struct signer *signer;
	struct boxstream_sealer sealer;
	struct boxstream_opener opener;
	struct buf in, plain;
	int32_t requests;
};

static void die(const char *what)
{
	(void)fprintf(stderr, "hostile: %s\n", what);
	exit(1);
}

static void must(enum err err)
{
	if (err != ERR_OK) {
		die(err_text(err));
	}
}

static double now_ms(void)
{
	struct timespec now;
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void stay(void)
{
	char byte;
	(void)printf("ready\n");
	(void)fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) > 0) {
	}
}

/* Sockets. */

static int socket_from(unsigned kind, unsigned number, int flags)
{
	struct sockaddr_in from = {.sin_family = AF_INET};
	struct timeval patience = {.tv_sec = PATIENCE_S};
	int on = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
	from.sin_addr.s_addr =
		htonl(127U << 24 | kind << 16 | (number / 250 % 250) << 8 | (1 + number % 250));
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) != 0 ||
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) != 0 ||
		bind(fd, (struct sockaddr *)&from, sizeof(from)) != 0) {
		die("no socket");
	}
	return fd;
}

static bool is_connected(int fd)
{
	return connect(fd, (struct sockaddr *)&node.at, sizeof(node.at)) == 0 ||
	       errno == EINPROGRESS;
}

static bool send_all(int fd, struct span bytes)
{
	while (bytes.len > 0) {
		ssize_t count = send(fd, bytes.at, bytes.len, MSG_NOSIGNAL);
		if (count <= 0) {
			return false;
		}
		bytes = span_of(bytes.at + count, bytes.len - (size_t)count);
	}
	return true;
}

/* Lines. */

static struct signer *signer_of(unsigned number)
{
	uint8_t seed[32] = {0};
	struct key *key = NULL;
	struct signer *signer = NULL;
	memcpy(seed, &number, sizeof(number));
	must(key_from_seed(seed, &key));
	must(signer_new(key, NULL, &signer));
	return signer;
}

static bool shake(struct line *line, struct shs *shs)
{
	uint8_t heard[SHS_OUT_BYTES_MAX];
	struct buf out = BUF_INIT(SHS_OUT_BYTES_MAX);
	size_t count = 0;
	bool is_good = true;
	while (is_good && !shs_is_done(shs)) {
		size_t used = 0;
		is_good = shs_step(shs, span_of(heard, count), &out, &used) == ERR_OK &&
			  send_all(line->fd, buf_span(&out));
		buf_clear(&out);
		count = shs_wants(shs);
		is_good = is_good && (count == 0 || recv(line->fd, heard, count, MSG_WAITALL) ==
							    (ssize_t)count);
	}
	buf_fini(&out);
	return is_good;
}

/* `key` is a number; the address is of `kind`. False: the node did not want it. */
static bool line_open(struct line *line, unsigned kind, unsigned key)
{
	struct shs *shs = NULL;
	struct shs_keys keys;
	*line = (struct line){.fd = socket_from(kind, key, 0), .signer = signer_of(key)};
	buf_init(&line->in, PLAIN_MAX);
	buf_init(&line->plain, PLAIN_MAX);
	struct shs_opts opts = {
		.network_key = node.network_key, .signer = line->signer, .server_id = &node.id};
	must(shs_new(&opts, &shs));
	bool is_good = is_connected(line->fd) && shake(line, shs);
	if (is_good) {
		shs_keys(shs, &keys);
		boxstream_sealer_init(&line->sealer, keys.encrypt_key, keys.encrypt_nonce);
		boxstream_opener_init(&line->opener, keys.decrypt_key, keys.decrypt_nonce);
	}
	shs_free(shs);
	return is_good;
}

static void line_close(struct line *line)
{
	(void)close(line->fd);
	signer_free(line->signer);
	buf_fini(&line->in);
	buf_fini(&line->plain);
}

static bool line_send(struct line *line, struct span bytes)
{
	struct buf out = BUF_INIT(PLAIN_MAX);
	must(boxstream_seal(&line->sealer, bytes, &out));
	bool is_good = send_all(line->fd, buf_span(&out));
	buf_fini(&out);
	return is_good;
}

static bool packet_send(struct line *line, int32_t request, bool is_stream, struct span body)
{
	struct buf out = BUF_INIT(PLAIN_MAX);
	uint8_t head[MUXRPC_HEAD_BYTES];
	muxrpc_head_write(&(struct muxrpc_head){.is_stream = is_stream,
				  .type = MUXRPC_JSON,
				  .length = (uint32_t)body.len,
				  .request = request},
		head);
	must(buf_append(&out, span_of(head, sizeof(head))));
	must(buf_append(&out, body));
	bool is_good = line_send(line, buf_span(&out));
	buf_fini(&out);
	return is_good;
}

/* Opens a call; 0 when the line is gone. */
static int32_t call_open(struct line *line, const char *name, const char *type, const char *args)
{
	char body[1024];
	(void)snprintf(body, sizeof(body), "{\"name\":[%s],\"type\":\"%s\",\"args\":%s}", name,
		type, args);
	line->requests++;
	bool is_stream = strcmp(type, "async") != 0;
	return packet_send(line, line->requests, is_stream, span_text(body)) ? line->requests : 0;
}

/* The next packet; its body is in front of line->plain, behind the head. False: none came. */
static bool packet_read(struct line *line, struct muxrpc_head *head)
{
	uint8_t bytes[64 * KIB];
	for (;;) {
		if (line->plain.len >= MUXRPC_HEAD_BYTES) {
			must(muxrpc_head_read(line->plain.at, head));
			if (line->plain.len >= MUXRPC_HEAD_BYTES + head->length) {
				return true;
			}
		}
		ssize_t count = recv(line->fd, bytes, sizeof(bytes), 0);
		size_t used = 0;
		if (count <= 0) {
			return false;
		}
		must(buf_append(&line->in, span_of(bytes, (size_t)count)));
		must(boxstream_open(&line->opener, buf_span(&line->in), &line->plain, &used));
		buf_consume(&line->in, used);
	}
}

static void packet_done(struct line *line, const struct muxrpc_head *head)
{
	buf_consume(&line->plain, MUXRPC_HEAD_BYTES + head->length);
}

/* Until the node hangs up; false when it did not while we were patient. */
static bool is_hung_up_on(struct line *line)
{
	uint8_t bytes[4096];
	ssize_t count;
	do {
		count = recv(line->fd, bytes, sizeof(bytes), 0);
	} while (count > 0);
	return count == 0 || errno == ECONNRESET;
}

/* The good peer. */

static int good(uint64_t sequence)
{
	struct line line;
	struct muxrpc_head head = {0};
	char args[256];
	int items = 0;
	double began = now_ms();
	if (!line_open(&line, FROM_GOOD, GOOD_KEY)) {
		(void)printf("{\"failed\":\"handshake\",\"ms\":%.1f}\n", now_ms() - began);
		return 1;
	}
	double shaken = now_ms();
	(void)snprintf(args, sizeof(args), "[{\"id\":\"%s\",\"seq\":%llu,\"keys\":false}]",
		node.id_text, (unsigned long long)sequence);
	int32_t request = call_open(&line, "\"createHistoryStream\"", "source", args);
	while (request > 0 && packet_read(&line, &head) &&
		!(head.request == -request && head.is_end)) {
		items += head.request == -request;
		packet_done(&line, &head);
	}
	(void)printf("{\"handshake\":%.1f,\"items\":%d,\"served\":%.1f}\n", shaken - began, items,
		now_ms() - shaken);
	bool is_good = request > 0 && head.is_end;
	line_close(&line);
	return is_good ? 0 : 1;
}

/* Crowds. */

static unsigned wanted;
static _Atomic unsigned next_number, in_count;

static void *shake_many(void *ctx)
{
	for (unsigned i = next_number++; i < wanted; i = next_number++) {
		struct line line;
		in_count += line_open(&line, FROM_IDLE, i);
		signer_free(line.signer); /* the socket stays */
	}
	return ctx;
}

static void idle(unsigned count)
{
	pthread_t threads[THREADS];
	wanted = count;
	for (int i = 0; i < THREADS; i++) {
		if (pthread_create(&threads[i], NULL, shake_many, NULL) != 0) {
			die("no thread");
		}
	}
	for (int i = 0; i < THREADS; i++) {
		(void)pthread_join(threads[i], NULL);
	}
	if (in_count != count) {
		(void)fprintf(stderr, "hostile: %u of %u came in\n", in_count, count);
		exit(1);
	}
	stay();
}

static void silent(unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		(void)is_connected(socket_from(FROM_SILENT, i, SOCK_NONBLOCK));
	}
	stay();
}

/* A byte of a handshake, or of a box, each 50 ms. */
static void slow(unsigned count)
{
	struct line *lines = calloc(count, sizeof(*lines));
	struct buf box = BUF_INIT(64 * KIB);
	static const uint8_t body[LIMIT_BOX_BODY_BYTES];
	struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
	if (lines == NULL) {
		die("no memory");
	}
	for (unsigned i = 0; i < count; i++) {
		if (i % 2 == 0) {
			lines[i].fd = socket_from(FROM_SLOW, i, 0);
			(void)is_connected(lines[i].fd);
		} else {
			(void)line_open(&lines[i], FROM_SLOW, (3 << 24) + i);
		}
	}
	(void)printf("ready\n");
	(void)fflush(stdout);
	for (size_t at = 0; poll(&input, 1, 50) == 0; at++) {
		for (unsigned i = 0; i < count; i++) {
			buf_clear(&box);
			struct boxstream_sealer sealer = lines[i].sealer;
			must(boxstream_seal(&sealer, span_of(body, sizeof(body)), &box));
			(void)send(lines[i].fd, i % 2 == 0 ? body : box.at + at % box.len, 1,
				MSG_NOSIGNAL | MSG_DONTWAIT);
		}
	}
}

/* Bombs: each true when the node did what it should. */

static bool bomb_header(struct line *line)
{
	uint8_t head[MUXRPC_HEAD_BYTES] = {10, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 1};
	return line_send(line, span_of(head, sizeof(head))) && is_hung_up_on(line);
}

/* A note of a million feeds: its length alone is too much. */
static bool bomb_entries(struct line *line)
{
	enum { ENTRIES = 1000000, ENTRY_BYTES = 60 };
	char entry[ENTRY_BYTES + 1];
	int32_t request = call_open(line, "\"ebt\",\"replicate\"", "duplex",
		"[{\"version\":3,\"format\":\"classic\"}]");
	uint8_t head[MUXRPC_HEAD_BYTES];
	muxrpc_head_write(&(struct muxrpc_head){.is_stream = true,
				  .type = MUXRPC_JSON,
				  .length = ENTRIES * ENTRY_BYTES,
				  .request = request},
		head);
	if (request == 0 || !line_send(line, span_of(head, sizeof(head)))) {
		return false;
	}
	for (int i = 0; i < ENTRIES; i++) {
		(void)snprintf(entry, sizeof(entry), "%c\"@%039dAAAA=.ed25519\": %d%c",
			i == 0 ? '{' : ',', i, i % 10, ' ');
		if (!line_send(line, span_of(entry, strlen(entry)))) {
			return true;
		}
	}
	return is_hung_up_on(line);
}

/* Depth, in bodies as large as they may be; nobody is sent away for that where notes belong. */
static bool bomb_json(struct line *line)
{
	static char body[LIMIT_RPC_JSON_BYTES];
	int32_t request = call_open(line, "\"ebt\",\"replicate\"", "duplex",
		"[{\"version\":3,\"format\":\"classic\"}]");
	memset(body, '[', sizeof(body) / 2);
	memset(body + sizeof(body) / 2, ']', sizeof(body) / 2);
	for (int i = 0; i < 300; i++) {
		if (!packet_send(line, request, true, span_of(body, sizeof(body)))) {
			return true;
		}
	}
	/* As a call it is refused. */
	(void)packet_send(line, line->requests + 1, false, span_of(body, sizeof(body)));
	return true;
}

static bool bomb_ping(struct line *line)
{
	for (int i = 0; i < 20000; i++) {
		if (call_open(line, "\"gossip\",\"ping\"", "duplex", "[{\"timeout\":300000}]") ==
			0) {
			return true;
		}
	}
	return is_hung_up_on(line);
}

static bool bomb_streams(struct line *line)
{
	char args[128];
	(void)snprintf(args, sizeof(args), "[{\"id\":\"%s\",\"live\":true}]", node.id_text);
	for (int i = 0; i < 1000; i++) {
		if (call_open(line, "\"createHistoryStream\"", "source", args) == 0) {
			return true;
		}
	}
	return is_hung_up_on(line);
}

/* Asks for much, again and again, and reads nothing: what it is told must not pile up. */
static bool bomb_unread(struct line *line)
{
	struct timeval patience = {.tv_sec = 5};
	char args[128];
	(void)snprintf(args, sizeof(args), "[{\"id\":\"%s\"}]", node.id_text);
	(void)setsockopt(line->fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	for (int i = 0; i < 200000; i++) {
		if (call_open(line, "\"createHistoryStream\"", "source", args) == 0) {
			return true;
		}
	}
	return true;
}

static bool bomb_unknown(struct line *line)
{
	for (int i = 0; i < 10000; i++) {
		if (call_open(line, "\"no\",\"such\"", "async", "[]") == 0) {
			return true;
		}
	}
	return is_hung_up_on(line);
}

/* Our first message with another signature, thousands of times, as soon as it is asked for. */
static bool bomb_signatures(struct line *line)
{
	struct message *message = NULL;
	struct chain_head none = {0};
	const char *why = NULL;
	char note[128];
	char own[FEED_ID_TEXT_BYTES];
	struct buf text = BUF_INIT(64 * KIB);
	must(signer_sign_next(line->signer, &none, 1600000000000,
		span_text("{\"type\":\"post\",\"text\":\"mine\"}"), &message, &why));
	must(buf_append(&text, message->compact));
	uint8_t *signature = (uint8_t *)strstr(buf_cstr(&text), "\"signature\":\"") + 20;
	*signature = *signature == 'A' ? 'B' : 'A';
	feed_id_format(signer_id(line->signer), own);
	(void)snprintf(note, sizeof(note), "{\"%s\":2}", own);
	int32_t request = call_open(line, "\"ebt\",\"replicate\"", "duplex",
		"[{\"version\":3,\"format\":\"classic\"}]");
	struct muxrpc_head head;
	bool is_open = request > 0 && packet_send(line, request, true, span_text(note)) &&
		       packet_read(line, &head);
	for (int i = 0; i < 5000 && is_open; i++) {
		is_open = packet_send(line, request, true, buf_span(&text));
	}
	message_free(message);
	buf_fini(&text);
	return true;
}

/* Our answer number to the node's blobs.createWants; 0: it did not ask. */
static int32_t wants_asked_for(struct line *line)
{
	struct muxrpc_head head;
	for (int i = 0; i < 64 && packet_read(line, &head); i++) {
		struct span body = span_of(line->plain.at + MUXRPC_HEAD_BYTES, head.length);
		bool is_it = head.request > 0 && body.len > 0 &&
			     memmem(body.at, body.len, "createWants", 11) != NULL;
		packet_done(line, &head);
		if (is_it) {
			return -head.request;
		}
	}
	return 0;
}

/* A million wants and a million haves, each of another blob, and questions about as many. */
static bool bomb_wants(struct line *line)
{
	static char item[LIMIT_RPC_JSON_BYTES];
	int32_t request = wants_asked_for(line);
	for (unsigned i = 0; request != 0 && i < 2000; i++) {
		size_t len = 0;
		for (unsigned k = 0; k < 1000; k++) {
			len += (size_t)snprintf(item + len, sizeof(item) - len,
				"%c\"&%039uAAAA=.sha256\":%d", k == 0 ? '{' : ',', 1000 * i + k,
				i % 2 == 0 ? -1 : 1000);
		}
		item[len++] = '}';
		if (!packet_send(line, request, true, span_of(item, len))) {
			return true;
		}
	}
	for (int i = 0; i < 2000; i++) {
		if (call_open(line, "\"blobs\",\"has\"", "async",
			    "[\"&47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=.sha256\"]") == 0 ||
			call_open(line, "\"blobs\",\"getSlice\"", "source",
				"[{\"key\":\"x\",\"start\":-1e300,\"end\":1e300}]") == 0) {
			return true;
		}
	}
	return request != 0;
}

static const struct {
	const char *name;
	bool (*throw)(struct line *line);
} bombs[] = {
	{"header", bomb_header},
	{"entries", bomb_entries},
	{"json", bomb_json},
	{"ping", bomb_ping},
	{"streams", bomb_streams},
	{"unread", bomb_unread},
	{"unknown", bomb_unknown},
	{"signatures", bomb_signatures},
	{"wants", bomb_wants},
};

static int bomb(const char *name)
{
	for (size_t i = 0; i < sizeof(bombs) / sizeof(bombs[0]); i++) {
		struct line line;
		if (strcmp(name, bombs[i].name) != 0) {
			continue;
		}
		if (!line_open(&line, FROM_BOMB, BOMB_KEY)) {
			die("not let in");
		}
		bool is_good = bombs[i].throw(&line);
		(void)printf("{\"held\":%s}\n", is_good ? "true" : "false");
		line_close(&line);
		return is_good ? 0 : 1;
	}
	die("no such bomb");
	return 1;
}

static void begin(char **argv)
{
	size_t count = 0;
	node.at.sin_family = AF_INET;
	node.at.sin_port = htons((uint16_t)strtoul(argv[1], NULL, 10));
	node.at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	must(base64_decode(span_text(argv[2]), node.network_key, sizeof(node.network_key), &count));
	must(base64_decode(span_text(argv[3]), node.id.at, sizeof(node.id.at), &count));
	feed_id_format(&node.id, node.id_text);
}

int main(int argc, char **argv)
{
	if (argc < 5 || sodium_init() < 0) {
		die("PORT NETWORK_KEY NODE_KEY WHAT [HOW MANY]");
	}
	begin(argv);
	const char *what = argv[4];
	const char *how = argc > 5 ? argv[5] : "";
	unsigned count = (unsigned)strtoul(how, NULL, 10);
	if (strcmp(what, "good") == 0) {
		return good(count);
	}
	if (strcmp(what, "bomb") == 0) {
		return bomb(how);
	}
	if (strcmp(what, "idle") == 0) {
		idle(count);
	} else if (strcmp(what, "silent") == 0) {
		silent(count);
	} else if (strcmp(what, "slow") == 0) {
		slow(count);
	} else if (strcmp(what, "key") == 0) {
		struct signer *signer = signer_of(BOMB_KEY);
		char id[FEED_ID_TEXT_BYTES];
		feed_id_format(signer_id(signer), id);
		(void)printf("%s\n", id);
		signer_free(signer);
	} else {
		die("idle, silent, slow, bomb, good or key");
	}
	return 0;
}
