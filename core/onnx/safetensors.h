/* The safetensors container: named tensors and a few strings in one file, read with every bound
 * checked and written atomically. Internal; knows nothing of what the tensors are for.
 *
 * The format: 8 bytes little-endian header size N; N bytes of JSON,
 * {"__metadata__": {string: string}, name: {"dtype", "shape", "data_offsets": [begin, end]}, ...},
 * padded with spaces; then the data, row-major, without holes. */
#ifndef TERN_CORE_SAFETENSORS_H
#define TERN_CORE_SAFETENSORS_H

#include "core/base/base.h"
#include <tern/graph.h>

typedef enum tern__safe_type {
    TERN__SAFE_BOOL,
    TERN__SAFE_U8,
    TERN__SAFE_I8,
    TERN__SAFE_F8_E4M3,
    TERN__SAFE_F8_E5M2,
    TERN__SAFE_I16,
    TERN__SAFE_U16,
    TERN__SAFE_F16,
    TERN__SAFE_BF16,
    TERN__SAFE_I32,
    TERN__SAFE_U32,
    TERN__SAFE_F32,
    TERN__SAFE_I64,
    TERN__SAFE_U64,
    TERN__SAFE_F64
} tern__safe_type;
size_t tern__safe_type_size(tern__safe_type type);      /* in bytes */
const char *tern__safe_type_name(tern__safe_type type); /* "F32", ... */

typedef struct tern__safe_tensor {
    const char *name;
    tern__safe_type type;
    int rank;
    int64_t dims[TERN_MAX_RANK];
    const void *data; /* of a read file: any alignment */
    size_t size;      /* in bytes; the writer computes it */
} tern__safe_tensor;

typedef struct tern__safe_text {
    const char *key, *value; /* UTF-8 */
} tern__safe_text;

/* Writes tensors and metadata in the order given, the header padded so that the data starts at a
 * multiple of 8. Give tensors of wide elements first and all of them are aligned. The same input
 * gives the same bytes. TERN_ERR_ARGUMENT for two tensors of one name, text that is not UTF-8, bad
 * dims. */
tern_status tern__safetensors_save(tern_context *c, const char *path,
                                   const tern__safe_tensor *tensors, size_t n_tensors,
                                   const tern__safe_text *metadata, size_t n_metadata);

typedef struct tern__safetensors {
    tern_context *context;
    tern__safe_tensor *tensors; /* in the order of their data */
    size_t n_tensors;
    tern__safe_text *metadata;
    size_t n_metadata;
    const tern__safe_tensor **by_name; /* sorted */
    char *name;                        /* of the file, for sentences */
    char *bytes;                       /* of the file; NULL where the caller keeps them */
    void *header;                      /* parsed JSON, owner of all names and texts */
} tern__safetensors;

/* Reads and checks a file of at most limit bytes. *file is NULL on failure; free with
 * tern__safetensors_free. Errors: TERN_ERR_IO, TERN_ERR_FORMAT, TERN_ERR_LIMIT. */
tern_status tern__safetensors_load(tern__safetensors **file, tern_context *c, const char *path,
                                   size_t limit);
/* The same for bytes that the caller keeps for as long as the result. name is for sentences. */
tern_status tern__safetensors_parse(tern__safetensors **file, tern_context *c, const char *name,
                                    const void *bytes, size_t size);
void tern__safetensors_free(tern__safetensors *file);

const tern__safe_tensor *tern__safetensors_find(const tern__safetensors *file, const char *name);
const char *tern__safetensors_metadata(const tern__safetensors *file,
                                       const char *key); /* or NULL */
/* Copies a tensor's elements to data, if it is there with this type and these dims; else
 * TERN_ERR_FORMAT with a sentence that says what the file has and what is needed. */
tern_status tern__safetensors_get(const tern__safetensors *file, const char *name,
                                  tern__safe_type type, int rank, const int64_t *dims, void *data);

#endif
