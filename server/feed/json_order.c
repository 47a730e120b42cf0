/*
 * The order of an object's members in JavaScript: array indices (0 … 2^32 − 2, written plainly)
 * first and ascending, the others as they came; of doubles the last value stays, at the first one's
 * place. Nearly all objects have a handful of members and need nothing moved.
 */
#include "feed/json_tree.h"

#include <stdlib.h>

enum { FEW_MEMBERS = 16 };

struct rank {
	uint64_t prefix; /* the first eight bytes of the name */
	const struct json *name;
	size_t place;
};

struct indexed {
	uint32_t index;
	size_t place;
};

static bool is_index(const struct json *name, uint32_t *index)
{
	if (name->len == 0 || name->len > 10 || (name->len > 1 && name->text[0] == '0')) {
		return false;
	}
	uint64_t value = 0;
	for (uint32_t i = 0; i < name->len; i++) {
		if (name->text[i] < '0' || name->text[i] > '9') {
			return false;
		}
		value = value * 10 + (uint64_t)(name->text[i] - '0');
	}
	*index = (uint32_t)value;
	return value < UINT32_MAX;
}

static bool is_same(const struct json *a, const struct json *b)
{
	return a->len == b->len && (a->len == 0 || memcmp(a->text, b->text, a->len) == 0);
}

static size_t drop_doubles_of_few(struct json *pairs, size_t members)
{
	size_t kept = 0;
	for (size_t i = 0; i < members; i++) {
		size_t same = 0;
		while (same < kept && !is_same(&pairs[2 * same], &pairs[2 * i])) {
			same++;
		}
		if (same == kept) {
			pairs[2 * kept] = pairs[2 * i];
			kept++;
		}
		pairs[2 * same + 1] = pairs[2 * i + 1];
	}
	return kept;
}

static int compare_ranks(const void *left, const void *right)
{
	const struct rank *a = left;
	const struct rank *b = right;
	if (a->prefix != b->prefix) {
		return a->prefix < b->prefix ? -1 : 1;
	}
	if (a->name->len != b->name->len) {
		return a->name->len < b->name->len ? -1 : 1;
	}
	int order = a->name->len == 0 ? 0 : memcmp(a->name->text, b->name->text, a->name->len);
	if (order != 0) {
		return order;
	}
	return a->place < b->place ? -1 : 1;
}

/* Sort the names, so that doubles stand side by side: n log n whatever a stranger sends. */
static enum err drop_doubles_of_many(struct json *pairs, size_t *members)
{
	struct rank *ranks = malloc(*members * sizeof(*ranks));
	if (ranks == NULL) {
		return ERR_NOMEM;
	}
	for (size_t i = 0; i < *members; i++) {
		const struct json *name = &pairs[2 * i];
		ranks[i] = (struct rank){.name = name, .place = i};
		memcpy(&ranks[i].prefix, name->text, name->len < 8 ? name->len : 8);
	}
	qsort(ranks, *members, sizeof(*ranks), compare_ranks);
	bool has_doubles = false;
	for (size_t i = 0; i < *members;) {
		size_t last = i;
		while (last + 1 < *members && is_same(ranks[i].name, ranks[last + 1].name)) {
			last++;
		}
		pairs[2 * ranks[i].place + 1] = pairs[2 * ranks[last].place + 1];
		for (size_t k = i + 1; k <= last; k++) {
			pairs[2 * ranks[k].place].type =
				JSON_KIND_NULL; /* a name that is none: drop it */
			has_doubles = true;
		}
		i = last + 1;
	}
	free(ranks);
	size_t kept = 0;
	for (size_t i = 0; i < *members && has_doubles; i++) {
		if (pairs[2 * i].type == JSON_KIND_STRING) {
			pairs[2 * kept] = pairs[2 * i];
			pairs[2 * kept + 1] = pairs[2 * i + 1];
			kept++;
		}
	}
	*members = has_doubles ? kept : *members;
	return ERR_OK;
}

static int compare_indexed(const void *left, const void *right)
{
	const struct indexed *a = left;
	const struct indexed *b = right;
	return a->index < b->index ? -1 : a->index > b->index;
}

static enum err indices_first(struct json *pairs, size_t members, size_t count)
{
	enum err err = ERR_NOMEM;
	struct indexed *found = malloc(count * sizeof(*found));
	struct json *ordered = malloc(members * 2 * sizeof(*ordered));
	if (found == NULL || ordered == NULL) {
		goto out;
	}
	size_t at = 0;
	size_t other = count;
	for (size_t i = 0; i < members; i++) {
		uint32_t index = 0;
		if (is_index(&pairs[2 * i], &index)) {
			found[at++] = (struct indexed){.index = index, .place = i};
		} else {
			memcpy(&ordered[2 * other++], &pairs[2 * i], 2 * sizeof(*ordered));
		}
	}
	qsort(found, count, sizeof(*found), compare_indexed);
	for (size_t i = 0; i < count; i++) {
		memcpy(&ordered[2 * i], &pairs[2 * found[i].place], 2 * sizeof(*ordered));
	}
	memcpy(pairs, ordered, members * 2 * sizeof(*ordered));
	err = ERR_OK;
out:
	free(found);
	free(ordered);
	return err;
}

enum err json_order_members(struct json *pairs, size_t *members)
{
	if (*members <= FEW_MEMBERS) {
		*members = drop_doubles_of_few(pairs, *members);
	} else {
		enum err err = drop_doubles_of_many(pairs, members);
		if (err != ERR_OK) {
			return err;
		}
	}
	size_t count = 0;
	for (size_t i = 0; i < *members; i++) {
		uint32_t index = 0;
		count += is_index(&pairs[2 * i], &index) ? 1 : 0;
	}
	return count == 0 ? ERR_OK : indices_first(pairs, *members, count);
}
