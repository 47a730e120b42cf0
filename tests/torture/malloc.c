/*
 * Without memory: every allocation of every scenario fails once, and from then on. Nothing crashes,
 * nothing leaks, and what failed works when it is asked again.
 *
 *   malloc                     25 points of each, spread
 *   malloc --all               every point
 *   malloc SCENARIO [POINT]    one, with the node's log
 */
#include "torture/malloc.h"

#include "torture/alloc.h"

#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { POINTS_IN_CI = 25 };

static const char *running = "";
static char running_at[32];

static void on_crash(int number)
{
	static const char text[] = "\nmalloc: crashed in: malloc ";
	(void)!write(2, text, sizeof(text) - 1);
	(void)!write(2, running, strlen(running));
	(void)!write(2, running_at, strlen(running_at));
	(void)!write(2, "\n", 1);
	(void)signal(number, SIG_DFL);
	(void)raise(number);
}

void scene_wrong(struct scene *scene, const char *format, ...)
{
	va_list args;
	if (scene->wrong[0] != '\0') {
		return;
	}
	va_start(args, format);
	(void)vsnprintf(scene->wrong, sizeof(scene->wrong), format, args);
	va_end(args);
}

static struct rig *new_rig(const struct rig *base, bool is_empty, bool is_logging)
{
	struct rig *rig = calloc(1, sizeof(*rig));
	if (rig == NULL) {
		abort();
	}
	rig_init(rig, 7);
	if (!is_empty) {
		rig_adopt(rig, base);
	}
	rig->is_logging = is_logging;
	rig_ready(rig);
	return rig;
}

static void drop_rig(struct rig *rig)
{
	if (rig->store != NULL) {
		rig_stop(rig);
	}
	author_fini(&rig->self);
	rig_fini(rig);
	free(rig);
}

/* One run with the `at`-th allocation failing (0: none). Returns how many there were. */
static uint64_t one_run(const struct scenario *scenario, struct scene *scene, uint64_t at,
	bool is_for_good, bool is_logging)
{
	scene->rig = new_rig(scene->base, scenario->is_empty, is_logging);
	(void)snprintf(running_at, sizeof(running_at), " %llu%s", (unsigned long long)at,
		is_for_good ? " for-good" : "");
	if (scenario->prepare != NULL) {
		scenario->prepare(scene);
	}
	scene->rig->may_fail = at > 0;
	alloc_arm(at, is_for_good);
	enum err err = scenario->run(scene);
	uint64_t count = alloc_disarm();
	scene->rig->may_fail = false;
	if (err != scenario->expected &&
		(at == 0 || (err != ERR_NOMEM && err != ERR_BUSY && err != scenario->also))) {
		scene_wrong(scene, "it says: %s", err_text(err));
	}
	if (err != scenario->expected && at > 0) {
		rig_ready(scene->rig);
		err = scenario->run(scene);
		if (err != scenario->expected) {
			scene_wrong(scene, "asked again, it says: %s", err_text(err));
		}
	}
	if (scenario->judge != NULL && scene->wrong[0] == '\0') {
		scenario->judge(scene);
	}
	if (scenario->clear != NULL) {
		scenario->clear(scene);
	}
	scene_wrong(scene, "%s", scene->rig->wrong);
	drop_rig(scene->rig);
	scene->rig = NULL;
	return count;
}

/* What grows by the same failure again and again leaks; once is a cache that was filled. */
static bool leaks(
	const struct scenario *scenario, struct scene *scene, uint64_t at, bool is_for_good)
{
	for (int i = 0; i < 3; i++) {
		int64_t before = alloc_live();
		(void)one_run(scenario, scene, at, is_for_good, false);
		if (alloc_live() <= before) {
			return false;
		}
	}
	return true;
}

static bool try_point(const struct scenario *scenario, struct scene *scene, uint64_t at,
	bool is_for_good, bool is_logging)
{
	int64_t before = alloc_live();
	scene->wrong[0] = '\0';
	(void)one_run(scenario, scene, at, is_for_good, is_logging);
	if (scene->wrong[0] == '\0' && alloc_live() > before &&
		leaks(scenario, scene, at, is_for_good)) {
		scene_wrong(scene, "it leaks");
	}
	if (scene->wrong[0] == '\0') {
		return true;
	}
	(void)printf(
		"malloc: %s\n  again: malloc %s%s\n", scene->wrong, scenario->name, running_at);
	return false;
}

struct tally {
	uint64_t scenarios, points, broken;
};

static void run_scenario(
	const struct scenario *scenario, struct scene *scene, bool is_all, struct tally *tally)
{
	running = scenario->name;
	scene->state[0] = '\0';
	scene->wrong[0] = '\0';
	(void)one_run(scenario, scene, 0, false, false);
	uint64_t count = one_run(scenario, scene, 0, false, false);
	tally->scenarios++;
	if (scene->wrong[0] != '\0') {
		(void)printf("malloc: %s with all memory: %s\n", scenario->name, scene->wrong);
		tally->broken++;
		return;
	}
	uint64_t points = is_all || count < POINTS_IN_CI ? count : POINTS_IN_CI;
	uint64_t broken = 0;
	for (uint64_t i = 0; i < points; i++) {
		uint64_t at = 1 + i * count / points;
		for (int is_for_good = 0; is_for_good <= (is_all ? 1 : (int)(i & 1));
			is_for_good++) {
			tally->points++;
			broken += !try_point(scenario, scene, at, is_for_good != 0, false);
			if (broken >= 5) {
				i = points;
				break;
			}
		}
	}
	tally->broken += broken;
}

static void run_list(const struct scenario *list, size_t count, struct scene *scene, int argc,
	char **argv, struct tally *tally)
{
	bool is_all = argc > 1 && strcmp(argv[1], "--all") == 0;
	for (size_t i = 0; i < count; i++) {
		if (argc > 1 && !is_all && strcmp(argv[1], list[i].name) != 0) {
			continue;
		}
		if (argc > 2) {
			running = list[i].name;
			tally->points++;
			tally->broken += !try_point(
				&list[i], scene, strtoull(argv[2], NULL, 10), argc > 3, true);
			continue;
		}
		run_scenario(&list[i], scene, is_all || argc > 1, tally);
	}
}

int main(int argc, char **argv)
{
	struct scene scene = {0};
	struct tally tally = {0};
	if (sodium_init() < 0) {
		return 2;
	}
	(void)signal(SIGSEGV, on_crash);
	(void)signal(SIGABRT, on_crash);
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	rig_library();
	scene.base = calloc(1, sizeof(*scene.base));
	if (scene.base == NULL) {
		return 2;
	}
	rig_live_a_little(scene.base);
	run_list(malloc_store, malloc_store_count, &scene, argc, argv, &tally);
	run_list(malloc_blobs, malloc_blobs_count, &scene, argc, argv, &tally);
	run_list(malloc_plain, malloc_plain_count, &scene, argc, argv, &tally);
	rig_fini(scene.base);
	free(scene.base);
	rig_library_free();
	(void)printf("malloc: %llu scenarios, %llu points, %llu broke a promise\n",
		(unsigned long long)tally.scenarios, (unsigned long long)tally.points,
		(unsigned long long)tally.broken);
	return tally.broken == 0 && (tally.scenarios >= 40 || argc > 1) ? 0 : 1;
}
