/* Features for people and for other programs: as a picture with axes (PNG) and as an array (.npy).
 */
#include "core/base/npy.h"
#include "core/base/picture.h"
#include "features.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { SCALE = 2, LINE = SCALE * TERN__TEXT_HEIGHT, GAP = 12, BAR = 22, TICK = 6 };
static const uint32_t paper = 0xffffff, ink = 0x202028, pale = 0x70707c;
static const double decibels_shown = 80;

/* Where things are, in pixels. */
typedef struct layout {
    int left, top, width, height; /* the features */
    int bar_left;
} layout;

/* Values as they are shown: at most a column a pixel. */
typedef struct view {
    const tern_features *features;
    float *values; /* [rows][columns] */
    int64_t rows, columns;
    double seconds;
    bool decibels;
    double low, high;
    const tern__picture_map *map; /* or NULL */
} view;

/* A value on the scale shown: decibels of power wherever rows are powers. */
static double shown(const view *v, double x) {
    const tern_audio_options *o = &v->features->options;
    if (!v->decibels) return x;
    x = x * o->std + o->mean;
    switch (o->log) {
    case TERN_LOG_DB:
        return x;
    case TERN_LOG_NATURAL:
        return 20 / o->power / log(10) * x;
    case TERN_LOG_10:
        return 20 / o->power * x;
    case TERN_LOG_NONE:
        break;
    }
    return 20 / o->power * log10(x > 1e-10 ? x : 1e-10);
}

/* The means of the frames that share a column -> v->values. */
static void fill_columns(view *v, const float *values, int64_t frames) {
    for (int64_t row = 0; row < v->rows; row++)
        for (int64_t k = 0; k < v->columns; k++) {
            const int64_t begin = k * frames / v->columns, end = (k + 1) * frames / v->columns;
            double sum = 0;
            for (int64_t t = begin; t < end; t++) sum += shown(v, values[row * frames + t]);
            v->values[row * v->columns + k] = (float)(sum / (double)(end - begin));
        }
}

static void find_range(view *v) {
    double low = INFINITY, high = -INFINITY;
    for (int64_t i = 0; i < v->rows * v->columns; i++) {
        const double x = v->values[i];
        if (isfinite(x) && x < low) low = x;
        if (isfinite(x) && x > high) high = x;
    }
    if (!(high > low)) high = (low = isfinite(low) ? low : 0) + 1;
    if (v->decibels && low < high - decibels_shown) low = high - decibels_shown;
    v->low = low;
    v->high = high;
}

/* Between the four values [rows][columns] around a place. */
static double interpolate(const float *values, int64_t rows, int64_t columns, double row,
                          double column) {
    row = fmin(fmax(row, 0), (double)(rows - 1));
    column = fmin(fmax(column, 0), (double)(columns - 1));
    const int64_t r = (int64_t)row, k = (int64_t)column;
    const double up = row - (double)r, right = column - (double)k;
    const float *a = values + r * columns + k, *b = r + 1 < rows ? a + columns : a;
    const int next = k + 1 < columns;
    return (a[0] * (1 - right) + a[next] * right) * (1 - up) +
           (b[0] * (1 - right) + b[next] * right) * up;
}

/* What does not count is grey: the colour's own lightness, a little darker. */
static uint32_t fade(uint32_t colour, double share) {
    const double red = colour >> 16, green = colour >> 8 & 0xff, blue = colour & 0xff;
    const double grey = 0.75 * (0.299 * red + 0.587 * green + 0.114 * blue) + 30;
    const double parts[3] = {red, green, blue};
    uint32_t faded = 0;
    for (int i = 0; i < 3; i++)
        faded = faded << 8 | (uint32_t)lround(share * parts[i] + (1 - share) * grey);
    return faded;
}

/* The map's value, bilinear, at a share of the height (from below) and of the width. */
static double share_at(const tern__picture_map *m, double up, double right) {
    return interpolate(m->values, m->rows, m->columns, up * (double)m->rows - 0.5,
                       right * (double)m->columns - 0.5);
}

static void draw_values(tern__picture *p, const view *v, const layout *l) {
    for (int y = 0; y < l->height; y++)
        for (int x = 0; x < l->width; x++) {
            const double row = (l->height - y - 0.5) * (double)v->rows / l->height - 0.5;
            const double column = (x + 0.5) * (double)v->columns / l->width - 0.5;
            const double value = interpolate(v->values, v->rows, v->columns, row, column);
            uint32_t colour = tern__picture_heat((value - v->low) / (v->high - v->low));
            if (v->map)
                colour = fade(colour, sqrt(share_at(v->map, (l->height - y - 0.5) / l->height,
                                                    (x + 0.5) / l->width)));
            tern__picture_dot(p, l->left + x, l->top + y, colour);
        }
}

/* The step of 1, 2 or 5 times a power of 10 that cuts the range into about `count` parts. */
static double nice_step(double range, int count) {
    const double rough = range / count, power = pow(10, floor(log10(rough)));
    const double part = rough / power;
    return power * (part < 1.5 ? 1 : part < 3.5 ? 2 : part < 7.5 ? 5 : 10);
}

/* Text centred on x, or ending at x, or beginning there: align 0, -1, 1. */
static void label(tern__picture *p, int x, int y, int align, uint32_t colour, const char *text) {
    const int width = tern__picture_text_width(SCALE, text);
    x -= align == 0 ? width / 2 : align < 0 ? width : 0;
    tern__picture_text(p, x, y, SCALE, colour, text);
}

/* A number with as many decimals as the step needs. */
static void number(char *text, size_t size, double value, double step) {
    const int decimals = step >= 1 ? 0 : (int)ceil(-log10(step) - 1e-9);
    snprintf(text, size, "%.*f", decimals, fabs(value) < step / 1e6 ? 0.0 : value);
}

static void time_axis(tern__picture *p, const view *v, const layout *l) {
    const double seconds = v->seconds, step = nice_step(seconds, l->width / 140 + 1);
    const int y = l->top + l->height;
    char text[64];
    for (double s = 0; s < seconds + step / 1e6; s += step) {
        const int x = l->left + (int)(s / seconds * (l->width - 1) + 0.5);
        tern__picture_rectangle(p, x - 1, y, SCALE, TICK, ink);
        number(text, sizeof text, s, step);
        label(p, x, y + TICK + 4, 0, ink, text);
    }
    label(p, l->left + l->width / 2, y + TICK + 4 + LINE + 6, 0, pale, "seconds");
}

/* The row, with a fraction, whose frequency this is. */
static double row_of(const view *v, double hz) {
    int64_t row = 0;
    while (row < v->rows && tern_features_frequency(v->features, (size_t)row) < 0) row++;
    for (; row + 1 < v->rows; row++) {
        const double low = tern_features_frequency(v->features, (size_t)row);
        const double high = tern_features_frequency(v->features, (size_t)row + 1);
        if (high < 0) break;
        if (hz >= low && hz <= high) return (double)row + (hz - low) / (high - low);
    }
    return -1;
}

static void frequency_axis(tern__picture *p, const view *v, const layout *l) {
    static const double round_numbers[] = {
        50,   100,  200,  300,   500,   700,   1000,  1500,  2000,  3000,  4000,   5000,
        6000, 7000, 8000, 10000, 12000, 14000, 16000, 20000, 30000, 50000, 100000, 200000};
    int last = l->top + l->height + LINE; /* the label below */
    char text[64];
    for (size_t i = 0; i < sizeof round_numbers / sizeof *round_numbers; i++) {
        const double row = row_of(v, round_numbers[i]);
        if (row < 0) continue;
        const int y =
            l->top + l->height - 1 - (int)((row + 0.5) / (double)v->rows * (l->height - 1) + 0.5);
        if (last - y < 2 * LINE) continue;
        last = y;
        tern__picture_rectangle(p, l->left - TICK, y, TICK, SCALE, ink);
        if (round_numbers[i] >= 1000)
            snprintf(text, sizeof text, "%gk", round_numbers[i] / 1000);
        else
            snprintf(text, sizeof text, "%g", round_numbers[i]);
        label(p, l->left - TICK - 6, y - TERN__TEXT_BASE + 1, -1, ink, text);
    }
    label(p, l->left - TICK - 6, l->top - LINE - 4, -1, pale, "Hz");
}

static void row_axis(tern__picture *p, const view *v, const layout *l) {
    const int64_t step = (int64_t)fmax(nice_step((double)v->rows, l->height / 60 + 1), 1);
    char text[64];
    for (int64_t row = 0; row < v->rows; row += step) {
        const int y = l->top + l->height - 1 -
                      (int)(((double)row + 0.5) / (double)v->rows * (l->height - 1) + 0.5);
        tern__picture_rectangle(p, l->left - TICK, y, TICK, SCALE, ink);
        snprintf(text, sizeof text, "%lld", (long long)row);
        label(p, l->left - TICK - 6, y - TERN__TEXT_BASE + 1, -1, ink, text);
    }
}

static void colour_bar(tern__picture *p, const view *v, const layout *l) {
    const double range = v->high - v->low, step = nice_step(range, 5);
    char text[64];
    for (int y = 0; y < l->height; y++)
        tern__picture_rectangle(p, l->bar_left, l->top + y, BAR, 1,
                                tern__picture_heat((l->height - 1 - y) / (l->height - 1.0)));
    for (double x = ceil(v->low / step - 1e-9) * step; x <= v->high + step / 1e6; x += step) {
        const int y = l->top + l->height - 1 - (int)((x - v->low) / range * (l->height - 1) + 0.5);
        tern__picture_rectangle(p, l->bar_left + BAR, y, TICK, SCALE, ink);
        number(text, sizeof text, x, step);
        label(p, l->bar_left + BAR + TICK + 6, y - TERN__TEXT_BASE + 1, 1, ink, text);
    }
    if (v->decibels) label(p, l->bar_left, l->top - LINE - 4, 1, pale, "dB");
}

/* The name without folders and, where it is too long, with its end only. */
static void title(tern__picture *p, const view *v, const layout *l, const char *text) {
    const tern_audio_options *o = &v->features->options;
    static const char *const names[] = {"spectrogram", "mel bands", "MFCC", "PLP"};
    char line[160];
    const int room = (p->width - l->left - GAP) / (SCALE * TERN__TEXT_WIDTH);
    const char *slash = strrchr(text, '/');
    if (slash && slash[1]) text = slash + 1;
    const int length = (int)strlen(text);
    if (length > room && room > 3)
        snprintf(line, sizeof line, "...%s", text + length - (room - 3));
    else
        snprintf(line, sizeof line, "%s", text);
    label(p, l->left, GAP, 1, ink, line);
    snprintf(line, sizeof line, "%lld %s, %g kHz, %.2f s", (long long)v->rows, names[o->feature],
             o->sample_rate / 1000.0, v->seconds);
    label(p, l->left, GAP + LINE + 4, 1, pale, line);
}

tern_status tern_features_save_picture(const tern_features *f, const char *path, const char *name,
                                       const float *values, size_t frames) {
    return tern__features_picture(f, f->context, path, name, values, frames, NULL);
}

tern_status tern__features_picture(const tern_features *f, tern_context *c, const char *path,
                                   const char *name, const float *values, size_t frames,
                                   const tern__picture_map *map) {
    const tern_audio_options *o = &f->options;
    if (frames == 0) return tern__fail(c, TERN_ERR_ARGUMENT, "%s: there is no frame to draw", path);
    view v = {.features = f,
              .rows = (int64_t)tern_features_rows(f),
              .columns = (int64_t)frames,
              .map = map};
    layout l = {.left = 78, .top = 2 * GAP + 3 * LINE, .width = 1000, .height = 420};
    if (frames > 1000) l.width = frames < 1600 ? (int)frames : 1600;
    if (v.rows > 420) l.height = v.rows < 640 ? (int)v.rows : 640;
    l.bar_left = l.left + l.width + 2 * GAP;
    if (v.columns > l.width) v.columns = l.width;
    const double last =
        (double)(o->framing == TERN_FRAMING_CENTER && frames > 1 ? frames - 1 : frames);
    v.seconds = last * o->hop_length / o->sample_rate;
    const bool frequencies = tern_features_frequency(f, v.rows > 1 ? 1 : 0) >= 0;
    v.decibels = frequencies && !o->pcen && o->normalize == TERN_NORMALIZE_NONE && !o->deltas;
    tern__picture p = {0};
    tern_status status = TERN_ERR_MEMORY;
    v.values = tern__alloc(c, sizeof *v.values * (size_t)(v.rows * v.columns));
    if (v.values)
        status = tern__picture_create(&p, c, l.bar_left + BAR + 90,
                                      l.top + l.height + 2 * LINE + 3 * GAP, paper);
    if (status == TERN_OK) {
        fill_columns(&v, values, (int64_t)frames);
        find_range(&v);
        draw_values(&p, &v, &l);
        time_axis(&p, &v, &l);
        if (frequencies)
            frequency_axis(&p, &v, &l);
        else
            row_axis(&p, &v, &l);
        colour_bar(&p, &v, &l);
        title(&p, &v, &l, name);
        status = tern__picture_save(&p, c, path);
    }
    tern__picture_free(&p, c);
    tern__free(c, v.values);
    return status;
}

tern_status tern_features_save_array(const tern_features *f, const char *path, const float *values,
                                     size_t frames) {
    const int64_t dims[2] = {(int64_t)tern_features_rows(f), (int64_t)frames};
    return tern__npy_write(f->context, path, TERN__NPY_FLOAT32, 2, dims, values);
}
