/* Reads, writes and checks the members of a struct by its table. Knows no struct. */
#define _GNU_SOURCE
#include "options.h"

#include "core/base/arithmetic.h"
#include "choices.h"
#include "core/base/json.h"

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAMES = 800, ITEM = 64 }; /* bytes of a list of names in a sentence, of one NAME=X */

static const size_t sizes[TERN__OPTION_KINDS] = {sizeof(bool),     sizeof(int),    sizeof(int64_t),
                                                 sizeof(uint64_t), sizeof(size_t), sizeof(double),
                                                 sizeof(int),      sizeof(char *)};
typedef enum sizes_are_those { SIZES_ARE_THOSE } sizes_are_those;
_Static_assert(sizeof(sizes_are_those) == sizeof(int), "an enum is not as big as an int");

static bool whole(const tern__option *o) {
    return o->kind >= TERN__OPTION_INT && o->kind <= TERN__OPTION_SIZE;
}

static double unit(const tern__option *o) { return o->unit != 0 ? o->unit : 1; }

const tern__option *tern__option_find(const tern__options *table, const char *name) {
    for (const tern__option *o = table->rows; o < table->rows + table->count; o++) {
        const char *a = o->name, *b = name;
        while (*a && (*a == *b || (*a == '_' && *b == '-'))) a++, b++;
        if (!*a && !*b) return o;
    }
    return NULL;
}

double tern__option_get(const tern__option *o, const void *object) {
    const void *at = (const char *)object + o->offset;
    if (o->kind == TERN__OPTION_FLAG) return *(const bool *)at;
    if (o->kind == TERN__OPTION_REAL) return *(const double *)at / unit(o);
    if (o->kind == TERN__OPTION_TEXT) return *(const char *const *)at != NULL;
    if (o->kind == TERN__OPTION_INT64) return (double)*(const int64_t *)at / unit(o);
    if (o->kind == TERN__OPTION_SEED) return (double)*(const uint64_t *)at;
    if (o->kind == TERN__OPTION_SIZE) return (double)*(const size_t *)at / unit(o);
    return *(const int *)at / unit(o);
}

double tern__option_default(const tern__options *table, const tern__option *o) {
    return table->defaults ? tern__option_get(o, table->defaults) : 0;
}

bool tern__option_fits(const tern__option *o, double value) {
    const bool any = o->kind == TERN__OPTION_TEXT || o->kind == TERN__OPTION_SEED;
    return any || (value >= o->least && value <= o->most) || (o->automatic && value == 0);
}

static void set(const tern__option *o, void *object, double value) {
    void *at = (char *)object + o->offset;
    if (o->kind == TERN__OPTION_FLAG)
        *(bool *)at = value != 0;
    else if (o->kind == TERN__OPTION_REAL)
        *(double *)at = value * unit(o);
    else if (o->kind == TERN__OPTION_SEED)
        *(uint64_t *)at = (uint64_t)value;
    else if (o->kind == TERN__OPTION_INT64)
        *(int64_t *)at = (int64_t)(value * unit(o));
    else if (o->kind == TERN__OPTION_SIZE)
        *(size_t *)at = (size_t)(value * unit(o));
    else
        *(int *)at = (int)(value * unit(o));
}

static int find_choice(const tern__option *o, const char *name) {
    for (int i = 0; o->choices[i]; i++)
        if (!strcmp(o->choices[i], name)) return i;
    return -1;
}

/* Whole numbers exactly, where a double is not: seeds. */
static bool take_whole(const tern__option *o, void *object, const char *text) {
    char *end;
    errno = 0;
    const long long value = strtoll(text, &end, 10);
    if (errno || end == text || *end || (double)value < o->least || (double)value > o->most)
        return false;
    if (o->kind == TERN__OPTION_SEED) /* the others' ranges end before a double's digits do */
        *(uint64_t *)((char *)object + o->offset) = (uint64_t)value;
    else
        set(o, object, (double)value);
    return true;
}

bool tern__option_take(const tern__option *o, void *object, const char *text) {
    char *end;
    double value = 1;
    if (whole(o)) return take_whole(o, object, text);
    if (o->kind == TERN__OPTION_TEXT) {
        if (*text) *(const char **)((char *)object + o->offset) = text;
        return *text;
    }
    if (o->kind == TERN__OPTION_CHOICE) {
        value = find_choice(o, text);
    } else if (o->kind == TERN__OPTION_REAL) {
        /* That of the "C" locale is a constant: it takes no memory and need not be freed. */
        value = strtod_l(text, &end, newlocale(LC_ALL_MASK, "C", (locale_t)0));
        if (end == text || *end || value < o->least || value > o->most) return false;
    } else if (text) {
        value = !strcmp(text, "true") ? 1 : !strcmp(text, "false") ? 0 : -1;
    }
    if (!(value >= o->least && value <= o->most)) return false;
    set(o, object, value);
    return true;
}

/* ---- the struct ---- */

static tern_status refuse(const tern__options *table, tern_context *c, tern_status status,
                          const tern__option *o, double value) {
    const double least = o->automatic && o->least > 0 ? 0 : o->least;
    return tern__fail(c, status,
                      o->kind == TERN__OPTION_REAL ? "%s: %s is %g and must be %g..%g"
                                                   : "%s: %s is %.0f and must be %.0f..%.0f",
                      table->what, o->name, value, least, o->most);
}

tern_status tern__options_check(const tern__options *table, tern_context *c, const void *object) {
    for (const tern__option *o = table->rows; o < table->rows + table->count; o++) {
        const double value = tern__option_get(o, object);
        if (!tern__option_fits(o, value)) return refuse(table, c, TERN_ERR_ARGUMENT, o, value);
    }
    return TERN_OK;
}

tern_status tern__options_resolve(const tern__options *table, void *out, tern_context *c,
                                  const void *options) {
    const size_t size = options ? *(const size_t *)options : 0;
    if (options && (size < sizeof size || size > table->size))
        return tern__fail(c, TERN_ERR_ARGUMENT, "%s: size is %zu; start from %s", table->what, size,
                          table->init);
    memcpy(out, table->defaults, table->size);
    if (options) memcpy(out, options, size);
    *(size_t *)out = table->size;
    return tern__options_check(table, c, out);
}

uint64_t tern__options_hash(const tern__options *table, uint64_t hash, const void *object) {
    unsigned char bytes[512] = {0}; /* what lies between the members is 0 */
    for (const tern__option *o = table->rows; o < table->rows + table->count; o++)
        memcpy(bytes + o->offset, (const char *)object + o->offset, sizes[o->kind]);
    return tern__hash(hash, bytes, table->size);
}

/* ---- JSON ---- */

tern_status tern__options_to_json(const tern__options *table, char **text, tern_context *c,
                                  const void *object) {
    json_t *all = json_object();
    for (const tern__option *o = table->rows; o < table->rows + table->count; o++) {
        const double value = tern__option_get(o, object);
        if (o->kind == TERN__OPTION_TEXT) continue;
        tern__json_set(&all, o->name,
                       o->kind == TERN__OPTION_FLAG   ? json_boolean(value != 0)
                       : o->kind == TERN__OPTION_REAL ? json_real(value)
                       : o->choices                   ? json_string(o->choices[(int)value])
                                                      : json_integer((json_int_t)value));
    }
    return tern__json_write(text, c, table->what, all);
}

static tern_status set_json(const tern__options *table, void *object, tern_context *c,
                            const char *key, const json_t *item) {
    const tern__option *o = tern__option_find(table, key);
    if (!o || strcmp(o->name, key))
        return tern__fail(c, TERN_ERR_FORMAT, "%s: no option is called '%.64s'", table->what, key);
    const bool flag = o->kind == TERN__OPTION_FLAG, real = o->kind == TERN__OPTION_REAL;
    if (flag         ? !json_is_boolean(item)
        : real       ? !json_is_number(item)
        : o->choices ? !json_is_string(item)
                     : !json_is_integer(item))
        return tern__fail(c, TERN_ERR_FORMAT, "%s: %s must be %s", table->what, key,
                          flag         ? "true or false"
                          : real       ? "a number"
                          : o->choices ? "a name"
                                       : "an integer");
    double value = flag ? json_is_true(item) : json_number_value(item);
    if (o->choices && (value = find_choice(o, json_string_value(item))) < 0)
        return tern__fail(c, TERN_ERR_FORMAT, "%s: %s cannot be '%.64s'", table->what, key,
                          json_string_value(item));
    if (!tern__option_fits(o, value)) return refuse(table, c, TERN_ERR_FORMAT, o, value);
    set(o, object, value);
    return TERN_OK;
}

tern_status tern__options_from_json(const tern__options *table, void *object, tern_context *c,
                                    const char *text, size_t length) {
    const char *key;
    json_t *all, *item;
    tern_status st = tern__json_read_object(&all, c, table->what, text, length);
    if (st != TERN_OK) return st;
    json_object_foreach(all, key, item) {
        if (st == TERN_OK) st = set_json(table, object, c, key, item);
    }
    json_decref(all);
    return st;
}

/* ---- NAME=X,NAME=X ---- */

/* "=X" behind used bytes of out. */
static tern_status append(const tern__option *o, char *out, size_t size, tern_context *c,
                          double value) {
    char *digits = NULL;
    if (o->choices || o->kind == TERN__OPTION_FLAG) {
        const char *word = value != 0 ? "true" : "false";
        snprintf(out, size, "=%s", o->choices ? o->choices[(int)value] : word);
        return TERN_OK;
    }
    const bool integer = value == floor(value) && fabs(value) < 1e15;
    json_t *number = integer ? json_integer((json_int_t)value) : json_real(value);
    tern_status st = tern__json_dump(&digits, c, "an option", number, JSON_REAL_PRECISION(15));
    json_decref(number);
    if (st == TERN_OK) snprintf(out, size, "=%s", digits);
    tern__free(c, digits);
    return st;
}

tern_status tern__options_to_text(const tern__options *table, char **text, tern_context *c,
                                  const void *object) {
    const size_t size = table->count * (ITEM + 1) + sizeof "none";
    char *out = tern__alloc(c, size);
    size_t used = 0;
    tern_status st = out ? tern__options_check(table, c, object) : TERN_ERR_MEMORY;
    for (size_t i = 0; st == TERN_OK && i < table->count; i++) {
        const tern__option *o = &table->rows[i];
        const double value = tern__option_get(o, object);
        if (o->kind == TERN__OPTION_TEXT || value == tern__option_default(table, o)) continue;
        used += (size_t)snprintf(out + used, size - used, "%s%s", used ? "," : "", o->name);
        st = append(o, out + used, size - used, c, value);
        if (st == TERN_OK) used += strlen(out + used);
    }
    if (st == TERN_OK && !used) strcpy(out, "none");
    if (st != TERN_OK) tern__free(c, out);
    *text = st == TERN_OK ? out : NULL;
    return st;
}

static tern_status set_item(const tern__options *table, void *object, tern_context *c, char *item) {
    const tern__choices all = {table->rows, sizeof *table->rows, table->count};
    char names[NAMES], *equals = strchr(item, '=');
    double number;
    if (!strcmp(item, "none")) {
        if (table->defaults)
            memcpy(object, table->defaults, table->size);
        else
            memset(object, 0, table->size);
        return TERN_OK;
    }
    if (equals) *equals = 0;
    const tern__option *o = tern__option_find(table, item);
    const bool named = o && (o->choices || o->kind == TERN__OPTION_FLAG);
    if (!equals || (!named && !tern__json_read_number(equals + 1, &number))) {
        if (equals) *equals = '=';
        return tern__fail(c, TERN_ERR_ARGUMENT, "%s '%s': write name=number", table->what, item);
    }
    if (!o)
        return tern__fail(c, TERN_ERR_ARGUMENT, "%s: there is no '%s'; there are %s", table->what,
                          item, tern__choice_names(all, names, sizeof names));
    if (named && tern__option_take(o, object, equals + 1)) return TERN_OK;
    if (named) {
        static const char *const flags[] = {"false", "true"};
        const char *const *rows = o->choices ? o->choices : flags;
        const tern__choices values = {rows, sizeof *rows, (size_t)o->most + 1};
        return tern__fail(c, TERN_ERR_ARGUMENT, "%s: there is no %s '%s'; there are %s",
                          table->what, item, equals + 1,
                          tern__choice_names(values, names, sizeof names));
    }
    if (!tern__option_fits(o, number) || (whole(o) && number != floor(number)))
        return tern__fail(c, TERN_ERR_ARGUMENT, "%s: %s is %g; it must be %s%g..%g", table->what,
                          o->name, number, whole(o) ? "a whole number of " : "in ", o->least,
                          o->most);
    set(o, object, number);
    return TERN_OK;
}

tern_status tern__options_from_text(const tern__options *table, void *object, tern_context *c,
                                    const char *text) {
    char item[ITEM];
    tern_status st = TERN_OK;
    for (; st == TERN_OK && text && *text;) {
        const size_t length = strcspn(text, ",");
        snprintf(item, sizeof item, "%.*s", (int)length, text);
        text += length + (text[length] == ',');
        st = set_item(table, object, c, item);
    }
    return st;
}
