/*
 * The secret handshake (protocol/02 §1–4). Four messages of fixed size; the state says which one is
 * awaited. Whoever finds a fault says nothing and stops: the client must not name itself after a
 * bad message 2, and the server decides about the client only after message 3 is verified and
 * before message 4.
 *
 * `ab`, `a_server` (the dossier's aB) and `client_b` (Ab) are the three shared secrets. The
 * long-term secret key is only ever used through feed/signer.
 */
#include "wire/shs.h"

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>

enum {
	HELLO_BYTES = 64,
	AUTH_BYTES = 112,
	ACCEPT_BYTES = 80,
	PROOF_BYTES = 96,
	MAC_BYTES = 16,
	SIGNATURE_BYTES = 64,
	NONCE_BYTES = 24
};

enum shs_state {
	SHS_START,
	SHS_WANTS_HELLO,
	SHS_WANTS_AUTH,
	SHS_WANTS_ACCEPT,
	SHS_DONE,
	SHS_FAILED
};

/* Everything that is only needed while shaking hands; wiped at its end. */
struct secrets {
	uint8_t ephemeral_secret[32];
	uint8_t ab[32];
	uint8_t a_server[32];
	uint8_t client_b[32];
	uint8_t box_key[32];
	uint8_t session[32];
	uint8_t proof[PROOF_BYTES]; /* H: the client's signature and public key */
};

struct shs {
	enum shs_state state;
	bool is_server;
	const struct signer *signer;
	bool (*is_welcome)(void *ctx, const struct feed_id *client);
	void *ctx;
	uint8_t network_key[32];
	uint8_t ephemeral[32];
	uint8_t our_hmac[32];
	uint8_t their_hmac[32];
	uint8_t their_ephemeral[32];
	uint8_t their_curve[32]; /* the other side's long-term key on Curve25519 */
	struct feed_id remote;
	struct shs_keys keys;
	struct secrets secret;
	uint8_t in[AUTH_BYTES];
	size_t in_len;
};

static const uint8_t zero_nonce[NONCE_BYTES];

/* SHA-256 of up to four parts of 32 bytes. A NULL part ends the list. */
static enum err hash_parts(uint8_t out[static 32], const uint8_t *const parts[static 4])
{
	crypto_hash_sha256_state state;
	enum err err = ERR_IO;
	if (crypto_hash_sha256_init(&state) != 0) {
		goto out;
	}
	for (int i = 0; i < 4 && parts[i] != NULL; i++) {
		if (crypto_hash_sha256_update(&state, parts[i], 32) != 0) {
			goto out;
		}
	}
	if (crypto_hash_sha256_final(&state, out) == 0) {
		err = ERR_OK;
	}
out:
	sodium_memzero(&state, sizeof(state));
	return err;
}

enum err shs_new(const struct shs_opts *opts, struct shs **out)
{
	struct shs *shs = calloc(1, sizeof(*shs));
	if (shs == NULL) {
		return ERR_NOMEM;
	}
	enum err err = ERR_REFUSED;
	shs->is_server = opts->server_id == NULL;
	shs->signer = opts->signer;
	shs->is_welcome = opts->is_welcome;
	shs->ctx = opts->ctx;
	memcpy(shs->network_key, opts->network_key, sizeof(shs->network_key));
	if (!shs->is_server) {
		shs->remote = *opts->server_id;
		if (crypto_sign_ed25519_pk_to_curve25519(shs->their_curve, shs->remote.at) != 0) {
			goto failed;
		}
	}
	if (opts->ephemeral_secret != NULL) {
		memcpy(shs->secret.ephemeral_secret, opts->ephemeral_secret, 32);
	} else {
		randombytes_buf(shs->secret.ephemeral_secret, 32);
	}
	err = ERR_IO;
	if (crypto_scalarmult_base(shs->ephemeral, shs->secret.ephemeral_secret) != 0 ||
		crypto_auth(shs->our_hmac, shs->ephemeral, sizeof(shs->ephemeral),
			shs->network_key) != 0) {
		goto failed;
	}
	shs->state = shs->is_server ? SHS_WANTS_HELLO : SHS_START;
	*out = shs;
	return ERR_OK;
failed:
	shs_free(shs);
	return err;
}

void shs_free(struct shs *shs)
{
	if (shs != NULL) {
		sodium_memzero(shs, sizeof(*shs));
		free(shs);
	}
}

static enum err append_hello(const struct shs *shs, struct buf *out)
{
	uint8_t hello[HELLO_BYTES];
	memcpy(hello, shs->our_hmac, 32);
	memcpy(hello + 32, shs->ephemeral, 32);
	return buf_append(out, span_of(hello, sizeof(hello)));
}

/* Messages 1 and 2: right network? Then the first two shared secrets, which need a usable point. */
static enum err read_hello(struct shs *shs)
{
	const uint8_t *hmac = shs->in;
	const uint8_t *ephemeral = shs->in + 32;
	if (crypto_auth_verify(hmac, ephemeral, 32, shs->network_key) != 0) {
		return ERR_REFUSED;
	}
	memcpy(shs->their_hmac, hmac, 32);
	memcpy(shs->their_ephemeral, ephemeral, 32);
	if (crypto_scalarmult(shs->secret.ab, shs->secret.ephemeral_secret, ephemeral) != 0) {
		return ERR_REFUSED;
	}
	if (shs->is_server) {
		return signer_handshake_scalar(shs->signer, ephemeral, shs->secret.a_server);
	}
	return crypto_scalarmult(
		       shs->secret.a_server, shs->secret.ephemeral_secret, shs->their_curve) == 0
		       ? ERR_OK
		       : ERR_REFUSED;
}

/* The key of message 3's box. */
static enum err auth_box_key(struct shs *shs)
{
	const uint8_t *const parts[4] = {
		shs->network_key, shs->secret.ab, shs->secret.a_server, NULL};
	return hash_parts(shs->secret.box_key, parts);
}

/* The third shared secret, and with it the key of message 4's box. */
static enum err accept_box_key(struct shs *shs)
{
	if (shs->is_server) {
		if (crypto_scalarmult(shs->secret.client_b, shs->secret.ephemeral_secret,
			    shs->their_curve) != 0) {
			return ERR_REFUSED;
		}
	} else {
		enum err err = signer_handshake_scalar(
			shs->signer, shs->their_ephemeral, shs->secret.client_b);
		if (err != ERR_OK) {
			return err;
		}
	}
	const uint8_t *const parts[4] = {
		shs->network_key, shs->secret.ab, shs->secret.a_server, shs->secret.client_b};
	return hash_parts(shs->secret.box_key, parts);
}

/* What the client signs: K ‖ B ‖ sha(ab). */
static enum err client_claim(
	const struct shs *shs, const struct feed_id *server, uint8_t claim[static 96])
{
	memcpy(claim, shs->network_key, 32);
	memcpy(claim + 32, server->at, 32);
	const uint8_t *const parts[4] = {shs->secret.ab, NULL, NULL, NULL};
	return hash_parts(claim + 64, parts);
}

/* What the server signs: K ‖ H ‖ sha(ab). */
static enum err server_claim(const struct shs *shs, uint8_t claim[static 160])
{
	memcpy(claim, shs->network_key, 32);
	memcpy(claim + 32, shs->secret.proof, PROOF_BYTES);
	const uint8_t *const parts[4] = {shs->secret.ab, NULL, NULL, NULL};
	return hash_parts(claim + 128, parts);
}

static enum err append_auth(struct shs *shs, struct buf *out)
{
	uint8_t claim[96];
	uint8_t message[AUTH_BYTES];
	enum err err = client_claim(shs, &shs->remote, claim);
	if (err != ERR_OK) {
		return err;
	}
	err = signer_handshake_sign(shs->signer, span_of(claim, sizeof(claim)), shs->secret.proof);
	if (err != ERR_OK) {
		return err;
	}
	memcpy(shs->secret.proof + SIGNATURE_BYTES, signer_id(shs->signer)->at, 32);
	err = auth_box_key(shs);
	if (err != ERR_OK) {
		return err;
	}
	if (crypto_secretbox_easy(message, shs->secret.proof, PROOF_BYTES, zero_nonce,
		    shs->secret.box_key) != 0) {
		return ERR_IO;
	}
	return buf_append(out, span_of(message, sizeof(message)));
}

static enum err read_auth(struct shs *shs)
{
	uint8_t claim[96];
	enum err err = auth_box_key(shs);
	if (err != ERR_OK) {
		return err;
	}
	if (crypto_secretbox_open_easy(
		    shs->secret.proof, shs->in, AUTH_BYTES, zero_nonce, shs->secret.box_key) != 0) {
		return ERR_REFUSED;
	}
	memcpy(shs->remote.at, shs->secret.proof + SIGNATURE_BYTES, 32);
	err = client_claim(shs, signer_id(shs->signer), claim);
	if (err != ERR_OK) {
		return err;
	}
	if (crypto_sign_verify_detached(shs->secret.proof, claim, sizeof(claim), shs->remote.at) !=
			0 ||
		crypto_sign_ed25519_pk_to_curve25519(shs->their_curve, shs->remote.at) != 0) {
		return ERR_REFUSED;
	}
	return ERR_OK;
}

static enum err append_accept(struct shs *shs, struct buf *out)
{
	uint8_t claim[160];
	uint8_t signature[SIGNATURE_BYTES];
	uint8_t message[ACCEPT_BYTES];
	enum err err = server_claim(shs, claim);
	if (err != ERR_OK) {
		return err;
	}
	err = signer_handshake_sign(shs->signer, span_of(claim, sizeof(claim)), signature);
	if (err != ERR_OK) {
		return err;
	}
	err = accept_box_key(shs);
	if (err != ERR_OK) {
		return err;
	}
	if (crypto_secretbox_easy(
		    message, signature, sizeof(signature), zero_nonce, shs->secret.box_key) != 0) {
		return ERR_IO;
	}
	return buf_append(out, span_of(message, sizeof(message)));
}

static enum err read_accept(struct shs *shs)
{
	uint8_t claim[160];
	uint8_t signature[SIGNATURE_BYTES];
	enum err err = accept_box_key(shs);
	if (err != ERR_OK) {
		return err;
	}
	if (crypto_secretbox_open_easy(
		    signature, shs->in, ACCEPT_BYTES, zero_nonce, shs->secret.box_key) != 0) {
		return ERR_REFUSED;
	}
	err = server_claim(shs, claim);
	if (err != ERR_OK) {
		return err;
	}
	return crypto_sign_verify_detached(signature, claim, sizeof(claim), shs->remote.at) == 0
		       ? ERR_OK
		       : ERR_REFUSED;
}

/* The session keys: each ends with its receiver's public key, each nonce is of its receiver's
 * ephemeral HMAC. */
static enum err finish(struct shs *shs)
{
	/* The box key of message 4 is sha(K ‖ ab ‖ aB ‖ Ab); the session secret is its hash once
	 * more. */
	const uint8_t *const once_more[4] = {shs->secret.box_key, NULL, NULL, NULL};
	enum err err = hash_parts(shs->secret.session, once_more);
	if (err != ERR_OK) {
		return err;
	}
	const uint8_t *const to_them[4] = {shs->secret.session, shs->remote.at, NULL, NULL};
	err = hash_parts(shs->keys.encrypt_key, to_them);
	if (err != ERR_OK) {
		return err;
	}
	const uint8_t *const to_us[4] = {
		shs->secret.session, signer_id(shs->signer)->at, NULL, NULL};
	err = hash_parts(shs->keys.decrypt_key, to_us);
	if (err != ERR_OK) {
		return err;
	}
	memcpy(shs->keys.encrypt_nonce, shs->their_hmac, NONCE_BYTES);
	memcpy(shs->keys.decrypt_nonce, shs->our_hmac, NONCE_BYTES);
	sodium_memzero(&shs->secret, sizeof(shs->secret));
	sodium_memzero(shs->in, sizeof(shs->in));
	shs->state = SHS_DONE;
	return ERR_OK;
}

/* A hello is whole. The server answers with its own, the client proves who it is. */
static enum err on_hello(struct shs *shs, struct buf *out)
{
	enum err err = read_hello(shs);
	if (err == ERR_OK) {
		err = shs->is_server ? append_hello(shs, out) : append_auth(shs, out);
	}
	shs->state = shs->is_server ? SHS_WANTS_AUTH : SHS_WANTS_ACCEPT;
	return err;
}

static enum err on_auth(struct shs *shs, struct buf *out)
{
	enum err err = read_auth(shs);
	if (err != ERR_OK) {
		return err;
	}
	/* Verified, so the name is true; only now may it decide anything, and message 4 is not yet
	 * said. */
	if (shs->is_welcome != NULL && !shs->is_welcome(shs->ctx, &shs->remote)) {
		return ERR_REFUSED;
	}
	err = append_accept(shs, out);
	return err == ERR_OK ? finish(shs) : err;
}

static enum err on_accept(struct shs *shs)
{
	enum err err = read_accept(shs);
	return err == ERR_OK ? finish(shs) : err;
}

static enum err on_message(struct shs *shs, struct buf *out)
{
	switch (shs->state) {
	case SHS_WANTS_HELLO:
		return on_hello(shs, out);
	case SHS_WANTS_AUTH:
		return on_auth(shs, out);
	case SHS_WANTS_ACCEPT:
		return on_accept(shs);
	case SHS_START:
	case SHS_DONE:
	case SHS_FAILED:
		break;
	}
	assert(false);
	return ERR_REFUSED;
}

static size_t message_bytes(enum shs_state state)
{
	switch (state) {
	case SHS_START:
	case SHS_WANTS_HELLO:
		return HELLO_BYTES;
	case SHS_WANTS_AUTH:
		return AUTH_BYTES;
	case SHS_WANTS_ACCEPT:
		return ACCEPT_BYTES;
	case SHS_DONE:
	case SHS_FAILED:
		break;
	}
	return 0;
}

static enum err step(struct shs *shs, struct span in, struct buf *out, size_t *used)
{
	if (shs->state == SHS_START) {
		enum err err = append_hello(shs, out);
		if (err != ERR_OK) {
			return err;
		}
		shs->state = SHS_WANTS_HELLO;
	}
	while (shs->state != SHS_DONE) {
		size_t wanted = shs_wants(shs);
		struct span part = span_take(span_skip(in, *used), wanted);
		if (part.len == 0) {
			return ERR_OK;
		}
		memcpy(shs->in + shs->in_len, part.at, part.len);
		shs->in_len += part.len;
		*used += part.len;
		if (part.len < wanted) {
			return ERR_OK;
		}
		shs->in_len = 0;
		enum err err = on_message(shs, out);
		if (err != ERR_OK) {
			return err;
		}
	}
	return ERR_OK;
}

enum err shs_step(struct shs *shs, struct span in, struct buf *out, size_t *used)
{
	*used = 0;
	if (shs->state == SHS_FAILED) {
		return ERR_REFUSED;
	}
	size_t before = out->len;
	enum err err = step(shs, in, out, used);
	if (err != ERR_OK) {
		/* Whole messages that came in one piece: nothing of ours may follow a bad one. */
		buf_truncate(out, before);
		shs->state = SHS_FAILED;
		shs->in_len = 0;
		sodium_memzero(&shs->secret, sizeof(shs->secret));
	}
	return err;
}

size_t shs_wants(const struct shs *shs)
{
	/* in_len is 0 whenever no message is awaited. */
	return message_bytes(shs->state) - shs->in_len;
}

bool shs_is_done(const struct shs *shs)
{
	return shs->state == SHS_DONE;
}

void shs_keys(const struct shs *shs, struct shs_keys *out)
{
	assert(shs->state == SHS_DONE);
	*out = shs->keys;
}

const struct feed_id *shs_remote(const struct shs *shs)
{
	assert(shs->state == SHS_DONE);
	return &shs->remote;
}
