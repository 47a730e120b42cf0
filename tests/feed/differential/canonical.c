/*
 * The other side of compare.js: what does kith make of a document? Documents come on standard
 * input, each as its length (32 bits, least byte first) and its bytes; each is answered by a record
 * of five parts in the same form: one byte that says how reading went, the compact text, the pretty
 * text, the 32 bytes a message of that text would have as its key, and the text that is signed,
 * when the document is a valid message (else empty). The one pass of feed/message and its tree must
 * agree about each.
 */
#include "base/limits.h"
#include "feed/message_inside.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

enum { DOCUMENT_BYTES_MAX = 16 * MIB, ANSWER_BYTES_MAX = 256 * MIB };

static void must(bool is_fine)
{
	if (!is_fine) {
		(void)fputs(
			"canonical: two ways to read differ, the pipe broke, or out of memory\n",
			stderr);
		exit(1);
	}
}

static void put_part(struct buf *answer, struct span part)
{
	uint8_t len[4] = {(uint8_t)part.len, (uint8_t)(part.len >> 8), (uint8_t)(part.len >> 16),
		(uint8_t)(part.len >> 24)};
	must(buf_append(answer, span_of(len, 4)) == ERR_OK);
	must(buf_append(answer, part) == ERR_OK);
}

/* Written apart from feed/message, for documents that are no messages. */
static void key_of(struct span text, uint8_t key[static 32])
{
	struct buf low = BUF_INIT(ANSWER_BYTES_MAX);
	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.at[i];
		uint32_t point = c;
		int more = c < 0x80 ? 0 : c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
		point = more == 0 ? c : c & (0x3f >> more);
		for (int k = 0; k < more; k++) {
			point = point << 6 | (text.at[++i] & 63);
		}
		if (point >= 0x10000) {
			point -= 0x10000;
			must(buf_append_byte(&low, (uint8_t)(0xd800 + (point >> 10))) == ERR_OK);
			point = 0xdc00 + (point & 1023);
		}
		must(buf_append_byte(&low, (uint8_t)point) == ERR_OK);
	}
	must(crypto_hash_sha256(key, low.at, low.len) == 0);
	buf_fini(&low);
}

static void must_agree(struct span document)
{
	struct message *usual = NULL;
	struct message *slow = NULL;
	const char *usual_why = "";
	const char *slow_why = "";
	enum err err = message_reread(document, &usual, &usual_why);
	must(message_reread_by_tree(document, &slow, &slow_why) == err);
	must(err == ERR_OK || strcmp(usual_why, slow_why) == 0);
	must(err != ERR_OK || (message_id_equal(&usual->key, &slow->key) &&
				      span_equal(usual->compact, slow->compact) &&
				      span_equal(usual->content_text, slow->content_text) &&
				      span_equal(usual->type, slow->type)));
	message_free(usual);
	message_free(slow);
}

static void put_signed_text(struct span document, const uint8_t *key, struct buf *answer)
{
	struct message *message = NULL;
	struct buf text = BUF_INIT(ANSWER_BYTES_MAX);
	const char *why = NULL;
	if (message_verify(document, NULL, &message, &why) == ERR_OK) {
		must(message_write_signed_text(message, &text) == ERR_OK);
		must(memcmp(message->key.at, key, ID_BYTES) == 0);
		message_free(message);
	}
	put_part(answer, buf_span(&text));
	buf_fini(&text);
}

static void answer_document(struct span document, struct buf *answer)
{
	struct json_doc *doc = NULL;
	struct buf compact = BUF_INIT(ANSWER_BYTES_MAX);
	struct buf pretty = BUF_INIT(ANSWER_BYTES_MAX);
	uint8_t key[32] = {0};
	enum err err = json_parse(document, LIMIT_JSON_DEPTH, &doc);
	uint8_t status = (uint8_t)err;
	if (err == ERR_OK) {
		must(json_write_compact(json_root(doc), &compact) == ERR_OK);
		must(json_write_pretty(json_root(doc), &pretty) == ERR_OK);
		key_of(buf_span(&pretty), key);
	}
	put_part(answer, span_of(&status, 1));
	put_part(answer, buf_span(&compact));
	put_part(answer, buf_span(&pretty));
	put_part(answer, span_of(key, sizeof(key)));
	put_signed_text(document, key, answer);
	must_agree(document);
	json_doc_free(doc);
	buf_fini(&compact);
	buf_fini(&pretty);
}

int main(void)
{
	static uint8_t document[DOCUMENT_BYTES_MAX];
	struct buf answer = BUF_INIT(ANSWER_BYTES_MAX);
	uint8_t head[4];
	must(sodium_init() >= 0);
	while (fread(head, 1, 4, stdin) == 4) {
		size_t len = head[0] | (size_t)head[1] << 8 | (size_t)head[2] << 16 |
			     (size_t)head[3] << 24;
		must(len <= sizeof(document) && fread(document, 1, len, stdin) == len);
		buf_clear(&answer);
		answer_document(span_of(document, len), &answer);
		must(fwrite(answer.at, 1, answer.len, stdout) == answer.len);
	}
	must(fflush(stdout) == 0);
	buf_fini(&answer);
	return 0;
}
