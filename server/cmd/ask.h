/**
 * cmd/ask: what a person types that nobody else may see: passphrases without echo, the words of a
 * key. Never from argv or the environment; always in memory from sodium_malloc, wiped when freed.
 */
#ifndef CMD_ASK_H
#define CMD_ASK_H

#include "base/limits.h"
#include "base/span.h"
#include "cmd/cmd.h"

struct ask {
	size_t len;
	uint8_t at[LIMIT_PASSPHRASE_BYTES + LIMIT_WORDS_BYTES];
};

/** NULL without memory. */
MUST_USE struct ask *ask_new(void);
void ask_free(struct ask *ask);
static inline struct span ask_span(const struct ask *ask)
{
	return span_of(ask->at, ask->len);
}

/** Can somebody be asked: are standard input and standard error a terminal? */
bool ask_is_possible(void);
/**
 * Standard input to its end, or, on a terminal (where `prompt` is shown first), to the first empty
 * line or until `is_enough` says so; at most `bytes_max`. ERR_LIMIT: there is more; ERR_IO.
 */
MUST_USE enum err ask_text(
	struct ask *ask, const char *prompt, size_t bytes_max, bool (*is_enough)(struct span text));
/** One line from the terminal: with `is_hidden` it is not shown. ERR_NOT_FOUND: there is no
 * terminal, or the input ended, or Ctrl-C did; ERR_LIMIT: longer than LIMIT_PASSPHRASE_BYTES;
 * ERR_IO. */
MUST_USE enum err ask_line(struct ask *ask, const char *prompt, bool is_hidden);
/** The passphrase in a file, without the line break at its end. ERR_DENIED: others may read or
 * write the file; in systemd's $CREDENTIALS_DIRECTORY its group may read it. `why` gets a sentence.
 */
MUST_USE enum err ask_file(struct ask *ask, const char *path, char *why, size_t why_bytes);
/** The passphrase in `file`, or, when that is NULL, typed without echo. Errors as of both; `why`
 * gets a sentence. */
MUST_USE enum err ask_passphrase(
	struct ask *ask, const char *file, const char *prompt, char *why, size_t why_bytes);

#endif
