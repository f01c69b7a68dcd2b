/* The lecture's detector of an X: three 3x3 filters (\, all, /) and a 1x1 filter (1, -1, 1) over
 * their maps. It gives the four corners weight 0, so that it finds a lit middle whose four
 * neighbours are dark: 16 of the 512 patterns of 3x3 score as high as the X. (2, -1, 2) finds the X
 * alone. */
#include <stdio.h>
#include <tern/tern.h>
#define TRY(e)                                                                                     \
    do {                                                                                           \
        if ((st = (e)) != TERN_OK) goto done;                                                      \
    } while (0)

static const float filters[3 * 9] = {1,      0, 0, 0, 1, 0, 0, 0, 1, /**/ 1, 1, 1, 1, 1, 1, 1, 1, 1,
                                     /**/ 0, 0, 1, 0, 1, 0, 1, 0, 0};

static tern_status make(tern_session **s, tern_model **m, tern_context *c, const float weights[3]) {
    tern_graph *g = NULL;
    tern_status st;
    const tern_value none = {0};
    TRY(tern_graph_create(&g, c));
    tern_value x = tern_input(g, "picture", 4, (int64_t[]){-1, 1, -1, -1});
    x = tern_conv_with(x, tern_parameter_data(g, "filters", 4, (int64_t[]){3, 1, 3, 3}, filters),
                       none, (tern_conv_options){.kernel_shape = {3, 3}});
    x = tern_conv_with(x, tern_parameter_data(g, "weights", 4, (int64_t[]){1, 3, 1, 1}, weights),
                       none, (tern_conv_options){.kernel_shape = {1, 1}});
    tern_output(g, "map", x);
    TRY(tern_model_create(m, g));
    TRY(tern_session_create(s, *m));
done:
    tern_graph_free(g);
    return st;
}

/* The map of the lecture's picture, and how many of all 3x3 patterns score at least what the X
 * does. */
static tern_status show(tern_context *c, const char *name, const float weights[3]) {
    float picture[25] = {0, 1, 0, 1, 0, 0, 0, 1, 0, 0, 1, 1, 0, 1, 1, 1, 1, 1, 1, 1, 0, 1, 1, 1, 0};
    float patterns[512 * 9];
    tern_model *m = NULL;
    tern_session *s = NULL;
    tern_tensor y;
    tern_status st;
    int as_high = 0;
    for (int i = 0; i < 512 * 9; i++) patterns[i] = (float)(i / 9 >> i % 9 & 1);
    TRY(make(&s, &m, c, weights));
    TRY(tern_session_run(s, &(tern_tensor){TERN_FLOAT, 4, {1, 1, 5, 5}, picture}, 1, &y, 1));
    printf("%s, map of the lecture's picture:\n", name);
    for (int i = 0; i < 9; i++)
        printf("%4g%s", (double)((float *)y.data)[i], i % 3 == 2 ? "\n" : "");
    TRY(tern_session_run(s, &(tern_tensor){TERN_FLOAT, 4, {512, 1, 3, 3}, patterns}, 1, &y, 1));
    const float x_score = ((float *)y.data)[1 + 4 + 16 + 64 + 256]; /* 101 / 010 / 101 */
    for (int i = 0; i < 512; i++) as_high += ((float *)y.data)[i] >= x_score;
    printf("the X scores %g; so high or higher are %d of the 512 patterns\n", (double)x_score,
           as_high);
done:
    if (st != TERN_OK)
        fprintf(stderr, "%s\n", s ? tern_session_message(s) : tern_context_message(c));
    tern_session_free(s);
    tern_model_free(m);
    return st;
}

int main(void) {
    tern_context *c = NULL;
    tern_status st;
    TRY(tern_context_create(&c, NULL));
    TRY(show(c, "(1, -1, 1)", (float[]){1, -1, 1}));
    TRY(show(c, "(2, -1, 2)", (float[]){2, -1, 2}));
done:
    tern_context_free(c);
    return st != TERN_OK;
}
