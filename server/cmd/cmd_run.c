/* `kith run`: start the node and print the link of its page. */
#include "cage.h"
#include "cmd/ask.h"
#include "cmd/reload.h"
#include "config/config.h"
#include "node.h"

#include "base/encode.h"
#include "base/log.h"
#include "store/secret.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { WHY_BYTES = 512, ASK_TIMES = 3 };

static void print_ready(void *ctx, const char *link, const char *address)
{
	(void)ctx;
	(void)address;
	(void)printf("kith is running. Open this page, the link works once: %s\n", link);
	(void)fflush(stdout);
}

static void print_locked(void *ctx, const char *link)
{
	(void)ctx;
	(void)printf("The key of this node is locked. Open this page, or run `kith unlock`; the "
		     "link works once: %s\n",
		link);
	(void)fflush(stdout);
}

/* Somebody sits there: they may unlock it now, or later in the page. */
static enum err ask_key(const char *dir, struct ask *ask, struct key **out)
{
	char why[WHY_BYTES];
	enum err err = ERR_LOCKED;
	for (int i = 0; err == ERR_LOCKED && i < ASK_TIMES && ask_is_possible(); i++) {
		err = ask_line(ask,
			i == 0 ? "Passphrase of the key (Enter alone: unlock it in the page): "
			       : "That was not it. Passphrase of the key: ",
			true);
		if (err == ERR_OK && ask->len > 0) {
			err = secret_load(dir, ask_span(ask), out, why, sizeof(why));
		} else {
			return ERR_LOCKED;
		}
	}
	return err;
}

/* A locked key is opened here when its passphrase is at hand; `*out` stays NULL when it is not
 * locked, or nobody can say the passphrase yet. */
static enum err open_locked(
	const char *dir, const char *passphrase_file, struct key **out, char *why, size_t why_bytes)
{
	struct secret_facts facts = {.is_wrapped = false};
	struct ask *ask = ask_new();
	enum err err = ERR_OK;
	if (ask == NULL) {
		(void)snprintf(why, why_bytes, "there is no memory");
		return ERR_NOMEM;
	}
	if (passphrase_file != NULL) {
		err = ask_file(ask, passphrase_file, why, why_bytes);
	}
	/* What is wrong with the secret file, the node says when it starts. */
	bool is_wrapped = err == ERR_OK && secret_look(dir, &facts, why, why_bytes) == ERR_OK &&
			  facts.is_wrapped;
	if (is_wrapped && passphrase_file != NULL) {
		err = secret_load(dir, ask_span(ask), out, why, why_bytes);
	} else if (is_wrapped) {
		err = ask_key(dir, ask, out);
		err = err == ERR_LOCKED ? ERR_OK : err;
	}
	ask_free(ask);
	return err;
}

/* What the settings say becomes what node and process are told. Texts are borrowed. */
static void apply(
	const struct settings *settings, struct node_opts *opts, uint8_t network_key[static 32])
{
	const char *network = settings_text(settings, OPTION_NETWORK_KEY);
	size_t count = 0;
	opts->host = settings_text(settings, OPTION_HOST);
	opts->port = (uint16_t)settings_number(settings, OPTION_PORT);
	opts->http_port = (uint16_t)settings_number(settings, OPTION_HTTP_PORT);
	opts->http_host = settings_text(settings, OPTION_HTTP_HOST);
	opts->public_url = settings_text(settings, OPTION_PUBLIC_URL);
	opts->trusted_proxies = settings_text(settings, OPTION_TRUSTED_PROXIES);
	opts->hops_max = (int)settings_number(settings, OPTION_HOPS);
	opts->is_lan_on = settings_is_on(settings, OPTION_LAN);
	opts->beacon_port = (uint16_t)settings_number(settings, OPTION_LAN_PORT);
	opts->backup_dir = settings_text(settings, OPTION_BACKUP_DIR);
	reload_apply(settings, &opts->live);
	opts->web_dir = settings_text(settings, OPTION_WEB_DIR);
	opts->conf_path = settings_file(settings);
	opts->memory_max = settings_number(settings, OPTION_MEMORY_MAX) * MIB;
	log_set_json(strcmp(settings_text(settings, OPTION_LOG), "json") == 0);
	opts->is_caged = settings_is_on(settings, OPTION_SANDBOX) && !CAGE_IS_SANITIZED;
	if (network != NULL &&
		base64_decode(span_text(network), network_key, 32, &count) == ERR_OK) {
		opts->network_key = network_key;
	}
}

static int run(const struct settings *settings, const char *const flags[static OPTION_COUNT])
{
	uint8_t network_key[32];
	char why[WHY_BYTES] = "";
	struct reload reload = {.env = env_system(),
		.flags = flags,
		.settings = settings,
		.has_terminal = isatty(STDERR_FILENO) != 0};
	struct node_opts opts = {
		.env = env_system(),
		.dir = settings_text(settings, OPTION_DATA),
		.network_key = config_main_network_key,
		.on_hangup = reload_now,
		.on_ready = print_ready,
		.on_locked = print_locked,
		.ctx = &reload,
	};
	apply(settings, &opts, network_key);
	if (opts.dir == NULL) {
		return cmd_fail("run", "%s", config_data_dir_why(ERR_NOT_FOUND));
	}
	if (!reload_has_room_for(opts.live.peers_max)) {
		return cmd_fail("run", "so many peers need more open files than the system allows "
				       "(`ulimit -n`)");
	}
	const char *passphrase_file = settings_text(settings, OPTION_PASSPHRASE_FILE);
	enum err err = open_locked(opts.dir, passphrase_file, &opts.key, why, sizeof(why));
	if (err != ERR_OK || node_run(&opts, why, sizeof(why)) != ERR_OK) {
		return cmd_fail("run", "%s", why);
	}
	return EXIT_GOOD;
}

int cmd_run(int argc, char **argv)
{
	const char *flags[OPTION_COUNT] = {NULL};
	int plain = flags_take("run", argc, argv, NULL, 0, flags);
	if (plain != 0) {
		return plain < 0 ? EXIT_USAGE : cmd_usage(cmd_find("run"), "it takes no argument");
	}
	struct settings *settings = flags_load("run", flags);
	int code = settings == NULL ? EXIT_USAGE : run(settings, flags);
	settings_free(settings);
	return code;
}
