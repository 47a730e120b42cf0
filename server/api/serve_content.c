/*
 * POST /api/publish: any content, of any type. Public bytes go to the signer as they came; what is
 * for certain people is boxed first.
 */
#include "api/body.h"
#include "api/letters.h"

enum { NONCE_BYTES_MAX = 64 };

static bool read_query_head(struct call *call, struct publish_request *out, struct message_id *key)
{
	struct span query = call->exchange->head.query;
	struct buf text = BUF_INIT(MESSAGE_ID_TEXT_BYTES);
	enum err err = body_query(query, "if_head", &text);
	bool is_good = (err == ERR_OK || err == ERR_NOT_FOUND) && text.len <= 16;
	for (size_t i = 0; is_good && i < text.len; i++) {
		is_good = text.at[i] >= '0' && text.at[i] <= '9';
		out->if_head = out->if_head * 10 + (uint64_t)(text.at[i] - '0');
	}
	buf_clear(&text);
	err = body_query(query, "if_head_key", &text);
	if (err == ERR_OK) {
		is_good = is_good && out->if_head > 0 &&
			  message_id_parse_any(buf_span(&text), key) == ERR_OK;
		out->if_head_key = key;
	}
	buf_fini(&text);
	return is_good && (err == ERR_OK || err == ERR_NOT_FOUND);
}

void serve_publish(struct call *call)
{
	struct publish_request request = {.if_head = 0};
	struct publish_result result;
	struct message_id if_head_key;
	struct letter letter;
	struct buf nonce = BUF_INIT(NONCE_BYTES_MAX);
	struct buf content = BUF_INIT(4 * LIMIT_HTTP_BODY_BYTES);
	enum err err = body_query(call->exchange->head.query, "nonce", &nonce);
	if ((err != ERR_OK && err != ERR_NOT_FOUND) ||
		!read_query_head(call, &request, &if_head_key)) {
		answer_error(&call->exchange->answer, SAID_BAD_REQUEST,
			"`nonce` is a text of at most 64 bytes, `if_head` a number, "
			"`if_head_key` the key of that message.");
	} else if (letters_read_content(call, buf_span(&call->exchange->body), &letter) &&
		   letters_close(call, &letter, buf_span(&call->exchange->body), &content)) {
		request.nonce = buf_span(&nonce);
		request.content = buf_span(&content);
		if (serve_sign(call, &request, &result) == ERR_OK) {
			answer_json(&call->exchange->answer, 200, serve_signed(&result));
		}
	}
	buf_fini(&content);
	buf_fini(&nonce);
}
