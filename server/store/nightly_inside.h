/**
 * store/nightly, inside: what its files share.
 */
#ifndef STORE_NIGHTLY_INSIDE_H
#define STORE_NIGHTLY_INSIDE_H

#include "store/store.h"

/** Is the database file sound? `goes_on` is asked now and then; ERR_CLOSED when it said no, another
 * error when the disk or the memory did not let it be told. */
MUST_USE enum err nightly_check(
	struct store *store, bool (*goes_on)(void *ctx), void *ctx, bool *is_sound);

#endif
