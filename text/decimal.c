/* Floats from and to decimals. Powers of ten up to 10^22 are exact doubles, so that what most files
 * hold, at most 15 digits and small exponents, is read by one rounding. */
#include "decimal.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

static const double tens[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                              1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                              1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

/* x 10^exponent */
static double shift(double x, int exponent) {
    for (; exponent > 22; exponent -= 22) x *= tens[22];
    for (; exponent < -22; exponent += 22) x /= tens[22];
    return exponent < 0 ? x / tens[-exponent] : x * tens[exponent];
}

/* The same for an integer; what no float can be ends as 0 or infinity. */
static double scale(uint64_t digits, int exponent) {
    if (digits == 0 || exponent < -80) return 0;
    return exponent > 60 ? INFINITY : shift((double)digits, exponent);
}

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* "e-05": adds to *exponent; leaves *at if it is not one. */
static void read_exponent(int *exponent, const char **at, const char *limit) {
    const char *s = *at;
    if (s == limit || (*s != 'e' && *s != 'E')) return;
    s++;
    const bool minus = s < limit && *s == '-';
    if (s < limit && (*s == '-' || *s == '+')) s++;
    if (s == limit || !is_digit(*s)) return;
    int value = 0;
    for (; s < limit && is_digit(*s); s++)
        if (value < 10000) value = 10 * value + (*s - '0');
    *exponent += minus ? -value : value;
    *at = s;
}

bool tern__decimal_read(float *value, const char *begin, const char *limit, const char **end) {
    const char *s = begin;
    uint64_t digits = 0;
    int exponent = 0, seen = 0;
    bool point = false;
    *end = begin;
    const bool minus = s < limit && *s == '-';
    if (s < limit && (*s == '-' || *s == '+')) s++;
    for (; s < limit && (is_digit(*s) || (*s == '.' && !point)); s++) {
        if (*s == '.') {
            point = true;
            continue;
        }
        seen++;
        if (digits < UINT64_C(100000000000000000)) { /* 17 digits are more than a float needs */
            digits = 10 * digits + (uint64_t)(*s - '0');
            exponent -= point;
        } else {
            exponent += !point;
        }
        if (seen > 5000) return false;
    }
    if (!seen) return false;
    read_exponent(&exponent, &s, limit);
    const double x = scale(digits, exponent);
    *value = (float)(minus ? -x : x);
    *end = s;
    return true;
}

/* digits [n] times 10^exponent, the digits being an integer without a 0 at its end. */
static size_t print(char *out, const char *digits, int n, int exponent) {
    char *s = out;
    const int point = n + exponent; /* of 0.DIGITS times 10^point */
    if (point > 9 || point < -5) {
        *s++ = digits[0];
        if (n > 1) *s++ = '.';
        memcpy(s, digits + 1, (size_t)n - 1);
        s += n - 1;
        int e = point - 1;
        *s++ = 'e';
        *s++ = e < 0 ? '-' : '+';
        if (e < 0) e = -e;
        *s++ = (char)('0' + e / 10);
        *s++ = (char)('0' + e % 10);
        return (size_t)(s - out);
    }
    if (point <= 0) {
        memcpy(s, "0.00000", (size_t)(2 - point));
        s += 2 - point;
    }
    for (int i = 0; i < n || i < point; i++) {
        if (i == point && i > 0) *s++ = '.';
        *s++ = i < n ? digits[i] : '0';
    }
    return (size_t)(s - out);
}

/* The integer of n digits nearest to x 10^-exponent, and whether it reads back to value. */
static bool round_to(uint64_t *digits, int *exponent, float value, int n) {
    const double x = value;
    int e = (int)floor(log10(x)) + 1 - n;
    double d = rint(shift(x, -e));
    if (d >= tens[n]) {
        d = rint(d / 10);
        e++;
    }
    *digits = (uint64_t)d;
    *exponent = e;
    return (float)scale(*digits, e) == value;
}

size_t tern__decimal_write(char out[TERN__DECIMAL_SIZE], float value) {
    char text[24] = "", *s = out;
    uint64_t digits = 0, shorter;
    int exponent = 0, other, n = 0;
    if (signbit(value)) *s++ = '-';
    value = fabsf(value);
    if (value == 0) {
        *s++ = '0';
        return (size_t)(s - out);
    }
    /* Most floats need 8 or 9 digits: from 8 on upwards or downwards. */
    int want = 8;
    if (!round_to(&digits, &exponent, value, want))
        round_to(&digits, &exponent, value, 9);
    else
        while (want > 1 && round_to(&shorter, &other, value, --want))
            digits = shorter, exponent = other;
    while (digits % 10 == 0) digits /= 10, exponent++;
    for (uint64_t d = digits; d; d /= 10) text[n++] = (char)('0' + d % 10);
    for (int i = 0; i < n / 2; i++) {
        const char c = text[i];
        text[i] = text[n - 1 - i];
        text[n - 1 - i] = c;
    }
    return (size_t)(s - out) + print(s, text, n, exponent);
}
