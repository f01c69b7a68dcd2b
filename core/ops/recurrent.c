/* See recurrent.h. Knows no cell's equations. */
#include "recurrent.h"

#include "core/kernels/gemm.h"

typedef tern__recurrent recurrent;
typedef tern__recurrent_run run;
typedef tern__recurrent_item recurrent_item;

/* ---- memory ---- */

static const tern__tensor *input(const tern__step *s, int number) {
    return s->n_inputs > number ? s->inputs[number] : NULL;
}
static bool has_lengths(const tern__step *s) { return input(s, TERN__RECURRENT_LENGTHS) != NULL; }
static bool packs_once(const tern__step *s) { return s->constant_weights && !s->training; }

/* Memory is laid out by the same functions that measure it: base NULL measures. */
typedef struct cursor {
    char *base;
    size_t at;
} cursor;

static void *take(cursor *c, int64_t count, size_t size) {
    void *memory = c->base ? c->base + c->at : NULL;
    c->at += ((size_t)count * size + 63) / 64 * 64;
    return memory;
}
static float *take_floats(cursor *c, int64_t count) { return take(c, count, sizeof(float)); }

/* What forward computes and backward needs. */
static void lay_out_kept(run *u, cursor *c) {
    const recurrent *r = u->r;
    int64_t states = r->directions * r->positions * r->hidden;
    u->first = take(c, r->batch, sizeof *u->first);
    u->length = take(c, r->batch, sizeof *u->length);
    u->zeros = take_floats(c, r->hidden);
    u->gates = take_floats(c, r->directions * r->positions * r->width);
    u->before = take_floats(c, states);
    u->extra = take_floats(c, states);
    if (has_lengths(u->step)) u->x = take_floats(c, r->positions * r->inputs);
}

static void place_packed(run *u, bool data) {
    const recurrent *r = u->r;
    size_t at = 0;
    if (!data) {
        u->packed_input = at;
        at += tern__aligned_floats(r->input.packed_size);
        u->packed_bias = at;
        at += tern__aligned_floats((size_t)r->width);
    }
    for (int p = 0; p < r->cell->parts; p++) {
        u->packed_part[p] = at;
        at += tern__aligned_floats(data ? r->part[p].packed_data_size : r->part[p].packed_size);
    }
    u->packed_each = at;
}

static void lay_out_packed(run *u, cursor *c, bool data) {
    place_packed(u, data);
    u->packed = take_floats(c, u->r->directions * (int64_t)u->packed_each);
}

enum { ITEM_LISTS = 12 };

static void lay_out_items(run *u, cursor *c) {
    size_t block = (size_t)u->r->block;
    u->scratch_each =
        (block * ITEM_LISTS * sizeof(void *) + block * (size_t)u->r->hidden * sizeof(float) + 63) /
        64 * 64;
    u->scratch = take(c, u->step->context->threads, u->scratch_each);
}

static void lay_out_forward(run *u, cursor *c, float **product) {
    const recurrent *r = u->r;
    if (!packs_once(u->step)) lay_out_packed(u, c, false);
    if (!u->step->training) lay_out_kept(u, c);
    u->last = take_floats(c, r->directions * r->batch * r->hidden);
    lay_out_items(u, c);
    *product = take_floats(c, (int64_t)r->input.workspace_size);
}

/* Backward through time. */
static void lay_out_backward(run *u, cursor *c) {
    const recurrent *r = u->r;
    int64_t states = r->directions * r->batch * r->hidden;
    lay_out_packed(u, c, true);
    u->carry = take_floats(c, states);
    u->carry_cell = r->cell->has_cell ? take_floats(c, states) : NULL;
    lay_out_items(u, c);
}

/* Afterwards in the same place: the gradient for X. */
typedef struct data_memory {
    float *packed, *dx, *product;
} data_memory;
static data_memory lay_out_data(const run *u, cursor *c) {
    const recurrent *r = u->r;
    data_memory m = {0};
    m.packed = take_floats(c, (int64_t)r->input.packed_data_size);
    m.product = take_floats(c, (int64_t)r->input.data_workspace_size);
    if (has_lengths(u->step)) m.dx = take_floats(c, r->positions * r->inputs);
    return m;
}

static size_t larger(size_t a, size_t b) { return a > b ? a : b; }

static void size_step(tern__step *s) {
    const recurrent *r = s->choice;
    run u = {.step = s, .r = r};
    cursor kept = {0}, packed = {0}, forward = {0}, backward = {0}, data = {0};
    float *product;
    lay_out_kept(&u, &kept);
    lay_out_packed(&u, &packed, false);
    lay_out_forward(&u, &forward, &product);
    lay_out_backward(&u, &backward);
    lay_out_data(&u, &data);
    size_t weights = r->input.weights_workspace_size;
    for (int p = 0; p < r->cell->parts; p++)
        weights = larger(weights, r->part[p].weights_workspace_size);
    size_t sums = tern__aligned_floats((size_t)r->width) + tern__row_sums_size(r->width);
    weights = larger(weights, sums);
    s->state_size = s->training ? kept.at : packs_once(s) ? packed.at : 0;
    s->workspace_size = forward.at;
    s->backward_workspace_size = larger(larger(backward.at, data.at), weights * sizeof(float));
}

tern_status tern__recurrent_prepare(tern__step *s, const tern__recurrent_cell *cell) {
    const tern__recurrent_attributes *a = s->attributes;
    const tern__tensor *x = s->inputs[TERN__RECURRENT_X], *w = s->inputs[TERN__RECURRENT_W];
    tern_context *c = s->context;
    recurrent *r = tern__calloc(c, 1, sizeof *r);
    if (!r) return TERN_ERR_MEMORY;
    s->choice = r;
    r->cell = cell;
    r->batch_first = a->layout == 1;
    r->reverse = a->direction.at[0] == 'r';
    r->reset_after = a->linear_before_reset != 0;
    r->batch = x->dims[r->batch_first ? 0 : 1];
    r->steps = x->dims[r->batch_first ? 1 : 0];
    r->inputs = x->dims[2];
    r->directions = w->dims[0];
    r->width = w->dims[1];
    r->hidden = r->width / cell->gates;
    r->positions = r->steps * r->batch; /* X has that many rows */
    double all = (double)r->positions * (double)(r->width + 2 * r->hidden + r->inputs) * 2;
    if (all > (double)(SIZE_MAX / 64))
        return tern__fail(c, TERN_ERR_LIMIT,
                          "%s '%s': %lld steps of %lld sequences with %lld gates need more memory "
                          "than can be addressed",
                          s->op->name, s->name, (long long)r->steps, (long long)r->batch,
                          (long long)r->width);
    /* Some 8 items of whole tiles; what an item is does not change bits. */
    int64_t mr = c->kernels->gemm->mr;
    r->block = ((r->batch + 7) / 8 + mr - 1) / mr * mr;
    if (r->block > 4 * mr) r->block = 4 * mr;
    r->blocks = (r->batch + r->block - 1) / r->block;
    r->input = tern__convolution_dense(r->positions, r->width, r->inputs, true, r->inputs);
    tern_status st = tern__convolution_prepare(c, &r->input);
    for (int p = 0; p < cell->parts && st == TERN_OK; p++) {
        r->part[p] = tern__convolution_dense(r->positions, cell->part_gates[p] * r->hidden,
                                             r->hidden, true, r->hidden);
        bool own = p == 1 && r->reset_after; /* its gradient lies in `extra` */
        r->part[p].y_pitch = own ? r->hidden : r->width;
        st = tern__convolution_prepare(c, &r->part[p]);
    }
    if (st != TERN_OK) return tern__fail_in(c, "%s '%s'", s->op->name, s->name);
    size_step(s);
    return TERN_OK;
}

/* ---- weights ---- */

/* R's rows of a part. */
static const float *part_rows(const run *u, int64_t direction, int part) {
    const recurrent *r = u->r;
    const float *all = u->step->inputs[TERN__RECURRENT_R]->data;
    int64_t gate = part ? r->cell->part_gates[0] : 0;
    return all + (direction * r->width + gate * r->hidden) * r->hidden;
}

/* Both biases meet in one sum, but R's third of a GRU that resets after the product. */
static void sum_biases(const run *u, int64_t direction, float *sum) {
    const recurrent *r = u->r;
    const tern__tensor *b = input(u->step, TERN__RECURRENT_B);
    memset(sum, 0, (size_t)r->width * sizeof *sum);
    if (!b) return;
    const float *from = (const float *)b->data + direction * 2 * r->width;
    int64_t common = r->reset_after ? 2 * r->hidden : r->width;
    for (int64_t i = 0; i < r->width; i++) sum[i] = from[i] + (i < common ? from[r->width + i] : 0);
}

static void pack_forward(const run *u) {
    const tern_context *c = u->step->context;
    const recurrent *r = u->r;
    const float *w = u->step->inputs[TERN__RECURRENT_W]->data;
    for (int64_t d = 0; d < r->directions; d++) {
        float *to = u->packed + d * (int64_t)u->packed_each;
        tern__convolution_pack(c, &r->input, w + d * r->width * r->inputs, to + u->packed_input);
        sum_biases(u, d, to + u->packed_bias);
        for (int p = 0; p < r->cell->parts; p++)
            tern__convolution_pack(c, &r->part[p], part_rows(u, d, p), to + u->packed_part[p]);
    }
}

void tern__recurrent_pack(tern__step *s) {
    run u = {.step = s, .r = s->choice, .packed = s->state};
    place_packed(&u, false);
    pack_forward(&u);
}

const float *tern__recurrent_weights(const recurrent_item *item, int part) {
    const run *u = item->run;
    return u->packed + item->direction * (int64_t)u->packed_each + u->packed_part[part];
}

const float *tern__recurrent_peepholes(const recurrent_item *item) {
    const tern__tensor *p = input(item->run->step, TERN__RECURRENT_P);
    return p ? (const float *)p->data + item->direction * 3 * item->run->r->hidden : NULL;
}

/* ---- positions ---- */

static int64_t place_in_x(const recurrent *r, int64_t n, int64_t t) {
    return r->batch_first ? n * r->steps + t : t * r->batch + n;
}
static int64_t place_in_y(const recurrent *r, int64_t d, int64_t n, int64_t t) {
    return (r->batch_first ? (n * r->steps + t) * r->directions + d
                           : (t * r->directions + d) * r->batch + n) *
           r->hidden;
}
/* In initial and last states. */
static int64_t place_in_state(const recurrent *r, int64_t d, int64_t n) {
    return (r->batch_first ? n * r->directions + d : d * r->batch + n) * r->hidden;
}
static bool is_reversed(const recurrent *r, int64_t d) { return r->reverse || d == 1; }

static tern_status fill_positions(run *u) {
    const tern__step *s = u->step;
    const recurrent *r = u->r;
    const tern__tensor *lengths = input(s, TERN__RECURRENT_LENGTHS);
    u->stride = lengths || r->batch_first ? 1 : r->batch;
    u->rows = 0;
    for (int64_t n = 0; n < r->batch; n++) {
        int64_t length = lengths ? ((const int64_t *)lengths->data)[n] : r->steps;
        if (length < 0 || length > r->steps)
            return tern__fail(s->context, TERN_ERR_ARGUMENT,
                              "%s '%s': sequence_lens[%lld] is %lld and must be 0 to %lld",
                              s->op->name, s->name, (long long)n, (long long)length,
                              (long long)r->steps);
        u->length[n] = length;
        u->first[n] = lengths ? u->rows : place_in_x(r, n, 0);
        u->rows += length;
    }
    return TERN_OK;
}

static size_t row_bytes(int64_t floats) { return (size_t)floats * sizeof(float); }

static void gather_x(run *u) {
    const recurrent *r = u->r;
    float *all = u->step->inputs[TERN__RECURRENT_X]->data, *to = u->x;
    if (!has_lengths(u->step)) {
        u->x = all;
        return;
    }
    for (int64_t n = 0; n < r->batch; n++)
        for (int64_t t = 0; t < u->length[n]; t++, to += r->inputs)
            memcpy(to, all + place_in_x(r, n, t) * r->inputs, row_bytes(r->inputs));
}

/* ---- items ---- */

static recurrent_item make_item(const run *u, int64_t direction, int worker) {
    size_t block = (size_t)u->r->block;
    char *memory = u->scratch + (size_t)worker * u->scratch_each;
    void *list[ITEM_LISTS];
    for (int i = 0; i < ITEM_LISTS; i++) list[i] = memory + (size_t)i * block * sizeof(void *);
    _Static_assert(sizeof(int64_t) <= sizeof(void *), "numbers fit where pointers lie");
    return (recurrent_item){.run = u,
                            .direction = direction,
                            .sequence = list[0],
                            .row = list[1],
                            .gates = list[2],
                            .before = list[3],
                            .extra = list[4],
                            .cell_before = list[5],
                            .after = list[6],
                            .gradient = list[7],
                            .cell_gradient = list[8],
                            .sources = list[9],
                            .starts = list[10],
                            .targets = list[11],
                            .spare =
                                (float *)(void *)(memory + ITEM_LISTS * block * sizeof(void *))};
}

void tern__recurrent_multiply(recurrent_item *item, const float *w, int64_t depth, int64_t columns,
                              float *const *x, int64_t x_offset, float *const *y, int64_t y_offset,
                              bool add, const float *bias) {
    for (int64_t k = 0; k < item->active; k++) {
        item->sources[k] = x[k] + x_offset;
        item->starts[k] = item->targets[k] = y[k] + y_offset;
    }
    tern__gemm_block b = {.rows = item->active,
                          .columns = columns,
                          .taps = 1,
                          .depth = depth,
                          .x = item->sources,
                          .w = w,
                          .start = add ? item->starts : NULL,
                          .bias = bias,
                          .y = item->targets};
    item->run->step->context->kernels->gemm->block(&b);
}

static float *state_row(const run *u, float *states, int64_t d, int64_t n) {
    return states ? states + (d * u->r->batch + n) * u->r->hidden : NULL;
}
static float *position_row(const run *u, float *rows, int64_t d, int64_t row, int64_t width) {
    return rows + (d * u->r->positions + row) * width;
}
/* The row of an initial state, or zeros. */
static const float *initial(const run *u, int number, int64_t d, int64_t n) {
    const tern__tensor *t = input(u->step, number);
    return t ? (const float *)t->data + place_in_state(u->r, d, n) : u->zeros;
}

const float *tern__recurrent_cell_before(const run *u, int64_t d, int64_t n, int64_t t) {
    int64_t before = is_reversed(u->r, d) ? t + 1 : t - 1;
    if (before < 0 || before >= u->length[n]) return initial(u, TERN__RECURRENT_C, d, n);
    return position_row(u, u->extra, d, u->first[n] + before * u->stride, u->r->hidden);
}

/* The sequences of [begin, end) that have the time t. */
static void gather_item(recurrent_item *item, int64_t begin, int64_t end, int64_t t) {
    const run *u = item->run;
    const recurrent *r = u->r;
    int64_t d = item->direction, way = is_reversed(r, d) ? -1 : 1;
    item->active = 0;
    for (int64_t n = begin; n < end; n++) {
        if (t >= u->length[n]) continue;
        int64_t k = item->active++, row = u->first[n] + t * u->stride;
        int64_t next = t + way;
        item->sequence[k] = n;
        item->row[k] = row;
        item->gates[k] = position_row(u, u->gates, d, row, r->width);
        item->before[k] = position_row(u, u->before, d, row, r->hidden);
        item->extra[k] = position_row(u, u->extra, d, row, r->hidden);
        item->after[k] = next >= 0 && next < u->length[n]
                             ? item->before[k] + way * u->stride * r->hidden
                             : state_row(u, u->last, d, n);
        item->cell_before[k] = tern__recurrent_cell_before(u, d, n, t);
        item->gradient[k] = state_row(u, u->carry, d, n);
        item->cell_gradient[k] = state_row(u, u->carry_cell, d, n);
    }
}

static int64_t time_of(const recurrent *r, int64_t d, int64_t step) {
    return is_reversed(r, d) ? r->steps - 1 - step : step;
}

static void block_range(const recurrent *r, int64_t number, int64_t *begin, int64_t *end) {
    *begin = number % r->blocks * r->block;
    *end = *begin + r->block < r->batch ? *begin + r->block : r->batch;
}

/* ---- forward ---- */

static float *output(const tern__step *s, int number) {
    return s->n_outputs > number && s->outputs[number] ? s->outputs[number]->data : NULL;
}

/* The states that a sequence ends with, and the zeros behind it. */
static void finish_sequence(const run *u, int64_t d, int64_t n) {
    const recurrent *r = u->r;
    size_t bytes = row_bytes(r->hidden);
    float *y = output(u->step, 0), *h = output(u->step, 1), *c = output(u->step, 2);
    if (h) memcpy(h + place_in_state(r, d, n), state_row(u, u->last, d, n), bytes);
    if (c) {
        int64_t t = is_reversed(r, d) ? 0 : u->length[n] - 1, row = u->first[n] + t * u->stride;
        const float *from = u->length[n] ? position_row(u, u->extra, d, row, r->hidden)
                                         : initial(u, TERN__RECURRENT_C, d, n);
        memcpy(c + place_in_state(r, d, n), from, bytes);
    }
    for (int64_t t = u->length[n]; y && t < r->steps; t++)
        memset(y + place_in_y(r, d, n, t), 0, bytes);
}

static void forward_item(void *arg, int64_t number, int worker) {
    const run *u = arg;
    const recurrent *r = u->r;
    int64_t d = number / r->blocks, begin, end;
    recurrent_item item = make_item(u, d, worker);
    float *y = output(u->step, 0);
    block_range(r, number, &begin, &end);
    for (int64_t n = begin; n < end; n++) {
        int64_t t = is_reversed(r, d) ? u->length[n] - 1 : 0, row = u->first[n] + t * u->stride;
        memcpy(u->length[n] ? position_row(u, u->before, d, row, r->hidden)
                            : state_row(u, u->last, d, n),
               initial(u, TERN__RECURRENT_H, d, n), row_bytes(r->hidden));
    }
    for (int64_t step = 0; step < r->steps; step++) {
        int64_t t = time_of(r, d, step);
        gather_item(&item, begin, end, t);
        if (!item.active) continue;
        r->cell->forward(&item);
        for (int64_t k = 0; y && k < item.active; k++)
            memcpy(y + place_in_y(r, d, item.sequence[k], t), item.after[k], row_bytes(r->hidden));
    }
    for (int64_t n = begin; n < end; n++) finish_sequence(u, d, n);
}

tern_status tern__recurrent_forward(const tern__step *s) {
    const recurrent *r = s->choice;
    run u = {.step = s, .r = r, .vector = tern__vector(s->context), .packed = s->state};
    cursor work = {s->workspace, 0}, kept = {s->state, 0};
    float *product;
    lay_out_forward(&u, &work, &product);
    if (s->training) lay_out_kept(&u, &kept);
    if (packs_once(s))
        place_packed(&u, false);
    else
        pack_forward(&u);
    tern_status st = fill_positions(&u);
    if (st != TERN_OK) return st;
    memset(u.zeros, 0, row_bytes(r->hidden));
    gather_x(&u);
    tern__convolution all = r->input;
    all.n = u.rows;
    for (int64_t d = 0; d < r->directions; d++) {
        const float *packed = u.packed + d * (int64_t)u.packed_each;
        tern__epilogue e = {.bias = packed + u.packed_bias};
        tern__convolution_forward(s->context, &all, u.x, packed + u.packed_input, &e,
                                  position_row(&u, u.gates, d, 0, r->width), product);
    }
    tern__parallel(s->context, r->directions * r->blocks, TERN__WORTH_A_THREAD, forward_item, &u);
    return TERN_OK;
}

/* ---- backward ---- */

static const float *output_gradient(const tern__step *s, int number) {
    return s->n_outputs > number && s->output_grads[number] ? s->output_grads[number]->data : NULL;
}

static void start_carry(const run *u, float *carry, int number, int64_t d, int64_t n) {
    const float *last = output_gradient(u->step, number);
    float *to = state_row(u, carry, d, n);
    if (!to) return;
    if (last)
        memcpy(to, last + place_in_state(u->r, d, n), row_bytes(u->r->hidden));
    else
        memset(to, 0, row_bytes(u->r->hidden));
}

static void backward_item(void *arg, int64_t number, int worker) {
    const run *u = arg;
    const recurrent *r = u->r;
    int64_t d = number / r->blocks, begin, end;
    recurrent_item item = make_item(u, d, worker);
    const float *dy = output_gradient(u->step, 0);
    block_range(r, number, &begin, &end);
    for (int64_t n = begin; n < end; n++) {
        start_carry(u, u->carry, 1, d, n);
        start_carry(u, u->carry_cell, 2, d, n);
    }
    for (int64_t step = r->steps; step-- > 0;) {
        int64_t t = time_of(r, d, step);
        gather_item(&item, begin, end, t);
        if (!item.active) continue;
        for (int64_t k = 0; dy && k < item.active; k++)
            u->vector->scale(dy + place_in_y(r, d, item.sequence[k], t), 1, item.gradient[k],
                             r->hidden, true);
        r->cell->backward(&item);
    }
}

/* The gradient of an initial state is what is carried in the end. */
static void give_initial(const run *u, int number, float *carry) {
    const tern__step *s = u->step;
    const recurrent *r = u->r;
    if (s->n_inputs <= number || !s->input_grads[number]) return;
    float *to = s->input_grads[number]->data;
    for (int64_t d = 0; d < r->directions; d++)
        for (int64_t n = 0; n < r->batch; n++)
            u->vector->scale(state_row(u, carry, d, n), 1, to + place_in_state(r, d, n), r->hidden,
                             s->accumulate[number]);
}

/* Rows that are not there get zeros. */
static void scatter_gradient(const run *u, const float *from, float *dx, bool add) {
    const recurrent *r = u->r;
    for (int64_t n = 0; n < r->batch; n++)
        for (int64_t t = 0; t < r->steps; t++) {
            float *to = dx + place_in_x(r, n, t) * r->inputs;
            if (t < u->length[n]) {
                u->vector->scale(from, 1, to, r->inputs, add);
                from += r->inputs;
            } else if (!add) {
                memset(to, 0, row_bytes(r->inputs));
            }
        }
}

static void gradient_x(const run *u) {
    const tern__step *s = u->step;
    const recurrent *r = u->r;
    const float *w = s->inputs[TERN__RECURRENT_W]->data;
    cursor work = {s->workspace, 0};
    data_memory m = lay_out_data(u, &work);
    float *dx = s->input_grads[TERN__RECURRENT_X]->data, *to = m.dx ? m.dx : dx;
    tern__convolution all = r->input;
    all.n = u->rows;
    for (int64_t d = 0; d < r->directions; d++) {
        bool add = d > 0 || (!m.dx && s->accumulate[TERN__RECURRENT_X]);
        tern__epilogue e = {.start = add ? to : NULL};
        tern__convolution_pack_data(s->context, &all, w + d * r->width * r->inputs, m.packed);
        tern__convolution_backward_data(s->context, &all, position_row(u, u->gates, d, 0, r->width),
                                        m.packed, &e, to, m.product);
    }
    if (m.dx) scatter_gradient(u, m.dx, dx, s->accumulate[TERN__RECURRENT_X]);
}

/* One direction's weights, all positions at once. */
static void gradient_weights(const run *u, int64_t d) {
    const tern__step *s = u->step;
    const recurrent *r = u->r;
    float *gates = position_row(u, u->gates, d, 0, r->width);
    float *before = position_row(u, u->before, d, 0, r->hidden);
    float *extra = position_row(u, u->extra, d, 0, r->hidden);
    if (s->input_grads[TERN__RECURRENT_W]) {
        float *dw = s->input_grads[TERN__RECURRENT_W]->data;
        tern__convolution all = r->input;
        all.n = u->rows;
        tern__convolution_backward_weights(s->context, &all, u->x, gates,
                                           dw + d * r->width * r->inputs,
                                           s->accumulate[TERN__RECURRENT_W], s->workspace);
    }
    if (!s->input_grads[TERN__RECURRENT_R]) return;
    float *dr = (float *)s->input_grads[TERN__RECURRENT_R]->data + d * r->width * r->hidden;
    for (int p = 0; p < r->cell->parts; p++) {
        tern__convolution part = r->part[p];
        part.n = u->rows;
        int64_t gate = p ? r->cell->part_gates[0] : 0;
        const float *x = p && !r->reset_after ? extra : before;
        const float *dy = p && r->reset_after ? extra : gates + gate * r->hidden;
        tern__convolution_backward_weights(s->context, &part, x, dy,
                                           dr + gate * r->hidden * r->hidden,
                                           s->accumulate[TERN__RECURRENT_R], s->workspace);
    }
}

/* Both biases of a gate have the same gradient, but those of R that were not summed. */
static void gradient_biases(const run *u, int64_t d) {
    const tern__step *s = u->step;
    const recurrent *r = u->r;
    if (s->n_inputs <= TERN__RECURRENT_B || !s->input_grads[TERN__RECURRENT_B]) return;
    float *db = (float *)s->input_grads[TERN__RECURRENT_B]->data + d * 2 * r->width;
    bool add = s->accumulate[TERN__RECURRENT_B];
    float *sums = s->workspace, *work = sums + tern__aligned_floats((size_t)r->width);
    tern__row_sums(s->context, u->rows, r->width, position_row(u, u->gates, d, 0, r->width), sums,
                   false, work);
    int64_t common = r->reset_after ? 2 * r->hidden : r->width;
    u->vector->scale(sums, 1, db, r->width, add);
    u->vector->scale(sums, 1, db + r->width, common, add);
    if (r->reset_after)
        tern__row_sums(s->context, u->rows, r->hidden, position_row(u, u->extra, d, 0, r->hidden),
                       db + r->width + common, add, work);
}

void tern__recurrent_backward(const tern__step *s, run *u) {
    const recurrent *r = s->choice;
    *u = (run){.step = s, .r = r, .vector = tern__vector(s->context)};
    cursor work = {s->workspace, 0}, kept = {s->state, 0};
    lay_out_kept(u, &kept);
    lay_out_backward(u, &work);
    if (!has_lengths(s)) u->x = s->inputs[TERN__RECURRENT_X]->data;
    u->stride = has_lengths(s) || r->batch_first ? 1 : r->batch;
    for (int64_t n = 0; n < r->batch; n++) u->rows += u->length[n];
    for (int64_t d = 0; d < r->directions; d++)
        for (int p = 0; p < r->cell->parts; p++)
            tern__convolution_pack_data(s->context, &r->part[p], part_rows(u, d, p),
                                        u->packed + d * (int64_t)u->packed_each +
                                            u->packed_part[p]);
    tern__parallel(s->context, r->directions * r->blocks, TERN__WORTH_A_THREAD, backward_item, u);
    give_initial(u, TERN__RECURRENT_H, u->carry);
    if (r->cell->has_cell) give_initial(u, TERN__RECURRENT_C, u->carry_cell);
    if (s->input_grads[TERN__RECURRENT_X]) gradient_x(u);
    for (int64_t d = 0; d < r->directions; d++) {
        gradient_weights(u, d);
        gradient_biases(u, d);
    }
}

double tern__recurrent_flops(const tern__step *s) {
    const recurrent *r = s->choice;
    return 2.0 * (double)r->positions * (double)r->directions * (double)r->width *
           (double)(r->inputs + r->hidden);
}
