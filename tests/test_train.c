/* The training loop: that it learns, stops, refuses, logs, and gives the same bits. */
#include "training.h"

#include "core/train/train_run.h"

#include <jansson.h>

typedef struct seen {
    int batches, epochs, stop_after;
    tern_train_progress last;
} seen;

static bool watch(void *user, const tern_train_progress *p) {
    seen *s = user;
    s->last = *p;
    if (p->epoch_done)
        s->epochs++;
    else
        s->batches++;
    return !s->stop_after || s->batches < s->stop_after;
}

static tern_train_options quick(void) {
    tern_train_options o = TERN_TRAIN_OPTIONS_INIT;
    o.epochs = 6;
    o.batch = 16;
    o.seed = 3;
    o.optimizer.learning_rate = 0.02;
    return o;
}

static void learns(void **state) {
    (void)state;
    tern_context *c = make_context(2);
    task *t = make_task(c, 1), *other = make_task(c, 2);
    tern_graph *g = make_network(c, 1);
    seen s = {0};
    tern_train_result result;
    tern_train_options o = quick();
    o.epochs = 20;
    o.validation = other->dataset;
    o.on_progress = watch;
    o.user = &s;
    o.result = &result;
    o.schedule.kind = TERN_SCHEDULE_ONE_CYCLE;
    tern_model *m;
    check_ok(c, tern_train(&m, g, t->dataset, &o));
    assert_int_equal(s.epochs, 20);
    assert_int_equal(s.batches, 20 * 6);
    assert_true(s.last.epoch_done && s.last.epoch == 20 && s.last.batches == 6);
    assert_true(result.validation_accuracy > 0.95);
    assert_true(result.accuracy > 0.9);
    assert_int_equal(result.steps, 120);

    double loss, accuracy;
    int64_t predictions[PICTURES], right = 0;
    check_ok(c, tern_evaluate(m, other->dataset, 7, NULL, &loss, &accuracy, predictions));
    for (int i = 0; i < PICTURES; i++) right += predictions[i] == other->classes[i];
    check_close(accuracy, (double)right / PICTURES, 0, 1e-15);
    check_close(accuracy, result.validation_accuracy, 0, 0);
    check_close(loss, result.validation_loss, 0, 1e-6);
    tern_model_free(m);
    tern_graph_free(g);
    free_task(t);
    free_task(other);
    tern_context_free(c);
}

static tern_model *train_once(int threads, tern_train_options o, tern_context **context) {
    tern_context *c = *context = make_context(threads);
    task *t = make_task(c, 1);
    tern_graph *g = make_network(c, 1);
    tern_dataset *train, *validation;
    check_ok(c, tern_dataset_split(&train, &validation, t->dataset, 0.3, 1));
    o.validation = validation;
    tern_model *m;
    check_ok(c, tern_train(&m, g, train, &o));
    tern_dataset_free(train);
    tern_dataset_free(validation);
    tern_graph_free(g);
    free_task(t);
    return m;
}

static void same_bits_for_threads(void **state) {
    (void)state;
    for (int mixup = 0; mixup < 2; mixup++) {
        tern_train_options o = quick();
        o.mixup = 0.4 * mixup;
        o.cutmix = 0.7 * mixup;
        o.optimizer.ema = 0.9 * mixup;
        o.optimizer.clip_norm = 1;
        tern_context *c[3];
        tern_model *m[3];
        for (int i = 0; i < 3; i++) {
            m[i] = train_once(i + 1, o, &c[i]);
            assert_true(same_weights(tern_model_graph(m[0]), tern_model_graph(m[i])));
        }
        for (int i = 0; i < 3; i++) {
            tern_model_free(m[i]);
            tern_context_free(c[i]);
        }
    }
}

static void the_seed_matters(void **state) {
    (void)state;
    tern_context *c[2];
    tern_train_options o = quick();
    tern_model *a = train_once(1, o, &c[0]);
    o.seed++;
    tern_model *b = train_once(1, o, &c[1]);
    assert_false(same_weights(tern_model_graph(a), tern_model_graph(b)));
    tern_model_free(a);
    tern_model_free(b);
    tern_context_free(c[0]);
    tern_context_free(c[1]);
}

static void diverging_ends_with_a_sentence(void **state) {
    (void)state;
    tern_context *c = make_context(1);
    task *t = make_task(c, 1);
    tern_graph *g = make_network(c, 1);
    tern_train_options o = quick();
    o.optimizer = (tern_optimizer_options){
        .kind = TERN_OPTIMIZER_SGD, .learning_rate = 1e6, .momentum = 0.99};
    for (int i = 0; i < PICTURES * SIDE * SIDE; i += 7) t->pictures[i] = 3e38f;
    tern_model *m = (tern_model *)g;
    check_error(c, TERN_ERR_DIVERGED, "5 steps in a row (epoch 1, batch ",
                tern_train(&m, g, t->dataset, &o));
    assert_null(m);
    assert_non_null(strstr(tern_context_message(c), "lower learning rate"));
    tern_graph_free(g);
    free_task(t);
    tern_context_free(c);
}

static void one_bad_sample_is_skipped(void **state) {
    (void)state;
    tern_context *c = make_context(1);
    task *t = make_task(c, 1);
    tern_graph *g = make_network(c, 1);
    tern_train_options o = quick();
    seen s = {0};
    o.on_progress = watch;
    o.user = &s;
    t->pictures[70] = NAN;
    tern_model *m;
    check_ok(c, tern_train(&m, g, t->dataset, &o));
    assert_int_equal(s.last.skipped, 1);
    assert_true(isfinite(s.last.loss));
    tern_model_free(m);
    tern_graph_free(g);
    free_task(t);
    tern_context_free(c);
}

static void early_stopping_keeps_the_best(void **state) {
    (void)state;
    tern_context *c = make_context(1);
    task *t = make_task(c, 1), *other = make_task(c, 5);
    tern_graph *g = make_network(c, 1);
    /* Validation says the opposite of training: the first epochs are the best ones. */
    for (int i = 0; i < PICTURES; i++) other->classes[i] = (other->classes[i] + 1) % CLASSES;
    tern_train_options o = quick();
    tern_train_result result;
    seen s = {0};
    o.epochs = 100;
    o.patience = 4;
    o.monitor = TERN_MONITOR_LOSS;
    o.validation = other->dataset;
    o.result = &result;
    o.on_progress = watch;
    o.user = &s;
    tern_model *m;
    check_ok(c, tern_train(&m, g, t->dataset, &o));
    assert_true(result.stopped_early);
    assert_int_equal(result.epochs, result.epoch + 4);
    assert_int_equal(s.epochs, result.epochs);
    double loss;
    check_ok(c, tern_evaluate(m, other->dataset, 16, NULL, &loss, NULL, NULL));
    check_close(loss, result.validation_loss, 0, 1e-6);
    assert_true(loss < s.last.validation_loss);
    check_close(s.last.best_validation_loss, result.validation_loss, 0, 0);
    tern_model_free(m);
    tern_graph_free(g);
    free_task(t);
    free_task(other);
    tern_context_free(c);
}

static void log_lines(void **state) {
    (void)state;
    char path[] = "/tmp/tern-test-log-XXXXXX";
    assert_true(close(mkstemp(path)) == 0);
    tern_context *c;
    tern_train_options o = quick();
    o.log = path;
    tern_model *m = train_once(1, o, &c);
    FILE *f = fopen(path, "r");
    char line[1000];
    int epoch = 0;
    while (fgets(line, sizeof line, f)) {
        json_t *j = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
        assert_non_null(j);
        assert_int_equal(json_integer_value(json_object_get(j, "epoch")), ++epoch);
        static const char *const keys[] = {
            "loss",          "accuracy", "validation_loss", "validation_accuracy",
            "learning_rate", "seconds",  "items_per_second"};
        for (size_t k = 0; k < sizeof keys / sizeof *keys; k++)
            assert_true(json_is_number(json_object_get(j, keys[k])));
        json_decref(j);
    }
    fclose(f);
    unlink(path);
    assert_int_equal(epoch, o.epochs);
    tern_model_free(m);
    tern_context_free(c);
}

static void loop_refuses(void **state) {
    (void)state;
    tern_context *c = make_context(1);
    task *t = make_task(c, 1);
    tern_graph *g = make_network(c, 1);
    tern_model *m;
    struct {
        tern_status status;
        const char *text;
        tern_train_options o;
    } wrong[14];
    for (int i = 0; i < 14; i++) wrong[i].o = quick();
#define WRONG(i, expected, sentence, field, value)                                                 \
    (wrong[i].status = expected, wrong[i].text = sentence, wrong[i].o.field = value)
    WRONG(0, TERN_ERR_ARGUMENT, "0 epochs", epochs, 0);
    WRONG(1, TERN_ERR_ARGUMENT, "batches of -1", batch, -1);
    WRONG(2, TERN_ERR_ARGUMENT, "patience is 3", patience, 3);
    WRONG(3, TERN_ERR_ARGUMENT, "no validation to monitor", monitor, TERN_MONITOR_LOSS);
    WRONG(4, TERN_ERR_ARGUMENT, "mixup is -1", mixup, -1);
    WRONG(5, TERN_ERR_ARGUMENT, "no checkpoint to resume", resume, true);
    WRONG(6, TERN_ERR_ARGUMENT, "label_smoothing is 1.5", loss.label_smoothing, 1.5);
    WRONG(7, TERN_ERR_ARGUMENT, "needs a target of floats", loss.kind, TERN_LOSS_HUBER);
    WRONG(8, TERN_ERR_ARGUMENT, "momentum is 2", optimizer.momentum, 2);
    WRONG(9, TERN_ERR_IO, "nowhere", checkpoint, "/nowhere/at/all.ckpt");
    WRONG(10, TERN_ERR_IO, "nowhere", log, "/nowhere/at/all.jsonl");
    WRONG(11, TERN_ERR_ARGUMENT, "drop_last", drop_last, true);
    WRONG(12, TERN_ERR_ARGUMENT, "cutmix is -1", cutmix, -1);
    WRONG(13, TERN_ERR_ARGUMENT, "need softmax cross-entropy", cutmix, 1);
    wrong[13].o.loss.kind = TERN_LOSS_SQUARED_ERROR;
    wrong[8].o.optimizer.kind = TERN_OPTIMIZER_SGD;
    wrong[11].o.batch = PICTURES + 1;
    for (int i = 0; i < 14; i++)
        check_error(c, wrong[i].status, wrong[i].text, tern_train(&m, g, t->dataset, &wrong[i].o));
    tern_graph_free(g);
    free_task(t);
    tern_context_free(c);
}

static void a_full_disk(void **state) {
    (void)state;
    if (access("/dev/full", W_OK) != 0) check_skip("there is no /dev/full that can be written");
    tern_context *c = make_context(1);
    task *t = make_task(c, 1);
    tern_graph *g = make_network(c, 1);
    tern_model *m;
    tern_train_options o = quick();
    o.checkpoint = "/dev/full";
    check_error(c, TERN_ERR_IO, "/dev/full", tern_train(&m, g, t->dataset, &o));
    assert_null(m);
    o.checkpoint = NULL;
    o.log = "/dev/full";
    check_error(c, TERN_ERR_IO, "/dev/full", tern_train(&m, g, t->dataset, &o));
    assert_null(m);
    tern_graph_free(g);
    free_task(t);
    tern_context_free(c);
}

/* Inputs that are their own class as ones and zeros: mixed, they must equal the mixed targets. */
static void mixup_mixes_inputs_and_targets_alike(void **state) {
    (void)state;
    tern_context *c = make_context(2);
    enum { SAMPLES = 64, KINDS = 5 };
    float inputs[SAMPLES * KINDS] = {0};
    int64_t classes[SAMPLES], order[SAMPLES];
    for (int i = 0; i < SAMPLES; i++) {
        order[i] = i;
        classes[i] = i * 7 % KINDS;
        inputs[i * KINDS + classes[i]] = 1;
    }
    tern_tensor input = {TERN_FLOAT, 2, {SAMPLES, KINDS}, inputs};
    tern_tensor target = {TERN_INT64, 1, {SAMPLES}, classes}, soft;
    tern__shape logits = {TERN_FLOAT, 2, {-1, KINDS}};
    tern__run run = {.context = c, .options = quick()};
    check_ok(c, tern_dataset_arrays(&run.dataset, c, &input, 1, &target));
    run.batch.context = c;
    run.options.mixup = 1;
    run.options.mixup_off_epochs = 2;
    float last[SAMPLES * KINDS] = {0};
    for (int round = 0; round < 3; round++) {
        run.state.position = round;
        run.state.epoch = round == 2 ? run.options.epochs - 1 : 0; /* it is off in round 2 */
        check_ok(c, tern__batch_load(&run.batch, run.dataset, order, SAMPLES, true, 1, 1));
        check_ok(c, tern__run_mix(&run, &logits, &soft));
        const float *x = run.batch.inputs[0].data, *t = soft.data;
        int mixed = 0;
        for (int i = 0; i < SAMPLES * KINDS; i++) {
            check_close(x[i], t[i], 1e-7, 0);
            mixed += x[i] > 0.05f && x[i] < 0.95f;
        }
        /* 4 of 5 partners are of another class, 9 of 10 shares between; two entries each. */
        assert_true(round == 2 ? mixed == 0 : mixed > SAMPLES);
        assert_memory_not_equal(last, x, sizeof last);
        memcpy(last, x, sizeof last);
    }
    assert_memory_equal(last, inputs, sizeof last);
    classes[3] = KINDS;
    check_ok(c, tern__batch_load(&run.batch, run.dataset, order, SAMPLES, true, 1, 1));
    check_error(c, TERN_ERR_ARGUMENT, "sample 3 has class 5", tern__run_mix(&run, &logits, &soft));
    tern__free(c, run.mixed);
    tern__free(c, run.soft_target.data);
    tern__batch_free(&run.batch);
    tern_dataset_free(run.dataset);
    tern_context_free(c);
}

/* Samples [3, 6, 7, 5] (and [2, 6, 7, 5] beside) whose places all hold the sample's number, which
 * is its class: mixed, each holds the number of one other sample at the places of a box, alike in
 * all channels and in both inputs, and its target is the counted share of places. */
static void cutmix_takes_a_box(void **state) {
    (void)state;
    tern_context *c = make_context(2);
    enum { SAMPLES = 48, DEEP = 6, HIGH = 7, WIDE = 5, PLACES = DEEP * HIGH * WIDE };
    static float a[SAMPLES][3 * PLACES], b[SAMPLES][2 * PLACES];
    int64_t classes[SAMPLES], order[SAMPLES];
    for (int i = 0; i < SAMPLES; i++) {
        classes[i] = order[i] = i;
        for (int k = 0; k < 3 * PLACES; k++) a[i][k] = (float)i;
        for (int k = 0; k < 2 * PLACES; k++) b[i][k] = (float)i;
    }
    tern_tensor inputs[2] = {{TERN_FLOAT, 5, {SAMPLES, 3, DEEP, HIGH, WIDE}, a},
                             {TERN_FLOAT, 5, {SAMPLES, 2, DEEP, HIGH, WIDE}, b}};
    tern_tensor target = {TERN_INT64, 1, {SAMPLES}, classes}, soft;
    tern__shape logits = {TERN_FLOAT, 2, {-1, SAMPLES}};
    tern__run run = {.context = c, .options = quick()};
    check_ok(c, tern_dataset_arrays(&run.dataset, c, inputs, 2, &target));
    run.batch.context = c;
    run.options.cutmix = 1;
    int cut = 0, cut_batches = 0, mixed_batches = 0;
    for (int round = 0; round < 40; round++) {
        run.state.position = round;
        run.options.mixup = round < 8 ? 0 : 1; /* from 8 on: one of the two */
        check_ok(c, tern__batch_load(&run.batch, run.dataset, order, SAMPLES, true, 1, 1));
        check_ok(c, tern__run_mix(&run, &logits, &soft));
        const float *x = run.batch.inputs[0].data, *y = run.batch.inputs[1].data, *t = soft.data;
        bool whole = true; /* numbers only: nothing was averaged */
        for (int k = 0; k < SAMPLES * 3 * PLACES; k++) whole &= x[k] == floorf(x[k]);
        cut_batches += round >= 8 && whole;
        mixed_batches += round >= 8 && !whole;
        if (!whole) {
            assert_true(round >= 8);
            continue;
        }
        for (int i = 0; i < SAMPLES; i++, x += 3 * PLACES, y += 2 * PLACES, t += SAMPLES) {
            int least[3] = {99, 99, 99}, most[3] = {-1, -1, -1}, others = 0, partner = i;
            for (int k = 0; k < PLACES; k++) {
                const int at[3] = {k / (HIGH * WIDE), k / WIDE % HIGH, k % WIDE};
                assert_true(x[PLACES + k] == x[k] && x[2 * PLACES + k] == x[k]);
                assert_true(y[k] == x[k] && y[PLACES + k] == x[k]);
                if (x[k] == (float)i) continue;
                assert_true(!others++ || x[k] == (float)partner);
                partner = (int)x[k];
                for (int d = 0; d < 3; d++) {
                    least[d] = at[d] < least[d] ? at[d] : least[d];
                    most[d] = at[d] > most[d] ? at[d] : most[d];
                }
            }
            int volume = 1;
            for (int d = 0; d < 3; d++) volume *= most[d] - least[d] + 1;
            if (others) assert_int_equal(others, volume);
            cut += others > 0 && others < PLACES;
            for (int k = 0; k < SAMPLES; k++) {
                const int places = k == partner ? others : k == i ? PLACES - others : 0;
                check_close(t[k], partner == i && k == i ? 1 : (double)places / PLACES, 6e-8, 0);
            }
        }
    }
    assert_true(cut > 8 * SAMPLES / 2);
    assert_true(cut_batches > 6 && mixed_batches > 6); /* of 32, each expected 16 times */

    run.state.epoch = run.options.epochs; /* the last epochs may be without it */
    run.options.mixup_off_epochs = 1;
    check_ok(c, tern__batch_load(&run.batch, run.dataset, order, SAMPLES, true, 1, 1));
    check_ok(c, tern__run_mix(&run, &logits, &soft));
    assert_memory_equal(run.batch.inputs[0].data, a, sizeof a);
    run.batch.inputs[1].dims[4]--;
    check_error(c, TERN_ERR_SHAPE, "input 1 has other dimensions",
                tern__run_mix(&run, &logits, &soft));
    run.batch.inputs[0].rank = 2;
    check_error(c, TERN_ERR_SHAPE, "input 0 has rank 2", tern__run_mix(&run, &logits, &soft));
    tern__free(c, run.mixed);
    tern__free(c, run.soft_target.data);
    tern__batch_free(&run.batch);
    tern_dataset_free(run.dataset);
    tern_context_free(c);
}

/* ---- failing allocations ---- */

typedef struct ration {
    int64_t left, held; /* allocations that still succeed; blocks not given back */
} ration;

static void *allocate(void *user, size_t size) {
    ration *r = user;
    if (__atomic_fetch_sub(&r->left, 1, __ATOMIC_RELAXED) <= 0) return NULL;
    void *memory = aligned_alloc(64, (size + 63) & ~(size_t)63);
    if (memory) __atomic_fetch_add(&r->held, 1, __ATOMIC_RELAXED);
    return memory;
}

static void release(void *user, void *memory) {
    __atomic_fetch_sub(&((ration *)user)->held, 1, __ATOMIC_RELAXED);
    free(memory);
}

/* Training with everything on, with allocation number i failing and all after it: a clean error,
 * and everything is given back. */
static void every_allocation_may_fail(void **state) {
    (void)state;
    ration r = {.left = INT64_MAX / 2};
    tern_allocator allocator = {allocate, release, &r};
    tern_context_options options = TERN_CONTEXT_OPTIONS_INIT;
    options.threads = 1;
    options.allocator = &allocator;
    tern_context *c;
    check_ok(c, tern_context_create(&c, &options));
    char path[] = "/tmp/tern-test-allocations-XXXXXX";
    assert_true(close(mkstemp(path)) == 0);
    task *t = make_task(c, 1);
    tern_graph *g = make_network(c, 1);
    tern_dataset *few, *train, *validation;
    check_ok(c, tern_dataset_subset(&few, t->dataset, (int64_t[]){0, 1, 2, 3, 4, 5, 6, 7, 8}, 9));
    check_ok(c, tern_dataset_split(&train, &validation, few, 0.34, 1));
    tern_train_options o = quick();
    o.epochs = 1;
    o.batch = 4;
    o.optimizer.ema = 0.9;
    o.mixup = 0.2;
    o.validation = validation;
    o.checkpoint = path;
    int64_t held = r.held, tries = 0;
    for (tern_status st = TERN_ERR_MEMORY; st != TERN_OK; tries++) {
        r.left = tries;
        tern_model *m = (tern_model *)g;
        st = tern_train(&m, g, train, &o);
        r.left = INT64_MAX / 2;
        if (st != TERN_OK) {
            assert_int_equal(st, TERN_ERR_MEMORY);
            assert_null(m);
        }
        tern_model_free(m);
        assert_int_equal(r.held, held);
    }
    assert_true(tries > 300);
    unlink(path);
    tern_dataset_free(few);
    tern_dataset_free(train);
    tern_dataset_free(validation);
    tern_graph_free(g);
    free_task(t);
    tern_context_free(c);
    assert_int_equal(r.held, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(learns),
        cmocka_unit_test(same_bits_for_threads),
        cmocka_unit_test(the_seed_matters),
        cmocka_unit_test(diverging_ends_with_a_sentence),
        cmocka_unit_test(one_bad_sample_is_skipped),
        cmocka_unit_test(early_stopping_keeps_the_best),
        cmocka_unit_test(log_lines),
        cmocka_unit_test(loop_refuses),
        cmocka_unit_test(a_full_disk),
        cmocka_unit_test(mixup_mixes_inputs_and_targets_alike),
        cmocka_unit_test(cutmix_takes_a_box),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
