/*
 * Connections: what they are, and to make or end one.
 */
#include "api/body.h"
#include "api/shape.h"

#include <stdlib.h>

enum { CONNECT_WAIT_MS = LIMIT_DIAL_MS + LIMIT_HANDSHAKE_MS + 1000 };

void serve_status(struct call *call)
{
	json_t *status = NULL;
	struct reader *reader = inside_reader(call);
	if (reader == NULL) {
		return;
	}
	enum err err = shape_status(call->api, reader, &status);
	if (err != ERR_OK) {
		answer_err(&call->exchange->answer, err);
		return;
	}
	answer_json(&call->exchange->answer, 200, status);
}

static enum err put_network(
	struct call *call, struct reader *reader, struct shape_people *people, json_t *tree)
{
	json_t *status = NULL;
	json_t *peers = NULL;
	json_t *list = NULL;
	enum err err = shape_status(call->api, reader, &status);
	if (err == ERR_OK) {
		(void)json_object_set_new(tree, "status", status);
		err = shape_peers(call->api, people, &peers);
	}
	if (err == ERR_OK) {
		(void)json_object_set_new(tree, "peers", peers);
		err = shape_people(reader, people, &list);
	}
	if (err == ERR_OK) {
		json_t *addresses = shape_addresses(call->api);
		json_t *first = json_array_get(addresses, 0);
		(void)json_object_set_new(tree, "people", list);
		(void)json_object_set_new(
			tree, "address", first == NULL ? json_null() : json_incref(first));
		json_decref(addresses);
	}
	return err;
}

void serve_network(struct call *call)
{
	struct reader *reader = inside_reader(call);
	struct shape_people *people = calloc(1, sizeof(*people));
	json_t *tree = json_object();
	enum err err = reader == NULL || people == NULL ? ERR_NOMEM
							: put_network(call, reader, people, tree);
	free(people);
	if (err != ERR_OK) {
		json_decref(tree);
		answer_err(&call->exchange->answer, err);
		return;
	}
	answer_json(&call->exchange->answer, 200, tree);
}

void serve_connect(struct call *call)
{
	struct answer *answer = &call->exchange->answer;
	struct address address;
	struct span text;
	char why[LIMIT_HOST_BYTES + 160] = ""; /* it names the host */
	if (!body_text(call->body, "address", &text) || address_parse(text, &address) != ERR_OK) {
		answer_error(answer, SAID_BAD_REQUEST,
			"This is not an address that can be dialled, like "
			"net:example.org:8008~shs:KEY.");
		return;
	}
	if (call->api->opts.sync == NULL) {
		answer_error(answer, SAID_NOT_RUNNING, NULL);
		return;
	}
	enum err err =
		sync_connect(call->api->opts.sync, &address, CONNECT_WAIT_MS, why, sizeof(why));
	if (err == ERR_OK) {
		answer_json(answer, 200, json_pack("{s:o}", "id", shape_feed_id(&address.key)));
	} else {
		answer_error(answer, SAID_UNREACHABLE, why[0] == '\0' ? NULL : why);
	}
}

void serve_disconnect(struct call *call)
{
	struct answer *answer = &call->exchange->answer;
	struct sync_figures before = {.connected = 0};
	struct feed_id id;
	struct span text;
	bool is_one = body_has(call->body, "id");
	if (is_one &&
		(!body_text(call->body, "id", &text) || feed_id_parse_any(text, &id) != ERR_OK)) {
		answer_error(answer, SAID_BAD_REQUEST, "This is not the key of a person.");
		return;
	}
	if (call->api->opts.sync == NULL) {
		answer_error(answer, SAID_NOT_RUNNING, NULL);
		return;
	}
	enum err err = sync_figures(call->api->opts.sync, &before);
	if (err == ERR_OK) {
		err = sync_disconnect(call->api->opts.sync, is_one ? &id : NULL);
	}
	if (err == ERR_NOT_FOUND && is_one) {
		answer_error(answer, SAID_NOT_FOUND, "There is no connection with them.");
	} else if (err != ERR_OK && err != ERR_NOT_FOUND) {
		answer_err(answer, err);
	} else {
		json_int_t closed = is_one                 ? 1
				    : err == ERR_NOT_FOUND ? 0
							   : (json_int_t)before.connected;
		answer_json(answer, 200, json_pack("{s:I}", "closed", closed));
	}
}
