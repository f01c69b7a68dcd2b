/* Makes and writes JSON for callers who have sentences to say about it. Knows no key. */
#include "json.h"

#include <math.h>
#include <string.h>

/* ---- making ---- */

json_t *tern__json_number(double value) { return isfinite(value) ? json_real(value) : json_null(); }

size_t tern__json_character(const char *text) {
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char *s = (const unsigned char *)text;
    const size_t n = s[0] < 0x80       ? 1
                     : s[0] >> 5 == 6  ? 2
                     : s[0] >> 4 == 14 ? 3
                     : s[0] >> 3 == 30 ? 4
                                       : 0;
    uint32_t code = n > 1 ? s[0] & (0xffu >> (n + 1)) : s[0];
    for (size_t i = 1; i < n; i++) {
        if (s[i] >> 6 != 2) return 0;
        code = code << 6 | (s[i] & 63);
    }
    return n && code >= least[n] && code <= 0x10ffff && code >> 11 != 27 ? n : 0;
}

bool tern__json_holds(const char *text) {
    size_t n;
    for (; *text; text += n)
        if (!(n = tern__json_character(text))) return false;
    return true;
}

json_t *tern__json_text(const char *text) {
    json_malloc_t allocate;
    json_free_t release;
    if (tern__json_holds(text)) return json_string_nocheck(text);
    json_get_alloc_funcs(&allocate, &release);
    char *clean = allocate(3 * strlen(text) + 1), *end = clean;
    if (!clean) return NULL;
    for (size_t n; *text; text += n ? n : 1) {
        n = tern__json_character(text);
        memcpy(end, n ? text : "\xef\xbf\xbd", n ? n : 3);
        end += n ? n : 3;
    }
    json_t *value = json_stringn_nocheck(clean, (size_t)(end - clean));
    release(clean);
    return value;
}

void tern__json_set(json_t **object, const char *key, json_t *value) {
    if (!json_object_set_new(*object, key, value)) return;
    json_decref(*object);
    *object = NULL;
}

void tern__json_append(json_t **array, json_t *value) {
    if (!json_array_append_new(*array, value)) return;
    json_decref(*array);
    *array = NULL;
}

/* ---- writing ---- */

typedef struct sink {
    tern_context *context;
    char *text;
    size_t used, capacity;
    bool failed; /* sticks: jansson 2.14 does not look whether a key was written */
} sink;

static int put(const char *bytes, size_t size, void *user) {
    sink *s = user;
    char *grown =
        s->failed ? NULL
                  : tern__grow(s->context, s->text, s->used, &s->capacity, s->used + size + 1, 1);
    s->failed = !grown;
    if (!grown) return -1;
    s->text = grown;
    memcpy(s->text + s->used, bytes, size);
    s->text[s->used += size] = 0;
    return 0;
}

tern_status tern__json_dump(char **text, tern_context *c, const char *what, const json_t *value,
                            size_t flags) {
    sink s = {.context = c};
    *text = NULL;
    if (!value || json_dump_callback(value, put, &s, flags | JSON_ENCODE_ANY) || s.failed) {
        tern__free(c, s.text);
        return tern__fail(c, TERN_ERR_MEMORY, "out of memory while writing %s", what);
    }
    *text = s.text;
    return TERN_OK;
}

tern_status tern__json_write(char **text, tern_context *c, const char *what, json_t *value) {
    const tern_status st = tern__json_dump(text, c, what, value, JSON_COMPACT);
    json_decref(value);
    return st;
}
