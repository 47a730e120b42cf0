/*
 * What several endpoints need of the api: the thread's reader, the browser's cookie, and turns at
 * trying a secret. Each try takes 64 MiB for argon2id, so one works at a time; some wait, more are
 * turned away; and wrong passwords and passphrases count like wrong codes at the door.
 */
#include "api/inside.h"

#include <stdio.h>

struct reader *inside_reader(struct call *call)
{
	struct reader *reader = reader_of_thread(call->api->opts.store);
	if (reader == NULL) {
		answer_error(&call->exchange->answer, SAID_INTERNAL, NULL);
	}
	return reader;
}

const char *inside_dir(const struct api *api)
{
	return api->opts.store == NULL ? api->opts.dir : store_dir(api->opts.store);
}

void inside_tell_devices(struct api *api)
{
	events_on_devices(api->events);
	if (api->live != NULL) {
		live_wake(api->live);
	}
}

/* Cookies. */

void inside_cookie_name(
	const struct api *api, const struct exchange *exchange, char out[static PLACE_COOKIE_BYTES])
{
	place_cookie_name(&api->place, exchange->head.is_secure, api_port(api), out);
}

void inside_set_cookie(
	const struct api *api, struct exchange *exchange, const char *value, long long max_age_s)
{
	char name[PLACE_COOKIE_BYTES];
	char attributes[PLACE_COOKIE_ATTR_BYTES];
	inside_cookie_name(api, exchange, name);
	place_cookie_attributes(&api->place, exchange->head.is_secure, max_age_s, attributes);
	(void)snprintf(exchange->answer.cookie, sizeof(exchange->answer.cookie), "%s=%s%s", name,
		value, attributes);
}

bool inside_is_in(struct api *api, struct exchange *exchange)
{
	char name[PLACE_COOKIE_BYTES];
	struct span cookie;
	inside_cookie_name(api, exchange, name);
	return gate_cookie(&exchange->head, name, &cookie) &&
	       sessions_check(api->sessions, cookie, exchange->head.token, &exchange->session) ==
		       ERR_OK;
}

/* Turns. */

static void leave(struct api *api)
{
	(void)pthread_mutex_lock(&api->lock);
	api->trying_count--;
	(void)pthread_mutex_unlock(&api->lock);
}

void inside_end_try(struct api *api)
{
	(void)pthread_mutex_unlock(&api->trying);
	leave(api);
}

bool inside_begin_try(struct api *api, struct exchange *exchange)
{
	int64_t retry_s = 1;
	(void)pthread_mutex_lock(&api->lock);
	unsigned before = api->trying_count++;
	(void)pthread_mutex_unlock(&api->lock);
	if (before >= LIMIT_PASSPHRASE_TRIES) {
		leave(api);
		answer_error(&exchange->answer, SAID_BUSY, NULL);
		return false;
	}
	(void)pthread_mutex_lock(&api->trying);
	if (exchange->is_owner ||
		sessions_try(api->sessions, exchange->address, &retry_s) == ERR_OK) {
		return true;
	}
	inside_end_try(api);
	answer_slow_down(&exchange->answer, retry_s);
	return false;
}

void inside_try_failed(struct api *api, const struct exchange *exchange)
{
	if (!exchange->is_owner) {
		sessions_failed(api->sessions, exchange->address);
	}
}
