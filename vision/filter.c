/* The classical filters of 3x3 on a picture, through the same Conv that networks are made of. */
#include "core/base/base.h"
#include "core/graph/graph.h"
#include "core/base/json.h"
#include "core/plan/session.h"

#include <tern/vision_explain.h>

#include <math.h>
#include <string.h>

#define NINTH (1.0f / 9)
#define PART(n) ((n) / 16.0f)

static const struct {
    const char *name;
    float values[9];
} kernels[] = {
    {"edge", {-1, -1, -1, -1, 8, -1, -1, -1, -1}},
    {"edge-cross", {0, -1, 0, -1, 4, -1, 0, -1, 0}},
    {"edge-diagonal", {1, 0, -1, 0, 0, 0, -1, 0, 1}},
    {"sharpen", {0, -1, 0, -1, 5, -1, 0, -1, 0}},
    {"box", {NINTH, NINTH, NINTH, NINTH, NINTH, NINTH, NINTH, NINTH, NINTH}},
    {"gaussian", {PART(1), PART(2), PART(1), PART(2), PART(4), PART(2), PART(1), PART(2), PART(1)}},
};
enum { KERNELS = sizeof kernels / sizeof *kernels };

const char *tern_vision_kernel_name(size_t index, const float **values) {
    if (index >= KERNELS) return NULL;
    if (values) *values = kernels[index].values;
    return kernels[index].name;
}

/* Nine numbers as JSON writes them, without the brackets. */
static tern_status read_numbers(const char *text, tern_context *c, float out[9]) {
    char *list = tern__format(c, "[%s]", text);
    json_t *array = NULL;
    tern_status st =
        list ? tern__json_read(&array, c, "kernel", list, strlen(list)) : TERN_ERR_MEMORY;
    if (st == TERN_OK && json_array_size(array) != 9) st = TERN_ERR_FORMAT;
    for (size_t i = 0; st == TERN_OK && i < 9; i++) {
        const json_t *number = json_array_get(array, i);
        out[i] = (float)json_number_value(number);
        if (!json_is_number(number) || !isfinite(out[i])) st = TERN_ERR_FORMAT;
    }
    json_decref(array);
    tern__free(c, list);
    return st;
}

static tern_status find(tern_context *c, const char *name, float out[9]) {
    for (size_t i = 0; i < KERNELS; i++)
        if (!strcmp(kernels[i].name, name)) {
            memcpy(out, kernels[i].values, sizeof kernels[i].values);
            return TERN_OK;
        }
    tern_status st = read_numbers(name, c, out);
    if (st != TERN_ERR_FORMAT) return st;
    return tern__fail(
        c, TERN_ERR_ARGUMENT,
        "there is no kernel '%s'; there are edge, edge-cross, edge-diagonal, sharpen, "
        "box, gaussian, or nine numbers \"0,-1,0,-1,5,-1,0,-1,0\"",
        name);
}

/* x [channels, 1, H, W]: a colour is a sample, so that one filter serves all. */
static tern_status build(tern_graph **graph, tern_context *c, const float kernel[9]) {
    tern_status st = tern_graph_create(graph, c);
    if (st != TERN_OK) return st;
    tern_value x = tern_input(*graph, "picture", 4, (int64_t[]){-1, 1, -1, -1});
    x = tern_pad(x, (int64_t[]){0, 0, 1, 1, 0, 0, 1, 1}, "edge");
    const tern_value weight =
        tern_parameter_data(*graph, "kernel", 4, (int64_t[]){1, 1, 3, 3}, kernel);
    x = tern_conv_with(x, weight, (tern_value){0}, (tern_conv_options){.kernel_shape = {3, 3}});
    tern_output(*graph, "filtered", x);
    return tern_graph_check(*graph);
}

static tern_status run(tern_tensor *y, tern_session **session, tern_model **model, tern_context *c,
                       const float kernel[9], const tern_tensor *x) {
    tern_graph *graph = NULL;
    tern_status st = build(&graph, c, kernel);
    if (st == TERN_OK) st = tern_model_create(model, graph);
    if (st == TERN_OK) st = tern__session_create(session, *model, c);
    if (st == TERN_OK && (st = tern_session_run(*session, x, 1, y, 1)) != TERN_OK)
        tern__fail(c, st, "%s", tern_session_message(*session));
    tern_graph_free(graph);
    return st;
}

tern_status tern_vision_filter(tern_image *out, const tern_image *image, const char *name) {
    tern_context *c = image->context;
    const int channels = image->channels < 3 && !image->palette ? 1 : 3;
    tern_normalization as_it_is = TERN_NORMALIZATION_INIT;
    tern_model *model = NULL;
    tern_session *session = NULL;
    float kernel[9], sum = 0;
    tern_tensor y;
    *out = (tern_image){0};
    tern_status st = find(c, name, kernel);
    if (st != TERN_OK) return st;
    as_it_is.channels = channels;
    const size_t count = (size_t)image->width * (size_t)image->height * (size_t)channels;
    float *planes = tern__calloc(c, count, sizeof *planes);
    if (!planes) return TERN_ERR_MEMORY;
    const tern_tensor x = {TERN_FLOAT, 4, {channels, 1, image->height, image->width}, planes};
    st = tern_image_floats(image, 0, 0, image->width, image->height, TERN_BORDER_EDGE, &as_it_is,
                           planes);
    if (st == TERN_OK) st = run(&y, &session, &model, c, kernel, &x);
    if (st == TERN_OK) {
        float *values = y.data;
        for (int i = 0; i < 9; i++) sum += kernel[i];
        for (size_t i = 0; fabsf(sum) < 1e-6f && i < count; i++) values[i] = fabsf(values[i]);
        st = tern_image_from_floats(out, c, values, channels, image->width, image->height, 8);
    }
    tern_session_free(session);
    tern_model_free(model);
    tern__free(c, planes);
    return st;
}
