/* Files that compute shapes, and other things that reading settles: what must be known when the
 * network is built is, and what cannot be known is refused. */
#include "onnx_messages.h"

static Tern__Onnx__Node *filled(const char *shape, const char *name, int type, const void *value) {
    Tern__Onnx__Node *n = node("ConstantOfShape", shape, name);
    if (value)
        attribute(n, "value", TERN__ONNX_ATTRIBUTE_TENSOR)->t =
            raw(tensor("", type, 1, DIMS(1)), type == TERN__ONNX_FLOAT ? 4 : 8, value);
    return n;
}

static size_t count_nodes(const tern_graph *g, const char *op) {
    size_t count = 0;
    for (size_t i = 0; i < g->n_nodes; i++) count += strcmp(g->nodes[i].op->name, op) == 0;
    return count;
}

static void check_shape(const tern_graph *g, int rank, const int64_t *dims) {
    const tern__shape *s = &g->values[g->outputs[0]].shape;
    assert_int_equal(s->rank, rank);
    for (int i = 0; i < rank; i++) assert_int_equal(s->dims[i], dims[i]);
}

/* [N, 3, 4] seen as [0, the product of what Shape says of its last axes]. */
static void shapes_are_computed(void **state) {
    (void)state;
    begin(17);
    input("x", 3, DIMS(-1, 3, 4));
    int_initializer("zero", 1, DIMS(0));
    int_initializer("two", 1, DIMS(2));
    give_int(node("Shape", "x", "inner"), "start", 1);
    Tern__Onnx__Node *n = node("Gather", "inner,zero", "three");
    give_int(n, "axis", 0);
    n = node("Concat", "zero,three,two,two", "shape");
    give_int(n, "axis", 0);
    node("Reshape", "x,shape", "y");
    output("y");
    tern_model *m;
    const tern_graph *g = loaded(&m);
    assert_int_equal(g->n_nodes, 1);
    check_shape(g, 4, DIMS(-1, 3, 2, 2));
    tern_model_free(m);
}

/* Pads somewhat as PyTorch writes them: [[0, 64], [0, 0]], the zeros of a computed number, turned
 * to the begins 0, 0 and the ends 64, 0. */
static void pads_are_computed(void **state) {
    (void)state;
    begin(17);
    input("x", 2, DIMS(1, 5));
    int_initializer("ends", 2, DIMS(0, 64));
    int_initializer("missing", 1, DIMS(2));
    int_initializer("pairs", 2, DIMS(-1, 2));
    int_initializer("flat", 1, DIMS(-1));
    filled("missing", "zeros", 0, NULL);
    node("Cast", "zeros", "integers");
    give_int(graph->node[1], "to", TERN__ONNX_INT64);
    give_int(node("Concat", "ends,integers", "all"), "axis", 0);
    node("Reshape", "all,pairs", "matrix");
    GIVE_INTS(node("Transpose", "matrix", "turned"), "perm", 1, 0);
    node("Reshape", "turned,flat", "pads");
    node("Pad", "x,pads", "y");
    output("y");
    tern_model *m;
    /* ConstantOfShape without a value makes floats: as a Cast of floats is no arithmetic of
     * shapes, the pads stay unknown. */
    REFUSED(TERN_ERR_UNSUPPORTED, "pads");
    graph->node[0]->n_attribute = 0;
    graph->node[0] = filled("missing", "zeros", TERN__ONNX_INT64, DIMS(0));
    graph->n_node--;
    const tern_graph *g = loaded(&m);
    assert_int_equal(g->n_nodes, 1);
    check_shape(g, 2, DIMS(65, 5));
    tern_model_free(m);
}

static void integers_are_one_type(void **state) {
    (void)state;
    begin(17);
    input("x", 1, DIMS(4));
    int_initializer("shape", 2, DIMS(2, 2));
    give_int(node("Cast", "shape", "narrow"), "to", TERN__ONNX_INT32);
    give_int(node("Cast", "narrow", "wide"), "to", TERN__ONNX_INT64);
    node("Reshape", "x,wide", "y");
    output("y");
    tern_model *m;
    const tern_graph *g = loaded(&m);
    assert_int_equal(count_nodes(g, "Cast"), 0);
    tern_model_free(m);
}

/* Numbers of Resize and its kin are no weights: training must not change them. */
static void settings_are_no_weights(void **state) {
    (void)state;
    begin(13);
    input("x", 3, DIMS(1, 1, 4));
    initializer(raw(tensor("scales", TERN__ONNX_FLOAT, 1, DIMS(3)), 12, (float[]){1, 1, 2}));
    initializer(raw(tensor("roi", TERN__ONNX_FLOAT, 1, DIMS(0)), 0, ""));
    initializer(raw(tensor("six", TERN__ONNX_FLOAT, 1, DIMS(1)), 4, (float[]){6}));
    node("Resize", "x,roi,scales", "r");
    node("Clip", "r,,six", "y");
    output("y");
    tern_model *m;
    const tern_graph *g = loaded(&m);
    check_shape(g, 3, DIMS(1, 1, 8));
    assert_int_equal(g->values[tern__graph_find(g, "scales")].kind, TERN__CONSTANT);
    assert_int_equal(g->values[tern__graph_find(g, "six")].kind, TERN__CONSTANT);
    tern_model_free(m);
}

static void what_is_unknown_is_refused(void **state) {
    (void)state;
    begin(17);
    input("x", 2, DIMS(-1, 3));
    node("Shape", "x", "s");
    node("Reshape", "x,s", "y");
    output("y");
    REFUSED(TERN_ERR_UNSUPPORTED, "dimension 0 of 'x' is only known at run time");

    begin(17);
    input("x", 1, DIMS(3));
    graph->input[0]->type->tensor_type->elem_type = TERN__ONNX_INT64;
    filled("x", "y", 0, NULL);
    output("y");
    REFUSED(TERN_ERR_UNSUPPORTED, "the shape is only known at run time");

    static const int64_t wrong[][2] = {{-1, 2}, {1 << 20, 1 << 20}};
    for (int i = 0; i < 2; i++) {
        begin(17);
        input("x", 1, DIMS(3));
        int_initializer("s", 2, wrong[i]);
        filled("s", "z", 0, NULL);
        node("Add", "x,z", "y");
        output("y");
        REFUSED(TERN_ERR_LIMIT, "ConstantOfShape 'z': the shape is wrong");
    }

    begin(17);
    input("x", 1, DIMS(3));
    node("Shape", "", "s");
    node("Reshape", "x,s", "y");
    output("y");
    REFUSED(TERN_ERR_FORMAT, "has not one input and one output");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shapes_are_computed),        cmocka_unit_test(pads_are_computed),
        cmocka_unit_test(integers_are_one_type),      cmocka_unit_test(settings_are_no_weights),
        cmocka_unit_test(what_is_unknown_is_refused),
    };
    return cmocka_run_group_tests(tests, open_context, close_context);
}
