/*
 * What was written while publishing was paused: to be read, published after all, or dropped.
 */
#include "api/body.h"
#include "api/letters.h"
#include "api/shape.h"
#include "base/log.h"
#include "store/safety.h"

enum { DRAFTS_ANSWER_BYTES = 4 * MIB, DRAFT_DIGITS_MAX = 15, DRAFT_NONCE_BYTES = 64 };

struct listing {
	struct api *api;
	json_t *list;
	int64_t before; /* only older ones; 0: all */
	size_t bytes;
	bool is_more;
};

/* The content as JSON, or null when it is nothing that another JSON library reads: then the page
 * can only publish or drop it. */
static json_t *content_json(struct api *api, struct span text, bool *is_private)
{
	struct buf clean = BUF_INIT(4 * LIMIT_MESSAGE_BYTES);
	struct buf opened = BUF_INIT(LIMIT_MESSAGE_BYTES);
	json_t *tree = NULL;
	*is_private = letters_open(api, text, &opened) == ERR_OK;
	text = *is_private ? buf_span(&opened) : text;
	if (body_is_shallow(text, LIMIT_JSON_DEPTH) && body_clean(text, &clean) == ERR_OK) {
		tree = json_loadb(
			(const char *)clean.at, clean.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	}
	buf_wipe(&opened);
	buf_wipe(&clean);
	return tree == NULL ? json_null() : tree;
}

static void put_draft(void *ctx, const struct draft_row *row)
{
	struct listing *listing = ctx;
	if (listing->before != 0 && row->draft >= listing->before) {
		return;
	}
	if (listing->is_more || listing->bytes + row->content.len > DRAFTS_ANSWER_BYTES) {
		listing->is_more = true;
		return;
	}
	listing->bytes += row->content.len;
	bool is_private = false;
	json_t *content = content_json(listing->api, row->content, &is_private);
	const char *type = json_string_value(json_object_get(content, "type"));
	(void)json_array_append_new(
		listing->list, json_pack("{s:I, s:I, s:s?, s:o, s:b}", "id", (json_int_t)row->draft,
				       "at", (json_int_t)row->at_ms, "type", type, "content",
				       content, "private", is_private));
}

static bool read_number(struct span text, int64_t *out)
{
	*out = 0;
	for (size_t i = 0; i < text.len; i++) {
		if (text.at[i] < '0' || text.at[i] > '9') {
			return false;
		}
		*out = *out * 10 + (text.at[i] - '0');
	}
	return text.len > 0 && text.len <= DRAFT_DIGITS_MAX && *out > 0;
}

static bool read_before(struct call *call, int64_t *out)
{
	struct buf text = BUF_INIT(DRAFT_DIGITS_MAX);
	enum err err = body_query(call->exchange->head.query, "before", &text);
	bool is_good = err == ERR_NOT_FOUND || (err == ERR_OK && read_number(buf_span(&text), out));
	buf_fini(&text);
	return is_good;
}

void serve_drafts(struct call *call)
{
	struct listing listing = {.api = call->api};
	struct reader *reader = inside_reader(call);
	if (reader == NULL) {
		return;
	}
	if (!read_before(call, &listing.before)) {
		answer_error(&call->exchange->answer, SAID_BAD_REQUEST,
			"`before` is the number of a draft.");
		return;
	}
	listing.list = json_array();
	enum err err =
		listing.list == NULL ? ERR_NOMEM : reader_drafts(reader, put_draft, &listing);
	if (err != ERR_OK) {
		json_decref(listing.list);
		answer_err(&call->exchange->answer, err);
		return;
	}
	answer_json(&call->exchange->answer, 200,
		json_pack("{s:o, s:b}", "drafts", listing.list, "more", listing.is_more));
}

/* The draft that the path names. False: answered. */
static bool find_draft(struct call *call, int64_t *draft, struct buf *content, struct buf *nonce)
{
	struct reader *reader = inside_reader(call);
	if (reader == NULL) {
		return false;
	}
	enum err err = read_number(call->args[0], draft)
			       ? reader_draft(reader, *draft, content, nonce)
			       : ERR_NOT_FOUND;
	if (err == ERR_NOT_FOUND) {
		answer_error(&call->exchange->answer, SAID_NOT_FOUND,
			"There is no such draft; it may be published already.");
	} else if (err != ERR_OK) {
		answer_err(&call->exchange->answer, err);
	}
	return err == ERR_OK;
}

static enum err drop_draft(struct call *call, int64_t draft)
{
	const struct change change = {.kind = CHANGE_DRAFT_DROP, .number = draft};
	return writer_change_wait(call->api->opts.writer, &change);
}

/* While paused a draft stays what it is. False: answered. */
static bool may_publish(struct call *call, int64_t draft)
{
	char why[256] = "";
	const char *state = writer_state(call->api->opts.writer, why, sizeof(why));
	if (strcmp(state, "CLEAN") == 0 || strcmp(state, "NEW") == 0) {
		return true;
	}
	answer_paused(&call->exchange->answer, why[0] == '\0' ? NULL : why, draft);
	return false;
}

/* The draft's own idempotency id, or one made of its number. */
static enum err name_draft(int64_t draft, struct buf *nonce)
{
	return nonce->len > 0 ? ERR_OK : buf_printf(nonce, "draft %lld", (long long)draft);
}

static void publish_draft(struct call *call, int64_t draft, const struct publish_request *request)
{
	struct publish_result result;
	enum err err = serve_sign(call, request, &result);
	if (err == ERR_OK) {
		/* One with an id of its own is gone already. If this is cut short, a second attempt
		 * finds the first one's answer. */
		err = drop_draft(call, draft);
		if (err != ERR_OK) {
			LOG(call->api->opts.env, LOG_WARN, "draft.not_dropped",
				LOG_TEXT("why", err_text(err)));
		}
		answer_json(&call->exchange->answer, 200, serve_signed(&result));
	} else if (err == ERR_PAUSED && result.draft != 0 && result.draft != draft) {
		/* It was paused in this moment: one draft of it is enough. */
		(void)!drop_draft(call, result.draft);
		answer_paused(&call->exchange->answer, result.why, draft);
	}
}

void serve_draft_publish(struct call *call)
{
	int64_t draft = 0;
	struct buf content = BUF_INIT(LIMIT_MESSAGE_BYTES);
	struct buf nonce = BUF_INIT(DRAFT_NONCE_BYTES);
	struct message_id if_head_key;
	struct publish_request request = {.if_head = 0};
	if (find_draft(call, &draft, &content, &nonce) &&
		serve_read_head(call, &request, &if_head_key) && may_publish(call, draft)) {
		enum err err = name_draft(draft, &nonce);
		request.nonce = buf_span(&nonce);
		request.content = buf_span(&content);
		if (err == ERR_OK) {
			publish_draft(call, draft, &request);
		} else {
			answer_err(&call->exchange->answer, err);
		}
	}
	buf_fini(&nonce);
	buf_fini(&content);
}

void serve_draft_drop(struct call *call)
{
	int64_t draft = 0;
	struct buf content = BUF_INIT(LIMIT_MESSAGE_BYTES);
	struct buf nonce = BUF_INIT(DRAFT_NONCE_BYTES);
	if (find_draft(call, &draft, &content, &nonce)) {
		enum err err = drop_draft(call, draft);
		if (err == ERR_OK) {
			answer_json(&call->exchange->answer, 200, json_object());
		} else {
			answer_err(&call->exchange->answer, err);
		}
	}
	buf_fini(&nonce);
	buf_fini(&content);
}
