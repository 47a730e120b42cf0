/*
 * Sealing and opening a backup. Every chunk but the last is full, so a reader needs no lengths: it
 * takes a full chunk, and one that is shorter, or that has the final tag, must be the end. The
 * stream's own counter notices chunks that were left out, doubled or exchanged; the hashes in the
 * manifest notice what was wrong before it was sealed.
 */
#include "store/bundle.h"

#include "base/file.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
	KEY_BYTES = 32,
	SALT_BYTES = 16,
	CHECK_BYTES = 16,
	RECORD_BYTES = BUNDLE_CHUNK_BYTES + BUNDLE_TAG_BYTES,
	AT_VERSION = 8,
	AT_LOCK = 12,
	AT_PASSES = 16,
	AT_KIB = 20,
	AT_SALT = 24,
	AT_STREAM = 40,
	AT_CHECK = 64,
	AT_SUM = 80,
	SUM_BYTES = BUNDLE_HEAD_BYTES - AT_SUM,
	LENGTH_BYTES = 4,
	KDF_STREAM = 1,
	KDF_CHECK = 2,
};
_Static_assert(BUNDLE_TAG_BYTES == crypto_secretstream_xchacha20poly1305_ABYTES, "libsodium's");
_Static_assert(AT_CHECK - AT_STREAM == crypto_secretstream_xchacha20poly1305_HEADERBYTES, "ditto");
_Static_assert(SALT_BYTES == crypto_pwhash_SALTBYTES, "libsodium's");
_Static_assert(KEY_BYTES == crypto_kdf_KEYBYTES, "libsodium's");

static const uint8_t magic[8] = {'k', 'i', 't', 'h', 'b', 'a', 'c', 'k'};
#define KDF_CONTEXT "kithback"

static void put32(uint8_t *at, uint32_t value)
{
	for (int i = 0; i < 4; i++) {
		at[i] = (uint8_t)(value >> (8 * i));
	}
}

static uint32_t get32(const uint8_t *at)
{
	uint32_t value = 0;
	for (int i = 3; i >= 0; i--) {
		value = value << 8 | at[i];
	}
	return value;
}

/* Keys. */

struct keys {
	uint8_t stream[KEY_BYTES];
	uint8_t check[CHECK_BYTES];
};

static enum err make_keys(const struct bundle_opener *opener, const uint8_t *head, struct keys *out)
{
	uint8_t master[KEY_BYTES];
	const uint8_t *salt = head + AT_SALT;
	int rc = 0;
	if (opener->derived != NULL) {
		rc = crypto_generichash(
			master, sizeof(master), salt, SALT_BYTES, opener->derived, KEY_BYTES);
	} else {
		rc = crypto_pwhash(master, sizeof(master), (const char *)opener->passphrase.at,
			opener->passphrase.len, salt, get32(head + AT_PASSES),
			(size_t)get32(head + AT_KIB) * KIB, crypto_pwhash_ALG_ARGON2ID13);
	}
	if (rc == 0) {
		rc = crypto_kdf_derive_from_key(
			out->stream, KEY_BYTES, KDF_STREAM, KDF_CONTEXT, master);
	}
	if (rc == 0) {
		rc = crypto_kdf_derive_from_key(
			out->check, CHECK_BYTES, KDF_CHECK, KDF_CONTEXT, master);
	}
	sodium_memzero(master, sizeof(master));
	return rc == 0 ? ERR_OK : ERR_NOMEM;
}

static enum err sum_head(const uint8_t *head, uint8_t sum[static SUM_BYTES])
{
	return crypto_generichash(sum, SUM_BYTES, head, AT_SUM, NULL, 0) == 0 ? ERR_OK : ERR_NOMEM;
}

/* Files. */

/* As many as there are, up to `room`. */
static enum err read_full(int fd, uint8_t *out, size_t room, size_t *got)
{
	*got = 0;
	while (*got < room) {
		ssize_t count = read(fd, out + *got, room - *got);
		if (count < 0 && errno == EINTR) {
			continue;
		}
		if (count < 0) {
			return ERR_IO;
		}
		if (count == 0) {
			break;
		}
		*got += (size_t)count;
	}
	return ERR_OK;
}

/* Writing. */

struct bundle_writer {
	int fd;
	crypto_secretstream_xchacha20poly1305_state state;
	uint8_t head[BUNDLE_HEAD_BYTES];
	size_t used;
	uint8_t chunk[BUNDLE_CHUNK_BYTES];
	uint8_t record[RECORD_BYTES];
};

static enum err make_head(
	struct bundle_writer *writer, const struct bundle_opener *opener, const struct env *env)
{
	struct keys keys;
	uint8_t *head = writer->head;
	bool is_by_key = opener->derived != NULL;
	memcpy(head, magic, sizeof(magic));
	put32(head + AT_VERSION, BUNDLE_VERSION);
	put32(head + AT_LOCK, is_by_key ? BUNDLE_BY_KEY : BUNDLE_BY_PASSPHRASE);
	put32(head + AT_PASSES, is_by_key ? 0 : LIMIT_BACKUP_WORK_OPS);
	put32(head + AT_KIB, is_by_key ? 0 : LIMIT_BACKUP_WORK_BYTES / KIB);
	env->random(env->ctx, head + AT_SALT, SALT_BYTES);
	enum err err = make_keys(opener, head, &keys);
	if (err == ERR_OK && crypto_secretstream_xchacha20poly1305_init_push(
				     &writer->state, head + AT_STREAM, keys.stream) != 0) {
		err = ERR_NOMEM;
	}
	if (err == ERR_OK) {
		memcpy(head + AT_CHECK, keys.check, CHECK_BYTES);
		err = sum_head(head, head + AT_SUM);
	}
	sodium_memzero(&keys, sizeof(keys));
	return err;
}

static enum err push(struct bundle_writer *writer, uint8_t tag)
{
	unsigned long long len = 0;
	if (crypto_secretstream_xchacha20poly1305_push(&writer->state, writer->record, &len,
		    writer->chunk, writer->used, writer->head, sizeof(writer->head), tag) != 0) {
		return ERR_NOMEM;
	}
	writer->used = 0;
	return file_write_all(writer->fd, span_of(writer->record, (size_t)len));
}

enum err bundle_write(struct bundle_writer *writer, struct span bytes)
{
	while (bytes.len > 0) {
		/* A full chunk waits for what follows: it may be the last. */
		if (writer->used == BUNDLE_CHUNK_BYTES) {
			enum err err =
				push(writer, crypto_secretstream_xchacha20poly1305_TAG_MESSAGE);
			if (err != ERR_OK) {
				return err;
			}
		}
		struct span part = span_take(bytes, BUNDLE_CHUNK_BYTES - writer->used);
		memcpy(writer->chunk + writer->used, part.at, part.len);
		writer->used += part.len;
		bytes = span_skip(bytes, part.len);
	}
	return ERR_OK;
}

static enum err write_manifest(struct bundle_writer *writer, const struct bundle_manifest *manifest)
{
	struct buf text = BUF_INIT(LIMIT_BACKUP_MANIFEST_BYTES);
	uint8_t length[LENGTH_BYTES];
	enum err err = bundle_manifest_write(manifest, &text);
	if (err == ERR_OK) {
		put32(length, (uint32_t)text.len);
		err = bundle_write(writer, span_of(length, sizeof(length)));
	}
	if (err == ERR_OK) {
		err = bundle_write(writer, buf_span(&text));
	}
	buf_fini(&text);
	return err;
}

enum err bundle_create(int fd, const struct bundle_opener *opener, const struct env *env,
	const struct bundle_manifest *manifest, struct bundle_writer **out)
{
	struct bundle_writer *writer = calloc(1, sizeof(*writer));
	if (writer == NULL) {
		return ERR_NOMEM;
	}
	writer->fd = fd;
	enum err err = make_head(writer, opener, env);
	if (err == ERR_OK) {
		err = file_write_all(fd, span_of(writer->head, sizeof(writer->head)));
	}
	if (err == ERR_OK) {
		err = write_manifest(writer, manifest);
	}
	if (err != ERR_OK) {
		bundle_writer_free(writer);
		return err;
	}
	*out = writer;
	return ERR_OK;
}

enum err bundle_finish(struct bundle_writer *writer)
{
	return push(writer, crypto_secretstream_xchacha20poly1305_TAG_FINAL);
}

void bundle_writer_free(struct bundle_writer *writer)
{
	if (writer != NULL) {
		sodium_memzero(writer, sizeof(*writer));
		free(writer);
	}
}

/* Reading. */

struct bundle_reader {
	int fd;
	crypto_secretstream_xchacha20poly1305_state state;
	uint8_t head[BUNDLE_HEAD_BYTES];
	uint64_t position;
	size_t at, len; /* in `chunk`: what was opened and not yet taken */
	bool is_final;  /* … and nothing comes behind it */
	size_t entry;   /* the next */
	char why[160];
	struct bundle_manifest manifest;
	uint8_t chunk[BUNDLE_CHUNK_BYTES];
	uint8_t record[RECORD_BYTES];
};

static enum err say(char *why, size_t why_bytes, enum err err, const char *sentence)
{
	(void)snprintf(why, why_bytes, "%s", sentence);
	return err;
}

static enum err fail(struct bundle_reader *reader, enum err err, const char *sentence)
{
	return say(reader->why, sizeof(reader->why), err, sentence);
}

enum err bundle_head_parse(struct span bytes, struct bundle_head *out, char *why, size_t why_bytes)
{
	uint8_t sum[SUM_BYTES];
	if (!span_equal(span_take(bytes, sizeof(magic)), span_of(magic, sizeof(magic)))) {
		return say(why, why_bytes, ERR_REFUSED, "This is not a backup made by kith.");
	}
	if (bytes.len < BUNDLE_HEAD_BYTES) {
		return say(why, why_bytes, ERR_DAMAGED,
			"This backup is cut short: only its first bytes are there.");
	}
	if (sum_head(bytes.at, sum) != ERR_OK || memcmp(sum, bytes.at + AT_SUM, SUM_BYTES) != 0) {
		return say(
			why, why_bytes, ERR_DAMAGED, "This backup is damaged in its first bytes.");
	}
	if (get32(bytes.at + AT_VERSION) != BUNDLE_VERSION) {
		return say(why, why_bytes, ERR_NEWER,
			"This backup was made by a newer kith: bring this one up to date first.");
	}
	uint32_t lock = get32(bytes.at + AT_LOCK);
	out->passes = get32(bytes.at + AT_PASSES);
	out->kib = get32(bytes.at + AT_KIB);
	bool is_known = lock == BUNDLE_BY_KEY ||
			(lock == BUNDLE_BY_PASSPHRASE && out->passes >= 1 &&
				out->passes <= LIMIT_BACKUP_WORK_OPS_MAX && out->kib >= 8 &&
				out->kib <= LIMIT_BACKUP_WORK_BYTES_MAX / KIB);
	out->lock = (enum bundle_lock)lock;
	return is_known ? ERR_OK
			: say(why, why_bytes, ERR_REFUSED,
				  "This backup is sealed in a way that this kith does not know.");
}

static enum err unlock(
	struct bundle_reader *reader, const struct bundle_opener *opener, enum bundle_lock lock)
{
	struct keys keys;
	bool is_by_key = opener->derived != NULL;
	if (is_by_key != (lock == BUNDLE_BY_KEY)) {
		return fail(reader, ERR_DENIED,
			is_by_key ? "This backup opens with a passphrase."
				  : "This backup opens with your key: its secret file or its "
				    "words.");
	}
	enum err err = make_keys(opener, reader->head, &keys);
	if (err != ERR_OK) {
		return fail(reader, err, "There is not enough memory to open this backup.");
	}
	if (sodium_memcmp(keys.check, reader->head + AT_CHECK, CHECK_BYTES) != 0) {
		err = fail(reader, ERR_DENIED,
			is_by_key ? "This backup was sealed with another key."
				  : "This is not the passphrase of this backup.");
	} else if (crypto_secretstream_xchacha20poly1305_init_pull(
			   &reader->state, reader->head + AT_STREAM, keys.stream) != 0) {
		err = fail(reader, ERR_DAMAGED, "This backup is damaged in its first bytes.");
	}
	sodium_memzero(&keys, sizeof(keys));
	return err;
}

/* Open the next chunk. */
static enum err pull(struct bundle_reader *reader)
{
	unsigned long long len = 0;
	unsigned char tag = 0;
	size_t got = 0;
	enum err err = read_full(reader->fd, reader->record, RECORD_BYTES, &got);
	if (err != ERR_OK) {
		return fail(reader, err, "The disk does not give the file back.");
	}
	if (reader->is_final || got < BUNDLE_TAG_BYTES) {
		return fail(reader, ERR_DAMAGED, "This backup is cut short: its end is missing.");
	}
	if (crypto_secretstream_xchacha20poly1305_pull(&reader->state, reader->chunk, &len, &tag,
		    reader->record, got, reader->head, sizeof(reader->head)) != 0) {
		(void)snprintf(reader->why, sizeof(reader->why),
			"This backup is %s: it is not what was written from byte %llu on.",
			got < RECORD_BYTES ? "damaged or cut short" : "damaged",
			(unsigned long long)reader->position);
		return ERR_DAMAGED;
	}
	reader->position += got;
	reader->at = 0;
	reader->len = (size_t)len;
	reader->is_final = tag == crypto_secretstream_xchacha20poly1305_TAG_FINAL;
	if (!reader->is_final && got < RECORD_BYTES) {
		return fail(reader, ERR_DAMAGED, "This backup is cut short: its end is missing.");
	}
	return ERR_OK;
}

/* Up to `most` of the bytes that follow, borrowed until the next call. */
static enum err take(struct bundle_reader *reader, uint64_t most, struct span *out)
{
	if (reader->at == reader->len) {
		enum err err = pull(reader);
		if (err != ERR_OK) {
			return err;
		}
	}
	size_t left = reader->len - reader->at;
	*out = span_of(reader->chunk + reader->at, most < left ? (size_t)most : left);
	reader->at += out->len;
	if (out->len == 0 && most > 0) {
		return fail(reader, ERR_DAMAGED, "This backup ends before all of it was there.");
	}
	return ERR_OK;
}

static enum err take_into(struct bundle_reader *reader, size_t count, struct buf *out)
{
	enum err err = ERR_OK;
	while (err == ERR_OK && out->len < count) {
		struct span part;
		err = take(reader, count - out->len, &part);
		if (err == ERR_OK && buf_append(out, part) != ERR_OK) {
			err = fail(reader, ERR_NOMEM, "There is no memory left.");
		}
	}
	return err;
}

static enum err read_manifest(struct bundle_reader *reader)
{
	struct buf length = BUF_INIT(LENGTH_BYTES);
	struct buf text = BUF_INIT(LIMIT_BACKUP_MANIFEST_BYTES);
	enum err err = take_into(reader, LENGTH_BYTES, &length);
	size_t count = err == ERR_OK ? get32(length.at) : 0;
	if (err == ERR_OK && count > LIMIT_BACKUP_MANIFEST_BYTES) {
		err = fail(reader, ERR_DAMAGED, "The list of contents of this backup is damaged.");
	}
	if (err == ERR_OK) {
		err = take_into(reader, count, &text);
	}
	if (err == ERR_OK) {
		err = bundle_manifest_parse(buf_span(&text), &reader->manifest);
		if (err == ERR_NEWER) {
			err = fail(reader, err,
				"This backup was made by a newer kith: bring this one up to date "
				"first.");
		} else if (err != ERR_OK) {
			err = fail(reader, err == ERR_NOMEM ? err : ERR_DAMAGED,
				"The list of contents of this backup is damaged.");
		}
	}
	buf_fini(&length);
	buf_fini(&text);
	return err;
}

enum err bundle_open(int fd, const struct bundle_opener *opener, struct bundle_reader **out,
	char *why, size_t why_bytes)
{
	struct bundle_head head;
	struct bundle_reader *reader = calloc(1, sizeof(*reader));
	size_t got = 0;
	if (reader == NULL) {
		return say(why, why_bytes, ERR_NOMEM, "There is no memory left.");
	}
	reader->fd = fd;
	enum err err = read_full(fd, reader->head, sizeof(reader->head), &got);
	reader->position = got;
	if (err != ERR_OK) {
		(void)fail(reader, err, "The disk does not give the file back.");
	} else {
		err = bundle_head_parse(
			span_of(reader->head, got), &head, reader->why, sizeof(reader->why));
	}
	if (err == ERR_OK) {
		err = unlock(reader, opener, head.lock);
	}
	if (err == ERR_OK) {
		err = read_manifest(reader);
	}
	if (err != ERR_OK) {
		(void)say(why, why_bytes, err, reader->why);
		bundle_reader_free(reader);
		return err;
	}
	*out = reader;
	return ERR_OK;
}

const struct bundle_manifest *bundle_manifest(const struct bundle_reader *reader)
{
	return &reader->manifest;
}

enum err bundle_read_entry(
	struct bundle_reader *reader, enum err (*on_bytes)(void *ctx, struct span bytes), void *ctx)
{
	const struct bundle_entry *entry = &reader->manifest.entries[reader->entry];
	crypto_hash_sha256_state state;
	uint8_t hash[crypto_hash_sha256_BYTES];
	if (reader->entry >= reader->manifest.entry_count) {
		return fail(reader, ERR_NOT_FOUND, "There is nothing more in this backup.");
	}
	bool is_hashed = crypto_hash_sha256_init(&state) == 0;
	enum err err = ERR_OK;
	for (uint64_t left = entry->bytes; err == ERR_OK && left > 0;) {
		struct span part;
		err = take(reader, left, &part);
		if (err == ERR_OK) {
			is_hashed = is_hashed &&
				    crypto_hash_sha256_update(&state, part.at, part.len) == 0;
			left -= part.len;
			err = on_bytes == NULL ? ERR_OK : on_bytes(ctx, part);
		}
	}
	if (err != ERR_OK) {
		return err;
	}
	if (!is_hashed || crypto_hash_sha256_final(&state, hash) != 0 ||
		memcmp(hash, entry->sha256, sizeof(hash)) != 0) {
		(void)snprintf(reader->why, sizeof(reader->why),
			"In this backup, %s is not what its list of contents says.", entry->name);
		return ERR_DAMAGED;
	}
	reader->entry++;
	return ERR_OK;
}

enum err bundle_end(struct bundle_reader *reader)
{
	uint8_t more = 0;
	size_t got = 0;
	if (reader->at == reader->len && !reader->is_final) {
		enum err err = pull(reader);
		if (err != ERR_OK) {
			return err;
		}
	}
	if (!reader->is_final || reader->at != reader->len ||
		reader->entry != reader->manifest.entry_count ||
		read_full(reader->fd, &more, 1, &got) != ERR_OK || got != 0) {
		return fail(reader, ERR_DAMAGED,
			"This backup does not end where it should: something was added to it.");
	}
	return ERR_OK;
}

const char *bundle_why(const struct bundle_reader *reader)
{
	return reader->why;
}

uint64_t bundle_position(const struct bundle_reader *reader)
{
	return reader->position;
}

void bundle_reader_free(struct bundle_reader *reader)
{
	if (reader != NULL) {
		sodium_memzero(reader, sizeof(*reader));
		free(reader);
	}
}
