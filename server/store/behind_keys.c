/*
 * Keys are random, so each one that is put into their table by itself writes a page of it. Those of
 * a bulk are gathered in memory as they are stored, sorted, and written in the order of the table,
 * in small transactions, each of which goes over a few neighbouring pages. What a run that was cut
 * left, or what came while memory was full, is read again from the log, which takes longer.
 */
#include "store/behind_inside.h"

#include "store/keys.h"

#include <stdlib.h>

QUERY(sql_behind_key, "INSERT OR IGNORE INTO keys (key_head, message) VALUES (?1, ?2)");
QUERY(sql_behind_heads, "SELECT key_head, message FROM messages WHERE message BETWEEN ?1 AND ?2 "
			"ORDER BY message DESC LIMIT ?3");
QUERY(sql_behind_done, "DELETE FROM behind WHERE part = 2 AND first >= ?1 AND last <= ?2");
QUERY(sql_behind_rest,
	"UPDATE behind SET first = ?2 + 1 WHERE part = 2 AND first BETWEEN ?1 AND ?2");
QUERY(sql_behind_until,
	"UPDATE behind SET last = ?1 - 1 WHERE part = 2 AND first < ?1 AND last >= ?1 AND last <= "
	"?2");

static enum err make_room(struct behind *behind)
{
	if (behind->count < behind->room) {
		return ERR_OK;
	}
	size_t room = behind->room == 0 ? 4096 : 2 * behind->room;
	struct key_row *grown = realloc(behind->keys, room * sizeof(*grown));
	if (grown == NULL) {
		return ERR_NOMEM;
	}
	behind->keys = grown;
	behind->room = room;
	return ERR_OK;
}

static enum err add_key(struct behind *behind, int64_t head, int64_t message)
{
	enum err err = make_room(behind);
	if (err == ERR_OK) {
		behind->keys[behind->count++] = (struct key_row){.head = head, .message = message};
	}
	return err;
}

enum err behind_key_note(struct behind *behind, int64_t message, const struct message_id *key)
{
	if (behind->must_read || behind->count == BEHIND_KEYS_MAX) {
		behind->must_read = true;
		return ERR_OK;
	}
	return add_key(behind, db_key_head(key->at), message);
}

bool behind_has_keys(const struct behind *behind)
{
	return behind->kept > 0 || behind->must_read;
}

bool behind_is_full(const struct behind *behind)
{
	return behind->kept >= BEHIND_KEYS_SORTED || behind->sorted > 0;
}

static int by_key(const void *a, const void *b)
{
	const struct key_row *one = a;
	const struct key_row *two = b;
	if (one->head != two->head) {
		return one->head < two->head ? -1 : 1;
	}
	return one->message < two->message ? -1 : one->message > two->message;
}

/* Everything in memory, which is in the order of the log, is to be written next. */
static void sort(struct behind *behind)
{
	behind->sorted = behind->kept;
	behind->done = 0;
	behind->done_kept = 0;
	behind->keys_first = behind->keys[0].message;
	behind->keys_last = behind->keys[0].message;
	for (size_t i = 1; i < behind->sorted; i++) {
		int64_t message = behind->keys[i].message;
		behind->keys_first = message < behind->keys_first ? message : behind->keys_first;
		behind->keys_last = message > behind->keys_last ? message : behind->keys_last;
	}
	qsort(behind->keys, behind->sorted, sizeof(*behind->keys), by_key);
}

static enum err write_some(struct behind *behind)
{
	enum err err = ERR_OK;
	size_t end = behind->sorted - behind->done < BEHIND_KEYS_UNIT
			     ? behind->sorted
			     : behind->done + BEHIND_KEYS_UNIT;
	for (size_t i = behind->done; err == ERR_OK && i < end; i++) {
		sqlite3_stmt *stmt = NULL;
		err = db_query(behind->db, &sql_behind_key, &stmt);
		if (err == ERR_OK) {
			db_int(stmt, 1, behind->keys[i].head);
			db_int(stmt, 2, behind->keys[i].message);
			err = db_run(behind->db, stmt);
		}
	}
	if (err == ERR_OK) {
		behind->done = end;
	}
	return err;
}

static enum err run_two(struct behind *behind, const struct query *query, int64_t a, int64_t b)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(behind->db, query, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_int(stmt, 1, a);
	db_int(stmt, 2, b);
	return db_run(behind->db, stmt);
}

/* Their runs are done with: whole ones, and parts of those that go on before or after them. */
static enum err drop_runs(struct behind *behind)
{
	enum err err = run_two(behind, &sql_behind_done, behind->keys_first, behind->keys_last);
	if (err == ERR_OK) {
		err = run_two(behind, &sql_behind_rest, behind->keys_first, behind->keys_last);
	}
	if (err == ERR_OK) {
		err = run_two(behind, &sql_behind_until, behind->keys_first, behind->keys_last);
	}
	return err;
}

void behind_keys_kept(struct behind *behind)
{
	behind->kept = behind->count;
	behind->done_kept = behind->done;
	if (behind->sorted == 0 || behind->done < behind->sorted) {
		return;
	}
	size_t left = behind->kept - behind->sorted;
	memmove(behind->keys, behind->keys + behind->sorted, left * sizeof(*behind->keys));
	behind->count = left;
	behind->kept = left;
	behind->sorted = 0;
	behind->done = 0;
	behind->done_kept = 0;
	if (left == 0) {
		free(behind->keys);
		behind->keys = NULL;
		behind->room = 0;
	}
}

/* The newest run that is not in memory, from its end, until it is read or enough is in memory. */
static enum err begin_reading(struct behind *behind)
{
	int64_t last = 0;
	enum err err = behind_newest(behind, BEHIND_KEYS, &behind->read_first, &last);
	if (err == ERR_NOT_FOUND) {
		behind->must_read = false;
		return ERR_OK;
	}
	behind->read_at = last;
	behind->is_reading = err == ERR_OK;
	return err;
}

static enum err read_some(struct behind *behind)
{
	sqlite3_stmt *stmt = NULL;
	size_t before = behind->count;
	enum err err = db_query(behind->db, &sql_behind_heads, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_int(stmt, 1, behind->read_first);
	db_int(stmt, 2, behind->read_at);
	db_int(stmt, 3, BEHIND_KEYS_UNIT);
	while ((err = db_step(behind->db, stmt)) == ERR_OK) {
		behind->read_at = sqlite3_column_int64(stmt, 1) - 1;
		err = add_key(behind, sqlite3_column_int64(stmt, 0), sqlite3_column_int64(stmt, 1));
		if (err != ERR_OK) {
			db_reset(stmt);
			return err;
		}
	}
	if (err != ERR_NOT_FOUND) {
		return err;
	}
	behind->is_reading =
		behind->count - before == BEHIND_KEYS_UNIT && behind->count < BEHIND_KEYS_SORTED;
	/* Of a run whose messages are gone nothing is to be made. */
	return behind->count == 0 ? behind_run_drop(behind, BEHIND_KEYS, behind->read_first)
				  : ERR_OK;
}

enum err behind_keys(struct behind *behind)
{
	enum err err = ERR_OK;
	if (behind->kept == 0 && behind->must_read && !behind->is_reading) {
		err = begin_reading(behind);
	}
	if (err == ERR_OK && behind->is_reading) {
		return read_some(behind);
	}
	if (err != ERR_OK || behind->kept == 0) {
		return err;
	}
	if (behind->sorted == 0) {
		sort(behind);
	}
	err = write_some(behind);
	return err == ERR_OK && behind->done == behind->sorted ? drop_runs(behind) : err;
}
