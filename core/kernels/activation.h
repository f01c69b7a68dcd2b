/* The activations that kernels know. */
#ifndef TERN_KERNELS_ACTIVATION_H
#define TERN_KERNELS_ACTIVATION_H

/* Activations that a step can apply to what it computes, before it writes it (fused by the plan).
 * All have derivatives that follow from the output y alone. */
typedef enum tern__activation {
    TERN__NONE,
    TERN__RELU,
    TERN__LEAKY_RELU,
    TERN__SIGMOID,
    TERN__TANH
} tern__activation;

#endif
