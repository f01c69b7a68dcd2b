/* Going on from a trained model of texts: its words and tables stay, its last layer is new. */
#include "check.h"

#include "core/graph/graph.h"
#include <tern/text_classify.h>
#include <tern/text_train.h>

static tern_context *context;
static char path[64], other[64];

/* Lines of "label TAB text": words of one kind or of the other. */
static void write_texts(char name[64], const char *const *labels, int n_labels) {
    static const char *const words[] = {"good fine lovely", "bad dull poor", "long slow quiet"};
    strcpy(name, "/tmp/tern_texts_XXXXXX");
    FILE *file = fdopen(mkstemp(name), "w");
    for (int i = 0; i < 48; i++)
        fprintf(file, "%s\t%s film number %d\n", labels[i % n_labels], words[i % n_labels], i % 7);
    fclose(file);
}

static int make_shared(void **state) {
    (void)state;
    const char *const two[] = {"pos", "neg"}, *const three[] = {"a", "b", "c"};
    write_texts(path, two, 2);
    write_texts(other, three, 3);
    return tern_context_create(&context, NULL) != TERN_OK;
}

static int free_shared(void **state) {
    (void)state;
    unlink(path);
    unlink(other);
    tern_context_free(context);
    return 0;
}

static tern_text_train_options quick(void) {
    tern_text_train_options o = TERN_TEXT_TRAIN_OPTIONS_INIT;
    o.train.epochs = 3;
    o.train.batch = 8;
    return o;
}

/* The embedding's table: what a Gather reads. */
static const tern__value *table_of(const tern_model *m) {
    const tern_graph *g = tern_model_graph(m);
    for (size_t i = 0; i < g->n_nodes; i++) {
        const tern__value *v = &g->values[g->nodes[i].inputs[0]];
        if (!strcmp(g->nodes[i].op->name, "Gather") && v->data) return v;
    }
    fail_msg("the network has no table");
    return NULL;
}

static void words_stay_and_labels_are_new(void **state) {
    (void)state;
    tern_model *first, *second;
    tern_text_train_options o = quick();
    o.dimension = 16;
    o.filters = 8;
    check_ok(context, tern_text_train(&first, context, path, &o));
    const tern__value *before = table_of(first);
    const size_t row = (size_t)before->shape.dims[1] * sizeof(float);
    const size_t bytes = (size_t)before->shape.dims[0] * row;
    for (int frozen = 0; frozen < 2; frozen++) {
        o = quick();
        o.init = first;
        o.freeze_until = frozen ? "all-but-last" : NULL;
        check_ok(context, tern_text_train(&second, context, other, &o));
        assert_string_equal(tern_model_metadata(first, "tern.vocabulary"),
                            tern_model_metadata(second, "tern.vocabulary"));
        const tern__value *after = table_of(second);
        assert_int_equal(before->shape.dims[0], after->shape.dims[0]);
        assert_int_equal(!memcmp(before->data, after->data, bytes), frozen);
        for (int64_t i = 0; i < before->shape.dims[1]; i++) /* padding stays nothing */
            check_close(((float *)after->data)[i], 0, 0, 0);
        tern_session *s;
        tern_answer answer;
        check_ok(context, tern_session_create(&s, second));
        check_ok(context, tern_text_classify(s, "a good film", &answer));
        assert_int_equal(answer.count, 3);
        tern_session_free(s);
        tern_model_free(second);
    }
    o.network = "textcnn";
    check_error(context, TERN_ERR_ARGUMENT, "the network is that of the model",
                tern_text_train(&second, context, other, &o));
    assert_null(second);
    tern_model_free(first);
    o = quick();
    o.freeze_until = "conv";
    check_error(context, TERN_ERR_ARGUMENT, "needs a trained model",
                tern_text_train(&second, context, other, &o));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(words_stay_and_labels_are_new)};
    return cmocka_run_group_tests(tests, make_shared, free_shared);
}
