/* Reading and writing safetensors files. JSON is jansson's business, bytes on the disk file.h's.
 * Must not know what the tensors are for. Source: the format's description in the safetensors
 * project's README, "Format" and its notes on duplicate keys and holes. */
#include "safetensors.h"
#include "core/base/file.h"
#include "core/base/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEADER_LIMIT 100000000u
/* A token takes up to 200 bytes of jansson's: this bounds it to 200 MB, for 100,000 tensors. */
#define TOKEN_LIMIT 1000000u
#define METADATA "__metadata__"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "files are little-endian");

static const struct {
    const char *name;
    size_t size;
} types[] = {
    [TERN__SAFE_BOOL] = {"BOOL", 1},       [TERN__SAFE_U8] = {"U8", 1},
    [TERN__SAFE_I8] = {"I8", 1},           [TERN__SAFE_F8_E4M3] = {"F8_E4M3", 1},
    [TERN__SAFE_F8_E5M2] = {"F8_E5M2", 1}, [TERN__SAFE_I16] = {"I16", 2},
    [TERN__SAFE_U16] = {"U16", 2},         [TERN__SAFE_F16] = {"F16", 2},
    [TERN__SAFE_BF16] = {"BF16", 2},       [TERN__SAFE_I32] = {"I32", 4},
    [TERN__SAFE_U32] = {"U32", 4},         [TERN__SAFE_F32] = {"F32", 4},
    [TERN__SAFE_I64] = {"I64", 8},         [TERN__SAFE_U64] = {"U64", 8},
    [TERN__SAFE_F64] = {"F64", 8},
};
#define N_TYPES (sizeof types / sizeof *types)

size_t tern__safe_type_size(tern__safe_type type) { return types[type].size; }
const char *tern__safe_type_name(tern__safe_type type) { return types[type].name; }

/* Bytes of a tensor; false if a dim is negative or the product too large. */
static bool tensor_size(const tern__safe_tensor *t, size_t *size) {
    size_t product = types[t->type].size;
    for (int i = 0; i < t->rank; i++)
        if (t->dims[i] < 0 || !tern__mul(product, (size_t)t->dims[i], &product)) return false;
    *size = product;
    return product <= INT64_MAX;
}

/* --- writing --- */

static tern_status no_memory(tern_context *c, const char *path) {
    return tern__fail(c, TERN_ERR_MEMORY, "%s: out of memory for the header", path);
}

/* Takes info over (NULL: memory ran out); an error if the key is taken or not UTF-8. */
static tern_status add_to_header(tern_context *c, const char *path, json_t *object, const char *key,
                                 json_t *info) {
    const char *wrong = !tern__json_holds(key)         ? "is not UTF-8"
                        : json_object_get(object, key) ? "is given twice"
                                                       : NULL;
    if (wrong) json_decref(info);
    if (wrong) return tern__fail(c, TERN_ERR_ARGUMENT, "%s: '%s' %s", path, key, wrong);
    return json_object_set_new_nocheck(object, key, info) ? no_memory(c, path) : TERN_OK;
}

static tern_status add_text(tern_context *c, const char *path, json_t *object,
                            const tern__safe_text *text) {
    if (!tern__json_holds(text->value))
        return tern__fail(c, TERN_ERR_ARGUMENT, "%s: '%s' does not hold UTF-8", path, text->key);
    return add_to_header(c, path, object, text->key, json_string_nocheck(text->value));
}

static tern_status describe(tern_context *c, const char *path, json_t *header,
                            const tern__safe_tensor *t, size_t *offset) {
    size_t size, end = 0;
    if (t->rank < 0 || t->rank > TERN_MAX_RANK || !tensor_size(t, &size) ||
        !tern__add(*offset, size, &end) || end > INT64_MAX)
        return tern__fail(c, TERN_ERR_ARGUMENT, "%s: tensor '%s' has an impossible shape (rank %d)",
                          path, t->name, t->rank);
    if (strcmp(t->name, METADATA) == 0)
        return tern__fail(c, TERN_ERR_ARGUMENT, "%s: a tensor cannot be named " METADATA, path);
    json_t *shape = json_array();
    for (int i = 0; i < t->rank; i++) tern__json_append(&shape, json_integer(t->dims[i]));
    json_t *info = json_pack("{s:s, s:o, s:[I, I]}", "dtype", types[t->type].name, "shape", shape,
                             "data_offsets", (json_int_t)*offset, (json_int_t)end);
    *offset = end;
    return add_to_header(c, path, header, t->name, info);
}

static tern_status build_header(json_t **header, tern_context *c, const char *path,
                                const tern__safe_tensor *tensors, size_t n_tensors,
                                const tern__safe_text *metadata, size_t n_metadata) {
    tern_status status = TERN_OK;
    json_t *root = *header = json_object(), *texts = json_object();
    if (!root || !texts || (n_metadata && json_object_set(root, METADATA, texts) != 0))
        status = no_memory(c, path);
    for (size_t i = 0; i < n_metadata && status == TERN_OK; i++)
        status = add_text(c, path, texts, &metadata[i]);
    size_t offset = 0;
    for (size_t i = 0; i < n_tensors && status == TERN_OK; i++)
        status = describe(c, path, root, &tensors[i], &offset);
    json_decref(texts);
    return status;
}

tern_status tern__safetensors_save(tern_context *c, const char *path,
                                   const tern__safe_tensor *tensors, size_t n_tensors,
                                   const tern__safe_text *metadata, size_t n_metadata) {
    json_t *header = NULL;
    char *text = NULL;
    tern__file_writer *w = NULL;
    tern_status status = build_header(&header, c, path, tensors, n_tensors, metadata, n_metadata);
    if (status != TERN_OK) goto done;
    status = tern__json_dump(&text, c, path, header, JSON_COMPACT);
    if (status != TERN_OK) goto done;
    size_t length = strlen(text), padding = (8 - length % 8) % 8;
    if (length + padding > HEADER_LIMIT) {
        status =
            tern__fail(c, TERN_ERR_LIMIT, "%s: the header would have %zu bytes; the limit is %u",
                       path, length, HEADER_LIMIT);
        goto done;
    }
    status = tern__file_writer_open(&w, c, path);
    if (status != TERN_OK) goto done;
    uint64_t header_size = length + padding;
    tern__file_write(w, &header_size, sizeof header_size);
    tern__file_write(w, text, length);
    tern__file_write(w, "       ", padding);
    for (size_t i = 0; i < n_tensors; i++) {
        size_t size = 0;
        tensor_size(&tensors[i], &size);
        tern__file_write(w, tensors[i].data, size);
    }
    status = tern__file_writer_commit(&w);
done:
    tern__free(c, text);
    json_decref(header);
    return status;
}

/* --- reading --- */

/* The sentence of a file that is not as it should be. */
#define bad(file, ...) bad_file((file)->context, (file)->name, __VA_ARGS__)
static tern_status TERN_PRINTF(3, 4)
    bad_file(tern_context *c, const char *name, const char *format, ...) {
    char text[600];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return tern__fail(c, TERN_ERR_FORMAT, "%s: %s", name, text);
}

/* Tokens outside strings, to bound what the parser will allocate; its own depth limit is 2048. */
static size_t count_tokens(const char *text, size_t size) {
    size_t count = 0;
    bool quoted = false;
    for (size_t i = 0; i < size; i++) {
        if (text[i] == '\\' && quoted)
            i++;
        else if (text[i] == '"')
            quoted = !quoted;
        else if (!quoted)
            count += text[i] == ',' || text[i] == '{' || text[i] == '[';
    }
    return count;
}

static tern_status read_metadata(tern__safetensors *f, const json_t *object) {
    if (!json_is_object(object)) return bad(f, METADATA " is not an object");
    f->metadata = tern__calloc(f->context, json_object_size(object), sizeof *f->metadata);
    if (!f->metadata) return TERN_ERR_MEMORY;
    for (void *i = json_object_iter((json_t *)object); i;
         i = json_object_iter_next((json_t *)object, i)) {
        const char *key = json_object_iter_key(i),
                   *value = json_string_value(json_object_iter_value(i));
        if (!value) return bad(f, METADATA " '%.200s' is not a string", key);
        f->metadata[f->n_metadata++] = (tern__safe_text){key, value};
    }
    return TERN_OK;
}

static tern_status read_tensor(tern__safetensors *f, const char *name, const json_t *info,
                               const char *data, size_t data_size) {
    tern__safe_tensor t = {.name = name};
    const char *type = json_string_value(json_object_get(info, "dtype"));
    const json_t *shape = json_object_get(info, "shape"),
                 *offsets = json_object_get(info, "data_offsets");
    if (!type || !json_is_array(shape) || !json_is_array(offsets) || json_array_size(offsets) != 2)
        return bad(f, "tensor '%.200s' has not dtype, shape and two data_offsets", name);
    size_t number = 0;
    while (number < N_TYPES && strcmp(types[number].name, type) != 0) number++;
    if (number == N_TYPES) return bad(f, "tensor '%.200s' is of unknown dtype '%.50s'", name, type);
    t.type = (tern__safe_type)number;
    if (json_array_size(shape) > TERN_MAX_RANK)
        return bad(f, "tensor '%.200s' has %zu dimensions; the most is %d", name,
                   json_array_size(shape), TERN_MAX_RANK);
    t.rank = (int)json_array_size(shape);
    for (int i = 0; i < t.rank; i++) {
        const json_t *dim = json_array_get(shape, (size_t)i);
        if (!json_is_integer(dim) || json_integer_value(dim) < 0)
            return bad(f, "tensor '%.200s': dimension %d is not a size", name, i);
        t.dims[i] = json_integer_value(dim);
    }
    const json_t *first = json_array_get(offsets, 0), *last = json_array_get(offsets, 1);
    json_int_t begin = json_integer_value(first), end = json_integer_value(last);
    if (!json_is_integer(first) || !json_is_integer(last) || begin < 0 || end < begin ||
        (uint64_t)end > data_size)
        return bad(f,
                   "tensor '%.200s' lies at bytes %" PRId64 " to %" PRId64
                   " of the data, which has %zu: cut off?",
                   name, (int64_t)begin, (int64_t)end, data_size);
    size_t expected;
    if (!tensor_size(&t, &expected) || expected != (size_t)(end - begin))
        return bad(f, "tensor '%.200s' has %" PRId64 " bytes, which do not fit its shape and dtype",
                   name, (int64_t)(end - begin));
    t.size = expected;
    t.data = data + begin;
    f->tensors[f->n_tensors++] = t;
    return TERN_OK;
}

static int by_position(const void *a, const void *b) {
    const tern__safe_tensor *x = a, *y = b;
    if (x->data != y->data) return (const char *)x->data < (const char *)y->data ? -1 : 1;
    if (x->size != y->size) return x->size < y->size ? -1 : 1;
    return strcmp(x->name, y->name);
}

static int by_name(const void *a, const void *b) {
    const tern__safe_tensor *const *x = a, *const *y = b;
    return strcmp((*x)->name, (*y)->name);
}

/* The tensors must cover the data, each byte once. */
static tern_status check_coverage(tern__safetensors *f, const char *data, size_t data_size) {
    qsort(f->tensors, f->n_tensors, sizeof *f->tensors, by_position);
    const char *at = data;
    for (size_t i = 0; i < f->n_tensors; i++) {
        const tern__safe_tensor *t = &f->tensors[i];
        f->by_name[i] = t;
        if (t->data != at)
            return bad(f, "%s before tensor '%.200s' at byte %zu of the data",
                       (const char *)t->data > at ? "a hole" : "an overlap", t->name,
                       (size_t)((const char *)t->data - data));
        at += t->size;
    }
    if (at != data + data_size)
        return bad(f, "%zu bytes after the last tensor", (size_t)(data + data_size - at));
    qsort(f->by_name, f->n_tensors, sizeof *f->by_name, by_name);
    return TERN_OK;
}

static tern_status read_header(tern__safetensors *f, const char *text, size_t size,
                               const char *data, size_t data_size) {
    tern_context *c = f->context;
    if (size == 0 || text[0] != '{') return bad(f, "is not a safetensors file: no header of JSON");
    if (count_tokens(text, size) > TOKEN_LIMIT)
        return tern__fail(c, TERN_ERR_LIMIT, "%s: the header holds more than %u items", f->name,
                          TOKEN_LIMIT);
    json_t *header;
    tern_status st = tern__json_read(&header, c, "the header", text, size);
    if (st == TERN_ERR_FORMAT) return tern__fail_in(c, "%s: not valid JSON", f->name);
    if (st != TERN_OK) return st;
    f->header = header;
    size_t count = json_object_size(header); /* 0 for what is not an object */
    f->tensors = tern__calloc(c, count, sizeof *f->tensors);
    f->by_name = tern__calloc(c, count, sizeof *f->by_name);
    if (!f->tensors || !f->by_name) return TERN_ERR_MEMORY;
    for (void *i = json_object_iter(header); i; i = json_object_iter_next(header, i)) {
        const char *key = json_object_iter_key(i);
        const json_t *info = json_object_iter_value(i);
        tern_status status = strcmp(key, METADATA) == 0
                                 ? read_metadata(f, info)
                                 : read_tensor(f, key, info, data, data_size);
        if (status != TERN_OK) return status;
    }
    return check_coverage(f, data, data_size);
}

tern_status tern__safetensors_parse(tern__safetensors **file, tern_context *c, const char *name,
                                    const void *bytes, size_t size) {
    *file = NULL;
    uint64_t header_size = 0;
    if (size < sizeof header_size)
        return bad_file(c, name, "%zu bytes are too few for a safetensors file", size);
    memcpy(&header_size, bytes, sizeof header_size);
    size_t left = size - sizeof header_size;
    if (header_size > left)
        return bad_file(c, name,
                        "is cut off, or not a safetensors file: it should begin with a "
                        "header of %" PRIu64 " bytes, but %zu bytes are left",
                        header_size, left);
    if (header_size > HEADER_LIMIT)
        return tern__fail(c, TERN_ERR_LIMIT,
                          "%s: the header has %" PRIu64 " bytes; the limit is %u", name,
                          header_size, HEADER_LIMIT);
    tern__safetensors *f = tern__calloc(c, 1, sizeof *f);
    if (!f) return TERN_ERR_MEMORY;
    f->context = c;
    f->name = tern__strdup(c, name);
    const char *text = (const char *)bytes + sizeof header_size;
    tern_status status = f->name ? read_header(f, text, (size_t)header_size, text + header_size,
                                               left - (size_t)header_size)
                                 : TERN_ERR_MEMORY;
    if (status != TERN_OK)
        tern__safetensors_free(f);
    else
        *file = f;
    return status;
}

tern_status tern__safetensors_load(tern__safetensors **file, tern_context *c, const char *path,
                                   size_t limit) {
    *file = NULL;
    char *bytes;
    size_t size;
    tern_status status = tern__file_read(&bytes, &size, c, path, limit);
    if (status != TERN_OK) return status;
    status = tern__safetensors_parse(file, c, path, bytes, size);
    if (status != TERN_OK)
        tern__free(c, bytes);
    else
        (*file)->bytes = bytes;
    return status;
}

void tern__safetensors_free(tern__safetensors *f) {
    if (!f) return;
    tern_context *c = f->context;
    json_decref(f->header);
    tern__free(c, f->by_name);
    tern__free(c, f->tensors);
    tern__free(c, f->metadata);
    tern__free(c, f->bytes);
    tern__free(c, f->name);
    tern__free(c, f);
}

/* --- looking things up --- */

const tern__safe_tensor *tern__safetensors_find(const tern__safetensors *f, const char *name) {
    const tern__safe_tensor wanted = {.name = name}, *key = &wanted;
    const tern__safe_tensor **found =
        bsearch(&key, f->by_name, f->n_tensors, sizeof *f->by_name, by_name);
    return found ? *found : NULL;
}

const char *tern__safetensors_metadata(const tern__safetensors *f, const char *key) {
    for (size_t i = 0; i < f->n_metadata; i++)
        if (strcmp(f->metadata[i].key, key) == 0) return f->metadata[i].value;
    return NULL;
}

static void describe_text(char out[200], tern__safe_type type, int rank, const int64_t *dims) {
    int at = snprintf(out, 200, "%s [", types[type].name);
    for (int i = 0; i < rank; i++)
        at += snprintf(out + at, 200 - (size_t)at, "%s%" PRId64, i ? ", " : "", dims[i]);
    snprintf(out + at, 200 - (size_t)at, "]");
}

tern_status tern__safetensors_get(const tern__safetensors *f, const char *name,
                                  tern__safe_type type, int rank, const int64_t *dims, void *data) {
    const tern__safe_tensor *t = tern__safetensors_find(f, name);
    if (!t) return bad(f, "has no tensor '%.200s'", name);
    if (t->type != type || t->rank != rank ||
        (rank && memcmp(t->dims, dims, (size_t)rank * sizeof *dims) != 0)) {
        char has[200], needed[200];
        describe_text(has, t->type, t->rank, t->dims);
        describe_text(needed, type, rank, dims);
        return bad(f, "tensor '%.200s' is %s where %s is needed", name, has, needed);
    }
    if (t->size) memcpy(data, t->data, t->size);
    return TERN_OK;
}
