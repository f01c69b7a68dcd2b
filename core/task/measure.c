/* The loop of every evaluation. */
#include "measure.h"

static tern_status stopped(const tern__measuring *m, tern_context *c, int64_t done) {
    return m->count < 0 ? tern__fail(c, TERN_ERR_INTERRUPTED, "stopped after %lld %s",
                                     (long long)done, m->samples)
                        : tern__fail(c, TERN_ERR_INTERRUPTED, "stopped after %lld of %lld %s",
                                     (long long)done, (long long)m->count, m->samples);
}

tern_status tern__measure(const tern__measuring *m, tern_context *c, tern_confusion *confusion) {
    for (int64_t i = 0; m->count < 0 || i < m->count; i++) {
        tern__outcome o = {0};
        tern_status st = m->step(m->user, i, &o);
        if (st == TERN_OK && o.end) return TERN_OK;
        if (st == TERN_OK && confusion) st = tern_confusion_add(confusion, o.truth, o.predicted);
        if (st == TERN_OK && o.stop) st = stopped(m, c, i + 1);
        if (st != TERN_OK) return st;
    }
    return TERN_OK;
}

tern_status tern__measure_labels(tern_confusion **confusion, const tern__measuring *m,
                                 tern_context *c, const char *const *labels, size_t n_labels) {
    tern_status st = tern_confusion_create(confusion, c, (int64_t)n_labels, labels);
    if (st == TERN_OK) st = tern__measure(m, c, *confusion);
    if (st != TERN_OK) {
        tern_confusion_free(*confusion);
        *confusion = NULL;
    }
    return st;
}
