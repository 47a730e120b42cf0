/**
 * sync/confirm: ask one connected peer what it has of our own feed, and compare its message at the
 * lower of its and our number with ours (restore.md §4 U, "confirmed"). Newer messages that come to
 * light go to ingest.
 */
#ifndef SYNC_CONFIRM_H
#define SYNC_CONFIRM_H

#include "sync/reach.h"

struct confirm;

/** The peer is ready. Without memory it is not asked. */
void confirm_new(struct partner *partner);
void confirm_free(struct partner *partner);
/** Ask soon, also if it has answered before. */
void confirm_again(struct partner *partner);
/** It told its number by a clock note; −1: it does not replicate our feed. */
void confirm_told(struct partner *partner, int64_t note);
/** A message of ours it sent, at or below our head, has been looked at; `key` NULL: it was no valid
 * message. */
void confirm_compared(struct partner *partner, uint64_t sequence, const struct message_id *key);
/** The reach changed: an answer of somebody who did not count may count now. */
void confirm_reach_changed(struct partner *partner);
/** Monotonic ms when something is to be done, INT64_MAX: never; and do what is due. */
int64_t confirm_due_ms(const struct partner *partner);
void confirm_go_on(struct partner *partner);
/** Of a fork of our own: is this message one of those it was asked for? */
bool confirm_is_expected(const struct partner *partner, uint64_t sequence);

#endif
