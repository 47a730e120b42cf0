/*
 * The window is read upwards, as the table lies, and cut at its lower end. Room is kept in it for
 * the messages of the author about itself, whose numbers stand in `profiles_from`.
 */
#include "store/newest.h"

#include "store/let_go.h"
#include "store/reader_inside.h"

QUERY(sql_profile_from, "SELECT name, bio, image FROM profiles_from WHERE feed = ?1");
QUERY(sql_ahead_unchecked, "SELECT sequence, body FROM ahead WHERE feed = ?1 AND sequence >= "
			   "(SELECT min(sequence) FROM "
			   "ahead WHERE feed = ?1 AND is_checked = 0) ORDER BY sequence");

/* A message of LIMIT_MESSAGE_UNITS has at most three bytes per unit. */
enum {
	PROFILE_BYTES_MAX = 3 * LIMIT_MESSAGE_UNITS,
	WINDOW_BYTES = LIMIT_WINDOW_BYTES - LIMIT_WINDOW_PROFILES * PROFILE_BYTES_MAX,
	TEXT_BYTES_MAX = 2 * LIMIT_WINDOW_MESSAGES * PROFILE_BYTES_MAX
};

void newest_read_init(struct newest_read *read)
{
	buf_init(&read->text, TEXT_BYTES_MAX);
	read->newest = 0;
	read->count = 0;
	read->profile_count = 0;
}

void newest_read_fini(struct newest_read *read)
{
	buf_fini(&read->text);
}

static void drop_first(struct newest_read *read)
{
	read->count--;
	memmove(read->messages, read->messages + 1, read->count * sizeof(read->messages[0]));
}

static size_t window_bytes(const struct newest_read *read)
{
	size_t bytes = 0;
	for (size_t i = 0; i < read->count; i++) {
		bytes += read->messages[i].len;
	}
	return bytes;
}

static enum err add(struct newest_read *read, uint64_t sequence, struct span text)
{
	if (read->count > 0 && read->messages[read->count - 1].sequence + 1 != sequence) {
		read->count = 0; /* a hole in a damaged store: what is behind it stands alone */
	}
	if (read->count == LIMIT_WINDOW_MESSAGES) {
		drop_first(read);
	}
	read->messages[read->count++] =
		(struct newest_text){.sequence = sequence, .at = read->text.len, .len = text.len};
	enum err err = buf_append(&read->text, text);
	return err;
}

struct taking {
	struct newest_read *read;
	uint64_t wanted; /* of a message by itself */
	enum err err;
};

static bool take(void *ctx, const struct stored *message)
{
	struct taking *taking = ctx;
	struct newest_read *read = taking->read;
	taking->err = add(read, message->sequence, message->compact);
	while (read->count > 1 && window_bytes(read) > WINDOW_BYTES) {
		drop_first(read);
	}
	return taking->err == ERR_OK;
}

static bool take_profile(void *ctx, const struct stored *message)
{
	struct taking *taking = ctx;
	struct newest_read *read = taking->read;
	if (message->sequence != taking->wanted) {
		return false; /* a hole in a damaged store */
	}
	read->profiles[read->profile_count++] = (struct newest_text){
		.sequence = message->sequence, .at = read->text.len, .len = message->compact.len};
	taking->err = buf_append(&read->text, message->compact);
	return false;
}

/* The numbers of the messages a profile is from, ascending; 0: none. */
static enum err profile_numbers(struct reader *reader, int64_t feed, uint64_t out[static 3])
{
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(reader->db, &sql_profile_from, &stmt);
	if (err == ERR_OK) {
		db_int(stmt, 1, feed);
		err = db_step(reader->db, stmt);
	}
	for (int i = 0; err == ERR_OK && i < 3; i++) {
		int64_t number = sqlite3_column_int64(stmt, i);
		int at = i;
		for (; at > 0 && out[at - 1] > (uint64_t)number; at--) {
			out[at] = out[at - 1];
		}
		out[at] = (uint64_t)number;
	}
	if (stmt != NULL) {
		db_reset(stmt);
	}
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static enum err read_profiles(struct reader *reader, struct newest_read *read, int64_t feed)
{
	uint64_t numbers[3] = {0, 0, 0};
	enum err err = profile_numbers(reader, feed, numbers);
	for (int i = 0; err == ERR_OK && i < 3; i++) {
		struct taking taking = {.read = read, .wanted = numbers[i]};
		bool is_again = i > 0 && numbers[i] == numbers[i - 1];
		if (numbers[i] <= read->above || numbers[i] >= read->messages[0].sequence ||
			is_again) {
			continue;
		}
		err = reader_feed(reader, &read->feed, numbers[i], 1, take_profile, &taking);
		err = err == ERR_OK ? taking.err : err;
	}
	return err;
}

static enum err read_window(struct reader *reader, struct newest_read *read)
{
	struct chain_head head = {0};
	struct taking taking = {.read = read, .err = ERR_OK};
	uint64_t first = 1;
	int64_t feed = 0;
	enum err err = reader_head(reader, &read->feed, &head);
	if (err != ERR_OK || head.sequence <= read->above || read->count_max == 0) {
		read->newest = head.sequence;
		return err;
	}
	uint64_t from = head.sequence >= read->count_max ? head.sequence - read->count_max + 1 : 1;
	from = from <= read->above ? read->above + 1 : from;
	err = reader_first(reader, &read->feed, &first);
	if (err != ERR_OK) {
		return err;
	}
	from = from < first ? first : from; /* no hole in a window */
	err = reader_feed(reader, &read->feed, from, read->count_max, take, &taking);
	err = err == ERR_OK ? taking.err : err;
	if (err == ERR_OK &&
		(read->count == 0 || read->messages[read->count - 1].sequence != head.sequence)) {
		read->count = 0; /* damaged: the newest itself is not there */
		return ERR_OK;
	}
	read->newest = head.sequence;
	if (err == ERR_OK) {
		err = reader_feed_number(reader, &read->feed, &feed);
	}
	return err == ERR_OK ? read_profiles(reader, read, feed) : err;
}

enum err reader_newest(struct reader *reader, struct newest_read *read)
{
	enum err err = reader_begin(reader);
	if (err != ERR_OK) {
		return err;
	}
	err = read_window(reader, read);
	return reader_end(reader, err == ERR_NOT_FOUND ? ERR_OK : err);
}

enum err reader_ahead_unchecked(struct reader *reader, struct newest_read *read)
{
	sqlite3_stmt *stmt = NULL;
	int64_t feed = 0;
	enum err err = reader_begin(reader);
	if (err != ERR_OK) {
		return err;
	}
	err = reader_feed_number(reader, &read->feed, &feed);
	if (err == ERR_OK) {
		err = db_query(reader->db, &sql_ahead_unchecked, &stmt);
	}
	if (err == ERR_OK) {
		db_int(stmt, 1, feed);
	}
	while (err == ERR_OK && read->count < LIMIT_WINDOW_MESSAGES) {
		err = db_step(reader->db, stmt);
		if (err == ERR_OK && read->text.len + db_column(stmt, 1).len > LIMIT_WINDOW_BYTES) {
			break; /* the others in the next window */
		}
		if (err == ERR_OK) {
			err = add(
				read, (uint64_t)sqlite3_column_int64(stmt, 0), db_column(stmt, 1));
		}
	}
	if (stmt != NULL) {
		db_reset(stmt);
	}
	return reader_end(reader, err == ERR_NOT_FOUND && read->count > 0 ? ERR_OK : err);
}
