/*
 * A reader lays the private layer (store/layer) over what its queries read: a temporary table of
 * the connection, in memory, and views that have the names of tables, which SQLite looks for first.
 * So no query has to know of it, and where nothing is private nothing is there. Whoever means the
 * table itself says `main.`.
 */
#include "store/layer.h"
#include "store/reader_inside.h"

#include <inttypes.h>

enum { SQL_BYTES_MAX = 32 * 1024, ROWS_AT_ONCE = 500 };

QUERY(sql_layer_feed, "SELECT feed FROM main.feeds WHERE id = ?1");

/* Nothing of an earlier layer stays. */
static const char sql_gone[] =
	"DROP VIEW IF EXISTS temp.contacts; DROP VIEW IF EXISTS temp.posts; DROP VIEW IF EXISTS "
	"temp.votes; DROP VIEW IF EXISTS temp.tags; DROP VIEW IF EXISTS temp.tag_counts; DROP VIEW "
	"IF EXISTS temp.activity; DROP VIEW IF EXISTS temp.strays; DROP TABLE IF EXISTS "
	"temp.private_edges";

#define BLOCKED "(SELECT feed FROM temp.private_edges WHERE edge = 2)"
static const char sql_table[] =
	"CREATE TEMP TABLE private_edges (feed INTEGER PRIMARY KEY, edge INTEGER NOT NULL)";
/* A tag is listed when somebody who is shown uses it, with the number of all who do. */
static const char sql_views[] =
	"CREATE TEMP VIEW contacts AS SELECT feed, about, edge FROM main.contacts WHERE feed <> 1 "
	"OR about NOT IN (SELECT feed FROM temp.private_edges) UNION ALL SELECT 1, feed, edge FROM "
	"temp.private_edges;"
	"CREATE TEMP VIEW posts AS SELECT message, feed, at, CASE (SELECT edge FROM "
	"temp.private_edges e WHERE e.feed = p.feed) WHEN 1 THEN 1 WHEN 0 THEN 0 ELSE home END AS "
	"home, root, fork FROM main.posts p WHERE feed NOT IN " BLOCKED ";"
	"CREATE TEMP VIEW votes AS SELECT link, feed, message FROM main.votes WHERE feed NOT "
	"IN " BLOCKED ";"
	"CREATE TEMP VIEW activity AS SELECT at, message, kind, feed, link FROM main.activity "
	"WHERE feed NOT IN " BLOCKED ";"
	"CREATE TEMP VIEW strays AS SELECT stray, key_head, key_tail, feed, sequence, at, "
	"received, is_post, root, body FROM main.strays WHERE feed NOT IN " BLOCKED ";"
	"CREATE TEMP VIEW tags AS SELECT tag, at, message FROM main.tags t WHERE NOT EXISTS "
	"(SELECT 1 FROM main.posts p WHERE p.message = t.message AND p.feed IN " BLOCKED ");"
	"CREATE TEMP VIEW tag_counts AS SELECT tag, n, at FROM main.tag_counts c WHERE EXISTS "
	"(SELECT 1 FROM temp.tags t WHERE t.tag = c.tag)";

/* A row for each of them that this node has heard of. */
static enum err add_row(struct reader *reader, const struct layer_edge *edge, struct buf *sql)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(reader->db, &sql_layer_feed, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_blob(stmt, 1, span_of(edge->of.at, ID_BYTES));
	err = db_step(reader->db, stmt);
	if (err == ERR_OK) {
		int64_t feed = sqlite3_column_int64(stmt, 0);
		db_reset(stmt);
		err = buf_printf(sql, "%s(%" PRId64 ",%d)",
			sql->len == 0 ? "INSERT INTO temp.private_edges VALUES " : ",", feed,
			(int)edge->edge);
	}
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static enum err put_rows(struct reader *reader, struct buf *sql)
{
	const char *text = sql->len == 0 ? NULL : buf_cstr(sql);
	enum err err = text == NULL ? ERR_OK : db_exec(reader->db, text);
	buf_clear(sql);
	return err;
}

static enum err lay(struct reader *reader, const struct layer *layer)
{
	struct buf sql = BUF_INIT(SQL_BYTES_MAX);
	enum err err = db_exec(reader->db, sql_table);
	reader->layer_follows = 0;
	for (size_t i = 0; err == ERR_OK && i < layer->count; i++) {
		reader->layer_follows += layer->edges[i].edge == EDGE_FOLLOW;
		err = add_row(reader, &layer->edges[i], &sql);
		if (err == ERR_OK && (i + 1) % ROWS_AT_ONCE == 0) {
			err = put_rows(reader, &sql);
		}
	}
	if (err == ERR_OK) {
		err = put_rows(reader, &sql);
	}
	buf_fini(&sql);
	return err == ERR_OK ? db_exec(reader->db, sql_views) : err;
}

enum err reader_lay(struct reader *reader)
{
	struct layer *layer = reader->is_bare ? NULL : layer_take(reader->store);
	uint64_t number = layer == NULL ? 0 : layer->number;
	enum err err = ERR_OK;
	if (number != reader->layer_number) {
		err = db_exec(reader->db, "PRAGMA query_only = OFF");
		if (err == ERR_OK) {
			err = db_exec(reader->db, sql_gone);
		}
		if (err == ERR_OK && layer != NULL) {
			err = lay(reader, layer);
		}
		enum err back = db_exec(reader->db, "PRAGMA query_only = ON");
		err = err == ERR_OK ? back : err;
		if (err == ERR_OK) {
			reader->layer_number = number;
		}
	}
	layer_release(reader->store, layer);
	return err;
}
