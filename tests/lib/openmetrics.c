/* One pass over the lines. A family begins with its TYPE and ends where the next one begins; it may
 * not come back. */
#include "lib/openmetrics.h"

#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_BYTES = 128, LABELS_BYTES = 256, FAMILIES_MAX = 256, SAMPLES_MAX = 1024 };

enum type { TYPE_GAUGE, TYPE_COUNTER, TYPE_INFO, TYPE_HISTOGRAM, TYPE_COUNT };
static const char *const types[TYPE_COUNT] = {"gauge", "counter", "info", "histogram"};

struct sample {
	char name[NAME_BYTES];
	char labels[LABELS_BYTES]; /* without `le` */
	char le[32];               /* "": none */
	double value;
};

struct scan {
	char families[FAMILIES_MAX][NAME_BYTES];
	size_t family_count;
	enum type type;
	bool has_help;
	struct sample samples[SAMPLES_MAX]; /* of all families */
	size_t count, first;                /* the present family's begin here */
	unsigned line;
	char *why;
};

static bool wrong(struct scan *scan, const char *format, ...)
{
	va_list list;
	int len = snprintf(scan->why, 256, "line %u: ", scan->line);
	va_start(list, format);
	(void)vsnprintf(scan->why + len, 256 - (size_t)len, format, list);
	va_end(list);
	return false;
}

static size_t name_len(const char *text)
{
	size_t len = 0;
	while (isalpha((unsigned char)text[len]) || text[len] == '_' ||
		(len > 0 && isdigit((unsigned char)text[len]))) {
		len++;
	}
	return len;
}

/* `{a="b",le="c"}` at `*at`, which is moved behind it. */
static bool read_labels(struct scan *scan, const char **at, struct sample *out)
{
	const char *c = *at + 1;
	size_t used = 0;
	while (*c != '}') {
		size_t len = name_len(c);
		if (len == 0 || c[len] != '=' || c[len + 1] != '"') {
			return wrong(scan, "a label is malformed");
		}
		const char *value = c + len + 2;
		const char *end = value;
		while (*end != '"') {
			if (*end == '\0' || (*end == '\\' && strchr("\\\"n", end[1]) == NULL)) {
				return wrong(scan, "a label's value is malformed");
			}
			end += *end == '\\' ? 2 : 1;
		}
		bool is_le = len == 2 && strncmp(c, "le", 2) == 0;
		size_t room = is_le ? sizeof(out->le) : sizeof(out->labels) - used;
		int put =
			is_le ? snprintf(out->le, room, "%.*s", (int)(end - value), value)
			      : snprintf(out->labels + used, room, "%.*s;", (int)(end + 1 - c), c);
		if (put < 0 || (size_t)put >= room) {
			return wrong(scan, "labels are too long");
		}
		used += is_le ? 0 : (size_t)put;
		c = end + 1;
		if (*c != ',' && *c != '}') {
			return wrong(scan, "labels are not parted by a comma");
		}
		if (*c == ',' && *++c == '}') {
			return wrong(scan, "a comma has nothing behind it");
		}
	}
	*at = c + 1;
	return true;
}

static bool fits_family(const struct scan *scan, const char *name)
{
	static const char *const suffixes[TYPE_COUNT][4] = {[TYPE_GAUGE] = {""},
		[TYPE_COUNTER] = {"_total"},
		[TYPE_INFO] = {"_info"},
		[TYPE_HISTOGRAM] = {"_bucket", "_sum", "_count"}};
	const char *family = scan->families[scan->family_count - 1];
	size_t len = strlen(family);
	for (size_t i = 0; i < 4 && suffixes[scan->type][i] != NULL; i++) {
		if (strncmp(name, family, len) == 0 &&
			strcmp(name + len, suffixes[scan->type][i]) == 0) {
			return true;
		}
	}
	return false;
}

static bool judge_sample(struct scan *scan, const struct sample *sample)
{
	if (!fits_family(scan, sample->name)) {
		return wrong(scan, "%s is not of the family above", sample->name);
	}
	if (isnan(sample->value) || (scan->type != TYPE_GAUGE && sample->value < 0)) {
		return wrong(scan, "%s cannot have that value", sample->name);
	}
	bool is_bucket = scan->type == TYPE_HISTOGRAM && strstr(sample->name, "_bucket") != NULL;
	if (is_bucket != (sample->le[0] != '\0')) {
		return wrong(scan, "`le` belongs to buckets");
	}
	for (size_t i = 0; i < scan->count; i++) {
		const struct sample *other = &scan->samples[i];
		if (strcmp(other->name, sample->name) == 0 && strcmp(other->le, sample->le) == 0 &&
			strcmp(other->labels, sample->labels) == 0) {
			return wrong(scan, "%s is there twice", sample->name);
		}
	}
	return true;
}

static bool read_sample(struct scan *scan, const char *line)
{
	struct sample *out = &scan->samples[scan->count];
	size_t len = name_len(line);
	if (len == 0 || len >= NAME_BYTES || scan->count + 1 == SAMPLES_MAX ||
		scan->family_count == 0) {
		return wrong(scan, "no sample can stand here");
	}
	*out = (struct sample){.value = 0};
	memcpy(out->name, line, len);
	const char *at = line + len;
	if (*at == '{' && !read_labels(scan, &at, out)) {
		return false;
	}
	char *end = NULL;
	if (at[0] != ' ' || at[1] == ' ' || at[1] == '\0') {
		return wrong(scan, "one blank stands before the value");
	}
	out->value = strtod(at + 1, &end);
	if (*end != '\0') {
		return wrong(scan, "what is behind the blank is no number");
	}
	if (!judge_sample(scan, out)) {
		return false;
	}
	scan->count++;
	return true;
}

static const struct sample *find(const struct scan *scan, const char *labels, const char *suffix)
{
	char name[NAME_BYTES + 16];
	(void)snprintf(name, sizeof(name), "%s%s", scan->families[scan->family_count - 1], suffix);
	for (size_t i = scan->first; i < scan->count; i++) {
		if (strcmp(scan->samples[i].name, name) == 0 &&
			strcmp(scan->samples[i].labels, labels) == 0) {
			return &scan->samples[i];
		}
	}
	return NULL;
}

/* Buckets of one set of labels stand in a row, grow in both, and end with +Inf, which is the count.
 */
static bool judge_histogram(struct scan *scan)
{
	const struct sample *last = NULL;
	for (size_t i = scan->first; i < scan->count; i++) {
		const struct sample *here = &scan->samples[i];
		if (here->le[0] == '\0') {
			continue;
		}
		bool is_first = last == NULL || strcmp(last->labels, here->labels) != 0;
		if (!is_first && (strtod(here->le, NULL) <= strtod(last->le, NULL) ||
					 here->value < last->value)) {
			return wrong(scan, "a bucket is not above the one before");
		}
		bool is_end = strcmp(here->le, "+Inf") == 0;
		const struct sample *count = find(scan, here->labels, "_count");
		if (is_end && (count == NULL || count->value != here->value ||
				      find(scan, here->labels, "_sum") == NULL)) {
			return wrong(scan, "a histogram has no count or sum that fits");
		}
		if (is_first && last != NULL && strcmp(last->le, "+Inf") != 0) {
			return wrong(scan, "a histogram does not end with +Inf");
		}
		last = here;
	}
	return last != NULL && strcmp(last->le, "+Inf") == 0
		       ? true
		       : wrong(scan, "a histogram does not end with +Inf");
}

static bool family_ends(struct scan *scan)
{
	if (scan->family_count == 0) {
		return true;
	}
	const char *family = scan->families[scan->family_count - 1];
	if (scan->first == scan->count || !scan->has_help) {
		return wrong(scan, "%s has no sample, or no help", family);
	}
	bool is_good = scan->type != TYPE_HISTOGRAM || judge_histogram(scan);
	scan->first = scan->count;
	return is_good;
}

static bool family_begins(struct scan *scan, const char *line)
{
	size_t len = name_len(line);
	if (!family_ends(scan)) {
		return false;
	}
	if (len == 0 || len >= NAME_BYTES || line[len] != ' ' ||
		scan->family_count == FAMILIES_MAX) {
		return wrong(scan, "a TYPE is malformed");
	}
	char *name = scan->families[scan->family_count];
	memcpy(name, line, len);
	name[len] = '\0';
	for (size_t i = 0; i < scan->family_count; i++) {
		if (strcmp(scan->families[i], name) == 0) {
			return wrong(scan, "%s is there twice", name);
		}
	}
	for (int type = 0; type < TYPE_COUNT; type++) {
		if (strcmp(line + len + 1, types[type]) == 0) {
			scan->type = (enum type)type;
			scan->has_help = false;
			scan->family_count++;
			return true;
		}
	}
	return wrong(scan, "there is no type %s", line + len + 1);
}

static bool read_line(struct scan *scan, const char *line)
{
	if (strncmp(line, "# TYPE ", 7) == 0) {
		return family_begins(scan, line + 7);
	}
	if (strncmp(line, "# HELP ", 7) == 0) {
		const char *family =
			scan->family_count == 0 ? "?" : scan->families[scan->family_count - 1];
		size_t len = strlen(family);
		scan->has_help = !scan->has_help && scan->first == scan->count &&
				 strncmp(line + 7, family, len) == 0 && line[7 + len] == ' ' &&
				 line[8 + len] != '\0';
		return scan->has_help ? true : wrong(scan, "a HELP is not of the TYPE above");
	}
	return read_sample(scan, line);
}

bool openmetrics_is_sound(const char *text, char why[static 256])
{
	struct scan *scan = calloc(1, sizeof(*scan));
	char line[1024];
	bool is_good = scan != NULL;
	bool is_over = false;
	why[0] = '\0';
	if (scan != NULL) {
		scan->why = why;
	}
	while (is_good && *text != '\0') {
		size_t len = strcspn(text, "\n");
		scan->line++;
		if (text[len] != '\n' || len == 0 || len >= sizeof(line) || is_over) {
			is_good =
				wrong(scan, "it is empty, too long, without an end, or behind EOF");
			break;
		}
		memcpy(line, text, len);
		line[len] = '\0';
		text += len + 1;
		is_over = strcmp(line, "# EOF") == 0;
		is_good = is_over ? family_ends(scan) : read_line(scan, line);
	}
	if (is_good && !is_over) {
		is_good = wrong(scan, "there is no EOF");
	}
	free(scan);
	return is_good;
}

double openmetrics_value(const char *text, const char *sample)
{
	size_t len = strlen(sample);
	for (const char *at = text; (at = strstr(at, sample)) != NULL; at++) {
		if ((at == text || at[-1] == '\n') && at[len] == ' ') {
			return strtod(at + len + 1, NULL);
		}
	}
	return -1;
}
