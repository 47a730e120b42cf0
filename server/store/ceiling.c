/*
 * Measure, choose, carry out, measure again. A choice is carried out in units: some blobs, one
 * copy, some messages of one feed. Messages that went leave free pages, which new messages take
 * first; only what is above the ceiling is given back to the disk. So a node at its ceiling evicts
 * a little now and then, and moves no pages about.
 */
#include "store/ceiling_inside.h"

#include "base/log.h"
#include "store/inside.h"
#include "store/let_go.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum {
	LOOK_MS = 600000,   /* also when nothing rang … */
	FULL_MS = 10000,    /* … and while others are refused: somebody else may have made room */
	QUIET_MS = 3600000, /* on_quiet() */
	AGAIN_MS = 1000,    /* when nothing could go just now */
	BLOBS_UNIT = 32,    /* in one transaction */
	MESSAGES_LEAST = 64,   /* in one, whoever waits: some 10 ms … */
	MESSAGES_URGENT = 512, /* … and when others' messages are refused meanwhile */
	MESSAGES_MOST = 2048,
	PAGES_UNIT = 1024, /* 4 MiB moved or freed in one transaction */
	SHARE_OF_4 = 1,    /* what is held for others takes at most a quarter of the ceiling */
	NUMBER_BYTES = 24
};

static const char setting_name[] = "ceiling";

struct ceiling {
	struct ceiling_opts opts;
	const struct env *env;
	struct store *store;
	struct reader *reader;
	char *copies; /* NULL: below the data directory */
	pthread_t thread;
	bool has_thread;
	atomic_bool is_stopping;
	atomic_bool is_asked; /* ceiling_look() */
	bool must_measure;
	int64_t again_ms;  /* mono: not before */
	int64_t choice_ms; /* mono: nothing could go, no choice before */
	bool has_plan;
	struct ceiling_load plan;
	size_t at_blob, at_copy, at_feed;
	bool is_urgent;
	int64_t wanted;      /* bytes that somebody waits for */
	int64_t wal_ceiling; /* … for this one */
	bool has_progress;   /* something of the plan went */
	bool is_one_by_one;  /* feeds, as one of them failed */
	struct {
		uint64_t blobs, messages, copies;
		int64_t blob_bytes, message_bytes, copy_bytes;
	} gone;
};

/* What is allowed. */

static int64_t default_bytes(const struct store *store)
{
	int64_t half = store_disk_free(store) / 2;
	int64_t bytes = half < 0 || half > LIMIT_CEILING_BYTES ? LIMIT_CEILING_BYTES : half;
	return bytes < LIMIT_CEILING_BYTES_MIN ? LIMIT_CEILING_BYTES_MIN : bytes;
}

static enum err read_setting(struct reader *reader, int64_t *out)
{
	struct buf text = BUF_INIT(NUMBER_BYTES);
	enum err err = reader_setting(reader, setting_name, &text);
	if (err == ERR_OK) {
		const char *digits = buf_cstr(&text);
		*out = digits == NULL ? 0 : strtoll(digits, NULL, 10);
		err = *out >= LIMIT_CEILING_BYTES_MIN ? ERR_OK : ERR_NOT_FOUND;
	}
	buf_fini(&text);
	return err == ERR_LIMIT ? ERR_NOT_FOUND : err;
}

enum err ceiling_bytes(struct reader *reader, int64_t *out)
{
	enum err err = read_setting(reader, out);
	if (err == ERR_NOT_FOUND) {
		*out = default_bytes(reader->store);
	}
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

enum err ceiling_set(struct writer *writer, int64_t bytes)
{
	char text[NUMBER_BYTES];
	if (bytes < LIMIT_CEILING_BYTES_MIN || bytes > LIMIT_CEILING_BYTES_MAX) {
		return ERR_LIMIT;
	}
	int len = snprintf(text, sizeof(text), "%lld", (long long)bytes);
	const struct change change = {.kind = CHANGE_SETTING,
		.name = span_text(setting_name),
		.text = span_of(text, (size_t)len)};
	return writer_change_wait(writer, &change);
}

/* Thousandths of the ceiling: others are refused above it, room is made above `begins`, until it is
 * below `ends`. All within LIMIT_CEILING_PER_MILLE. */
static int64_t part(int64_t ceiling, int thousandths_of_10)
{
	return ceiling / 10000 * thousandths_of_10;
}
static int64_t gate_at(int64_t ceiling)
{
	return ceiling + part(ceiling, LIMIT_CEILING_PER_MILLE * 10 * 3 / 4);
}
static int64_t begins_at(int64_t ceiling)
{
	return ceiling - part(ceiling, LIMIT_CEILING_PER_MILLE * 10 / 4);
}
static int64_t ends_at(int64_t ceiling)
{
	return ceiling - part(ceiling, LIMIT_CEILING_PER_MILLE * 10 * 3 / 4);
}

static int64_t share_of(int64_t ceiling)
{
	int64_t share = ceiling / 4 * SHARE_OF_4;
	return share < LIMIT_BLOB_FAR_BYTES ? share : LIMIT_BLOB_FAR_BYTES;
}

/* How much has to go; free pages are as good as gone. */
static int64_t need_of(const struct ceiling_usage *usage, int64_t ceiling, int64_t wanted)
{
	int64_t taken = usage->used - usage->free_pages + wanted;
	int64_t most = wanted > 0 ? ceiling + part(ceiling, LIMIT_CEILING_PER_MILLE * 10 / 2)
				  : begins_at(ceiling);
	return taken <= most ? 0 : taken - (wanted > 0 ? ceiling : ends_at(ceiling));
}

enum err ceiling_preview(
	struct reader *reader, const char *copies, int64_t bytes, struct ceiling_goes *out)
{
	struct ceiling_usage usage;
	struct ceiling_load load;
	int64_t held = 0;
	enum err err = bytes > 0 ? ERR_OK : ceiling_bytes(reader, &bytes);
	if (err == ERR_OK) {
		err = ceiling_used(reader, &usage, &held);
	}
	if (err == ERR_OK) {
		err = ceiling_load(reader, copies, &load);
	}
	if (err == ERR_OK) {
		ceiling_choose(&load.all, need_of(&usage, bytes, 0), out);
		ceiling_load_fini(&load);
	}
	return err;
}

QUERY(sql_ceiling_gone,
	"SELECT hour, what, n, bytes FROM evictions ORDER BY hour DESC, what DESC LIMIT "
	"?1");

enum err ceiling_gone(struct reader *reader, struct ceiling_gone *out, size_t room, size_t *count)
{
	sqlite3_stmt *stmt = NULL;
	*count = 0;
	enum err err = reader_begin(reader);
	if (err != ERR_OK) {
		return err;
	}
	err = db_query(reader->db, &sql_ceiling_gone, &stmt);
	if (err == ERR_OK) {
		db_int(stmt, 1, (int64_t)room);
	}
	while (err == ERR_OK && *count < room && (err = db_step(reader->db, stmt)) == ERR_OK) {
		struct ceiling_gone *gone = &out[(*count)++];
		struct span what = span_take(db_column(stmt, 1), sizeof(gone->what) - 1);
		*gone = (struct ceiling_gone){.at_ms = sqlite3_column_int64(stmt, 0) * 3600000,
			.n = (uint64_t)sqlite3_column_int64(stmt, 2),
			.bytes = sqlite3_column_int64(stmt, 3)};
		memcpy(gone->what, what.at, what.len);
	}
	if (stmt != NULL) {
		db_reset(stmt);
	}
	return reader_end(reader, err == ERR_NOT_FOUND ? ERR_OK : err);
}

/* Units. */

static void log_failure(struct ceiling *ceiling, const char *what, enum err err)
{
	LOG(ceiling->env, LOG_WARN, "ceiling.failed", LOG_TEXT("what", what),
		LOG_TEXT("why", err_text(err)));
	ceiling->again_ms = env_mono_ms(ceiling->env) + AGAIN_MS;
}

/* False: none of them is left. */
static bool blobs_unit(struct ceiling *ceiling)
{
	const struct ceiling_all *all = &ceiling->plan.all;
	struct blob_id ids[BLOBS_UNIT];
	size_t count = 0;
	int64_t bytes = 0;
	while (ceiling->at_blob < all->blob_count && count < BLOBS_UNIT) {
		const struct ceiling_blob *blob = &all->blobs[ceiling->at_blob++];
		if (blob->goes) {
			ids[count++] = blob->id;
			bytes += blob->bytes;
		}
	}
	if (count == 0 || ceiling->opts.blobs == NULL) {
		return count > 0;
	}
	enum err err = blobs_remove(ceiling->opts.blobs, ids, count);
	if (err != ERR_OK) {
		log_failure(ceiling, "blobs", err);
		return true;
	}
	ceiling->has_progress = true;
	ceiling->gone.blobs += count;
	ceiling->gone.blob_bytes += bytes;
	return true;
}

static bool copy_unit(struct ceiling *ceiling)
{
	const struct ceiling_all *all = &ceiling->plan.all;
	while (ceiling->at_copy < all->copy_count && !all->copies[ceiling->at_copy].goes) {
		ceiling->at_copy++;
	}
	if (ceiling->at_copy == all->copy_count) {
		return false;
	}
	size_t at = ceiling->at_copy++;
	char *dir = ceiling_copies_dir(ceiling->store, ceiling->copies);
	char *path = NULL;
	if (dir != NULL && asprintf(&path, "%s/%s", dir, ceiling->plan.files[at].name) > 0 &&
		unlink(path) == 0) {
		ceiling->has_progress = true;
		ceiling->gone.copies++;
		ceiling->gone.copy_bytes += all->copies[at].bytes;
	}
	free(path);
	free(dir);
	return true;
}

/* The next feeds of the plan of which something is to go: how many, and where in the plan each is.
 */
static size_t next_feeds(
	const struct ceiling *ceiling, struct let_go_request requests[], size_t at[], size_t most)
{
	const struct ceiling_all *all = &ceiling->plan.all;
	size_t count = 0;
	for (size_t i = ceiling->at_feed; i < all->feed_count && count < most; i++) {
		const struct ceiling_feed *feed = &all->feeds[i];
		if (feed->below > feed->first) {
			at[count] = i;
			requests[count++] = (struct let_go_request){.feed = feed->id,
				.why = LET_GO_FOR_ROOM,
				.below = feed->below,
				.at_least = ceiling->is_urgent ? MESSAGES_URGENT : MESSAGES_LEAST,
				.at_most = MESSAGES_MOST};
		}
	}
	return count;
}

/* Whether this one of the plan needs no other turn. */
static bool note_feed(struct ceiling *ceiling, const struct ceiling_feed *feed,
	const struct let_go_result *result)
{
	if (result->err == ERR_OK && result->gone > 0) {
		ceiling->has_progress = true;
		ceiling->gone.messages += result->gone;
		ceiling->gone.message_bytes += (int64_t)result->gone * feed->message_bytes;
	}
	return result->err != ERR_OK || result->is_done;
}

static bool feed_unit(struct ceiling *ceiling)
{
	struct let_go_request requests[LET_GO_FEEDS];
	struct let_go_result results[LET_GO_FEEDS];
	size_t at[LET_GO_FEEDS];
	size_t most = ceiling->is_one_by_one ? 1 : LET_GO_FEEDS;
	size_t count = next_feeds(ceiling, requests, at, most);
	if (count == 0) {
		return false;
	}
	enum err err = writer_let_go_many(ceiling->opts.writer, requests, results, count);
	if (count == 1 && (err == ERR_BUSY || err == ERR_REFUSED || err == ERR_NOT_FOUND)) {
		ceiling->at_feed = at[0] + 1;
		return true;
	}
	if (err != ERR_OK) {
		log_failure(ceiling, "messages", err);
		/* One that cannot go is not to keep the others. */
		ceiling->at_feed = ceiling->is_one_by_one ? at[0] + 1 : at[0];
		ceiling->is_one_by_one = true;
		return true;
	}
	for (size_t i = 0; i < count && ceiling->at_feed <= at[i]; i++) {
		bool is_over = note_feed(ceiling, &ceiling->plan.all.feeds[at[i]], &results[i]);
		ceiling->at_feed = is_over ? at[i] + 1 : at[i];
		if (!is_over) {
			break;
		}
	}
	return true;
}

static void note_one(struct ceiling *ceiling, const char *what, uint64_t n, int64_t bytes)
{
	const struct change change = {.kind = CHANGE_EVICTED,
		.name = span_text(what),
		.number = (int64_t)n,
		.order = bytes};
	if (n > 0) {
		LOG(ceiling->env, LOG_INFO, "ceiling.evicted", LOG_TEXT("what", what),
			LOG_NUM("n", n), LOG_NUM("bytes", bytes));
		if (writer_change(ceiling->opts.writer, &change) != ERR_OK) {
			LOG(ceiling->env, LOG_DEBUG, "ceiling.not_noted", LOG_TEXT("what", what));
		}
	}
}

static void plan_ends(struct ceiling *ceiling)
{
	note_one(ceiling, "blobs", ceiling->gone.blobs, ceiling->gone.blob_bytes);
	note_one(ceiling, "backups", ceiling->gone.copies, ceiling->gone.copy_bytes);
	note_one(ceiling, "history", ceiling->gone.messages, ceiling->gone.message_bytes);
	atomic_fetch_add(&ceiling->store->room.gone_blobs, ceiling->gone.blobs);
	atomic_fetch_add(&ceiling->store->room.gone_copies, ceiling->gone.copies);
	atomic_fetch_add(&ceiling->store->room.gone_messages, ceiling->gone.messages);
	memset(&ceiling->gone, 0, sizeof(ceiling->gone));
	ceiling_load_fini(&ceiling->plan);
	ceiling->has_plan = false;
	ceiling->must_measure = true;
	if (!ceiling->has_progress) {
		ceiling->again_ms = env_mono_ms(ceiling->env) + AGAIN_MS;
	}
}

static void plan_begins(struct ceiling *ceiling)
{
	ceiling->has_plan = true;
	ceiling->has_progress = false;
	ceiling->is_one_by_one = false;
	ceiling->at_blob = 0;
	ceiling->at_copy = 0;
	ceiling->at_feed = 0;
}

/* Pictures of people the owner follows are last in the list of blobs, and go last of all. */
static bool plan_unit(struct ceiling *ceiling)
{
	return blobs_unit(ceiling) || copy_unit(ceiling) || feed_unit(ceiling);
}

/* Of a feed that is to come again: some of what is left of it goes. */
struct leaving {
	bool is_set;
	struct feed_id feed;
};

static void take_leaving(void *ctx, const struct let_go_row *row)
{
	struct leaving *leaving = ctx;
	if (row->again == LET_GO_LEAVING && !leaving->is_set) {
		leaving->is_set = true;
		leaving->feed = row->feed;
	}
}

static bool again_unit(struct ceiling *ceiling)
{
	struct leaving leaving = {.is_set = false};
	struct let_go_result result;
	if (reader_let_go_all(ceiling->reader, take_leaving, &leaving) != ERR_OK ||
		!leaving.is_set) {
		return false;
	}
	const struct let_go_request request = {.feed = leaving.feed,
		.why = LET_GO_FOR_AGAIN,
		.at_least = MESSAGES_LEAST,
		.at_most = MESSAGES_MOST};
	enum err err = writer_let_go(ceiling->opts.writer, &request, &result);
	if (err != ERR_OK) {
		ceiling->again_ms = env_mono_ms(ceiling->env) + AGAIN_MS;
	}
	return err == ERR_OK;
}

/* Measuring. */

static void set_room(struct ceiling *ceiling, const struct ceiling_usage *usage, int64_t bytes)
{
	struct store_room *room = &ceiling->store->room;
	/* Free pages that cannot be given back are taken again by what comes. */
	int64_t taken = usage->can_shrink ? usage->used : usage->used - usage->free_pages;
	int64_t left = gate_at(bytes) - taken;
	atomic_store(&room->low, left - part(bytes, LIMIT_CEILING_PER_MILLE * 10 / 4));
	atomic_store(&room->left, left);
	atomic_store(&room->used, usage->used);
	atomic_store(&room->ceiling, bytes);
	atomic_store(&room->is_set, true);
	ceiling->is_urgent = left <= 0;
}

static bool shrink_unit(struct ceiling *ceiling, const struct ceiling_usage *usage, int64_t bytes)
{
	int64_t above = usage->used - begins_at(bytes);
	int64_t wal_most = bytes / 256;
	size_t freed = 0;
	bool is_wal_large = usage->wal > wal_most && above > 0;
	bool is_file_large = usage->can_shrink && usage->free_pages > 0 && above > usage->wal;
	if (!is_wal_large && !is_file_large && ceiling->wal_ceiling == bytes) {
		return false;
	}
	int64_t pages = is_file_large ? (above + CEILING_BLOCK - 1) / CEILING_BLOCK : 0;
	int64_t most = usage->free_pages / CEILING_BLOCK;
	pages = pages < most ? pages : most;
	pages = pages < PAGES_UNIT ? pages : PAGES_UNIT;
	enum err err = writer_shrink(ceiling->opts.writer, (size_t)pages, wal_most, &freed);
	if (err != ERR_OK) {
		log_failure(ceiling, "pages", err);
	}
	ceiling->wal_ceiling = bytes;
	ceiling->must_measure = err == ERR_OK;
	return err == ERR_OK;
}

static bool keeps_held(struct ceiling *ceiling, int64_t share)
{
	struct ceiling_all *all = &ceiling->plan.all;
	size_t count = 0;
	for (size_t i = 0; i < all->blob_count; i++) {
		if (all->blobs[i].is_held) {
			all->blobs[count++] = all->blobs[i];
		}
	}
	all->blob_count = count;
	all->feed_count = 0;
	all->copy_count = 0;
	return ceiling_choose_share(all->blobs, count, share) > 0;
}

static bool choose(struct ceiling *ceiling, int64_t need, bool is_share, int64_t share)
{
	struct ceiling_goes goes;
	bool has_some = false;
	enum err err = ceiling_load(ceiling->reader, ceiling->copies, &ceiling->plan);
	if (err != ERR_OK) {
		log_failure(ceiling, "choice", err);
		return false;
	}
	if (need > 0) {
		ceiling_choose(&ceiling->plan.all, need, &goes);
		has_some = goes.bytes > 0;
	} else if (is_share) {
		has_some = keeps_held(ceiling, share);
	}
	if (has_some) {
		plan_begins(ceiling);
	} else {
		ceiling_load_fini(&ceiling->plan);
	}
	return has_some;
}

static bool measure(struct ceiling *ceiling)
{
	struct ceiling_usage usage;
	int64_t bytes = 0;
	int64_t held = 0;
	ceiling->must_measure = false;
	int64_t asked = atomic_exchange(&ceiling->store->room.wanted, 0);
	ceiling->wanted = asked > ceiling->wanted ? asked : ceiling->wanted;
	enum err err = ceiling_bytes(ceiling->reader, &bytes);
	if (err == ERR_OK) {
		err = ceiling_used(ceiling->reader, &usage, &held);
	}
	if (err != ERR_OK) {
		log_failure(ceiling, "measure", err);
		return false;
	}
	set_room(ceiling, &usage, bytes);
	if (shrink_unit(ceiling, &usage, bytes)) {
		return true;
	}
	int64_t share = share_of(bytes);
	bool is_share = held > share;
	int64_t need = need_of(&usage, bytes, ceiling->wanted);
	ceiling->wanted = 0;
	bool is_asked = atomic_exchange(&ceiling->is_asked, false);
	int64_t now_ms = env_mono_ms(ceiling->env);
	if ((need <= 0 && !is_share) || (now_ms < ceiling->choice_ms && !is_asked)) {
		return false;
	}
	/* To the middle of its share, so that not every blob is a choice of its own. */
	bool has_some = choose(ceiling, need, is_share, share - share / 50);
	ceiling->choice_ms = has_some ? 0 : now_ms + FULL_MS;
	return has_some;
}

bool ceiling_step(struct ceiling *ceiling)
{
	if (env_mono_ms(ceiling->env) < ceiling->again_ms) {
		return false;
	}
	if (ceiling->has_plan) {
		if (!plan_unit(ceiling)) {
			plan_ends(ceiling);
		}
		return true;
	}
	(void)pthread_mutex_lock(&ceiling->store->room.lock);
	bool is_rung = ceiling->store->room.is_rung;
	ceiling->store->room.is_rung = false;
	(void)pthread_mutex_unlock(&ceiling->store->room.lock);
	ceiling->must_measure = ceiling->must_measure || is_rung;
	if (again_unit(ceiling)) {
		return true;
	}
	return ceiling->must_measure && measure(ceiling);
}

/* The thread. */

static void sleep_until_rung(struct ceiling *ceiling)
{
	struct store_room *room = &ceiling->store->room;
	struct timespec until;
	int64_t now_ms = env_mono_ms(ceiling->env);
	int64_t look_ms = ceiling->is_urgent ? FULL_MS : LOOK_MS;
	int64_t ms = ceiling->again_ms > now_ms ? ceiling->again_ms - now_ms : look_ms;
	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += ms / 1000;
	until.tv_nsec += ms % 1000 * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	bool is_resting = ceiling->again_ms > now_ms;
	int rc = 0;
	(void)pthread_mutex_lock(&room->lock);
	while ((!room->is_rung || is_resting) && rc == 0 && !atomic_load(&ceiling->is_stopping)) {
		rc = pthread_cond_timedwait(&room->bell, &room->lock, &until);
	}
	(void)pthread_mutex_unlock(&room->lock);
	ceiling->must_measure = true;
}

static void *ceiling_main(void *ctx)
{
	struct ceiling *ceiling = ctx;
	int64_t quiet_ms = env_mono_ms(ceiling->env) + LOOK_MS;
	while (!atomic_load(&ceiling->is_stopping)) {
		if (ceiling_step(ceiling)) {
			continue;
		}
		if (ceiling->opts.on_quiet != NULL && env_mono_ms(ceiling->env) >= quiet_ms) {
			ceiling->opts.on_quiet(ceiling->opts.ctx, &ceiling->is_stopping);
			quiet_ms = env_mono_ms(ceiling->env) + QUIET_MS;
		}
		sleep_until_rung(ceiling);
	}
	return NULL;
}

static enum err set_default(struct ceiling *ceiling)
{
	int64_t bytes = 0;
	enum err err = read_setting(ceiling->reader, &bytes);
	if (err == ERR_NOT_FOUND) {
		err = ceiling_set(ceiling->opts.writer, default_bytes(ceiling->store));
	}
	/* On a full disk it is said at another start. */
	return err == ERR_NOMEM ? err : ERR_OK;
}

enum err ceiling_start(const struct ceiling_opts *opts, struct ceiling **out)
{
	struct ceiling *ceiling = calloc(1, sizeof(*ceiling));
	if (ceiling == NULL) {
		return ERR_NOMEM;
	}
	ceiling->opts = *opts;
	ceiling->store = opts->store;
	ceiling->env = store_env(opts->store);
	ceiling->copies = opts->copies == NULL ? NULL : strdup(opts->copies);
	ceiling->must_measure = true;
	enum err err = opts->copies != NULL && ceiling->copies == NULL
			       ? ERR_NOMEM
			       : reader_open(opts->store, &ceiling->reader);
	if (err == ERR_OK) {
		err = set_default(ceiling);
	}
	if (err == ERR_OK && !opts->is_stepped) {
		ceiling->has_thread =
			pthread_create(&ceiling->thread, NULL, ceiling_main, ceiling) == 0;
		err = ceiling->has_thread ? ERR_OK : ERR_NOMEM;
	}
	if (err != ERR_OK) {
		ceiling_stop(ceiling);
		return err;
	}
	*out = ceiling;
	return ERR_OK;
}

void ceiling_stop(struct ceiling *ceiling)
{
	if (ceiling == NULL) {
		return;
	}
	atomic_store(&ceiling->is_stopping, true);
	store_room_ring(ceiling->store);
	if (ceiling->has_thread) {
		(void)pthread_join(ceiling->thread, NULL);
	}
	if (ceiling->has_plan) {
		ceiling_load_fini(&ceiling->plan);
	}
	atomic_store(&ceiling->store->room.is_set, false);
	reader_close(ceiling->reader);
	free(ceiling->copies);
	free(ceiling);
}

void ceiling_state(struct store *store, struct ceiling_now *out)
{
	const struct store_room *room = &store->room;
	*out = (struct ceiling_now){.used = atomic_load(&room->used),
		.bytes = atomic_load(&room->ceiling),
		.is_full = !store_room_is_left(store),
		.gone_messages = atomic_load(&room->gone_messages),
		.gone_blobs = atomic_load(&room->gone_blobs),
		.gone_copies = atomic_load(&room->gone_copies)};
}

void ceiling_look(struct ceiling *ceiling)
{
	atomic_store(&ceiling->is_asked, true);
	store_room_ring(ceiling->store);
}
