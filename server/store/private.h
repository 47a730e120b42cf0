/**
 * store/private: private words, as far as our key opens them (protocol/06, 09). One thread behind
 * everything tries each box that is stored once; what opens is remembered sealed (table
 * `private_messages`), what does not by how far the thread has come (setting `private_mark`), so
 * that a start tries nothing again. A key that is another, or a sealed row that does not open, has
 * everything read again.
 *
 * The book is in memory: who wrote when to whom, about what; no text. A text is opened when it is
 * asked for, with the key of that one message, which costs no curve. Nothing of it is in any other
 * table, and nothing on the disk that our key does not protect.
 *
 * Who is in a conversation is what authors claim (`recps`, else `to`), with the author and
 * ourselves. Words of people we block (openly or privately) or mute are in the book, and in no
 * answer of it; they are back when that ends.
 *
 * Any thread may ask, with a reader of its own. Errors: ERR_NOMEM, and those of the reader.
 */
#ifndef STORE_PRIVATE_H
#define STORE_PRIVATE_H

#include "feed/content.h"
#include "feed/signer.h"
#include "store/reader.h"
#include "store/search.h"
#include "store/writer.h"

enum {
	PRIVATE_READERS_MAX = 16, /* kept of those a message claims */
	PRIVATE_NEWS_MAX = 64,
	PRIVATE_SEAL_BYTES = 40, /* what sealing adds */
};

struct private_book;

/* A set of people, ourselves among them: a hash of their ids keyed by our key. */
struct private_name {
	uint8_t at[32];
};

struct private_readers {
	struct private_name name;
	struct feed_id at[PRIVATE_READERS_MAX]; /* ourselves among them, by their bytes */
	size_t count;
	size_t total; /* of those claimed; above `count` when they were too many to be kept */
};

/* What is known of one message. */
struct private_message {
	int64_t message; /* its row: the order of arrival */
	struct message_id key;
	struct feed_id author;
	uint64_t sequence;
	int64_t at_ms; /* min(claimed, received) */
	int64_t received_ms;
	enum content_type type; /* CONTENT_POST, _VOTE, _CONTACT, _ABOUT, else CONTENT_OTHER */
	bool has_root, has_fork;
	struct message_id root; /* of a post; the link of a vote */
	struct message_id fork; /* of a post */
	bool is_like;           /* of a vote */
	struct feed_id subject; /* of a contact */
	enum contact_edge edge;
	unsigned sealed_for; /* so many keys, as its box tells who opens it; 0: it does not */
	bool is_own;         /* by us */
	bool is_alone;       /* readable by nobody but us, as we wrote it */
	bool is_hidden;      /* by somebody we block or mute: only private_find() tells of it */
	struct private_readers readers;
};

/* A place in the order (at, message) of posts, as in store/marks. */
struct private_place {
	int64_t at_ms, order;
};

/* What came, or was found in what was there. */
struct private_news {
	const struct private_message *messages; /* at most PRIVATE_NEWS_MAX; shown ones only */
	size_t count;
	bool is_cut;           /* there are more than these */
	bool is_edges_changed; /* whom we follow or block privately is another */
};

struct private_opts {
	struct store *store;
	struct writer *writer; /* NULL: nothing is remembered (a command that reads) */
	const struct signer *signer;
	/* The book's thread, or the caller of private_step(); may be NULL. */
	void (*on_news)(void *ctx, const struct private_news *news);
	void *ctx;
	bool is_stepped; /* no thread: private_step() does its work */
};
/** Reads the sealed rows before it returns, and tells the writer whom we follow and block
 * privately. */
MUST_USE enum err private_start(const struct private_opts *opts, struct private_book **out);
/** Before the writer stops. */
void private_stop(struct private_book *book);
/** Writer thread: messages were committed. Only wakes the book's thread. */
void private_on_commit(struct private_book *book, const struct commit *commit);
/** Of a stepped book: try some of what waits; false when there is nothing. */
bool private_step(struct private_book *book);
/** Stored messages still to be looked at (boxes and others), about. */
uint64_t private_behind(struct private_book *book);
/** It has no room left, so the oldest are not in it. */
bool private_is_full(struct private_book *book);
/** How many commits with boxes private_on_commit() told of; and were the first `told` of them
 * looked at? They are, within moments. */
uint64_t private_told(struct private_book *book);
bool private_has_tried(struct private_book *book, uint64_t told);

/** The name of the conversation of these people and ourselves, whatever their order; twice the
 * same counts once. */
MUST_USE enum err private_readers_of(struct private_book *book, const struct feed_id *ids,
	size_t count, struct private_readers *out);

struct private_conversation {
	struct private_readers readers;
	struct private_message last; /* the latest post that is shown */
	struct feed_id first_author; /* of the oldest one */
	uint32_t posts, own;         /* shown posts; of them by us */
};
/** Those with posts, the latest first, those after `before` (NULL: all), until the callback says
 * false. It may not ask the book for anything. */
MUST_USE enum err private_conversations(struct private_book *book, struct reader *reader,
	const struct private_place *before,
	bool (*on_conversation)(void *ctx, const struct private_conversation *conversation),
	void *ctx);
/** ERR_NOT_FOUND: there are no posts in it. */
MUST_USE enum err private_conversation(struct private_book *book, struct reader *reader,
	const struct private_name *name, struct private_conversation *out);
/** Posts by others that came after row `after`, whenever they were written, counted up to
 * UNREAD_MAX (store/marks). */
MUST_USE enum err private_unread(struct private_book *book, struct reader *reader,
	const struct private_name *name, int64_t after, uint32_t *out);

/* A page of messages: private_page_fini() when done with it. */
struct private_page {
	struct private_message *at;
	size_t count;
	size_t total; /* private_thread(): of all */
	bool has_more;
};
void private_page_fini(struct private_page *page);
/** Posts of a conversation before that place (NULL: the newest), newest first. */
MUST_USE enum err private_posts(struct private_book *book, struct reader *reader,
	const struct private_name *name, const struct private_place *before, size_t limit,
	struct private_page *out);
/** The post `root` and its answers (root or fork is it), oldest first, the first `limit` of them.
 */
MUST_USE enum err private_thread(struct private_book *book, struct reader *reader,
	const struct message_id *root, size_t limit, struct private_page *out);
/** Everything that opens, in the order of arrival, after row `after`. */
MUST_USE enum err private_all(struct private_book *book, struct reader *reader, int64_t after,
	size_t limit, struct private_page *out);

/** Any message of the book, hidden ones too (`is_hidden`). ERR_NOT_FOUND. */
MUST_USE enum err private_find(struct private_book *book, struct reader *reader,
	const struct message_id *key, struct private_message *out);
/** Who likes a message, privately: at most `room`; `*is_own`: we do. */
MUST_USE enum err private_likes(struct private_book *book, struct reader *reader,
	const struct message_id *key, struct feed_id *out, size_t room, size_t *count,
	size_t *total, bool *is_own);
/** Append the content of a message, compact JSON as its author wrote it (UTF-8, not yet judged).
 * ERR_NOT_FOUND: it is not in the book, or is here no more. The caller wipes it when that matters.
 */
MUST_USE enum err private_text(struct private_book *book, struct reader *reader,
	const struct message_id *key, struct buf *content);

/**
 * Posts with all of it, as store/search finds public ones, newest first, those before `before`
 * (NULL: all). It stops at LIMIT_SEARCH_MS: then `has_more` is set, and `*cursor`, from which it
 * goes on, may lie beyond the last one found.
 */
MUST_USE enum err private_search(struct private_book *book, struct reader *reader,
	const struct search *search, const struct private_place *before, size_t limit,
	struct private_page *out, struct private_place *cursor);

/** What we say of somebody in messages only we can read, when the latest word about them is there.
 * False: it is not. */
bool private_edge(struct private_book *book, const struct feed_id *of, enum contact_edge *out);

/** Seal what is written down for the owner alone; `purpose` (static, short) must be the same for
 * opening. ERR_DAMAGED: it was not sealed so, or with another key. */
MUST_USE enum err private_seal(
	struct private_book *book, const char *purpose, struct span plain, struct buf *out);
MUST_USE enum err private_unseal(
	struct private_book *book, const char *purpose, struct span sealed, struct buf *out);

#endif
