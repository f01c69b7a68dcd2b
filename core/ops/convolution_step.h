/* What Conv, ConvTranspose, Gemm and MatMul share: a tern__convolution as the step's choice, and
 * where its packed weights and workspaces lie. Constant weights are packed once into the state;
 * others at every run into the front of the workspace. */
#ifndef TERN_OPS_CONVOLUTION_STEP_H
#define TERN_OPS_CONVOLUTION_STEP_H

#include "core/math/convolution.h"
#include "core/graph/shape.h"

/* What the rows of these operators have alike; the file has prepare, pack, forward, backward and
 * flops. */
#define TERN__CONVOLUTION_ROW                                                                      \
    .min_inputs = 2, .min_outputs = 1, .max_outputs = 1,                                           \
    .needs = TERN__NEEDS_INPUT(0) | TERN__NEEDS_INPUT(1), .fuses = true, .prepare = prepare,       \
    .pack = pack, .forward = forward, .backward = backward, .flops = flops

static inline size_t tern__aligned_floats(size_t count) { return (count + 15) / 16 * 16; }

/* For infer of Conv and ConvTranspose: types, the weight's rank and known dims, group, and
 * kernel_shape equal to the weight's. */
tern_status tern__convolution_check(const tern__infer *in, int64_t group,
                                    const tern__ints *kernel_shape);
/* Input 2, if there, is a float row of this many. */
tern_status tern__convolution_check_bias(const tern__infer *in, int64_t channels);

/* Prepares v and leaves a copy as s->choice, also given back. */
tern_status tern__convolution_choose(tern__step *s, const tern__convolution *v,
                                     tern__convolution **choice);
/* Sizes of the step's memory from floats: packed weights and workspace of forward and of the
 * gradient for x; that for the weights (from s->choice) and the bias (input 2) are added. */
tern_status tern__convolution_size_step(tern__step *s, size_t packed, size_t workspace,
                                        size_t packed_back, size_t workspace_back);
/* Where forward's packed weights are and what is left of the workspace; true if they must be packed
 * now. */
bool tern__convolution_place(const tern__step *s, size_t packed_size, float **packed,
                             float **workspace);
/* Bias (input 2) and fused activation. */
tern__epilogue tern__step_epilogue(const tern__step *s);
/* The gradient of input 2 over the channels of output 0, if it is wanted. */
void tern__convolution_bias_gradient(const tern__step *s);

#endif
