/* Tables of options: what the members of a struct are called, what they may be, what they do. One
 * table serves the struct's check, its JSON in a model's metadata, "NAME=X,NAME=X", and the flags
 * and the help of the command. Internal; knows no struct. */
#ifndef TERN_CORE_OPTIONS_H
#define TERN_CORE_OPTIONS_H

#include "core/base/base.h"

typedef enum tern__option_kind {                     /* the member's type */
                                 TERN__OPTION_FLAG,  /* bool */
                                 TERN__OPTION_INT,   /* int */
                                 TERN__OPTION_INT64, /* int64_t */
                                 TERN__OPTION_SEED, /* uint64_t, of which the range is what text may
                                                       say */
                                 TERN__OPTION_SIZE, /* size_t */
                                 TERN__OPTION_REAL, /* double */
                                 TERN__OPTION_CHOICE, /* an enum that counts from 0 */
                                 TERN__OPTION_TEXT,   /* const char *, of the caller; NULL: the
                                                         default */
                                 TERN__OPTION_KINDS
} tern__option_kind;

typedef struct tern__option { /* a row of core/graph/choices.h */
    const char *name;         /* as in JSON and in sentences */
    const char *flag;         /* the command's; NULL: the name with - for _ */
    tern__option_kind kind;
    size_t offset;
    double least, most;         /* inclusive */
    const char *const *choices; /* names of the enum's values, NULL at the end */
    bool automatic;             /* 0 is possible besides, and is not chosen but left open */
    double unit;                /* text counts in so many of the member's; 0: 1 */
    char letter;                /* of the command; 0: none */
    const char *argument;       /* what the command's help calls the value; NULL for flags */
    const char *sentence;       /* what it does; NULL: the command has no such flag */
} tern__option;

/* Rows of a table: X_OPTION(struct, member, ...). */
#define TERN__OPTION_AT(type, member) .name = #member, .offset = offsetof(type, member)
#define TERN__FLAG_OPTION(type, member)                                                            \
    { TERN__OPTION_AT(type, member), .kind = TERN__OPTION_FLAG, .most = 1 }
#define TERN__INT_OPTION(type, member, low, high)                                                  \
    { TERN__OPTION_AT(type, member), .kind = TERN__OPTION_INT, .least = low, .most = high }
#define TERN__REAL_OPTION(type, member, low, high)                                                 \
    { TERN__OPTION_AT(type, member), .kind = TERN__OPTION_REAL, .least = low, .most = high }
#define TERN__CHOICE_OPTION(type, member, names)                                                   \
    {                                                                                              \
        TERN__OPTION_AT(type, member), .kind = TERN__OPTION_CHOICE,                                \
                                       .most = (double)(sizeof(names) / sizeof *(names)) - 2,      \
                                       .choices = names                                            \
    }
/* A row for the command, of a member wherever it is in the struct, 0 leaving open what is above 0:
 * KIND without TERN__OPTION_; what is rare follows the sentence by name. */
#define TERN__ROW(name_, kind_, type, member, low, high, argument_, ...)                           \
    {                                                                                              \
        .name = name_, .kind = TERN__OPTION_##kind_, .offset = offsetof(type, member),             \
        .least = low, .most = high, .automatic = (low) > 0, .argument = argument_,                 \
        .sentence = __VA_ARGS__                                                                    \
    }
#define TERN__TEXT_ROW(name, type, member, argument, ...)                                          \
    TERN__ROW(name, TEXT, type, member, 0, 0, argument, __VA_ARGS__)
#define TERN__FLAG_ROW(name, type, member, ...)                                                    \
    TERN__ROW(name, FLAG, type, member, 0, 1, NULL, __VA_ARGS__)

typedef struct tern__options {
    const char *what; /* "audio options", before every sentence */
    const tern__option *rows;
    size_t count;
    size_t size;          /* of the struct */
    const void *defaults; /* an object of it; NULL: all zero */
    const char *init;     /* the macro that callers start from, of a struct whose first member is
                             its size; NULL: of another one */
} tern__options;
#define TERN__OPTIONS(what, type, rows, defaults, init)                                            \
    { what, rows, sizeof(rows) / sizeof *(rows), sizeof(type), defaults, init }

/* The row of this name (- is as good as _), or NULL. */
const tern__option *tern__option_find(const tern__options *table, const char *name);
/* A member's value; of texts whether there is one. */
double tern__option_get(const tern__option *option, const void *object);
double tern__option_default(const tern__options *table, const tern__option *option);
/* Also false for NaN. */
bool tern__option_fits(const tern__option *option, double value);
/* Reads the value of one option (a flag's: NULL, which is true) as text; false for what it cannot
 * be, and the object is as it was. automatic 0 is no text. Texts are kept by pointer. */
bool tern__option_take(const tern__option *option, void *object, const char *text);

/* *out is a copy of the caller's struct (NULL: the defaults), whose size may be smaller. Errors:
 * TERN_ERR_ARGUMENT for a size or a value that cannot be. */
tern_status tern__options_resolve(const tern__options *table, void *out, tern_context *c,
                                  const void *options);
/* The ranges alone. */
tern_status tern__options_check(const tern__options *table, tern_context *c, const void *object);

/* One JSON object of all rows but texts, in their order. Free *text with tern__free. */
tern_status tern__options_to_json(const tern__options *table, char **text, tern_context *c,
                                  const void *object);
/* Sets in *object what the JSON object names. Errors: TERN_ERR_FORMAT; *object may be half set. */
tern_status tern__options_from_json(const tern__options *table, void *object, tern_context *c,
                                    const char *text, size_t length);

/* "NAME=X,NAME=X": what differs from the defaults, but texts; "none" where nothing does. */
tern_status tern__options_to_text(const tern__options *table, char **text, tern_context *c,
                                  const void *object);
/* Sets in *object what the text (NULL: nothing) names; "none": the defaults. Errors:
 * TERN_ERR_ARGUMENT; *object may be half set. */
tern_status tern__options_from_text(const tern__options *table, void *object, tern_context *c,
                                    const char *text);

/* Goes on with a hash, of the rows' members; the struct has at most 512 bytes. */
uint64_t tern__options_hash(const tern__options *table, uint64_t hash, const void *object);

#endif
