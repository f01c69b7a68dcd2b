/* Scores of masks against counts made by hand and by a definition written separately. */
#include "check.h"

#include "core/base/base.h"
#include <tern/vision_metrics.h>

static tern_context *make_context(void) {
    tern_context *c;
    check_ok(c, tern_context_create(&c, NULL));
    return c;
}

/* A mask of labels written as digits, '.' being ignored. */
static tern_mask mask_of(tern_context *c, int width, int height, int classes, const char *text) {
    tern_mask m;
    check_ok(c, tern_mask_create(&m, c, width, height, classes, 0));
    for (int i = 0; i < width * height; i++)
        m.labels[i] = text[i] == '.' ? TERN_MASK_IGNORED : (uint8_t)(text[i] - '0');
    return m;
}

static void by_hand(void **state) {
    (void)state;
    tern_context *c = make_context();
    tern_mask_metrics *m;
    tern_mask_scores s;
    /* counted: TP 2, FP 1, FN 3, TN 1; the last pixel is wrong but does not count */
    tern_mask truth = mask_of(c, 4, 2, 2, "1111100."), mask = mask_of(c, 4, 2, 2, "11000101");
    check_ok(c, tern_mask_metrics_create(&m, c, 2));
    check_ok(c, tern_mask_metrics_add(m, &mask, &truth, &s));
    assert_int_equal(s.pixels, 7);
    check_close(s.iou, 2.0 / 6, 1e-12, 0);
    check_close(s.dice, 4.0 / 8, 1e-12, 0);
    check_close(s.accuracy, 3.0 / 7, 1e-12, 0);
    check_close(s.precision, 2.0 / 3, 1e-12, 0);
    check_close(s.recall, 2.0 / 5, 1e-12, 0);
    assert_true(isnan(s.auc));
    /* a second picture: all right; over all TP 4, FP 1, FN 3 */
    tern_mask half = mask_of(c, 2, 2, 2, "1100");
    check_ok(c, tern_mask_metrics_add(m, &half, &half, &s));
    check_close(s.iou, 1, 0, 0);
    check_close(s.boundary, 1, 0, 0);
    s = tern_mask_metrics_scores(m);
    assert_int_equal(s.n, 2);
    assert_int_equal(s.pixels, 11);
    check_close(s.iou, 4.0 / 8, 1e-12, 0);
    check_close(s.dice, 8.0 / 12, 1e-12, 0);
    check_close(s.mean_iou, (2.0 / 6 + 1) / 2, 1e-12, 0);
    check_close(s.mean_dice, (0.5 + 1) / 2, 1e-12, 0);
    tern_mask_metrics_free(m);
    tern_mask_free(&truth);
    tern_mask_free(&mask);
    tern_mask_free(&half);
    tern_context_free(c);
}

static void several_classes(void **state) {
    (void)state;
    tern_context *c = make_context();
    tern_mask_metrics *m;
    double iou, dice;
    tern_mask truth = mask_of(c, 6, 1, 4, "001122"), mask = mask_of(c, 6, 1, 4, "011122");
    check_ok(c, tern_mask_metrics_create(&m, c, 4));
    check_ok(c, tern_mask_metrics_add(m, &mask, &truth, NULL));
    const tern_mask_scores s = tern_mask_metrics_scores(m);
    /* class 0: IoU 1/2, 1: 2/3, 2: 1; class 3 does not occur */
    check_close(s.iou, (0.5 + 2.0 / 3 + 1) / 3, 1e-12, 0);
    check_close(s.dice, (2.0 / 3 + 4.0 / 5 + 1) / 3, 1e-12, 0);
    check_close(s.precision, (1 + 2.0 / 3 + 1) / 3, 1e-12, 0);
    check_close(s.recall, (0.5 + 1 + 1) / 3, 1e-12, 0);
    check_close(s.accuracy, 5.0 / 6, 1e-12, 0);
    tern_mask_metrics_class(m, 1, &iou, &dice);
    check_close(iou, 2.0 / 3, 1e-12, 0);
    check_close(dice, 4.0 / 5, 1e-12, 0);
    tern_mask_metrics_class(m, 3, &iou, &dice);
    assert_true(isnan(iou) && isnan(dice));
    tern_mask_metrics_free(m);
    tern_mask_free(&truth);
    tern_mask_free(&mask);
    tern_context_free(c);
}

/* The area under the ROC curve by its definition over all pairs, and the best threshold by trying
 * all. */
static void curves(void **state) {
    (void)state;
    enum { SIDE = 30, N = SIDE * SIDE };
    tern_context *c = make_context();
    tern__random r = tern__random_make(9, 9);
    tern_mask_metrics *m;
    tern_mask mask, truth = mask_of(c, SIDE, SIDE, 2, (char[N]){0});
    check_ok(c, tern_mask_create(&mask, c, SIDE, SIDE, 2, 1));
    for (int i = 0; i < N; i++) {
        const int is = tern__random_uniform(&r) < 0.3;
        truth.labels[i] = i % 17 ? (uint8_t)is : TERN_MASK_IGNORED;
        /* steps of 1/255, so that there are ties and bins hold them exactly */
        mask.probability[i] =
            (float)(round(fmin(fmax(0.4 + 0.2 * is + 0.2 * tern__random_normal(&r), 0), 1) * 255) /
                    255);
    }
    check_ok(c, tern_mask_threshold(&mask, 0.5));
    check_ok(c, tern_mask_metrics_create(&m, c, 2));
    check_ok(c, tern_mask_metrics_add(m, &mask, &truth, NULL));
    double wins = 0, pairs = 0, best = 0;
    for (int i = 0; i < N; i++)
        for (int k = 0; k < N; k++) {
            if (truth.labels[i] != 1 || truth.labels[k] != 0) continue;
            pairs++;
            wins += mask.probability[i] > mask.probability[k]    ? 1
                    : mask.probability[i] == mask.probability[k] ? 0.5
                                                                 : 0;
        }
    check_close(tern_mask_metrics_scores(m).auc, wins / pairs, 1e-12, 0);
    for (int step = 0; step <= 255; step++) {
        double hits = 0, all = 0;
        for (int i = 0; i < N; i++) {
            const bool said = mask.probability[i] >= (float)(step - 0.5) / 255,
                       is = truth.labels[i] == 1;
            if (truth.labels[i] == TERN_MASK_IGNORED) continue;
            hits += said && is;
            all += said + is;
        }
        best = fmax(best, 2 * hits / all);
    }
    double dice;
    const double threshold = tern_mask_metrics_best_threshold(m, &dice);
    check_close(dice, best, 1e-12, 0);
    const tern_mask_scores at = tern_mask_metrics_scores_at(m, threshold);
    check_close(at.dice, best, 1e-12, 0);
    assert_int_equal(at.pixels, tern_mask_metrics_scores(m).pixels);
    check_ok(c, tern_mask_threshold(&mask, threshold));
    tern_mask_scores again;
    check_ok(c, tern_mask_metrics_add(m, &mask, &truth, &again));
    check_close(again.dice, best, 1e-12, 0);
    check_close(again.accuracy, at.accuracy, 1e-12, 0);
    check_close(again.precision, at.precision, 1e-12, 0);
    tern_mask_metrics_free(m);
    tern_mask_free(&mask);
    tern_mask_free(&truth);
    tern_context_free(c);
}

/* Two squares in 200x100, the diagonal's 0.75 % being 1.7, so 2 pixels: moved by 2 the borders
 * still match, by 3 only in part. */
static void borders(void **state) {
    (void)state;
    tern_context *c = make_context();
    static const struct {
        int move;
        double low, high;
    } rows[] = {{0, 1, 1}, {2, 1, 1}, {3, 0.3, 0.9}, {60, 0, 0}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        tern_mask a, b;
        tern_mask_metrics *m;
        tern_mask_scores s;
        check_ok(c, tern_mask_create(&a, c, 200, 100, 2, 0));
        check_ok(c, tern_mask_create(&b, c, 200, 100, 2, 0));
        for (int y = 20; y < 60; y++)
            for (int x = 20; x < 60; x++)
                a.labels[y * 200 + x] = b.labels[y * 200 + x + rows[i].move] = 1;
        check_ok(c, tern_mask_metrics_create(&m, c, 2));
        check_ok(c, tern_mask_metrics_add(m, &b, &a, &s));
        assert_true(s.boundary >= rows[i].low && s.boundary <= rows[i].high);
        tern_mask_metrics_free(m);
        tern_mask_free(&a);
        tern_mask_free(&b);
    }
    tern_context_free(c);
}

static void nothing_and_mistakes(void **state) {
    (void)state;
    tern_context *c = make_context();
    tern_mask_metrics *m = NULL;
    tern_mask_scores s;
    check_error(c, TERN_ERR_ARGUMENT, "scores of 1 classes", tern_mask_metrics_create(&m, c, 1));
    assert_null(m);
    check_ok(c, tern_mask_metrics_create(&m, c, 2));
    s = tern_mask_metrics_scores(m);
    assert_true(isnan(s.iou) && isnan(s.accuracy) && s.n == 0);
    tern_mask empty = mask_of(c, 3, 1, 2, "000"), other = mask_of(c, 2, 1, 2, "00"),
              third = mask_of(c, 3, 1, 3, "020");
    check_error(c, TERN_ERR_SHAPE, "the mask is 2x1 and the true one 3x1",
                tern_mask_metrics_add(m, &other, &empty, NULL));
    check_error(c, TERN_ERR_ARGUMENT, "pixel (1, 0) is of class 0 in the mask and 2 in the truth",
                tern_mask_metrics_add(m, &empty, &third, NULL));
    check_ok(c, tern_mask_metrics_add(m, &empty, &empty, &s));
    check_close(s.iou, 1, 0, 0);
    assert_true(isnan(s.precision) && isnan(s.boundary));
    check_close(tern_mask_metrics_scores(m).accuracy, 1, 0, 0);
    tern_mask_metrics_free(m);
    tern_mask_free(&empty);
    tern_mask_free(&other);
    tern_mask_free(&third);
    tern_context_free(c);
}

/* Objects by filling from each pixel on. */
static void fill(const tern_mask *m, int *object, int x, int y, int number) {
    const int at = y * m->width + x;
    if (object[at] >= 0) return;
    object[at] = number;
    static const int step[4][2] = {{-1, 0}, {1, 0}, {0, -1}, {0, 1}};
    for (int i = 0; i < 4; i++) {
        const int u = x + step[i][0], v = y + step[i][1];
        if (u >= 0 && v >= 0 && u < m->width && v < m->height &&
            m->labels[v * m->width + u] == m->labels[at])
            fill(m, object, u, v, number);
    }
}

/* The Rand error by its meaning, over all pairs of pixels: of those inside objects of the truth,
 * which are together in both, in the mask, in the truth. */
static double rand_of_pairs(const tern_mask *mask, const tern_mask *truth) {
    enum { MOST = 200 };
    int said[MOST], is[MOST], n = truth->width * truth->height;
    double both = 0, in_mask = 0, in_truth = 0;
    assert_true(n <= MOST);
    for (int i = 0; i < n; i++) said[i] = is[i] = -1;
    for (int i = 0; i < n; i++) {
        const int x = i % truth->width, y = i / truth->width;
        if (mask->labels[i] && mask->labels[i] != TERN_MASK_IGNORED) fill(mask, said, x, y, i);
        if (truth->labels[i] && truth->labels[i] != TERN_MASK_IGNORED) fill(truth, is, x, y, i);
    }
    for (int a = 0; a < n; a++)
        for (int b = 0; b < n; b++) {
            if (is[a] < 0 || is[b] < 0) continue;
            const bool together = a == b || (said[a] >= 0 && said[a] == said[b]);
            both += together && is[a] == is[b];
            in_mask += together;
            in_truth += is[a] == is[b];
        }
    return 1 - both / (0.5 * in_mask + 0.5 * in_truth);
}

static void rand_error(void **state) {
    (void)state;
    tern_context *c = make_context();
    double error;
    /* two cells of 4 that the mask joins: 32 pairs of 64 are together in truth */
    tern_mask truth = mask_of(c, 5, 2, 2, "1101111011"), joined = mask_of(c, 5, 2, 2, "1111111011"),
              nothing = mask_of(c, 5, 2, 2, "0000000000"), corner = mask_of(c, 3, 2, 2, "110001"),
              whole = mask_of(c, 3, 2, 2, "111111");
    check_ok(c, tern_mask_rand_error(&error, &truth, &truth));
    check_close(error, 0, 0, 0);
    check_ok(c, tern_mask_rand_error(&error, &joined, &truth));
    check_close(error, 1 - 2 * 32.0 / (64 + 32), 1e-12, 0);
    check_ok(c, tern_mask_rand_error(&error, &nothing, &truth)); /* 8 objects of one pixel */
    check_close(error, 1 - 2 * 8.0 / (8 + 32), 1e-12, 0);
    check_ok(c, tern_mask_rand_error(&error, &truth, &nothing));
    assert_true(isnan(error));
    /* two cells that touch at a corner are two: 2 and 1 pixels; one cell of 4 holds both */
    check_ok(c, tern_mask_rand_error(&error, &whole, &corner));
    check_close(error, 1 - 2 * 5.0 / (9 + 5), 1e-12, 0);
    check_error(c, TERN_ERR_SHAPE, "the mask is 3x2 and the true one 5x2",
                tern_mask_rand_error(&error, &corner, &truth));
    tern__random r = tern__random_make(5, 0);
    double sum = 0;
    tern_mask_metrics *m;
    tern_mask_scores s;
    check_ok(c, tern_mask_metrics_create(&m, c, 3));
    tern_mask_metrics_measure(m, true, false);
    for (int round = 0; round < 60; round++) {
        tern_mask pair[2];
        for (int k = 0; k < 2; k++) {
            check_ok(c, tern_mask_create(&pair[k], c, 14, 11, 3, 0));
            for (int i = 0; i < 14 * 11; i++) {
                const double u = tern__random_uniform(&r);
                pair[k].labels[i] = u < 0.35 ? 0 : u < 0.9 ? 1 : 2;
                if (k && u > 0.97) pair[k].labels[i] = TERN_MASK_IGNORED;
            }
        }
        check_ok(c, tern_mask_metrics_add(m, &pair[0], &pair[1], &s));
        const double expected = rand_of_pairs(&pair[0], &pair[1]);
        check_close(s.rand, expected, 1e-12, 0);
        sum += expected;
        for (int k = 0; k < 2; k++) tern_mask_free(&pair[k]);
    }
    check_close(tern_mask_metrics_scores(m).rand, sum / 60, 1e-12, 0);
    tern_mask_metrics_free(m);
    tern_mask_free(&truth);
    tern_mask_free(&joined);
    tern_mask_free(&nothing);
    tern_mask_free(&corner);
    tern_mask_free(&whole);
    tern_context_free(c);
}

/* How many pieces the wanted pixels around the middle of a 3x3 picture make, of those that hold one
 * at a side (objects) or at a corner too. */
static int pieces(const int p[9], int wanted, bool corners) {
    static const int around[8] = {0, 1, 2, 5, 8, 7, 6, 3};
    int number[9], touching = 0;
    for (int i = 0; i < 9; i++) number[i] = i;
    for (int round = 0; round < 8; round++)
        for (int a = 0; a < 8; a++)
            for (int b = 0; b < 8; b++) {
                const int i = around[a], k = around[b], dx = abs(i % 3 - k % 3),
                          dy = abs(i / 3 - k / 3);
                if (p[i] != wanted || p[k] != wanted || (corners ? dx > 1 || dy > 1 : dx + dy > 1))
                    continue;
                if (number[k] < number[i]) number[i] = number[k];
            }
    for (int a = 0; a < 8; a++) {
        bool seen = p[around[a]] != wanted;
        for (int b = 0; b < a; b++)
            seen |= p[around[b]] == wanted && number[around[b]] == number[around[a]] &&
                    (corners || around[b] % 2);
        touching += !seen && (corners || around[a] % 2);
    }
    return touching;
}

/* The warping error by its meaning: a pixel may change if around it objects stay one piece and so
 * does class 0. Looks at pixels in the same order. */
static double warping_by_pieces(const tern_mask *mask, const tern_mask *truth) {
    enum { MOST = 4000 };
    static const int turn[8][2] = {{1, 0},  {1, -1}, {0, -1}, {-1, -1},
                                   {-1, 0}, {-1, 1}, {0, 1},  {1, 1}};
    const int width = truth->width, height = truth->height;
    int queue[MOST], end = 0, wrong = 0, counted = 0;
    bool is[200], said[200], waits[200] = {false};
    for (int i = 0; i < width * height; i++) {
        const bool counts = truth->labels[i] != TERN_MASK_IGNORED;
        said[i] = mask->labels[i] != 0;
        is[i] = counts ? truth->labels[i] != 0 : said[i];
        counted += counts;
        if (is[i] != said[i]) queue[end++] = i, waits[i] = true;
    }
    for (int first = 0; first < end; first++) {
        const int i = queue[first], x = i % width, y = i / width;
        int p[9];
        waits[i] = false;
        for (int k = 0; k < 9; k++) {
            const int u = x + k % 3 - 1, v = y + k / 3 - 1;
            p[k] = u >= 0 && v >= 0 && u < width && v < height && is[v * width + u];
        }
        if (pieces(p, 1, false) != 1 || pieces(p, 0, true) != 1) continue;
        is[i] = !is[i];
        for (int k = 0; k < 8; k++) {
            const int u = x + turn[k][0], v = y + turn[k][1], at = v * width + u;
            if (u < 0 || v < 0 || u >= width || v >= height || is[at] == said[at] || waits[at])
                continue;
            assert_true(end < MOST);
            queue[end++] = at;
            waits[at] = true;
        }
    }
    for (int i = 0; i < width * height; i++) wrong += is[i] != said[i];
    return (double)wrong / counted;
}

static void warping_error(void **state) {
    (void)state;
    tern_context *c = make_context();
    const struct {
        const char *mask, *truth;
        double wrong; /* of the pixels */
    } cases[] = {
        {"0000000110001100000000000", "0000001110011100111000000", 0}, /* an object grows */
        {"1101111011110111101111011", "1101111011110111101111011", 0},
        {"1101111011111111101111011", "1101111011110111101111011",
         1}, /* a gap of one pixel joins two */
        {"1111111111111111111111111", "1101111011110111101111011", 5}, /* no membrane at all */
        {"0000000000001000000000000", "0000000000000000000000000", 1}, /* born */
        {"1111111011111111111111111", "1111111111111111111111111", 1}, /* a hole */
        {"0110111011110111101111011", "1101111011110111101111011", 0}, /* a border bends */
        {"0000000000001000000000000", "00000000.0001100000000000", 0},
        {"0000000010000000000000000", "00000000.0000000000000000", 0}, /* does not count */
    };
    double error;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tern_mask mask = mask_of(c, 5, 5, 2, cases[i].mask),
                  truth = mask_of(c, 5, 5, 2, cases[i].truth);
        const double counted = strchr(cases[i].truth, '.') ? 24 : 25;
        check_ok(c, tern_mask_warping_error(&error, &mask, &truth));
        check_close(error, cases[i].wrong / counted, 1e-12, 0);
        tern_mask_free(&truth);
        tern_mask_free(&mask);
    }
    tern__random r = tern__random_make(6, 0);
    double sum = 0;
    tern_mask_metrics *m;
    tern_mask_scores s;
    check_ok(c, tern_mask_metrics_create(&m, c, 3));
    tern_mask_metrics_measure(m, false, true);
    for (int round = 0; round < 60; round++) {
        tern_mask pair[2];
        for (int k = 0; k < 2; k++) {
            check_ok(c, tern_mask_create(&pair[k], c, 14, 11, 3, 0));
            for (int i = 0; i < 14 * 11; i++) { /* wavy stripes with noise */
                const double u = tern__random_uniform(&r);
                pair[k].labels[i] = (i % 14 + (i / 14 + k * round) / 4) % 5 > 1 ? 1 + (u > 0.9) : 0;
                if (u < 0.1) pair[k].labels[i] = !pair[k].labels[i];
                if (k && u > 0.97) pair[k].labels[i] = TERN_MASK_IGNORED;
            }
        }
        check_ok(c, tern_mask_metrics_add(m, &pair[0], &pair[1], &s));
        const double expected = warping_by_pieces(&pair[0], &pair[1]);
        check_close(s.warping, expected, 1e-12, 0);
        assert_true(isnan(s.rand));
        sum += expected;
        for (int k = 0; k < 2; k++) tern_mask_free(&pair[k]);
    }
    check_close(tern_mask_metrics_scores(m).warping, sum / 60, 1e-12, 0);
    tern_mask_metrics_free(m);
    tern_mask small = mask_of(c, 3, 2, 2, "110001"), large = mask_of(c, 5, 2, 2, "1101111011");
    check_error(c, TERN_ERR_SHAPE, "the mask is 3x2 and the true one 5x2",
                tern_mask_warping_error(&error, &small, &large));
    tern_mask_free(&small);
    tern_mask_free(&large);
    tern_context_free(c);
}

/* A rectangle, drawn (x, y) further than it is. */
static tern_mask block_at(tern_context *c, int x, int y) {
    enum { WIDTH = 30, HEIGHT = 24 };
    tern_mask m;
    check_ok(c, tern_mask_create(&m, c, WIDTH, HEIGHT, 2, 0));
    for (int row = 8; row < 16; row++)
        for (int column = 9; column < 21; column++) m.labels[(row + y) * WIDTH + column + x] = 1;
    return m;
}

static void offset(void **state) {
    (void)state;
    tern_context *c = make_context();
    static const int moved[][2] = {{0, 0}, {1, 0}, {1, -2}, {-2, 1}, {2, 2}, {3, 0}};
    tern_mask still = block_at(c, 0, 0);
    tern_mask_metrics *m;
    tern_mask_scores s;
    for (size_t i = 0; i < sizeof moved / sizeof *moved; i++) {
        tern_mask truth = block_at(c, moved[i][0], moved[i][1]);
        check_ok(c, tern_mask_metrics_create(&m, c, 2));
        check_ok(c, tern_mask_metrics_add(m, &still, &truth, &s));
        if (abs(moved[i][0]) < 3)
            check_close(s.offset_x, moved[i][0], 1e-12, 0);
        else
            assert_true(isnan(s.offset_x));
        check_close(s.offset_y, moved[i][1], 1e-12, 0);
        /* with one that lies where it is, half of that */
        if (moved[i][0] == 1 && !moved[i][1]) {
            check_ok(c, tern_mask_metrics_add(m, &still, &still, &s));
            check_close(s.offset_x, 0, 1e-12, 0);
            s = tern_mask_metrics_scores(m);
            check_close(s.offset_x, 0.5, 1e-12, 0);
            assert_true(isnan(tern_mask_metrics_scores_at(m, 0.5).offset_x));
        }
        tern_mask_metrics_free(m);
        tern_mask_free(&truth);
    }
    memset(still.labels, 0, 30 * 24); /* nothing stands out */
    check_ok(c, tern_mask_metrics_create(&m, c, 2));
    check_ok(c, tern_mask_metrics_add(m, &still, &still, &s));
    assert_true(isnan(s.offset_x) && isnan(s.offset_y));
    tern_mask_metrics_free(m);
    tern_mask_free(&still);
    tern_context_free(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_hand),
        cmocka_unit_test(several_classes),
        cmocka_unit_test(curves),
        cmocka_unit_test(borders),
        cmocka_unit_test(nothing_and_mistakes),
        cmocka_unit_test(rand_error),
        cmocka_unit_test(warping_error),
        cmocka_unit_test(offset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
