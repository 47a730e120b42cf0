/*
 * sync/ingest: floods, liars and others beside them, counted in messages and jobs. Everything
 * around the queue is played here: connections, the workers, the writer, timers and the clock.
 */
#include "lib/authors.h"
#include "lib/cmocka.h"

#include "store/writer.h"
#include "sync/confirm.h"
#include "sync/ebt.h"
#include "sync/fetch.h"
#include "sync/peers.h"
#include "sync/replay.h"
#include "sync/schedule.h"
#include "sync/shares.h"

#include <stdlib.h>

enum {
	PEERS = 4,
	FEEDS = 64,
	JOBS = 64,
	TIMERS = 2,
	KEPT = 20000,
	HOUR_MS = 3600000,
	SHARE = LIMIT_INGEST_MESSAGES - LIMIT_INGEST_MESSAGES / LIMIT_INGEST_SHARE,
	WRITER_HOLDS = LIMIT_INGEST_MESSAGES / 2 + LIMIT_VERIFY_BATCH, /* at most, at once */
	WORKERS_HOLD = LIMIT_VERIFY_JOBS * LIMIT_VERIFY_BATCH
};

struct peer {
	unsigned pauses, resumes;
};

struct loop_timer {
	void (*on_due)(void *ctx);
	void *ctx;
	bool is_set;
};

struct work {
	void (*work)(void *ctx);
	void (*done)(void *ctx);
	void *ctx;
};

static struct world {
	struct env env;
	int64_t now_ms;
	struct sync sync;
	struct partner partners[PEERS];
	struct peer peers[PEERS];
	bool is_gone[PEERS];
	struct loop_timer timers[TIMERS];
	size_t timer_count;
	struct work work[JOBS];
	size_t work_count, works, works_done;
	bool are_workers_out, is_writer_out; /* they take nothing more */
	struct append_job *appends[JOBS];
	size_t append_count;
	struct feed feeds[FEEDS];
	uint64_t stored[FEEDS]; /* what the writer has */
	struct message_id keys[FEEDS];
	size_t feed_count;
	struct feed *order[KEPT]; /* whose messages were stored, one after the other */
	size_t order_count;
	size_t trees; /* messages that came to the writer with their content read */
	size_t failed[FAILURE_UNWANTED + 1];
	uint64_t closed, shunned;
	int64_t shunned_ms;
	unsigned jobs;
	size_t taken; /* of the feeds' shares */
} world;

/* What ingest asks of others. */

static int64_t fake_ms(void *ctx)
{
	(void)ctx;
	return world.now_ms;
}

static void fake_log(void *ctx, enum log_level level, const char *line)
{
	(void)ctx;
	(void)level;
	(void)line;
}

struct loop_timer *loop_timer_new(struct loop *loop, void (*on_due)(void *ctx), void *ctx)
{
	(void)loop;
	assert_true(world.timer_count < TIMERS);
	struct loop_timer *timer = &world.timers[world.timer_count++];
	*timer = (struct loop_timer){.on_due = on_due, .ctx = ctx};
	return timer;
}

void loop_timer_set(struct loop_timer *timer, int64_t ms)
{
	assert_true(ms >= 0);
	timer->is_set = true;
}

void loop_timer_clear(struct loop_timer *timer)
{
	timer->is_set = false;
}

void loop_timer_free(struct loop_timer *timer)
{
	timer->is_set = false;
}

enum err loop_work(struct loop *loop, void (*work)(void *ctx), void (*done)(void *ctx), void *ctx)
{
	(void)loop;
	if (world.are_workers_out) {
		return ERR_NOMEM;
	}
	assert_true(world.work_count < LIMIT_VERIFY_JOBS);
	world.works++;
	world.work[world.work_count++] = (struct work){work, done, ctx};
	return ERR_OK;
}

struct append_job *append_job_new(size_t count_max)
{
	struct append_job *job = calloc(1, sizeof(*job));
	assert_non_null(job);
	job->messages = calloc(count_max, sizeof(void *));
	job->results = calloc(count_max, sizeof(*job->results));
	assert_true(job->messages != NULL && job->results != NULL);
	return job;
}

void append_job_free(struct append_job *job)
{
	for (size_t i = 0; job != NULL && i < job->count; i++) {
		message_free(job->messages[i]);
	}
	if (job != NULL) {
		free(job->messages);
		free(job->results);
		free(job);
	}
}

enum err writer_append(struct writer *writer, struct append_job *job)
{
	(void)writer;
	if (world.is_writer_out) {
		return ERR_BUSY;
	}
	assert_true(world.append_count < JOBS);
	world.appends[world.append_count++] = job;
	return ERR_OK;
}

void sync_mail(struct sync *sync, struct mail *mail)
{
	struct append_job *job = mail->job;
	free(mail);
	ingest_appended(sync->ingest, job);
}

void sync_job_begins(struct sync *sync)
{
	(void)sync;
	world.jobs++;
}

void sync_job_ends(struct sync *sync)
{
	(void)sync;
	assert_true(world.jobs > 0);
	world.jobs--;
}

void sync_changed(struct sync *sync)
{
	(void)sync;
}

struct partner *peers_by_serial(struct sync *sync, uint64_t serial)
{
	(void)sync;
	return world.is_gone[serial - 1] ? NULL : &world.partners[serial - 1];
}

void peers_close(struct partner *partner, const char *reason)
{
	assert_non_null(reason);
	partner->is_closing = true;
	world.closed = partner->serial;
}

void schedule_shun(struct schedule *schedule, const struct feed_id *id, int64_t ms)
{
	(void)schedule;
	world.shunned = id->at[0];
	world.shunned_ms = ms;
}

void peer_pause(struct peer *peer)
{
	peer->pauses++;
}

void peer_resume(struct peer *peer)
{
	peer->resumes++;
}

void ebt_feed_failed(
	struct sync *sync, struct feed *feed, struct partner *from, enum ingest_failure failure)
{
	(void)sync;
	(void)feed;
	(void)from;
	world.failed[failure]++;
}

void fetch_feed_failed(
	struct sync *sync, struct feed *feed, struct partner *from, enum ingest_failure failure)
{
	(void)sync;
	(void)feed;
	(void)from;
	(void)failure;
}

bool shares_take(struct shares *shares, struct feed *feed, size_t bytes)
{
	(void)shares;
	(void)feed;
	(void)bytes;
	world.taken++;
	return true;
}

void shares_give_back(struct shares *shares, struct feed *feed, size_t bytes)
{
	(void)shares;
	(void)feed;
	(void)bytes;
	assert_true(world.taken > 0);
	world.taken--;
}

struct feed *reach_self(struct reach *reach)
{
	(void)reach;
	return NULL;
}

static struct feed *feed_of(const struct feed_id *id)
{
	for (size_t i = 0; i < world.feed_count; i++) {
		if (feed_id_equal(&world.feeds[i].id, id)) {
			return &world.feeds[i];
		}
	}
	fail_msg("nobody's feed");
	return NULL;
}

struct feed *reach_committed(struct reach *reach, const struct feed_id *author, uint64_t sequence)
{
	struct feed *feed = feed_of(author);
	(void)reach;
	feed->head = sequence > feed->head ? sequence : feed->head;
	feed->pending = feed->pending < feed->head ? feed->head : feed->pending;
	return feed;
}

bool replay_put(struct replay *replay, struct partner *from, uint64_t sequence, struct span raw,
	bool is_asked)
{
	(void)replay;
	(void)from;
	(void)sequence;
	(void)raw;
	return is_asked;
}

bool confirm_is_expected(const struct partner *partner, uint64_t sequence)
{
	(void)partner;
	(void)sequence;
	return false;
}

/* The world goes on. */

static void fire_timers(void)
{
	for (size_t i = 0; i < world.timer_count; i++) {
		if (world.timers[i].is_set) {
			world.timers[i].is_set = false;
			world.timers[i].on_due(world.timers[i].ctx);
		}
	}
}

/* One job of a worker ends: the oldest and the next one by turns, so hardly ever in order. */
static bool work_one(void)
{
	if (world.work_count == 0) {
		return false;
	}
	size_t at = world.work_count > 1 ? ++world.works_done % 2 : 0;
	struct work work = world.work[at];
	memmove(world.work + at, world.work + at + 1,
		(--world.work_count - at) * sizeof(world.work[0]));
	work.work(work.ctx);
	work.done(work.ctx);
	return true;
}

static enum append_result judge(const struct message *message)
{
	struct feed *feed = feed_of(&message->author);
	size_t i = (size_t)(feed - world.feeds);
	if (message->sequence <= world.stored[i]) {
		return APPEND_KNOWN;
	}
	if (message->sequence != world.stored[i] + 1 ||
		(message->has_previous && !message_id_equal(&message->previous, &world.keys[i]))) {
		return APPEND_GAP;
	}
	world.stored[i] = message->sequence;
	world.keys[i] = message->key;
	assert_true(world.order_count < KEPT);
	world.order[world.order_count++] = feed;
	world.trees += message->doc != NULL;
	return APPEND_STORED;
}

static bool write_one(void)
{
	if (world.append_count == 0) {
		return false;
	}
	struct append_job *job = world.appends[0];
	memmove(world.appends, world.appends + 1, --world.append_count * sizeof(world.appends[0]));
	assert_true(job->count > 0 && job->count <= LIMIT_VERIFY_BATCH);
	for (size_t i = 0; i < job->count; i++) {
		job->results[i] = judge(job->messages[i]);
	}
	job->on_done(job->ctx, job);
	return true;
}

static void work_all(void)
{
	fire_timers();
	while (work_one()) {
		fire_timers();
	}
}

static void finish_all(void)
{
	bool is_going = true;
	while (is_going) {
		fire_timers();
		is_going = work_one();
		is_going = write_one() || is_going;
	}
	assert_int_equal(ingest_count(world.sync.ingest), 0);
	assert_int_equal(world.jobs, 0);
	for (size_t i = 0; i < PEERS; i++) {
		assert_int_equal(world.partners[i].ingest_count, 0);
		assert_int_equal(world.partners[i].ingest_bytes, 0);
		assert_false(world.partners[i].is_paused);
		assert_int_equal(world.peers[i].pauses, world.peers[i].resumes);
	}
}

static int set_up(void **state)
{
	(void)state;
	memset(&world, 0, sizeof(world));
	world.env = (struct env){.mono_ms = fake_ms, .wall_ms = fake_ms, .log_line = fake_log};
	world.now_ms = HOUR_MS;
	world.sync.env = &world.env;
	for (unsigned i = 0; i < PEERS; i++) {
		world.partners[i] = (struct partner){.sync = &world.sync,
			.serial = i + 1,
			.peer = &world.peers[i],
			.id = {.at = {(uint8_t)(i + 1)}},
			.next = world.sync.partners};
		world.sync.partners = &world.partners[i];
	}
	assert_int_equal(ingest_new(&world.sync, &world.sync.ingest), ERR_OK);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	ingest_free(world.sync.ingest);
	return 0;
}

/* A feed, and the messages of it that peers have. */
struct source {
	struct author author;
	struct feed *feed;
	struct message **messages;
	size_t count;
};

static void source_init(struct source *source, unsigned number, size_t count)
{
	*source = (struct source){.count = count};
	author_init(&source->author, number);
	source->feed = &world.feeds[world.feed_count++];
	source->feed->id = source->author.id;
	source->messages = calloc(count, sizeof(void *));
	assert_non_null(source->messages);
	for (size_t i = 0; i < count; i++) {
		source->messages[i] = author_post(&source->author, "hello");
	}
}

static void source_fini(struct source *source)
{
	for (size_t i = 0; i < source->count; i++) {
		message_free(source->messages[i]);
	}
	free(source->messages);
	author_fini(&source->author);
}

static enum ingest_verdict put(struct partner *from, struct feed *feed, struct span raw)
{
	enum ingest_verdict verdict =
		ingest_put(world.sync.ingest, from, feed, feed->pending + 1, raw);
	assert_true(ingest_count(world.sync.ingest) <= LIMIT_INGEST_MESSAGES);
	return verdict;
}

/* The next message of it, as far as ingest knows. */
static void put_next(struct partner *from, const struct source *source)
{
	assert_true(source->feed->pending < source->count);
	assert_int_equal(put(from, source->feed, source->messages[source->feed->pending]->compact),
		INGEST_TAKEN);
}

/* Until its connection is paused, or it has no more. */
static void flood(struct partner *from, const struct source *source)
{
	while (!from->is_paused && source->feed->pending < source->count) {
		put_next(from, source);
	}
}

/* How many were stored before the n-th message of `feed`? */
static size_t place_of(const struct feed *feed, size_t nth)
{
	for (size_t i = 0; i < world.order_count; i++) {
		if (world.order[i] == feed && nth-- == 0) {
			return i;
		}
	}
	fail_msg("not stored");
	return 0;
}

static void beside_a_flood_a_message_waits_for_what_the_workers_hold_and_no_more(void **state)
{
	(void)state;
	struct source many;
	struct source few;
	source_init(&many, 1, SHARE);
	source_init(&few, 2, 3);
	flood(&world.partners[0], &many);
	fire_timers();
	assert_int_equal(world.work_count, LIMIT_VERIFY_JOBS);
	for (size_t i = 0; i < few.count; i++) {
		put_next(&world.partners[1], &few);
	}
	size_t before = world.works;
	while (world.feeds[1].head < few.count) {
		assert_true(work_one() || write_one());
		while (write_one()) {
		}
	}
	assert_true(world.works <= before + 2 * LIMIT_VERIFY_JOBS);
	assert_true(place_of(few.feed, few.count - 1) <= WORKERS_HOLD + 2 * few.count);
	finish_all();
	assert_int_equal(world.order_count, many.count + few.count);
	source_fini(&few);
	source_fini(&many);
}

static void nor_behind_what_waits_for_a_slow_writer(void **state)
{
	(void)state;
	struct source many;
	struct source few;
	source_init(&many, 1, SHARE);
	source_init(&few, 2, 3);
	flood(&world.partners[0], &many);
	work_all();
	assert_true(world.append_count * LIMIT_VERIFY_BATCH <= WRITER_HOLDS);
	for (size_t i = 0; i < few.count; i++) {
		put_next(&world.partners[1], &few);
	}
	work_all();
	finish_all();
	assert_true(place_of(few.feed, few.count - 1) <= WRITER_HOLDS + 2 * few.count);
	source_fini(&few);
	source_fini(&many);
}

static void everybody_has_the_same_part_of_each_turn(void **state)
{
	(void)state;
	struct source sources[PEERS];
	size_t counts[PEERS] = {400, 100, 100, 100};
	for (unsigned i = 0; i < PEERS; i++) {
		source_init(&sources[i], i + 1, counts[i]);
		flood(&world.partners[i], &sources[i]);
	}
	finish_all();
	/* Nobody has more than one turn, and one batch on its way, ahead of another who waits. */
	for (unsigned i = 1; i < PEERS; i++) {
		size_t place = place_of(sources[i].feed, counts[i] - 1);
		assert_true(place <= PEERS * (counts[i] + WORKERS_HOLD / PEERS));
	}
	for (unsigned i = 0; i < PEERS; i++) {
		source_fini(&sources[i]);
	}
}

static void a_connection_is_paused_at_its_share_and_goes_on_when_half_of_it_is_free(void **state)
{
	(void)state;
	struct source many;
	source_init(&many, 1, SHARE + 1);
	for (size_t i = 0; i + 1 < SHARE; i++) {
		put_next(&world.partners[0], &many);
	}
	assert_false(world.partners[0].is_paused);
	put_next(&world.partners[0], &many);
	assert_true(world.partners[0].is_paused);
	assert_false(world.partners[1].is_paused);
	put_next(&world.partners[0], &many); /* it was read already */
	assert_int_equal(world.peers[0].pauses, 1);
	fire_timers();
	while (world.partners[0].is_paused) {
		assert_true(work_one() || write_one());
	}
	assert_true(world.partners[0].ingest_count <= LIMIT_INGEST_MESSAGES / 2);
	finish_all();
	source_fini(&many);
}

static void a_flood_of_a_thousand_shares_never_holds_more_than_one(void **state)
{
	(void)state;
	struct source few;
	struct feed *feed = &world.feeds[world.feed_count++];
	source_init(&few, 2, 1);
	size_t most = 0;
	for (size_t sent = 0; sent < 1000UL * SHARE;) {
		while (!world.partners[0].is_paused && sent < 1000UL * SHARE) {
			(void)put(&world.partners[0], feed, span_text("x"));
			sent++;
		}
		size_t count = ingest_count(world.sync.ingest);
		most = count > most ? count : most;
		fire_timers();
		while (world.partners[0].is_paused) {
			assert_true(work_one() || write_one());
		}
	}
	assert_int_equal(most, SHARE);
	put_next(&world.partners[1], &few);
	finish_all();
	assert_int_equal(few.feed->head, 1);
	assert_int_equal(world.closed, 1);
	source_fini(&few);
}

static void all_connections_together_hold_no_more_than_the_whole(void **state)
{
	(void)state;
	struct source sources[PEERS];
	for (unsigned i = 0; i < PEERS; i++) {
		source_init(&sources[i], i + 1, SHARE);
	}
	for (bool is_going = true; is_going;) {
		is_going = false;
		for (unsigned i = 0; i < PEERS; i++) {
			bool is_over = ingest_count(world.sync.ingest) >= LIMIT_INGEST_MESSAGES;
			if (!world.partners[i].is_paused && !is_over) {
				put_next(&world.partners[i], &sources[i]);
				is_going = true;
			}
		}
	}
	assert_int_equal(ingest_count(world.sync.ingest), LIMIT_INGEST_MESSAGES);
	finish_all();
	for (unsigned i = 0; i < PEERS; i++) {
		assert_int_equal(sources[i].feed->head, sources[i].feed->pending);
		source_fini(&sources[i]);
	}
}

/* Bytes. */

enum { SHARE_BYTES = LIMIT_INGEST_BYTES - LIMIT_INGEST_BYTES / LIMIT_INGEST_SHARE };

static size_t bytes_held(void)
{
	size_t bytes = 0;
	for (int i = 0; i < PEERS; i++) {
		bytes += world.partners[i].ingest_bytes;
	}
	return bytes;
}

/* So many bytes from a connection, in messages as large as they come. */
static void put_bytes(struct partner *from, struct feed *feed, const uint8_t *raw, size_t bytes)
{
	while (bytes > 0) {
		size_t len = bytes < LIMIT_MESSAGE_BYTES ? bytes : LIMIT_MESSAGE_BYTES;
		assert_int_equal(put(from, feed, span_of(raw, len)), INGEST_TAKEN);
		bytes -= len;
	}
}

static void a_share_is_counted_in_bytes_too_and_so_is_the_whole(void **state)
{
	uint8_t *raw = calloc(1, LIMIT_MESSAGE_BYTES);
	struct feed *feed = &world.feeds[world.feed_count++];
	(void)state;
	assert_non_null(raw);
	put_bytes(&world.partners[0], feed, raw, SHARE_BYTES - 1);
	assert_false(world.partners[0].is_paused);
	put_bytes(&world.partners[0], feed, raw, 1);
	assert_true(world.partners[0].is_paused);
	put_bytes(&world.partners[1], feed, raw, LIMIT_INGEST_BYTES - SHARE_BYTES - 1);
	assert_false(world.partners[1].is_paused);
	put_bytes(&world.partners[1], feed, raw, 1);
	assert_true(world.partners[1].is_paused);
	assert_int_equal(bytes_held(), LIMIT_INGEST_BYTES);
	assert_true(ingest_count(world.sync.ingest) < SHARE / 2);
	finish_all();
	assert_int_equal(bytes_held(), 0);
	free(raw);
}

static void a_thousand_shares_of_bytes_never_hold_more_than_one(void **state)
{
	uint8_t *raw = calloc(1, LIMIT_MESSAGE_BYTES);
	struct feed *feed = &world.feeds[world.feed_count++];
	size_t most = 0;
	(void)state;
	assert_non_null(raw);
	for (uint64_t sent = 0; sent < 1000ULL * SHARE_BYTES;) {
		while (!world.partners[0].is_paused) {
			put_bytes(&world.partners[0], feed, raw, LIMIT_MESSAGE_BYTES);
			sent += LIMIT_MESSAGE_BYTES;
		}
		most = bytes_held() > most ? bytes_held() : most;
		fire_timers();
		while (world.partners[0].is_paused) {
			assert_true(work_one() || write_one());
		}
	}
	assert_in_range(most, SHARE_BYTES, SHARE_BYTES + LIMIT_MESSAGE_BYTES - 1);
	finish_all();
	assert_int_equal(bytes_held(), 0);
	free(raw);
}

static void a_feed_stays_in_order_though_two_connections_bring_it(void **state)
{
	(void)state;
	struct source feed;
	struct source other;
	source_init(&feed, 1, 600);
	source_init(&other, 2, 300);
	for (size_t i = 0; i < feed.count; i++) {
		/* Turn about in no rhythm, with another feed beside it on one of them. */
		put_next(&world.partners[i * i % 7 % 2], &feed);
		if (i % 2 == 0) {
			put_next(&world.partners[1], &other);
		}
		if (i % 37 == 0) {
			fire_timers();
			(void)work_one();
			(void)write_one();
		}
	}
	finish_all();
	assert_int_equal(feed.feed->head, feed.count);
	assert_int_equal(other.feed->head, other.count);
	for (size_t i = 0; i <= FAILURE_UNWANTED; i++) {
		assert_int_equal(world.failed[i], 0);
	}
	source_fini(&other);
	source_fini(&feed);
}

static void when_one_fails_what_came_before_stays_and_another_brings_the_rest(void **state)
{
	(void)state;
	struct source feed;
	source_init(&feed, 1, 300);
	struct source bulk;
	source_init(&bulk, 2, 1000);
	for (size_t i = 0; i < 100; i++) {
		put_next(&world.partners[0], &feed);
	}
	struct buf broken = BUF_INIT(LIMIT_MESSAGE_BYTES);
	assert_int_equal(buf_append(&broken, feed.messages[100]->compact), ERR_OK);
	memcpy(memmem(broken.at, broken.len, "hello", 5), "hallo", 5);
	assert_int_equal(put(&world.partners[0], feed.feed, buf_span(&broken)), INGEST_TAKEN);
	for (size_t i = 101; i < 200; i++) {
		put_next(&world.partners[0], &feed);
	}
	while (bulk.feed->pending < bulk.count) {
		put_next(&world.partners[0], &bulk);
	}
	fire_timers();
	while (world.failed[FAILURE_INVALID] == 0) {
		assert_true(write_one() || work_one());
	}
	/* What it sent of the feed is doomed, and in nobody's way. */
	size_t before = world.order_count;
	while (feed.feed->pending < feed.count) {
		put_next(&world.partners[1], &feed);
	}
	finish_all();
	assert_int_equal(feed.feed->head, feed.count);
	assert_int_equal(bulk.feed->head, bulk.count);
	assert_int_equal(world.failed[FAILURE_INVALID], 1);
	assert_int_equal(world.sync.counters.refused, 1);
	assert_int_equal(world.taken, feed.count + bulk.count + world.sync.counters.duplicates);
	assert_true(place_of(feed.feed, 299) <=
		    before + WORKERS_HOLD + 2 * LIMIT_VERIFY_BATCH + 2 * feed.count);
	buf_fini(&broken);
	source_fini(&bulk);
	source_fini(&feed);
}

static void beside_a_liar_others_lose_nothing_and_it_is_closed_and_shunned(void **state)
{
	(void)state;
	struct source good;
	source_init(&good, 1, 200);
	for (size_t i = 0; i < LIMIT_PEER_BAD_SIGNATURES; i++) {
		(void)put(&world.partners[0], &world.feeds[world.feed_count++], span_text("lie"));
	}
	flood(&world.partners[1], &good);
	finish_all();
	assert_int_equal(world.closed, 0);
	assert_int_equal(world.failed[FAILURE_INVALID], LIMIT_PEER_BAD_SIGNATURES);
	(void)put(&world.partners[0], &world.feeds[1], span_text("lie"));
	finish_all();
	assert_int_equal(world.closed, 1);
	assert_int_equal(world.shunned, 1);
	assert_int_equal(world.shunned_ms, HOUR_MS);
	assert_int_equal(good.feed->head, good.count);
	source_fini(&good);
}

static void twenty_mistakes_a_minute_are_forgiven_for_ever(void **state)
{
	(void)state;
	struct feed *feed = &world.feeds[world.feed_count++];
	for (size_t minute = 0; minute < 1000; minute++) {
		for (size_t i = 0; i < LIMIT_PEER_BAD_SIGNATURES; i++) {
			(void)put(&world.partners[0], feed, span_text("lie"));
		}
		finish_all();
		world.now_ms += HOUR_MS / 60;
	}
	assert_int_equal(world.closed, 0);
}

static void what_a_closed_liar_left_is_looked_at_no_more(void **state)
{
	(void)state;
	struct feed *feed = &world.feeds[world.feed_count++];
	for (size_t i = 0; i < SHARE; i++) {
		(void)put(&world.partners[0], feed, span_text("lie"));
	}
	finish_all();
	assert_int_equal(world.closed, 1);
	/* Those that had been begun, and one more round of them. */
	assert_true(world.works <= 2 * LIMIT_VERIFY_JOBS);
	assert_true(world.sync.counters.refused <= 2 * WORKERS_HOLD);
	assert_int_equal(world.taken, 0);
}

static void finish_with_all_of(struct source *feed)
{
	finish_all();
	assert_int_equal(feed->feed->head, feed->count);
	source_fini(feed);
}

static void what_somebody_sent_before_it_went_is_stored(void **state)
{
	(void)state;
	struct source feed;
	source_init(&feed, 1, 500);
	for (size_t i = 0; i < 300; i++) {
		put_next(&world.partners[0], &feed);
	}
	fire_timers();
	world.is_gone[0] = true;
	world.partners[0].ingest_count = 0;
	world.partners[0].ingest_bytes = 0;
	flood(&world.partners[1], &feed);
	finish_with_all_of(&feed);
}

static void what_cannot_be_started_is_started_later_in_the_same_order(void **state)
{
	(void)state;
	struct source feed;
	source_init(&feed, 1, 500);
	world.are_workers_out = true;
	flood(&world.partners[0], &feed);
	for (size_t i = 0; i < 5; i++) {
		fire_timers();
	}
	assert_int_equal(world.works, 0);
	world.are_workers_out = false;
	world.is_writer_out = true;
	work_all();
	assert_int_equal(world.append_count, 0);
	assert_int_equal(ingest_count(world.sync.ingest), feed.count);
	world.is_writer_out = false;
	finish_with_all_of(&feed);
}

static void what_waits_at_the_end_is_given_back(void **state)
{
	(void)state;
	struct source feed;
	source_init(&feed, 1, 500);
	world.is_writer_out = true;
	flood(&world.partners[0], &feed);
	for (size_t i = 0; i < 3; i++) {
		fire_timers();
		(void)work_one();
	}
	ingest_stop(world.sync.ingest);
	world.are_workers_out = true;
	while (work_one()) {
	}
	assert_int_equal(world.jobs, 0);
	assert_true(ingest_count(world.sync.ingest) > 0);
	source_fini(&feed);
}

static void the_writer_gets_contents_read_but_no_large_trees(void **state)
{
	(void)state;
	enum { MENTIONS = 200 };
	struct source feed;
	char mentions[8 * MENTIONS] = "1";
	source_init(&feed, 1, 5);
	for (size_t i = 0; i < feed.count; i++) {
		message_free(feed.messages[i]);
	}
	for (size_t i = 1; i < MENTIONS; i++) {
		strcat(mentions, ",1");
	}
	author_fini(&feed.author);
	author_init(&feed.author, 1);
	feed.messages[0] = author_contact(&feed.author, &feed.author.id, EDGE_FOLLOW);
	feed.messages[1] = author_name(&feed.author, "ana");
	feed.messages[2] = author_post(&feed.author, "hello");
	feed.messages[3] = author_say(&feed.author, "{\"type\":\"other\"}");
	feed.messages[4] = author_say(&feed.author,
		"{\"type\":\"contact\",\"contact\":\"%s\",\"mentions\":[%s]}", feed.author.text,
		mentions);
	flood(&world.partners[0], &feed);
	finish_all();
	assert_int_equal(feed.feed->head, feed.count);
	assert_int_equal(world.trees, 3);
	source_fini(&feed);
}

#define SCENE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(beside_a_flood_a_message_waits_for_what_the_workers_hold_and_no_more),
		SCENE(nor_behind_what_waits_for_a_slow_writer),
		SCENE(everybody_has_the_same_part_of_each_turn),
		SCENE(a_connection_is_paused_at_its_share_and_goes_on_when_half_of_it_is_free),
		SCENE(a_flood_of_a_thousand_shares_never_holds_more_than_one),
		SCENE(all_connections_together_hold_no_more_than_the_whole),
		SCENE(a_share_is_counted_in_bytes_too_and_so_is_the_whole),
		SCENE(a_thousand_shares_of_bytes_never_hold_more_than_one),
		SCENE(a_feed_stays_in_order_though_two_connections_bring_it),
		SCENE(when_one_fails_what_came_before_stays_and_another_brings_the_rest),
		SCENE(beside_a_liar_others_lose_nothing_and_it_is_closed_and_shunned),
		SCENE(twenty_mistakes_a_minute_are_forgiven_for_ever),
		SCENE(what_a_closed_liar_left_is_looked_at_no_more),
		SCENE(what_somebody_sent_before_it_went_is_stored),
		SCENE(what_cannot_be_started_is_started_later_in_the_same_order),
		SCENE(what_waits_at_the_end_is_given_back),
		SCENE(the_writer_gets_contents_read_but_no_large_trees),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
