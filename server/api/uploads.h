/**
 * api/uploads: files that the page took in for something that was then never posted. They go when
 * they are older than LIMIT_BLOB_UPLOAD_MS and nothing names them: no message, public or private,
 * no draft, nothing in the outbox. What cannot be looked at (a text that our key does not open,
 * boxes that were not tried yet) may name anything: then nothing goes.
 */
#ifndef API_UPLOADS_H
#define API_UPLOADS_H

#include "feed/signer.h"
#include "store/blobs.h"
#include "store/private.h"

#include <stdatomic.h>

struct uploads_opts {
	struct store *store;
	struct writer *writer;
	struct blobs *blobs;
	const struct signer *signer;
	struct private_book *book;
	struct feed_id self;
	atomic_bool *is_stopping; /* may be NULL */
};
/** Waits for the disk and the writer; any thread but the loop and the writer. What fails is logged
 * and done another time. */
void uploads_tidy(const struct uploads_opts *opts);

#endif
