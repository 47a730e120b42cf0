/* Pictures, sound and files over the page's port: nothing half is ever there, the headers are those
 * of the rules, ranges are exact, and only this node's own page sees them. */
#include "lib/api_rig.h"

#include "lib/cmocka.h"

#include "base/limits.h"
#include "feed/id.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define PNG_HEAD "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x8\x6\0\0\0"
#define SVG "<svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(1)</script></svg>"

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

/* A request with any body; `extra` is more header lines. */
static void ask(const char *method, const char *target, struct span body, const char *extra,
	struct api_reply *reply)
{
	char head[2048];
	api_rig_advance(10000); /* each question has its whole allowance */
	int len = snprintf(head, sizeof(head),
		"%s %s HTTP/1.1\r\nHost: localhost:%u\r\nConnection: close\r\nCookie: %s\r\n%s",
		method, target, rig.port, rig.cookie, extra);
	if (strcmp(method, "PUT") == 0) {
		len += snprintf(head + len, sizeof(head) - (size_t)len,
			"X-Kith-Token: %s\r\nOrigin: http://localhost:%u\r\nContent-Length: "
			"%zu\r\n",
			rig.token, rig.port, body.len);
	}
	len += snprintf(head + len, sizeof(head) - (size_t)len, "\r\n");
	int fd = api_rig_connect(&rig);
	api_rig_send(fd, head, (size_t)len);
	for (size_t at = 0; at < body.len; at += 65536) {
		struct span part = span_take(span_skip(body, at), 65536);
		api_rig_send(fd, part.at, part.len);
	}
	api_rig_read_reply(fd, reply);
}

#define OCTETS "Content-Type: application/octet-stream\r\n"

/* Put it; its path form, and with `link` the text of its id and key. */
static void put(struct span bytes, const char *query, char path[static ID_PATH_BYTES], char *unbox)
{
	struct api_reply reply;
	struct blob_id id;
	char target[64];
	(void)snprintf(target, sizeof(target), "/api/blob%s", query);
	ask("PUT", target, bytes, OCTETS, &reply);
	assert_int_equal(reply.status, 200);
	assert_int_equal(blob_id_parse(span_text(api_reply_text(&reply, "id")), &id), ERR_OK);
	assert_int_equal(json_integer_value(json_object_get(reply.json, "bytes")), bytes.len);
	id_format_path(id.at, path);
	if (unbox != NULL) {
		(void)snprintf(unbox, 64, "%s", api_reply_text(&reply, "unbox"));
	}
	api_reply_fini(&reply);
}

static void get(const char *path, const char *query, const char *extra, struct api_reply *reply)
{
	char target[512];
	(void)snprintf(target, sizeof(target), "/blob/%s%s", path, query);
	ask("GET", target, span_of(NULL, 0), extra, reply);
}

static void assert_has(const struct api_reply *reply, const char *line)
{
	if (strstr(reply->text, line) == NULL) {
		fail_msg("%s is missing in %s", line, reply->text);
	}
}

static void assert_body(const struct api_reply *reply, const void *bytes, size_t len)
{
	assert_int_equal((size_t)(reply->text + reply->len - reply->body), len);
	assert_memory_equal(reply->body, bytes, len);
}

static void only_what_is_for_a_draft_may_go_by_itself(void **state)
{
	struct blob_upload list[4];
	char path[ID_PATH_BYTES];
	char found[ID_PATH_BYTES];
	size_t count = 0;
	(void)state;
	put(span_text("by hand"), "", path, NULL);
	put(span_text("by hand, sealed"), "?seal=1", path, NULL);
	put(span_text("by hand, and not for a draft"), "?draft=0", path, NULL);
	put(span_text("for a draft"), "?draft=1", path, NULL);
	assert_int_equal(
		blobs_uploads(reader_of_thread(rig.store), INT64_MAX, NULL, list, 4, &count),
		ERR_OK);
	assert_int_equal(count, 1);
	id_format_path(list[0].id.at, found);
	assert_string_equal(found, path);
}

static void a_picture_is_shown_with_the_headers_of_the_rules(void **state)
{
	static const char png[] = PNG_HEAD "and so on";
	char path[ID_PATH_BYTES];
	char etag[80];
	struct api_reply reply;
	(void)state;
	put(span_of(png, sizeof(png)), "", path, NULL);
	get(path, "", "", &reply);
	assert_int_equal(reply.status, 200);
	assert_has(&reply, "Content-Type: image/png\r\n");
	assert_has(&reply, "Content-Security-Policy: default-src 'none'; sandbox\r\n");
	assert_has(&reply, "X-Content-Type-Options: nosniff\r\n");
	assert_has(&reply, "Cross-Origin-Resource-Policy: same-origin\r\n");
	assert_has(&reply, "Cache-Control: private, max-age=31536000, immutable\r\n");
	assert_null(strstr(reply.text, "Content-Disposition"));
	assert_body(&reply, png, sizeof(png));
	api_reply_fini(&reply);
	(void)snprintf(etag, sizeof(etag), "If-None-Match: \"%s\"\r\n", path);
	get(path, "", etag, &reply);
	assert_int_equal(reply.status, 304);
	assert_body(&reply, "", 0);
	api_reply_fini(&reply);
}

static void what_may_run_is_a_download_with_a_harmless_name(void **state)
{
	static const char *const names[][2] = {
		{"", "attachment; filename=\""},
		{"?name=plan.pdf", "filename=\"plan.pdf\""},
		{"?name=evil.svg", "filename=\"evil-svg.bin\""},
		{"?name=a%22%3b%0d%0ax.exe", "filename=\"a-x-exe.bin\""},
		{"?name=..%2e%2e.html", "filename=\"html.bin\""},
	};
	char path[ID_PATH_BYTES];
	struct api_reply reply;
	(void)state;
	put(span_of(SVG, sizeof(SVG) - 1), "", path, NULL);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		get(path, names[i][0], "", &reply);
		assert_int_equal(reply.status, 200);
		assert_has(&reply, "Content-Type: application/octet-stream\r\n");
		assert_has(&reply, "Content-Security-Policy: default-src 'none'; sandbox\r\n");
		assert_has(&reply, names[i][1]);
		api_reply_fini(&reply);
	}
}

static void ranges_are_exact(void **state)
{
	static const struct {
		const char *range;
		unsigned status, first, count;
	} rows[] = {
		{"bytes=0-0", 206, 0, 1},
		{"bytes=0-9", 206, 0, 10},
		{"bytes=90-", 206, 90, 10},
		{"bytes=90-5000", 206, 90, 10},
		{"bytes=-7", 206, 93, 7},
		{"bytes=-700", 206, 0, 100},
		{"bytes=100-", 416, 0, 0},
		{"bytes=-0", 416, 0, 0},
		{"bytes=99999999999999999999-", 416, 0, 0},
		{"bytes=5-4", 200, 0, 100},
		{"bytes=0-1,5-6", 200, 0, 100},
		{"bytes=", 200, 0, 100},
		{"lines=0-9", 200, 0, 100},
	};
	uint8_t bytes[100];
	char path[ID_PATH_BYTES];
	char extra[128];
	struct api_reply reply;
	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++) {
		bytes[i] = (uint8_t)i;
	}
	put(span_of(bytes, sizeof(bytes)), "", path, NULL);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		(void)snprintf(extra, sizeof(extra), "Range: %s\r\n", rows[i].range);
		get(path, "", extra, &reply);
		if (reply.status != rows[i].status) {
			fail_msg("%u for %s", reply.status, rows[i].range);
		}
		assert_body(&reply, bytes + rows[i].first, rows[i].count);
		if (rows[i].status == 416) {
			assert_has(&reply, "Content-Range: bytes */100\r\n");
		}
		api_reply_fini(&reply);
	}
	get(path, "", "Range: bytes=0-9\r\nIf-Range: \"another\"\r\n", &reply);
	assert_int_equal(reply.status, 200);
	api_reply_fini(&reply);
}

static void what_was_sealed_is_opened_by_its_key_alone(void **state)
{
	static const char png[] = PNG_HEAD "nobody else may see this";
	char path[ID_PATH_BYTES];
	char unbox[64];
	char query[128];
	struct api_reply reply;
	(void)state;
	put(span_of(png, sizeof(png)), "?seal=1", path, unbox);
	assert_int_equal(strlen(unbox), 49);
	get(path, "", "", &reply);
	assert_has(&reply, "Content-Type: application/octet-stream\r\n");
	assert_null(memmem(reply.text, reply.len, "nobody else", 11));
	api_reply_fini(&reply);
	(void)snprintf(query, sizeof(query), "?unbox=%s", unbox);
	get(path, query, "", &reply);
	assert_int_equal(reply.status, 200);
	assert_has(&reply, "Content-Type: image/png\r\n");
	assert_has(&reply, "Cache-Control: no-store\r\n");
	assert_body(&reply, png, sizeof(png));
	api_reply_fini(&reply);
	get(path, query, "Range: bytes=1-3\r\n", &reply);
	assert_int_equal(reply.status, 206);
	assert_body(&reply, "PNG", 3);
	api_reply_fini(&reply);
	query[8] = query[8] == 'A' ? 'B' : 'A';
	get(path, query, "", &reply);
	assert_int_equal(reply.status, 422);
	assert_null(memmem(reply.text, reply.len, "nobody else", 11));
	api_reply_fini(&reply);
	get(path, "?unbox=short", "", &reply);
	assert_int_equal(reply.status, 400);
	api_reply_fini(&reply);
}

static void an_upload_that_is_too_large_or_empty_leaves_nothing(void **state)
{
	struct api_reply reply;
	struct blob_sums sums;
	char path[ID_PATH_BYTES];
	uint8_t *bytes = calloc(1, LIMIT_BLOB_BYTES);
	struct reader *reader = NULL;
	(void)state;
	assert_non_null(bytes);
	memset(bytes, 'x', LIMIT_BLOB_BYTES);
	assert_int_equal(reader_open(rig.store, &reader), ERR_OK);
	assert_int_equal(blobs_sum(reader, &sums), ERR_OK);
	uint64_t before = sums.count[BLOB_OWN];
	ask("PUT", "/api/blob", span_of(bytes, LIMIT_BLOB_BYTES), OCTETS, &reply);
	assert_int_equal(reply.status, 413);
	assert_string_equal(api_reply_text(&reply, "error.code"), "too_large");
	api_reply_fini(&reply);
	/* Sealed it is longer than it is. */
	ask("PUT", "/api/blob?seal=1", span_of(bytes, LIMIT_BLOB_BYTES - 1), OCTETS, &reply);
	assert_int_equal(reply.status, 413);
	api_reply_fini(&reply);
	ask("PUT", "/api/blob", span_of(NULL, 0), OCTETS, &reply);
	assert_int_equal(reply.status, 400);
	api_reply_fini(&reply);
	assert_int_equal(blobs_sum(reader, &sums), ERR_OK);
	assert_int_equal(sums.count[BLOB_OWN], before);
	put(span_of(bytes, LIMIT_BLOB_BYTES - 1), "", path, NULL);
	get(path, "", "", &reply);
	assert_int_equal(reply.status, 200);
	assert_body(&reply, bytes, LIMIT_BLOB_BYTES - 1);
	api_reply_fini(&reply);
	reader_close(reader);
	free(bytes);
}

static void an_upload_that_breaks_off_leaves_nothing(void **state)
{
	char head[1024];
	struct blob_sums before;
	struct blob_sums after;
	struct api_reply reply;
	struct reader *reader = NULL;
	(void)state;
	assert_int_equal(reader_open(rig.store, &reader), ERR_OK);
	assert_int_equal(blobs_sum(reader, &before), ERR_OK);
	for (int i = 0; i < 2 * LIMIT_BLOB_UPLOADS; i++) {
		int len = snprintf(head, sizeof(head),
			"PUT /api/blob HTTP/1.1\r\nHost: localhost:%u\r\nCookie: "
			"%s\r\nX-Kith-Token: %s\r\nOrigin: http://localhost:%u\r\n" OCTETS
			"Content-Length: 1000\r\n\r\nhalf of it",
			rig.port, rig.cookie, rig.token, rig.port);
		int fd = api_rig_connect(&rig);
		api_rig_advance(10000);
		api_rig_send(fd, head, (size_t)len);
		(void)shutdown(fd, SHUT_WR);
		api_rig_read_reply(fd, &reply);
		assert_int_not_equal(reply.status, 200);
		api_reply_fini(&reply);
	}
	/* None of the places for uploads is taken by them. */
	char path[ID_PATH_BYTES];
	put(span_of("whole", 5), "", path, NULL);
	assert_int_equal(blobs_sum(reader, &after), ERR_OK);
	assert_int_equal(after.count[BLOB_OWN], before.count[BLOB_OWN] + 1);
	reader_close(reader);
}

static void only_this_nodes_own_page_gets_anything(void **state)
{
	static const char *const sites[] = {"cross-site", "same-site"};
	char path[ID_PATH_BYTES];
	char extra[128];
	struct api_reply reply;
	(void)state;
	put(span_of("mine", 4), "", path, NULL);
	for (size_t i = 0; i < sizeof(sites) / sizeof(sites[0]); i++) {
		(void)snprintf(extra, sizeof(extra), "Sec-Fetch-Site: %s\r\n", sites[i]);
		get(path, "", extra, &reply);
		assert_int_equal(reply.status, 403);
		api_reply_fini(&reply);
	}
	get(path, "", "Sec-Fetch-Site: same-origin\r\n", &reply);
	assert_int_equal(reply.status, 200);
	api_reply_fini(&reply);
	/* Without the cookie, and an upload without the token's page. */
	char cookie[sizeof(rig.cookie)];
	memcpy(cookie, rig.cookie, sizeof(cookie));
	rig.cookie[strlen(rig.cookie) - 1] ^= 1;
	get(path, "", "", &reply);
	assert_int_equal(reply.status, 401);
	api_reply_fini(&reply);
	memcpy(rig.cookie, cookie, sizeof(cookie));
	ask("PUT", "/api/blob", span_of("{}", 2), "Content-Type: application/json\r\n", &reply);
	assert_int_equal(reply.status, 400);
	api_reply_fini(&reply);
}

static void what_is_not_here_is_told_and_can_be_wanted(void **state)
{
	struct blob_id id = {{9}};
	char path[ID_PATH_BYTES];
	char target[64];
	struct api_reply reply;
	(void)state;
	id_format_path(id.at, path);
	get(path, "", "", &reply);
	assert_int_equal(reply.status, 404);
	api_reply_fini(&reply);
	(void)snprintf(target, sizeof(target), "/api/blob/%s", path);
	api_rig_ask(&rig, "GET", target, NULL, "", &reply);
	assert_int_equal(reply.status, 200);
	assert_true(json_is_false(json_object_get(reply.json, "have")));
	/* Asking for a stranger's file wants nothing by itself. */
	assert_true(json_is_null(json_object_get(reply.json, "wanted")));
	api_reply_fini(&reply);
	api_rig_ask(&rig, "POST", target, "{\"want\":true}", "", &reply);
	assert_int_equal(reply.status, 202);
	assert_true(json_is_integer(json_object_get(reply.json, "wanted")));
	api_reply_fini(&reply);
	api_rig_ask(&rig, "POST", target, "{\"want\":false}", "", &reply);
	assert_int_equal(reply.status, 200);
	assert_true(json_is_null(json_object_get(reply.json, "wanted")));
	api_reply_fini(&reply);
	api_rig_ask(&rig, "POST", target, "{\"want\":1}", "", &reply);
	assert_int_equal(reply.status, 400);
	api_reply_fini(&reply);
}

static void a_post_tells_its_pictures_and_publishing_offers_them(void **state)
{
	static const char png[] = PNG_HEAD "in a post";
	char path[ID_PATH_BYTES];
	char text[BLOB_ID_TEXT_BYTES];
	char body[512];
	struct blob_id id;
	struct api_reply reply;
	(void)state;
	put(span_of(png, sizeof(png)), "", path, NULL);
	assert_int_equal(blob_id_parse_any(span_text(path), &id), ERR_OK);
	blob_id_format(&id, text);
	(void)snprintf(body, sizeof(body), "{\"text\":\"see ![a boat](%s)\"}", text);
	api_rig_ask(&rig, "POST", "/api/post", body, "", &reply);
	assert_int_equal(reply.status, 200);
	api_reply_fini(&reply);
	api_rig_ask(&rig, "GET", "/api/timeline?tab=home", NULL, "", &reply);
	const json_t *post = json_array_get(json_object_get(reply.json, "posts"), 0);
	const json_t *blob = json_array_get(json_object_get(post, "blobs"), 0);
	assert_string_equal(json_string_value(json_object_get(blob, "id")), text);
	assert_string_equal(json_string_value(json_object_get(blob, "alt")), "a boat");
	assert_string_equal(json_string_value(json_object_get(blob, "mime")), "image/png");
	assert_true(json_is_true(json_object_get(blob, "have")));
	assert_true(json_is_true(json_object_get(blob, "open")));
	api_reply_fini(&reply);
	struct reader *reader = NULL;
	bool is_near = false;
	assert_int_equal(reader_open(rig.store, &reader), ERR_OK);
	assert_int_equal(blobs_is_near(reader, &id, &is_near), ERR_OK);
	assert_true(is_near);
	reader_close(reader);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_what_is_for_a_draft_may_go_by_itself),
		cmocka_unit_test(a_picture_is_shown_with_the_headers_of_the_rules),
		cmocka_unit_test(what_may_run_is_a_download_with_a_harmless_name),
		cmocka_unit_test(ranges_are_exact),
		cmocka_unit_test(what_was_sealed_is_opened_by_its_key_alone),
		cmocka_unit_test(an_upload_that_is_too_large_or_empty_leaves_nothing),
		cmocka_unit_test(an_upload_that_breaks_off_leaves_nothing),
		cmocka_unit_test(only_this_nodes_own_page_gets_anything),
		cmocka_unit_test(what_is_not_here_is_told_and_can_be_wanted),
		cmocka_unit_test(a_post_tells_its_pictures_and_publishing_offers_them),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
