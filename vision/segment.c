/* Makes masks: chooses tiles by the memory that the network's plan takes, runs it on each, and
 * writes what counts of it into the mask. One attachment of the session holds the pipeline and the
 * plans. */
#include "pipeline.h"
#include "tiles.h"

#include "core/base/arithmetic.h"
#include "core/graph/graph.h"
#include "core/plan/session.h"

#include <tern/vision_segment.h>

#include <math.h>
#include <string.h>

/* Bytes that a plan may take only to find out that they are too many. */
#define MOST_TO_MEASURE 2e9

enum { VIEWS = 8 };
/* What a view does to a picture before the network sees it, in this order. */
enum { MIRROR = 1, FLIP = 2, TRANSPOSE = 4 };

typedef struct segmenter {
    tern__vision_pipeline pipeline;
    tern_vision_reach reach;
    int64_t multiple, halo; /* of both axes; halo a multiple of it */
    int logits;             /* channels of the output */
    tern_session *runs[2];  /* with one plan each: of windows as they are, and transposed */
    int64_t sides[2][2];    /* of those windows: height, width */
    double fixed,
        pixel;    /* bytes that a window takes: fixed + pixel * its pixels, as measured for ... */
    int measured; /* ... so many views; 0: not yet */
    bool warned;
} segmenter;

/* One picture on its way. */
typedef struct job {
    segmenter *s;
    tern_context *context;
    const tern_model *model;
    const tern_vision_segment_options *options;
    const tern_image *image; /* as large as the mask, or of the model's size */
    tern__tile_axis axes[2];
    int views;
    float *input, *turned; /* [channels][window] */
    float *sums;           /* [planes][window] */
    const float *logits;   /* of the view that just ran */
    int view;
    int planes; /* of probabilities that are computed: 1 or the classes */
    double threshold;
    tern_mask *mask;
} job;

/* ---- the session's part ---- */

static void release(void *attachment, tern_context *c) {
    segmenter *s = attachment;
    (void)c;
    tern_session_free(s->runs[0]);
    tern_session_free(s->runs[1]);
}

static tern_status make(void *attachment, tern_session *session) {
    tern_context *c = tern__session_context(session);
    const tern_graph *g = tern__session_graph(session);
    segmenter *s = attachment;
    tern_status st = tern__vision_pipeline_read(&s->pipeline, c, tern_session_model(session));
    if (st == TERN_OK) st = tern_vision_network_reach(&s->reach, g);
    if (st != TERN_OK) return st;
    const tern_vision_reach *r = &s->reach;
    s->logits = (int)g->values[g->outputs[0]].shape.dims[1];
    int64_t a = r->multiple[0], b = r->multiple[1];
    s->multiple = a;
    while (s->multiple % b) s->multiple += a;
    for (int i = 0; i < 2; i++) {
        if (s->halo < r->before[i]) s->halo = r->before[i];
        if (s->halo < r->after[i]) s->halo = r->after[i];
    }
    s->halo = tern__round_up(s->halo, s->multiple);
    return TERN_OK;
}

static const tern__attachment_type segmenters = {sizeof(segmenter), make, release};

/* The session's segmenter, made at its first picture. */
static tern_status prepare(segmenter **segmenter_, tern_session *session) {
    void *attachment;
    const tern_status st = tern__session_attachment(&attachment, session, &segmenters);
    *segmenter_ = attachment;
    return st;
}

static tern_tensor window_tensor(const segmenter *s, int64_t height, int64_t width, float *data) {
    return (tern_tensor){
        TERN_FLOAT, 4, {1, s->pipeline.normalization.channels, height, width}, data};
}

/* Plans for windows of this size; the plan before is given up first. */
static tern_status plan_for(job *j, int which, int64_t height, int64_t width) {
    segmenter *s = j->s;
    const tern_tensor x = window_tensor(s, height, width, NULL);
    if (s->runs[which] && s->sides[which][0] == height && s->sides[which][1] == width)
        return TERN_OK;
    tern_session_free(s->runs[which]);
    s->runs[which] = NULL;
    tern_session *run;
    tern_status st = tern__session_create(&run, j->model, j->context);
    if (st != TERN_OK) return st;
    tern__session_set_limit(run, (size_t)fmax(j->options->memory, MOST_TO_MEASURE));
    const int64_t mask[4] = {1, s->logits, height, width};
    if ((st = tern_session_prepare(run, &x, 1)) == TERN_OK) {
        const tern_tensor y = tern__session_output(run);
        st = tern__session_expect(run, &y, 4, mask);
    }
    if (st != TERN_OK) {
        tern__fail(j->context, st, "%s", tern_session_message(run));
        tern_session_free(run);
        return st;
    }
    s->runs[which] = run;
    s->sides[which][0] = height;
    s->sides[which][1] = width;
    return TERN_OK;
}

/* ---- memory ---- */

static double image_bytes(const tern_image *image) {
    return (double)image->width * image->height * image->channels * (image->bits / 8);
}

/* Bytes of a window's floats: input, perhaps turned, and sums. */
static double buffer_bytes(const job *j, double pixels) {
    const int inputs = j->s->pipeline.normalization.channels * (j->views > 1 ? 2 : 1);
    return pixels * (inputs + j->planes) * sizeof(float);
}

static double window_bytes(const job *j) {
    const segmenter *s = j->s;
    double bytes = (double)tern_session_memory(s->runs[0]);
    if (j->views == VIEWS) bytes += (double)tern_session_memory(s->runs[1]);
    return bytes + buffer_bytes(j, (double)s->sides[0][0] * (double)s->sides[0][1]);
}

static tern_status make_plans(job *j, int64_t height, int64_t width) {
    tern_status st = plan_for(j, 0, height, width);
    if (j->views == VIEWS && st == TERN_OK) st = plan_for(j, 1, width, height);
    return st;
}

/* The bytes of a window are a fixed part and one for each pixel, which two small windows tell. */
static tern_status measure(job *j) {
    segmenter *s = j->s;
    const int64_t small = 2 * s->halo + s->multiple,
                  large = small + (small / 4 / s->multiple + 1) * s->multiple;
    if (s->measured == j->views) return TERN_OK;
    tern_status st = make_plans(j, small, small);
    const double low = st == TERN_OK ? window_bytes(j) : 0;
    if (st == TERN_OK) st = make_plans(j, large, large);
    if (st != TERN_OK) return st;
    s->pixel = (window_bytes(j) - low) / (double)(large * large - small * small);
    s->fixed = low - s->pixel * (double)(small * small);
    s->measured = j->views;
    return TERN_OK;
}

/* Makes the plans of windows as large as `room` bytes allow. */
static tern_status choose_windows(job *j, int64_t height, int64_t width, double room) {
    const segmenter *s = j->s;
    const int64_t smallest = 2 * s->halo + s->multiple,
                  side = j->options->tile ? j->options->tile : INT64_MAX;
    tern_status st = measure(j);
    if (st != TERN_OK) return st;
    for (double pixels = fmin((room - s->fixed) / s->pixel, 4e9); pixels >= 1; pixels *= 0.95) {
        if (!tern__tiles_choose(j->axes, height, width, s->multiple, s->halo, (int64_t)pixels,
                                side))
            break;
        st = make_plans(j, j->axes[0].window, j->axes[1].window);
        if (st != TERN_ERR_LIMIT && (st != TERN_OK || window_bytes(j) <= room)) return st;
    }
    const double least =
        s->fixed + s->pixel * (double)tern__tiles_least(height, width, s->multiple, s->halo);
    if (side < smallest && room >= least)
        return tern__fail(j->context, TERN_ERR_ARGUMENT,
                          "tiles of %lld pixels: this network needs %lld, of which "
                          "%lld on every side are overlap",
                          (long long)side, (long long)smallest, (long long)s->halo);
    return tern__fail(j->context, TERN_ERR_LIMIT,
                      "%.0f MB do not suffice: the smallest tile of this network takes %.0f "
                      "MB besides picture and mask, for which there are %.0f MB",
                      j->options->memory / 1e6, ceil(least / 1e6), floor(fmax(room, 0) / 1e6));
}

/* A network that looks at the whole picture gets it whole. */
static tern_status choose_whole(job *j, int64_t height, int64_t width, double room) {
    j->axes[0] = (tern__tile_axis){height, height, 0, 1};
    j->axes[1] = (tern__tile_axis){width, width, 0, 1};
    tern_status st = make_plans(j, height, width);
    if (st != TERN_OK || window_bytes(j) <= room) return st;
    return tern__fail(
        j->context, TERN_ERR_LIMIT,
        "this picture takes %.0f MB besides itself and its mask, for which "
        "there are %.0f MB of %.0f; it cannot be cut into tiles because '%s' looks at all of it",
        ceil(window_bytes(j) / 1e6), floor(fmax(room, 0) / 1e6), j->options->memory / 1e6,
        j->s->reach.why ? j->s->reach.why : "the model");
}

/* ---- views ---- */

/* Where pixel (x, y) of a window lies once the view has turned it. */
static int64_t turned_place(int view, int64_t height, int64_t width, int64_t y, int64_t x) {
    if (view & MIRROR) x = width - 1 - x;
    if (view & FLIP) y = height - 1 - y;
    return view & TRANSPOSE ? x * height + y : y * width + x;
}

static void turn_row(void *arg, int64_t row, int worker) {
    (void)worker;
    const job *j = arg;
    const int64_t height = j->axes[0].window, width = j->axes[1].window, plane = row / height,
                  y = row % height;
    const float *from = j->input + row * width;
    float *to = j->turned + plane * height * width;
    for (int64_t x = 0; x < width; x++) to[turned_place(j->view, height, width, y, x)] = from[x];
}

/* Adds a row's probabilities of the view that just ran. */
static void add_row(void *arg, int64_t y, int worker) {
    (void)worker;
    const job *j = arg;
    const int64_t height = j->axes[0].window, width = j->axes[1].window, pixels = height * width;
    const int logits = j->s->logits;
    for (int64_t x = 0; x < width; x++) {
        const float *l = j->logits + turned_place(j->view, height, width, y, x);
        float *sum = j->sums + y * width + x, all = 0, greatest = l[0], power[256];
        if (logits <= 2) {
            const float d = logits == 1 ? l[0] : l[pixels] - l[0];
            *sum += 1 / (1 + expf(-d));
            continue;
        }
        for (int k = 1; k < logits; k++) greatest = fmaxf(greatest, l[k * pixels]);
        for (int k = 0; k < logits; k++) all += power[k] = expf(l[k * pixels] - greatest);
        for (int k = 0; k < logits; k++) sum[k * pixels] += power[k] / all;
    }
}

static tern_status run_view(job *j, int view) {
    const int which = view & TRANSPOSE ? 1 : 0;
    const int64_t height = j->axes[0].window, width = j->axes[1].window;
    const int channels = j->s->pipeline.normalization.channels;
    j->view = view;
    if (view) tern__parallel(j->context, channels * height, width, turn_row, j);
    const tern_tensor x = window_tensor(j->s, which ? width : height, which ? height : width,
                                        view ? j->turned : j->input);
    tern_tensor y;
    tern_status st = tern_session_run(j->s->runs[which], &x, 1, &y, 1);
    if (st != TERN_OK)
        return tern__fail(j->context, st, "%s", tern_session_message(j->s->runs[which]));
    j->logits = y.data;
    tern__parallel(j->context, height, 8 * width, add_row, j);
    return TERN_OK;
}

/* ---- into the mask ---- */

/* Probabilities [planes] of count pixels, `pitch` floats from plane to plane, become those of the
 * mask from place `at` on. */
static void put(const job *j, const float *p, int64_t pitch, size_t at, int64_t count) {
    tern_mask *m = j->mask;
    const size_t plane = (size_t)m->width * (size_t)m->height;
    for (int k = 0; k < m->planes; k++)
        memcpy(m->probability + (size_t)k * plane + at, p + k * pitch, (size_t)count * sizeof *p);
    for (int64_t i = 0; i < count; i++) {
        int best = 0;
        if (j->planes == 1) best = (double)p[i] >= j->threshold;
        for (int k = 1; k < j->planes; k++)
            if (p[k * pitch + i] > p[best * pitch + i]) best = k;
        m->labels[at + (size_t)i] = (uint8_t)best;
    }
}

static void average(job *j) {
    const int64_t count = j->planes * j->axes[0].window * j->axes[1].window;
    const float share = 1 / (float)j->views;
    for (int64_t i = 0; j->views > 1 && i < count; i++) j->sums[i] *= share;
}

/* What counts of a window and lies in the picture. */
static void put_window(const job *j, const tern__tile_range *rows,
                       const tern__tile_range *columns) {
    const tern_mask *m = j->mask;
    const int64_t width = j->axes[1].window, pixels = j->axes[0].window * width;
    const int64_t bottom = rows->end < m->height ? rows->end : m->height;
    const int64_t right = columns->end < m->width ? columns->end : m->width;
    for (int64_t y = rows->begin; y < bottom && columns->begin < right; y++)
        put(j, j->sums + (y - rows->start) * width + columns->begin - columns->start, pixels,
            (size_t)(y * m->width + columns->begin), right - columns->begin);
}

/* The picture that the network saw was of the model's size: probabilities are brought to the
 * picture's, bilinear with pixel centres at the half (as tern_image_resize without antialias). */
static tern_status put_enlarged(const job *j) {
    const tern_mask *m = j->mask;
    const int from_width = j->image->width, from_height = j->image->height;
    const int64_t width = j->axes[1].window, pixels = j->axes[0].window * width;
    float *row = tern__alloc(j->context, (size_t)j->planes * (size_t)m->width * sizeof *row);
    if (!row) return TERN_ERR_MEMORY;
    for (int y = 0; y < m->height; y++) {
        const double v = fmin(fmax((y + 0.5) * from_height / m->height - 0.5, 0), from_height - 1);
        const int64_t top = (int64_t)v, bottom = top + 1 < from_height ? top + 1 : top;
        const float down = (float)(v - (double)top);
        for (int k = 0; k < j->planes; k++)
            for (int x = 0; x < m->width; x++) {
                const double u =
                    fmin(fmax((x + 0.5) * from_width / m->width - 0.5, 0), from_width - 1);
                const int64_t left = (int64_t)u, right = left + 1 < from_width ? left + 1 : left;
                const float *a = j->sums + k * pixels + top * width,
                            *b = j->sums + k * pixels + bottom * width;
                const float across = (float)(u - (double)left);
                const float above = a[left] + across * (a[right] - a[left]);
                const float below = b[left] + across * (b[right] - b[left]);
                row[(int64_t)k * m->width + x] = above + down * (below - above);
            }
        put(j, row, m->width, (size_t)y * (size_t)m->width, m->width);
    }
    tern__free(j->context, row);
    return TERN_OK;
}

/* ---- a picture ---- */

static tern_status run_window(job *j, int64_t row, int64_t column) {
    const tern__tile_range rows = tern__tile_at(&j->axes[0], row),
                           columns = tern__tile_at(&j->axes[1], column);
    const int64_t pixels = j->axes[0].window * j->axes[1].window;
    static const int mirrored[2] = {0, MIRROR};
    tern_status st = tern_image_floats(
        j->image, (int)columns.start, (int)rows.start, (int)j->axes[1].window,
        (int)j->axes[0].window, TERN_BORDER_REFLECT, &j->s->pipeline.normalization, j->input);
    memset(j->sums, 0, (size_t)(j->planes * pixels) * sizeof *j->sums);
    for (int i = 0; st == TERN_OK && i < j->views; i++)
        st = run_view(j, j->views == 2 ? mirrored[i] : i);
    if (st != TERN_OK) return st;
    average(j);
    if (j->s->pipeline.width) return put_enlarged(j);
    put_window(j, &rows, &columns);
    return TERN_OK;
}

static tern_status run_windows(job *j) {
    const tern_vision_segment_options *o = j->options;
    const int64_t count = j->axes[0].count * j->axes[1].count;
    tern_status st = TERN_OK;
    for (int64_t i = 0; st == TERN_OK && i < count; i++) {
        st = run_window(j, i / j->axes[1].count, i % j->axes[1].count);
        if (st == TERN_OK && o->on_progress && !o->on_progress(o->user, i + 1, count))
            st = tern__fail(j->context, TERN_ERR_INTERRUPTED, "stopped after %lld of %lld tiles",
                            (long long)i + 1, (long long)count);
    }
    return st;
}

static tern_status allocate(job *j) {
    const size_t pixels = (size_t)(j->axes[0].window * j->axes[1].window);
    const size_t channels = (size_t)j->s->pipeline.normalization.channels;
    j->input = tern__alloc(j->context, channels * pixels * sizeof *j->input);
    j->turned =
        j->views > 1 ? tern__alloc(j->context, channels * pixels * sizeof *j->turned) : NULL;
    j->sums = tern__alloc(j->context, (size_t)j->planes * pixels * sizeof *j->sums);
    return j->input && j->sums && (j->turned || j->views == 1) ? TERN_OK : TERN_ERR_MEMORY;
}

static tern_status segment(job *j) {
    const segmenter *s = j->s;
    const int64_t height = tern__round_up(j->image->height, s->multiple),
                  width = tern__round_up(j->image->width, s->multiple);
    const double pixels = (double)j->mask->width * j->mask->height;
    const double lists = 5e5; /* of plans: not part of their arena */
    const double room = j->options->memory - lists - image_bytes(j->image) - pixels -
                        pixels * j->mask->planes * sizeof(float);
    const bool whole = s->reach.whole || s->pipeline.width;
    tern_status st =
        whole ? choose_whole(j, height, width, room) : choose_windows(j, height, width, room);
    if (st == TERN_OK) st = allocate(j);
    if (st == TERN_OK) st = run_windows(j);
    tern__free(j->context, j->input);
    tern__free(j->context, j->turned);
    tern__free(j->context, j->sums);
    return st;
}

static tern_status check(tern_context *c, const tern_image *image,
                         const tern_vision_segment_options *o) {
    if (o->size != sizeof *o)
        return tern__fail(c, TERN_ERR_ARGUMENT,
                          "segmentation options of size %zu, expected %zu: start from "
                          "TERN_VISION_SEGMENT_OPTIONS_INIT",
                          o->size, sizeof *o);
    if (!image->data)
        return tern__fail(c, TERN_ERR_ARGUMENT, "there is no picture to make a mask of");
    if (!(o->threshold >= 0 && o->threshold <= 1))
        return tern__fail(c, TERN_ERR_ARGUMENT, "a threshold of %g; it must be in 0..1",
                          o->threshold);
    if (!(o->memory >= 0) || o->tile < 0)
        return tern__fail(c, TERN_ERR_ARGUMENT,
                          "memory %g bytes, tiles of %d pixels; neither can be negative", o->memory,
                          o->tile);
    return TERN_OK;
}

/* Says once a session that pictures are not what the model was trained with. */
static void warn(segmenter *s, tern_context *c, const tern_image *image) {
    const tern__vision_pipeline *p = &s->pipeline;
    const bool colour = image->channels >= 3 || image->palette, alpha = image->channels % 2 == 0;
    const bool wanted = p->normalization.channels == 3;
    if (s->warned || (colour == wanted && image->bits == p->bits && !alpha)) return;
    s->warned = true;
    tern__log(c, TERN_LOG_WARNING,
              "a picture of %d bits, %s%s; the model was trained with %d bits, %s: it is converted",
              image->bits, colour ? "colour" : "grey", alpha ? " with transparency" : "", p->bits,
              wanted ? "colour" : "grey");
}

tern_status tern_vision_segment(tern_session *session, const tern_image *image,
                                const tern_vision_segment_options *options, tern_mask *mask) {
    tern_vision_segment_options o = TERN_VISION_SEGMENT_OPTIONS_INIT;
    tern_context *c = tern__session_context(session);
    tern_image resized = {0}, own = *image;
    segmenter *s;
    memset(mask, 0, sizeof *mask);
    if (options) o = *options;
    own.context = c; /* sentences and memory are the session's */
    tern_status st = check(c, image, &o);
    if (st == TERN_OK) st = prepare(&s, session);
    if (st != TERN_OK) return st;
    const tern__vision_pipeline *p = &s->pipeline;
    if (!o.memory) o.memory = 500e6;
    warn(s, c, image);
    job j = {.s = s,
             .context = c,
             .model = tern_session_model(session),
             .options = &o,
             .image = &own,
             .mask = mask,
             .views = !o.all_views ? 1
                      : p->width   ? 2
                                   : VIEWS,
             .planes = p->classes == 2 ? 1 : p->classes,
             .threshold = o.threshold > 0 ? o.threshold : p->threshold};
    if (p->width) {
        st = tern_image_resize(&resized, &own, p->width, p->height, TERN_FILTER_BILINEAR, true);
        j.image = &resized;
    }
    if (st == TERN_OK)
        st = tern_mask_create(mask, c, image->width, image->height, p->classes,
                              o.probability ? j.planes : 0);
    if (st == TERN_OK) st = segment(&j);
    if (st == TERN_OK)
        mask->held = tern__session_context_hold(session); /* it may outlive the session */
    else
        tern_mask_free(mask);
    tern_image_free(&resized);
    return st;
}

tern_status tern_vision_segment_file(tern_session *session, const char *path, tern_mask *mask) {
    tern_image image = {0};
    memset(mask, 0, sizeof *mask);
    tern_status st = tern_image_load(&image, tern__session_context(session), path, NULL);
    if (st == TERN_OK) st = tern_vision_segment(session, &image, NULL, mask);
    tern_image_free(&image);
    return st;
}

tern_status tern_vision_describe(tern_vision_model_info *info, tern_session *session) {
    segmenter *s;
    tern_status st = prepare(&s, session);
    if (st != TERN_OK) return st;
    const tern__vision_pipeline *p = &s->pipeline;
    *info = (tern_vision_model_info){p->normalization.channels,
                                     p->classes,
                                     p->width,
                                     p->height,
                                     p->classes == 2 ? p->threshold : NAN,
                                     p->normalization,
                                     s->reach};
    return TERN_OK;
}
