/* cmd/socket: what the node's own socket answers, and what something else at that path may do. */
#include "cmd/socket.c"

#include "lib/cmocka.h"
#include "lib/folder.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { ANSWER_MAX = 1000, PATH_BYTES = 64 };

/* Somebody who reads a request's head and says `answer`, whatever was asked. */
struct server {
	char dir[PATH_BYTES], path[PATH_BYTES + 8];
	int listener;
	const char *answer;
	char request[2048];
	pthread_t thread;
};

static void *serve(void *ctx)
{
	struct server *server = ctx;
	int fd = accept(server->listener, NULL, NULL);
	size_t len = 0;
	while (len + 1 < sizeof(server->request) && strstr(server->request, "\r\n\r\n") == NULL) {
		ssize_t count = read(fd, server->request + len, sizeof(server->request) - 1 - len);
		if (count <= 0) {
			break;
		}
		len += (size_t)count;
		server->request[len] = '\0';
	}
	if (write(fd, server->answer, strlen(server->answer)) < 0) {
		server->request[0] = '\0';
	}
	(void)close(fd);
	return NULL;
}

static void start(struct server *server, const char *answer)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	*server = (struct server){.answer = answer};
	folder_make(server->dir, sizeof(server->dir), "kith-socket");
	(void)snprintf(server->path, sizeof(server->path), "%s/s", server->dir);
	memcpy(at.sun_path, server->path, strlen(server->path) + 1);
	server->listener = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(server->listener, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(server->listener, 4), 0);
	assert_int_equal(pthread_create(&server->thread, NULL, serve, server), 0);
}

static void stop(struct server *server)
{
	assert_int_equal(pthread_join(server->thread, NULL), 0);
	(void)close(server->listener);
	(void)unlink(server->path);
	(void)rmdir(server->dir);
}

static enum err ask(const char *answer, const char *method, const char *body, unsigned *status,
	struct buf *out, char *request)
{
	struct server server;
	start(&server, answer);
	enum err err = socket_ask(server.path, method, "/x", span_text(body), 10, status, out);
	stop(&server);
	if (request != NULL) {
		memcpy(request, server.request, sizeof(server.request));
	}
	return err;
}

static void a_whole_answer_is_given(void **state)
{
	(void)state;
	struct buf out = BUF_INIT(ANSWER_MAX);
	char request[2048];
	unsigned status = 0;
	assert_int_equal(ask("HTTP/1.1 409 Conflict\r\nServer: x\r\ncontent-length: 7\r\n\r\n"
			     "{\"a\":1}",
				 "POST", "{}", &status, &out, request),
		ERR_OK);
	assert_int_equal(status, 409);
	assert_true(span_equal_text(buf_span(&out), "{\"a\":1}"));
	assert_non_null(strstr(request, "POST /x HTTP/1.1\r\nHost: kith\r\n"));
	assert_non_null(strstr(request, "Content-Length: 2\r\n"));
	buf_clear(&out);
	assert_int_equal(ask("HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", "GET", "",
				 &status, &out, request),
		ERR_OK);
	assert_int_equal(out.len, 0);
	assert_null(strstr(request, "Content-Length"));
	buf_fini(&out);
}

static void half_an_answer_is_none(void **state)
{
	(void)state;
	static const char *const answers[] = {
		"",
		"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{\"a\":1}",
		"HTTP/1.1 200 OK\r\nContent-Len",
		"HTTP/1.1 200 OK\r\n\r\n{}",
		"SSH-2.0-OpenSSH\r\nContent-Length: 2\r\n\r\n{}",
	};
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		struct buf out = BUF_INIT(ANSWER_MAX);
		unsigned status = 0;
		assert_int_equal(ask(answers[i], "GET", "", &status, &out, NULL), ERR_IO);
		assert_int_equal(out.len, 0);
		buf_fini(&out);
	}
}

static void an_answer_over_the_room_is_refused(void **state)
{
	(void)state;
	static const char *const lengths[] = {"1001", "1000000", "18446744073709551615"};
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		struct buf out = BUF_INIT(ANSWER_MAX);
		char answer[128];
		unsigned status = 0;
		(void)snprintf(answer, sizeof(answer),
			"HTTP/1.1 200 OK\r\nContent-Length: %s\r\n\r\n", lengths[i]);
		assert_int_equal(ask(answer, "GET", "", &status, &out, NULL), ERR_LIMIT);
		buf_fini(&out);
	}
}

static void nobody_at_the_socket_is_told_apart(void **state)
{
	(void)state;
	struct buf out = BUF_INIT(ANSWER_MAX);
	unsigned status = 0;
	assert_int_equal(socket_ask("/tmp/kith-socket-nobody/s", "GET", "/x", span_of(NULL, 0), 10,
				 &status, &out),
		ERR_CLOSED);
	buf_fini(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_whole_answer_is_given),
		cmocka_unit_test(half_an_answer_is_none),
		cmocka_unit_test(an_answer_over_the_room_is_refused),
		cmocka_unit_test(nobody_at_the_socket_is_told_apart),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
