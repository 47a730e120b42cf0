/* feed/content: what the deployed readers see in a content, and what strangers may put there. */
#include "lib/cmocka.h"

#include "base/limits.h"
#include "feed/content.h"

#include <stdio.h>

#define ID "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA="
#define FEED "@" ID ".ed25519"
#define MESSAGE "%" ID ".sha256"
#define BLOB "&" ID ".sha256"

struct reading {
	struct json_doc *doc;
	struct content content;
};

static struct content *reads(const char *text, struct reading *reading)
{
	assert_int_equal(json_parse(span_text(text), LIMIT_JSON_DEPTH, &reading->doc), ERR_OK);
	content_read_json(json_root(reading->doc), &reading->content);
	return &reading->content;
}

static void assert_type(const char *text, enum content_type type)
{
	struct reading r;
	if (reads(text, &r)->type != type) {
		fail_msg("%s: %d", text, (int)r.content.type);
	}
	json_doc_free(r.doc);
}

static void reads_a_post_with_everything(void **state)
{
	(void)state;
	struct reading r;
	const struct content *c = reads(
		"{\"type\":\"post\",\"text\":\"hi\",\"root\":\"" MESSAGE "\",\"branch\":[\"" MESSAGE
		"\",7,{\"link\":\"" MESSAGE "\"}],\"fork\":\"ssb:message/classic/"
		"AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=\",\"channel\":\"c\","
		"\"contentWarning\":\"w\",\"mentions\":[null,{\"link\":\"" FEED
		"\",\"name\":\"bob\"},\"" MESSAGE "\",{\"link\":\"" BLOB
		"?unbox=x.boxs\",\"name\":3},{\"link\":\"#Tag\"},{\"link\":\"@\"},[],{}]}",
		&r);
	const struct content_post *post = &c->post;
	assert_int_equal(c->type, CONTENT_POST);
	assert_true(span_equal_text(post->text, "hi") && span_equal_text(post->warning, "w") &&
		    span_equal_text(post->channel, "c"));
	assert_true(post->has_root && post->has_fork);
	assert_int_equal(post->root.at[31], 32);
	assert_int_equal(post->fork.at[0], 1);
	assert_int_equal(post->branch_count, 2);
	assert_int_equal(post->mention_count, 4);
	assert_int_equal(post->mentions[0].kind, MENTION_FEED);
	assert_true(span_equal_text(post->mentions[0].name, "bob"));
	assert_int_equal(post->mentions[1].kind, MENTION_MESSAGE);
	assert_int_equal(post->mentions[2].kind, MENTION_BLOB);
	assert_int_equal(post->mentions[2].name.len, 0);
	assert_int_equal(post->mentions[3].kind, MENTION_TAG);
	assert_true(span_equal_text(post->mentions[3].tag, "Tag"));
	json_doc_free(r.doc);
}

static void a_wrong_field_hides_only_itself(void **state)
{
	(void)state;
	struct reading r;
	const struct content *c =
		reads("{\"type\":\"post\",\"text\":\"hi\",\"root\":7,\"branch\":\"" MESSAGE
		      "\",\"channel\":[],\"mentions\":\"x\",\"contentWarning\":true}",
			&r);
	assert_int_equal(c->type, CONTENT_POST);
	assert_false(c->post.has_root || c->post.has_fork);
	assert_int_equal(c->post.branch_count, 1);
	assert_int_equal(c->post.channel.len + c->post.warning.len + c->post.mention_count, 0);
	json_doc_free(r.doc);
}

static void a_known_type_without_its_fields_is_another_type(void **state)
{
	(void)state;
	assert_type("{\"type\":\"post\"}", CONTENT_OTHER);
	assert_type("{\"type\":\"post\",\"text\":null}", CONTENT_OTHER);
	assert_type("{\"type\":\"vote\",\"vote\":{\"value\":1}}", CONTENT_OTHER);
	assert_type(
		"{\"type\":\"vote\",\"vote\":{\"link\":\"" FEED "\",\"value\":1}}", CONTENT_OTHER);
	assert_type("{\"type\":\"contact\",\"contact\":\"" MESSAGE "\",\"following\":true}",
		CONTENT_OTHER);
	assert_type("{\"type\":\"about\",\"about\":\"" BLOB "\"}", CONTENT_OTHER);
	assert_type(
		"{\"type\":\"about\",\"about\":\"AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA\"}",
		CONTENT_OTHER);
	assert_type("{\"type\":\"pub\",\"address\":{\"host\":\"h\",\"port\":8008}}", CONTENT_OTHER);
	assert_type("{\"type\":\"posts\",\"text\":\"x\"}", CONTENT_OTHER);
	assert_type("{\"type\":[\"post\"],\"text\":\"x\"}", CONTENT_OTHER);
	assert_type("\"AAAA.box\"", CONTENT_PRIVATE);
	assert_type("[1]", CONTENT_OTHER);
}

static void caps_branches_and_mentions(void **state)
{
	(void)state;
	static const size_t counts[] = {CONTENT_BRANCHES_MAX, CONTENT_BRANCHES_MAX + 1,
		CONTENT_MENTIONS_MAX, CONTENT_MENTIONS_MAX + 1, 10000};
	for (size_t i = 0; i < 5; i++) {
		struct buf text = BUF_INIT(8 * MIB);
		struct reading r;
		assert_int_equal(
			buf_append_text(&text,
				"{\"type\":\"post\",\"text\":\"\",\"branch\":[\"" MESSAGE "\""),
			ERR_OK);
		for (size_t k = 1; k < counts[i]; k++) {
			assert_int_equal(buf_append_text(&text, ",\"" MESSAGE "\""), ERR_OK);
		}
		assert_int_equal(buf_append_text(&text, "],\"mentions\":[\"#t\""), ERR_OK);
		for (size_t k = 1; k < counts[i]; k++) {
			assert_int_equal(buf_append_text(&text, ",\"#t\""), ERR_OK);
		}
		assert_int_equal(buf_append_text(&text, "]}"), ERR_OK);
		assert_int_equal(json_parse(buf_span(&text), LIMIT_JSON_DEPTH, &r.doc), ERR_OK);
		content_read_json(json_root(r.doc), &r.content);
		size_t branches =
			counts[i] < CONTENT_BRANCHES_MAX ? counts[i] : CONTENT_BRANCHES_MAX;
		size_t mentions =
			counts[i] < CONTENT_MENTIONS_MAX ? counts[i] : CONTENT_MENTIONS_MAX;
		assert_int_equal(r.content.post.branch_count, branches);
		assert_int_equal(r.content.post.mention_count, mentions);
		json_doc_free(r.doc);
		buf_fini(&text);
	}
}

static void only_a_value_above_zero_is_a_like(void **state)
{
	(void)state;
	static const struct {
		const char *value;
		bool is_like;
	} cases[] = {{"1", true}, {"0.5", true}, {"0", false}, {"-1", false}, {"true", false},
		{"\"1\"", false}, {"null", false}};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct reading r;
		char text[300];
		(void)snprintf(text, sizeof(text),
			"{\"type\":\"vote\",\"vote\":{\"link\":\"%" MESSAGE
			"\",\"value\":%s,\"expression\":\"dig\"}}",
			cases[i].value);
		assert_int_equal(reads(text, &r)->type, CONTENT_VOTE);
		assert_int_equal(r.content.vote.is_like, cases[i].is_like);
		assert_true(span_equal_text(r.content.vote.expression, "dig"));
		json_doc_free(r.doc);
	}
}

/* protocol/07 §2, contact: the whole message decides. */
static void the_whole_contact_decides_the_edge(void **state)
{
	(void)state;
	static const struct {
		const char *fields;
		enum contact_edge edge;
	} cases[] = {{"\"following\":true", EDGE_FOLLOW}, {"\"following\":false", EDGE_NEITHER},
		{"\"blocking\":true", EDGE_BLOCK}, {"\"blocking\":false", EDGE_NEITHER},
		{"\"following\":true,\"blocking\":true", EDGE_BLOCK},
		{"\"following\":1", EDGE_NEITHER}, {"\"following\":\"true\"", EDGE_NEITHER},
		{"\"blocking\":1", EDGE_BLOCK}, {"\"blocking\":\"\"", EDGE_NEITHER},
		{"\"flagged\":{\"reason\":\"spam\"}", EDGE_BLOCK},
		{"\"flagged\":0,\"following\":true", EDGE_FOLLOW}, {"\"x\":1", EDGE_NEITHER}};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct reading r;
		char text[300];
		(void)snprintf(text, sizeof(text),
			"{\"type\":\"contact\",\"contact\":\"" FEED "\",%s}", cases[i].fields);
		assert_int_equal(reads(text, &r)->type, CONTENT_CONTACT);
		assert_int_equal(r.content.contact.edge, cases[i].edge);
		json_doc_free(r.doc);
	}
}

static void reads_abouts_of_feeds_and_messages(void **state)
{
	(void)state;
	struct reading r;
	const struct content_about *about =
		&reads("{\"type\":\"about\",\"about\":\"" FEED
		       "\",\"name\":\"alice\",\"description\":5,\"image\":{\"link\":\"" BLOB
		       "\",\"size\":1}}",
			&r)
			 ->about;
	assert_int_equal(r.content.type, CONTENT_ABOUT);
	assert_true(
		about->is_about_feed && about->has_image && span_equal_text(about->name, "alice"));
	assert_int_equal(about->description.len, 0);
	assert_int_equal(about->image.at[1], 2);
	assert_false(about->is_image_gone);
	json_doc_free(r.doc);
	about = &reads("{\"type\":\"about\",\"about\":\"" FEED "\",\"image\":{\"link\":\"" BLOB
		       "\",\"remove\":true}}",
		&r)
			 ->about;
	assert_true(about->is_image_gone && !about->has_image);
	json_doc_free(r.doc);
	about = &reads("{\"type\":\"about\",\"about\":\"" MESSAGE "\",\"name\":\"x\"}", &r)->about;
	assert_int_equal(r.content.type, CONTENT_ABOUT);
	assert_false(about->is_about_feed);
	assert_int_equal(about->name.len, 0);
	json_doc_free(r.doc);
}

/* Some clients publish the seed of the invite with the address (protocol/07 §2, pub). */
static void never_shows_the_secret_in_a_pub_address(void **state)
{
	(void)state;
	static const struct {
		const char *address;
		const char *text;
	} cases[] = {{"\"net:h:8008~shs:" ID ":SECRETSEED\"", "net:h:8008~shs:" ID},
		{"\"h:8008:" FEED "~SECRETSEED\"", "h:8008:" FEED},
		{"{\"remote\":\"net:h:8008~shs:" ID ":SECRETSEED\",\"key\":\"" FEED "\"}",
			"net:h:8008~shs:" ID}};
	for (size_t i = 0; i < 3; i++) {
		struct reading r;
		char text[400];
		(void)snprintf(
			text, sizeof(text), "{\"type\":\"pub\",\"address\":%s}", cases[i].address);
		assert_int_equal(reads(text, &r)->type, CONTENT_PUB);
		assert_true(span_equal_text(r.content.pub.address, cases[i].text));
		assert_int_equal(r.content.pub.key.at[0], 1);
		json_doc_free(r.doc);
	}
}

static void reads_pub_hosts_and_ports(void **state)
{
	(void)state;
	struct reading r;
	const struct content_pub *pub = &reads(
		"{\"type\":\"pub\",\"address\":{\"host\":\"h\",\"port\":65535,\"key\":\"" FEED
		"\"}}",
		&r)
						 ->pub;
	assert_int_equal(r.content.type, CONTENT_PUB);
	assert_true(span_equal_text(pub->host, "h") && pub->port == 65535 && pub->address.len == 0);
	json_doc_free(r.doc);
	assert_type("{\"type\":\"pub\",\"address\":{\"host\":\"h\",\"port\":65536,\"key\":\"" FEED
		    "\"}}",
		CONTENT_OTHER);
	assert_type("{\"type\":\"pub\",\"address\":{\"host\":\"h\",\"port\":0,\"key\":\"" FEED
		    "\"}}",
		CONTENT_OTHER);
	assert_type("{\"type\":\"pub\",\"address\":\"\"}", CONTENT_OTHER);
	assert_type("{\"type\":\"pub\"}", CONTENT_OTHER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_a_post_with_everything),
		cmocka_unit_test(a_wrong_field_hides_only_itself),
		cmocka_unit_test(a_known_type_without_its_fields_is_another_type),
		cmocka_unit_test(caps_branches_and_mentions),
		cmocka_unit_test(only_a_value_above_zero_is_a_like),
		cmocka_unit_test(the_whole_contact_decides_the_edge),
		cmocka_unit_test(reads_abouts_of_feeds_and_messages),
		cmocka_unit_test(never_shows_the_secret_in_a_pub_address),
		cmocka_unit_test(reads_pub_hosts_and_ports),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
