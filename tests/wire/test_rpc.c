/* wire/rpc: what strangers may do to a connection, and what it never does to them. */
#include "wire/fake_peer.h"

#include <malloc.h>

static const char source_open[] = "{\"name\":[\"blobs\",\"get\"],\"args\":[],\"type\":\"source\"}";
static const char duplex_open[] =
	"{\"name\":[\"ebt\",\"replicate\"],\"args\":[{\"version\":3}],\"type\":\"duplex\"}";
static const char sink_open[] = "{\"name\":[\"put\"],\"args\":[],\"type\":\"sink\"}";
static const char async_open[] = "{\"name\":[\"whoami\"],\"args\":[]}";

static void write_name(
	struct fake *fake, struct rpc_call *call, const char *name, enum rpc_kind kind)
{
	fake_hear(fake, rpc_kind_name(kind), span_of(NULL, 0));
	fake_hear(fake, name, span_of(NULL, 0));
	fake_accept(fake, call);
}

/* Opening */

static void a_name_is_an_array_or_a_bare_string(void **state)
{
	(void)state;
	struct fake fake;
	fake_init(&fake);
	fake.on_call = write_name;
	assert_int_equal(fake_receive(&fake, 0x02, 1,
				 "{\"name\":\"manifest\",\"args\":[],\"type\":\"async\"}"),
		ERR_OK);
	fake_heard(&fake, "async\nmanifest\n");
	assert_int_equal(
		fake_receive(&fake, 0x02, 2,
			"{\"args\":[],\"type\":\"sync\",\"name\":[\"a\",\"b\",\"c\"],\"x\":{}}"),
		ERR_OK);
	fake_heard(&fake, "async\na.b.c\n");
	assert_int_equal(fake_receive(&fake, 0x0a, 3, source_open), ERR_OK);
	assert_int_equal(fake_receive(&fake, 0x0a, 4, sink_open), ERR_OK);
	assert_int_equal(fake_receive(&fake, 0x0a, 5, duplex_open), ERR_OK);
	fake_heard(&fake, "source\nblobs.get\nsink\nput\nduplex\nebt.replicate\n");
	fake_sent_nothing(&fake);
	fake_fini(&fake);
}

static void say_no(struct fake *fake, struct rpc_call *call, const char *name, enum rpc_kind kind)
{
	(void)fake;
	(void)name;
	(void)kind;
	rpc_refuse(call, "no \"thanks\"");
}

static void do_nothing(
	struct fake *fake, struct rpc_call *call, const char *name, enum rpc_kind kind)
{
	(void)fake;
	(void)call;
	(void)name;
	(void)kind;
}

static void a_call_nobody_takes_gets_the_text_that_peers_compare(void **state)
{
	(void)state;
	static const char body[] = "{\"message\":\"method:ebt,replicate is not in list of allowed "
				   "methods\",\"name\":\"Error\",\"stack\":\"\"}";
	struct fake fake;
	fake_init(&fake);
	fake.on_call = do_nothing;
	assert_int_equal(fake_receive(&fake, 0x0a, 1, duplex_open), ERR_OK);
	fake_sent(&fake, 0x0e, -1, body);
	assert_int_equal(
		fake_receive(&fake, 0x02, 2, "{\"name\":[\"ebt\",\"replicate\"],\"args\":[]}"),
		ERR_OK);
	fake_sent(&fake, 0x06, -2, body);
	fake.on_call = say_no;
	assert_int_equal(fake_receive(&fake, 0x0a, 3, duplex_open), ERR_OK);
	fake_sent(&fake, 0x0e, -3,
		"{\"message\":\"no \\\"thanks\\\"\",\"name\":\"Error\",\"stack\":\"\"}");
	fake_sent_nothing(&fake);
	fake_heard(&fake, "");
	fake_fini(&fake);
}

static void a_malformed_call_is_answered_and_not_opened(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"{\"name\":[\"a\"],\"args\":{}}",
		"{\"name\":[\"a\"]}",
		"{\"name\":[],\"args\":[]}",
		"{\"name\":[1],\"args\":[]}",
		"{\"args\":[]}",
		"[]",
		"1",
		"null",
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct fake fake;
		fake_init(&fake);
		assert_int_equal(fake_receive(&fake, 0x02, 7, bad[i]), ERR_OK);
		assert_int_equal(fake.theirs_count, 0);
		assert_int_equal(fake.sent.at[0], 0x06);
		assert_non_null(strstr(
			buf_cstr(&fake.sent) + MUXRPC_HEAD_BYTES, "\"message\":\"invalid call"));
		fake_fini(&fake);
	}
}

static void a_stream_without_a_known_type_is_refused_as_js_does(void **state)
{
	(void)state;
	struct fake fake;
	fake_init(&fake);
	assert_int_equal(
		fake_receive(&fake, 0x0a, 1, "{\"name\":[\"a\"],\"args\":[],\"type\":\"async\"}"),
		ERR_OK);
	fake_sent(&fake, 0x0e, -1,
		"{\"message\":\"unsupported stream type\",\"name\":\"Error\",\"stack\":\"\"}");
	assert_int_equal(fake_receive(&fake, 0x0a, 2, "{\"name\":[\"a\"],\"args\":[]}"), ERR_OK);
	fake_sent(&fake, 0x0e, -2,
		"{\"message\":\"unsupported stream type\",\"name\":\"Error\",\"stack\":\"\"}");
	assert_int_equal(fake.theirs_count, 0);
	fake_fini(&fake);
}

static void odd_names_reach_no_method(void **state)
{
	(void)state;
	static const char *const odd[] = {"[\"blobs.get\"]", "\"blobs.get\"", "[\"\"]",
		"[\"a\",\"\"]", "[\"a\\u0000b\"]", "[\"a b\"]", "\"\\u00e9\""};
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		struct fake fake;
		char body[128];
		fake_init(&fake);
		(void)snprintf(body, sizeof(body), "{\"name\":%s,\"args\":[]}", odd[i]);
		assert_int_equal(fake_receive(&fake, 0x02, 1, body), ERR_OK);
		assert_int_equal(fake.theirs_count, 0);
		assert_int_equal(fake.sent.at[0], 0x06);
		fake_fini(&fake);
	}
}

static void names_are_taken_up_to_their_limit(void **state)
{
	(void)state;
	static const size_t sizes[] = {LIMIT_RPC_NAME_BYTES, LIMIT_RPC_NAME_BYTES + 1, 60000};
	for (size_t i = 0; i < 3; i++) {
		struct fake fake;
		char body[60100];
		char name[60001];
		fake_init(&fake);
		memset(name, 'a', sizes[i]);
		name[sizes[i]] = '\0';
		(void)snprintf(body, sizeof(body), "{\"name\":[\"%s\"],\"args\":[]}", name);
		assert_int_equal(fake_receive(&fake, 0x02, 1, body), ERR_OK);
		assert_int_equal(fake.theirs_count, i == 0 ? 1 : 0);
		fake_fini(&fake);
	}
}

static void args_are_taken_up_to_their_depth(void **state)
{
	(void)state;
	static const size_t depths[] = {LIMIT_RPC_ARGS_DEPTH, LIMIT_RPC_ARGS_DEPTH + 1, 10000};
	for (size_t i = 0; i < 3; i++) {
		struct fake fake;
		struct buf body = BUF_INIT(MIB);
		fake_init(&fake);
		assert_int_equal(buf_append_text(&body, "{\"name\":[\"a\"],\"args\":"), ERR_OK);
		for (size_t d = 0; d < 2 * depths[i]; d++) {
			assert_int_equal(buf_append_byte(&body, d < depths[i] ? '[' : ']'), ERR_OK);
		}
		assert_int_equal(buf_append_byte(&body, '}'), ERR_OK);
		assert_int_equal(fake_receive_bytes(&fake, 0x02, 1, buf_span(&body)), ERR_OK);
		assert_int_equal(fake.theirs_count, i == 0 ? 1 : 0);
		buf_fini(&body);
		fake_fini(&fake);
	}
}

static void what_is_not_json_under_the_json_type_ends_the_connection(void **state)
{
	(void)state;
	struct fake fake;
	fake_init(&fake);
	(void)fake_open(&fake, "x", RPC_ASYNC, "[]");
	assert_int_equal(fake_receive(&fake, 0x02, -1, "{\"a\":"), ERR_REFUSED);
	assert_int_equal(fake_receive(&fake, 0x02, 1, async_open), ERR_REFUSED);
	fake_fini(&fake);
	fake_init(&fake);
	assert_int_equal(fake_receive(&fake, 0x02, 1, "whoami"), ERR_REFUSED);
	fake_fini(&fake);
}

/* Numbers */

static void plus_one_and_minus_one_are_different_calls(void **state)
{
	(void)state;
	struct fake fake;
	fake_init(&fake);
	(void)fake_open(&fake, "ours", RPC_SOURCE, "[]");
	fake_sent(&fake, 0x0a, 1, "{\"name\":[\"ours\"],\"args\":[],\"type\":\"source\"}");
	assert_int_equal(fake_receive(&fake, 0x0a, 1, sink_open), ERR_OK);
	assert_int_equal(fake_receive(&fake, 0x0a, -1, "\"to ours\""), ERR_OK);
	assert_int_equal(fake_receive(&fake, 0x0a, 1, "\"to theirs\""), ERR_OK);
	fake_heard(&fake, "json \"to ours\"\njson \"to theirs\"\n");
	assert_int_equal(fake_receive(&fake, 0x0e, 1, "true"), ERR_OK);
	fake_sent(&fake, 0x0e, -1, "true");
	assert_int_equal(fake_receive(&fake, 0x0a, -1, "\"still ours\""), ERR_OK);
	fake_heard(&fake, "end\njson \"still ours\"\n");
	fake_fini(&fake);
}

static void unknown_negative_numbers_and_number_zero_are_dropped(void **state)
{
	(void)state;
	struct fake fake;
	fake_init(&fake);
	assert_int_equal(fake_receive(&fake, 0x02, -5, "1"), ERR_OK);
	assert_int_equal(fake_receive(&fake, 0x0e, -5, "true"), ERR_OK);
	assert_int_equal(fake_receive(&fake, 0x02, 0, "{\"bare\":1}"), ERR_OK);
	assert_int_equal(fake_receive(&fake, 0x08, 0, ""), ERR_OK);
	assert_int_equal(fake_receive(&fake, 0x0e, 4, "true"), ERR_OK);
	fake_sent_nothing(&fake);
	fake_heard(&fake, "");
	assert_int_equal(fake_receive(&fake, 0x02, 5, async_open), ERR_OK);
	assert_int_equal(fake.theirs_count, 1);
	fake_fini(&fake);
}

static void late_packets_of_a_finished_call_open_nothing(void **state)
{
	(void)state;
	struct fake fake;
	fake_init(&fake);
	fake.on_call = do_nothing;
	assert_int_equal(fake_receive(&fake, 0x0a, 1, duplex_open), ERR_OK);
	buf_clear(&fake.sent);
	/* gossip.ping: the first item is on its way before the refusal arrives. */
	assert_int_equal(fake_receive(&fake, 0x0a, 1, "1795351194896"), ERR_OK);
	assert_int_equal(fake_receive(&fake, 0x0a, 1, duplex_open), ERR_OK);
	assert_int_equal(fake_receive(&fake, 0x0e, 1, "true"), ERR_OK);
	assert_int_equal(fake_receive(&fake, 0x0e, 1, "true"), ERR_OK);
	fake_sent_nothing(&fake);
	assert_int_equal(fake.theirs_count, 1);
	fake_fini(&fake);
}

static void calls_may_arrive_out_of_order(void **state)
{
	(void)state;
	struct fake fake;
	fake_init(&fake);
	assert_int_equal(fake_receive(&fake, 0x02, 3, async_open), ERR_OK);
	assert_int_equal(fake_receive(&fake, 0x02, 1, async_open), ERR_OK);
	assert_int_equal(fake_receive(&fake, 0x02, 2, async_open), ERR_OK);
	assert_int_equal(fake.theirs_count, 3);
	/* But rubbish on a number that was passed is late, not a call. */
	for (int i = 0; i < 100; i++) {
		assert_int_equal(
			rpc_send(fake.theirs[fake.theirs_count - 1], MUXRPC_JSON, span_text("1")),
			ERR_OK);
		assert_int_equal(fake_receive(&fake, 0x02, 4 + i, async_open), ERR_OK);
	}
	buf_clear(&fake.sent);
	assert_int_equal(fake_receive(&fake, 0x0a, 2, "17"), ERR_OK);
	assert_int_equal(fake_receive(&fake, 0x0a, 4, "17"), ERR_OK);
	fake_sent_nothing(&fake);
	fake_fini(&fake);
}

/* Answers and ends */

static void every_kind_of_answer_reaches_the_caller_once(void **state)
{
	(void)state;
	struct fake fake;
	fake_init(&fake);
	for (int i = 1; i <= 5; i++) {
		(void)fake_open(&fake, "a.b", RPC_ASYNC, "[1]");
		fake_sent(&fake, 0x02, i, "{\"name\":[\"a\",\"b\"],\"args\":[1]}");
	}
	assert_int_equal(fake_receive(&fake, 0x02, -2, "{\"x\":1}"), ERR_OK);
	assert_int_equal(fake_receive(&fake, 0x01, -1, "text"), ERR_OK);
	assert_int_equal(fake_receive(&fake, 0x00, -3, "bytes"), ERR_OK);
	assert_int_equal(fake_receive(&fake, 0x06, -4,
				 "{\"message\":\"it failed\",\"name\":\"Error\",\"stack\":\"x\"}"),
		ERR_OK);
	assert_int_equal(fake_receive(&fake, 0x01, -5, ""), ERR_OK);
	assert_int_equal(fake_receive(&fake, 0x02, -2, "2"), ERR_OK);
	fake_heard(&fake, "json {\"x\":1}\nend\nstring text\nend\nbinary bytes\nend\nerror it "
			  "failed\nstring \nend\n");
	fake_sent_nothing(&fake);
	fake_fini(&fake);
}

static void an_async_call_of_the_peer_is_answered_once(void **state)
{
	(void)state;
	struct fake fake;
	fake_init(&fake);
	for (int i = 1; i <= 4; i++) {
		assert_int_equal(fake_receive(&fake, 0x02, i, async_open), ERR_OK);
	}
	assert_int_equal(rpc_send(fake.theirs[0], MUXRPC_STRING, span_text("hi")), ERR_OK);
	fake_sent(&fake, 0x01, -1, "hi");
	rpc_end(fake.theirs[1]);
	fake_sent(&fake, 0x02, -2, "false");
	/* The empty string has no packet of its own: JS would read a goodbye. */
	assert_int_equal(rpc_send(fake.theirs[2], MUXRPC_STRING, span_text("")), ERR_OK);
	fake_sent(&fake, 0x02, -3, "\"\"");
	rpc_refuse(fake.theirs[3], "no");
	fake_sent(&fake, 0x06, -4, "{\"message\":\"no\",\"name\":\"Error\",\"stack\":\"\"}");
	for (int i = 0; i < 4; i++) {
		assert_int_equal(rpc_send(fake.theirs[i], MUXRPC_JSON, span_text("1")), ERR_CLOSED);
		rpc_end(fake.theirs[i]);
		rpc_refuse(fake.theirs[i], "again");
	}
	fake_sent_nothing(&fake);
	fake_heard(&fake, "");
	fake_fini(&fake);
}

static void empty_items_are_delivered_but_never_sent(void **state)
{
	(void)state;
	struct fake fake;
	fake_init(&fake);
	(void)fake_open(&fake, "blobs.get", RPC_SOURCE, "[]");
	buf_clear(&fake.sent);
	assert_int_equal(fake_receive(&fake, 0x08, -1, ""), ERR_OK);
	assert_int_equal(fake_receive(&fake, 0x09, -1, ""), ERR_OK);
	assert_int_equal(fake_receive(&fake, 0x0a, -1, ""), ERR_OK);
	assert_int_equal(fake_receive(&fake, 0x0e, -1, ""), ERR_OK);
	fake_heard(&fake, "binary \nstring \nbinary \nend\n");
	fake_sent(&fake, 0x0e, 1, "true");
	assert_int_equal(fake_receive(&fake, 0x0a, 1, source_open), ERR_OK);
	assert_int_equal(rpc_send(fake.theirs[0], MUXRPC_BINARY, span_text("")), ERR_OK);
	fake_sent_nothing(&fake);
	fake_fini(&fake);
}

static void each_end_is_answered_once_on_every_kind(void **state)
{
	(void)state;
	static const char *const opens[] = {source_open, sink_open, duplex_open};
	for (int k = 0; k < 3; k++) {
		struct fake fake;
		fake_init(&fake);
		(void)fake_open(&fake, "x", (enum rpc_kind)(RPC_SOURCE + k), "[]");
		buf_clear(&fake.sent);
		assert_int_equal(fake_receive(&fake, 0x0e, -1, "true"), ERR_OK);
		fake_sent(&fake, 0x0e, 1, "true");
		assert_int_equal(fake_receive(&fake, 0x0a, 1, opens[k]), ERR_OK);
		assert_int_equal(fake_receive(&fake, 0x0e, 1, "true"), ERR_OK);
		fake_sent(&fake, 0x0e, -1, "true");
		assert_int_equal(fake_receive(&fake, 0x0e, 1, "true"), ERR_OK);
		assert_int_equal(fake_receive(&fake, 0x0e, -1, "true"), ERR_OK);
		fake_sent_nothing(&fake);
		fake_heard(&fake, "end\nend\n");
		fake_fini(&fake);
	}
}

static void ends_that_crossed_finish_the_call(void **state)
{
	(void)state;
	struct fake fake;
	fake_init(&fake);
	struct rpc_call *call = fake_open(&fake, "x", RPC_DUPLEX, "[]");
	buf_clear(&fake.sent);
	rpc_end(call);
	rpc_end(call);
	fake_sent(&fake, 0x0e, 1, "true");
	assert_int_equal(rpc_send(call, MUXRPC_JSON, span_text("1")), ERR_CLOSED);
	/* The other half of a duplex goes on until it ends. */
	assert_int_equal(fake_receive(&fake, 0x0a, -1, "1"), ERR_OK);
	assert_int_equal(fake_receive(&fake, 0x0e, -1, "true"), ERR_OK);
	fake_sent_nothing(&fake);
	fake_heard(&fake, "json 1\nend\n");
	fake_fini(&fake);
}

static void items_in_flight_after_we_aborted_are_dropped(void **state)
{
	(void)state;
	struct fake fake;
	fake_init(&fake);
	rpc_end(fake_open(&fake, "x", RPC_SOURCE, "[]"));
	assert_int_equal(fake_receive(&fake, 0x0a, -1, "1"), ERR_OK);
	assert_int_equal(fake_receive(&fake, 0x0a, -1, "not JSON, and nobody looks"), ERR_OK);
	assert_int_equal(fake_receive(&fake, 0x0e, -1, "true"), ERR_OK);
	fake_heard(&fake, "end\n");
	fake_fini(&fake);
}

static void ends_of_every_form_are_understood_and_answered_as_go_wants(void **state)
{
	(void)state;
	static const struct {
		uint8_t flags;
		const char *body;
		const char *heard;
		const char *answer;
	} ends[] = {
		{0x0e, "true", "end\n", "true"},
		{0x0e, "{\"message\":\"a\\nb\"}", "error a b\n", "{\"message\":\"a\\nb\"}"},
		{0x0e, "{}", "error \n", "{}"},
		{0x0e, "{\"message\":7}", "error \n", "{\"message\":7}"},
		{0x0e, "\"text\"", "error text\n", "true"},
		{0x0e, "null", "error \n", "true"},
		{0x0e, "false", "error \n", "true"},
		{0x0d, "text", "error text\n", "true"},
		{0x0c, "bytes", "error bytes\n", "true"},
	};
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		struct fake fake;
		fake_init(&fake);
		(void)fake_open(&fake, "x", RPC_SOURCE, "[]");
		buf_clear(&fake.sent);
		assert_int_equal(fake_receive(&fake, ends[i].flags, -1, ends[i].body), ERR_OK);
		fake_heard(&fake, ends[i].heard);
		fake_sent(&fake, 0x0e, 1, ends[i].answer);
		fake_sent_nothing(&fake);
		fake_fini(&fake);
	}
}

static void long_error_bodies_are_not_echoed_and_their_text_is_cut(void **state)
{
	(void)state;
	static const size_t sizes[] = {LIMIT_RPC_ERROR_BYTES, LIMIT_RPC_ERROR_BYTES + 1, 60000};
	for (size_t i = 0; i < 3; i++) {
		struct fake fake;
		char body[60001];
		fake_init(&fake);
		(void)fake_open(&fake, "x", RPC_SOURCE, "[]");
		buf_clear(&fake.sent);
		memset(body, 'a', sizes[i]);
		memcpy(body, "{\"message\":\"", 12);
		memcpy(body + sizes[i] - 2, "\"}", 3);
		assert_int_equal(fake_receive(&fake, 0x0e, -1, body), ERR_OK);
		fake_sent(&fake, 0x0e, 1, i == 0 ? body : "true");
		assert_int_equal(fake.heard.len, 6 + LIMIT_RPC_ERROR_TEXT_BYTES + 1);
		fake_fini(&fake);
	}
}

/* Callbacks that end calls */

static void end_it(struct fake *fake, struct rpc_call *call, char what)
{
	(void)fake;
	(void)what;
	rpc_end(call);
	rpc_end(call);
}

static void refuse_it(struct fake *fake, struct rpc_call *call, char what)
{
	(void)fake;
	(void)what;
	rpc_refuse(call, "enough");
	rpc_refuse(call, "enough");
}

static void a_callback_may_end_any_call(void **state)
{
	(void)state;
	void (*const thens[])(struct fake *, struct rpc_call *, char) = {end_it, refuse_it};
	for (int i = 0; i < 2; i++) {
		for (enum rpc_kind kind = RPC_ASYNC; kind <= RPC_DUPLEX; kind++) {
			struct fake fake;
			fake_init(&fake);
			(void)fake_open(&fake, "x", kind, "[]");
			fake.then = thens[i];
			uint8_t flags = kind == RPC_ASYNC ? 0x02 : 0x0a;
			assert_int_equal(fake_receive(&fake, flags, -1, "1"), ERR_OK);
			assert_int_equal(fake_receive(&fake, flags, -1, "2"), ERR_OK);
			assert_int_equal(fake_receive(&fake, flags | 4, -1, "true"), ERR_OK);
			fake_fini(&fake);
		}
	}
}

static void answer_at_once(
	struct fake *fake, struct rpc_call *call, const char *name, enum rpc_kind kind)
{
	(void)name;
	if (kind == RPC_ASYNC) {
		assert_int_equal(rpc_send(call, MUXRPC_JSON, span_text("{\"id\":1}")), ERR_OK);
		return;
	}
	fake_accept(fake, call);
	assert_int_equal(rpc_send(call, MUXRPC_JSON, span_text("1")), ERR_OK);
	rpc_end(call);
}

static void a_call_may_be_answered_while_it_is_opened(void **state)
{
	(void)state;
	struct fake fake;
	fake_init(&fake);
	fake.on_call = answer_at_once;
	assert_int_equal(fake_receive(&fake, 0x02, 1, async_open), ERR_OK);
	fake_sent(&fake, 0x02, -1, "{\"id\":1}");
	assert_int_equal(fake_receive(&fake, 0x0a, 2, source_open), ERR_OK);
	fake_sent(&fake, 0x0a, -2, "1");
	fake_sent(&fake, 0x0e, -2, "true");
	assert_int_equal(fake_receive(&fake, 0x0e, 2, "true"), ERR_OK);
	fake_sent_nothing(&fake);
	fake_heard(&fake, "end\n");
	fake_fini(&fake);
}

/* Going */

static void a_goodbye_ends_every_call_and_is_answered_by_one(void **state)
{
	(void)state;
	struct fake fake;
	struct buf packet = BUF_INIT(KIB);
	fake_init(&fake);
	(void)fake_open(&fake, "x", RPC_DUPLEX, "[]");
	(void)fake_open(&fake, "y", RPC_ASYNC, "[]");
	assert_int_equal(fake_receive(&fake, 0x0a, 1, source_open), ERR_OK);
	buf_clear(&fake.sent);
	fake_packet(&packet, 0, 0, span_text(""));
	assert_int_equal(fake_feed(&fake, buf_span(&packet), 1), ERR_CLOSED);
	assert_int_equal(fake_receive(&fake, 0x02, 2, async_open), ERR_CLOSED);
	assert_int_equal(rpc_goodbye(fake.rpc), ERR_OK);
	assert_int_equal(rpc_goodbye(fake.rpc), ERR_CLOSED);
	fake_sent(&fake, 0, 0, "");
	fake_sent_nothing(&fake);
	rpc_free(fake.rpc);
	fake.rpc = NULL;
	fake_heard(&fake,
		"error unexpected end of parent stream\nerror unexpected end of parent stream\n"
		"error unexpected end of parent stream\n");
	buf_fini(&packet);
	fake_fini(&fake);
}

static void our_goodbye_ends_open_streams_first(void **state)
{
	(void)state;
	static const char gone[] = "{\"message\":\"unexpected end of parent "
				   "stream\",\"name\":\"Error\",\"stack\":\"\"}";
	struct fake fake;
	fake_init(&fake);
	(void)fake_open(&fake, "x", RPC_DUPLEX, "[]");
	(void)fake_open(&fake, "y", RPC_ASYNC, "[]");
	assert_int_equal(fake_receive(&fake, 0x0a, 1, source_open), ERR_OK);
	assert_int_equal(fake_receive(&fake, 0x02, 2, async_open), ERR_OK);
	buf_clear(&fake.sent);
	assert_int_equal(rpc_goodbye(fake.rpc), ERR_OK);
	fake_sent(&fake, 0x0e, 1, gone);
	fake_sent(&fake, 0x0e, -1, gone);
	fake_sent(&fake, 0x06, -2, gone);
	fake_sent(&fake, 0, 0, "");
	rpc_end(fake.theirs[0]);
	assert_int_equal(rpc_send(fake.theirs[1], MUXRPC_JSON, span_text("1")), ERR_CLOSED);
	fake_sent_nothing(&fake);
	fake_fini(&fake);
}

static void say_goodbye(struct fake *fake, struct rpc_call *call, char what)
{
	(void)call;
	if (what == 'i') {
		assert_int_equal(rpc_goodbye(fake->rpc), ERR_OK);
	}
}

static void nothing_is_heard_after_a_callback_said_goodbye(void **state)
{
	(void)state;
	struct fake fake;
	struct buf packets = BUF_INIT(KIB);
	fake_init(&fake);
	(void)fake_open(&fake, "x", RPC_SOURCE, "[]");
	fake.then = say_goodbye;
	fake_packet(&packets, 0x0a, -1, span_text("1"));
	fake_packet(&packets, 0x0a, -1, span_text("2"));
	fake_packet(&packets, 0x02, 1, span_text(async_open));
	assert_int_equal(rpc_feed(fake.rpc, buf_span(&packets)), ERR_CLOSED);
	fake_heard(&fake, "json 1\n");
	assert_int_equal(fake.theirs_count, 0);
	buf_fini(&packets);
	fake_fini(&fake);
}

static void raw_item(void *ctx, struct rpc_call *call, enum muxrpc_type type, struct span body,
	const struct json *json)
{
	(void)call;
	assert_int_equal(type, MUXRPC_JSON);
	assert_null(json);
	fake_hear(ctx, "raw ", body);
}

static void raw_items_are_handed_up_unparsed(void **state)
{
	(void)state;
	struct fake fake;
	struct rpc_call *call = NULL;
	struct rpc_handler handler = {.on_item = raw_item, .ctx = &fake, .is_raw = true};
	fake_init(&fake);
	assert_int_equal(
		rpc_open(fake.rpc, "x", RPC_SOURCE, span_text("[]"), &handler, &call), ERR_OK);
	assert_int_equal(fake_receive(&fake, 0x0a, -1, "{\"a\": 1 }"), ERR_OK);
	assert_int_equal(fake_receive(&fake, 0x0a, -1, "not JSON"), ERR_OK);
	fake_heard(&fake, "raw {\"a\": 1 }\nraw not JSON\n");
	fake_fini(&fake);
}

static bool text_that_starts_with_a_brace(void *ctx, struct rpc_call *call, struct span body)
{
	(void)call;
	if (!span_starts_with(body, "{")) {
		return false;
	}
	fake_hear(ctx, "text ", body);
	return true;
}

static void json_items_are_offered_as_text_before_they_are_parsed(void **state)
{
	(void)state;
	struct fake fake;
	struct rpc_call *call = NULL;
	fake_init(&fake);
	struct rpc_handler handler = fake_handler(&fake);
	handler.on_text = text_that_starts_with_a_brace;
	assert_int_equal(
		rpc_open(fake.rpc, "x", RPC_SOURCE, span_text("[]"), &handler, &call), ERR_OK);
	assert_int_equal(fake_receive(&fake, 0x0a, -1, "{not JSON"), ERR_OK);
	assert_int_equal(fake_receive(&fake, 0x09, -1, "{a string"), ERR_OK);
	assert_int_equal(fake_receive(&fake, 0x0a, -1, "[ 1 ]"), ERR_OK);
	fake_heard(&fake, "text {not JSON\nstring {a string\njson [ 1 ]\n");
	assert_int_equal(fake_receive(&fake, 0x0a, -1, "not JSON"), ERR_REFUSED);
	fake_fini(&fake);
}

static void a_full_connection_is_lost(void **state)
{
	(void)state;
	struct fake fake;
	struct rpc_call *call = NULL;
	fake_init(&fake);
	fake.sent_max = 0;
	struct rpc_handler handler = fake_handler(&fake);
	assert_int_equal(
		rpc_open(fake.rpc, "x", RPC_ASYNC, span_text("[]"), &handler, &call), ERR_LIMIT);
	assert_null(call);
	assert_int_equal(fake_receive(&fake, 0x02, 1, async_open), ERR_LIMIT);
	fake_fini(&fake);
	fake_init(&fake);
	fake.on_call = do_nothing;
	fake.sent_max = 10;
	assert_int_equal(fake_receive(&fake, 0x02, 1, async_open), ERR_LIMIT);
	fake_fini(&fake);
}

/* Room */

static void send_two(struct fake *fake, struct rpc_call *call, char what)
{
	if (what != 'r') {
		return;
	}
	for (int i = 0; i < 2 && !rpc_is_full(call); i++) {
		assert_int_equal(rpc_send(call, MUXRPC_JSON, span_text("1")), ERR_OK);
		fake->is_full = true;
	}
	(void)rpc_is_full(call);
}

static void calls_that_wait_for_room_take_turns(void **state)
{
	(void)state;
	struct fake fake;
	fake_init(&fake);
	fake.then = send_two;
	for (int i = 1; i <= 3; i++) {
		assert_int_equal(fake_receive(&fake, 0x0a, i, source_open), ERR_OK);
	}
	fake.is_full = true;
	for (int i = 0; i < 3; i++) {
		assert_true(rpc_is_full(fake.theirs[i]));
	}
	rpc_room(fake.rpc);
	fake_sent_nothing(&fake);
	for (int turn = 0; turn < 9; turn++) {
		fake.is_full = false;
		rpc_room(fake.rpc);
		fake_sent(&fake, 0x0a, -(turn % 3 + 1), "1");
		fake_sent_nothing(&fake);
	}
	fake_fini(&fake);
}

static void room_is_told_only_to_those_who_asked(void **state)
{
	(void)state;
	struct fake fake;
	fake_init(&fake);
	assert_int_equal(fake_receive(&fake, 0x0a, 1, source_open), ERR_OK);
	assert_false(rpc_is_full(fake.theirs[0]));
	rpc_room(fake.rpc);
	fake_heard(&fake, "");
	fake.is_full = true;
	assert_true(rpc_is_full(fake.theirs[0]));
	fake.is_full = false;
	rpc_room(fake.rpc);
	rpc_room(fake.rpc);
	fake_heard(&fake, "room\n");
	fake_fini(&fake);
}

/* Limits */

static enum err receive_sized(struct fake *fake, uint8_t flags, int32_t request, size_t len)
{
	struct buf body = BUF_INIT(16 * MIB);
	uint8_t *room = buf_reserve(&body, len);
	memset(room, (flags & 3) == MUXRPC_JSON ? '1' : 'x', len);
	buf_added(&body, len);
	enum err err = fake_receive_bytes(fake, flags, request, buf_span(&body));
	buf_fini(&body);
	return err;
}

static void bodies_are_taken_up_to_the_limit_of_their_type(void **state)
{
	(void)state;
	static const struct {
		uint8_t flags;
		size_t max;
		size_t notes;
	} kinds[] = {
		{0x08, LIMIT_RPC_BINARY_BYTES, 0},
		{0x09, LIMIT_RPC_BINARY_BYTES, 0},
		{0x0a, LIMIT_RPC_JSON_BYTES, 0},
		{0x0a, LIMIT_RPC_NOTE_BYTES_STRANGER, LIMIT_RPC_NOTE_BYTES_STRANGER},
		{0x0a, LIMIT_RPC_NOTE_BYTES, LIMIT_RPC_NOTE_BYTES},
		{0x08, LIMIT_RPC_BINARY_BYTES, LIMIT_RPC_NOTE_BYTES},
	};
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		for (size_t over = 0; over <= 1; over++) {
			struct fake fake;
			fake_init(&fake);
			struct rpc_call *call = fake_open(&fake, "x", RPC_DUPLEX, "[]");
			if (kinds[i].notes > 0) {
				rpc_allow_notes(call, kinds[i].notes);
			}
			assert_int_equal(
				receive_sized(&fake, kinds[i].flags, -1, kinds[i].max + over),
				over == 0 ? ERR_OK : ERR_REFUSED);
			assert_int_equal(fake.heard.len > kinds[i].max, over == 0);
			fake_fini(&fake);
		}
	}
}

static void a_length_far_above_the_limit_takes_no_memory(void **state)
{
	(void)state;
	struct fake fake;
	fake_init(&fake);
	(void)fake_open(&fake, "x", RPC_DUPLEX, "[]");
	static const uint8_t huge[MUXRPC_HEAD_BYTES] = {
		0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
	struct mallinfo2 before = mallinfo2();
	assert_int_equal(rpc_feed(fake.rpc, span_of(huge, sizeof(huge))), ERR_REFUSED);
	struct mallinfo2 after = mallinfo2();
	assert_int_equal(after.uordblks, before.uordblks);
	fake_fini(&fake);
}

static void a_body_that_is_only_announced_takes_no_memory(void **state)
{
	(void)state;
	struct fake fake;
	fake_init(&fake);
	struct rpc_call *call = fake_open(&fake, "x", RPC_DUPLEX, "[]");
	rpc_allow_notes(call, LIMIT_RPC_NOTE_BYTES);
	static const uint8_t large[MUXRPC_HEAD_BYTES] = {
		0x0a, 0x00, 0x20, 0, 0, 0xff, 0xff, 0xff, 0xff};
	struct mallinfo2 before = mallinfo2();
	assert_int_equal(rpc_feed(fake.rpc, span_of(large, sizeof(large))), ERR_OK);
	assert_int_equal(rpc_feed(fake.rpc, span_text("{")), ERR_OK);
	struct mallinfo2 after = mallinfo2();
	assert_true(after.uordblks - before.uordblks < 4 * KIB);
	fake_fini(&fake);
}

static void late_notes_of_a_call_that_is_gone_do_not_end_the_connection(void **state)
{
	(void)state;
	struct fake fake;
	fake_init(&fake);
	assert_int_equal(fake_receive(&fake, 0x0a, 1, duplex_open), ERR_OK);
	rpc_allow_notes(fake.theirs[0], LIMIT_RPC_NOTE_BYTES);
	rpc_refuse(fake.theirs[0], "reconnected to peer");
	struct rpc_call *call = fake_open(&fake, "ebt.replicate", RPC_DUPLEX, "[]");
	rpc_allow_notes(call, LIMIT_RPC_NOTE_BYTES);
	rpc_refuse(call, "reconnected to peer");
	assert_int_equal(receive_sized(&fake, 0x0a, 1, LIMIT_RPC_NOTE_BYTES), ERR_OK);
	assert_int_equal(receive_sized(&fake, 0x0a, -1, LIMIT_RPC_NOTE_BYTES), ERR_OK);
	fake_heard(&fake, "");
	assert_int_equal(receive_sized(&fake, 0x0a, -2, LIMIT_RPC_NOTE_BYTES), ERR_REFUSED);
	fake_fini(&fake);
}

static void a_call_may_pass_over_what_is_too_large_for_it(void **state)
{
	static const uint32_t sizes[] = {
		LIMIT_RPC_JSON_BYTES + 1, LIMIT_RPC_PASSED_BYTES, LIMIT_RPC_PASSED_BYTES + 1};
	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct fake fake;
		fake_init(&fake);
		rpc_pass_large(fake_open(&fake, "x", RPC_SOURCE, "[]"));
		const struct muxrpc_head head = {
			.is_stream = true, .type = MUXRPC_JSON, .length = sizes[i], .request = -1};
		uint8_t bytes[MUXRPC_HEAD_BYTES];
		muxrpc_head_write(&head, bytes);
		struct mallinfo2 before = mallinfo2();
		assert_int_equal(rpc_feed(fake.rpc, span_of(bytes, sizeof(bytes))),
			sizes[i] <= LIMIT_RPC_PASSED_BYTES ? ERR_OK : ERR_REFUSED);
		struct mallinfo2 after = mallinfo2();
		assert_int_equal(after.uordblks, before.uordblks);
		fake_heard(&fake, "");
		fake_fini(&fake);
	}
}

static void the_peer_may_have_so_many_calls_open_and_no_more(void **state)
{
	(void)state;
	struct fake fake;
	fake_init(&fake);
	for (int i = 1; i <= LIMIT_RPC_STREAMS; i++) {
		assert_int_equal(fake_receive(&fake, 0x0a, i, source_open), ERR_OK);
	}
	fake_sent_nothing(&fake);
	assert_int_equal(fake_receive(&fake, 0x0a, LIMIT_RPC_STREAMS + 1, source_open), ERR_OK);
	fake_sent(&fake, 0x0e, -(LIMIT_RPC_STREAMS + 1),
		"{\"message\":\"too many open calls\",\"name\":\"Error\",\"stack\":\"\"}");
	assert_int_equal(fake.theirs_count, LIMIT_RPC_STREAMS);
	/* One ends, and there is room for one. */
	assert_int_equal(fake_receive(&fake, 0x0e, 5, "true"), ERR_OK);
	assert_int_equal(fake_receive(&fake, 0x0a, LIMIT_RPC_STREAMS + 2, source_open), ERR_OK);
	assert_int_equal(fake.theirs_count, LIMIT_RPC_STREAMS + 1);
	/* Far above: the connection goes, by the errors of one minute. */
	enum err err = ERR_OK;
	int sent = 0;
	while (err == ERR_OK && sent < 1000 * LIMIT_RPC_STREAMS) {
		err = fake_receive(&fake, 0x0a, LIMIT_RPC_STREAMS + 3 + sent, source_open);
		sent++;
	}
	assert_int_equal(err, ERR_REFUSED);
	assert_int_equal(sent, LIMIT_RPC_ERRORS_PER_MINUTE);
	fake_fini(&fake);
}

static void so_many_errors_a_minute_end_the_connection(void **state)
{
	(void)state;
	struct fake fake;
	int32_t number = 0;
	fake_init(&fake);
	fake.on_call = do_nothing;
	for (int minute = 0; minute < 3; minute++) {
		for (int i = 0; i < LIMIT_RPC_ERRORS_PER_MINUTE; i++) {
			assert_int_equal(fake_receive(&fake, 0x02, ++number, async_open), ERR_OK);
		}
		fake.now_ms += 60000;
	}
	for (int i = 0; i < LIMIT_RPC_ERRORS_PER_MINUTE; i++) {
		assert_int_equal(fake_receive(&fake, 0x02, ++number, async_open), ERR_OK);
	}
	fake.now_ms += 59999;
	assert_int_equal(fake_receive(&fake, 0x02, ++number, async_open), ERR_REFUSED);
	assert_int_equal(fake_receive(&fake, 0x02, ++number, async_open), ERR_REFUSED);
	fake_fini(&fake);
}

static void we_open_so_many_calls_and_no_more(void **state)
{
	(void)state;
	struct fake fake;
	struct rpc_call *call = NULL;
	fake_init(&fake);
	struct rpc_handler handler = fake_handler(&fake);
	for (int i = 0; i < LIMIT_RPC_REQUESTS; i++) {
		(void)fake_open(&fake, "x", RPC_ASYNC, "[]");
	}
	assert_int_equal(
		rpc_open(fake.rpc, "x", RPC_ASYNC, span_text("[]"), &handler, &call), ERR_BUSY);
	assert_int_equal(fake_receive(&fake, 0x02, -7, "1"), ERR_OK);
	assert_int_equal(
		rpc_open(fake.rpc, "x", RPC_ASYNC, span_text("[]"), &handler, &call), ERR_OK);
	fake_fini(&fake);
}

static void items_nested_too_deeply_are_passed_over(void **state)
{
	(void)state;
	struct fake fake;
	struct buf body = BUF_INIT(MIB);
	fake_init(&fake);
	(void)fake_open(&fake, "x", RPC_SOURCE, "[]");
	(void)fake_open(&fake, "y", RPC_ASYNC, "[]");
	for (size_t d = 0; d < 2 * (LIMIT_JSON_DEPTH + 1); d++) {
		assert_int_equal(buf_append_byte(&body, d <= LIMIT_JSON_DEPTH ? '[' : ']'), ERR_OK);
	}
	assert_int_equal(fake_receive_bytes(&fake, 0x0a, -1, buf_span(&body)), ERR_OK);
	assert_int_equal(fake_receive_bytes(&fake, 0x02, -2, buf_span(&body)), ERR_OK);
	fake_heard(&fake, "error the answer is nested too deeply\n");
	assert_int_equal(fake_receive(&fake, 0x0a, -1, "1"), ERR_OK);
	fake_heard(&fake, "json 1\n");
	buf_fini(&body);
	fake_fini(&fake);
}

static void long_bodies_go_out_whole(void **state)
{
	(void)state;
	static const size_t sizes[] = {1, LIMIT_BOX_BODY_BYTES - MUXRPC_HEAD_BYTES,
		LIMIT_BOX_BODY_BYTES - MUXRPC_HEAD_BYTES + 1, 65536};
	for (size_t i = 0; i < 4; i++) {
		struct fake fake;
		char body[65537];
		fake_init(&fake);
		memset(body, 'b', sizes[i]);
		body[sizes[i]] = '\0';
		assert_int_equal(fake_receive(&fake, 0x0a, 1, source_open), ERR_OK);
		assert_int_equal(rpc_send(fake.theirs[0], MUXRPC_BINARY, span_text(body)), ERR_OK);
		fake_sent(&fake, 0x08, -1, body);
		fake_sent_nothing(&fake);
		fake_fini(&fake);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_is_an_array_or_a_bare_string),
		cmocka_unit_test(a_call_nobody_takes_gets_the_text_that_peers_compare),
		cmocka_unit_test(a_malformed_call_is_answered_and_not_opened),
		cmocka_unit_test(a_stream_without_a_known_type_is_refused_as_js_does),
		cmocka_unit_test(odd_names_reach_no_method),
		cmocka_unit_test(names_are_taken_up_to_their_limit),
		cmocka_unit_test(args_are_taken_up_to_their_depth),
		cmocka_unit_test(what_is_not_json_under_the_json_type_ends_the_connection),
		cmocka_unit_test(plus_one_and_minus_one_are_different_calls),
		cmocka_unit_test(unknown_negative_numbers_and_number_zero_are_dropped),
		cmocka_unit_test(late_packets_of_a_finished_call_open_nothing),
		cmocka_unit_test(calls_may_arrive_out_of_order),
		cmocka_unit_test(every_kind_of_answer_reaches_the_caller_once),
		cmocka_unit_test(an_async_call_of_the_peer_is_answered_once),
		cmocka_unit_test(empty_items_are_delivered_but_never_sent),
		cmocka_unit_test(each_end_is_answered_once_on_every_kind),
		cmocka_unit_test(ends_that_crossed_finish_the_call),
		cmocka_unit_test(items_in_flight_after_we_aborted_are_dropped),
		cmocka_unit_test(ends_of_every_form_are_understood_and_answered_as_go_wants),
		cmocka_unit_test(long_error_bodies_are_not_echoed_and_their_text_is_cut),
		cmocka_unit_test(a_callback_may_end_any_call),
		cmocka_unit_test(a_call_may_be_answered_while_it_is_opened),
		cmocka_unit_test(a_goodbye_ends_every_call_and_is_answered_by_one),
		cmocka_unit_test(our_goodbye_ends_open_streams_first),
		cmocka_unit_test(nothing_is_heard_after_a_callback_said_goodbye),
		cmocka_unit_test(raw_items_are_handed_up_unparsed),
		cmocka_unit_test(json_items_are_offered_as_text_before_they_are_parsed),
		cmocka_unit_test(a_full_connection_is_lost),
		cmocka_unit_test(calls_that_wait_for_room_take_turns),
		cmocka_unit_test(room_is_told_only_to_those_who_asked),
		cmocka_unit_test(bodies_are_taken_up_to_the_limit_of_their_type),
		cmocka_unit_test(a_length_far_above_the_limit_takes_no_memory),
		cmocka_unit_test(a_body_that_is_only_announced_takes_no_memory),
		cmocka_unit_test(late_notes_of_a_call_that_is_gone_do_not_end_the_connection),
		cmocka_unit_test(a_call_may_pass_over_what_is_too_large_for_it),
		cmocka_unit_test(the_peer_may_have_so_many_calls_open_and_no_more),
		cmocka_unit_test(so_many_errors_a_minute_end_the_connection),
		cmocka_unit_test(we_open_so_many_calls_and_no_more),
		cmocka_unit_test(items_nested_too_deeply_are_passed_over),
		cmocka_unit_test(long_bodies_go_out_whole),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
