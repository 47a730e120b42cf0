/*
 * People: one, their lists, ours, a few by the beginning of a name, friends of friends; and what
 * the owner keeps about them here.
 */
#include "api/body.h"
#include "api/shape.h"
#include "api/watch.h"
#include "store/let_go.h"

#include <stdlib.h>
#include <strings.h>

enum { LIST_MAX = 500, KNOWN_MAX = 1000, NAMES_MAX = 6, SUGGESTIONS_MAX = 50, AT_ONCE = 16 };

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

static json_t *ids_json(const struct feed_id *ids, size_t count, struct shape_people *people)
{
	json_t *list = json_array();
	for (size_t i = 0; i < count; i++) {
		shape_name(people, &ids[i]);
		(void)json_array_append_new(list, shape_feed_id(&ids[i]));
	}
	return list;
}

static enum err shape_about(struct reader *reader, const struct person *person,
	const struct people_between *between, json_t **out)
{
	json_t *list = NULL;
	struct shape_people *people = calloc(1, sizeof(*people));
	if (people == NULL) {
		return ERR_NOMEM;
	}
	struct let_go_row gone = {.below = 0};
	json_t *ids = ids_json(between->at, between->count, people);
	enum err err = reader_let_go(reader, &person->id, &gone);
	bool is_let_go = err == ERR_OK && gone.again == LET_GO_GONE;
	if (err == ERR_OK || err == ERR_NOT_FOUND) {
		err = shape_people(reader, people, &list);
	}
	free(people);
	if (err != ERR_OK) {
		json_decref(ids);
		return err;
	}
	*out = json_pack("{s:o, s:o, s:I, s:I, s:b, s:o, s:o, s:I, s:o, s:o}", "person",
		shape_person(person), "bio", bio_json(person), "follows",
		(json_int_t)person->follows, "followers", (json_int_t)person->followers, "forked",
		person->is_forked, "since",
		person->since_ms < 0 ? json_null() : json_integer(person->since_ms), "between", ids,
		"between_total", (json_int_t)between->total, "people", list, "let_go",
		is_let_go ? json_integer((json_int_t)gone.below) : json_null());
	return *out == NULL ? ERR_NOMEM : ERR_OK;
}

void serve_person(struct call *call)
{
	struct answer *answer = &call->exchange->answer;
	struct feed_id id;
	struct people_between between;
	struct reader *reader = read_feed_id(call, &id) ? inside_reader(call) : NULL;
	struct person *person = malloc(sizeof(*person));
	json_t *tree = NULL;
	if (reader != NULL) {
		enum err err = person == NULL ? ERR_NOMEM : person_read(reader, &id, person);
		if (err == ERR_OK) {
			err = people_between(reader, &id, &between);
		}
		if (err == ERR_OK) {
			err = shape_about(reader, person, &between, &tree);
		}
		if (err != ERR_OK) {
			answer_err(answer, err);
		} else {
			answer_json(answer, 200, tree);
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
		err = put_list(call, reader, PEOPLE_MUTED, "mutes", people, tree);
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
	for (size_t done = 0; err == ERR_OK && done < count && json_array_size(out) < NAMES_MAX;
		done += AT_ONCE) {
		size_t some = count - done < AT_ONCE ? count - done : AT_ONCE;
		err = people_read(reader, ids + done, some, rows);
		for (size_t i = 0; err == ERR_OK && i < some && json_array_size(out) < NAMES_MAX;
			i++) {
			if (name_begins(rows[i].name, start) ||
				name_begins(rows[i].petname, start)) {
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
	enum err err = body_query(call->exchange->head.query, "tag", &text);
	if (err != ERR_NOT_FOUND) {
		buf_fini(&text);
		serve_suggest_tag(call);
		return;
	}
	err = body_query(call->exchange->head.query, "q", &text);
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

static enum err shape_suggestions(struct reader *reader, json_t **out)
{
	struct people_suggestion *rows = calloc(SUGGESTIONS_MAX, sizeof(*rows));
	struct shape_people *people = calloc(1, sizeof(*people));
	json_t *list = json_array();
	json_t *named = NULL;
	size_t count = 0;
	enum err err = rows == NULL || people == NULL || list == NULL
			       ? ERR_NOMEM
			       : people_suggestions(reader, rows, SUGGESTIONS_MAX, &count);
	for (size_t i = 0; err == ERR_OK && i < count; i++) {
		const struct people_between *through = &rows[i].through;
		shape_name(people, &rows[i].id);
		(void)json_array_append_new(
			list, json_pack("{s:o, s:o, s:I}", "id", shape_feed_id(&rows[i].id),
				      "through", ids_json(through->at, through->count, people),
				      "total", (json_int_t)through->total));
	}
	if (err == ERR_OK) {
		err = shape_people(reader, people, &named);
	}
	free(people);
	free(rows);
	if (err != ERR_OK) {
		json_decref(list);
		return err;
	}
	*out = json_pack("{s:o, s:o}", "suggestions", list, "people", named);
	return *out == NULL ? ERR_NOMEM : ERR_OK;
}

void serve_suggestions(struct call *call)
{
	json_t *tree = NULL;
	struct reader *reader = inside_reader(call);
	if (reader == NULL) {
		return;
	}
	enum err err = shape_suggestions(reader, &tree);
	if (err != ERR_OK) {
		answer_err(&call->exchange->answer, err);
	} else {
		answer_json(&call->exchange->answer, 200, tree);
	}
}

/* What the owner keeps about people. */

/* Whom the body is about; never ourselves. False: answered. */
static bool read_other(struct call *call, struct feed_id *id)
{
	struct span text;
	struct answer *answer = &call->exchange->answer;
	if (!body_text(call->body, "id", &text) || feed_id_parse_any(text, id) != ERR_OK) {
		answer_error(answer, SAID_BAD_REQUEST, "This is not the key of a person.");
		return false;
	}
	if (feed_id_equal(id, &call->api->opts.self)) {
		answer_error(answer, SAID_BAD_REQUEST, "This is your own key.");
		return false;
	}
	return true;
}

/* The row is there, or there was no room for it. */
static enum err keep(struct call *call, const struct change *change, struct person *out)
{
	struct reader *reader = inside_reader(call);
	enum err err =
		reader == NULL ? ERR_NOMEM : writer_change_wait(call->api->opts.writer, change);
	if (err == ERR_OK) {
		err = people_read(reader, &change->feed, 1, out);
	}
	if (err == ERR_OK) {
		events_on_person(call->api->events, &change->feed, change->kind == CHANGE_MUTE);
		serve_private_changed(call->api); /* what they wrote is read, or not at all */
		if (call->api->live != NULL) {
			live_wake(call->api->live);
		}
		if (call->api->watch != NULL) {
			watch_wake(call->api->watch); /* what they did counts no more, or again */
		}
	} else {
		answer_err(&call->exchange->answer, err);
	}
	return err;
}

void serve_mute(struct call *call)
{
	struct feed_id id;
	struct person person;
	const json_t *on = json_object_get(call->body, "on");
	if (!read_other(call, &id)) {
		return;
	}
	if (!json_is_boolean(on)) {
		answer_error(&call->exchange->answer, SAID_BAD_REQUEST, "`on` is true or false.");
		return;
	}
	const struct change change = {.kind = CHANGE_MUTE, .feed = id, .number = json_is_true(on)};
	if (keep(call, &change, &person) != ERR_OK) {
		return;
	}
	if (person.is_muted != json_is_true(on)) {
		answer_error(&call->exchange->answer, SAID_REFUSED,
			"You have muted as many people as this node keeps count of.");
		return;
	}
	answer_json(&call->exchange->answer, 200, json_object());
}

void serve_petname(struct call *call)
{
	struct feed_id id;
	struct person person;
	struct span name = span_of(NULL, 0);
	struct answer *answer = &call->exchange->answer;
	if (!read_other(call, &id)) {
		return;
	}
	if (body_has(call->body, "name") && !body_text(call->body, "name", &name)) {
		answer_error(answer, SAID_BAD_REQUEST, "`name` is a text, or null.");
		return;
	}
	if (name.len > LIMIT_PETNAME_BYTES) {
		answer_error(answer, SAID_REFUSED, "This name is too long.");
		return;
	}
	const struct change change = {.kind = CHANGE_PETNAME, .feed = id, .name = name};
	if (keep(call, &change, &person) != ERR_OK) {
		return;
	}
	if (name.len > 0 && person.petname[0] == '\0') {
		answer_error(answer, SAID_REFUSED,
			"There is nothing to see in this name, or you have named as many people as "
			"this node remembers.");
		return;
	}
	answer_json(answer, 200, json_pack("{s:o}", "person", shape_person(&person)));
}
