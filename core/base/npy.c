/* NumPy's array files. The header is a Python dictionary in a fixed set of words; only those are
 * understood. The machine is little-endian, as the rest of tern. */
#include "npy.h"

#include "file.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    tern__npy_type type;
    size_t size;
} types[] = {
    {"<f4", TERN__NPY_FLOAT32, 4},   {"<f8", TERN__NPY_FLOAT64, 8},
    {"<c8", TERN__NPY_COMPLEX64, 8}, {"<c16", TERN__NPY_COMPLEX128, 16},
    {"|i1", TERN__NPY_INT8, 1},      {"<i2", TERN__NPY_INT16, 2},
    {"<i4", TERN__NPY_INT32, 4},     {"<i8", TERN__NPY_INT64, 8},
    {"|u1", TERN__NPY_UINT8, 1},     {"<u2", TERN__NPY_UINT16, 2},
    {"<u4", TERN__NPY_UINT32, 4},    {"<u8", TERN__NPY_UINT64, 8},
    {"|b1", TERN__NPY_UINT8, 1}, /* last: a name to read, not to write */
};
enum { TYPES = sizeof types / sizeof *types };

static const unsigned char magic[6] = {0x93, 'N', 'U', 'M', 'P', 'Y'};

size_t tern__npy_item_size(tern__npy_type type) { return types[type].size; }

/* The header's text between `at` and `end`, read word by word. */
typedef struct cursor {
    const char *at, *end;
} cursor;

static void skip_blanks(cursor *p) {
    while (p->at < p->end && (*p->at == ' ' || *p->at == '\n' || *p->at == '\t')) p->at++;
}

static bool take(cursor *p, const char *word) {
    const size_t length = strlen(word);
    skip_blanks(p);
    if ((size_t)(p->end - p->at) < length || memcmp(p->at, word, length) != 0) return false;
    p->at += length;
    return true;
}

/* A quoted word of fewer than 16 characters. */
static bool take_string(cursor *p, char text[16]) {
    skip_blanks(p);
    if (p->at == p->end || (*p->at != '\'' && *p->at != '"')) return false;
    const char quote = *p->at++;
    int n = 0;
    while (p->at < p->end && *p->at != quote && n < 15) text[n++] = *p->at++;
    text[n] = 0;
    return p->at < p->end && *p->at++ == quote;
}

static bool take_number(cursor *p, int64_t *value) {
    skip_blanks(p);
    const char *begin = p->at;
    *value = 0;
    while (p->at < p->end && *p->at >= '0' && *p->at <= '9') {
        if (*value > INT64_MAX / 10 - 1) return false;
        *value = *value * 10 + (*p->at++ - '0');
    }
    return p->at > begin;
}

static bool take_shape(cursor *p, tern__npy *array) {
    if (!take(p, "(")) return false;
    while (!take(p, ")")) {
        if (array->rank == TERN__NPY_RANK) return false;
        if (!take_number(p, &array->dims[array->rank++])) return false;
        if (take(p, ",")) continue;
        if (!take(p, ")")) return false;
        break;
    }
    return true;
}

/* The dictionary -> type name, shape, order. */
static bool parse_header(cursor *p, tern__npy *array, char type[16], bool *fortran) {
    int seen = 0;
    char key[16];
    if (!take(p, "{")) return false;
    while (!take(p, "}")) {
        if (!take_string(p, key) || !take(p, ":")) return false;
        if (strcmp(key, "descr") == 0 && !(seen & 1)) {
            seen |= 1;
            if (!take_string(p, type)) return false;
        } else if (strcmp(key, "fortran_order") == 0 && !(seen & 2)) {
            seen |= 2;
            *fortran = take(p, "True");
            if (!*fortran && !take(p, "False")) return false;
        } else if (strcmp(key, "shape") == 0 && !(seen & 4)) {
            seen |= 4;
            if (!take_shape(p, array)) return false;
        } else {
            return false;
        }
        if (take(p, ",")) continue;
        if (!take(p, "}")) return false;
        break;
    }
    skip_blanks(p);
    return seen == 7 && p->at == p->end;
}

/* Copies the elements from column-major to row-major order. */
static void to_c_order(const tern__npy *array, size_t size, const char *from, char *to) {
    int64_t index[TERN__NPY_RANK] = {0};
    for (int64_t i = 0; i < array->count; i++) {
        int64_t at = 0;
        for (int d = array->rank - 1; d >= 0; d--) at = at * array->dims[d] + index[d];
        memcpy(to + (size_t)i * size, from + (size_t)at * size, size);
        for (int d = array->rank - 1; d >= 0 && ++index[d] == array->dims[d]; d--) index[d] = 0;
    }
}

/* Checks the header of the file's bytes; *body is where the elements begin. */
static tern_status read_header(tern__npy *array, tern_context *c, const char *path,
                               const char *bytes, size_t size, size_t *body, bool *fortran) {
    const unsigned char *u = (const unsigned char *)bytes;
    if (size < 12 || memcmp(u, magic, sizeof magic) != 0 || u[6] < 1 || u[6] > 3)
        return tern__fail(c, TERN_ERR_FORMAT, "%s: is not a NumPy array file (.npy)", path);
    const size_t start = u[6] == 1 ? 10 : 12;
    size_t length = (size_t)u[8] | (size_t)u[9] << 8;
    if (u[6] > 1) length |= (size_t)u[10] << 16 | (size_t)u[11] << 24;
    if (length > size - start)
        return tern__fail(c, TERN_ERR_FORMAT, "%s: ends inside its header", path);
    char name[16] = "";
    cursor p = {bytes + start, bytes + start + length};
    if (!parse_header(&p, array, name, fortran))
        return tern__fail(
            c, TERN_ERR_FORMAT,
            "%s: its header is not {'descr': ..., 'fortran_order': ..., 'shape': ...} "
            "with at most %d dimensions",
            path, TERN__NPY_RANK);
    int type = 0;
    while (type < TYPES && strcmp(types[type].name, name) != 0) type++;
    if (type == TYPES)
        return tern__fail(c, TERN_ERR_UNSUPPORTED,
                          "%s: elements of type '%s'; little-endian numbers are read", path, name);
    array->type = types[type].type;
    array->count = 1;
    for (int d = 0; d < array->rank; d++)
        if (!tern__mul_i64(array->count, array->dims[d], &array->count))
            return tern__fail(c, TERN_ERR_FORMAT, "%s: its shape has too many elements", path);
    *body = start + length;
    size_t needed;
    if (!tern__mul((size_t)array->count, types[type].size, &needed) || needed != size - *body)
        return tern__fail(c, TERN_ERR_FORMAT,
                          "%s: its header says %lld elements of %zu bytes, and %zu bytes follow",
                          path, (long long)array->count, types[type].size, size - *body);
    return TERN_OK;
}

tern_status tern__npy_read(tern__npy *array, tern_context *c, const char *path, size_t limit) {
    char *bytes;
    size_t size, body = 0;
    bool fortran = false;
    *array = (tern__npy){0};
    tern_status status = tern__file_read(&bytes, &size, c, path, limit);
    if (status != TERN_OK) return status;
    status = read_header(array, c, path, bytes, size, &body, &fortran);
    if (status == TERN_OK) {
        array->data = tern__alloc(c, size - body);
        if (!array->data)
            status = TERN_ERR_MEMORY;
        else if (fortran)
            to_c_order(array, tern__npy_item_size(array->type), bytes + body, array->data);
        else
            memcpy(array->data, bytes + body, size - body);
    }
    tern__free(c, bytes);
    if (status != TERN_OK) *array = (tern__npy){0};
    return status;
}

void tern__npy_free(tern__npy *array, tern_context *c) {
    tern__free(c, array->data);
    *array = (tern__npy){0};
}

double tern__npy_get(const tern__npy *array, int64_t i, int part) {
    const void *data = array->data;
    switch (array->type) {
    case TERN__NPY_FLOAT32:
        return part ? 0 : ((const float *)data)[i];
    case TERN__NPY_FLOAT64:
        return part ? 0 : ((const double *)data)[i];
    case TERN__NPY_COMPLEX64:
        return ((const float *)data)[2 * i + part];
    case TERN__NPY_COMPLEX128:
        return ((const double *)data)[2 * i + part];
    case TERN__NPY_INT8:
        return part ? 0 : ((const int8_t *)data)[i];
    case TERN__NPY_INT16:
        return part ? 0 : ((const int16_t *)data)[i];
    case TERN__NPY_INT32:
        return part ? 0 : ((const int32_t *)data)[i];
    case TERN__NPY_INT64:
        return part ? 0 : (double)((const int64_t *)data)[i];
    case TERN__NPY_UINT8:
        return part ? 0 : ((const uint8_t *)data)[i];
    case TERN__NPY_UINT16:
        return part ? 0 : ((const uint16_t *)data)[i];
    case TERN__NPY_UINT32:
        return part ? 0 : ((const uint32_t *)data)[i];
    case TERN__NPY_UINT64:
        return part ? 0 : (double)((const uint64_t *)data)[i];
    }
    return 0;
}

tern_status tern__npy_write(tern_context *c, const char *path, tern__npy_type type, int rank,
                            const int64_t *dims, const void *data) {
    char header[512];
    size_t bytes = types[type].size;
    if (rank < 0 || rank > TERN__NPY_RANK)
        return tern__fail(c, TERN_ERR_ARGUMENT, "%s: rank %d; 0..%d can be written", path, rank,
                          TERN__NPY_RANK);
    int length = snprintf(header, sizeof header,
                          "{'descr': '%s', 'fortran_order': False, 'shape': (", types[type].name);
    for (int d = 0; d < rank; d++) {
        if (dims[d] < 0 || !tern__mul(bytes, (size_t)dims[d], &bytes))
            return tern__fail(c, TERN_ERR_ARGUMENT,
                              "%s: the array's shape is negative or too large", path);
        length +=
            snprintf(header + length, sizeof header - (size_t)length, "%lld%s", (long long)dims[d],
                     d + 1 < rank ? ", "
                     : rank == 1  ? ","
                                  : "");
    }
    length += snprintf(header + length, sizeof header - (size_t)length, "), }");
    /* The elements begin at a multiple of 64; the header ends with a line feed. */
    const int padded = (10 + length + 1 + 63) / 64 * 64 - 10;
    memset(header + length, ' ', (size_t)(padded - length));
    header[padded - 1] = '\n';
    const unsigned char start[4] = {1, 0, (unsigned char)padded, (unsigned char)(padded >> 8)};
    tern__file_writer *writer;
    tern_status status = tern__file_writer_open(&writer, c, path);
    if (status != TERN_OK) return status;
    tern__file_write(writer, magic, sizeof magic);
    tern__file_write(writer, start, sizeof start);
    tern__file_write(writer, header, (size_t)padded);
    tern__file_write(writer, data, bytes);
    return tern__file_writer_commit(&writer);
}
