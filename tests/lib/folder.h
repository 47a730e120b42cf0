/** tests/lib/folder: directories of tests. */
#ifndef TESTS_LIB_FOLDER_H
#define TESTS_LIB_FOLDER_H

#include <stddef.h>

/** Make a new directory of that name and six letters, below TMPDIR or /tmp; ends the test when it
 * cannot. */
void folder_make(char *dir, size_t size, const char *name);

/** Remove a directory and all below it; ends the test when something of it stays. */
void folder_remove(const char *dir);

#endif
