/*
 * Reading the two sides. All messages of the other side are held at once: they are at most
 * LIMIT_BRANCH_MESSAGES and few more, and a fork is rare. Each is joined to the one it follows: a
 * message of our feed, which makes it the parting, or another of the other side.
 */
#include "store/fork_inside.h"

#include "base/encode.h"
#include "store/index.h"
#include "store/pack.h"
#include "store/reader_inside.h"

#include <stdlib.h>

/* SCAN: of the table `branch`, when a fork is looked at. */
QUERY(sql_fork_others,
	"SELECT body, at FROM branch WHERE is_settled = 0 UNION ALL SELECT proof, at FROM "
	"forks WHERE feed = 1 AND proof NOT IN (SELECT body FROM branch)");
QUERY(sql_fork_key, "SELECT key_head, key_tail FROM messages WHERE feed = 1 AND sequence = ?1");
QUERY(sql_fork_own,
	"SELECT m.body, m.received, m.sequence, f.id FROM messages m CROSS JOIN feeds f "
	"ON f.feed = m.feed WHERE m.feed = 1 AND m.sequence >= ?1 ORDER BY m.sequence LIMIT ?2");
QUERY(sql_fork_count, "SELECT count(*) FROM messages WHERE feed = 1 AND sequence >= ?1");
QUERY(sql_fork_setting, "SELECT text FROM settings WHERE name = ?1");

enum { SETTING_BYTES = 80 };

static enum err read_setting(struct db *db, const char *name, char out[static SETTING_BYTES])
{
	sqlite3_stmt *stmt = NULL;
	out[0] = '\0';
	enum err err = db_query(db, &sql_fork_setting, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_blob(stmt, 1, span_text(name));
	err = db_step(db, stmt);
	if (err == ERR_OK) {
		struct span text = span_take(db_column(stmt, 0), SETTING_BYTES - 1);
		if (text.len > 0) {
			memcpy(out, text.at, text.len);
		}
		out[text.len] = '\0';
		db_reset(stmt);
	}
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

enum err fork_own_key(struct db *db, uint64_t sequence, struct message_id *out)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(db, &sql_fork_key, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_int(stmt, 1, (int64_t)sequence);
	err = db_step(db, stmt);
	if (err == ERR_OK) {
		err = db_column_key(stmt, 0, 1, out) ? ERR_OK : ERR_DAMAGED;
		db_reset(stmt);
	}
	return err;
}

static enum err read_own(sqlite3_stmt *stmt, struct buf *text, struct message **out)
{
	struct feed_id self;
	const char *why = NULL;
	if (!db_column_id(stmt, 3, self.at)) {
		return ERR_DAMAGED;
	}
	enum err err =
		pack_text(db_column(stmt, 0), &self, (uint64_t)sqlite3_column_int64(stmt, 2), text);
	return err == ERR_OK ? message_reread(buf_span(text), out, &why) : err;
}

enum err fork_each_own(struct db *db, uint64_t from, size_t count_max,
	enum err (*on_message)(void *ctx, const struct message *message, int64_t received_ms),
	void *ctx)
{
	sqlite3_stmt *stmt = NULL;
	struct buf text = BUF_INIT(LIMIT_MESSAGE_BYTES);
	enum err err = db_query(db, &sql_fork_own, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_int(stmt, 1, (int64_t)from);
	db_int(stmt, 2, count_max > INT32_MAX ? INT32_MAX : (int64_t)count_max);
	while ((err = db_step(db, stmt)) == ERR_OK) {
		struct message *message = NULL;
		buf_clear(&text);
		err = read_own(stmt, &text, &message);
		if (err == ERR_OK) {
			err = on_message(ctx, message, sqlite3_column_int64(stmt, 1));
			message_free(message);
		} else if (err != ERR_NOMEM) {
			err = ERR_OK; /* damage: nothing of it can be told or kept but its bytes */
		}
		if (err != ERR_OK) {
			db_reset(stmt);
			break;
		}
	}
	buf_fini(&text);
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

/* The other messages. */

static bool is_listed(const struct fork_tree *tree, const struct message *message)
{
	for (int i = 0; i < tree->count; i++) {
		if (message_id_equal(&tree->links[i].message->key, &message->key)) {
			return true;
		}
	}
	return false;
}

/* Takes the message over when it belongs here. */
static enum err add_link(struct db *db, const struct feed_id *self, struct fork_tree *tree,
	struct message *message, int64_t at_ms)
{
	struct message_id held;
	enum err err = fork_own_key(db, message->sequence, &held);
	bool is_held = err == ERR_OK && message_id_equal(&held, &message->key);
	if ((err != ERR_OK && err != ERR_NOT_FOUND) || is_held || is_listed(tree, message) ||
		!feed_id_equal(&message->author, self)) {
		message_free(message);
		return err == ERR_NOT_FOUND ? ERR_OK : err;
	}
	struct fork_link *grown =
		realloc(tree->links, (size_t)(tree->count + 1) * sizeof(*tree->links));
	if (grown == NULL) {
		message_free(message);
		return ERR_NOMEM;
	}
	tree->links = grown;
	tree->links[tree->count++] =
		(struct fork_link){.message = message, .at_ms = at_ms, .parent = FORK_NONE};
	return ERR_OK;
}

static enum err read_links(struct db *db, const struct feed_id *self, struct fork_tree *tree)
{
	sqlite3_stmt *stmt = NULL;
	const char *why = NULL;
	enum err err = db_query(db, &sql_fork_others, &stmt);
	while (err == ERR_OK && (err = db_step(db, stmt)) == ERR_OK) {
		struct message *message = NULL;
		err = message_reread(db_column(stmt, 0), &message, &why);
		if (err == ERR_OK) {
			err = add_link(db, self, tree, message, sqlite3_column_int64(stmt, 1));
		} else if (err != ERR_NOMEM) {
			err = ERR_OK; /* kith check tells of it */
		}
	}
	if (stmt != NULL) {
		db_reset(stmt);
	}
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static int by_sequence(const void *a, const void *b)
{
	uint64_t left = ((const struct fork_link *)a)->message->sequence;
	uint64_t right = ((const struct fork_link *)b)->message->sequence;
	return left < right ? -1 : left > right;
}

/* Does it follow a message of our feed? Then the sides part with it. */
static enum err is_parting(struct db *db, const struct message *message, bool *out)
{
	struct message_id held;
	*out = message->sequence == 1 && !message->has_previous;
	if (message->sequence <= 1 || !message->has_previous) {
		return ERR_OK;
	}
	enum err err = fork_own_key(db, message->sequence - 1, &held);
	*out = err == ERR_OK && message_id_equal(&held, &message->previous);
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static int find_parent(const struct fork_tree *tree, int of)
{
	const struct message *message = tree->links[of].message;
	for (int i = of - 1; i >= 0 && message->has_previous; i--) {
		const struct message *before = tree->links[i].message;
		if (before->sequence + 1 < message->sequence) {
			break;
		}
		if (before->sequence + 1 == message->sequence &&
			message_id_equal(&before->key, &message->previous)) {
			return i;
		}
	}
	return FORK_NONE;
}

static enum err join_links(struct db *db, struct fork_tree *tree)
{
	for (int i = 0; i < tree->count; i++) {
		struct fork_link *link = &tree->links[i];
		bool is_first = false;
		enum err err = is_parting(db, link->message, &is_first);
		if (err != ERR_OK) {
			return err;
		}
		link->parent = is_first ? FORK_NONE : find_parent(tree, i);
		if (is_first) {
			link->length = 1;
		} else if (link->parent != FORK_NONE && tree->links[link->parent].length > 0) {
			link->length = tree->links[link->parent].length + 1;
		}
		if (link->length > (tree->tip == FORK_NONE ? 0 : tree->links[tree->tip].length)) {
			tree->tip = i;
		}
	}
	return ERR_OK;
}

/* The lowest number without which something of the other side hangs in the air. */
static uint64_t find_missing(const struct fork_tree *tree)
{
	for (int i = 0; i < tree->count; i++) {
		const struct fork_link *link = &tree->links[i];
		if (link->length == 0 && link->parent == FORK_NONE) {
			return link->message->sequence > 1 ? link->message->sequence - 1 : 1;
		}
	}
	return 0;
}

/* What the state remembers, when no message of the other side says it. */
static enum err recall(struct db *db, struct fork_tree *tree)
{
	char text[SETTING_BYTES];
	struct fork_sides *sides = &tree->sides;
	enum err err = read_setting(db, "fork_sequence", text);
	sides->sequence = strtoull(text, NULL, 10);
	if (err == ERR_OK) {
		err = read_setting(db, "fork_theirs", text);
	}
	sides->has_theirs = sides->sequence > 0 &&
			    hex_decode(span_text(text), sides->theirs.at, ID_BYTES) == ERR_OK;
	return err;
}

static enum err fill_sides(struct db *db, struct fork_tree *tree)
{
	struct fork_sides *sides = &tree->sides;
	char state[SETTING_BYTES];
	sqlite3_stmt *stmt = NULL;
	enum err err = read_setting(db, "state", state);
	sides->is_forked = strcmp(state, "FORKED") == 0;
	sides->missing = find_missing(tree);
	if (err == ERR_OK && tree->tip == FORK_NONE) {
		err = recall(db, tree);
		sides->missing = sides->missing > 0 && sides->missing < sides->sequence
					 ? sides->missing
					 : sides->sequence;
	} else if (err == ERR_OK) {
		int first = tree->tip;
		sides->theirs_count = (uint64_t)tree->links[tree->tip].length;
		while (tree->links[first].parent != FORK_NONE) {
			first = tree->links[first].parent;
		}
		sides->sequence = tree->links[first].message->sequence;
		sides->theirs = tree->links[first].message->key;
		sides->has_theirs = true;
	}
	if (err != ERR_OK || sides->sequence == 0) {
		return err;
	}
	err = fork_own_key(db, sides->sequence, &sides->ours);
	sides->has_ours = err == ERR_OK;
	if (err == ERR_OK || err == ERR_NOT_FOUND) {
		err = db_query(db, &sql_fork_count, &stmt);
	}
	if (err == ERR_OK) {
		db_int(stmt, 1, (int64_t)sides->sequence);
		err = db_step(db, stmt);
	}
	if (err == ERR_OK) {
		sides->ours_count = (uint64_t)sqlite3_column_int64(stmt, 0);
		db_reset(stmt);
	}
	return err;
}

enum err fork_tree_read(struct db *db, const struct feed_id *self, struct fork_tree *tree)
{
	*tree = (struct fork_tree){.tip = FORK_NONE};
	enum err err = read_links(db, self, tree);
	if (err == ERR_OK) {
		if (tree->count > 1) {
			qsort(tree->links, (size_t)tree->count, sizeof(*tree->links), by_sequence);
		}
		err = join_links(db, tree);
	}
	return err == ERR_OK ? fill_sides(db, tree) : err;
}

void fork_tree_fini(struct fork_tree *tree)
{
	for (int i = 0; i < tree->count; i++) {
		message_free(tree->links[i].message);
	}
	free(tree->links);
	*tree = (struct fork_tree){.tip = FORK_NONE};
}

void fork_tree_path(const struct fork_tree *tree, int *path)
{
	for (int at = tree->tip; at != FORK_NONE; at = tree->links[at].parent) {
		path[tree->links[at].length - 1] = at;
	}
}

/* For whoever shows it. */

struct telling {
	void (*on_message)(void *ctx, const struct fork_message *message);
	void *ctx;
};

static enum err describe(struct fork_message *row)
{
	struct content content;
	struct span words = span_of(NULL, 0);
	char id[FEED_ID_TEXT_BYTES + MESSAGE_ID_TEXT_BYTES] = "";
	enum err err = content_read(row->message, &content);
	if (err != ERR_OK) {
		return err;
	}
	if (content.type == CONTENT_POST) {
		words = content.post.text;
	} else if (content.type == CONTENT_ABOUT && content.about.is_about_feed) {
		words = content.about.name;
	} else if (content.type == CONTENT_CONTACT) {
		feed_id_format(&content.contact.contact, id);
		words = span_text(id);
	} else if (content.type == CONTENT_VOTE) {
		message_id_format(&content.vote.link, id);
		words = span_text(id);
	}
	index_clean_name(words, row->words);
	index_clean_name(content.type == CONTENT_PRIVATE ? span_text("private") : content.type_text,
		row->type);
	return ERR_OK;
}

static enum err tell_ours(void *ctx, const struct message *message, int64_t received_ms)
{
	const struct telling *telling = ctx;
	struct fork_message row = {
		.at_ms = index_at_ms(message->timestamp, received_ms), .message = message};
	enum err err = describe(&row);
	if (err == ERR_OK) {
		telling->on_message(telling->ctx, &row);
	}
	return err;
}

static enum err tell_theirs(
	const struct fork_tree *tree, size_t count_max, const struct telling *telling)
{
	size_t count = (size_t)tree->sides.theirs_count;
	int *path = calloc(count, sizeof(*path));
	if (path == NULL) {
		return count == 0 ? ERR_OK : ERR_NOMEM;
	}
	fork_tree_path(tree, path);
	enum err err = ERR_OK;
	for (size_t i = 0; i < count && i < count_max && err == ERR_OK; i++) {
		const struct fork_link *link = &tree->links[path[i]];
		struct fork_message row = {.is_theirs = true,
			.at_ms = index_at_ms(link->message->timestamp, link->at_ms),
			.message = link->message};
		err = describe(&row);
		if (err == ERR_OK) {
			telling->on_message(telling->ctx, &row);
		}
	}
	free(path);
	return err;
}

enum err reader_fork(struct reader *reader, size_t count_max, struct fork_sides *out,
	void (*on_message)(void *ctx, const struct fork_message *message), void *ctx)
{
	const struct telling telling = {.on_message = on_message, .ctx = ctx};
	struct fork_tree tree = {.tip = FORK_NONE};
	*out = (struct fork_sides){0};
	enum err err = reader_begin(reader);
	if (err != ERR_OK) {
		return err;
	}
	err = fork_tree_read(reader->db, &reader->store->self, &tree);
	if (err == ERR_OK && on_message != NULL && tree.sides.sequence > 0) {
		err = fork_each_own(reader->db, tree.sides.sequence, count_max, tell_ours,
			(void *)(uintptr_t)&telling);
		if (err == ERR_OK) {
			err = tell_theirs(&tree, count_max, &telling);
		}
	}
	*out = tree.sides;
	fork_tree_fini(&tree);
	return reader_end(reader, err);
}
