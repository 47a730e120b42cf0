/*
 * Landlock by raw calls (the C library has no names for them), seccomp by libseccomp, which knows
 * the numbers of every machine. The list of calls was learnt with strace from nodes that did all
 * there is to do, and widened by what other versions of the libraries would call in their place.
 */
#include "cage.h"

#include "base/log.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <linux/landlock.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <sched.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Landlock. */

/* Of headers newer than Debian 12's. */
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14)
#endif
#ifndef LANDLOCK_ACCESS_FS_IOCTL_DEV
#define LANDLOCK_ACCESS_FS_IOCTL_DEV (1ULL << 15)
#endif

enum {
	CAGE_ABI_LEAST = 2, /* renames between directories (5.19) */
	CAGE_ABI_TRUNCATE = 3,
	CAGE_ABI_IOCTL = 5,
};
#define CAGE_READ_FILE LANDLOCK_ACCESS_FS_READ_FILE
#define CAGE_READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define CAGE_WRITE                                                                   \
	(CAGE_READ | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR | \
		LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_DIR |       \
		LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_REFER |             \
		LANDLOCK_ACCESS_FS_TRUNCATE)
/* Of a rule for what is no directory. */
#define CAGE_OF_FILES \
	(LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_TRUNCATE)

struct rule {
	const char *path;
	uint64_t rights;
};

/* Beside the data. The resolver's own modules (/etc/nsswitch.conf) are loaded when they are first
 * needed. */
static const struct rule of_the_system[] = {
	{"/dev/null", CAGE_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE},
	{"/dev/urandom", CAGE_READ_FILE}, {"/dev/random", CAGE_READ_FILE},
	{"/etc/gai.conf", CAGE_READ_FILE}, {"/etc/host.conf", CAGE_READ_FILE},
	{"/etc/hosts", CAGE_READ_FILE}, {"/etc/ld.so.cache", CAGE_READ_FILE},
	{"/etc/localtime", CAGE_READ_FILE}, {"/etc/machine-id", CAGE_READ_FILE},
	{"/etc/nsswitch.conf", CAGE_READ_FILE}, {"/etc/resolv.conf", CAGE_READ_FILE},
	{"/etc/services", CAGE_READ_FILE}, {"/lib", CAGE_READ_FILE}, {"/lib64", CAGE_READ_FILE},
	{"/usr/lib", CAGE_READ_FILE}, {"/usr/lib64", CAGE_READ_FILE},
	{"/sys/devices/system/cpu/online", CAGE_READ_FILE}, /* how many arenas malloc makes */
};

struct landlock {
	int fd;
	uint64_t handled;
};

static enum err add_rule(const struct landlock *landlock, int fd, uint64_t rights)
{
	struct stat is;
	if (fstat(fd, &is) != 0) {
		return ERR_IO;
	}
	struct landlock_path_beneath_attr rule = {.parent_fd = fd,
		.allowed_access = landlock->handled & rights &
				  (S_ISDIR(is.st_mode) ? UINT64_MAX : CAGE_OF_FILES)};
	return syscall(SYS_landlock_add_rule, landlock->fd, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) ==
			       0
		       ? ERR_OK
		       : ERR_IO;
}

/* What is not there, or not ours to see, needs no rule. */
static enum err allow(const struct landlock *landlock, const char *path, uint64_t rights)
{
	int fd = open(path, O_PATH | O_CLOEXEC);
	if (fd < 0) {
		return ERR_OK;
	}
	enum err err = add_rule(landlock, fd, rights);
	(void)close(fd);
	return err;
}

static enum err allow_all(
	const struct landlock *landlock, const char *const *paths, uint64_t rights)
{
	enum err err = ERR_OK;
	for (; err == ERR_OK && paths != NULL && *paths != NULL; paths++) {
		err = allow(landlock, *paths, rights);
	}
	return err;
}

/* Whoever writes the resolver's file (NetworkManager, resolved, a DHCP client) puts a new one in
 * its place when the network changes, so its directory is needed. When that is /etc itself, this
 * is no loss for a user, whom its secrets are closed to anyway; but root would read them. */
static enum err allow_resolver(const struct landlock *landlock)
{
	char *path = realpath("/etc/resolv.conf", NULL);
	enum err err = ERR_OK;
	if (path != NULL) {
		const char *dir = dirname(path);
		err = strcmp(dir, "/etc") == 0 && geteuid() == 0
			      ? ERR_OK
			      : allow(landlock, dir, CAGE_READ_FILE);
	}
	free(path);
	return err;
}

static enum err allow_conf(const struct landlock *landlock, const char *conf)
{
	char *path = conf == NULL ? NULL : realpath(conf, NULL);
	enum err err = ERR_OK;
	if (path != NULL) {
		err = allow(landlock, path, CAGE_READ_FILE);
		const char *dir = dirname(path);
		const char *slash = strrchr(dir, '/');
		if (err == ERR_OK && slash != NULL && strcmp(slash, "/kith") == 0) {
			err = allow(landlock, dir, CAGE_READ_FILE);
		}
	}
	free(path);
	return err;
}

/* The kernel makes this directory anew when nobody holds it, and the rule would be of the old one:
 * so the descriptor stays open. */
static enum err allow_own_proc(const struct landlock *landlock)
{
	int fd = open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? ERR_OK : add_rule(landlock, fd, CAGE_READ);
}

static enum err allow_files(const struct landlock *landlock, const struct cage_opts *opts)
{
	enum err err = allow_all(landlock, opts->writable, CAGE_WRITE);
	if (err == ERR_OK) {
		err = allow_all(landlock, opts->readable, CAGE_READ);
	}
	for (size_t i = 0; err == ERR_OK && i < sizeof(of_the_system) / sizeof(of_the_system[0]);
		i++) {
		err = allow(landlock, of_the_system[i].path, of_the_system[i].rights);
	}
	if (err == ERR_OK) {
		err = allow_resolver(landlock);
	}
	if (err == ERR_OK) {
		err = allow_conf(landlock, opts->conf);
	}
	return err == ERR_OK ? allow_own_proc(landlock) : err;
}

/* `*abi` is 0 when this kernel has none that we can use. */
static enum err close_files(const struct cage_opts *opts, long *abi)
{
	*abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	if (*abi < CAGE_ABI_LEAST) {
		*abi = 0;
		return ERR_OK;
	}
	/* All there is, so that what has no rule is refused. */
	struct landlock_ruleset_attr attr = {
		.handled_access_fs = ((LANDLOCK_ACCESS_FS_REFER << 1) - 1)};
	attr.handled_access_fs |= *abi >= CAGE_ABI_TRUNCATE ? LANDLOCK_ACCESS_FS_TRUNCATE : 0;
	attr.handled_access_fs |= *abi >= CAGE_ABI_IOCTL ? LANDLOCK_ACCESS_FS_IOCTL_DEV : 0;
	struct landlock landlock = {.handled = attr.handled_access_fs,
		.fd = (int)syscall(
			SYS_landlock_create_ruleset, &attr, sizeof(attr.handled_access_fs), 0)};
	if (landlock.fd < 0) {
		return ERR_IO;
	}
	enum err err = allow_files(&landlock, opts);
	if (err == ERR_OK && syscall(SYS_landlock_restrict_self, landlock.fd, 0) != 0) {
		err = ERR_IO;
	}
	(void)close(landlock.fd);
	return err;
}

/* Seccomp. */

/* Whatever their arguments are. */
static const char *const allowed[] = {
	/* files; which ones is Landlock's affair */
	"access", "chmod", "close", "close_range", "copy_file_range", "creat", "dup", "dup2",
	"dup3", "faccessat", "faccessat2", "fadvise64", "fadvise64_64", "arm_fadvise64_64",
	"fallocate", "fchmod", "fchmodat", "fchown", "fchown32", "fcntl", "fcntl64", "fdatasync",
	"flock", "fstat", "fstat64", "fstatat64", "fstatfs", "fstatfs64", "fsync", "ftruncate",
	"ftruncate64", "getcwd", "getdents", "getdents64", "link", "linkat", "_llseek", "lseek",
	"lstat", "lstat64", "mkdir", "mkdirat", "newfstatat", "open", "openat", "pread64", "preadv",
	"preadv2", "pwrite64", "pwritev", "pwritev2", "read", "readlink", "readlinkat", "readv",
	"rename", "renameat", "renameat2", "rmdir", "sendfile", "sendfile64", "stat", "stat64",
	"statfs", "statfs64", "statx", "sync_file_range", "sync_file_range2", "truncate",
	"truncate64", "umask", "unlink", "unlinkat", "utimensat", "utimensat_time64", "write",
	"writev",
	/* sockets; which ones socket() decides, below */
	"accept", "accept4", "bind", "connect", "getpeername", "getsockname", "getsockopt",
	"listen", "recv", "recvfrom", "recvmmsg", "recvmmsg_time64", "recvmsg", "send", "sendmmsg",
	"sendmsg", "sendto", "setsockopt", "shutdown",
	/* waiting */
	"epoll_create", "epoll_create1", "epoll_ctl", "epoll_pwait", "epoll_pwait2", "epoll_wait",
	"eventfd", "eventfd2", "_newselect", "pipe", "pipe2", "poll", "ppoll", "ppoll_time64",
	"pselect6", "pselect6_time64", "select", "timerfd_create", "timerfd_gettime",
	"timerfd_gettime64", "timerfd_settime", "timerfd_settime64",
	/* memory */
	"brk", "cacheflush", "madvise", "membarrier", "mlock", "mlock2", "mremap", "munlock",
	"munmap",
	/* threads, signals, the end */
	"exit", "exit_group", "futex", "futex_time64", "futex_waitv", "get_robust_list", "getpid",
	"getppid", "gettid", "pause", "restart_syscall", "rseq", "rt_sigaction", "rt_sigpending",
	"rt_sigprocmask", "rt_sigreturn", "rt_sigsuspend", "rt_sigtimedwait",
	"rt_sigtimedwait_time64", "sched_get_priority_max", "sched_get_priority_min",
	"sched_getaffinity", "sched_getparam", "sched_getscheduler", "sched_yield",
	"set_robust_list", "set_tid_address", "set_tls", "sigaltstack", "sigreturn",
	/* who, when, how much */
	"clock_getres", "clock_getres_time64", "clock_gettime", "clock_gettime64",
	"clock_nanosleep", "clock_nanosleep_time64", "getcpu", "getegid", "getegid32", "geteuid",
	"geteuid32", "getgid", "getgid32", "getrandom", "getrlimit", "getrusage", "gettimeofday",
	"getuid", "getuid32", "nanosleep", "sysinfo", "time", "times", "ugetrlimit", "uname"};

/* Nobody of ours ever calls these. */
static const char *const deadly[] = {
	"execve", "execveat", "process_vm_readv", "process_vm_writev", "ptrace"};

/* Calls that are allowed when one argument is right. */
struct judged {
	const char *name;
	struct scmp_arg_cmp when;
};

static const struct judged judged[] = {
	/* threads, no processes */
	{"clone", {0, SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD}},
	/* kinds of sockets */
	{"socket", {0, SCMP_CMP_EQ, AF_INET, 0}},
	{"socket", {0, SCMP_CMP_EQ, AF_INET6, 0}},
	/* what a socket or a terminal is asked; never what is typed for it (TIOCSTI) */
	{"ioctl", {1, SCMP_CMP_EQ, FIONBIO, 0}},
	{"ioctl", {1, SCMP_CMP_EQ, FIONREAD, 0}},
	{"ioctl", {1, SCMP_CMP_EQ, FIOCLEX, 0}},
	{"ioctl", {1, SCMP_CMP_EQ, TCGETS, 0}},
	{"ioctl", {1, SCMP_CMP_EQ, SIOCGIFINDEX, 0}},
	{"ioctl", {1, SCMP_CMP_EQ, SIOCGIFNAME, 0}},
	/* memory: never writable and executable, and what was writable never becomes executable */
	{"mmap", {2, SCMP_CMP_MASKED_EQ, PROT_WRITE | PROT_EXEC, 0}},
	{"mmap", {2, SCMP_CMP_MASKED_EQ, PROT_WRITE | PROT_EXEC, PROT_WRITE}},
	{"mmap", {2, SCMP_CMP_MASKED_EQ, PROT_WRITE | PROT_EXEC, PROT_EXEC}},
	{"mmap2", {2, SCMP_CMP_MASKED_EQ, PROT_WRITE | PROT_EXEC, 0}},
	{"mmap2", {2, SCMP_CMP_MASKED_EQ, PROT_WRITE | PROT_EXEC, PROT_WRITE}},
	{"mmap2", {2, SCMP_CMP_MASKED_EQ, PROT_WRITE | PROT_EXEC, PROT_EXEC}},
	{"mprotect", {2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0}},
	/* a thread's name */
	{"prctl", {0, SCMP_CMP_EQ, PR_SET_NAME, 0}},
	/* its own limits */
	{"prlimit64", {0, SCMP_CMP_EQ, 0, 0}},
};

/* Names this machine does not have are passed over. */
static int rule(scmp_filter_ctx filter, uint32_t action, const char *name, unsigned count,
	const struct scmp_arg_cmp *when)
{
	int number = seccomp_syscall_resolve_name(name);
	return number == __NR_SCMP_ERROR
		       ? 0
		       : seccomp_rule_add_array(filter, action, number, count, when);
}

/* Signals to nobody else: abort() and pthread_kill() need it. */
static int allow_own_signals(scmp_filter_ctx filter)
{
	const struct scmp_arg_cmp own = {0, SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0};
	int rc = rule(filter, SCMP_ACT_ALLOW, "kill", 1, &own);
	return rc == 0 ? rule(filter, SCMP_ACT_ALLOW, "tgkill", 1, &own) : rc;
}

/* Interfaces and their addresses: for beacons, and for the resolver's choice of an address. */
static int allow_netlink(scmp_filter_ctx filter)
{
	const struct scmp_arg_cmp route[] = {
		{0, SCMP_CMP_EQ, AF_NETLINK, 0}, {2, SCMP_CMP_EQ, NETLINK_ROUTE, 0}};
	return rule(filter, SCMP_ACT_ALLOW, "socket", 2, route);
}

static int fill(scmp_filter_ctx filter)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < sizeof(allowed) / sizeof(allowed[0]); i++) {
		rc = rule(filter, SCMP_ACT_ALLOW, allowed[i], 0, NULL);
	}
	for (size_t i = 0; rc == 0 && i < sizeof(judged) / sizeof(judged[0]); i++) {
		rc = rule(filter, SCMP_ACT_ALLOW, judged[i].name, 1, &judged[i].when);
	}
	for (size_t i = 0; rc == 0 && i < sizeof(deadly) / sizeof(deadly[0]); i++) {
		rc = rule(filter, SCMP_ACT_KILL_PROCESS, deadly[i], 0, NULL);
	}
	if (rc == 0) {
		rc = allow_own_signals(filter);
	}
	return rc == 0 ? allow_netlink(filter) : rc;
}

/* `*is_there`: this kernel has filters. */
static enum err close_calls(bool *is_there)
{
	*is_there = prctl(PR_GET_SECCOMP, 0, 0, 0, 0) >= 0;
	if (!*is_there) {
		return ERR_OK;
	}
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
	if (filter == NULL) {
		return ERR_NOMEM;
	}
	/* Calls of another machine's kind (32-bit ones on amd64) have other numbers: nobody of
	 * ours makes any. Level 2 sorts the list into a tree: some steps per call instead of 200.
	 */
	int rc = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	if (rc == 0) {
		rc = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	}
	if (rc == 0) {
		rc = fill(filter);
	}
	if (rc == 0) {
		rc = seccomp_load(filter);
	}
	seccomp_release(filter);
	errno = -rc;
	return rc == 0 ? ERR_OK : rc == -ENOMEM ? ERR_NOMEM : ERR_DENIED;
}

/* Its links are itself, its own and one for each thread. */
static bool has_one_thread(void)
{
	struct stat is;
	return stat("/proc/self/task", &is) != 0 || is.st_nlink == 3;
}

enum err cage_close(const struct cage_opts *opts, struct cage *out, char *why, size_t why_bytes)
{
	*out = (struct cage){.is_closed = false};
	assert(has_one_thread()); /* another would stay outside, and share our memory */
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
		(void)snprintf(
			why, why_bytes, "cannot give up new privileges: %s", strerror(errno));
		return ERR_DENIED;
	}
	if (close_files(opts, &out->landlock) != ERR_OK) {
		(void)snprintf(why, why_bytes,
			"cannot confine itself to its directory (%s); --no-sandbox starts it "
			"without",
			strerror(errno));
		return ERR_DENIED;
	}
	enum err err = close_calls(&out->has_seccomp);
	if (err != ERR_OK) {
		(void)snprintf(why, why_bytes,
			"cannot filter its system calls (%s); --no-sandbox starts it without",
			strerror(errno));
		return err;
	}
	out->is_closed = true;
	return ERR_OK;
}

void cage_tell(struct cage *cage, const struct env *env)
{
	if (!cage->is_closed || cage->is_told) {
		return;
	}
	cage->is_told = true;
	if (cage->landlock > 0 && cage->has_seccomp) {
		LOG(env, LOG_INFO, "cage.closed", LOG_NUM("landlock", cage->landlock));
	} else {
		LOG(env, LOG_WARN, "cage.half_closed",
			LOG_TEXT("files",
				cage->landlock > 0 ? "confined" : "this kernel has no Landlock"),
			LOG_TEXT("calls",
				cage->has_seccomp ? "filtered" : "this kernel has no seccomp"));
	}
}
