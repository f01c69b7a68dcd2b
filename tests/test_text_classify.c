/* Using text models: one text and many, tables of words against the network itself, explanations,
 * evaluation, tags and entities; models and texts that cannot be. */
#define _XOPEN_SOURCE 700
#include "texts.h"

#include "core/graph/graph.h"
#include "text/spans.h"
#include "text/tables.h"

#include <tern/text_tag.h>
#include <tern/text_train.h>
#include <tern/transfer.h>

static const char labelled[] =
    "pos\ta good and lovely film\nneg\ta dull and bad film\npos\tlovely lovely story\n"
    "neg\tbad bad acting, dull story\npos\tgood acting\nneg\tthe story is dull\npos\tthe good one\n"
    "neg\tawful one, bad story\npos\tso good, so lovely\nneg\tso bad, so awful\n";
static const char tagged[] =
    "Anna\tB-person\nBell\tI-person\nsleeps\tO\n.\tO\n\nI\tO\nsaw\tO\nOslo\tB-place\n\n"
    "Carl\tB-person\nsaw\tO\nAnna\tB-person\n\nin\tO\nOslo\tB-place\nsleeps\tO\nCarl\tB-person\n";

static tern_model *train(texts_fixture *f, const char *network, tern_text_channels channels) {
    tern_text_train_options o = TERN_TEXT_TRAIN_OPTIONS_INIT;
    const bool tags = network && !strcmp(network, "tagger");
    tern_model *m;
    o.network = network;
    o.dimension = 10;
    o.filters = 12;
    o.width = tags ? 0.5 : 0.2;
    o.channels = channels;
    o.data.text.buckets = 500;
    o.train.batch = 4;
    o.train.epochs = tags ? 80 : 30;
    o.dropout = tags ? -1 : 0;
    o.data.word_dropout = 1e-9;
    o.train.seed = 5;
    o.train.optimizer.learning_rate = 0.01;
    const char *path = tags ? texts_write(f, "t.conll", tagged) : texts_write(f, "t.tsv", labelled);
    check_ok(f->c, tern_text_train(&m, f->c, path, &o));
    return m;
}

static tern_session *session_of(texts_fixture *f, const tern_model *m) {
    tern_session *s;
    check_ok(f->c, tern_session_create(&s, m));
    return s;
}

#define run_ok(session, call)                                                                      \
    do {                                                                                           \
        if ((call) != TERN_OK) fail_msg("%s: %s", #call, tern_session_message(session));           \
    } while (0)
#define run_error(session, status, sentence, call)                                                 \
    do {                                                                                           \
        tern_status run_status_ = (call);                                                          \
        if (run_status_ != (status) || !strstr(tern_session_message(session), sentence))           \
            fail_msg("%s: got %s \"%s\"", #call, tern_status_name(run_status_),                    \
                     tern_session_message(session));                                               \
    } while (0)

enum { MANY = 300, WORDS = 14 };
static const char *const words[WORDS] = {"good", "bad",   "lovely", "dull", "film", "story", "the",
                                         "a",    "awful", "acting", "one",  "so",   "zebra", ","};

/* Texts of 0 to 24 of these words. */
static char **make_many(void) {
    char **texts = malloc(MANY * sizeof *texts);
    for (int i = 0; i < MANY; i++) {
        tern__random r = tern__random_make(2, (uint64_t)i);
        const int n = (int)tern__random_below(&r, 25);
        texts[i] = calloc(1, 300);
        for (int k = 0; k < n; k++) {
            strcat(texts[i], words[tern__random_below(&r, WORDS)]);
            strcat(texts[i], " ");
        }
    }
    return texts;
}

static void free_many(char **texts) {
    for (int i = 0; i < MANY; i++) free(texts[i]);
    free(texts);
}

static void one_text(void **state) {
    texts_fixture *f = *state;
    tern_model *m = train(f, NULL, TERN_TEXT_TUNED);
    tern_session *s = session_of(f, m);
    tern_answer a;
    run_ok(s, tern_text_classify(s, "a good, lovely story", &a));
    assert_string_equal(a.label, "pos");
    assert_int_equal(a.count, 2);
    assert_true(a.score > 0.5f && a.score == a.top[0].score && a.score >= a.top[1].score);
    check_close(a.top[0].score + a.top[1].score, 1, 1e-6, 0);
    run_ok(s, tern_text_classify(s, "DULL and bad", &a));
    assert_string_equal(a.label, "neg");
    run_ok(s, tern_text_classify(s, "", &a));
    run_ok(s, tern_text_classify(s, "\xff\xfe of another planet", &a));
    tern_text_model_info info;
    run_ok(s, tern_text_describe(&info, s));
    assert_int_equal(info.n_labels, 2);
    assert_string_equal(info.labels[0], "neg");
    assert_false(info.tags);
    tern_text_tags tags;
    run_error(s, TERN_ERR_FORMAT, "to a whole text", tern_text_tag_text(s, "x", &tags));
    tern_session_free(s);
    tern_model_free(m);
}

/* What goes into the last layer, times its weights, is what classifying makes its answer of. */
static void layers_as_vectors(void **state) {
    texts_fixture *f = *state;
    static const char *const networks[] = {"textcnn", "ngrams", "lstm"};
    static const char *const some[] = {"a good, lovely story", "", "so bad, so awful and dull"};
    for (int k = 0; k < 3; k++) {
        tern_model *m = train(f, networks[k], TERN_TEXT_TUNED), *cut;
        check_ok(f->c, tern_model_cut(&cut, m, NULL));
        tern_session *whole = session_of(f, m), *part = session_of(f, cut);
        const tern_graph *g = tern_model_graph(m);
        const tern__node *last = &g->nodes[g->n_nodes - 1];
        assert_string_equal(last->op->name, "Gemm"); /* weight [labels, length] */
        const float *weight = g->values[last->inputs[1]].data;
        const float *bias = g->values[last->inputs[2]].data;
        for (int i = 0; i < 3; i++) {
            const float *vector;
            int64_t length;
            tern_answer a;
            double z[2];
            run_ok(part, tern_text_embed(part, some[i], &vector, &length));
            assert_int_equal(length, g->values[last->inputs[1]].shape.dims[1]);
            for (int label = 0; label < 2; label++) {
                z[label] = (double)bias[label];
                for (int64_t n = 0; n < length; n++)
                    z[label] += (double)weight[label * length + n] * (double)vector[n];
            }
            run_ok(whole, tern_text_classify(whole, some[i], &a));
            const double positive = 1 / (1 + exp(z[0] - z[1]));
            check_close(strcmp(a.label, "pos") ? 1 - positive : positive, (double)a.score, 2e-6, 0);
        }
        tern_session_free(part);
        tern_model_free(cut);
        if (k == 0) { /* a convolution's output is as long as the text */
            const float *vector;
            int64_t length;
            const char *node = NULL;
            for (size_t i = 0; i < g->n_nodes; i++)
                if (!strcmp(g->nodes[i].op->name, "Conv")) node = g->nodes[i].name;
            check_ok(f->c, tern_model_cut(&cut, m, node));
            part = session_of(f, cut);
            run_error(part, TERN_ERR_UNSUPPORTED, "is as long as the text",
                      tern_text_embed(part, "good", &vector, &length));
            tern_session_free(part);
            tern_model_free(cut);
        }
        tern_session_free(whole);
        tern_model_free(m);
    }
}

/* Many at once, in whatever company, on any number of threads: as one by one. */
static void many_are_as_one(void **state) {
    texts_fixture *f = *state;
    static const char *const networks[] = {"textcnn", "ngrams", "lstm"};
    char **texts = make_many();
    for (int k = 0; k < 3; k++) {
        tern_model *m = train(f, networks[k], TERN_TEXT_TUNED);
        tern_session *s = session_of(f, m);
        float scores[MANY * 2];
        int64_t labels[MANY];
        run_ok(s,
               tern_text_classify_batch(s, (const char *const *)texts, NULL, MANY, scores, labels));
        for (int i = 0; i < MANY; i++) {
            tern_answer a;
            run_ok(s, tern_text_classify(s, texts[i], &a));
            check_close(scores[i * 2 + labels[i]], a.score, 1e-6, 0);
            if (a.score > 0.51f) assert_string_equal(a.label, labels[i] ? "pos" : "neg");
        }
        tern_session_free(s);
        tern_model_free(m);
    }
    free_many(texts);
}

/* Tables of what filters make of words give the network's own answer, also where they are too small
 * for all words, or for one text. */
static void tables_are_the_network(void **state) {
    texts_fixture *f = *state;
    char **texts = make_many();
    for (int channels = 0; channels < 3; channels++) {
        tern_model *m = train(f, NULL, (tern_text_channels)channels);
        tern_session *s = session_of(f, m);
        float straight[MANY * 2], folded[MANY * 2];
        const size_t row = 12 * (3 + 4 + 5) * sizeof(float);
        const size_t memory[] = {512 << 20, 9 * row, 14 * row, row};
        run_ok(s, tern_text_set_table_memory(s, 0));
        run_ok(s,
               tern_text_classify_batch(s, (const char *const *)texts, NULL, MANY, straight, NULL));
        for (int k = 0; k < 4; k++) {
            run_ok(s, tern_text_set_table_memory(s, memory[k]));
            run_ok(s, tern_text_classify_batch(s, (const char *const *)texts, NULL, MANY, folded,
                                               NULL));
            for (int i = 0; i < MANY * 2; i++)
                if (!(fabsf(straight[i] - folded[i]) <= 1e-5f))
                    fail_msg("channels %d, memory %d, text %d: %.9g folded, %.9g", channels, k,
                             i / 2, folded[i], straight[i]);
        }
        tern_session_free(s);
        tern_model_free(m);
    }
    free_many(texts);
}

/* The last layer times two is not what the tables compute. */
static void double_last_layer(const tern_graph *g) {
    const tern__node *last = &g->nodes[g->values[g->outputs[0]].producer];
    const float *alpha = tern__attribute_at(last->op, last->attributes, "alpha");
    const size_t at = (size_t)((const char *)alpha - (const char *)last->attributes);
    *(float *)(void *)((char *)last->attributes + at) = 2;
}

/* A model keeps its tables through a file, and other networks have none. */
static void tables_know_their_network(void **state) {
    texts_fixture *f = *state;
    static const char *const networks[] = {"textcnn", "ngrams", "deep", "gru"};
    char path[160];
    snprintf(path, sizeof path, "%s/m.onnx", f->folder);
    for (int k = 0; k < 4; k++) {
        tern_model *m = train(f, networks[k], TERN_TEXT_BOTH), *loaded;
        tern__text_tables *tables;
        check_ok(f->c, tern_model_save(m, path));
        check_ok(f->c, tern_model_load(&loaded, f->c, path));
        check_ok(f->c, tern__text_tables_create(&tables, f->c, tern_model_graph(loaded), 1 << 20));
        assert_int_equal(tables != NULL, k == 0);
        tern__text_tables_free(tables, f->c);
        if (k == 0) {
            double_last_layer(tern_model_graph(loaded));
            check_ok(f->c,
                     tern__text_tables_create(&tables, f->c, tern_model_graph(loaded), 1 << 20));
            assert_null(tables);
        }
        tern_model_free(loaded);
        tern_model_free(m);
    }
}

/* The weight of a word is what leaving it out changes. */
static void words_explain(void **state) {
    texts_fixture *f = *state;
    tern_model *m = train(f, NULL, TERN_TEXT_TUNED);
    tern_session *s = session_of(f, m);
    const char text[] = "the lovely, good zebra is dull";
    const tern_text_weight *w;
    size_t n;
    tern_answer a, without;
    run_ok(s, tern_text_explain(s, text, &a, &w, &n));
    assert_int_equal(n, 7);
    assert_memory_equal(text + w[1].begin, "lovely", w[1].end - w[1].begin);
    const float lovely = w[1].weight, score = a.score;
    const char *label = a.label;
    run_ok(s, tern_text_classify(s, "the       , good zebra is dull", &without));
    const float rest = without.label == label ? without.score : 1 - without.score;
    check_close(lovely, score - rest, 1e-6, 0);
    run_ok(s, tern_text_explain(s, "", &a, &w, &n));
    assert_int_equal(n, 0);
    tern_session_free(s);
    tern_model_free(m);
}

static bool count_text(void *user, const tern_text_record *record, const tern_answer *answer,
                       size_t done) {
    size_t *seen = user;
    assert_int_equal(++*seen, done);
    assert_non_null(record->label);
    assert_non_null(answer->label);
    return done != 7;
}

static void evaluation_counts(void **state) {
    texts_fixture *f = *state;
    tern_model *m = train(f, NULL, TERN_TEXT_TUNED);
    tern_session *s = session_of(f, m);
    tern_confusion *confusion;
    size_t seen = 0;
    const char *path = texts_write(f, "t.tsv", labelled);
    run_ok(s, tern_text_evaluate(&confusion, s, path, NULL, NULL, NULL));
    tern_metrics metrics = tern_confusion_metrics(confusion);
    assert_int_equal(metrics.n, 10);
    assert_true(metrics.accuracy > 0.85);
    tern_confusion_free(confusion);
    run_error(s, TERN_ERR_INTERRUPTED, "after 7",
              tern_text_evaluate(&confusion, s, path, NULL, count_text, &seen));
    assert_null(confusion);
    path = texts_write(f, "u.tsv", "pos\tfine\nneutral\tso so\n");
    run_error(s, TERN_ERR_FORMAT, "u.tsv, line 2: label 'neutral'",
              tern_text_evaluate(&confusion, s, path, NULL, NULL, NULL));
    path = texts_write(f, "empty.tsv", "\n\n");
    run_error(s, TERN_ERR_FORMAT, "no texts",
              tern_text_evaluate(&confusion, s, path, NULL, NULL, NULL));
    tern_session_free(s);
    tern_model_free(m);
}

/* The examples of conlleval's rules. */
static void spans_follow_bio(void **state) {
    (void)state;
    static const char *const labels[] = {"O", "B-a", "I-a", "B-b", "I-b", "noun"};
    static const int32_t tags[] = {2, 2, 0, 1, 1, 2, 4, 4, 3, 2, 5, 5, 0, 3};
    static const struct {
        size_t first, last;
        const char *type;
    } expected[] = {{0, 1, "a"}, {3, 3, "a"}, {4, 5, "a"},      {6, 7, "b"},
                    {8, 8, "b"}, {9, 9, "a"}, {10, 11, "noun"}, {13, 13, "b"}};
    tern__span spans[14];
    assert_true(tern__span_ends(labels, 6));
    assert_int_equal(tern__spans(spans, labels, tags, 14, true), 8);
    for (int i = 0; i < 8; i++) {
        assert_int_equal(spans[i].first, expected[i].first);
        assert_int_equal(spans[i].last, expected[i].last);
        assert_string_equal(spans[i].type, expected[i].type);
    }
}

static void expect_spans(const char *const *labels, size_t n_labels, const int32_t *tags,
                         size_t count, const char *expected) {
    tern__span spans[16];
    char got[200] = "";
    const size_t n = tern__spans(spans, labels, tags, count, tern__span_ends(labels, n_labels));
    for (size_t i = 0; i < n; i++)
        sprintf(got + strlen(got), "%zu-%zu %s,", spans[i].first, spans[i].last, spans[i].type);
    assert_string_equal(got, expected);
}

/* BIOES, BILOU and BMES say where entities end; IOB1 begins with I- and parts neighbours by B-. */
static void spans_follow_schemes(void **state) {
    (void)state;
    static const char *const schemes[][7] = {
        {"O", "B-P", "I-P", "E-P", "S-L", "S-P", "E-L"},
        {"O", "B-P", "I-P", "L-P", "U-L", "U-P", "L-L"},
        {"O", "B-P", "M-P", "E-P", "S-L", "S-P", "E-L"},
    };
    for (int i = 0; i < 3; i++) {
        static const int32_t plain[] = {1, 2, 3, 4, 4, 0, 5, 5, 1, 3, 5};
        static const int32_t torn[] = {3, 3, 2, 2, 3, 2, 6, 1, 1, 3, 4, 2};
        expect_spans(schemes[i], 7, plain, 11, "0-2 P,3-3 L,4-4 L,6-6 P,7-7 P,8-9 P,10-10 P,");
        expect_spans(schemes[i], 7, torn, 12,
                     "0-0 P,1-1 P,2-4 P,5-5 P,6-6 L,7-7 P,8-9 P,10-10 L,11-11 P,");
    }
    static const char *const single[] = {"S-P", "O"};
    static const int32_t singles[] = {0, 0, 1, 0};
    expect_spans(single, 2, singles, 4, "0-0 P,1-1 P,3-3 P,");
    static const char *const iob1[] = {"I-P", "B-P", "O", "I-L"};
    static const int32_t neighbours[] = {0, 0, 1, 0, 2, 0, 3, 3};
    expect_spans(iob1, 4, neighbours, 8, "0-1 P,2-3 P,5-5 P,6-7 L,");
    /* Types of other files keep their names. */
    static const char *const types[] = {"E-MAIL", "O", "noun"};
    static const int32_t mails[] = {0, 0, 1, 2};
    expect_spans(types, 3, mails, 4, "0-1 E-MAIL,3-3 noun,");
}

static void tagging(void **state) {
    texts_fixture *f = *state;
    tern_model *m = train(f, "tagger", TERN_TEXT_TUNED);
    tern_session *s = session_of(f, m);
    tern_text_tags t;
    const char text[] = "Anna Bell saw Oslo.";
    run_ok(s, tern_text_tag_text(s, text, &t));
    assert_int_equal(t.count, 5);
    assert_int_equal(t.tokens[3].begin, 14);
    assert_string_equal(t.tokens[0].label, "B-person"); /* what it learnt */
    assert_string_equal(t.tokens[3].label, "B-place");
    assert_true(t.n_entities >= 2);
    const tern_text_entity *first = &t.entities[0], *last = &t.entities[t.n_entities - 1];
    assert_string_equal(first->type, "person");
    assert_int_equal(first->begin, 0);
    assert_int_equal(first->end, t.tokens[first->last].end);
    assert_string_equal(last->type, "place");
    assert_memory_equal(text + last->begin, "Oslo", last->end - last->begin);
    assert_true(first->score <= t.tokens[0].score && first->score > 0);
    run_ok(s, tern_text_tag_text(s, "", &t));
    assert_int_equal(t.count + t.n_entities, 0);
    tern_tag_metrics metrics;
    run_ok(s, tern_text_evaluate_tags(&metrics, s, texts_write(f, "t.conll", tagged), NULL));
    assert_int_equal(metrics.texts, 4);
    assert_int_equal(metrics.tokens, 14);
    assert_int_equal(metrics.all.support, 6);
    assert_int_equal(metrics.n_types, 2);
    assert_true(metrics.all.f1 > 0.6);
    tern_free(f->c, metrics.types);
    tern_answer a;
    run_error(s, TERN_ERR_FORMAT, "to every token", tern_text_classify(s, "x", &a));
    tern_session_free(s);
    tern_model_free(m);
}

static void models_that_cannot(void **state) {
    texts_fixture *f = *state;
    static const struct {
        const char *key, *value, *sentence;
    } wrong[] = {{"tern.text", NULL, "no tern.text"},
                 {"tern.vocabulary", NULL, "no tern.vocabulary"},
                 {"tern.labels", "[\"one\"]", "1 labels"},
                 {"tern.labels", "[1, 2]", "label 0 is no text"},
                 {"tern.input", "{\"kind\": \"sound\"}", "tern.input"},
                 {"tern.input", "{\"kind\": \"text\", \"subwords\": 4}", "front end gives 2"},
                 {"tern.text", "{\"tokenizer\": \"brain\"}", "tern.text"},
                 {"tern.vocabulary", "a\na\n", "tern.vocabulary"}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        tern_model *m = train(f, NULL, TERN_TEXT_TUNED);
        tern_answer a = {.label = "untouched"};
        check_ok(f->c, tern_model_set_metadata(m, wrong[i].key, wrong[i].value));
        tern_session *s = session_of(f, m);
        run_error(s, TERN_ERR_FORMAT, wrong[i].sentence, tern_text_classify(s, "x", &a));
        assert_string_equal(a.label, "untouched");
        tern_session_free(s);
        tern_model_free(m);
    }
    /* More words than the table has rows: never read beyond it. */
    tern_model *m = train(f, NULL, TERN_TEXT_TUNED);
    char many[4000] = "";
    for (int i = 0; i < 300; i++) sprintf(many + strlen(many), "x%d\n", i);
    check_ok(f->c, tern_model_set_metadata(m, "tern.vocabulary", many));
    tern_session *s = session_of(f, m);
    tern_answer a;
    run_error(s, TERN_ERR_FORMAT, "its vocabulary gives 302", tern_text_classify(s, "x299", &a));
    tern_session_free(s);
    tern_model_free(m);
}

static void texts_that_cannot(void **state) {
    texts_fixture *f = *state;
    tern_model *m = train(f, NULL, TERN_TEXT_TUNED);
    tern_session *s = session_of(f, m);
    const char *texts[] = {"fine", "a\0b", "fine"};
    const size_t lengths[] = {4, 3, 4};
    float scores[6];
    run_error(s, TERN_ERR_FORMAT,
              "text 2: ", tern_text_classify_batch(s, texts, lengths, 3, scores, NULL));
    run_ok(s, tern_text_classify_batch(s, texts, NULL, 0, scores, NULL));
    tern_session_free(s);
    tern_model_free(m);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, texts_set_up, texts_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(one_text),           TEST(many_are_as_one),      TEST(tables_are_the_network),
        TEST(layers_as_vectors),  TEST(words_explain),        TEST(evaluation_counts),
        TEST(spans_follow_bio),   TEST(spans_follow_schemes), TEST(tagging),
        TEST(models_that_cannot), TEST(texts_that_cannot),    TEST(tables_know_their_network),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
