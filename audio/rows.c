/* Steps along time on finished rows: derivatives, normalisation, PCEN. Knows rows and frames only.
 */
#include "features.h"

#include <math.h>

/* log and exp keep (eps + m)^gain exact for the tiny eps that PCEN uses. Source: Wang et al. 2017;
 * Lostanlen et al. 2018; parameters are librosa's. */
void tern__pcen(const tern_features *f, float *x, int64_t frames, double *smooth) {
    const tern_audio_options *o = &f->options;
    const double b = f->pcen_b, r = o->pcen_power, bias = pow(o->pcen_bias, r);
    double m = *smooth;
    for (int64_t t = 0; t < frames; t++) {
        m = (1 - b) * m + b * x[t];
        const double gain = exp(-o->pcen_gain * (log(o->pcen_eps) + log1p(m / o->pcen_eps)));
        /* (x g + bias)^r - bias^r without cancellation */
        x[t] = (float)(o->pcen_bias > 0 ? bias * expm1(r * log1p(x[t] * gain / o->pcen_bias))
                                        : pow(x[t] * gain, r));
    }
    *smooth = m;
}

typedef struct delta_job {
    const float *values;
    float *derivative;
    int64_t frames;
    int width, order;
    tern_delta_kind kind;
} delta_job;

/* sum_k weight(k) x[t + k], |k| <= half, with t + k held inside the row */
static float slope_at(const delta_job *j, const float *x, int64_t t) {
    const int half = j->width / 2;
    const double squares = half * (half + 1.0) * (2 * half + 1) / 3; /* sum k^2 */
    const double mean = squares / j->width;
    double sum = 0, norm = 0;
    for (int k = -half; k <= half; k++) {
        int64_t at = t + k < 0 ? 0 : t + k >= j->frames ? j->frames - 1 : t + k;
        const double weight = j->order == 1 ? k : k * (double)k - mean;
        sum += weight * x[at];
        norm += weight * weight;
    }
    return (float)(j->order == 1 ? sum / norm : 2 * sum / norm);
}

static void delta_row(void *arg, int64_t row, int worker) {
    (void)worker;
    const delta_job *j = arg;
    const float *x = j->values + row * j->frames;
    float *y = j->derivative + row * j->frames;
    const int64_t half = j->width / 2, last = j->frames - 1 - half;
    for (int64_t t = 0; t < j->frames; t++) {
        /* Mode "interp": the polynomial fitted to the first (last) width frames goes on to the end;
         * its highest derivative is constant. */
        const bool interpolate = j->kind == TERN_DELTA_LIBROSA;
        y[t] = slope_at(j, x, interpolate && t < half ? half : interpolate && t > last ? last : t);
    }
}

void tern__delta(const tern_context *c, const float *values, float *derivative, int64_t rows,
                 int64_t frames, int width, int order, tern_delta_kind kind) {
    delta_job j = {values, derivative, frames, width, order, kind};
    tern__parallel(c, rows, width * frames, delta_row, &j);
}

typedef struct normalize_job {
    float *values;
    int64_t frames;
    bool variance;
} normalize_job;

static void normalize_row(void *arg, int64_t row, int worker) {
    (void)worker;
    const normalize_job *j = arg;
    float *x = j->values + row * j->frames;
    double sum = 0, squares = 0;
    for (int64_t t = 0; t < j->frames; t++) sum += x[t];
    const double mean = sum / (double)j->frames;
    for (int64_t t = 0; t < j->frames; t++) squares += (x[t] - mean) * (x[t] - mean);
    const double deviation = sqrt(squares / (double)j->frames);
    /* A constant row becomes 0, not noise blown up. */
    const double scale = !j->variance ? 1 : deviation > 1e-8 * fabs(mean) ? 1 / deviation : 0;
    for (int64_t t = 0; t < j->frames; t++) x[t] = (float)((x[t] - mean) * scale);
}

void tern__normalize_rows(const tern_context *c, float *values, int64_t rows, int64_t frames,
                          bool variance) {
    normalize_job j = {values, frames, variance};
    tern__parallel(c, rows, 4 * frames, normalize_row, &j);
}
