/*
 * One thread, asleep until something is due: a look at the clock each minute, a request, the end.
 * It reads on connections of its own, writes only into its folder, and tells the writer what is to
 * be remembered.
 */
#include "store/nightly.h"

#include "base/file.h"
#include "base/log.h"
#include "store/inside.h"
#include "store/nightly_inside.h"
#include "store/reader.h"
#include "store/safety.h"
#include "store/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

enum {
	LOOK_MS = 600000, /* each look opens the database */
	TELL_MS = 250,
	NAME_TRIES = 60,
	DERIVED_BYTES = 32,
	WHY_BYTES = 256,
	LOG_ROWS = 1000
};

struct nightly {
	struct nightly_opts opts;
	const struct env *env;
	char *dir;
	uint8_t *derived; /* what seals the nightly ones; in guarded memory */
	pthread_t thread;
	int64_t told_ms;  /* mono: when on_changed was last called */
	int64_t tried_ms; /* mono: the last try by itself that failed; 0: none */
	int64_t first_ms; /* mono: when the first post was seen; 0: not yet */
	int64_t check_ms; /* mono: when the database is to be looked over; INT64_MAX: never */
	atomic_bool is_by_itself;
	pthread_mutex_t lock; /* everything below */
	pthread_cond_t wake;
	bool is_stopping;
	bool is_asked; /* `job` waits */
	struct nightly_job job;
	uint8_t *passphrase; /* of `job`; in guarded memory, NULL: none */
	size_t passphrase_len;
};

/* What is remembered. */

static int64_t read_time(struct nightly *nightly, const char *name)
{
	struct reader *reader = NULL;
	struct buf text = BUF_INIT(64);
	int64_t value = 0;
	if (reader_open(nightly->opts.store, &reader) == ERR_OK &&
		reader_setting(reader, name, &text) == ERR_OK && buf_cstr(&text) != NULL) {
		value = strtoll((const char *)text.at, NULL, 10);
	}
	reader_close(reader);
	buf_fini(&text);
	return value;
}

static void put_setting(struct nightly *nightly, const char *name, const char *text)
{
	const struct change change = {
		.kind = CHANGE_SETTING, .name = span_text(name), .text = span_text(text)};
	if (writer_change_wait(nightly->opts.writer, &change) != ERR_OK) {
		LOG(nightly->env, LOG_WARN, "backup.not_noted", LOG_TEXT("setting", name));
	}
}

/* By number only: a copy agrees with the database it was made of, and that says nothing. */
static void put_witness(struct nightly *nightly, uint64_t sequence)
{
	const struct change change = {
		.kind = CHANGE_WITNESS, .name = span_text("backup"), .number = (int64_t)sequence};
	if (sequence > 0 && writer_change_wait(nightly->opts.writer, &change) != ERR_OK) {
		LOG(nightly->env, LOG_WARN, "backup.not_noted", LOG_TEXT("setting", "witness"));
	}
}

static bool has_posts(struct nightly *nightly)
{
	struct reader *reader = NULL;
	struct chain_head head = {.sequence = 0};
	if (reader_open(nightly->opts.store, &reader) == ERR_OK &&
		reader_head(reader, store_self(nightly->opts.store), &head) != ERR_OK) {
		head.sequence = 0;
	}
	reader_close(reader);
	return head.sequence > 0;
}

static bool is_paused(struct nightly *nightly)
{
	char why[WHY_BYTES];
	const char *state = writer_state(nightly->opts.writer, why, sizeof(why));
	return strcmp(state, "SUSPECT") == 0 || strcmp(state, "FORKED") == 0;
}

static void take_settled(void *ctx, const struct log_row *row)
{
	int64_t *settled_ms = ctx;
	if (*settled_ms == 0 && span_equal_text(row->event, "CLEAN")) {
		*settled_ms = row->at_ms;
	}
}

/* When publishing last went on; 0: it never paused. What was lost then was accepted by the owner,
 * and a copy that still knows of it must not stop the node at each start. */
static int64_t settled_at(struct nightly *nightly)
{
	struct reader *reader = NULL;
	int64_t settled_ms = 0;
	if (reader_open(nightly->opts.store, &reader) == ERR_OK &&
		reader_safety_log(reader, LOG_ROWS, take_settled, &settled_ms) != ERR_OK) {
		settled_ms = 0;
	}
	reader_close(reader);
	return settled_ms;
}

/* The newest file may know of more than the database does. */
static void read_newest(struct nightly *nightly, const struct nightly_file *file)
{
	const struct bundle_opener opener = {.derived = nightly->derived};
	struct bundle_reader *reader = NULL;
	char *path = NULL;
	char why[WHY_BYTES] = "";
	if (asprintf(&path, "%s/%s", nightly->dir, file->name) < 0) {
		return;
	}
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	free(path);
	if (fd < 0) {
		return;
	}
	if (bundle_open(fd, &opener, &reader, why, sizeof(why)) == ERR_OK) {
		const struct bundle_manifest *manifest = bundle_manifest(reader);
		if (feed_id_equal(&manifest->identity, store_self(nightly->opts.store)) &&
			manifest->created_ms > settled_at(nightly)) {
			put_witness(nightly, manifest->sequence);
		}
	} else {
		LOG(nightly->env, LOG_WARN, "backup.unreadable", LOG_TEXT("file", file->name),
			LOG_TEXT("why", why));
	}
	bundle_reader_free(reader);
	(void)close(fd);
}

/* Room and age. */

static bool has_ending(const struct nightly_file *file, const char *ending)
{
	const char *dot = strrchr(file->name, '.');
	size_t len = strlen(ending);
	return dot != NULL && (size_t)(dot - file->name) >= len &&
	       memcmp(dot - len, ending, len) == 0;
}

static const char *ending_of(enum nightly_kind kind, bool is_paused_one)
{
	switch (kind) {
	case NIGHTLY_AWAY:
		return "-away";
	case NIGHTLY_MOVE:
		return "-move";
	default:
		return is_paused_one ? "-paused" : "";
	}
}

/* Does `file` belong to those with this ending, of which only so many are kept? */
static bool is_of(const struct nightly_file *file, const char *ending)
{
	bool is_plain = !has_ending(file, "-paused") && !has_ending(file, "-away") &&
			!has_ending(file, "-move");
	return ending[0] == '\0' ? is_plain : has_ending(file, ending);
}

static void look_back(struct nightly *nightly)
{
	struct nightly_file files[NIGHTLY_FILES_MAX];
	size_t count = 0;
	if (nightly_list(nightly->dir, files, &count) != ERR_OK) {
		return;
	}
	for (size_t i = 0; i < count; i++) {
		if (is_of(&files[i], "")) {
			read_newest(nightly, &files[i]);
			return;
		}
	}
}

static void drop_file(struct nightly *nightly, const struct nightly_file *file)
{
	char *path = NULL;
	if (asprintf(&path, "%s/%s", nightly->dir, file->name) >= 0) {
		if (unlink(path) == 0) {
			LOG(nightly->env, LOG_INFO, "backup.dropped", LOG_TEXT("file", file->name));
		}
		free(path);
	}
}

static void drop_old(struct nightly *nightly, const char *ending, size_t kept)
{
	struct nightly_file files[NIGHTLY_FILES_MAX];
	size_t count = 0;
	size_t seen = 0;
	if (nightly_list(nightly->dir, files, &count) != ERR_OK) {
		return;
	}
	for (size_t i = 0; i < count; i++) {
		if (is_of(&files[i], ending) && ++seen > kept) {
			drop_file(nightly, &files[i]);
		}
	}
}

static int64_t free_bytes(const char *dir)
{
	struct statvfs at;
	return statvfs(dir, &at) == 0 ? (int64_t)at.f_bavail * (int64_t)at.f_frsize : INT64_MAX;
}

static int64_t database_bytes(struct nightly *nightly)
{
	struct store_figures figures = {.database_bytes = 0};
	struct reader *reader = NULL;
	if (reader_open(nightly->opts.store, &reader) == ERR_OK &&
		reader_figures(reader, &figures) != ERR_OK) {
		figures.database_bytes = 0;
	}
	reader_close(reader);
	return (int64_t)figures.database_bytes;
}

/* The oldest go first when the disk is short, as few as are enough; none when all of them would not
 * be. The newest one stays whatever comes. */
static void make_room(struct nightly *nightly, int64_t room_bytes)
{
	struct nightly_file files[NIGHTLY_FILES_MAX];
	size_t count = 0;
	int64_t missing = room_bytes + 2 * database_bytes(nightly) - free_bytes(nightly->dir);
	if (missing <= 0 || nightly_list(nightly->dir, files, &count) != ERR_OK) {
		return;
	}
	size_t plain = 0;
	int64_t older_bytes = 0;
	for (size_t i = 0; i < count; i++) {
		if (is_of(&files[i], "")) {
			older_bytes += plain > 0 ? (int64_t)files[i].bytes : 0;
			files[plain++] = files[i];
		}
	}
	if (older_bytes < missing) {
		return;
	}
	while (plain > 1 && missing > 0) {
		plain--;
		missing -= (int64_t)files[plain].bytes;
		drop_file(nightly, &files[plain]);
	}
}

/* A job. */

static void tell(struct nightly *nightly, bool is_now)
{
	int64_t now_ms = env_mono_ms(nightly->env);
	if (nightly->opts.on_changed != NULL && (is_now || now_ms - nightly->told_ms >= TELL_MS)) {
		nightly->told_ms = now_ms;
		nightly->opts.on_changed(nightly->opts.ctx);
	}
}

static bool on_progress(
	void *ctx, enum backup_phase phase, uint64_t done_bytes, uint64_t total_bytes)
{
	struct nightly *nightly = ctx;
	(void)pthread_mutex_lock(&nightly->lock);
	nightly->job.phase = phase;
	nightly->job.done_bytes = done_bytes;
	nightly->job.total_bytes = total_bytes;
	bool goes_on = !nightly->is_stopping;
	(void)pthread_mutex_unlock(&nightly->lock);
	tell(nightly, false);
	return goes_on;
}

/* A name that is free; free() it. */
static char *free_path(struct nightly *nightly, const char *ending, char name[NIGHTLY_NAME_BYTES])
{
	time_t now = (time_t)(env_wall_ms(nightly->env) / 1000);
	for (int i = 0; i < NAME_TRIES; i++, now++) {
		struct tm when;
		char stamp[20];
		char *path = NULL;
		if (gmtime_r(&now, &when) == NULL ||
			strftime(stamp, sizeof(stamp), "%Y%m%d-%H%M%S", &when) == 0) {
			return NULL;
		}
		(void)snprintf(name, NIGHTLY_NAME_BYTES, "kith-%s%s.backup", stamp, ending);
		if (!nightly_name_is_ours(span_text(name)) ||
			asprintf(&path, "%s/%s", nightly->dir, name) < 0) {
			return NULL;
		}
		if (access(path, F_OK) != 0) {
			return path;
		}
		free(path);
	}
	return NULL;
}

static enum err read_secret(struct nightly *nightly, struct buf *out)
{
	char *path = store_path(nightly->opts.store, "secret");
	enum err err = path == NULL ? ERR_NOMEM : secret_read_file(path, out);
	free(path);
	return err;
}

static enum err write_one(struct nightly *nightly, enum nightly_kind kind, bool is_by_itself,
	struct backup_result *result, struct nightly_job *job)
{
	bool is_plain = kind == NIGHTLY_PLAIN;
	int64_t room_bytes =
		is_by_itself ? LIMIT_BACKUP_ROOM_BYTES : LIMIT_DISK_FREE_REPLICATION_BYTES;
	const char *ending = ending_of(kind, is_paused(nightly));
	struct buf secret = BUF_INIT(LIMIT_SECRET_FILE_BYTES);
	char *path = NULL;
	(void)snprintf(
		job->said, sizeof(job->said), "The folder %s cannot be written.", nightly->dir);
	enum err err = file_make_dir(nightly->dir);
	if (err == ERR_OK) {
		nightly_tidy(nightly->dir);
		make_room(nightly, room_bytes);
		path = free_path(nightly, ending, job->name);
		err = path == NULL ? ERR_NOMEM : ERR_OK;
	}
	if (err == ERR_OK && !is_plain) {
		(void)snprintf(job->said, sizeof(job->said), "The key cannot be read.");
		err = read_secret(nightly, &secret);
	}
	if (err == ERR_OK) {
		const struct backup_opts opts = {.store = nightly->opts.store,
			.path = path,
			.kind = kind == NIGHTLY_MOVE ? BUNDLE_MOVE : BUNDLE_BACKUP,
			.opener = {.derived = is_plain ? nightly->derived : NULL,
				.passphrase =
					span_of(nightly->passphrase, nightly->passphrase_len)},
			.secret = buf_span(&secret),
			.room_bytes = room_bytes,
			.on_progress = on_progress,
			.ctx = nightly};
		err = backup_write(&opts, result, job->said, sizeof(job->said));
	}
	if (err == ERR_OK) {
		drop_old(nightly, ending, ending[0] == '\0' ? LIMIT_BACKUPS_KEPT : 1);
		job->said[0] = '\0';
	} else {
		job->name[0] = '\0';
	}
	buf_wipe(&secret);
	free(path);
	return err;
}

static void note(
	struct nightly *nightly, const struct nightly_job *job, const struct backup_result *result)
{
	char text[24];
	if (job->err == ERR_OK) {
		(void)snprintf(text, sizeof(text), "%lld", (long long)result->created_ms);
		put_setting(nightly, "backup_ok", text);
		put_setting(nightly, "backup_error", "");
		if (!span_ends_with(span_text(job->name), "-paused.backup")) {
			put_witness(nightly, result->sequence);
		}
		LOG(nightly->env, LOG_INFO, "backup.made", LOG_TEXT("file", job->name),
			LOG_NUM("bytes", result->bytes), LOG_NUM("sequence", result->sequence));
	} else if (job->err != ERR_CLOSED) {
		put_setting(nightly, "backup_error", job->said);
		LOG(nightly->env, LOG_WARN, "backup.failed", LOG_TEXT("why", job->said));
	}
}

static void forget_passphrase(struct nightly *nightly)
{
	sodium_free(nightly->passphrase);
	nightly->passphrase = NULL;
	nightly->passphrase_len = 0;
}

static enum err run_job(struct nightly *nightly, bool is_by_itself)
{
	struct backup_result result = {.bytes = 0};
	(void)pthread_mutex_lock(&nightly->lock);
	struct nightly_job job = nightly->job;
	(void)pthread_mutex_unlock(&nightly->lock);
	tell(nightly, true);
	job.err = write_one(nightly, job.kind, is_by_itself, &result, &job);
	note(nightly, &job, &result);
	nightly->tried_ms = job.err == ERR_OK ? 0 : env_mono_ms(nightly->env);
	(void)pthread_mutex_lock(&nightly->lock);
	forget_passphrase(nightly);
	nightly->is_asked = false;
	nightly->job.is_over = true;
	nightly->job.err = job.err;
	memcpy(nightly->job.name, job.name, sizeof(job.name));
	memcpy(nightly->job.said, job.said, sizeof(job.said));
	(void)pthread_mutex_unlock(&nightly->lock);
	tell(nightly, true);
	return job.err;
}

/* Looking over. */

static bool goes_on(void *ctx)
{
	struct nightly *nightly = ctx;
	(void)pthread_mutex_lock(&nightly->lock);
	bool is_so = !nightly->is_stopping;
	(void)pthread_mutex_unlock(&nightly->lock);
	return is_so;
}

static void look_over(struct nightly *nightly)
{
	bool is_sound = false;
	nightly->check_ms = INT64_MAX;
	enum err err = nightly_check(nightly->opts.store, goes_on, nightly, &is_sound);
	if (err != ERR_OK) {
		if (err != ERR_CLOSED) {
			LOG(nightly->env, LOG_WARN, "database.not_checked",
				LOG_TEXT("why", err_text(err)));
		}
		return;
	}
	LOG(nightly->env, is_sound ? LOG_INFO : LOG_ERROR,
		is_sound ? "database.sound" : "database.damaged");
	const struct change change = {.kind = CHANGE_CHECKED, .number = is_sound ? 1 : 0};
	if (writer_change_wait(nightly->opts.writer, &change) != ERR_OK) {
		LOG(nightly->env, LOG_WARN, "database.not_noted");
	}
}

/* The clock. */

bool nightly_is_due(const struct nightly_clock *clock)
{
	bool is_soon =
		clock->first_ms == 0 || clock->mono_ms - clock->first_ms < LIMIT_BACKUP_FIRST_MS;
	bool has_failed =
		clock->failed_ms != 0 && clock->mono_ms - clock->failed_ms < LIMIT_BACKUP_RETRY_MS;
	/* A success that lies in the future is of a clock that was wrong. */
	bool is_fresh = clock->ok_ms != 0 && clock->ok_ms <= clock->wall_ms &&
			clock->wall_ms - clock->ok_ms < LIMIT_BACKUP_PERIOD_MS;
	return !is_soon && !has_failed && !is_fresh;
}

static bool is_due(struct nightly *nightly)
{
	if (!nightly_is_by_itself(nightly)) {
		return false;
	}
	struct nightly_clock clock = {.mono_ms = env_mono_ms(nightly->env),
		.wall_ms = env_wall_ms(nightly->env),
		.failed_ms = nightly->tried_ms};
	if (nightly->first_ms == 0 && has_posts(nightly)) {
		nightly->first_ms = clock.mono_ms;
	}
	clock.first_ms = nightly->first_ms;
	clock.ok_ms = read_time(nightly, "backup_ok");
	return nightly_is_due(&clock);
}

/* Under the lock: a fresh job of this kind. */
static void begin_job(struct nightly *nightly, enum nightly_kind kind)
{
	uint64_t number = nightly->job.job + 1;
	nightly->job = (struct nightly_job){.job = number, .kind = kind};
}

static void wait_a_little(struct nightly *nightly)
{
	struct timespec until;
	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	int64_t check_ms = nightly->check_ms == INT64_MAX
				   ? LOOK_MS
				   : nightly->check_ms - env_mono_ms(nightly->env);
	until.tv_sec += (check_ms < LOOK_MS ? check_ms : LOOK_MS) / 1000 + (check_ms < LOOK_MS);
	(void)pthread_cond_timedwait(&nightly->wake, &nightly->lock, &until);
}

static void *nightly_main(void *arg)
{
	struct nightly *nightly = arg;
	look_back(nightly);
	(void)pthread_mutex_lock(&nightly->lock);
	while (!nightly->is_stopping) {
		bool is_asked = nightly->is_asked;
		(void)pthread_mutex_unlock(&nightly->lock);
		if (env_mono_ms(nightly->env) >= nightly->check_ms) {
			look_over(nightly);
		}
		bool is_own = !is_asked && is_due(nightly);
		(void)pthread_mutex_lock(&nightly->lock);
		/* Somebody may have asked meanwhile; what they get is as good. */
		if (is_own && !nightly->is_asked) {
			begin_job(nightly, NIGHTLY_PLAIN);
		}
		if (is_own || nightly->is_asked) {
			bool is_by_itself = !nightly->is_asked;
			(void)pthread_mutex_unlock(&nightly->lock);
			if (run_job(nightly, is_by_itself) == ERR_DAMAGED) {
				look_over(nightly);
			}
			(void)pthread_mutex_lock(&nightly->lock);
		} else if (!nightly->is_stopping) {
			wait_a_little(nightly);
		}
	}
	(void)pthread_mutex_unlock(&nightly->lock);
	return NULL;
}

/* Asking. */

enum err nightly_ask(
	struct nightly *nightly, enum nightly_kind kind, struct span passphrase, uint64_t *job)
{
	if (kind != NIGHTLY_PLAIN && (passphrase.len < LIMIT_PASSPHRASE_BYTES_MIN ||
					     passphrase.len > LIMIT_PASSPHRASE_BYTES)) {
		return ERR_LIMIT;
	}
	uint8_t *copy = NULL;
	if (kind != NIGHTLY_PLAIN) {
		copy = sodium_malloc(passphrase.len);
		if (copy == NULL) {
			return ERR_NOMEM;
		}
		memcpy(copy, passphrase.at, passphrase.len);
	}
	(void)pthread_mutex_lock(&nightly->lock);
	bool is_free = !nightly->is_stopping && !nightly->is_asked &&
		       (nightly->job.job == 0 || nightly->job.is_over);
	if (is_free) {
		begin_job(nightly, kind);
		nightly->is_asked = true;
		nightly->passphrase = copy;
		nightly->passphrase_len = passphrase.len;
		*job = nightly->job.job;
		(void)pthread_cond_signal(&nightly->wake);
	}
	(void)pthread_mutex_unlock(&nightly->lock);
	if (!is_free) {
		sodium_free(copy);
	}
	return is_free ? ERR_OK : ERR_BUSY;
}

void nightly_report(struct nightly *nightly, struct nightly_job *out)
{
	(void)pthread_mutex_lock(&nightly->lock);
	*out = nightly->job;
	(void)pthread_mutex_unlock(&nightly->lock);
}

bool nightly_is_by_itself(const struct nightly *nightly)
{
	return atomic_load(&nightly->is_by_itself);
}

void nightly_set_by_itself(struct nightly *nightly, bool is_by_itself)
{
	atomic_store(&nightly->is_by_itself, is_by_itself);
}

const char *nightly_dir(const struct nightly *nightly)
{
	return nightly->dir;
}

/* Start and stop. */

static void nightly_free(struct nightly *nightly)
{
	forget_passphrase(nightly);
	sodium_free(nightly->derived);
	free(nightly->dir);
	(void)pthread_mutex_destroy(&nightly->lock);
	(void)pthread_cond_destroy(&nightly->wake);
	free(nightly);
}

static void init_locks(struct nightly *nightly)
{
	pthread_condattr_t attributes;
	(void)pthread_mutex_init(&nightly->lock, NULL);
	(void)pthread_condattr_init(&attributes);
	(void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&nightly->wake, &attributes);
	(void)pthread_condattr_destroy(&attributes);
}

enum err nightly_start(
	const struct nightly_opts *opts, struct nightly **out, char *why, size_t why_bytes)
{
	(void)snprintf(why, why_bytes, "There is no memory for the backups.");
	struct nightly *nightly = calloc(1, sizeof(*nightly));
	if (nightly == NULL) {
		return ERR_NOMEM;
	}
	nightly->opts = *opts;
	atomic_init(&nightly->is_by_itself, !opts->is_by_request_only);
	nightly->env = store_env(opts->store);
	nightly->check_ms = opts->check_after_ms >= 0 && writer_was_cut(opts->writer)
				    ? env_mono_ms(nightly->env) + opts->check_after_ms
				    : INT64_MAX;
	init_locks(nightly);
	nightly->dir = opts->dir == NULL ? store_path(opts->store, "backups") : strdup(opts->dir);
	nightly->derived = sodium_malloc(DERIVED_BYTES);
	enum err err = nightly->dir == NULL || nightly->derived == NULL
			       ? ERR_NOMEM
			       : signer_derive(opts->signer, BUNDLE_CONTEXT, nightly->derived);
	if (err == ERR_OK && pthread_create(&nightly->thread, NULL, nightly_main, nightly) != 0) {
		err = ERR_NOMEM;
	}
	if (err != ERR_OK) {
		nightly_free(nightly);
		return err;
	}
	why[0] = '\0';
	*out = nightly;
	return ERR_OK;
}

void nightly_stop(struct nightly *nightly)
{
	if (nightly == NULL) {
		return;
	}
	(void)pthread_mutex_lock(&nightly->lock);
	nightly->is_stopping = true;
	(void)pthread_cond_signal(&nightly->wake);
	(void)pthread_mutex_unlock(&nightly->lock);
	(void)pthread_join(nightly->thread, NULL);
	nightly_free(nightly);
}
