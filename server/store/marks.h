/**
 * store/marks: how far the owner has read, in any browser, and what is new since. A mark is a place
 * in the order (at, message) of a list and only rises (CHANGE_MARK).
 */
#ifndef STORE_MARKS_H
#define STORE_MARKS_H

#include "store/reader.h"

enum { UNREAD_MAX = 100 }; /* counted up to this */

struct mark {
	bool is_set; /* else nothing was ever marked, and both are 0 */
	int64_t at_ms, order;
};

/** `name`: "home", "wide" or "activity". */
MUST_USE enum err marks_read(struct reader *reader, const char *name, struct mark *out);
/** Posts by others in the home timeline after its mark; 0 without one. */
MUST_USE enum err marks_unread_home(struct reader *reader, uint32_t *out);

#endif
