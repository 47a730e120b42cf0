/**
 * api/serve: the endpoints, one family a file (serve_*.c); each function is one row of route.c.
 * API.md says what they take and answer.
 */
#ifndef API_SERVE_H
#define API_SERVE_H

#include "api/events.h"
#include "api/mentions.h"
#include "api/route.h"
#include "store/writer.h"
#include "wire/address.h"

/* serve_session.c */
void serve_session(struct call *call);
void serve_login(struct call *call);
void serve_rotate(struct call *call);
void serve_logout(struct call *call);
void serve_code(struct call *call);

/* serve_devices.c */
void serve_devices(struct call *call);
void serve_device_code(struct call *call);
void serve_device_change(struct call *call);
void serve_device_end(struct call *call);
void serve_password(struct call *call);
void serve_password_remove(struct call *call);

/* serve_settings.c */
struct reader;
/** What is set, all of it: {"activity":{"mention":true,…}}. */
MUST_USE enum err serve_settings_read(struct reader *reader, json_t **out);
void serve_settings(struct call *call);
void serve_settings_put(struct call *call);

/* serve_posts.c */
/** One text parameter that is short; false: answered. `*is_there` is false when it is absent. */
bool serve_read_param(struct call *call, const char *name, struct buf *out, bool *is_there);
/** The parameter `limit`; false: answered. */
bool serve_read_limit(struct call *call, size_t *out);
void serve_boot(struct call *call);
void serve_timeline(struct call *call);
void serve_person_posts(struct call *call);
void serve_posts(struct call *call);
void serve_message_raw(struct call *call);
void serve_likes(struct call *call);
void serve_bookmarks(struct call *call);
void serve_bookmark(struct call *call);

/* serve_thread.c */
void serve_thread(struct call *call);
void serve_message_fetch(struct call *call);

/* serve_people.c */
void serve_me(struct call *call);
void serve_person(struct call *call);
void serve_person_follows(struct call *call);
void serve_person_followers(struct call *call);
void serve_people(struct call *call);
void serve_suggest(struct call *call);
void serve_suggestions(struct call *call);
void serve_mute(struct call *call);
void serve_petname(struct call *call);

/* serve_activity.c */
struct reader;
void serve_activity(struct call *call);
/** Up to there was read, in any browser. */
void serve_here(struct call *call);
/** What is new since the marks. */
MUST_USE enum err serve_unread(struct api *api, struct reader *reader, struct events_unread *out);
/** `marks` and `unread` of the first answer. */
MUST_USE enum err serve_put_marks(struct api *api, struct reader *reader, json_t *tree);

/* serve_blob.c */
/** An upload begins: its bytes go into the store as they come. False: answered. */
bool serve_blob_begin(struct call *call);
void serve_blob_put(struct call *call);
void serve_blob_bytes(struct call *call);
void serve_blob(struct call *call);
/** Type and size of a blob that is here, for what is published; `api` is a struct api. */
struct mentions_blob serve_blob_known(void *api, const struct blob_id *id, struct span unbox);
void serve_blob_want(struct call *call);

/* serve_storage.c */
void serve_storage(struct call *call);
void serve_storage_put(struct call *call);
void serve_person_remove(struct call *call);
void serve_person_again(struct call *call);

/* serve_search.c */
void serve_search(struct call *call);

/* serve_tags.c */
void serve_tags(struct call *call);
/** The completion of a tag: GET /api/suggest with `tag`. */
void serve_suggest_tag(struct call *call);
/** {"tag","n","at"} */
struct tag_count;
json_t *serve_tag(const struct tag_count *tag);

/* serve_publish.c */
void serve_post(struct call *call);
void serve_like(struct call *call);
void serve_relation(struct call *call);
void serve_follow(struct call *call);
void serve_profile(struct call *call);
void serve_publish(struct call *call);
/** Sign and store one message; on anything but ERR_OK the call is answered. */
MUST_USE enum err serve_sign(
	struct call *call, const struct publish_request *request, struct publish_result *result);
/** Wait until those who hold our feed had a chance to speak, once in a run. */
void serve_greet(struct api *api);
/** What writer_publish() and its kind say when it is not ERR_OK. */
void serve_say_failure(struct call *call, enum err err, const struct publish_result *result);
/** The fields every write may have: nonce, if_head, if_head_key; `request` then points to `key`.
 * False: answered. */
MUST_USE bool serve_read_common(
	struct call *call, struct publish_request *request, struct message_id *key);
/** The content of the post that the body asks for, as it will be signed (boxed when it is private),
 * appended to `content`. False: answered. */
MUST_USE bool serve_read_post(struct call *call, struct buf *content, bool *is_private);
/** {"key","sequence"} */
json_t *serve_signed(const struct publish_result *result);
/** `if_head` and `if_head_key` of the body; `request` then points to `key`. False: answered. */
MUST_USE bool serve_read_head(
	struct call *call, struct publish_request *request, struct message_id *key);
/* A key, an address or both, as pasted. */
struct serve_pasted {
	struct feed_id id;
	struct address address;
	bool has_address;
};
/** From the body's `text`. False: answered. */
MUST_USE bool serve_read_pasted(struct call *call, struct serve_pasted *out);
/** Replicate them without a follow message, and dial them; `*address` is what was kept, or null. */
MUST_USE enum err serve_wanted(
	struct call *call, const struct serve_pasted *pasted, json_t **address);

/* serve_safety.c */
void serve_safety(struct call *call);
void serve_witness(struct call *call);
void serve_resume(struct call *call);
void serve_want(struct call *call);

/* serve_private.c */
void serve_private(struct call *call);
void serve_private_one(struct call *call);
void serve_private_begin(struct call *call);
void serve_private_decide(struct call *call);
void serve_private_all(struct call *call);
/** Wait a little until what was just stored is in the book; without a node, do that work. */
void serve_catch_up(struct api *api);
/** Private posts by others that were not read, counted up to UNREAD_MAX; no requests. */
MUST_USE enum err serve_private_unread(struct api *api, struct reader *reader, uint32_t *out);
/** What is unread is to be counted again, and told. Any thread. */
void serve_private_changed(struct api *api);

/* serve_drafts.c */
void serve_drafts(struct call *call);
void serve_draft_publish(struct call *call);
void serve_draft_drop(struct call *call);

/* serve_outbox.c */
void serve_outbox(struct call *call);
void serve_hold(struct call *call);
void serve_send(struct call *call);
void serve_undo(struct call *call);
void serve_measure(struct call *call);
/** [held]; NULL: without memory, or `*err` says why. */
struct reader;
MUST_USE json_t *serve_held(struct api *api, struct reader *reader, enum err *err);

/* serve_writing.c */
void serve_writings(struct call *call);
void serve_write(struct call *call);
void serve_write_done(struct call *call);
/** 1 to LIMIT_WRITING_NAME_BYTES of A-Z a-z 0-9 _ -: names of writings, nonces in paths. */
bool serve_is_plain_name(struct span text);
/** Tell all pages that what is being written under `name` changed; its number now, 0 when unknown.
 */
uint64_t serve_tell_writing(struct call *call, struct span name);
/** {"name","at","rev","body"}, or null; as serve_held(). */
MUST_USE json_t *serve_writing_of(
	struct api *api, struct reader *reader, struct span name, enum err *err);

/* serve_network.c */
void serve_network(struct call *call);
void serve_status(struct call *call);
void serve_connect(struct call *call);
void serve_disconnect(struct call *call);

/* serve_key.c */
void serve_words(struct call *call);
void serve_words_check(struct call *call);
void serve_passphrase(struct call *call);
void serve_identity(struct call *call);
void serve_unlock(struct call *call);
/** The `key` object of GET /api/safety; NULL without memory. */
MUST_USE json_t *serve_key_state(struct api *api, struct reader *reader);
/** Were the key's words written down and practised? */
bool serve_is_words_done(struct reader *reader);

/* serve_backup.c */
void serve_backup(struct call *call);
void serve_backup_file(struct call *call);
void serve_move(struct call *call);

/* serve_door.c */
void serve_door(struct call *call);

/* serve_page.c: everything outside /api. */
struct page;
/** The page's files: from `dir`, or those in the program when it is NULL; found below the sub-path
 * `base`, "" at the root. */
MUST_USE enum err serve_page_open(const char *dir, const char *base, struct page **out);
void serve_page_close(struct page *page);
void serve_page(const struct page *page, struct exchange *exchange);

#endif
