/* What is written takes the place of nothing that is read, and two outputs are two files: by name,
 * by link, before they are there, and of a training. */
#define _XOPEN_SOURCE 700
#include "training.h"

#include "core/train/dataset.h"

#include <sys/stat.h>

static char folder[64];

/* "FOLDER/name" in a ring of static buffers. */
static const char *in(const char *name) {
    static char paths[8][200];
    static int next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static void put(const char *name, const char *text) {
    FILE *file = fopen(in(name), "wb");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static void holds(const char *name, const char *text) {
    char there[200] = "";
    FILE *file = fopen(in(name), "rb");
    assert_non_null(file);
    assert_true(fread(there, 1, sizeof there - 1, file) > 0);
    fclose(file);
    assert_string_equal(there, text);
}

static int set_up(void **state) {
    (void)state;
    strcpy(folder, "/tmp/tern-outputs-XXXXXX");
    return mkdtemp(folder) == NULL;
}
static int tear_down(void **state) {
    char command[100];
    (void)state;
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

static void inputs_are_no_outputs(void **state) {
    (void)state;
    tern_context *c = make_context(1);
    put("a", "data");
    put("b", "other");
    assert_int_equal(link(in("a"), in("hard")), 0);
    assert_int_equal(symlink("a", in("soft")), 0);
    static const char *const same[] = {"a", "hard", "soft", "./a"};
    for (int i = 0; i < 4; i++) {
        const char *const inputs[] = {NULL, "-", in("nowhere"), in("b"), in("a")};
        check_error(c, TERN_ERR_ARGUMENT, "would be lost",
                    tern_file_check(c, in(same[i]), inputs, 5));
        check_ok(c, tern_file_check(c, in(same[i]), inputs, 4));
    }
    check_ok(c, tern_file_check(c, in("new"), (const char *const[]){in("a")}, 1));
    check_ok(c, tern_file_check(c, "/dev/null", (const char *const[]){"/dev/null"}, 1));
    tern_context_free(c);
}

/* A data set that comes from the file "data". */
static const char *data_file(void *self, size_t index) {
    (void)self;
    return index == 1 ? in("data") : index == 0 ? folder : NULL;
}

typedef struct files {
    const char *output, *checkpoint, *log, *sentence;
} files;

static tern_status run(tern_context *c, const files *f) {
    tern_train_options o = TERN_TRAIN_OPTIONS_INIT;
    tern_model *model;
    task *t = make_task(c, 1);
    tern_graph *g = make_network(c, 1);
    t->dataset->shared->source.file = data_file;
    o.epochs = 1;
    o.output = f->output ? in(f->output) : NULL;
    o.checkpoint = f->checkpoint ? in(f->checkpoint) : NULL;
    o.log = f->log ? in(f->log) : NULL;
    const tern_status st = tern_train(&model, g, t->dataset, &o);
    tern_model_free(model);
    tern_graph_free(g);
    free_task(t);
    return st;
}

static void training_spares(void **state) {
    (void)state;
    tern_context *c = make_context(1);
    put("data", "{\"epoch\":\"of data\"}");
    put("precious", "a letter");
    mkdir(in("d"), 0700);
    assert_int_equal(link(in("data"), in("data.ckpt")), 0);
    assert_int_equal(symlink("data", in("data.jsonl")), 0);
    assert_int_equal(symlink("new", in("soon")), 0);
    static const files wrong[] = {
        {.log = "data", .sentence = "the log"},
        {.log = "data.jsonl", .sentence = "would be lost"},
        {.checkpoint = "data.ckpt", .sentence = "the checkpoint"},
        {.output = "data", .sentence = "the model"},
        {.checkpoint = "precious", .sentence = "something else"},
        {.log = "precious", .sentence = "something else"},
        {.output = "m", .log = "m", .sentence = "the same file"},
        {.output = "m", .checkpoint = "d/../m", .sentence = "the same file"},
        {.checkpoint = "m", .log = "./m", .sentence = "the same file"},
        {.checkpoint = "new", .log = "soon", .sentence = "the same file"},
        {.output = "precious", .log = "d/../precious", .sentence = "the same file"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        check_error(c, TERN_ERR_ARGUMENT, wrong[i].sentence, run(c, &wrong[i]));
        holds("data", "{\"epoch\":\"of data\"}");
        holds("precious", "a letter");
        assert_int_equal(access(in("m"), F_OK), -1);
        assert_int_equal(access(in("new"), F_OK), -1);
    }
    put("empty", "");
    const files right = {"m.onnx", "m.ckpt", "m.jsonl", NULL}, empty = {NULL, "empty", NULL, NULL};
    check_ok(c, run(c, &right));
    check_ok(c, run(c, &right)); /* over a checkpoint and a log */
    check_ok(c, run(c, &empty));
    tern_context_free(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(inputs_are_no_outputs),
                                       cmocka_unit_test(training_spares)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
