/* Checkpoints: a run that is stopped anywhere and resumed ends with the bits of a run that never
 * was; what does not fit is refused; a killed run leaves a whole file. */
#include "training.h"

#include "core/train/checkpoint.h"
#include "core/onnx/safetensors.h"

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char folder[] = "/tmp/tern-test-checkpoint-XXXXXX";
static char checkpoint_path[100], log_path[100];

static int set_up(void **state) {
    (void)state;
    if (!mkdtemp(folder)) return 1;
    snprintf(checkpoint_path, sizeof checkpoint_path, "%s/run.ckpt", folder);
    snprintf(log_path, sizeof log_path, "%s/run.jsonl", folder);
    return 0;
}
static int tear_down(void **state) {
    (void)state;
    unlink(checkpoint_path);
    unlink(log_path);
    return rmdir(folder);
}

typedef struct stop {
    int batches, after;
} stop;

static bool stop_after(void *user, const tern_train_progress *p) {
    stop *s = user;
    if (!p->epoch_done) s->batches++;
    return !s->after || s->batches != s->after;
}

enum { EPOCHS = 4 };

/* One sitting of a run with everything switched on; after: the batch at which it is stopped. */
static tern_status sit(tern_context *c, tern_model **model, tern_optimizer_options optimizer,
                       int after, bool resume, uint64_t seed) {
    task *t = make_task(c, 1);
    tern_graph *g = make_network(c, 1);
    tern_dataset *train, *validation;
    check_ok(c, tern_dataset_split(&train, &validation, t->dataset, 0.25, 1));
    stop s = {.after = after};
    tern_train_options o = TERN_TRAIN_OPTIONS_INIT;
    o.epochs = EPOCHS;
    o.batch = 20;
    o.seed = seed;
    o.optimizer = optimizer;
    /* No epoch is ever good enough: the rate halves after each but the first. */
    o.schedule = (tern_schedule_options){.kind = TERN_SCHEDULE_PLATEAU,
                                         .gamma = 0.5,
                                         .plateau_patience = -1,
                                         .plateau_threshold = 0.9};
    o.mixup = 0.3;
    o.mixup_off_epochs = 1;
    o.validation = validation;
    o.checkpoint = checkpoint_path;
    o.log = log_path;
    o.resume = resume;
    o.on_progress = stop_after;
    o.user = &s;
    tern_status st = tern_train(model, g, train, &o);
    tern_dataset_free(train);
    tern_dataset_free(validation);
    tern_graph_free(g);
    free_task(t);
    return st;
}

static const tern_optimizer_options optimizers[] = {
    {.kind = TERN_OPTIMIZER_SGD, .learning_rate = 0.05},
    {.kind = TERN_OPTIMIZER_SGD, .learning_rate = 0.02, .momentum = 0.9, .nesterov = true},
    {.kind = TERN_OPTIMIZER_ADAM, .learning_rate = 0.01, .max_norm = 1},
    {.kind = TERN_OPTIMIZER_ADAMW, .learning_rate = 0.01, .ema = 0.9, .clip_norm = 0.5},
    {.kind = TERN_OPTIMIZER_RMSPROP, .learning_rate = 0.01, .momentum = 0.5},
    {.kind = TERN_OPTIMIZER_ADADELTA, .clip_value = 0.1},
};
enum { OPTIMIZERS = sizeof optimizers / sizeof *optimizers };

/* The log without its times, as an array. */
static json_t *read_log(void) {
    json_t *lines = json_array();
    FILE *f = fopen(log_path, "r");
    assert_non_null(f);
    char line[1000];
    while (fgets(line, sizeof line, f)) {
        json_t *epoch = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
        assert_int_equal(json_object_del(epoch, "seconds"), 0);
        assert_int_equal(json_object_del(epoch, "items_per_second"), 0);
        json_array_append_new(lines, epoch);
    }
    fclose(f);
    return lines;
}

static void resumes_with_the_same_bits(void **state) {
    (void)state;
    /* 4 batches an epoch: within the first epoch, at its end, within and at the end of later ones
     * */
    static const int stops[] = {1, 3, 4, 6, 12, 15};
    for (int k = 0; k < OPTIMIZERS; k++) {
        tern_context *straight = make_context(1);
        tern_model *expected;
        unlink(checkpoint_path);
        check_ok(straight, sit(straight, &expected, optimizers[k], 0, false, 1));
        json_t *expected_log = read_log();
        assert_int_equal(json_array_size(expected_log), EPOCHS);
        for (int i = 0; i < 4; i++) {
            /* also across another number of threads */
            tern_context *first = make_context(1 + i % 2), *second = make_context(2 - i % 2);
            tern_model *m;
            unlink(checkpoint_path);
            check_error(first, TERN_ERR_INTERRUPTED, "it can be resumed from",
                        sit(first, &m, optimizers[k], stops[i], false, 1));
            assert_null(m);
            check_ok(second, sit(second, &m, optimizers[k], 0, true, 1));
            if (!same_weights(tern_model_graph(expected), tern_model_graph(m)))
                fail_msg("optimiser %d, stopped after batch %d: other weights", k, stops[i]);
            json_t *log = read_log();
            assert_true(json_equal(log, expected_log));
            json_decref(log);
            tern_model_free(m);
            tern_context_free(first);
            tern_context_free(second);
        }
        json_decref(expected_log);
        tern_model_free(expected);
        tern_context_free(straight);
    }
}

static void stopped_again_and_again(void **state) {
    (void)state;
    tern_context *c = make_context(2);
    tern_model *expected, *m;
    unlink(checkpoint_path);
    check_ok(c, sit(c, &expected, optimizers[3], 0, false, 1));
    unlink(checkpoint_path);
    int sittings = 1;
    /* resume without a checkpoint starts anew; every sitting ends after one batch */
    while (sit(c, &m, optimizers[3], 1, true, 1) == TERN_ERR_INTERRUPTED) sittings++;
    assert_non_null(m);
    assert_int_equal(sittings, EPOCHS * 4 + 1);
    assert_true(same_weights(tern_model_graph(expected), tern_model_graph(m)));
    tern_model_free(m);
    /* and what is finished stays finished */
    check_ok(c, sit(c, &m, optimizers[3], 1, true, 1));
    assert_true(same_weights(tern_model_graph(expected), tern_model_graph(m)));
    tern_model_free(m);
    tern_model_free(expected);
    tern_context_free(c);
}

static void refuses_what_does_not_fit(void **state) {
    (void)state;
    tern_context *c = make_context(1);
    tern_model *m;
    unlink(checkpoint_path);
    check_error(c, TERN_ERR_INTERRUPTED, "epoch 1", sit(c, &m, optimizers[3], 2, false, 1));
    tern_optimizer_options other = optimizers[3];
    other.learning_rate = 0.5;
    check_error(c, TERN_ERR_ARGUMENT, "its learning_rate is 0.01, now it is 0.5",
                sit(c, &m, other, 0, true, 1));
    check_error(c, TERN_ERR_ARGUMENT, "its seed is", sit(c, &m, optimizers[3], 0, true, 2));
    check_error(c, TERN_ERR_ARGUMENT, "its optimizer is", sit(c, &m, optimizers[2], 0, true, 1));
    assert_null(m);

    /* Other data of the same size. */
    task *t = make_task(c, 8);
    tern_graph *g = make_network(c, 1);
    tern_train_options o = TERN_TRAIN_OPTIONS_INIT;
    o.checkpoint = checkpoint_path;
    o.epochs = 1;
    check_ok(c, tern_train(&m, g, t->dataset, &o));
    tern_model_free(m);
    t->pictures[123] += 1;
    tern_tensor input = {TERN_FLOAT, 4, {PICTURES, 1, SIDE, SIDE}, t->pictures};
    tern_tensor target = {TERN_INT64, 1, {PICTURES}, t->classes};
    tern_dataset *changed;
    check_ok(c, tern_dataset_arrays(&changed, c, &input, 1, &target));
    o.resume = true;
    check_error(c, TERN_ERR_ARGUMENT, "its data set is", tern_train(&m, g, changed, &o));
    tern_dataset_free(changed);
    tern_graph_free(g);
    free_task(t);
    tern_context_free(c);
}

static long file_size(const char *path) {
    struct stat s;
    return stat(path, &s) == 0 ? (long)s.st_size : -1;
}

static void damaged_files(void **state) {
    (void)state;
    tern_context *c = make_context(1);
    tern_model *m;
    unlink(checkpoint_path);
    check_error(c, TERN_ERR_INTERRUPTED, "epoch", sit(c, &m, optimizers[3], 6, false, 1));
    long size = file_size(checkpoint_path);
    assert_true(size > 0);
    for (long cut = 0; cut < size; cut += cut < 64 ? 7 : size / 23) {
        unlink(checkpoint_path);
        check_error(c, TERN_ERR_INTERRUPTED, "epoch", sit(c, &m, optimizers[3], 6, false, 1));
        assert_int_equal(truncate(checkpoint_path, cut), 0);
        tern_status st = sit(c, &m, optimizers[3], 0, true, 1);
        assert_true(st == TERN_ERR_FORMAT || st == TERN_ERR_LIMIT);
        assert_non_null(strstr(tern_context_message(c), "run.ckpt"));
        assert_null(m);
    }
    /* A safetensors file of something else. */
    float x = 1;
    tern__safe_tensor tensor = {
        .name = "x", .type = TERN__SAFE_F32, .rank = 1, .dims = {1}, .data = &x};
    check_ok(c, tern__safetensors_save(c, checkpoint_path, &tensor, 1, NULL, 0));
    check_error(c, TERN_ERR_FORMAT, "is no checkpoint of tern",
                sit(c, &m, optimizers[3], 0, true, 1));
    tern_context_free(c);
}

static void non_finite_weights_are_never_written(void **state) {
    (void)state;
    tern_context *c = make_context(1);
    tern_graph *g = make_network(c, 1);
    tern_trainer *t;
    check_ok(c, tern_trainer_create(&t, g, NULL));
    tern__checkpoint checkpoint = {
        .settings = json_object(), .state = json_object(), .history = json_array()};
    unlink(checkpoint_path);
    float *weight = t->optimizer->weights[1].data, kept = *weight;
    *weight = NAN;
    check_error(c, TERN_ERR_DIVERGED, "was not written",
                tern__checkpoint_save(checkpoint_path, t, &checkpoint));
    *weight = kept;
    t->optimizer->weights[0].moments[1][0] = INFINITY;
    check_error(c, TERN_ERR_DIVERGED, "was not written",
                tern__checkpoint_save(checkpoint_path, t, &checkpoint));
    assert_int_equal(file_size(checkpoint_path), -1);
    json_decref(checkpoint.settings);
    json_decref(checkpoint.state);
    json_decref(checkpoint.history);
    tern_trainer_free(t);
    tern_graph_free(g);
    tern_context_free(c);
}

/* A child process trains, writing its checkpoint after every batch, and is killed; what it left
 * loads and leads to the same bits. One thread: a fork of a process with OpenMP threads has none of
 * them. */
static void killed_at_any_time(void **state) {
    (void)state;
    tern_context *c = make_context(1);
    task *t = make_task(c, 1);
    tern_graph *g = make_network(c, 1);
    tern_train_options o = TERN_TRAIN_OPTIONS_INIT;
    o.epochs = 8;
    o.batch = 10;
    o.optimizer.ema = 0.9;
    tern_model *expected, *m;
    check_ok(c, tern_train(&expected, g, t->dataset, &o));
    o.checkpoint = checkpoint_path;
    o.checkpoint_seconds = 1e-9;
    unlink(checkpoint_path);
    int killed = 0;
    for (int round = 0; round < 40; round++) {
        pid_t child = fork();
        if (child == 0) {
            o.resume = round % 8 != 0;
            tern_status st = tern_train(&m, g, t->dataset, &o);
            _exit(st == TERN_OK ? 0 : 1);
        }
        struct timespec pause = {0, 1000000 + round * 450000};
        nanosleep(&pause, NULL);
        kill(child, SIGKILL);
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
        killed += WIFSIGNALED(status);
        if (round % 8 != 7) continue;
        o.resume = true;
        check_ok(c, tern_train(&m, g, t->dataset, &o));
        assert_true(same_weights(tern_model_graph(expected), tern_model_graph(m)));
        tern_model_free(m);
    }
    assert_true(killed > 10);
    tern_model_free(expected);
    tern_graph_free(g);
    free_task(t);
    tern_context_free(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(resumes_with_the_same_bits),
        cmocka_unit_test(stopped_again_and_again),
        cmocka_unit_test(refuses_what_does_not_fit),
        cmocka_unit_test(damaged_files),
        cmocka_unit_test(non_finite_weights_are_never_written),
        cmocka_unit_test(killed_at_any_time),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
