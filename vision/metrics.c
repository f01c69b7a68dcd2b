/* Scores of masks: a confusion matrix of pixels, a histogram of probabilities, borders. Knows masks
 * only. */
#include "mask.h"

#include <tern/vision_metrics.h>

#include <math.h>
#include <string.h>

enum { BINS = 65536 };
#define BORDER_SHARE 0.0075 /* of the diagonal */

typedef struct counts {
    int classes;
    int64_t *matrix;    /* [truth][predicted] */
    int64_t *bins[2];   /* [BINS] probabilities of class 1 where the truth is 0 and 1 */
    bool probabilities; /* every picture so far had them */
    tern__mask_offset offset;
} counts;

struct tern_mask_metrics {
    tern_context *context;
    counts all, one;
    int64_t n, n_borders, n_iou, n_rand, n_warping;
    double sum_iou, sum_dice, sum_borders, sum_rand, sum_warping;
    bool measures_rand, measures_warping;
};

static void counts_free(counts *k, tern_context *c) {
    tern__free(c, k->matrix);
    tern__free(c, k->bins[0]);
}

static tern_status counts_make(counts *k, tern_context *c, int classes) {
    k->classes = classes;
    k->matrix = tern__calloc(c, (size_t)classes * (size_t)classes, sizeof *k->matrix);
    k->bins[0] = classes == 2 ? tern__calloc(c, 2 * BINS, sizeof **k->bins) : NULL;
    if (!k->matrix || (classes == 2 && !k->bins[0])) return TERN_ERR_MEMORY;
    k->bins[1] = k->bins[0] ? k->bins[0] + BINS : NULL;
    k->probabilities = classes == 2;
    return TERN_OK;
}

static void counts_clear(counts *k) {
    memset(k->matrix, 0, (size_t)k->classes * (size_t)k->classes * sizeof *k->matrix);
    if (k->bins[0]) memset(k->bins[0], 0, 2 * BINS * sizeof **k->bins);
    k->probabilities = k->classes == 2;
    k->offset = (tern__mask_offset){0};
}

static void counts_join(counts *all, const counts *one) {
    for (int i = 0; i < all->classes * all->classes; i++) all->matrix[i] += one->matrix[i];
    for (int i = 0; all->bins[0] && i < 2 * BINS; i++) all->bins[0][i] += one->bins[0][i];
    all->probabilities = all->probabilities && one->probabilities;
    for (int axis = 0; axis < 2; axis++)
        for (int i = 0; i < TERN__OFFSET_PLACES; i++)
            all->offset.differing[axis][i] += one->offset.differing[axis][i];
}

tern_status tern_mask_metrics_create(tern_mask_metrics **metrics, tern_context *c, int classes) {
    *metrics = NULL;
    if (classes < 2 || classes > 255)
        return tern__fail(c, TERN_ERR_ARGUMENT, "scores of %d classes; 2 to 255 are possible",
                          classes);
    tern_mask_metrics *m = tern__calloc(c, 1, sizeof *m);
    if (!m) return TERN_ERR_MEMORY;
    m->context = c;
    tern_status st = counts_make(&m->all, c, classes);
    if (st == TERN_OK) st = counts_make(&m->one, c, classes);
    if (st == TERN_OK)
        *metrics = m;
    else
        tern_mask_metrics_free(m);
    return st;
}

void tern_mask_metrics_free(tern_mask_metrics *m) {
    if (!m) return;
    counts_free(&m->all, m->context);
    counts_free(&m->one, m->context);
    tern__free(m->context, m);
}

/* ---- borders ---- */

/* Does a pixel of another class (that counts) touch this one at a side? Then it is border. */
static bool is_border(const tern_mask *m, const tern_mask *truth, int x, int y) {
    static const int step[4][2] = {{-1, 0}, {1, 0}, {0, -1}, {0, 1}};
    const int64_t at = (int64_t)y * m->width + x;
    if (truth->labels[at] == TERN_MASK_IGNORED) return false;
    for (int i = 0; i < 4; i++) {
        const int u = x + step[i][0], v = y + step[i][1];
        if (u < 0 || v < 0 || u >= m->width || v >= m->height) continue;
        const int64_t other = (int64_t)v * m->width + u;
        if (truth->labels[other] != TERN_MASK_IGNORED && m->labels[other] != m->labels[at])
            return true;
    }
    return false;
}

/* Share of the border pixels of a that have one of b within `reach` pixels; *count: of a. Both
 * [height][width]. */
static double near_share(const uint8_t *a, const uint8_t *b, int width, int height, int reach,
                         int64_t *count) {
    int64_t near = 0;
    *count = 0;
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            if (!a[(int64_t)y * width + x]) continue;
            bool found = false;
            for (int v = -reach; v <= reach && !found; v++) {
                if (y + v < 0 || y + v >= height) continue;
                int side = (int)sqrt((double)(reach * reach - v * v));
                const int from = x - side < 0 ? 0 : x - side,
                          to = x + side >= width ? width - 1 : x + side;
                found =
                    memchr(b + (int64_t)(y + v) * width + from, 1, (size_t)(to - from + 1)) != NULL;
            }
            near += found;
            ++*count;
        }
    return *count ? (double)near / (double)*count : NAN;
}

/* F1 of the borders; NaN where neither mask has any. */
static tern_status border_score(tern_context *c, const tern_mask *m, const tern_mask *truth,
                                double *score) {
    const size_t pixels = (size_t)m->width * (size_t)m->height;
    uint8_t *borders = tern__alloc(c, 2 * pixels);
    if (!borders) return TERN_ERR_MEMORY;
    for (int y = 0; y < m->height; y++)
        for (int x = 0; x < m->width; x++) {
            const size_t at = (size_t)y * (size_t)m->width + (size_t)x;
            borders[at] = is_border(m, truth, x, y);
            borders[pixels + at] = is_border(truth, truth, x, y);
        }
    const int reach = (int)fmax(1, round(BORDER_SHARE * hypot(m->width, m->height)));
    int64_t n, n_truth;
    const double precision = near_share(borders, borders + pixels, m->width, m->height, reach, &n);
    const double recall =
        near_share(borders + pixels, borders, m->width, m->height, reach, &n_truth);
    if (!n && !n_truth)
        *score = NAN;
    else if (!n || !n_truth || precision + recall == 0)
        *score = 0;
    else
        *score = 2 * precision * recall / (precision + recall);
    tern__free(c, borders);
    return TERN_OK;
}

/* ---- scores ---- */

typedef struct ratios {
    double iou, dice, precision, recall;
} ratios;

static double ratio(double a, double b) { return b > 0 ? a / b : NAN; }

static ratios class_ratios(const counts *k, int label, int64_t *occurs) {
    int64_t right = k->matrix[label * k->classes + label], truth = 0, predicted = 0;
    for (int i = 0; i < k->classes; i++) {
        truth += k->matrix[label * k->classes + i];
        predicted += k->matrix[i * k->classes + label];
    }
    *occurs = truth + predicted;
    const double hit = (double)right, either = (double)(truth + predicted - right);
    return (ratios){ratio(hit, either), ratio(2 * hit, (double)(truth + predicted)),
                    ratio(hit, (double)predicted), ratio(hit, (double)truth)};
}

static void add_mean(double *sum, int *n, double value) {
    if (isnan(value)) return;
    *sum += value;
    ++*n;
}

static ratios all_ratios(const counts *k) {
    int64_t occurs;
    if (k->classes == 2) {
        ratios r = class_ratios(k, 1, &occurs);
        if (!occurs) r.iou = r.dice = 1;
        return r;
    }
    ratios sum = {0};
    int n[4] = {0};
    for (int i = 0; i < k->classes; i++) {
        const ratios r = class_ratios(k, i, &occurs);
        add_mean(&sum.iou, &n[0], r.iou);
        add_mean(&sum.dice, &n[1], r.dice);
        add_mean(&sum.precision, &n[2], r.precision);
        add_mean(&sum.recall, &n[3], r.recall);
    }
    return (ratios){ratio(sum.iou, n[0]), ratio(sum.dice, n[1]), ratio(sum.precision, n[2]),
                    ratio(sum.recall, n[3])};
}

/* The probability that a random pixel of class 1 has the higher probability than one of class 0. */
static double area(const counts *k) {
    double below = 0, pairs = 0, positives = 0;
    if (!k->probabilities) return NAN;
    for (int i = 0; i < BINS; i++) {
        pairs += (double)k->bins[1][i] * (below + 0.5 * (double)k->bins[0][i]);
        below += (double)k->bins[0][i];
        positives += (double)k->bins[1][i];
    }
    return ratio(pairs, below * positives);
}

static tern_mask_scores scores_of(const counts *k) {
    const ratios r = all_ratios(k);
    int64_t pixels = 0, right = 0;
    for (int i = 0; i < k->classes * k->classes; i++) pixels += k->matrix[i];
    for (int i = 0; i < k->classes; i++) right += k->matrix[i * k->classes + i];
    return (tern_mask_scores){.n = 1,
                              .pixels = pixels,
                              .iou = r.iou,
                              .dice = r.dice,
                              .accuracy = ratio((double)right, (double)pixels),
                              .precision = r.precision,
                              .recall = r.recall,
                              .auc = area(k),
                              .mean_iou = r.iou,
                              .mean_dice = r.dice,
                              .offset_x = tern__mask_offset_along(&k->offset, 0),
                              .offset_y = tern__mask_offset_along(&k->offset, 1),
                              .rand = NAN,
                              .warping = NAN};
}

/* ---- counting ---- */

void tern_mask_metrics_measure(tern_mask_metrics *m, bool rand, bool warping) {
    m->measures_rand = rand;
    m->measures_warping = warping;
}

static tern_status count_pixels(counts *k, tern_context *c, const tern_mask *mask,
                                const tern_mask *truth) {
    const size_t pixels = (size_t)mask->width * (size_t)mask->height;
    const float *p = k->classes == 2 && mask->planes == 1 ? mask->probability : NULL;
    counts_clear(k);
    k->probabilities = p != NULL;
    for (size_t i = 0; i < pixels; i++) {
        const int is = truth->labels[i], said = mask->labels[i];
        if (is == TERN_MASK_IGNORED) continue;
        if (is >= k->classes || said >= k->classes)
            return tern__fail(c, TERN_ERR_ARGUMENT,
                              "pixel (%d, %d) is of class %d in the mask and %d in the truth; "
                              "scores are of classes 0 to %d",
                              (int)(i % (size_t)mask->width), (int)(i / (size_t)mask->width), said,
                              is, k->classes - 1);
        k->matrix[is * k->classes + said]++;
        if (p) k->bins[is][(int)lrintf(fminf(fmaxf(p[i], 0), 1) * (BINS - 1))]++;
    }
    tern__mask_offset_count(&k->offset, mask, truth);
    return TERN_OK;
}

tern_status tern_mask_metrics_add(tern_mask_metrics *m, const tern_mask *mask,
                                  const tern_mask *truth, tern_mask_scores *scores) {
    double border, rand = NAN, warping = NAN;
    if (mask->width != truth->width || mask->height != truth->height)
        return tern__fail(m->context, TERN_ERR_SHAPE, "the mask is %dx%d and the true one %dx%d",
                          mask->width, mask->height, truth->width, truth->height);
    tern_status st = count_pixels(&m->one, m->context, mask, truth);
    if (st == TERN_OK) st = border_score(m->context, mask, truth, &border);
    if (st == TERN_OK && m->measures_rand) st = tern_mask_rand_error(&rand, mask, truth);
    if (st == TERN_OK && m->measures_warping) st = tern_mask_warping_error(&warping, mask, truth);
    if (st != TERN_OK) return st;
    tern_mask_scores one = scores_of(&m->one);
    one.boundary = border;
    one.rand = rand;
    one.warping = warping;
    counts_join(&m->all, &m->one);
    m->n++;
    if (!isnan(one.iou)) m->sum_iou += one.iou, m->sum_dice += one.dice, m->n_iou++;
    if (!isnan(border)) m->sum_borders += border, m->n_borders++;
    if (!isnan(rand)) m->sum_rand += rand, m->n_rand++;
    if (!isnan(warping)) m->sum_warping += warping, m->n_warping++;
    if (scores) *scores = one;
    return TERN_OK;
}

tern_mask_scores tern_mask_metrics_scores(const tern_mask_metrics *m) {
    tern_mask_scores s = scores_of(&m->all);
    s.n = m->n;
    if (!m->n) s.iou = s.dice = NAN;
    s.boundary = ratio(m->sum_borders, (double)m->n_borders);
    s.mean_iou = ratio(m->sum_iou, (double)m->n_iou);
    s.mean_dice = ratio(m->sum_dice, (double)m->n_iou);
    s.rand = ratio(m->sum_rand, (double)m->n_rand);
    s.warping = ratio(m->sum_warping, (double)m->n_warping);
    return s;
}

tern_mask_scores tern_mask_metrics_scores_at(const tern_mask_metrics *m, double threshold) {
    tern_mask_scores s = {.n = m->n,
                          .iou = NAN,
                          .dice = NAN,
                          .accuracy = NAN,
                          .precision = NAN,
                          .recall = NAN,
                          .auc = NAN,
                          .boundary = NAN,
                          .mean_iou = NAN,
                          .mean_dice = NAN,
                          .offset_x = NAN,
                          .offset_y = NAN,
                          .rand = NAN,
                          .warping = NAN};
    int64_t matrix[4] = {0};
    counts k = m->all;
    if (!k.probabilities) return s;
    k.matrix = matrix;
    for (int truth = 0; truth < 2; truth++)
        for (int i = 0; i < BINS; i++)
            matrix[2 * truth + ((double)i / (BINS - 1) >= threshold)] += k.bins[truth][i];
    s = scores_of(&k);
    s.n = m->n;
    s.boundary = s.mean_iou = s.mean_dice = s.offset_x = s.offset_y = NAN;
    return s;
}

void tern_mask_metrics_class(const tern_mask_metrics *m, int label, double *iou, double *dice) {
    int64_t occurs;
    const bool known = label >= 0 && label < m->all.classes;
    const ratios r = known ? class_ratios(&m->all, label, &occurs) : (ratios){NAN, NAN, NAN, NAN};
    *iou = r.iou;
    *dice = r.dice;
}

double tern_mask_metrics_best_threshold(const tern_mask_metrics *m, double *dice) {
    const counts *k = &m->all;
    double truth = 0, hits = 0, wrong = 0, best = NAN, threshold = 0.5;
    for (int i = 0; k->probabilities && i < BINS; i++) truth += (double)k->bins[1][i];
    for (int i = BINS - 1; k->probabilities && i > 0; i--) { /* predicted: bins i and above */
        hits += (double)k->bins[1][i];
        wrong += (double)k->bins[0][i];
        const double score = ratio(2 * hits, hits + wrong + truth);
        if (score > best || (isnan(best) && !isnan(score)))
            best = score, threshold = (i - 0.5) / (BINS - 1);
    }
    if (dice) *dice = best;
    return isnan(best) ? 0.5 : threshold;
}
