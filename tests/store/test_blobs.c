/* store/blobs: a blob is whole or not here, whatever happened; who asked for it hears of it; what
 * is left of a kill is put right. */
#include "lib/cmocka.h"
#include "lib/shelf.h"

#include "base/limits.h"
#include "store/blobs_inside.h"

#include <dirent.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct rig {
	struct shelf shelf;
	struct blobs *blobs;
};

static void open_blobs(struct rig *rig)
{
	assert_int_equal(blobs_start(rig->shelf.store, rig->shelf.writer, &rig->blobs), ERR_OK);
	blobs_settled(rig->blobs);
}

static void close_blobs(struct rig *rig)
{
	blobs_stop(rig->blobs);
	blobs_free(rig->blobs);
}

/* Stop and start, as after a kill: what `meanwhile` does to the directory is found. */
static void restart(struct rig *rig, void (*meanwhile)(struct rig *rig, const struct blob_id *id),
	const struct blob_id *id)
{
	close_blobs(rig);
	shelf_close(&rig->shelf);
	meanwhile(rig, id);
	shelf_open(&rig->shelf);
	open_blobs(rig);
}

static int set_up(void **state)
{
	struct rig *rig = calloc(1, sizeof(*rig));
	assert_non_null(rig);
	shelf_init(&rig->shelf);
	open_blobs(rig);
	*state = rig;
	return 0;
}

static int tear_down(void **state)
{
	struct rig *rig = *state;
	close_blobs(rig);
	shelf_fini(&rig->shelf);
	free(rig);
	return 0;
}

/* `count` bytes that differ with `seed`, and their id. */
static uint8_t *make(size_t count, uint8_t seed, struct blob_id *id)
{
	uint8_t *bytes = malloc(count + 1);
	const uint8_t key[randombytes_SEEDBYTES] = {seed};
	assert_non_null(bytes);
	randombytes_buf_deterministic(bytes, count, key);
	assert_int_equal(crypto_hash_sha256(id->at, bytes, count), 0);
	return bytes;
}

static enum err write_in_pieces(struct blob_in *in, const uint8_t *bytes, size_t count)
{
	enum err err = ERR_OK;
	for (size_t at = 0; err == ERR_OK && at < count; at += 65536) {
		err = blob_in_write(in, span_take(span_of(bytes + at, count - at), 65536));
	}
	return err;
}

static enum err put(struct rig *rig, const struct blob_in_opts *opts, const uint8_t *bytes,
	size_t count, struct blob_row *row)
{
	struct blob_in *in = NULL;
	enum err err = blobs_begin(rig->blobs, opts, &in);
	if (err != ERR_OK) {
		return err;
	}
	err = write_in_pieces(in, bytes, count);
	if (err != ERR_OK) {
		blob_in_abort(in);
		return err;
	}
	return blob_in_finish(in, row);
}

/* A blob of `count` bytes that is here from now on. */
static struct blob_id have(struct rig *rig, size_t count, uint8_t seed, enum blob_keep keep)
{
	const struct blob_in_opts opts = {.keep = keep};
	struct blob_id id;
	struct blob_row row;
	uint8_t *bytes = make(count, seed, &id);
	assert_int_equal(put(rig, &opts, bytes, count, &row), ERR_OK);
	assert_true(blob_id_equal(&row.id, &id));
	assert_int_equal(row.bytes, count);
	free(bytes);
	return id;
}

/* All of it, hashed anew. */
static void assert_whole(struct rig *rig, const struct blob_id *id)
{
	struct blob_row row;
	struct blob_out *out = NULL;
	struct blob_id is;
	size_t got = 0;
	assert_int_equal(blobs_read(rig->blobs, rig->shelf.reader, id, &row, &out), ERR_OK);
	uint8_t *bytes = malloc(row.bytes + 1);
	assert_non_null(bytes);
	assert_int_equal(blob_out_read(out, 0, bytes, row.bytes + 1, &got), ERR_OK);
	assert_int_equal(got, row.bytes);
	assert_int_equal(crypto_hash_sha256(is.at, bytes, got), 0);
	assert_true(blob_id_equal(&is, id));
	blob_out_close(out);
	free(bytes);
}

static void assert_gone(struct rig *rig, const struct blob_id *id)
{
	struct blob_row row;
	struct blob_out *out = NULL;
	assert_int_equal(blobs_look(rig->shelf.reader, id, &row), ERR_NOT_FOUND);
	assert_int_equal(blobs_read(rig->blobs, rig->shelf.reader, id, &row, &out), ERR_NOT_FOUND);
}

static void path_of(const struct rig *rig, const struct blob_id *id, char path[static 256])
{
	char hex[2 * ID_BYTES + 1];
	hex_encode(span_of(id->at, ID_BYTES), hex);
	(void)snprintf(path, 256, "%s/blobs/%.2s/%s", rig->shelf.dir, hex, hex + 2);
}

/* Files in the folder that are no finished blob. */
static size_t unfinished(const struct rig *rig)
{
	char path[256];
	size_t count = 0;
	(void)snprintf(path, sizeof(path), "%s/blobs", rig->shelf.dir);
	DIR *dir = opendir(path);
	assert_non_null(dir);
	for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
		count += strncmp(entry->d_name, "new-", 4) == 0;
	}
	(void)closedir(dir);
	return count;
}

static void what_was_put_is_read_whole_and_in_ranges(void **state)
{
	struct rig *rig = *state;
	struct blob_row row;
	struct blob_out *out = NULL;
	uint8_t some[100];
	size_t got = 0;
	struct blob_id id;
	uint8_t *bytes = make(200000, 1, &id);
	const struct blob_id same = have(rig, 200000, 1, BLOB_OWN);
	assert_true(blob_id_equal(&id, &same));
	assert_whole(rig, &id);
	assert_int_equal(blobs_read(rig->blobs, rig->shelf.reader, &id, &row, &out), ERR_OK);
	assert_int_equal(row.keep, BLOB_OWN);
	assert_int_equal(blob_out_read(out, 65500, some, sizeof(some), &got), ERR_OK);
	assert_int_equal(got, sizeof(some));
	assert_memory_equal(some, bytes + 65500, sizeof(some));
	assert_int_equal(blob_out_read(out, 199990, some, sizeof(some), &got), ERR_OK);
	assert_int_equal(got, 10);
	assert_int_equal(blob_out_read(out, 1000000, some, sizeof(some), &got), ERR_OK);
	assert_int_equal(got, 0);
	/* It is read on while it goes. */
	assert_int_equal(blobs_remove(rig->blobs, &id, 1), ERR_OK);
	assert_int_equal(blob_out_read(out, 0, some, sizeof(some), &got), ERR_OK);
	assert_memory_equal(some, bytes, sizeof(some));
	blob_out_close(out);
	free(bytes);
	assert_gone(rig, &id);
}

static void a_blob_is_shorter_than_the_limit(void **state)
{
	struct rig *rig = *state;
	const struct blob_in_opts opts = {.keep = BLOB_FAR};
	struct blob_id id;
	uint8_t *bytes = make(LIMIT_BLOB_BYTES, 2, &id);
	assert_int_equal(put(rig, &opts, bytes, LIMIT_BLOB_BYTES, NULL), ERR_LIMIT);
	assert_gone(rig, &id);
	assert_int_equal(put(rig, &opts, bytes, LIMIT_BLOB_BYTES - 1, NULL), ERR_OK);
	assert_int_equal(put(rig, &opts, bytes, 0, NULL), ERR_REFUSED);
	free(bytes);
}

static void an_endless_one_is_refused_where_it_is_too_long(void **state)
{
	struct rig *rig = *state;
	const struct blob_in_opts opts = {.bytes_max = 1000};
	struct blob_in *in = NULL;
	uint8_t some[100] = {0};
	assert_int_equal(blobs_begin(rig->blobs, &opts, &in), ERR_OK);
	for (int i = 0; i < 10; i++) {
		assert_int_equal(blob_in_write(in, span_of(some, sizeof(some))), ERR_OK);
	}
	for (int i = 0; i < 10000; i++) {
		assert_int_equal(blob_in_write(in, span_of(some, sizeof(some))), ERR_LIMIT);
	}
	/* Also when its writer did not look. */
	assert_int_equal(blob_in_finish(in, NULL), ERR_LIMIT);
	assert_int_equal(unfinished(rig), 0);
}

static void another_hash_than_the_expected_one_leaves_nothing(void **state)
{
	struct rig *rig = *state;
	struct blob_id id;
	struct blob_id other;
	uint8_t *bytes = make(70000, 3, &id);
	free(make(70000, 4, &other));
	const struct blob_in_opts wrong = {.expected = &other};
	const struct blob_in_opts right = {.expected = &id};
	assert_int_equal(put(rig, &wrong, bytes, 70000, NULL), ERR_REFUSED);
	assert_gone(rig, &id);
	assert_gone(rig, &other);
	assert_int_equal(unfinished(rig), 0);
	assert_int_equal(put(rig, &right, bytes, 70000, NULL), ERR_OK);
	assert_whole(rig, &id);
	free(bytes);
}

static void what_is_wanted_is_told_when_it_comes_and_kept_for_reading(void **state)
{
	struct rig *rig = *state;
	struct shelf *shelf = &rig->shelf;
	struct blob_row row;
	int64_t at_ms = 0;
	struct blob_id id;
	free(make(5000, 5, &id));
	assert_int_equal(blobs_want(rig->blobs, shelf->reader, &id, true), ERR_OK);
	assert_int_equal(blobs_want(rig->blobs, shelf->reader, &id, true), ERR_OK);
	assert_int_equal(shelf->blobs[BLOB_WANTED], 1);
	assert_int_equal(blobs_wanted(shelf->reader, &id, &at_ms), ERR_OK);
	assert_int_equal(at_ms, shelf->wall_ms);
	(void)have(rig, 5000, 5, BLOB_FAR);
	assert_int_equal(shelf->blobs[BLOB_CAME], 1);
	assert_true(shelf->last_blob.was_wanted);
	assert_int_equal(shelf->last_blob.bytes, 5000);
	assert_int_equal(blobs_wanted(shelf->reader, &id, &at_ms), ERR_NOT_FOUND);
	assert_int_equal(blobs_look(shelf->reader, &id, &row), ERR_OK);
	assert_int_equal(row.keep, BLOB_READ);
	/* Again, and as less: nothing is news, and it is kept as it was. */
	(void)have(rig, 5000, 5, BLOB_FAR);
	assert_int_equal(shelf->blobs[BLOB_CAME], 1);
	assert_int_equal(blobs_look(shelf->reader, &id, &row), ERR_OK);
	assert_int_equal(row.keep, BLOB_READ);
	/* What is here is not wanted. */
	assert_int_equal(blobs_want(rig->blobs, shelf->reader, &id, true), ERR_OK);
	assert_int_equal(shelf->blobs[BLOB_WANTED], 1);
}

static void wants_have_an_end(void **state)
{
	struct rig *rig = *state;
	struct change want = {.kind = CHANGE_BLOB_WANT, .number = 1};
	for (int i = 0; i < LIMIT_BLOB_WANTS; i++) {
		want.blob.at[0] = (uint8_t)i;
		want.blob.at[1] = (uint8_t)(i >> 8);
		enum err err = ERR_BUSY;
		while (err == ERR_BUSY) { /* the queue is shorter than this crowd */
			err = writer_change(rig->shelf.writer, &want);
		}
		assert_int_equal(err, ERR_OK);
	}
	while (writer_change_wait(rig->shelf.writer, &want) == ERR_BUSY) {
	}
	const struct blob_id one_more = {{1, 2, 3, 4}};
	assert_int_equal(blobs_want(rig->blobs, rig->shelf.reader, &one_more, true), ERR_LIMIT);
	want.number = 0;
	assert_int_equal(writer_change_wait(rig->shelf.writer, &want), ERR_OK);
	assert_int_equal(blobs_want(rig->blobs, rig->shelf.reader, &one_more, true), ERR_OK);
}

struct listed {
	size_t count, stop_at;
	struct blob_row last;
};

static bool on_row(void *ctx, const struct blob_row *row)
{
	struct listed *listed = ctx;
	if (listed->count > 0) {
		assert_true(memcmp(listed->last.id.at, row->id.at, ID_BYTES) < 0);
	}
	listed->last = *row;
	return ++listed->count != listed->stop_at;
}

static bool on_unused(void *ctx, const struct blob_row *row)
{
	struct listed *listed = ctx;
	assert_true(listed->count == 0 || listed->last.used_ms <= row->used_ms);
	listed->last = *row;
	return ++listed->count != listed->stop_at;
}

static void they_are_listed_summed_and_removed(void **state)
{
	struct rig *rig = *state;
	struct reader *reader = rig->shelf.reader;
	struct listed all = {0};
	struct listed few = {.stop_at = 3};
	struct listed far = {0};
	struct blob_sums sums;
	struct blob_id ids[8];
	for (uint8_t i = 0; i < 8; i++) {
		ids[i] = have(rig, 1000U + i, (uint8_t)(10 + i), i % 2 == 0 ? BLOB_FAR : BLOB_OWN);
		rig->shelf.wall_ms += 3600000;
	}
	assert_int_equal(blobs_list(reader, NULL, on_row, &all), ERR_OK);
	assert_int_equal(all.count, 8);
	assert_int_equal(blobs_list(reader, NULL, on_row, &few), ERR_OK);
	assert_int_equal(few.count, 3);
	assert_int_equal(blobs_unused(reader, BLOB_FAR, on_unused, &far), ERR_OK);
	assert_int_equal(far.count, 4);
	assert_true(blob_id_equal(&far.last.id, &ids[6]));
	assert_int_equal(blobs_sum(reader, &sums), ERR_OK);
	assert_int_equal(sums.count[BLOB_FAR], 4);
	assert_int_equal(sums.bytes[BLOB_FAR], 1000 + 1002 + 1004 + 1006);
	assert_int_equal(sums.count[BLOB_READ], 0);
	/* Seen by the owner: it goes last. */
	const struct change used = {.kind = CHANGE_BLOB_USED, .blob = ids[0]};
	assert_int_equal(writer_change_wait(rig->shelf.writer, &used), ERR_OK);
	far = (struct listed){0};
	assert_int_equal(blobs_unused(reader, BLOB_FAR, on_unused, &far), ERR_OK);
	assert_true(blob_id_equal(&far.last.id, &ids[0]));
	assert_int_equal(blobs_remove(rig->blobs, ids, 8), ERR_OK);
	assert_int_equal(blobs_remove(rig->blobs, ids, 8), ERR_OK);
	assert_int_equal(rig->shelf.blobs[BLOB_GONE], 8);
	assert_int_equal(blobs_sum(reader, &sums), ERR_OK);
	assert_int_equal(sums.count[BLOB_FAR] + sums.count[BLOB_OWN], 0);
}

static void what_is_offered_is_ours_and_here(void **state)
{
	struct rig *rig = *state;
	struct blob_row row;
	const struct blob_id id = have(rig, 300, 30, BLOB_FAR);
	struct change change = {.kind = CHANGE_BLOB_OFFER, .blob = id};
	assert_int_equal(writer_change_wait(rig->shelf.writer, &change), ERR_OK);
	assert_int_equal(writer_change_wait(rig->shelf.writer, &change), ERR_OK);
	assert_int_equal(rig->shelf.blobs[BLOB_OFFERED], 1);
	assert_int_equal(blobs_look(rig->shelf.reader, &id, &row), ERR_OK);
	assert_int_equal(row.keep, BLOB_OWN);
	change.blob.at[0] ^= 1;
	assert_int_equal(writer_change_wait(rig->shelf.writer, &change), ERR_OK);
	assert_int_equal(rig->shelf.blobs[BLOB_OFFERED], 1);
	char *rows = shelf_dump(&rig->shelf, "SELECT count(*) FROM blob_pushes");
	assert_string_equal(rows, "1|");
	free(rows);
}

/* --- What a kill leaves. --- */

static void forget_row(struct rig *rig, const struct blob_id *id)
{
	struct db *db = NULL;
	char path[128];
	(void)id;
	(void)snprintf(path, sizeof(path), "%s/kith.db", rig->shelf.dir);
	assert_int_equal(db_open(path, DB_WRITER, &rig->shelf.env, &db), ERR_OK);
	assert_int_equal(db_exec(db, "DELETE FROM blobs"), ERR_OK);
	db_close(db);
}

static void forget_row_and_tear(struct rig *rig, const struct blob_id *id)
{
	char path[256];
	forget_row(rig, id);
	path_of(rig, id, path);
	int fd = open(path, O_WRONLY);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, "torn", 4, 4096), 4);
	assert_int_equal(close(fd), 0);
}

static void lose_file(struct rig *rig, const struct blob_id *id)
{
	char path[256];
	path_of(rig, id, path);
	assert_int_equal(unlink(path), 0);
}

static void cut_file(struct rig *rig, const struct blob_id *id)
{
	char path[256];
	path_of(rig, id, path);
	assert_int_equal(truncate(path, 100), 0);
}

static void put_link(struct rig *rig, const struct blob_id *id)
{
	char path[256];
	lose_file(rig, id);
	path_of(rig, id, path);
	assert_int_equal(symlink("/etc/hostname", path), 0);
}

static void leave_unfinished(struct rig *rig, const struct blob_id *id)
{
	char path[256];
	(void)id;
	(void)snprintf(path, sizeof(path), "%s/blobs/new-00112233-7", rig->shelf.dir);
	int fd = open(path, O_WRONLY | O_CREAT, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "half", 4), 4);
	assert_int_equal(close(fd), 0);
}

static void a_whole_file_without_a_row_counts_again(void **state)
{
	struct rig *rig = *state;
	const struct blob_id id = have(rig, 9000, 40, BLOB_READ);
	restart(rig, forget_row, &id);
	assert_whole(rig, &id);
}

static void a_torn_file_without_a_row_is_never_served(void **state)
{
	struct rig *rig = *state;
	char path[256];
	const struct blob_id id = have(rig, 9000, 41, BLOB_READ);
	restart(rig, forget_row_and_tear, &id);
	assert_gone(rig, &id);
	path_of(rig, &id, path);
	assert_int_not_equal(access(path, F_OK), 0);
}

static void what_the_owner_had_and_is_lost_is_wanted_again(void **state)
{
	struct rig *rig = *state;
	int64_t at_ms = 0;
	const struct blob_id read = have(rig, 9000, 42, BLOB_READ);
	const struct blob_id far = have(rig, 9000, 43, BLOB_FAR);
	lose_file(rig, &far);
	restart(rig, lose_file, &read);
	assert_int_equal(writer_flush(rig->shelf.writer), ERR_OK);
	assert_gone(rig, &read);
	assert_gone(rig, &far);
	assert_int_equal(blobs_wanted(rig->shelf.reader, &read, &at_ms), ERR_OK);
	assert_int_equal(blobs_wanted(rig->shelf.reader, &far, &at_ms), ERR_NOT_FOUND);
}

static void a_file_that_lost_its_end_is_not_served(void **state)
{
	struct rig *rig = *state;
	struct blob_row row;
	struct blob_out *out = NULL;
	int64_t at_ms = 0;
	const struct blob_id id = have(rig, 9000, 44, BLOB_READ);
	cut_file(rig, &id);
	assert_int_equal(blobs_read(rig->blobs, rig->shelf.reader, &id, &row, &out), ERR_NOT_FOUND);
	assert_int_equal(writer_flush(rig->shelf.writer), ERR_OK);
	assert_gone(rig, &id);
	assert_int_equal(blobs_wanted(rig->shelf.reader, &id, &at_ms), ERR_OK);
	/* … and comes again. */
	(void)have(rig, 9000, 44, BLOB_FAR);
	assert_whole(rig, &id);
}

static void a_link_in_place_of_a_blob_leads_nowhere(void **state)
{
	struct rig *rig = *state;
	struct blob_row row;
	struct blob_out *out = NULL;
	const struct blob_id id = have(rig, 9000, 45, BLOB_READ);
	put_link(rig, &id);
	assert_int_not_equal(blobs_read(rig->blobs, rig->shelf.reader, &id, &row, &out), ERR_OK);
	(void)have(rig, 9000, 45, BLOB_READ);
	assert_whole(rig, &id);
}

static void what_was_not_finished_is_gone_after_a_start(void **state)
{
	struct rig *rig = *state;
	struct blob_in *in = NULL;
	const struct blob_id id = have(rig, 9000, 46, BLOB_READ);
	restart(rig, leave_unfinished, &id);
	assert_int_equal(unfinished(rig), 0);
	assert_whole(rig, &id);
	/* What is being written now is another matter. */
	assert_int_equal(blobs_begin(rig->blobs, &(struct blob_in_opts){.keep = 0}, &in), ERR_OK);
	blob_files_drop_left(rig->blobs);
	assert_int_equal(unfinished(rig), 1);
	blob_in_abort(in);
	assert_int_equal(unfinished(rig), 0);
}

static void nobody_else_may_look(void **state)
{
	struct rig *rig = *state;
	struct stat is;
	char path[256];
	const struct blob_id id = have(rig, 100, 47, BLOB_OWN);
	path_of(rig, &id, path);
	assert_int_equal(stat(path, &is), 0);
	assert_int_equal(is.st_mode & 07777, 0600);
	*strrchr(path, '/') = '\0';
	assert_int_equal(stat(path, &is), 0);
	assert_int_equal(is.st_mode & 07777, 0700);
	*strrchr(path, '/') = '\0';
	assert_int_equal(stat(path, &is), 0);
	assert_int_equal(is.st_mode & 07777, 0700);
}

/* --- Many at once. --- */

enum { CROWD = 6, CROWD_BLOBS = 20 };

struct crowd {
	struct rig *rig;
	uint8_t number;
};

static void *put_and_remove(void *ctx)
{
	const struct crowd *one = ctx;
	for (uint8_t i = 0; i < CROWD_BLOBS; i++) {
		struct blob_id id;
		struct blob_row row;
		/* The same blobs in all threads. */
		uint8_t *bytes = make(20000, (uint8_t)(100 + i), &id);
		assert_int_equal(
			put(one->rig, &(struct blob_in_opts){.expected = &id}, bytes, 20000, &row),
			ERR_OK);
		free(bytes);
		if ((i + one->number) % 3 == 0) {
			assert_int_equal(blobs_remove(one->rig->blobs, &id, 1), ERR_OK);
		}
	}
	return NULL;
}

static void file_and_row_never_part(void **state)
{
	struct rig *rig = *state;
	pthread_t threads[CROWD];
	struct crowd crowd[CROWD];
	for (uint8_t i = 0; i < CROWD; i++) {
		crowd[i] = (struct crowd){.rig = rig, .number = i};
		assert_int_equal(pthread_create(&threads[i], NULL, put_and_remove, &crowd[i]), 0);
	}
	for (size_t i = 0; i < CROWD; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	}
	for (uint8_t i = 0; i < CROWD_BLOBS; i++) {
		struct blob_row row;
		struct blob_id id;
		char path[256];
		free(make(20000, (uint8_t)(100 + i), &id));
		path_of(rig, &id, path);
		bool has_row = blobs_look(rig->shelf.reader, &id, &row) == ERR_OK;
		assert_int_equal(access(path, F_OK) == 0, has_row);
	}
	assert_int_equal(unfinished(rig), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			what_was_put_is_read_whole_and_in_ranges, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_blob_is_shorter_than_the_limit, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			an_endless_one_is_refused_where_it_is_too_long, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			another_hash_than_the_expected_one_leaves_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			what_is_wanted_is_told_when_it_comes_and_kept_for_reading, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(wants_have_an_end, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			they_are_listed_summed_and_removed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			what_is_offered_is_ours_and_here, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_whole_file_without_a_row_counts_again, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_torn_file_without_a_row_is_never_served, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			what_the_owner_had_and_is_lost_is_wanted_again, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_file_that_lost_its_end_is_not_served, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_link_in_place_of_a_blob_leads_nowhere, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			what_was_not_finished_is_gone_after_a_start, set_up, tear_down),
		cmocka_unit_test_setup_teardown(nobody_else_may_look, set_up, tear_down),
		cmocka_unit_test_setup_teardown(file_and_row_never_part, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
