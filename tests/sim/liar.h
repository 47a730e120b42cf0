/** tests/sim/liar: a peer that keeps to the handshake and the framing, and to nothing else. */
#ifndef TESTS_SIM_LIAR_H
#define TESTS_SIM_LIAR_H

#include "sim/judge.h"

enum lie {
	LIE_WITHHOLD,  /* has everything, gives nothing */
	LIE_OVERCLAIM, /* has a thousand million messages of everybody */
	LIE_CLAIM,     /* has a few more of the listener's own feed than there are */
	LIE_FORK,      /* its own feed has two histories */
	LIE_REPLAY,    /* sends old messages again, the listener's own too */
	LIE_GARBLE,    /* sends bytes that are nearly messages, and some that are not */
	LIE_FLOOD,     /* sends much of all that at once, and opens many calls */
	LIE_CURIOUS,   /* asks for the feeds that the listener blocks */
	LIE_WINDOW,    /* answers kith.newest with every kind of false window */
	LIE_COUNT
};

struct liar;

MUST_USE struct liar *liar_new(unsigned number, unsigned person);
void liar_free(struct liar *liar);

#endif
