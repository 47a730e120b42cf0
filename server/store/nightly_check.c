/*
 * The whole database file, looked over on a connection of its own: page by page, without the
 * indexes' contents, so that it takes as long as reading the file once.
 */
#include "store/nightly_inside.h"

#include "store/inside.h"

enum { CHECK_OPS = 20000 };

struct looking {
	bool (*goes_on)(void *ctx);
	void *ctx;
};

static int on_work(void *ctx)
{
	const struct looking *looking = ctx;
	return looking->goes_on(looking->ctx) ? 0 : 1;
}

enum err nightly_check(struct store *store, bool (*goes_on)(void *ctx), void *ctx, bool *is_sound)
{
	struct looking looking = {.goes_on = goes_on, .ctx = ctx};
	struct db *db = NULL;
	*is_sound = false;
	enum err err = db_open_in(store->vfs, store->database, DB_READER, store->env, &db);
	if (err == ERR_OK) {
		sqlite3_progress_handler(db_handle(db), CHECK_OPS, on_work, &looking);
		err = db_quick_check(db, is_sound);
	}
	db_close(db);
	return err == ERR_TIMEOUT ? ERR_CLOSED : err == ERR_DAMAGED ? ERR_OK : err;
}
