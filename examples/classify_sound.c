/* Says what a sound is: classify_sound MODEL.onnx SOUND, e.g. examples/models/esc10.onnx crow.wav.
 * The sound may be of any rate, length and number of channels; the model file says how it is read.
 */
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
    if (argc != 3) return fprintf(stderr, "usage: classify_sound MODEL.onnx SOUND\n"), 2;
    TRY(tern_context_create(&c, NULL));
    TRY(tern_model_load(&m, c, argv[1]));
    TRY(tern_session_create(&s, m));
    TRY(tern_audio_classify_file(s, argv[2], &a));
    printf("%s %.2f\n", a.label, a.score);
done:
    if (st != TERN_OK)
        fprintf(stderr, "%s\n", s ? tern_session_message(s) : tern_context_message(c));
    tern_session_free(s);
    tern_model_free(m);
    tern_context_free(c);
    return st != TERN_OK;
}
