/** tests/sim/judge: the promises I1 … I13 (README.md), watched while the simulator runs and looked
 * at when all is calm again. */
#ifndef TESTS_SIM_JUDGE_H
#define TESTS_SIM_JUDGE_H

#include "sim/node.h"

enum { LIARS_MAX = 2 };

/* One run. */
struct sim {
	struct node nodes[NODES_MAX];
	unsigned node_count, honest_count; /* nodes; and their persons, who are the first ones */
	unsigned person_count;             /* liars too */
	bool has_claims;                   /* some liar speaks of messages that are not there */
	bool is_calm;                      /* the faults are over */
};
extern struct sim sim;

/* What all seeds of a process add up to. */
struct figures {
	uint64_t released, acknowledged, starts, kills, cuts, disasters, clones;
	uint64_t pauses, claims, unlocked, overrides, lost, recovered, drafts, declined;
	uint64_t forks_override, forks_unseen, forks_residue, forks_copies, forks_detected;
	uint64_t moves, posted_drafts;
	uint64_t windows, windows_checked, given; /* shown or checked ahead; given to liars */
};
extern struct figures figures;

void judge_begin(void);
void judge_end(void);
void judge_start(struct node *node);
void judge_turn(struct node *node);
void judge_commit(struct node *node, const struct commit *commit);
void judge_state(struct node *node);
/** The disk under the node was replaced by an older one, or by none. */
void judge_disaster(struct node *node);
/** `node` was made of another's disk. */
void judge_twin(struct node *node);
/** The owner's request was kept under this number while publishing is paused. */
void judge_draft(struct node *node, int64_t draft, const char *content);
/** Each of them is still there, or posted. */
void judge_drafts(struct node *node);
/** The owner of `node` blocks `person`, or no longer. */
void judge_block(struct node *node, unsigned person, bool is_blocked);
/** `node` gave a message of `person` to a stranger who asked for it. */
void judge_served(struct node *node, unsigned person);
/** `node` gave this message before its history, on a connection that stands since then. */
void judge_given(struct node *node, int64_t since_us, struct span text);
/** Every second. */
void judge_watch(void);
/** Do all have what all have? `is_said`: I4 is broken when not. */
bool judge_converged(bool is_said);
/** When all is calm and converged. */
void judge_stores(void);

struct node *judge_node(unsigned host);

#endif
