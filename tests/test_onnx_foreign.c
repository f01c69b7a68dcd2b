/* ONNX files of others, written here message by message: every encoding, older and newer operator
 * sets, and all that is refused. */
#include "onnx_messages.h"

static const tern__value *value_of(const tern_graph *g, const char *name) {
    int v = tern__graph_find(g, name);
    if (v < 0) fail_msg("there is no value '%s'", name);
    return &g->values[v];
}

static void assert_floats(const tern_graph *g, const char *name, size_t count,
                          const float *expected) {
    const tern__value *v = value_of(g, name);
    assert_int_equal(v->shape.type, TERN_FLOAT);
    assert_int_equal(tern__shape_count(&v->shape), count);
    for (size_t i = 0; i < count; i++) check_close(((float *)v->data)[i], expected[i], 0, 0);
}
static void assert_ints(const tern_graph *g, int value, size_t count, const int64_t *expected) {
    assert_true(value >= 0);
    const tern__value *v = &g->values[value];
    assert_int_equal(v->shape.type, TERN_INT64);
    assert_int_equal(v->kind, TERN__CONSTANT);
    assert_int_equal(tern__shape_count(&v->shape), count);
    assert_memory_equal(v->data, expected, count * 8);
}

static void tensor_encodings(void **state) {
    (void)state;
    begin(17);
    input("x", 1, DIMS(2));
    node("Relu", "x", "y");
    output("y");
    initializer(raw(tensor("f16", TERN__ONNX_FLOAT16, 1, DIMS(7)), 14,
                    (uint16_t[]){0x3c00, 0xc000, 0x7bff, 0x0001, 0x83ff, 0x7c00, 0x7e00}));
    initializer(
        raw(tensor("bf16", TERN__ONNX_BFLOAT16, 1, DIMS(2)), 4, (uint16_t[]){0x3f80, 0xc0a0}));
    initializer(raw(tensor("f64", TERN__ONNX_DOUBLE, 1, DIMS(2)), 16, (double[]){0.1, -3}));
    initializer(raw(tensor("u8", TERN__ONNX_UINT8, 1, DIMS(2)), 2, (uint8_t[]){0, 255}));
    initializer(raw(tensor("i8", TERN__ONNX_INT8, 1, DIMS(2)), 2, (int8_t[]){-128, 127}));
    initializer(raw(tensor("u16", TERN__ONNX_UINT16, 1, DIMS(1)), 2, (uint16_t[]){65535}));
    initializer(raw(tensor("i16", TERN__ONNX_INT16, 1, DIMS(1)), 2, (int16_t[]){-32768}));
    initializer(raw(tensor("i32", TERN__ONNX_INT32, 1, DIMS(1)), 4, (int32_t[]){INT32_MIN}));
    initializer(raw(tensor("u32", TERN__ONNX_UINT32, 1, DIMS(1)), 4, (uint32_t[]){UINT32_MAX}));
    initializer(raw(tensor("bool", TERN__ONNX_BOOL, 1, DIMS(2)), 2, (uint8_t[]){0, 1}));
    initializer(raw(tensor("none", TERN__ONNX_FLOAT, 2, DIMS(0, 3)), 0, ""));
    Tern__Onnx__Tensor *t = initializer(tensor("floats", TERN__ONNX_FLOAT, 2, DIMS(1, 2)));
    t->n_float_data = 2;
    t->float_data = (float[]){1.5f, -0.0f};
    t = initializer(tensor("doubles", TERN__ONNX_DOUBLE, 1, DIMS(1)));
    t->n_double_data = 1;
    t->double_data = (double[]){2.5};
    t = initializer(tensor("ints", TERN__ONNX_INT64, 1, DIMS(2)));
    t->n_int64_data = 2;
    t->int64_data = (int64_t[]){INT64_MIN, INT64_MAX};
    t = initializer(tensor("int32s", TERN__ONNX_INT8, 1, DIMS(2)));
    t->n_int32_data = 2;
    t->int32_data = (int32_t[]){-1, 5};
    t = initializer(tensor("halves", TERN__ONNX_FLOAT16, 1, DIMS(1)));
    t->n_int32_data = 1;
    t->int32_data = (int32_t[]){0x3800};
    t = initializer(tensor("uint64s", TERN__ONNX_UINT32, 1, DIMS(1)));
    t->n_uint64_data = 1;
    t->uint64_data = (uint64_t[]){4000000000u};
    tern_model *m;
    const tern_graph *g = loaded(&m);
    assert_floats(g, "f16", 7, (float[]){1, -2, 65504, 0x1p-24f, -1023 * 0x1p-24f, INFINITY, NAN});
    assert_floats(g, "bf16", 2, (float[]){1, -5});
    assert_floats(g, "f64", 2, (float[]){0.1f, -3});
    assert_floats(g, "floats", 2, (float[]){1.5f, 0});
    assert_true(signbit(((float *)value_of(g, "floats")->data)[1]));
    assert_floats(g, "doubles", 1, (float[]){2.5f});
    assert_floats(g, "halves", 1, (float[]){0.5f});
    assert_int_equal(value_of(g, "none")->shape.dims[0], 0);
    assert_ints(g, tern__graph_find(g, "u8"), 2, DIMS(0, 255));
    assert_ints(g, tern__graph_find(g, "i8"), 2, DIMS(-128, 127));
    assert_ints(g, tern__graph_find(g, "u16"), 1, DIMS(65535));
    assert_ints(g, tern__graph_find(g, "i16"), 1, DIMS(-32768));
    assert_ints(g, tern__graph_find(g, "i32"), 1, DIMS(INT32_MIN));
    assert_ints(g, tern__graph_find(g, "u32"), 1, DIMS(UINT32_MAX));
    assert_ints(g, tern__graph_find(g, "bool"), 2, DIMS(0, 1));
    assert_ints(g, tern__graph_find(g, "ints"), 2, DIMS(INT64_MIN, INT64_MAX));
    assert_ints(g, tern__graph_find(g, "int32s"), 2, DIMS(-1, 5));
    assert_ints(g, tern__graph_find(g, "uint64s"), 1, DIMS(4000000000));
    tern_model_free(m);
}

static void bad_tensors(void **state) {
    (void)state;
    begin(17);
    input("x", 1, DIMS(2));
    node("Relu", "x", "y");
    output("y");
    float data[4] = {0};
    Tern__Onnx__Tensor *t =
        initializer(raw(tensor("w", TERN__ONNX_FLOAT, 2, DIMS(2, 2)), 16, data));
    t->raw_data.len = 12;
    REFUSED(TERN_ERR_FORMAT,
            "initializer 'w' has 3 elements of type float where its shape needs 4");
    t->raw_data.len = 15;
    REFUSED(TERN_ERR_FORMAT, "initializer 'w' has 3 elements");
    t->has_raw_data = 0;
    REFUSED(TERN_ERR_FORMAT, "initializer 'w' has 0 elements");
    t->dims[0] = -2;
    REFUSED(TERN_ERR_FORMAT, "dimension 0 is -2");
    t->dims[0] = t->dims[1] = INT64_MAX / 2;
    REFUSED(TERN_ERR_FORMAT, "which is not a size");
    t->dims[0] = t->dims[1] = 1 << 30; /* nothing is allocated for it */
    REFUSED(TERN_ERR_FORMAT, "where its shape needs 1152921504606846976");
    t->n_dims = 9;
    t->dims = (int64_t[9]){0};
    REFUSED(TERN_ERR_LIMIT, "9 dimensions");
    t->n_dims = 0;
    t->data_type = TERN__ONNX_STRING;
    REFUSED(TERN_ERR_UNSUPPORTED, "elements of ONNX type 8");
    t->data_type = -1;
    REFUSED(TERN_ERR_UNSUPPORTED, "elements of ONNX type -1");
    t->data_type = TERN__ONNX_FLOAT;
    t->has_data_location = t->data_location = 1;
    REFUSED(TERN_ERR_UNSUPPORTED, "keeps its data in another file");
    t->has_data_location = t->data_location = 0;
    /* A default for an input: it counts as a constant then. */
    *t = *raw(tensor("x", TERN__ONNX_FLOAT, 0, NULL), 4, data);
    tern_model *m;
    assert_int_equal(loaded(&m)->n_inputs, 0);
    tern_model_free(m);
}

static void bad_graphs(void **state) {
    (void)state;
    tern_model *m;
    check_error(context, TERN_ERR_FORMAT, "is empty", tern_model_load_memory(&m, context, "", 0));
    check_error(context, TERN_ERR_IO, "absent.onnx: cannot open",
                tern_model_load(&m, context, "absent.onnx"));
    assert_null(m);
    begin(17);
    model->graph = NULL;
    REFUSED(TERN_ERR_FORMAT, "holds no graph");
    begin(5);
    REFUSED(TERN_ERR_UNSUPPORTED, "operator set 5 of ONNX; tern reads 6 to 22");
    begin(23);
    REFUSED(TERN_ERR_UNSUPPORTED, "operator set 23");
    begin(17);
    node("Relu", "x", "z");
    model->n_opset_import = 0;
    REFUSED(TERN_ERR_FORMAT, "is it cut off?");
    begin(17);
    input("x", 1, DIMS(2));
    REFUSED(TERN_ERR_FORMAT, "no outputs");
    output("z");
    REFUSED(TERN_ERR_FORMAT, "nothing makes the output 'z'");
    output("x");
    node("Relu", "x", "z");
    REFUSED(TERN_ERR_UNSUPPORTED, "the output 'x' is an input");
    graph->n_output = 1;
    node("Relu", "w", "a");
    REFUSED(TERN_ERR_FORMAT, "Relu 'a' uses 'w', which nothing makes");
    graph->node[1] = node("Add", "x,b", "a");
    graph->node[2] = node("Relu", "a", "b");
    graph->n_node = 3;
    REFUSED(TERN_ERR_FORMAT, "cycle");
    graph->node[0]->input[0] = keep("b"); /* a cycle that the first node is not in */
    REFUSED(TERN_ERR_FORMAT, "cycle");
    graph->node[0]->input[0] = keep("x");
    graph->node[1] = node("Relu", "a", "a");
    graph->n_node = 2;
    REFUSED(TERN_ERR_FORMAT, "cycle");
    graph->node[1] = node("Relu", "x", "z");
    graph->n_node = 2;
    REFUSED(TERN_ERR_FORMAT, "two nodes make a value named 'z'");
    graph->node[1] = node("Relu", "z", "x");
    graph->n_node = 2;
    REFUSED(TERN_ERR_FORMAT, "two values named 'x'");
    graph->node[1] = node("Wibble", "x", "p");
    graph->node[2] = node("Wibble", "x", "q");
    graph->node[3] = node("Relu", "x", "r");
    graph->node[3]->domain = keep("com.example");
    graph->n_node = 4;
    REFUSED(TERN_ERR_UNSUPPORTED, "(3 of 4 nodes): Wibble, com.example.Relu");
    graph->n_node = 1;
    input("t", 1, DIMS(2));
    graph->input[1]->type->tensor_type->elem_type = TERN__ONNX_STRING;
    REFUSED(TERN_ERR_UNSUPPORTED, "input 't' has elements of ONNX type 8");
    graph->input[1]->type->tensor_type = NULL;
    REFUSED(TERN_ERR_UNSUPPORTED, "input 't' is not a tensor of known rank");
    graph->input[1] = info("x", TERN__ONNX_FLOAT, 1, DIMS(2));
    REFUSED(TERN_ERR_FORMAT, "two values named 'x'");
    graph->n_input = 1;
    Tern__Onnx__Function *function;
    NEW(function, tern__onnx__function);
    function->name = keep("Attention");
    model->functions = &function;
    model->n_functions = 1;
    REFUSED(TERN_ERR_UNSUPPORTED, "functions of its own ('Attention')");
}

static void attributes(void **state) {
    (void)state;
    begin(17);
    input("x", 4, DIMS(-1, 2, 8, 8));
    Tern__Onnx__Node *n = node("MaxPool", "x", "y");
    output("y");
    REFUSED(TERN_ERR_FORMAT, "kernel_shape");
    give_int(n, "kernel_shape", 2);
    REFUSED(TERN_ERR_FORMAT, "attribute 'kernel_shape' is of type int, not ints");
    n->n_attribute = 0;
    GIVE_INTS(n, "kernel_shape", 2, 2);
    give_float(n, "colour", 2);
    REFUSED(TERN_ERR_UNSUPPORTED, "MaxPool 'y': there is no attribute 'colour'");
    n->attribute[1] = n->attribute[0];
    REFUSED(TERN_ERR_FORMAT, "MaxPool 'y': attribute 'kernel_shape' is there twice");
    n->n_attribute = 1;
    Tern__Onnx__Attribute *a = attribute(n, "strides", TERN__ONNX_ATTRIBUTE_FLOATS);
    REFUSED(TERN_ERR_UNSUPPORTED, "attribute 'strides' holds floats");
    a->type = 99;
    REFUSED(TERN_ERR_UNSUPPORTED, "attribute 'strides' holds what it may not");
    a->type = TERN__ONNX_ATTRIBUTE_STRING;
    a->name = keep("auto_pad");
    a->has_s = 1;
    a->s.data = (uint8_t *)keep("SAME_UPPER");
    a->s.len = 10;
    give_int(n, "storage_order", 0);
    tern_model *m;
    const tern_graph *g = loaded(&m);
    assert_int_equal(value_of(g, "y")->shape.dims[2], 8);
    tern_model_free(m);
    a->has_type = 0; /* as files of IR version 1 */
    tern_model_free((loaded(&m), m));
    n->attribute[2]->i = 1;
    n->n_output = 1;
    REFUSED(TERN_ERR_UNSUPPORTED, "storage_order");
    for (int i = 0; i < 33; i++) n->attribute[i] = n->attribute[0];
    n->n_attribute = 33;
    REFUSED(TERN_ERR_LIMIT, "33 attributes");
}

static const tern__node *only(const tern_graph *g, const char *op) {
    const tern__node *found = NULL;
    for (size_t i = 0; i < g->n_nodes; i++)
        if (strcmp(g->nodes[i].op->name, op) == 0) {
            assert_null(found);
            found = &g->nodes[i];
        }
    if (!found) fail_msg("there is no node %s", op);
    return found;
}

/* Loads, checks that y has these dims, saves, and loads again to the same. */
static const tern_graph *expect_dims(tern_model **m, size_t rank, const int64_t *dims) {
    const tern_graph *g = loaded(m);
    const tern__shape *s = &value_of(g, "y")->shape;
    assert_int_equal(s->rank, rank);
    for (size_t i = 0; i < rank; i++) assert_int_equal(s->dims[i], dims[i]);
    tern_model *again;
    check_ok(context, tern_model_save(*m, path));
    check_ok(context, tern_model_load(&again, context, path));
    size_t size, size_again;
    char *bytes = read_file(path, &size);
    check_ok(context, tern_model_save(again, path));
    char *bytes_again = read_file(path, &size_again);
    assert_int_equal(size, size_again);
    assert_memory_equal(bytes, bytes_again, size);
    tern__free(context, bytes);
    tern__free(context, bytes_again);
    tern_model_free(again);
    return g;
}

static void older_and_newer_sets(void **state) {
    (void)state;
    tern_model *m;
    const tern_graph *g;
    /* Axes: attributes before set 13 (18 for means), inputs after. */
    begin(11);
    input("x", 4, DIMS(2, 1, 3, 1));
    Tern__Onnx__Node *n = node("Squeeze", "x", "y");
    GIVE_INTS(n, "axes", 1, 3);
    output("y");
    g = expect_dims(&m, 2, DIMS(2, 3));
    assert_ints(g, only(g, "Squeeze")->inputs[1], 2, DIMS(1, 3));
    tern_model_free(m);
    begin(11);
    input("x", 2, DIMS(2, 3));
    n = node("Unsqueeze", "x", "y");
    GIVE_INTS(n, "axes", 0, 3);
    output("y");
    expect_dims(&m, 4, DIMS(1, 2, 3, 1));
    tern_model_free(m);
    begin(11);
    input("x", 2, DIMS(2, 3));
    n = node("ReduceSum", "x", "y");
    GIVE_INTS(n, "axes", 1);
    give_int(n, "keepdims", 0);
    output("y");
    expect_dims(&m, 1, DIMS(2));
    tern_model_free(m);
    for (int opset = 17; opset <= 18; opset++) {
        begin(opset);
        input("x", 2, DIMS(2, 3));
        n = node("ReduceMean", opset < 18 ? "x" : "x,axes", "y");
        if (opset < 18)
            GIVE_INTS(n, "axes", 1);
        else
            int_initializer("axes", 1, DIMS(1)), give_int(n, "noop_with_empty_axes", 0);
        output("y");
        g = expect_dims(&m, 2, DIMS(2, 1));
        assert_int_equal(only(g, "ReduceMean")->n_inputs, 1);
        tern_model_free(m);
    }
    begin(18);
    input("x", 2, DIMS(2, 3));
    n = node("ReduceMax", "x", "y");
    give_int(n, "noop_with_empty_axes", 1);
    output("y");
    g = expect_dims(&m, 2, DIMS(2, 3));
    only(g, "Identity");
    tern_model_free(m);
    /* Dropout's ratio. */
    for (int opset = 11; opset <= 12; opset++) {
        begin(opset);
        input("x", 2, DIMS(2, 3));
        n = node("Dropout", opset < 12 ? "x" : "x,ratio,mode", "y");
        if (opset < 12) {
            give_float(n, "ratio", 0.25f);
        } else {
            initializer(raw(tensor("ratio", TERN__ONNX_FLOAT, 0, NULL), 4, (float[]){0.25f}));
            initializer(raw(tensor("mode", TERN__ONNX_BOOL, 0, NULL), 1, (uint8_t[]){0}));
            give_int(n, "seed", 5);
        }
        output("y");
        g = expect_dims(&m, 2, DIMS(2, 3));
        n = NULL;
        assert_int_equal(only(g, "Dropout")->n_inputs, 2);
        check_close(*(float *)g->values[only(g, "Dropout")->inputs[1]].data, 0.25, 0, 0);
        tern_model_free(m);
    }
    graph->initializer[1]->raw_data.data[0] = 1;
    REFUSED(TERN_ERR_UNSUPPORTED, "training_mode is not the constant false");
    /* Pad, Slice, Split with attributes. */
    begin(10);
    input("x", 2, DIMS(2, 3));
    n = node("Pad", "x", "y");
    GIVE_INTS(n, "pads", 0, 1, 2, 0);
    give_float(n, "value", 7);
    output("y");
    g = expect_dims(&m, 2, DIMS(4, 4));
    check_close(*(float *)g->values[only(g, "Pad")->inputs[2]].data, 7, 0, 0);
    tern_model_free(m);
    begin(9);
    input("x", 2, DIMS(4, 6));
    n = node("Slice", "x", "y");
    GIVE_INTS(n, "starts", 1, 2);
    GIVE_INTS(n, "ends", 3, 1000);
    GIVE_INTS(n, "axes", 0, 1);
    output("y");
    expect_dims(&m, 2, DIMS(2, 4));
    tern_model_free(m);
    begin(11);
    input("x", 2, DIMS(-1, 7));
    n = node("Split", "x", "y,z");
    give_int(n, "axis", 1);
    GIVE_INTS(n, "split", 3, 4);
    output("y");
    output("z");
    g = expect_dims(&m, 2, DIMS(-1, 3));
    assert_int_equal(value_of(g, "z")->shape.dims[1], 4);
    tern_model_free(m);
    begin(18);
    input("x", 2, DIMS(-1, 7));
    n = node("Split", "x", "y,z,w");
    give_int(n, "axis", -1);
    give_int(n, "num_outputs", 3);
    output("y");
    output("w");
    g = expect_dims(&m, 2, DIMS(-1, 3));
    assert_int_equal(value_of(g, "w")->shape.dims[1], 1);
    tern_model_free(m);
    /* Set 6 broadcasts from an axis on. */
    begin(6);
    input("x", 4, DIMS(-1, 3, 4, 5));
    initializer(raw(tensor("b", TERN__ONNX_FLOAT, 1, DIMS(3)), 12, (float[]){1, 2, 3}));
    n = node("Add", "x,b", "y");
    give_int(n, "broadcast", 1);
    give_int(n, "axis", 1);
    output("y");
    g = expect_dims(&m, 4, DIMS(-1, 3, 4, 5));
    assert_ints(g, only(g, "Unsqueeze")->inputs[1], 2, DIMS(1, 2));
    tern_model_free(m);
    /* and a row of slopes was one for each channel. */
    for (int opset = 6; opset <= 7; opset++) {
        begin(opset);
        input("x", 4, DIMS(-1, 3, 4, 3));
        initializer(raw(tensor("b", TERN__ONNX_FLOAT, 1, DIMS(3)), 12, (float[]){1, 2, 3}));
        node("PRelu", "x,b", "y");
        output("y");
        g = expect_dims(&m, 4, DIMS(-1, 3, 4, 3));
        assert_int_equal(g->n_nodes, opset < 7 ? 2 : 1);
        if (opset < 7) assert_ints(g, only(g, "Unsqueeze")->inputs[1], 2, DIMS(1, 2));
        tern_model_free(m);
    }
    /* BatchNormalization with its outputs for training. */
    begin(8);
    input("x", 2, DIMS(-1, 2));
    const char *names[] = {"s", "b", "mean", "var"};
    for (int i = 0; i < 4; i++)
        initializer(raw(tensor(names[i], TERN__ONNX_FLOAT, 1, DIMS(2)), 8, (float[]){1, 1}));
    n = node("BatchNormalization", "x,s,b,mean,var", "y,m2,v2,m3,v3");
    give_int(n, "spatial", 1);
    output("y");
    for (int i = 0; i < 4; i++) input(names[i], 1, DIMS(2)); /* as before IR version 4 */
    g = expect_dims(&m, 2, DIMS(-1, 2));
    assert_int_equal(g->n_inputs, 1);
    assert_int_equal(value_of(g, "mean")->kind, TERN__BUFFER);
    assert_int_equal(value_of(g, "s")->kind, TERN__PARAMETER);
    tern_model_free(m);
    n->attribute[0]->i = 0;
    REFUSED(TERN_ERR_UNSUPPORTED, "spatial");
    n->attribute[0]->i = 1;
    node("Relu", "m2", "r");
    output("r");
    REFUSED(TERN_ERR_FORMAT, "does not make at inference");
}

static void softmax_of_older_sets(void **state) {
    (void)state;
    tern_model *m;
    begin(11);
    input("x", 2, DIMS(-1, 5));
    node("Softmax", "x", "y");
    output("y");
    const tern_graph *g = expect_dims(&m, 2, DIMS(-1, 5));
    assert_int_equal(g->n_nodes, 1);
    tern_model_free(m);
    begin(11);
    input("x", 4, DIMS(-1, 5, 1, 1)); /* one dimension is what is summed over */
    node("LogSoftmax", "x", "y");
    output("y");
    g = expect_dims(&m, 4, DIMS(-1, 5, 1, 1));
    assert_int_equal(g->n_nodes, 1);
    tern_model_free(m);
    begin(11);
    input("x", 4, DIMS(-1, 5, 2, 3));
    node("Softmax", "x", "y");
    output("y");
    g = expect_dims(&m, 4, DIMS(-1, 5, 2, 3));
    assert_int_equal(g->n_nodes, 3);
    int matrix = only(g, "Softmax")->inputs[0];
    assert_int_equal(g->values[matrix].shape.rank, 2);
    assert_int_equal(g->values[matrix].shape.dims[1], 30);
    tern_model_free(m);
    begin(11);
    input("x", 4, DIMS(-1, 5, -1, 3));
    node("Softmax", "x", "y");
    output("y");
    REFUSED(TERN_ERR_UNSUPPORTED, "all dimensions but one");
    begin(13);
    input("x", 4, DIMS(-1, 5, -1, 3));
    node("Softmax", "x", "y");
    output("y");
    g = expect_dims(&m, 4, DIMS(-1, 5, -1, 3));
    assert_int_equal(g->n_nodes, 1);
    tern_model_free(m);
}

/* Names shared, absent and out of order; Constant nodes. */
static void names_and_order(void **state) {
    (void)state;
    begin(17);
    input("x", 1, DIMS(2));
    graph->node[0] = node("Add", "b,f", "y");
    node("Relu", "a", "b");
    node("Relu", "x", "a");
    Tern__Onnx__Attribute *a =
        attribute(node("Constant", "", "f"), "value_floats", TERN__ONNX_ATTRIBUTE_FLOATS);
    a->n_floats = 2;
    a->floats = (float[]){1, 2};
    a = attribute(node("Constant", "", "t"), "value", TERN__ONNX_ATTRIBUTE_TENSOR);
    a->t = raw(tensor("", TERN__ONNX_FLOAT, 0, NULL), 4, (float[]){5});
    give_int(node("Constant", "", "i"), "value_int", 9);
    a = attribute(node("Constant", "", "l"), "value_ints", TERN__ONNX_ATTRIBUTE_INTS);
    a->n_ints = 2;
    a->ints = (int64_t[]){3, 4};
    for (int i = 0; i < 3; i++) graph->node[i]->name = keep("same");
    graph->node[0]->domain = keep("ai.onnx");
    output("y");
    tern_model *m;
    const tern_graph *g = loaded(&m);
    assert_int_equal(g->n_nodes, 3);
    assert_string_equal(g->nodes[0].name, "same");
    assert_string_equal(g->nodes[1].name, "b");
    assert_string_equal(g->nodes[2].name, "y");
    assert_floats(g, "f", 2, (float[]){1, 2});
    assert_int_equal(value_of(g, "f")->kind, TERN__CONSTANT);
    assert_floats(g, "t", 1, (float[]){5});
    assert_ints(g, tern__graph_find(g, "i"), 1, DIMS(9));
    assert_ints(g, tern__graph_find(g, "l"), 2, DIMS(3, 4));
    tern_model_free(m);
    a->name = keep("value_string");
    REFUSED(TERN_ERR_UNSUPPORTED, "Constant 'l' holds 'value_string'");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tensor_encodings),     cmocka_unit_test(bad_tensors),
        cmocka_unit_test(bad_graphs),           cmocka_unit_test(attributes),
        cmocka_unit_test(older_and_newer_sets), cmocka_unit_test(softmax_of_older_sets),
        cmocka_unit_test(names_and_order),
    };
    return cmocka_run_group_tests(tests, open_context, close_context);
}
