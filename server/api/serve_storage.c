/*
 * What the node takes of the disk, whose it is, what would go next and what went; the ceiling; and
 * what is held of one person, removed or fetched again.
 */
#include "api/body.h"
#include "api/shape.h"
#include "store/ceiling.h"
#include "store/let_go.h"

#include <stdlib.h>

enum { PEOPLE_MAX = 100, GONE_MAX = 24, LET_GO_MAX = 20 };

const char *const shape_class_names[CEILING_CLASSES] = {"messages", "indexes", "blobs_own",
	"blobs_friends", "blobs_far", "backups", "reserve", "other"};

static json_t *goes_json(const struct ceiling_goes *goes)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:b}", "bytes",
		(json_int_t)goes->bytes, "blobs", (json_int_t)goes->blobs, "blob_bytes",
		(json_int_t)goes->blob_bytes, "feeds", (json_int_t)goes->feeds, "messages",
		(json_int_t)goes->messages, "message_bytes", (json_int_t)goes->message_bytes,
		"backups", (json_int_t)goes->copies, "backup_bytes", (json_int_t)goes->copy_bytes,
		"enough", goes->is_enough);
}

static json_t *classes_json(const struct ceiling_usage *usage)
{
	json_t *out = json_object();
	for (int i = 0; i < CEILING_CLASSES; i++) {
		if (json_object_set_new(out, shape_class_names[i],
			    json_integer((json_int_t)usage->classes[i])) != 0) {
			json_decref(out);
			return NULL;
		}
	}
	return out;
}

static enum err people_json(struct reader *reader, struct shape_people *named, json_t **out)
{
	size_t count = 0;
	struct ceiling_person *people = calloc(PEOPLE_MAX, sizeof(*people));
	json_t *list = json_array();
	enum err err = people == NULL || list == NULL
			       ? ERR_NOMEM
			       : ceiling_people(reader, people, PEOPLE_MAX, &count);
	for (size_t i = 0; err == ERR_OK && i < count; i++) {
		shape_name(named, &people[i].id);
		json_t *row = json_pack("{s:o, s:I, s:I, s:I, s:I}", "id",
			shape_feed_id(&people[i].id), "messages", (json_int_t)people[i].messages,
			"bytes", (json_int_t)people[i].bytes, "blobs", (json_int_t)people[i].blobs,
			"blob_bytes", (json_int_t)people[i].blob_bytes);
		err = json_array_append_new(list, row) == 0 ? ERR_OK : ERR_NOMEM;
	}
	free(people);
	if (err != ERR_OK) {
		json_decref(list);
		return err;
	}
	*out = list;
	return ERR_OK;
}

static enum err gone_json(struct reader *reader, json_t **out)
{
	struct ceiling_gone gone[GONE_MAX];
	size_t count = 0;
	json_t *list = json_array();
	enum err err = list == NULL ? ERR_NOMEM : ceiling_gone(reader, gone, GONE_MAX, &count);
	for (size_t i = 0; err == ERR_OK && i < count; i++) {
		json_t *row = json_pack("{s:I, s:s, s:I, s:I}", "at", (json_int_t)gone[i].at_ms,
			"what", gone[i].what, "n", (json_int_t)gone[i].n, "bytes",
			(json_int_t)gone[i].bytes);
		err = json_array_append_new(list, row) == 0 ? ERR_OK : ERR_NOMEM;
	}
	if (err != ERR_OK) {
		json_decref(list);
		return err;
	}
	*out = list;
	return ERR_OK;
}

/* The feeds whose old messages went last. */
struct lately {
	struct let_go_row rows[LET_GO_MAX];
	size_t count;
};

static void take_row(void *ctx, const struct let_go_row *row)
{
	struct lately *lately = ctx;
	size_t at = lately->count < LET_GO_MAX ? lately->count++ : LET_GO_MAX;
	for (; at > 0 && lately->rows[at - 1].at_ms < row->at_ms; at--) {
		if (at < LET_GO_MAX) {
			lately->rows[at] = lately->rows[at - 1];
		}
	}
	if (at < LET_GO_MAX) {
		lately->rows[at] = *row;
	}
}

static enum err let_go_json(struct reader *reader, struct shape_people *named, json_t **out)
{
	struct lately *lately = calloc(1, sizeof(*lately));
	json_t *list = json_array();
	enum err err = lately == NULL || list == NULL ? ERR_NOMEM
						      : reader_let_go_all(reader, take_row, lately);
	for (size_t i = 0; err == ERR_OK && i < lately->count; i++) {
		shape_name(named, &lately->rows[i].feed);
		json_t *row = json_pack("{s:o, s:I, s:I, s:b}", "id",
			shape_feed_id(&lately->rows[i].feed), "below",
			(json_int_t)lately->rows[i].below, "at", (json_int_t)lately->rows[i].at_ms,
			"again", lately->rows[i].again != LET_GO_GONE);
		err = json_array_append_new(list, row) == 0 ? ERR_OK : ERR_NOMEM;
	}
	free(lately);
	if (err != ERR_OK) {
		json_decref(list);
		return err;
	}
	*out = list;
	return ERR_OK;
}

static enum err put(json_t *tree, const char *name, enum err err, json_t *value)
{
	if (err != ERR_OK) {
		return err;
	}
	return json_object_set_new(tree, name, value) == 0 ? ERR_OK : ERR_NOMEM;
}

static enum err fill(struct reader *reader, json_t *tree)
{
	struct shape_people *named = calloc(1, sizeof(*named));
	struct ceiling_goes goes;
	json_t *value = NULL;
	enum err err = named == NULL ? ERR_NOMEM : ceiling_preview(reader, NULL, 0, &goes);
	if (err == ERR_OK) {
		err = put(tree, "next", ERR_OK, goes_json(&goes));
	}
	if (err == ERR_OK) {
		err = people_json(reader, named, &value);
		err = put(tree, "people", err, value);
	}
	if (err == ERR_OK) {
		err = gone_json(reader, &value);
		err = put(tree, "evicted", err, value);
	}
	if (err == ERR_OK) {
		err = let_go_json(reader, named, &value);
		err = put(tree, "let_go", err, value);
	}
	if (err == ERR_OK) {
		err = shape_people(reader, named, &value);
		err = put(tree, "people_shown", err, value);
	}
	free(named);
	return err;
}

static void answer_storage(struct call *call, struct reader *reader)
{
	struct ceiling_usage usage;
	int64_t bytes = 0;
	enum err err = ceiling_usage(reader, &usage);
	if (err == ERR_OK) {
		err = ceiling_bytes(reader, &bytes);
	}
	json_t *tree = err != ERR_OK ? NULL
				     : json_pack("{s:I, s:I, s:I, s:o}", "ceiling",
					       (json_int_t)bytes, "used", (json_int_t)usage.used,
					       "disk_free", (json_int_t)usage.disk_free, "classes",
					       classes_json(&usage));
	if (err == ERR_OK) {
		err = tree == NULL ? ERR_NOMEM : fill(reader, tree);
	}
	if (err != ERR_OK) {
		json_decref(tree);
		answer_err(&call->exchange->answer, err);
		return;
	}
	answer_json(&call->exchange->answer, 200, tree);
}

void serve_storage(struct call *call)
{
	struct reader *reader = inside_reader(call);
	if (reader != NULL) {
		answer_storage(call, reader);
	}
}

/* Beside no running node what goes, goes here and now. */
static enum err evict_now(struct api *api)
{
	const struct ceiling_opts opts = {.store = api->opts.store,
		.writer = api->opts.writer,
		.blobs = api->opts.blobs,
		.is_stepped = true};
	struct ceiling *ceiling = NULL;
	enum err err = ceiling_start(&opts, &ceiling);
	while (err == ERR_OK && ceiling_step(ceiling)) {
	}
	ceiling_stop(ceiling);
	return err;
}

void serve_storage_put(struct call *call)
{
	struct answer *answer = &call->exchange->answer;
	struct reader *reader = inside_reader(call);
	const json_t *asked = json_object_get(call->body, "ceiling");
	int64_t bytes = json_is_integer(asked) ? (int64_t)json_integer_value(asked) : 0;
	struct ceiling_goes goes;
	if (reader == NULL) {
		return;
	}
	if (bytes < LIMIT_CEILING_BYTES_MIN || bytes > LIMIT_CEILING_BYTES_MAX) {
		answer_error(answer, json_is_integer(asked) ? SAID_REFUSED : SAID_BAD_REQUEST,
			"A node needs at least 64 MiB: `ceiling` is a number of bytes from there "
			"on.");
		return;
	}
	if (json_is_true(json_object_get(call->body, "try"))) {
		enum err tried = ceiling_preview(reader, NULL, bytes, &goes);
		if (tried == ERR_OK) {
			answer_json(answer, 200, goes_json(&goes));
		} else {
			answer_err(answer, tried);
		}
		return;
	}
	enum err err = ceiling_set(call->api->opts.writer, bytes);
	if (err == ERR_OK && call->api->opts.ceiling != NULL) {
		ceiling_look(call->api->opts.ceiling);
	} else if (err == ERR_OK) {
		err = evict_now(call->api);
	}
	if (err != ERR_OK) {
		answer_err(answer, err);
		return;
	}
	answer_storage(call, reader);
}

static bool read_id(struct call *call, struct feed_id *id)
{
	if (feed_id_parse_any(call->args[0], id) == ERR_OK) {
		return true;
	}
	answer_error(&call->exchange->answer, SAID_BAD_REQUEST, "This is not the key of a person.");
	return false;
}

static const char *what_stays(const struct ceiling_removal *removal)
{
	if (removal->kept > 0 && removal->keeps_blobs) {
		return "What you keep or got privately stays, and so do files that others' posts "
		       "show too.";
	}
	if (removal->kept > 0) {
		return "What you keep or got privately stays.";
	}
	return removal->keeps_blobs ? "Files that others' posts show too stay." : NULL;
}

static void say_refused(struct call *call, enum err err, const struct feed_id *id)
{
	bool is_self = feed_id_equal(id, &call->api->opts.self);
	if (err == ERR_REFUSED) {
		answer_error(&call->exchange->answer, SAID_CONFLICT,
			is_self ? "What you wrote yourself stays."
				: "You follow them, so what they write is kept. Unfollow them "
				  "first.");
	} else if (err == ERR_NOT_FOUND) {
		answer_error(&call->exchange->answer, SAID_NOT_FOUND,
			"This node holds nothing of them.");
	} else {
		answer_err(&call->exchange->answer, err);
	}
}

void serve_person_remove(struct call *call)
{
	struct answer *answer = &call->exchange->answer;
	struct api *api = call->api;
	struct ceiling_removal removal;
	struct feed_id id;
	struct span word = span_of(NULL, 0);
	bool is_try = json_is_true(json_object_get(call->body, "try"));
	struct reader *reader = read_id(call, &id) ? inside_reader(call) : NULL;
	if (reader == NULL) {
		return;
	}
	if (!is_try &&
		(!body_text(call->body, "confirm", &word) || !span_equal_text(word, "remove"))) {
		answer_error(answer, SAID_BAD_REQUEST, "`try`, or `confirm` with \"remove\".");
		return;
	}
	enum err err =
		is_try ? ceiling_removal(reader, &id, &removal)
		       : ceiling_remove(api->opts.writer, api->opts.blobs, reader, &id, &removal);
	if (err != ERR_OK) {
		say_refused(call, err, &id);
		return;
	}
	if (!is_try && api->opts.ceiling != NULL) {
		ceiling_look(api->opts.ceiling);
	}
	answer_json(answer, 200,
		json_pack("{s:I, s:I, s:I, s:s?}", "messages", (json_int_t)removal.messages,
			"blobs", (json_int_t)removal.blobs, "bytes", (json_int_t)removal.bytes,
			"keeps", what_stays(&removal)));
}

void serve_person_again(struct call *call)
{
	struct feed_id id;
	struct let_go_row row;
	struct reader *reader = read_id(call, &id) ? inside_reader(call) : NULL;
	if (reader == NULL) {
		return;
	}
	enum err err = reader_let_go(reader, &id, &row);
	if (err == ERR_OK) {
		err = ceiling_again(call->api->opts.writer, &id);
	}
	if (err != ERR_OK) {
		say_refused(call, err, &id);
		return;
	}
	if (call->api->opts.ceiling != NULL) {
		ceiling_look(call->api->opts.ceiling);
	}
	answer_json(&call->exchange->answer, 200, json_object());
}
