/**
 * torture/malloc: what is run while memory fails. A scenario is prepared, run with one allocation
 * failing, run again with none failing, judged and cleared away, for each allocation that its run
 * makes.
 */
#ifndef TORTURE_MALLOC_H
#define TORTURE_MALLOC_H

#include "torture/rig.h"

struct scene {
	struct rig *base; /* a node that has lived: never changed by a scenario */
	struct rig *rig;  /* … and a copy of it on a disk of its own, made afresh for each run */
	void *own;        /* a scenario's own */
	char state[16];   /* after the run with all memory: what a run without must come to */
	char wrong[512];  /* a promise that was broken */
};

struct scenario {
	const char *name;
	void (*prepare)(struct scene *scene); /* may be NULL */
	enum err (*run)(struct scene *scene); /* what memory may fail for */
	void (*judge)(struct scene *scene);   /* after the run that had all memory; may be NULL */
	void (*clear)(struct scene *scene);   /* may be NULL */
	enum err expected;                    /* of a run with all memory */
	enum err also; /* … or this without memory; 0: only ERR_NOMEM and ERR_BUSY */
	bool is_empty; /* the rig begins with an empty disk */
};

extern const struct scenario malloc_store[];
extern const size_t malloc_store_count;
extern const struct scenario malloc_blobs[];
extern const size_t malloc_blobs_count;
extern const struct scenario malloc_plain[];
extern const size_t malloc_plain_count;

void scene_wrong(struct scene *scene, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
