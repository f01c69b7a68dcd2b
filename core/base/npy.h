/* NumPy's array files (.npy): writing format 1.0, reading 1.0 to 3.0. Internal; knows no tensor.
 * Source: numpy.lib.format's description of the format. */
#ifndef TERN_CORE_NPY_H
#define TERN_CORE_NPY_H

#include "base.h"

enum { TERN__NPY_RANK = 8 };

typedef enum tern__npy_type {
    TERN__NPY_FLOAT32,
    TERN__NPY_FLOAT64,
    TERN__NPY_COMPLEX64,
    TERN__NPY_COMPLEX128,
    TERN__NPY_INT8,
    TERN__NPY_INT16,
    TERN__NPY_INT32,
    TERN__NPY_INT64,
    TERN__NPY_UINT8, /* also bool */
    TERN__NPY_UINT16,
    TERN__NPY_UINT32,
    TERN__NPY_UINT64
} tern__npy_type;

typedef struct tern__npy {
    tern__npy_type type;
    int rank;
    int64_t dims[TERN__NPY_RANK];
    int64_t count; /* product of dims */
    void *data;    /* in C order, whatever the file's */
} tern__npy;

/* Reads an array of at most limit bytes. Errors: TERN_ERR_IO, TERN_ERR_FORMAT (also if the file's
 * size is not what the header says), TERN_ERR_LIMIT, TERN_ERR_UNSUPPORTED (big-endian, strings,
 * objects). On failure the struct is empty. */
tern_status tern__npy_read(tern__npy *array, tern_context *c, const char *path, size_t limit);
void tern__npy_free(tern__npy *array, tern_context *c);
/* Element i as a double; part 1 is a complex number's imaginary part. */
double tern__npy_get(const tern__npy *array, int64_t i, int part);
/* Bytes of one element. */
size_t tern__npy_item_size(tern__npy_type type);

/* Writes data [dims...] in C order, little-endian; the old file stays if that fails. */
tern_status tern__npy_write(tern_context *c, const char *path, tern__npy_type type, int rank,
                            const int64_t *dims, const void *data);

#endif
