/* wire/address against what multiserver-address and ssb-ref say, and what people paste. */
#include "wire/vectors.h"

#include "wire/address.h"

#define KEY "/RckOFqgx1tk+3jNYC+h2ZH96/drE8WO1wLqyDXp9hg="
#define ID "@" KEY ".ed25519"
#define OTHER_ID "@AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM=.ed25519"
#define SEED "AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM="

static void judges_every_vector_as_multiserver_address_does(void **state)
{
	(void)state;
	json_t *root = vectors_load("addresses");
	size_t i;
	json_t *vector;
	json_array_foreach(json_object_get(root, "addresses"), i, vector)
	{
		const char *text = vectors_text(vector, "address");
		if (address_is_wellformed(span_text(text)) !=
			json_is_true(json_object_get(vector, "check"))) {
			fail_msg("\"%s\" is judged differently", text);
		}
	}
	assert_int_equal(i, 27);
	json_decref(root);
}

/* ssb-ref takes the first transport it knows, also ones we cannot dial; and an `@…` that is nothing
 * without a host. */
static bool is_dialable(const json_t *parsed, const char *text)
{
	const char *host = vectors_text(parsed, "host");
	return json_is_object(parsed) && host != NULL && host[0] != '\0' &&
	       json_is_integer(json_object_get(parsed, "port")) && strncmp(host, "ws", 2) != 0 &&
	       strncmp(text, "onion", 5) != 0;
}

static void parses_every_vector_as_ssb_ref_does(void **state)
{
	(void)state;
	json_t *root = vectors_load("addresses");
	size_t i;
	json_t *vector;
	json_array_foreach(json_object_get(root, "addresses"), i, vector)
	{
		const char *text = vectors_text(vector, "address");
		const json_t *parsed = json_object_get(vector, "ssb_ref_parseAddress");
		struct address address = {.port = 1};
		enum err err = address_parse(span_text(text), &address);
		if (strncmp(text, "ws:", 3) == 0 && strstr(text, ";net:") != NULL) {
			assert_int_equal(err, ERR_OK); /* the second alternative */
			assert_string_equal(address.host, "10.0.0.1");
			assert_int_equal(address.port, 8008);
			continue;
		}
		if ((err == ERR_OK) != is_dialable(parsed, text)) {
			fail_msg("\"%s\" is parsed differently", text);
		}
		if (err == ERR_OK) {
			char id[FEED_ID_TEXT_BYTES];
			feed_id_format(&address.key, id);
			assert_string_equal(address.host, vectors_text(parsed, "host"));
			assert_int_equal(
				address.port, json_integer_value(json_object_get(parsed, "port")));
			assert_string_equal(id, vectors_text(parsed, "key"));
		} else {
			assert_int_equal(err, ERR_REFUSED);
			assert_int_equal(address.port, 1);
		}
	}
	json_decref(root);
}

static void parses_invites_with_their_seed_and_prints_them_without(void **state)
{
	(void)state;
	json_t *root = vectors_load("addresses");
	size_t i;
	size_t taken = 0;
	json_t *vector;
	json_array_foreach(json_object_get(root, "invites"), i, vector)
	{
		const char *text = vectors_text(vector, "invite");
		const json_t *parsed = json_object_get(vector, "parseInvite");
		const char *remote = vectors_text(parsed, "remote");
		struct address address = {.port = 0};
		enum err err = address_parse(span_text(text), &address);
		if (remote == NULL || strncmp(remote, "net:", 4) != 0) {
			/* A plain address is no invite, and one in quotes is for
			 * address_parse_pasted(). */
			assert_true(err == ERR_REFUSED || !address.has_seed);
			continue;
		}
		struct buf printed = BUF_INIT(LIMIT_ADDRESS_BYTES);
		if (strstr(remote, "net:::") == NULL && strstr(text, ".onion") == NULL) {
			assert_int_equal(err, ERR_OK);
		}
		if (err == ERR_OK) {
			taken++;
			assert_int_equal(address_format(&address, &printed), ERR_OK);
			assert_string_equal(buf_cstr(&printed), remote);
			assert_int_equal(address.has_seed,
				strstr(text, SEED) != NULL || strstr(text, "//////9=") != NULL);
		}
		if (strstr(text, SEED) != NULL && err == ERR_OK) {
			assert_int_equal(address.seed[0], 3);
			assert_int_equal(address.seed[31], 3);
		}
		buf_fini(&printed);
	}
	assert_int_equal(i, 13);
	assert_int_equal(taken, 7);
	json_decref(root);
}

static void assert_host(const char *text, const char *host, int port)
{
	struct address address;
	enum err err = address_parse(span_text(text), &address);
	if (host == NULL) {
		if (err != ERR_REFUSED) {
			fail_msg("\"%s\" is taken", text);
		}
		return;
	}
	if (err != ERR_OK) {
		fail_msg("\"%s\" is refused", text);
	}
	assert_string_equal(address.host, host);
	assert_int_equal(address.port, port);
}

static void hosts_and_ports_are_checked(void **state)
{
	(void)state;
	assert_host("net:a.example:1~shs:" KEY, "a.example", 1);
	assert_host("net:a.example:65535~shs:" KEY, "a.example", 65535);
	assert_host(" \tnet:a.example:8008~shs:" KEY "\r\n", "a.example", 8008);
	assert_host("net:xn--bcher-kva.example:8008~shs:" KEY, "xn--bcher-kva.example", 8008);
	assert_host("net:1!:!:2:8008~shs:" KEY, "1::2", 8008);
	assert_host("net:a.example:0~shs:" KEY, NULL, 0);
	assert_host("net:a.example:65536~shs:" KEY, NULL, 0);
	assert_host("net:a.example:4294967297~shs:" KEY, NULL, 0);
	assert_host("net:a.example:80x~shs:" KEY, NULL, 0);
	assert_host("net:a.example:-1~shs:" KEY, NULL, 0);
	assert_host("net:a.example:~shs:" KEY, NULL, 0);
	assert_host("net:a.example~shs:" KEY, NULL, 0);
	assert_host("net:a~shs:" KEY, NULL, 0);
	assert_host("net::8008~shs:" KEY, NULL, 0);
	assert_host("net:box:8008~shs:" KEY, NULL, 0);
	assert_host("abcdefghij234567.onion:8008:" ID, NULL, 0);
	assert_host("net:-a.example:8008~shs:" KEY, NULL, 0);
	assert_host("net:a--b.example:8008~shs:" KEY, NULL, 0);
	assert_host("net:a..example:8008~shs:" KEY, NULL, 0);
	assert_host("net:a.b_c:8008~shs:" KEY, NULL, 0);
	assert_host("net:1.2.3:8008~shs:" KEY, NULL, 0);
	assert_host("net:1.2.3.256:8008~shs:" KEY, NULL, 0);
	assert_host("net:1.2.3.4/8:8008~shs:" KEY, NULL, 0);
	assert_host("net:fe80::1%eth0:8008~shs:" KEY, NULL, 0);
	assert_host("net:a.example:8008~shs:" KEY "~x2", NULL, 0);
	assert_host("net:a.example:8008~shs2:" KEY, NULL, 0);
	assert_host("net:a.example:8008~shs:" KEY ":short", NULL, 0);
	assert_host("net:a.example:8008~shs:" KEY ":" SEED ":more", NULL, 0);
	assert_host("net:a.example:8008~shs:" ID, NULL, 0);
	assert_host("a.example:8008:" KEY, NULL, 0);
	assert_host("a.example:" ID, NULL, 0);
	assert_host(ID, NULL, 0);
}

static void every_usable_alternative_of_a_list_may_be_the_first(void **state)
{
	(void)state;
	assert_host("onion:x.onion:8008~shs:" KEY ";net:box:1~shs:" KEY ";net:b.example:2~shs:" KEY
		    ";net:c.example:3~shs:" KEY,
		"b.example", 2);
	assert_host("net:b.example:2~shs:" KEY ";", NULL, 0);
	assert_host("net:b.example:2~shs:" KEY ";Net:x", NULL, 0);
}

/* An address of `len` bytes, the last label of its host stretched. */
static enum err parse_sized(size_t len, struct address *address)
{
	static const char tail[] = ":8008~shs:" KEY;
	char *text = malloc(len);
	assert_non_null(text);
	memset(text, 'a', len);
	memcpy(text, "net:", 4);
	for (size_t i = 4 + 60; i < len - strlen(tail) - 2; i += 61) {
		text[i] = '.';
	}
	memcpy(text + len - strlen(tail), tail, strlen(tail));
	enum err err = address_parse(span_of(text, len), address);
	free(text);
	return err;
}

static void lengths_are_limited(void **state)
{
	(void)state;
	struct address address;
	size_t rest = strlen("net::8008~shs:" KEY);
	assert_int_equal(parse_sized(LIMIT_HOST_BYTES + rest, &address), ERR_OK);
	assert_int_equal(strlen(address.host), LIMIT_HOST_BYTES);
	assert_int_equal(parse_sized(LIMIT_HOST_BYTES + 1 + rest, &address), ERR_REFUSED);
	assert_int_equal(parse_sized(LIMIT_ADDRESS_BYTES, &address), ERR_REFUSED);
	assert_int_equal(parse_sized(LIMIT_ADDRESS_BYTES + 1, &address), ERR_LIMIT);
	assert_int_equal(parse_sized(1000 * LIMIT_ADDRESS_BYTES, &address), ERR_LIMIT);
}

struct pasted {
	const char *text;
	const char *key;  /* NULL: refused */
	const char *host; /* NULL: no address */
};

static void assert_pasted(const struct pasted *pasted)
{
	struct feed_id key;
	struct address address;
	bool has_address = false;
	enum err err = address_parse_pasted(span_text(pasted->text), &key, &address, &has_address);
	if ((err == ERR_OK) != (pasted->key != NULL)) {
		fail_msg("\"%s\": %s", pasted->text, err_text(err));
	}
	if (pasted->key == NULL) {
		assert_int_equal(err, ERR_REFUSED);
		return;
	}
	char id[FEED_ID_TEXT_BYTES];
	feed_id_format(&key, id);
	assert_string_equal(id, pasted->key);
	if (has_address != (pasted->host != NULL)) {
		fail_msg("\"%s\": address %d", pasted->text, has_address);
	}
	if (has_address) {
		assert_string_equal(address.host, pasted->host);
		assert_true(feed_id_equal(&address.key, &key));
	}
}

static void takes_whatever_people_paste(void **state)
{
	(void)state;
	static const struct pasted all[] = {
		{ID, ID, NULL},
		{"  " ID "\n", ID, NULL},
		{"\"" ID "\"", ID, NULL},
		{"'" ID "'", ID, NULL},
		{"ssb:feed/ed25519/_RckOFqgx1tk-3jNYC-h2ZH96_drE8WO1wLqyDXp9hg=", ID, NULL},
		{"ssb:feed/classic/_RckOFqgx1tk-3jNYC-h2ZH96_drE8WO1wLqyDXp9hg=", ID, NULL},
		{"net:a.example:8008~shs:" KEY, ID, "a.example"},
		{"a.example:8008:" ID, ID, "a.example"},
		{"ssb:address/"
		 "multiserver?multiserverAddress=net%3Aone.butt.nz%3A8008~shs%3A%2FRckOFqgx1tk%"
		 "2B3jNYC%2Bh2ZH96%2FdrE8WO1wLqyDXp9hg%3D",
			ID, "one.butt.nz"},
		{"ssb://address/"
		 "multiserver?x=1&multiserverAddress=net%3aone.butt.nz%3a8008~shs%3a" KEY "&y=2",
			ID, "one.butt.nz"},
		{ID " net:a.example:8008~shs:" KEY, ID, "a.example"},
		{"net:a.example:8008~shs:" KEY ", " ID, ID, "a.example"},
		{"net:a.example:8008~shs:" KEY "\n\n" ID, ID, "a.example"},
		{"My key is " ID " and I am at <net:a.example:8008~shs:" KEY ">", ID, "a.example"},
		{"net:a.example:8008~shs:" KEY " net:b.example:8008~shs:" KEY, ID, "a.example"},
		{"ws://a.example:8989~shs:" KEY, ID, NULL},
		{"tunnel:" OTHER_ID ":" ID "~shs:" KEY, ID, NULL},
		{ID " ws://a.example:8989~shs:" KEY, ID, NULL},
		{ID " 192.0.2.7:8008", ID, "192.0.2.7"},
		{"a.example:8008, " ID, ID, "a.example"},
		{ID " net:a.example:8008~shs:" KEY " b.example:8008", ID, "a.example"},
		{ID " seen at 12:30", ID, NULL},
		{ID " a.example:99999", ID, NULL},
		{ID " a.example:80a", ID, NULL},
		{ID " a.example:", ID, NULL},
		{"a.example:8008", NULL, NULL},
		{"", NULL, NULL},
		{"   ", NULL, NULL},
		{"hello", NULL, NULL},
		{"%/RckOFqgx1tk+3jNYC+h2ZH96/drE8WO1wLqyDXp9hg=.sha256", NULL, NULL},
		{ID " " OTHER_ID, NULL, NULL},
		{OTHER_ID " net:a.example:8008~shs:" KEY, NULL, NULL},
		{"@short.ed25519 net:a.example:8008~shs:" KEY, NULL, NULL},
		{ID " net:a.example:99999~shs:short", NULL, NULL},
		{ID " ssb:address/multiserver?multiserverAddress=%zz", NULL, NULL},
		{"ssb:message/classic/_RckOFqgx1tk-3jNYC-h2ZH96_drE8WO1wLqyDXp9hg=", NULL, NULL},
	};
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		assert_pasted(&all[i]);
	}
}

static void pasted_text_is_limited(void **state)
{
	(void)state;
	static char text[1000 * LIMIT_PASTED_BYTES];
	static const size_t sizes[] = {LIMIT_PASTED_BYTES, LIMIT_PASTED_BYTES + 1, sizeof(text)};
	memset(text, ' ', sizeof(text));
	memcpy(text, ID, strlen(ID));
	for (size_t i = 0; i < 3; i++) {
		struct feed_id key;
		struct address address;
		bool has_address = false;
		assert_int_equal(
			address_parse_pasted(span_of(text, sizes[i]), &key, &address, &has_address),
			i == 0 ? ERR_OK : ERR_LIMIT);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(judges_every_vector_as_multiserver_address_does),
		cmocka_unit_test(parses_every_vector_as_ssb_ref_does),
		cmocka_unit_test(parses_invites_with_their_seed_and_prints_them_without),
		cmocka_unit_test(hosts_and_ports_are_checked),
		cmocka_unit_test(every_usable_alternative_of_a_list_may_be_the_first),
		cmocka_unit_test(lengths_are_limited),
		cmocka_unit_test(takes_whatever_people_paste),
		cmocka_unit_test(pasted_text_is_limited),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
