/* Times whole networks: inference (tern_session_run) and a training step (tern_trainer_step). The
 * networks, inputs, losses and optimisers are those of bench/compare's PyTorch side, so that a
 * ratio can be taken. Uses public headers only.
 *
 *   networks NAME infer|train THREADS [SECONDS]   one line: median, least and mean milliseconds,
 * memory networks list                                 the names */
#define _POSIX_C_SOURCE 200809L
#include <tern/tern.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#define TRY(e)                                                                                     \
    do {                                                                                           \
        if ((st = (e)) != TERN_OK) goto done;                                                      \
    } while (0)
enum { MAX_TIMES = 1 << 20 }; /* kept for the median; the mean is of all */

/* ---- the networks ---- */

static tern_value conv(tern_value x, int64_t channels, int64_t size, int64_t pad, bool no_bias) {
    return tern_conv(x, channels,
                     (tern_conv_options){.kernel_shape = {size, size},
                                         .pads = {pad, pad, pad, pad},
                                         .no_bias = no_bias});
}

static tern_value normalized(tern_value x) { return tern_relu(tern_batch_normalization(x)); }

static tern_value lenet5(tern_value x) {
    x = tern_max_pool(tern_relu(conv(x, 6, 5, 2, false)), 2, 2);
    x = tern_max_pool(tern_relu(conv(x, 16, 5, 0, false)), 2, 2);
    x = tern_relu(tern_dense(tern_flatten(x), 120));
    return tern_dense(tern_relu(tern_dense(x, 84)), 10);
}

static tern_value mel_cnn(tern_value x) {
    for (int64_t channels = 64; channels <= 512; channels *= 2)
        x = tern_max_pool(normalized(conv(x, channels, 3, 1, true)), 2, 2);
    return tern_dense(tern_global_average_pool(x), 10);
}

/* Dai et al. 2016. */
static tern_value m5(tern_value x) {
    static const int64_t layers[4][3] = {{128, 80, 4}, {128, 3, 1}, {256, 3, 1}, {512, 3, 1}};
    for (int i = 0; i < 4; i++) {
        x = tern_conv(
            x, layers[i][0],
            (tern_conv_options){.kernel_shape = {layers[i][1]}, .strides = {layers[i][2]}});
        x = tern_max_pool(normalized(x), 4, 4);
    }
    return tern_dense(tern_global_average_pool(x), 35);
}

/* Kim 2014: 20,000 words of 300 numbers. */
static tern_value text_cnn(tern_value ids, bool frozen) {
    tern_value words = tern_embedding(ids, 20000, 300);
    if (frozen) {
        tern_value table = tern_parameter(ids.graph, "vectors", 2, (int64_t[]){20000, 300},
                                          (tern_initializer){.kind = TERN_INIT_NORMAL, .b = 1});
        tern_set_trainable(table, false);
        words = tern_gather(table, ids, 0);
    }
    tern_value x = tern_transpose(words, (int64_t[]){0, 2, 1}), pooled[3];
    for (int i = 0; i < 3; i++) {
        tern_conv_options window = {.kernel_shape = {3 + i}};
        pooled[i] = tern_reduce_max(tern_relu(tern_conv(x, 100, window)), (int64_t[]){2}, 1, false);
    }
    return tern_dense(tern_dropout(tern_concat(pooled, 3, 1), 0.5f), 2);
}
static tern_value text_cnn_trained(tern_value x) { return text_cnn(x, false); }
static tern_value text_cnn_frozen(tern_value x) { return text_cnn(x, true); }

static tern_value double_conv(tern_value x, int64_t channels) {
    return normalized(conv(normalized(conv(x, channels, 3, 1, true)), channels, 3, 1, true));
}

static tern_value up(tern_value x, int64_t channels, int level) {
    char name[2][32];
    snprintf(name[0], sizeof name[0], "up%d.weight", level);
    snprintf(name[1], sizeof name[1], "up%d.bias", level);
    static const int64_t two[2] = {2, 2};
    tern_value y = {0};
    tern_value inputs[3] = {x,
                            tern_parameter(x.graph, name[0], 4,
                                           (int64_t[]){2 * channels, channels, 2, 2},
                                           (tern_initializer){.kind = TERN_INIT_KAIMING_NORMAL}),
                            tern_parameter(x.graph, name[1], 1, (int64_t[]){channels},
                                           (tern_initializer){.kind = TERN_INIT_CONSTANT})};
    tern_attribute attributes[2] = {TERN_INTS("kernel_shape", two, 2),
                                    TERN_INTS("strides", two, 2)};
    tern_apply(x.graph, "ConvTranspose", NULL, inputs, 3, attributes, 2, &y, 1);
    return y;
}

/* Ronneberger et al. 2015 with BatchNormalization and "same" padding. */
static tern_value unet16(tern_value x) {
    tern_value skip[4];
    for (int i = 0; i < 4; i++) {
        skip[i] = double_conv(x, 16 << i);
        x = tern_max_pool(skip[i], 2, 2);
    }
    x = double_conv(x, 16 << 4);
    for (int i = 3; i >= 0; i--) {
        tern_value both[2] = {skip[i], up(x, 16 << i, i)};
        x = double_conv(tern_concat(both, 2, 1), 16 << i);
    }
    return conv(x, 2, 1, 0, false);
}

typedef struct network {
    const char *name;
    tern_value (*build)(tern_value x);
    tern_type type;
    int rank;
    int64_t input[4];
    int target_rank;
    int64_t target[3]; /* class numbers */
    int64_t classes;
    tern_optimizer_kind optimizer;
} network;

static const network networks[] = {
    {"lenet5_b16", lenet5, TERN_FLOAT, 4, {16, 1, 28, 28}, 1, {16}, 10, TERN_OPTIMIZER_SGD},
    {"lenet5_b64", lenet5, TERN_FLOAT, 4, {64, 1, 28, 28}, 1, {64}, 10, TERN_OPTIMIZER_SGD},
    {"melcnn_b32", mel_cnn, TERN_FLOAT, 4, {32, 1, 64, 100}, 1, {32}, 10, TERN_OPTIMIZER_ADAM},
    {"m5_b32", m5, TERN_FLOAT, 3, {32, 1, 16000}, 1, {32}, 35, TERN_OPTIMIZER_ADAM},
    {"textcnn_b50", text_cnn_trained, TERN_INT64, 2, {50, 56}, 1, {50}, 2, TERN_OPTIMIZER_ADAM},
    {"textcnn_static_b50",
     text_cnn_frozen,
     TERN_INT64,
     2,
     {50, 56},
     1,
     {50},
     2,
     TERN_OPTIMIZER_ADAM},
    {"unet16_b4", unet16, TERN_FLOAT, 4, {4, 3, 256, 256}, 3, {4, 256, 256}, 2, TERN_OPTIMIZER_SGD},
};
enum { NETWORKS = sizeof networks / sizeof *networks };

/* ---- timing ---- */

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int compare_doubles(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static uint32_t draw(void) { /* xorshift: what the inputs hold does not matter much */
    static uint32_t state = 2463534242u;
    state ^= state << 13;
    state ^= state >> 17;
    return state ^= state << 5;
}

/* Elements of a tensor, filled at random: floats of mean 0 and variance 1, or numbers in [0,
 * below). */
static bool fill(tern_tensor *t, int64_t below) {
    size_t count = 1;
    for (int i = 0; i < t->rank; i++) count *= (size_t)t->dims[i];
    t->data = malloc(count * (t->type == TERN_FLOAT ? sizeof(float) : sizeof(int64_t)));
    for (size_t i = 0; t->data && i < count; i++) {
        if (t->type == TERN_FLOAT)
            ((float *)t->data)[i] = 3.46f * ((float)(draw() >> 8) / 16777216.f - .5f);
        else
            ((int64_t *)t->data)[i] = draw() % below;
    }
    return t->data != NULL;
}

typedef struct bench {
    const network *net;
    tern_session *session;
    tern_trainer *trainer;
    tern_tensor x, y, out;
} bench;

static tern_status once(bench *b) {
    if (b->trainer) return tern_trainer_step(b->trainer, &b->x, 1, &b->y, NULL);
    return tern_session_run(b->session, &b->x, 1, &b->out, 1);
}

typedef struct timing {
    double median, least, mean; /* seconds */
} timing;

/* Two runs to warm up, then as many as fit into the seconds: at least 5. */
static tern_status measure(bench *b, double seconds, timing *t) {
    static double times[MAX_TIMES];
    size_t count = 0, kept;
    tern_status st;
    TRY(once(b));
    TRY(once(b));
    const double start = now();
    for (double before = start, after; count < 5 || before - start < seconds; before = after) {
        TRY(once(b));
        after = now();
        times[count++ % MAX_TIMES] = after - before;
        t->mean = (after - start) / (double)count;
    }
    kept = count < MAX_TIMES ? count : MAX_TIMES;
    qsort(times, kept, sizeof *times, compare_doubles);
    t->median = times[kept / 2];
    t->least = times[0];
done:
    return st;
}

static tern_status run(tern_context *c, const network *net, bool training, double seconds) {
    tern_graph *g = NULL;
    tern_model *m = NULL;
    bench b = {.net = net,
               .x = {.type = net->type, .rank = net->rank},
               .y = {.type = TERN_INT64, .rank = net->target_rank}};
    timing t = {0};
    tern_status st;
    memcpy(b.x.dims, net->input, sizeof net->input);
    memcpy(b.y.dims, net->target, sizeof net->target);
    TRY(tern_graph_create(&g, c));
    tern_output(g, "y", net->build(tern_input_typed(g, "x", net->type, net->rank, net->input)));
    TRY(tern_graph_check(g));
    st = TERN_ERR_MEMORY;
    if (!fill(&b.x, 20000) || !fill(&b.y, net->classes)) goto done;
    if (training) {
        bool sgd = net->optimizer == TERN_OPTIMIZER_SGD;
        tern_trainer_options options = TERN_TRAINER_OPTIONS_INIT;
        options.optimizer = (tern_optimizer_options){
            .kind = net->optimizer, .learning_rate = sgd ? 0.01 : 1e-3, .momentum = sgd ? 0.9 : 0};
        TRY(tern_trainer_create(&b.trainer, g, &options));
    } else {
        TRY(tern_model_create(&m, g));
        TRY(tern_session_create(&b.session, m));
    }
    st = measure(&b, seconds, &t);
    if (st != TERN_OK && b.session) fprintf(stderr, "%s\n", tern_session_message(b.session));
    if (st != TERN_OK) goto done;
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("tern %-18s %s T%d med %.3f min %.3f mean %.3f ms  %.1f items/s  maxrss %ld MB  %s\n",
           net->name, training ? "train" : "infer", tern_context_threads(c), 1e3 * t.median,
           1e3 * t.least, 1e3 * t.mean, (double)net->input[0] / t.median, usage.ru_maxrss / 1024,
           tern_context_cpu(c));
done:
    free(b.x.data);
    free(b.y.data);
    tern_session_free(b.session);
    tern_trainer_free(b.trainer);
    tern_model_free(m);
    tern_graph_free(g);
    return st;
}

int main(int argc, char **argv) {
    tern_context *c = NULL;
    tern_status st = TERN_OK;
    const network *net = NULL;
    for (int i = 0; i < NETWORKS; i++) {
        if (argc == 2 && !strcmp(argv[1], "list")) puts(networks[i].name);
        if (argc > 1 && !strcmp(argv[1], networks[i].name)) net = &networks[i];
    }
    if (argc == 2 && !strcmp(argv[1], "list")) return 0;
    if (!net || argc < 4 || (strcmp(argv[2], "infer") && strcmp(argv[2], "train"))) {
        fprintf(stderr, "usage: networks NAME infer|train THREADS [SECONDS] | networks list\n");
        return 2;
    }
    tern_context_options options = TERN_CONTEXT_OPTIONS_INIT;
    options.threads = atoi(argv[3]);
    TRY(tern_context_create(&c, &options));
    TRY(run(c, net, !strcmp(argv[2], "train"), argc > 4 ? atof(argv[4]) : 2));
done:
    if (st != TERN_OK) fprintf(stderr, "networks: %s\n", tern_context_message(c));
    tern_context_free(c);
    return st != TERN_OK;
}
