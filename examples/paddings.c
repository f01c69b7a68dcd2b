/* The paddings of the lecture: 1 2 3, two places added on each side. */
#include <stdio.h>
#include <tern/tern.h>
#define TRY(e)                                                                                     \
    do {                                                                                           \
        if ((st = (e)) != TERN_OK) goto done;                                                      \
    } while (0)

static tern_status show(tern_context *c, const char *name, const char *mode) {
    tern_graph *g = NULL;
    tern_model *m = NULL;
    tern_session *s = NULL;
    tern_tensor y;
    tern_status st;
    float x[3] = {1, 2, 3};
    TRY(tern_graph_create(&g, c));
    tern_output(
        g, "y",
        tern_pad(tern_input(g, "x", 3, (int64_t[]){1, 1, 3}), (int64_t[]){0, 0, 2, 0, 0, 2}, mode));
    TRY(tern_model_create(&m, g));
    TRY(tern_session_create(&s, m));
    TRY(tern_session_run(s, &(tern_tensor){TERN_FLOAT, 3, {1, 1, 3}, x}, 1, &y, 1));
    printf("%-10s", name);
    for (int i = 0; i < 7; i++) printf(" %g", (double)((float *)y.data)[i]);
    printf("\n");
done:
    if (st != TERN_OK)
        fprintf(stderr, "%s\n", s ? tern_session_message(s) : tern_context_message(c));
    tern_session_free(s);
    tern_model_free(m);
    tern_graph_free(g);
    return st;
}

int main(void) {
    tern_context *c = NULL;
    tern_status st;
    TRY(tern_context_create(&c, NULL));
    TRY(show(c, "zeros", "constant"));
    TRY(show(c, "reflect", "reflect"));
    TRY(show(c, "replicate", "edge"));
    TRY(show(c, "circular", "wrap"));
done:
    tern_context_free(c);
    return st != TERN_OK;
}
