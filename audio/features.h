/* Inside of the sound front end: the tables of a tern_features and the steps from samples to
 * frames. Internal; knows no file, no network. */
#ifndef TERN_AUDIO_FEATURES_H
#define TERN_AUDIO_FEATURES_H

#include <kiss_fft.h>
#include <tern/audio.h>
#include "core/base/base.h"

#define TERN__PI 3.14159265358979323846

/* Frames are computed this many at a time: the lanes of the mel product and the logarithm. */
enum { TERN__LANES = 8 }; /* two quads */

/* Real transform of even length n through one complex KissFFT of length n/2. A plan holds KissFFT's
 * state, so that each worker has its own. */
typedef struct tern__fft {
    int n;
    kiss_fft_cfg forward, inverse; /* inverse is NULL unless asked for */
    float *twiddle_r, *twiddle_i;  /* [n/4 + 1] exp(-2 pi i k / n) */
    kiss_fft_cpx *half;            /* [n/2] */
} tern__fft;
/* kaldi: see tern_audio_options.kaldi_twiddles */
tern_status tern__fft_create(tern__fft *fft, tern_context *c, int n, bool with_inverse, bool kaldi);
void tern__fft_destroy(tern__fft *fft, tern_context *c);
/* x [n] -> y [n/2 + 1] */
void tern__fft_forward(const tern__fft *fft, const float *x, kiss_fft_cpx *y);
/* x [n] -> |X|^2 at y[k * stride], k = 0..n/2 */
void tern__fft_power(const tern__fft *fft, const float *x, float *y, size_t stride);
/* y [n/2 + 1] -> x [n], divided by n; the imaginary parts of y[0] and y[n/2] are ignored */
void tern__fft_inverse(const tern__fft *fft, const kiss_fft_cpx *y, float *x);

/* Triangular filters without their zeros: band b covers count[b] bins from first[b] on; the weights
 * of all bands follow each other. */
typedef struct tern__filter_bank {
    int bands;
    int *first, *count; /* [bands] */
    float *weights;
} tern__filter_bank;
double tern__hz_to_mel(double hz, tern_mel_scale scale);
double tern__mel_to_hz(double mel, tern_mel_scale scale);
/* w [n] */
void tern__window(double *w, int n, tern_window kind, bool periodic);
/* The filter of one band: row [n_fft/2 + 1] for the bins 0, sample_rate / n_fft, ... */
void tern__mel_row(double *row, const tern_audio_options *o, int band);
tern_status tern__filter_bank_create(tern__filter_bank *bank, tern_context *c,
                                     const tern_audio_options *o);
void tern__filter_bank_destroy(tern__filter_bank *bank, tern_context *c);

struct tern_features {
    tern_context *context;
    tern_audio_options options; /* resolved: no 0 that stands for something else */
    int bins;                   /* n_fft/2 + 1 */
    int bands;                  /* values of a frame before cepstra: bins or n_mels */
    int base_rows;              /* rows before deltas */
    bool whole;                 /* the logarithm needs the largest value of the sound */
    float *window;              /* [win_length] */
    int window_place;           /* where the window lies in the n_fft samples */
    tern__filter_bank bank;
    float *dct;           /* MFCC: [n_mfcc][bands], lifter included */
    double *plp_loudness; /* PLP: [n_mels] */
    double *plp_cosines;  /* PLP: [lpc_order + 1][n_mels + 2] */
    double pcen_b;        /* smoothing coefficient */
};

/* Where a sound's samples lie: sample i is x[i - base]; count is the length of the whole sound, and
 * may be TERN__NO_END as long as no frame reaches beyond the samples at hand. */
#define TERN__NO_END (INT64_MAX / 4)
typedef struct tern__samples {
    const float *x;
    int64_t base, count;
} tern__samples;

/* One worker's buffers. */
typedef struct tern__feature_scratch {
    tern__fft fft;
    float *frame; /* [n_fft] */
    float *bins;  /* [bins][LANES] */
    float *bands; /* [bands][LANES] */
    float energy[TERN__LANES];
    float *values; /* [base_rows][LANES] */
    double *plp;   /* [tern__plp_work(f)] */
} tern__feature_scratch;
tern_status tern__feature_scratch_create(tern__feature_scratch *s, const tern_features *f,
                                         tern_context *c);
void tern__feature_scratch_destroy(tern__feature_scratch *s, tern_context *c);

/* The first sample of frame t (may be negative), and one past its last. */
int64_t tern__frame_begin(const tern_features *f, int64_t t);
int64_t tern__frame_end(const tern_features *f, int64_t t);
int64_t tern__frame_count(const tern_features *f, int64_t samples);

/* The frames first .. first+frames-1, frames <= LANES (further lanes hold nothing of use) ->
 * bands [bands][LANES], energy [LANES], with the logarithm unless PCEN is to come. */
void tern__frames_bands(const tern_features *f, tern__feature_scratch *s,
                        const tern__samples *sound, int64_t first, int frames, float *bands,
                        float *energy);
/* The samples of frame t with everything before the transform done -> s->frame [n_fft]. */
void tern__frame_cut(const tern_features *f, tern__feature_scratch *s, const tern__samples *sound,
                     int64_t t, float *energy);
/* bands, energy -> s->values [base_rows][LANES]: cepstra, energy row, mean and std. */
void tern__frames_finish(const tern_features *f, tern__feature_scratch *s, const float *bands,
                         const float *energy);

/* Consecutive frames, computed by several workers in groups of LANES frames. Steps along time
 * (PCEN, the largest value of the sound) stand between the bands and what is made of them; only
 * then are the bands of all groups kept. */
typedef struct tern__feature_block {
    float *bands;   /* [groups][bands][LANES], or NULL */
    float *energy;  /* [groups][LANES], or NULL */
    double *smooth; /* [bands] PCEN's state */
    tern__feature_scratch *workers;
    int worker_count;
} tern__feature_block;
tern_status tern__feature_block_create(tern__feature_block *b, const tern_features *f,
                                       tern_context *c, int64_t frames);
void tern__feature_block_destroy(tern__feature_block *b, tern_context *c);
/* All steps for as many frames as it was made for, or fewer, from first on, a multiple of LANES;
 * with PCEN the blocks must come in order, and with `whole` one block must hold all frames. Value
 * (row, t) -> out[row * row_stride + (t - first) * frame_stride]. */
void tern__feature_block_compute(tern__feature_block *b, const tern_features *f, tern_context *c,
                                 const tern__samples *sound, int64_t first, int64_t frames,
                                 float *out, int64_t row_stride, int64_t frame_stride);

/* PCEN of one band's consecutive frames x [frames]; *smooth is its state, 1 at first. */
void tern__pcen(const tern_features *f, float *x, int64_t frames, double *smooth);
/* values [rows][frames] -> derivative [rows][frames], order 1 or 2. */
void tern__delta(const tern_context *c, const float *values, float *derivative, int64_t rows,
                 int64_t frames, int width, int order, tern_delta_kind kind);
void tern__normalize_rows(const tern_context *c, float *values, int64_t rows, int64_t frames,
                          bool variance);

/* Kaldi's PLP: power bands [n_mels][LANES] of one lane -> values [n_mfcc][LANES] of that lane. */
size_t tern__plp_work(const tern_features *f);
tern_status tern__plp_tables(tern_features *f, tern_context *c);
void tern__plp(const tern_features *f, const float *bands, double *work, float *values, int lane);
/* 1 + lifter/2 sin(pi (n + start) / lifter), 1 without lifter */
double tern__lifter(const tern_audio_options *o, int n);

/* Checks options and replaces 0 by what it stands for (options.c). */
tern_status tern__audio_options_resolve(tern_audio_options *resolved, tern_context *c,
                                        const tern_audio_options *o);

/* As tern_features_compute, with the sentence of a failure and the memory from c, for callers that
 * run beside others (c is theirs alone). */
tern_status tern__features_compute(const tern_features *f, tern_context *c, const float *samples,
                                   size_t count, float *out);

/* A picture of features (tern_features_save_picture) in which only what a map says keeps its
 * colour: values [rows][columns] of 0..1, the first row the lowest one, over the whole of the
 * features; NULL: all. Sentences and memory from c. */
typedef struct tern__picture_map {
    int64_t rows, columns;
    const float *values;
} tern__picture_map;
tern_status tern__features_picture(const tern_features *f, tern_context *c, const char *path,
                                   const char *name, const float *values, size_t frames,
                                   const tern__picture_map *map);

#endif
