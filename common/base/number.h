/* Numbers, sizes and ratios: arithmetic that does not wrap, and text. What is parsed is taken
 * strictly: no sign, no leading space, no trailing rest. */
#ifndef VMRECLAIM_COMMON_BASE_NUMBER_H
#define VMRECLAIM_COMMON_BASE_NUMBER_H

#include <stddef.h>
#include <stdint.h>

#define KIB ((uint64_t)1 << 10)
#define MIB ((uint64_t)1 << 20)
#define GIB ((uint64_t)1 << 30)

#define PERMYRIAD_ONE 10000u /* 100 % */

/* `from` less `amount`; 0 where that would be below it. */
static inline uint64_t saturating_subtract(uint64_t from, uint64_t amount)
{
    return from > amount ? from - amount : 0;
}

/* How far apart two numbers are. */
static inline uint64_t distance_between(uint64_t a, uint64_t b)
{
    return a > b ? a - b : b - a;
}

/* Reads decimal digits at *text and moves it behind them. -EINVAL: no digit, -ERANGE: too large. */
int number_scan(const char **text, uint64_t *ret_value);

/* The whole text is one decimal number. */
int number_parse(const char *text, uint64_t *ret_value);

/* "64KiB", "64MiB", "1.5GiB", "3GB", "4097B", "0"; K, M, G and T without "iB" are binary. A number
 * without a unit is -EINVAL: nobody knows what was meant. */
int bytes_parse(const char *text, uint64_t *ret_bytes);

/* The same, and a number without a unit is bytes: what an earlier version sent or kept. */
int bytes_parse_unitless(const char *text, uint64_t *ret_bytes);

/* What is wrong with a text that bytes_parse() did not take, to stand behind it: "has no unit; did
 * you mean 1024MiB?". `size` >= 80 always fits. */
const char *bytes_problem(const char *text, char *buffer, size_t size);

/* The largest binary unit that is exact, so that it parses back: "64MiB", "1536KiB", "4097B".
 * `size` >= 32 always fits. */
const char *bytes_format(uint64_t bytes, char *buffer, size_t size);

/* For people: at most one decimal, "1.5 GiB". */
const char *bytes_format_short(uint64_t bytes, char *buffer, size_t size);

/* The same as a value, for the arguments of a printing function. */
struct bytes_text {
    char text[32];
};
struct bytes_text bytes_text(uint64_t bytes);
#define BYTES_TEXT(bytes) bytes_text(bytes).text

/* "0.5%", "12%", "100%" to permyriad; at most two decimals. */
int permyriad_parse(const char *text, uint32_t *ret_permyriad);
const char *permyriad_format(uint32_t permyriad, char *buffer, size_t size);

#endif
