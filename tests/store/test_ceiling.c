/* store/ceiling: what the node takes stays below what its owner allows, and what the owner has
 * stays whatever comes. The numbers are those of `du`. */
#define _XOPEN_SOURCE 700
#include "lib/cmocka.h"
#include "lib/shelf.h"

#include "base/limits.h"
#include "store/audit.h"
#include "store/ceiling_inside.h"
#include "store/inside.h"
#include "store/let_go.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FAR_MESSAGES = 400, UNIT_BYTES = 64 * KIB };

static int64_t du_bytes;

static int add_file(const char *path, const struct stat *is, int what, struct FTW *at)
{
	(void)path;
	(void)what;
	(void)at;
	du_bytes += (int64_t)is->st_blocks * 512;
	return 0;
}

static int64_t du(const struct shelf *shelf)
{
	du_bytes = 0;
	assert_int_equal(nftw(shelf->dir, add_file, 16, FTW_PHYS), 0);
	return du_bytes;
}

struct rig {
	struct shelf shelf;
	struct blobs *blobs;
	struct ceiling *ceiling;
	int64_t bytes;
};

static void open_rig(struct rig *rig)
{
	const struct ceiling_opts opts = {
		.store = rig->shelf.store, .writer = rig->shelf.writer, .is_stepped = true};
	assert_int_equal(blobs_start(rig->shelf.store, rig->shelf.writer, &rig->blobs), ERR_OK);
	blobs_settled(rig->blobs);
	struct ceiling_opts mine = opts;
	mine.blobs = rig->blobs;
	assert_int_equal(ceiling_start(&mine, &rig->ceiling), ERR_OK);
}

static void rig_init(struct rig *rig, int64_t bytes)
{
	memset(rig, 0, sizeof(*rig));
	shelf_init(&rig->shelf);
	shelf_close(&rig->shelf);
	rig->shelf.is_stepped = true;
	shelf_open(&rig->shelf);
	rig->bytes = bytes;
	open_rig(rig);
	assert_int_equal(ceiling_set(rig->shelf.writer, bytes), ERR_OK);
	ceiling_look(rig->ceiling);
}

static void rig_fini(struct rig *rig)
{
	ceiling_stop(rig->ceiling);
	blobs_stop(rig->blobs);
	blobs_free(rig->blobs);
	shelf_fini(&rig->shelf);
}

/* All that can be done is. */
static void work(struct rig *rig)
{
	for (int round = 0; round < 3; round++) {
		shelf_pass(&rig->shelf, 1100); /* what a bulk left is made first */
		for (int i = 0; ceiling_step(rig->ceiling); i++) {
			assert_true(i < 10000);
		}
		ceiling_look(rig->ceiling);
	}
}

static void assert_below(struct rig *rig)
{
	int64_t most = rig->bytes + rig->bytes / 1000 * LIMIT_CEILING_PER_MILLE;
	assert_true(du(&rig->shelf) <= most);
}

static uint64_t number = 1;

static uint32_t random_word(void)
{
	number = number * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)(number >> 33);
}

/* A blob of so many bytes of noise; ERR_DISK_FULL: there is no room for it now. */
static enum err put(struct rig *rig, size_t bytes, enum blob_keep keep, struct blob_id *id)
{
	static uint32_t noise[UNIT_BYTES / 4];
	const struct blob_in_opts opts = {.bytes_max = bytes, .keep = keep};
	struct blob_in *in = NULL;
	struct blob_row row;
	enum err err = blobs_begin(rig->blobs, &opts, &in);
	while (err == ERR_OK && bytes > 0) {
		size_t some = bytes < UNIT_BYTES ? bytes : UNIT_BYTES;
		for (size_t i = 0; i < UNIT_BYTES / 4; i++) {
			noise[i] = random_word();
		}
		err = blob_in_write(in, span_of(noise, some));
		bytes -= some;
		if (err != ERR_OK) {
			blob_in_abort(in);
			return err;
		}
	}
	err = err == ERR_OK ? blob_in_finish(in, &row) : err;
	if (err == ERR_OK && id != NULL) {
		*id = row.id;
	}
	return err;
}

static bool is_here(struct rig *rig, const struct blob_id *id)
{
	struct blob_row row;
	enum err err = blobs_look(rig->shelf.reader, id, &row);
	assert_true(err == ERR_OK || err == ERR_NOT_FOUND);
	return err == ERR_OK;
}

static void assert_sound(struct shelf *shelf)
{
	struct audit audit = {.on_fault = NULL};
	assert_int_equal(audit_run(shelf->store, NULL, &audit), ERR_OK);
	assert_int_equal(audit.faults, 0);
}

/* What comes in one hour, and what `du` says at any moment of it. */
static void flood_for_an_hour(struct rig *rig, int64_t hour_bytes, int64_t *came, int64_t *highest)
{
	for (int64_t left = hour_bytes; left > 0;) {
		size_t bytes = 1000 + random_word() % 3000000;
		enum blob_keep keep = random_word() % 3 == 0 ? BLOB_READ : BLOB_FAR;
		enum err err = put(rig, bytes, keep, NULL);
		if (err == ERR_DISK_FULL) {
			work(rig);
			err = put(rig, bytes, keep, NULL);
		}
		assert_int_equal(err, ERR_OK);
		left -= (int64_t)bytes;
		*came += (int64_t)bytes;
		int64_t now = du(&rig->shelf);
		assert_true(now <= rig->bytes + rig->bytes / 1000 * LIMIT_CEILING_PER_MILLE);
		*highest = now > *highest ? now : *highest;
	}
}

/* 24 hours, hour by hour, of what two friends may have us fetch in them
 * (LIMIT_BLOB_FAR_BYTES_PER_PEER; that no more is fetched, tests/sync/test_wants says), while we
 * write, once an hour. */
static void a_day_of_blobs_keeps_below_the_ceiling_and_touches_nothing_of_ours(void **state)
{
	enum { HOURS = 24, HOUR_MS = 3600000 };
	struct rig rig;
	struct blob_id own[4];
	struct chain_head head;
	int64_t came = 0;
	int64_t highest = 0;
	(void)state;
	rig_init(&rig, LIMIT_CEILING_BYTES_MIN);
	work(&rig);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(put(&rig, 700000, BLOB_OWN, &own[i]), ERR_OK);
	}
	int64_t began_ms = rig.shelf.wall_ms;
	for (int hour = 0; hour < HOURS; hour++) {
		flood_for_an_hour(&rig, 2 * LIMIT_BLOB_FAR_BYTES_PER_PEER / HOURS, &came, &highest);
		(void)shelf_publish(&rig.shelf, "{\"type\":\"post\",\"text\":\"ours %d\"}", hour);
		shelf_pass(&rig.shelf, HOUR_MS);
		work(&rig);
		for (int i = 0; i < 4; i++) {
			assert_true(is_here(&rig, &own[i]));
		}
	}
	assert_true(rig.shelf.wall_ms - began_ms >= 24LL * HOUR_MS);
	assert_true(came >= 2 * LIMIT_BLOB_FAR_BYTES_PER_PEER);
	assert_true(highest >= rig.bytes - rig.bytes / 20);
	assert_int_equal(reader_head(rig.shelf.reader, &rig.shelf.self.id, &head), ERR_OK);
	assert_int_equal(head.sequence, HOURS);
	struct ceiling_gone gone[2 * HOURS];
	size_t count = 0;
	int64_t bytes = 0;
	assert_int_equal(ceiling_gone(rig.shelf.reader, gone, 2 * HOURS, &count), ERR_OK);
	for (size_t i = 0; i < count; i++) {
		assert_string_equal(gone[i].what, "blobs");
		bytes += gone[i].bytes;
	}
	/* The first hours fill what is allowed; after them something goes in each. */
	assert_in_range(count, HOURS - 6, HOURS + 1);
	assert_true(bytes >= came - rig.bytes);
	assert_sound(&rig.shelf);
	rig_fini(&rig);
}

static void what_it_says_is_what_du_says(void **state)
{
	struct rig rig;
	struct ceiling_usage usage;
	(void)state;
	rig_init(&rig, LIMIT_CEILING_BYTES);
	for (int i = 0; i < 50; i++) {
		assert_int_equal(put(&rig, 1 + random_word() % 50000, BLOB_FAR, NULL), ERR_OK);
		(void)shelf_publish(&rig.shelf, "{\"type\":\"post\",\"text\":\"%d\"}", i);
	}
	assert_int_equal(ceiling_usage(rig.shelf.reader, &usage), ERR_OK);
	int64_t real = du(&rig.shelf);
	int64_t sum = 0;
	for (int i = 0; i < CEILING_CLASSES; i++) {
		assert_true(usage.classes[i] >= 0);
		sum += usage.classes[i];
	}
	assert_int_equal(sum, usage.used);
	assert_in_range(usage.used, real - real / 100, real + real / 100);
	assert_int_equal(usage.classes[CEILING_RESERVE], LIMIT_DISK_RESERVE_BYTES);
	assert_true(usage.classes[CEILING_INDEXES] > usage.wal);
	assert_true(usage.classes[CEILING_OTHER] < 2 * MIB + usage.free_pages);
	assert_true(usage.classes[CEILING_BLOBS_FAR] > 50 * 4096);
	assert_true(usage.classes[CEILING_MESSAGES] > 0);
	rig_fini(&rig);
}

/* Long messages, without words. */
static void say_much(struct shelf *shelf, struct author *author, int count)
{
	static char text[6001];
	memset(text, 'x', sizeof(text) - 1);
	for (int i = 0; i < count; i += 100) {
		struct message *messages[100];
		for (int j = 0; j < 100; j++) {
			messages[j] = author_say(author, "{\"type\":\"noise\",\"text\":\"%08x%s\"}",
				random_word(), text);
		}
		assert_int_equal(shelf_append_all(shelf, messages, 100, NULL), ERR_OK);
	}
}

static uint64_t first_of(struct shelf *shelf, const struct author *author)
{
	uint64_t first = 0;
	assert_int_equal(reader_first(shelf->reader, &author->id, &first), ERR_OK);
	return first;
}

static void far_history_goes_before_friends_and_the_file_shrinks(void **state)
{
	struct rig rig;
	struct author friend;
	struct author far;
	struct ceiling_goes goes;
	struct ceiling_usage before;
	struct ceiling_usage after;
	(void)state;
	rig_init(&rig, LIMIT_CEILING_BYTES);
	struct shelf *shelf = &rig.shelf;
	author_init(&friend, 1);
	author_init(&far, 2);
	(void)shelf_contact(shelf, &friend.id, EDGE_FOLLOW);
	say_much(shelf, &friend, FAR_MESSAGES);
	for (int i = 0; i < 20; i++) {
		say_much(shelf, &far, FAR_MESSAGES);
	}
	work(&rig);
	assert_int_equal(first_of(shelf, &far), 1);
	assert_int_equal(ceiling_usage(shelf->reader, &before), ERR_OK);
	assert_true(before.used > LIMIT_CEILING_BYTES_MIN + 4 * MIB);
	assert_int_equal(
		ceiling_preview(shelf->reader, NULL, LIMIT_CEILING_BYTES_MIN, &goes), ERR_OK);
	assert_true(goes.is_enough);
	assert_int_equal(goes.feeds, 1);
	assert_int_equal(goes.blobs, 0);
	rig.bytes = LIMIT_CEILING_BYTES_MIN;
	assert_int_equal(ceiling_set(shelf->writer, rig.bytes), ERR_OK);
	ceiling_look(rig.ceiling);
	work(&rig);
	assert_int_equal(ceiling_usage(shelf->reader, &after), ERR_OK);
	assert_true(after.used > rig.bytes - rig.bytes / 1000 * 2 * LIMIT_CEILING_PER_MILLE);
	assert_true(first_of(shelf, &far) > 1);
	assert_int_equal(first_of(shelf, &friend), 1);
	/* And so it stays, whatever comes. */
	for (int i = 0; i < 8; i++) {
		say_much(shelf, &far, 100);
		work(&rig);
		assert_below(&rig);
	}
	assert_sound(shelf);
	author_fini(&friend);
	author_fini(&far);
	rig_fini(&rig);
}

static int64_t database_bytes(const struct shelf *shelf)
{
	char path[128];
	struct stat is;
	(void)snprintf(path, sizeof(path), "%s/kith.db", shelf->dir);
	assert_int_equal(stat(path, &is), 0);
	return (int64_t)is.st_size;
}

/* Something else in the folder counts too, and costs these tests no time. */
static void take_room(const struct shelf *shelf, int64_t bytes)
{
	char path[128];
	(void)snprintf(path, sizeof(path), "%s/else", shelf->dir);
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(posix_fallocate(fd, 0, bytes), 0);
	assert_int_equal(close(fd), 0);
}

/* Made by an older kith, the database gives no page back: what went makes room inside of it. */
static void an_old_database_stays_as_large_and_takes_what_comes_into_free_pages(void **state)
{
	struct rig rig;
	struct author far;
	struct ceiling_usage usage;
	struct ceiling_now now;
	(void)state;
	rig_init(&rig, LIMIT_CEILING_BYTES);
	struct shelf *shelf = &rig.shelf;
	assert_int_equal(sqlite3_exec(db_handle(shelf->store->writer),
				 "PRAGMA auto_vacuum = 0; VACUUM", NULL, NULL, NULL),
		SQLITE_OK);
	author_init(&far, 2);
	take_room(shelf, 40 * MIB);
	for (int i = 0; i < 10; i++) {
		say_much(shelf, &far, FAR_MESSAGES);
	}
	work(&rig);
	rig.bytes = LIMIT_CEILING_BYTES_MIN;
	assert_int_equal(ceiling_set(shelf->writer, rig.bytes), ERR_OK);
	ceiling_look(rig.ceiling);
	work(&rig);
	assert_int_equal(ceiling_usage(shelf->reader, &usage), ERR_OK);
	assert_false(usage.can_shrink);
	int64_t taken = usage.used - usage.free_pages;
	assert_true(taken <= rig.bytes);
	assert_true(taken > rig.bytes - rig.bytes / 1000 * 3 * LIMIT_CEILING_PER_MILLE);
	assert_true(usage.free_pages > 2 * MIB);
	ceiling_state(shelf->store, &now);
	assert_false(now.is_full);
	int64_t before = database_bytes(shelf);
	uint64_t first = first_of(shelf, &far);
	for (int i = 0; i < 8; i++) {
		say_much(shelf, &far, 100);
		work(&rig);
	}
	assert_int_equal(database_bytes(shelf), before);
	assert_true(first_of(shelf, &far) >= first);
	assert_int_equal(ceiling_usage(shelf->reader, &usage), ERR_OK);
	assert_true(usage.used - usage.free_pages <=
		    rig.bytes + rig.bytes / 1000 * LIMIT_CEILING_PER_MILLE);
	assert_sound(shelf);
	author_fini(&far);
	rig_fini(&rig);
}

static void when_nothing_may_go_others_wait_and_we_do_not(void **state)
{
	struct rig rig;
	struct author friend;
	enum append_result result = APPEND_STORED;
	enum err err = ERR_OK;
	(void)state;
	rig_init(&rig, LIMIT_CEILING_BYTES);
	author_init(&friend, 1);
	(void)shelf_contact(&rig.shelf, &friend.id, EDGE_FOLLOW);
	for (int i = 0; i < 20; i++) {
		say_much(&rig.shelf, &friend, FAR_MESSAGES);
	}
	rig.bytes = LIMIT_CEILING_BYTES_MIN;
	assert_int_equal(ceiling_set(rig.shelf.writer, rig.bytes), ERR_OK);
	ceiling_look(rig.ceiling);
	work(&rig);
	struct message *one = author_post(&friend, "no room");
	err = shelf_append_all(&rig.shelf, &one, 1, &result);
	assert_int_equal(err, ERR_DISK_FULL);
	assert_int_equal(put(&rig, 100000, BLOB_FAR, NULL), ERR_DISK_FULL);
	assert_int_equal(put(&rig, 100000, BLOB_OWN, NULL), ERR_OK);
	(void)shelf_publish(&rig.shelf, "{\"type\":\"post\",\"text\":\"ours\"}");
	assert_int_equal(ceiling_set(rig.shelf.writer, LIMIT_CEILING_BYTES), ERR_OK);
	ceiling_look(rig.ceiling);
	work(&rig);
	author_fini(&friend);
	author_init(&friend, 2);
	assert_int_equal(shelf_append(&rig.shelf, author_post(&friend, "room")), APPEND_STORED);
	author_fini(&friend);
	rig_fini(&rig);
}

static void the_ceiling_has_its_limits(void **state)
{
	struct rig rig;
	int64_t bytes = 0;
	(void)state;
	rig_init(&rig, LIMIT_CEILING_BYTES_MIN);
	assert_int_equal(ceiling_set(rig.shelf.writer, LIMIT_CEILING_BYTES_MIN - 1), ERR_LIMIT);
	assert_int_equal(ceiling_set(rig.shelf.writer, 0), ERR_LIMIT);
	assert_int_equal(ceiling_set(rig.shelf.writer, -1), ERR_LIMIT);
	assert_int_equal(ceiling_set(rig.shelf.writer, LIMIT_CEILING_BYTES_MAX), ERR_OK);
	assert_int_equal(ceiling_set(rig.shelf.writer, LIMIT_CEILING_BYTES_MAX + 1), ERR_LIMIT);
	assert_int_equal(ceiling_set(rig.shelf.writer, INT64_MAX), ERR_LIMIT);
	assert_int_equal(ceiling_bytes(rig.shelf.reader, &bytes), ERR_OK);
	assert_int_equal(bytes, LIMIT_CEILING_BYTES_MAX);
	rig_fini(&rig);
}

static void whom_the_owner_follows_again_is_made_ready_to_come(void **state)
{
	struct rig rig;
	struct author ben;
	struct let_go_row row;
	struct chain_head head;
	(void)state;
	rig_init(&rig, LIMIT_CEILING_BYTES);
	author_init(&ben, 1);
	say_much(&rig.shelf, &ben, 100);
	const struct let_go_request request = {.feed = ben.id,
		.why = LET_GO_FOR_ROOM,
		.below = 50,
		.at_least = 100,
		.at_most = 100};
	struct let_go_result result;
	assert_int_equal(writer_let_go(rig.shelf.writer, &request, &result), ERR_OK);
	(void)shelf_contact(&rig.shelf, &ben.id, EDGE_FOLLOW);
	work(&rig);
	assert_int_equal(reader_let_go(rig.shelf.reader, &ben.id, &row), ERR_OK);
	assert_int_equal(row.again, LET_GO_COMING);
	assert_int_equal(reader_head(rig.shelf.reader, &ben.id, &head), ERR_NOT_FOUND);
	author_fini(&ben);
	rig_fini(&rig);
}

static void somebody_is_removed_as_it_was_said_before(void **state)
{
	struct rig rig;
	struct author ben;
	struct ceiling_removal said;
	struct ceiling_removal done;
	struct ceiling_person person;
	(void)state;
	rig_init(&rig, LIMIT_CEILING_BYTES);
	author_init(&ben, 1);
	say_much(&rig.shelf, &ben, 100);
	assert_int_equal(ceiling_removal(rig.shelf.reader, &rig.shelf.self.id, &said), ERR_REFUSED);
	assert_int_equal(ceiling_removal(rig.shelf.reader, &ben.id, &said), ERR_OK);
	assert_int_equal(said.messages, 100);
	assert_int_equal(said.kept, 0);
	assert_true(said.bytes > 100 * 6000);
	assert_int_equal(ceiling_person(rig.shelf.reader, &ben.id, &person), ERR_OK);
	assert_int_equal(person.messages, 100);
	assert_int_equal(
		ceiling_remove(rig.shelf.writer, rig.blobs, rig.shelf.reader, &ben.id, &done),
		ERR_OK);
	assert_int_equal(done.messages, said.messages);
	assert_int_equal(ceiling_person(rig.shelf.reader, &ben.id, &person), ERR_OK);
	assert_int_equal(person.messages, 0);
	assert_int_equal(shelf_append(&rig.shelf, author_post(&ben, "on")), APPEND_STORED);
	(void)shelf_contact(&rig.shelf, &ben.id, EDGE_FOLLOW);
	assert_int_equal(ceiling_removal(rig.shelf.reader, &ben.id, &said), ERR_REFUSED);
	assert_sound(&rig.shelf);
	author_fini(&ben);
	rig_fini(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_it_says_is_what_du_says),
		cmocka_unit_test(
			a_day_of_blobs_keeps_below_the_ceiling_and_touches_nothing_of_ours),
		cmocka_unit_test(far_history_goes_before_friends_and_the_file_shrinks),
		cmocka_unit_test(
			an_old_database_stays_as_large_and_takes_what_comes_into_free_pages),
		cmocka_unit_test(when_nothing_may_go_others_wait_and_we_do_not),
		cmocka_unit_test(the_ceiling_has_its_limits),
		cmocka_unit_test(whom_the_owner_follows_again_is_made_ready_to_come),
		cmocka_unit_test(somebody_is_removed_as_it_was_said_before),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
