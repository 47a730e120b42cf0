/* Kept by number; a second signature under one number hangs behind the first. */
#include "sim/ledger.h"

#include <assert.h>
#include <limits.h>
#include <stdlib.h>

static struct identity persons[PERSONS_MAX];
static unsigned person_count;

static struct key *make_key(unsigned person)
{
	struct key *key = NULL;
	uint8_t seed[32] = {'s', 'i', 'm', (uint8_t)person};
	enum err err = key_from_seed(seed, &key);
	assert(err == ERR_OK);
	(void)err;
	return key;
}

void ledger_begin(unsigned count)
{
	assert(count <= PERSONS_MAX);
	person_count = count;
	for (unsigned i = 0; i < count; i++) {
		struct key *key = make_key(i);
		persons[i] = (struct identity){.id = *key_id(key)};
		key_free(key);
	}
}

void ledger_end(void)
{
	for (unsigned i = 0; i < person_count; i++) {
		for (size_t n = 0; n < persons[i].count; n++) {
			while (persons[i].entries[n] != NULL) {
				struct entry *next = persons[i].entries[n]->next;
				free(persons[i].entries[n]);
				persons[i].entries[n] = next;
			}
		}
		free(persons[i].entries);
		persons[i] = (struct identity){0};
	}
}

struct identity *ledger_at(unsigned person)
{
	assert(person < person_count);
	return &persons[person];
}

const struct feed_id *ledger_id(unsigned person)
{
	return &ledger_at(person)->id;
}

struct signer *ledger_signer(unsigned person)
{
	struct signer *signer = NULL;
	enum err err = signer_new(make_key(person), NULL, &signer);
	assert(err == ERR_OK);
	(void)err;
	return signer;
}

unsigned ledger_person(const struct feed_id *id)
{
	for (unsigned i = 0; i < person_count; i++) {
		if (feed_id_equal(&persons[i].id, id)) {
			return i;
		}
	}
	return UINT_MAX;
}

struct entry *ledger_first(unsigned person, uint64_t sequence)
{
	const struct identity *who = ledger_at(person);
	return sequence == 0 || sequence > who->count ? NULL : who->entries[sequence - 1];
}

struct entry *ledger_find(unsigned person, uint64_t sequence, const struct message_id *key)
{
	struct entry *entry = ledger_first(person, sequence);
	while (entry != NULL && !message_id_equal(&entry->key, key)) {
		entry = entry->next;
	}
	return entry;
}

static void make_room(struct identity *who, uint64_t sequence)
{
	while (who->room < sequence) {
		size_t room = who->room == 0 ? 64 : who->room * 2;
		who->entries = realloc(who->entries, room * sizeof(struct entry *));
		assert(who->entries != NULL);
		memset(who->entries + who->room, 0, (room - who->room) * sizeof(struct entry *));
		who->room = room;
	}
	who->count = who->count < sequence ? sequence : who->count;
}

struct entry *ledger_note(const struct message *message)
{
	struct identity *who = ledger_at(ledger_person(&message->author));
	struct entry *entry = calloc(1, sizeof(*entry) + message->compact.len);
	assert(entry != NULL);
	make_room(who, message->sequence);
	entry->key = message->key;
	entry->sequence = message->sequence;
	if (message->has_previous) {
		entry->previous = message->previous;
	}
	entry->len = message->compact.len;
	memcpy(entry->compact, message->compact.at, entry->len);
	struct entry **at = &who->entries[message->sequence - 1];
	while (*at != NULL) {
		at = &(*at)->next;
	}
	*at = entry;
	return entry;
}
