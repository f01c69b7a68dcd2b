/* Texts from files: a reader that goes through files of any length one text at a time, and data
 * sets of labelled or tagged texts for training. */
#ifndef TERN_TEXT_DATASET_H
#define TERN_TEXT_DATASET_H

#include <tern/dataset.h>
#include <tern/text.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- reader ---- */

typedef enum tern_text_format {
    /** By the name's ending (before .gz): .csv is CSV; .tsv and .tab TSV; .conll, .bio and .iob
     *  CONLL; anything else LINES where texts without labels are wanted, otherwise TSV, or, where
     *  columns are chosen, what the first line shows. A .csv whose first line has no comma is
     * parted by its TABs or semicolons. */
    TERN_TEXT_FORMAT_AUTO,
    /** label TAB text, or fastText's "__label__x text" (one label); with columns, as CSV is. A
     * first line that names the columns text and label is a header. */
    TERN_TEXT_FORMAT_TSV,
    TERN_TEXT_FORMAT_CSV,   /**< with a header that names the columns, unless no_header; RFC 4180 */
    TERN_TEXT_FORMAT_LINES, /**< a text per line, no labels */
    /** token TAB ... TAB tag, a blank line after each text; lines "-DOCSTART-..." and "# ..." are
     *  left out (where fields are parted by spaces, # with as many fields as other lines is a
     * token) */
    TERN_TEXT_FORMAT_CONLL
} tern_text_format;

typedef struct tern_text_reader_options {
    size_t size; /**< sizeof(tern_text_reader_options), set by the _INIT macro */
    tern_text_format format;
    bool unlabelled;          /**< labels are not wanted: of TSV and CSV the text alone is taken */
    const char *text_column;  /**< of TSV and CSV; NULL: "text", with no_header "2" */
    const char *label_column; /**< of TSV and CSV; NULL: "label", with no_header "1" */
    size_t line_limit;        /**< bytes of a line, a longer one is TERN_ERR_LIMIT; 0: 1 MiB */
    bool no_header;           /**< of TSV and CSV: the first line is a text too, columns are numbers
                                   from 1 */
} tern_text_reader_options;
#define TERN_TEXT_READER_OPTIONS_INIT                                                              \
    { sizeof(tern_text_reader_options), TERN_TEXT_FORMAT_AUTO, false, NULL, NULL, 0, false }

/** One text. All pointers are valid until the next one. */
typedef struct tern_text_record {
    const char *text; /**< as in the file, NUL-terminated; CONLL: the tokens with a space between */
    size_t length;    /**< bytes */
    const char *label; /**< without white space at both ends, in NFC; NULL: none */
    size_t line;       /**< where it begins, from 1 */
    /** CONLL: the tokens' bytes in text (as in tern_token, text unset) and their tags. */
    size_t n_tokens;
    const tern_token *tokens;
    const char *const *tags;
} tern_text_record;

typedef struct tern_text_reader tern_text_reader;

/** Opens a file of texts, "-" for standard input; gzip is recognised from the content. A byte-order
 *  mark is skipped; lines end with LF or CRLF, those of TSV and CSV also with CR. Errors:
 * TERN_ERR_IO, TERN_ERR_FORMAT for an absent column (naming those that are there) or UTF-16.
 * *reader is NULL on failure. options may be NULL.
 */
TERN_API tern_status tern_text_reader_open(tern_text_reader **reader, tern_context *context,
                                           const char *path,
                                           const tern_text_reader_options *options);
/** The next text; *got is false at the end. Lines of nothing but white space and
 *  byte-order marks are skipped and counted (LINES: are texts without words, so that answers stay
 *  in step with lines).
 *  Errors, which stick and name file and line: TERN_ERR_FORMAT for a line without TAB, another
 *  number of fields than the header has, an empty label, a NUL byte, damaged or cut gzip data;
 * TERN_ERR_LIMIT for a line beyond line_limit; TERN_ERR_IO. */
TERN_API tern_status tern_text_reader_next(tern_text_reader *reader, tern_text_record *record,
                                           bool *got);
/** Empty lines and (TSV, CSV) empty texts so far. */
TERN_API size_t tern_text_reader_skipped(const tern_text_reader *reader);
/** The file's name for sentences ("standard input" for "-"). */
TERN_API const char *tern_text_reader_name(const tern_text_reader *reader);
/** NULL is allowed. */
TERN_API void tern_text_reader_close(tern_text_reader *reader);

/* ---- data set ---- */

typedef struct tern_text_dataset_options {
    size_t size;                     /**< sizeof(tern_text_dataset_options), set by _INIT */
    tern_text_reader_options reader; /**< format, columns, limits; unlabelled is refused */
    const char *const *labels;       /**< the classes (tags) in their order, a trained model's;
                                          n_labels 0: the data's own: numbers in their order if
                                          all are, else sorted by their bytes. Another label in
                                          the file is an error. */
    size_t n_labels;
    const tern_vocabulary *vocabulary; /**< a model's; must outlive data set and views. NULL: made
                                          by tern_text_dataset_build */
    tern_text_options text;            /**< front end */
    int min_length;                    /**< a batch is at least so long: the largest filter; 0: 1 */
    double word_dropout;               /**< share of words that training replaces by the unknown
                                            word; 0..1 */
    int subwords;                      /**< > 0: a second input, so many sub-words of each token
                                            (needs text.max_n); 0..256. The first input then holds
                                            words only */
    double memory;                     /**< bytes that may be held; 0: 4e9 */
} tern_text_dataset_options;
#define TERN_TEXT_DATASET_OPTIONS_INIT                                                             \
    {                                                                                              \
        .size = sizeof(tern_text_dataset_options), .reader = TERN_TEXT_READER_OPTIONS_INIT,        \
        .text = TERN_TEXT_OPTIONS_INIT                                                             \
    }

typedef struct tern_text_dataset tern_text_dataset;

/** Reads all texts of a file and cuts them into tokens (those of CONLL are as they stand there,
 *  normalised). What is in the data (labels, lengths, empty lines, invalid UTF-8, texts that are
 *  there several times) goes to the context's log. Texts with the same tokens are one group, so
 * that no split parts them. options may be NULL. Errors: those of the reader; TERN_ERR_FORMAT for a
 * label that options->labels lack, for one label only (where options->labels are not given), for no
 *  texts; TERN_ERR_ARGUMENT for options out of range; TERN_ERR_LIMIT beyond options->memory.
 *  Sentences name file and line. *data is NULL on failure. */
TERN_API tern_status tern_text_dataset_open(tern_text_dataset **data, tern_context *context,
                                            const char *path,
                                            const tern_text_dataset_options *options);
/** NULL is allowed. Views made of its samples stay valid. */
TERN_API void tern_text_dataset_free(tern_text_dataset *data);
/** The texts, for tern_train and splitting. Belongs to data. Inputs: "ids" int64 [N, L], the
 * numbers of tern_text_encode, padded with TERN_PADDING to the longest of the batch or min_length,
 * rounded up to a multiple of 4; with options->subwords S > 0 also "subwords" int64 [N, L, S]: 0
 * for none, 1 + hash % text.buckets. Target: int64 [N] class numbers; tagged data: int64 [N, L],
 * -100 at padding. Reading needs a vocabulary. */
TERN_API tern_dataset *tern_text_dataset_samples(const tern_text_dataset *data);
/** Makes the vocabulary from these texts (tern_text_dataset_samples or a subset of it, the training
 *  part), by text.min_count and text.max_words, for all samples from now on. May be called again
 *  (folds); sessions that read the data set must not run then. Errors: TERN_ERR_FORMAT if no word
 * is left; the old vocabulary stays. */
TERN_API tern_status tern_text_dataset_build(tern_text_dataset *data, const tern_dataset *texts);
/** Takes another vocabulary, which must outlive data set and views (that of a model or of word
 *  vectors). Otherwise as tern_text_dataset_build. */
TERN_API tern_status tern_text_dataset_use(tern_text_dataset *data,
                                           const tern_vocabulary *vocabulary);
/** The vocabulary in use, NULL before there is one. A built one belongs to data and is valid until
 *  the next build or use. */
TERN_API const tern_vocabulary *tern_text_dataset_vocabulary(const tern_text_dataset *data);
/** Counts of the words of these texts (to make a vocabulary by other rules). The caller frees
 *  *counts; NULL on failure. */
TERN_API tern_status tern_text_dataset_count_words(tern_word_counts **counts,
                                                   const tern_text_dataset *data,
                                                   const tern_dataset *texts);
/** Changes the share of words that training replaces, 0..1. */
TERN_API tern_status tern_text_dataset_vary(tern_text_dataset *data, double word_dropout);
TERN_API size_t tern_text_dataset_label_count(const tern_text_dataset *data);
/** The name of a class or tag, 0 <= index < label_count. Valid as long as data. */
TERN_API const char *tern_text_dataset_label(const tern_text_dataset *data, size_t index);
/** Whether every token has a label of its own (CONLL). */
TERN_API bool tern_text_dataset_tagged(const tern_text_dataset *data);
/** Tokens of a text (after max_length) and the line where it begins; text: a number of
 *  tern_dataset_source_sample. */
TERN_API size_t tern_text_dataset_length(const tern_text_dataset *data, int64_t text);
TERN_API size_t tern_text_dataset_line(const tern_text_dataset *data, int64_t text);
/** The tags of a tagged text [tern_text_dataset_length]. Valid as long as data. */
TERN_API const int32_t *tern_text_dataset_tags(const tern_text_dataset *data, int64_t text);
/** The front end in use. */
TERN_API const tern_text_options *tern_text_dataset_options_in_use(const tern_text_dataset *data);

#ifdef __cplusplus
}
#endif
#endif
