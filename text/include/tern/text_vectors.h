/* Word vectors: files of word2vec, GloVe and fastText in, .vec, word2vec and fastText files out;
 * training by skip-gram with negative sampling; nearest words; tables for a network's embedding.
 *
 * A set of vectors is immutable once made: any number of threads may look words up. */
#ifndef TERN_TEXT_VECTORS_H
#define TERN_TEXT_VECTORS_H

#include <tern/text.h>
#include <tern/text_dataset.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tern_vectors tern_vectors;
#define TERN_VECTORS_DIMENSION_MAX 2048

/* ---- files ---- */

typedef struct tern_vectors_load_options {
    size_t size; /**< sizeof(tern_vectors_load_options), set by the _INIT macro */
    /** Only the vectors of these words are kept, so that a large file costs what is used of it;
     *  with a fastText .bin file every word of it gets one, from its n-grams if need be. */
    const tern_vocabulary *only;
    bool no_subwords; /**< of a fastText .bin file: unknown words get none; saves their table */
    double memory;    /**< bytes that may be held; 0: 4e9 */
} tern_vectors_load_options;
#define TERN_VECTORS_LOAD_OPTIONS_INIT                                                             \
    { sizeof(tern_vectors_load_options), NULL, false, 0 }

/** Reads word vectors; the format is recognised from the content: word2vec .bin and .txt, GloVe
 *  .txt, fastText .vec and .bin; any of them gzipped; "-" is standard input. Of a word that is
 *  there several times the first vector counts. options may be NULL. Errors, naming file and line
 *  (or byte): TERN_ERR_IO; TERN_ERR_FORMAT (a line with another number of numbers, a file cut
 *  short, numbers that are not finite, a file that is none of these); TERN_ERR_LIMIT (more than
 *  TERN_VOCABULARY_MAX words, TERN_VECTORS_DIMENSION_MAX numbers or options->memory bytes);
 *  TERN_ERR_UNSUPPORTED (a quantised fastText file). *vectors is NULL on failure.
 *  Sources: word2vec.c; glove.c; fastText, FastText::saveModel. */
TERN_API tern_status tern_vectors_load(tern_vectors **vectors, tern_context *context,
                                       const char *path, const tern_vectors_load_options *options);

typedef enum tern_vectors_format {
    /** By the name's ending: .bin is TERN_VECTORS_FASTTEXT with sub-words, else
     *  TERN_VECTORS_WORD2VEC; anything else is TERN_VECTORS_TEXT. */
    TERN_VECTORS_AUTO,
    TERN_VECTORS_TEXT,     /**< .vec: "count dimension", then a line per word; the shortest decimals
                                that read back to the same floats */
    TERN_VECTORS_WORD2VEC, /**< the same with binary numbers */
    TERN_VECTORS_FASTTEXT  /**< fastText's .bin, version 12, with n-grams of words */
} tern_vectors_format;

/** Writes word vectors, atomically. Words with a space, a tab or a line break inside are left out
 *  of TEXT and WORD2VEC. Errors: TERN_ERR_IO; TERN_ERR_ARGUMENT for FASTTEXT without the n-grams.
 */
TERN_API tern_status tern_vectors_save(const tern_vectors *vectors, const char *path,
                                       tern_vectors_format format);
/** NULL is allowed. */
TERN_API void tern_vectors_free(tern_vectors *vectors);

/* ---- words ---- */

TERN_API size_t tern_vectors_count(const tern_vectors *vectors);
TERN_API int64_t tern_vectors_dimension(const tern_vectors *vectors);
/** Whether unknown words get a vector from their n-grams. */
TERN_API bool tern_vectors_subwords(const tern_vectors *vectors);
/** Word i < count, the most frequent ones first in files made so; NUL-terminated, *length (may be
 *  NULL) in bytes. */
TERN_API const char *tern_vectors_word(const tern_vectors *vectors, size_t i, size_t *length);
/** Its vector [dimension]. */
TERN_API const float *tern_vectors_row(const tern_vectors *vectors, size_t i);
/** The vector [dimension] of a word, NULL if it is not one of the words. */
TERN_API const float *tern_vectors_find(const tern_vectors *vectors, const char *word,
                                        size_t length);
/** Copies the vector of a word, or makes it from its n-grams (the mean of their rows), into out
 *  [dimension]. false, and zeros, if there is none. */
TERN_API bool tern_vectors_get(const tern_vectors *vectors, float *out, const char *word,
                               size_t length);

typedef struct tern_neighbour {
    const char *word; /**< belongs to the vectors */
    float cosine;     /**< -1..1 */
} tern_neighbour;

/** The words whose vectors have the greatest cosine with query [dimension], at most `top` of them,
 *  the nearest first; of equals the one that stands first. Words of `without` (NUL-terminated) are
 *  left out, as are vectors of zeros. *found is how many there are. Errors: TERN_ERR_MEMORY;
 *  TERN_ERR_ARGUMENT for a query of zeros. Runs on the context's threads. */
TERN_API tern_status tern_vectors_nearest(tern_neighbour *neighbours, size_t top, size_t *found,
                                          const tern_vectors *vectors, const float *query,
                                          const char *const *without, size_t n_without);

/** Fills an embedding table [rows of the vocabulary][dimension]: padding 0, known words (those of
 *  the file, or by their n-grams) their vector, others uniform in (-spread, spread), by seed and
 *  the word's bytes alone. spread 0: that with the variance of the known words' numbers (Kim 2014;
 *  about 0.25 for the news vectors). *known (may be NULL): words that got a vector. */
TERN_API tern_status tern_vectors_fill(float *table, size_t *known, const tern_vectors *vectors,
                                       const tern_vocabulary *vocabulary, double spread,
                                       uint64_t seed);

/* ---- training ---- */

typedef struct tern_vectors_progress {
    int epoch, epochs;       /**< from 1 */
    double share;            /**< of the whole training, 0..1 */
    double loss;             /**< -log of the probability that a pair is one and its negatives are
                                  not, mean over some pairs since the last call; NaN
                                  without any */
    double words_per_second; /**< words of the text, also those skipped by sub-sampling */
    double seconds, eta;
} tern_vectors_progress;

/** In these options 0 means the default and a negative number none, where a default exists. */
typedef struct tern_vectors_train_options {
    size_t size;   /**< sizeof(tern_vectors_train_options), set by the _INIT macro */
    int dimension; /**< 100; 1..TERN_VECTORS_DIMENSION_MAX */
    int epochs;    /**< 5 */
    int window;    /**< at most so many words to each side (each word its own, 1..window); 5 */
    int min_count; /**< rarer words get no vector; 5 */
    int max_words; /**< TERN_VOCABULARY_MAX */
    int negatives; /**< 5; 1..31 */
    double sample; /**< words more frequent than this share are skipped now and then: a word of
                        share f stays with probability sqrt(t / f) + t / f; 1e-4 */
    double learning_rate; /**< falls linearly to 1e-4 of itself; 0.025, with sub-words 0.05 */
    bool subwords;        /**< vectors are means of a word's own row and the rows of its n-grams */
    int min_n, max_n;     /**< 3, 6 characters */
    int buckets;          /**< rows of n-grams; 200000 */
    uint64_t seed;
    double memory;                   /**< bytes that may be held; 0: 4e9 */
    tern_text_options text;          /**< the tokenizer, and lower; its other fields do not count */
    tern_text_reader_options reader; /**< of the files; labels are ignored */
    /** Called now and then, and at the end of every epoch, from the thread that called
     *  tern_vectors_train. false: stop; the vectors as they are then are the result. NULL:
     *  never. */
    bool (*on_progress)(void *user, const tern_vectors_progress *progress);
    void *user;
    bool *stopped; /**< set to whether on_progress stopped it; may be NULL */
} tern_vectors_train_options;
#define TERN_VECTORS_TRAIN_OPTIONS_INIT                                                            \
    {                                                                                              \
        .size = sizeof(tern_vectors_train_options), .text = TERN_TEXT_OPTIONS_INIT,                \
        .reader = TERN_TEXT_READER_OPTIONS_INIT                                                    \
    }

/** Trains word vectors on the texts of files (as tern_text_reader_open reads them): skip-gram with
 *  negative sampling. Words of a text are each other's context, never across texts. The result is
 *  the same for any number of threads (text/vectors_train.c says how). options may be NULL. Errors:
 *  those of the reader; TERN_ERR_FORMAT if no word is frequent enough; TERN_ERR_LIMIT;
 *  TERN_ERR_ARGUMENT; TERN_ERR_DIVERGED if the learning rate is too high. *vectors is NULL on
 *  failure.
 *  Sources: Mikolov et al. 2013, "Distributed representations of words and phrases and their
 *  compositionality"; Bojanowski et al. 2017, "Enriching word vectors with subword information".
 */
TERN_API tern_status tern_vectors_train(tern_vectors **vectors, tern_context *context,
                                        const char *const *paths, size_t n_paths,
                                        const tern_vectors_train_options *options);

#ifdef __cplusplus
}
#endif
#endif
