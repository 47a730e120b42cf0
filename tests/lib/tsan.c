/* What ThreadSanitizer is told in tests. */

const char *__tsan_default_suppressions(void);

/*
 * libuv closes its sockets by a system call that the sanitizer does not see, so it takes the next
 * file with the same number for the old one.
 */
const char *__tsan_default_suppressions(void)
{
	return "race:epoll_ctl\n";
}
