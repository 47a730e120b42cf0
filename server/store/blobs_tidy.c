/*
 * What a kill left, looked for once behind each start in a thread of its own: folder by folder the
 * names on the disk are compared with the rows. Nothing is read but directories, unless a file has
 * no row: that one is hashed. What differs is looked at again under its lock, as the node works
 * meanwhile.
 */
#include "base/log.h"
#include "feed/sniff.h"
#include "store/blobs_inside.h"
#include "store/reader_inside.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { HASH_CHUNK_BYTES = 65536 };

QUERY(sql_blob_ids, "SELECT id FROM blobs WHERE id >= ?1 AND id <= ?2 ORDER BY id");

struct id_list {
	struct blob_id *ids;
	size_t count, room;
};

static enum err list_add(void *ctx, const struct blob_id *id)
{
	struct id_list *list = ctx;
	if (list->count == list->room) {
		size_t room = list->room == 0 ? 64 : 2 * list->room;
		struct blob_id *grown = realloc(list->ids, room * sizeof(*grown));
		if (grown == NULL) {
			return ERR_NOMEM;
		}
		list->ids = grown;
		list->room = room;
	}
	list->ids[list->count++] = *id;
	return ERR_OK;
}

static int by_id(const void *a, const void *b)
{
	return memcmp(a, b, ID_BYTES);
}

static enum err list_rows(struct reader *reader, uint8_t first, struct id_list *list)
{
	struct blob_id from = {{first}};
	struct blob_id to;
	sqlite3_stmt *stmt = NULL;
	memset(to.at, 0xff, sizeof(to.at));
	to.at[0] = first;
	enum err err = reader_begin(reader);
	if (err != ERR_OK) {
		return err;
	}
	err = db_query(reader->db, &sql_blob_ids, &stmt);
	if (err == ERR_OK) {
		db_blob(stmt, 1, span_of(from.at, ID_BYTES));
		db_blob(stmt, 2, span_of(to.at, ID_BYTES));
	}
	while (err == ERR_OK && (err = db_step(reader->db, stmt)) == ERR_OK) {
		struct blob_id id = {{0}};
		err = db_column_id(stmt, 0, id.at) ? list_add(list, &id) : ERR_OK;
	}
	if (stmt != NULL) {
		db_reset(stmt);
	}
	return reader_end(reader, err == ERR_NOT_FOUND ? ERR_OK : err);
}

/* Is the file what its name says? `row` gets its length and type. */
static enum err hash_file(int fd, struct blob_row *row, bool *is_so)
{
	crypto_hash_sha256_state state;
	struct blob_id is;
	size_t got = 0;
	uint8_t *chunk = malloc(HASH_CHUNK_BYTES);
	if (chunk == NULL) {
		return ERR_NOMEM;
	}
	enum err err = crypto_hash_sha256_init(&state) == 0 ? ERR_OK : ERR_IO;
	for (uint64_t at = 0; err == ERR_OK && at < row->bytes; at += got) {
		err = blob_file_read(fd, at, chunk, HASH_CHUNK_BYTES, &got);
		if (err == ERR_OK && (got == 0 || crypto_hash_sha256_update(&state, chunk, got))) {
			err = ERR_IO;
		}
		if (err == ERR_OK && at == 0) {
			(void)snprintf(row->type, sizeof(row->type), "%s",
				sniff_type(span_of(chunk, got)));
		}
	}
	if (err == ERR_OK && crypto_hash_sha256_final(&state, is.at) != 0) {
		err = ERR_IO;
	}
	free(chunk);
	*is_so = err == ERR_OK && blob_id_equal(&is, &row->id);
	return err;
}

/* A file that has no row: it counts when it is whole, and goes when it is not. */
static enum err adopt(struct blobs *blobs, const struct blob_id *id)
{
	struct blob_row row = {.id = *id, .keep = BLOB_FAR};
	bool is_so = false;
	int fd = -1;
	enum err err = blob_file_open(blobs, id, &fd, &row.bytes);
	if (err != ERR_OK) {
		return err == ERR_NOT_FOUND ? ERR_OK : err;
	}
	if (row.bytes > 0 && row.bytes < LIMIT_BLOB_BYTES) {
		err = hash_file(fd, &row, &is_so);
	}
	(void)close(fd);
	if (err != ERR_OK) {
		return err;
	}
	LOG(store_env(blobs->store), LOG_INFO, "blobs.found", LOG_NUM("bytes", (int64_t)row.bytes),
		LOG_NUM("whole", is_so));
	return is_so ? blobs_put_row(blobs, &row, false) : blob_file_drop(blobs, id);
}

/* File or row stood alone when the lists were made. */
static enum err look_again(struct blobs *blobs, struct reader *reader, const struct blob_id *id)
{
	struct blob_row row;
	uint64_t bytes = 0;
	int fd = -1;
	(void)pthread_mutex_lock(blobs_lock_of(blobs, id));
	enum err err = blobs_look(reader, id, &row);
	if (err == ERR_NOT_FOUND) {
		err = adopt(blobs, id);
	} else if (err == ERR_OK) {
		err = blob_file_open(blobs, id, &fd, &bytes);
		if (err == ERR_NOT_FOUND) {
			blobs_mend(blobs, &row);
			err = ERR_OK;
		}
		if (fd >= 0) {
			(void)close(fd);
		}
	}
	(void)pthread_mutex_unlock(blobs_lock_of(blobs, id));
	return err;
}

/* Both lists are sorted: what is in one of them only is looked at. */
static enum err compare(struct blobs *blobs, struct reader *reader, const struct id_list *files,
	const struct id_list *rows)
{
	enum err err = ERR_OK;
	size_t i = 0;
	size_t k = 0;
	while (err == ERR_OK && (i < files->count || k < rows->count) &&
		!atomic_load(&blobs->is_stopping)) {
		int order = i == files->count  ? 1
			    : k == rows->count ? -1
					       : by_id(&files->ids[i], &rows->ids[k]);
		if (order != 0) {
			err = look_again(blobs, reader, order < 0 ? &files->ids[i] : &rows->ids[k]);
		}
		i += order <= 0;
		k += order >= 0;
	}
	return err;
}

static enum err tidy_folder(struct blobs *blobs, struct reader *reader, uint8_t first)
{
	struct id_list files = {0};
	struct id_list rows = {0};
	enum err err = blob_files_list(blobs, first, list_add, &files);
	if (err == ERR_OK) {
		err = list_rows(reader, first, &rows);
	}
	if (err == ERR_OK) {
		if (files.count > 1) {
			qsort(files.ids, files.count, sizeof(*files.ids), by_id);
		}
		err = compare(blobs, reader, &files, &rows);
	}
	free(files.ids);
	free(rows.ids);
	return err;
}

static void *tidy_main(void *ctx)
{
	struct blobs *blobs = ctx;
	struct reader *reader = NULL;
	blob_files_drop_left(blobs);
	enum err err = reader_open(blobs->store, &reader);
	for (int first = 0; err == ERR_OK && first < BLOBS_FOLDERS; first++) {
		if (atomic_load(&blobs->is_stopping)) {
			break;
		}
		err = tidy_folder(blobs, reader, (uint8_t)first);
	}
	reader_close(reader);
	if (err != ERR_OK) {
		/* The next start looks again; until then what has no row is not served. */
		LOG(store_env(blobs->store), LOG_WARN, "blobs.tidy",
			LOG_TEXT("why", err_text(err)));
	}
	(void)pthread_mutex_lock(&blobs->settled_lock);
	blobs->is_settled = true;
	(void)pthread_cond_broadcast(&blobs->settled_cond);
	(void)pthread_mutex_unlock(&blobs->settled_lock);
	return NULL;
}

enum err blobs_tidy_start(struct blobs *blobs)
{
	if (pthread_create(&blobs->tidy, NULL, tidy_main, blobs) != 0) {
		return ERR_NOMEM;
	}
	blobs->has_tidy = true;
	return ERR_OK;
}

void blobs_tidy_stop(struct blobs *blobs)
{
	atomic_store(&blobs->is_stopping, true);
	if (blobs->has_tidy) {
		(void)pthread_join(blobs->tidy, NULL);
		blobs->has_tidy = false;
	}
}

void blobs_settled(struct blobs *blobs)
{
	(void)pthread_mutex_lock(&blobs->settled_lock);
	while (!blobs->is_settled) {
		(void)pthread_cond_wait(&blobs->settled_cond, &blobs->settled_lock);
	}
	(void)pthread_mutex_unlock(&blobs->settled_lock);
}
