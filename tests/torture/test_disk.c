/* The disk that the other programs of this folder trust: what was synced stays, what was not may go
 * or tear, and it fails when and how it was told to. */
#include "lib/cmocka.h"

#include "store/db.h"
#include "store/vfs.h"
#include "torture/disk.h"

#include <sqlite3.h>
#include <string.h>

enum { BYTES = 64 * 1024, CUTS = 200 };

static struct span pattern(uint8_t *room, uint8_t byte)
{
	memset(room, byte, BYTES);
	return span_of(room, BYTES);
}

/* How many bytes of the file are `byte`; −1 without a file. */
static long count_of(struct disk *disk, const char *path, uint8_t byte)
{
	struct buf bytes = BUF_INIT(1 << 20);
	long count = 0;
	if (!disk_get_file(disk, path, &bytes)) {
		return -1;
	}
	for (size_t i = 0; i < bytes.len; i++) {
		count += bytes.at[i] == byte;
	}
	buf_fini(&bytes);
	return count;
}

static void what_was_synced_survives_every_cut(void **state)
{
	uint8_t room[BYTES];
	(void)state;
	for (uint64_t seed = 0; seed < CUTS; seed++) {
		struct disk *disk = disk_new();
		struct vfs_file *file = NULL;
		assert_int_equal(vfs_create(disk_vfs(disk), "/a", pattern(room, 1)), ERR_OK);
		assert_int_equal(vfs_open(disk_vfs(disk), "/a", &file), ERR_OK);
		assert_int_equal(vfs_write(file, 0, pattern(room, 2)), ERR_OK);
		assert_int_equal(vfs_sync(file), ERR_OK);
		disk_cut(disk, seed);
		assert_int_equal(count_of(disk, "/a", 2), BYTES);
		assert_int_equal(vfs_write(file, 0, pattern(room, 3)), ERR_IO);
		vfs_close(file);
		assert_int_equal(count_of(disk, "/a", 2), BYTES);
		disk_free(disk);
	}
}

static void what_was_not_synced_stays_goes_or_tears(void **state)
{
	size_t all = 0;
	size_t none = 0;
	size_t torn = 0;
	uint8_t room[BYTES];
	(void)state;
	for (uint64_t seed = 0; seed < CUTS; seed++) {
		struct disk *disk = disk_new();
		struct vfs_file *file = NULL;
		disk_put_file(disk, "/a", pattern(room, 1));
		assert_int_equal(vfs_open(disk_vfs(disk), "/a", &file), ERR_OK);
		assert_int_equal(vfs_write(file, 0, pattern(room, 2)), ERR_OK);
		disk_cut(disk, seed);
		long kept = count_of(disk, "/a", 2);
		assert_int_equal(kept + count_of(disk, "/a", 1), BYTES);
		all += kept == BYTES;
		none += kept == 0;
		torn += kept % 512 != 0;
		vfs_close(file);
		disk_free(disk);
	}
	assert_true(all > 0 && none > 0 && torn > 0);
}

static void a_name_may_go_until_its_directory_is_synced(void **state)
{
	size_t kept = 0;
	size_t gone = 0;
	uint8_t room[BYTES];
	(void)state;
	for (uint64_t seed = 0; seed < CUTS; seed++) {
		struct disk *disk = disk_new();
		disk_put_file(disk, "/old", pattern(room, 1));
		/* The removal of a reserve file asks for a sync, so take SQLite's own way. */
		sqlite3_vfs *vfs = sqlite3_vfs_find(disk_vfs(disk));
		assert_non_null(vfs);
		assert_int_equal(vfs->xDelete(vfs, "/old", 0), SQLITE_OK);
		assert_int_equal(vfs_look(disk_vfs(disk), "/old"), ERR_NOT_FOUND);
		disk_cut(disk, seed);
		bool is_there = count_of(disk, "/old", 1) == BYTES;
		assert_true(is_there || vfs_look(disk_vfs(disk), "/old") == ERR_NOT_FOUND);
		kept += is_there;
		gone += !is_there;
		disk_free(disk);
	}
	assert_true(kept > 0 && gone > 0);
}

static void a_moved_file_is_there_whole_under_one_name(void **state)
{
	uint8_t room[BYTES];
	(void)state;
	for (uint64_t at = 1; at < 8; at++) {
		for (uint64_t seed = 0; seed < 40; seed++) {
			struct disk *disk = disk_new();
			disk_put_file(disk, "/a", pattern(room, 1));
			disk_cut_at(disk, at);
			/* Fails where the power does. */
			enum err err = vfs_create(disk_vfs(disk), "/b", pattern(room, 2));
			disk_cut(disk, seed);
			long count = count_of(disk, "/b", 2);
			assert_true(count == BYTES || (count == -1 && err != ERR_OK));
			disk_free(disk);
		}
	}
}

static void the_same_seed_gives_the_same_disk(void **state)
{
	uint8_t room[BYTES];
	long first = 0;
	(void)state;
	for (int i = 0; i < 2; i++) {
		struct disk *disk = disk_new();
		struct vfs_file *file = NULL;
		disk_put_file(disk, "/a", pattern(room, 1));
		assert_int_equal(vfs_open(disk_vfs(disk), "/a", &file), ERR_OK);
		assert_int_equal(vfs_write(file, 100, span_of(room, 5000)), ERR_OK);
		assert_int_equal(vfs_write(file, 300, span_take(pattern(room, 2), 9000)), ERR_OK);
		disk_cut(disk, 77);
		long count = count_of(disk, "/a", 2);
		assert_true(i == 0 || count == first);
		first = count;
		vfs_close(file);
		disk_free(disk);
	}
}

static void it_is_full_when_told_and_empty_again(void **state)
{
	uint8_t room[BYTES];
	struct disk *disk = disk_new();
	struct vfs_file *file = NULL;
	(void)state;
	disk_put_file(disk, "/a", pattern(room, 1));
	assert_int_equal(vfs_open(disk_vfs(disk), "/a", &file), ERR_OK);
	disk_room(disk, BYTES);
	assert_int_equal(vfs_write(file, 0, pattern(room, 2)), ERR_OK);
	assert_int_equal(vfs_write(file, 1, pattern(room, 2)), ERR_DISK_FULL);
	assert_int_equal(vfs_write(file, 1000 * (uint64_t)BYTES, pattern(room, 2)), ERR_DISK_FULL);
	disk_room(disk, BYTES + 1);
	assert_int_equal(vfs_write(file, 1, pattern(room, 2)), ERR_OK);
	vfs_close(file);
	disk_free(disk);
}

static void a_failed_sync_may_lose_what_the_next_one_does_not_bring_back(void **state)
{
	uint8_t room[BYTES];
	struct disk *disk = disk_new();
	struct vfs_file *file = NULL;
	(void)state;
	disk_put_file(disk, "/a", pattern(room, 1));
	assert_int_equal(vfs_open(disk_vfs(disk), "/a", &file), ERR_OK);
	assert_int_equal(vfs_write(file, 0, pattern(room, 2)), ERR_OK);
	disk_fail(disk, &(struct disk_fault){.kinds = DISK_SYNC, .at = 1, .is_lossy = true});
	assert_int_equal(vfs_sync(file), ERR_IO);
	assert_int_equal(vfs_sync(file), ERR_OK);
	assert_int_equal(count_of(disk, "/a", 2), BYTES);
	disk_cut(disk, 1);
	assert_int_equal(count_of(disk, "/a", 1), BYTES);
	vfs_close(file);
	disk_free(disk);
}

static void a_fault_comes_once_or_for_good(void **state)
{
	uint8_t room[BYTES];
	struct disk *disk = disk_new();
	struct vfs_file *file = NULL;
	(void)state;
	disk_put_file(disk, "/a", pattern(room, 1));
	assert_int_equal(vfs_open(disk_vfs(disk), "/a", &file), ERR_OK);
	disk_fail(disk, &(struct disk_fault){.kinds = DISK_WRITE, .at = 2});
	assert_int_equal(vfs_write(file, 0, pattern(room, 2)), ERR_OK);
	assert_int_equal(vfs_write(file, 0, pattern(room, 2)), ERR_IO);
	assert_int_equal(vfs_write(file, 0, pattern(room, 2)), ERR_OK);
	disk_fail(
		disk, &(struct disk_fault){
			      .kinds = DISK_WRITE, .at = 1, .is_for_good = true, .is_full = true});
	assert_int_equal(vfs_write(file, 0, pattern(room, 3)), ERR_DISK_FULL);
	assert_int_equal(vfs_write(file, 0, pattern(room, 3)), ERR_DISK_FULL);
	disk_fail(disk, &(struct disk_fault){0});
	assert_int_equal(vfs_write(file, 0, pattern(room, 3)), ERR_OK);
	vfs_close(file);
	disk_free(disk);
}

static struct db *open_db(struct disk *disk, enum db_role role)
{
	struct db *db = NULL;
	assert_int_equal(db_open_in(disk_vfs(disk), "/kith.db", role, env_system(), &db), ERR_OK);
	return db;
}

static enum err put(struct db *db, const char *sql)
{
	enum err err = db_begin(db);
	if (err == ERR_OK) {
		err = db_exec(db, sql);
	}
	if (err == ERR_OK) {
		err = db_exec(db, "COMMIT");
	}
	db_rollback(db);
	return err;
}

static int64_t ask_number(struct db *db, const char *sql)
{
	sqlite3_stmt *stmt = NULL;
	assert_int_equal(sqlite3_prepare_v2(db_handle(db), sql, -1, &stmt, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	int64_t number = sqlite3_column_int64(stmt, 0);
	(void)sqlite3_finalize(stmt);
	return number;
}

/* A sync fails and loses what it was for. Whoever reads holds the WAL where it is: what is written
 * behind the hole now would be lost with it. */
static void nothing_is_promised_behind_a_lost_sync(void **state)
{
	(void)state;
	struct disk *disk = disk_new();
	struct db *db = open_db(disk, DB_WRITER);
	assert_int_equal(db_exec(db, "CREATE TABLE said (number INTEGER)"), ERR_OK);
	struct db *reader = open_db(disk, DB_READER);
	assert_int_equal(put(db, "INSERT INTO said VALUES (1)"), ERR_OK);
	assert_int_equal(db_exec(db, "PRAGMA synchronous = FULL"), ERR_OK);
	assert_int_equal(db_begin_reading(reader), ERR_OK);
	assert_int_equal(ask_number(reader, "SELECT max(number) FROM said"), 1);
	disk_fail(disk, &(struct disk_fault){.kinds = DISK_SYNC, .at = 1, .is_lossy = true});
	assert_int_equal(put(db, "INSERT INTO said VALUES (2)"), ERR_IO);
	int64_t promised = put(db, "INSERT INTO said VALUES (3)") == ERR_OK ? 3 : 0;
	/* What promises nothing goes on. */
	assert_int_equal(db_exec(db, "PRAGMA synchronous = NORMAL"), ERR_OK);
	assert_int_equal(put(db, "INSERT INTO said VALUES (0)"), ERR_OK);
	db_rollback(reader);
	if (promised == 0) {
		assert_int_equal(db_exec(db, "PRAGMA synchronous = FULL"), ERR_OK);
		assert_int_equal(put(db, "INSERT INTO said VALUES (3)"), ERR_OK);
	}
	disk_cut(disk, 0);
	db_close(reader);
	db_close(db);
	db = open_db(disk, DB_WRITER);
	assert_int_equal(ask_number(db, "SELECT count(*) FROM said WHERE number = 3"), 1);
	db_close(db);
	disk_free(disk);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_synced_survives_every_cut),
		cmocka_unit_test(what_was_not_synced_stays_goes_or_tears),
		cmocka_unit_test(a_name_may_go_until_its_directory_is_synced),
		cmocka_unit_test(a_moved_file_is_there_whole_under_one_name),
		cmocka_unit_test(the_same_seed_gives_the_same_disk),
		cmocka_unit_test(it_is_full_when_told_and_empty_again),
		cmocka_unit_test(a_failed_sync_may_lose_what_the_next_one_does_not_bring_back),
		cmocka_unit_test(a_fault_comes_once_or_for_good),
		cmocka_unit_test(nothing_is_promised_behind_a_lost_sync),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
