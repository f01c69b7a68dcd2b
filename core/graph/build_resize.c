/* The builder of Resize: options by spatial axis become ONNX's lists over all axes. */
#include "graph.h"

#include <math.h>

/* A scale that makes `out` of `in` in float, floor(in * scale), as ONNX counts. */
static float scale_to(int64_t in, int64_t out) {
    float scale = (float)((double)out / (double)in);
    while ((int64_t)floorf((float)in * scale) < out) scale = nextafterf(scale, INFINITY);
    return scale;
}

static tern_value refuse(tern_value x, const char *what) {
    tern__graph_fail(x.graph, TERN_ERR_SHAPE, "Resize: %s", what);
    return (tern_value){x.graph, -1};
}

tern_value tern_resize(tern_value x, tern_resize_options o) {
    int64_t dims[TERN_MAX_RANK];
    int rank = x.graph ? tern_value_shape(x, dims) : -1;
    if (rank < 0) return x;
    if (rank < 3 || rank > 5) return refuse(x, "x must be [N, C, spatial...] with 1 to 3 axes");
    float scales[5] = {1, 1};
    for (int i = 2; i < rank; i++) {
        int64_t size = o.sizes[i - 2];
        if (size < 0 || size > INT32_MAX) return refuse(x, "a size must be 1 to 2147483647");
        if (size && dims[i] < 1)
            return refuse(x, "the new size of an axis of unknown size can only be given by scale");
        scales[i] = size ? scale_to(dims[i], size) : (float)o.scales[i - 2];
        if (scales[i] == 0) scales[i] = 1;
    }
    char name[200];
    tern__graph_unique(x.graph, "resize.scales", name, sizeof name);
    int64_t count = rank;
    tern_value inputs[3] = {
        x, {NULL, -1}, tern_constant(x.graph, name, TERN_FLOAT, 1, &count, scales)};
    const char *coordinates = o.coordinates ? o.coordinates : "half_pixel";
    const char *nearest = o.nearest ? o.nearest : "round_prefer_floor";
    tern_attribute attributes[] = {TERN_STRING("mode", o.mode ? o.mode : "nearest"),
                                   TERN_STRING("coordinate_transformation_mode", coordinates),
                                   TERN_STRING("nearest_mode", nearest),
                                   TERN_INT("exclude_outside", o.exclude_outside),
                                   TERN_REAL("cubic_coeff_a", o.cubic ? o.cubic : -0.75)};
    tern_value y;
    tern_apply(x.graph, "Resize", NULL, inputs, 3, attributes,
               sizeof attributes / sizeof *attributes, &y, 1);
    return y;
}
