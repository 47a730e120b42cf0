/* /proc/self/statm is opened once and read again and again: its second number are the pages in RAM.
 */
#include "base/memory.h"

#include "base/limits.h"

#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct {
	int statm; /* 0: memory_init() was not called, or there is none */
	int64_t budget;
} state;

void memory_init(int64_t budget)
{
	state.budget = budget;
	if (state.statm == 0) {
		int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
		state.statm = fd < 0 ? 0 : fd;
	}
	if (budget > 0) {
		/* Each thread takes 64 MiB of addresses for an arena of its own, and what it frees
		 * there nobody else uses. */
		(void)mallopt(M_ARENA_MAX, 2);
	}
}

static int64_t resident(void)
{
	char text[128];
	ssize_t len = state.statm == 0 ? 0 : pread(state.statm, text, sizeof(text) - 1, 0);
	if (len <= 0) {
		return 0;
	}
	text[len] = '\0';
	char *end = NULL;
	(void)strtoll(text, &end, 10);
	return strtoll(end, NULL, 10) * sysconf(_SC_PAGESIZE);
}

void memory_look(struct memory_now *out)
{
	struct mallinfo2 heap = mallinfo2();
	*out = (struct memory_now){.resident = resident(),
		.heap = (int64_t)(heap.uordblks + heap.hblkhd),
		.budget = state.budget};
}

int64_t memory_share(int64_t usual, int64_t least)
{
	if (state.budget == 0 || state.budget >= LIMIT_MEMORY_BYTES) {
		return usual;
	}
	int64_t part = usual / 1024 * (state.budget / 1024) / (LIMIT_MEMORY_BYTES / 1024) * 1024;
	return part < least ? least : part;
}
