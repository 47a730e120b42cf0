/*
 * Which blobs a message names, and which of them the owner wants without asking: what recent
 * messages of ours and of people we follow name, and the faces of those people.
 */
#include "store/index.h"

#include "base/limits.h"
#include "store/ahead.h"
#include "store/blob_links.h"

QUERY(sql_profile_image, "SELECT image FROM profiles WHERE feed = ?1");

static enum err want(struct index *index, const struct blob_id *id, bool is_on)
{
	return index->want_blob == NULL ? ERR_OK : index->want_blob(index->want_ctx, id, is_on);
}

enum err index_put_links(struct index *index, struct span text, const struct index_row *row)
{
	struct blob_links links;
	enum err err = ERR_OK;
	if (!index_is_shown(row->author)) {
		return ERR_OK;
	}
	blob_links_read(text, &links);
	/* What is held ahead gets its rows when its history has come. */
	if (links.count > 0 && row->message < AHEAD_MESSAGE_FIRST) {
		err = blob_links_put(index->db, &links, row->message, row->author->feed);
	}
	bool is_wanted = links.count > 0 && index->want_blob != NULL &&
			 index_is_home(row->author) &&
			 row->at_ms >= env_wall_ms(index->env) - LIMIT_BLOB_WANT_AGE_MS;
	for (size_t i = 0; err == ERR_OK && is_wanted && i < links.count; i++) {
		err = i < LIMIT_BLOBS_PER_POST ? want(index, &links.ids[i], true) : ERR_OK;
	}
	return err;
}

/* The picture of a profile as it is kept, when there is one. */
enum err index_want_image(struct index *index, const struct feed_entry *of, bool is_on)
{
	sqlite3_stmt *stmt = NULL;
	struct blob_id image;
	enum err err = db_query(index->db, &sql_profile_image, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_int(stmt, 1, of->feed);
	err = db_step(index->db, stmt);
	bool is_there = err == ERR_OK && db_column_id(stmt, 0, image.at);
	db_reset(stmt);
	if (err != ERR_OK && err != ERR_NOT_FOUND) {
		return err;
	}
	return is_there ? want(index, &image, is_on) : ERR_OK;
}

enum err index_want_picture(
	struct index *index, const struct content_about *about, const struct index_row *row)
{
	if (!(about->has_image || about->is_image_gone) || !index_is_home(row->author) ||
		!index_is_shown(row->author)) {
		return ERR_OK;
	}
	/* The one before it is nobody's face any more. */
	enum err err = index_want_image(index, row->author, false);
	return err == ERR_OK && about->has_image ? want(index, &about->image, true) : err;
}
