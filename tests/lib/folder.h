/** tests/lib/folder: directories of tests. */
#ifndef TESTS_LIB_FOLDER_H
#define TESTS_LIB_FOLDER_H

/** Remove a directory and all below it; ends the test when something of it stays. */
void folder_remove(const char *dir);

#endif
