/*
 * What a backup says of itself, as JSON inside the sealed part. The reader takes only what the
 * writer writes: names it does not know are passed over, so that a later version may add some.
 */
#include "store/bundle.h"

#include "base/encode.h"
#include "feed/json.h"

#include <inttypes.h>
#include <stdio.h>

enum { MANIFEST_DEPTH = 4, SHA_TEXT_BYTES = 65 };

static const char *const kinds[] = {[BUNDLE_BACKUP] = "backup", [BUNDLE_MOVE] = "move"};

static enum err write_holders(const struct bundle_manifest *manifest, struct buf *out)
{
	enum err err = buf_append_text(out, ",\"holders\":[");
	for (size_t i = 0; err == ERR_OK && i < manifest->holder_count; i++) {
		const struct bundle_holder *holder = &manifest->holders[i];
		char id[FEED_ID_TEXT_BYTES];
		feed_id_format(&holder->peer, id);
		err = buf_printf(out,
			"%s{\"id\":\"%s\",\"sequence\":%" PRIu64 ",\"at\":%" PRId64 "}",
			i == 0 ? "" : ",", id, holder->sequence, holder->seen_ms);
	}
	return err == ERR_OK ? buf_append_text(out, "]") : err;
}

static enum err write_entries(const struct bundle_manifest *manifest, struct buf *out)
{
	enum err err = buf_append_text(out, ",\"entries\":[");
	for (size_t i = 0; err == ERR_OK && i < manifest->entry_count; i++) {
		const struct bundle_entry *entry = &manifest->entries[i];
		char hash[SHA_TEXT_BYTES];
		hex_encode(span_of(entry->sha256, sizeof(entry->sha256)), hash);
		err = buf_printf(out, "%s{\"name\":\"%s\",\"bytes\":%" PRIu64 ",\"sha256\":\"%s\"}",
			i == 0 ? "" : ",", entry->name, entry->bytes, hash);
	}
	return err == ERR_OK ? buf_append_text(out, "]") : err;
}

enum err bundle_manifest_write(const struct bundle_manifest *manifest, struct buf *out)
{
	char identity[FEED_ID_TEXT_BYTES];
	char head[MESSAGE_ID_TEXT_BYTES];
	feed_id_format(&manifest->identity, identity);
	message_id_format(&manifest->head, head);
	bool has_head = manifest->sequence > 0;
	enum err err = buf_printf(out,
		"{\"version\":%d,\"kind\":\"%s\",\"identity\":\"%s\",\"created\":%" PRId64
		",\"head\":{\"sequence\":%" PRIu64 ",\"key\":%s%s%s},\"was_served\":%s"
		",\"figures\":{\"feeds\":%" PRIu64 ",\"messages\":%" PRIu64 ",\"posts\":%" PRIu64
		"}",
		BUNDLE_VERSION, kinds[manifest->kind], identity, manifest->created_ms,
		manifest->sequence, has_head ? "\"" : "", has_head ? head : "null",
		has_head ? "\"" : "", manifest->was_served ? "true" : "false", manifest->feeds,
		manifest->messages, manifest->posts);
	if (err == ERR_OK) {
		err = write_holders(manifest, out);
	}
	if (err == ERR_OK) {
		err = write_entries(manifest, out);
	}
	return err == ERR_OK ? buf_append_text(out, "}") : err;
}

static bool read_count(const struct json *object, const char *name, uint64_t *out)
{
	int64_t value = 0;
	if (!json_whole(json_get(object, name), &value) || value < 0) {
		return false;
	}
	*out = (uint64_t)value;
	return true;
}

static bool read_feed_id(const struct json *object, const char *name, struct feed_id *out)
{
	struct span text;
	return json_text(json_get(object, name), &text) && feed_id_parse(text, out) == ERR_OK;
}

static bool read_holder(const struct json *object, struct bundle_holder *out)
{
	return read_feed_id(object, "id", &out->peer) &&
	       read_count(object, "sequence", &out->sequence) &&
	       json_whole(json_get(object, "at"), &out->seen_ms);
}

static bool read_entry(const struct json *object, struct bundle_entry *out)
{
	struct span name;
	struct span hash;
	if (!json_text(json_get(object, "name"), &name) || name.len == 0 ||
		name.len >= BUNDLE_NAME_BYTES || memchr(name.at, '\0', name.len) != NULL ||
		!json_text(json_get(object, "sha256"), &hash) ||
		hex_decode(hash, out->sha256, sizeof(out->sha256)) != ERR_OK) {
		return false;
	}
	memcpy(out->name, name.at, name.len);
	out->name[name.len] = '\0';
	return read_count(object, "bytes", &out->bytes);
}

static bool read_lists(const struct json *root, struct bundle_manifest *out)
{
	const struct json *holders = json_get(root, "holders");
	const struct json *entries = json_get(root, "entries");
	out->holder_count = json_count(holders);
	out->entry_count = json_count(entries);
	if (out->holder_count > LIMIT_HOLDERS || out->entry_count > BUNDLE_ENTRIES_MAX ||
		holders == NULL || json_kind(holders) != JSON_KIND_ARRAY || entries == NULL ||
		json_kind(entries) != JSON_KIND_ARRAY) {
		return false;
	}
	for (size_t i = 0; i < out->holder_count; i++) {
		if (!read_holder(json_at(holders, i), &out->holders[i])) {
			return false;
		}
	}
	for (size_t i = 0; i < out->entry_count; i++) {
		if (!read_entry(json_at(entries, i), &out->entries[i])) {
			return false;
		}
	}
	return true;
}

static bool read_head(const struct json *root, struct bundle_manifest *out)
{
	const struct json *head = json_get(root, "head");
	struct span key;
	if (!read_count(head, "sequence", &out->sequence)) {
		return false;
	}
	return out->sequence == 0 || (json_text(json_get(head, "key"), &key) &&
					     message_id_parse(key, &out->head) == ERR_OK);
}

static bool read_all(const struct json *root, struct bundle_manifest *out)
{
	const struct json *figures = json_get(root, "figures");
	struct span kind;
	if (!json_text(json_get(root, "kind"), &kind) ||
		!read_feed_id(root, "identity", &out->identity) ||
		!json_whole(json_get(root, "created"), &out->created_ms)) {
		return false;
	}
	bool is_backup = span_equal_text(kind, kinds[BUNDLE_BACKUP]);
	if (!is_backup && !span_equal_text(kind, kinds[BUNDLE_MOVE])) {
		return false;
	}
	out->kind = is_backup ? BUNDLE_BACKUP : BUNDLE_MOVE;
	out->was_served = json_says_true(json_get(root, "was_served"));
	return read_head(root, out) && read_count(figures, "feeds", &out->feeds) &&
	       read_count(figures, "messages", &out->messages) &&
	       read_count(figures, "posts", &out->posts) && read_lists(root, out);
}

enum err bundle_manifest_parse(struct span text, struct bundle_manifest *out)
{
	struct json_doc *doc = NULL;
	uint64_t version = 0;
	memset(out, 0, sizeof(*out));
	enum err err = text.len > LIMIT_BACKUP_MANIFEST_BYTES
			       ? ERR_REFUSED
			       : json_parse(text, MANIFEST_DEPTH, &doc);
	if (err != ERR_OK) {
		return err == ERR_NOMEM ? err : ERR_REFUSED;
	}
	const struct json *root = json_root(doc);
	if (!read_count(root, "version", &version) || version == 0) {
		err = ERR_REFUSED;
	} else if (version > BUNDLE_VERSION) {
		err = ERR_NEWER;
	} else {
		err = read_all(root, out) ? ERR_OK : ERR_REFUSED;
	}
	json_doc_free(doc);
	return err;
}
