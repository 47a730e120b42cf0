/*
 * Blobs in and out. A file is written under a name of its own and hashed on the way; when it is
 * whole and what it should be, it is synced and renamed, and then its row is committed. The other
 * way round the file goes first. Whoever changes a file or its row holds the lock of that id until
 * both are done, so that the two never part while the process lives.
 */
#include "store/blobs.h"

#include "base/file.h"
#include "base/log.h"
#include "feed/sniff.h"
#include "store/blobs_inside.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { REMOVE_AT_ONCE = 512 }; /* rows in one change */

struct blob_in {
	struct blobs *blobs;
	int fd;
	char name[BLOB_NEW_BYTES];
	crypto_hash_sha256_state hash;
	uint64_t bytes, bytes_max;
	bool is_expected;
	struct blob_id expected;
	enum blob_keep keep;
	bool is_draft;
	uint8_t head[LIMIT_SNIFF_BYTES];
	size_t head_len;
	enum err err; /* what went wrong while writing */
};

struct blob_out {
	int fd;
};

enum err blobs_start(struct store *store, struct writer *writer, struct blobs **out)
{
	struct blobs *blobs = calloc(1, sizeof(*blobs));
	uint8_t tag[4];
	if (blobs == NULL) {
		return ERR_NOMEM;
	}
	blobs->store = store;
	blobs->writer = writer;
	blobs->root = -1;
	const struct env *env = store_env(store);
	env->random(env->ctx, tag, sizeof(tag));
	hex_encode(span_of(tag, sizeof(tag)), blobs->tag);
	for (size_t i = 0; i < BLOBS_LOCKS; i++) {
		(void)pthread_mutex_init(&blobs->locks[i], NULL);
	}
	(void)pthread_mutex_init(&blobs->settled_lock, NULL);
	(void)pthread_cond_init(&blobs->settled_cond, NULL);
	enum err err = blob_files_open(blobs);
	if (err == ERR_OK) {
		err = blobs_tidy_start(blobs);
	}
	if (err != ERR_OK) {
		blobs_free(blobs);
		return err;
	}
	*out = blobs;
	return ERR_OK;
}

void blobs_stop(struct blobs *blobs)
{
	if (blobs == NULL) {
		return;
	}
	blobs_tidy_stop(blobs);
	/* Whoever is at the writer has a lock. */
	for (size_t i = 0; i < BLOBS_LOCKS; i++) {
		(void)pthread_mutex_lock(&blobs->locks[i]);
		(void)pthread_mutex_unlock(&blobs->locks[i]);
	}
}

void blobs_free(struct blobs *blobs)
{
	if (blobs == NULL) {
		return;
	}
	if (blobs->root >= 0) {
		(void)close(blobs->root);
	}
	for (size_t i = 0; i < BLOBS_LOCKS; i++) {
		(void)pthread_mutex_destroy(&blobs->locks[i]);
	}
	(void)pthread_cond_destroy(&blobs->settled_cond);
	(void)pthread_mutex_destroy(&blobs->settled_lock);
	free(blobs);
}

static bool has_room(const struct blobs *blobs, enum blob_keep keep)
{
	int64_t room = store_disk_free(blobs->store);
	int64_t floor = keep == BLOB_OWN ? LIMIT_DISK_FREE_OWN_BYTES : LIMIT_DISK_FREE_BLOBS_BYTES;
	return room < 0 || room >= floor;
}

/* The node's own ceiling (store/ceiling) holds others' back until something has gone. */
static bool is_below_ceiling(const struct blobs *blobs, const struct blob_in_opts *opts)
{
	uint64_t bytes = opts->bytes_max > 0 && opts->bytes_max < LIMIT_BLOB_BYTES
				 ? opts->bytes_max
				 : LIMIT_BLOB_BYTES;
	return opts->keep == BLOB_OWN || store_room_for(blobs->store, (int64_t)bytes);
}

enum err blobs_begin(struct blobs *blobs, const struct blob_in_opts *opts, struct blob_in **out)
{
	if (!has_room(blobs, opts->keep) || !is_below_ceiling(blobs, opts)) {
		return ERR_DISK_FULL;
	}
	struct blob_in *in = calloc(1, sizeof(*in));
	if (in == NULL) {
		return ERR_NOMEM;
	}
	in->blobs = blobs;
	in->keep = opts->keep;
	in->is_draft = opts->is_draft;
	in->bytes_max = LIMIT_BLOB_BYTES - 1;
	if (opts->bytes_max > 0 && opts->bytes_max < in->bytes_max) {
		in->bytes_max = opts->bytes_max;
	}
	if (opts->expected != NULL) {
		in->is_expected = true;
		in->expected = *opts->expected;
	}
	enum err err = crypto_hash_sha256_init(&in->hash) == 0 ? ERR_OK : ERR_IO;
	if (err == ERR_OK) {
		err = blob_file_new(blobs, in->name, &in->fd);
	}
	if (err != ERR_OK) {
		free(in);
		return err == ERR_NOT_FOUND ? ERR_IO : err;
	}
	*out = in;
	return ERR_OK;
}

static void keep_head(struct blob_in *in, struct span bytes)
{
	struct span part = span_take(bytes, sizeof(in->head) - in->head_len);
	if (part.len > 0) {
		memcpy(in->head + in->head_len, part.at, part.len);
		in->head_len += part.len;
	}
}

enum err blob_in_write(struct blob_in *in, struct span bytes)
{
	if (in->err == ERR_OK && bytes.len > in->bytes_max - in->bytes) {
		in->err = ERR_LIMIT;
	}
	if (in->err == ERR_OK && in->keep != BLOB_OWN && !store_room_is_left(in->blobs->store)) {
		in->err = ERR_DISK_FULL;
	}
	if (in->err == ERR_OK && bytes.len > 0) {
		store_room_take(in->blobs->store, (int64_t)bytes.len);
		if (crypto_hash_sha256_update(&in->hash, bytes.at, bytes.len) != 0) {
			in->err = ERR_IO;
		} else {
			in->err = file_write_all(in->fd, bytes);
		}
		keep_head(in, bytes);
		in->bytes += bytes.len;
	}
	return in->err;
}

void blob_in_abort(struct blob_in *in)
{
	if (in == NULL) {
		return;
	}
	(void)close(in->fd);
	blob_file_drop_new(in->blobs, in->name);
	free(in);
}

/* A lock is held, so that it is seen when the writer is going to stop. */
enum err blobs_change(struct blobs *blobs, const struct change *change)
{
	return atomic_load(&blobs->is_stopping) ? ERR_CLOSED
						: writer_change_wait(blobs->writer, change);
}

enum err blobs_put_row(struct blobs *blobs, const struct blob_row *row, bool is_draft)
{
	const struct change put = {.kind = CHANGE_BLOB_PUT,
		.blob = row->id,
		.number = (int64_t)row->bytes,
		.order = row->keep,
		.is_draft = is_draft,
		.name = span_text(row->type)};
	return blobs_change(blobs, &put);
}

/* Name the file, then put its row; nothing is left when the row is refused. */
static enum err keep(struct blob_in *in, const struct blob_row *row)
{
	struct blobs *blobs = in->blobs;
	bool was_there = false;
	(void)pthread_mutex_lock(blobs_lock_of(blobs, &row->id));
	enum err err = blob_file_keep(blobs, in->fd, in->name, &row->id, &was_there);
	if (err == ERR_OK) {
		err = blobs_put_row(blobs, row, in->is_draft);
		if (err != ERR_OK && err != ERR_TIMEOUT && !was_there) {
			(void)!blob_file_drop(blobs, &row->id);
		}
	}
	(void)pthread_mutex_unlock(blobs_lock_of(blobs, &row->id));
	return err;
}

enum err blob_in_finish(struct blob_in *in, struct blob_row *out)
{
	const struct env *env = store_env(in->blobs->store);
	struct blob_row row = {.bytes = in->bytes, .keep = in->keep};
	row.at_ms = row.used_ms = env_wall_ms(env);
	(void)snprintf(
		row.type, sizeof(row.type), "%s", sniff_type(span_of(in->head, in->head_len)));
	enum err err = in->err;
	if (err == ERR_OK && crypto_hash_sha256_final(&in->hash, row.id.at) != 0) {
		err = ERR_IO;
	}
	/* Nothing at all is no blob: peers tell a size above 0 when they have one. */
	if (err == ERR_OK &&
		(in->bytes == 0 || (in->is_expected && !blob_id_equal(&in->expected, &row.id)))) {
		err = ERR_REFUSED;
	}
	if (err == ERR_OK) {
		err = keep(in, &row);
	}
	if (err == ERR_OK && out != NULL) {
		*out = row;
	}
	/* Its name is another by now, or it is to go. */
	blob_in_abort(in);
	return err;
}

void blobs_mend(struct blobs *blobs, const struct blob_row *row)
{
	const struct change gone = {.kind = CHANGE_BLOBS_GONE, .blobs = &row->id, .blob_count = 1};
	const struct change want = {.kind = CHANGE_BLOB_WANT, .blob = row->id, .number = 1};
	LOG(store_env(blobs->store), LOG_WARN, "blobs.lost", LOG_NUM("bytes", (int64_t)row->bytes));
	enum err err =
		atomic_load(&blobs->is_stopping) ? ERR_CLOSED : blob_file_drop(blobs, &row->id);
	if (err == ERR_OK) {
		err = writer_change(blobs->writer, &gone);
	}
	if (err == ERR_OK && row->keep >= BLOB_READ) {
		err = writer_change(blobs->writer, &want);
	}
	if (err != ERR_OK) {
		/* It is found again: at the next start, or when it is asked for. */
		LOG(store_env(blobs->store), LOG_WARN, "blobs.not_mended",
			LOG_TEXT("why", err_text(err)));
	}
}

static enum err open_file(struct blobs *blobs, const struct blob_row *row, int *fd)
{
	uint64_t bytes = 0;
	enum err err = blob_file_open(blobs, &row->id, fd, &bytes);
	if (err == ERR_OK && bytes != row->bytes) {
		(void)close(*fd);
		return ERR_NOT_FOUND;
	}
	return err;
}

/* The row spoke of a file that is not there: look again while nobody else changes either. */
static enum err open_again(
	struct blobs *blobs, struct reader *reader, struct blob_row *row, int *fd)
{
	const struct blob_id id = row->id;
	(void)pthread_mutex_lock(blobs_lock_of(blobs, &id));
	enum err err = blobs_look(reader, &id, row);
	if (err == ERR_OK) {
		err = open_file(blobs, row, fd);
		if (err == ERR_NOT_FOUND) {
			blobs_mend(blobs, row);
		}
	}
	(void)pthread_mutex_unlock(blobs_lock_of(blobs, &id));
	return err;
}

enum err blobs_read(struct blobs *blobs, struct reader *reader, const struct blob_id *id,
	struct blob_row *row, struct blob_out **out)
{
	int fd = -1;
	enum err err = blobs_look(reader, id, row);
	if (err == ERR_OK) {
		err = open_file(blobs, row, &fd);
		if (err == ERR_NOT_FOUND) {
			err = open_again(blobs, reader, row, &fd);
		}
	}
	if (err != ERR_OK) {
		return err;
	}
	struct blob_out *opened = malloc(sizeof(*opened));
	if (opened == NULL) {
		(void)close(fd);
		return ERR_NOMEM;
	}
	opened->fd = fd;
	*out = opened;
	return ERR_OK;
}

enum err blob_out_read(
	const struct blob_out *out, uint64_t at, uint8_t *into, size_t room, size_t *got)
{
	return blob_file_read(out->fd, at, into, room, got);
}

int blob_out_take_fd(struct blob_out *out)
{
	int fd = out->fd;
	free(out);
	return fd;
}

void blob_out_close(struct blob_out *out)
{
	if (out != NULL) {
		(void)close(out->fd);
		free(out);
	}
}

/* The files that can go do; the rows of those that cannot stay. */
static enum err remove_some(struct blobs *blobs, const struct blob_id *ids, size_t count)
{
	struct blob_id gone[REMOVE_AT_ONCE];
	enum err failed = ERR_OK;
	struct change change = {.kind = CHANGE_BLOBS_GONE, .blobs = gone};
	for (size_t i = 0; i < BLOBS_LOCKS; i++) {
		(void)pthread_mutex_lock(&blobs->locks[i]);
	}
	for (size_t i = 0; i < count; i++) {
		enum err err = blob_file_drop(blobs, &ids[i]);
		if (err == ERR_OK) {
			gone[change.blob_count++] = ids[i];
		}
		failed = err == ERR_OK ? failed : err;
	}
	enum err err = change.blob_count == 0 ? ERR_OK : blobs_change(blobs, &change);
	for (size_t i = BLOBS_LOCKS; i > 0; i--) {
		(void)pthread_mutex_unlock(&blobs->locks[i - 1]);
	}
	return err == ERR_OK ? failed : err;
}

enum err blobs_remove(struct blobs *blobs, const struct blob_id *ids, size_t count)
{
	enum err err = ERR_OK;
	for (size_t done = 0; err == ERR_OK && done < count;) {
		size_t some = count - done < REMOVE_AT_ONCE ? count - done : REMOVE_AT_ONCE;
		err = remove_some(blobs, ids + done, some);
		done += some;
	}
	return err;
}

enum err blobs_want(
	struct blobs *blobs, struct reader *reader, const struct blob_id *id, bool is_on)
{
	const struct change want = {.kind = CHANGE_BLOB_WANT, .blob = *id, .number = is_on};
	struct blob_row row;
	int64_t at_ms = 0;
	(void)pthread_mutex_lock(blobs_lock_of(blobs, id));
	enum err err = blobs_change(blobs, &want);
	(void)pthread_mutex_unlock(blobs_lock_of(blobs, id));
	if (err != ERR_OK || !is_on) {
		return err;
	}
	err = blobs_wanted(reader, id, &at_ms);
	if (err == ERR_NOT_FOUND) {
		err = blobs_look(reader, id, &row);
	}
	return err == ERR_NOT_FOUND ? ERR_LIMIT : err;
}
