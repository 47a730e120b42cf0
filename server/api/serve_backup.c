/*
 * Copies of this node, as the page sees them: when the last one was made, which files there are.
 */
#include "api/backup.h"

#include <stdlib.h>

enum { SETTING_BYTES = 512 };

/* A setting as a number; 0 when it was never set. */
static int64_t read_time(struct reader *reader, const char *name)
{
	struct buf text = BUF_INIT(SETTING_BYTES);
	int64_t value = 0;
	if (reader_setting(reader, name, &text) == ERR_OK && buf_cstr(&text) != NULL) {
		value = strtoll((const char *)text.at, NULL, 10);
	}
	buf_fini(&text);
	return value;
}

static json_t *read_sentence(struct reader *reader, const char *name)
{
	struct buf text = BUF_INIT(SETTING_BYTES);
	json_t *sentence = NULL;
	if (reader_setting(reader, name, &text) == ERR_OK && text.len > 0) {
		sentence = json_stringn((const char *)text.at, text.len);
	}
	buf_fini(&text);
	return sentence == NULL ? json_null() : sentence;
}

static bool take_time(void *ctx, const struct stored *message)
{
	*(int64_t *)ctx = (int64_t)message->received_ms;
	return false;
}

bool backup_is_late(struct api *api, struct reader *reader)
{
	int64_t since_ms = read_time(reader, "backup_ok");
	if (since_ms == 0 &&
		reader_feed(reader, &api->opts.self, 1, 1, take_time, &since_ms) != ERR_OK) {
		return false;
	}
	return since_ms != 0 && env_wall_ms(api->opts.env) - since_ms > LIMIT_BACKUP_LATE_MS;
}

json_t *backup_json(struct api *api, struct reader *reader)
{
	int64_t ok_ms = read_time(reader, "backup_ok");
	return json_pack("{s:o,s:o,s:b,s:n,s:[],s:n}", "last_ok",
		ok_ms == 0 ? json_null() : json_integer(ok_ms), "last_error",
		read_sentence(reader, "backup_error"), "is_late", backup_is_late(api, reader),
		"dir", "files", "job");
}
