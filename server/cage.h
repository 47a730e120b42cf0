/**
 * cage: the node gives up what it does not need: other files (Landlock), other programs and most of
 * the system's calls (seccomp). Once closed it is closed for good, for every thread that is started
 * afterwards, so close it before the first one.
 *
 * main() has done the rest for every command: no core dump, not dumpable (nobody of the same user
 * reads its memory), no file for others. Keys are in locked pages (feed/key, sodium_malloc).
 *
 * What may be done inside:
 *  - files: below `writable` everything but special files and executing; below `readable` reading;
 *    what resolving names, /dev/null, /dev/urandom and the process's own /proc needs. What is open
 *    already stays open.
 *  - sockets: IPv4, IPv6 and the kernel's list of interfaces. No new Unix socket: the desktop's bus
 *    would start any program for us, and Landlock does not see whom a socket speaks to. So names
 *    that only Avahi knows (.local) are not resolved; beacons find who is near without names.
 *  - threads, but no process; signals to itself alone.
 *
 * Things to know before something new is called here:
 *  - A call that is not in the list fails with ENOSYS, as on an older kernel: the C library and
 *    libuv then take the older call (clone3 → clone, openat2 → openat, io_uring → threads). With
 *    EPERM they would give up. So an update of a library costs a detour, never the node.
 *  - Starting a program or reading another's memory ends the process (SIGSYS) instead: no library
 *    of ours ever tries, so whoever tries is not us, and gets no second try.
 *  - Memory is never writable and executable: no JIT (PCRE, LuaJIT, libffi closures).
 *  - malloc may mmap, mremap, mprotect (no PROT_EXEC), madvise and brk; memfd_create is missing.
 *  - Filters see numbers, not what pointers point to: clone3 cannot be judged and is missing,
 *    open is Landlock's work.
 *  - 32-bit ARM has its own names (mmap2, _llseek, *64, *_time64, cacheflush): a call added for
 *    one machine needs those of the others. Names a machine does not have are passed over.
 *  - Landlock's rules hold on to files, not names: a disk that is mounted later, or a file that is
 *    replaced by rename, is outside unless its directory was allowed.
 *  - Landlock before 5.19 refuses every rename between directories, which publishing a blob is:
 * such kernels count as having none.
 *  - Sanitizers fork, trace and exec to tell what they found: builds with one are not confined.
 */
#ifndef CAGE_H
#define CAGE_H

#include "base/env.h"

struct cage_opts {
	const char *const
		*writable; /* directories, NULL at the end; one that is missing is left out */
	const char *const *readable; /* files and directories likewise */
	const char *conf; /* NULL, or a file that is read again later: its directory is readable
			     when it is called `kith`, else this very file */
};

/** True in builds with a sanitizer, whose node should leave it open. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define CAGE_IS_SANITIZED true
#elif defined(__has_feature)
#define CAGE_IS_SANITIZED (__has_feature(address_sanitizer) || __has_feature(thread_sanitizer))
#else
#define CAGE_IS_SANITIZED false
#endif

/* What this kernel had to close it with. */
struct cage {
	bool is_closed, is_told;
	long landlock; /* its version; 0: none, or none that we can use */
	bool has_seccomp;
};

/**
 * Close it. What this kernel does not have is left out. ERR_DENIED, ERR_NOMEM with a sentence in
 * `why` when the kernel has it and refuses: then nothing should be served.
 */
MUST_USE enum err cage_close(
	const struct cage_opts *opts, struct cage *out, char *why, size_t why_bytes);
/** Once, one line of the log: what it is made of, a warning when something is missing. Nothing when
 * it was never closed. */
void cage_tell(struct cage *cage, const struct env *env);

#endif
