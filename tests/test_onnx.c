/* ONNX files of tern's own: what is saved comes back to the bit and to the byte, and a file that is
 * cut or damaged gets a sentence. Foreign files: test_onnx_foreign.c. */
#include "check.h"
#include "core/base/file.h"
#include "core/graph/graph.h"
#include "core/graph/model.h"

#include <tern/model.h>

static tern_context *context;
static char path[64];

static int open_context(void **state) {
    (void)state;
    snprintf(path, sizeof path, "tern-test-%d.onnx", (int)getpid());
    return tern_context_create(&context, NULL) == TERN_OK ? 0 : -1;
}
static int close_context(void **state) {
    (void)state;
    unlink(path);
    tern_context_free(context);
    return 0;
}

/* ---- a network with something of everything ---- */

static tern_model *make_model(void) {
    tern_graph *g;
    check_ok(context, tern_graph_create(&g, context));
    tern_graph_set_seed(g, 7);
    tern_value x = tern_input(g, "picture", 4, (int64_t[]){-1, 3, -1, -1});
    tern_value y = tern_conv(
        x, 6,
        (tern_conv_options){
            .kernel_shape = {3, 3}, .pads = {1, 0, 1, 2}, .strides = {2, 1}, .name = "first"});
    y = tern_relu(tern_batch_normalization(y));
    y = tern_max_pool(y, 2, 2);
    tern_value branch = tern_leaky_relu(
        tern_conv(y, 6, (tern_conv_options){.kernel_shape = {1, 1}, .group = 2, .no_bias = true}),
        0.3f);
    float half = 0.5f;
    y = tern_mul(tern_add(y, branch), tern_constant(g, "half", TERN_FLOAT, 0, NULL, &half));
    y = tern_dropout(tern_global_average_pool(y), 0.25f);
    tern_output(g, "logits", tern_dense(tern_flatten(y), 4));
    tern_set_trainable(tern_find(g, "first.weight"), false);
    tern_model *m;
    check_ok(context, tern_model_create(&m, g));
    tern_graph_free(g);
    check_ok(context, tern_model_set_metadata(m, "tern.labels", "[\"d\xc3\xb6g\", \"cat\\n\"]"));
    check_ok(context, tern_model_set_metadata(m, "empty", ""));
    return m;
}

static char *read_file(const char *name, size_t *size) {
    char *bytes;
    check_ok(context, tern__file_read(&bytes, size, context, name, (size_t)1 << 30));
    return bytes;
}

/* Two graphs hold the same, names included. */
static void assert_same(const tern_graph *a, const tern_graph *b) {
    assert_int_equal(a->n_nodes, b->n_nodes);
    assert_int_equal(a->n_inputs, b->n_inputs);
    assert_int_equal(a->n_outputs, b->n_outputs);
    for (size_t i = 0; i < a->n_nodes; i++) {
        const tern__node *x = &a->nodes[i], *y = &b->nodes[i];
        assert_ptr_equal(x->op, y->op);
        assert_string_equal(x->name, y->name);
        assert_int_equal(x->n_inputs, y->n_inputs);
        assert_memory_equal(x->attributes, y->attributes, x->op->attribute_size);
        for (int k = 0; k < x->n_inputs; k++) {
            assert_int_equal(x->inputs[k] < 0, y->inputs[k] < 0);
            if (x->inputs[k] >= 0)
                assert_string_equal(a->values[x->inputs[k]].name, b->values[y->inputs[k]].name);
        }
    }
    for (size_t i = 0; i < a->n_values; i++) {
        const tern__value *x = &a->values[i];
        int other = tern__graph_find(b, x->name);
        assert_true(other >= 0);
        const tern__value *y = &b->values[other];
        assert_int_equal(x->kind, y->kind);
        assert_int_equal(x->shape.type, y->shape.type);
        assert_int_equal(x->shape.rank, y->shape.rank);
        assert_memory_equal(x->shape.dims, y->shape.dims, (size_t)x->shape.rank * sizeof(int64_t));
        if (x->data)
            assert_memory_equal(x->data, y->data,
                                (size_t)tern__shape_count(&x->shape) *
                                    tern__type_size(x->shape.type));
    }
}

static void comes_back(void **state) {
    (void)state;
    tern_model *m = make_model(), *again;
    check_ok(context, tern_model_save(m, path));
    check_ok(context, tern_model_load(&again, context, path));
    assert_same(tern_model_graph(m), tern_model_graph(again));
    assert_string_equal(tern_model_metadata(again, "tern.labels"), "[\"d\xc3\xb6g\", \"cat\\n\"]");
    assert_string_equal(tern_model_metadata(again, "empty"), "");
    assert_null(tern_model_metadata(again, "absent"));
    /* Kinds: what training changes, what it does not, what it changes without a gradient. */
    const tern_graph *g = tern_model_graph(again);
    int constants = 0, buffers = 0, parameters = 0;
    for (size_t i = 0; i < g->n_values; i++) {
        constants += g->values[i].kind == TERN__CONSTANT && g->values[i].shape.type == TERN_FLOAT;
        buffers += g->values[i].kind == TERN__BUFFER;
        parameters += g->values[i].kind == TERN__PARAMETER;
    }
    assert_int_equal(constants, 3); /* first.weight, half, the dropout's ratio */
    assert_int_equal(buffers, 2);   /* mean and variance */
    assert_int_equal(parameters,
                     6); /* first.bias, scale, B, the second weight, dense weight and bias */
    /* The same bytes from the copy. */
    size_t first_size, second_size;
    char *first = read_file(path, &first_size);
    check_ok(context, tern_model_save(again, path));
    char *second = read_file(path, &second_size);
    assert_int_equal(first_size, second_size);
    assert_memory_equal(first, second, first_size);
    tern__free(context, first);
    tern__free(context, second);
    tern_model_free(again);
    check_error(context, TERN_ERR_IO, "No space left", tern_model_save(m, "/dev/full"));
    tern_model_free(m);
}

/* Every prefix is refused with a sentence; every flipped bit is survived. */
static void cut_and_flipped(void **state) {
    (void)state;
    tern_model *m = make_model();
    check_ok(context, tern_model_save(m, path));
    tern_model_free(m);
    size_t size;
    char *bytes = read_file(path, &size);
    for (size_t cut = 0; cut < size; cut++) {
        char *exact = malloc(cut ? cut : 1); /* so that a sanitizer sees one byte too far */
        memcpy(exact, bytes, cut);
        assert_int_equal(tern_model_load_memory(&m, context, exact, cut), TERN_ERR_FORMAT);
        assert_null(m);
        free(exact);
    }
    for (size_t bit = 0; bit<size * 8; bit += size> 20000 ? 7 : 1) {
        bytes[bit / 8] ^= (char)(1 << bit % 8);
        tern_status status = tern_model_load_memory(&m, context, bytes, size);
        assert_true(status == TERN_OK
                        ? m != NULL
                        : m == NULL && (status == TERN_ERR_FORMAT || status == TERN_ERR_LIMIT ||
                                        status == TERN_ERR_UNSUPPORTED));
        tern_model_free(m);
        bytes[bit / 8] ^= (char)(1 << bit % 8);
    }
    tern__free(context, bytes);
}

static size_t count_left, live;
static void *failing_allocate(void *user, size_t size) {
    (void)user;
    if (count_left-- == 0) return NULL;
    live++;
    return aligned_alloc(64, (size + 63) & ~(size_t)63);
}
static void failing_release(void *user, void *pointer) {
    (void)user;
    live--;
    free(pointer);
}

static void every_allocation_fails_once(void **state) {
    (void)state;
    tern_model *m = make_model();
    check_ok(context, tern_model_save(m, path));
    tern_model_free(m);
    size_t size;
    char *bytes = read_file(path, &size);
    tern_allocator allocator = {failing_allocate, failing_release, NULL};
    tern_context_options o = TERN_CONTEXT_OPTIONS_INIT;
    o.allocator = &allocator;
    tern_context *c;
    count_left = SIZE_MAX;
    check_ok(c, tern_context_create(&c, &o));
    size_t before = live;
    tern_status status = TERN_ERR_MEMORY;
    for (size_t i = 0; status != TERN_OK; i++) {
        assert_true(i < 100000);
        count_left = i;
        status = tern_model_load_memory(&m, c, bytes, size);
        count_left = SIZE_MAX;
        if (status != TERN_OK) check_error(c, TERN_ERR_MEMORY, "out of memory", status);
        if (status != TERN_OK) assert_null(m);
        if (status != TERN_OK) assert_int_equal(live, before);
    }
    before = live;
    status = TERN_ERR_MEMORY;
    for (size_t i = 0; status != TERN_OK; i++) {
        unlink(path);
        count_left = i;
        status = tern_model_save(m, path);
        count_left = SIZE_MAX;
        assert_int_equal(live, before);
        if (status != TERN_OK) check_error(c, TERN_ERR_MEMORY, "out of memory", status);
        if (status != TERN_OK) assert_int_equal(access(path, F_OK), -1);
    }
    tern_model_free(m);
    tern_context_free(c);
    tern__free(context, bytes);
}

/* ONNX's own checker, where Debian's python3-onnx is installed. */
static void accepted_by_onnx(void **state) {
    (void)state;
    if (system("/usr/bin/python3 -c 'import onnx' 2>/dev/null") != 0) {
        check_skip("python3-onnx is not installed; ONNX's own checker was not asked");
    }
    tern_model *m = make_model();
    check_ok(context, tern_model_save(m, path));
    tern_model_free(m);
    char command[512];
    snprintf(command, sizeof command,
             "/usr/bin/python3 -c 'import onnx, sys; m = onnx.load(sys.argv[1]); "
             "onnx.checker.check_model(m, full_check=True); "
             "assert m.metadata_props[0].key == \"tern.labels\"' %s",
             path);
    assert_int_equal(system(command), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comes_back),
        cmocka_unit_test(cut_and_flipped),
        cmocka_unit_test(every_allocation_fails_once),
        cmocka_unit_test(accepted_by_onnx),
    };
    return cmocka_run_group_tests(tests, open_context, close_context);
}
