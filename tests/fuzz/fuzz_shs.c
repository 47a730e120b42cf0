/*
 * A handshake whose other side is genuine up to some message, and then the input XORed over what it
 * would have said: zeros go through, everything else must be refused without a byte. The first byte
 * says how far, the second in how many pieces.
 */
#include "wire/shs.h"

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROOM = 1024 };

static struct signer *client_signer;
static struct signer *server_signer;
static const uint8_t network_key[32] = {1, 2, 3};
static const uint8_t client_ephemeral[32] = {4};
static const uint8_t server_ephemeral[32] = {5};

static struct signer *new_signer(uint8_t first)
{
	uint8_t seed[32] = {first};
	struct key *key = NULL;
	struct signer *signer = NULL;
	if (key_from_seed(seed, &key) != ERR_OK || signer_new(key, NULL, &signer) != ERR_OK) {
		abort();
	}
	return signer;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	if (sodium_init() < 0) {
		abort();
	}
	client_signer = new_signer(6);
	server_signer = new_signer(7);
	return 0;
}

static struct shs *new_side(bool is_server)
{
	struct shs *shs = NULL;
	struct shs_opts opts = {
		.network_key = network_key,
		.signer = is_server ? server_signer : client_signer,
		.server_id = is_server ? NULL : signer_id(server_signer),
		.ephemeral_secret = is_server ? server_ephemeral : client_ephemeral,
	};
	if (shs_new(&opts, &shs) != ERR_OK) {
		abort();
	}
	return shs;
}

/* Give one side all that the other said, and keep what it answers. */
static void pass(struct shs *to, struct buf *said, struct buf *answer)
{
	size_t used = 0;
	enum err err = shs_step(to, buf_span(said), answer, &used);
	assert(err == ERR_OK && used == said->len);
	(void)err;
	buf_clear(said);
}

static void forge(struct shs *to, struct span message, struct span mask, size_t piece)
{
	struct buf out = BUF_INIT(ROOM);
	bool is_same = true;
	uint8_t bytes[SHS_OUT_BYTES_MAX];
	for (size_t i = 0; i < message.len; i++) {
		bytes[i] = message.at[i] ^ (i < mask.len ? mask.at[i] : 0);
		is_same = is_same && bytes[i] == message.at[i];
	}
	enum err err = ERR_OK;
	for (struct span rest = span_of(bytes, message.len); rest.len > 0 && err == ERR_OK;) {
		size_t used = 0;
		struct span part = span_take(rest, piece);
		err = shs_step(to, part, &out, &used);
		assert(used <= part.len);
		assert(err != ERR_OK || used == part.len);
		rest = span_skip(rest, part.len);
	}
	assert(err == (is_same ? ERR_OK : ERR_REFUSED));
	assert(is_same || (out.len == 0 && !shs_is_done(to)));
	buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2) {
		return 0;
	}
	struct shs *sides[2] = {new_side(false), new_side(true)};
	struct buf said = BUF_INIT(ROOM);
	struct buf answer = BUF_INIT(ROOM);
	pass(sides[0], &said, &answer);
	int to = 1;
	for (int messages = data[0] % 4; messages > 0; messages--) {
		pass(sides[to], &answer, &said);
		struct buf swap = said;
		said = answer;
		answer = swap;
		to = 1 - to;
	}
	forge(sides[to], buf_span(&answer), span_of(data + 2, size - 2), (size_t)data[1] + 1);
	buf_fini(&said);
	buf_fini(&answer);
	shs_free(sides[0]);
	shs_free(sides[1]);
	return 0;
}
