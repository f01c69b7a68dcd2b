/* Speed of the convolution kernels, layer by layer, in per cent of the FMA peak that the same run
 * measures. Usage: kernels [-t THREADS] [LAYER...]: 1 and 2 threads by default; a LAYER is a part
 * of a name. */
#include "core/math/convolution.h"
#include "core/kernels/kernels.h"
#include "peak.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct layer {
    const char *name;
    int64_t n, c, h, w, k, kh, kw, sh, sw, ph, pw, dh, dw, group;
    bool transposed;
} layer;

static const layer layers[] = {
    {"vgg64_56", 1, 64, 56, 56, 64, 3, 3, 1, 1, 1, 1, 1, 1, 1, false},
    {"c256_14", 1, 256, 14, 14, 256, 3, 3, 1, 1, 1, 1, 1, 1, 1, false},
    {"c512_7", 1, 512, 7, 7, 512, 3, 3, 1, 1, 1, 1, 1, 1, 1, false},
    {"stem7x7s2", 1, 3, 224, 224, 64, 7, 7, 2, 2, 3, 3, 1, 1, 1, false},
    {"pw256_64_56", 1, 256, 56, 56, 64, 1, 1, 1, 1, 0, 0, 1, 1, 1, false},
    {"dw128_56", 1, 128, 56, 56, 128, 3, 3, 1, 1, 1, 1, 1, 1, 128, false},
    {"dil2_64_56", 1, 64, 56, 56, 64, 3, 3, 1, 1, 2, 2, 2, 2, 1, false},
    {"unet64_256", 1, 64, 256, 256, 64, 3, 3, 1, 1, 1, 1, 1, 1, 1, false},
    {"c1d_1x16000", 1, 1, 1, 16000, 64, 1, 80, 1, 4, 0, 0, 1, 1, 1, false},
    {"c1d_64x4000", 1, 64, 1, 4000, 64, 1, 3, 1, 1, 0, 1, 1, 1, 1, false},
    {"text_k3_b50", 50, 300, 1, 56, 100, 1, 3, 1, 1, 0, 0, 1, 1, 1, false},
    {"text_k4_b50", 50, 300, 1, 56, 100, 1, 4, 1, 1, 0, 0, 1, 1, 1, false},
    {"text_k5_b50", 50, 300, 1, 56, 100, 1, 5, 1, 1, 0, 0, 1, 1, 1, false},
    {"convT128_64", 1, 128, 64, 64, 64, 2, 2, 2, 2, 0, 0, 1, 1, 1, true},
    {"vgg64_56_b16", 16, 64, 56, 56, 64, 3, 3, 1, 1, 1, 1, 1, 1, 1, false},
    {"c256_14_b16", 16, 256, 14, 14, 256, 3, 3, 1, 1, 1, 1, 1, 1, 1, false},
    {"c1d_64x4000_b32", 32, 64, 1, 4000, 64, 1, 3, 1, 1, 0, 1, 1, 1, 1, false},
    {"lenet_c1_b64", 64, 1, 32, 32, 6, 5, 5, 1, 1, 0, 0, 1, 1, 1, false},
    {"lenet_c3_b64", 64, 6, 14, 14, 16, 5, 5, 1, 1, 0, 0, 1, 1, 1, false},
    {"dense_b64", 64, 512, 1, 1, 512, 1, 1, 1, 1, 0, 0, 1, 1, 1, false},
    {"dense_b1", 1, 512, 1, 1, 512, 1, 1, 1, 1, 0, 0, 1, 1, 1, false},
    {"logmel1_b32", 32, 1, 64, 100, 64, 3, 3, 1, 1, 1, 1, 1, 1, 1, false},
    {"s2_64_128_28_b8", 8, 64, 56, 56, 128, 3, 3, 2, 2, 1, 1, 1, 1, 1, false},
    {"unet16_256_b4", 4, 16, 256, 256, 16, 3, 3, 1, 1, 1, 1, 1, 1, 1, false},
};

/* As a convolution from the transposed layer's output to its input, if it is transposed. */
static tern__convolution describe(const layer *l) {
    tern__convolution v = {.spatial = 2,
                           .n = l->n,
                           .c = l->c,
                           .k = l->k,
                           .group = l->group,
                           .in = {l->h, l->w},
                           .kernel = {l->kh, l->kw},
                           .stride = {l->sh, l->sw},
                           .dilation = {l->dh, l->dw},
                           .pad_begin = {l->ph, l->pw}};
    if (l->transposed) {
        v.c = l->k, v.k = l->c;
        for (int a = 0; a < 2; a++)
            v.in[a] = (v.in[a] - 1) * v.stride[a] - 2 * v.pad_begin[a] + v.kernel[a];
    }
    for (int a = 0; a < 2; a++)
        v.out[a] =
            (v.in[a] + 2 * v.pad_begin[a] - v.dilation[a] * (v.kernel[a] - 1) - 1) / v.stride[a] +
            1;
    return v;
}

static float *make(size_t count) {
    float *p = aligned_alloc(64, (count * sizeof *p + 64) / 64 * 64);
    if (!p) exit(1);
    for (size_t i = 0; i < count; i++) p[i] = (float)(i % 13) * 0.1f - 0.6f;
    return p;
}

typedef struct buffers {
    float *x, *y, *w, *b, *dy, *dx, *dw, *packed, *packed_data, *workspace;
} buffers;

enum { FORWARD, DATA, WEIGHTS, PACK, PASSES };
static void run_pass(const tern_context *c, const tern__convolution *v, const buffers *b,
                     int pass) {
    tern__epilogue e = {.bias = b->b};
    if (pass == FORWARD)
        tern__convolution_forward(c, v, b->x, b->packed, &e, b->y, b->workspace);
    else if (pass == DATA)
        tern__convolution_backward_data(c, v, b->dy, b->packed_data, NULL, b->dx, b->workspace);
    else if (pass == WEIGHTS)
        tern__convolution_backward_weights(c, v, b->x, b->dy, b->dw, false, b->workspace);
    else
        tern__convolution_pack(c, v, b->w, b->packed);
}

static double best_time(const tern_context *c, const tern__convolution *v, const buffers *b,
                        int pass) {
    double best = 1e9, begin = bench_now();
    for (int i = 0; i < 500 && (i < 3 || bench_now() - begin < 0.12); i++) {
        double start = bench_now();
        run_pass(c, v, b, pass);
        double t = bench_now() - start;
        if (t < best) best = t;
    }
    return best;
}

static int measure(tern_context *c, const layer *l, double peak) {
    tern__convolution v = describe(l);
    if (tern__convolution_prepare(c, &v) != TERN_OK) return 1;
    size_t x = (size_t)(v.n * v.in[0] * v.in[1] * v.in[2] * v.c);
    size_t y = (size_t)(v.n * v.out[0] * v.out[1] * v.out[2] * v.k);
    size_t w = (size_t)(v.k * (v.c / v.group) * v.kernel[0] * v.kernel[1] * v.kernel[2]);
    size_t space = v.workspace_size;
    if (space < v.data_workspace_size) space = v.data_workspace_size;
    if (space < v.weights_workspace_size) space = v.weights_workspace_size;
    buffers b = {make(x),
                 make(y),
                 make(w),
                 make((size_t)v.k + (size_t)v.c),
                 make(y),
                 make(x),
                 make(w),
                 make(v.packed_size),
                 make(v.packed_data_size),
                 make(space)};
    tern__convolution_pack(c, &v, b.w, b.packed);
    tern__convolution_pack_data(c, &v, b.w, b.packed_data);
    double gigaflops = tern__convolution_flops(&v) / 1e9;
    printf("%-16s %d ", l->name, c->threads);
    for (int pass = 0; pass < PASSES; pass++) {
        double t = best_time(c, &v, &b, pass);
        if (pass == PACK)
            printf("  %8.3f", t * 1e3);
        else
            printf("  %8.3f %6.1f %4.0f%%", t * 1e3, gigaflops / t, 100 * gigaflops / t / peak);
    }
    printf("\n");
    fflush(stdout);
    float *all[] = {b.x, b.y, b.w, b.b, b.dy, b.dx, b.dw, b.packed, b.packed_data, b.workspace};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
    return 0;
}

int main(int argc, char **argv) {
    int first = 1, only = 0;
    if (argc > 2 && strcmp(argv[1], "-t") == 0) {
        only = atoi(argv[2]);
        first = 3;
    }
    for (int threads = only ? only : 1; threads <= (only ? only : 2); threads++) {
        tern_context_options o = TERN_CONTEXT_OPTIONS_INIT;
        o.threads = threads;
        tern_context *c;
        if (tern_context_create(&c, &o) != TERN_OK) {
            fprintf(stderr, "%s\n", tern_context_message(c));
            tern_context_free(c);
            return 1;
        }
        double peak = bench_peak(c);
        printf("%s, %d threads, FMA peak %.1f GFLOP/s\n", tern_context_cpu(c), threads, peak);
        printf("%-16s %s   %-22s%-22s%-22s%s\n", "layer", "T", "forward ms GF/s", "data gradient",
               "weight gradient", "pack ms");
        for (size_t i = 0; i < sizeof layers / sizeof *layers; i++) {
            bool wanted = first >= argc;
            for (int a = first; a < argc; a++) wanted = wanted || strstr(layers[i].name, argv[a]);
            if (wanted && measure(c, &layers[i], peak)) return 1;
        }
        tern_context_free(c);
    }
    return 0;
}
