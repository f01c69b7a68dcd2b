/* Writes features of a sound file as an array or a picture. Knows file formats only by their
 * writers. */
#include "features.h"

#include <tern/audio_export.h>

#include <string.h>

static bool ends_in(const char *path, const char *ending) {
    const size_t n = strlen(path), m = strlen(ending);
    return n > m && !strcmp(path + n - m, ending);
}

tern_status tern_audio_export(tern_context *c, const char *sound, const char *output,
                              const tern_audio_options *options, size_t *rows_out,
                              size_t *frames_out) {
    const tern_audio_options defaults = TERN_AUDIO_OPTIONS_INIT;
    tern_features *features = NULL;
    tern_sound_options reading = TERN_SOUND_OPTIONS_INIT;
    float *samples = NULL, *values = NULL;
    size_t count;
    const bool array = ends_in(output, ".npy");
    if (!array && !ends_in(output, ".png"))
        return tern__fail(c, TERN_ERR_ARGUMENT,
                          "%s: the name must end in .npy (an array) or .png (a "
                          "picture)",
                          output);
    tern_status st = tern_file_check(c, output, &sound, 1);
    if (st != TERN_OK) return st;
    st = tern_features_create(&features, c, options ? options : &defaults);
    if (st != TERN_OK) return st;
    const tern_audio_options *o = tern_features_options(features);
    reading.sample_rate = o->sample_rate;
    reading.resampler = o->resampler;
    if ((st = tern_sound_load(&samples, &count, c, sound, &reading)) != TERN_OK) goto done;
    const size_t rows = tern_features_rows(features);
    const size_t frames = tern_features_frames(features, count);
    if (!(values = tern__alloc(c, (rows * frames + 1) * sizeof *values))) {
        st = TERN_ERR_MEMORY;
        goto done;
    }
    if ((st = tern_features_compute(features, samples, count, values)) != TERN_OK) {
        tern__fail_in(c, "%s", sound);
        goto done;
    }
    if (array)
        st = tern_features_save_array(features, output, values, frames);
    else
        st = tern_features_save_picture(
            features, output, strcmp(sound, "-") ? sound : "standard input", values, frames);
    if (st == TERN_OK && rows_out) *rows_out = rows;
    if (st == TERN_OK && frames_out) *frames_out = frames;
done:
    tern__free(c, values);
    tern_free(c, samples);
    tern_features_free(features);
    return st;
}
