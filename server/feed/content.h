/**
 * feed/content: typed, tolerant views of what a message says (protocol/07). Everything is a
 * stranger's: a field of the wrong type is as if it were absent, and never hides the whole message.
 * Spans point into the message's tree (WTF-8).
 */
#ifndef FEED_CONTENT_H
#define FEED_CONTENT_H

#include "feed/message.h"

enum content_type {
	CONTENT_OTHER,   /* kept and passed on, shown raw only */
	CONTENT_PRIVATE, /* an encrypted string */
	CONTENT_POST,
	CONTENT_VOTE,
	CONTENT_CONTACT,
	CONTENT_ABOUT,
	CONTENT_PUB,
};

enum { CONTENT_BRANCHES_MAX = 8, CONTENT_MENTIONS_MAX = 64 };

enum mention_kind { MENTION_FEED, MENTION_MESSAGE, MENTION_BLOB, MENTION_TAG };

struct mention {
	enum mention_kind kind;
	uint8_t id[ID_BYTES]; /* not for MENTION_TAG */
	struct span tag;      /* MENTION_TAG: without '#' */
	struct span name;     /* may be empty */
};

struct content_post {
	struct span text;
	struct span warning; /* empty: none */
	struct span channel; /* empty: none; normalised spelling is the reader's business */
	bool has_root, has_fork;
	struct message_id root, fork;
	struct message_id branches[CONTENT_BRANCHES_MAX];
	size_t branch_count;
	struct mention mentions[CONTENT_MENTIONS_MAX];
	size_t mention_count;
};

struct content_vote {
	struct message_id link;
	bool is_like;           /* value > 0 */
	struct span expression; /* text, clamp before showing */
};

/* The whole message decides the edge; nothing is merged (protocol/04 §4). */
enum contact_edge { EDGE_NEITHER = 0, EDGE_FOLLOW = 1, EDGE_BLOCK = 2 };

struct content_contact {
	struct feed_id contact;
	enum contact_edge edge;
};

struct content_about {
	bool is_about_feed; /* false: about a message; only `about_message` is set then */
	struct feed_id about_feed;
	struct message_id about_message;
	struct span name;        /* empty: leaves the earlier value */
	struct span description; /* empty: leaves the earlier value */
	bool has_image,
		is_image_gone; /* gone: taken away again; neither: leaves the earlier value */
	struct blob_id image;
};

struct content_pub {
	struct feed_id key;
	struct span address; /* multiserver text when the message has it as text, else empty */
	struct span host;    /* when `address` is empty */
	uint16_t port;
};

struct content {
	enum content_type type;
	struct span type_text; /* content.type; empty for CONTENT_PRIVATE */
	union {
		struct content_post post;
		struct content_vote vote;
		struct content_contact contact;
		struct content_about about;
		struct content_pub pub;
	};
};

/** Fill `*out` from a verified message. A known type whose required fields do not fit becomes
 * CONTENT_OTHER. ERR_NOMEM. */
MUST_USE enum err content_read(const struct message *message, struct content *out);
/**
 * What the message calls itself, without looking further: content_read() may find it to be
 * CONTENT_OTHER. Costs nothing.
 */
enum content_type content_named(const struct message *message);
/** The same from a bare content tree (drafts, tests). */
void content_read_json(const struct json *content, struct content *out);

#endif
