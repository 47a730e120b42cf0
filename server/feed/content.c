/*
 * What messages say (protocol/07). Each reader takes the fields it can and leaves the others at
 * nothing; only a required field that does not fit turns the message into CONTENT_OTHER. The rules
 * are those of the deployed readers, traps included.
 */
#include "feed/content.h"

#include "base/limits.h"

/* An id as text, or as an object {link: text}. */
static bool link_text(const struct json *value, struct span *out)
{
	return json_text(value, out) || json_text(json_get(value, "link"), out);
}

static bool read_message_id(const struct json *value, struct message_id *out)
{
	struct span text;
	return link_text(value, &text) && message_id_parse_link(text, out) == ERR_OK;
}

static bool read_feed_id(const struct json *value, struct feed_id *out)
{
	struct span text;
	return link_text(value, &text) && feed_id_parse_link(text, out) == ERR_OK;
}

static bool read_blob_id(const struct json *value, struct blob_id *out)
{
	struct span text;
	return link_text(value, &text) && blob_id_parse_link(text, out) == ERR_OK;
}

static struct span text_or_nothing(const struct json *value)
{
	struct span text;
	return json_text(value, &text) ? text : span_of(NULL, 0);
}

static void add_branch(const struct json *value, struct content_post *post)
{
	if (post->branch_count < CONTENT_BRANCHES_MAX &&
		read_message_id(value, &post->branches[post->branch_count])) {
		post->branch_count++;
	}
}

static void read_branches(const struct json *branch, struct content_post *post)
{
	if (branch == NULL || json_kind(branch) != JSON_KIND_ARRAY) {
		add_branch(branch, post);
		return;
	}
	for (size_t i = 0; i < json_count(branch); i++) {
		add_branch(json_at(branch, i), post);
	}
}

static bool read_mention_link(struct span link, struct mention *mention)
{
	struct feed_id feed;
	struct message_id message;
	struct blob_id blob;
	if (link.len > 1 && link.at[0] == '#') {
		mention->kind = MENTION_TAG;
		mention->tag = span_skip(link, 1);
		return true;
	}
	if (feed_id_parse_link(link, &feed) == ERR_OK) {
		mention->kind = MENTION_FEED;
		memcpy(mention->id, feed.at, ID_BYTES);
		return true;
	}
	if (message_id_parse_link(link, &message) == ERR_OK) {
		mention->kind = MENTION_MESSAGE;
		memcpy(mention->id, message.at, ID_BYTES);
		return true;
	}
	if (blob_id_parse_link(link, &blob) == ERR_OK) {
		mention->kind = MENTION_BLOB;
		memcpy(mention->id, blob.at, ID_BYTES);
		return true;
	}
	return false;
}

static void read_mentions(const struct json *mentions, struct content_post *post)
{
	if (mentions == NULL || json_kind(mentions) != JSON_KIND_ARRAY) {
		return;
	}
	for (size_t i = 0; i < json_count(mentions) && post->mention_count < CONTENT_MENTIONS_MAX;
		i++) {
		const struct json *element = json_at(mentions, i);
		struct mention *mention = &post->mentions[post->mention_count];
		struct span link;
		if (link_text(element, &link) && read_mention_link(link, mention)) {
			mention->name = text_or_nothing(json_get(element, "name"));
			post->mention_count++;
		}
	}
}

static bool read_post(const struct json *content, struct content_post *post)
{
	if (!json_text(json_get(content, "text"), &post->text)) {
		return false;
	}
	post->warning = text_or_nothing(json_get(content, "contentWarning"));
	post->channel = text_or_nothing(json_get(content, "channel"));
	post->has_root = read_message_id(json_get(content, "root"), &post->root);
	post->has_fork = read_message_id(json_get(content, "fork"), &post->fork);
	read_branches(json_get(content, "branch"), post);
	read_mentions(json_get(content, "mentions"), post);
	return true;
}

static bool read_vote(const struct json *content, struct content_vote *vote)
{
	const struct json *inner = json_get(content, "vote");
	double value = 0;
	if (!read_message_id(json_get(inner, "link"), &vote->link)) {
		return false;
	}
	vote->is_like = json_number(json_get(inner, "value"), &value) && value > 0;
	vote->expression = text_or_nothing(json_get(inner, "expression"));
	return true;
}

static bool read_contact(const struct json *content, struct content_contact *contact)
{
	if (!read_feed_id(json_get(content, "contact"), &contact->contact)) {
		return false;
	}
	contact->edge = EDGE_NEITHER;
	if (json_is_truthy(json_get(content, "blocking")) ||
		json_is_truthy(json_get(content, "flagged"))) {
		contact->edge = EDGE_BLOCK;
	} else if (json_says_true(json_get(content, "following"))) {
		contact->edge = EDGE_FOLLOW;
	}
	return true;
}

static bool read_about(const struct json *content, struct content_about *about)
{
	const struct json *subject = json_get(content, "about");
	if (read_message_id(subject, &about->about_message)) {
		about->is_about_feed = false;
		return true;
	}
	if (!read_feed_id(subject, &about->about_feed)) {
		return false;
	}
	about->is_about_feed = true;
	about->name = text_or_nothing(json_get(content, "name"));
	about->description = text_or_nothing(json_get(content, "description"));
	const struct json *image = json_get(content, "image");
	about->is_image_gone = json_says_true(json_get(image, "remove"));
	about->has_image = !about->is_image_gone && read_blob_id(image, &about->image);
	return true;
}

/*
 * The key in `net:host:port~shs:KEY` or `host:port:@KEY.ed25519`, and the address cut behind it:
 * some clients publish their invites, whose secret seed follows there, and nobody may pass it on
 * (protocol/07 §2, pub).
 */
static bool read_pub_text(struct span address, struct content_pub *pub)
{
	static const char mark[] = "~shs:";
	uint8_t id[ID_BYTES];
	size_t count = 0;
	const uint8_t *found =
		address.len == 0 ? NULL : memmem(address.at, address.len, mark, strlen(mark));
	if (found != NULL) {
		size_t key_at = (size_t)(found - address.at) + strlen(mark);
		struct span key = span_take(span_skip(address, key_at), BASE64_BYTES(ID_BYTES));
		if (base64_decode(key, id, sizeof(id), &count) != ERR_OK || count != ID_BYTES) {
			return false;
		}
		memcpy(pub->key.at, id, ID_BYTES);
		pub->address = span_take(address, key_at + key.len);
		return true;
	}
	found = address.len == 0 ? NULL : memchr(address.at, '@', address.len);
	size_t key_at = found == NULL ? address.len : (size_t)(found - address.at);
	struct span key = span_take(span_skip(address, key_at), FEED_ID_TEXT_BYTES - 1);
	pub->address = span_take(address, key_at + key.len);
	return feed_id_parse(key, &pub->key) == ERR_OK;
}

static bool read_pub(const struct json *content, struct content_pub *pub)
{
	const struct json *address = json_get(content, "address");
	struct span text;
	int64_t port = 0;
	if (json_text(address, &text)) {
		return read_pub_text(text, pub);
	}
	if (!json_text(json_get(address, "host"), &pub->host) ||
		!json_whole(json_get(address, "port"), &port) || port < 1 || port > UINT16_MAX) {
		pub->host = span_of(NULL, 0);
		return json_text(json_get(address, "remote"), &text) && read_pub_text(text, pub);
	}
	pub->port = (uint16_t)port;
	return read_feed_id(json_get(address, "key"), &pub->key);
}

static enum content_type read_known(const struct json *content, struct content *out)
{
	if (span_equal_text(out->type_text, "post")) {
		return read_post(content, &out->post) ? CONTENT_POST : CONTENT_OTHER;
	}
	if (span_equal_text(out->type_text, "vote")) {
		return read_vote(content, &out->vote) ? CONTENT_VOTE : CONTENT_OTHER;
	}
	if (span_equal_text(out->type_text, "contact")) {
		return read_contact(content, &out->contact) ? CONTENT_CONTACT : CONTENT_OTHER;
	}
	if (span_equal_text(out->type_text, "about")) {
		return read_about(content, &out->about) ? CONTENT_ABOUT : CONTENT_OTHER;
	}
	if (span_equal_text(out->type_text, "pub")) {
		return read_pub(content, &out->pub) ? CONTENT_PUB : CONTENT_OTHER;
	}
	return CONTENT_OTHER;
}

void content_read_json(const struct json *content, struct content *out)
{
	memset(out, 0, sizeof(*out));
	if (content == NULL || json_kind(content) == JSON_KIND_STRING) {
		out->type = content == NULL ? CONTENT_OTHER : CONTENT_PRIVATE;
		return;
	}
	out->type_text = text_or_nothing(json_get(content, "type"));
	out->type = read_known(content, out);
}

enum content_type content_named(const struct message *message)
{
	static const struct {
		const char *text;
		enum content_type type;
	} names[] = {{"post", CONTENT_POST}, {"vote", CONTENT_VOTE}, {"contact", CONTENT_CONTACT},
		{"about", CONTENT_ABOUT}, {"pub", CONTENT_PUB}};
	if (message->is_encrypted) {
		return CONTENT_PRIVATE;
	}
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (span_equal_text(message->type, names[i].text)) {
			return names[i].type;
		}
	}
	return CONTENT_OTHER;
}

enum err content_read(const struct message *message, struct content *out)
{
	const struct json *tree = NULL;
	enum content_type named = content_named(message);
	if (named == CONTENT_OTHER || named == CONTENT_PRIVATE) {
		memset(out, 0, sizeof(*out));
		out->type = named;
		out->type_text = message->type;
		return ERR_OK;
	}
	enum err err = message_content(message, &tree);
	if (err == ERR_OK) {
		content_read_json(tree, out);
	}
	return err;
}
