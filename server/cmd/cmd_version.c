/* `kith version`: which program this is, what it was built with and what it runs with, and which
 * form of the database it knows. */
#include "cmd/client.h"

#include "api/http.h"
#include "api/live.h"
#include "base/version.h"
#include "net/loop.h"
#include "store/store.h"

#include <sodium.h>
#include <stdio.h>

/* As a packager or the Makefile said it; nothing of the time or place of the build. */
#ifndef KITH_COMMIT
#define KITH_COMMIT ""
#endif

static const char *compiler(void)
{
#ifdef __clang__
	return "clang " __clang_version__;
#else
	return "gcc " __VERSION__;
#endif
}

static json_t *libraries(void)
{
	json_t *out = json_object();
	const char *const pairs[][2] = {{"libsodium", sodium_version_string()},
		{"sqlite", store_engine()}, {"libuv", loop_engine()},
		{"libmicrohttpd", http_engine()}, {"libwebsockets", live_engine()},
		{"jansson", JANSSON_VERSION}};
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		(void)json_object_set_new(out, pairs[i][0], json_string(pairs[i][1]));
	}
	return out;
}

static int print(const json_t *all)
{
	const char *name = NULL;
	const json_t *version = NULL;
	const char *commit = client_text(all, "commit");
	(void)printf(
		"kith %s%s%s\n", client_text(all, "version"), commit[0] == '\0' ? "" : " ", commit);
	(void)printf("schema         %lld\n", (long long)client_number(all, "schema"));
	(void)printf("compiler       %s\n", client_text(all, "compiler"));
	json_object_foreach(json_object_get((json_t *)(uintptr_t)all, "libraries"), name, version)
	{
		(void)printf("%-14s %s\n", name, json_string_value(version));
	}
	return EXIT_GOOD;
}

int cmd_version(int argc, char **argv)
{
	bool is_json = false;
	const struct cmd_option options[] = {{"--json", NULL, &is_json}};
	int plain = cmd_options("version", argc, argv, options, 1);
	if (plain != 0) {
		return plain < 0 ? EXIT_USAGE
				 : cmd_usage(cmd_find("version"), "it takes no argument");
	}
	json_t *all = json_pack("{s:s, s:s, s:s, s:I, s:o}", "version", KITH_VERSION, "commit",
		KITH_COMMIT, "compiler", compiler(), "schema", (json_int_t)embedded_schema_count,
		"libraries", libraries());
	int code = all == NULL ? cmd_fail("version", "there is no memory")
		   : is_json   ? client_print_json(all)
			       : print(all);
	json_decref(all);
	return code;
}
