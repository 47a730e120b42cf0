/**
 * store/private, inside: the book and what its files share.
 *
 *   private.c         start, stop, the thread
 *   private_walk.c    boxes that are stored are tried, and what opens is written down
 *   private_row.c     one message as it is sealed
 *   private_book.c    the book in memory: put in, taken out, found
 *   private_ask.c     what others ask for
 *   private_search.c  words
 *   private_text.c    texts are opened
 *   private_blobs.c   pictures and files that are named
 *   private_edges.c   whom we follow and block privately
 */
#ifndef STORE_PRIVATE_INSIDE_H
#define STORE_PRIVATE_INSIDE_H

#include "base/table.h"
#include "store/private.h"
#include "store/reader_inside.h"

#include <pthread.h>
#include <stdatomic.h>

/* The setting that says how far boxes were tried, and with whose key. */
#define PRIVATE_MARK "private_mark"

enum {
	PRIVATE_ROW_BYTES_MAX = 1024,
	PRIVATE_URGENT_MAX = 64,   /* live boxes tried before their turn */
	PRIVATE_MARK_EVERY = 4096, /* rows looked at, until that is written down */
	PRIVATE_PENDING_HEAD = 12, /* before each row on its way to the writer: number, length */
	PRIVATE_PENDING_BYTES = 1024 * PRIVATE_ROW_BYTES_MAX,
};

/* An author or a reader. */
struct private_person {
	struct feed_id id;
	bool is_hidden;
};

struct private_entry;
/* Entries in some order. */
struct private_list {
	struct private_entry **at;
	size_t count, room;
};

/* A conversation. */
struct private_set {
	struct private_name name;
	size_t count, total;
	struct private_list posts; /* by (at, message) */
	struct private_place last; /* scratch of private_conversations() */
	struct feed_id ids[];      /* `count`, by their bytes */
};

struct private_entry {
	int64_t message, at_ms, received_ms;
	uint64_t sequence;
	const struct private_person *author;
	struct private_set *set;
	struct message_id key;
	uint8_t root[ID_BYTES]; /* root, link, or whom a contact is about */
	uint8_t fork[ID_BYTES];
	struct open_key open;
	uint8_t type; /* enum content_type */
	uint8_t edge;
	bool has_root, has_fork, is_like, is_own;
};

/* Where the walk is: everything up to this row was tried. */
struct private_mark {
	int64_t message; /* 0: nothing */
	int64_t key_head;
};
/* … as the setting has it. False: it is no mark. */
struct private_mark_text {
	char fingerprint[33]; /* of the key */
	struct private_mark mark;
};
MUST_USE bool private_mark_parse(const char *text, struct private_mark_text *out);

struct private_book {
	struct private_opts opts;
	const struct env *env;
	struct feed_id self;
	uint8_t *keys; /* PRIVATE_KEYS of 32 bytes, in guarded memory */
	char fingerprint[33];

	pthread_mutex_t lock;  /* the book: everything down to the next blank line */
	struct table *entries; /* by key */
	struct table *people;
	struct table *sets;  /* by name */
	struct table *about; /* struct private_list by root, fork or link */
	struct private_list by_row;
	struct feed_id *hidden; /* whose words are not shown, by their bytes */
	size_t hidden_count;
	bool is_full_told;

	/* Of the thread (or of who steps). */
	struct reader *reader;
	struct private_mark mark, saved;
	int64_t saved_ms;
	int64_t again_ms;   /* when everything was last looked at again; 0: never */
	bool is_again_owed; /* … and is to be once more, not so soon */
	struct buf pending; /* sealed rows that are still to be written down */
	bool is_foreign;    /* what is written down is of another key: it all goes */
	bool is_tidied;
	bool is_edges_stale;
	size_t tidied; /* rows of the book looked after so far */

	pthread_t thread;
	pthread_mutex_t wake_lock; /* what the writer's thread tells */
	pthread_cond_t wake;
	bool is_stopping, has_rows, has_edges, is_tidy_asked;
	uint64_t told, tried; /* commits with boxes; up to which they were looked at */
	struct private_urgent {
		struct feed_id author;
		uint64_t sequence;
	} urgent[PRIVATE_URGENT_MAX];
	size_t urgent_count;
	atomic_uint_fast64_t behind;
};

/** A message was opened: what its text names is offered or wanted. The thread's. */
void private_blobs_note(
	struct private_book *book, struct span plain, const struct private_message *message);

/** Done with a statement, if there is one. */
static inline void private_reset(sqlite3_stmt *stmt)
{
	if (stmt != NULL) {
		db_reset(stmt);
	}
}

/* private_row.c */
enum private_key { PRIVATE_KEY_ROWS, PRIVATE_KEY_NAMES, PRIVATE_KEY_OTHER, PRIVATE_KEYS };
MUST_USE enum err private_keys_make(struct private_book *book);
/** A message on its way into the book. `subject` and the like as in struct private_message. */
struct private_row {
	struct private_message m;
	struct open_key open;
};
MUST_USE enum err private_row_seal(
	struct private_book *book, const struct private_row *row, struct buf *out);
/** ERR_DAMAGED: not ours, or not of that row of `messages`. */
MUST_USE enum err private_row_open(
	struct private_book *book, int64_t message, struct span sealed, struct private_row *out);
/** Fill readers from a content: what it claims, its author, ourselves. */
MUST_USE enum err private_row_readers(struct private_book *book, const struct json *content,
	const struct feed_id *author, struct private_readers *out);

/* private_book.c; with the lock, but for init and fini. */
MUST_USE enum err private_book_init(struct private_book *book);
void private_book_fini(struct private_book *book);
/** ERR_EXISTS: it is there, under this row; ERR_LIMIT: the book is full of newer ones. */
MUST_USE enum err private_book_put(struct private_book *book, const struct private_row *row);
void private_book_drop(struct private_book *book, struct private_entry *entry);
void private_book_clear(struct private_book *book);
struct private_entry *private_book_get(struct private_book *book, const struct message_id *key);
void private_book_tell(const struct private_entry *entry, struct private_message *out);
void private_book_readers(const struct private_set *set, struct private_readers *out);
int private_compare_ids(const void *a, const void *b);
/** Is this author one whose words are not shown? */
bool private_is_among(const struct private_book *book, const struct feed_id *id);
/** Entries whose root, fork or link this is; NULL: none. */
const struct private_list *private_book_about(
	struct private_book *book, const uint8_t id[static ID_BYTES]);
/** The first in a list of posts that is not before that place. */
size_t private_book_first(const struct private_list *posts, const struct private_place *place);
static inline bool private_is_shown(const struct private_entry *entry)
{
	return !entry->author->is_hidden;
}

/* private_walk.c; the book's thread */
/** Sealed rows and the mark. Sets `book->mark`. */
MUST_USE enum err private_load(struct private_book *book);
/** One unit. False: there was nothing to do. */
bool private_walk(struct private_book *book);
/** Write down what is pending, and the mark when it moved. */
MUST_USE enum err private_save(struct private_book *book);

/* private_ask.c */
/** Read again whose words are not shown. Without the lock. */
MUST_USE enum err private_hide(struct private_book *book, struct reader *reader);
/* What it takes to open one message. */
struct private_lock {
	int64_t message;
	struct message_id key;
	struct open_key open;
};
/** Append the text of a message. Without the lock. ERR_NOT_FOUND: it is here no more. */
MUST_USE enum err private_open_row(
	struct reader *reader, const struct private_lock *of, struct buf *content);
/** Room for `limit` messages. */
MUST_USE enum err private_page_init(struct private_page *page, size_t limit);

/* private_edges.c; the book's thread */
/** Whom we follow and block privately, as of now; true when that changed. */
bool private_edges_settle(struct private_book *book);

#endif
