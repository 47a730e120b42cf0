/* The folder of the node's own backups: names, what is there. */
#include "store/nightly.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { STAMP_AT = 5, STAMP_BYTES = 15 }; /* kith-YYYYMMDD-HHMMSS */

static bool is_stamp(struct span text)
{
	for (size_t i = 0; i < text.len; i++) {
		bool is_digit = text.at[i] >= '0' && text.at[i] <= '9';
		if (i == 8 ? text.at[i] != '-' : !is_digit) {
			return false;
		}
	}
	return text.len == STAMP_BYTES;
}

bool nightly_name_is_ours(struct span name)
{
	static const char *const endings[] = {
		".backup", "-paused.backup", "-away.backup", "-move.backup"};
	if (name.len >= NIGHTLY_NAME_BYTES || !span_starts_with(name, "kith-") ||
		!is_stamp(span_take(span_skip(name, STAMP_AT), STAMP_BYTES))) {
		return false;
	}
	struct span ending = span_skip(name, STAMP_AT + STAMP_BYTES);
	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
		if (span_equal_text(ending, endings[i])) {
			return true;
		}
	}
	return false;
}

static int64_t time_of(const char *name)
{
	struct tm when = {.tm_isdst = 0};
	const char *end = strptime(name + STAMP_AT, "%Y%m%d-%H%M%S", &when);
	return end == NULL ? 0 : (int64_t)timegm(&when) * 1000;
}

static int by_age(const void *a, const void *b)
{
	const struct nightly_file *one = a;
	const struct nightly_file *two = b;
	if (one->at_ms != two->at_ms) {
		return one->at_ms > two->at_ms ? -1 : 1;
	}
	return strcmp(one->name, two->name);
}

/* Keeps the newest when there are more than fit. */
static void take(struct nightly_file *files, size_t *count, const struct nightly_file *file)
{
	if (*count < NIGHTLY_FILES_MAX) {
		files[(*count)++] = *file;
		return;
	}
	size_t oldest = 0;
	for (size_t i = 1; i < *count; i++) {
		oldest = by_age(&files[i], &files[oldest]) > 0 ? i : oldest;
	}
	if (by_age(file, &files[oldest]) < 0) {
		files[oldest] = *file;
	}
}

enum err nightly_list(const char *dir, struct nightly_file *files, size_t *count)
{
	*count = 0;
	DIR *open = opendir(dir);
	if (open == NULL) {
		return errno == ENOENT ? ERR_OK : errno == ENOMEM ? ERR_NOMEM : ERR_IO;
	}
	for (struct dirent *entry = readdir(open); entry != NULL; entry = readdir(open)) {
		struct nightly_file file;
		struct stat is;
		if (!nightly_name_is_ours(span_text(entry->d_name)) ||
			fstatat(dirfd(open), entry->d_name, &is, AT_SYMLINK_NOFOLLOW) != 0 ||
			!S_ISREG(is.st_mode)) {
			continue;
		}
		memcpy(file.name, entry->d_name, strlen(entry->d_name) + 1); /* it fits */
		file.at_ms = time_of(file.name);
		file.bytes = (uint64_t)is.st_size;
		take(files, count, &file);
	}
	(void)closedir(open);
	qsort(files, *count, sizeof(*files), by_age);
	return ERR_OK;
}

void nightly_tidy(const char *dir)
{
	static const char ending[] = ".partial";
	DIR *open = opendir(dir);
	if (open == NULL) {
		return;
	}
	for (struct dirent *entry = readdir(open); entry != NULL; entry = readdir(open)) {
		struct span name = span_text(entry->d_name);
		if (span_ends_with(name, ending) &&
			nightly_name_is_ours(span_take(name, name.len - (sizeof(ending) - 1)))) {
			(void)unlinkat(dirfd(open), entry->d_name, 0);
		}
	}
	(void)closedir(open);
}
