/* Models found by name: the search order of tern_model_load, and the sentence for a name that is
 * none. */
#define _XOPEN_SOURCE 700
#include "context.h"

#include <limits.h>
#include <sys/stat.h>
#include <tern/tern.h>

typedef struct fixture {
    tern_context *c;
    char folder[64], before[PATH_MAX]; /* of the test: current, and what was */
} fixture;

/* A model whose metadata say where it lies. */
static void save(const fixture *f, const char *path) {
    tern_graph *g;
    tern_model *m;
    check_ok(f->c, tern_graph_create(&g, f->c));
    tern_output(g, "y", tern_relu(tern_input(g, "x", 2, (int64_t[]){1, 2})));
    check_ok(f->c, tern_model_create(&m, g));
    check_ok(f->c, tern_model_set_metadata(m, "place", path));
    check_ok(f->c, tern_model_save(m, path));
    tern_model_free(m);
    tern_graph_free(g);
}

static void check_found(const fixture *f, const char *name, const char *place) {
    tern_model *m;
    check_ok(f->c, tern_model_load(&m, f->c, name));
    assert_string_equal(tern_model_metadata(m, "place"), place);
    tern_model_free(m);
}

static void check_absent(const fixture *f, const char *name, const char *sentence) {
    tern_model *m = (tern_model *)"not set";
    check_error(f->c, TERN_ERR_IO, sentence, tern_model_load(&m, f->c, name));
    assert_null(m);
}

static int set_up(void **state) {
    fixture *f = calloc(1, sizeof *f);
    f->c = make_context(1);
    strcpy(f->folder, "/tmp/tern-models-XXXXXX");
    assert_non_null(getcwd(f->before, sizeof f->before));
    assert_non_null(mkdtemp(f->folder));
    assert_int_equal(chdir(f->folder), 0);
    assert_int_equal(mkdir("mine", 0777), 0);
    save(f, "mine/a.onnx");
    save(f, "mine/b.onnx");
    save(f, "mine/esc10.onnx");
    setenv("TERN_MODELS", "mine", 1);
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    fixture *f = *state;
    char command[100];
    unsetenv("TERN_MODELS");
    assert_int_equal(chdir(f->before), 0);
    snprintf(command, sizeof command, "rm -r %s", f->folder);
    assert_int_equal(system(command), 0);
    tern_context_free(f->c);
    free(f);
    return 0;
}

static void names_are_found_in_the_folder_of_the_environment(void **state) {
    check_found(*state, "a", "mine/a.onnx");
    check_found(*state, "a.onnx", "mine/a.onnx");
    check_found(*state, "esc10", "mine/esc10.onnx"); /* before the installed one */
}

static void a_path_that_exists_wins(void **state) {
    save(*state, "b.onnx");
    save(*state, "a");
    check_found(*state, "a", "a");
    check_found(*state, "b.onnx", "b.onnx");
    check_found(*state, "b", "mine/b.onnx"); /* no file here is called b */
    assert_int_equal(mkdir("esc10", 0777), 0);
    check_absent(*state, "esc10", "esc10: is a folder");
}

static void the_sentence_lists_what_is_there(void **state) {
    const fixture *f = *state;
    check_absent(f, "c",
                 "c: cannot open: No such file or directory; models that are installed: a, b, ");
    /* Once, though it lies in two folders. */
    const char *message = tern_context_message(f->c), *first = strstr(message, "esc10");
    assert_non_null(first);
    assert_null(strstr(first + 1, "esc10"));
    check_absent(f, "c.onnx", "installed: a, b, ");
    check_absent(f, "", "cannot open");
}

static void a_path_is_not_searched_for(void **state) {
    const fixture *f = *state;
    check_absent(f, "./a", "./a: cannot open");
    assert_null(strstr(tern_context_message(f->c), "installed"));
    check_absent(f, "/a", "/a: cannot open");
}

static void shipped_models_are_found(void **state) {
    const fixture *f = *state;
    static const char *const names[] = {"cells", "esc10", "sentiment"};
    unsetenv("TERN_MODELS");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        tern_model *m;
        check_ok(f->c, tern_model_load(&m, f->c, names[i]));
        assert_null(tern_model_metadata(m, "place"));
        tern_model_free(m);
    }
    check_absent(f, "c", "models that are installed: cells, esc10, sentiment");
}

static void very_long_names_are_refused(void **state) {
    const fixture *f = *state;
    char name[5000], folder[5000];
    tern_model *m;
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = 0;
    assert_int_equal(tern_model_load(&m, f->c, name), TERN_ERR_IO); /* its sentence is cut */
    name[250] = 0;
    check_absent(f, name, "installed: a, b, ");
    memset(folder, 'f', sizeof folder - 1);
    folder[sizeof folder - 1] = 0;
    setenv("TERN_MODELS", folder, 1);
    check_absent(f, "c", "cannot open");
}

#define in_folder(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        in_folder(names_are_found_in_the_folder_of_the_environment),
        in_folder(a_path_that_exists_wins),
        in_folder(the_sentence_lists_what_is_there),
        in_folder(a_path_is_not_searched_for),
        in_folder(shipped_models_are_found),
        in_folder(very_long_names_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
