/* `kith device` and `kith password`, beside a node and without one. */
#include "lib/cmocka.h"
#include "lib/shell.h"

#include <stdio.h>
#include <string.h>

/* Before each line: a node runs in the directory `d`; `page JAR METHOD PATH [BODY]` asks as a
 * browser does, prints the status, and leaves the answer in `out`. It ends with the line's own exit
 * code. */
static const char node[] =
	SHELL_RUN " --data d >log 2>&1 & N=$!\n"
		  "trap 'C=$?; kill $N; wait $N; exit $C' EXIT\n"
		  "for i in $(seq 600); do grep -q 'link works' log && break; sleep 0.1; done\n"
		  "U=$(grep -o 'http://localhost:[0-9]*' log | tail -1)\n"
		  "page() { curl -s -o out -w '%{http_code} ' -b $1 -c $1 -X $2 -H \"Origin: $U\" "
		  "-H 'Content-Type: application/json' -H \"X-Kith-Token: $(cat $1.token)\" "
		  "${4:+-d \"$4\"} $U/api/$3; }\n"
		  "field() { sed -n \"s/.*\\\"$1\\\":\\\"\\([^\\\"]*\\)\\\".*/\\1/p\"; }\n";

static const char *beside_a_node(const char *line, const char *part)
{
	char script[4096];
	assert_in_range(
		snprintf(script, sizeof(script), "%s%s", node, line), 1, sizeof(script) - 1);
	return shell_good(script, part);
}

static void a_stopped_node_has_devices_and_a_password_too(void **state)
{
	(void)state;
	(void)shell_good("kith init --data d", "");
	(void)shell_good(
		"kith device list --data d", "No device is signed in.\nNo password is set");
	shell_fails("kith device add --data d", "not running");
	shell_fails("kith device revoke 0123456789abcdef --data d", "signed out already");
	(void)shell_good(
		"printf 'correct horse\\n' >pw; kith password set --password-file pw --data d",
		"opens with the new password");
	(void)shell_good("stat -c %a d/password", "600");
	(void)shell_good("kith device list --data d", "A password opens the page too.");
	shell_fails("printf 'too short' >pw; kith password set --password-file pw --data d",
		"10 characters or more");
	shell_fails("chmod 644 pw; kith password set --password-file pw --data d",
		"can be read by others");
	(void)shell_good("kith password remove --data d", "No password opens the page now");
	shell_fails("kith password remove --data d", "No password is set");
}

static void says_what_it_takes(void **state)
{
	static const char *const wrong[] = {"device", "device gossip", "device list x",
		"device list --read-only", "device rename 0123456789abcdef",
		"device rename 0123456789abcde x", "device revoke",
		"device revoke ../../../etc/passw", "device revoke 0123456789ABCDEF", "password",
		"password change", "password remove --password-file x", "password set set"};
	char line[128];
	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		int code = -1;
		(void)snprintf(line, sizeof(line), "kith %s --data d", wrong[i]);
		const char *said = shell_line(&code, line);
		assert_int_equal(code, 2);
		assert_non_null(strstr(said, "usage: kith "));
	}
}

static void a_device_comes_in_is_renamed_and_revoked(void **state)
{
	(void)state;
	const char *said = beside_a_node(
		"CODE=$(kith device add --read-only --json --data d | field code); : >a.token\n"
		"page a POST session \"{\\\"code\\\":\\\"$CODE\\\"}\"; field token <out >a.token\n"
		"ID=$(kith device list --data d | head -1 | cut -c1-16)\n"
		"kith device rename $ID \"$(printf 'old\\033[2Jphone')\" --data d\n"
		"page a POST post '{}'; page a GET me; kith device revoke $ID --data d\n"
		"page a GET me; kith device list --data d",
		"403 200 401 No device is signed in.");
	assert_int_equal(strncmp(said, "200 ", 4), 0);
	assert_non_null(strstr(said, "  read   old"));
	assert_null(strchr(said, '\033'));
}

static void the_password_opens_beside_a_node_and_after_it(void **state)
{
	static const char come_in[] =
		": >a.token; page a POST session '{\"password\":\"correct horse\"}'\n"
		"field token <out >a.token; page a GET me; kith password remove --data d\n"
		"page a GET me; page a POST session '{\"password\":\"correct horse\"}'";
	(void)state;
	(void)shell_good("kith init --data d; printf 'correct horse\n' >pw; kith password set "
			 "--password-file pw --data d",
		"");
	(void)beside_a_node(come_in, "signed out.\n401 401 ");
	(void)beside_a_node("kith password set --password-file pw --json --data d", "{}");
}

int main(int argc, char **argv)
{
	(void)argc;
	shell_find(argv[0]);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_stopped_node_has_devices_and_a_password_too,
			shell_set_up, shell_tear_down),
		cmocka_unit_test_setup_teardown(says_what_it_takes, shell_set_up, shell_tear_down),
		cmocka_unit_test_setup_teardown(
			a_device_comes_in_is_renamed_and_revoked, shell_set_up, shell_tear_down),
		cmocka_unit_test_setup_teardown(the_password_opens_beside_a_node_and_after_it,
			shell_set_up, shell_tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
