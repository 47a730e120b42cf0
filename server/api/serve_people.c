/*
 * People: one, their lists, ours, and a few by the beginning of a name.
 */
#include "api/body.h"
#include "api/shape.h"

#include <stdlib.h>
#include <strings.h>

enum { LIST_MAX = 500, KNOWN_MAX = 1000, SUGGESTIONS_MAX = 6, AT_ONCE = 16 };

static bool read_feed_id(struct call *call, struct feed_id *id)
{
	if (feed_id_parse_any(call->args[0], id) == ERR_OK) {
		return true;
	}
	answer_error(&call->exchange->answer, SAID_BAD_REQUEST, "This is not the key of a person.");
	return false;
}

static json_t *bio_json(const struct person *person)
{
	return body_string(span_text(person->bio));
}

void serve_me(struct call *call)
{
	struct api *api = call->api;
	struct answer *answer = &call->exchange->answer;
	struct reader *reader = inside_reader(call);
	struct person *me = malloc(sizeof(*me));
	json_t *head = NULL;
	if (reader == NULL || me == NULL) {
		answer_err(answer, ERR_NOMEM);
		free(me);
		return;
	}
	enum err err = person_read(reader, &api->opts.self, me);
	if (err == ERR_OK) {
		err = shape_head(reader, &api->opts.self, &head);
	}
	if (err != ERR_OK) {
		answer_err(answer, err);
	} else {
		answer_json(answer, 200,
			json_pack("{s:o, s:o, s:o, s:o, s:o}", "id", shape_feed_id(&api->opts.self),
				"person", shape_person(me), "bio", bio_json(me), "head", head,
				"addresses", shape_addresses(api)));
	}
	free(me);
}

void serve_person(struct call *call)
{
	struct answer *answer = &call->exchange->answer;
	struct feed_id id;
	struct reader *reader = read_feed_id(call, &id) ? inside_reader(call) : NULL;
	struct person *person = malloc(sizeof(*person));
	if (reader != NULL && person != NULL) {
		enum err err = person_read(reader, &id, person);
		if (err != ERR_OK) {
			answer_err(answer, err);
		} else {
			answer_json(answer, 200,
				json_pack("{s:o, s:o, s:I, s:I, s:b}", "person",
					shape_person(person), "bio", bio_json(person), "follows",
					(json_int_t)person->follows, "followers",
					(json_int_t)person->followers, "forked",
					person->is_forked));
		}
	}
	free(person);
}

/* A list of ids, each named in `people`. */
static enum err read_list(struct reader *reader, enum people_list which, const struct feed_id *of,
	struct shape_people *people, json_t **out, size_t *total)
{
	struct feed_id *ids = calloc(LIST_MAX, sizeof(*ids));
	json_t *list = json_array();
	size_t count = 0;
	enum err err = ids == NULL || list == NULL
			       ? ERR_NOMEM
			       : people_list(reader, which, of, ids, LIST_MAX, &count, total);
	for (size_t i = 0; err == ERR_OK && i < count; i++) {
		shape_name(people, &ids[i]);
		err = json_array_append_new(list, shape_feed_id(&ids[i])) == 0 ? ERR_OK : ERR_NOMEM;
	}
	free(ids);
	if (err != ERR_OK) {
		json_decref(list);
		return err;
	}
	*out = list;
	return ERR_OK;
}

static void answer_list(struct call *call, enum people_list which)
{
	struct feed_id id;
	struct reader *reader = read_feed_id(call, &id) ? inside_reader(call) : NULL;
	if (reader == NULL) {
		return;
	}
	struct shape_people *people = calloc(1, sizeof(*people));
	json_t *ids = NULL;
	json_t *list = NULL;
	size_t total = 0;
	enum err err =
		people == NULL ? ERR_NOMEM : read_list(reader, which, &id, people, &ids, &total);
	if (err == ERR_OK) {
		err = shape_people(reader, people, &list);
	}
	json_decref(ids);
	free(people);
	if (err != ERR_OK) {
		answer_err(&call->exchange->answer, err);
		return;
	}
	answer_json(&call->exchange->answer, 200,
		json_pack("{s:o, s:I}", "people", list, "total", (json_int_t)total));
}

void serve_person_follows(struct call *call)
{
	answer_list(call, PEOPLE_FOLLOWED_BY);
}

void serve_person_followers(struct call *call)
{
	answer_list(call, PEOPLE_FOLLOWERS_OF);
}

static enum err put_list(struct call *call, struct reader *reader, enum people_list which,
	const char *name, struct shape_people *people, json_t *tree)
{
	json_t *ids = NULL;
	size_t total = 0;
	enum err err = read_list(reader, which, &call->api->opts.self, people, &ids, &total);
	if (err == ERR_OK && json_object_set_new(tree, name, ids) != 0) {
		err = ERR_NOMEM;
	}
	return err;
}

void serve_people(struct call *call)
{
	struct reader *reader = inside_reader(call);
	struct shape_people *people = calloc(1, sizeof(*people));
	json_t *tree = json_object();
	json_t *list = NULL;
	enum err err = reader == NULL || people == NULL || tree == NULL ? ERR_NOMEM : ERR_OK;
	if (err == ERR_OK) {
		err = put_list(call, reader, PEOPLE_FOLLOWED_BY, "follows", people, tree);
	}
	if (err == ERR_OK) {
		err = put_list(call, reader, PEOPLE_FOLLOWERS_OF, "followers", people, tree);
	}
	if (err == ERR_OK) {
		err = put_list(call, reader, PEOPLE_BLOCKED_BY, "blocks", people, tree);
	}
	if (err == ERR_OK) {
		err = shape_people(reader, people, &list);
	}
	free(people);
	if (err != ERR_OK) {
		json_decref(tree);
		answer_err(&call->exchange->answer, err);
		return;
	}
	(void)json_object_set_new(tree, "people", list);
	answer_json(&call->exchange->answer, 200, tree);
}

/* Does a word of `name` begin with `start`, whatever the case (of ASCII letters)? */
static bool name_begins(const char *name, const char *start)
{
	size_t len = strlen(start);
	for (const char *at = name; *at != '\0'; at++) {
		if ((at == name || at[-1] == ' ') && strncasecmp(at, start, len) == 0) {
			return true;
		}
	}
	return false;
}

static enum err pick(struct reader *reader, const struct feed_id *ids, size_t count,
	const char *start, json_t *out)
{
	struct person *rows = malloc(AT_ONCE * sizeof(*rows));
	enum err err = rows == NULL ? ERR_NOMEM : ERR_OK;
	for (size_t done = 0;
		err == ERR_OK && done < count && json_array_size(out) < SUGGESTIONS_MAX;
		done += AT_ONCE) {
		size_t some = count - done < AT_ONCE ? count - done : AT_ONCE;
		err = people_read(reader, ids + done, some, rows);
		for (size_t i = 0;
			err == ERR_OK && i < some && json_array_size(out) < SUGGESTIONS_MAX; i++) {
			if (name_begins(rows[i].name, start)) {
				(void)json_array_append_new(out, shape_person(&rows[i]));
			}
		}
	}
	free(rows);
	return err;
}

static enum err suggest(struct call *call, struct reader *reader, const char *start, json_t *out)
{
	static const enum people_list lists[] = {PEOPLE_FOLLOWED_BY, PEOPLE_FOLLOWERS_OF};
	struct feed_id *ids = calloc(KNOWN_MAX, sizeof(*ids));
	struct shape_people *seen = calloc(1, sizeof(*seen));
	enum err err = ids == NULL || seen == NULL ? ERR_NOMEM : ERR_OK;
	for (size_t i = 0; err == ERR_OK && i < sizeof(lists) / sizeof(lists[0]); i++) {
		size_t count = 0;
		size_t total = 0;
		err = people_list(
			reader, lists[i], &call->api->opts.self, ids, KNOWN_MAX, &count, &total);
		for (size_t j = 0; err == ERR_OK && j < count; j++) {
			shape_name(seen, &ids[j]);
		}
	}
	if (err == ERR_OK) {
		err = pick(reader, seen->at, seen->count, start, out);
	}
	free(seen);
	free(ids);
	return err;
}

void serve_suggest(struct call *call)
{
	struct answer *answer = &call->exchange->answer;
	struct buf text = BUF_INIT(256);
	enum err err = body_query(call->exchange->head.query, "q", &text);
	const char *start = err == ERR_OK ? buf_cstr(&text) : NULL;
	struct reader *reader = start == NULL ? NULL : inside_reader(call);
	if (start == NULL) {
		answer_error(answer, SAID_BAD_REQUEST, "`q` is the beginning of a name.");
	} else if (reader != NULL) {
		json_t *people = json_array();
		err = start[0] == '\0' ? ERR_OK : suggest(call, reader, start, people);
		if (err != ERR_OK) {
			json_decref(people);
			answer_err(answer, err);
		} else {
			answer_json(answer, 200, json_pack("{s:o}", "people", people));
		}
	}
	buf_fini(&text);
}
