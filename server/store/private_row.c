/*
 * One message of the book as it is sealed on the disk: everything the book knows of it, so that a
 * start reads no messages. All keys here come from the owner's by signer_derive(), so what is
 * written cannot be read where that key is locked, or is another.
 */
#include "store/private_inside.h"

#include <sodium.h>
#include <stdlib.h>

enum { VERSION = 1, NONCE_BYTES = crypto_secretbox_NONCEBYTES, CLAIMED_MAX = 512 };
_Static_assert(PRIVATE_SEAL_BYTES == NONCE_BYTES + crypto_secretbox_MACBYTES, "libsodium's layout");

enum flag {
	FLAG_BOX2 = 1,
	FLAG_ROOT = 2,
	FLAG_FORK = 4,
	FLAG_LIKE = 8,
	FLAG_SUBJECT = 16,
};

enum err private_keys_make(struct private_book *book)
{
	static const char *const contexts[PRIVATE_KEYS] = {
		[PRIVATE_KEY_ROWS] = "private rows",
		[PRIVATE_KEY_NAMES] = "private conversations",
		[PRIVATE_KEY_OTHER] = "private other",
	};
	uint8_t fingerprint[32];
	enum err err = ERR_OK;
	book->keys = sodium_malloc((size_t)PRIVATE_KEYS * 32);
	if (book->keys == NULL) {
		return ERR_NOMEM;
	}
	for (size_t i = 0; err == ERR_OK && i < PRIVATE_KEYS; i++) {
		err = signer_derive(book->opts.signer, contexts[i], book->keys + i * 32);
	}
	if (err == ERR_OK) {
		err = signer_derive(book->opts.signer, "private fingerprint", fingerprint);
	}
	if (err == ERR_OK) {
		hex_encode(span_of(fingerprint, 16), book->fingerprint);
	}
	return err;
}

static const uint8_t *key_of(const struct private_book *book, enum private_key key)
{
	return book->keys + (size_t)key * 32;
}

static enum err seal(const uint8_t key[static 32], struct span plain, struct buf *out)
{
	if (plain.len + PRIVATE_SEAL_BYTES > out->max - out->len) {
		return ERR_LIMIT;
	}
	uint8_t *to = buf_reserve(out, plain.len + PRIVATE_SEAL_BYTES);
	if (to == NULL) {
		return ERR_NOMEM;
	}
	randombytes_buf(to, NONCE_BYTES);
	if (crypto_secretbox_easy(to + NONCE_BYTES, plain.at, plain.len, to, key) != 0) {
		return ERR_NOMEM;
	}
	buf_added(out, plain.len + PRIVATE_SEAL_BYTES);
	return ERR_OK;
}

static enum err unseal(const uint8_t key[static 32], struct span sealed, struct buf *out)
{
	if (sealed.len < PRIVATE_SEAL_BYTES) {
		return ERR_DAMAGED;
	}
	size_t len = sealed.len - PRIVATE_SEAL_BYTES;
	if (len > out->max - out->len) {
		return ERR_LIMIT;
	}
	uint8_t nothing = 0;
	uint8_t *to = len == 0 ? &nothing : buf_reserve(out, len);
	if (to == NULL) {
		return ERR_NOMEM;
	}
	if (crypto_secretbox_open_easy(
		    to, sealed.at + NONCE_BYTES, sealed.len - NONCE_BYTES, sealed.at, key) != 0) {
		return ERR_DAMAGED;
	}
	if (len > 0) {
		buf_added(out, len);
	}
	return ERR_OK;
}

/* A key for one purpose of somebody else's. */
static enum err key_for(
	const struct private_book *book, const char *purpose, uint8_t out[static 32])
{
	struct span text = span_text(purpose);
	return crypto_generichash(
		       out, 32, text.at, text.len, key_of(book, PRIVATE_KEY_OTHER), 32) == 0
		       ? ERR_OK
		       : ERR_NOMEM;
}

enum err private_seal(
	struct private_book *book, const char *purpose, struct span plain, struct buf *out)
{
	uint8_t key[32];
	enum err err = key_for(book, purpose, key);
	if (err == ERR_OK) {
		err = seal(key, plain, out);
	}
	sodium_memzero(key, sizeof(key));
	return err;
}

enum err private_unseal(
	struct private_book *book, const char *purpose, struct span sealed, struct buf *out)
{
	uint8_t key[32];
	enum err err = key_for(book, purpose, key);
	if (err == ERR_OK) {
		err = unseal(key, sealed, out);
	}
	sodium_memzero(key, sizeof(key));
	return err;
}

/* Fixed parts of a row, in their order. */

static enum err put_number(struct buf *out, uint64_t number)
{
	uint8_t bytes[8];
	for (size_t i = 0; i < sizeof(bytes); i++) {
		bytes[i] = (uint8_t)(number >> 8 * i);
	}
	return buf_append(out, span_of(bytes, sizeof(bytes)));
}

static enum err put_id(struct buf *out, bool is_there, const uint8_t id[static ID_BYTES])
{
	return is_there ? buf_append(out, span_of(id, ID_BYTES)) : ERR_OK;
}

static enum err write_row(const struct private_row *row, struct buf *out)
{
	const struct private_message *m = &row->m;
	bool has_subject = m->type == CONTENT_CONTACT;
	const uint8_t head[] = {VERSION,
		(uint8_t)((row->open.is_box2 ? FLAG_BOX2 : 0) | (m->has_root ? FLAG_ROOT : 0) |
			  (m->has_fork ? FLAG_FORK : 0) | (m->is_like ? FLAG_LIKE : 0) |
			  (has_subject ? FLAG_SUBJECT : 0)),
		(uint8_t)m->type, (uint8_t)m->edge, (uint8_t)m->readers.count,
		(uint8_t)(m->readers.total & 0xff), (uint8_t)(m->readers.total >> 8)};
	const uint64_t numbers[] = {
		(uint64_t)m->message, m->sequence, (uint64_t)m->at_ms, (uint64_t)m->received_ms};
	enum err err = buf_append(out, span_of(head, sizeof(head)));
	for (size_t i = 0; err == ERR_OK && i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		err = put_number(out, numbers[i]);
	}
	const struct span parts[] = {span_of(row->open.at, sizeof(row->open.at)),
		span_of(m->key.at, ID_BYTES), span_of(m->author.at, ID_BYTES),
		span_of(m->readers.name.at, sizeof(m->readers.name.at)),
		span_of(m->readers.at, m->readers.count * sizeof(m->readers.at[0]))};
	for (size_t i = 0; err == ERR_OK && i < sizeof(parts) / sizeof(parts[0]); i++) {
		err = buf_append(out, parts[i]);
	}
	if (err == ERR_OK) {
		err = put_id(out, m->has_root, m->root.at);
	}
	if (err == ERR_OK) {
		err = put_id(out, m->has_fork, m->fork.at);
	}
	return err == ERR_OK ? put_id(out, has_subject, m->subject.at) : err;
}

enum err private_row_seal(struct private_book *book, const struct private_row *row, struct buf *out)
{
	struct buf plain = BUF_INIT(PRIVATE_ROW_BYTES_MAX);
	enum err err = buf_reserve(&plain, PRIVATE_ROW_BYTES_MAX) == NULL ? ERR_NOMEM
									  : write_row(row, &plain);
	if (err == ERR_OK) {
		err = seal(key_of(book, PRIVATE_KEY_ROWS), buf_span(&plain), out);
	}
	buf_wipe(&plain);
	return err;
}

static bool take(struct span *from, void *to, size_t len)
{
	if (from->len < len) {
		return false;
	}
	memcpy(to, from->at, len);
	*from = span_skip(*from, len);
	return true;
}

static bool take_number(struct span *from, uint64_t *out)
{
	uint8_t bytes[8];
	*out = 0;
	if (!take(from, bytes, sizeof(bytes))) {
		return false;
	}
	for (size_t i = 0; i < sizeof(bytes); i++) {
		*out |= (uint64_t)bytes[i] << 8 * i;
	}
	return true;
}

static bool read_row(struct private_book *book, struct span from, struct private_row *row)
{
	struct private_message *m = &row->m;
	uint8_t head[7];
	uint64_t numbers[4];
	if (!take(&from, head, sizeof(head)) || head[0] != VERSION ||
		head[4] > PRIVATE_READERS_MAX) {
		return false;
	}
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		if (!take_number(&from, &numbers[i])) {
			return false;
		}
	}
	*row = (struct private_row){.open = {.is_box2 = (head[1] & FLAG_BOX2) != 0}};
	m->message = (int64_t)numbers[0];
	m->sequence = numbers[1];
	m->at_ms = (int64_t)numbers[2];
	m->received_ms = (int64_t)numbers[3];
	m->type = (enum content_type)head[2];
	m->edge = (enum contact_edge)head[3];
	m->has_root = (head[1] & FLAG_ROOT) != 0;
	m->has_fork = (head[1] & FLAG_FORK) != 0;
	m->is_like = (head[1] & FLAG_LIKE) != 0;
	m->readers.count = head[4];
	m->readers.total = (size_t)head[5] | (size_t)head[6] << 8;
	bool is_whole = take(&from, row->open.at, sizeof(row->open.at)) &&
			take(&from, m->key.at, ID_BYTES) && take(&from, m->author.at, ID_BYTES) &&
			take(&from, m->readers.name.at, sizeof(m->readers.name.at)) &&
			take(&from, m->readers.at, m->readers.count * sizeof(m->readers.at[0])) &&
			(!m->has_root || take(&from, m->root.at, ID_BYTES)) &&
			(!m->has_fork || take(&from, m->fork.at, ID_BYTES)) &&
			((head[1] & FLAG_SUBJECT) == 0 || take(&from, m->subject.at, ID_BYTES));
	m->is_own = feed_id_equal(&m->author, &book->self);
	return is_whole && from.len == 0;
}

enum err private_row_open(
	struct private_book *book, int64_t message, struct span sealed, struct private_row *out)
{
	struct buf plain = BUF_INIT(PRIVATE_ROW_BYTES_MAX);
	enum err err = sealed.len > PRIVATE_ROW_BYTES_MAX + PRIVATE_SEAL_BYTES
			       ? ERR_DAMAGED
			       : unseal(key_of(book, PRIVATE_KEY_ROWS), sealed, &plain);
	if (err == ERR_OK &&
		(!read_row(book, buf_span(&plain), out) || out->m.message != message)) {
		err = ERR_DAMAGED;
	}
	buf_wipe(&plain);
	return err;
}

/* Who can read it. */

int private_compare_ids(const void *a, const void *b)
{
	return memcmp(a, b, ID_BYTES);
}

static enum err name_of(struct private_book *book, const struct feed_id *ids, size_t count,
	struct private_name *out)
{
	return crypto_generichash(out->at, sizeof(out->at), (const uint8_t *)ids,
		       count * sizeof(*ids), key_of(book, PRIVATE_KEY_NAMES), 32) == 0
		       ? ERR_OK
		       : ERR_NOMEM;
}

/* Of too many the author and we are kept, and who comes first. */
static void keep_some(const struct private_book *book, const struct feed_id *author,
	const struct feed_id *ids, size_t count, struct private_readers *out)
{
	size_t room = PRIVATE_READERS_MAX;
	out->total = count;
	out->count = 0;
	if (count > room) {
		room -= feed_id_equal(author, &book->self) ? 1 : 2;
	}
	for (size_t i = 0; i < count; i++) {
		bool is_sure =
			count > PRIVATE_READERS_MAX &&
			(feed_id_equal(&ids[i], author) || feed_id_equal(&ids[i], &book->self));
		if (is_sure || room > 0) {
			room -= is_sure ? 0 : 1;
			out->at[out->count++] = ids[i];
		}
	}
}

/* `ids` has room for two more, and is sorted here. */
static enum err settle(struct private_book *book, const struct feed_id *author, struct feed_id *ids,
	size_t count, struct private_readers *out)
{
	size_t kept = 0;
	*out = (struct private_readers){.count = 0};
	ids[count++] = book->self;
	ids[count++] = *author;
	qsort(ids, count, sizeof(*ids), private_compare_ids);
	for (size_t i = 0; i < count; i++) {
		if (kept == 0 || !feed_id_equal(&ids[kept - 1], &ids[i])) {
			ids[kept++] = ids[i];
		}
	}
	keep_some(book, author, ids, kept, out);
	return name_of(book, ids, kept, &out->name);
}

enum err private_readers_of(struct private_book *book, const struct feed_id *ids, size_t count,
	struct private_readers *out)
{
	struct feed_id all[CLAIMED_MAX + 2];
	if (count > CLAIMED_MAX) {
		return ERR_LIMIT;
	}
	if (count > 0) {
		memcpy(all, ids, count * sizeof(*ids));
	}
	return settle(book, &book->self, all, count, out);
}

static void add_claimed(const struct json *value, struct feed_id *ids, size_t *count)
{
	struct span text;
	if (*count < CLAIMED_MAX &&
		(json_text(value, &text) || json_text(json_get(value, "link"), &text)) &&
		feed_id_parse_link(text, &ids[*count]) == ERR_OK) {
		(*count)++;
	}
}

static void add_all_claimed(const struct json *value, struct feed_id *ids, size_t *count)
{
	if (value == NULL || json_kind(value) != JSON_KIND_ARRAY) {
		add_claimed(value, ids, count);
		return;
	}
	for (size_t i = 0; i < json_count(value); i++) {
		add_claimed(json_at(value, i), ids, count);
	}
}

enum err private_row_readers(struct private_book *book, const struct json *content,
	const struct feed_id *author, struct private_readers *out)
{
	struct feed_id ids[CLAIMED_MAX + 2];
	size_t count = 0;
	add_all_claimed(json_get(content, "recps"), ids, &count);
	if (count == 0) {
		add_all_claimed(json_get(content, "to"), ids, &count);
	}
	return settle(book, author, ids, count, out);
}
