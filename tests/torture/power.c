/*
 * Power cuts: a node publishes, takes in, checkpoints, starts and stops on a disk that loses its
 * power at random changes, again and again, also while it recovers from the cut before. After each
 * cut nothing may be missing that anybody was told of, no number may be signed twice, and
 * publishing must go on by itself. Some of its posts are boxes: each is found once and opens, by
 * the seals that were written before the cut as by looking through all there is.
 *
 *   power [--cuts N] [--seed S]      many lives, N cuts in all; in every other life old messages
 *                                    of strangers go, as under a ceiling
 *   power --life S                   the one life with that seed, with the node's log
 *   power --ignore-syncs NAME-END    sabotage: syncs of such files are not done; then losses are
 *                                    found, or this test is worth nothing
 */
#include "torture/rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { CUTS_PER_LIFE = 40, OWN_PER_LIFE = RIG_OWN_MAX - 100 };

struct plan {
	uint64_t cuts, seed;
	const char *ignored;
	bool is_one_life;
};

/* Where the next cut falls: often within a start or one publish, sometimes far away. */
static uint64_t pick_cut(struct rig *rig)
{
	static const unsigned spans[] = {4, 12, 40, 120, 400};
	return 1 + disk_random(&rig->random) % spans[disk_random(&rig->random) % 5];
}

/* Most often for room; otherwise all of it, some at a time. */
static void make_room(struct rig *rig)
{
	unsigned author = (unsigned)(disk_random(&rig->random) % RIG_FOREIGN);
	uint64_t why = disk_random(&rig->random) % 10;
	uint64_t below = 1 + disk_random(&rig->random) % (rig->foreign[author] + 2);
	size_t most = 1 + disk_random(&rig->random) % 24;
	if (why < 2) {
		(void)rig_shrink(rig);
	} else {
		(void)rig_let_go(rig, author,
			why == 2   ? LET_GO_REMOVED
			: why == 3 ? LET_GO_FOR_AGAIN
				   : LET_GO_FOR_ROOM,
			below, most);
	}
}

static void do_something(struct rig *rig)
{
	unsigned author = (unsigned)(disk_random(&rig->random) % RIG_FOREIGN);
	switch (disk_random(&rig->random) % 20) {
	case 0:
	case 1:
	case 2:
		(void)rig_append(rig, author, 1 + disk_random(&rig->random) % 8);
		break;
	case 3:
		(void)rig_setting(rig);
		break;
	case 4:
		rig_checkpoint(rig, (disk_random(&rig->random) & 1) != 0);
		break;
	case 5:
		if (rig->try_count > 0) {
			(void)rig_ask_again(rig, rig->try_count - 1);
		}
		break;
	case 6:
	case 7:
		rig_read_private(rig);
		break;
	case 8:
		(void)rig_mark(rig);
		break;
	default:
		(void)rig_publish(rig);
	}
	/* What the writer does by itself, as the check of our whole chain. */
	for (int i = 0; i < 4 && writer_step(rig->writer); i++) {
	}
}

/* The rig is open. Go on until the power fails, or stop in peace before. */
static void live(struct rig *rig, bool lets_go)
{
	uint64_t count = disk_random(&rig->random) % 12;
	for (uint64_t i = 0; i < count && !disk_is_dead(rig->disk); i++) {
		if (lets_go && disk_random(&rig->random) % 3 == 0) {
			make_room(rig);
		} else {
			do_something(rig);
		}
	}
	rig_stop(rig);
}

static void cut(struct rig *rig, uint64_t *cuts)
{
	disk_cut(rig->disk, disk_random(&rig->random));
	(*cuts)++;
}

/* What was asked before the cut and what is asked after it get one answer. */
static void ask_everything_again(struct rig *rig)
{
	uint64_t first = rig->try_count > 3 ? rig->try_count - 3 : 0;
	for (uint64_t i = first; i < rig->try_count && rig->wrong[0] == '\0'; i++) {
		enum err err = rig_ask_again(rig, i);
		if (err != ERR_OK) {
			rig_wrong(rig, "asked again, a publish fails: %s", err_text(err));
		}
	}
}

/* Start without a cut, look at everything, and publish. */
static void recover(struct rig *rig, bool is_deep, bool lets_go)
{
	enum err err = rig_start(rig);
	if (err != ERR_OK) {
		rig_wrong(rig, "it does not start: %s", err_text(err));
		return;
	}
	rig_check(rig, is_deep);
	if (is_deep && lets_go) {
		rig_audit(rig);
	}
	ask_everything_again(rig);
	if (rig->wrong[0] == '\0' && rig_publish(rig) != ERR_OK) {
		rig_wrong(rig, "the next publish fails");
	}
}

static void one_life(uint64_t seed, const struct plan *plan, uint64_t *cuts, char wrong[static 512])
{
	struct rig *rig = calloc(1, sizeof(*rig));
	if (rig == NULL) {
		abort();
	}
	rig_init(rig, seed);
	rig->is_logging = plan->is_one_life;
	bool lets_go = (seed & 1) != 0;
	rig->has_book = true;
	disk_ignore_syncs(rig->disk, plan->ignored);
	for (int i = 0; i < CUTS_PER_LIFE && rig->wrong[0] == '\0' && rig->own_left < OWN_PER_LIFE;
		i++) {
		disk_cut_at(rig->disk, pick_cut(rig));
		if (rig->store != NULL || rig_start(rig) == ERR_OK) {
			live(rig, lets_go);
		}
		cut(rig, cuts);
		for (; (disk_random(&rig->random) & 3) == 0; i++) {
			disk_cut_at(rig->disk, 1 + disk_random(&rig->random) % 24);
			if (rig_start(rig) == ERR_OK) {
				rig_stop(rig);
			}
			cut(rig, cuts);
		}
		if (rig->wrong[0] == '\0') {
			recover(rig, (i & 7) == 0, lets_go);
		}
	}
	if (rig->store != NULL) {
		rig_audit(rig);
		rig_stop(rig);
	}
	(void)snprintf(wrong, 512, "%s", rig->wrong);
	rig_fini(rig);
	free(rig);
}

static bool read_args(int argc, char **argv, struct plan *plan)
{
	for (int i = 1; i < argc; i += 2) {
		const char *value = i + 1 < argc ? argv[i + 1] : NULL;
		if (value == NULL) {
			return false;
		}
		if (strcmp(argv[i], "--cuts") == 0) {
			plan->cuts = strtoull(value, NULL, 10);
		} else if (strcmp(argv[i], "--seed") == 0 || strcmp(argv[i], "--life") == 0) {
			plan->seed = strtoull(value, NULL, 10);
			plan->is_one_life = strcmp(argv[i], "--life") == 0;
		} else if (strcmp(argv[i], "--ignore-syncs") == 0) {
			plan->ignored = value;
		} else {
			return false;
		}
	}
	return true;
}

int main(int argc, char **argv)
{
	struct plan plan = {.cuts = 20000, .seed = 1};
	uint64_t cuts = 0;
	uint64_t broken = 0;
	if (!read_args(argc, argv, &plan)) {
		(void)fprintf(stderr,
			"usage: power [--cuts N] [--seed S | --life S] [--ignore-syncs END]\n");
		return 2;
	}
	rig_library();
	uint64_t lives = plan.seed;
	do {
		char wrong[512] = "";
		uint64_t seed = plan.is_one_life ? plan.seed : disk_random(&lives);
		one_life(seed, &plan, &cuts, wrong);
		if (wrong[0] != '\0' && ++broken <= 5) {
			(void)printf("power: %s\n  again: %s --life %llu%s%s\n", wrong, argv[0],
				(unsigned long long)seed,
				plan.ignored == NULL ? "" : " --ignore-syncs ",
				plan.ignored == NULL ? "" : plan.ignored);
		}
	} while (!plan.is_one_life && cuts < plan.cuts);
	rig_library_free();
	(void)printf("power: %llu cuts, %llu lives that broke a promise\n",
		(unsigned long long)cuts, (unsigned long long)broken);
	return broken == 0 ? 0 : 1;
}
