/** tests/lib/shelf: a data directory of its own below /tmp with an open store and writer, for
 * tests. Every helper ends the test when it fails. */
#ifndef TESTS_LIB_SHELF_H
#define TESTS_LIB_SHELF_H

#include "lib/authors.h"
#include "store/reader.h"
#include "store/timeline.h"
#include "store/writer.h"

struct shelf {
	char dir[64];
	struct author self; /* number 0; its head is not kept: the writer signs */
	struct env env;     /* the system's, but the wall clock below and no log */
	int64_t wall_ms;
	_Atomic int64_t added_ms; /* to the monotonic clock */
	bool is_stepped;          /* from the next shelf_open() on: no writer thread */
	size_t bulk_begins;       /* from the next shelf_open() on; 0: as usual */
	unsigned states;          /* how often on_state was called */
	unsigned outbox[5];       /* how often on_outbox told of each enum outbox_state */
	struct store *store;
	struct writer *writer;
	struct reader *reader;
	uint64_t commits;   /* announced transactions */
	uint64_t committed; /* announced messages */
	uint64_t late;      /* … and those of a bulk, when their rows were made */
	struct committed last;
	uint64_t ahead; /* posts in the last announcement that had some held ahead */
	struct committed last_ahead;
	bool is_ahead_gone; /* announced at least once */
	unsigned blobs[5];  /* how often each enum blob_event was announced */
	struct blob_news last_blob;
	void (*on_step)(void *ctx, enum writer_step step);
	void *step_ctx;
};

void shelf_init(struct shelf *shelf); /* makes the directory and opens it */
void shelf_fini(struct shelf *shelf); /* closes, and removes the directory */
void shelf_open(struct shelf *shelf);
void shelf_close(struct shelf *shelf);

/** Of a closed shelf: the store without a writer, which would mend or judge what is to be looked
 * at. */
void shelf_open_store(struct shelf *shelf);
void shelf_close_store(struct shelf *shelf);
/** All that a query gives of the database file, each value with | behind; free() it. */
char *shelf_dump(const struct shelf *shelf, const char *sql);

/** A stepped shelf: everything that waits or is due is done. */
void shelf_settle(struct shelf *shelf);
/** … and after that much time on both clocks. */
void shelf_pass(struct shelf *shelf, int64_t ms);

/** For cmocka: a shelf as `*state`. */
int shelf_set_up(void **state);
int shelf_tear_down(void **state);

/** Publish and expect ERR_OK. */
struct publish_result shelf_publish(struct shelf *shelf, const char *format, ...) PRINTF_LIKE(2, 3);
struct publish_result shelf_contact(
	struct shelf *shelf, const struct feed_id *who, enum contact_edge edge);
/** Append one message (which is taken over) and wait for its result. */
enum append_result shelf_append(struct shelf *shelf, struct message *message);
/** Append many in one job; `results` may be NULL. Returns the job's error. */
enum err shelf_append_all(
	struct shelf *shelf, struct message **messages, size_t count, enum append_result *results);

/** The conversation `id` belongs to, as thread_read(). */
enum err shelf_thread(struct shelf *shelf, const struct message_id *id, struct thread_facts *facts,
	struct posts *out);

/** Posts that are found for what somebody typed, 100 at most. */
size_t shelf_found(struct shelf *shelf, const char *typed);

#endif
