/* feed/window: the newest messages of a feed as a stranger gives them, a line each, those about the
 * author itself behind an empty line. What is shown must be consecutive, of that author, and each
 * naming the one before it. */
#include "feed/claim.h"
#include "feed/window.h"

#include <sodium.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TEXTS_MAX = LIMIT_WINDOW_MESSAGES + 2 };

static void must(bool is_so)
{
	if (!is_so) {
		abort();
	}
}

static size_t lines_of(struct span *left, struct span lines[TEXTS_MAX])
{
	size_t count = 0;
	while (left->len > 0 && count < TEXTS_MAX) {
		const uint8_t *end = memchr(left->at, '\n', left->len);
		struct span line =
			span_take(*left, end == NULL ? left->len : (size_t)(end - left->at));
		*left = span_skip(*left, line.len + 1);
		if (line.len == 0) {
			break;
		}
		lines[count++] = line;
	}
	return count;
}

static void check(const struct window *window)
{
	must(window->count >= 1 && window->count <= LIMIT_WINDOW_MESSAGES);
	must(window->profile_count <= LIMIT_WINDOW_PROFILES);
	for (size_t i = 0; i < window->count; i++) {
		const struct message *message = window->messages[i];
		must(feed_id_equal(&message->author, &window->author));
		must(i == 0 || message->sequence == window->messages[i - 1]->sequence + 1);
		must(i == 0 || message_id_equal(&message->previous, &window->messages[i - 1]->key));
	}
	for (size_t i = 0; i < window->profile_count; i++) {
		must(feed_id_equal(&window->profiles[i]->author, &window->author));
		must(window->profiles[i]->sequence < window->messages[0]->sequence);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span texts[TEXTS_MAX];
	struct span profiles[TEXTS_MAX];
	struct span left = span_of(data, size);
	struct claim claim = {{{0}}, 0};
	struct window *window = NULL;
	const char *why = NULL;
	must(sodium_init() >= 0);
	size_t count = lines_of(&left, texts);
	size_t profile_count = lines_of(&left, profiles);
	if (count == 0 || !claim_read(texts[count - 1], &claim)) {
		return 0;
	}
	if (window_read(&claim.author, texts, count, profiles, profile_count, NULL, &window,
		    &why) != ERR_OK) {
		must(why != NULL);
		return 0;
	}
	check(window);
	if (window_check(window, 2, NULL, &why) == ERR_OK) {
		(void)!window_check(window, TEXTS_MAX, NULL, &why);
	}
	window_free(window);
	return 0;
}
