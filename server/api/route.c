/*
 * The endpoints, one row each, and the few lines that match a path with a pattern. Where a path
 * fits two patterns of one method, the first counts.
 */
#include "api/route.h"

#include "api/serve.h"

static const struct route routes[] = {
	{.method = GATE_GET, .pattern = "/api/door", .may = MAY_ANYBODY, .serve = serve_door},
	{.method = GATE_GET, .pattern = "/api/session", .may = MAY_ANYBODY, .serve = serve_session},
	{.method = GATE_POST,
		.pattern = "/api/session",
		.may = MAY_ANYBODY,
		.serve = serve_login,
		.is_slow = true,
		.is_secret = true},
	{.method = GATE_POST,
		.pattern = "/api/session/rotate",
		.may = MAY_READ,
		.serve = serve_rotate,
		.is_secret = true},
	{.method = GATE_DELETE, .pattern = "/api/session", .may = MAY_READ, .serve = serve_logout},
	{.method = GATE_POST, .pattern = "/api/code", .may = MAY_WRITE, .serve = serve_code},

	{.method = GATE_GET, .pattern = "/api/devices", .may = MAY_READ, .serve = serve_devices},
	{.method = GATE_POST,
		.pattern = "/api/devices/code",
		.may = MAY_WRITE,
		.serve = serve_device_code},
	{.method = GATE_POST,
		.pattern = "/api/devices/:device",
		.may = MAY_WRITE,
		.serve = serve_device_change},
	{.method = GATE_DELETE,
		.pattern = "/api/devices/:device",
		.may = MAY_WRITE,
		.serve = serve_device_end},
	{.method = GATE_POST,
		.pattern = "/api/password",
		.may = MAY_WRITE,
		.serve = serve_password,
		.is_slow = true,
		.is_secret = true},
	{.method = GATE_DELETE,
		.pattern = "/api/password",
		.may = MAY_WRITE,
		.serve = serve_password_remove,
		.is_slow = true,
		.is_secret = true},

	{.method = GATE_GET, .pattern = "/api/settings", .may = MAY_READ, .serve = serve_settings},
	{.method = GATE_POST,
		.pattern = "/api/settings",
		.may = MAY_WRITE,
		.serve = serve_settings_put},

	{.method = GATE_GET, .pattern = "/api/boot", .may = MAY_READ, .serve = serve_boot},
	{.method = GATE_GET, .pattern = "/api/timeline", .may = MAY_READ, .serve = serve_timeline},
	{.method = GATE_GET,
		.pattern = "/api/thread/:message",
		.may = MAY_READ,
		.serve = serve_thread},
	{.method = GATE_GET,
		.pattern = "/api/bookmarks",
		.may = MAY_READ,
		.serve = serve_bookmarks},
	{.method = GATE_POST,
		.pattern = "/api/bookmark",
		.may = MAY_WRITE,
		.serve = serve_bookmark},
	{.method = GATE_GET,
		.pattern = "/api/message/:message/likes",
		.may = MAY_READ,
		.serve = serve_likes},
	{.method = GATE_GET, .pattern = "/api/posts", .may = MAY_READ, .serve = serve_posts},
	{.method = GATE_GET,
		.pattern = "/api/message/:message/raw",
		.may = MAY_READ,
		.serve = serve_message_raw},

	{.method = GATE_POST,
		.pattern = "/api/message/:message/fetch",
		.may = MAY_WRITE,
		.serve = serve_message_fetch,
		.is_slow = true},

	{.method = GATE_GET, .pattern = "/api/me", .may = MAY_READ, .serve = serve_me},
	{.method = GATE_GET,
		.pattern = "/api/person/:feed",
		.may = MAY_READ,
		.serve = serve_person},
	{.method = GATE_GET,
		.pattern = "/api/person/:feed/posts",
		.may = MAY_READ,
		.serve = serve_person_posts},
	{.method = GATE_GET,
		.pattern = "/api/person/:feed/follows",
		.may = MAY_READ,
		.serve = serve_person_follows},
	{.method = GATE_GET,
		.pattern = "/api/person/:feed/followers",
		.may = MAY_READ,
		.serve = serve_person_followers},
	{.method = GATE_GET, .pattern = "/api/people", .may = MAY_READ, .serve = serve_people},
	{.method = GATE_GET, .pattern = "/api/activity", .may = MAY_READ, .serve = serve_activity},
	{.method = GATE_POST, .pattern = "/api/here", .may = MAY_WRITE, .serve = serve_here},
	{.method = GATE_GET, .pattern = "/api/search", .may = MAY_READ, .serve = serve_search},
	{.method = GATE_GET, .pattern = "/api/tags", .may = MAY_READ, .serve = serve_tags},
	{.method = GATE_GET, .pattern = "/api/suggest", .may = MAY_READ, .serve = serve_suggest},

	{.method = GATE_GET,
		.pattern = "/api/suggestions",
		.may = MAY_READ,
		.serve = serve_suggestions},
	{.method = GATE_POST, .pattern = "/api/mute", .may = MAY_WRITE, .serve = serve_mute},
	{.method = GATE_POST, .pattern = "/api/petname", .may = MAY_WRITE, .serve = serve_petname},

	{.method = GATE_PUT,
		.pattern = "/api/blob",
		.may = MAY_WRITE,
		.begin = serve_blob_begin,
		.serve = serve_blob_put},
	{.method = GATE_GET,
		.pattern = "/blob/:blob",
		.may = MAY_READ,
		.serve = serve_blob_bytes,
		.is_seen = true},
	{.method = GATE_GET, .pattern = "/api/blob/:blob", .may = MAY_READ, .serve = serve_blob},
	{.method = GATE_POST,
		.pattern = "/api/blob/:blob",
		.may = MAY_WRITE,
		.serve = serve_blob_want},
	{.method = GATE_GET, .pattern = "/api/private", .may = MAY_READ, .serve = serve_private},
	{.method = GATE_POST,
		.pattern = "/api/private",
		.may = MAY_WRITE,
		.serve = serve_private_begin},
	{.method = GATE_GET,
		.pattern = "/api/private/all",
		.may = MAY_READ,
		.serve = serve_private_all},
	{.method = GATE_GET,
		.pattern = "/api/private/:conversation",
		.may = MAY_READ,
		.serve = serve_private_one},
	{.method = GATE_POST,
		.pattern = "/api/private/:conversation",
		.may = MAY_WRITE,
		.serve = serve_private_decide},

	{.method = GATE_GET, .pattern = "/api/storage", .may = MAY_READ, .serve = serve_storage},
	{.method = GATE_POST,
		.pattern = "/api/storage",
		.may = MAY_WRITE,
		.serve = serve_storage_put,
		.is_slow = true},
	{.method = GATE_POST,
		.pattern = "/api/person/:feed/remove",
		.may = MAY_WRITE,
		.serve = serve_person_remove,
		.is_slow = true},
	{.method = GATE_POST,
		.pattern = "/api/person/:feed/again",
		.may = MAY_WRITE,
		.serve = serve_person_again},

	{.method = GATE_GET, .pattern = "/api/network", .may = MAY_READ, .serve = serve_network},
	{.method = GATE_GET, .pattern = "/api/status", .may = MAY_READ, .serve = serve_status},
	{.method = GATE_POST,
		.pattern = "/api/network/connect",
		.may = MAY_WRITE,
		.serve = serve_connect,
		.is_slow = true},
	{.method = GATE_POST,
		.pattern = "/api/network/disconnect",
		.may = MAY_WRITE,
		.serve = serve_disconnect},

	{.method = GATE_POST,
		.pattern = "/api/safety/backup",
		.may = MAY_WRITE,
		.serve = serve_backup},
	{.method = GATE_GET,
		.pattern = "/api/safety/backup/:name",
		.may = MAY_WRITE, /* all of the node, perhaps with its key */
		.serve = serve_backup_file},
	{.method = GATE_POST, .pattern = "/api/safety/move", .may = MAY_WRITE, .serve = serve_move},

	{.method = GATE_POST, .pattern = "/api/post", .may = MAY_PUBLISH, .serve = serve_post},
	{.method = GATE_GET, .pattern = "/api/outbox", .may = MAY_READ, .serve = serve_outbox},
	{.method = GATE_POST, .pattern = "/api/outbox", .may = MAY_PUBLISH, .serve = serve_hold},
	{.method = GATE_POST,
		.pattern = "/api/outbox/:nonce",
		.may = MAY_WRITE,
		.serve = serve_send},
	{.method = GATE_DELETE,
		.pattern = "/api/outbox/:nonce",
		.may = MAY_WRITE,
		.serve = serve_undo},
	{.method = GATE_POST, .pattern = "/api/measure", .may = MAY_WRITE, .serve = serve_measure},
	{.method = GATE_GET, .pattern = "/api/writing", .may = MAY_READ, .serve = serve_writings},
	{.method = GATE_POST,
		.pattern = "/api/writing/:name",
		.may = MAY_WRITE,
		.serve = serve_write},
	{.method = GATE_DELETE,
		.pattern = "/api/writing/:name",
		.may = MAY_WRITE,
		.serve = serve_write_done},
	{.method = GATE_POST, .pattern = "/api/like", .may = MAY_PUBLISH, .serve = serve_like},
	{.method = GATE_POST,
		.pattern = "/api/relation",
		.may = MAY_PUBLISH,
		.serve = serve_relation},
	{.method = GATE_POST, .pattern = "/api/follow", .may = MAY_PUBLISH, .serve = serve_follow},
	{.method = GATE_POST,
		.pattern = "/api/profile",
		.may = MAY_PUBLISH,
		.serve = serve_profile},
	{.method = GATE_POST,
		.pattern = "/api/publish",
		.may = MAY_PUBLISH,
		.serve = serve_publish,
		.is_raw = true},

	{.method = GATE_POST,
		.pattern = "/api/unlock",
		.may = MAY_ANYBODY,
		.serve = serve_unlock,
		.is_slow = true,
		.is_secret = true},
	{.method = GATE_GET,
		.pattern = "/api/safety/words",
		.may = MAY_WRITE,
		.serve = serve_words,
		.is_secret = true},
	{.method = GATE_POST,
		.pattern = "/api/safety/words",
		.may = MAY_WRITE,
		.serve = serve_words_check,
		.is_secret = true},
	{.method = GATE_POST,
		.pattern = "/api/safety/passphrase",
		.may = MAY_WRITE,
		.serve = serve_passphrase,
		.is_slow = true,
		.is_secret = true},
	{.method = GATE_POST,
		.pattern = "/api/safety/identity",
		.may = MAY_WRITE,
		.serve = serve_identity,
		.is_slow = true,
		.is_secret = true},
	{.method = GATE_GET, .pattern = "/api/safety", .may = MAY_READ, .serve = serve_safety},
	{.method = GATE_POST,
		.pattern = "/api/safety/witness",
		.may = MAY_WRITE,
		.serve = serve_witness},
	{.method = GATE_POST,
		.pattern = "/api/safety/resume",
		.may = MAY_WRITE,
		.serve = serve_resume},
	{.method = GATE_POST, .pattern = "/api/safety/want", .may = MAY_WRITE, .serve = serve_want},
	{.method = GATE_GET, .pattern = "/api/drafts", .may = MAY_READ, .serve = serve_drafts},
	{.method = GATE_POST,
		.pattern = "/api/drafts/:draft/publish",
		.may = MAY_PUBLISH,
		.serve = serve_draft_publish},
	{.method = GATE_DELETE,
		.pattern = "/api/drafts/:draft",
		.may = MAY_WRITE,
		.serve = serve_draft_drop},
};

/* The first segment of `path` without its slash; `*path` is what follows. */
static struct span segment(struct span *path)
{
	struct span rest = span_skip(*path, 1);
	const uint8_t *slash = rest.len == 0 ? NULL : memchr(rest.at, '/', rest.len);
	size_t len = slash == NULL ? rest.len : (size_t)(slash - rest.at);
	*path = span_skip(rest, len);
	return span_take(rest, len);
}

static bool fits(const char *pattern, struct span path, struct span args[static ROUTE_ARGS_MAX])
{
	struct span left = span_text(pattern);
	size_t count = 0;
	while (left.len > 0 && path.len > 0) {
		struct span want = segment(&left);
		struct span have = segment(&path);
		if (want.len > 0 && want.at[0] == ':' && have.len > 0 && count < ROUTE_ARGS_MAX) {
			args[count++] = have;
		} else if (!span_equal(want, have)) {
			return false;
		}
	}
	return left.len == 0 && path.len == 0;
}

const struct route *route_find(enum gate_method method, struct span path,
	struct span args[static ROUTE_ARGS_MAX], bool *is_known)
{
	*is_known = false;
	method = method == GATE_HEAD ? GATE_GET : method;
	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		if (!fits(routes[i].pattern, path, args)) {
			continue;
		}
		*is_known = true;
		if (routes[i].method == method) {
			return &routes[i];
		}
	}
	return NULL;
}
