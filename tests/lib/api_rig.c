/* A whole api/ for tests: real store, real sockets on loopback, nothing shared between tests. */
#include "lib/api_rig.h"

#include "lib/cmocka.h"
#include "lib/folder.h"
#include "store/nightly.h"
#include "store/private.h"

#include "feed/signer.h"
#include "store/fence.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <netinet/in.h>
#include <poll.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { REPLY_BYTES_MAX = 16 * 1024 * 1024, WAIT_MS = 60000 };

/* The node's clock goes slowly, so that what may take two seconds may take them on a busy machine
 * and under a sanitizer too; api_rig_advance() is for what is to happen in time. */
enum { SLOWER = 4 };

static atomic_llong added_ms;

static int64_t mono_ms(void *ctx)
{
	(void)ctx;
	return env_mono_ms(env_system()) / SLOWER + added_ms;
}

static int64_t wall_ms(void *ctx)
{
	(void)ctx;
	return env_wall_ms(env_system()) + added_ms;
}

static void random_bytes(void *ctx, uint8_t *out, size_t count)
{
	(void)ctx;
	randombytes_buf(out, count);
}

static void log_line(void *ctx, enum log_level level, const char *line)
{
	(void)ctx;
	if (level >= LOG_ERROR || getenv("API_RIG_LOG") != NULL) {
		(void)fprintf(stderr, "%s\n", line);
	}
}

static const struct env env = {
	.mono_ms = mono_ms, .wall_ms = wall_ms, .random = random_bytes, .log_line = log_line};

void api_rig_advance(int64_t ms)
{
	added_ms += ms;
}

const struct env *api_rig_env(void)
{
	return &env;
}

static void on_commit(void *ctx, const struct commit *commit)
{
	struct api_rig *rig = ctx;
	struct api *api = __atomic_load_n(&rig->api, __ATOMIC_ACQUIRE);
	struct private_book *book = __atomic_load_n(&rig->book, __ATOMIC_ACQUIRE);
	if (book != NULL) {
		private_on_commit(book, commit);
	}
	if (api != NULL) {
		api_on_commit(api, commit);
	}
}

static void on_private(void *ctx, const struct private_news *news)
{
	struct api_rig *rig = ctx;
	struct api *api = __atomic_load_n(&rig->api, __ATOMIC_ACQUIRE);
	if (api != NULL) {
		api_on_private(api, news);
	}
}

static void on_key(void *ctx, struct key *key, enum api_key why)
{
	struct api_rig *rig = ctx;
	key_free(__atomic_exchange_n(&rig->next_key, key, __ATOMIC_ACQ_REL));
	rig->next_why = why;
}

static void on_state(void *ctx)
{
	struct api_rig *rig = ctx;
	struct api *api = __atomic_load_n(&rig->api, __ATOMIC_ACQUIRE);
	if (api != NULL) {
		api_on_state(api);
	}
}

static void open_all(struct api_rig *rig, const char *web_dir)
{
	char why[256] = "";
	struct api *api = NULL;
	struct store_opts store = {.dir = rig->dir, .env = &env, .self = rig->self};
	if (store_open(&store, &rig->store, why, sizeof(why)) != ERR_OK) {
		fail_msg("%s", why);
	}
	struct writer_opts writer = {.store = rig->store,
		.signer = rig->signer,
		.on_commit = on_commit,
		.on_state = on_state,
		.ctx = rig};
	assert_int_equal(writer_start(&writer, &rig->writer, why, sizeof(why)), ERR_OK);
	assert_int_equal(blobs_start(rig->store, rig->writer, &rig->blobs), ERR_OK);
	const struct nightly_opts nightly = {.store = rig->store,
		.writer = rig->writer,
		.signer = rig->signer,
		.on_changed = on_state,
		.ctx = rig};
	assert_int_equal(nightly_start(&nightly, &rig->nightly, why, sizeof(why)), ERR_OK);
	const struct private_opts private = {.store = rig->store,
		.writer = rig->writer,
		.signer = rig->signer,
		.on_news = on_private,
		.ctx = rig};
	struct private_book *book = NULL;
	assert_int_equal(private_start(&private, &book), ERR_OK);
	__atomic_store_n(&rig->book, book, __ATOMIC_RELEASE);
	struct api_opts opts = {.env = &env,
		.store = rig->store,
		.writer = rig->writer,
		.blobs = rig->blobs,
		.nightly = rig->nightly,
		.signer = rig->signer,
		.book = book,
		.self = rig->self,
		.http_port = rig->port,
		.public_url = rig->public_url,
		.trusted_proxies = rig->trusted_proxies,
		.socket_path = rig->socket_path,
		.on_key = on_key,
		.ctx = rig,
		.web_dir = web_dir};
	if (api_start(&opts, &api, why, sizeof(why)) != ERR_OK) {
		fail_msg("%s", why);
	}
	rig->port = api_port(api);
	__atomic_store_n(&rig->api, api, __ATOMIC_RELEASE);
}

static void close_all(struct api_rig *rig)
{
	struct api *api = __atomic_exchange_n(&rig->api, NULL, __ATOMIC_ACQ_REL);
	struct writer *writer = rig->writer;
	struct private_book *book = __atomic_exchange_n(&rig->book, NULL, __ATOMIC_ACQ_REL);
	api_stop(api);
	(void)!writer_flush(writer); /* nobody tells the book of anything now */
	private_stop(book);
	nightly_stop(rig->nightly);
	blobs_stop(rig->blobs);
	writer_stop(writer);
	blobs_free(rig->blobs);
	reader_close_thread();
	store_close(rig->store);
}

static void log_in(struct api_rig *rig)
{
	char code[33];
	char body[64];
	char target[96];
	struct api_reply reply;
	(void)snprintf(target, sizeof(target), "%s/api/session", rig->base);
	api_new_code(rig->api, code);
	(void)snprintf(body, sizeof(body), "{\"code\":\"%s\"}", code);
	rig->cookie[0] = rig->token[0] = '\0';
	api_rig_ask(rig, "POST", target, body, "", &reply);
	assert_int_equal(reply.status, 200);
	(void)snprintf(rig->token, sizeof(rig->token), "%s", api_reply_text(&reply, "token"));
	const char *cookie = strstr(reply.text, "Set-Cookie: ");
	assert_non_null(cookie);
	cookie += strlen("Set-Cookie: ");
	(void)snprintf(rig->cookie, sizeof(rig->cookie), "%.*s", (int)strcspn(cookie, ";"), cookie);
	api_reply_fini(&reply);
}

static void start(struct api_rig *rig, const char *web_dir)
{
	struct key *key = NULL;
	assert_true(sodium_init() >= 0);
	folder_make(rig->dir, sizeof(rig->dir), "kith-test");
	(void)snprintf(rig->socket_path, sizeof(rig->socket_path), "%s/api.sock", rig->dir);
	randombytes_buf(rig->seed, sizeof(rig->seed));
	assert_int_equal(key_from_seed(rig->seed, &key), ERR_OK);
	rig->self = *key_id(key);
	assert_int_equal(fence_make_new(NULL, rig->dir, &rig->self, &env), ERR_OK);
	assert_int_equal(signer_new(key, NULL, &rig->signer), ERR_OK);
	open_all(rig, web_dir);
	log_in(rig);
}

void api_rig_start(struct api_rig *rig, const char *web_dir)
{
	*rig = (struct api_rig){.base = ""};
	start(rig, web_dir);
}

void api_rig_start_at(
	struct api_rig *rig, const char *public_url, const char *base, const char *trusted_proxies)
{
	*rig = (struct api_rig){
		.public_url = public_url, .trusted_proxies = trusted_proxies, .base = base};
	start(rig, NULL);
}

void api_rig_restart(struct api_rig *rig)
{
	close_all(rig);
	open_all(rig, NULL);
}

void api_rig_stop(struct api_rig *rig)
{
	close_all(rig);
	signer_free(rig->signer);
	key_free(rig->next_key);
	folder_remove(rig->dir);
}

int api_rig_connect(const struct api_rig *rig)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
		.sin_port = htons(rig->port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (const struct sockaddr *)&to, sizeof(to)), 0);
	return fd;
}

int api_rig_connect_unix(const struct api_rig *rig)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	(void)snprintf(to.sun_path, sizeof(to.sun_path), "%s", rig->socket_path);
	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (const struct sockaddr *)&to, sizeof(to)), 0);
	return fd;
}

void api_rig_send(int fd, const void *bytes, size_t len)
{
	/* The other side may have closed already: that is for the reading to find out. */
	(void)!send(fd, bytes, len, MSG_NOSIGNAL);
}

void api_rig_read_reply(int fd, struct api_reply *reply)
{
	struct buf text = BUF_INIT(REPLY_BYTES_MAX);
	*reply = (struct api_reply){.status = 0};
	for (;;) {
		uint8_t part[4096];
		struct pollfd wait = {.fd = fd, .events = POLLIN};
		if (poll(&wait, 1, WAIT_MS) <= 0) {
			break;
		}
		ssize_t len = recv(fd, part, sizeof(part), 0);
		if (len <= 0) {
			break;
		}
		assert_int_equal(buf_append(&text, span_of(part, (size_t)len)), ERR_OK);
	}
	(void)close(fd);
	reply->len = text.len;
	reply->text = calloc(1, text.len + 1);
	assert_non_null(reply->text);
	if (text.len > 0) {
		memcpy(reply->text, text.at, text.len);
	}
	buf_fini(&text);
	if (strncmp(reply->text, "HTTP/1.1 ", 9) == 0) {
		reply->status = (unsigned)strtoul(reply->text + 9, NULL, 10);
	}
	const char *blank = strstr(reply->text, "\r\n\r\n");
	reply->body = blank == NULL ? reply->text + reply->len : blank + 4;
	reply->json = json_loads(reply->body, JSON_DECODE_ANY, NULL);
}

void api_rig_raw(const struct api_rig *rig, const char *text, struct api_reply *reply)
{
	int fd = api_rig_connect(rig);
	api_rig_send(fd, text, strlen(text));
	api_rig_read_reply(fd, reply);
}

void api_rig_ask(const struct api_rig *rig, const char *method, const char *target,
	const char *body, const char *extra, struct api_reply *reply)
{
	struct buf text = BUF_INIT(REPLY_BYTES_MAX);
	bool is_get = strcmp(method, "GET") == 0;
	size_t len = body == NULL ? 0 : strlen(body);
	assert_int_equal(
		buf_printf(&text, "%s %s HTTP/1.1\r\nHost: localhost:%u\r\nConnection: close\r\n",
			method, target, rig->port),
		ERR_OK);
	if (rig->token[0] != '\0') {
		assert_int_equal(buf_printf(&text, "Cookie: %s\r\nX-Kith-Token: %s\r\n",
					 rig->cookie, rig->token),
			ERR_OK);
	}
	if (!is_get) {
		assert_int_equal(buf_printf(&text,
					 "Origin: http://localhost:%u\r\nContent-Type: "
					 "application/json\r\nContent-Length: %zu\r\n",
					 rig->port, len),
			ERR_OK);
	}
	assert_int_equal(buf_append_text(&text, extra), ERR_OK);
	assert_int_equal(buf_append_text(&text, "\r\n"), ERR_OK);
	assert_int_equal(buf_append(&text, span_of(body, len)), ERR_OK);
	int fd = api_rig_connect(rig);
	api_rig_send(fd, text.at, text.len);
	buf_fini(&text);
	api_rig_read_reply(fd, reply);
}

void api_rig_ask_owner(const struct api_rig *rig, const char *method, const char *target,
	const char *body, struct api_reply *reply)
{
	struct buf text = BUF_INIT(REPLY_BYTES_MAX);
	size_t len = body == NULL ? 0 : strlen(body);
	assert_int_equal(buf_printf(&text,
				 "%s %s HTTP/1.1\r\nHost: kith\r\nConnection: "
				 "close\r\nContent-Length: %zu\r\n\r\n",
				 method, target, len),
		ERR_OK);
	assert_int_equal(buf_append(&text, span_of(body, len)), ERR_OK);
	int fd = api_rig_connect_unix(rig);
	api_rig_send(fd, text.at, text.len);
	buf_fini(&text);
	api_rig_read_reply(fd, reply);
}

void api_reply_fini(struct api_reply *reply)
{
	json_decref(reply->json);
	free(reply->text);
	*reply = (struct api_reply){.status = 0};
}

const char *api_reply_text(const struct api_reply *reply, const char *path)
{
	const json_t *at = reply->json;
	char part[64];
	while (at != NULL && *path != '\0') {
		size_t len = strcspn(path, ".");
		(void)snprintf(part, sizeof(part), "%.*s", (int)len, path);
		at = json_object_get(at, part);
		path += len + (path[len] == '.' ? 1 : 0);
	}
	return json_is_string(at) ? json_string_value(at) : "";
}
