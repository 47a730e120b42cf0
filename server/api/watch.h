/**
 * api/watch: one thread that turns changes of the connections into events: how far behind we are,
 * and who holds our newest post. It may ask the loop and read the store, which the live thread may
 * not.
 */
#ifndef API_WATCH_H
#define API_WATCH_H

#include "api/inside.h"

struct watch;

MUST_USE enum err watch_start(struct api *api, struct watch **out);
/** Something changed. Any thread, also the loop: it only notes it. */
void watch_wake(struct watch *watch);
void watch_stop(struct watch *watch);

#endif
