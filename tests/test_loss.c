/* Losses as options of training: which operator each kind becomes, weights of places, what is
 * refused, and that a network learns from each. What the operators compute is tested in
 * test_ops_loss.c and test_ops_region.c. */
#include "training.h"

enum { N = 3, HEIGHT = 4, WIDTH = 5, PLACES = HEIGHT * WIDTH };

typedef struct picture_task {
    float x[N * 3 * PLACES], both[N * 2 * PLACES], bits[N * PLACES];
    int64_t numbers[N * PLACES];
    tern_model *model; /* gives back its input */
    tern_dataset *plain, *weighted;
} picture_task;

/* Logits of `classes` channels as pictures. Plain targets: class numbers or, for one channel, 0 and
 * 1; weighted: the same in two channels with these weights. ignored: class numbers of weight 0
 * are -100. */
static void make_pictures(picture_task *t, tern_context *c, int classes, bool ones) {
    tern__random r = tern__random_make(5, (uint64_t)classes);
    for (int i = 0; i < N * classes * PLACES; i++) t->x[i] = (float)tern__random_normal(&r);
    for (int i = 0; i < N * PLACES; i++) {
        int64_t class_ = tern__random_below(&r, classes > 1 ? classes : 2);
        float weight = ones || tern__random_below(&r, 3) ? 1 : 0;
        int at = i / PLACES * 2 * PLACES + i % PLACES;
        t->both[at] = t->bits[i] = (float)class_;
        t->both[at + PLACES] = weight;
        t->numbers[i] = weight > 0 ? class_ : -100;
    }
    tern_graph *g;
    check_ok(c, tern_graph_create(&g, c));
    tern_output(g, "y", tern_input(g, "x", 4, (int64_t[]){-1, classes, HEIGHT, WIDTH}));
    check_ok(c, tern_model_create(&t->model, g));
    tern_graph_free(g);
    tern_tensor input = {TERN_FLOAT, 4, {N, classes, HEIGHT, WIDTH}, t->x};
    tern_tensor as_numbers = {TERN_INT64, 3, {N, HEIGHT, WIDTH}, t->numbers};
    tern_tensor as_bits = {TERN_FLOAT, 4, {N, 1, HEIGHT, WIDTH}, t->bits};
    tern_tensor as_both = {TERN_FLOAT, 4, {N, 2, HEIGHT, WIDTH}, t->both};
    check_ok(c, tern_dataset_arrays(&t->plain, c, &input, 1, classes > 1 ? &as_numbers : &as_bits));
    check_ok(c, tern_dataset_arrays(&t->weighted, c, &input, 1, &as_both));
}

static void free_pictures(picture_task *t) {
    tern_dataset_free(t->plain);
    tern_dataset_free(t->weighted);
    tern_model_free(t->model);
}

typedef struct result {
    double loss, accuracy;
} result;

static result evaluate(tern_context *c, const picture_task *t, tern_loss_options o) {
    result r;
    check_ok(c, tern_evaluate(t->model, o.weighted ? t->weighted : t->plain, N, &o, &r.loss,
                              &r.accuracy, NULL));
    return r;
}

static const tern_loss_kind of_places[] = {TERN_LOSS_SOFTMAX_CROSS_ENTROPY,
                                           TERN_LOSS_BINARY_CROSS_ENTROPY,
                                           TERN_LOSS_DICE,
                                           TERN_LOSS_CROSS_ENTROPY_DICE,
                                           TERN_LOSS_TVERSKY,
                                           TERN_LOSS_FOCAL,
                                           TERN_LOSS_LOVASZ};
enum { OF_PLACES = sizeof of_places / sizeof *of_places };

/* Ones as weights change nothing, and zeros are the same as numbers that are ignored. */
static void weights_of_places(void **state) {
    (void)state;
    tern_context *c = make_context(2);
    for (int classes = 1; classes <= 3; classes += 2) {
        picture_task ones, some;
        make_pictures(&ones, c, classes, true);
        make_pictures(&some, c, classes, false);
        for (int i = 0; i < OF_PLACES; i++) {
            tern_loss_options o = {.kind = of_places[i]}, w = o;
            w.weighted = true;
            if (classes == 1 && o.kind == TERN_LOSS_SOFTMAX_CROSS_ENTROPY) continue;
            if (classes > 1 && o.kind == TERN_LOSS_BINARY_CROSS_ENTROPY) continue;
            result a = evaluate(c, &ones, o), b = evaluate(c, &ones, w);
            assert_true(a.loss > 0.05);
            check_close(a.loss, b.loss, 0, 1e-6);
            check_close(a.accuracy, b.accuracy, 0, 0);
            a = evaluate(c, &some, w);
            assert_true(fabs(a.loss - b.loss) > 1e-3);
            if (classes == 1) continue;
            b = evaluate(c, &some, o); /* ignored */
            check_close(a.loss, b.loss, 0, 1e-6);
            check_close(a.accuracy, b.accuracy, 0, 0);
        }
        free_pictures(&ones);
        free_pictures(&some);
    }
    tern_context_free(c);
}

static void sums_of_losses(void **state) {
    (void)state;
    tern_context *c = make_context(1);
    for (int classes = 1; classes <= 3; classes += 2)
        for (int weighted = 0; weighted < 2; weighted++) {
            picture_task t;
            make_pictures(&t, c, classes, false);
            tern_loss_options o = {.weighted = weighted, .smooth = 0.5};
            o.kind = classes > 1 ? TERN_LOSS_SOFTMAX_CROSS_ENTROPY : TERN_LOSS_BINARY_CROSS_ENTROPY;
            double entropy = evaluate(c, &t, o).loss;
            o.kind = TERN_LOSS_DICE;
            double dice = evaluate(c, &t, o).loss;
            o.kind = TERN_LOSS_CROSS_ENTROPY_DICE;
            check_close(evaluate(c, &t, o).loss, entropy + dice, 0, 1e-6);
            o.kind = TERN_LOSS_TVERSKY; /* Dice is Tversky with half the smoothing */
            o.smooth = 0.25;
            check_close(evaluate(c, &t, o).loss, dice, 0, 1e-6);
            o.gamma = 2;
            o.alpha = 0.3;
            o.beta = 0.7;
            assert_true(fabs(evaluate(c, &t, o).loss - dice) > 1e-3);
            o = (tern_loss_options){
                .kind = TERN_LOSS_FOCAL, .gamma = -1, .alpha = -1, .weighted = weighted};
            check_close(evaluate(c, &t, o).loss, entropy, 0, 1e-6);
            free_pictures(&t);
        }
    tern_context_free(c);
}

static void refused(void **state) {
    (void)state;
    tern_context *c = make_context(1);
    picture_task t;
    make_pictures(&t, c, 3, false);
    static const float weights[3] = {1, 1, 1};
    const struct {
        tern_loss_options options;
        const char *text;
    } wrong[] = {
        {{.kind = (tern_loss_kind)99}, "there is no kind 99"},
        {{.kind = TERN_LOSS_LOVASZ, .sum = true}, "Lovasz has no sum"},
        {{.kind = TERN_LOSS_DICE, .smooth = -1}, "smooth is -1"},
        {{.kind = TERN_LOSS_FOCAL, .gamma = NAN}, "gamma nan"},
        {{.kind = TERN_LOSS_DICE, .class_weights = weights, .n_class_weights = 3},
         "softmax cross-entropy's, not Dice's"},
        {{.kind = TERN_LOSS_HUBER, .weighted = true}, "go neither with Huber"},
        {{.weighted = true, .label_smoothing = 0.1}, "nor with class_weights and label_smoothing"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        check_error(c, TERN_ERR_ARGUMENT, wrong[i].text,
                    tern_evaluate(t.model, t.plain, 0, &wrong[i].options, NULL, NULL, NULL));
    tern_loss_options o = {.kind = TERN_LOSS_DICE, .weighted = true};
    check_error(c, TERN_ERR_ARGUMENT, "weights of places needs a target of floats",
                tern_evaluate(t.model, t.plain, 0, &o, NULL, NULL, NULL));
    free_pictures(&t);
    tern_context_free(c);
}

/* The mask of a noisy picture: where it is bright. */
static void every_kind_learns(void **state) {
    (void)state;
    enum { COUNT = 24, SIZE = 12 };
    static float x[COUNT * SIZE * SIZE], mask[COUNT * SIZE * SIZE];
    tern_context *c = make_context(2);
    tern__random r = tern__random_make(9, 2);
    for (int i = 0; i < COUNT * SIZE * SIZE; i++) {
        int row = i / SIZE % SIZE, column = i % SIZE;
        int dy = row - 3 - i / (SIZE * SIZE) % 5, dx = column - 6;
        mask[i] = dy * dy + dx * dx < 9;
        x[i] = (float)(mask[i] + 0.3 * tern__random_normal(&r));
    }
    tern_tensor input = {TERN_FLOAT, 4, {COUNT, 1, SIZE, SIZE}, x}, target = input;
    target.data = mask;
    tern_dataset *d;
    check_ok(c, tern_dataset_arrays(&d, c, &input, 1, &target));
    for (int i = 1; i < OF_PLACES; i++) {
        tern_graph *g;
        check_ok(c, tern_graph_create(&g, c));
        tern_conv_options same = {.kernel_shape = {3, 3}, .pads = {1, 1, 1, 1}};
        tern_value h =
            tern_relu(tern_conv(tern_input(g, "x", 4, (int64_t[]){-1, 1, SIZE, SIZE}), 6, same));
        tern_output(g, "y", tern_conv(h, 1, same));
        tern_train_result trained;
        tern_train_options t = TERN_TRAIN_OPTIONS_INIT;
        t.loss.kind = of_places[i];
        t.epochs = 15;
        t.batch = 6;
        t.optimizer.learning_rate = 0.02;
        t.result = &trained;
        tern_model *m;
        check_ok(c, tern_train(&m, g, d, &t));
        if (!(trained.accuracy > 0.95))
            fail_msg("loss of kind %d: accuracy is %g", (int)of_places[i], trained.accuracy);
        tern_model_free(m);
        tern_graph_free(g);
    }
    tern_dataset_free(d);
    tern_context_free(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weights_of_places),
        cmocka_unit_test(sums_of_losses),
        cmocka_unit_test(refused),
        cmocka_unit_test(every_kind_learns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
