/* First values of weights. A weight's values depend on the graph's seed and its own name only. */
#include "initialize.h"

#include "core/base/arithmetic.h"

#include <math.h>

/* Rows (or columns, where there are fewer) become orthonormal by the modified Gram-Schmidt process
 * in double precision, then are scaled by gain. x is [rows, columns]. */
static tern_status orthogonal(tern_context *c, tern__random *r, float *x, int64_t rows,
                              int64_t columns, double gain) {
    bool by_row = rows <= columns;
    int64_t n = by_row ? rows : columns, length = by_row ? columns : rows;
    double *q = tern__calloc(c, (size_t)(n * length), sizeof *q);
    if (!q) return TERN_ERR_MEMORY;
    for (int64_t i = 0; i < n; i++) {
        double *v = q + i * length, norm = 0;
        for (int64_t k = 0; k < length; k++) v[k] = tern__random_normal(r);
        for (int64_t j = 0; j < i; j++) {
            const double *u = q + j * length;
            double dot = 0;
            for (int64_t k = 0; k < length; k++) dot += u[k] * v[k];
            for (int64_t k = 0; k < length; k++) v[k] -= dot * u[k];
        }
        for (int64_t k = 0; k < length; k++) norm += v[k] * v[k];
        norm = norm > 0 ? 1 / sqrt(norm) : 0;
        for (int64_t k = 0; k < length; k++) v[k] *= norm;
    }
    for (int64_t i = 0; i < n; i++)
        for (int64_t k = 0; k < length; k++)
            x[by_row ? i * columns + k : k * columns + i] = (float)(gain * q[i * length + k]);
    tern__free(c, q);
    return TERN_OK;
}

tern_status tern__initialize(tern_context *c, float *x, const tern__shape *s, const char *name,
                             uint64_t seed, tern_initializer how) {
    int64_t count = tern__shape_count(s), out = s->rank > 0 ? s->dims[0] : 1, window = 1;
    for (int i = 2; i < s->rank; i++) window *= s->dims[i];
    double fan_in = (double)((s->rank > 1 ? s->dims[1] : 1) * window),
           fan_out = (double)(out * window);
    if (how.kind == TERN_INIT_DEFAULT)
        how.kind = s->rank > 1 ? TERN_INIT_KAIMING_NORMAL : TERN_INIT_CONSTANT;
    bool kaiming = how.kind == TERN_INIT_KAIMING_NORMAL || how.kind == TERN_INIT_KAIMING_UNIFORM;
    double gain = how.gain > 0 ? how.gain : kaiming ? sqrt(2) : 1;
    double deviation = gain * (kaiming ? sqrt(1 / fan_in) : sqrt(2 / (fan_in + fan_out)));
    tern__random r = tern__random_make(seed, tern__hash_text(TERN__HASH_START, name));
    switch (how.kind) {
    case TERN_INIT_KAIMING_NORMAL:
    case TERN_INIT_XAVIER_NORMAL:
        for (int64_t i = 0; i < count; i++) x[i] = (float)(deviation * tern__random_normal(&r));
        break;
    case TERN_INIT_KAIMING_UNIFORM:
    case TERN_INIT_XAVIER_UNIFORM:
        for (int64_t i = 0; i < count; i++)
            x[i] = (float)(deviation * sqrt(3) * (2 * tern__random_uniform(&r) - 1));
        break;
    case TERN_INIT_UNIFORM:
        for (int64_t i = 0; i < count; i++)
            x[i] = (float)(how.a + (how.b - how.a) * tern__random_uniform(&r));
        break;
    case TERN_INIT_NORMAL:
        for (int64_t i = 0; i < count; i++) x[i] = (float)(how.a + how.b * tern__random_normal(&r));
        break;
    case TERN_INIT_ORTHOGONAL:
        return out ? orthogonal(c, &r, x, out, count / out, gain) : TERN_OK;
    default:
        for (int64_t i = 0; i < count; i++) x[i] = (float)how.a;
    }
    return TERN_OK;
}
