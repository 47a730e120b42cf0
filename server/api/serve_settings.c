/*
 * What the owner set for all browsers of this node: which kinds of activity are shown. Kept as JSON
 * in one row of `settings`; what was never set, or cannot be read, is as at the beginning.
 */
#include "api/body.h"
#include "api/shape.h"
#include "api/watch.h"
#include "base/log.h"

static const char setting_activity[] = "activity";
enum { SETTING_BYTES_MAX = 512 };

static const struct {
	const char *name;
	bool is_on; /* at the beginning */
} kinds[] = {{"mention", true}, {"reply", true}, {"like", true}, {"follow", true}};
enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

/* Every kind, as `kept` says it or as at the beginning. NULL without memory. */
static json_t *whole(const json_t *kept)
{
	json_t *out = json_object();
	for (size_t i = 0; i < KINDS; i++) {
		const json_t *is = json_object_get(kept, kinds[i].name);
		bool is_on = json_is_boolean(is) ? json_is_true(is) : kinds[i].is_on;
		if (json_object_set_new(out, kinds[i].name, json_boolean(is_on)) != 0) {
			json_decref(out);
			return NULL;
		}
	}
	return out;
}

enum err serve_settings_read(struct reader *reader, json_t **out)
{
	struct buf text = BUF_INIT(SETTING_BYTES_MAX);
	enum err err = reader_setting(reader, setting_activity, &text);
	json_t *kept = err == ERR_OK ? body_parse(buf_span(&text)) : NULL;
	buf_fini(&text);
	if (err != ERR_OK && err != ERR_NOT_FOUND) {
		return err;
	}
	json_t *activity = whole(kept);
	json_decref(kept);
	*out = activity == NULL ? NULL : json_pack("{s:o}", "activity", activity);
	return *out == NULL ? ERR_NOMEM : ERR_OK;
}

void serve_settings(struct call *call)
{
	struct reader *reader = inside_reader(call);
	if (reader == NULL) {
		return;
	}
	json_t *tree = NULL;
	enum err err = serve_settings_read(reader, &tree);
	if (err == ERR_OK) {
		answer_json(&call->exchange->answer, 200, tree);
	} else {
		answer_err(&call->exchange->answer, err);
	}
}

/* `asked` into `tree`: known kinds only, each true or false. */
static bool merge(json_t *tree, json_t *asked)
{
	json_t *activity = json_object_get(tree, "activity");
	const char *name = NULL;
	json_t *is = NULL;
	json_object_foreach(asked, name, is)
	{
		if (!json_is_boolean(is) || json_object_get(activity, name) == NULL ||
			json_object_set(activity, name, is) != 0) {
			return false;
		}
	}
	return json_is_object(asked);
}

static enum err keep(struct call *call, const json_t *activity)
{
	char *text = json_dumps(activity, JSON_COMPACT);
	if (text == NULL) {
		return ERR_NOMEM;
	}
	const struct change change = {.kind = CHANGE_SETTING,
		.name = span_text(setting_activity),
		.text = span_text(text)};
	enum err err = writer_change_wait(call->api->opts.writer, &change);
	free(text);
	return err;
}

void serve_settings_put(struct call *call)
{
	struct answer *answer = &call->exchange->answer;
	struct reader *reader = inside_reader(call);
	if (reader == NULL) {
		return;
	}
	json_t *tree = NULL;
	json_t *asked = json_object_get(call->body, "activity");
	enum err err = serve_settings_read(reader, &tree);
	if (err == ERR_OK && !merge(tree, asked)) {
		json_decref(tree);
		answer_error(answer, SAID_BAD_REQUEST, "There is no such setting.");
		return;
	}
	err = err == ERR_OK ? keep(call, json_object_get(tree, "activity")) : err;
	if (call->api->watch != NULL) {
		watch_wake(call->api->watch); /* another count, in all browsers */
	}
	if (err == ERR_OK) {
		answer_json(answer, 200, tree);
	} else {
		json_decref(tree);
		answer_err(answer, err);
	}
}
