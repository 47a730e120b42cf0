/* /livez, /readyz and /metrics of a whole api: what they say, and to whom. */
#include "cage.h"
#include "lib/api_rig.h"
#include "lib/cmocka.h"
#include "lib/openmetrics.h"

#include "base/file.h"
#include "base/limits.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TEXT_BYTES = 65536 };

static struct api_rig rig;

static int set_up(void **state)
{
	(void)state;
	api_rig_start(&rig, NULL);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	api_rig_stop(&rig);
	return 0;
}

/* Asked by somebody who has no session; `headers` each with CRLF. */
static void ask(const char *path, const char *headers, struct api_reply *reply)
{
	char text[2048];
	int len = snprintf(text, sizeof(text),
		"GET %s HTTP/1.1\r\nHost: localhost:%u\r\nConnection: close\r\n%s\r\n", path,
		rig.port, headers);
	assert_in_range(len, 1, sizeof(text) - 1);
	api_rig_raw(&rig, text, reply);
}

static unsigned status_of(const char *path, const char *headers)
{
	struct api_reply reply;
	ask(path, headers, &reply);
	unsigned status = reply.status;
	api_reply_fini(&reply);
	return status;
}

static void says_that_it_lives_and_is_ready_to_anybody(void **state)
{
	struct api_reply reply;
	(void)state;
	ask("/livez", "", &reply);
	assert_int_equal(reply.status, 200);
	assert_string_equal(reply.body, "ok\n");
	assert_non_null(strstr(reply.text, "Cache-Control: no-store"));
	api_reply_fini(&reply);
	ask("/readyz", "X-Forwarded-For: 192.0.2.1\r\n", &reply);
	assert_int_equal(reply.status, 200);
	assert_string_equal(reply.body, "ready\n");
	api_reply_fini(&reply);
	api_rig_ask(&rig, "POST", "/livez", "{}", "", &reply);
	assert_int_equal(reply.status, 405);
	api_reply_fini(&reply);
	assert_int_equal(status_of("/livez?x=1", ""), 200);
	assert_int_not_equal(status_of("/livez/more", ""), 503);
}

static void figures_keep_every_rule_of_their_format(void **state)
{
	struct api_reply reply;
	char why[256];
	(void)state;
	api_rig_ask(&rig, "GET", "/api/status", NULL, "", &reply);
	api_reply_fini(&reply);
	ask("/metrics", "", &reply);
	assert_int_equal(reply.status, 200);
	assert_non_null(strstr(reply.text, "Content-Type: application/openmetrics-text; "
					   "version=1.0.0; charset=utf-8\r\n"));
	if (!openmetrics_is_sound(reply.body, why)) {
		fail_msg("%s", why);
	}
	assert_true(openmetrics_value(reply.body, "kith_ready") == 1);
	assert_true(openmetrics_value(reply.body, "kith_publishing") == 1);
	/* Sanitizers bring an allocator of their own. */
	assert_true(
		CAGE_IS_SANITIZED || openmetrics_value(reply.body, "kith_memory_heap_bytes") > 0);
	assert_true(openmetrics_value(reply.body, "kith_disk_bytes{class=\"other\"}") > 0);
	assert_true(
		openmetrics_value(reply.body, "kith_request_seconds_count{kind=\"read\"}") >= 1);
	assert_true(openmetrics_value(reply.body, "kith_evicted_total{what=\"blobs\"}") == 0);
	api_reply_fini(&reply);
}

static void figures_are_for_this_machine_or_for_the_token(void **state)
{
	static const char *const proxied[] = {"X-Forwarded-For: 127.0.0.1\r\n",
		"Forwarded: for=127.0.0.1\r\n", "X-Real-IP: ::1\r\n", "Via: 1.1 proxy\r\n",
		"X-Forwarded-Proto: https\r\n", "Sec-Fetch-Site: cross-site\r\n",
		"Sec-Fetch-Site: same-site\r\n"};
	static const char token[] = "0123456789abcdef0123456789abcdef\n";
	char path[128];
	char headers[512];
	(void)state;
	assert_int_equal(status_of("/metrics", ""), 200);
	(void)snprintf(path, sizeof(path), "%s/metrics-token", rig.dir);
	for (int round = 0; round < 2; round++) {
		/* Without a file nobody has the token; with one, who brings it whole. */
		bool has_file = round == 1;
		if (has_file) {
			assert_int_equal(file_create(path, span_text(token), 0600), ERR_OK);
		}
		for (size_t i = 0; i < sizeof(proxied) / sizeof(proxied[0]); i++) {
			assert_int_equal(status_of("/metrics", proxied[i]), 403);
			(void)snprintf(headers, sizeof(headers),
				"%sAuthorization: Bearer %.32s\r\n", proxied[i], token);
			assert_int_equal(status_of("/metrics", headers), has_file ? 200 : 403);
			(void)snprintf(headers, sizeof(headers),
				"%sAuthorization: Bearer %.31s\r\n", proxied[i], token);
			assert_int_equal(status_of("/metrics", headers), 403);
			(void)snprintf(headers, sizeof(headers),
				"%sAuthorization: Bearer %.32sx\r\n", proxied[i], token);
			assert_int_equal(status_of("/metrics", headers), 403);
			(void)snprintf(headers, sizeof(headers), "%sAuthorization: Basic %.32s\r\n",
				proxied[i], token);
			assert_int_equal(status_of("/metrics", headers), 403);
			(void)snprintf(headers, sizeof(headers), "%sAuthorization: Bearer \r\n",
				proxied[i]);
			assert_int_equal(status_of("/metrics", headers), 403);
		}
	}
}

static void a_token_that_is_easily_guessed_is_none(void **state)
{
	char path[128];
	char token[LIMIT_METRICS_TOKEN_BYTES_MIN + 1];
	char headers[256];
	(void)state;
	(void)snprintf(path, sizeof(path), "%s/metrics-token", rig.dir);
	for (size_t len = 0; len <= LIMIT_METRICS_TOKEN_BYTES_MIN; len++) {
		memset(token, 'a', sizeof(token));
		token[len] = '\0';
		assert_int_equal(file_replace(path, span_text(token), 0600), ERR_OK);
		(void)snprintf(headers, sizeof(headers),
			"Via: 1.1 x\r\nAuthorization: Bearer %s\r\n", token);
		assert_int_equal(status_of("/metrics", headers),
			len == LIMIT_METRICS_TOKEN_BYTES_MIN ? 200 : 403);
	}
}

/* The strict reader is strict. */
static void the_reader_finds_what_is_wrong(void **state)
{
	static const char good[] = "# TYPE a gauge\n# HELP a Text.\na 1\na{x=\"y\"} -2.5\n"
				   "# TYPE b counter\n# HELP b Text.\nb_total 1\n"
				   "# TYPE h histogram\n# HELP h Text.\nh_bucket{le=\"0.1\"} 1\n"
				   "h_bucket{le=\"+Inf\"} 2\nh_sum 3\nh_count 2\n# EOF\n";
	static const char *const bad[] = {"", "# EOF", "# TYPE a gauge\n# HELP a T.\na 1\n",
		"# TYPE a gauge\n# HELP a T.\na 1\n# EOF\n\n",
		"# TYPE a gauge\n# HELP a T.\na 1\n# EOF\nb 1\n", "a 1\n# EOF\n",
		"# TYPE a gauge\na 1\n# EOF\n", "# TYPE a gauge\n# HELP b T.\na 1\n# EOF\n",
		"# TYPE a gauge\n# HELP a T.\nb 1\n# EOF\n",
		"# TYPE a gauge\n# HELP a T.\na  1\n# EOF\n",
		"# TYPE a gauge\n# HELP a T.\na 1\na 2\n# EOF\n",
		"# TYPE a gauge\n# HELP a T.\na NaN\n# EOF\n",
		"# TYPE a gauge\n# HELP a T.\na{x=y} 1\n# EOF\n",
		"# TYPE a gauge\n# HELP a T.\na{x=\"y\",} 1\n# EOF\n",
		"# TYPE a gauge\n# HELP a T.\na{x=\"y} 1\n# EOF\n",
		"# TYPE a counter\n# HELP a T.\na 1\n# EOF\n",
		"# TYPE a counter\n# HELP a T.\na_total -1\n# EOF\n",
		"# TYPE a gauge\n# HELP a T.\na 1\n# TYPE a gauge\n# HELP a T.\na{b=\"c\"} 1\n# "
		"EOF\n",
		"# TYPE h histogram\n# HELP h T.\nh_bucket{le=\"1\"} 2\nh_bucket{le=\"+Inf\"} "
		"1\nh_sum 3\nh_count 1\n# EOF\n",
		"# TYPE h histogram\n# HELP h T.\nh_bucket{le=\"1\"} 2\nh_sum 3\nh_count 2\n# "
		"EOF\n",
		"# TYPE h histogram\n# HELP h T.\nh_bucket{le=\"+Inf\"} 2\nh_sum 3\nh_count 1\n# "
		"EOF\n"};
	char why[256];
	(void)state;
	assert_true(openmetrics_is_sound(good, why));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (openmetrics_is_sound(bad[i], why)) {
			fail_msg("%s", bad[i]);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			says_that_it_lives_and_is_ready_to_anybody, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			figures_keep_every_rule_of_their_format, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			figures_are_for_this_machine_or_for_the_token, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_token_that_is_easily_guessed_is_none, set_up, tear_down),
		cmocka_unit_test(the_reader_finds_what_is_wrong),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
