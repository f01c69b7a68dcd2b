/* Convolutions of any rank over channels-last values, and their gradients, as indirect matrix
 * products: every tap of every output position is a pointer to the channels of an input position,
 * so that no patch is ever copied. Also dense layers and matrix products (a convolution without
 * space). Owns the cutting into blocks, packing, threads and workspaces; knows the CPU only by
 * kernels/gemm.h, and no graph. Running allocates nothing and gives the same bits for any number of
 * threads and, forward and for the data gradient, for any cut of the batch. */
#ifndef TERN_CORE_CONVOLUTION_H
#define TERN_CORE_CONVOLUTION_H

#include "core/base/base.h"
#include "core/kernels/gemm.h"

/* x [n, in..., c], y [n, out..., k], with c and k split into `group` groups; weights as ONNX has
 * them, [k, c / group, kernel...], or with other steps. Fill the first part
 * (tern__convolution_dense does it for a product), then call tern__convolution_prepare. Shapes must
 * fit; nothing here checks them. */
typedef struct tern__convolution {
    int spatial; /* 0..3 axes; the arrays hold that many, and after prepare always 3 */
    int64_t n, c, k, group;
    int64_t in[3], out[3], kernel[3], stride[3], dilation[3], pad_begin[3]; /* out fixes pad_end */
    int64_t x_pitch, y_pitch; /* floats from one position to the next; 0: c and k */
    /* Floats from one output channel's weights to the next's, and between its own weights, counted
     * c * elements + element. Both 0: ONNX's, without gaps. */
    int64_t w_k, w_step;

    /* Set by prepare. Sizes in floats, of memory that the caller provides, 64-byte aligned. */
    size_t packed_size;            /* tern__convolution_pack */
    size_t packed_data_size;       /* tern__convolution_pack_data */
    size_t workspace_size;         /* forward */
    size_t data_workspace_size;    /* backward_data */
    size_t weights_workspace_size; /* backward_weights */

    bool depthwise; /* one channel in and out per group: vectorised over groups */
    bool merged;    /* the kernel's last axis and the channels are one contiguous row of depth */
    bool padded;    /* ... for which x is copied with its padding along the last axis */
    int64_t taps, depth;
    int64_t phases; /* of the strides, that hold positions of x: backward_data runs one by one */
    int64_t block_rows, block_columns;           /* forward's items */
    int64_t data_block_rows, data_block_columns; /* backward_data's, per phase */
    int64_t shard_rows, shards, strips; /* backward_weights': an item is some strips of a shard */
} tern__convolution;

/* y [m, n] = x [m, k] * w: transposed: w is [n, k] with pitch w_pitch, else [k, n]. */
tern__convolution tern__convolution_dense(int64_t m, int64_t n, int64_t k, bool transposed,
                                          int64_t w_pitch);
/* TERN_ERR_LIMIT if a size overflows. */
tern_status tern__convolution_prepare(tern_context *c, tern__convolution *v);

/* Weights into the kernels' order, for forward and for the data gradient. */
void tern__convolution_pack(const tern_context *c, const tern__convolution *v, const float *w,
                            float *packed);
void tern__convolution_pack_data(const tern_context *c, const tern__convolution *v, const float *w,
                                 float *packed);

/* What happens to a result before it is written: y = activation(start + bias + result). */
typedef struct tern__epilogue {
    const float
        *start; /* laid out as the result (the same pitch), may be it: accumulates; NULL: 0 */
    const float *bias; /* one per channel; NULL: 0 */
    tern__gemm_activation activation;
    float alpha;
} tern__epilogue;

/* y = convolution of x. */
void tern__convolution_forward(const tern_context *c, const tern__convolution *v, const float *x,
                               const float *packed, const tern__epilogue *epilogue, float *y,
                               float *workspace);
/* dx = transposed convolution of dy: the gradient for x, and ConvTranspose itself. */
void tern__convolution_backward_data(const tern_context *c, const tern__convolution *v,
                                     const float *dy, const float *packed_data,
                                     const tern__epilogue *epilogue, float *dx, float *workspace);
/* dw (in w's layout) = or += the gradient for the weights. */
void tern__convolution_backward_weights(const tern_context *c, const tern__convolution *v,
                                        const float *x, const float *dy, float *dw, bool accumulate,
                                        float *workspace);
/* db [channels] = or += sum of the `count` rows dy [count, channels], in double. workspace: floats.
 */
void tern__row_sums(const tern_context *c, int64_t count, int64_t channels, const float *dy,
                    float *db, bool accumulate, float *workspace);
size_t tern__row_sums_size(int64_t channels);

double tern__convolution_flops(const tern__convolution *v); /* of forward, and of each gradient */
/* The same as tern__parallel counts work. */
static inline double tern__convolution_work(const tern__convolution *v) {
    return tern__convolution_flops(v) / 16;
}

#endif
