/* The recipes: how long, how fast and how varied a text network is trained. Numbers only; found by
 * cross-validation on movie reviews and question types (bench/text.sh). */
#include "recipe.h"

#include "core/training.h"

#include <string.h>

typedef struct recipe {
    const char *network;
    tern__recipe train;
    tern_optimizer_kind optimizer;
    double with_vectors; /* factor of the rate for words that have vectors already */
    double max_norm, word_dropout;
    int word_ngrams, buckets, subwords; /* 0: as the front end has them */
} recipe;

/* The first is for networks that have none of their own. */
static const recipe recipes[] = {
    {.network = "textcnn",
     .train = {.samples_seen = 55000, .fewest_epochs = 4, .most_epochs = 15, .batch = 50,
               .learning_rate = 2e-3, .schedule = TERN_SCHEDULE_COSINE},
     .optimizer = TERN_OPTIMIZER_ADAM, .with_vectors = 0.35,
     .max_norm = 3, .word_dropout = 0.15},
    {.network = "ngrams",
     .train = {.samples_seen = 150000, .fewest_epochs = 5, .most_epochs = 30, .batch = 32,
               .learning_rate = 2e-3, .schedule = TERN_SCHEDULE_COSINE},
     .optimizer = TERN_OPTIMIZER_ADAM, .with_vectors = 0.35,
     .word_ngrams = 2, .buckets = 500000},
    {.network = "deep",
     .train = {.samples_seen = 100000, .fewest_epochs = 4, .most_epochs = 20, .batch = 32,
               .learning_rate = 1e-3, .schedule = TERN_SCHEDULE_ONE_CYCLE},
     .optimizer = TERN_OPTIMIZER_ADAM, .with_vectors = 0.7,
     .word_dropout = 0.05},
    {.network = "lstm",
     .train = {.samples_seen = 80000, .fewest_epochs = 4, .most_epochs = 20, .batch = 32,
               .learning_rate = 1e-3, .schedule = TERN_SCHEDULE_ONE_CYCLE},
     .optimizer = TERN_OPTIMIZER_ADAM, .with_vectors = 0.7,
     .word_dropout = 0.05},
    {.network = "gru",
     .train = {.samples_seen = 80000, .fewest_epochs = 4, .most_epochs = 20, .batch = 32,
               .learning_rate = 1e-3, .schedule = TERN_SCHEDULE_ONE_CYCLE},
     .optimizer = TERN_OPTIMIZER_ADAM, .with_vectors = 0.7,
     .word_dropout = 0.05},
    {.network = "tagger",
     .train = {.samples_seen = 50000, .fewest_epochs = 5, .most_epochs = 25, .batch = 16,
               .learning_rate = 2e-3, .schedule = TERN_SCHEDULE_ONE_CYCLE},
     .optimizer = TERN_OPTIMIZER_ADAM, .with_vectors = 0.35,
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
    tern_optimizer_options *p = &o->train.optimizer;
    if (p->kind == TERN_OPTIMIZER_ADAMW && p->learning_rate == 0) {
        p->kind = r->optimizer;
        p->learning_rate = r->train.learning_rate * (o->vectors ? r->with_vectors : 1);
    }
    tern__recipe_fill(&o->train, &r->train, texts);
    if (p->max_norm == 0) p->max_norm = r->max_norm;
}
