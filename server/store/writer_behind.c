/*
 * When what a bulk left behind is made. A bulk is many large transactions in a row; its first
 * messages get their rows at once, as most of what comes is no bulk. While it lasts little is made
 * in between, and in large units, as small ones write the same pages of an index again and again;
 * when it rests, everything is, in transactions that are undone as soon as somebody waits for the
 * writer, and are smaller after that.
 */
#include "store/writer_inside.h"

#include "base/log.h"

#include <stdlib.h>

enum {
	BULK_BEGINS = 1000,      /* messages in large transactions, then rows come behind */
	BULK_ENDS_MS = 1000,     /* without a large transaction */
	BULK_RESTS_MS = 150,     /* since the last one: time to make rows */
	BULK_LONG_MS = 30000,    /* so often rows are made in between */
	BEHIND_AGAIN_MS = 30000, /* after a failure */
	BULK_BETWEEN = 4096,     /* messages */
	LATE_MAX = 2000,         /* told one by one; of more only that there are */
};

void writer_bulk_begins(struct writer *writer, size_t messages)
{
	int64_t now_ms = env_mono_ms(store_env(writer->store));
	size_t begins = writer->opts.bulk_begins > 0 ? writer->opts.bulk_begins : BULK_BEGINS;
	bool is_large = messages >= BULK_MESSAGES || messages >= begins;
	if (now_ms - writer->large_ms > BULK_ENDS_MS) {
		writer->bulk_messages = 0;
		writer->bulk_began_ms = now_ms;
	}
	if (is_large) {
		writer->large_ms = now_ms;
		writer->bulk_messages += messages;
	}
	writer->is_bulk = is_large && writer->bulk_messages >= begins;
}

static void tell_state(struct writer *writer, bool is_stuck)
{
	bool has = behind_has_words(writer->behind) || behind_has_keys(writer->behind);
	atomic_store(&writer->behind_state, !has       ? WRITER_BEHIND_DONE
					    : is_stuck ? WRITER_BEHIND_STUCK
						       : WRITER_BEHIND_WORKS);
}

enum writer_behind writer_behind(const struct writer *writer)
{
	return (enum writer_behind)atomic_load(&writer->behind_state);
}

void writer_bulk_ends(struct writer *writer)
{
	int64_t now_ms = env_mono_ms(store_env(writer->store));
	if (!writer->is_bulk) {
		return;
	}
	writer->is_bulk = false;
	writer->large_ms = now_ms;
	tell_state(writer, false);
	if (writer->is_open || writer->opts.is_import) {
		if (!writer->is_open && behind_is_full(writer->behind)) {
			(void)writer_behind_some(writer, 0);
		}
		return;
	}
	if (behind_is_full(writer->behind)) {
		(void)writer_behind_some(writer, 0);
	}
	if (now_ms - writer->bulk_began_ms >= BULK_LONG_MS) {
		writer->bulk_began_ms = now_ms;
		(void)writer_behind_some(writer, BULK_BETWEEN);
	}
}

int64_t writer_behind_due_ms(const struct writer *writer)
{
	if (!behind_has_words(writer->behind) && !behind_has_keys(writer->behind)) {
		return INT64_MAX;
	}
	int64_t rested_ms = writer->large_ms + BULK_RESTS_MS;
	return writer->behind_again_ms > rested_ms ? writer->behind_again_ms : rested_ms;
}

static bool somebody_waits(void *ctx)
{
	struct writer *writer = ctx;
	return inbox_has(writer->inbox) || atomic_load(&writer->is_stopping);
}

static enum err on_made(void *ctx, const struct committed *made)
{
	struct writer *writer = ctx;
	if (made == NULL || writer->late_count == LATE_MAX) {
		writer->is_late_cut = true;
		return ERR_OK;
	}
	if (writer->late_count == writer->late_room) {
		size_t room = writer->late_room == 0 ? 256 : 2 * writer->late_room;
		struct committed *grown = realloc(writer->late, room * sizeof(*grown));
		if (grown == NULL) {
			return ERR_NOMEM;
		}
		writer->late = grown;
		writer->late_room = room;
	}
	writer->late[writer->late_count++] = *made;
	return ERR_OK;
}

/* One transaction: of keys while there are any in memory or to be read and `words` is 0, else of
 * the newest `words` messages. */
static enum err make(struct writer *writer, size_t words, bool may_stop)
{
	const struct behind_turn turn = {.messages = words,
		.must_stop = may_stop ? somebody_waits : NULL,
		.on_made = on_made,
		.ctx = writer};
	int64_t room = store_disk_free(writer->store);
	if (room >= 0 && room < LIMIT_DISK_FREE_OWN_BYTES) {
		return ERR_DISK_FULL;
	}
	enum err err = writer_begin(writer);
	if (err == ERR_OK) {
		err = words == 0 ? behind_keys(writer->behind)
				 : behind_words(writer->behind, &turn);
	}
	if (err == ERR_OK) {
		return writer_commit(writer);
	}
	writer_rollback(writer);
	return err;
}

static void take_care(struct writer *writer, enum err err)
{
	if (err == ERR_OK) {
		writer_announce(writer);
	} else {
		LOG(store_env(writer->store), LOG_ERROR, "store.behind",
			LOG_TEXT("why", err_text(err)));
		writer->behind_again_ms = env_mono_ms(store_env(writer->store)) + BEHIND_AGAIN_MS;
	}
	tell_state(writer, err != ERR_OK);
}

bool writer_behind_some(struct writer *writer, size_t words)
{
	enum err err = make(writer, words, false);
	take_care(writer, err);
	return err == ERR_OK;
}

/* Its next transaction: twice as large when this one could end, half when it could not. */
void writer_behind_turn(struct writer *writer)
{
	size_t words = behind_has_keys(writer->behind) ? 0 : writer->behind_unit;
	enum err err = make(writer, words, !writer->opts.is_stepped);
	if (err == ERR_BUSY) {
		writer->behind_unit = words / 2 < BEHIND_UNIT_MIN ? BEHIND_UNIT_MIN : words / 2;
		return;
	}
	take_care(writer, err);
	if (err == ERR_OK && words > 0) {
		writer->behind_unit = 2 * words > BEHIND_UNIT_MAX ? BEHIND_UNIT_MAX : 2 * words;
	}
	writer_bloats(writer);
	feeds_trim(writer->feeds);
}
