/* The recipes: how long, how fast and how varied a text network is trained. Numbers only; found by
 * cross-validation on movie reviews and question types (bench/text.sh). */
#include "recipe.h"

#include <math.h>
#include <string.h>

typedef struct recipe {
    const char *network;
    double texts_seen; /* texts trained on in all: the epochs follow from the number of texts */
    int fewest_epochs, most_epochs;
    int64_t batch;
    tern_optimizer_kind optimizer;
    double learning_rate, with_vectors; /* factor of it for words that have vectors already */
    double weight_decay, label_smoothing, ema, max_norm, word_dropout;
    tern_schedule_kind schedule;
    int word_ngrams, buckets, subwords; /* 0: as the front end has them */
} recipe;

/* The first is for networks that have none of their own. */
static const recipe recipes[] = {
    {.network = "textcnn", .texts_seen = 55000, .fewest_epochs = 4, .most_epochs = 15, .batch = 50,
     .optimizer = TERN_OPTIMIZER_ADAM, .learning_rate = 2e-3, .with_vectors = 0.35,
     .schedule = TERN_SCHEDULE_COSINE,
     .max_norm = 3, .word_dropout = 0.15},
    {.network = "ngrams", .texts_seen = 150000, .fewest_epochs = 5, .most_epochs = 30, .batch = 32,
     .optimizer = TERN_OPTIMIZER_ADAM, .learning_rate = 2e-3, .with_vectors = 0.35,
     .schedule = TERN_SCHEDULE_COSINE,
     .word_ngrams = 2, .buckets = 500000},
    {.network = "deep", .texts_seen = 100000, .fewest_epochs = 4, .most_epochs = 20, .batch = 32,
     .optimizer = TERN_OPTIMIZER_ADAM, .learning_rate = 1e-3, .with_vectors = 0.7,
     .schedule = TERN_SCHEDULE_ONE_CYCLE,
     .word_dropout = 0.05},
    {.network = "lstm", .texts_seen = 80000, .fewest_epochs = 4, .most_epochs = 20, .batch = 32,
     .optimizer = TERN_OPTIMIZER_ADAM, .learning_rate = 1e-3, .with_vectors = 0.7,
     .schedule = TERN_SCHEDULE_ONE_CYCLE,
     .word_dropout = 0.05},
    {.network = "gru", .texts_seen = 80000, .fewest_epochs = 4, .most_epochs = 20, .batch = 32,
     .optimizer = TERN_OPTIMIZER_ADAM, .learning_rate = 1e-3, .with_vectors = 0.7,
     .schedule = TERN_SCHEDULE_ONE_CYCLE,
     .word_dropout = 0.05},
    {.network = "tagger", .texts_seen = 50000, .fewest_epochs = 5, .most_epochs = 25, .batch = 16,
     .optimizer = TERN_OPTIMIZER_ADAM, .learning_rate = 2e-3, .with_vectors = 0.35,
     .schedule = TERN_SCHEDULE_ONE_CYCLE,
     .word_dropout = 0.1, .subwords = 24, .buckets = 50000},
};
enum { RECIPES = sizeof recipes / sizeof *recipes };

static const recipe *choose(const tern_text_train_options *o) {
    for (size_t i = 0; o->network && i < RECIPES; i++)
        if (!strcmp(recipes[i].network, o->network)) return &recipes[i];
    return &recipes[0];
}

void tern__text_recipe_front_end(tern_text_train_options *o) {
    const recipe *r = choose(o);
    tern_text_options *t = &o->data.text;
    const tern_text_options defaults = TERN_TEXT_OPTIONS_INIT;
    if (r->word_ngrams && t->word_ngrams == defaults.word_ngrams) t->word_ngrams = r->word_ngrams;
    if (r->buckets && t->buckets == defaults.buckets) t->buckets = r->buckets;
    if (r->subwords && !o->data.subwords) {
        o->data.subwords = r->subwords;
        t->subword_case = true; /* names begin with capital letters */
        if (!t->max_n) t->min_n = 1, t->max_n = 4;
    }
    if (o->data.word_dropout == 0) o->data.word_dropout = r->word_dropout;
}

void tern__text_recipe_train(tern_text_train_options *o, int64_t texts) {
    const recipe *r = choose(o);
    tern_train_options *t = &o->train;
    tern_optimizer_options *p = &t->optimizer;
    if (!t->epochs)
        t->epochs = (int)fmin(r->most_epochs,
                              fmax(r->fewest_epochs, round(r->texts_seen / (double)texts)));
    if (!t->batch) t->batch = texts < 4 * r->batch ? (texts + 3) / 4 : r->batch;
    if (p->kind == TERN_OPTIMIZER_ADAMW && p->learning_rate == 0) {
        p->kind = r->optimizer;
        p->learning_rate = r->learning_rate * (o->vectors ? r->with_vectors : 1);
    }
    if (p->weight_decay == 0) p->weight_decay = r->weight_decay;
    if (p->max_norm == 0) p->max_norm = r->max_norm;
    if (p->ema == 0) p->ema = r->ema;
    p->decay_matrices_only = true;
    if (t->schedule.kind == TERN_SCHEDULE_CONSTANT) t->schedule.kind = r->schedule;
    if (t->loss.label_smoothing == 0) t->loss.label_smoothing = r->label_smoothing;
}
