/*
 * `post.blobs`: pictures, sound and files that a post names, in its text and in its mentions. What
 * the author claims of one counts only for what this node cannot look at itself: what is not here,
 * and what is encrypted; and then only as a type that a page may show.
 */
#include "api/body.h"
#include "api/shape.h"
#include "feed/blob_ref.h"
#include "feed/json.h"
#include "feed/sniff.h"
#include "store/blobs.h"

#include <stdlib.h>

enum { BLOBS_SHOWN_MAX = 64 };

struct shown {
	struct blob_id id;
	bool has_key;
	uint8_t key[BLOB_BOX_KEY_BYTES];
	struct span alt; /* into the post, or into its mentions */
	const char *type;
	int64_t bytes; /* claimed; −1: not */
};

struct shown_list {
	struct shown at[BLOBS_SHOWN_MAX];
	size_t count;
};

static struct shown *find(struct shown_list *list, const struct blob_id *id)
{
	for (size_t i = 0; i < list->count; i++) {
		if (blob_id_equal(&list->at[i].id, id)) {
			return &list->at[i];
		}
	}
	return NULL;
}

/* The one of this id, new or not; NULL when there are too many. */
static struct shown *take(struct shown_list *list, const struct blob_id *id)
{
	struct shown *shown = find(list, id);
	if (shown == NULL && list->count < BLOBS_SHOWN_MAX) {
		shown = &list->at[list->count++];
		*shown = (struct shown){.id = *id, .type = "", .bytes = -1};
	}
	return shown;
}

static void take_key(struct shown *shown, const uint8_t key[static BLOB_BOX_KEY_BYTES])
{
	shown->has_key = true;
	memcpy(shown->key, key, sizeof(shown->key));
}

static void read_text(struct shown_list *list, struct span text)
{
	struct blob_ref ref;
	size_t at = 0;
	while (blob_ref_next(text, &at, &ref)) {
		bool is_image = false;
		struct span label = blob_ref_label(text, &ref, &is_image);
		struct shown *shown = take(list, &ref.id);
		if (shown == NULL) {
			return;
		}
		if (shown->alt.len == 0) {
			shown->alt = label;
		}
		if (ref.has_key && !shown->has_key) {
			take_key(shown, ref.key);
		}
	}
}

static void read_mention(struct shown_list *list, const struct json *mention, bool may_add)
{
	struct span link;
	struct span text;
	struct blob_ref ref;
	size_t at = 0;
	uint8_t key[BLOB_BOX_KEY_BYTES];
	bool has_link = json_text(json_get(mention, "link"), &link) || json_text(mention, &link);
	if (!has_link || !blob_ref_next(link, &at, &ref) || ref.from != 0) {
		return;
	}
	struct shown *shown = may_add ? take(list, &ref.id) : find(list, &ref.id);
	if (shown == NULL) {
		return;
	}
	if (shown->alt.len == 0 && json_text(json_get(mention, "name"), &text)) {
		shown->alt = text;
	}
	if (json_text(json_get(mention, "type"), &text)) {
		shown->type = sniff_known(text);
	}
	if (!json_whole(json_get(mention, "size"), &shown->bytes) || shown->bytes < 0) {
		shown->bytes = -1;
	}
	if (!shown->has_key && json_text(json_get(json_get(mention, "query"), "unbox"), &text) &&
		blob_box_key_parse(text, key) == ERR_OK) {
		take_key(shown, key);
	}
	if (!shown->has_key && ref.has_key) {
		take_key(shown, ref.key);
	}
}

static void read_mentions(struct shown_list *list, const struct json *root, bool may_add)
{
	for (size_t i = 0; json_kind(root) == JSON_KIND_ARRAY && i < json_count(root); i++) {
		read_mention(list, json_at(root, i), may_add);
	}
}

static enum err shape_one(
	struct reader *reader, const struct shown *shown, bool is_open, json_t **out)
{
	struct blob_row row = {.type = ""};
	char id[BLOB_ID_TEXT_BYTES];
	char key[BLOB_BOX_KEY_TEXT_BYTES] = "";
	enum err err = blobs_look(reader, &shown->id, &row);
	if (err != ERR_OK && err != ERR_NOT_FOUND) {
		return err;
	}
	bool is_here = err == ERR_OK;
	bool is_seen = is_here && !shown->has_key; /* this node can look at it */
	const char *type = is_seen ? sniff_known(span_text(row.type)) : shown->type;
	int64_t bytes = is_seen ? (int64_t)row.bytes : shown->bytes;
	blob_id_format(&shown->id, id);
	if (shown->has_key) {
		blob_box_key_format(shown->key, key);
	}
	*out = json_pack("{s:s, s:s, s:o, s:n, s:n, s:o, s:b, s:s?, s:b}", "id", id, "mime", type,
		"bytes", bytes < 0 ? json_null() : json_integer(bytes), "w", "h", "alt",
		body_string(shown->alt), "have", is_here, "unbox", shown->has_key ? key : NULL,
		"open", is_open);
	explicit_bzero(key, sizeof(key));
	return *out == NULL ? ERR_NOMEM : ERR_OK;
}

static enum err shape_list(
	struct reader *reader, const struct shown_list *list, bool is_open, json_t *out)
{
	enum err err = ERR_OK;
	for (size_t i = 0; err == ERR_OK && i < list->count; i++) {
		json_t *blob = NULL;
		err = shape_one(reader, &list->at[i], is_open, &blob);
		if (err == ERR_OK && json_array_append_new(out, blob) != 0) {
			err = ERR_NOMEM;
		}
	}
	return err;
}

/* Ours, or of somebody we follow? */
static enum err is_near(
	struct api *api, struct reader *reader, const struct feed_id *author, bool *out)
{
	struct person *person = NULL;
	*out = feed_id_equal(author, &api->opts.self);
	if (*out) {
		return ERR_OK;
	}
	person = malloc(sizeof(*person));
	enum err err = person == NULL ? ERR_NOMEM : people_read(reader, author, 1, person);
	*out = err == ERR_OK && person->mine == EDGE_FOLLOW;
	free(person);
	return err;
}

enum err shape_blobs(struct api *api, struct reader *reader, const struct post *post, json_t **out)
{
	struct json_doc *doc = NULL;
	bool is_open = false;
	json_t *list = json_array();
	struct shown_list *shown = calloc(1, sizeof(*shown));
	enum err err = list == NULL || shown == NULL ? ERR_NOMEM : ERR_OK;
	if (err != ERR_OK) {
		goto out;
	}
	read_text(shown, post->text);
	if (post->mentions.len > 0 &&
		json_parse(post->mentions, LIMIT_JSON_DEPTH, &doc) == ERR_OK) {
		/* Of words that are hidden the pictures are too: then only what is left counts. */
		read_mentions(shown, json_root(doc), post->hidden == 0);
	}
	if (shown->count > 0 && post->warning.len == 0) {
		err = is_near(api, reader, &post->author, &is_open);
	}
	if (err == ERR_OK) {
		err = shape_list(reader, shown, is_open, list);
	}
out:
	json_doc_free(doc);
	free(shown);
	if (err != ERR_OK) {
		json_decref(list);
		return err;
	}
	*out = list;
	return ERR_OK;
}
