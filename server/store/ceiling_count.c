/*
 * What the node takes of the disk. Files are counted as `du` counts them, by their blocks; of the
 * blobs, which may be many, by their rows. Inside the database nobody counts pages: what messages
 * take is told from some of them, spread evenly, and the rest is indexes. So the sum is right, and
 * the parts are close.
 */
#include "store/ceiling_inside.h"

#include "base/table.h"
#include "store/inside.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	SAMPLES = 16,
	SAMPLE_ROWS = 64,
	ROW_BYTES = 111, /* of a row of `messages` beside its body; see server/README.md */
	DEPTH_MAX = 8,
	PEOPLE_LOOKED_AT = 300,
};

QUERY(sql_ceiling_bounds, "SELECT coalesce((SELECT min(message) FROM messages), 0), "
			  "coalesce((SELECT max(message) FROM messages), 0)");
QUERY(sql_ceiling_messages, "SELECT n FROM figures WHERE name = 'messages'");
QUERY(sql_ceiling_sample, "SELECT count(*), total(bytes) FROM (SELECT length(body) AS bytes FROM "
			  "messages WHERE message >= ?1 ORDER BY message LIMIT 64)");
QUERY(sql_ceiling_sample_of,
	"SELECT count(*), total(bytes) FROM (SELECT length(body) AS bytes FROM "
	"messages WHERE feed = ?1 ORDER BY sequence DESC LIMIT 32)");
QUERY(sql_ceiling_pages,
	"SELECT c.page_count * s.page_size, f.freelist_count * s.page_size, a.auto_vacuum FROM "
	"pragma_page_count() c, pragma_page_size() s, pragma_freelist_count() f, "
	"pragma_auto_vacuum() a");
/* SCAN: what all of them take, in whole blocks. */
QUERY(sql_ceiling_blobs, "SELECT keep, total((bytes + 4095) / 4096 * 4096) FROM blobs GROUP BY "
			 "keep");
QUERY(sql_ceiling_of_feed,
	"SELECT f.feed, (SELECT count(*) FROM messages m WHERE m.feed = f.feed) FROM feeds f WHERE "
	"f.id = ?1");
/* SCAN: every feed, when somebody looks at the list. */
QUERY(sql_ceiling_largest,
	"SELECT f.feed, f.id, f.sequence + 1 - coalesce((SELECT below FROM let_go l WHERE l.feed = "
	"f.feed AND l.again < 2), 1) AS n FROM feeds f WHERE f.sequence > 0 ORDER BY n DESC LIMIT "
	"?1");
QUERY(sql_ceiling_id, "SELECT id FROM feeds WHERE feed = ?1");

struct pages {
	int64_t bytes, free_bytes;
	bool can_shrink;
};

static enum err read_pages(struct reader *reader, struct pages *out)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(reader->db, &sql_ceiling_pages, &stmt);
	if (err == ERR_OK) {
		err = db_step(reader->db, stmt);
	}
	if (err == ERR_OK) {
		out->bytes = sqlite3_column_int64(stmt, 0);
		out->free_bytes = sqlite3_column_int64(stmt, 1);
		out->can_shrink = sqlite3_column_int(stmt, 2) == 2;
		db_reset(stmt);
	}
	return err == ERR_NOT_FOUND ? ERR_IO : err;
}

/* Two numbers of one row; zeros when there is none. */
static enum err pair(
	struct reader *reader, const struct query *query, int64_t number, double out[static 2])
{
	sqlite3_stmt *stmt = NULL;
	out[0] = 0;
	out[1] = 0;
	enum err err = db_query(reader->db, query, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	if (sqlite3_bind_parameter_count(stmt) > 0) {
		db_int(stmt, 1, number);
	}
	err = db_step(reader->db, stmt);
	if (err == ERR_OK) {
		out[0] = sqlite3_column_double(stmt, 0);
		out[1] = sqlite3_column_count(stmt) > 1 ? sqlite3_column_double(stmt, 1) : 0;
		db_reset(stmt);
	}
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

enum err ceiling_average(struct reader *reader, struct ceiling_average *out)
{
	struct pages pages = {.bytes = 0};
	double bounds[2] = {0, 0};
	double all[2] = {0, 0};
	double count = 0;
	double bytes = 0;
	*out = (struct ceiling_average){.messages = 0};
	enum err err = read_pages(reader, &pages);
	if (err == ERR_OK) {
		err = pair(reader, &sql_ceiling_messages, 0, all);
	}
	if (err == ERR_OK) {
		err = pair(reader, &sql_ceiling_bounds, 0, bounds);
	}
	for (int i = 0; err == ERR_OK && i < SAMPLES && all[0] > 0; i++) {
		double some[2] = {0, 0};
		double at = bounds[0] + (bounds[1] - bounds[0]) * i / SAMPLES;
		err = pair(reader, &sql_ceiling_sample, (int64_t)at, some);
		count += some[0];
		bytes += some[1];
	}
	out->messages = all[0] > 0 ? (uint64_t)all[0] : 0;
	if (count > 0 && all[0] > 0) {
		out->body = bytes / count;
		out->row = out->body + ROW_BYTES;
		out->all = (double)(pages.bytes - pages.free_bytes) / all[0];
		out->row = out->row < out->all ? out->row : out->all;
	}
	return err;
}

/* Files. */

struct walk {
	int64_t classes[CEILING_CLASSES];
	int64_t wal;
};

static void count_dir(int at, const char *name, enum ceiling_class class, bool is_blobs, int depth,
	struct walk *walk)
{
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry = NULL;
	if (dir == NULL) {
		if (fd >= 0) {
			(void)close(fd);
		}
		return;
	}
	while ((entry = readdir(dir)) != NULL) {
		struct stat is;
		const char *found = entry->d_name;
		if (strcmp(found, ".") == 0 || strcmp(found, "..") == 0 ||
			fstatat(dirfd(dir), found, &is, AT_SYMLINK_NOFOLLOW) != 0) {
			continue;
		}
		enum ceiling_class what = class;
		if (depth == 0 &&
			(strcmp(found, "backups") == 0 || strcmp(found, "snapshots") == 0 ||
				strncmp(found, "replaced-", 9) == 0)) {
			what = CEILING_COPIES;
		} else if (depth == 0 && strncmp(found, "kith.db", 7) == 0) {
			what = CEILING_INDEXES; /* messages are taken out of it later */
		} else if (depth == 0 && strcmp(found, "reserve") == 0) {
			what = CEILING_RESERVE;
		}
		walk->classes[what] += (int64_t)is.st_blocks * 512;
		if (depth == 0 && strcmp(found, "kith.db-wal") == 0) {
			walk->wal = (int64_t)is.st_blocks * 512;
		}
		bool is_blob_folder = is_blobs && depth == 1;
		if (S_ISDIR(is.st_mode) && depth < DEPTH_MAX && !is_blob_folder) {
			count_dir(dirfd(dir), found, what,
				is_blobs || (depth == 0 && strcmp(found, "blobs") == 0), depth + 1,
				walk);
		}
	}
	(void)closedir(dir);
}

static bool add_blob(void *ctx, const struct blob_row *row, const struct ceiling_whose *whose)
{
	struct walk *walk = ctx;
	enum ceiling_class class = whose->hops == 0   ? CEILING_BLOBS_OWN
				   : whose->hops == 1 ? CEILING_BLOBS_NEAR
						      : CEILING_BLOBS_FAR;
	walk->classes[class] += ceiling_on_disk(row->bytes);
	return true;
}

static void split_database(
	const struct ceiling_average *average, struct walk *walk, struct ceiling_usage *out)
{
	int64_t file = walk->classes[CEILING_INDEXES];
	int64_t free_pages = out->free_pages < file ? out->free_pages : file;
	int64_t messages = (int64_t)((double)average->messages * average->row);
	messages = messages < file - free_pages ? messages : file - free_pages;
	walk->classes[CEILING_MESSAGES] += messages;
	walk->classes[CEILING_OTHER] += free_pages;
	walk->classes[CEILING_INDEXES] = file - free_pages - messages;
}

static enum err sum_blobs(struct reader *reader, struct walk *walk, int64_t *held)
{
	sqlite3_stmt *stmt = NULL;
	*held = 0;
	enum err err = db_query(reader->db, &sql_ceiling_blobs, &stmt);
	while (err == ERR_OK && (err = db_step(reader->db, stmt)) == ERR_OK) {
		int64_t bytes = sqlite3_column_int64(stmt, 1);
		walk->classes[CEILING_BLOBS_FAR] += bytes;
		*held += sqlite3_column_int(stmt, 0) == BLOB_FAR ? bytes : 0;
	}
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

/* `held` NULL: whose each blob is is looked at. */
static enum err usage(struct reader *reader, struct ceiling_usage *out, int64_t *held)
{
	struct ceiling_average average;
	struct pages pages = {.bytes = 0};
	struct walk walk = {.wal = 0};
	struct stat is;
	*out = (struct ceiling_usage){.used = 0};
	enum err err = reader_begin(reader);
	if (err == ERR_OK) {
		err = ceiling_average(reader, &average);
		err = err == ERR_OK ? read_pages(reader, &pages) : err;
		if (err == ERR_OK && held != NULL) {
			err = sum_blobs(reader, &walk, held);
		}
		err = reader_end(reader, err);
	}
	if (err == ERR_OK && held == NULL) {
		err = ceiling_each_blob(reader, add_blob, &walk);
	}
	if (err != ERR_OK) {
		return err;
	}
	out->free_pages = pages.free_bytes;
	out->can_shrink = pages.can_shrink;
	if (stat(store_dir(reader->store), &is) == 0) {
		walk.classes[CEILING_OTHER] += (int64_t)is.st_blocks * 512;
	}
	count_dir(AT_FDCWD, store_dir(reader->store), CEILING_OTHER, false, 0, &walk);
	split_database(&average, &walk, out);
	for (int i = 0; i < CEILING_CLASSES; i++) {
		out->classes[i] = walk.classes[i];
		out->used += walk.classes[i];
	}
	out->wal = walk.wal;
	out->disk_free = store_disk_free(reader->store);
	return ERR_OK;
}

enum err ceiling_usage(struct reader *reader, struct ceiling_usage *out)
{
	return usage(reader, out, NULL);
}

enum err ceiling_used(struct reader *reader, struct ceiling_usage *out, int64_t *held)
{
	return usage(reader, out, held);
}

/* People. */

struct counted {
	struct table *by_feed; /* struct ceiling_person by id */
	struct reader *reader;
	const struct blob_row *blob;
	enum err err;
};

static enum err id_of(struct reader *reader, int64_t feed, struct feed_id *out)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(reader->db, &sql_ceiling_id, &stmt);
	if (err == ERR_OK) {
		db_int(stmt, 1, feed);
		err = db_step(reader->db, stmt);
	}
	if (err == ERR_OK) {
		err = db_column_id(stmt, 0, out->at) ? ERR_OK : ERR_IO;
		db_reset(stmt);
	}
	return err;
}

static struct ceiling_person *person_at(struct counted *counted, const struct feed_id *id)
{
	struct ceiling_person *person = table_get(counted->by_feed, id->at);
	if (person == NULL) {
		person = calloc(1, sizeof(*person));
		if (person == NULL || table_put(counted->by_feed, id->at, person) != ERR_OK) {
			free(person);
			return NULL;
		}
		person->id = *id;
	}
	return person;
}

static void add_namer(void *ctx, int64_t feed)
{
	struct counted *counted = ctx;
	struct feed_id id;
	struct ceiling_person *person =
		id_of(counted->reader, feed, &id) == ERR_OK ? person_at(counted, &id) : NULL;
	if (person != NULL) {
		person->blobs++;
		person->blob_bytes += ceiling_on_disk(counted->blob->bytes);
	}
}

static bool add_blob_of(void *ctx, const struct blob_row *row)
{
	struct counted *counted = ctx;
	counted->blob = row;
	counted->err = ceiling_each_namer(counted->reader, &row->id, add_namer, counted);
	return counted->err == ERR_OK;
}

static int64_t bytes_of(
	const struct ceiling_average *average, const double sample[static 2], uint64_t messages)
{
	double each = sample[0] > 0 && average->body > 0
			      ? average->all * (sample[1] / sample[0]) / average->body
			      : average->all;
	return (int64_t)(each * (double)messages);
}

static enum err add_feeds(struct counted *counted, const struct ceiling_average *average)
{
	struct reader *reader = counted->reader;
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(reader->db, &sql_ceiling_largest, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_int(stmt, 1, PEOPLE_LOOKED_AT);
	while ((err = db_step(reader->db, stmt)) == ERR_OK) {
		struct feed_id id;
		double sample[2];
		struct ceiling_person *person =
			db_column_id(stmt, 1, id.at) ? person_at(counted, &id) : NULL;
		if (person == NULL) {
			continue;
		}
		int64_t n = sqlite3_column_int64(stmt, 2);
		err = pair(reader, &sql_ceiling_sample_of, sqlite3_column_int64(stmt, 0), sample);
		if (err != ERR_OK) {
			break;
		}
		person->messages = n > 0 ? (uint64_t)n : 0;
		person->bytes = bytes_of(average, sample, person->messages);
	}
	db_reset(stmt);
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static int by_size(const void *one, const void *two)
{
	const struct ceiling_person *a = one;
	const struct ceiling_person *b = two;
	int64_t x = a->bytes + a->blob_bytes;
	int64_t y = b->bytes + b->blob_bytes;
	return x != y ? (x > y ? -1 : 1) : memcmp(a->id.at, b->id.at, ID_BYTES);
}

/* Gives the largest, and frees all. */
static enum err give(struct table *by_feed, struct ceiling_person *out, size_t room, size_t *count)
{
	size_t cursor = 0;
	size_t total = table_count(by_feed);
	const uint8_t *id = NULL;
	void *value = NULL;
	size_t at = 0;
	struct ceiling_person *all = calloc(total + 1, sizeof(*all));
	while (table_next(by_feed, &cursor, &id, &value)) {
		struct ceiling_person *person = value;
		if (all != NULL && person->bytes + person->blob_bytes > 0) {
			all[at++] = *person;
		}
		free(person);
	}
	if (all == NULL) {
		return ERR_NOMEM;
	}
	qsort(all, at, sizeof(*all), by_size);
	*count = at < room ? at : room;
	memcpy(out, all, *count * sizeof(*out));
	free(all);
	return ERR_OK;
}

enum err ceiling_people(
	struct reader *reader, struct ceiling_person *out, size_t room, size_t *count)
{
	struct ceiling_average average;
	struct counted counted = {.reader = reader,
		.by_feed = table_new(store_env(reader->store), LIMIT_FEEDS_KNOWN)};
	*count = 0;
	if (counted.by_feed == NULL) {
		return ERR_NOMEM;
	}
	enum err err = reader_begin(reader);
	if (err == ERR_OK) {
		err = ceiling_average(reader, &average);
		err = reader_end(reader, err == ERR_OK ? add_feeds(&counted, &average) : err);
	}
	if (err == ERR_OK) {
		err = blobs_list(reader, NULL, add_blob_of, &counted);
		err = counted.err == ERR_OK ? err : counted.err;
	}
	enum err given = give(counted.by_feed, out, room, count);
	table_free(counted.by_feed);
	return err == ERR_OK ? given : err;
}

static bool add_own_blob(void *ctx, const struct blob_row *row)
{
	struct ceiling_person *person = ctx;
	person->blobs++;
	person->blob_bytes += ceiling_on_disk(row->bytes);
	return true;
}

enum err ceiling_person(struct reader *reader, const struct feed_id *id, struct ceiling_person *out)
{
	struct ceiling_average average;
	sqlite3_stmt *stmt = NULL;
	int64_t feed = 0;
	double sample[2];
	*out = (struct ceiling_person){.id = *id};
	enum err err = reader_begin(reader);
	if (err != ERR_OK) {
		return err;
	}
	err = ceiling_average(reader, &average);
	if (err == ERR_OK) {
		err = db_query(reader->db, &sql_ceiling_of_feed, &stmt);
	}
	if (err == ERR_OK) {
		db_blob(stmt, 1, span_of(id->at, ID_BYTES));
		err = db_step(reader->db, stmt);
	}
	if (err == ERR_OK) {
		feed = sqlite3_column_int64(stmt, 0);
		out->messages = (uint64_t)sqlite3_column_int64(stmt, 1);
		db_reset(stmt);
		err = pair(reader, &sql_ceiling_sample_of, feed, sample);
	}
	if (err == ERR_OK) {
		out->bytes = bytes_of(&average, sample, out->messages);
	}
	if (err == ERR_OK) {
		err = ceiling_each_blob_of(reader, feed, add_own_blob, out);
	}
	return reader_end(reader, err);
}
