/*
 * One struct per call of a peer. The feeds are read by worker jobs, some at a time, from the log
 * only; a full connection pauses the reading until on_room. Whether a feed may be given is judged
 * when it is given: the reach may change while a job reads.
 */
#include "sync/newest_state.h"

#include "sync/peers.h"

#include <stdio.h>
#include <stdlib.h>

enum { SERVE_READS = 8, SERVE_MINUTE_MS = 60000, VERSION = 1, HEAD_BYTES = 256 };

struct serve_job {
	struct sync *sync;
	struct serve *serve; /* NULL: nobody waits any more */
	struct newest_read reads[SERVE_READS];
	size_t count;
	enum err err;
};

struct serve {
	struct serve *next, *prev;
	struct newest_peer *of;
	struct rpc_call *call;
	struct {
		struct feed_id id;
		uint64_t above;
	} feeds[LIMIT_NEWEST_FEEDS];
	size_t count, at;
	size_t limit;
	struct serve_job *job;
	bool is_ended;
};

static void serve_free(struct serve *serve)
{
	struct newest_peer *peer = serve->of;
	if (serve->prev != NULL) {
		serve->prev->next = serve->next;
	} else {
		peer->serves = serve->next;
	}
	if (serve->next != NULL) {
		serve->next->prev = serve->prev;
	}
	peer->serve_count--;
	if (serve->job != NULL) {
		serve->job->serve = NULL;
	}
	free(serve);
}

static void on_end(void *ctx, struct rpc_call *call, const char *error)
{
	(void)call;
	(void)error;
	serve_free(ctx);
}

static void end(struct serve *serve)
{
	if (!serve->is_ended) {
		serve->is_ended = true;
		rpc_end(serve->call);
	}
}

static struct feed *may_have(const struct serve *serve, const struct feed_id *id)
{
	struct partner *partner = serve->of->partner;
	struct feed *feed = reach_wanted(partner->sync->reach, id);
	return feed != NULL && reach_is_shared(partner->sync->reach, feed, &partner->id) ? feed
											 : NULL;
}

/* Worker. */
static void work(void *ctx)
{
	struct serve_job *job = ctx;
	struct reader *reader = readers_take(job->sync->readers);
	size_t bytes = 0;
	job->err = reader == NULL ? ERR_IO : ERR_OK;
	for (size_t i = 0; job->err == ERR_OK && i < job->count; i++) {
		if (bytes >= LIMIT_HISTORY_CHUNK_BYTES) {
			job->count = i; /* the rest in another job */
			break;
		}
		if (job->reads[i].count_max > 0) {
			job->err = reader_newest(reader, &job->reads[i]);
			bytes += job->reads[i].text.len;
		}
	}
	readers_give(job->sync->readers, reader);
}

static void job_free(struct serve_job *job)
{
	for (size_t i = 0; i < SERVE_READS; i++) {
		newest_read_fini(&job->reads[i]);
	}
	free(job);
}

static enum err send_texts(struct serve *serve, const struct newest_read *read,
	const struct newest_text *texts, size_t count)
{
	enum err err = ERR_OK;
	for (size_t i = 0; err == ERR_OK && i < count; i++) {
		err = rpc_send(serve->call, MUXRPC_JSON, newest_read_text(read, &texts[i]));
	}
	return err;
}

/* "Nothing of it" is one answer: not replicated, not for this peer, not there. */
static enum err send_one(struct serve *serve, const struct newest_read *read)
{
	char id[FEED_ID_TEXT_BYTES];
	char head[HEAD_BYTES];
	bool is_given = may_have(serve, &read->feed) != NULL;
	size_t messages = is_given ? read->count : 0;
	size_t profiles = messages > 0 ? read->profile_count : 0;
	feed_id_format(&read->feed, id);
	int len = snprintf(head, sizeof(head),
		"{\"feed\":\"%s\",\"newest\":%llu,\"profiles\":%zu,\"messages\":%zu}", id,
		is_given ? (unsigned long long)read->newest : 0, profiles, messages);
	enum err err = rpc_send(serve->call, MUXRPC_JSON, span_of(head, (size_t)len));
	if (err == ERR_OK) {
		err = send_texts(serve, read, read->profiles, profiles);
	}
	return err == ERR_OK ? send_texts(serve, read, read->messages, messages) : err;
}

static void pump(struct serve *serve);

static void done(void *ctx)
{
	struct serve_job *job = ctx;
	struct serve *serve = job->serve;
	struct sync *sync = job->sync;
	if (job->err != ERR_OK) {
		LOG(sync->env, LOG_WARN, "newest.unread", LOG_TEXT("why", err_text(job->err)));
	}
	if (serve != NULL) {
		enum err err = job->err;
		serve->job = NULL;
		for (size_t i = 0; err == ERR_OK && i < job->count && !serve->is_ended; i++) {
			err = send_one(serve, &job->reads[i]);
			serve->at++;
		}
		if (err != ERR_OK || serve->at == serve->count) {
			end(serve);
		} else {
			pump(serve);
		}
	}
	job_free(job);
	sync_job_ends(sync);
}

static void pump(struct serve *serve)
{
	struct sync *sync = serve->of->partner->sync;
	if (serve->is_ended || serve->job != NULL || rpc_is_full(serve->call)) {
		return;
	}
	struct serve_job *job = calloc(1, sizeof(*job));
	if (job == NULL) {
		end(serve);
		return;
	}
	job->sync = sync;
	job->serve = serve;
	for (size_t i = serve->at; i < serve->count && job->count < SERVE_READS; i++) {
		struct newest_read *read = &job->reads[job->count++];
		newest_read_init(read);
		read->feed = serve->feeds[i].id;
		read->above = serve->feeds[i].above;
		read->count_max = may_have(serve, &read->feed) != NULL ? serve->limit : 0;
	}
	if (loop_work(sync->loop, work, done, job) != ERR_OK) {
		job_free(job);
		end(serve);
		return;
	}
	serve->job = job;
	sync_job_begins(sync);
}

static void on_room(void *ctx, struct rpc_call *call)
{
	(void)call;
	pump(ctx);
}

static bool read_feed(struct serve *serve, const struct json *asked)
{
	struct span id;
	int64_t above = 0;
	if (!json_text(json_get(asked, "id"), &id) ||
		feed_id_parse(id, &serve->feeds[serve->count].id) != ERR_OK ||
		!json_whole(json_get(asked, "above"), &above) || above < 0) {
		return false;
	}
	serve->feeds[serve->count++].above = (uint64_t)above;
	return true;
}

/* NULL, or why not. */
static const char *read_args(struct serve *serve, const struct json *args)
{
	static const char misread[] = "kith.newest: what is asked for is not understood";
	const struct json *asked = json_count(args) > 0 ? json_at(args, 0) : NULL;
	const struct json *feeds = json_get(asked, "feeds");
	int64_t version = 0;
	int64_t limit = 0;
	if (!json_whole(json_get(asked, "version"), &version) || version != VERSION) {
		return "kith.newest: versions spoken here: 1";
	}
	if (feeds == NULL || json_kind(feeds) != JSON_KIND_ARRAY ||
		!json_whole(json_get(asked, "limit"), &limit) || limit < 1) {
		return misread;
	}
	if (json_count(feeds) > LIMIT_NEWEST_FEEDS) {
		return "kith.newest: too many feeds in one call";
	}
	serve->limit = limit > LIMIT_WINDOW_MESSAGES ? LIMIT_WINDOW_MESSAGES : (size_t)limit;
	for (size_t i = 0; i < json_count(feeds); i++) {
		if (!read_feed(serve, json_at(feeds, i))) {
			return misread;
		}
	}
	return NULL;
}

/* NULL, or why not now. */
static const char *is_too_much(struct newest_peer *peer)
{
	int64_t now_ms = env_mono_ms(peer->partner->sync->env);
	if (peer->served_ms == 0 || now_ms - peer->served_ms >= SERVE_MINUTE_MS) {
		peer->served_ms = now_ms;
		peer->served = 0;
	}
	if (peer->serve_count >= LIMIT_NEWEST_CALLS) {
		return "kith.newest: too many calls at once";
	}
	if (peer->served >= LIMIT_NEWEST_PER_MINUTE) {
		return "kith.newest: too many calls in a minute";
	}
	peer->served++;
	return NULL;
}

static const struct rpc_handler handler = {.on_end = on_end, .on_room = on_room};
static const struct rpc_handler nothing;

void newest_serve(struct partner *partner, struct rpc_call *call, const struct json *args)
{
	struct newest_peer *peer = partner->newest;
	const char *why = peer == NULL ? "out of memory" : is_too_much(peer);
	if (why != NULL) {
		peers_refuse(partner, call, why); /* counts: who goes on like that is cut off */
		return;
	}
	struct serve *serve = calloc(1, sizeof(*serve));
	why = serve == NULL ? "out of memory" : read_args(serve, args);
	if (why != NULL) {
		free(serve);
		rpc_accept(call, &nothing);
		rpc_refuse(call, why);
		return;
	}
	struct rpc_handler mine = handler;
	mine.ctx = serve;
	serve->of = peer;
	serve->call = call;
	serve->next = peer->serves;
	if (serve->next != NULL) {
		serve->next->prev = serve;
	}
	peer->serves = serve;
	peer->serve_count++;
	rpc_accept(call, &mine);
	if (serve->count == 0) {
		end(serve);
	} else {
		pump(serve);
	}
}

void newest_serve_drop(struct newest_peer *peer)
{
	struct serve *next;
	for (struct serve *serve = peer->serves; serve != NULL; serve = next) {
		next = serve->next;
		rpc_refuse(serve->call, "parent stream is closing");
		serve_free(serve);
	}
}
