/*
 * One struct per call of a peer. The messages are read by worker jobs from the log only, so that
 * nothing leaves that was not verified in its place; whether a message may be given is judged by
 * its author when it is given, as for a history: the reach may change while a job reads. That it is
 * not here and that this peer may not have it look the same.
 */
#include "sync/missing_state.h"

#include "sync/peers.h"

#include <stdlib.h>

enum { MINUTE_MS = 60000, VERSION = 1 };

struct serve_job {
	struct sync *sync;
	struct missing_serve *serve; /* NULL: nobody waits any more */
	struct message_id ids[LIMIT_MISSING_ASKED];
	size_t count, done; /* asked for, looked at */
	struct {
		struct feed_id author;
		size_t at, len; /* in `text` */
	} texts[LIMIT_MISSING_ASKED];
	size_t found;
	struct buf text;
	enum err err;
};

struct missing_serve {
	struct missing_serve *next, *prev;
	struct missing_peer *of;
	struct rpc_call *call;
	struct message_id ids[LIMIT_MISSING_ASKED];
	size_t count, at;
	struct serve_job *job;
	bool is_ended;
};

static void serve_free(struct missing_serve *serve)
{
	struct missing_peer *peer = serve->of;
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

static void end(struct missing_serve *serve)
{
	if (!serve->is_ended) {
		serve->is_ended = true;
		rpc_end(serve->call);
	}
}

static bool may_have(const struct missing_serve *serve, const struct feed_id *author)
{
	struct partner *partner = serve->of->partner;
	struct feed *feed = reach_wanted(partner->sync->reach, author);
	return feed != NULL && reach_is_shared(partner->sync->reach, feed, &partner->id);
}

/* Worker. */
static void read_one(struct serve_job *job, struct reader *reader, const struct message_id *id)
{
	struct stored stored;
	size_t before = job->text.len;
	enum err err = reader_message(reader, id, &job->text, &stored);
	if (err == ERR_OK) {
		job->texts[job->found].author = stored.author;
		job->texts[job->found].at = before;
		job->texts[job->found].len = job->text.len - before;
		job->found++;
	}
	job->err = err == ERR_NOT_FOUND ? ERR_OK : err;
}

static void work(void *ctx)
{
	struct serve_job *job = ctx;
	struct reader *reader = readers_take(job->sync->readers);
	job->err = reader == NULL ? ERR_IO : ERR_OK;
	while (job->err == ERR_OK && job->done < job->count &&
		job->text.len < LIMIT_HISTORY_CHUNK_BYTES) {
		read_one(job, reader, &job->ids[job->done++]);
	}
	readers_give(job->sync->readers, reader);
}

static void job_free(struct serve_job *job)
{
	buf_fini(&job->text);
	free(job);
}

static enum err send_all(struct missing_serve *serve, const struct serve_job *job)
{
	enum err err = ERR_OK;
	for (size_t i = 0; err == ERR_OK && i < job->found && !serve->is_ended; i++) {
		struct span text = span_of(job->text.at + job->texts[i].at, job->texts[i].len);
		if (may_have(serve, &job->texts[i].author)) {
			err = rpc_send(serve->call, MUXRPC_JSON, text);
		}
	}
	return err;
}

static void pump(struct missing_serve *serve);

static void done(void *ctx)
{
	struct serve_job *job = ctx;
	struct missing_serve *serve = job->serve;
	struct sync *sync = job->sync;
	if (job->err != ERR_OK) {
		LOG(sync->env, LOG_WARN, "missing.unread", LOG_TEXT("why", err_text(job->err)));
	}
	if (serve != NULL) {
		serve->job = NULL;
		serve->at += job->done;
		enum err err = job->err == ERR_OK ? send_all(serve, job) : job->err;
		if (err != ERR_OK || serve->at == serve->count) {
			end(serve);
		} else {
			pump(serve);
		}
	}
	job_free(job);
	sync_job_ends(sync);
}

static void pump(struct missing_serve *serve)
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
	job->count = serve->count - serve->at;
	memcpy(job->ids, serve->ids + serve->at, job->count * sizeof(job->ids[0]));
	buf_init(&job->text, LIMIT_HISTORY_CHUNK_BYTES + LIMIT_MESSAGE_BYTES);
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

/* NULL, or why not. */
static const char *read_args(struct missing_serve *serve, const struct json *args)
{
	static const char misread[] = "kith.message: what is asked for is not understood";
	const struct json *asked = json_count(args) > 0 ? json_at(args, 0) : NULL;
	const struct json *ids = json_get(asked, "ids");
	int64_t version = 0;
	if (!json_whole(json_get(asked, "version"), &version) || version != VERSION) {
		return "kith.message: versions spoken here: 1";
	}
	if (ids == NULL || json_kind(ids) != JSON_KIND_ARRAY) {
		return misread;
	}
	if (json_count(ids) > LIMIT_MISSING_ASKED) {
		return "kith.message: too many messages in one call";
	}
	for (size_t i = 0; i < json_count(ids); i++) {
		struct span text;
		if (!json_text(json_at(ids, i), &text) ||
			message_id_parse(text, &serve->ids[serve->count++]) != ERR_OK) {
			return misread;
		}
	}
	return NULL;
}

/* NULL, or why not now. */
static const char *is_too_much(struct missing_peer *peer)
{
	int64_t now_ms = env_mono_ms(peer->partner->sync->env);
	if (peer->served_ms == 0 || now_ms - peer->served_ms >= MINUTE_MS) {
		peer->served_ms = now_ms;
		peer->served = 0;
	}
	if (peer->serve_count >= LIMIT_MISSING_CALLS) {
		return "kith.message: too many calls at once";
	}
	if (peer->served >= LIMIT_MISSING_PER_MINUTE) {
		return "kith.message: too many calls in a minute";
	}
	peer->served++;
	return NULL;
}

static const struct rpc_handler handler = {.on_end = on_end, .on_room = on_room};
static const struct rpc_handler nothing;

void missing_serve(struct partner *partner, struct rpc_call *call, const struct json *args)
{
	struct missing_peer *peer = partner->missing;
	const char *why = peer == NULL ? "out of memory" : is_too_much(peer);
	if (why != NULL) {
		peers_refuse(partner, call, why); /* counts: who goes on like that is cut off */
		return;
	}
	struct missing_serve *serve = calloc(1, sizeof(*serve));
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

void missing_serve_drop(struct missing_peer *peer)
{
	struct missing_serve *next;
	for (struct missing_serve *serve = peer->serves; serve != NULL; serve = next) {
		next = serve->next;
		rpc_refuse(serve->call, "parent stream is closing");
		serve_free(serve);
	}
}
