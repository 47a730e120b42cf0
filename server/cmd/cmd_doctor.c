/*
 * `kith doctor proxy`: asks for the page as a browser elsewhere would, by way of the proxy, and
 * with lies in the headers that a good proxy replaces; what comes back tells which line is missing.
 * curl does the asking, as kith speaks no TLS.
 */
#include "cmd/client.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { URL_BYTES = 512, ANSWER_BYTES = 64 * 1024, STATUS_MARK = '\n', LINE_BYTES = 256 };

#define LIE "192.0.2.77" /* an address of nobody's */

extern char **environ;

struct asked {
	long status;             /* 0: nobody answered */
	char text[ANSWER_BYTES]; /* the body; or what curl said */
	json_t *json;            /* the body, when it is JSON */
};

/* Runs curl and reads what it prints. False: there is no curl. */
static bool run_curl(const char *const argv[], struct asked *out)
{
	int fds[2];
	pid_t child = 0;
	posix_spawn_file_actions_t actions;
	size_t len = 0;
	ssize_t got = 0;
	if (pipe2(fds, O_CLOEXEC) != 0) {
		return false;
	}
	(void)posix_spawn_file_actions_init(&actions);
	(void)posix_spawn_file_actions_adddup2(&actions, fds[1], STDOUT_FILENO);
	(void)posix_spawn_file_actions_adddup2(&actions, fds[1], STDERR_FILENO);
	bool is_there = posix_spawnp(&child, "curl", &actions, NULL, (char **)(uintptr_t)argv,
				environ) == 0;
	(void)posix_spawn_file_actions_destroy(&actions);
	(void)close(fds[1]);
	while (is_there && len + 1 < sizeof(out->text)) {
		got = read(fds[0], out->text + len, sizeof(out->text) - 1 - len);
		if (got <= 0 && !(got < 0 && errno == EINTR)) {
			break;
		}
		len += got > 0 ? (size_t)got : 0;
	}
	out->text[len] = '\0';
	(void)close(fds[0]);
	while (is_there && waitpid(child, NULL, 0) < 0 && errno == EINTR) {
	}
	return is_there;
}

enum { HEADERS_MAX = 4, ARGS_MAX = 8 + 2 * HEADERS_MAX + 2 };

/* One GET with these headers. The status stands behind the body, on a line of its own. */
static bool ask(const char *url, const char *const headers[HEADERS_MAX], struct asked *out)
{
	char target[URL_BYTES + 16];
	const char *argv[ARGS_MAX] = {
		"curl", "-sS", "--http1.1", "--max-time", "20", "-w", "\n%{http_code}", target};
	size_t count = 8;
	*out = (struct asked){.status = 0};
	(void)snprintf(target, sizeof(target), "%s/api/door", url);
	for (size_t i = 0; i < HEADERS_MAX && headers[i] != NULL; i++) {
		argv[count++] = "-H";
		argv[count++] = headers[i];
	}
	if (!run_curl(argv, out)) {
		return false;
	}
	char *mark = strrchr(out->text, STATUS_MARK);
	if (mark != NULL) {
		out->status = strtol(mark + 1, NULL, 10);
		*mark = '\0';
		out->json = json_loads(out->text, 0, NULL);
	}
	return true;
}

static const char *said(const struct asked *asked)
{
	return client_text(json_object_get(asked->json, "error"), "said");
}

static bool is_said(const struct asked *asked, const char *part)
{
	return strstr(said(asked), part) != NULL;
}

static int missing(const char *what, const char *nginx, const char *caddy)
{
	(void)printf("%s. Missing in nginx: %s", what, nginx);
	(void)printf(caddy == NULL ? "\n" : "; in Caddy: %s\n", caddy);
	return EXIT_BAD;
}

static int missing_host(void)
{
	return missing("The proxy does not pass the name on that was asked for",
		"proxy_set_header Host $http_host;", "no header_up Host");
}

/* Nothing of kith's came back. */
static int judge_stranger(const char *url, long long port, const struct asked *asked)
{
	if (asked->status == 0) {
		(void)printf("Nobody answers at %s: %.300s\n", url, asked->text);
	} else if (asked->status == 502 || asked->status == 503 || asked->status == 504) {
		(void)printf("The proxy does not reach the node (%ld). Missing in nginx: "
			     "proxy_pass http://127.0.0.1:%lld; in Caddy: reverse_proxy "
			     "127.0.0.1:%lld\n",
			asked->status, port, port);
	} else {
		(void)printf("Something else than this node answers at %s (%ld). Missing in nginx: "
			     "a location for it with proxy_pass http://127.0.0.1:%lld; in Caddy: "
			     "reverse_proxy 127.0.0.1:%lld\n",
			url, asked->status, port, port);
	}
	return EXIT_BAD;
}

/* The node refused. */
static int judge_refusal(const char *url, bool is_configured, const struct asked *asked)
{
	if (is_said(asked, "X-Forwarded-Proto")) {
		return missing("The proxy lets visitors say whether they came by https",
			"proxy_set_header X-Forwarded-Proto $scheme;", NULL);
	}
	if (is_said(asked, "X-Forwarded-Host")) {
		return missing("The proxy lets visitors name another host",
			"proxy_set_header X-Forwarded-Host $http_host;", NULL);
	}
	if (is_said(asked, "Host") && !is_configured) {
		(void)printf("The node does not know its name. Missing in kith.conf: "
			     "public-url = %s\n",
			url);
		return EXIT_BAD;
	}
	if (is_said(asked, "Host")) {
		return missing_host();
	}
	if (asked->status == 404) {
		return missing("The proxy takes a part of the path off, or adds one",
			"proxy_pass without a slash or a path behind the port",
			"handle instead of handle_path");
	}
	(void)printf(
		"The node refuses what comes by the proxy (%ld): %s\n", asked->status, said(asked));
	return EXIT_BAD;
}

/* EXIT_GOOD: what the node made of it is right. */
static int judge_answer(const char *url, const struct asked *asked)
{
	const char *address = client_text(asked->json, "address");
	bool is_believed = json_is_true(json_object_get(asked->json, "believed"));
	bool is_forwarded = json_is_true(json_object_get(asked->json, "forwarded"));
	if (is_forwarded && !is_believed) {
		(void)printf("The node does not believe the proxy who asks, so failed logins of "
			     "all visitors count as one's. Missing in kith.conf: trusted-proxies "
			     "= %s\n",
			address);
		return EXIT_BAD;
	}
	if (strcmp(address, LIE) == 0 || !is_forwarded) {
		return missing("The proxy does not say who asks, or lets visitors say it",
			"proxy_set_header X-Forwarded-For $remote_addr;", NULL);
	}
	if (strncmp(url, "https:", 6) == 0 &&
		!json_is_true(json_object_get(asked->json, "secure"))) {
		/* It came as if for this machine alone. */
		return missing_host();
	}
	return EXIT_GOOD;
}

/* `url` without the slash at its end. */
static int judge(const char *url, bool is_configured, long long port, struct asked *asked)
{
	static const char *const lies[][HEADERS_MAX] = {
		{"X-Forwarded-For: " LIE, "X-Forwarded-Proto: gopher"},
		{"X-Forwarded-For: " LIE, "X-Forwarded-Host: " LIE},
		{"Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
			"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="},
	};
	int code = EXIT_GOOD;
	for (size_t i = 0; code == EXIT_GOOD && i < 3; i++) {
		if (!ask(url, lies[i], asked)) {
			return cmd_fail("doctor", "it needs curl: apt-get install curl");
		}
		bool is_ours = json_is_object(asked->json);
		if (!is_ours) {
			code = judge_stranger(url, port, asked);
		} else if (i < 2) {
			code = asked->status == 200 ? judge_answer(url, asked)
						    : judge_refusal(url, is_configured, asked);
		} else if (asked->status != 404) {
			/* An upgrade is known at one address, and this is another. What lost a part
			 * of its upgrade on the way is answered, or refused. */
			code = missing("The proxy does not let WebSockets through",
				"proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; "
				"proxy_set_header Connection $kith_connection;",
				NULL);
		}
		json_decref(asked->json);
	}
	return code;
}

static int diagnose(const json_t *status, const char *given)
{
	char url[URL_BYTES];
	static struct asked asked;
	const json_t *http = json_object_get(status, "http");
	const char *page = client_text(http, "page");
	bool is_configured = strncmp(page, "http://localhost:", 17) != 0 || given == NULL;
	if (given == NULL && strncmp(page, "http://localhost:", 17) == 0) {
		(void)printf("The node does not know under which name a proxy shows it. Missing in "
			     "kith.conf: public-url = https://NAME\n");
		return EXIT_BAD;
	}
	(void)snprintf(url, sizeof(url), "%s", given == NULL ? page : given);
	size_t len = strlen(url);
	if (len > 0 && url[len - 1] == '/') {
		url[len - 1] = '\0';
	}
	int code = judge(url, is_configured, client_number(http, "port"), &asked);
	if (code == EXIT_GOOD) {
		(void)printf("All is well: %s/ shows the node's page, says who asks, and lets "
			     "WebSockets through.\n",
			url);
	}
	return code;
}

int cmd_doctor(int argc, char **argv)
{
	struct client_options options = {.data = NULL};
	int code = client_options(&options, argc, argv, 1, 2, "it takes: proxy [URL]");
	if (code < 0 && strcmp(argv[1], "proxy") != 0) {
		return cmd_usage(cmd_find("doctor"), "it takes: proxy [URL]");
	}
	struct client *client = code < 0 ? client_open(&options, true) : NULL;
	if (client == NULL) {
		return code < 0 ? EXIT_BAD : code;
	}
	json_t *status = client_ask(client, "GET", "/api/status", span_of(NULL, 0));
	code = status == NULL ? EXIT_BAD : diagnose(status, argv[2]);
	json_decref(status);
	client_close(client);
	return code;
}
