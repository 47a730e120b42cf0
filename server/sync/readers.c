/* As many connections as jobs ran at once; a few are kept, the others closed when they come back.
 */
#include "sync/readers.h"

#include <pthread.h>
#include <stdlib.h>

enum { READERS_KEPT = 4 };

struct readers {
	struct store *store;
	pthread_mutex_t lock;
	struct reader *idle[READERS_KEPT];
	size_t count;
};

struct readers *readers_new(struct store *store)
{
	struct readers *readers = calloc(1, sizeof(*readers));
	if (readers != NULL && pthread_mutex_init(&readers->lock, NULL) != 0) {
		free(readers);
		return NULL;
	}
	if (readers != NULL) {
		readers->store = store;
	}
	return readers;
}

void readers_free(struct readers *readers)
{
	if (readers == NULL) {
		return;
	}
	for (size_t i = 0; i < readers->count; i++) {
		reader_close(readers->idle[i]);
	}
	(void)pthread_mutex_destroy(&readers->lock);
	free(readers);
}

struct reader *readers_take(struct readers *readers)
{
	struct reader *reader = NULL;
	(void)pthread_mutex_lock(&readers->lock);
	if (readers->count > 0) {
		reader = readers->idle[--readers->count];
	}
	(void)pthread_mutex_unlock(&readers->lock);
	if (reader == NULL && reader_open(readers->store, &reader) != ERR_OK) {
		return NULL;
	}
	return reader;
}

void readers_give(struct readers *readers, struct reader *reader)
{
	if (reader == NULL) {
		return;
	}
	(void)pthread_mutex_lock(&readers->lock);
	bool is_kept = readers->count < READERS_KEPT;
	if (is_kept) {
		readers->idle[readers->count++] = reader;
	}
	(void)pthread_mutex_unlock(&readers->lock);
	if (!is_kept) {
		reader_close(reader);
	}
}
