/* Lovasz, a training loss in tern's own domain: the Lovasz extension of the Jaccard loss, 1 -
 * intersection / union (Berman et al. 2018). Errors of the places are sorted, largest first, and
 * weighted by what each adds to the Jaccard loss. Sigmoids: the hinge, errors 1 - x sign, over all
 * classes together, target 1 above 1/2. Class numbers: softmax, errors |(class is the number) - p|,
 * the mean over the classes that the target has. Over the batch as one picture or, per_image, the
 * mean over its pictures. Places of weight 0 do not count; other weights do not matter. Of equal
 * errors the first place comes first. See loss_places.h for inputs. Gradient: logits. */
#include "loss_places.h"

typedef struct lovasz {
    int64_t per_image, ignore_index;
} lovasz;

static const tern__attribute attributes[] = {
    TERN__A_INT(lovasz, per_image, 0), TERN__A_INT(lovasz, ignore_index, -100), {0}};

/* Errors are sorted in segments: softmax one per class, hinge one for all; of a picture or of all
 * pictures. */
typedef struct job {
    tern__places p;
    int64_t pictures, together; /* results that are averaged; batch entries of each */
    int64_t classes;            /* of a segment: 1 for softmax */
    int64_t segments, elements; /* most of a segment */
    float *slope;   /* state: [batch, classes, size]: d loss / dp, hinge dx, but for a factor */
    double *factor; /* state: [pictures] */
    double *loss;   /* [segments]: negative: the target has nothing of this class */
    char *scratch;  /* per worker */
    size_t scratch_each;
    float *dx, dy;
} job;

typedef struct element {
    uint32_t key, place; /* ~ the error's bits: ascending is largest first; place in the segment */
} element;

static job make_job(const tern__step *step) {
    const lovasz *a = step->attributes;
    job j = {.p = tern__places_make(step, a->ignore_index)};
    bool softmax = j.p.numbers != NULL;
    int64_t batch = step->inputs[TERN__PLACES_X]->dims[0];
    if (batch != j.p.batch) { /* not as one row of places: pictures count */
        j.p.batch = batch;
        j.p.size /= batch;
        j.p.blocks = (j.p.size + j.p.block - 1) / j.p.block;
        j.p.items = batch * j.p.blocks;
    }
    j.pictures = a->per_image ? batch : 1;
    j.together = batch / j.pictures;
    j.classes = softmax ? 1 : j.p.classes;
    j.segments = softmax ? j.pictures * j.p.classes : j.pictures;
    j.elements = j.together * j.classes * j.p.size;
    size_t items = (size_t)((2 * j.p.classes + 1) * j.p.block) * sizeof(float);
    size_t sorting = (size_t)j.elements * 2 * sizeof(element);
    j.scratch_each = tern__padded(items > sorting ? items : sorting);
    j.slope = step->state;
    if (step->state)
        j.factor = (double *)(void *)((char *)step->state +
                                      tern__padded((size_t)step->inputs[0]->count * sizeof(float)));
    j.loss = step->workspace;
    j.scratch = step->workspace;
    return j;
}

static size_t loss_size(const job *j) { return tern__padded((size_t)j->segments * sizeof(double)); }

static tern_status prepare(tern__step *step) {
    job j = make_job(step);
    if (j.elements > UINT32_MAX)
        return tern__fail(step->context, TERN_ERR_LIMIT,
                          "Lovasz '%s': %lld places at once; the most is 4294967295", step->name,
                          (long long)j.elements);
    size_t workers = (size_t)step->context->threads * j.scratch_each;
    step->state_size = tern__padded((size_t)step->inputs[0]->count * sizeof(float)) +
                       tern__padded((size_t)j.pictures * sizeof(double));
    step->workspace_size = loss_size(&j) + workers;
    step->backward_workspace_size = workers;
    return TERN_OK;
}

/* ---- sorting ---- */

enum { DIGIT = 11, BUCKETS = 1 << DIGIT };

/* By key, stable: three rounds of 11 bits. The result is in `other`. */
static void sort(element *e, element *other, int64_t n) {
    for (int round = 0; round < 3; round++) {
        uint32_t start[BUCKETS] = {0}, sum = 0;
        int shift = round * DIGIT;
        for (int64_t i = 0; i < n; i++) start[e[i].key >> shift & (BUCKETS - 1)]++;
        for (int b = 0; b < BUCKETS; b++) {
            uint32_t count = start[b];
            start[b] = sum;
            sum += count;
        }
        for (int64_t i = 0; i < n; i++) other[start[e[i].key >> shift & (BUCKETS - 1)]++] = e[i];
        element *swap = e;
        e = other;
        other = swap;
    }
}

/* ---- segments ---- */

typedef struct segment {
    const job *j;
    int64_t entry, class_; /* first batch entry and class */
} segment;

static segment segment_at(const job *j, int64_t number) {
    if (!j->p.numbers) return (segment){j, number * j->together, 0};
    return (segment){j, number / j->p.classes * j->together, number % j->p.classes};
}

/* Where element i of a segment lies in x, and its place in the target and the weights. */
static int64_t element_at(const segment *s, int64_t i, int64_t *place) {
    const tern__places *p = &s->j->p;
    int64_t in = i % p->size, c = i / p->size % s->j->classes;
    int64_t entry = s->entry + i / (p->size * s->j->classes);
    *place = entry * p->size + in;
    return (entry * p->classes + s->class_ + c) * p->size + in;
}

/* Whether an element counts, its error and whether the target has it. */
static bool look(const segment *s, int64_t i, float *error, bool *there) {
    const tern__places *p = &s->j->p;
    int64_t place, at = element_at(s, i, &place);
    if (p->weights && p->weights[place] == 0) return false;
    if (p->numbers) {
        if (p->numbers[place] == p->ignore) return false;
        *there = p->numbers[place] == s->class_;
        *error = *there ? 1 - s->j->slope[at] : s->j->slope[at]; /* which is p still */
    } else {
        *there = p->target[at] > 0.5f;
        *error = *there ? 1 - p->x[at] : 1 + p->x[at];
    }
    return true;
}

/* The errors of a segment into e, all slopes to 0. Returns how many; *positives: places that the
 * target has. A hinge of an error below 0 is 0. */
static int64_t collect(const segment *s, element *e, int64_t *positives) {
    bool hinge = !s->j->p.numbers;
    int64_t count = 0, place;
    *positives = 0;
    for (int64_t i = 0; i < s->j->elements; i++) {
        float error;
        bool there, counts = look(s, i, &error, &there);
        s->j->slope[element_at(s, i, &place)] = 0;
        if (!counts) continue;
        *positives += there;
        if (hinge && error <= 0) continue;
        uint32_t bits;
        memcpy(&bits, &error, sizeof bits);
        e[count++] = (element){~bits, (uint32_t)i};
    }
    return count;
}

static void run_segment(void *arg, int64_t number, int worker) {
    const job *j = arg;
    segment s = segment_at(j, number);
    element *e = (element *)(void *)(j->scratch + (size_t)worker * j->scratch_each);
    element *sorted = e + j->elements;
    int64_t positives, count = collect(&s, e, &positives);
    if (j->p.numbers && positives == 0) {
        j->loss[number] = -1;
        return;
    }
    sort(e, sorted, count);
    double loss = 0, before = 0, hits = 0;
    for (int64_t k = 0; k < count; k++) {
        int64_t place, at = element_at(&s, sorted[k].place, &place);
        bool there = j->p.numbers ? j->p.numbers[place] == s.class_ : j->p.target[at] > 0.5f;
        uint32_t bits = ~sorted[k].key;
        float error;
        memcpy(&error, &bits, sizeof error);
        hits += there;
        double union_ = (double)positives + (double)(k + 1) - hits;
        double jaccard = 1 - ((double)positives - hits) / union_, step = jaccard - before;
        before = jaccard;
        loss += (double)error * step;
        j->slope[at] = (float)(there ? -step : step);
    }
    j->loss[number] = loss;
}

/* ---- running ---- */

static float *scratch_of(const job *j, int worker) {
    return (float *)(void *)(j->scratch + (size_t)worker * j->scratch_each);
}

static void probabilities_item(void *arg, int64_t number, int worker) {
    const job *j = arg;
    tern__places_item i = tern__places_item_at(&j->p, number);
    float *p = scratch_of(j, worker);
    tern__places_probabilities(&i, false, p);
    for (int64_t c = 0; c < j->p.classes; c++)
        memcpy(j->slope + tern__places_class(&i, c), p + c * i.count, (size_t)i.count * sizeof *p);
}

static tern_status forward(const tern__step *step) {
    job j = make_job(step);
    tern_status status = tern__places_check(&j.p);
    if (status) return status;
    j.scratch += loss_size(&j);
    if (j.p.numbers)
        tern__parallel(step->context, j.p.items, tern__places_work(&j.p), probabilities_item, &j);
    tern__parallel(step->context, j.segments, TERN__WORK_EXPONENTIAL * j.elements, run_segment, &j);
    int64_t each = j.segments / j.pictures;
    double mean = 0;
    for (int64_t n = 0; n < j.pictures; n++) {
        double sum = 0, present = 0;
        for (int64_t k = n * each; k < (n + 1) * each; k++) {
            if (j.loss[k] < 0) continue;
            sum += j.loss[k];
            present++;
        }
        j.factor[n] = present > 0 ? 1 / (present * (double)j.pictures) : 0;
        mean += sum * j.factor[n];
    }
    *(float *)step->outputs[0]->data = (float)mean;
    return TERN_OK;
}

static void backward_item(void *arg, int64_t number, int worker) {
    const job *j = arg;
    tern__places_item i = tern__places_item_at(&j->p, number);
    int64_t n = i.count;
    float *p = scratch_of(j, worker), *g = p + j->p.classes * n;
    float factor = (float)((double)j->dy * j->factor[i.entry / j->together]);
    bool add = j->p.step->accumulate[TERN__PLACES_X];
    if (!j->p.numbers) {
        for (int64_t c = 0; c < j->p.classes; c++) {
            int64_t at = tern__places_class(&i, c);
            j->p.kernels->scale(j->slope + at, factor, j->dx + at, n, add);
        }
        return;
    }
    tern__places_probabilities(&i, false, p);
    for (int64_t c = 0; c < j->p.classes; c++)
        j->p.kernels->scale(j->slope + tern__places_class(&i, c), factor, g + c * n, n, false);
    tern__places_gradient(&i, p, g, g + j->p.classes * n, j->dx, add);
}

static void backward(const tern__step *step) {
    job j = make_job(step);
    if (!step->input_grads[TERN__PLACES_X]) return;
    j.dy = *(const float *)step->output_grads[0]->data;
    j.dx = step->input_grads[TERN__PLACES_X]->data;
    tern__parallel(step->context, j.p.items, tern__places_work(&j.p), backward_item, &j);
}

const tern__op tern__op_lovasz = {.name = "Lovasz",
                                  .attribute_size = sizeof(lovasz),
                                  .infer = tern__places_infer,
                                  TERN__PLACES_ROW};
