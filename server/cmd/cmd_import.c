/*
 * kith import FILE: messages as JSON lines, each verified as a peer's would be.
 *
 * A ring of chunks: this thread fills them with lines, as many threads as there are cores verify
 * them, and they go to the writer in the order of the file, so that feeds keep theirs. A chunk is
 * free again when the writer is done with it; so memory is bounded by the ring, however long the
 * file.
 */
#include "cmd/cmd.h"
#include "cmd/local.h"

#include "base/limits.h"
#include "feed/message.h"
#include "store/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum {
	RING = 24,
	CHUNK_LINES = 128,
	CHUNK_BYTES = 256 * KIB,
	LINE_BYTES_MAX = LIMIT_MESSAGE_BYTES + KIB,
	THREADS_MAX = 16,
	READ_BYTES = 256 * KIB
};

enum chunk_state { CHUNK_FREE, CHUNK_FILLED, CHUNK_TAKEN, CHUNK_VERIFIED, CHUNK_WRITING };

struct import;

struct chunk {
	struct import *import;
	enum chunk_state state;
	struct buf text; /* the lines, one after another */
	struct {
		size_t at, len;
	} lines[CHUNK_LINES];
	size_t count;
	struct append_job *job;
	uint64_t refused;
};

struct totals {
	uint64_t lines, refused, results[APPEND_NOT_WANTED + 1];
};

struct import {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct chunk ring[RING];
	uint64_t filled, taken, submitted; /* chunks so far */
	size_t writing;
	bool is_over; /* nothing more will be filled */
	enum err err;
	struct writer *writer;
	const uint8_t *hmac_key; /* NULL normally */
	struct totals totals;
};

/* Exactly as kith feed prints it: {"key":"%…","value":{…}}. No need to parse twice; should there be
 * more members behind, the message is refused, and the line is looked at in the other way. */
static bool is_plain_pair(struct span line, struct message_id *key, struct span *out)
{
	static const char start[] = "{\"key\":\"";
	static const char middle[] = "\",\"value\":";
	size_t key_end = sizeof(start) - 1 + MESSAGE_ID_TEXT_BYTES - 1;
	size_t value_at = key_end + sizeof(middle) - 1;
	if (line.len < value_at + 2 || !span_starts_with(line, start) ||
		!span_starts_with(span_skip(line, key_end), middle) ||
		!span_ends_with(line, "\"}}") ||
		message_id_parse(
			span_take(span_skip(line, sizeof(start) - 1), MESSAGE_ID_TEXT_BYTES - 1),
			key) != ERR_OK) {
		return false;
	}
	*out = span_of(line.at + value_at, line.len - value_at - 1);
	return true;
}

/* The message within a line, judged by its own bytes: what stands under "value", or else the whole
 * line. */
static enum err find_value(
	struct span line, struct message_id *key, bool *has_key, struct span *out)
{
	struct json_doc *doc = NULL;
	struct span text;
	*has_key = false;
	*out = line;
	if (span_starts_with(line, "{\"previous\"")) {
		return ERR_OK;
	}
	enum err err = json_parse(line, LIMIT_JSON_DEPTH, &doc);
	if (err != ERR_OK) {
		return err;
	}
	const struct json *value = json_get(json_root(doc), "value");
	if (value != NULL && json_slice(line, "value", out)) {
		*has_key = json_text(json_get(json_root(doc), "key"), &text);
	}
	if (*has_key && message_id_parse(text, key) != ERR_OK) {
		err = ERR_REFUSED;
	}
	json_doc_free(doc);
	return err;
}

static enum err verify_line(struct span line, const uint8_t *hmac_key, struct message **out)
{
	struct message_id key;
	struct span value;
	const char *why = NULL;
	bool has_key = is_plain_pair(line, &key, &value);
	enum err err = has_key ? message_verify(value, hmac_key, out, &why) : ERR_REFUSED;
	if (err == ERR_REFUSED || err == ERR_LIMIT) {
		err = find_value(line, &key, &has_key, &value);
		if (err == ERR_OK) {
			err = message_verify(value, hmac_key, out, &why);
		}
	}
	if (err == ERR_OK && has_key && !message_id_equal(&key, &(*out)->key)) {
		message_free(*out);
		*out = NULL;
		err = ERR_REFUSED;
	}
	return err;
}

static enum err verify_chunk(struct chunk *chunk)
{
	chunk->job = append_job_new(CHUNK_LINES);
	if (chunk->job == NULL) {
		return ERR_NOMEM;
	}
	for (size_t i = 0; i < chunk->count; i++) {
		struct message *message = NULL;
		enum err err = verify_line(
			span_of(chunk->text.at + chunk->lines[i].at, chunk->lines[i].len),
			chunk->import->hmac_key, &message);
		if (err == ERR_NOMEM) {
			return err;
		}
		if (err != ERR_OK) {
			chunk->refused++;
			continue;
		}
		chunk->job->messages[chunk->job->count++] = message;
	}
	return ERR_OK;
}

static void free_chunk(struct chunk *chunk)
{
	chunk->state = CHUNK_FREE;
	chunk->count = 0;
	chunk->refused = 0;
	chunk->job = NULL;
	buf_clear(&chunk->text);
}

static void on_written(void *ctx, struct append_job *job)
{
	struct chunk *chunk = ctx;
	struct import *import = chunk->import;
	(void)pthread_mutex_lock(&import->lock);
	for (size_t i = 0; i < job->count; i++) {
		import->totals.results[job->results[i]]++;
	}
	if (job->err != ERR_OK && import->err == ERR_OK) {
		import->err = job->err;
	}
	import->writing--;
	free_chunk(chunk);
	(void)pthread_cond_broadcast(&import->changed);
	(void)pthread_mutex_unlock(&import->lock);
	append_job_free(job);
}

/* Under the lock: hand over what is verified, in order. The ring is smaller than the writer's
 * queue, so it is never full. */
static void submit(struct import *import)
{
	while (import->submitted < import->taken &&
		import->ring[import->submitted % RING].state == CHUNK_VERIFIED) {
		struct chunk *chunk = &import->ring[import->submitted++ % RING];
		import->totals.refused += chunk->refused;
		chunk->state = CHUNK_WRITING;
		enum err err = import->err;
		if (err == ERR_OK) {
			chunk->job->on_done = on_written;
			chunk->job->ctx = chunk;
			err = writer_append(import->writer, chunk->job);
		}
		if (err == ERR_OK) {
			import->writing++;
			continue;
		}
		append_job_free(chunk->job);
		import->err = err;
		free_chunk(chunk);
	}
	(void)pthread_cond_broadcast(&import->changed);
}

static void *verify_thread(void *ctx)
{
	struct import *import = ctx;
	(void)pthread_mutex_lock(&import->lock);
	for (;;) {
		if (import->taken == import->filled) {
			if (import->is_over) {
				break;
			}
			(void)pthread_cond_wait(&import->changed, &import->lock);
			continue;
		}
		struct chunk *chunk = &import->ring[import->taken++ % RING];
		chunk->state = CHUNK_TAKEN;
		(void)pthread_mutex_unlock(&import->lock);
		enum err err = verify_chunk(chunk);
		(void)pthread_mutex_lock(&import->lock);
		if (err != ERR_OK && import->err == ERR_OK) {
			import->err = err;
		}
		chunk->state = CHUNK_VERIFIED;
		submit(import);
	}
	(void)pthread_mutex_unlock(&import->lock);
	return NULL;
}

/* The next free chunk, or NULL when it makes no sense to go on. */
static struct chunk *wait_for_free(struct import *import)
{
	struct chunk *chunk = &import->ring[import->filled % RING];
	(void)pthread_mutex_lock(&import->lock);
	while (chunk->state != CHUNK_FREE && import->err == ERR_OK) {
		(void)pthread_cond_wait(&import->changed, &import->lock);
	}
	bool is_good = import->err == ERR_OK;
	(void)pthread_mutex_unlock(&import->lock);
	return is_good ? chunk : NULL;
}

static void publish_chunk(struct import *import, struct chunk *chunk)
{
	(void)pthread_mutex_lock(&import->lock);
	chunk->state = CHUNK_FILLED;
	import->filled++;
	(void)pthread_cond_broadcast(&import->changed);
	(void)pthread_mutex_unlock(&import->lock);
}

struct feeder {
	struct import *import;
	struct chunk *chunk; /* being filled */
	struct buf line;     /* the beginning of a line that the last read cut */
	bool is_skipping;    /* the present line is too long */
};

static enum err feed_line(struct feeder *feeder, struct span line)
{
	struct import *import = feeder->import;
	if (line.len > 0 && line.at[line.len - 1] == '\r') {
		line.len--;
	}
	if (line.len == 0) {
		return ERR_OK;
	}
	import->totals.lines++;
	if (feeder->chunk == NULL) {
		feeder->chunk = wait_for_free(import);
		if (feeder->chunk == NULL) {
			return ERR_CLOSED;
		}
	}
	struct chunk *chunk = feeder->chunk;
	size_t at = chunk->text.len;
	enum err err = buf_append(&chunk->text, line);
	if (err != ERR_OK) {
		return err;
	}
	chunk->lines[chunk->count].at = at;
	chunk->lines[chunk->count++].len = line.len;
	if (chunk->count == CHUNK_LINES || chunk->text.len >= CHUNK_BYTES - LINE_BYTES_MAX) {
		publish_chunk(import, chunk);
		feeder->chunk = NULL;
	}
	return ERR_OK;
}

/* Add bytes to the present line; a line over the limit is counted as refused and not kept. */
static enum err gather(struct feeder *feeder, struct span bytes)
{
	if (!feeder->is_skipping && feeder->line.len + bytes.len > LINE_BYTES_MAX) {
		feeder->is_skipping = true;
		feeder->import->totals.lines++;
		(void)pthread_mutex_lock(&feeder->import->lock);
		feeder->import->totals.refused++;
		(void)pthread_mutex_unlock(&feeder->import->lock);
	}
	return feeder->is_skipping ? ERR_OK : buf_append(&feeder->line, bytes);
}

static enum err end_line(struct feeder *feeder)
{
	enum err err = feeder->is_skipping ? ERR_OK : feed_line(feeder, buf_span(&feeder->line));
	feeder->is_skipping = false;
	buf_clear(&feeder->line);
	return err;
}

static enum err feed_bytes(struct feeder *feeder, struct span bytes)
{
	enum err err = ERR_OK;
	while (err == ERR_OK && bytes.len > 0) {
		const uint8_t *end = memchr(bytes.at, '\n', bytes.len);
		size_t len = end == NULL ? bytes.len : (size_t)(end - bytes.at);
		if (end != NULL && feeder->line.len == 0 && !feeder->is_skipping &&
			len <= LINE_BYTES_MAX) {
			err = feed_line(
				feeder, span_take(bytes, len)); /* whole, as nearly always */
			bytes = span_skip(bytes, len + 1);
			continue;
		}
		err = gather(feeder, span_take(bytes, len));
		if (err == ERR_OK && end != NULL) {
			err = end_line(feeder);
		}
		bytes = span_skip(bytes, len + (end != NULL));
	}
	return err;
}

static enum err feed_file(struct import *import, int fd)
{
	struct feeder feeder = {.import = import, .line = BUF_INIT(LINE_BYTES_MAX)};
	uint8_t *block = malloc(READ_BYTES);
	enum err err = block == NULL ? ERR_NOMEM : ERR_OK;
	while (err == ERR_OK) {
		ssize_t count = read(fd, block, READ_BYTES);
		if (count < 0 && errno == EINTR) {
			continue;
		}
		if (count <= 0) {
			err = count < 0 ? ERR_IO : end_line(&feeder);
			break;
		}
		err = feed_bytes(&feeder, span_of(block, (size_t)count));
	}
	if (feeder.chunk != NULL) {
		publish_chunk(import, feeder.chunk);
	}
	free(block);
	buf_fini(&feeder.line);
	return err;
}

static enum err run(struct import *import, int fd)
{
	pthread_t threads[THREADS_MAX];
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	size_t wanted = cores < 1 ? 1 : cores > THREADS_MAX ? THREADS_MAX : (size_t)cores;
	size_t count = 0;
	while (count < wanted &&
		pthread_create(&threads[count], NULL, verify_thread, import) == 0) {
		count++;
	}
	enum err err = count == 0 ? ERR_NOMEM : feed_file(import, fd);
	(void)pthread_mutex_lock(&import->lock);
	import->is_over = true;
	(void)pthread_cond_broadcast(&import->changed);
	(void)pthread_mutex_unlock(&import->lock);
	for (size_t i = 0; i < count; i++) {
		(void)pthread_join(threads[i], NULL);
	}
	(void)pthread_mutex_lock(&import->lock);
	while (import->writing > 0) {
		(void)pthread_cond_wait(&import->changed, &import->lock);
	}
	(void)pthread_mutex_unlock(&import->lock);
	return import->err != ERR_OK ? import->err : err;
}

/* Timelines, threads and full text follow what is stored. */
static enum err wait_for_rows(const struct writer *writer)
{
	const struct timespec pause = {.tv_nsec = 5000000};
	while (writer_behind(writer) == WRITER_BEHIND_WORKS) {
		(void)nanosleep(&pause, NULL);
	}
	return writer_behind(writer) == WRITER_BEHIND_DONE ? ERR_OK : ERR_IO;
}

static double seconds_since(int64_t start_ms)
{
	return (double)(env_mono_ms(env_system()) - start_ms) / 1000;
}

/* `seconds` until everything was stored, `all` until it could be read and found too. */
static void print_totals(const struct totals *totals, double seconds, double all, bool is_json)
{
	const uint64_t *results = totals->results;
	(void)printf(is_json ? "{\"lines\":%" PRIu64 ",\"stored\":%" PRIu64 ",\"known\":%" PRIu64
			       ",\"gaps\":%" PRIu64 ",\"forked\":%" PRIu64 ",\"blocked\":%" PRIu64
			       ",\"refused\":%" PRIu64 ",\"seconds\":%.3f,\"seconds_all\":%.3f}\n"
			     : "%" PRIu64 " lines: %" PRIu64 " stored, %" PRIu64 " known, %" PRIu64
			       " after a gap, %" PRIu64 " of another branch, %" PRIu64
			       " by blocked authors, %" PRIu64
			       " refused; %.1f s, %.1f s with all that follows from them\n",
		totals->lines, results[APPEND_STORED], results[APPEND_KNOWN], results[APPEND_GAP],
		results[APPEND_FORKED], results[APPEND_NOT_WANTED], totals->refused, seconds, all);
}

static enum err import_into(const char *data, int fd, const uint8_t *hmac_key, bool is_json)
{
	struct local_writable local;
	char why[256] = "";
	struct import *import = calloc(1, sizeof(*import));
	if (import == NULL) {
		(void)cmd_fail("import", "there is no memory");
		return ERR_NOMEM;
	}
	import->hmac_key = hmac_key;
	enum err err = local_open_write("import", data, &local);
	if (err != ERR_OK) {
		free(import);
		return err;
	}
	(void)pthread_mutex_init(&import->lock, NULL);
	(void)pthread_cond_init(&import->changed, NULL);
	for (size_t i = 0; i < RING; i++) {
		import->ring[i].import = import;
		buf_init(&import->ring[i].text, CHUNK_BYTES + LINE_BYTES_MAX);
	}
	const struct writer_opts opts = {.store = local.store, .is_import = true};
	err = writer_start(&opts, &import->writer, why, sizeof(why));
	if (err != ERR_OK) {
		(void)cmd_fail("import", "%s", why);
	} else {
		int64_t start_ms = env_mono_ms(env_system());
		err = run(import, fd);
		enum err flushed = writer_flush(import->writer);
		err = err == ERR_OK ? flushed : err;
		double seconds = seconds_since(start_ms);
		if (err == ERR_OK) {
			err = wait_for_rows(import->writer);
		}
		print_totals(&import->totals, seconds, seconds_since(start_ms), is_json);
		writer_stop(import->writer);
	}
	if (err != ERR_OK && why[0] == '\0') {
		(void)cmd_fail(
			"import", "it stopped: %s; what was stored before is kept", err_text(err));
	}
	for (size_t i = 0; i < RING; i++) {
		buf_fini(&import->ring[i].text);
	}
	(void)pthread_cond_destroy(&import->changed);
	(void)pthread_mutex_destroy(&import->lock);
	free(import);
	local_close_write(&local);
	return err;
}

int cmd_import(int argc, char **argv)
{
	const char *data = NULL;
	bool is_json = false;
	const char *hmac = NULL;
	uint8_t room[HMAC_KEY_BYTES];
	const uint8_t *hmac_key = NULL;
	const struct cmd_option options[] = {{.name = "--data", .value = &data},
		{.name = "--hmac-key", .value = &hmac}, {.name = "--json", .flag = &is_json}};
	int plain = cmd_options("import", argc, argv, options, 3);
	if (plain < 0) {
		return EXIT_USAGE;
	}
	if (plain != 1) {
		return cmd_usage(cmd_find("import"), "give one file, or - for standard input");
	}
	if (local_hmac_key("import", hmac, room, &hmac_key) != ERR_OK) {
		return EXIT_USAGE;
	}
	int fd = strcmp(argv[1], "-") == 0 ? STDIN_FILENO : open(argv[1], O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		return cmd_fail("import", "%s cannot be opened: %s", argv[1], strerror(errno));
	}
	enum err err = import_into(data, fd, hmac_key, is_json);
	if (fd != STDIN_FILENO) {
		(void)close(fd);
	}
	return err == ERR_OK ? EXIT_GOOD : EXIT_BAD;
}
