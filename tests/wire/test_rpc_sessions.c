/* wire/rpc plays both sides of the calls that muxrpc 8 recorded: what we send and what our calls
 * hear must be what JavaScript sent and told. */
#include "wire/vectors.h"

#include "wire/fake_peer.h"

struct play {
	struct fake fake;
	const char *name; /* of the session */
	bool is_caller;
	struct rpc_call *ours[FAKE_CALLS];
	size_t ours_count;
	bool we_ended_first;
};

/* The packet of a step. JavaScript's stack traces are cut out of the vectors; ours are empty. */
static void step_bytes(const json_t *step, bool is_ours, struct buf *out)
{
	const char *hex = vectors_text(step, "hex");
	struct buf body = BUF_INIT(MIB);
	if (hex != NULL && strstr(vectors_text(step, "body"), "STACK") == NULL) {
		vectors_unhex(hex, out);
		return;
	}
	const char *text = vectors_text(step, "body");
	const char *stack = strstr(text, "\"stack\":");
	assert_non_null(stack);
	assert_int_equal(buf_append(&body, span_of(text, (size_t)(stack - text))), ERR_OK);
	assert_int_equal(
		buf_append_text(&body, is_ours ? "\"stack\":\"\"}" : "\"stack\":\"at x\"}"),
		ERR_OK);
	fake_packet(out, (uint8_t)json_integer_value(json_object_get(step, "flags")),
		(int32_t)json_integer_value(json_object_get(step, "req")), buf_span(&body));
	buf_fini(&body);
}

/* JavaScript opens a call: so do we, with the same arguments. */
static void act_open(struct play *play, const json_t *step)
{
	json_t *body = json_loads(vectors_text(step, "body"), 0, NULL);
	char *args = json_dumps(json_object_get(body, "args"), JSON_COMPACT);
	char name[64] = "";
	size_t i;
	json_t *part;
	json_array_foreach(json_object_get(body, "name"), i, part)
	{
		(void)snprintf(name + strlen(name), sizeof(name) - strlen(name), "%s%s",
			i == 0 ? "" : ".", json_string_value(part));
	}
	enum rpc_kind kind = RPC_ASYNC;
	const char *type = vectors_text(body, "type");
	for (int k = RPC_SOURCE; type != NULL && k <= RPC_DUPLEX; k++) {
		kind = strcmp(type, rpc_kind_name((enum rpc_kind)k)) == 0 ? (enum rpc_kind)k : kind;
	}
	play->ours[play->ours_count++] = fake_open(&play->fake, name, kind, args);
	free(args);
	json_decref(body);
}

static void act_error(struct rpc_call *call, const json_t *step)
{
	json_t *body = json_loads(vectors_text(step, "body"), 0, NULL);
	const char *message = vectors_text(body, "message");
	rpc_refuse(call, message == NULL ? "" : message);
	json_decref(body);
}

static void act(struct play *play, const json_t *step)
{
	int request = (int)json_integer_value(json_object_get(step, "req"));
	size_t number = (size_t)abs(request) - 1;
	int flags = (int)json_integer_value(json_object_get(step, "flags"));
	if (play->is_caller && number == play->ours_count) {
		act_open(play, step);
		return;
	}
	struct rpc_call *call = play->is_caller ? play->ours[number] : play->fake.theirs[number];
	const char *text = vectors_text(step, "body");
	if ((flags & 4) != 0 && strcmp(text, "true") == 0) {
		play->we_ended_first = true;
		rpc_end(call);
	} else if ((flags & 4) != 0) {
		act_error(call, step);
	} else {
		struct buf body = BUF_INIT(MIB);
		if ((flags & 3) == MUXRPC_BINARY) {
			vectors_unhex(text, &body);
		} else {
			assert_int_equal(buf_append_text(&body, text), ERR_OK);
		}
		assert_int_equal(
			rpc_send(call, (enum muxrpc_type)(flags & 3), buf_span(&body)), ERR_OK);
		buf_fini(&body);
	}
}

static void refuse_as_js(
	struct fake *fake, struct rpc_call *call, const char *name, enum rpc_kind kind)
{
	if (strcmp(name, "nope") == 0 || (strcmp(name, "count") == 0 && kind == RPC_ASYNC)) {
		rpc_refuse_kind(call, name);
	} else {
		fake_accept(fake, call);
	}
}

static void play_step(struct play *play, const json_t *step, size_t chunk)
{
	bool is_ours = (strcmp(vectors_text(step, "from"), "caller") == 0) == play->is_caller;
	struct buf packet = BUF_INIT(MIB);
	step_bytes(step, is_ours, &packet);
	if (!is_ours) {
		assert_int_equal(fake_feed(&play->fake, buf_span(&packet), chunk), ERR_OK);
	} else if (strcmp(play->name, "async_error_nonerror") != 0 || play->is_caller) {
		if (play->fake.sent.len == 0) {
			act(play, step);
		}
		/* The echo of an error is the body that came, with its stack. */
		struct buf echo = BUF_INIT(MIB);
		step_bytes(step, false, &echo);
		struct span wanted =
			play->fake.sent.len == echo.len ? buf_span(&echo) : buf_span(&packet);
		assert_true(play->fake.sent.len >= wanted.len);
		assert_memory_equal(play->fake.sent.at, wanted.at, wanted.len);
		buf_consume(&play->fake.sent, wanted.len);
		buf_fini(&echo);
	}
	buf_fini(&packet);
}

/* A line as JavaScript told it, in our words. */
static void translate(const struct play *play, const char *line, struct buf *out)
{
	static const char *const kinds[] = {"value: ", "item: "};
	for (int i = 0; i < 2; i++) {
		if (strncmp(line, kinds[i], strlen(kinds[i])) != 0) {
			continue;
		}
		const char *value = line + strlen(kinds[i]);
		bool is_binary = strncmp(value, "buffer ", 7) == 0 ||
				 strcmp(play->name, "source_binary") == 0;
		if (is_binary) {
			assert_int_equal(buf_append_text(out, "binary "), ERR_OK);
			vectors_unhex(strncmp(value, "buffer ", 7) == 0 ? value + 7 : value, out);
			assert_int_equal(buf_append_text(out, "\n"), ERR_OK);
		} else if (value[0] == '"') {
			assert_int_equal(
				buf_printf(out, "string %.*s\n", (int)strlen(value) - 2, value + 1),
				ERR_OK);
		} else {
			assert_int_equal(buf_printf(out, "json %s\n", value), ERR_OK);
		}
		if (i == 0) {
			assert_int_equal(buf_append_text(out, "end\n"), ERR_OK);
		}
		return;
	}
	const char *error = strncmp(line, "error: ", 7) == 0 ? line + 7
			    : strncmp(line, "end: ", 5) == 0 ? line + 5
							     : "null";
	if (strcmp(error, "null") == 0) {
		assert_int_equal(buf_append_text(out, "end\n"), ERR_OK);
	} else {
		assert_int_equal(
			buf_printf(out, "error %s\n", strcmp(error, "undefined") == 0 ? "" : error),
			ERR_OK);
	}
}

static void assert_observed(struct play *play, const json_t *session)
{
	struct buf wanted = BUF_INIT(MIB);
	size_t i;
	json_t *line;
	json_array_foreach(json_object_get(session, "caller_observes"), i, line)
	{
		translate(play, json_string_value(line), &wanted);
	}
	assert_bytes(buf_span(&play->fake.heard), buf_span(&wanted));
	buf_fini(&wanted);
}

static void play_session(const json_t *session, bool is_caller, size_t chunk)
{
	struct play play = {.name = vectors_text(session, "name"), .is_caller = is_caller};
	size_t i;
	json_t *step;
	fake_init(&play.fake);
	play.fake.on_call = refuse_as_js;
	json_array_foreach(json_object_get(session, "steps"), i, step)
	{
		play_step(&play, step, chunk);
	}
	if (is_caller && strcmp(play.name, "duplex_server_ends") == 0) {
		/* JavaScript leaves its half open for ever; we close ours. */
		fake_sent(&play.fake, 0x0e, 1, "true");
	}
	fake_sent_nothing(&play.fake);
	if (is_caller) {
		assert_observed(&play, session);
	}
	buf_clear(&play.fake.heard);
	rpc_free(play.fake.rpc);
	play.fake.rpc = NULL;
	/* The callee of a duplex that ended first waits for an end that JavaScript never sends. */
	bool is_open = !is_caller && strcmp(play.name, "duplex_server_ends") == 0;
	/* Its answer `{}` is not one we can give. */
	is_open = is_open || (!is_caller && strcmp(play.name, "async_error_nonerror") == 0);
	fake_heard(&play.fake, is_open ? "error unexpected end of parent stream\n" : "");
	fake_fini(&play.fake);
}

static void plays_both_sides_of_every_recorded_call(void **state)
{
	(void)state;
	json_t *root = vectors_load("muxrpc");
	size_t i;
	json_t *session;
	json_array_foreach(json_object_get(root, "sessions"), i, session)
	{
		play_session(session, true, MIB);
		play_session(session, true, 1);
		play_session(session, false, MIB);
		play_session(session, false, 1);
	}
	assert_int_equal(i, 23);
	json_decref(root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plays_both_sides_of_every_recorded_call),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
