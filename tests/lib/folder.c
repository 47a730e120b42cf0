/* Everything below a directory, and itself: links are removed, not followed. */
#include "lib/folder.h"

#include "lib/cmocka.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void folder_make(char *dir, size_t size, const char *name)
{
	const char *top = getenv("TMPDIR");
	int len = snprintf(dir, size, "%s/%s-XXXXXX", top == NULL ? "/tmp" : top, name);
	assert_true(len > 0 && (size_t)len < size);
	assert_non_null(mkdtemp(dir));
}

void folder_remove(const char *dir)
{
	DIR *open = opendir(dir);
	assert_non_null(open);
	for (struct dirent *entry = readdir(open); entry != NULL; entry = readdir(open)) {
		char path[512];
		struct stat is;
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
			continue;
		}
		(void)snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
		assert_int_equal(lstat(path, &is), 0);
		if (S_ISDIR(is.st_mode)) {
			folder_remove(path);
		} else {
			assert_int_equal(unlink(path), 0);
		}
	}
	(void)closedir(open);
	assert_int_equal(rmdir(dir), 0);
}
