/*
 * kith verify: our validator for other people's test suites. One JSON line in, one JSON line out,
 * in order, written at once, so that a driver may wait for each answer. A line that cannot be
 * judged is a negative verdict like any other; only the machine's failures end the run.
 */
#include "cmd/cmd.h"

#include "base/limits.h"
#include "feed/chain.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

/* A message, its state, and room for blanks and other members. */
enum { LINE_BYTES_MAX = 4 * LIMIT_MESSAGE_BYTES, READ_BYTES = 65536 };

struct verdict {
	const char *error; /* NULL: valid */
	struct message_id id;
};

/* Where the feed stands: null or absent, an empty feed; else the message before. */
static const char *read_state(const struct json *state, struct chain_head *head)
{
	struct span id;
	int64_t sequence = 0;
	*head = (struct chain_head){0};
	if (state == NULL || json_kind(state) == JSON_KIND_NULL) {
		return NULL;
	}
	if (json_kind(state) != JSON_KIND_OBJECT) {
		return "the state is neither null nor an object";
	}
	if (!json_text(json_get(state, "id"), &id) || message_id_parse(id, &head->key) != ERR_OK) {
		return "the state's id is not a message id";
	}
	if (!json_whole(json_get(state, "sequence"), &sequence) || sequence < 1) {
		return "the state's sequence is not a whole number above 0";
	}
	head->sequence = (uint64_t)sequence;
	return NULL;
}

static const char *read_hmac_key(
	const struct json *value, uint8_t room[static HMAC_KEY_BYTES], const uint8_t **key)
{
	struct span text;
	size_t count = 0;
	*key = NULL;
	if (value == NULL || json_kind(value) == JSON_KIND_NULL) {
		return NULL;
	}
	if (!json_text(value, &text) ||
		base64_decode(text, room, HMAC_KEY_BYTES, &count) != ERR_OK ||
		count != HMAC_KEY_BYTES) {
		return "the hmacKey is neither null nor canonical base64 of 32 bytes";
	}
	*key = room;
	return NULL;
}

static enum err judge_message(struct span raw, const struct chain_head *head,
	const uint8_t *hmac_key, struct verdict *out)
{
	struct message *message = NULL;
	enum err err = message_verify(raw, hmac_key, &message, &out->error);
	if (err != ERR_OK) {
		return err == ERR_NOMEM ? err : ERR_OK;
	}
	enum chain_verdict chain = chain_judge(head, message);
	out->error = chain == CHAIN_NEXT ? NULL : chain_text(chain);
	out->id = message->key;
	message_free(message);
	return ERR_OK;
}

/* `root` is the line's tree, `line` its bytes: the message is judged by its own, as they came. */
static enum err judge_object(struct span line, const struct json *root, struct verdict *out)
{
	struct chain_head head;
	uint8_t room[HMAC_KEY_BYTES];
	const uint8_t *hmac_key = NULL;
	struct span raw;
	if (json_kind(root) != JSON_KIND_OBJECT) {
		out->error = "the line is not a JSON object";
		return ERR_OK;
	}
	out->error = read_state(json_get(root, "state"), &head);
	if (out->error == NULL) {
		out->error = read_hmac_key(json_get(root, "hmacKey"), room, &hmac_key);
	}
	if (out->error != NULL) {
		return ERR_OK;
	}
	if (!json_slice(line, "message", &raw)) {
		out->error = "the line has no message";
		return ERR_OK;
	}
	return judge_message(raw, &head, hmac_key, out);
}

static enum err judge_line(struct span line, struct verdict *out)
{
	struct json_doc *doc = NULL;
	enum err err = json_parse(line, LIMIT_JSON_DEPTH, &doc);
	if (err == ERR_REFUSED || err == ERR_LIMIT) {
		out->error =
			err == ERR_LIMIT ? "the line is nested too deeply" : "the line is not JSON";
		return ERR_OK;
	}
	if (err == ERR_OK) {
		err = judge_object(line, json_root(doc), out);
	}
	json_doc_free(doc);
	return err;
}

static enum err answer(const struct verdict *verdict)
{
	struct buf line = BUF_INIT(4 * KIB);
	char id[MESSAGE_ID_TEXT_BYTES];
	enum err err = ERR_OK;
	if (verdict->error == NULL) {
		message_id_format(&verdict->id, id);
		err = buf_printf(&line, "{\"valid\":true,\"id\":\"%s\"}\n", id);
	} else {
		err = buf_append_text(&line, "{\"valid\":false,\"error\":");
		if (err == ERR_OK) {
			err = json_write_string(span_text(verdict->error), &line);
		}
		if (err == ERR_OK) {
			err = buf_append_text(&line, "}\n");
		}
	}
	if (err == ERR_OK &&
		(fwrite(line.at, 1, line.len, stdout) != line.len || fflush(stdout) != 0)) {
		err = ERR_IO;
	}
	buf_fini(&line);
	return err;
}

static enum err finish_line(struct buf *line, bool is_too_long)
{
	struct verdict verdict = {.error = "the line is longer than 256 KiB"};
	if (!is_too_long) {
		enum err err = judge_line(buf_span(line), &verdict);
		if (err != ERR_OK) {
			return err;
		}
	}
	return answer(&verdict);
}

/* Add a piece of the input to the line, and answer each line that it ends. Of a line that is too
 * long nothing is kept. */
static enum err take_bytes(struct span bytes, struct buf *line, bool *is_too_long)
{
	while (bytes.len > 0) {
		const uint8_t *end = memchr(bytes.at, '\n', bytes.len);
		struct span piece =
			span_take(bytes, end == NULL ? bytes.len : (size_t)(end - bytes.at));
		bytes = span_skip(bytes, piece.len + (end == NULL ? 0 : 1));
		enum err err = *is_too_long ? ERR_LIMIT : buf_append(line, piece);
		*is_too_long = err == ERR_LIMIT;
		if (err == ERR_OK || err == ERR_LIMIT) {
			err = end == NULL ? ERR_OK : finish_line(line, *is_too_long);
		}
		if (err != ERR_OK) {
			return err;
		}
		if (end != NULL) {
			buf_clear(line);
			*is_too_long = false;
		}
	}
	return ERR_OK;
}

static enum err judge_input(void)
{
	static uint8_t room[READ_BYTES];
	struct buf line = BUF_INIT(LINE_BYTES_MAX);
	bool is_too_long = false;
	enum err err = ERR_OK;
	while (err == ERR_OK) {
		ssize_t count = read(STDIN_FILENO, room, sizeof(room));
		if (count < 0 && errno == EINTR) {
			continue;
		}
		if (count <= 0) {
			err = count < 0 ? ERR_IO : ERR_OK;
			break;
		}
		err = take_bytes(span_of(room, (size_t)count), &line, &is_too_long);
	}
	/* The last line may lack its newline. */
	if (err == ERR_OK && (line.len > 0 || is_too_long)) {
		err = finish_line(&line, is_too_long);
	}
	buf_fini(&line);
	return err;
}

int cmd_verify(int argc, char **argv)
{
	int count = cmd_options("verify", argc, argv, NULL, 0);
	if (count < 0) {
		return EXIT_USAGE;
	}
	if (count > 0) {
		return cmd_usage(
			cmd_find("verify"), "it takes no arguments, only lines on standard input");
	}
	enum err err = judge_input();
	return err == ERR_OK ? EXIT_GOOD : cmd_fail("verify", "%s", err_text(err));
}
