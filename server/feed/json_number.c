/*
 * Numbers as JavaScript reads and prints them (protocol/01 §4.4). Reading: the nearest double;
 * small cases by one exact multiplication or division, the rest by the C library in the C locale.
 * Printing: whole numbers below 2^53 directly; for all others the shortest digits that read back as
 * the same double, and among those the closest, found with exact integers (Steele & White 1990, as
 * bettered by Burger & Dybvig 1996). Searching with printf is wrong for 46 powers of two, whose
 * neighbours below are nearer than those above.
 */
#include "feed/json_tree.h"

#include <assert.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>

#define WHOLE_MAX 9007199254740992.0 /* 2^53 */

static const double powers[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12,
	1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
enum { POWER_MAX = 22, DIGITS_EXACT = 15, EXPONENT_FAR = 100000 };

/* What a number's text says, as far as the quick way needs it. */
struct decimal {
	uint64_t digits; /* meaningful while count <= 19 */
	int count;       /* significant digits */
	int exponent;    /* of ten, for `digits` */
	bool is_negative;
};

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static void add_digit(struct decimal *d, uint8_t c)
{
	if (d->count > 0 || c != '0') {
		if (d->count < DIGITS_EXACT + 1) {
			d->digits = d->digits * 10 + (uint64_t)(c - '0');
		}
		d->count += d->count < EXPONENT_FAR ? 1 : 0;
	}
}

static const uint8_t *read_exponent(const uint8_t *at, struct decimal *d)
{
	at++;
	bool is_negative = *at == '-';
	if (*at == '+' || *at == '-') {
		at++;
	}
	if (!is_digit(*at)) {
		return NULL;
	}
	int value = 0;
	for (; is_digit(*at); at++) {
		if (value < EXPONENT_FAR) {
			value = value * 10 + (*at - '0');
		}
	}
	d->exponent += is_negative ? -value : value;
	return at;
}

static const uint8_t *scan(const uint8_t *at, struct decimal *d)
{
	d->is_negative = *at == '-';
	if (d->is_negative) {
		at++;
	}
	if (!is_digit(*at)) {
		return NULL;
	}
	if (*at == '0') {
		at++;
	} else {
		for (; is_digit(*at); at++) {
			add_digit(d, *at);
		}
	}
	if (*at == '.') {
		at++;
		if (!is_digit(*at)) {
			return NULL;
		}
		for (; is_digit(*at); at++) {
			add_digit(d, *at);
			d->exponent -= d->exponent > -EXPONENT_FAR ? 1 : 0;
		}
	}
	return *at == 'e' || *at == 'E' ? read_exponent(at, d) : at;
}

static double read_slowly(const uint8_t *at)
{
	/* glibc keeps one C locale object for ever: neither call allocates. */
	locale_t c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
	assert(c_locale != (locale_t)0);
	double value = strtod_l((const char *)at, NULL, c_locale);
	freelocale(c_locale);
	return value;
}

const uint8_t *json_number_read(const uint8_t *at, double *out)
{
	struct decimal d = {0};
	const uint8_t *behind = scan(at, &d);
	if (behind == NULL) {
		return NULL;
	}
	bool is_exact = d.count <= DIGITS_EXACT + 1 && d.digits <= (uint64_t)WHOLE_MAX;
	if (!is_exact || d.exponent < -POWER_MAX || d.exponent > POWER_MAX) {
		*out = read_slowly(at);
		return behind;
	}
	/* Both sides are exact doubles, so that the one operation rounds correctly. */
	double value = (double)d.digits;
	value = d.exponent < 0 ? value / powers[-d.exponent] : value * powers[d.exponent];
	*out = d.is_negative ? -value : value;
	return behind;
}

/* Unsigned integers of up to 1,280 bits, least part first, no zero part at the end. The largest
 * needed are below 2^1140. */
enum { BIG_PARTS = 40 };

struct big {
	uint32_t part[BIG_PARTS];
	int count;
};

static void big_set(struct big *a, uint64_t value)
{
	a->count = 0;
	for (; value != 0; value >>= 32) {
		a->part[a->count++] = (uint32_t)value;
	}
}

static void big_multiply(struct big *a, uint32_t factor)
{
	uint64_t carry = 0;
	for (int i = 0; i < a->count; i++) {
		carry += (uint64_t)a->part[i] * factor;
		a->part[i] = (uint32_t)carry;
		carry >>= 32;
	}
	if (carry != 0) {
		assert(a->count < BIG_PARTS);
		a->part[a->count++] = (uint32_t)carry;
	}
}

static void big_shift(struct big *a, int bits)
{
	int parts = bits / 32;
	big_multiply(a, (uint32_t)1 << bits % 32);
	if (parts > 0 && a->count > 0) {
		assert(a->count + parts <= BIG_PARTS);
		memmove(a->part + parts, a->part, (size_t)a->count * sizeof(a->part[0]));
		memset(a->part, 0, (size_t)parts * sizeof(a->part[0]));
		a->count += parts;
	}
}

static void big_multiply_power_of_ten(struct big *a, int exponent)
{
	for (; exponent >= 9; exponent -= 9) {
		big_multiply(a, 1000000000);
	}
	static const uint32_t small[] = {
		1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000};
	big_multiply(a, small[exponent]);
}

static int big_compare(const struct big *a, const struct big *b)
{
	if (a->count != b->count) {
		return a->count < b->count ? -1 : 1;
	}
	for (int i = a->count - 1; i >= 0; i--) {
		if (a->part[i] != b->part[i]) {
			return a->part[i] < b->part[i] ? -1 : 1;
		}
	}
	return 0;
}

static uint32_t part_at(const struct big *a, int i)
{
	return i < a->count ? a->part[i] : 0;
}

static void big_add(struct big *a, const struct big *b)
{
	int count = a->count > b->count ? a->count : b->count;
	uint64_t carry = 0;
	for (int i = 0; i < count; i++) {
		carry += (uint64_t)part_at(a, i) + part_at(b, i);
		a->part[i] = (uint32_t)carry;
		carry >>= 32;
	}
	a->count = count;
	if (carry != 0) {
		assert(a->count < BIG_PARTS);
		a->part[a->count++] = (uint32_t)carry;
	}
}

/* a − b, where a is not below b. */
static void big_subtract(struct big *a, const struct big *b)
{
	int64_t borrow = 0;
	for (int i = 0; i < a->count; i++) {
		borrow += (int64_t)a->part[i] - part_at(b, i);
		a->part[i] = (uint32_t)borrow;
		borrow >>= 32;
	}
	while (a->count > 0 && a->part[a->count - 1] == 0) {
		a->count--;
	}
}

/* Compare a + b with c. */
static int big_compare_sum(const struct big *a, const struct big *b, const struct big *c)
{
	struct big sum = *a;
	big_add(&sum, b);
	return big_compare(&sum, c);
}

/* The value is rest/unit; a decimal between value − below/unit and value + above/unit reads back as
 * the same double. */
struct interval {
	struct big rest;
	struct big unit;
	struct big below;
	struct big above;
	bool has_ends; /* the ends themselves read back too: ties go to the even significand */
};

static void interval_of(double value, struct interval *in)
{
	uint64_t bits = 0;
	memcpy(&bits, &value, sizeof(bits));
	uint64_t fraction = bits & (((uint64_t)1 << 52) - 1);
	int exponent = (int)(bits >> 52 & 2047);
	/* Below the smallest number of a binade the neighbour is only half as far away. */
	int narrow = fraction == 0 && exponent > 1 ? 1 : 0;
	uint64_t whole = exponent == 0 ? fraction : fraction | (uint64_t)1 << 52;
	int scale = (exponent == 0 ? 1 : exponent) - 1075;
	int up = scale > 0 ? scale : 0;
	int down = scale < 0 ? -scale : 0;
	big_set(&in->rest, whole);
	big_shift(&in->rest, up + 1 + narrow);
	big_set(&in->unit, 1);
	big_shift(&in->unit, down + 1 + narrow);
	big_set(&in->below, 1);
	big_shift(&in->below, up);
	in->above = in->below;
	big_shift(&in->above, narrow);
	in->has_ends = (whole & 1) == 0;
}

static bool reaches_above(const struct interval *in)
{
	int order = big_compare_sum(&in->rest, &in->above, &in->unit);
	return in->has_ends ? order >= 0 : order > 0;
}

static bool reaches_below(const struct interval *in)
{
	int order = big_compare(&in->rest, &in->below);
	return in->has_ends ? order <= 0 : order < 0;
}

static void times_ten(struct interval *in)
{
	big_multiply(&in->rest, 10);
	big_multiply(&in->below, 10);
	big_multiply(&in->above, 10);
}

/* Scale so that 0.1 <= (rest + above)/unit < 1, and return the power of ten taken out. */
static int scale_by_ten(double value, struct interval *in)
{
	/* May come out one too low, never too high. */
	int point = (int)ceil(log10(value) - 1e-10);
	if (point >= 0) {
		big_multiply_power_of_ten(&in->unit, point);
	} else {
		big_multiply_power_of_ten(&in->rest, -point);
		big_multiply_power_of_ten(&in->below, -point);
		big_multiply_power_of_ten(&in->above, -point);
	}
	if (reaches_above(in)) {
		big_multiply(&in->unit, 10);
		point++;
	}
	return point;
}

static char next_digit(struct interval *in)
{
	char digit = '0';
	times_ten(in);
	while (big_compare(&in->rest, &in->unit) >= 0) {
		big_subtract(&in->rest, &in->unit);
		digit++;
	}
	return digit;
}

/* The shortest digits of a positive finite `value`, which is 0.DIGITS × 10^point. Returns their
 * number, at most 17. */
static int shortest_digits(double value, char *digits, int *point)
{
	struct interval in;
	interval_of(value, &in);
	*point = scale_by_ten(value, &in);
	for (int count = 0;;) {
		char digit = next_digit(&in);
		bool is_low = reaches_below(&in);
		bool is_high = reaches_above(&in);
		bool is_up = is_high;
		if (is_low && is_high) {
			int half = big_compare_sum(&in.rest, &in.rest, &in.unit);
			is_up = half > 0 || (half == 0 && (digit & 1) != 0);
		}
		digits[count++] = (char)(digit + (is_up ? 1 : 0));
		if (is_low || is_high) {
			return count;
		}
		assert(count < 17);
	}
}

static size_t print_whole(uint64_t value, char *out)
{
	char reversed[20];
	size_t count = 0;
	do {
		reversed[count++] = (char)('0' + value % 10);
		value /= 10;
	} while (value != 0);
	for (size_t i = 0; i < count; i++) {
		out[i] = reversed[count - 1 - i];
	}
	return count;
}

static size_t put_exponent(int exponent, char *out)
{
	out[0] = 'e';
	out[1] = exponent < 0 ? '-' : '+';
	return 2 + print_whole((uint64_t)(exponent < 0 ? -exponent : exponent), out + 2);
}

/* ECMA-262, Number::toString. */
static size_t lay_out(const char *digits, int count, int point, char *out)
{
	char *start = out;
	if (point > 0 && point <= 21) {
		for (int i = 0; i < point || i < count; i++) {
			if (i == point) {
				*out++ = '.';
			}
			*out++ = i < count ? digits[i] : '0';
		}
		return (size_t)(out - start);
	}
	if (point > -6 && point <= 0) {
		*out++ = '0';
		*out++ = '.';
		memset(out, '0', (size_t)-point);
		out += -point;
		memcpy(out, digits, (size_t)count);
		return (size_t)(out + count - start);
	}
	*out++ = digits[0];
	if (count > 1) {
		*out++ = '.';
		memcpy(out, digits + 1, (size_t)count - 1);
		out += count - 1;
	}
	return (size_t)(out - start) + put_exponent(point - 1, out);
}

size_t json_number_print(double value, char out[static JSON_NUMBER_CHARS])
{
	if (!isfinite(value)) {
		static const char null_text[] = {'n', 'u', 'l', 'l'};
		memcpy(out, null_text, sizeof(null_text));
		return sizeof(null_text);
	}
	char *start = out;
	if (value < 0) {
		*out++ = '-';
		value = -value;
	}
	size_t sign = (size_t)(out - start);
	if (value < WHOLE_MAX && value == (double)(uint64_t)value) {
		return sign + print_whole((uint64_t)value, out);
	}
	char digits[20];
	int point = 0;
	int count = shortest_digits(value, digits, &point);
	return sign + lay_out(digits, count, point, out);
}
