/* Losses of pictures: see ops/harness.h for what each row goes through. */
#include "ops/harness.h"

#define ROW(name, op_, function, ...)                                                              \
    {                                                                                              \
        .title = op_ "_" name, .domain = "tern", .op = op_, .reference = function,                 \
        .one_piece = true, .train_only = true, __VA_ARGS__                                         \
    }
#define TVERSKY(name, ...) ROW(name, "Tversky", reference_tversky, __VA_ARGS__)
#define FOCAL(name, ...) ROW(name, "Focal", reference_focal, __VA_ARGS__)
#define LOVASZ(name, ...) ROW(name, "Lovasz", reference_lovasz, __VA_ARGS__)
/* 0 or 1, or class numbers, or weights, as constants that have no gradient. */
#define DATA(kind_, shape, ...)                                                                    \
    { .kind = kind_, .data = (const double[]){__VA_ARGS__}, OP_DIMS shape }
#define BITS(shape, ...) DATA(OP_CONSTANT, shape, __VA_ARGS__)
#define CLASSES(shape, ...) DATA(OP_INTS, shape, __VA_ARGS__)
#define REAL(name, value) OP_REAL_ATTRIBUTE(name, value)

#define HARD                                                                                       \
    BITS((2, 1, 3, 4), 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 1, 0, 0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0)
#define MAP                                                                                        \
    BITS((2, 1, 3, 4), 1, 2, 0, 1, .5, 0, 3, 1, 1, 1, 0, 1, 7, 1, 1, 1, 1, 0, 1, .1, 1, 1, 2, 1)
#define SOFT                                                                                       \
    { .kind = OP_CONSTANT, .values = OP_PROBABILITY, OP_DIMS(2, 3, 3, 4) }
#define LABELS(last)                                                                               \
    CLASSES((2, 3, 4), 1, 0, 2, 1, 1, 0, 2, 0, 1, 1, 2, 1, 0, 2, 0, 1, 0, 2, 1, 0, 0, 1, 2, last)
#define ONE OP_FLOAT(2, 1, 3, 4)
#define THREE OP_FLOAT(2, 3, 3, 4)
#define FOUR OP_FLOAT(2, 4, 3, 4)
#define ZEROS                                                                                      \
    { .kind = OP_CONSTANT, .data = (const double[24]){0}, OP_DIMS(2, 1, 3, 4) }
/* So many that there are several items; Lovasz' reference is quadratic. */
#define LARGE(MAKE, n, height, width, ...)                                                         \
    MAKE("large", .no_gradient = true,                                                             \
         .inputs = {OP_FLOAT(n, 4, height, width),                                                 \
                    {.kind = OP_INTS,                                                              \
                     .data = (const double[(n) * (height) * (width)]){2, 1, 0, 3},                 \
                     OP_DIMS(n, height, width)}},                                                  \
         .attributes = {__VA_ARGS__}),                                                             \
        MAKE("large_binary", .no_gradient = true,                                                  \
             .inputs = {OP_FLOAT(n, 1, height, width),                                             \
                        OP_FLOAT_OF(OP_PROBABILITY, n, 1, height, width)},                         \
             .attributes = {__VA_ARGS__})

/* The same inputs for all three. */
#define EACH(MAKE, ...)                                                                            \
    MAKE("binary", .inputs = {ONE, HARD}, .attributes = {__VA_ARGS__}),                            \
        MAKE("binary_weights", .inputs = {ONE, HARD, MAP}, .attributes = {__VA_ARGS__}),           \
        MAKE("vector", .inputs = {OP_FLOAT(5, 1), BITS((5, 1), 1, 0, 0, 1, 1)},                    \
             .attributes = {__VA_ARGS__}),                                                         \
        MAKE("many_labels", .inputs = {THREE, SOFT}, .attributes = {__VA_ARGS__}),                 \
        MAKE("many_labels_weights", .inputs = {THREE, SOFT, MAP}, .attributes = {__VA_ARGS__}),    \
        MAKE("classes", .inputs = {THREE, LABELS(2)}, .attributes = {__VA_ARGS__}),                \
        MAKE("classes_weights", .inputs = {THREE, LABELS(2), MAP}, .attributes = {__VA_ARGS__}),   \
        MAKE("ignored", .inputs = {THREE, LABELS(-100)}, .attributes = {__VA_ARGS__}),             \
        MAKE("ignored_class", .inputs = {THREE, LABELS(2)},                                        \
             .attributes = {OP_INT_ATTRIBUTE("ignore_index", 1), __VA_ARGS__}),                    \
        MAKE("absent_class", .inputs = {FOUR, LABELS(2)}, .attributes = {__VA_ARGS__}),            \
        MAKE("nothing", .inputs = {ONE, ZEROS}, .attributes = {__VA_ARGS__}),                      \
        MAKE("no_place", .inputs = {ONE, HARD, ZEROS}, .attributes = {__VA_ARGS__})

static const op_row regions[] = {
    EACH(TVERSKY, {0}),
    LARGE(TVERSKY, 3, 97, 83, {0}),
    TVERSKY("smooth", .inputs = {ONE, HARD, MAP}, .attributes = {REAL("smooth", 1)}),
    TVERSKY("one_sided", .inputs = {THREE, LABELS(2)},
            .attributes = {REAL("alpha", 0.3), REAL("beta", 0.9), REAL("smooth", 0.5)}),
    TVERSKY("focal", .inputs = {THREE, LABELS(2)}, .attributes = {REAL("gamma", 1.5)}),
};
static const op_row focals[] = {
    EACH(FOCAL, {0}),
    LARGE(FOCAL, 3, 97, 83, {0}),
    FOCAL("alpha", .inputs = {ONE, HARD}, .attributes = {REAL("alpha", 0.25)}),
    FOCAL("gamma", .inputs = {THREE, LABELS(2)}, .attributes = {REAL("gamma", 1.3)}),
    FOCAL("everything", .inputs = {THREE, SOFT, MAP},
          .attributes = {REAL("alpha", 0.7), REAL("gamma", 3), REAL("positive_weight", 2)}),
    FOCAL("cross_entropy", .inputs = {ONE, HARD, MAP},
          .attributes = {REAL("gamma", 0), REAL("positive_weight", 2.5)}),
    FOCAL("cross_entropy_classes", .inputs = {THREE, LABELS(2), MAP},
          .attributes = {REAL("gamma", 0)}),
    FOCAL("sum", .inputs = {ONE, HARD, MAP}, .attributes = {OP_TEXT_ATTRIBUTE("reduction", "sum")}),
};
static const op_row extensions[] = {
    EACH(LOVASZ, {0}),
    LARGE(LOVASZ, 2, 33, 63, {0}),
    LOVASZ("per_image", .inputs = {ONE, HARD, MAP},
           .attributes = {OP_INT_ATTRIBUTE("per_image", 1)}),
    LOVASZ("per_image_classes", .inputs = {FOUR, LABELS(-100)},
           .attributes = {OP_INT_ATTRIBUTE("per_image", 1)}),
};

#define MISTAKE(op_, name, status_, text_, ...)                                                    \
    {                                                                                              \
        .row = {.title = op_ "_" name, .domain = "tern", .op = op_, __VA_ARGS__},                  \
        .status = status_, .text = text_                                                           \
    }
static const op_mistake mistakes[] = {
    MISTAKE("Tversky", "target", TERN_ERR_SHAPE, "target [2, 3, 3, 4] does not fit",
            .inputs = {ONE, SOFT}),
    MISTAKE("Lovasz", "numbers", TERN_ERR_SHAPE, "does not fit logits",
            .inputs = {THREE, CLASSES((2, 4), 0, 0, 0, 0, 0, 0, 0, 0)}),
    MISTAKE("Focal", "weights", TERN_ERR_SHAPE, "weights [2, 3, 3, 4] do not fit",
            .inputs = {THREE, LABELS(2), SOFT}),
    MISTAKE("Tversky", "alpha", TERN_ERR_ARGUMENT, "alpha -1", .inputs = {ONE, HARD},
            .attributes = {REAL("alpha", -1)}),
    MISTAKE("Focal", "gamma", TERN_ERR_ARGUMENT, "gamma -1", .inputs = {ONE, HARD},
            .attributes = {REAL("gamma", -1)}),
    MISTAKE("Focal", "reduction", TERN_ERR_ARGUMENT, "neither mean nor sum", .inputs = {ONE, HARD},
            .attributes = {OP_TEXT_ATTRIBUTE("reduction", "most")}),
};

int main(void) {
    return op_rows_run("regions", regions, sizeof regions / sizeof *regions) +
           op_rows_run("focal", focals, sizeof focals / sizeof *focals) +
           op_rows_run("lovasz", extensions, sizeof extensions / sizeof *extensions) +
           op_mistakes_run("mistakes", mistakes, sizeof mistakes / sizeof *mistakes);
}
