/* Data sets of sounds: folders, tables, windows, variation, and everything that can be wrong with
 * them. */
#define _XOPEN_SOURCE 700
#include "sounds.h"

#include "audio/vary.h"
#include "core/train/dataset.h"

#include <tern/audio_dataset.h>

typedef struct fixture {
    char folder[64];
    tern_context *c;
    char log[4096];
} fixture;

static void keep_log(void *user, tern_log_level level, const char *line) {
    fixture *f = user;
    size_t n = strlen(f->log);
    snprintf(f->log + n, sizeof f->log - n, "%s%s\n", level == TERN_LOG_WARNING ? "warning: " : "",
             line);
}

static int set_up(void **state) {
    fixture *f = calloc(1, sizeof *f);
    tern_context_options o = TERN_CONTEXT_OPTIONS_INIT;
    o.threads = 2;
    o.on_log = keep_log;
    o.user = f;
    check_ok(f->c, tern_context_create(&f->c, &o));
    sounds_folder(f->folder);
    const char *folders[] = {"dog", "cat", "cat/studio", "owl"};
    for (int i = 0; i < 4; i++)
        assert_int_equal(mkdir(sounds_path(f->folder, folders[i]), 0700), 0);
    sounds_write(sounds_path(f->folder, "dog/1.wav"), 16000, 8000, 200, 1);
    sounds_write(sounds_path(f->folder, "dog/2.wav"), 8000, 4000, 210, 2);
    sounds_write(sounds_path(f->folder, "cat/1.wav"), 16000, 8000, 900, 3);
    sounds_write(sounds_path(f->folder, "cat/studio/2.wav"), 44100, 22050, 910, 4);
    sounds_write(sounds_path(f->folder, "cat/studio/3.wav"), 44100, 22050, 920, 4);
    sounds_write(sounds_path(f->folder, "owl/1.wav"), 16000, 3000, 400, 5);
    sounds_write(sounds_path(f->folder, "owl/2.wav"), 16000, 8000, 0, 6);
    sounds_text(sounds_path(f->folder, "owl/notes.txt"), "no sound");
    sounds_text(sounds_path(f->folder, "list.csv"), "filename,category,fold,who\n"
                                                    "dog/1.wav,dog,1,rex\n"
                                                    "dog/2.wav,dog,2,rex\n"
                                                    "\"cat/1.wav\",cat,1,tom\n"
                                                    "cat/studio/2.wav,cat,2,kit\n"
                                                    "owl/1.wav,owl,1,hoot\n");
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    fixture *f = *state;
    sounds_remove(f->folder);
    tern_context_free(f->c);
    free(f);
    return 0;
}

/* Labels without a sound, files of no kind, files beside the folders and spellings that are one are
 * named. */
static void what_is_left_out(void **state) {
    fixture *f = *state;
    tern_audio_dataset *d;
    assert_int_equal(mkdir(sounds_path(f->folder, "empty"), 0700), 0);
    assert_int_equal(mkdir(sounds_path(f->folder, "foreign"), 0700), 0);
    assert_int_equal(mkdir(sounds_path(f->folder, "owl "), 0700), 0);
    sounds_text(sounds_path(f->folder, "foreign/a.m4a"), "x");
    sounds_write(sounds_path(f->folder, "stray.wav"), 16000, 8000, 200, 1);
    sounds_write(sounds_path(f->folder, "owl /3.wav"), 16000, 8000, 400, 5);
    check_ok(f->c, tern_audio_dataset_open(&d, f->c, f->folder, NULL));
    assert_int_equal(tern_audio_dataset_label_count(d), 3);
    assert_non_null(strstr(f->log, "2 labels without a sound were left out: empty, foreign"));
    assert_non_null(strstr(f->log, "foreign/a.m4a"));
    assert_non_null(
        strstr(f->log, "beside the folders of labels were left out: list.csv, stray.wav"));
    assert_non_null(strstr(f->log, "merged into the label of the others: owl"));
    tern_audio_dataset_free(d);
}

/* A table of TABs with its first line a clip; a label that is in other folds only. */
static void tables_of_clips(void **state) {
    fixture *f = *state;
    tern_audio_dataset *d;
    tern_audio_dataset_options o = TERN_AUDIO_DATASET_OPTIONS_INIT;
    sounds_text(
        sounds_path(f->folder, "plain.TSV"),
        "dog/1.wav\t dog\t1\ncat/1.wav\tcat\t1\nowl/1.wav\towl\t2\ncat/studio/2.wav\tcat \t1\n");
    const char *const folds[] = {"1"};
    o.no_header = true;
    o.fold_column = "3";
    o.folds = folds;
    o.n_folds = 1;
    f->log[0] = 0;
    check_ok(f->c, tern_audio_dataset_open(&d, f->c, sounds_path(f->folder, "plain.TSV"), &o));
    assert_int_equal(tern_dataset_count(tern_audio_dataset_samples(d)), 3);
    assert_int_equal(tern_audio_dataset_label_count(d), 2);
    assert_string_equal(tern_audio_dataset_label(d, 0), "cat");
    assert_string_equal(tern_audio_dataset_label(d, 1), "dog");
    assert_non_null(strstr(f->log, "1 label in other folds only was left out: owl"));
    assert_non_null(strstr(f->log, "merged into the label of the others: cat"));
    tern_audio_dataset_free(d);
    o.fold_column = "4";
    check_error(f->c, TERN_ERR_FORMAT, "line 1: 3 fields, but column 4 is asked for",
                tern_audio_dataset_open(&d, f->c, sounds_path(f->folder, "plain.TSV"), &o));
}

static void folder_per_label(void **state) {
    fixture *f = *state;
    tern_audio_dataset *d;
    check_ok(f->c, tern_audio_dataset_open(&d, f->c, f->folder, NULL));
    tern_dataset *s = tern_audio_dataset_samples(d);
    assert_int_equal(tern_dataset_count(s), 7);
    assert_int_equal(tern_audio_dataset_label_count(d), 3);
    assert_string_equal(tern_audio_dataset_label(d, 0), "cat");
    assert_string_equal(tern_audio_dataset_label(d, 1), "dog");
    assert_string_equal(tern_audio_dataset_label(d, 2), "owl");
    /* In order of path: cat/1, cat/studio/2, cat/studio/3, dog/1, ... */
    assert_non_null(strstr(tern_audio_dataset_file(d, 1), "cat/studio/2.wav"));
    assert_int_equal(tern_dataset_class(s, 1), 0);
    assert_int_equal(tern_dataset_class(s, 3), 1);
    assert_int_equal(tern_dataset_group(s, 1), tern_dataset_group(s, 2));
    assert_true(tern_dataset_group(s, 0) != tern_dataset_group(s, 1));
    assert_true(tern_dataset_group(s, 0) != tern_dataset_group(s, 3));
    assert_int_equal(tern_dataset_fold(s, 0), -1);
    tern_audio_window w = tern_audio_dataset_window(d);
    assert_int_equal(w.samples, 8000);
    assert_int_equal(w.frames, 51);
    assert_int_equal(w.rows, 64);
    assert_non_null(strstr(f->log, "1 clip is silent"));
    assert_non_null(strstr(f->log, "owl/2.wav"));
    assert_non_null(strstr(f->log, "warning: "));
    assert_non_null(strstr(f->log, "cat 3, dog 2, owl 2"));
    tern_audio_dataset_free(d);
}

static void table(void **state) {
    fixture *f = *state;
    tern_audio_dataset *d;
    tern_dataset *fold;
    const char *one[] = {"1"}, *none[] = {"3"};
    tern_audio_dataset_options o = TERN_AUDIO_DATASET_OPTIONS_INIT;
    o.group_column = "who";
    check_ok(f->c, tern_audio_dataset_open(&d, f->c, sounds_path(f->folder, "list.csv"), &o));
    tern_dataset *s = tern_audio_dataset_samples(d);
    assert_int_equal(tern_dataset_count(s), 5);
    assert_int_equal(tern_dataset_group(s, 0), tern_dataset_group(s, 1));
    assert_true(tern_dataset_group(s, 1) != tern_dataset_group(s, 2));
    check_ok(f->c, tern_audio_dataset_folds(&fold, d, one, 1));
    assert_int_equal(tern_dataset_count(fold), 3);
    assert_int_equal(tern_dataset_source_sample(fold, 1), 2);
    tern_dataset_free(fold);
    check_error(f->c, TERN_ERR_ARGUMENT, "there is no fold '3'; the folds are 1, 2",
                tern_audio_dataset_folds(&fold, d, none, 1));
    assert_null(fold);
    tern_audio_dataset_free(d);
    o.folds = one, o.n_folds = 1;
    check_ok(f->c, tern_audio_dataset_open(&d, f->c, sounds_path(f->folder, "list.csv"), &o));
    assert_int_equal(tern_dataset_count(tern_audio_dataset_samples(d)), 3);
    tern_audio_dataset_free(d);
    o.folds = none;
    check_error(f->c, TERN_ERR_ARGUMENT, "there is no fold '3'",
                tern_audio_dataset_open(&d, f->c, sounds_path(f->folder, "list.csv"), &o));
    assert_null(d);
}

/* Loads all clips; the caller frees. */
static float *load_all(tern_dataset *d, bool training, uint64_t seed, uint64_t epoch,
                       size_t *count) {
    tern__batch b = {.context = d->context};
    int64_t numbers[64], n = tern_dataset_count(d);
    for (int64_t i = 0; i < n; i++) numbers[i] = i;
    check_ok(d->context, tern__batch_load(&b, d, numbers, n, training, seed, epoch));
    *count = 1;
    for (int i = 0; i < b.inputs[0].rank; i++) *count *= (size_t)b.inputs[0].dims[i];
    float *copy = malloc(*count * sizeof *copy);
    memcpy(copy, b.inputs[0].data, *count * sizeof *copy);
    for (int64_t i = 0; i < n; i++)
        assert_int_equal(((int64_t *)b.target.data)[i], tern_dataset_class(d, i));
    tern__batch_free(&b);
    return copy;
}

/* What evaluation sees is the front end's output of the clip between silence, normalised. */
static void values_as_they_are(void **state) {
    fixture *f = *state;
    tern_audio_dataset *d;
    size_t count, n;
    check_ok(f->c, tern_audio_dataset_open(&d, f->c, sounds_path(f->folder, "list.csv"), NULL));
    tern_dataset *s = tern_audio_dataset_samples(d);
    check_ok(f->c, tern_audio_dataset_normalize(d, s));
    float *values = load_all(s, false, 1, 1, &count);
    double sum = 0, square = 0;
    for (size_t i = 0; i < count; i++) sum += values[i], square += (double)values[i] * values[i];
    check_close(sum / (double)count, 0, 1e-4, 0);
    check_close(square / (double)count, 1, 1e-4, 0);

    tern_features *features;
    float *samples, padded[8000] = {0}, *expected = malloc(64 * 51 * sizeof *expected);
    check_ok(f->c, tern_features_create(&features, f->c, tern_audio_dataset_options_in_use(d)));
    check_ok(f->c, tern_sound_load(&samples, &n, f->c, sounds_path(f->folder, "owl/1.wav"), NULL));
    assert_int_equal(n, 3000);
    memcpy(padded + 2500, samples, n * sizeof *samples);
    check_ok(f->c, tern_features_compute(features, padded, 8000, expected));
    for (size_t i = 0; i < 64 * 51; i++)
        check_close(values[4 * 64 * 51 + i], expected[i], 1e-5, 1e-5);
    tern_free(f->c, samples);
    tern_features_free(features);
    tern_audio_dataset_free(d);
    free(expected);
    free(values);
}

static void set_everything(tern_audio_augmentation *a) {
    *a = (tern_audio_augmentation){.time_shift = 0.5,
                                   .gain = 3,
                                   .noise = 0.5,
                                   .noise_snr_low = 0,
                                   .noise_snr_high = 20,
                                   .speed = 0.2,
                                   .pitch = 0.2,
                                   .tilt = 3,
                                   .style = 0.5,
                                   .time_masks = 2,
                                   .time_mask = 0.2,
                                   .frequency_masks = 2,
                                   .frequency_mask = 0.2};
}

static void variation_depends_on_seed_and_epoch_only(void **state) {
    fixture *f = *state;
    for (int waveform = 0; waveform < 2; waveform++) {
        float *first = NULL;
        size_t count, again;
        for (int threads = 1; threads <= 3; threads++) {
            tern_context *c;
            tern_context_options co = TERN_CONTEXT_OPTIONS_INIT;
            tern_audio_dataset *d;
            tern_audio_dataset_options o = TERN_AUDIO_DATASET_OPTIONS_INIT;
            co.threads = threads;
            check_ok(c, tern_context_create(&c, &co));
            set_everything(&o.augmentation);
            o.waveform = waveform;
            o.seconds = 0.4;
            check_ok(c, tern_audio_dataset_open(&d, c, f->folder, &o));
            tern_dataset *s = tern_audio_dataset_samples(d);
            check_ok(c, tern_audio_dataset_normalize(d, s));
            float *values = load_all(s, true, 5, 2, &again);
            for (size_t i = 0; i < again; i++) assert_true(isfinite(values[i]));
            if (first)
                assert_memory_equal(first, values, count * sizeof *values);
            else {
                first = values, count = again;
                float *other = load_all(s, true, 5, 3, &again),
                      *plain = load_all(s, false, 5, 2, &again);
                assert_memory_not_equal(first, other, count * sizeof *first);
                assert_memory_not_equal(first, plain, count * sizeof *first);
                free(other);
                free(plain);
            }
            if (values != first) free(values);
            tern_audio_dataset_free(d);
            tern_context_free(c);
        }
        free(first);
    }
}

/* Frequencies are multiplied: where a row's value is its frequency, every row is times one number,
 * to the nearest row of the input. */
static void pitch_multiplies_frequencies(void **state) {
    (void)state;
    enum { ROWS = 801, FRAMES = 3 };
    double hertz[ROWS];
    float in[ROWS * FRAMES], out[ROWS * FRAMES];
    for (int i = 0; i < ROWS; i++) hertz[i] = 100 + i;
    tern_audio_augmentation how = {.pitch = 0.3};
    const tern__variation v = {
        .how = &how, .rows = ROWS, .frames = FRAMES, .hertz = hertz, .scale = 1};
    void *scratch = malloc(tern__vary_scratch(&v));
    double lowest = 10, highest = 0;
    for (int i = 0; i < ROWS * FRAMES; i++) in[i] = (float)hertz[i / FRAMES];
    for (int trial = 0; trial < 50; trial++) {
        tern__random random = tern__random_make(9, (uint64_t)trial);
        tern__vary_features(&v, &random, in, FRAMES, NULL, out, scratch);
        const double ratio = out[400 * FRAMES] / hertz[400]; /* known to half a row: 1e-3 */
        if (ratio < lowest) lowest = ratio;
        if (ratio > highest) highest = ratio;
        for (int i = 0; i < ROWS * FRAMES; i++) {
            const double hz = hertz[i / FRAMES];
            check_close(out[i], fmin(900, fmax(100, hz * ratio)), 0.501 + 1.001e-3 * hz, 0);
        }
    }
    assert_true(lowest > exp(-0.301) && lowest < 0.85 && highest > 1.15 && highest < exp(0.301));
    free(scratch);
}

/* Stretched and shifted noise stays as rough as it was: every value is one of the input's. */
static void variation_does_not_smooth(void **state) {
    (void)state;
    enum { ROWS = 8, FRAMES = 40 };
    double hertz[ROWS];
    float in[ROWS * FRAMES], out[ROWS * FRAMES];
    int moved = 0;
    for (int i = 0; i < ROWS; i++) hertz[i] = 100 * (i + 1);
    for (int i = 0; i < ROWS * FRAMES; i++) in[i] = (float)i;
    tern_audio_augmentation how = {.time_shift = 1, .speed = 0.3, .pitch = 0.3};
    const tern__variation v = {
        .how = &how, .rows = ROWS, .frames = FRAMES, .hertz = hertz, .scale = 1};
    void *scratch = malloc(tern__vary_scratch(&v));
    for (int trial = 0; trial < 20; trial++) {
        tern__random random = tern__random_make(4, (uint64_t)trial);
        tern__vary_features(&v, &random, in, FRAMES, NULL, out, scratch);
        for (int i = 0; i < ROWS * FRAMES; i++) {
            assert_true(out[i] == floorf(out[i]) && out[i] >= 0 && out[i] < ROWS * FRAMES);
            moved += out[i] != in[i];
            /* Rows move together: the same frame in every row. */
            assert_int_equal((int)out[i] % FRAMES, (int)out[i % FRAMES] % FRAMES);
        }
    }
    assert_true(moved > 20 * ROWS * FRAMES / 2);
    free(scratch);
}

/* Mean and deviation of every band move towards those of the other clip by one share, which is
 * anything from none to all; nothing else changes. */
static void style_is_that_of_another_clip(void **state) {
    (void)state;
    enum { ROWS = 5, FRAMES = 64, TRIALS = 60 };
    float in[ROWS * FRAMES], out[ROWS * FRAMES];
    tern__band own[ROWS], got[ROWS], others[2][ROWS];
    int varied = 0, second = 0;
    double least = 1, most = 0;
    for (int i = 0; i < ROWS * FRAMES; i++)
        in[i] = (float)(sin(0.7 * i) * (1 + i / FRAMES) + i / FRAMES);
    tern__vary_measure(own, in, ROWS, FRAMES);
    for (int k = 0; k < 2; k++)
        for (int i = 0; i < ROWS; i++)
            others[k][i] = (tern__band){(float)(20 - 40 * k + i), (float)(1 + i % 2)};
    tern_audio_augmentation how = {.style = 0.5};
    const tern__variation v = {.how = &how,
                               .rows = ROWS,
                               .frames = FRAMES,
                               .decibel = 1,
                               .scale = 1,
                               .bands = others[0],
                               .styles = 2};
    void *scratch = malloc(tern__vary_scratch(&v));
    for (int trial = 0; trial < TRIALS; trial++) {
        tern__random random = tern__random_make(3, (uint64_t)trial);
        tern__vary_features(&v, &random, in, FRAMES, own, out, scratch);
        if (!memcmp(in, out, sizeof in)) continue;
        tern__vary_measure(got, out, ROWS, FRAMES);
        const tern__band *other = others[got[0].mean < own[0].mean];
        const double share = (got[0].mean - own[0].mean) / (other[0].mean - own[0].mean);
        varied++;
        second += other == others[1];
        if (share < least) least = share;
        if (share > most) most = share;
        for (int row = 0; row < ROWS; row++) {
            const double mean = own[row].mean + share * (other[row].mean - own[row].mean);
            /* half a decibel is added to both deviations */
            const double factor =
                (own[row].deviation + share * (other[row].deviation - own[row].deviation) + 0.5) /
                (own[row].deviation + 0.5);
            check_close(got[row].mean, mean, 1e-4, 1e-4);
            for (int t = 0; t < FRAMES; t++)
                check_close(out[row * FRAMES + t],
                            (in[row * FRAMES + t] - own[row].mean) * factor + mean, 1e-4, 1e-4);
        }
    }
    assert_true(varied > TRIALS / 4 && varied < TRIALS * 3 / 4 && second > 5 &&
                varied - second > 5);
    assert_true(least >= 0 && least < 0.2 && most <= 1 && most > 0.8);
    free(scratch);
}

/* A view outlives the data set that it was made of. */
static void views_stay(void **state) {
    fixture *f = *state;
    tern_audio_dataset *d;
    tern_dataset *view;
    size_t count;
    check_ok(f->c, tern_audio_dataset_open(&d, f->c, f->folder, NULL));
    check_ok(f->c, tern_dataset_subset(&view, tern_audio_dataset_samples(d), (int64_t[]){6, 0}, 2));
    tern_audio_dataset_free(d);
    free(load_all(view, true, 0, 0, &count));
    assert_int_equal(count, 2 * 64 * 51);
    tern_dataset_free(view);
}

static void refuse(fixture *f, const char *name, const char *text, tern_status status,
                   const char *sentence) {
    tern_audio_dataset *d = (void *)1;
    if (text) sounds_text(sounds_path(f->folder, name), text);
    check_error(f->c, status, sentence,
                tern_audio_dataset_open(&d, f->c, sounds_path(f->folder, name), NULL));
    assert_null(d);
}

static void bad_data(void **state) {
    fixture *f = *state;
    refuse(f, "a.csv", "filename,category\ndog/1.wav,dog\ncat/nine.wav,cat\n", TERN_ERR_IO,
           "a.csv, line 3: ");
    refuse(f, "a.csv", "filename,category\ndog/1.wav,dog\ncat/nine.wav,cat\n", TERN_ERR_IO,
           "cat/nine.wav");
    refuse(f, "b.csv", "filename,label\ndog/1.wav,dog\n", TERN_ERR_FORMAT, "category");
    refuse(f, "b.csv", "filename,label\ndog/1.wav,dog\n", TERN_ERR_FORMAT, "label");
    refuse(f, "c.csv", "filename,category\ndog/1.wav,dog\ndog/2.wav,dog\n", TERN_ERR_FORMAT,
           "all 2 clips have the label 'dog'");
    refuse(f, "d.csv", "filename,category\n", TERN_ERR_FORMAT, "no rows");
    refuse(f, "e.csv", "filename,category\ndog/1.wav,dog\nowl/notes.txt,owl\n", TERN_ERR_FORMAT,
           "e.csv, line 3: ");
    refuse(f, "g.csv", "filename,category\ndog/1.wav,dog\n,owl\n", TERN_ERR_FORMAT, "line 3");
    refuse(f, "h.csv", "filename,category\ndog/1.wav,\ncat/1.wav,cat\n", TERN_ERR_FORMAT, "line 2");
    refuse(f, "nowhere", NULL, TERN_ERR_IO, "nowhere: ");
    refuse(f, "dog", NULL, TERN_ERR_FORMAT, "a folder per label");
    sounds_text(sounds_path(f->folder, "cat/broken.wav"), "RIFF");
    tern_audio_dataset *d;
    check_error(f->c, TERN_ERR_FORMAT, "cat/broken.wav",
                tern_audio_dataset_open(&d, f->c, f->folder, NULL));
}

static void bad_options(void **state) {
    fixture *f = *state;
    tern_audio_dataset *d;
    tern_audio_dataset_options o = TERN_AUDIO_DATASET_OPTIONS_INIT;
    o.memory = 1000;
    check_error(f->c, TERN_ERR_LIMIT, "memory", tern_audio_dataset_open(&d, f->c, f->folder, &o));
    o.memory = 0;
    o.augmentation.time_mask = 2;
    check_error(f->c, TERN_ERR_ARGUMENT, "time_mask is 2",
                tern_audio_dataset_open(&d, f->c, f->folder, &o));
    o.augmentation.time_mask = 0;
    o.seconds = -1;
    check_error(f->c, TERN_ERR_ARGUMENT, "seconds",
                tern_audio_dataset_open(&d, f->c, f->folder, &o));
    o.seconds = 0;
    o.folds = (const char *[]){"1"}, o.n_folds = 1;
    check_error(f->c, TERN_ERR_ARGUMENT, "folds", tern_audio_dataset_open(&d, f->c, f->folder, &o));
    o.n_folds = 0;
    o.labels = (const char *[]){"dog", "cat"}, o.n_labels = 2;
    check_error(f->c, TERN_ERR_FORMAT, "'owl', which the model does not know; it knows dog, cat",
                tern_audio_dataset_open(&d, f->c, f->folder, &o));
    o.size = 3;
    check_error(f->c, TERN_ERR_ARGUMENT, "_INIT", tern_audio_dataset_open(&d, f->c, f->folder, &o));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_left_out, set_up, tear_down),
        cmocka_unit_test_setup_teardown(tables_of_clips, set_up, tear_down),
        cmocka_unit_test_setup_teardown(folder_per_label, set_up, tear_down),
        cmocka_unit_test_setup_teardown(table, set_up, tear_down),
        cmocka_unit_test_setup_teardown(values_as_they_are, set_up, tear_down),
        cmocka_unit_test_setup_teardown(variation_depends_on_seed_and_epoch_only, set_up,
                                        tear_down),
        cmocka_unit_test(pitch_multiplies_frequencies),
        cmocka_unit_test(variation_does_not_smooth),
        cmocka_unit_test(style_is_that_of_another_clip),
        cmocka_unit_test_setup_teardown(views_stay, set_up, tear_down),
        cmocka_unit_test_setup_teardown(bad_data, set_up, tear_down),
        cmocka_unit_test_setup_teardown(bad_options, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("audio_dataset", tests, NULL, NULL);
}
