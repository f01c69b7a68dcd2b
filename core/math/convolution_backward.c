/* The gradients of convolutions. The data gradient is a convolution of dy by stride phases; the
 * weight gradient sums outer products over positions, cut into shards by the problem and added in
 * order. See convolution.h. */
#include "convolution_run.h"

#include "core/base/arithmetic.h"
#include "core/kernels/kernels.h"

#include <string.h>

/* ---- data ---- */

typedef struct packing {
    const tern__convolution *v;
    const float *w;
    float *packed; /* of this phase: [group][panel][tap][k / group][nr] */
    int64_t element[3], element_step[3], taps[3], nr, panels;
} packing;

/* The kernel's element that tap t of this phase is. */
static int64_t phase_element(const packing *p, int64_t t) {
    int64_t at[3];
    for (int i = 2; i >= 0; i--) {
        at[i] = p->element[i] + t % p->taps[i] * p->element_step[i];
        t /= p->taps[i];
    }
    return (at[0] * p->v->kernel[1] + at[1]) * p->v->kernel[2] + at[2];
}

static void pack_data_panel(void *arg, int64_t item, int worker) {
    (void)worker;
    const packing *p = arg;
    const tern__convolution *v = p->v;
    int64_t depth = v->k / v->group, columns = v->c / v->group, nr = p->nr;
    int64_t taps = p->taps[0] * p->taps[1] * p->taps[2];
    int64_t g = item / p->panels, first = item % p->panels * nr;
    int64_t lanes = tern__least(columns - first, nr);
    int64_t elements = tern__convolution_elements(v), step = elements * v->w_step;
    float *to = p->packed + item * taps * depth * nr;
    for (int64_t t = 0; t < taps; t++) {
        const float *w =
            p->w + g * depth * v->w_k + (first * elements + phase_element(p, t)) * v->w_step;
        for (int64_t k = 0; k < depth; k++, to += nr) {
            for (int64_t i = 0; i < lanes; i++) to[i] = w[k * v->w_k + i * step];
            for (int64_t i = lanes; i < nr; i++) to[i] = 0;
        }
    }
}

/* Floats of a phase's packed weights. */
static int64_t phase_size(const tern__convolution *v, int64_t taps, int64_t nr) {
    return v->depthwise ? taps * v->c
                        : taps * v->group * (v->k / v->group) * tern__round_up(v->c / v->group, nr);
}

void tern__convolution_pack_data(const tern_context *c, const tern__convolution *v, const float *w,
                                 float *packed) {
    int64_t nr = c->kernels->gemm->nr;
    for (int64_t phase = 0; phase < v->phases; phase++) {
        packing p = {.v = v,
                     .w = w,
                     .packed = packed,
                     .nr = nr,
                     .panels = tern__round_up(v->c / v->group, nr) / nr};
        tern__rows rows = tern__rows_data(v, phase, p.element, p.element_step);
        for (int i = 0; i < 3; i++) p.taps[i] = rows.axes[i].taps;
        int64_t taps = tern__rows_taps(&rows);
        if (v->depthwise) {
            for (int64_t t = 0; t < taps; t++)
                for (int64_t k = 0; k < v->k; k++)
                    packed[t * v->k + k] = w[k * v->w_k + phase_element(&p, t) * v->w_step];
        } else if (taps > 0) {
            tern__parallel(c, v->group * p.panels, 2 * taps * v->k / v->group * nr, pack_data_panel,
                           &p);
        }
        packed += phase_size(v, taps, nr);
    }
}

void tern__convolution_backward_data(const tern_context *c, const tern__convolution *v,
                                     const float *dy, const float *packed_data,
                                     const tern__epilogue *epilogue, float *dx, float *workspace) {
    int64_t depth = v->k / v->group;
    const float *zeros = tern__convolution_zeros(v->depthwise ? v->k : depth, &workspace);
    for (int64_t phase = 0; phase < v->phases; phase++) {
        int64_t element[3], element_step[3];
        tern__convolution_run r = {.rows = tern__rows_data(v, phase, element, element_step),
                                   .depthwise = v->depthwise,
                                   .group = v->group,
                                   .depth = depth,
                                   .columns = v->c / v->group,
                                   .block_rows = v->data_block_rows,
                                   .block_columns = v->data_block_columns,
                                   .x = dy,
                                   .zeros = zeros,
                                   .w = packed_data,
                                   .y = dx,
                                   .tables = workspace};
        r.taps = tern__rows_taps(&r.rows);
        r.tables_size =
            tern__convolution_tables_size(v->data_block_rows, tern__convolution_elements(v));
        if (epilogue) r.epilogue = *epilogue;
        tern__convolution_run_rows(c, &r);
        packed_data += phase_size(v, r.taps, c->kernels->gemm->nr);
    }
}

/* ---- weights ---- */

typedef struct gradient {
    const tern__convolution *v;
    const tern__gemm_kernels *kernels;
    tern__rows rows;
    const float *x, *zeros, *dy;
    float *partial; /* [shards] of packed_size: as the packed weights */
    float *scratch; /* [threads][scratch_size]: pointer tables, then packed dy */
    size_t scratch_size, tables_size;
    int64_t positions, strip_blocks;
    float *dw;
    bool accumulate;
} gradient;

/* Positions [begin, end) of a shard: whole multiples of shard_rows. */
static void shard_range(const gradient *q, int64_t shard, int64_t *begin, int64_t *end) {
    int64_t rows = q->v->shard_rows, blocks = (q->positions + rows - 1) / rows;
    *begin = blocks * shard / q->v->shards * rows;
    *end = tern__least(blocks * (shard + 1) / q->v->shards * rows, q->positions);
}

/* dy's rows as panels [ceil(columns / nr)][rows][nr], padded with zeros. */
static void pack_rows(const float *const *dy, int64_t rows, int64_t columns, int64_t nr,
                      float *to) {
    for (int64_t first = 0; first < columns; first += nr) {
        size_t lanes = (size_t)tern__least(columns - first, nr);
        for (int64_t m = 0; m < rows; m++, to += nr) {
            memcpy(to, dy[m] + first, lanes * sizeof *to);
            if (lanes < (size_t)nr) memset(to + lanes, 0, ((size_t)nr - lanes) * sizeof *to);
        }
    }
}

/* Item: (shard, group, strips), strips fastest. */
static void gradient_item(void *arg, int64_t item, int worker) {
    const gradient *q = arg;
    const tern__convolution *v = q->v;
    int64_t nr = q->kernels->nr, columns = v->k / v->group;
    int64_t first = item % q->strip_blocks * v->strips;
    item /= q->strip_blocks;
    int64_t g = item % v->group, shard = item / v->group, begin, end;
    float *scratch = q->scratch + (size_t)worker * q->scratch_size;
    const float **sources = (const float **)scratch;
    const float **targets = sources + v->shard_rows * v->taps;
    float *packed = scratch + q->tables_size;
    tern__gemm_outer o = {.columns = columns,
                          .taps = v->taps,
                          .depth = v->depth,
                          .first = first,
                          .last = tern__least(first + v->strips, tern__convolution_strips(v)),
                          .x = sources,
                          .dy = packed,
                          .dw = q->partial + shard * (int64_t)v->packed_size +
                                g * tern__round_up(columns, nr) * v->taps * v->depth};
    shard_range(q, shard, &begin, &end);
    for (int64_t m = begin; m < end || !o.add; m += v->shard_rows, o.add = true) {
        o.rows = m < end ? tern__least(end - m, v->shard_rows) : 0;
        tern__rows_fill(&q->rows, m, m + o.rows, o.rows, q->x + g * v->depth, q->zeros, sources,
                        q->dy + g * columns, targets);
        pack_rows(targets, o.rows, columns, nr, packed);
        q->kernels->outer(&o);
    }
}

static void depthwise_item(void *arg, int64_t shard, int worker) {
    const gradient *q = arg;
    const tern__convolution *v = q->v;
    float *dw = q->partial + shard * (int64_t)v->packed_size;
    memset(dw, 0, v->packed_size * sizeof *dw);
    const float **sources = (const float **)(q->scratch + (size_t)worker * q->scratch_size);
    const float **targets = sources + v->shard_rows * v->taps;
    int64_t begin, end;
    shard_range(q, shard, &begin, &end);
    for (int64_t m = begin; m < end; m += v->shard_rows) {
        int64_t rows = tern__least(end - m, v->shard_rows);
        tern__rows_fill(&q->rows, m, m + rows, rows, q->x, q->zeros, sources, q->dy, targets);
        tern__gemm_depthwise d = {.rows = rows,
                                  .taps = v->taps,
                                  .channels = v->c,
                                  .x = sources,
                                  .w_pitch = v->c,
                                  .dy = targets,
                                  .dw = dw};
        q->kernels->depthwise_outer(&d);
    }
}

/* The shards' sums, in order, into w's layout: one panel of one group. */
static void combine_panel(void *arg, int64_t item, int worker) {
    (void)worker;
    const gradient *q = arg;
    const tern__convolution *v = q->v;
    int64_t nr = q->kernels->nr, channels = v->c / v->group, columns = v->k / v->group;
    int64_t panels = tern__round_up(columns, nr) / nr, g = item / panels,
            first = item % panels * nr;
    int64_t lanes = tern__least(columns - first, nr),
            count = tern__convolution_elements(v) * channels;
    float *to = q->dw + (g * columns + first) * v->w_k;
    for (int64_t p = 0; p < count; p += TERN__WEIGHT_BLOCK) {
        float block[TERN__WEIGHT_BLOCK][TERN__GEMM_MAX_NR];
        int64_t here = tern__least(count - p, TERN__WEIGHT_BLOCK);
        int64_t row[TERN__WEIGHT_BLOCK];
        tern__convolution_weight_rows(v, p, here, row);
        for (int64_t j = 0; j < here; j++) {
            const float *from = q->partial + (item * count + row[j]) * nr;
            memcpy(block[j], from, (size_t)nr * sizeof **block);
            for (int64_t s = 1; s < v->shards; s++) {
                from += v->packed_size;
                for (int64_t i = 0; i < nr; i++) block[j][i] += from[i];
            }
        }
        for (int64_t i = 0; i < lanes; i++) {
            float *one = to + i * v->w_k + p * v->w_step;
            if (q->accumulate)
                for (int64_t j = 0; j < here; j++) one[j * v->w_step] += block[j][i];
            else if (v->w_step == 1)
                for (int64_t j = 0; j < here; j++) one[j] = block[j][i];
            else
                for (int64_t j = 0; j < here; j++) one[j * v->w_step] = block[j][i];
        }
    }
}

static void combine_depthwise(const gradient *q) {
    const tern__convolution *v = q->v;
    int64_t elements = tern__convolution_elements(v);
    for (int64_t k = 0; k < v->k; k++)
        for (int64_t e = 0; e < elements; e++) {
            float sum = 0;
            for (int64_t s = 0; s < v->shards; s++)
                sum += q->partial[s * (int64_t)v->packed_size + e * v->k + k];
            float *one = q->dw + k * v->w_k + e * v->w_step;
            *one = q->accumulate ? *one + sum : sum;
        }
}

void tern__convolution_backward_weights(const tern_context *c, const tern__convolution *v,
                                        const float *x, const float *dy, float *dw, bool accumulate,
                                        float *workspace) {
    gradient q = {.v = v,
                  .kernels = c->kernels->gemm,
                  .rows = tern__rows_forward(v),
                  .dy = dy,
                  .dw = dw,
                  .accumulate = accumulate};
    q.positions = tern__rows_count(&q.rows);
    q.strip_blocks = (tern__convolution_strips(v) + v->strips - 1) / v->strips;
    q.zeros = tern__convolution_zeros(v->depthwise ? v->c : v->depth, &workspace);
    q.x = tern__convolution_pad(c, v, x, &workspace);
    q.partial = workspace;
    q.scratch = workspace + tern__round_up(v->shards * (int64_t)v->packed_size, 16);
    q.tables_size = tern__convolution_tables_size(v->shard_rows, v->taps);
    q.scratch_size =
        q.tables_size +
        (v->depthwise ? 0
                      : (size_t)tern__round_up(
                            v->shard_rows * tern__round_up(v->k / v->group, q.kernels->nr), 16));
    if (v->depthwise) {
        tern__parallel(c, v->shards, v->shard_rows * v->taps * v->c / 8, depthwise_item, &q);
        combine_depthwise(&q);
        return;
    }
    int64_t items = v->shards * v->group * q.strip_blocks;
    tern__parallel(c, items, (int64_t)(tern__convolution_work(v) / (double)items), gradient_item,
                   &q);
    int64_t nr = q.kernels->nr;
    tern__parallel(c, v->group * (tern__round_up(v->k / v->group, nr) / nr),
                   (v->shards + 2) * tern__convolution_elements(v) * v->c / v->group * nr,
                   combine_panel, &q);
}

/* ---- bias ---- */

enum { SUM_SHARDS = 16 };

typedef struct sums {
    const tern__gemm_kernels *kernels;
    int64_t count, channels;
    const float *dy;
    double *partial; /* [SUM_SHARDS][channels] */
} sums;

static void sum_item(void *arg, int64_t shard, int worker) {
    (void)worker;
    const sums *s = arg;
    int64_t begin = s->count * shard / SUM_SHARDS, end = s->count * (shard + 1) / SUM_SHARDS;
    double *sum = s->partial + shard * s->channels;
    for (int64_t i = 0; i < s->channels; i++) sum[i] = 0;
    s->kernels->column_sums(sum, s->dy + begin * s->channels, end - begin, s->channels);
}

size_t tern__row_sums_size(int64_t channels) {
    return (size_t)channels * SUM_SHARDS * sizeof(double) / sizeof(float);
}

void tern__row_sums(const tern_context *c, int64_t count, int64_t channels, const float *dy,
                    float *db, bool accumulate, float *workspace) {
    sums s = {c->kernels->gemm, count, channels, dy, (double *)(void *)workspace};
    tern__parallel(c, SUM_SHARDS, count * channels / SUM_SHARDS, sum_item, &s);
    for (int64_t k = 0; k < channels; k++) {
        double sum = accumulate ? db[k] : 0;
        for (int64_t i = 0; i < SUM_SHARDS; i++) sum += s.partial[i * channels + k];
        db[k] = (float)sum;
    }
}
