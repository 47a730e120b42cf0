/*
 * Derived rows. A message brings at most one post, vote, edge or profile; all of them can be made
 * again from the log. Who is blocked or muted has no posts and no votes, so that the queries need
 * not ask; taking them away and bringing them back happens here, when our own contact message is
 * stored or the owner mutes.
 */
#include "store/index.h"

#include "base/limits.h"
#include "feed/tag.h"
#include "store/activity_rows.h"
#include "store/ahead_rows.h"
#include "store/blob_links.h"
#include "store/inside.h"
#include "store/layer.h"
#include "store/pack.h"
#include "store/search_rows.h"
#include "store/stray.h"
#include "store/tag_rows.h"

#include <math.h>

QUERY(sql_post_add, "INSERT OR IGNORE INTO posts (message, feed, at, home, root, fork) VALUES (?1, "
		    "?2, ?3, ?4, ?5, ?6)");
QUERY(sql_vote_put,
	"INSERT INTO votes (link, feed, message) VALUES (?1, ?2, ?3) ON CONFLICT (link, feed) DO "
	"UPDATE SET message = ?3 WHERE abs(message) <= abs(?3)");
QUERY(sql_edge_set, "UPDATE contacts SET edge = ?3 WHERE feed = ?1 AND about = ?2");
QUERY(sql_edge_add, "INSERT INTO contacts (feed, about, edge) VALUES (?1, ?2, ?3)");
QUERY(sql_profile_put,
	"INSERT INTO profiles (feed, name, bio, image) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (feed) "
	"DO UPDATE SET "
	"name = iif(?2 = '', name, ?2), bio = iif(?3 = '', bio, ?3), image = iif(?5, NULL, "
	"coalesce(?4, "
	"image))");
QUERY(sql_profile_from_put,
	"INSERT INTO profiles_from (feed, name, bio, image) VALUES (?1, ?2, ?3, ?4) ON CONFLICT "
	"(feed) DO UPDATE SET "
	"name = max(name, ?2), bio = max(bio, ?3), image = max(image, ?4) WHERE ?2 > name OR ?3 > "
	"bio OR ?4 > image");
QUERY(sql_lift, "INSERT OR IGNORE INTO lifted (feed) VALUES (?1)");
QUERY(sql_lifted_is, "SELECT feed FROM lifted WHERE feed = ?1");
QUERY(sql_lift_end, "DELETE FROM lifted WHERE feed = ?1");
QUERY(sql_want_done, "DELETE FROM wants WHERE feed = ?1");
QUERY(sql_let_go_back, "UPDATE let_go SET again = 1, at = 0 WHERE feed = ?1 AND again = 0");
QUERY(sql_home_set, "UPDATE posts SET home = ?2 WHERE feed = ?1");
QUERY(sql_words_of, "SELECT p.message, p.at, m.sequence, m.body FROM posts p CROSS JOIN messages m "
		    "ON m.message = p.message WHERE p.feed = ?1 ORDER BY p.at, p.message");
QUERY(sql_posts_drop, "DELETE FROM posts WHERE feed = ?1");
/* Reads all likes: blocking somebody is rare, an index by author would cost on every like. */
QUERY(sql_votes_drop, "DELETE FROM votes WHERE feed = ?1");
QUERY(sql_bodies,
	"SELECT message, received, sequence, body FROM messages WHERE feed = ?1 AND sequence > ?2 "
	"ORDER BY sequence LIMIT 1");
QUERY(sql_figures_get, "SELECT name, n FROM figures");
QUERY(sql_figures_add, "UPDATE figures SET n = n + ?2 WHERE name = ?1");

int64_t index_at_ms(double claimed, int64_t received_ms)
{
	if (!isfinite(claimed) || claimed >= (double)received_ms) {
		return received_ms;
	}
	return claimed <= 0 ? 0 : (int64_t)claimed;
}

bool index_is_home(const struct feed_entry *author)
{
	return author->feed == FEED_SELF || author->mine == EDGE_FOLLOW;
}

static void bind_head(sqlite3_stmt *stmt, int at, bool is_there, const struct message_id *id)
{
	if (is_there) {
		db_int(stmt, at, db_key_head(id->at));
	}
}

struct index_post index_post_of(
	const struct content_post *post, const struct index_row *row, struct tags *tags)
{
	tag_set_of(post, tags);
	return (struct index_post){.message = row->message,
		.feed = row->author->feed,
		.at_ms = row->at_ms,
		.is_home = index_is_home(row->author),
		.has_root = post->has_root,
		.has_fork = post->has_fork,
		.root = post->root,
		.fork = post->fork,
		.text = post->text,
		.tags = tag_set_span(tags)};
}

enum err index_put_post(struct index *index, const struct index_post *post, bool *is_new)
{
	sqlite3_stmt *stmt = NULL;
	*is_new = false;
	enum err err = db_query(index->db, &sql_post_add, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_int(stmt, 1, post->message);
	db_int(stmt, 2, post->feed);
	db_int(stmt, 3, post->at_ms);
	db_int(stmt, 4, post->is_home);
	bind_head(stmt, 5, post->has_root, &post->root);
	bind_head(stmt, 6, post->has_fork, &post->fork);
	err = db_run(index->db, stmt);
	if (err != ERR_OK || sqlite3_changes(db_handle(index->db)) == 0) {
		return err;
	}
	*is_new = true;
	index->delta.posts += post->message < AHEAD_MESSAGE_FIRST;
	const struct search_entry entry = {.message = post->message,
		.at_ms = post->at_ms,
		.feed = post->feed,
		.text = post->text,
		.tags = post->tags};
	err = search_row_put(index->db, &entry);
	return err == ERR_OK ? tag_rows_put(index->db, post->message, post->at_ms, post->tags)
			     : err;
}

enum err index_put_vote_row(struct index *index, int64_t link, int64_t feed, int64_t message)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(index->db, &sql_vote_put, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_int(stmt, 1, link);
	db_int(stmt, 2, feed);
	db_int(stmt, 3, message);
	return db_run(index->db, stmt);
}

static enum err put_vote(
	struct index *index, const struct content_vote *vote, const struct index_row *row)
{
	enum err err = index_put_vote_row(index, db_key_head(vote->link.at), row->author->feed,
		vote->is_like ? row->message : -row->message);
	return err == ERR_OK ? activity_put_vote(index, vote, row) : err;
}

bool index_is_shown(const struct feed_entry *author)
{
	return author->mine != EDGE_BLOCK && !author->is_muted;
}

/* Rows of `posts` and `votes`, the part that depends on blocks. */
static enum err put_words(
	struct index *index, const struct content *content, const struct index_row *row)
{
	bool is_new = false;
	if (content->type == CONTENT_POST) {
		struct tags tags;
		const struct index_post post = index_post_of(&content->post, row, &tags);
		enum err err = index_put_post(index, &post, &is_new);
		return err == ERR_OK ? activity_put_post(index, &content->post, row) : err;
	}
	return content->type == CONTENT_VOTE ? put_vote(index, &content->vote, row) : ERR_OK;
}

static enum err run_for_feed(
	struct index *index, const struct query *query, int64_t feed, int64_t value)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(index->db, query, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_int(stmt, 1, feed);
	if (sqlite3_bind_parameter_count(stmt) > 1) {
		db_int(stmt, 2, value);
	}
	return db_run(index->db, stmt);
}

static enum err forget_post(struct index *index, const struct content_post *post, int64_t message,
	int64_t at_ms, int64_t feed)
{
	struct tags tags;
	tag_set_of(post, &tags);
	const struct search_entry entry = {.message = message,
		.at_ms = at_ms,
		.feed = feed,
		.text = post->text,
		.tags = tag_set_span(&tags)};
	enum err err = search_row_drop(index->db, &entry);
	return err == ERR_OK ? tag_rows_drop(index->db, message, at_ms, entry.tags) : err;
}

/* The full text is told the words it is to forget; they are in the message. */
static enum err forget_words(struct index *index, const struct feed_entry *of, sqlite3_stmt *stmt)
{
	struct json_doc *doc = NULL;
	struct content content;
	struct buf text = BUF_INIT(LIMIT_MESSAGE_BYTES);
	enum err err = pack_text(
		db_column(stmt, 3), &of->id, (uint64_t)sqlite3_column_int64(stmt, 2), &text);
	if (err == ERR_OK) {
		err = json_parse(buf_span(&text), LIMIT_JSON_DEPTH, &doc);
	}
	if (err == ERR_OK) {
		content_read_json(json_get(json_root(doc), "content"), &content);
		err = content.type == CONTENT_POST
			      ? forget_post(index, &content.post, sqlite3_column_int64(stmt, 0),
					sqlite3_column_int64(stmt, 1), of->feed)
			      : ERR_DAMAGED;
	}
	json_doc_free(doc);
	buf_fini(&text);
	return err == ERR_NOMEM || err == ERR_DISK_FULL || err == ERR_OK ? err : ERR_IO;
}

static enum err forget_all_words(struct index *index, const struct feed_entry *of)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(index->db, &sql_words_of, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_int(stmt, 1, of->feed);
	while ((err = db_step(index->db, stmt)) == ERR_OK) {
		err = forget_words(index, of, stmt);
		if (err != ERR_OK) {
			break;
		}
	}
	db_reset(stmt);
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static enum err take_words_away(struct index *index, struct feed_entry *of)
{
	enum err err = ahead_drop_all(index->db, of);
	if (err == ERR_OK) {
		err = stray_drop_all(index->db, of);
	}
	if (err == ERR_OK) {
		err = forget_all_words(index, of);
	}
	if (err == ERR_OK) {
		err = run_for_feed(index, &sql_posts_drop, of->feed, 0);
	}
	if (err != ERR_OK) {
		return err;
	}
	index->delta.posts -= sqlite3_changes(db_handle(index->db));
	err = run_for_feed(index, &sql_votes_drop, of->feed, 0);
	if (err == ERR_OK) {
		err = blob_links_drop_feed(index->db, of->feed);
	}
	return err == ERR_OK ? activity_drop_feed(index->db, of->feed) : err;
}

static enum err bring_back_one(
	struct index *index, struct feed_entry *of, sqlite3_stmt *stmt, uint64_t *after)
{
	struct message *message = NULL;
	const char *why = NULL;
	struct index_row row = {.message = sqlite3_column_int64(stmt, 0), .author = of};
	int64_t received_ms = sqlite3_column_int64(stmt, 1);
	struct buf text = BUF_INIT(LIMIT_MESSAGE_BYTES);
	enum err err = pack_text(
		db_column(stmt, 3), &of->id, (uint64_t)sqlite3_column_int64(stmt, 2), &text);
	db_reset(stmt);
	if (err == ERR_OK) {
		err = message_reread(buf_span(&text), &message, &why);
	}
	buf_fini(&text);
	if (err != ERR_OK) {
		return err == ERR_NOMEM ? err : ERR_IO;
	}
	struct content content;
	err = content_read(message, &content);
	row.at_ms = index_at_ms(message->timestamp, received_ms);
	row.received_ms = received_ms;
	*after = message->sequence;
	if (err == ERR_OK) {
		err = put_words(index, &content, &row);
	}
	if (err == ERR_OK && content.type == CONTENT_CONTACT) {
		err = activity_put_contact(index, &content.contact, &row);
	}
	if (err == ERR_OK) {
		err = index_put_links(index, message->compact, &row);
	}
	message_free(message);
	return err;
}

static enum err bring_words_back(struct index *index, struct feed_entry *of)
{
	enum err err = ERR_OK;
	for (uint64_t after = 0; err == ERR_OK && after < of->head.sequence;) {
		sqlite3_stmt *stmt = NULL;
		err = db_query(index->db, &sql_bodies, &stmt);
		if (err != ERR_OK) {
			break;
		}
		db_int(stmt, 1, of->feed);
		db_int(stmt, 2, (int64_t)after);
		err = db_step(index->db, stmt);
		if (err == ERR_OK) {
			err = bring_back_one(index, of, stmt, &after);
		}
	}
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

/* Our own word about somebody changed from `old` to what the entry says now. */
static enum err follow_own_edge(struct index *index, struct feed_entry *of, enum contact_edge old)
{
	if (of->mine == old) {
		return ERR_OK;
	}
	if (of->mine == EDGE_BLOCK) {
		return take_words_away(index, of);
	}
	if (of->mine == EDGE_FOLLOW) {
		/* Whom the owner follows is to be here as a whole (store/ceiling sees to it). */
		enum err err = run_for_feed(index, &sql_let_go_back, of->feed, 0);
		if (err != ERR_OK) {
			return err;
		}
	}
	if (old == EDGE_BLOCK) {
		return of->is_muted ? ERR_OK : bring_words_back(index, of);
	}
	enum err err = of->mine == EDGE_FOLLOW ? index_want_image(index, of, true) : ERR_OK;
	if (err != ERR_OK) {
		return err;
	}
	return run_for_feed(index, &sql_home_set, of->feed, of->mine == EDGE_FOLLOW);
}

enum err index_lift(struct index *index, struct feed_entry *of, bool is_lifted)
{
	enum contact_edge old = of->mine;
	enum err err = run_for_feed(index, is_lifted ? &sql_lift : &sql_lift_end, of->feed, 0);
	if (err != ERR_OK) {
		return err;
	}
	of->mine = is_lifted ? EDGE_NEITHER : EDGE_BLOCK;
	return follow_own_edge(index, of, old);
}

enum err index_mute(struct index *index, struct feed_entry *of, bool is_muted)
{
	if (of->is_muted == is_muted) {
		return ERR_OK;
	}
	of->is_muted = is_muted;
	if (of->mine == EDGE_BLOCK) {
		return ERR_OK;
	}
	return is_muted ? take_words_away(index, of) : bring_words_back(index, of);
}

static enum err set_edge(struct index *index, struct feed_entry *author, int64_t about,
	enum contact_edge edge, bool *is_set)
{
	static const struct query *const ways[] = {&sql_edge_set, &sql_edge_add};
	*is_set = false;
	for (int i = 0; i < 2; i++) {
		bool is_new = i == 1;
		if (is_new && author->feed != FEED_SELF &&
			(author->edges >= LIMIT_GRAPH_EDGES_PER_AUTHOR ||
				index->edges >= LIMIT_GRAPH_EDGES)) {
			return ERR_OK;
		}
		sqlite3_stmt *stmt = NULL;
		enum err err = db_query(index->db, ways[i], &stmt);
		if (err != ERR_OK) {
			return err;
		}
		db_int(stmt, 1, author->feed);
		db_int(stmt, 2, about);
		db_int(stmt, 3, edge);
		err = db_run(index->db, stmt);
		if (err != ERR_OK) {
			return err;
		}
		if (is_new) {
			author->edges++;
			feeds_touch(index->feeds, author);
			index->delta.edges++;
			index->edges++;
		}
		if (sqlite3_changes(db_handle(index->db)) > 0) {
			*is_set = true;
			return ERR_OK;
		}
	}
	return ERR_OK;
}

/* What all can read is our latest word again. Of a repair it is not: it reads old words once more
 * and knows of no private one, so what those ended stays ended (the book looks at it when the node
 * starts). `*mine` is what counts here. */
static enum err end_lift(struct index *index, const struct feed_entry *of, enum contact_edge edge,
	enum contact_edge *mine)
{
	sqlite3_stmt *stmt = NULL;
	if (index->store != NULL) {
		return run_for_feed(index, &sql_lift_end, of->feed, 0);
	}
	enum err err = db_query(index->db, &sql_lifted_is, &stmt);
	if (err == ERR_OK) {
		db_int(stmt, 1, of->feed);
		err = db_step(index->db, stmt);
		*mine = err == ERR_OK && edge == EDGE_BLOCK ? EDGE_NEITHER : edge;
		db_reset(stmt);
	}
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static enum err put_contact(struct index *index, const struct content_contact *contact,
	const struct index_row *row, struct committed *out)
{
	if (feed_id_equal(&contact->contact, &row->author->id)) {
		return ERR_OK;
	}
	struct feed_entry *of = NULL;
	int64_t about = 0;
	enum contact_edge mine = contact->edge;
	enum err err = ERR_OK;
	if (row->author->feed == FEED_SELF) {
		err = feeds_get(index->feeds, &contact->contact, &of);
		about = of == NULL ? 0 : of->feed;
	} else {
		bool may_add = row->author->edges < LIMIT_GRAPH_EDGES_PER_AUTHOR &&
			       index->edges < LIMIT_GRAPH_EDGES;
		err = feeds_number(index->feeds, &contact->contact, may_add, &about);
		if (err == ERR_NOT_FOUND) {
			return ERR_OK;
		}
	}
	bool is_set = false;
	if (err == ERR_OK) {
		err = set_edge(index, row->author, about, contact->edge, &is_set);
	}
	out->is_edge = is_set;
	out->edge = contact->edge;
	if (err == ERR_OK && of != NULL) {
		/* Wanted without a message while none could be signed: now there is one. */
		err = run_for_feed(index, &sql_want_done, of->feed, 0);
	}
	if (err == ERR_OK && of != NULL) {
		err = end_lift(index, of, contact->edge, &mine);
	}
	if (err == ERR_OK && is_set && index_is_shown(row->author)) {
		err = activity_put_contact(index, contact, row);
	}
	if (err != ERR_OK || of == NULL || !is_set) {
		return err;
	}
	enum contact_edge old = of->mine;
	of->mine = mine;
	out->was_block = old == EDGE_BLOCK && of->mine != EDGE_BLOCK;
	return follow_own_edge(index, of, old);
}

/* What a feed says of itself, as it is shown. */
struct own_words {
	char name[264];
	char bio[8 * KIB];
};

/* Only what a feed says of itself: a stranger's word never becomes somebody's name
 * (protocol/07 §9). */
static bool own_words(
	const struct content_about *about, const struct index_row *row, struct own_words *out)
{
	if (!about->is_about_feed || !feed_id_equal(&about->about_feed, &row->author->id)) {
		return false;
	}
	index_clean_name(about->name, out->name);
	index_clean_text(about->description, out->bio, sizeof(out->bio));
	return true;
}

static enum err put_from(struct index *index, const struct content_about *about,
	const struct own_words *words, const struct index_row *row, uint64_t sequence)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(index->db, &sql_profile_from_put, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_int(stmt, 1, row->author->feed);
	db_int(stmt, 2, words->name[0] != '\0' ? (int64_t)sequence : 0);
	db_int(stmt, 3, words->bio[0] != '\0' ? (int64_t)sequence : 0);
	db_int(stmt, 4, about->has_image || about->is_image_gone ? (int64_t)sequence : 0);
	return db_run(index->db, stmt);
}

enum err index_put_from(struct index *index, const struct content_about *about,
	const struct index_row *row, uint64_t sequence)
{
	struct own_words words;
	return own_words(about, row, &words) ? put_from(index, about, &words, row, sequence)
					     : ERR_OK;
}

static enum err put_about(struct index *index, const struct content_about *about,
	const struct index_row *row, uint64_t sequence)
{
	struct own_words words;
	if (!own_words(about, row, &words)) {
		return ERR_OK;
	}
	sqlite3_stmt *stmt = NULL;
	enum err err = index_want_picture(index, about, row);
	if (err == ERR_OK) {
		err = db_query(index->db, &sql_profile_put, &stmt);
	}
	if (err != ERR_OK) {
		return err;
	}
	db_int(stmt, 1, row->author->feed);
	db_text(stmt, 2, span_text(words.name));
	db_text(stmt, 3, span_text(words.bio));
	if (about->has_image) {
		db_blob(stmt, 4, span_of(about->image.at, ID_BYTES));
	}
	db_int(stmt, 5, about->is_image_gone);
	err = db_run(index->db, stmt);
	return err == ERR_OK ? put_from(index, about, &words, row, sequence) : err;
}

bool index_is_home_news(const struct index *index, const struct feed_entry *author)
{
	enum contact_edge edge = author->mine;
	if (index->store != NULL && author->feed != FEED_SELF) {
		struct layer *layer = layer_take(index->store);
		(void)layer_says(layer, &author->id, &edge);
		layer_release(index->store, layer);
	}
	return index_is_shown(author) && (author->feed == FEED_SELF || edge == EDGE_FOLLOW);
}

static void tell_post(const struct index *index, const struct content_post *post,
	const struct index_row *row, struct committed *out)
{
	out->has_root = post->has_root;
	out->root = post->root;
	out->is_shown = index_is_shown(row->author);
	out->is_home = index_is_home_news(index, row->author);
}

static enum err put_content(struct index *index, const struct message *message,
	const struct index_row *row, struct committed *out)
{
	struct content content;
	enum err err = content_read(message, &content);
	if (err != ERR_OK) {
		return err;
	}
	out->type = content.type;
	bool is_words = content.type == CONTENT_POST || content.type == CONTENT_VOTE;
	if (is_words && !index_is_shown(row->author)) {
		out->type = CONTENT_OTHER; /* no news for people */
		out->is_behind = false;
		return ERR_OK;
	}
	switch (content.type) {
	case CONTENT_POST:
		tell_post(index, &content.post, row, out);
		return out->is_behind ? ERR_OK : put_words(index, &content, row);
	case CONTENT_VOTE:
		out->has_root = true;
		out->root = content.vote.link;
		return out->is_behind ? ERR_OK : put_words(index, &content, row);
	case CONTENT_CONTACT:
		out->is_behind = false;
		out->has_subject = true;
		out->subject = content.contact.contact;
		return put_contact(index, &content.contact, row, out);
	case CONTENT_ABOUT:
		out->is_behind = false;
		out->has_subject = content.about.is_about_feed;
		out->subject = content.about.about_feed;
		return put_about(index, &content.about, row, message->sequence);
	default:
		out->is_behind = false;
		return ERR_OK;
	}
}

enum err index_message(struct index *index, const struct message *message,
	const struct index_row *row, struct committed *out)
{
	enum err err = put_content(index, message, row, out);
	return err == ERR_OK && !out->is_behind ? index_put_links(index, message->compact, row)
						: err;
}

enum err index_ahead(struct index *index, const struct message *message,
	const struct index_row *row, struct committed *out)
{
	struct content content;
	enum err err = content_read(message, &content);
	if (err != ERR_OK) {
		return err;
	}
	out->type = content.type;
	if (content.type != CONTENT_POST) {
		return ERR_OK;
	}
	tell_post(index, &content.post, row, out);
	struct tags tags;
	const struct index_post post = index_post_of(&content.post, row, &tags);
	bool is_new = false;
	err = index_put_post(index, &post, &is_new);
	return err == ERR_OK ? index_put_links(index, message->compact, row) : err;
}

static enum err put_edge_again(
	struct index *index, const struct content_contact *contact, const struct index_row *row)
{
	int64_t about = 0;
	bool is_set = false;
	if (feed_id_equal(&contact->contact, &row->author->id)) {
		return ERR_OK;
	}
	bool may_add = row->author->feed == FEED_SELF ||
		       (row->author->edges < LIMIT_GRAPH_EDGES_PER_AUTHOR &&
			       index->edges < LIMIT_GRAPH_EDGES);
	enum err err = feeds_number(index->feeds, &contact->contact, may_add, &about);
	if (err == ERR_NOT_FOUND) {
		return ERR_OK;
	}
	return err == ERR_OK ? set_edge(index, row->author, about, contact->edge, &is_set) : err;
}

enum err index_again(struct index *index, const struct message *message,
	const struct index_row *row, bool is_edges)
{
	struct content content;
	enum err err = content_read(message, &content);
	if (err != ERR_OK) {
		return err;
	}
	bool is_own_edge = row->author->feed == FEED_SELF && content.type == CONTENT_CONTACT;
	if (is_own_edge != is_edges) {
		return ERR_OK;
	}
	switch (content.type) {
	case CONTENT_CONTACT:
		return put_edge_again(index, &content.contact, row);
	case CONTENT_ABOUT:
		return put_about(index, &content.about, row, message->sequence);
	default:
		return ERR_OK;
	}
}

enum err index_load(struct index *index)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(index->db, &sql_figures_get, &stmt);
	while (err == ERR_OK && (err = db_step(index->db, stmt)) == ERR_OK) {
		if (span_equal_text(db_column(stmt, 0), "edges")) {
			index->edges = sqlite3_column_int64(stmt, 1);
			index->edges_kept = index->edges;
		}
	}
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

enum err index_flush(struct index *index)
{
	const struct {
		const char *name;
		int64_t n;
	} rows[] = {
		{"edges", index->delta.edges},
		{"feeds", index->delta.feeds},
		{"forks", index->delta.forks},
		{"posts", index->delta.posts},
		{"messages", index->delta.messages},
	};
	enum err err = ERR_OK;
	for (size_t i = 0; err == ERR_OK && i < sizeof(rows) / sizeof(rows[0]); i++) {
		sqlite3_stmt *stmt = NULL;
		if (rows[i].n == 0) {
			continue;
		}
		err = db_query(index->db, &sql_figures_add, &stmt);
		if (err == ERR_OK) {
			db_text(stmt, 1, span_text(rows[i].name));
			db_int(stmt, 2, rows[i].n);
			err = db_run(index->db, stmt);
		}
	}
	index->delta = (struct index_delta){0};
	return err;
}
