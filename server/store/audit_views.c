/*
 * What follows from one feed's messages: its posts, its likes, whom it follows and blocks, what it
 * says of itself. The messages are walked once; what they say is kept here until the feed's end and
 * then compared with the rows, unless the feed has grown meanwhile.
 */
#include "store/audit_inside.h"

#include "base/limits.h"
#include "store/blob_links.h"

#include <stdlib.h>

QUERY(sql_audit_sequence,
	"SELECT f.sequence, (SELECT edge FROM contacts WHERE feed = 1 AND about = "
	"?1 AND NOT EXISTS (SELECT 1 FROM lifted WHERE feed = ?1)), EXISTS (SELECT 1 FROM mutes "
	"WHERE feed = ?1), coalesce((SELECT below FROM "
	"let_go WHERE feed = ?1 AND again < 2), 1) FROM feeds f WHERE f.feed = ?1");
QUERY(sql_audit_edges, "SELECT f.id, c.edge FROM contacts c CROSS JOIN feeds f ON f.feed = c.about "
		       "WHERE c.feed = ?1");
QUERY(sql_audit_like, "SELECT 1 FROM votes WHERE link = ?1 AND feed = ?2 AND message > 0");
QUERY(sql_audit_profile, "SELECT name, bio, image FROM profiles WHERE feed = ?1");

enum err audit_views_init(struct audit_subject *subject)
{
	const struct env *env = store_env(subject->reader->store);
	struct audit_views *views = &subject->views;
	views->edges = table_new(
		env, subject->feed == FEED_SELF ? LIMIT_GRAPH_EDGES : LIMIT_GRAPH_EDGES_PER_AUTHOR);
	views->likes = table_new(env, subject->claimed.sequence + 1);
	return views->edges == NULL || views->likes == NULL ? ERR_NOMEM : ERR_OK;
}

void audit_views_fini(struct audit_subject *subject)
{
	table_free(subject->views.edges);
	table_free(subject->views.likes);
	free(subject->views.activity);
}

static bool head_is(sqlite3_stmt *stmt, int at, bool is_there, const struct message_id *id)
{
	bool is_null = sqlite3_column_type(stmt, at) == SQLITE_NULL;
	return is_there ? !is_null && sqlite3_column_int64(stmt, at) == db_key_head(id->at)
			: is_null;
}

void audit_post(struct audit_subject *subject, sqlite3_stmt *stmt, const struct message *message,
	const struct content *content)
{
	bool is_shown =
		content->type == CONTENT_POST && subject->mine != EDGE_BLOCK && !subject->is_muted;
	bool has_row = sqlite3_column_type(stmt, 6) != SQLITE_NULL;
	if (is_shown && !has_row && sqlite3_column_int(stmt, 11) != 0) {
		return;
	}
	if (is_shown != has_row) {
		audit_fault(subject->audit, AUDIT_VIEW,
			"Message %llu of %s is %s the list of posts.",
			(unsigned long long)message->sequence, subject->text,
			is_shown ? "missing from" : "wrongly in");
		return;
	}
	bool is_home = subject->feed == FEED_SELF || subject->mine == EDGE_FOLLOW;
	if (is_shown && (sqlite3_column_int64(stmt, 6) != index_at_ms(message->timestamp,
								  sqlite3_column_int64(stmt, 4)) ||
				!head_is(stmt, 7, content->post.has_root, &content->post.root) ||
				!head_is(stmt, 8, content->post.has_fork, &content->post.fork) ||
				sqlite3_column_int64(stmt, 10) != subject->feed ||
				(sqlite3_column_int(stmt, 9) != 0) != is_home)) {
		audit_fault(subject->audit, AUDIT_VIEW,
			"The list of posts tells message %llu of %s wrongly.",
			(unsigned long long)message->sequence, subject->text);
	}
}

/* The last one about somebody counts, and over the limit there are no new ones. */
static enum err note_edge(struct audit_subject *subject, const struct content_contact *contact)
{
	if (feed_id_equal(&contact->contact, &subject->id)) {
		return ERR_OK;
	}
	void *value = (void *)((uintptr_t)contact->edge + 1);
	enum err err = table_put(subject->views.edges, contact->contact.at, value);
	return err == ERR_LIMIT ? ERR_OK : err;
}

static enum err note_like(struct audit_subject *subject, const struct content_vote *vote)
{
	uint8_t link[ID_BYTES] = {0};
	memcpy(link, vote->link.at, DB_KEY_HEAD_BYTES);
	if (!vote->is_like) {
		(void)table_remove(subject->views.likes, link);
		return ERR_OK;
	}
	return table_put(subject->views.likes, link, subject);
}

static void note_profile(struct audit_subject *subject, const struct content_about *about)
{
	struct audit_views *views = &subject->views;
	char name[sizeof(views->name)];
	char bio[sizeof(views->bio)];
	if (!about->is_about_feed || !feed_id_equal(&about->about_feed, &subject->id)) {
		return;
	}
	index_clean_name(about->name, name);
	index_clean_text(about->description, bio, sizeof(bio));
	views->has_profile = true;
	if (name[0] != '\0') {
		memcpy(views->name, name, sizeof(name));
	}
	if (bio[0] != '\0') {
		memcpy(views->bio, bio, sizeof(bio));
	}
	views->has_image = views->has_image && !about->is_image_gone;
	if (about->has_image) {
		views->has_image = true;
		views->image = about->image;
	}
}

enum err audit_blobs_note(struct audit_subject *subject, sqlite3_stmt *stmt, struct span text)
{
	struct blob_links links;
	bool is_shown = subject->mine != EDGE_BLOCK && !subject->is_muted;
	if (!is_shown || subject->is_behind) {
		return ERR_OK; /* they have none; it cannot be told */
	}
	blob_links_read(text, &links);
	subject->blobs.expected += links.count;
	return blob_links_missing(subject->reader->db, &links, sqlite3_column_int64(stmt, 0),
		&subject->blobs.missing);
}

enum err audit_blobs_check(struct audit_subject *subject)
{
	size_t held = 0;
	enum err err = blob_links_count(subject->reader->db, subject->feed, &held);
	/* Of a feed that comes again some messages are kept above what was walked over. */
	bool is_wrong = subject->blobs.missing > 0 ||
			(held != subject->blobs.expected && !subject->is_once_more);
	if (err == ERR_OK && is_wrong) {
		audit_fault(subject->audit, AUDIT_VIEW,
			"The list of pictures and files that %s names is wrong: %zu of %zu are "
			"missing, and %zu are in it.",
			subject->text, subject->blobs.missing, subject->blobs.expected, held);
	}
	return err;
}

enum err audit_views_note(struct audit_subject *subject, const struct content *content)
{
	switch (content->type) {
	case CONTENT_CONTACT:
		return note_edge(subject, &content->contact);
	case CONTENT_VOTE:
		return note_like(subject, &content->vote);
	case CONTENT_ABOUT:
		note_profile(subject, &content->about);
		return ERR_OK;
	default:
		return ERR_OK;
	}
}

/* Has the feed, or what we say of it, changed since we began with it? Then its rows may be newer
 * than what was read. */
static enum err is_unchanged(struct audit_subject *subject, bool *out)
{
	sqlite3_stmt *stmt = NULL;
	*out = false;
	enum err err = db_query(subject->reader->db, &sql_audit_sequence, &stmt);
	if (err == ERR_OK) {
		db_int(stmt, 1, subject->feed);
		err = db_step(subject->reader->db, stmt);
	}
	if (err == ERR_OK) {
		*out = (uint64_t)sqlite3_column_int64(stmt, 0) == subject->claimed.sequence &&
		       (enum contact_edge)sqlite3_column_int(stmt, 1) == subject->mine &&
		       (sqlite3_column_int(stmt, 2) != 0) == subject->is_muted &&
		       (uint64_t)sqlite3_column_int64(stmt, 3) == subject->first;
		db_reset(stmt);
	}
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static enum err count_wrong_edges(struct audit_subject *subject, size_t *wrong)
{
	sqlite3_stmt *stmt = NULL;
	size_t count = 0;
	enum err err = db_query(subject->reader->db, &sql_audit_edges, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_int(stmt, 1, subject->feed);
	while ((err = db_step(subject->reader->db, stmt)) == ERR_OK) {
		struct feed_id about = {{0}};
		uintptr_t edge = (uintptr_t)sqlite3_column_int64(stmt, 1);
		bool is_there = db_column_id(stmt, 0, about.at);
		uintptr_t said = (uintptr_t)table_get(subject->views.edges, about.at);
		/* What was said in a message that was let go counts on. */
		bool is_older = said == 0 && subject->is_once_more;
		*wrong += !is_there || (said != edge + 1 && !is_older);
		count++;
	}
	/* Fewer than were said may be right, for all edges together have a limit; not our own. */
	*wrong += (int64_t)count != subject->claimed_edges ||
		  (subject->feed == FEED_SELF && count != table_count(subject->views.edges));
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static enum err count_missing_likes(struct audit_subject *subject, size_t *missing)
{
	size_t cursor = 0;
	const uint8_t *link = NULL;
	void *value = NULL;
	sqlite3_stmt *stmt = NULL;
	if (subject->mine == EDGE_BLOCK || subject->is_muted) {
		return ERR_OK; /* they have none */
	}
	if (subject->is_behind) {
		*subject->likes_total = -1;
		return ERR_OK;
	}
	while (table_next(subject->views.likes, &cursor, &link, &value)) {
		enum err err = db_query(subject->reader->db, &sql_audit_like, &stmt);
		if (err != ERR_OK) {
			return err;
		}
		db_int(stmt, 1, db_key_head(link));
		db_int(stmt, 2, subject->feed);
		err = db_step(subject->reader->db, stmt);
		if (err == ERR_OK) {
			db_reset(stmt);
		} else if (err == ERR_NOT_FOUND) {
			(*missing)++;
		} else {
			return err;
		}
	}
	if (*subject->likes_total >= 0) {
		*subject->likes_total += (int64_t)table_count(subject->views.likes);
	}
	return ERR_OK;
}

static enum err is_profile_right(struct audit_subject *subject, bool *out)
{
	const struct audit_views *views = &subject->views;
	sqlite3_stmt *stmt = NULL;
	struct blob_id image;
	*out = false;
	enum err err = db_query(subject->reader->db, &sql_audit_profile, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_int(stmt, 1, subject->feed);
	err = db_step(subject->reader->db, stmt);
	if (err == ERR_NOT_FOUND) {
		*out = !views->has_profile;
		return ERR_OK;
	}
	/* What stands there and is not said any more was said in a message that was let go. */
	bool may_be_older = subject->is_once_more;
	if (err != ERR_OK) {
		return err;
	}
	bool has_image = db_column_id(stmt, 2, image.at);
	bool is_null = sqlite3_column_type(stmt, 2) == SQLITE_NULL;
	bool is_name = span_equal_text(db_column(stmt, 0), views->name) ||
		       (may_be_older && views->name[0] == '\0');
	bool is_bio = span_equal_text(db_column(stmt, 1), views->bio) ||
		      (may_be_older && views->bio[0] == '\0');
	bool is_image = views->has_image
				? has_image && memcmp(image.at, views->image.at, ID_BYTES) == 0
				: is_null || may_be_older;
	*out = (views->has_profile || may_be_older) && is_name && is_bio && is_image;
	db_reset(stmt);
	return ERR_OK;
}

static enum err compare(struct audit_subject *subject)
{
	size_t wrong_edges = 0;
	size_t missing_likes = 0;
	size_t wrong_activity = 0;
	bool is_right = false;
	enum err err = count_wrong_edges(subject, &wrong_edges);
	if (err == ERR_OK) {
		err = count_missing_likes(subject, &missing_likes);
	}
	if (err == ERR_OK) {
		err = is_profile_right(subject, &is_right);
	}
	if (err == ERR_OK) {
		err = audit_activity_count(subject, &wrong_activity);
	}
	if (err != ERR_OK) {
		return err;
	}
	if (subject->is_behind) {
		*subject->tags_total = -1;
	} else if (*subject->tags_total >= 0) {
		*subject->tags_total += subject->words.tags;
	}
	err = subject->is_behind ? ERR_OK : audit_words_check(subject);
	if (err == ERR_OK && !subject->is_behind) {
		err = audit_blobs_check(subject);
	}
	if (err != ERR_OK) {
		return err;
	}
	if (wrong_edges > 0) {
		audit_fault(subject->audit, AUDIT_VIEW,
			"The list of whom %s follows and blocks is wrong.", subject->text);
	}
	if (missing_likes > 0) {
		audit_fault(subject->audit, AUDIT_VIEW,
			"%zu likes by %s are missing from the list of likes.", missing_likes,
			subject->text);
	}
	if (wrong_activity > 0) {
		audit_fault(subject->audit, AUDIT_VIEW,
			"%zu rows about what %s did that concerns you are missing or wrong.",
			wrong_activity, subject->text);
	}
	if (!is_right) {
		audit_fault(subject->audit, AUDIT_VIEW,
			"What %s says of themselves is kept wrongly.", subject->text);
	}
	return ERR_OK;
}

enum err audit_views_check(struct audit_subject *subject)
{
	bool may_compare = false;
	enum err err = reader_begin(subject->reader);
	if (err != ERR_OK) {
		return err;
	}
	db_deadline(subject->reader->db, 0); /* it has as long as the feed is */
	err = is_unchanged(subject, &may_compare);
	if (err == ERR_OK && may_compare) {
		err = compare(subject);
	} else {
		*subject->likes_total = -1;
		*subject->tags_total = -1;
	}
	return reader_end(subject->reader, err);
}
