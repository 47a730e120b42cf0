/*
 * `kith shs`: the bare secret handshake over standard input and output, so that outsiders (npm's
 * shs1-test) can try it: the messages, then 112 bytes, and nothing else. Not a byte is read beyond
 * the handshake, and after a bad message not a byte is written.
 */
#include "cmd/cmd.h"

#include "feed/signer.h"
#include "wire/shs.h"

#include <errno.h>
#include <sodium.h>
#include <unistd.h>

enum { RESULT_BYTES = 32 + 24 + 32 + 24 };

static enum err write_all(const uint8_t *at, size_t len)
{
	while (len > 0) {
		ssize_t count = write(STDOUT_FILENO, at, len);
		if (count < 0 && errno != EINTR) {
			return ERR_IO;
		}
		if (count > 0) {
			at += count;
			len -= (size_t)count;
		}
	}
	return ERR_OK;
}

/* At least one byte, at most `room`. */
static enum err read_some(uint8_t *at, size_t room, size_t *len)
{
	for (;;) {
		ssize_t count = read(STDIN_FILENO, at, room);
		if (count > 0) {
			*len = (size_t)count;
			return ERR_OK;
		}
		if (count == 0) {
			return ERR_CLOSED;
		}
		if (errno != EINTR) {
			return ERR_IO;
		}
	}
}

static enum err converse(struct shs *shs)
{
	uint8_t in[SHS_OUT_BYTES_MAX];
	size_t len = 0;
	enum err err = ERR_OK;
	struct buf out = BUF_INIT(2 * SHS_OUT_BYTES_MAX);
	for (;;) {
		size_t used = 0;
		err = shs_step(shs, span_of(in, len), &out, &used);
		if (err == ERR_OK && out.len > 0) {
			err = write_all(out.at, out.len);
			buf_clear(&out);
		}
		if (err != ERR_OK || shs_is_done(shs)) {
			break;
		}
		err = read_some(in, shs_wants(shs), &len);
		if (err != ERR_OK) {
			break;
		}
	}
	buf_fini(&out);
	return err;
}

static enum err write_result(const struct shs *shs)
{
	struct shs_keys keys;
	uint8_t result[RESULT_BYTES];
	shs_keys(shs, &keys);
	memcpy(result, keys.encrypt_key, 32);
	memcpy(result + 32, keys.encrypt_nonce, 24);
	memcpy(result + 56, keys.decrypt_key, 32);
	memcpy(result + 88, keys.decrypt_nonce, 24);
	enum err err = write_all(result, sizeof(result));
	sodium_memzero(&keys, sizeof(keys));
	sodium_memzero(result, sizeof(result));
	return err;
}

/* Who we are, and whom we talk to: read from the arguments. */
struct parties {
	uint8_t network_key[32];
	struct key *key;
	struct feed_id server_id;
	bool is_server;
};

static const char *read_server(char **argv, struct parties *parties)
{
	uint8_t secret[64];
	const char *wrong = NULL;
	if (hex_decode(span_text(argv[3]), secret, sizeof(secret)) != ERR_OK) {
		wrong = "the secret key is not 128 lower-case hex digits";
	} else if (hex_decode(span_text(argv[4]), parties->server_id.at, 32) != ERR_OK) {
		wrong = "the public key is not 64 lower-case hex digits";
	} else if (key_from_secret(secret, &parties->key) != ERR_OK) {
		wrong = "the secret key is not a key pair";
	} else if (!feed_id_equal(key_id(parties->key), &parties->server_id)) {
		wrong = "the public key does not belong to the secret key";
	}
	sodium_memzero(secret, sizeof(secret));
	return wrong;
}

static const char *read_client(char **argv, struct parties *parties)
{
	if (hex_decode(span_text(argv[3]), parties->server_id.at, 32) != ERR_OK) {
		return "the server's public key is not 64 lower-case hex digits";
	}
	return key_generate(&parties->key) == ERR_OK ? NULL : "there is no memory for a key";
}

static int shake(struct parties *parties)
{
	struct signer *signer = NULL;
	struct shs *shs = NULL;
	enum err err = signer_new(parties->key, NULL, &signer);
	if (err != ERR_OK) {
		goto out;
	}
	parties->key = NULL;
	struct shs_opts opts = {
		.network_key = parties->network_key,
		.signer = signer,
		.server_id = parties->is_server ? NULL : &parties->server_id,
	};
	err = shs_new(&opts, &shs);
	if (err == ERR_OK) {
		err = converse(shs);
	}
	if (err == ERR_OK) {
		err = write_result(shs);
	}
out:
	shs_free(shs);
	signer_free(signer);
	return err == ERR_OK ? EXIT_GOOD
			     : cmd_fail("shs", "the handshake failed: %s", err_text(err));
}

int cmd_shs(int argc, char **argv)
{
	struct parties parties = {0};
	int count = cmd_options("shs", argc, argv, NULL, 0);
	if (count < 0) {
		return EXIT_USAGE;
	}
	parties.is_server = count >= 1 && strcmp(argv[1], "server") == 0;
	bool is_client = count >= 1 && strcmp(argv[1], "client") == 0;
	if ((!parties.is_server && !is_client) || count != (parties.is_server ? 4 : 3)) {
		return cmd_usage(cmd_find("shs"), "it takes a role and its keys");
	}
	const char *wrong = NULL;
	if (hex_decode(span_text(argv[2]), parties.network_key, 32) != ERR_OK) {
		wrong = "the network key is not 64 lower-case hex digits";
	} else {
		wrong = parties.is_server ? read_server(argv, &parties)
					  : read_client(argv, &parties);
	}
	int code = wrong == NULL ? shake(&parties) : cmd_usage(cmd_find("shs"), "%s", wrong);
	key_free(parties.key);
	return code;
}
