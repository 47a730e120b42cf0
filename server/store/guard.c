/*
 * The judgements. What anybody says that is newer than what we hold, and what anybody holds that is
 * another history than ours, keeps every rule from unlocking; what remains is how many must have
 * agreed and for how long nothing newer may have come. Numbers alone compare nothing: a holder
 * counts only when a message of its was compared with ours by key.
 */
#include "store/guard.h"

#include "base/limits.h"

#include <assert.h>

static const struct {
	const char *name;
	const char *said;
} causes[GUARD_CAUSE_COUNT] = {
	[GUARD_NONE] = {"none", ""},
	[GUARD_NO_FENCE] = {"no_fence",
		"The safety file beside the database is missing: this looks like a restored or "
		"copied node."},
	[GUARD_FENCE_DAMAGED] = {"fence_damaged",
		"The safety file beside the database is damaged."},
	[GUARD_FOREIGN_FENCE] = {"foreign_fence",
		"The safety file beside the database belongs to another node."},
	[GUARD_EPOCH] = {"epoch",
		"The database and its safety file are not of the same time: one of them was "
		"replaced."},
	[GUARD_BEHIND] = {"behind",
		"You have published messages that this database does not hold: it was rolled "
		"back, perhaps from a backup."},
	[GUARD_MOVED] = {"moved",
		"This node was moved or copied to another machine or directory. Another copy of "
		"it may still be running."},
	[GUARD_DAMAGE] = {"damage", "Your own feed in this database has a hole or a bad link."},
	[GUARD_CLOCK] = {"clock",
		"The clock stands long before your newest message, and the disk is another one: "
		"this machine was perhaps set back to an earlier day."},
	[GUARD_IMPORTED] = {"imported",
		"The key was brought along without its feed. What it has published before must "
		"come back first."},
	[GUARD_RESTORED] = {"restored",
		"This database was restored from a backup. What you published after it may still "
		"be with your friends."},
	[GUARD_CLAIM] = {"claim",
		"Somebody says that you have published more than this node knows. It looks for "
		"that, for a minute at most."},
	[GUARD_RETURNED] = {"returned",
		"A message of yours came back that this node did not write: another copy of it "
		"has been publishing, or this one lost something."},
	[GUARD_WITNESS] = {"witness",
		"One of your browsers has seen a newer message of yours than this node holds: "
		"the database was rolled back."},
	[GUARD_TWIN] = {"twin", "Another node is running with your key."},
	[GUARD_FORK] = {"fork",
		"Two different messages of yours carry one number. Publishing has stopped."},
	[GUARD_MOVED_OUT] = {"moved_out",
		"This node was retired: you moved to another one. It will not publish again."},
};

const char *guard_cause_name(enum guard_cause cause)
{
	assert((size_t)cause < GUARD_CAUSE_COUNT);
	return causes[cause].name;
}

enum guard_cause guard_cause_of(struct span name)
{
	for (int i = GUARD_NONE + 1; i < GUARD_CAUSE_COUNT; i++) {
		if (span_equal_text(name, causes[i].name)) {
			return (enum guard_cause)i;
		}
	}
	return GUARD_NONE;
}

const char *guard_cause_said(enum guard_cause cause)
{
	assert((size_t)cause < GUARD_CAUSE_COUNT);
	return causes[cause].said;
}

const char *guard_rule_name(enum guard_rule rule)
{
	static const char *const names[] = {"none", "U1", "U2", "U3", "U4", "U5", "lapsed"};
	assert((size_t)rule < sizeof(names) / sizeof(names[0]));
	return names[rule];
}

/* What the holders say, counted. */
struct count {
	size_t holders;       /* all that are known */
	size_t confirmed;     /* agree, and have nothing newer */
	size_t proven;        /* … and do hold messages of ours */
	size_t recent_silent; /* seen not long before the pause, and not confirmed */
	size_t recent;
	bool is_contradicted; /* somebody holds another history */
	uint64_t newest;
};

static void count_holder(
	const struct guard_facts *facts, const struct guard_holder *holder, struct count *count)
{
	bool is_newer = holder->told > 0 && (uint64_t)holder->told > facts->sequence;
	bool is_confirmed = holder->told >= 0 && holder->agreement == GUARD_AGREES && !is_newer;
	/* A sighting behind the beginning is of a clock that was wrong. */
	bool is_old_copy = facts->known_ms > 0 && facts->known_ms < facts->since_ms;
	int64_t seen_since_ms =
		(is_old_copy ? facts->known_ms : facts->since_ms) - LIMIT_HOLDER_SEEN_MS;
	bool is_recent = holder->told >= 0 || holder->seen_ms >= seen_since_ms;
	uint64_t told = holder->told > 0 ? (uint64_t)holder->told : 0;
	uint64_t newest = holder->told >= 0 ? told : holder->sequence;
	count->holders++;
	count->confirmed += is_confirmed;
	count->proven += is_confirmed && told > 0;
	count->recent += is_recent;
	count->recent_silent += is_recent && !is_confirmed;
	count->is_contradicted = count->is_contradicted || holder->agreement == GUARD_DIFFERS;
	if (newest > count->newest) {
		count->newest = newest;
	}
}

/* The witnesses: does one agree with our head, does one know better? */
static void count_witnesses(
	const struct guard_facts *facts, struct count *count, bool *agrees, bool *knows_better)
{
	*agrees = false;
	*knows_better = false;
	for (size_t i = 0; i < facts->witness_count; i++) {
		const struct guard_witness *witness = &facts->witnesses[i];
		bool is_same = witness->sequence == facts->sequence && witness->has_key &&
			       message_id_equal(&witness->key, &facts->head);
		bool is_other = witness->is_contradicted ||
				(witness->sequence == facts->sequence && facts->sequence > 0 &&
					witness->has_key && !is_same);
		*agrees = *agrees || (is_same && !witness->is_echo && facts->sequence > 0);
		*knows_better = *knows_better || witness->sequence > facts->sequence || is_other;
		if (witness->sequence > count->newest) {
			count->newest = witness->sequence;
		}
	}
}

/* A rule whose people have spoken: its clocks. */
struct clock {
	enum guard_rule rule;
	bool is_met; /* by people; the clock remains */
	int64_t left_ms;
};

static int64_t left(int64_t until_ms, int64_t now_ms)
{
	return until_ms > now_ms ? until_ms - now_ms : 0;
}

static int64_t longer(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* The first rule that is met and has run out decides; else the one that will be soonest. */
static void take_soonest(const struct clock *clocks, size_t count, struct guard_verdict *out)
{
	const struct clock *soonest = NULL;
	for (size_t i = 0; i < count; i++) {
		if (clocks[i].is_met && (soonest == NULL || clocks[i].left_ms < soonest->left_ms)) {
			soonest = &clocks[i];
		}
	}
	if (soonest != NULL) {
		out->nearest = soonest->rule;
		out->left_ms = soonest->left_ms;
		out->rule = soonest->left_ms == 0 ? soonest->rule : GUARD_RULE_NONE;
	}
}

/* Nobody's word is enough yet: what is waited for, and how many. */
static void name_the_missing(
	const struct count *count, bool has_witness, bool has_history, struct guard_verdict *out)
{
	if (out->nearest != GUARD_RULE_NONE) {
		return;
	}
	if (has_witness) {
		out->nearest = GUARD_U1;
	} else if (has_history && count->recent > 0) {
		out->nearest = GUARD_U2;
	} else {
		out->nearest = GUARD_U3;
	}
}

void guard_judge(const struct guard_facts *facts, int64_t wall_ms, int64_t mono_ms,
	struct guard_verdict *out)
{
	struct count count = {.newest = facts->sequence};
	bool has_witness = false;
	bool knows_better = false;
	*out = (struct guard_verdict){0};
	for (size_t i = 0; i < facts->holder_count; i++) {
		count_holder(facts, &facts->holders[i], &count);
	}
	count_witnesses(facts, &count, &has_witness, &knows_better);
	out->newest_seen = count.newest;
	out->confirmed = count.confirmed;
	out->waiting_for = count.recent_silent;
	if (facts->state != FENCE_SUSPECT) {
		return;
	}
	int64_t quiet_ms = left(facts->quiet_since_ms + LIMIT_GUARD_QUIET_MS, mono_ms);
	int64_t long_ms = left(facts->quiet_since_ms + LIMIT_GUARD_QUIET_LONG_MS, mono_ms);
	int64_t day_ms = left(facts->since_ms + LIMIT_GUARD_HALF_MS, wall_ms);
	/* Who nobody knew before the pause cannot be "all": of a key alone, no holder was known. */
	bool has_history = facts->start_sequence > 0;
	const struct clock clocks[] = {
		{GUARD_LAPSED, facts->cause == GUARD_CLAIM,
			left(facts->quiet_since_ms + LIMIT_GUARD_CLAIM_MS, mono_ms)},
		{GUARD_U4, facts->is_database_current && count.holders == 0, 0},
		{GUARD_U1, has_witness && count.proven > 0, quiet_ms},
		{GUARD_U2,
			has_history && count.recent > 0 && count.recent_silent == 0 &&
				count.proven > 0,
			quiet_ms},
		{GUARD_U3,
			count.proven >= LIMIT_GUARD_HALF_HOLDERS &&
				2 * count.proven >= count.holders,
			longer(long_ms, day_ms)},
	};
	bool is_stuck = count.is_contradicted || knows_better;
	take_soonest(clocks, is_stuck ? 1 : sizeof(clocks) / sizeof(clocks[0]), out);
	name_the_missing(&count, has_witness, has_history, out);
}
