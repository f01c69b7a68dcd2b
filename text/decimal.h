/* Floats from and to decimals, whatever the locale. Internal to text. */
#ifndef TERN_TEXT_DECIMAL_H
#define TERN_TEXT_DECIMAL_H

#include <stdbool.h>
#include <stddef.h>

/* Reads a decimal number (sign, digits, point, exponent; nothing before it) that ends at *end, at
 * most at `limit`. false, and *end at begin, if there is none. Correct to half a unit in the last
 * place of a double, then rounded to float; beyond a float's range: infinity. */
bool tern__decimal_read(float *value, const char *begin, const char *limit, const char **end);

/* Writes the shortest decimal that reads back to the same float, no 0 behind it; returns its
 * length. value is finite. */
enum { TERN__DECIMAL_SIZE = 24 };
size_t tern__decimal_write(char out[TERN__DECIMAL_SIZE], float value);

#endif
