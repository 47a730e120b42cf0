/* store/audit: each kind of damage is found and said in a sentence. */
#include "lib/cmocka.h"
#include "lib/shelf.h"

#include "store/audit.h"
#include "store/fence.h"

#include <sodium.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct heard {
	uint64_t count;
	char all[4096]; /* the first sentences */
};

static void on_fault(void *ctx, const struct audit_fault *fault)
{
	struct heard *heard = ctx;
	heard->count++;
	size_t len = strlen(heard->all);
	(void)snprintf(heard->all + len, sizeof(heard->all) - len, "%s ", fault->sentence);
}

static struct audit audit_of(struct shelf *shelf, struct heard *heard)
{
	*heard = (struct heard){0};
	struct audit audit = {.on_fault = on_fault, .ctx = heard};
	assert_int_equal(audit_run(shelf->store, NULL, &audit), ERR_OK);
	assert_int_equal(audit.faults, heard->count);
	return audit;
}

enum { MESSAGES = 320 };

/* Feed 1 is ours, 2 is Ben's, 3 is Cleo's, of whom nothing is held. */
static void fill(struct shelf *shelf)
{
	struct author ben;
	struct author cleo;
	author_init(&ben, 1);
	author_init(&cleo, 2);
	struct publish_result mine = shelf_publish(shelf, "{\"type\":\"post\",\"text\":\"x\"}");
	struct message_id other = {{7}};
	struct message *messages[MESSAGES];
	for (int i = 0; i < MESSAGES; i++) {
		messages[i] = i == 50      ? author_contact(&ben, &shelf->self.id, EDGE_BLOCK)
			      : i == 80    ? author_like(&ben, &mine.key, 1)
			      : i == 81    ? author_like(&ben, &other, 1)
			      : i == 82    ? author_like(&ben, &other, 0)
			      : i == 90    ? author_say(&ben,
						     "{\"type\":\"about\",\"about\":\"%s\","
							"\"description\":\"I am Ben\"}",
						     ben.text)
			      : i == 60    ? author_contact(&ben, &shelf->self.id, EDGE_FOLLOW)
			      : i == 70    ? author_contact(&ben, &cleo.id, EDGE_BLOCK)
			      : i % 3 == 0 ? author_name(&ben, "b")
					   : author_post(&ben, "hello");
	}
	assert_int_equal(shelf_append_all(shelf, messages, MESSAGES, NULL), ERR_OK);
	(void)shelf_contact(shelf, &ben.id, EDGE_FOLLOW);
	author_fini(&cleo);
	author_fini(&ben);
}

static void a_sound_store_has_no_faults(void **state)
{
	(void)state;
	struct shelf shelf;
	struct heard heard;
	shelf_init(&shelf);
	fill(&shelf);
	struct audit audit = audit_of(&shelf, &heard);
	assert_int_equal(audit.faults, 0);
	assert_int_equal(audit.feeds, 2);
	assert_int_equal(audit.messages, MESSAGES + 2);
	shelf_fini(&shelf);
}

/* The first message of a feed, whose time is JavaScript's Infinity. */
static struct message *message_for_ever(void)
{
	static const uint8_t seed[32] = {7};
	struct feed_id id;
	uint8_t secret[crypto_sign_SECRETKEYBYTES];
	uint8_t signature[crypto_sign_BYTES];
	char author[FEED_ID_TEXT_BYTES];
	char base64[BASE64_BYTES(crypto_sign_BYTES) + 1];
	char text[1024];
	struct message *message = NULL;
	const char *why = NULL;
	assert_int_equal(crypto_sign_seed_keypair(id.at, secret, seed), 0);
	feed_id_format(&id, author);
	int len = snprintf(text, sizeof(text),
		"{\n  \"previous\": null,\n  \"sequence\": 1,\n  \"author\": \"%s\",\n  "
		"\"timestamp\": null,\n  \"hash\": \"sha256\",\n  \"content\": {\n    \"type\": "
		"\"post\",\n    \"text\": \"ever\"\n  }\n}",
		author);
	assert_int_equal(
		crypto_sign_detached(signature, NULL, (const uint8_t *)text, (size_t)len, secret),
		0);
	base64[base64_encode(span_of(signature, sizeof(signature)), base64)] = '\0';
	(void)snprintf(text, sizeof(text),
		"{\"previous\":null,\"sequence\":1,\"author\":\"%s\",\"timestamp\":1e400,"
		"\"hash\":\"sha256\",\"content\":{\"type\":\"post\",\"text\":\"ever\"},"
		"\"signature\":\"%s.sig.ed25519\"}",
		author, base64);
	assert_int_equal(message_verify(span_text(text), NULL, &message, &why), ERR_OK);
	return message;
}

/* Infinity is signed and stored as `null`: protocol/01 §4.4. */
static void a_message_whose_timestamp_is_infinite_is_no_fault(void **state)
{
	(void)state;
	struct shelf shelf;
	struct heard heard;
	shelf_init(&shelf);
	assert_int_equal(shelf_append(&shelf, message_for_ever()), APPEND_STORED);
	struct audit audit = audit_of(&shelf, &heard);
	assert_string_equal(heard.all, "");
	assert_int_equal(audit.messages, 1);
	shelf_fini(&shelf);
}

static void every_kind_of_damage_is_a_sentence(void **state)
{
	(void)state;
	static const struct {
		const char *sql, *said;
	} damages[] = {
		{"UPDATE messages SET body = CAST(replace(CAST(body AS TEXT), 'hello', 'hullo') AS "
		 "BLOB) WHERE feed = 2 AND sequence = 300",
			"Message 300 of "},
		{"UPDATE messages SET key_head = key_head + 1 WHERE feed = 2 AND sequence = 300",
			"under a key that is not its own"},
		{"UPDATE messages SET body = zeroblob(5) WHERE feed = 2 AND sequence = 300",
			"Message 300 of "},
		{"UPDATE messages SET body = substr(body, 1, 100) WHERE feed = 2 AND sequence = "
		 "300",
			"it cannot be read"},
		{"UPDATE messages SET body = CAST(x'8f' || substr(body, 2) AS BLOB) WHERE feed = 2 "
		 "AND sequence = 300",
			"it cannot be read"},
		{"DELETE FROM keys WHERE message = 300", "missing from the list of keys"},
		{"UPDATE keys SET key_head = key_head + 1 WHERE message = 300",
			"no stored message's"},
		{"INSERT INTO keys (key_head, message) VALUES (5, 70000)", "no stored message's"},
		{"DELETE FROM messages WHERE feed = 2 AND sequence = 300", "Message 301 of "},
		{"DELETE FROM messages WHERE feed = 2 AND sequence = 320",
			"the last one held is number 319"},
		{"UPDATE feeds SET head = zeroblob(32) WHERE feed = 2", "is said to be number 320"},
		{"UPDATE messages SET key_tail = randomblob(24) WHERE feed = 2 AND sequence = 300",
			"under a key that is not its own"},
		{"UPDATE messages SET sequence = 321 WHERE feed = 2 AND sequence = 320",
			"the last one held is number 319"},
		{"UPDATE messages SET sequence = -1 WHERE feed = 2 AND sequence = 320",
			"the last one held is number 319"},
		{"UPDATE messages SET feed = 1, sequence = 7 WHERE feed = 2 AND sequence = 320",
			"the last one held is number 319"},
		{"UPDATE messages SET feed = 99 WHERE feed = 2 AND sequence = 320",
			"the last one held is number 319"},
		{"UPDATE messages SET message = 70000 WHERE feed = 1 AND sequence = 1",
			"missing from the list of posts"},
		{"UPDATE messages SET received = 5 WHERE feed = 1 AND sequence = 1",
			"tells message 1 of "},
		{"INSERT INTO messages (feed, sequence, key_head, key_tail, received, body) SELECT "
		 "feed, 321, key_head, key_tail, received, body FROM messages WHERE feed = 2 AND "
		 "sequence = 320",
			"beyond its end"},
		{"INSERT INTO messages (feed, sequence, key_head, key_tail, received, body) SELECT "
		 "3, "
		 "1, key_head, key_tail, received, body FROM messages WHERE feed = 2 AND sequence "
		 "= 1",
			"beyond its end"},
		{"UPDATE feeds SET head = zeroblob(31) WHERE feed = 2", "is said to be number 320"},
		{"UPDATE feeds SET head = NULL WHERE feed = 2", "is said to be number 320"},
		{"UPDATE feeds SET sequence = 0 WHERE feed = 2", "without a message"},
		{"UPDATE feeds SET sequence = 319 WHERE feed = 2", "is said to be number 319"},
		{"UPDATE feeds SET id = randomblob(32) WHERE feed = 2",
			"the signature does not match"},
		{"UPDATE feeds SET timestamp = timestamp + 1 WHERE feed = 2", "kept wrongly"},
		{"UPDATE feeds SET at = at + 1 WHERE feed = 2", "kept wrongly"},
		{"UPDATE feeds SET edges = edges + 1 WHERE feed = 2",
			"follows and blocks is wrong"},
		{"UPDATE contacts SET edge = 2 WHERE feed = 1", "wrongly in the list of posts"},
		{"UPDATE contacts SET edge = 2 WHERE feed = 2 AND about = 1",
			"follows and blocks is wrong"},
		{"UPDATE contacts SET about = 2 WHERE feed = 2 AND about = 1",
			"follows and blocks is wrong"},
		{"UPDATE contacts SET feed = 3 WHERE feed = 2 AND about = 1",
			"follows and blocks is wrong"},
		{"DELETE FROM contacts WHERE feed = 2 AND about = 1",
			"follows and blocks is wrong"},
		{"INSERT INTO contacts (feed, about, edge) VALUES (2, 2, 1)",
			"follows and blocks is wrong"},
		{"INSERT INTO contacts (feed, about, edge) VALUES (3, 1, 1)", "without a message"},
		{"INSERT INTO posts (message, feed, at, home) VALUES (5000, 2, 1, 0)",
			"no stored message"},
		{"UPDATE posts SET feed = 2 WHERE feed = 1", "tells message 1 of "},
		{"UPDATE posts SET root = 5 WHERE feed = 1", "tells message 1 of "},
		{"UPDATE posts SET fork = 5 WHERE feed = 1", "tells message 1 of "},
		{"DELETE FROM posts WHERE feed = 1", "missing from the list of posts"},
		{"UPDATE posts SET at = at + 1 WHERE feed = 1", "tells message 1 of "},
		{"UPDATE posts SET home = 0 WHERE feed = 1", "tells message 1 of "},
		{"DELETE FROM votes WHERE message > 0", "likes by "},
		{"UPDATE votes SET message = -message WHERE message > 0", "likes by "},
		{"UPDATE votes SET link = link + 1 WHERE message > 0", "likes by "},
		{"INSERT INTO votes (link, feed, message) VALUES (5, 2, 1)", "1 that nobody gave"},
		{"INSERT INTO votes (link, feed, message) VALUES (5, 3, 1)", "1 that nobody gave"},
		{"UPDATE profiles SET name = 'Ana' WHERE feed = 2", "What @"},
		{"UPDATE profiles SET bio = ''", "What @"},
		{"UPDATE profiles SET image = zeroblob(32)", "What @"},
		{"DELETE FROM profiles", "What @"},
		{"UPDATE profiles SET feed = 3", "without a message"},
		{"INSERT INTO profiles (feed, name) VALUES (1, 'x')", "What @"},
		{"UPDATE figures SET n = n + 1 WHERE name = 'messages'",
			"The number of messages is said to be 323; there are 322."},
		{"UPDATE figures SET n = n + 1 WHERE name = 'edges'", "The number of edges"},
		{"UPDATE figures SET n = n + 1 WHERE name = 'feeds'", "The number of feeds"},
		{"UPDATE figures SET n = n + 1 WHERE name = 'posts'", "The number of posts"},
		{"DELETE FROM figures WHERE name = 'forks'", "The number of forks"},
		{"INSERT INTO holders (peer, sequence, at) VALUES (77, 1, 1)",
			"A holder of your feed is nobody"},
		{"INSERT INTO holders (peer, sequence, at) VALUES (2, -1, 1)",
			"A holder of your feed is nobody"},
		{"INSERT INTO wants (feed, at) VALUES (77, 1)", "wanted without following"},
		{"INSERT INTO reach (feed, hops) VALUES (77, 1)", "within reach"},
		{"INSERT INTO reach (feed, hops) VALUES (2, 4)", "within reach"},
		{"INSERT INTO clocks (peer, feed, note) VALUES (2, 77, 1)", "is of nobody"},
		{"INSERT INTO clocks (peer, feed, note) VALUES (77, 2, 1)", "is of nobody"},
		{"INSERT INTO addresses (feed, text, added) VALUES (77, x'61', 1)",
			"leads to nobody"},
		{"INSERT INTO nonces (nonce, sequence) VALUES (x'61', 3)",
			"a message that is not there"},
		{"INSERT INTO forks (feed, at, proof) VALUES (77, 1, x'61')", "against nobody"},
		{"INSERT INTO forks (feed, at, proof) VALUES (2, 1, x'61')", "forked is none"},
		/* A message of the feed itself, and one of somebody else, prove nothing. */
		{"INSERT INTO forks (feed, at, proof) SELECT 2, 1, body FROM messages WHERE feed = "
		 "2 AND sequence = 9",
			"forked is none"},
		{"INSERT INTO forks (feed, at, proof) SELECT 2, 1, body FROM messages WHERE feed = "
		 "1 AND sequence = 1",
			"forked is none"},
		{"INSERT INTO branch (sequence, key, body, at) VALUES (1, zeroblob(32), x'61', 1)",
			"Message 1 of the other branch"},
		{"INSERT INTO branch (sequence, key, body, at) SELECT 1, zeroblob(32), body, 1 "
		 "FROM messages WHERE feed = 1 AND sequence = 1",
			"Message 1 of the other branch"},
		{"INSERT INTO drafts (at, content) VALUES (1, x'7b')", "Draft 1 cannot be read"},
		{"INSERT INTO outbox (nonce, at, due, content, body) VALUES (x'6131', 1, 1, "
		 "x'7b', x'7b7d')",
			"The post a1 that waits to be signed cannot be read"},
		/* An index that does not say what its table says. */
		{"PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = 'CREATE INDEX "
		 "contacts_about ON contacts (feed, edge, about)' WHERE name = 'contacts_about'",
			"The database file is damaged"},
	};
	for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
		struct shelf shelf;
		struct heard heard;
		char path[128];
		sqlite3 *db = NULL;
		shelf_init(&shelf);
		fill(&shelf);
		(void)snprintf(path, sizeof(path), "%s/kith.db", shelf.dir);
		assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
		assert_int_equal(sqlite3_exec(db, damages[i].sql, NULL, NULL, NULL), SQLITE_OK);
		assert_int_equal(sqlite3_changes(db), 1);
		assert_int_equal(sqlite3_close(db), SQLITE_OK);
		struct audit audit = audit_of(&shelf, &heard);
		assert_true(audit.faults > 0);
		if (strstr(heard.all, damages[i].said) == NULL) {
			fail_msg("%s: said \"%s\"", damages[i].sql, heard.all);
		}
		shelf_fini(&shelf);
	}
}

/* Change a byte of the slot that counts, and make the slot whole again; the other one is torn. */
static void change_fence(const char *path, size_t at, uint8_t byte)
{
	static uint8_t slots[2][FENCE_SLOT_BYTES];
	uint64_t generations[2];
	FILE *file = fopen(path, "r+b");
	assert_non_null(file);
	assert_int_equal(fread(slots, 1, sizeof(slots), file), sizeof(slots));
	memcpy(&generations[0], slots[0] + 8, 8);
	memcpy(&generations[1], slots[1] + 8, 8);
	int newer = generations[1] > generations[0];
	uint8_t *slot = slots[newer];
	uint32_t intent_len = 0;
	uint64_t nonce_len = 0;
	memcpy(&intent_len, slot + 76, sizeof(intent_len));
	memcpy(&nonce_len, slot + 88, sizeof(nonce_len));
	size_t len = 224 + intent_len + nonce_len;
	slot[at] = slot[at] == byte ? (uint8_t)(byte + 1) : byte;
	assert_int_equal(crypto_hash_sha256(slot + len, slot, len), 0);
	slots[1 - newer][0] = 'x';
	assert_int_equal(fseek(file, 0, SEEK_SET), 0);
	assert_int_equal(fwrite(slots, 1, sizeof(slots), file), sizeof(slots));
	assert_int_equal(fclose(file), 0);
}

/* What is wrong with the fence is said, and never mended here. */
static void a_fence_that_disagrees_is_a_fault(void **state)
{
	(void)state;
	static const struct {
		size_t at;
		uint8_t byte;
		const char *said;
	} changes[] = {
		{16, 1, "another key"},           /* its identity */
		{80, 9, "knows your message 9"},  /* the number of its head */
		{96, 1, "different messages 1"},  /* the key of its head */
		{128, 9, "knows your message 9"}, /* the number of its intent */
	};
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		struct shelf shelf;
		struct heard heard;
		char path[128];
		shelf_init(&shelf);
		(void)shelf_publish(&shelf, "{\"type\":\"post\",\"text\":\"x\"}");
		shelf_close(&shelf);
		(void)snprintf(path, sizeof(path), "%s/fence", shelf.dir);
		change_fence(path, changes[i].at, changes[i].byte);
		shelf_open_store(&shelf);
		struct audit audit = audit_of(&shelf, &heard);
		assert_int_equal(audit.faults, 1);
		if (strstr(heard.all, changes[i].said) == NULL) {
			fail_msg("%zu: said \"%s\"", changes[i].at, heard.all);
		}
		shelf_close_store(&shelf);
		shelf_fini(&shelf);
	}
}

static void a_torn_fence_is_a_fault_and_none_is_not(void **state)
{
	(void)state;
	struct shelf shelf;
	struct heard heard;
	char path[128];
	shelf_init(&shelf);
	(void)shelf_publish(&shelf, "{\"type\":\"post\",\"text\":\"x\"}");
	shelf_close(&shelf);
	(void)snprintf(path, sizeof(path), "%s/fence", shelf.dir);
	assert_int_equal(truncate(path, 100), 0);
	shelf_open_store(&shelf);
	assert_int_equal(audit_of(&shelf, &heard).faults, 1);
	assert_non_null(strstr(heard.all, "safety file beside the database is damaged"));
	assert_int_equal(unlink(path), 0);
	assert_int_equal(audit_of(&shelf, &heard).faults, 0);
	shelf_close_store(&shelf);
	shelf_fini(&shelf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_sound_store_has_no_faults),
		cmocka_unit_test(a_message_whose_timestamp_is_infinite_is_no_fault),
		cmocka_unit_test(every_kind_of_damage_is_a_sentence),
		cmocka_unit_test(a_fence_that_disagrees_is_a_fault),
		cmocka_unit_test(a_torn_fence_is_a_fault_and_none_is_not),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
