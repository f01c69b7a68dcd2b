/* Fuzz target: any bytes as a model that is used: it is described, planned and run for small inputs
 * as it is, and by every call of the domain whose front end it carries. What a call answers must be
 * finite and whole; what it refuses has a sentence. Memory is bounded by the allocator, time by the
 * work that the plan says. */
#include "core/graph/graph.h"
#include "fuzz.h"

#include <tern/tern.h>

#include <math.h>
#include <unistd.h>

#define MOST_BYTES ((size_t)48 << 20)
#define MOST_FLOPS 2e7
enum { MOST_INPUTS = 16, SAMPLES = 400, SIDE = 24 };

/* ---- what the calls get ---- */

static float samples[SAMPLES];
static uint8_t pixels[SIDE * SIDE * 3];
static char sound_path[] = "/tmp/tern_fuzz_XXXXXX", picture_path[] = "/tmp/tern_fuzz_XXXXXX";

static void remove_files(void) {
    unlink(sound_path);
    unlink(picture_path);
}

static void write_file(char *path, const char *header, size_t length, const void *body,
                       size_t size) {
    const int file = mkstemp(path);
    fuzz_require(file >= 0 && write(file, header, length) == (ssize_t)length &&
                     write(file, body, size) == (ssize_t)size && !close(file),
                 "files to embed");
}

static void make_inputs(void) {
    static const char wave[] =
        "RIFF\xb4\1\0\0WAVEfmt \x10\0\0\0\1\0\1\0\x20\3\0\0\x20\3\0\0\1\0\x08\0"
        "data\x90\1\0\0";
    static bool made;
    if (made) return;
    made = true;
    uint8_t bytes[SAMPLES];
    for (int i = 0; i < SAMPLES; i++) {
        samples[i] = (float)sin(0.3 * i);
        bytes[i] = (uint8_t)(128 + 100 * samples[i]);
    }
    for (size_t i = 0; i < sizeof pixels; i++) pixels[i] = (uint8_t)(i * 37);
    write_file(sound_path, wave, sizeof wave - 1, bytes, sizeof bytes);
    write_file(picture_path, "P5 24 24 255\n", 13, pixels, SIDE * SIDE);
    atexit(remove_files);
}

/* Every byte of what was given can be read. */
static void read_all(const void *data, size_t bytes) {
    static volatile unsigned char sink;
    for (size_t i = 0; i < bytes; i++) sink = ((const unsigned char *)data)[i];
    (void)sink;
}

/* ---- the network itself ---- */

/* Whether a run on inputs of these shapes is short. */
static bool is_short(const tern_model *m, const tern_tensor *inputs) {
    tern_model_info *info;
    if (tern_model_describe(&info, m, inputs) != TERN_OK) return false;
    const bool little = info->flops <= MOST_FLOPS;
    tern_model_info_free(info, m);
    return little;
}

/* Inputs whose unknown sizes are `side`; false: they are too many or too large. */
static bool make_shapes(tern_tensor *inputs, const tern_model *m, int64_t side) {
    const size_t count = tern_model_input_count(m);
    int64_t elements = 1;
    if (count > MOST_INPUTS) return false;
    for (size_t i = 0; i < count; i++) {
        inputs[i] = tern_model_input(m, i).shape;
        for (int k = 0; k < inputs[i].rank; k++) {
            int64_t *dim = &inputs[i].dims[k];
            if (*dim < 0) *dim = k ? side : 2;
            if (*dim > 1 << 20 || (elements *= *dim ? *dim : 1) > 1 << 20) return false;
        }
    }
    return true;
}

static void run_network(const tern_model *m, int64_t side) {
    tern_tensor inputs[MOST_INPUTS], y;
    static int64_t zeros[1 << 20]; /* of either type, and ids that any table has */
    tern_session *s;
    if (!make_shapes(inputs, m, side) || !is_short(m, inputs)) return;
    if (tern_session_create(&s, m) != TERN_OK) return;
    for (size_t i = 0; i < tern_model_input_count(m); i++) inputs[i].data = zeros;
    const bool outputs = tern_model_graph(m)->n_outputs > 0;
    const tern_status st = tern_session_run(s, inputs, tern_model_input_count(m), &y, outputs);
    fuzz_require(st == TERN_OK || *tern_session_message(s), "a sentence of the session");
    if (st == TERN_OK && outputs) {
        size_t bytes = y.type == TERN_INT64 ? 8 : 4;
        for (int k = 0; k < y.rank; k++) bytes *= (size_t)y.dims[k];
        read_all(y.data, bytes);
    }
    tern_session_free(s);
}

/* ---- the domains ---- */

/* Whether what the front end gives the network is a short run. dims -1: the front end knows. */
static bool front_is_short(const tern_model *m, int64_t rows, int64_t columns) {
    tern_tensor inputs[MOST_INPUTS];
    if (!make_shapes(inputs, m, 4)) return false;
    inputs[0].dims[0] = 1;
    if (inputs[0].rank > 3) inputs[0].dims[2] = rows;
    if (inputs[0].rank > 2) inputs[0].dims[inputs[0].rank - 1] = columns;
    return is_short(m, inputs);
}

static void check_answer(tern_status st, const tern_session *s, const tern_answer *a) {
    fuzz_require(st == TERN_OK || *tern_session_message(s), "a sentence of the session");
    if (st != TERN_OK) return;
    double sum = 0;
    for (size_t i = 0; i < a->count; i++) sum += a->top[i].score;
    fuzz_require(a->count > 0 && fabs(sum - 1) < 1e-3, "probabilities that add up to 1");
}

static void check_vector(tern_status st, const tern_session *s, const float *vector,
                         int64_t length) {
    fuzz_require(st == TERN_OK || *tern_session_message(s), "a sentence of the session");
    if (st == TERN_OK) read_all(vector, (size_t)length * sizeof *vector);
}

static void use_sound(tern_session *s, const tern_model *m) {
    tern_audio_model_info info;
    tern_answer answer;
    tern_status st;
    const float *vector;
    int64_t length;
    if (tern_audio_describe(&info, s) == TERN_OK &&
        (info.window.samples > 1 << 16 ||
         !front_is_short(m, (int64_t)info.window.rows, (int64_t)info.window.frames)))
        return;
    if (info.audio.n_fft > 4096) return;
    check_answer(tern_audio_classify_samples(s, samples, SAMPLES, 800, &answer), s, &answer);
    st = tern_audio_embed_file(s, sound_path, &vector, &length);
    check_vector(st, s, vector, length);
}

static void use_text(tern_session *s, const tern_model *m) {
    static const char *const text = "Anna flew to Oslo , at last .";
    tern_answer answer;
    tern_text_tags tags;
    const tern_text_weight *weights;
    const float *vector;
    tern_status st;
    int64_t length;
    size_t count;
    if (!front_is_short(m, 8, 8)) return;
    check_answer(tern_text_classify(s, text, &answer), s, &answer);
    st = tern_text_embed(s, text, &vector, &length);
    check_vector(st, s, vector, length);
    tern_text_explain(s, text, &answer, &weights, &count);
    if (tern_text_tag_text(s, text, &tags) == TERN_OK)
        fuzz_require(tags.count < 20 && tags.n_entities <= tags.count, "tags of the tokens");
}

/* Labels of pictures: the network sees them at the model's size. */
static void use_classifier(tern_session *s, const tern_model *m, const tern_image *image) {
    tern_vision_classifier_info info;
    tern_image drawn = {0};
    tern_answer answer;
    tern_status st;
    const float *vector;
    int64_t length;
    if (tern_vision_classifier_describe(&info, s) != TERN_OK ||
        !front_is_short(m, info.height, info.width) || info.height * info.width > 1 << 16)
        return;
    check_answer(tern_vision_classify(s, image, &answer), s, &answer);
    st = tern_vision_embed_file(s, picture_path, &vector, &length);
    check_vector(st, s, vector, length);
    if (tern_vision_explain(&drawn, NULL, s, image, NULL) == TERN_OK) tern_image_free(&drawn);
}

/* A network whose output has one size whatever it sees gets a picture that is larger. */
static void enlarge(tern_image *large, const tern_model *m) {
    const tern_graph *g = tern_model_graph(m);
    const tern__shape *y = &g->values[g->outputs[0]].shape;
    *large = (tern_image){0};
    if (y->rank == 4 && y->dims[2] > 0 && y->dims[3] > 0 && y->dims[2] <= 1024 &&
        y->dims[3] <= 1024)
        tern_image_create(large, g->context, (int)y->dims[3] + 8, (int)y->dims[2] + 8, 1, 8);
}

static void segment(tern_session *s, const tern_vision_model_info *info, const tern_image *image) {
    tern_vision_segment_options o = TERN_VISION_SEGMENT_OPTIONS_INIT;
    tern_mask mask = {0};
    o.probability = o.all_views = true;
    o.memory = 40e6;
    const tern_status st = tern_vision_segment(s, image, &o, &mask);
    fuzz_require(st == TERN_OK || *tern_session_message(s), "a sentence of the session");
    const size_t places = (size_t)image->width * (size_t)image->height;
    for (size_t i = 0; mask.labels && i < places; i++)
        fuzz_require(mask.labels[i] < info->classes, "labels of the classes");
    tern_mask_free(&mask);
}

static void use_segmenter(tern_session *s, const tern_model *m, const tern_image *image) {
    tern_vision_model_info info;
    tern_image large;
    const tern_status st = tern_vision_describe(&info, s);
    fuzz_require(st == TERN_OK || *tern_session_message(s), "a sentence of the session");
    if (st != TERN_OK) return;
    const int64_t side =
        2 * (info.reach.before[0] + info.reach.after[0] + SIDE + 2 * info.reach.multiple[0]);
    if (side > 256 || info.width * info.height > 1 << 16 ||
        !front_is_short(m, info.height ? info.height : side, info.width ? info.width : side))
        return;
    segment(s, &info, image);
    enlarge(&large, m);
    if (large.data) segment(s, &info, &large);
    tern_image_free(&large);
}

static void use_picture(tern_session *s, const tern_model *m) {
    tern_image image;
    if (tern_image_create(&image, tern_model_graph(m)->context, SIDE, SIDE, 3, 8) != TERN_OK)
        return;
    memcpy(image.data, pixels, sizeof pixels);
    tern_session *other; /* what a domain keeps with a session is of one kind */
    use_classifier(s, m, &image);
    if (tern_session_create(&other, m) == TERN_OK) {
        use_segmenter(other, m, &image);
        tern_session_free(other);
    }
    tern_image_free(&image);
}

static void use_domain(const tern_model *m, const char *key,
                       void (*use)(tern_session *s, const tern_model *m)) {
    tern_session *s;
    if (!tern_model_metadata(m, key) || tern_session_create(&s, m) != TERN_OK) return;
    use(s, m);
    tern_session_free(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    make_inputs();
    tern_context *c = fuzz_context(MOST_BYTES + 64 * size);
    fuzz_may_fail = true;
    tern_model *m;
    tern_status status = tern_model_load_memory(&m, c, bytes, size);
    if (m) {
        run_network(m, 2);
        run_network(m, 9);
        use_domain(m, "tern.audio", use_sound);
        use_domain(m, "tern.text", use_text);
        use_domain(m, "tern.vision", use_picture);
    }
    tern_model_free(m);
    fuzz_end(c, status);
    return 0;
}
