/*
 * glibc lets a program bring its own malloc(), which every library of the process then uses; ours
 * counts and passes on to glibc's. What the disk of the tests allocates is left alone.
 */
#include "torture/alloc.h"

#include "torture/disk.h"

#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>

void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t count, size_t bytes);
void *__libc_realloc(void *old, size_t bytes);
void *__libc_memalign(size_t align, size_t bytes);
void __libc_free(void *old);

static atomic_bool is_armed, is_for_good;
static atomic_uint_fast64_t seen, fail_at;
static atomic_int_fast64_t live;

void alloc_arm(uint64_t at, bool for_good)
{
	atomic_store(&seen, 0);
	atomic_store(&fail_at, at);
	atomic_store(&is_for_good, for_good);
	atomic_store(&is_armed, true);
}

uint64_t alloc_disarm(void)
{
	atomic_store(&is_armed, false);
	return atomic_load(&seen);
}

int64_t alloc_live(void)
{
	return atomic_load(&live);
}

static bool fails(void)
{
	if (!atomic_load_explicit(&is_armed, memory_order_relaxed) || disk_is_inside()) {
		return false;
	}
	uint64_t number = atomic_fetch_add(&seen, 1) + 1;
	uint64_t at = atomic_load(&fail_at);
	if (at == 0 || (atomic_load(&is_for_good) ? number < at : number != at)) {
		return false;
	}
	errno = ENOMEM;
	return true;
}

static void *counted(void *got)
{
	if (got != NULL) {
		(void)atomic_fetch_add_explicit(&live, 1, memory_order_relaxed);
	}
	return got;
}

void *malloc(size_t bytes)
{
	return fails() ? NULL : counted(__libc_malloc(bytes));
}

void *calloc(size_t count, size_t bytes)
{
	return fails() ? NULL : counted(__libc_calloc(count, bytes));
}

void *realloc(void *old, size_t bytes)
{
	if (old == NULL) {
		return malloc(bytes);
	}
	if (bytes == 0) {
		free(old);
		return NULL;
	}
	return fails() ? NULL : __libc_realloc(old, bytes);
}

void *memalign(size_t align, size_t bytes);
void *memalign(size_t align, size_t bytes)
{
	return fails() ? NULL : counted(__libc_memalign(align, bytes));
}

void *aligned_alloc(size_t align, size_t bytes)
{
	return memalign(align, bytes);
}

int posix_memalign(void **out, size_t align, size_t bytes)
{
	void *got = memalign(align, bytes);
	if (got == NULL) {
		return ENOMEM;
	}
	*out = got;
	return 0;
}

void free(void *old)
{
	if (old != NULL) {
		(void)atomic_fetch_sub_explicit(&live, 1, memory_order_relaxed);
		__libc_free(old);
	}
}
