/* Trains a classifier from a folder that has a folder of sounds per label:
 *   train_sounds FOLDER MODEL.onnx
 * A fifth of the sounds is kept for validation; the model file holds labels and front end, so that
 * classify_sound (and `tern audio classify`) can use it as it is. */
#include <tern/tern.h>
#include <stdio.h>
#define TRY(e)                                                                                     \
    do {                                                                                           \
        if ((st = (e)) != TERN_OK) goto done;                                                      \
    } while (0)

/* Called after every batch; false would stop and save. */
static bool show(void *user, const tern_train_progress *p) {
    (void)user;
    if (p->epoch_done)
        printf("epoch %d of %d: loss %.3f, validation accuracy %.1f %%%s\n", p->epoch, p->epochs,
               p->loss, 100 * p->validation_accuracy, p->best ? " (best so far)" : "");
    return true;
}

int main(int argc, char **argv) {
    tern_context *c = NULL;
    tern_model *m = NULL;
    tern_audio_train_options options = TERN_AUDIO_TRAIN_OPTIONS_INIT;
    tern_train_result result;
    tern_status st;
    if (argc != 3) return fprintf(stderr, "usage: train_sounds FOLDER MODEL.onnx\n"), 2;
    options.validate = 0.2;
    options.train.seed = 1;
    options.train.on_progress = show;
    options.train.result = &result;
    TRY(tern_context_create(&c, NULL));
    TRY(tern_audio_train(&m, c, argv[1], &options));
    TRY(tern_model_save(m, argv[2]));
    printf("%s: the weights of epoch %d, validation accuracy %.1f %%\n", argv[2], result.epoch,
           100 * result.validation_accuracy);
done:
    if (st != TERN_OK) fprintf(stderr, "%s\n", tern_context_message(c));
    tern_model_free(m);
    tern_context_free(c);
    return st != TERN_OK;
}
