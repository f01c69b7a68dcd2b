/* Broadcasting: see broadcast.h. */
#include "broadcast.h"

#include "core/base/arithmetic.h"

enum { WORK = 16384 }; /* elements of one item, about: 64 KB */

/* Strides of an operand along the axes of y: 0 where it repeats. */
static void strides_of(const int64_t *dims, int rank, int y_rank, int64_t *strides) {
    int64_t stride = 1;
    for (int i = y_rank - 1, k = rank - 1; i >= 0; i--, k--) {
        int64_t dim = k < 0 ? 1 : dims[k];
        strides[i] = dim == 1 ? 0 : stride;
        stride *= dim;
    }
}

void tern__broadcast_make(tern__broadcast *s, const int64_t *a, int a_rank, const int64_t *b,
                          int b_rank, const int64_t *y, int y_rank) {
    int64_t a_strides[TERN_MAX_RANK], b_strides[TERN_MAX_RANK];
    strides_of(a, a_rank, y_rank, a_strides);
    strides_of(b, b_rank, y_rank, b_strides);
    /* Axes from the innermost on, merged while both operands go on seamlessly. */
    int64_t dims[TERN_MAX_RANK], as[TERN_MAX_RANK], bs[TERN_MAX_RANK];
    int count = 0;
    for (int i = y_rank - 1; i >= 0; i--) {
        if (y[i] == 1) continue;
        int k = count - 1;
        if (count && a_strides[i] == as[k] * dims[k] && b_strides[i] == bs[k] * dims[k]) {
            dims[k] *= y[i];
            continue;
        }
        dims[count] = y[i];
        as[count] = a_strides[i];
        bs[count++] = b_strides[i];
    }
    *s = (tern__broadcast){.rows = 1, .inner = count ? dims[0] : 1};
    s->a_step = count && as[0] ? 1 : 0;
    s->b_step = count && bs[0] ? 1 : 0;
    for (int i = count - 1; i > 0; i--) {
        s->dims[s->rank] = dims[i];
        s->a_strides[s->rank] = as[i];
        s->b_strides[s->rank++] = bs[i];
        s->rows *= dims[i];
    }
}

typedef struct job {
    const tern__vector_kernels *kernels;
    const tern__broadcast *s;
    tern__binary op;
    tern__product kind;
    const float *a, *b, *g; /* g NULL: forward */
    float floor, *y;
    bool add;
    int64_t block, chunk, chunks; /* rows of an item, elements of a row */
} job;

static void run_row(const job *j, int64_t row, int64_t begin, int64_t n) {
    const tern__broadcast *s = j->s;
    int64_t a = s->a_step * begin, b = s->b_step * begin, y = row * s->inner + begin;
    for (int i = s->rank - 1; i >= 0; i--) {
        a += row % s->dims[i] * s->a_strides[i];
        b += row % s->dims[i] * s->b_strides[i];
        row /= s->dims[i];
    }
    if (j->g)
        j->kernels->product(j->kind, j->g + y, j->a + a, s->a_step, j->b + b, s->b_step, j->y + y,
                            n, j->add);
    else
        j->kernels->binary(j->op, j->a + a, s->a_step, j->b + b, s->b_step, j->floor, j->y + y, n);
}

static void run_item(void *arg, int64_t item, int worker) {
    (void)worker;
    const job *j = arg;
    int64_t first = item / j->chunks * j->block, begin = item % j->chunks * j->chunk;
    int64_t end = tern__least(first + j->block, j->s->rows);
    for (int64_t row = first; row < end; row++)
        run_row(j, row, begin, tern__least(j->chunk, j->s->inner - begin));
}

static void run(const tern_context *c, job *j) {
    const tern__broadcast *s = j->s;
    j->kernels = tern__vector(c);
    if (s->rows * s->inner == 0) return;
    j->chunk = tern__least(s->inner, WORK);
    j->chunks = (s->inner + j->chunk - 1) / j->chunk;
    j->block = WORK / j->chunk;
    tern__parallel(c, (s->rows + j->block - 1) / j->block * j->chunks, 2 * j->block * j->chunk,
                   run_item, j);
}

void tern__broadcast_binary(const tern_context *c, const tern__broadcast *s, tern__binary op,
                            const float *a, const float *b, float floor, float *y) {
    job j = {.s = s, .op = op, .a = a, .b = b, .floor = floor, .y = y};
    run(c, &j);
}

void tern__broadcast_product(const tern_context *c, const tern__broadcast *s, tern__product kind,
                             const float *g, const float *a, const float *b, float *y, bool add) {
    job j = {.s = s, .kind = kind, .a = a, .b = b, .g = g, .y = y, .add = add};
    run(c, &j);
}
