/*
 * The newest messages of a feed before its history. What is in `ahead` is one signature's word and
 * a chain of hashes (feed/window.h), so all that follows from it is a post on a page and a name
 * over it: no figure, no head, no edge. Where the chain from below comes to the same numbers it
 * decides: the same messages take the place of those held ahead; another one ends all that is
 * ahead.
 */
#include "store/ahead_rows.h"
#include "store/writer_inside.h"

#include "feed/window.h"

#include <stdlib.h>

QUERY(sql_ahead_wanted,
	"SELECT EXISTS (SELECT 1 FROM reach WHERE feed = ?1) OR EXISTS (SELECT 1 FROM wants WHERE "
	"feed = ?1), EXISTS (SELECT 1 FROM forks WHERE feed = ?1), EXISTS (SELECT 1 FROM "
	"ahead_feeds "
	"WHERE feed = ?1), (SELECT hops FROM reach WHERE feed = ?1)");
/* SCAN: at most LIMIT_AHEAD_FEEDS rows. */
QUERY(sql_ahead_count, "SELECT count(*) FROM ahead_feeds");
QUERY(sql_ahead_farthest,
	"SELECT f.id, coalesce(r.hops, 1) AS hops FROM ahead_feeds a CROSS JOIN feeds "
	"f ON f.feed = a.feed LEFT JOIN reach r ON r.feed = a.feed ORDER BY hops "
	"DESC LIMIT 1");
QUERY(sql_ahead_unwanted,
	"SELECT f.id FROM ahead_feeds a CROSS JOIN feeds f ON f.feed = a.feed WHERE NOT EXISTS "
	"(SELECT 1 FROM reach WHERE feed = a.feed) AND NOT EXISTS (SELECT 1 FROM wants WHERE feed "
	"= "
	"a.feed) AND NOT EXISTS (SELECT 1 FROM contacts WHERE feed = 1 AND about = a.feed AND edge "
	"= "
	"1) LIMIT 1");
QUERY(sql_ahead_feed_put,
	"INSERT INTO ahead_feeds (feed, first, newest, name, name_from, bio, bio_from, image, "
	"image_from) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT (feed) DO UPDATE SET "
	"first = ?2, newest = ?3, name = iif(?5 < name_from, name, ?4), name_from = max(?5, "
	"name_from), bio = iif(?7 < bio_from, bio, ?6), bio_from = max(?7, bio_from), image = "
	"iif(?9 < image_from, image, ?8), image_from = max(?9, image_from)");

enum { KEPT_MAX = 4 * LIMIT_WINDOW_MESSAGES }; /* of one feed, when a newer window joins an older */

/* What an author says of itself in a window, the latest of each. */
struct said {
	char name[264];
	char bio[8 * KIB];
	bool has_image;
	struct blob_id image;
	uint64_t name_from, bio_from, image_from; /* sequences; 0: nothing */
};

/* News for people. */

enum err writer_ahead_tell(struct writer *writer, const struct committed *post)
{
	if (writer->ahead_count == writer->ahead_room) {
		size_t room = writer->ahead_room == 0 ? 64 : 2 * writer->ahead_room;
		struct committed *grown = realloc(writer->ahead, room * sizeof(*grown));
		if (grown == NULL) {
			return ERR_NOMEM;
		}
		writer->ahead = grown;
		writer->ahead_room = room;
	}
	writer->ahead[writer->ahead_count++] = *post;
	return ERR_OK;
}

enum err writer_ahead_drop(struct writer *writer, struct feed_entry *author)
{
	if (author->ahead_first == 0) {
		return ERR_OK;
	}
	writer->is_ahead_gone = true;
	return ahead_drop_all(writer->db, author);
}

/* Judging. */

/* Does the window go on where the stored feed is? Of what it holds of the stored numbers only the
 * head is compared: everything below hangs on it. */
static bool fits(const struct feed_entry *author, const struct window *window)
{
	uint64_t head = author->head.sequence;
	for (size_t i = 0; i < window->count; i++) {
		const struct message *message = window->messages[i];
		if (head > 0 && message->sequence == head &&
			!message_id_equal(&message->key, &author->head.key)) {
			return false;
		}
		if (message->sequence == head + 1 &&
			chain_judge(&author->head, message) != CHAIN_NEXT) {
			return false;
		}
	}
	return true;
}

static enum err make_room(struct writer *writer, int hops, bool *has_room)
{
	sqlite3_stmt *stmt = NULL;
	struct feed_entry *farthest = NULL;
	struct feed_id id;
	*has_room = false;
	enum err err = db_query(writer->db, &sql_ahead_count, &stmt);
	if (err == ERR_OK) {
		err = db_step(writer->db, stmt);
	}
	if (err != ERR_OK) {
		return err;
	}
	*has_room = sqlite3_column_int64(stmt, 0) < LIMIT_AHEAD_FEEDS;
	db_reset(stmt);
	if (*has_room) {
		return ERR_OK;
	}
	err = db_query(writer->db, &sql_ahead_farthest, &stmt);
	if (err == ERR_OK) {
		err = db_step(writer->db, stmt);
	}
	if (err != ERR_OK) {
		return err;
	}
	bool is_farther = sqlite3_column_int(stmt, 1) > hops && db_column_id(stmt, 0, id.at);
	db_reset(stmt);
	err = is_farther ? feeds_get(writer->feeds, &id, &farthest) : ERR_OK;
	if (err == ERR_OK && is_farther) {
		err = writer_ahead_drop(writer, farthest);
		*has_room = true;
	}
	return err;
}

static enum err judge(struct writer *writer, const struct feed_entry *author,
	const struct window *window, bool *is_refused)
{
	sqlite3_stmt *stmt = NULL;
	*is_refused = true;
	if (author->feed == FEED_SELF || !index_is_shown(author) ||
		writer_is_blocked(writer, author) || !fits(author, window)) {
		return ERR_OK;
	}
	enum err err = db_query(writer->db, &sql_ahead_wanted, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_int(stmt, 1, author->feed);
	err = db_step(writer->db, stmt);
	if (err != ERR_OK) {
		return err;
	}
	bool is_wanted = author->mine == EDGE_FOLLOW || sqlite3_column_int(stmt, 0) != 0;
	bool is_forked = sqlite3_column_int(stmt, 1) != 0;
	bool has_room = sqlite3_column_int(stmt, 2) != 0;
	bool is_near = sqlite3_column_type(stmt, 3) == SQLITE_NULL;
	int hops = is_near ? 1 : sqlite3_column_int(stmt, 3);
	db_reset(stmt);
	if (is_wanted && !is_forked && !has_room) {
		err = make_room(writer, hops, &has_room);
	}
	*is_refused = !is_wanted || is_forked || !has_room;
	return err;
}

/* Profiles. */

static enum err hear(
	struct said *said, const struct message *message, const struct feed_entry *author)
{
	struct content content;
	char name[sizeof(said->name)];
	char bio[sizeof(said->bio)];
	enum err err = content_read(message, &content);
	if (err != ERR_OK || content.type != CONTENT_ABOUT || !content.about.is_about_feed ||
		!feed_id_equal(&content.about.about_feed, &author->id) ||
		message->sequence <= author->head.sequence) {
		return err;
	}
	index_clean_name(content.about.name, name);
	index_clean_text(content.about.description, bio, sizeof(bio));
	if (name[0] != '\0' && message->sequence > said->name_from) {
		memcpy(said->name, name, sizeof(name));
		said->name_from = message->sequence;
	}
	if (bio[0] != '\0' && message->sequence > said->bio_from) {
		memcpy(said->bio, bio, sizeof(bio));
		said->bio_from = message->sequence;
	}
	if ((content.about.has_image || content.about.is_image_gone) &&
		message->sequence > said->image_from) {
		said->has_image = content.about.has_image;
		said->image = content.about.image;
		said->image_from = message->sequence;
	}
	return ERR_OK;
}

static enum err put_said(
	struct writer *writer, const struct feed_entry *author, const struct window *window)
{
	sqlite3_stmt *stmt = NULL;
	struct said said = {.name = ""};
	enum err err = ERR_OK;
	for (size_t i = 0; i < window->profile_count && err == ERR_OK; i++) {
		err = hear(&said, window->profiles[i], author);
	}
	for (size_t i = 0; i < window->count && err == ERR_OK; i++) {
		err = hear(&said, window->messages[i], author);
	}
	if (err != ERR_OK) {
		return err;
	}
	err = db_query(writer->db, &sql_ahead_feed_put, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_int(stmt, 1, author->feed);
	db_int(stmt, 2, (int64_t)author->ahead_first);
	db_int(stmt, 3, (int64_t)author->ahead_newest);
	db_text(stmt, 4, span_text(said.name));
	db_int(stmt, 5, (int64_t)said.name_from);
	db_text(stmt, 6, span_text(said.bio));
	db_int(stmt, 7, (int64_t)said.bio_from);
	if (said.has_image) {
		db_blob(stmt, 8, span_of(said.image.at, ID_BYTES));
	}
	db_int(stmt, 9, (int64_t)said.image_from);
	return db_run(writer->db, stmt);
}

/* Rows. */

static enum err put_row(struct writer *writer, struct feed_entry *author,
	const struct message *message, int64_t received_ms, bool is_checked)
{
	struct index_row row = {
		.at_ms = index_at_ms(message->timestamp, received_ms), .author = author};
	struct committed post = {.author = message->author,
		.key = message->key,
		.sequence = message->sequence,
		.at_ms = row.at_ms};
	enum err err =
		ahead_row_put(writer->db, author, message, received_ms, is_checked, &row.message);
	if (err == ERR_OK) {
		err = index_ahead(&writer->index, message, &row, &post);
	}
	return err == ERR_OK && post.type == CONTENT_POST ? writer_ahead_tell(writer, &post) : err;
}

/* It is shown already; now its signature is known to be good. */
static enum err check_row(
	struct writer *writer, const struct feed_entry *author, const struct message *message)
{
	const struct committed post = {.author = message->author,
		.key = message->key,
		.sequence = message->sequence,
		.type = CONTENT_POST,
		.was_shown = true};
	enum err err = ahead_row_check(writer->db, author, message->sequence);
	if (err != ERR_OK) {
		return err;
	}
	struct content content;
	err = content_read(message, &content);
	return err == ERR_OK && content.type == CONTENT_POST ? writer_ahead_tell(writer, &post)
							     : err;
}

static enum err show(struct writer *writer, struct feed_entry *author,
	const struct message *message, int64_t received_ms, bool is_checked)
{
	struct ahead_row held;
	enum err err = ahead_row_get(writer->db, author, message->sequence, &held);
	if (err == ERR_OK && message_id_equal(&held.key, &message->key)) {
		return is_checked && !held.is_checked ? check_row(writer, author, message) : ERR_OK;
	}
	if (err == ERR_OK) {
		writer->is_ahead_gone = true;
		err = ahead_row_drop(writer->db, author, message->sequence);
	}
	return err == ERR_OK || err == ERR_NOT_FOUND
		       ? put_row(writer, author, message, received_ms, is_checked)
		       : err;
}

/* Is the window, from its message `first` on, of the same history as what is held, and without a
 * gap to it? `*lowest` is then the number from which both together are held. */
static enum err join(struct writer *writer, const struct feed_entry *author,
	const struct window *window, size_t first, bool *is_joined, uint64_t *lowest)
{
	struct ahead_row held;
	uint64_t begin = window->messages[first]->sequence;
	uint64_t newest = window->messages[window->count - 1]->sequence;
	uint64_t start = author->ahead_first > author->head.sequence ? author->ahead_first
								     : author->head.sequence + 1;
	bool is_below = begin <= start;
	const struct message *at = window->messages[is_below ? first + (start - begin) : first];
	enum err err = ahead_row_get(writer->db, author, is_below ? start : begin - 1, &held);
	*is_joined =
		err == ERR_OK && message_id_equal(&held.key, is_below ? &at->key : &at->previous);
	*lowest = is_below || !*is_joined ? begin : start;
	if (newest - *lowest >= KEPT_MAX) {
		*lowest = newest - KEPT_MAX + 1;
	}
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

/* The first message of the window that the chain has not reached. */
static size_t first_ahead(const struct feed_entry *author, const struct window *window)
{
	size_t i = 0;
	while (i < window->count && window->messages[i]->sequence <= author->head.sequence) {
		i++;
	}
	return i;
}

/* An older window than what is held adds nothing but what it has checked. */
static enum err check_some(struct writer *writer, const struct feed_entry *author,
	const struct window *window, size_t first)
{
	enum err err = ERR_OK;
	for (size_t i = first; err == ERR_OK && i < window->count; i++) {
		struct ahead_row held;
		const struct message *message = window->messages[i];
		if (!window->is_signed[i]) {
			continue;
		}
		err = ahead_row_get(writer->db, author, message->sequence, &held);
		if (err == ERR_OK && !held.is_checked &&
			message_id_equal(&held.key, &message->key)) {
			err = check_row(writer, author, message);
		}
		err = err == ERR_NOT_FOUND ? ERR_OK : err;
	}
	return err;
}

static enum err keep(struct writer *writer, struct feed_entry *author, const struct window *window,
	size_t first, int64_t received_ms)
{
	bool is_joined = true;
	uint64_t lowest = window->messages[first]->sequence;
	enum err err = ERR_OK;
	if (author->ahead_first != 0) {
		err = join(writer, author, window, first, &is_joined, &lowest);
	}
	if (err == ERR_OK && !is_joined) {
		err = writer_ahead_drop(writer, author);
	}
	for (size_t i = first; err == ERR_OK && i < window->count; i++) {
		err = show(writer, author, window->messages[i], received_ms, window->is_signed[i]);
	}
	if (err != ERR_OK) {
		return err;
	}
	author->ahead_first = lowest;
	author->ahead_newest = window->messages[window->count - 1]->sequence;
	err = ahead_rows_keep(writer->db, author, author->ahead_first, author->ahead_newest);
	return err == ERR_OK ? put_said(writer, author, window) : err;
}

enum err writer_ahead_one(
	struct writer *writer, struct ahead_job *job, int64_t received_ms, bool *is_refused)
{
	const struct window *window = job->window;
	struct feed_entry *author = NULL;
	job->is_kept = false;
	enum err err = feeds_get(writer->feeds, &window->author, &author);
	if (err == ERR_OK) {
		err = judge(writer, author, window, is_refused);
	}
	size_t first = err == ERR_OK ? first_ahead(author, window) : 0;
	if (err != ERR_OK || *is_refused || first == window->count) {
		return err;
	}
	if (window->messages[window->count - 1]->sequence < author->ahead_newest) {
		return check_some(writer, author, window, first);
	}
	bool is_newer = window->messages[window->count - 1]->sequence != author->ahead_newest;
	err = keep(writer, author, window, first, received_ms);
	if (err == ERR_OK && is_newer) {
		/* Numbers and name over the posts, of which there may be none. */
		const struct committed person = {.author = window->author, .type = CONTENT_ABOUT};
		err = writer_ahead_tell(writer, &person);
	}
	job->is_kept = err == ERR_OK;
	return err;
}

/* The chain. */

/* Two messages with one number, both signed: the one that the chain holds stays, the other is the
 * proof. Without its own signature's check it proves nothing. */
static enum err other_history(struct writer *writer, const struct message *message,
	struct feed_entry *author, const struct ahead_row *held)
{
	struct buf text = BUF_INIT(LIMIT_MESSAGE_BYTES);
	enum err err = held->is_checked
			       ? ahead_row_body(writer->db, author, message->sequence, &text)
			       : ERR_OK;
	if (err == ERR_OK && held->is_checked) {
		err = writer_keep_proof(writer, author, buf_span(&text));
	}
	if (err == ERR_OK) {
		err = writer_ahead_drop(writer, author);
	}
	buf_fini(&text);
	return err;
}

enum err writer_ahead_reached(struct writer *writer, const struct message *message,
	struct feed_entry *author, bool *was_shown)
{
	struct ahead_row held;
	*was_shown = false;
	if (author->ahead_first == 0 || message->sequence < author->ahead_first) {
		return ERR_OK;
	}
	enum err err = ahead_row_get(writer->db, author, message->sequence, &held);
	if (err != ERR_OK) {
		return err == ERR_NOT_FOUND ? ERR_OK : err;
	}
	if (!message_id_equal(&held.key, &message->key)) {
		return other_history(writer, message, author, &held);
	}
	*was_shown = true;
	return ahead_row_drop(writer->db, author, message->sequence);
}

enum err writer_ahead_tidy(struct writer *writer)
{
	enum err err = ERR_OK;
	while (err == ERR_OK) {
		sqlite3_stmt *stmt = NULL;
		struct feed_entry *author = NULL;
		struct feed_id id = {{0}};
		err = db_query(writer->db, &sql_ahead_unwanted, &stmt);
		if (err == ERR_OK) {
			err = db_step(writer->db, stmt);
		}
		if (err != ERR_OK) {
			break;
		}
		bool is_id = db_column_id(stmt, 0, id.at);
		db_reset(stmt);
		err = is_id ? feeds_get(writer->feeds, &id, &author) : ERR_IO;
		if (err == ERR_OK) {
			err = writer_ahead_drop(writer, author);
		}
	}
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

/* Jobs. */

struct ahead_job *ahead_job_new(void)
{
	return calloc(1, sizeof(struct ahead_job));
}

void ahead_job_free(struct ahead_job *job)
{
	if (job != NULL) {
		window_free(job->window);
		free(job);
	}
}

enum err writer_ahead(struct writer *writer, struct ahead_job *ahead)
{
	struct job *job = calloc(1, sizeof(*job));
	if (job == NULL) {
		return ERR_NOMEM;
	}
	job->kind = JOB_AHEAD;
	job->ahead = ahead;
	enum err err = inbox_put(writer->inbox, job);
	if (err != ERR_OK) {
		free(job);
	}
	return err;
}
