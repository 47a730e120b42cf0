/* `kith run`: start the node and print the link of its page. */
#include "cmd/ask.h"
#include "config.h"
#include "node.h"

#include "base/log.h"
#include "store/secret.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

enum { WHY_BYTES = 512, DIR_BYTES = 4096, ASK_TIMES = 3, OTHER_FILES = 768 };

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

/* The texts of the options become numbers and bytes; NULL on success, else what is wrong. */
static const char *read_values(struct node_opts *opts, const char *port, const char *http_port,
	const char *hops, const char *beacon, const char *network, const char *peers,
	uint8_t network_key[static 32])
{
	uint16_t peers_max = 0;
	if (peers != NULL) {
		if (config_port(peers, &peers_max) != ERR_OK || peers_max < 1 ||
			peers_max > LIMIT_PEERS_MAX) {
			return "--peers-max takes a number from 1 to 16000";
		}
		opts->peers_max = peers_max;
	}
	if (port != NULL && config_port(port, &opts->port) != ERR_OK) {
		return "--port takes a number from 0 to 65535";
	}
	if (http_port != NULL && config_port(http_port, &opts->http_port) != ERR_OK) {
		return "--http-port takes a number from 0 to 65535";
	}
	if (beacon != NULL && config_port(beacon, &opts->beacon_port) != ERR_OK) {
		return "--lan-port takes a number from 0 to 65535";
	}
	if (hops != NULL) {
		if (hops[0] < '1' || hops[0] > '3' || hops[1] != '\0') {
			return "--hops takes 1, 2 or 3";
		}
		opts->hops_max = hops[0] - '0';
	}
	if (network != NULL) {
		size_t count = 0;
		if (base64_decode(span_text(network), network_key, 32, &count) != ERR_OK ||
			count != 32) {
			return "--network-key takes 32 bytes in base64 (44 characters)";
		}
		opts->network_key = network_key;
	}
	return NULL;
}

/* Each peer is an open file, and so is who waits to become one. */
static bool has_room_for(unsigned peers)
{
	struct rlimit files;
	const rlim_t wanted =
		(rlim_t)(peers == 0 ? LIMIT_PEERS : peers) + LIMIT_ACCEPTS_WAITING + OTHER_FILES;
	if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur >= wanted) {
		return true;
	}
	files.rlim_cur = files.rlim_max < wanted ? files.rlim_max : wanted;
	return setrlimit(RLIMIT_NOFILE, &files) == 0 && (peers == 0 || files.rlim_cur >= wanted);
}

int cmd_run(int argc, char **argv)
{
	const char *data = NULL, *port = NULL, *http_port = NULL, *network = NULL, *hops = NULL,
		   *beacon = NULL, *passphrase_file = NULL, *peers = NULL;
	bool is_lan_off = false, is_verbose = false;
	uint8_t network_key[32];
	struct node_opts opts = {
		.env = env_system(),
		.port = CONFIG_PEER_PORT,
		.http_port = CONFIG_HTTP_PORT,
		.network_key = config_main_network_key,
		.hops_max = CONFIG_HOPS,
		.beacon_port = CONFIG_BEACON_PORT,
		.on_ready = print_ready,
		.on_locked = print_locked,
	};
	const struct cmd_option options[] = {{"--data", &data, NULL}, {"--host", &opts.host, NULL},
		{"--port", &port, NULL}, {"--http-port", &http_port, NULL},
		{"--http-host", &opts.http_host, NULL}, {"--public-url", &opts.public_url, NULL},
		{"--trusted-proxies", &opts.trusted_proxies, NULL},
		{"--network-key", &network, NULL}, {"--hops", &hops, NULL},
		{"--peers-max", &peers, NULL}, {"--no-lan", NULL, &is_lan_off},
		{"--lan-port", &beacon, NULL}, {"--backup-dir", &opts.backup_dir, NULL},
		{"--no-backups", NULL, &opts.is_backup_off}, {"--web-dir", &opts.web_dir, NULL},
		{"--passphrase-file", &passphrase_file, NULL}, {"--verbose", NULL, &is_verbose}};
	int plain = cmd_options("run", argc, argv, options, sizeof(options) / sizeof(options[0]));
	if (plain != 0) {
		return plain < 0 ? EXIT_USAGE : cmd_usage(cmd_find("run"), "it takes no argument");
	}
	const char *wrong =
		read_values(&opts, port, http_port, hops, beacon, network, peers, network_key);
	if (wrong != NULL) {
		return cmd_usage(cmd_find("run"), "%s", wrong);
	}
	if (!has_room_for(opts.peers_max)) {
		return cmd_fail("run", "so many peers need more open files than the system allows "
				       "(`ulimit -n`)");
	}
	if (is_verbose) {
		log_set_level(LOG_DEBUG);
	}
	struct buf dir = BUF_INIT(DIR_BYTES);
	char why[WHY_BYTES] = "";
	int code = EXIT_GOOD;
	opts.is_lan_on = !is_lan_off;
	enum err err = config_data_dir(data, &dir);
	if (err != ERR_OK) {
		code = cmd_fail("run", "%s", config_data_dir_why(err));
	} else {
		opts.dir = (const char *)dir.at;
		err = open_locked(opts.dir, passphrase_file, &opts.key, why, sizeof(why));
		if (err != ERR_OK || node_run(&opts, why, sizeof(why)) != ERR_OK) {
			code = cmd_fail("run", "%s", why);
		}
	}
	buf_fini(&dir);
	return code;
}
