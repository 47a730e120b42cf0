/*
 * One word each, as plain text. They tell a stranger nothing about whose node this is, so nobody
 * needs to be known to ask.
 */
#include "api/health.h"

#include "api/metrics.h"

#include <string.h>

static void answer_word(struct answer *answer, unsigned status, const char *word)
{
	answer->status = status;
	answer->kind = ANSWER_TEXT;
	answer->fixed = span_text(word); /* of the program: it outlives the server */
}

static void serve_ready(struct api *api, struct exchange *exchange)
{
	struct answer *answer = &exchange->answer;
	if (api->opts.starting != NULL) {
		bool is_migrating = atomic_load(&api->opts.starting->is_migrating);
		answer_word(answer, 503, is_migrating ? "migrating\n" : "starting\n");
	} else if (api->opts.is_locked) {
		answer_word(answer, 503, "locked\n");
	} else {
		answer_word(answer, 200, "ready\n");
	}
}

bool api_is_well(struct api *api)
{
	/* It would hold one of the few threads, and soon another. */
	return meter_longest_ms(&api->meter) <= LIMIT_SERVING_MS;
}

static void serve_live(struct api *api, struct exchange *exchange)
{
	bool is_well = api_is_well(api);
	answer_word(&exchange->answer, is_well ? 200 : 503, is_well ? "ok\n" : "stuck\n");
}

static const struct {
	const char *path;
	void (*serve)(struct api *api, struct exchange *exchange);
} rows[] = {{"/livez", serve_live}, {"/readyz", serve_ready}, {"/metrics", metrics_serve}};
enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

/* ROWS: it is none of these. */
static size_t find(struct span path)
{
	size_t i = 0;
	while (i < ROWS && !span_equal_text(path, rows[i].path)) {
		i++;
	}
	return i;
}

bool health_is_asked(struct span path)
{
	return find(path) < ROWS;
}

bool health_serve(struct api *api, struct exchange *exchange)
{
	size_t i = find(exchange->head.path);
	if (i < ROWS) {
		rows[i].serve(api, exchange);
	}
	return i < ROWS;
}

void health_starting(const struct api *api, struct answer *answer)
{
	bool is_migrating = atomic_load(&api->opts.starting->is_migrating);
	answer_starting(answer,
		is_migrating ? "The node is being brought up to date: first a copy of the "
			       "database, then its new form. Nothing is lost when it stops."
			     : "The node is starting. A large database may take a moment.",
		atomic_load(&api->opts.starting->done), API_STARTING_OF);
}
