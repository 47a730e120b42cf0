/**
 * api/letters: what is written to certain people and to nobody else: who they are, the box it goes
 * into (protocol/06), and that an answer goes to whom the message it answers was for. Also what of
 * it waits on this disk: sealed with a key derived from ours.
 */
#ifndef API_LETTERS_H
#define API_LETTERS_H

#include "api/inside.h"

/* Who is to read it, ourselves among them; public: everybody. */
struct letter {
	bool is_private;
	struct feed_id readers[LIMIT_BOX_RECIPIENTS]; /* each once */
	size_t count;
};

enum { LETTERS_REFERS_MAX = 16 };

/* Messages that something refers to, the root first when there is one. */
struct letter_refers {
	struct message_id at[LETTERS_REFERS_MAX];
	size_t count;
	bool has_root;
};
/** One more, each once; those beyond LETTERS_REFERS_MAX are not looked at. */
void letters_refer(struct letter_refers *refers, const struct message_id *id);

/**
 * From the body's `readers` (keys, ourselves among them or not) and from what the message refers
 * to: what answers a private message is private, to the same people. False: answered, with 422 when
 * there are more than LIMIT_BOX_RECIPIENTS, `readers` are other people than those of the private
 * message it answers, `"public":true` answers a private one, a public root would be answered in
 * private, or what is answered is a box that is not for us.
 */
MUST_USE bool letters_read(
	struct call *call, const struct letter_refers *refers, struct letter *out);
/**
 * The same for a whole content, as JSON text, to the people of the query's `to`: here an answer to
 * a private message must say to whom it goes, and content that names readers (`recps`) is not made
 * public. False: answered.
 */
MUST_USE bool letters_read_content(struct call *call, struct span content, struct letter *out);
/** The people that the body's list `name` means, with ourselves. False: answered. */
MUST_USE bool letters_read_list(struct call *call, const char *name, struct letter *out);
/** To ourselves alone. */
void letters_to_self(const struct api *api, struct letter *out);

/**
 * Append what is signed for `content` (JSON text of an object): itself when it is public, else a
 * box for the readers of the content with `recps`, which are they. False: answered; 422 when its
 * own `recps` are other people, when one of the keys is none, or when it is no content.
 */
MUST_USE bool letters_close(
	struct call *call, const struct letter *letter, struct span content, struct buf *out);
/** Append what a boxed content (JSON text of a string) of ours says. ERR_NOT_FOUND: it is no box,
 * or not for us. */
MUST_USE enum err letters_open(struct api *api, struct span content, struct buf *out);

/** Is this what is being written to certain people: by its name (`p-…`, or the path form of a
 * private message), its `readers` or the private message it answers? */
bool letters_is_private(struct api *api, struct span name, const json_t *body);
/** Append `text` sealed; the same text under the same name gives the same bytes. */
MUST_USE enum err letters_seal(
	const struct api *api, struct span name, struct span text, struct buf *out);
/** Append what is stored, opened when it is sealed. ERR_NOT_FOUND: our key does not open it. */
MUST_USE enum err letters_unseal(const struct api *api, struct span stored, struct buf *out);
/** The same, where there is no api. */
MUST_USE enum err letters_unseal_with(
	const struct signer *signer, struct span stored, struct buf *out);
MUST_USE enum err letters_open_with(const struct signer *signer, const struct feed_id *self,
	struct span content, struct buf *out);

#endif
