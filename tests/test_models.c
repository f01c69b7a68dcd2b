/* Trained networks of others (the shared data's models): each gives, for the input beside it, what
 * ONNX Runtime gave, also after it was saved and loaded. */
#include "check.h"
#include "core/base/base.h"
#include "core/base/npy.h"

#include <dirent.h>
#include <jansson.h>
#include <tern/session.h>

static tern_context *context;

typedef struct reference {
    char folder[4500];
    json_t *meta;
    tern__npy inputs[4], outputs[4];
    tern_tensor tensors[4];
    size_t n_inputs, n_outputs;
} reference;

static tern__npy read_array(const reference *r, const char *file) {
    char path[5000];
    tern__npy a;
    snprintf(path, sizeof path, "%s/%s", r->folder, file);
    check_ok(context, tern__npy_read(&a, context, path, (size_t)1 << 28));
    assert_int_equal(a.type, TERN__NPY_FLOAT32);
    return a;
}

/* The arrays that meta.json names, in its order, which is the model's. */
static void read_reference(reference *r, const char *models, const char *name) {
    char path[5000];
    const char *key;
    json_t *value;
    memset(r, 0, sizeof *r);
    snprintf(r->folder, sizeof r->folder, "%s/%s.ref", models, name);
    snprintf(path, sizeof path, "%s/meta.json", r->folder);
    r->meta = json_load_file(path, 0, NULL);
    assert_non_null(r->meta);
    json_object_foreach(json_object_get(r->meta, "inputs"), key, value) {
        tern__npy *a = &r->inputs[r->n_inputs];
        *a = read_array(r, json_string_value(value));
        tern_tensor *t = &r->tensors[r->n_inputs++];
        *t = (tern_tensor){TERN_FLOAT, a->rank, {0}, a->data};
        memcpy(t->dims, a->dims, (size_t)a->rank * sizeof *a->dims);
    }
    json_object_foreach(json_object_get(r->meta, "outputs"), key, value)
        r->outputs[r->n_outputs++] =
        read_array(r, json_string_value(json_object_get(value, "file")));
}

static void free_reference(reference *r) {
    for (size_t i = 0; i < r->n_inputs; i++) tern__npy_free(&r->inputs[i], context);
    for (size_t i = 0; i < r->n_outputs; i++) tern__npy_free(&r->outputs[i], context);
    json_decref(r->meta);
}

/* Two programs that sum floats in another order differ by some 1e-6 of the largest number a layer,
 * over some 20 to 60 layers. */
static void check_outputs(const char *name, const tern_model *m, const reference *r) {
    tern_session *s;
    tern_tensor y[4];
    check_ok(context, tern_session_create(&s, m));
    if (tern_session_run(s, r->tensors, r->n_inputs, y, r->n_outputs) != TERN_OK)
        fail_msg("%s: %s", name, tern_session_message(s));
    for (size_t k = 0; k < r->n_outputs; k++) {
        const tern__npy *expected = &r->outputs[k];
        double largest = 0, worst = 0;
        assert_int_equal(y[k].rank, expected->rank);
        for (int i = 0; i < y[k].rank; i++) assert_int_equal(y[k].dims[i], expected->dims[i]);
        for (int64_t i = 0; i < expected->count; i++)
            largest = fmax(largest, fabs(tern__npy_get(expected, i, 0)));
        for (int64_t i = 0; i < expected->count; i++) {
            double error = fabs(((const float *)y[k].data)[i] - tern__npy_get(expected, i, 0));
            if (!(error <= worst)) worst = error;
        }
        print_message("%s, output %zu: off by %.1e of %.3g\n", name, k, worst, largest);
        assert_true(worst <= 2e-5 * largest);
    }
    tern_session_free(s);
}

static void check_model(const char *models, const char *name) {
    char path[5000];
    tern_model *m, *again;
    reference r;
    snprintf(path, sizeof path, "%s/%s.onnx", models, name);
    check_ok(context, tern_model_load(&m, context, path));
    read_reference(&r, models, name);
    check_outputs(name, m, &r);
    snprintf(path, sizeof path, "tern-test-model-%d.onnx", (int)getpid());
    check_ok(context, tern_model_save(m, path));
    check_ok(context, tern_model_load(&again, context, path));
    unlink(path);
    check_outputs(name, again, &r);
    tern_model_free(again);
    tern_model_free(m);
    free_reference(&r);
}

static void models_of_others(void **state) {
    (void)state;
    const char *found = check_data("models");
    if (!found) skip();
    char models[4096];
    snprintf(models, sizeof models, "%s", found);
    DIR *d = opendir(models);
    assert_non_null(d);
    int count = 0;
    for (struct dirent *e; (e = readdir(d));) {
        char *dot = strstr(e->d_name, ".ref");
        if (!dot || dot[4]) continue;
        *dot = 0;
        check_model(models, e->d_name);
        count++;
    }
    closedir(d);
    assert_true(count > 0);
}

int main(void) {
    if (tern_context_create(&context, NULL) != TERN_OK) return 1;
    const struct CMUnitTest tests[] = {cmocka_unit_test(models_of_others)};
    int result = cmocka_run_group_tests(tests, NULL, NULL);
    tern_context_free(context);
    return result;
}
