/* Two slots, written in turn: a torn write loses the new slot and leaves the old one. */
#include "store/fence.h"

#include "store/vfs.h"

#include <assert.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

enum { HEAD_BYTES = 224, HASH_BYTES = crypto_hash_sha256_BYTES };
_Static_assert(HEAD_BYTES + FENCE_INTENT_BYTES_MAX + FENCE_NONCE_BYTES_MAX + HASH_BYTES <=
		       FENCE_SLOT_BYTES,
	"the largest intent fits");
static const uint8_t magic[8] = {'k', 'i', 't', 'h', 'f', 'e', 'n', '1'};

struct fence {
	struct vfs_file *file;
	unsigned slot; /* the one that counts */
	uint64_t generation;
	struct fence_facts facts;
	size_t intent_len;
	uint8_t intent[FENCE_INTENT_BYTES_MAX];
	uint8_t scratch[FENCE_SLOT_BYTES];
};

static void put64(uint8_t *at, uint64_t value)
{
	for (int i = 0; i < 8; i++) {
		at[i] = (uint8_t)(value >> (8 * i));
	}
}

static uint64_t get64(const uint8_t *at)
{
	uint64_t value = 0;
	for (int i = 7; i >= 0; i--) {
		value = value << 8 | at[i];
	}
	return value;
}

static size_t encode(
	const struct fence_facts *facts, uint64_t generation, struct span intent, uint8_t *out)
{
	memset(out, 0, HEAD_BYTES);
	memcpy(out, magic, sizeof(magic));
	put64(out + 8, generation);
	memcpy(out + 16, facts->identity.at, ID_BYTES);
	memcpy(out + 48, facts->install, sizeof(facts->install));
	put64(out + 64, facts->epoch);
	put64(out + 72,
		(uint64_t)facts->state | (uint64_t)facts->cause << 8 | (uint64_t)intent.len << 32);
	put64(out + 80, facts->sequence);
	put64(out + 88, intent.len > 0 ? facts->intent_nonce_len : 0);
	memcpy(out + 96, facts->head.at, ID_BYTES);
	put64(out + 128, facts->intent_sequence);
	memcpy(out + 136, facts->intent_key.at, ID_BYTES);
	memcpy(out + 168, facts->machine, sizeof(facts->machine));
	put64(out + 200, facts->device);
	put64(out + 208, facts->inode);
	put64(out + 216, (uint64_t)facts->intent_received_ms);
	if (intent.len > 0) {
		memcpy(out + HEAD_BYTES, intent.at, intent.len);
	}
	size_t len = HEAD_BYTES + intent.len;
	if (intent.len > 0) {
		memcpy(out + len, facts->intent_nonce, facts->intent_nonce_len);
		len += facts->intent_nonce_len;
	}
	int rc = crypto_hash_sha256(out + len, out, len);
	assert(rc == 0);
	(void)rc;
	return len + HASH_BYTES;
}

/* Take the slot in `scratch` over when it is whole and newer than what we have. */
static bool decode(struct fence *fence, unsigned slot)
{
	const uint8_t *in = fence->scratch;
	if (memcmp(in, magic, sizeof(magic)) != 0) {
		return false;
	}
	uint64_t generation = get64(in + 8);
	size_t intent_len = (size_t)(get64(in + 72) >> 32);
	uint32_t state = in[72];
	uint64_t nonce_len = get64(in + 88);
	uint8_t hash[HASH_BYTES];
	if (intent_len > FENCE_INTENT_BYTES_MAX || nonce_len > FENCE_NONCE_BYTES_MAX ||
		state >= FENCE_STATE_COUNT) {
		return false;
	}
	size_t len = HEAD_BYTES + intent_len + (size_t)nonce_len;
	if (crypto_hash_sha256(hash, in, len) != 0 || memcmp(hash, in + len, HASH_BYTES) != 0) {
		return false;
	}
	if (generation <= fence->generation) {
		return true;
	}
	fence->generation = generation;
	fence->slot = slot;
	struct fence_facts *facts = &fence->facts;
	memcpy(facts->identity.at, in + 16, ID_BYTES);
	memcpy(facts->install, in + 48, sizeof(facts->install));
	facts->epoch = get64(in + 64);
	facts->state = (enum fence_state)state;
	facts->cause = in[73];
	facts->sequence = get64(in + 80);
	memcpy(facts->head.at, in + 96, ID_BYTES);
	facts->intent_sequence = get64(in + 128);
	memcpy(facts->intent_key.at, in + 136, ID_BYTES);
	memcpy(facts->machine, in + 168, sizeof(facts->machine));
	facts->device = get64(in + 200);
	facts->inode = get64(in + 208);
	facts->intent_received_ms = (int64_t)get64(in + 216);
	facts->intent_nonce_len = (size_t)nonce_len;
	memcpy(facts->intent_nonce, in + HEAD_BYTES + intent_len, (size_t)nonce_len);
	fence->intent_len = intent_len;
	memcpy(fence->intent, in + HEAD_BYTES, intent_len);
	return true;
}

enum err fence_open_in(const char *vfs, const char *path, struct fence **out)
{
	struct fence *fence = calloc(1, sizeof(*fence));
	if (fence == NULL) {
		return ERR_NOMEM;
	}
	bool is_whole = false;
	enum err err = vfs_open(vfs, path, &fence->file);
	for (unsigned slot = 0; err == ERR_OK && slot < 2; slot++) {
		err = vfs_read(fence->file, (uint64_t)slot * FENCE_SLOT_BYTES, fence->scratch,
			FENCE_SLOT_BYTES);
		is_whole = (err == ERR_OK && decode(fence, slot)) || is_whole;
	}
	if (err == ERR_OK && !is_whole) {
		err = ERR_REFUSED;
	}
	if (err != ERR_OK) {
		fence_close(fence);
		return err;
	}
	*out = fence;
	return ERR_OK;
}

enum err fence_create_in(
	const char *vfs, const char *path, const struct fence_facts *facts, struct fence **out)
{
	/* Built under another name and moved: a fence that exists is whole. */
	size_t size = (size_t)2 * FENCE_SLOT_BYTES;
	uint8_t *bytes = calloc(1, size);
	if (bytes == NULL) {
		return ERR_NOMEM;
	}
	struct fence_facts clean = *facts;
	clean.intent_sequence = 0;
	(void)encode(&clean, 1, span_of(NULL, 0), bytes);
	enum err err = vfs_create(vfs, path, span_of(bytes, size));
	free(bytes);
	return err == ERR_OK ? fence_open_in(vfs, path, out) : err;
}

enum err fence_make_new(
	const char *vfs, const char *dir, const struct feed_id *identity, const struct env *env)
{
	struct fence_facts facts = {.identity = *identity, .state = FENCE_NEW};
	struct fence *fence = NULL;
	char *path = NULL;
	if (asprintf(&path, "%s/fence", dir) < 0) {
		return ERR_NOMEM;
	}
	env->random(env->ctx, facts.install, sizeof(facts.install));
	enum err err = fence_create_in(vfs, path, &facts, &fence);
	fence_close(fence);
	free(path);
	return err;
}

void fence_close(struct fence *fence)
{
	if (fence == NULL) {
		return;
	}
	vfs_close(fence->file);
	free(fence);
}

const struct fence_facts *fence_facts(const struct fence *fence)
{
	return &fence->facts;
}

struct span fence_intent(const struct fence *fence)
{
	return span_of(fence->intent, fence->intent_len);
}

enum err fence_write(struct fence *fence, const struct fence_facts *facts, struct span intent)
{
	if (intent.len > FENCE_INTENT_BYTES_MAX) {
		return ERR_LIMIT;
	}
	assert((intent.len > 0) == (facts->intent_sequence > 0));
	assert(facts->intent_nonce_len <= FENCE_NONCE_BYTES_MAX);
	struct fence_facts next = *facts;
	unsigned slot = 1 - fence->slot;
	size_t len = encode(&next, fence->generation + 1, intent, fence->scratch);
	enum err err = vfs_write(
		fence->file, (uint64_t)slot * FENCE_SLOT_BYTES, span_of(fence->scratch, len));
	if (err == ERR_OK) {
		err = vfs_sync(fence->file);
	}
	if (err != ERR_OK) {
		return err;
	}
	fence->generation++;
	fence->slot = slot;
	fence->facts = next;
	fence->intent_len = intent.len;
	if (intent.len > 0) {
		memmove(fence->intent, fence->scratch + HEAD_BYTES, intent.len);
	}
	return ERR_OK;
}

const char *fence_state_text(enum fence_state state)
{
	static const char *const texts[] = {"NEW", "CLEAN", "SUSPECT", "FORKED", "RETIRED"};
	assert((size_t)state < sizeof(texts) / sizeof(texts[0]));
	return texts[state];
}
