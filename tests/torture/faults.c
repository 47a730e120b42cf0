/*
 * A full disk and a failing one: every operation is run again and again, each time with the next of
 * its calls to the disk failing, once or from then on. It succeeds, or says why it did not; when
 * the disk is well again it succeeds within a few tries; nothing that was acknowledged is gone,
 * also after a new start or a power cut, and publishing is never paused for it.
 *
 *   faults                 all
 *   faults OPERATION FAULT the n-th point of one, with the node's log: faults publish full 3
 */
#include "torture/rig.h"

#include <stdio.h>
#include <stdlib.h>

enum { TRIES = 3, POINTS_MAX = 2000 };

struct operation {
	const char *name;
	bool is_running; /* the node runs before it */
	bool is_empty;   /* on an empty disk */
	enum err (*run)(struct rig *rig);
	enum err (*again)(struct rig *rig);
};

static enum err publish_again(struct rig *rig)
{
	return rig_ask_again(rig, rig->try_count - 1);
}

static enum err append(struct rig *rig)
{
	return rig_append(rig, 1, 5);
}

static enum err checkpoint(struct rig *rig)
{
	rig_checkpoint(rig, true);
	return ERR_OK;
}

static enum err stop(struct rig *rig)
{
	rig_stop(rig);
	return ERR_OK;
}

static enum err start_again(struct rig *rig)
{
	return rig->store == NULL ? rig_start(rig) : ERR_OK;
}

static const struct operation operations[] = {
	{"publish", true, false, rig_publish, publish_again},
	{"append", true, false, append, append},
	{"setting", true, false, rig_setting, rig_setting},
	{"checkpoint", true, false, checkpoint, checkpoint},
	{"stop", true, false, stop, start_again},
	{"start", false, false, rig_start, start_again},
	{"first-start", false, true, rig_start, start_again},
};

static const struct {
	const char *name;
	struct disk_fault fault;
} faults[] = {
	{"full", {.kinds = DISK_WRITE, .is_full = true}},
	{"full-for-good", {.kinds = DISK_WRITE, .is_full = true, .is_for_good = true}},
	{"write", {.kinds = DISK_WRITE}},
	{"write-for-good", {.kinds = DISK_WRITE, .is_for_good = true}},
	{"sync", {.kinds = DISK_SYNC}},
	{"sync-for-good", {.kinds = DISK_SYNC, .is_for_good = true}},
	{"sync-lost", {.kinds = DISK_SYNC, .is_lossy = true}},
	{"read", {.kinds = DISK_READ}},
	{"read-for-good", {.kinds = DISK_READ, .is_for_good = true}},
	{"names", {.kinds = DISK_OPEN | DISK_REMOVE | DISK_TRUNCATE}},
	{"all-for-good", {.kinds = DISK_ALL, .is_for_good = true}},
};

enum {
	OPERATIONS = sizeof(operations) / sizeof(operations[0]),
	FAULTS = sizeof(faults) / sizeof(faults[0])
};

/* With the disk well again. */
static void expect_recovery(
	struct rig *rig, const struct operation *operation, enum err err, uint64_t at)
{
	bool is_cut = (at & 1) != 0;
	bool is_audited = (at & 7) == 1;
	for (int i = 0; i < TRIES && (err != ERR_OK || rig->store == NULL); i++) {
		err = operation->again(rig);
	}
	if (err != ERR_OK || rig->store == NULL) {
		rig_wrong(rig, "the disk is well again, and it still fails: %s", err_text(err));
		return;
	}
	if (rig_publish(rig) != ERR_OK) {
		rig_wrong(rig, "the disk is well again, and publishing fails");
	}
	rig_check(rig, false);
	disk_cut_at(rig->disk, is_cut ? 1 : 0);
	rig_stop(rig);
	if (is_cut) {
		disk_cut(rig->disk, disk_random(&rig->random));
	}
	if (rig_start(rig) != ERR_OK) {
		rig_wrong(rig, "the start after it fails");
		return;
	}
	rig_check(rig, true);
	if (is_audited) {
		rig_audit(rig);
	}
}

/* False: there is no such point any more. */
static bool one_point(
	struct rig *rig, const struct operation *operation, struct disk_fault fault, uint64_t at)
{
	if (operation->is_running && (rig_start(rig) != ERR_OK || append(rig) != ERR_OK)) {
		rig_wrong(rig, "it does not start");
		return false;
	}
	fault.at = at;
	uint64_t before = disk_calls(rig->disk, fault.kinds);
	rig->may_fail = true;
	disk_fail(rig->disk, &fault);
	enum err err = operation->run(rig);
	bool is_hit = disk_calls(rig->disk, fault.kinds) - before >= at;
	disk_fail(rig->disk, &(struct disk_fault){0});
	rig->may_fail = false;
	if (is_hit && fault.is_full && err != ERR_OK && err != ERR_DISK_FULL) {
		rig_wrong(rig, "the disk is full, and it says: %s", err_text(err));
	}
	expect_recovery(rig, operation, err, at);
	if (rig->store != NULL) {
		rig_stop(rig);
	}
	return is_hit;
}

/* A rig as the base is now, on a disk of its own. */
static struct rig *rig_like(const struct rig *base, bool is_empty)
{
	struct rig *rig = calloc(1, sizeof(*rig));
	if (rig == NULL) {
		abort();
	}
	rig_init(rig, 7);
	if (!is_empty) {
		rig_adopt(rig, base);
	}
	return rig;
}

static bool run(const struct rig *base, size_t operation, size_t fault, uint64_t at,
	bool is_logging, uint64_t *broken)
{
	struct rig *rig = rig_like(base, operations[operation].is_empty);
	rig->is_logging = is_logging;
	bool is_hit = one_point(rig, &operations[operation], faults[fault].fault, at);
	if (rig->wrong[0] != '\0') {
		(*broken)++;
		(void)printf("faults: %s\n  again: faults %s %s %llu\n", rig->wrong,
			operations[operation].name, faults[fault].name, (unsigned long long)at);
	}
	rig_fini(rig);
	free(rig);
	return is_hit;
}

static bool is_chosen(int argc, char **argv, int at, const char *name)
{
	return argc <= at || strcmp(argv[at], name) == 0;
}

int main(int argc, char **argv)
{
	struct rig *base = calloc(1, sizeof(*base));
	uint64_t points = 0;
	uint64_t broken = 0;
	if (base == NULL) {
		abort();
	}
	rig_library();
	rig_live_a_little(base);
	for (size_t i = 0; i < OPERATIONS; i++) {
		for (size_t j = 0; j < FAULTS; j++) {
			if (!is_chosen(argc, argv, 1, operations[i].name) ||
				!is_chosen(argc, argv, 2, faults[j].name)) {
				continue;
			}
			uint64_t first = argc > 3 ? strtoull(argv[3], NULL, 10) : 1;
			uint64_t last = argc > 3 ? first : POINTS_MAX;
			for (uint64_t at = first; at <= last; at++) {
				if (!run(base, i, j, at, argc > 3, &broken)) {
					break;
				}
				points++;
			}
		}
	}
	rig_fini(base);
	free(base);
	rig_library_free();
	(void)printf("faults: %llu points, %llu broke a promise\n", (unsigned long long)points,
		(unsigned long long)broken);
	return broken == 0 && (points > 200 || argc > 1) ? 0 : 1;
}
