/* What LSTM and GRU share: shapes, memory, sequences of different lengths, the product of all
 * inputs at once, and the walk through time. A cell (lstm.c, gru.c) adds what happens at one step.
 *
 * A position is one time step of one sequence. Without lengths positions are numbered as X has
 * them; with lengths only those that are there, sequence after sequence, so that no work is done on
 * padding. An item of parallel work is a block of sequences in one direction, through all of time:
 * the threads never wait for each other. */
#ifndef TERN_OPS_RECURRENT_H
#define TERN_OPS_RECURRENT_H

#include "core/kernels/kernels.h"
#include "core/kernels/vector.h"
#include "convolution_step.h"

#include <string.h>

enum { TERN__RECURRENT_PARTS = 2 };

typedef struct tern__recurrent_attributes {
    float clip;
    tern__string direction;
    int64_t hidden_size, input_forget, layout, linear_before_reset;
} tern__recurrent_attributes;

/* Input numbers, the same for both; GRU ends with the initial h. */
enum {
    TERN__RECURRENT_X,
    TERN__RECURRENT_W,
    TERN__RECURRENT_R,
    TERN__RECURRENT_B,
    TERN__RECURRENT_LENGTHS,
    TERN__RECURRENT_H,
    TERN__RECURRENT_C,
    TERN__RECURRENT_P
};

struct tern__recurrent_item;
typedef struct tern__recurrent_cell {
    int gates;
    bool has_cell; /* of memory: inputs initial_c and P, output Y_c, a gradient that is carried */
    /* Rows of R that meet the same input: they are multiplied apart. */
    int parts, part_gates[TERN__RECURRENT_PARTS];
    void (*forward)(struct tern__recurrent_item *item);
    void (*backward)(struct tern__recurrent_item *item);
} tern__recurrent_cell;

/* The step's choice. Sizes in floats. */
typedef struct tern__recurrent {
    const tern__recurrent_cell *cell;
    int64_t steps, batch, inputs, hidden, directions, width; /* width: gates * hidden */
    int64_t positions;                                       /* steps * batch: the most */
    int64_t block, blocks;                                   /* sequences of an item; items */
    bool batch_first, reverse, reset_after;        /* reset_after: GRU's linear_before_reset */
    tern__convolution input;                       /* [positions, inputs] to [positions, width] */
    tern__convolution part[TERN__RECURRENT_PARTS]; /* [positions, hidden] to some gates */
} tern__recurrent;

/* Memory during one call. Arrays of positions are [directions][positions][...]. */
typedef struct tern__recurrent_run {
    const tern__step *step;
    const tern__recurrent *r;
    const tern__vector_kernels *vector;
    int64_t rows;            /* positions that are there */
    int64_t stride;          /* positions from one time step to the next */
    int64_t *first, *length; /* [batch] of each sequence: its position at time 0; its steps */
    float *zeros;            /* [hidden] */
    float *x;                /* [positions, inputs]: X, or what is there of it */
    float *gates;            /* [width]: forward's gates; after backward their gradients */
    float *before;           /* [hidden]: h before the step */
    float *extra; /* [hidden]. LSTM: c after the step. GRU: reset * h, or with reset_after h R' + b,
                     after backward its gradient */
    /* Weights for the products of this call, [directions][packed_each], and where in them. */
    float *packed;
    size_t packed_each, packed_input, packed_bias, packed_part[TERN__RECURRENT_PARTS];
    float *last;       /* forward: [directions][batch][hidden], h after the last step */
    float *carry;      /* backward: dL/dh of the steps behind, [directions][batch][hidden] */
    float *carry_cell; /* ... dL/dc */
    char *scratch;     /* [workers][scratch_each] */
    size_t scratch_each;
} tern__recurrent_run;

/* A block of sequences at one time step: those that are still there, k < active. */
typedef struct tern__recurrent_item {
    const tern__recurrent_run *run;
    int64_t direction, active;
    int64_t *sequence; /* number in the batch */
    int64_t *row;      /* position */
    float **gates, **before, **extra;
    const float **cell_before;         /* LSTM: c before the step */
    float **after;                     /* forward: where h goes */
    float **gradient, **cell_gradient; /* backward: dL/dh, dL/dc of this step; to become those of
                                          the step before */
    const float **sources;             /* tables of the products */
    const float **starts;
    float **targets;
    float *spare; /* [block][hidden] */
} tern__recurrent_item;

/* y[k] + y_offset = (add: itself) + bias + (x[k] + x_offset) * w, w packed [depth, columns]. */
void tern__recurrent_multiply(tern__recurrent_item *item, const float *w, int64_t depth,
                              int64_t columns, float *const *x, int64_t x_offset, float *const *y,
                              int64_t y_offset, bool add, const float *bias);
/* Packed weights of this item's direction. */
const float *tern__recurrent_weights(const tern__recurrent_item *item, int part);
/* P [3 * hidden] of this item's direction, or NULL. */
const float *tern__recurrent_peepholes(const tern__recurrent_item *item);
/* LSTM: c before time t of sequence n; [hidden]. */
const float *tern__recurrent_cell_before(const tern__recurrent_run *run, int64_t direction,
                                         int64_t n, int64_t t);

tern_status tern__recurrent_infer(tern__infer *in, const tern__recurrent_cell *cell);
tern_status tern__recurrent_prepare(tern__step *step, const tern__recurrent_cell *cell);
void tern__recurrent_pack(tern__step *step);
tern_status tern__recurrent_forward(const tern__step *step);
/* Fills *run, which is valid until backward returns. */
void tern__recurrent_backward(const tern__step *step, tern__recurrent_run *run);
double tern__recurrent_flops(const tern__step *step);

#endif
