/* Says what a picture shows: name_picture MODEL.onnx PICTURE, with a model of 'tern vision
 * train-classifier'. */
#include <tern/tern.h>
#include <stdio.h>
#define TRY(e)                                                                                     \
    do {                                                                                           \
        if ((st = (e)) != TERN_OK) goto done;                                                      \
    } while (0)

int main(int argc, char **argv) {
    tern_context *c = NULL;
    tern_model *m = NULL;
    tern_session *s = NULL;
    tern_answer a;
    tern_status st;
    if (argc != 3) return fprintf(stderr, "usage: name_picture MODEL.onnx PICTURE\n"), 2;
    TRY(tern_context_create(&c, NULL));
    TRY(tern_model_load(&m, c, argv[1]));
    TRY(tern_session_create(&s, m));
    TRY(tern_vision_classify_file(s, argv[2], &a));
    printf("%s %.2f\n", a.label, a.score);
done:
    if (st != TERN_OK)
        fprintf(stderr, "%s\n", s ? tern_session_message(s) : tern_context_message(c));
    tern_session_free(s);
    tern_model_free(m);
    tern_context_free(c);
    return st != TERN_OK;
}
