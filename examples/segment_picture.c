/* Makes the mask of a picture and draws it: segment_picture MODEL.onnx PICTURE OUT.png, e.g.
 * examples/models/cells.onnx. The picture may be of any size; the model says how it is read. */
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
    tern_status st;
    tern_image picture = {0}, drawn = {0};
    tern_mask mask = {0};
    if (argc != 4) return fprintf(stderr, "usage: segment_picture MODEL.onnx PICTURE OUT.png\n"), 2;
    TRY(tern_context_create(&c, NULL));
    TRY(tern_model_load(&m, c, argv[1]));
    TRY(tern_session_create(&s, m));
    TRY(tern_image_load(&picture, c, argv[2], NULL));
    TRY(tern_vision_segment(s, &picture, NULL, &mask));
    TRY(tern_mask_overlay(&drawn, &picture, &mask, NULL));
    TRY(tern_image_save(&drawn, argv[3], 0));
done:
    if (st != TERN_OK)
        fprintf(stderr, "%s\n",
                s && *tern_session_message(s) ? tern_session_message(s) : tern_context_message(c));
    tern_mask_free(&mask);
    tern_image_free(&picture);
    tern_image_free(&drawn);
    tern_session_free(s);
    tern_model_free(m);
    tern_context_free(c);
    return st != TERN_OK;
}
