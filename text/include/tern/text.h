/* Text in: options of the front end, words of a text, the vocabulary that numbers them, and n-grams
 * that are hashed as fastText hashes them. Knows no file and no network.
 *
 * Text is UTF-8. Bytes that are not are replaced by U+FFFD, one for each maximal part of a broken
 * sequence (Unicode 15, section 3.9), and counted; a NUL byte is an error.
 *
 * Order here: options, words of a text, vocabulary, numbers of a text, n-grams. */
#ifndef TERN_TEXT_H
#define TERN_TEXT_H

#include <tern/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- options ---- */

/** How a text is cut into tokens. */
typedef enum tern_tokenizer {
    /** Unicode words, for any script: runs of letters, marks, digits and _ with what joins them: a
     *  single ' or U+2019 before a letter ("o'clock"), . and , between digits ("3.14"), . after one
     *  letter ("U.S"). English contractions are split off the end as in treebanks ("do n't", "it
     *  's", also 'm 're 've 'd 'll), U+2019 becoming '. Ideographs and Hiragana stand alone. A web
     *  address, @name and #name are one token each. Of what is left every character (grapheme
     *  cluster: an emoji) is a token, but the same ASCII sign repeated is one of at most three
     *  ("...", "!!!"). Spaces separate. Source: a simplification of Unicode Annex 29. */
    TERN_TOKENIZER_WORDS,
    /** Kim 2014, clean_str: every character but A-Z a-z 0-9 ( ) , ! ? ' ` is a space; n't 's 've
     *  're 'd 'll (in small letters) begin a token; ( ) , ! ? stand alone. Lower-casing comes after
     *  it; the paper keeps the case for TREC.
     *  Source: github.com/yoonkim/CNN_sentence, process_data.py. */
    TERN_TOKENIZER_KIM,
    /** What stands between white space. For text that was tokenized before. */
    TERN_TOKENIZER_SPACES,
    /** Characters (code points of the NFC text); any white space is one " ", none at the ends. */
    TERN_TOKENIZER_CHARACTERS
} tern_tokenizer;

/** The front end of a text network. Travels in the model's metadata, with the vocabulary. */
typedef struct tern_text_options {
    size_t size; /**< sizeof(tern_text_options), set by the _INIT macro */
    tern_tokenizer tokenizer;
    bool lower;        /**< Unicode case folding of every token (ASCII: lower-casing) */
    int max_length;    /**< tokens of a text that are used, the first ones; 1..1e6, 0: all */
    int min_count;     /**< rarer words are unknown; 1..1e9 */
    int max_words;     /**< the most frequent so many words are known; 1..5e6, 0: 5e6 */
    int word_ngrams;   /**< 1: words only; n: also hashed runs of 2..n words; 1..5 */
    int min_n, max_n;  /**< sub-words: hashed n-grams of min_n..max_n characters of "<word>";
                            max_n 0: none; 0..20 */
    bool subword_case; /**< sub-words are taken from the word before case folding */
    int buckets;       /**< numbers for hashed n-grams; 1..1e8 */
} tern_text_options;
#define TERN_TEXT_OPTIONS_INIT                                                                     \
    { sizeof(tern_text_options), TERN_TOKENIZER_WORDS, true, 0, 1, 0, 1, 0, 0, false, 2000000 }

/** The options as one JSON object, complete. On success the caller frees *text with tern_free. */
TERN_API tern_status tern_text_options_text(char **text, tern_context *context,
                                            const tern_text_options *options);
/** Reads what tern_text_options_text wrote; keys that are absent keep the _INIT value. Errors:
 *  TERN_ERR_FORMAT for text that is not JSON, an unknown key, a wrong type or a value out of range;
 *  *options is untouched. */
TERN_API tern_status tern_text_options_parse(tern_text_options *options, tern_context *context,
                                             const char *text, size_t length);
/** The tokenizer of this name: "words", "kim", "spaces", "characters". Errors: TERN_ERR_ARGUMENT
 *  naming all of them; *tokenizer is untouched. */
TERN_API tern_status tern_tokenizer_parse(tern_tokenizer *tokenizer, tern_context *context,
                                          const char *name);
/** Its name. Static storage. */
TERN_API const char *tern_tokenizer_name(tern_tokenizer tokenizer);

/* ---- words of a text ---- */

/** One token: its text, normalised (NFC without default-ignorable characters such as soft hyphens,
 *  joiners and variation selectors; case-folded where options->lower; not NUL-terminated), and its
 *  bytes [begin, end) in the text that was cut. */
typedef struct tern_token {
    const char *text;
    size_t length; /**< bytes, >= 1 */
    size_t begin, end;
} tern_token;

/** The tokens of the text that was cut last. Its memory is used again from text to text, so that
 *  cutting many allocates nothing in the long run. For one thread at a time. */
typedef struct tern_tokens {
    const tern_token *at; /**< valid until the next text */
    size_t count;
    size_t replaced; /**< U+FFFD put for invalid UTF-8 */
    struct tern__tokens_memory *memory;
} tern_tokens;

/** On failure *tokens is NULL. */
TERN_API tern_status tern_tokens_create(tern_tokens **tokens, tern_context *context);
/** NULL is allowed. */
TERN_API void tern_tokens_free(tern_tokens *tokens);
/** Cuts text [length] into tokens; options may be NULL. max_length applies. A text without any
 * token is no error: count 0. Errors: TERN_ERR_FORMAT for a NUL byte, naming its place;
 * TERN_ERR_ARGUMENT for options out of range; TERN_ERR_MEMORY; then count is 0. */
TERN_API tern_status tern_text_tokenize(tern_tokens *tokens, const tern_text_options *options,
                                        const char *text, size_t length);

/* ---- vocabulary ---- */

/** Numbers for words. Row 0 is padding and never a word's, row 1 is the unknown word, words have 2
 *  and up: the most frequent first, among equals in the order of their bytes. Immutable once made:
 *  any number of threads may look words up. */
typedef struct tern_vocabulary tern_vocabulary;
#define TERN_PADDING 0
#define TERN_UNKNOWN 1
#define TERN_FIRST_WORD 2
#define TERN_VOCABULARY_MAX 5000000

/** Counts of words, from which a vocabulary is made. */
typedef struct tern_word_counts tern_word_counts;
TERN_API tern_status tern_word_counts_create(tern_word_counts **counts, tern_context *context);
TERN_API void tern_word_counts_free(tern_word_counts *counts);
/** Adds `times` to the count of a word. Errors: TERN_ERR_MEMORY; TERN_ERR_LIMIT for too many
 *  different words (2^31 - 1). */
TERN_API tern_status tern_word_counts_add(tern_word_counts *counts, const char *word, size_t length,
                                          int64_t times);
/** Number of different words so far. */
TERN_API size_t tern_word_counts_size(const tern_word_counts *counts);

/** The words that occur at least min_count times, at most max_words of them (0:
 *  TERN_VOCABULARY_MAX). Words with a newline inside are left out. Errors: TERN_ERR_FORMAT if no
 *  word is left ("vocabulary: ..."). On failure *vocabulary is NULL. */
TERN_API tern_status tern_vocabulary_create(tern_vocabulary **vocabulary, tern_context *context,
                                            const tern_word_counts *counts, int64_t min_count,
                                            size_t max_words);
/** The words in the given order: word i has row TERN_FIRST_WORD + i; lengths in bytes. Errors:
 *  TERN_ERR_FORMAT for an empty word, one with a newline, one that is there twice, no word at all;
 *  TERN_ERR_LIMIT beyond TERN_VOCABULARY_MAX. */
TERN_API tern_status tern_vocabulary_from_words(tern_vocabulary **vocabulary, tern_context *context,
                                                const char *const *words, const size_t *lengths,
                                                size_t count);
/** NULL is allowed. */
TERN_API void tern_vocabulary_free(tern_vocabulary *vocabulary);
/** Rows: padding, unknown and the words. */
TERN_API size_t tern_vocabulary_rows(const tern_vocabulary *vocabulary);
/** The row of a word, TERN_UNKNOWN for others. Allocates nothing. */
TERN_API int64_t tern_vocabulary_find(const tern_vocabulary *vocabulary, const char *word,
                                      size_t length);
/** The word of a row (TERN_FIRST_WORD <= row < rows), NUL-terminated; *length (may be NULL) in
 *  bytes. Rows 0 and 1: "" and "<unknown>". Valid as long as the vocabulary. */
TERN_API const char *tern_vocabulary_word(const tern_vocabulary *vocabulary, int64_t row,
                                          size_t *length);
/** How often the word of a row was counted; 0 where that is not known. */
TERN_API int64_t tern_vocabulary_count(const tern_vocabulary *vocabulary, int64_t row);
/** All words in the order of their rows, each followed by a newline: what models carry. On success
 *  the caller frees *text (NUL-terminated) with tern_free. */
TERN_API tern_status tern_vocabulary_text(char **text, size_t *length,
                                          const tern_vocabulary *vocabulary);
/** Reads it. Errors as tern_vocabulary_from_words. */
TERN_API tern_status tern_vocabulary_parse(tern_vocabulary **vocabulary, tern_context *context,
                                           const char *text, size_t length);

/* ---- numbers of a text ---- */

/** Rows of the table that tern_text_encode's numbers point into: those of the vocabulary, and
 *  options->buckets more if word_ngrams > 1 or max_n > 0. */
TERN_API size_t tern_text_rows(const tern_vocabulary *vocabulary, const tern_text_options *options);
/** Cuts a text and numbers its tokens: ids of the tokens in order, then, if max_n > 0, the
 * sub-words of each token (the first 256), then, if word_ngrams > 1, the word n-grams (a bag, as
 * fastText's classifier has); the latter two as tern_vocabulary_rows + hash % buckets. Writes at
 * most `capacity` ids; *count is how many there are, which may be more. tokens is left with the
 * text's tokens. Errors as tern_text_tokenize; *count is 0 then. */
TERN_API tern_status tern_text_encode(int64_t *ids, size_t capacity, size_t *count,
                                      tern_tokens *tokens, const tern_vocabulary *vocabulary,
                                      const tern_text_options *options, const char *text,
                                      size_t length);

/** Sub-words of the tokens that tern_text_tokenize or tern_text_encode cut last, with the same
 *  options (max_n > 0): rows [tokens->count][per_token], each 1 + hash % buckets, 0 where a token
 * has fewer; further ones are left out. Their table has 1 + buckets rows. Errors: TERN_ERR_ARGUMENT
 * for max_n 0. */
TERN_API tern_status tern_text_encode_subwords(int64_t *rows, size_t per_token,
                                               const tern_tokens *tokens,
                                               const tern_text_options *options);

/* ---- n-grams, as fastText hashes them ---- */

/** FNV-1a, 32 bits, over bytes that are sign-extended first. Source: fastText, Dictionary::hash. */
TERN_API uint32_t tern_text_hash(const char *bytes, size_t length);
/** Hashes of the n-grams of min_n..max_n characters (UTF-8, not bytes) of "<word>", from left to
 *  right, shorter ones first; single characters < and > are left out. Writes at most `capacity`;
 *  returns how many there are. Source: fastText, Dictionary::computeSubwords; Bojanowski et al.
 *  2017. */
TERN_API size_t tern_text_subwords(uint32_t *hashes, size_t capacity, const char *word,
                                   size_t length, int min_n, int max_n);
/** Hash of a run of words from the hash of the run without its last word and that word's:
 *  h = h 116049371 + word, where hashes of single words are taken as signed. Start with
 *  tern_text_ngram_begin. Source: fastText, Dictionary::addWordNgrams. */
TERN_API uint64_t tern_text_ngram_begin(uint32_t word_hash);
TERN_API uint64_t tern_text_ngram_extend(uint64_t hash, uint32_t word_hash);

#ifdef __cplusplus
}
#endif
#endif
