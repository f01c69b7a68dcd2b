/* Resize: see ops/harness.h for what each row goes through. */
#include "check.h"
#include "ops/harness.h"

#include <tern/session.h>

#define NONE                                                                                       \
    { .kind = OP_NONE }
#define FLOATS(...)                                                                                \
    {                                                                                              \
        .kind = OP_CONSTANT, .whole = true, .rank = 1,                                             \
        .dims = {(int64_t)(sizeof((double[]){__VA_ARGS__}) / sizeof(double))},                     \
        .data = (const double[]) {                                                                 \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }
#define RESIZE(name, ...)                                                                          \
    { .title = "Resize_" name, .op = "Resize", .reference = reference_resize, __VA_ARGS__ }
#define SCALES(...) NONE, FLOATS(__VA_ARGS__)
#define SIZES(...) NONE, NONE, OP_NUMBERS(__VA_ARGS__)
#define WAY(name) OP_TEXT_ATTRIBUTE("coordinate_transformation_mode", name)
#define LINEAR OP_TEXT_ATTRIBUTE("mode", "linear")
#define CUBIC OP_TEXT_ATTRIBUTE("mode", "cubic")
#define ROUND(name) OP_TEXT_ATTRIBUTE("nearest_mode", name)

/* Up, down, and to the same size in another way of counting, for each mode. */
#define WAYS(name, ...)                                                                            \
    RESIZE("nearest_" name "_up", .inputs = {OP_FLOAT(2, 3, 4, 5), SCALES(1, 1, 2, 1.7)},          \
           .attributes = {__VA_ARGS__}),                                                           \
        RESIZE("linear_" name "_up", .inputs = {OP_FLOAT(2, 3, 4, 5), SCALES(1, 1, 2, 1.7)},       \
               .attributes = {LINEAR, __VA_ARGS__}),                                               \
        RESIZE("cubic_" name "_up", .inputs = {OP_FLOAT(2, 3, 4, 5), SCALES(1, 1, 2, 1.7)},        \
               .attributes = {CUBIC, __VA_ARGS__}),                                                \
        RESIZE("linear_" name "_down", .inputs = {OP_FLOAT(2, 3, 7, 5), SCALES(1, 1, 0.6, 0.3)},   \
               .attributes = {LINEAR, __VA_ARGS__}),                                               \
        RESIZE("cubic_" name "_down", .inputs = {OP_FLOAT(2, 3, 7, 5), SCALES(1, 1, 0.6, 0.4)},    \
               .attributes = {CUBIC, __VA_ARGS__})
#define NEAREST(name)                                                                              \
    RESIZE("nearest_" name "_half", .inputs = {OP_FLOAT(2, 2, 5, 4), SCALES(1, 1, 0.5, 2)},        \
           .attributes = {ROUND(name)}),                                                           \
        RESIZE("nearest_" name "_corners",                                                         \
               .inputs = {OP_FLOAT(2, 2, 5, 4), SCALES(1, 1, 0.8, 1.75)},                          \
               .attributes = {ROUND(name), WAY("align_corners")})

static const op_row rows[] = {
    WAYS("half_pixel", WAY("half_pixel")),
    WAYS("symmetric", WAY("half_pixel_symmetric")),
    WAYS("pytorch", WAY("pytorch_half_pixel")),
    WAYS("corners", WAY("align_corners")),
    WAYS("asymmetric", WAY("asymmetric")),
    RESIZE("nearest_tf_half", .inputs = {OP_FLOAT(2, 3, 4, 5), SCALES(1, 1, 2, 0.7)},
           .attributes = {WAY("tf_half_pixel_for_nn")}),
    NEAREST("round_prefer_floor"),
    NEAREST("round_prefer_ceil"),
    NEAREST("floor"),
    NEAREST("ceil"),
    RESIZE("cubic_sharp", .inputs = {OP_FLOAT(2, 3, 4, 5), SCALES(1, 1, 2, 2)},
           .attributes = {CUBIC, OP_REAL_ATTRIBUTE("cubic_coeff_a", -0.5),
                          OP_INT_ATTRIBUTE("exclude_outside", 1)}),
    RESIZE("linear_excluding", .inputs = {OP_FLOAT(2, 3, 4, 5), SCALES(1, 1, 2, 2)},
           .attributes = {LINEAR, OP_INT_ATTRIBUTE("exclude_outside", 1)}),
    RESIZE("sizes", .inputs = {OP_FLOAT(2, 3, 4, 5), SIZES(2, 3, 7, 3)}, .attributes = {LINEAR},
           .one_piece = true),
    RESIZE("to_one", .inputs = {OP_FLOAT(2, 3, 4, 5), SIZES(2, 3, 1, 1)},
           .attributes = {CUBIC, WAY("pytorch_half_pixel")}, .one_piece = true),
    RESIZE("same_size", .inputs = {OP_FLOAT(2, 3, 4, 5), SIZES(2, 3, 4, 5)}, .one_piece = true),
    RESIZE("every_axis", .inputs = {OP_FLOAT(2, 3, 4, 5), SIZES(3, 4, 3, 7)},
           .attributes = {LINEAR}, .one_piece = true),
    RESIZE("channels", .inputs = {OP_FLOAT(2, 3, 4, 5), SCALES(1, 2, 1, 1)},
           .attributes = {LINEAR}),
    RESIZE("rows_only", .inputs = {OP_FLOAT(2, 3, 4, 5), SCALES(1, 1, 2, 1)},
           .attributes = {LINEAR}),
    RESIZE("one_axis", .inputs = {OP_FLOAT(7), SCALES(2.5)}, .attributes = {CUBIC},
           .one_piece = true),
    RESIZE("sequence", .inputs = {OP_FLOAT(3, 5, 9), SCALES(1, 1, 2)}, .attributes = {LINEAR}),
    RESIZE("volume", .inputs = {OP_FLOAT(2, 2, 3, 4, 3), SCALES(1, 1, 2, 0.5, 3)},
           .attributes = {LINEAR}),
    RESIZE("crop",
           .inputs = {OP_FLOAT(2, 2, 5, 6), FLOATS(0, 0, 0.2, -0.3, 1, 1, 0.7, 1.2), NONE,
                      OP_NUMBERS(2, 2, 4, 7)},
           .attributes = {LINEAR, WAY("tf_crop_and_resize"),
                          OP_REAL_ATTRIBUTE("extrapolation_value", 3)},
           .one_piece = true),
    RESIZE("crop_to_one",
           .inputs = {OP_FLOAT(2, 2, 5, 6), FLOATS(0, 0, 0.2, 0.3, 1, 1, 0.7, 0.9), NONE,
                      OP_NUMBERS(2, 2, 1, 2)},
           .attributes = {CUBIC, WAY("tf_crop_and_resize")}, .one_piece = true),
    RESIZE("large_up", .inputs = {OP_FLOAT(2, 19, 33, 31), SCALES(1, 1, 2, 2)},
           .attributes = {LINEAR}, .no_gradient = true),
    RESIZE("large_nearest", .inputs = {OP_FLOAT(2, 19, 33, 31), SCALES(1, 1, 2, 2)},
           .no_gradient = true),
};

#define MISTAKE(name, status_, text_, ...)                                                         \
    {                                                                                              \
        .row = {.title = "Resize_" name, .op = "Resize", __VA_ARGS__}, .status = status_,          \
        .text = text_                                                                              \
    }

static const op_mistake mistakes[] = {
    MISTAKE("neither", TERN_ERR_ARGUMENT, "either scales or sizes", .inputs = {OP_FLOAT(2, 3)}),
    MISTAKE("both", TERN_ERR_ARGUMENT, "either scales or sizes",
            .inputs = {OP_FLOAT(2, 3), NONE, FLOATS(1, 1), OP_NUMBERS(2, 3)}),
    MISTAKE("few_scales", TERN_ERR_SHAPE, "scales has 1 numbers and needs 2",
            .inputs = {OP_FLOAT(2, 3), SCALES(2)}),
    MISTAKE("few_sizes", TERN_ERR_SHAPE, "sizes has 3 numbers and needs 2",
            .inputs = {OP_FLOAT(2, 3), SIZES(2, 2, 2)}),
    MISTAKE("negative", TERN_ERR_ARGUMENT, "scale -1 of axis 1",
            .inputs = {OP_FLOAT(2, 3), SCALES(1, -1)}),
    MISTAKE("nothing_left", TERN_ERR_SHAPE, "scale 0.2 leaves nothing of axis 1 of size 3",
            .inputs = {OP_FLOAT(2, 3), SCALES(1, 0.2)}),
    MISTAKE("size_zero", TERN_ERR_SHAPE, "size 0 of axis 0",
            .inputs = {OP_FLOAT(2, 3), SIZES(0, 2)}),
    MISTAKE("run_time_scales", TERN_ERR_UNSUPPORTED, "scales must be known",
            .inputs = {OP_FLOAT(2, 3), NONE, OP_WEIGHT(2)}),
    MISTAKE("mode", TERN_ERR_UNSUPPORTED, "no mode 'quintic'",
            .inputs = {OP_FLOAT(2, 3), SCALES(1, 2)},
            .attributes = {OP_TEXT_ATTRIBUTE("mode", "quintic")}),
    MISTAKE("mode_of_nearest", TERN_ERR_UNSUPPORTED, "tf_half_pixel_for_nn is for mode nearest",
            .inputs = {OP_FLOAT(2, 3), SCALES(1, 2)},
            .attributes = {LINEAR, WAY("tf_half_pixel_for_nn")}),
    MISTAKE("no_roi", TERN_ERR_ARGUMENT, "tf_crop_and_resize needs roi",
            .inputs = {OP_FLOAT(2, 3), SCALES(1, 2)}, .attributes = {WAY("tf_crop_and_resize")}),
};

/* ---- the builder ---- */

static tern_value build(tern_graph **g, tern_context *c, int64_t height, tern_resize_options o) {
    check_ok(c, tern_graph_create(g, c));
    tern_value y = tern_resize(tern_input(*g, "x", 4, (int64_t[]){-1, 1, height, 2}), o);
    tern_output(*g, "y", y);
    return y;
}

static void sizes_are_met(void **state) {
    (void)state;
    tern_context *c;
    check_ok(c, tern_context_create(&c, NULL));
    for (int64_t in = 1; in < 60; in += 3)
        for (int64_t out = 1; out < 130; out++) {
            tern_graph *g;
            int64_t dims[TERN_MAX_RANK];
            tern_resize_options o = {.sizes = {out}, .scales = {0, 3}};
            tern_value y = build(&g, c, in, o);
            assert_int_equal(tern_value_shape(y, dims), 4);
            assert_int_equal(dims[2], out);
            assert_int_equal(dims[3], 6);
            tern_graph_free(g);
        }
    tern_context_free(c);
}

static void nearest_doubles(void **state) {
    (void)state;
    tern_context *c;
    check_ok(c, tern_context_create(&c, NULL));
    tern_graph *g;
    build(&g, c, 2, (tern_resize_options){.scales = {2, 2}});
    tern_model *m;
    tern_session *s;
    check_ok(c, tern_model_create(&m, g));
    check_ok(c, tern_session_create(&s, m));
    float x[4] = {1, 2, 3, 4};
    double expected[16] = {1, 1, 2, 2, 1, 1, 2, 2, 3, 3, 4, 4, 3, 3, 4, 4};
    tern_tensor in = {TERN_FLOAT, 4, {1, 1, 2, 2}, x}, y;
    assert_int_equal(tern_session_run(s, &in, 1, &y, 1), TERN_OK);
    check_floats(y.data, expected, 16, 0, 0);
    tern_session_free(s);
    tern_model_free(m);
    tern_graph_free(g);
    tern_context_free(c);
}

static void builder_refuses(void **state) {
    (void)state;
    tern_context *c;
    check_ok(c, tern_context_create(&c, NULL));
    tern_graph *g;
    build(&g, c, -1, (tern_resize_options){.sizes = {7}});
    check_error(c, TERN_ERR_SHAPE, "of an axis of unknown size", tern_graph_check(g));
    tern_graph_free(g);
    build(&g, c, 5, (tern_resize_options){.sizes = {-7}});
    check_error(c, TERN_ERR_SHAPE, "a size must be 1 to", tern_graph_check(g));
    tern_graph_free(g);
    tern_context_free(c);
}

int main(void) {
    const struct CMUnitTest builder[] = {
        cmocka_unit_test(sizes_are_met),
        cmocka_unit_test(nearest_doubles),
        cmocka_unit_test(builder_refuses),
    };
    return cmocka_run_group_tests(builder, NULL, NULL) +
           op_rows_run("resize", rows, sizeof rows / sizeof *rows) +
           op_mistakes_run("mistakes", mistakes, sizeof mistakes / sizeof *mistakes);
}
