/**
 * tests/bench/corpus: made-up feeds that look like real ones (performance.md: 38 % posts, 40 %
 * votes, 12 % contacts, 4 % private, 681 bytes on average), the same for the same seed. Messages
 * come in the order of their claimed times, authors mixed.
 */
#ifndef TESTS_BENCH_CORPUS_H
#define TESTS_BENCH_CORPUS_H

#include "feed/message.h"

struct corpus;

/** Ends the program when there is no memory, as everything here does: a measurement cannot go on
 * without. */
struct corpus *corpus_new(size_t authors, uint64_t seed);
void corpus_free(struct corpus *corpus);
/** Append the next message's compact text to `out`. */
void corpus_next(struct corpus *corpus, struct buf *out);

/** The hub's key pair has this byte 32 times as its seed. */
#define CORPUS_HUB_SEED_BYTE 'h'
/** Append the hub's next message: it follows each author once, so that whoever follows the hub
 * replicates them all. False: that was all. */
bool corpus_next_of_hub(struct corpus *corpus, struct buf *out);

#endif
