/* GET /api/tags, and the completion of tags in GET /api/suggest. */
#include "api/body.h"
#include "api/inside.h"
#include "api/serve.h"
#include "store/tags.h"

enum { SUGGESTIONS_MAX = 6, SPELLING_BYTES = 4 * LIMIT_TAG_BYTES };

json_t *serve_tag(const struct tag_count *tag)
{
	return json_pack("{s:s, s:I, s:I}", "tag", tag->tag.text, "n", (json_int_t)tag->posts, "at",
		(json_int_t)tag->at_ms);
}

static void answer_tags(
	struct answer *answer, enum err err, const struct tag_count *tags, size_t count)
{
	json_t *list = err == ERR_OK ? json_array() : NULL;
	for (size_t i = 0; list != NULL && i < count; i++) {
		(void)json_array_append_new(list, serve_tag(&tags[i]));
	}
	if (list == NULL) {
		answer_err(answer, err == ERR_OK ? ERR_NOMEM : err);
	} else {
		answer_json(answer, 200, json_pack("{s:o}", "tags", list));
	}
}

void serve_tags(struct call *call)
{
	struct tag_count tags[LIMIT_PAGE_ROWS];
	size_t limit = 0;
	size_t count = 0;
	struct reader *reader = serve_read_limit(call, &limit) ? inside_reader(call) : NULL;
	if (reader != NULL) {
		enum err err = tags_newest(reader, tags, limit, &count);
		answer_tags(&call->exchange->answer, err, tags, count);
	}
}

void serve_suggest_tag(struct call *call)
{
	struct tag_count tags[SUGGESTIONS_MAX];
	struct buf spelling = BUF_INIT(SPELLING_BYTES);
	size_t count = 0;
	enum err err = body_query(call->exchange->head.query, "tag", &spelling);
	struct reader *reader = err == ERR_OK ? inside_reader(call) : NULL;
	if (err != ERR_OK) {
		answer_error(&call->exchange->answer, SAID_BAD_REQUEST,
			"`tag` is the beginning of a tag.");
	} else if (reader != NULL) {
		const struct tag start = tag_normal(buf_span(&spelling));
		err = tags_like(reader, &start, tags, SUGGESTIONS_MAX, &count);
		answer_tags(&call->exchange->answer, err, tags, count);
	}
	buf_fini(&spelling);
}
