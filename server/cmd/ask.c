/*
 * Secrets from a terminal, a pipe or a file. Plain read(): stdio would keep a copy in its own
 * buffer. A signal while the echo is off gives the terminal back as it was.
 */
#include "cmd/ask.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

enum { CTRL_C = 3 };

struct ask *ask_new(void)
{
	struct ask *ask = sodium_malloc(sizeof(*ask));
	if (ask != NULL) {
		sodium_memzero(ask, sizeof(*ask));
	}
	return ask;
}

void ask_free(struct ask *ask)
{
	sodium_free(ask); /* wipes it */
}

bool ask_is_possible(void)
{
	return isatty(STDIN_FILENO) == 1 && isatty(STDERR_FILENO) == 1;
}

/* One read at the end of `ask`. `*is_end`: nothing more comes. */
static enum err read_more(struct ask *ask, int fd, size_t bytes_max, bool *is_end)
{
	uint8_t one_more = 0;
	bool is_full = ask->len >= bytes_max;
	ssize_t count = 0;
	do {
		count = is_full ? read(fd, &one_more, 1)
				: read(fd, ask->at + ask->len, bytes_max - ask->len);
	} while (count < 0 && errno == EINTR);
	*is_end = count == 0;
	if (count < 0) {
		return ERR_IO;
	}
	if (is_full && count > 0) {
		sodium_memzero(&one_more, sizeof(one_more));
		return ERR_LIMIT;
	}
	ask->len += (size_t)count;
	return ERR_OK;
}

static bool ends_in_empty_line(struct span text)
{
	return text.len > 0 && text.at[text.len - 1] == '\n' &&
	       (text.len == 1 || text.at[text.len - 2] == '\n');
}

enum err ask_text(
	struct ask *ask, const char *prompt, size_t bytes_max, bool (*is_enough)(struct span text))
{
	bool is_terminal = ask_is_possible();
	bool is_end = false;
	enum err err = ERR_OK;
	ask->len = 0;
	if (is_terminal) {
		(void)fputs(prompt, stderr);
	}
	while (err == ERR_OK && !is_end) {
		err = read_more(ask, STDIN_FILENO, bytes_max, &is_end);
		if (is_terminal &&
			(ends_in_empty_line(ask_span(ask)) || is_enough(ask_span(ask)))) {
			break;
		}
	}
	return err;
}

static bool is_line(struct span text)
{
	uint8_t last = text.len == 0 ? 0 : text.at[text.len - 1];
	return last == '\n' || last == CTRL_C;
}

static enum err read_line(struct ask *ask)
{
	bool is_end = false;
	enum err err = ERR_OK;
	ask->len = 0;
	while (err == ERR_OK && !is_end && !is_line(ask_span(ask))) {
		err = read_more(ask, STDIN_FILENO, LIMIT_PASSPHRASE_BYTES + 1, &is_end);
	}
	if (err == ERR_OK && ask->len > 0 && ask->at[ask->len - 1] == '\n') {
		ask->len--;
	} else if (err == ERR_OK && ask->len == 0) {
		err = ERR_NOT_FOUND;
	}
	return err == ERR_OK && ask->len > LIMIT_PASSPHRASE_BYTES ? ERR_LIMIT : err;
}

static void block_signals(sigset_t *before)
{
	sigset_t stop;
	(void)sigemptyset(&stop);
	(void)sigaddset(&stop, SIGINT);
	(void)sigaddset(&stop, SIGTERM);
	(void)sigaddset(&stop, SIGTSTP);
	(void)sigaddset(&stop, SIGHUP);
	(void)sigprocmask(SIG_BLOCK, &stop, before);
}

/* With the echo off, and with ISIG off too, Ctrl-C is a byte that ends the line, as one who gives
 * up: nothing can leave the terminal without its echo. */
static enum err read_hidden(struct ask *ask, const char *prompt)
{
	struct termios was;
	sigset_t before;
	if (tcgetattr(STDIN_FILENO, &was) != 0) {
		return ERR_NOT_FOUND;
	}
	block_signals(&before);
	struct termios hidden = was;
	hidden.c_lflag &= ~(tcflag_t)(ECHO | ISIG);
	hidden.c_cc[VEOL] = CTRL_C;
	enum err err = tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden) == 0 ? ERR_OK : ERR_IO;
	if (err == ERR_OK) {
		/* Only now: who sees it may type, and nothing of that is shown or thrown away. */
		(void)fputs(prompt, stderr);
		err = read_line(ask);
	}
	(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &was);
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	(void)fputc('\n', stderr);
	if (err == ERR_OK && memchr(ask->at, CTRL_C, ask->len) != NULL) {
		err = ERR_NOT_FOUND;
	}
	return err;
}

enum err ask_line(struct ask *ask, const char *prompt, bool is_hidden)
{
	if (!ask_is_possible()) {
		return ERR_NOT_FOUND;
	}
	if (is_hidden) {
		return read_hidden(ask, prompt);
	}
	(void)fputs(prompt, stderr);
	return read_line(ask);
}

/* systemd hands a unit its credentials (LoadCredential=) in a directory that nobody else may enter,
 * as files of root; the unit's user reads them by an access list, which looks like a right of the
 * group. */
static bool is_credential(const char *path)
{
	struct stat info;
	const char *dir = getenv("CREDENTIALS_DIRECTORY");
	size_t len = dir == NULL ? 0 : strlen(dir);
	return len > 0 && dir[0] == '/' && strncmp(path, dir, len) == 0 && path[len] == '/' &&
	       strchr(path + len + 1, '/') == NULL && stat(dir, &info) == 0 &&
	       (info.st_mode & 027) == 0;
}

/* Nobody else may read it, or write it. */
static bool is_private(const char *path, const struct stat *info)
{
	return (info->st_mode & 077) == 0 || ((info->st_mode & 037) == 0 && is_credential(path));
}

enum err ask_file(struct ask *ask, const char *path, char *why, size_t why_bytes)
{
	struct stat info;
	bool is_end = false;
	enum err err = ERR_OK;
	ask->len = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &info) != 0) {
		(void)snprintf(why, why_bytes, "%s cannot be read: %s", path, strerror(errno));
		err = errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;
		goto out;
	}
	if (!is_private(path, &info)) {
		(void)snprintf(why, why_bytes,
			"%s can be read by others; make it private with: chmod 600 '%s'", path,
			path);
		err = ERR_DENIED;
		goto out;
	}
	while (err == ERR_OK && !is_end) {
		err = read_more(ask, fd, LIMIT_PASSPHRASE_BYTES + 1, &is_end);
	}
	if (ask->len > 0 && ask->at[ask->len - 1] == '\n') {
		ask->len--;
	}
	if (err == ERR_OK && (ask->len == 0 || ask->len > LIMIT_PASSPHRASE_BYTES)) {
		err = ask->len == 0 ? ERR_REFUSED : ERR_LIMIT;
	}
	if (err != ERR_OK) {
		(void)snprintf(why, why_bytes, "%s %s", path,
			err == ERR_REFUSED ? "holds no passphrase"
			: err == ERR_LIMIT ? "is longer than a passphrase can be"
					   : "cannot be read");
	}
out:
	if (fd >= 0) {
		(void)close(fd);
	}
	return err;
}

enum err ask_passphrase(
	struct ask *ask, const char *file, const char *prompt, char *why, size_t why_bytes)
{
	if (file != NULL) {
		return ask_file(ask, file, why, why_bytes);
	}
	bool is_possible = ask_is_possible();
	enum err err = ask_line(ask, prompt, true);
	if (err != ERR_OK) {
		(void)snprintf(why, why_bytes, "%s",
			!is_possible           ? "there is no terminal to ask for the passphrase"
			: err == ERR_LIMIT     ? "that is longer than a passphrase can be"
			: err == ERR_NOT_FOUND ? "no passphrase was given"
					       : "the passphrase cannot be read");
	}
	return err;
}
