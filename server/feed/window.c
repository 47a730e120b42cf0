/*
 * Reading goes from the newest down: nothing older is worth a hash before the newest signature is
 * good. What the newest vouches for is decided message by message (is_covered).
 */
#include "feed/window.h"

#include "feed/content.h"

#include <stdlib.h>

static enum err refuse(const char **why, const char *sentence)
{
	*why = sentence;
	return ERR_REFUSED;
}

static enum err check_sizes(const struct span *texts, size_t count, const struct span *profiles,
	size_t profile_count, const char **why)
{
	size_t bytes = 0;
	*why = "the window has no message, or too many";
	if (count == 0 || count > LIMIT_WINDOW_MESSAGES || profile_count > LIMIT_WINDOW_PROFILES) {
		return ERR_LIMIT;
	}
	for (size_t i = 0; i < count + profile_count; i++) {
		size_t len = i < count ? texts[i].len : profiles[i - count].len;
		*why = "the window is too large";
		if (len > LIMIT_WINDOW_BYTES - bytes) {
			return ERR_LIMIT;
		}
		bytes += len;
	}
	return ERR_OK;
}

/* Does the hash see all of this text: is every character below U+0100? The first byte of such a
 * character is below C4 in UTF-8. */
static bool is_covered(struct span compact)
{
	for (size_t i = 0; i < compact.len; i++) {
		if (compact.at[i] >= 0xc4) {
			return false;
		}
	}
	return true;
}

static enum err check_one(
	struct window *window, size_t at, const uint8_t *hmac_key, const char **why)
{
	enum err err = message_check(window->messages[at], hmac_key, why);
	if (err == ERR_OK) {
		window->is_signed[at] = true;
		window->checked++;
		window->is_checked = window->checked == window->count;
	}
	return err;
}

/* Does `message` stand where it was put: the author's, and named by the one above it? */
static enum err check_place(const struct window *window, const struct message *message,
	const struct message *above, const char **why)
{
	if (!feed_id_equal(&message->author, &window->author)) {
		return refuse(why, "a message of the window is somebody else's");
	}
	if (above == NULL) {
		return ERR_OK;
	}
	if (!above->has_previous || above->sequence != message->sequence + 1) {
		return refuse(why, "the numbers of the window do not follow one another");
	}
	if (!message_id_equal(&above->previous, &message->key)) {
		return refuse(why, "a message of the window does not name the one before it");
	}
	return ERR_OK;
}

static enum err read_at(struct window *window, size_t at, struct span text, const uint8_t *hmac_key,
	const char **why)
{
	const struct message *above = at + 1 < window->count ? window->messages[at + 1] : NULL;
	enum err err = message_read(text, &window->messages[at], why);
	if (err == ERR_OK) {
		err = check_place(window, window->messages[at], above, why);
	}
	if (err == ERR_OK && (above == NULL || !is_covered(window->messages[at]->compact))) {
		err = check_one(window, at, hmac_key, why);
	}
	return err;
}

static enum err look_at_about(const struct message *message, bool *is_itself)
{
	struct content content;
	enum err err = content_read(message, &content);
	*is_itself = err == ERR_OK && content.type == CONTENT_ABOUT &&
		     content.about.is_about_feed &&
		     feed_id_equal(&content.about.about_feed, &message->author);
	return err;
}

static enum err read_profile(
	struct window *window, struct span text, const uint8_t *hmac_key, const char **why)
{
	struct message **at = &window->profiles[window->profile_count];
	enum err err = message_verify(text, hmac_key, at, why);
	if (err != ERR_OK) {
		return err;
	}
	window->profile_count++;
	bool is_itself = false;
	err = look_at_about(*at, &is_itself);
	if (err != ERR_OK) {
		*why = "there is no memory";
		return err;
	}
	if (!feed_id_equal(&(*at)->author, &window->author) || !is_itself) {
		return refuse(why, "a message beside the window is not the author's about itself");
	}
	if ((*at)->sequence >= window->messages[0]->sequence) {
		return refuse(why, "a message beside the window is not older than it");
	}
	return ERR_OK;
}

enum err window_read(const struct feed_id *author, const struct span *texts, size_t count,
	const struct span *profiles, size_t profile_count, const uint8_t *hmac_key,
	struct window **out, const char **why)
{
	enum err err = check_sizes(texts, count, profiles, profile_count, why);
	if (err != ERR_OK) {
		return err;
	}
	struct window *window = calloc(1, sizeof(*window));
	if (window == NULL) {
		*why = "there is no memory";
		return ERR_NOMEM;
	}
	window->author = *author;
	window->count = count;
	for (size_t i = count; err == ERR_OK && i > 0; i--) {
		err = read_at(window, i - 1, texts[i - 1], hmac_key, why);
	}
	for (size_t i = 0; err == ERR_OK && i < profile_count; i++) {
		err = read_profile(window, profiles[i], hmac_key, why);
	}
	if (err != ERR_OK) {
		window_free(window);
		return err;
	}
	*out = window;
	return ERR_OK;
}

enum err window_check(struct window *window, size_t max, const uint8_t *hmac_key, const char **why)
{
	for (size_t i = window->count; i > 0 && max > 0; i--) {
		if (window->is_signed[i - 1]) {
			continue;
		}
		enum err err = check_one(window, i - 1, hmac_key, why);
		if (err != ERR_OK) {
			return err;
		}
		max--;
	}
	return ERR_OK;
}

void window_free(struct window *window)
{
	if (window == NULL) {
		return;
	}
	for (size_t i = 0; i < LIMIT_WINDOW_MESSAGES; i++) {
		message_free(window->messages[i]);
	}
	for (size_t i = 0; i < LIMIT_WINDOW_PROFILES; i++) {
		message_free(window->profiles[i]);
	}
	free(window);
}
