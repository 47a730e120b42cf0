/*
 * The words of people we block, as a set of hashes in one table of bounded size, made from the log
 * when a reader first needs it and shared by all readers. It belongs to a state of our blocks and
 * of those feeds, not to a moment: a reader whose transaction sees another state gets another set.
 */
#include "store/veil.h"

#include "base/limits.h"
#include "feed/quote.h"
#include "feed/tag.h"
#include "store/index.h"
#include "store/pack.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { SLOTS_MIN = 1024, RUNS_EACH = 64 };

struct slot {
	uint32_t tag;  /* of the hash; 0: empty */
	uint32_t at_s; /* since 1970: the earliest */
};

struct blocked {
	int64_t feed;
	struct feed_id id;
};

struct veil {
	atomic_int refs;
	uint64_t state;
	struct blocked *blocked; /* by id */
	size_t count;
	struct slot *slots;
	size_t mask, used;
	size_t share; /* of each of them */
	bool is_full;
};

/* SCAN of our own blocks: they are few. */
#define BLOCKED_FEEDS " CROSS JOIN feeds f ON f.feed = c.about WHERE c.feed = 1 AND c.edge = 2"
QUERY(sql_veil_blocked, "SELECT c.about, f.id, f.sequence FROM contacts c INDEXED BY "
			"contacts_blocks" BLOCKED_FEEDS);
/* The same through the view that store/reader_layer lays over it. */
QUERY(sql_veil_blocked_too, "SELECT c.about, f.id, f.sequence FROM contacts c" BLOCKED_FEEDS);
QUERY(sql_veil_messages, "SELECT sequence, received, key_head, body FROM messages WHERE feed = ?1 "
			 "ORDER BY sequence DESC");

static uint64_t spread(uint64_t hash, enum veil_sign sign)
{
	hash = (hash + (uint64_t)sign) * 0xd6e8feb86659fd93ULL;
	hash = (hash ^ (hash >> 32)) * 0xd6e8feb86659fd93ULL;
	return hash ^ (hash >> 32);
}

static struct slot *find(const struct veil *veil, uint64_t hash)
{
	uint32_t tag = (uint32_t)(hash >> 32) | 1;
	size_t at = (size_t)hash & veil->mask;
	while (veil->slots[at].tag != 0 && veil->slots[at].tag != tag) {
		at = (at + 1) & veil->mask;
	}
	return &veil->slots[at];
}

bool veil_has(const struct veil *veil, enum veil_sign sign, uint64_t hash, int64_t at_ms)
{
	const struct slot *slot = find(veil, spread(hash, sign));
	return slot->tag != 0 && (int64_t)slot->at_s * 1000 <= at_ms;
}

/* False: there is no room. */
static bool put(struct veil *veil, enum veil_sign sign, uint64_t hash, int64_t at_ms)
{
	struct slot *slot = find(veil, spread(hash, sign));
	uint32_t at_s = at_ms / 1000 > UINT32_MAX ? UINT32_MAX : (uint32_t)(at_ms / 1000);
	if (slot->tag == 0) {
		if (veil->used >= LIMIT_VEIL_MARKS || veil->used > veil->mask / 4 * 3) {
			veil->is_full = true;
			return false;
		}
		slot->tag = (uint32_t)(spread(hash, sign) >> 32) | 1;
		slot->at_s = at_s;
		veil->used++;
	}
	slot->at_s = at_s < slot->at_s ? at_s : slot->at_s;
	return true;
}

uint64_t veil_tag_hash(const char *tag)
{
	uint64_t hash = 0;
	for (; *tag != '\0'; tag++) {
		hash = spread(hash ^ (uint8_t)*tag, VEIL_TAG);
	}
	return hash;
}

static int by_id(const void *a, const void *b)
{
	return memcmp(
		((const struct blocked *)a)->id.at, ((const struct blocked *)b)->id.at, ID_BYTES);
}

bool veil_has_person(const struct veil *veil, const struct feed_id *id)
{
	struct blocked key = {.id = *id};
	return veil->count > 0 && bsearch(&key, veil->blocked, veil->count, sizeof(key), by_id);
}

void veil_release(struct veil *veil)
{
	if (veil != NULL && atomic_fetch_sub(&veil->refs, 1) == 1) {
		free(veil->slots);
		free(veil->blocked);
		free(veil);
	}
}

/* Whom we block, and how much is stored of them in all. */
static enum err read_blocked(struct reader *reader, struct veil *veil, uint64_t *messages)
{
	sqlite3_stmt *stmt = NULL;
	size_t room = 0;
	*messages = 0;
	enum err err = db_query(reader->db,
		reader->layer_number == 0 ? &sql_veil_blocked : &sql_veil_blocked_too, &stmt);
	while (err == ERR_OK && (err = db_step(reader->db, stmt)) == ERR_OK) {
		if (veil->count == room) {
			room = room == 0 ? 16 : 2 * room;
			struct blocked *more = realloc(veil->blocked, room * sizeof(*more));
			if (more == NULL) {
				db_reset(stmt);
				return ERR_NOMEM;
			}
			veil->blocked = more;
		}
		struct blocked *row = &veil->blocked[veil->count];
		row->feed = sqlite3_column_int64(stmt, 0);
		*messages += (uint64_t)sqlite3_column_int64(stmt, 2);
		veil->state = spread(veil->state ^ (uint64_t)row->feed, VEIL_TALK) +
			      spread((uint64_t)sqlite3_column_int64(stmt, 2), VEIL_RUN);
		veil->count += db_column_id(stmt, 1, row->id.at);
	}
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

/* What they quoted by lines is not theirs. */
static bool is_quoted(const struct quote *quote, size_t word)
{
	for (size_t i = 0; i < quote->part_count; i++) {
		const struct quote_part *part = &quote->parts[i];
		if (part->kind == QUOTE_BLOCK && word >= part->first && word < part->end) {
			return true;
		}
	}
	return false;
}

static enum err add_text(struct veil *veil, struct span text, int64_t at_ms, size_t *left)
{
	struct quote quote;
	enum err err = quote_read(text, &quote);
	size_t own = 0;
	for (size_t i = 0; err == ERR_OK && i < quote.count; i++) {
		if (!is_quoted(&quote, i)) {
			quote.words[own++] = quote.words[i];
		}
	}
	if (err == ERR_OK && own > 0 && own<QUOTE_RUN_WORDS && * left> 0) {
		*left -= put(veil, VEIL_WHOLE, quote_hash(quote.words, own), at_ms);
	}
	for (size_t i = 0; err == ERR_OK && i + QUOTE_RUN_WORDS <= own && *left > 0; i++) {
		*left -= put(veil, VEIL_RUN, quote_hash(quote.words + i, QUOTE_RUN_WORDS), at_ms);
		if (veil->is_full) {
			break;
		}
	}
	quote_free(&quote);
	return err;
}

static void add_talk(
	struct veil *veil, int64_t key_head, const struct content_post *post, int64_t at_ms)
{
	(void)put(veil, VEIL_TALK, (uint64_t)key_head, at_ms);
	if (post->has_root) {
		(void)put(veil, VEIL_TALK, (uint64_t)db_key_head(post->root.at), at_ms);
	}
	if (post->has_fork) {
		(void)put(veil, VEIL_TALK, (uint64_t)db_key_head(post->fork.at), at_ms);
	}
}

static void add_tags(struct veil *veil, const struct content_post *post)
{
	struct tags tags;
	tag_set_of(post, &tags);
	struct span rest = tag_set_span(&tags);
	for (const char *tag = tag_set_next(&rest); tag != NULL; tag = tag_set_next(&rest)) {
		(void)put(veil, VEIL_TAG, veil_tag_hash(tag), 0);
	}
}

static enum err add_message(struct veil *veil, const struct blocked *author, sqlite3_stmt *stmt,
	struct buf *text, size_t *left)
{
	struct json_doc *doc = NULL;
	struct content content;
	double claimed = INFINITY;
	buf_clear(text);
	enum err err = pack_text(
		db_column(stmt, 3), &author->id, (uint64_t)sqlite3_column_int64(stmt, 0), text);
	if (err == ERR_OK) {
		err = json_parse(buf_span(text), LIMIT_JSON_DEPTH, &doc);
	}
	if (err != ERR_OK) {
		return err == ERR_NOMEM ? err : ERR_OK; /* kith check's finding */
	}
	(void)json_number(json_get(json_root(doc), "timestamp"), &claimed);
	int64_t at_ms = index_at_ms(claimed, sqlite3_column_int64(stmt, 1));
	content_read_json(json_get(json_root(doc), "content"), &content);
	if (content.type == CONTENT_POST) {
		add_talk(veil, sqlite3_column_int64(stmt, 2), &content.post, at_ms);
		add_tags(veil, &content.post);
		err = add_text(veil, content.post.text, at_ms, left);
		if (err == ERR_OK) {
			err = add_text(veil, content.post.warning, at_ms, left);
		}
	} else if (content.type == CONTENT_ABOUT) {
		err = add_text(veil, content.about.description, at_ms, left);
	}
	json_doc_free(doc);
	return err;
}

/* The newest first, as far as their share goes. */
static enum err add_author(struct reader *reader, struct veil *veil, const struct blocked *author)
{
	sqlite3_stmt *stmt = NULL;
	struct buf text = BUF_INIT(LIMIT_MESSAGE_BYTES);
	size_t left = veil->share;
	enum err err = db_query(reader->db, &sql_veil_messages, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_int(stmt, 1, author->feed);
	while (left > 0 && !veil->is_full && (err = db_step(reader->db, stmt)) == ERR_OK) {
		err = add_message(veil, author, stmt, &text, &left);
		if (err != ERR_OK) {
			break;
		}
	}
	db_reset(stmt);
	buf_fini(&text);
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

/* With a table of `slots`; it is full when that was too small. */
static enum err fill(struct reader *reader, struct veil *veil, size_t slots)
{
	free(veil->slots);
	veil->slots = calloc(slots, sizeof(*veil->slots));
	if (veil->slots == NULL) {
		return ERR_NOMEM;
	}
	veil->mask = slots - 1;
	veil->used = 0;
	veil->is_full = false;
	veil->share = LIMIT_VEIL_MARKS / veil->count;
	enum err err = ERR_OK;
	for (size_t i = 0; err == ERR_OK && i < veil->count && !veil->is_full; i++) {
		err = add_author(reader, veil, &veil->blocked[i]);
	}
	return err;
}

static enum err make(struct reader *reader, struct veil *veil, uint64_t messages)
{
	size_t slots = SLOTS_MIN;
	size_t most = SLOTS_MIN;
	while (most / 4 * 3 < LIMIT_VEIL_MARKS) {
		most *= 2;
	}
	while (slots < most && slots / 2 < messages * RUNS_EACH) {
		slots *= 2;
	}
	qsort(veil->blocked, veil->count, sizeof(*veil->blocked), by_id);
	db_deadline(reader->db, LIMIT_VEIL_MS);
	enum err err = fill(reader, veil, slots);
	while (err == ERR_OK && veil->is_full && slots < most) {
		slots *= 2;
		err = fill(reader, veil, slots);
	}
	db_deadline(reader->db, LIMIT_QUERY_MS);
	/* A page is better with what was gathered, the newest, than not at all. */
	return err == ERR_TIMEOUT ? ERR_OK : err;
}

enum err veil_of(struct reader *reader, struct veil **out)
{
	struct store *store = reader->store;
	uint64_t messages = 0;
	struct veil *veil = calloc(1, sizeof(*veil));
	*out = NULL;
	if (veil == NULL) {
		return ERR_NOMEM;
	}
	atomic_init(&veil->refs, 1);
	enum err err = read_blocked(reader, veil, &messages);
	if (err != ERR_OK || veil->count == 0) {
		veil_release(veil);
		return err;
	}
	(void)pthread_mutex_lock(&store->veil_lock);
	if (store->veil != NULL && store->veil->state == veil->state) {
		veil_release(veil);
		veil = store->veil;
	} else {
		err = make(reader, veil, messages);
		if (err == ERR_OK) {
			veil_release(store->veil);
			store->veil = veil;
		}
	}
	if (err == ERR_OK) {
		(void)atomic_fetch_add(&veil->refs, 1);
		*out = veil;
	} else {
		veil_release(veil);
	}
	(void)pthread_mutex_unlock(&store->veil_lock);
	return err;
}
