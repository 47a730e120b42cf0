/* People who write to an api/ under test, with the signers of tests/lib/authors. */
#include "lib/letters.h"

#include "lib/cmocka.h"

#include "feed/private_box.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_BYTES = 128 * 1024 };

void letters_start(struct letters *letters)
{
	memset(letters, 0, sizeof(*letters));
	api_rig_start(&letters->rig, NULL);
	feed_id_format(&letters->rig.self, letters->self);
	for (unsigned i = 0; i < LETTERS_PEOPLE; i++) {
		author_init(&letters->people[i], i + 1);
		letters->people[i].now_ms = env_wall_ms(api_rig_env());
	}
}

void letters_stop(struct letters *letters)
{
	for (unsigned i = 0; i < LETTERS_PEOPLE; i++) {
		author_fini(&letters->people[i]);
	}
	api_rig_stop(&letters->rig);
}

json_t *letters_ask(struct letters *letters, unsigned status, const char *method,
	const char *target, const char *format, ...)
{
	struct api_reply reply;
	char text[TEXT_BYTES / 2];
	va_list args;
	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	api_rig_advance(10000);
	api_rig_ask(&letters->rig, method, target, text[0] == '\0' ? NULL : text, "", &reply);
	if (reply.status != status) {
		fail_msg("%s %s %s: %s", method, target, text, reply.text);
	}
	json_t *json = json_incref(reply.json);
	api_reply_fini(&reply);
	return json;
}

const json_t *letters_at(const json_t *tree, const char *path)
{
	char part[64];
	while (tree != NULL && *path != '\0') {
		size_t len = strcspn(path, ".");
		(void)snprintf(part, sizeof(part), "%.*s", (int)len, path);
		tree = json_is_array(tree) ? json_array_get(tree, strtoul(part, NULL, 10))
					   : json_object_get(tree, part);
		path += len + (path[len] == '.' ? 1 : 0);
	}
	return tree;
}

const char *letters_text(const json_t *tree, const char *path)
{
	const char *text = json_string_value(letters_at(tree, path));
	return text == NULL ? "" : text;
}

static struct message_id append(struct letters *letters, struct message *message)
{
	struct message_id key = message->key;
	struct append_job *job = append_job_new(1);
	assert_non_null(job);
	job->messages[job->count++] = message;
	assert_int_equal(writer_append(letters->rig.writer, job), ERR_OK);
	assert_int_equal(writer_flush(letters->rig.writer), ERR_OK);
	/* A list of conversations waits for what was just stored. */
	json_decref(letters_ask(letters, 200, "GET", "/api/private?limit=1", "%s", ""));
	return key;
}

struct message_id letters_say(struct letters *letters, unsigned who, const char *format, ...)
{
	char text[TEXT_BYTES / 4];
	va_list args;
	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return append(letters, author_say(&letters->people[who], "%s", text));
}

struct message_id letters_box(
	struct letters *letters, unsigned who, const int *also, const char *format, ...)
{
	struct feed_id readers[LIMIT_BOX_RECIPIENTS];
	size_t count = 0;
	char text[TEXT_BYTES / 4];
	struct buf box = BUF_INIT(TEXT_BYTES);
	va_list args;
	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	readers[count++] = letters->people[who].id;
	readers[count++] = letters->rig.self;
	for (; also != NULL && *also >= 0; also++) {
		readers[count++] = letters->people[*also].id;
	}
	assert_int_equal(
		signer_seal(letters->people[who].signer, span_text(text), readers, count, &box),
		ERR_OK);
	assert_non_null(buf_cstr(&box));
	struct message_id key =
		append(letters, author_say(&letters->people[who], "%s", (const char *)box.at));
	buf_fini(&box);
	return key;
}

struct message_id letters_forge(struct letters *letters, unsigned who, const char *format, ...)
{
	struct private_box_dice dice;
	char text[TEXT_BYTES / 4];
	struct buf box = BUF_INIT(TEXT_BYTES);
	va_list args;
	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	private_box_throw(&dice);
	assert_int_equal(
		private_box_write(&dice, span_text(text), &letters->rig.self, 1, &box), ERR_OK);
	char *base64 = calloc(1, BASE64_BYTES(box.len) + 1);
	assert_non_null(base64);
	(void)base64_encode(buf_span(&box), base64);
	struct message_id key =
		append(letters, author_say(&letters->people[who], "\"%s.box\"", base64));
	free(base64);
	buf_fini(&box);
	return key;
}

void letters_newest(struct letters *letters, struct buf *text)
{
	struct chain_head head;
	struct stored stored;
	struct reader *reader = NULL;
	assert_int_equal(reader_open(letters->rig.store, &reader), ERR_OK);
	assert_int_equal(reader_head(reader, &letters->rig.self, &head), ERR_OK);
	assert_int_equal(reader_message(reader, &head.key, text, &stored), ERR_OK);
	reader_close(reader);
}

json_t *letters_read_newest(struct letters *letters, unsigned who)
{
	struct buf text = BUF_INIT(TEXT_BYTES);
	struct buf bytes = BUF_INIT(TEXT_BYTES);
	struct buf plain = BUF_INIT(TEXT_BYTES);
	struct sealed_box box = {.author = letters->rig.self};
	struct open_key key;
	struct span content;
	json_t *tree = NULL;
	letters_newest(letters, &text);
	assert_true(json_slice(buf_span(&text), "content", &content));
	bool is_box =
		content.at[0] == '"' && signer_unpack(span_of(content.at + 1, content.len - 2),
						&bytes, &box.is_box2) == ERR_OK;
	box.bytes = buf_span(&bytes);
	if (is_box && signer_open(letters->people[who].signer, &box, &key, &plain) == ERR_OK) {
		tree = json_loadb((const char *)plain.at, plain.len, 0, NULL);
		assert_non_null(tree);
	}
	buf_fini(&text);
	buf_fini(&bytes);
	buf_fini(&plain);
	return tree;
}
