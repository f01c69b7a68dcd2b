/* ONNX's own operator vectors (Debian's libonnx-testdata): every model that tern can load gives the
 * outputs that come with it, also after it was saved and loaded, and ONNX's checker accepts what
 * was saved. */
#include "check.h"
#include "core/base/file.h"
#include "core/onnx/onnx.h"
#include "core/onnx/wire.h"

#include <dirent.h>
#include <sys/stat.h>
#include <tern/session.h>

#define VECTORS "/usr/share/libonnx-testdata/data"
#define SAVED "tern-test-vectors" /* where models are saved, in the folder of the test */
enum { MAX_TENSORS = 16, REASONS = 200 };

static tern_context *context;
static int ran, failed, skipped, n_reasons;
static struct {
    char text[100];
    int count;
} reasons[REASONS];

static void skip_because(const char *text) {
    skipped++;
    int i = 0;
    while (i < n_reasons && strncmp(reasons[i].text, text, sizeof reasons[i].text - 1) != 0) i++;
    if (i == REASONS) i = REASONS - 1;
    if (i == n_reasons) snprintf(reasons[n_reasons++].text, sizeof reasons[i].text, "%s", text);
    reasons[i].count++;
}

typedef struct tensors {
    int count;
    Tern__Onnx__Tensor *protos[MAX_TENSORS];
    tern__wire_budget budgets[MAX_TENSORS];
} tensors;

static void read_tensors(tensors *list, const char *folder, const char *kind) {
    list->count = 0;
    while (list->count < MAX_TENSORS) {
        char path[600], *bytes;
        size_t size;
        snprintf(path, sizeof path, "%s/test_data_set_0/%s_%d.pb", folder, kind, list->count);
        if (access(path, R_OK) != 0) return;
        check_ok(context, tern__file_read(&bytes, &size, context, path, (size_t)1 << 28));
        ProtobufCMessage *message;
        tern_status status = tern__wire_unpack(&message, &list->budgets[list->count], context, path,
                                               &tern__onnx__tensor__descriptor, bytes, size);
        tern__free(context, bytes);
        if (status != TERN_OK) return; /* sequences and the like: the model will be skipped */
        list->protos[list->count++] = (Tern__Onnx__Tensor *)message;
    }
}

static void free_tensors(tensors *list) {
    for (int i = 0; i < list->count; i++)
        tern__wire_free(&list->protos[i]->base, &list->budgets[i]);
}

/* Inputs that describe (shapes, axes, scalars, what Resize does) are constants in every real model,
 * and tern plans with them: they become initializers. Returns the model's new bytes. */
static uint8_t *bind_inputs(const char *bytes, size_t size, const tensors *inputs, bool *bound,
                            size_t *new_size) {
    tern__wire_budget budget;
    ProtobufCMessage *message;
    if (tern__wire_unpack(&message, &budget, context, "model", &tern__onnx__model__descriptor,
                          bytes, size) != TERN_OK)
        return NULL;
    Tern__Onnx__Model *m = (Tern__Onnx__Model *)message;
    Tern__Onnx__Graph *g = m->graph;
    Tern__Onnx__Tensor *list[MAX_TENSORS + 100], **old = g->initializer;
    size_t n_old = g->n_initializer, k = 0;
    if (n_old > 100) n_old = 0;
    for (size_t i = 0; i < n_old; i++) list[i] = old[i];
    g->initializer = list;
    char *names[MAX_TENSORS];
    const char *op = g->node[0]->op_type;
    bool resizes = strcmp(op, "Resize") == 0 || strcmp(op, "Upsample") == 0;
    for (size_t i = 0; i < g->n_input && k < (size_t)inputs->count; i++) {
        bool initialized = false;
        for (size_t j = 0; j < n_old; j++)
            initialized |= strcmp(old[j]->name, g->input[i]->name) == 0;
        if (initialized) continue;
        Tern__Onnx__Tensor *t = inputs->protos[k];
        bound[k] = k > 0 && (resizes || t->data_type != TERN__ONNX_FLOAT || t->n_dims == 0);
        names[k] = t->name;
        if (bound[k]) {
            t->name = g->input[i]->name;
            g->initializer[g->n_initializer++] = t;
        }
        k++;
    }
    *new_size = tern__onnx__model__get_packed_size(m);
    uint8_t *packed = malloc(*new_size);
    tern__onnx__model__pack(m, packed);
    for (size_t i = 0; i < k; i++) inputs->protos[i]->name = names[i];
    g->initializer = old;
    g->n_initializer = n_old;
    tern__wire_free(message, &budget);
    return packed;
}

/* Where the two differ by more than float arithmetic explains; -1: nowhere. */
static int64_t compare(const tern_tensor *got, const tern__shape *shape, const void *expected) {
    if (got->rank != shape->rank || memcmp(got->dims, shape->dims, (size_t)got->rank * 8) != 0)
        return 0;
    if (got->type != shape->type) return 0;
    int64_t count = tern__shape_count(shape);
    for (int64_t i = 0; i < count; i++) {
        if (got->type == TERN_INT64 && ((int64_t *)got->data)[i] != ((const int64_t *)expected)[i])
            return i;
        if (got->type == TERN_FLOAT &&
            !check_is_close(((float *)got->data)[i], ((const float *)expected)[i], 2e-6, 2e-5))
            return i;
    }
    return -1;
}

/* Runs a model; true if all outputs are as expected. */
static bool run_model(const char *name, const tern_model *m, const tensors *inputs,
                      const bool *bound, const tensors *outputs) {
    tern_session *s = NULL;
    tern_tensor in[MAX_TENSORS], out[MAX_TENSORS];
    void *owned[MAX_TENSORS] = {0};
    size_t n_in = 0;
    int n_out = (int)tern_model_graph(m)->n_outputs;
    if (n_out > outputs->count) n_out = outputs->count;
    for (int i = 0; i < inputs->count; i++) {
        if (bound[i]) continue;
        tern__shape shape;
        check_ok(context,
                 tern__onnx_tensor(&shape, &owned[n_in], context, name, inputs->protos[i]));
        in[n_in] = (tern_tensor){.type = shape.type, .rank = shape.rank, .data = owned[n_in]};
        memcpy(in[n_in++].dims, shape.dims, sizeof shape.dims);
    }
    check_ok(context, tern_session_create(&s, m));
    bool right = tern_session_run(s, in, n_in, out, (size_t)n_out) == TERN_OK;
    if (!right) print_message("FAILED: %s: %s\n", name, tern_session_message(s));
    for (int i = 0; i < n_out && right; i++) {
        tern__shape shape;
        void *expected;
        check_ok(context, tern__onnx_tensor(&shape, &expected, context, name, outputs->protos[i]));
        int64_t wrong = compare(&out[i], &shape, expected);
        tern__free(context, expected);
        right = wrong < 0;
        if (right) continue;
        char a[200], b[200];
        tern__shape got = {.type = out[i].type, .rank = out[i].rank};
        memcpy(got.dims, out[i].dims, sizeof got.dims);
        print_message("FAILED: %s: output %d at %lld, %s where %s is expected\n", name, i,
                      (long long)wrong, tern__shape_text(&got, a, sizeof a),
                      tern__shape_text(&shape, b, sizeof b));
    }
    tern_session_free(s);
    for (size_t i = 0; i < n_in; i++) tern__free(context, owned[i]);
    return right;
}

/* The same of what comes back from a file. */
static bool run_again(const char *name, const tern_model *m, const tensors *inputs,
                      const bool *bound, const tensors *outputs) {
    char path[600];
    tern_model *again;
    snprintf(path, sizeof path, SAVED "/%s.onnx", name);
    check_ok(context, tern_model_save(m, path));
    check_ok(context, tern_model_load(&again, context, path));
    bool right = run_model(name, again, inputs, bound, outputs);
    tern_model_free(again);
    return right;
}

/* "(...): operator" of the sentence, else all of it behind the node's name. */
static const char *reason_of(const char *sentence) {
    const char *list = strstr(sentence, "nodes): ");
    if (list) return list + 8;
    const char *rest = strstr(sentence, "': ");
    return rest ? rest + 3 : sentence;
}

/* Why tensors are not what tern takes, or NULL. */
static const char *unsuitable(const tensors *list) {
    for (int i = 0; i < list->count; i++) {
        const Tern__Onnx__Tensor *t = list->protos[i];
        if (t->data_type != TERN__ONNX_FLOAT && t->data_type != TERN__ONNX_INT64 &&
            t->data_type != TERN__ONNX_INT32 && t->data_type != TERN__ONNX_BOOL)
            return "elements of other types";
        for (size_t k = 0; k < t->n_dims; k++)
            if (t->dims[k] == 0) return "tensors without elements";
    }
    return list->count == 0 ? "no tensors" : NULL;
}

/* Operators all of whose vectors tern runs. */
static bool must_run(const char *name) {
    static const char *const starts[] = {"test_lstm_",     "test_gru_",          "test_resize_",
                                         "test_upsample_", "test_convtranspose", "test_hardsigmoid",
                                         "test_hardswish", "test_sqrt",          "test_lrn"};
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++)
        if (strncmp(name, starts[i], strlen(starts[i])) == 0) return true;
    return false;
}

static void try_folder(const char *name, const char *folder) {
    char path[600], *bytes;
    size_t size, packed_size;
    snprintf(path, sizeof path, "%s/model.onnx", folder);
    if (access(path, R_OK) != 0) return;
    check_ok(context, tern__file_read(&bytes, &size, context, path, (size_t)1 << 28));
    tensors inputs, outputs;
    read_tensors(&inputs, folder, "input");
    read_tensors(&outputs, folder, "output");
    bool bound[MAX_TENSORS] = {0};
    uint8_t *packed = bind_inputs(bytes, size, &inputs, bound, &packed_size);
    tern_model *m = NULL;
    tern_status status =
        packed ? tern_model_load_memory(&m, context, packed, packed_size) : TERN_ERR_UNSUPPORTED;
    const char *sentence = tern_context_message(context), *why = unsuitable(&outputs);
    if (!why && inputs.count) why = unsuitable(&inputs);
    if (status == TERN_ERR_UNSUPPORTED && must_run(name)) {
        print_message("FAILED: %s: %s\n", name, sentence);
        failed++;
    } else if (status == TERN_ERR_UNSUPPORTED) {
        skip_because(reason_of(sentence));
    } else if (why) {
        skip_because(why);
    } else if (status != TERN_OK && strstr(sentence, "int64 elements and must have float")) {
        skip_because("arithmetic of integers");
    } else if (status != TERN_OK) {
        print_message("FAILED: %s: %s\n", name, sentence);
        failed++;
    } else if (run_model(name, m, &inputs, bound, &outputs) &&
               run_again(name, m, &inputs, bound, &outputs)) {
        ran++;
    } else {
        failed++;
    }
    tern_model_free(m);
    free(packed);
    free_tensors(&inputs);
    free_tensors(&outputs);
    tern__free(context, bytes);
}

static int by_name(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* All folders of one kind, at least so many of which have to run. */
static void run_kind(const char *kind, int least) {
    char folder[512], *names[2000];
    snprintf(folder, sizeof folder, VECTORS "/%s", kind);
    DIR *d = opendir(folder);
    if (!d) {
        check_skip("%s is not there; install libonnx-testdata", folder);
    }
    size_t count = 0;
    for (struct dirent *e; (e = readdir(d)) && count < 2000;)
        if (e->d_name[0] != '.') names[count++] = strdup(e->d_name);
    closedir(d);
    qsort(names, count, sizeof *names, by_name);
    ran = failed = skipped = n_reasons = 0;
    for (size_t i = 0; i < count; i++) {
        snprintf(folder, sizeof folder, VECTORS "/%s/%s", kind, names[i]);
        try_folder(names[i], folder);
        free(names[i]);
    }
    print_message("%s: %d ran, %d failed, %d skipped\n", kind, ran, failed, skipped);
    for (int i = 0; i < n_reasons; i++)
        print_message("  skipped %3d: %s\n", reasons[i].count, reasons[i].text);
    assert_int_equal(failed, 0);
    assert_true(ran >= least);
}

static void node_vectors(void **state) {
    (void)state;
    run_kind("node", 280);
}
static void networks_of_pytorch(void **state) {
    (void)state;
    run_kind("pytorch-converted", 70);
}
static void operators_of_pytorch(void **state) {
    (void)state;
    run_kind("pytorch-operator", 18);
}
static void simple_models(void **state) {
    (void)state;
    run_kind("simple", 1);
}

static void saved_models_are_accepted(void **state) {
    (void)state;
    if (system("/usr/bin/python3 -c 'import onnx' 2>/dev/null") != 0) {
        check_skip("python3-onnx is not installed; ONNX's own checker was not asked");
    }
    assert_int_equal(
        system("/usr/bin/python3 -c 'import onnx, glob\n"
               "for f in sorted(glob.glob(\"" SAVED "/*.onnx\")):\n"
               "    m = onnx.load(f)\n"
               "    if m.opset_import[0].version > 17: continue  # newer than Debian 12\n"
               "    try: onnx.checker.check_model(m, full_check=True)\n"
               "    except Exception as e: raise SystemExit(f + \": \" + str(e))'"),
        0);
}

/* LSTM of others may say which activations it has; tern takes those that are meant anyway. */
static void activations_are_the_default_ones(void **state) {
    (void)state;
    const char *file = VECTORS "/node/test_lstm_defaults/model.onnx";
    if (access(file, R_OK) != 0) {
        check_skip("%s is not there; install libonnx-testdata", file);
    }
    for (int wrong = 0; wrong < 2; wrong++) {
        char *bytes;
        size_t size;
        tern__wire_budget budget;
        ProtobufCMessage *message;
        check_ok(context, tern__file_read(&bytes, &size, context, file, (size_t)1 << 20));
        check_ok(context, tern__wire_unpack(&message, &budget, context, file,
                                            &tern__onnx__model__descriptor, bytes, size));
        Tern__Onnx__Node *node = ((Tern__Onnx__Model *)message)->graph->node[0];
        const char *names[3] = {"Sigmoid", wrong ? "Relu" : "Tanh", "Tanh"};
        ProtobufCBinaryData strings[3];
        for (int i = 0; i < 3; i++)
            strings[i] = (ProtobufCBinaryData){strlen(names[i]), (uint8_t *)(uintptr_t)names[i]};
        Tern__Onnx__Attribute a = TERN__ONNX__ATTRIBUTE__INIT, *list[8], **kept = node->attribute;
        a.name = (char *)(uintptr_t) "activations";
        a.has_type = 1;
        a.type = 8;
        a.n_strings = 3;
        a.strings = strings;
        memcpy(list, kept, node->n_attribute * sizeof *list);
        list[node->n_attribute++] = &a;
        node->attribute = list;
        uint8_t packed[4096];
        size = tern__onnx__model__get_packed_size((Tern__Onnx__Model *)message);
        assert_true(size <= sizeof packed);
        tern__onnx__model__pack((Tern__Onnx__Model *)message, packed);
        node->attribute = kept;
        node->n_attribute--;
        tern__wire_free(message, &budget);
        tern__free(context, bytes);
        tern_model *m = NULL;
        if (wrong)
            check_error(context, TERN_ERR_UNSUPPORTED, "activation 1 is 'Relu'",
                        tern_model_load_memory(&m, context, packed, size));
        else
            check_ok(context, tern_model_load_memory(&m, context, packed, size));
        tern_model_free(m);
    }
}

static int make_folder(void **state) {
    (void)state;
    return mkdir(SAVED, 0755) == 0 || access(SAVED, W_OK) == 0 ? 0 : -1;
}

static int remove_folder(void **state) {
    (void)state;
    DIR *d = opendir(SAVED);
    if (!d) return -1;
    for (struct dirent *e; (e = readdir(d));) {
        char path[600];
        snprintf(path, sizeof path, SAVED "/%s", e->d_name);
        if (e->d_name[0] != '.') unlink(path);
    }
    closedir(d);
    return rmdir(SAVED);
}

int main(void) {
    if (tern_context_create(&context, NULL) != TERN_OK) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(node_vectors),
        cmocka_unit_test(networks_of_pytorch),
        cmocka_unit_test(operators_of_pytorch),
        cmocka_unit_test(simple_models),
        cmocka_unit_test(saved_models_are_accepted),
        cmocka_unit_test(activations_are_the_default_ones),
    };
    int result = cmocka_run_group_tests(tests, make_folder, remove_folder);
    tern_context_free(context);
    return result;
}
