/* Convolutions: sizes and cuts, packing, forward. See convolution.h; gradients are in
 * convolution_backward.c. */
#include "convolution_run.h"

#include "core/base/arithmetic.h"
#include "core/kernels/kernels.h"

#include <string.h>

tern__convolution tern__convolution_dense(int64_t m, int64_t n, int64_t k, bool transposed,
                                          int64_t w_pitch) {
    return (tern__convolution){.n = m,
                               .c = k,
                               .k = n,
                               .group = 1,
                               .w_k = transposed ? w_pitch : 1,
                               .w_step = transposed ? 1 : w_pitch};
}

double tern__convolution_flops(const tern__convolution *v) {
    double flops = 2.0 * (double)v->n * (double)v->k * (double)(v->c / v->group);
    for (int i = 0; i < v->spatial; i++) flops *= (double)v->out[i] * (double)v->kernel[i];
    return flops;
}

/* The array of `spatial` axes becomes three, the missing ones in front, of one position each. */
static void fill_axes(int64_t axes[3], int spatial, int64_t missing) {
    memmove(axes + 3 - spatial, axes, (size_t)spatial * sizeof *axes);
    for (int i = 0; i < 3 - spatial; i++) axes[i] = missing;
}

static void normalise(tern__convolution *v) {
    fill_axes(v->in, v->spatial, 1);
    fill_axes(v->out, v->spatial, 1);
    fill_axes(v->kernel, v->spatial, 1);
    fill_axes(v->stride, v->spatial, 1);
    fill_axes(v->dilation, v->spatial, 1);
    fill_axes(v->pad_begin, v->spatial, 0);
    v->spatial = 3;
    if (!v->x_pitch) v->x_pitch = v->c;
    if (!v->y_pitch) v->y_pitch = v->k;
    if (!v->w_k && !v->w_step) {
        v->w_step = 1;
        v->w_k = v->c / v->group * tern__convolution_elements(v);
    }
}

/* Kernels of one row and few channels gain from one long row of depth; where padding is in the way,
 * x is copied with it, which pays for few channels only. */
static void choose_depth(tern__convolution *v) {
    int64_t channels = v->c / v->group;
    v->depthwise = v->group > 1 && channels == 1 && v->k == v->c;
    bool pads = v->pad_begin[2] > 0 ||
                (v->out[2] - 1) * v->stride[2] + (v->kernel[2] - 1) * v->dilation[2] >= v->in[2];
    v->merged = v->kernel[2] > 1 && v->dilation[2] == 1 && v->group == 1 &&
                v->x_pitch == channels && (!pads || channels < 16);
    v->padded = v->merged && pads;
    v->taps = v->kernel[0] * v->kernel[1] * (v->merged ? 1 : v->kernel[2]);
    v->depth = v->merged ? v->kernel[2] * channels : channels;
}

/* Rows and columns of an item: the rows' inputs and pointers stay in the second-level cache, and
 * there are some 40 items to share out where the work is worth it. Depends on the problem only. */
static void choose_blocks(const tern__gemm_kernels *kernels, int64_t positions, int64_t taps,
                          int64_t depth, int64_t columns, int64_t group, int64_t *block_rows,
                          int64_t *block_columns) {
    int64_t mr = kernels->mr, nr = kernels->nr;
    int64_t rows = 120, most = 8192 / (taps > 0 ? taps : 1);
    if (most < rows) rows = most;
    most = 65536 / (depth > 0 ? depth : 1);
    if (most < rows) rows = most;
    most = positions * group / 40;
    if (most < rows) rows = most;
    if (rows < 4 * mr && 4 * mr * taps <= 8192) rows = 4 * mr;
    rows = tern__round_up(rows > 0 ? rows : 1, mr);
    int64_t items = group * ((positions + rows - 1) / rows);
    double work = 2.0 * (double)(positions < rows ? positions : rows) * (double)(taps * depth);
    int64_t width = tern__round_up(columns, nr);
    while (items < 40 && width > nr && work * (double)width > 1e6) {
        width = tern__round_up(width / 2, nr);
        items *= 2;
    }
    *block_rows = rows;
    *block_columns = width;
}

/* Product of sizes; SIZE_MAX once anything overflows. */
static size_t times(size_t a, int64_t b) {
    size_t result;
    return b >= 0 && tern__mul(a, (size_t)b, &result) ? result : SIZE_MAX;
}
static size_t plus(size_t a, size_t b) {
    size_t result;
    return tern__add(a, b, &result) ? result : SIZE_MAX;
}
/* To a multiple of 64 bytes. */
static size_t aligned(size_t floats) {
    return floats > SIZE_MAX - 15 ? SIZE_MAX : (floats + 15) / 16 * 16;
}

/* Floats of one worker's pointer tables for items of this many rows: sources, targets, starts. */
static size_t tables_size(int64_t rows, int64_t taps) {
    return aligned(times(times(sizeof(void *) / sizeof(float), rows), taps + 2));
}

/* Items of the weight gradient: a shard of the positions and some strips of taps and channels, at
 * least 16 where the problem is large enough. */
static void choose_shards(const tern__gemm_kernels *kernels, tern__convolution *v) {
    int64_t positions = v->n * v->out[0] * v->out[1] * v->out[2];
    int64_t columns = tern__round_up(v->k / v->group, kernels->nr);
    v->shard_rows = 16384 / (v->taps > 0 ? v->taps : 1); /* of one kernel call */
    if (v->shard_rows > 49152 / columns) v->shard_rows = 49152 / columns;
    if (v->shard_rows > TERN__GEMM_OUTER_ROWS) v->shard_rows = TERN__GEMM_OUTER_ROWS;
    if (v->shard_rows < 32) v->shard_rows = 32;
    int64_t most = 16;
    size_t size = times(times((size_t)v->taps, v->depth), v->k);
    while (most > 1 && times(size, most) > (size_t)4 << 20) most /= 2;
    v->shards = (positions + 4 * v->shard_rows - 1) / (4 * v->shard_rows);
    if (v->shards > most) v->shards = most;
    if (v->shards < 1) v->shards = 1;
    v->strips = v->taps * ((v->depth + TERN__GEMM_STRIP - 1) / TERN__GEMM_STRIP);
    while (v->shards * v->group * ((tern__convolution_strips(v) + v->strips - 1) / v->strips) <
               16 &&
           v->strips >= 8)
        v->strips = (v->strips + 1) / 2;
}

tern_status tern__convolution_prepare(tern_context *c, tern__convolution *v) {
    const tern__gemm_kernels *kernels = c->kernels->gemm;
    normalise(v);
    choose_depth(v);
    int64_t elements = tern__convolution_elements(v);
    int64_t channels = v->c / v->group, columns = v->k / v->group;
    int64_t positions = v->n * v->out[0] * v->out[1] * v->out[2];
    choose_blocks(kernels, positions, v->taps, v->depth, v->depthwise ? 1 : columns,
                  v->depthwise ? 1 : v->group, &v->block_rows, &v->block_columns);
    v->phases = tern__rows_phases(v, 0) * tern__rows_phases(v, 1) * tern__rows_phases(v, 2);
    choose_blocks(kernels, v->n * v->in[0] * v->in[1] * v->in[2] / v->phases,
                  elements / v->phases + 1, columns, v->depthwise ? 1 : channels,
                  v->depthwise ? 1 : v->group, &v->data_block_rows, &v->data_block_columns);
    choose_shards(kernels, v);

    v->packed_size = times(times(times((size_t)elements, channels), v->group),
                           v->depthwise ? 1 : tern__round_up(columns, kernels->nr));
    v->packed_data_size = times(times(times((size_t)elements, columns), v->group),
                                v->depthwise ? 1 : tern__round_up(channels, kernels->nr));
    size_t workers = (size_t)c->threads;
    int64_t zeros = v->depthwise ? v->c : v->depth;
    size_t copy = 0;
    if (v->padded)
        copy = aligned(times(times(times(times((size_t)v->n, v->in[0]), v->in[1]),
                                   (v->out[2] - 1) * v->stride[2] + v->kernel[2]),
                             v->c));
    v->workspace_size = plus(plus(aligned((size_t)zeros), copy),
                             times(workers, (int64_t)tables_size(v->block_rows, v->taps)));
    v->data_workspace_size =
        plus(aligned((size_t)(v->depthwise ? v->k : columns)),
             times(workers, (int64_t)tables_size(v->data_block_rows, elements)));
    size_t partial = times((size_t)v->shards, (int64_t)v->packed_size);
    size_t worker =
        plus(tables_size(v->shard_rows, v->taps),
             v->depthwise ? 0 : times((size_t)v->shard_rows, tern__round_up(columns, kernels->nr)));
    v->weights_workspace_size = plus(plus(plus(aligned((size_t)zeros), copy), aligned(partial)),
                                     times(workers, (int64_t)aligned(worker)));
    size_t largest = v->packed_size | v->packed_data_size | v->workspace_size |
                     v->data_workspace_size | v->weights_workspace_size;
    if (largest > SIZE_MAX / 64)
        return tern__fail(c, TERN_ERR_LIMIT,
                          "a convolution of %lld images, %lld to %lld channels needs more memory "
                          "than can be addressed",
                          (long long)v->n, (long long)v->c, (long long)v->k);
    return TERN_OK;
}

/* ---- packing ---- */

typedef struct packing {
    const tern__convolution *v;
    const float *w;
    float *packed;
    int64_t nr, panels;
} packing;

/* One panel of one group: [element][channel][nr]. ONNX's order is read in blocks of 16 floats per
 * output channel, whose rows are often a power of two apart. */
static void pack_panel(void *arg, int64_t item, int worker) {
    (void)worker;
    const packing *p = arg;
    const tern__convolution *v = p->v;
    int64_t channels = v->c / v->group, columns = v->k / v->group, nr = p->nr;
    int64_t g = item / p->panels, first = item % p->panels * nr;
    int64_t count = tern__convolution_elements(v) * channels;
    int64_t lanes = columns - first < nr ? columns - first : nr;
    float *panel = p->packed + item * count * nr;
    const float *w = p->w + (g * columns + first) * v->w_k;
    for (int64_t q = 0; q < count; q += TERN__WEIGHT_BLOCK) {
        float block[TERN__WEIGHT_BLOCK][TERN__GEMM_MAX_NR] = {{0}};
        int64_t here = count - q < TERN__WEIGHT_BLOCK ? count - q : TERN__WEIGHT_BLOCK;
        int64_t row[TERN__WEIGHT_BLOCK];
        tern__convolution_weight_rows(v, q, here, row);
        for (int64_t i = 0; i < lanes; i++) {
            const float *from = w + i * v->w_k + q * v->w_step;
            if (v->w_step == 1)
                for (int64_t j = 0; j < here; j++) block[j][i] = from[j];
            else
                for (int64_t j = 0; j < here; j++) block[j][i] = from[j * v->w_step];
        }
        for (int64_t j = 0; j < here; j++)
            memcpy(panel + row[j] * nr, block[j], (size_t)nr * sizeof *panel);
    }
}

void tern__convolution_pack(const tern_context *c, const tern__convolution *v, const float *w,
                            float *packed) {
    if (v->depthwise) {
        int64_t elements = tern__convolution_elements(v);
        for (int64_t e = 0; e < elements; e++)
            for (int64_t k = 0; k < v->k; k++) packed[e * v->k + k] = w[k * v->w_k + e * v->w_step];
        return;
    }
    int64_t nr = c->kernels->gemm->nr;
    packing p = {v, w, packed, nr, tern__round_up(v->k / v->group, nr) / nr};
    tern__parallel(c, v->group * p.panels, 2 * tern__convolution_elements(v) * v->c / v->group * nr,
                   pack_panel, &p);
}

/* ---- running ---- */

/* Item: (rows, group, columns), columns fastest. */
static void run_item(void *arg, int64_t item, int worker) {
    const tern__convolution_run *r = arg;
    int64_t column = item % r->column_blocks * r->block_columns;
    item /= r->column_blocks;
    int64_t groups = r->depthwise ? 1 : r->group;
    int64_t g = item % groups, begin = item / groups * r->block_rows;
    int64_t end = begin + r->block_rows < r->positions ? begin + r->block_rows : r->positions;
    int64_t rows = end - begin, width = r->depthwise ? rows : r->kernels->mr;
    const float **sources = (const float **)(r->tables + (size_t)worker * r->tables_size);
    const float **targets = sources + r->block_rows * r->taps;
    const float **starts = targets + r->block_rows;
    int64_t offset = g * r->columns + column;
    /* The last tile's absent rows are pointers of an earlier use or nothing: never followed. */
    tern__rows_fill(&r->rows, begin, end, width, r->x + g * r->depth, r->zeros, sources,
                    r->y + offset, targets);
    const float *start = r->epilogue.start;
    if (start)
        for (int64_t i = 0; i < rows; i++) starts[i] = start + (targets[i] - r->y);
    const float *bias = r->epilogue.bias ? r->epilogue.bias + offset : NULL;
    if (r->depthwise) {
        tern__gemm_depthwise d = {.rows = rows,
                                  .taps = r->taps,
                                  .channels = r->group,
                                  .x = sources,
                                  .w = r->w,
                                  .w_pitch = r->group,
                                  .start = start ? starts : NULL,
                                  .bias = bias,
                                  .y = (float *const *)targets,
                                  .activation = r->epilogue.activation,
                                  .alpha = r->epilogue.alpha};
        r->kernels->depthwise(&d);
        return;
    }
    int64_t left = r->columns - column, panel = r->taps * r->depth;
    tern__gemm_block b = {.rows = rows,
                          .columns = left < r->block_columns ? left : r->block_columns,
                          .taps = r->taps,
                          .depth = r->depth,
                          .x = sources,
                          .w = r->w +
                               (g * tern__round_up(r->columns, r->kernels->nr) + column) * panel,
                          .start = start ? starts : NULL,
                          .bias = bias,
                          .y = (float *const *)targets,
                          .activation = r->epilogue.activation,
                          .alpha = r->epilogue.alpha};
    r->kernels->block(&b);
}

void tern__convolution_run_rows(const tern_context *c, tern__convolution_run *r) {
    r->kernels = c->kernels->gemm;
    r->positions = tern__rows_count(&r->rows);
    r->column_blocks = r->depthwise ? 1 : (r->columns + r->block_columns - 1) / r->block_columns;
    int64_t blocks = (r->positions + r->block_rows - 1) / r->block_rows;
    int64_t width = r->columns < r->block_columns ? r->columns : r->block_columns;
    tern__parallel(c, blocks * (r->depthwise ? 1 : r->group) * r->column_blocks,
                   r->block_rows * r->taps * r->depth * (r->depthwise ? r->group : width) / 8 +
                       2 * r->block_rows * width,
                   run_item, r);
}

/* ---- x with its padding along the last axis ---- */

typedef struct padding {
    const tern__convolution *v;
    const float *x;
    float *copy;
    int64_t width; /* positions of a copied line */
} padding;

static void pad_line(void *arg, int64_t item, int worker) {
    (void)worker;
    const padding *p = arg;
    const tern__convolution *v = p->v;
    int64_t before = v->pad_begin[2] < p->width ? v->pad_begin[2] : p->width;
    int64_t inside = p->width - before < v->in[2] ? p->width - before : v->in[2];
    int64_t after = p->width - before - inside;
    float *to = p->copy + item * p->width * v->c;
    memset(to, 0, (size_t)(before * v->c) * sizeof *to);
    memcpy(to + before * v->c, p->x + item * v->in[2] * v->c, (size_t)(inside * v->c) * sizeof *to);
    memset(to + (before + inside) * v->c, 0, (size_t)(after * v->c) * sizeof *to);
}

const float *tern__convolution_pad(const tern_context *c, const tern__convolution *v,
                                   const float *x, float **workspace) {
    if (!v->padded) return x;
    padding p = {v, x, *workspace, (v->out[2] - 1) * v->stride[2] + v->kernel[2]};
    int64_t lines = v->n * v->in[0] * v->in[1];
    tern__parallel(c, lines, 2 * p.width * v->c, pad_line, &p);
    *workspace += aligned((size_t)(lines * p.width * v->c));
    return p.copy;
}

const float *tern__convolution_zeros(int64_t depth, float **workspace) {
    float *zeros = *workspace;
    memset(zeros, 0, (size_t)depth * sizeof *zeros);
    *workspace += aligned((size_t)depth);
    return zeros;
}

size_t tern__convolution_tables_size(int64_t rows, int64_t taps) { return tables_size(rows, taps); }

void tern__convolution_forward(const tern_context *c, const tern__convolution *v, const float *x,
                               const float *packed, const tern__epilogue *epilogue, float *y,
                               float *workspace) {
    tern__convolution_run r = {.rows = tern__rows_forward(v),
                               .depthwise = v->depthwise,
                               .group = v->group,
                               .taps = v->taps,
                               .depth = v->depth,
                               .columns = v->k / v->group,
                               .block_rows = v->block_rows,
                               .block_columns = v->block_columns,
                               .w = packed,
                               .y = y};
    if (epilogue) r.epilogue = *epilogue;
    r.zeros = tern__convolution_zeros(v->depthwise ? v->c : v->depth, &workspace);
    r.x = tern__convolution_pad(c, v, x, &workspace);
    r.tables = workspace;
    r.tables_size = tables_size(v->block_rows, v->taps);
    tern__convolution_run_rows(c, &r);
}
