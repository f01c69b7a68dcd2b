/* Relayout: the same value in the other memory layout, [N, C, spatial...] <-> [N, spatial..., C]. Only the plan
 * makes it; it never reaches a file. */
#include "../plan_build.h"

/* One block of a transposition of [rows, columns] into [columns, rows]. */
enum { BLOCK = 16, ROWS_PER_ITEM = 256 };

typedef struct job {
    const float *from;
    float *to;
    int64_t rows, columns, per_batch; /* items per batch entry */
    bool add;
} job;

static void transpose_block(const job *j, const float *from, float *to, int64_t row, int64_t rows,
                            int64_t column, int64_t columns) {
    for (int64_t c = column; c < column + columns; c++) {
        float *t = to + c * j->rows;
        for (int64_t r = row; r < row + rows; r++) {
            float x = from[r * j->columns + c];
            t[r] = j->add ? t[r] + x : x;
        }
    }
}

static void run_item(void *arg, int64_t item, int worker) {
    (void)worker;
    const job *j = arg;
    int64_t batch = item / j->per_batch, first = item % j->per_batch * ROWS_PER_ITEM;
    int64_t last = first + ROWS_PER_ITEM < j->rows ? first + ROWS_PER_ITEM : j->rows;
    const float *from = j->from + batch * j->rows * j->columns;
    float *to = j->to + batch * j->rows * j->columns;
    for (int64_t row = first; row < last; row += BLOCK)
        for (int64_t column = 0; column < j->columns; column += BLOCK)
            transpose_block(j, from, to, row, row + BLOCK < last ? BLOCK : last - row, column,
                            column + BLOCK < j->columns ? BLOCK : j->columns - column);
}

/* Moves x's bytes into y's layout; both have the same logical dims. */
static void move(const tern__step *s, const tern__tensor *x, const tern__tensor *y, bool add) {
    int64_t spatial = 1;
    for (int i = 2; i < x->rank; i++) spatial *= x->dims[i];
    bool from_plain = x->layout == TERN__PLAIN;
    job j = {x->data, y->data, from_plain ? x->dims[1] : spatial, from_plain ? spatial : x->dims[1], 0, add};
    j.per_batch = (j.rows + ROWS_PER_ITEM - 1) / ROWS_PER_ITEM;
    tern__parallel(s->context, x->dims[0] * j.per_batch, run_item, &j);
}

static tern_status forward(const tern__step *s) {
    move(s, s->inputs[0], s->outputs[0], false);
    return TERN_OK;
}

static void backward(const tern__step *s) {
    move(s, s->output_grads[0], s->input_grads[0], s->accumulate[0]);
}

const tern__op tern__op_relayout = {
    .name = "Relayout", .domain = "tern", .min_inputs = 1, .max_inputs = 1, .min_outputs = 1,
    .max_outputs = 1, .forward = forward, .backward = backward};
