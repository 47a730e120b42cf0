/*
 * sim [--seed N] [--seeds FROM COUNT] [--twice EVERY] [--sabotage NAME]: runs seeds one behind the
 * other in this process, and says what they added up to. Every EVERYth seed is run twice: both runs
 * must do the same (I12), and leave as much memory behind as they found (I11).
 */
#include "base/log.h"
#include "sim/judge.h"
#include "sim/plot.h"

#include <malloc.h>
#include <signal.h>
#include <sodium.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { MEMORY_SLACK_BYTES = 256 * 1024, RESIDUE_FREE = 2, RESIDUE_PARTS = 20 };

static const char *chance_name(void)
{
	return "sim";
}

static uint32_t chance_word(void)
{
	return (uint32_t)dice_word(DICE_SODIUM);
}

static void chance_fill(void *const out, const size_t count)
{
	dice_fill(&world.state[DICE_SODIUM], out, count);
}

static struct randombytes_implementation chance = {
	.implementation_name = chance_name, .random = chance_word, .buf = chance_fill};

/* An assertion of the program, or worse: say which seed it was, then die of it. */
static void on_crash(int signal_number)
{
	(void)signal(signal_number, SIG_DFL);
	(void)printf("seed %llu: crashed\n", (unsigned long long)world.seed);
	world_show();
	(void)raise(signal_number);
}

static bool run_seed(uint64_t seed, bool is_verbose, uint64_t *trace_out)
{
	/* SQLite draws the salts of its WAL from a generator of its own. */
	(void)sqlite3_test_control(SQLITE_TESTCTRL_PRNG_SEED, (int)seed | 1, NULL);
	return plot_run(seed, is_verbose, trace_out);
}

static bool run_again(uint64_t seed, uint64_t first)
{
	uint64_t second = 0;
	size_t before = mallinfo2().uordblks;
	bool is_good = run_seed(seed, false, &second);
	size_t after = mallinfo2().uordblks;
	if (second != first) {
		(void)printf("seed %llu: broken I12: two runs differ\n", (unsigned long long)seed);
		is_good = false;
	}
	if (after > before + MEMORY_SLACK_BYTES) {
		(void)printf("seed %llu: broken I11: %zu bytes were left behind\n",
			(unsigned long long)seed, after - before);
		is_good = false;
	}
	return is_good;
}

static void say_figures(uint64_t count, uint64_t failed)
{
	(void)printf("%llu seeds, %llu failed: %llu messages, %llu acknowledged; %llu starts, %llu "
		     "kills, %llu power cuts, %llu replaced disks, %llu copies, %llu moves; ",
		(unsigned long long)count, (unsigned long long)failed,
		(unsigned long long)figures.released, (unsigned long long)figures.acknowledged,
		(unsigned long long)figures.starts, (unsigned long long)figures.kills,
		(unsigned long long)figures.cuts, (unsigned long long)figures.disasters,
		(unsigned long long)figures.clones, (unsigned long long)figures.moves);
	(void)printf("%llu pauses (%llu by claims), %llu went on, %llu by the owner's word, %llu "
		     "drafts, %llu of them posted; lost with a disk %llu, came back %llu; ",
		(unsigned long long)figures.pauses, (unsigned long long)figures.claims,
		(unsigned long long)figures.unlocked, (unsigned long long)figures.overrides,
		(unsigned long long)figures.drafts, (unsigned long long)figures.posted_drafts,
		(unsigned long long)figures.lost, (unsigned long long)figures.recovered);
	(void)printf(
		"forks: %llu by the owner's word, %llu between copies, %llu where nobody could "
		"tell, %llu of what nobody has; seen and said %llu; "
		"windows %llu, %llu all checked, %llu messages given to liars\n",
		(unsigned long long)figures.forks_override,
		(unsigned long long)figures.forks_copies, (unsigned long long)figures.forks_residue,
		(unsigned long long)figures.forks_unseen,
		(unsigned long long)figures.forks_detected, (unsigned long long)figures.windows,
		(unsigned long long)figures.windows_checked, (unsigned long long)figures.given);
}

/* A few forks are the documented rest; more of them are a rule that does not hold. */
static bool is_residue_small(void)
{
	if (figures.forks_residue <= RESIDUE_FREE + figures.disasters / RESIDUE_PARTS) {
		return true;
	}
	(void)printf("broken I2: %llu forks where nobody could tell, of %llu replaced disks\n",
		(unsigned long long)figures.forks_residue, (unsigned long long)figures.disasters);
	return false;
}

static bool run_all(uint64_t from, uint64_t count, uint64_t every)
{
	uint64_t failed = 0;
	for (uint64_t seed = from; seed < from + count; seed++) {
		uint64_t first = 0;
		bool is_good = run_seed(seed, false, &first);
		if (every > 0 && (seed - from) % every == every - 1) {
			is_good = run_again(seed, first) && is_good;
		}
		failed += !is_good;
	}
	say_figures(count, failed);
	return is_residue_small() && failed == 0;
}

static enum sabotage sabotage_of(const char *name)
{
	return strcmp(name, "sync") == 0    ? SABOTAGE_SYNC
	       : strcmp(name, "fence") == 0 ? SABOTAGE_FENCE
	       : strcmp(name, "guard") == 0 ? SABOTAGE_GUARD
					    : SABOTAGE_NONE;
}

int main(int argc, char **argv)
{
	uint64_t from = 1, count = 1, every = 0;
	bool is_verbose = false;
	for (int i = 1; i < argc; i++) {
		bool has_more = i + 1 < argc;
		if (strcmp(argv[i], "--from") == 0 && has_more) {
			from = strtoull(argv[++i], NULL, 10);
		} else if (strcmp(argv[i], "--count") == 0 && has_more) {
			count = strtoull(argv[++i], NULL, 10);
		} else if (strcmp(argv[i], "--twice") == 0 && has_more) {
			every = strtoull(argv[++i], NULL, 10);
		} else if (strcmp(argv[i], "--sabotage") == 0 && has_more) {
			plot_sabotage = sabotage_of(argv[++i]);
		} else if (strcmp(argv[i], "--verbose") == 0) {
			is_verbose = true;
		} else {
			(void)fprintf(stderr, "sim: what is %s?\n", argv[i]);
			return 2;
		}
	}
	(void)randombytes_set_implementation(&chance);
	if (sodium_init() < 0) {
		return 2;
	}
	/* Memory that is asked for again soon is not given back meanwhile. */
	(void)mallopt(M_TRIM_THRESHOLD, 64 << 20);
	(void)mallopt(M_MMAP_THRESHOLD, 8 << 20);
	(void)signal(SIGABRT, on_crash);
	(void)signal(SIGSEGV, on_crash);
	log_set_level(is_verbose ? LOG_INFO : LOG_ERROR + 1);
	if (is_verbose) {
		uint64_t trace_hash = 0;
		bool is_good = run_seed(from, true, &trace_hash);
		say_figures(1, !is_good);
		(void)printf("trace %016llx\n", (unsigned long long)trace_hash);
		return is_good ? 0 : 1;
	}
	return run_all(from, count, every) ? 0 : 1;
}
