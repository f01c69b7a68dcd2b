/* Reads idx files: two zero bytes, the type (8: bytes), the number of dimensions, each of them as
 * 32 bits, the highest byte first, then the data. Source: LeCun's description of MNIST's files. */
#include "idx.h"

#include "core/base/file.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

/* ---- names ---- */

static const char *name_of(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static bool is_pictures(const char *name) {
    return strstr(name, "images") && (strstr(name, "idx3") || strstr(name, "idx4"));
}

static bool is_training(const char *name) { return !strncmp(name, "train", 5); }

static bool is_folder(const char *path) {
    struct stat info;
    return !stat(path, &info) && S_ISDIR(info.st_mode);
}

/* The name in a folder of the pictures that are wanted: training's, or others'; any if there is one
 * set only. Of two that would do the one that sorts first (x before x.gz). false: there is none. */
static bool find(const char *folder, bool test, char *out, size_t size) {
    DIR *dir = opendir(folder);
    bool right = false;
    *out = 0;
    for (struct dirent *e; dir && (e = readdir(dir));) {
        if (!is_pictures(e->d_name) || strlen(e->d_name) >= size) continue;
        const bool wanted = is_training(e->d_name) != test;
        if (*out && (right > wanted || (right == wanted && strcmp(out, e->d_name) < 0))) continue;
        strcpy(out, e->d_name);
        right = wanted;
    }
    if (dir) closedir(dir);
    return *out;
}

bool tern__idx_is(const char *path) {
    char name[256];
    return is_folder(path) ? find(path, false, name, sizeof name) : is_pictures(name_of(path));
}

/* Puts `to` in the place of the first `from` of the name, if it is there. */
static void replace(char *path, const char *from, const char *to) {
    char *at = strstr(path + (name_of(path) - path), from);
    if (!at) return;
    memmove(at + strlen(to), at + strlen(from), strlen(at + strlen(from)) + 1);
    memcpy(at, to, strlen(to));
}

/* The labels' file, with or without .gz, whichever is there. */
static tern_status find_labels(tern__idx *x, tern_context *c) {
    struct stat info;
    x->labels = tern__format(c, "%s.gz", x->images); /* as long as it may become */
    if (!x->labels) return TERN_ERR_MEMORY;
    strcpy(x->labels, x->images);
    replace(x->labels, "images", "labels");
    replace(x->labels, "idx3", "idx1");
    replace(x->labels, "idx4", "idx1");
    if (!stat(x->labels, &info)) return TERN_OK;
    const size_t n = strlen(x->labels);
    const bool packed = n > 3 && !strcmp(x->labels + n - 3, ".gz");
    if (packed)
        x->labels[n - 3] = 0;
    else
        strcat(x->labels, ".gz");
    if (!stat(x->labels, &info)) return TERN_OK;
    return tern__fail(c, TERN_ERR_IO,
                      "%s: the labels of its pictures should be in %s, which is not there: %s",
                      x->images, x->labels, strerror(errno));
}

static tern_status find_files(tern__idx *x, tern_context *c, const char *path, bool test) {
    char name[256];
    if (is_folder(path)) {
        if (!find(path, test, name, sizeof name))
            return tern__fail(c, TERN_ERR_FORMAT,
                              "%s: there is no file named like train-images-idx3-ubyte(.gz)", path);
        x->images = tern__format(c, "%s/%s", path, name);
    } else {
        x->images = tern__strdup(c, path);
    }
    return x->images ? find_labels(x, c) : TERN_ERR_MEMORY;
}

/* ---- bytes ---- */

static void *zlib_alloc(void *opaque, unsigned items, unsigned size) {
    return tern__calloc(opaque, items, size);
}
static void zlib_free(void *opaque, void *memory) { tern__free(opaque, memory); }

/* Unpacks at most `size` bytes of a gzip file into out, and says how many there were and whether
 * that was all. */
static tern_status unpack(tern_context *c, const char *path, const char *packed, size_t packed_size,
                          void *out, size_t size, size_t *got, bool *whole) {
    z_stream z = {.zalloc = zlib_alloc, .zfree = zlib_free, .opaque = c};
    if (inflateInit2(&z, 15 + 16) != Z_OK)
        return tern__fail(c, TERN_ERR_MEMORY, "%s: out of memory for unpacking it", path);
    z.next_in = (unsigned char *)(uintptr_t)packed;
    z.avail_in = (unsigned)packed_size;
    z.next_out = out;
    z.avail_out = (unsigned)size;
    const int result = inflate(&z, Z_FINISH);
    *got = size - z.avail_out;
    *whole = result == Z_STREAM_END;
    inflateEnd(&z);
    if (result == Z_MEM_ERROR)
        return tern__fail(c, TERN_ERR_MEMORY, "%s: out of memory for unpacking it", path);
    if (result == Z_DATA_ERROR || result == Z_NEED_DICT)
        return tern__fail(c, TERN_ERR_FORMAT, "%s: the gzip data are damaged", path);
    return TERN_OK;
}

enum { HEADER = 4 + 4 * 4 }; /* of four dimensions */

static uint32_t big_endian(const uint8_t *b) {
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

/* An idx file's dimensions and the bytes that follow them. */
typedef struct content {
    int rank;
    uint32_t dims[4];
    size_t size;
    uint8_t *bytes; /* the caller's */
} content;

static tern_status read_header(content *k, tern_context *c, const char *path, const uint8_t *bytes,
                               size_t size, double limit) {
    double total = 1;
    k->rank = size >= 4 ? bytes[3] : 0;
    if (size < 4 || bytes[0] || bytes[1] || bytes[2] != 8 || k->rank < 1 || k->rank > 4 ||
        size < 4 + 4 * (size_t)k->rank)
        return tern__fail(c, TERN_ERR_FORMAT,
                          "%s is no idx file of bytes: it should begin with 0 0 8, the "
                          "number of dimensions (1 to 4) and each of them",
                          path);
    for (int i = 0; i < k->rank; i++) total *= k->dims[i] = big_endian(bytes + 4 + 4 * i);
    if (total > limit || total > 4e9)
        return tern__fail(c, TERN_ERR_LIMIT, "%s says that it holds %.0f bytes; %.0f are allowed",
                          path, total, limit < 4e9 ? limit : 4e9);
    k->size = (size_t)total;
    return TERN_OK;
}

static tern_status wrong_size(const content *k, tern_context *c, const char *path, size_t got,
                              bool more) {
    return tern__fail(c, TERN_ERR_FORMAT, "%s says that %zu bytes follow its header, but %s%zu do",
                      path, k->size, more ? "more than " : "", got);
}

/* A gzip file expands at most 1032 times, so that no more is asked for than the file can hold. */
static tern_status read_packed(content *k, tern_context *c, const char *path, const char *data,
                               size_t size, double limit) {
    uint8_t head[HEADER];
    size_t got, all;
    bool whole;
    tern_status st = unpack(c, path, data, size, head, sizeof head, &got, &whole);
    if (st == TERN_OK) st = read_header(k, c, path, head, got, limit);
    if (st != TERN_OK) return st;
    const size_t before = 4 + 4 * (size_t)k->rank;
    if (k->size / 1032 > size) return wrong_size(k, c, path, size * 1032, false);
    uint8_t *bytes = tern__alloc(c, before + k->size + 1); /* 1: to see that nothing follows */
    if (!bytes) return TERN_ERR_MEMORY;
    st = unpack(c, path, data, size, bytes, before + k->size + 1, &all, &whole);
    if (st == TERN_OK && (!whole || all != before + k->size))
        st = wrong_size(k, c, path, all < before ? 0 : all - before, all > before + k->size);
    memmove(bytes, bytes + before, k->size);
    if (st == TERN_OK)
        k->bytes = bytes;
    else
        tern__free(c, bytes);
    return st;
}

static tern_status read_plain(content *k, tern_context *c, const char *path, const char *data,
                              size_t size, double limit) {
    tern_status st = read_header(k, c, path, (const uint8_t *)data, size, limit);
    if (st != TERN_OK) return st;
    const size_t before = 4 + 4 * (size_t)k->rank;
    if (size - before != k->size) return wrong_size(k, c, path, size - before, false);
    if (!(k->bytes = tern__alloc(c, k->size))) return TERN_ERR_MEMORY;
    memcpy(k->bytes, data + before, k->size);
    return TERN_OK;
}

static tern_status read_file(content *k, tern_context *c, const char *path, double limit) {
    char *data;
    size_t size;
    *k = (content){0};
    tern_status st = tern__file_read(&data, &size, c, path, (size_t)2 << 30);
    if (st != TERN_OK) return st;
    const bool packed = size >= 2 && (uint8_t)data[0] == 0x1f && (uint8_t)data[1] == 0x8b;
    st = packed ? read_packed(k, c, path, data, size, limit)
                : read_plain(k, c, path, data, size, limit);
    tern__free(c, data);
    return st;
}

/* ---- pictures and labels ---- */

static tern_status take_pictures(tern__idx *x, tern_context *c, const content *k) {
    if (k->rank < 3 || (k->rank == 4 && k->dims[3] != 1 && k->dims[3] != 3))
        return tern__fail(c, TERN_ERR_FORMAT,
                          "%s has %d dimensions; pictures are [count, height, width] or "
                          "[count, height, width, 3]",
                          x->images, k->rank);
    if (!k->dims[0] || !k->dims[1] || !k->dims[2] || k->dims[1] > 8192 || k->dims[2] > 8192)
        return tern__fail(c, TERN_ERR_FORMAT, "%s has %u pictures of %u x %u pixels", x->images,
                          k->dims[0], k->dims[2], k->dims[1]);
    x->count = k->dims[0];
    x->height = (int)k->dims[1];
    x->width = (int)k->dims[2];
    x->channels = k->rank == 4 ? (int)k->dims[3] : 1;
    x->pixels = k->bytes;
    return TERN_OK;
}

static tern_status take_labels(tern__idx *x, tern_context *c, const content *k) {
    if (k->rank != 1)
        return tern__fail(c, TERN_ERR_FORMAT, "%s has %d dimensions; labels have one", x->labels,
                          k->rank);
    if (k->dims[0] != x->count)
        return tern__fail(c, TERN_ERR_FORMAT, "%s holds %lld pictures, but %s holds %u labels",
                          x->images, (long long)x->count, x->labels, k->dims[0]);
    for (int64_t i = 0; i < x->count; i++)
        if (k->bytes[i] >= x->classes) x->classes = k->bytes[i] + 1;
    x->classes_of = k->bytes;
    return TERN_OK;
}

tern_status tern__idx_read(tern__idx *x, tern_context *c, const char *path, bool test,
                           double limit) {
    content k = {0};
    *x = (tern__idx){0};
    tern_status st = find_files(x, c, path, test);
    if (st == TERN_OK) st = read_file(&k, c, x->images, limit);
    if (st == TERN_OK && (st = take_pictures(x, c, &k)) != TERN_OK) tern__free(c, k.bytes);
    if (st == TERN_OK) st = read_file(&k, c, x->labels, 1e9);
    if (st == TERN_OK && (st = take_labels(x, c, &k)) != TERN_OK) tern__free(c, k.bytes);
    if (st != TERN_OK) tern__idx_free(x, c);
    return st;
}

void tern__idx_free(tern__idx *x, tern_context *c) {
    tern__free(c, x->images);
    tern__free(c, x->labels);
    tern__free(c, x->pixels);
    tern__free(c, x->classes_of);
    *x = (tern__idx){0};
}
