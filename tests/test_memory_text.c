/* Every allocation of the text domain fails once: training with log and checkpoint, going on from
 * the checkpoint, saving, loading, answering. */
#include "failing.h"

#include <tern/model_info.h>
#include <tern/text_classify.h>
#include <tern/text_tag.h>
#include <tern/text_train.h>

static void put(const char *path, const char *text) {
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static int set_up(void **state) {
    failing_set_up(state);
    put(failing_path(*state, "d.tsv"), "pos\ta good caf\xc3\xa9\nneg\ta bad film\npos\tgood, nice\n"
                                       "neg\tbad, awful\npos\tso nice\nneg\tso awful\n");
    put(failing_path(*state, "d.conll"), "Ann B-name\nsleeps O\n\nBob B-name\nwalks O\n");
    return 0;
}

static tern_text_train_options small(void) {
    tern_text_train_options o = TERN_TEXT_TRAIN_OPTIONS_INIT;
    o.dimension = 4;
    o.filters = 2;
    o.train.epochs = 1;
    o.train.batch = 4;
    return o;
}

static tern_status options(tern_context *c, const char *folder) {
    tern_text_options o = TERN_TEXT_OPTIONS_INIT, back;
    char *text;
    (void)folder;
    tern_status st = tern_text_options_text(&text, c, &o);
    if (st == TERN_OK) st = tern_text_options_parse(&back, c, text, strlen(text));
    tern_free(c, text);
    return st;
}

static tern_status read_data(tern_context *c, const char *folder) {
    tern_text_dataset *data;
    tern_status st = tern_text_dataset_open(&data, c, failing_path(folder, "d.tsv"), NULL);
    if (st == TERN_OK) st = tern_text_dataset_build(data, tern_text_dataset_samples(data));
    tern_text_dataset_free(data);
    return st;
}

static tern_status train(tern_context *c, const char *folder) {
    tern_model *model;
    tern_text_train_options o = small();
    o.train.log = failing_path(folder, "d.jsonl");
    o.train.checkpoint = failing_path(folder, "d.ckpt");
    remove(o.train.checkpoint);
    tern_status st = tern_text_train(&model, c, failing_path(folder, "d.tsv"), &o);
    if (st == TERN_OK) st = tern_model_save(model, failing_path(folder, "d.onnx"));
    tern_model_free(model);
    return st;
}

static tern_status resume(tern_context *c, const char *folder) {
    tern_model *model;
    tern_text_train_options o = small();
    o.train.checkpoint = failing_path(folder, "d.ckpt");
    o.train.resume = true;
    tern_status st = tern_text_train(&model, c, failing_path(folder, "d.tsv"), &o);
    tern_model_free(model);
    return st;
}

static tern_status use(tern_context *c, const char *folder) {
    tern_model *model;
    tern_session *session = NULL;
    tern_model_info *info = NULL;
    tern_answer answer;
    const tern_text_weight *weights;
    size_t count;
    const tern_tensor ids = {TERN_INT64, 2, {1, 8}, NULL};
    tern_status st = tern_model_load(&model, c, failing_path(folder, "d.onnx"));
    if (st == TERN_OK) st = tern_model_describe(&info, model, &ids);
    if (st == TERN_OK) st = tern_session_create(&session, model);
    if (st == TERN_OK) st = tern_text_classify(session, "A good caf\xc3\xa9", &answer);
    if (st == TERN_OK) st = tern_text_explain(session, "a good film", &answer, &weights, &count);
    if (session) tern_session_free(session);
    tern_model_info_free(info, model);
    tern_model_free(model);
    return st;
}

static tern_status tag(tern_context *c, const char *folder) {
    tern_model *model;
    tern_session *session = NULL;
    tern_text_tags tags;
    tern_text_train_options o = small();
    tern_status st = tern_text_train(&model, c, failing_path(folder, "d.conll"), &o);
    if (st == TERN_OK) st = tern_session_create(&session, model);
    if (st == TERN_OK) st = tern_text_tag_text(session, "Ann walks", &tags);
    tern_session_free(session);
    tern_model_free(model);
    return st;
}

static void options_text(void **state) { failing_each(options, *state, 0); }
static void data_set(void **state) { failing_each(read_data, *state, 0); }
static void training(void **state) { failing_each(train, *state, 50); }
static void resuming(void **state) { failing_each(resume, *state, 50); }
static void answers(void **state) { failing_each(use, *state, 150); }
static void tagging(void **state) { failing_each(tag, *state, 50); }

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(options_text), cmocka_unit_test(data_set),
                                       cmocka_unit_test(training),     cmocka_unit_test(resuming),
                                       cmocka_unit_test(answers),      cmocka_unit_test(tagging)};
    return cmocka_run_group_tests(tests, set_up, failing_tear_down);
}
