/* Strided copies: see strided.h. */
#include "strided.h"

#include "core/base/arithmetic.h"
#include "core/kernels/vector.h"

#include <math.h>
#include <string.h>

enum { WORK = 16384 }; /* elements of one item, about */

void tern__dense_strides(const int64_t *dims, int rank, int64_t *strides) {
    int64_t stride = 1;
    for (int i = rank - 1; i >= 0; i--) {
        strides[i] = stride;
        stride *= dims[i];
    }
}

void tern__strided_axis(tern__strided *s, int64_t dim, int64_t from, int64_t to) {
    int last = s->rank - 1;
    if (dim == 1) return;
    if (s->rank && s->from[last] == from * dim &&
        s->to[last] == to * dim) { /* goes on seamlessly */
        s->dims[last] *= dim;
        s->from[last] = from;
        s->to[last] = to;
        return;
    }
    s->dims[s->rank] = dim;
    s->from[s->rank] = from;
    s->to[s->rank++] = to;
}

typedef struct job {
    const tern__vector_kernels *kernels;
    tern__strided outer; /* the axes that items walk */
    const char *from;
    char *to;
    size_t size;
    bool add;
    int64_t count, group;    /* of outer steps; of an item */
    int64_t n, n_from, n_to; /* the inner axis */
    int64_t m, m_from, m_to; /* the other axis of a transposition; m 0: none */
    int64_t m_chunk;
} job;

static void copy_inner(const job *j, const char *from, char *to) {
    size_t size = j->size;
    if (j->n_from == 1 && j->n_to == 1) {
        if (j->add)
            j->kernels->binary(TERN__ADD, (float *)to, 1, (const float *)from, 1, -INFINITY,
                               (float *)to, j->n);
        else if (from != to)
            memcpy(to, from, (size_t)j->n * size);
    } else if (size == sizeof(float)) {
        const float *p = (const float *)from;
        float *q = (float *)to;
        for (int64_t i = 0; i < j->n; i++) {
            float x = p[i * j->n_from];
            q[i * j->n_to] = j->add ? q[i * j->n_to] + x : x;
        }
    } else {
        const int64_t *p = (const int64_t *)from;
        int64_t *q = (int64_t *)to;
        for (int64_t i = 0; i < j->n; i++) q[i * j->n_to] = p[i * j->n_from];
    }
}

static void run_item(void *arg, int64_t item, int worker) {
    (void)worker;
    const job *j = arg;
    int64_t chunks = j->m ? (j->m + j->m_chunk - 1) / j->m_chunk : 1;
    int64_t end = tern__least((item + 1) * j->group, j->count * chunks);
    for (int64_t i = item * j->group; i < end; i++) {
        int64_t left = i / chunks, first = i % chunks * j->m_chunk, from = 0, to = 0;
        for (int k = j->outer.rank - 1; k >= 0; k--) {
            from += left % j->outer.dims[k] * j->outer.from[k];
            to += left % j->outer.dims[k] * j->outer.to[k];
            left /= j->outer.dims[k];
        }
        from += first * j->m_from;
        to += first * j->m_to;
        const char *p = j->from + from * (int64_t)j->size;
        char *q = j->to + to * (int64_t)j->size;
        if (j->m)
            j->kernels->transpose((const float *)p, j->n_from, j->n,
                                  tern__least(j->m_chunk, j->m - first), (float *)q, j->m_to,
                                  j->add);
        else
            copy_inner(j, p, q);
    }
}

void tern__strided_copy(const tern_context *c, const tern__strided *s, const void *from, void *to,
                        size_t size, bool add) {
    job j = {.kernels = tern__vector(c),
             .from = from,
             .to = to,
             .size = size,
             .add = add,
             .count = 1,
             .n = 1,
             .n_from = 1,
             .n_to = 1};
    int inner = s->rank - 1, other = -1;
    if (s->rank) {
        j.n = s->dims[inner];
        j.n_from = s->from[inner];
        j.n_to = s->to[inner];
    }
    if (size == sizeof(float) && j.n_to == 1 && j.n_from > 1)
        for (int i = 0; i < inner; i++)
            if (s->from[i] == 1) other = i;
    if (other >= 0) {
        j.m = s->dims[other];
        j.m_from = s->from[other];
        j.m_to = s->to[other];
    }
    for (int i = 0; i < inner; i++) {
        if (i == other) continue;
        j.outer.dims[j.outer.rank] = s->dims[i];
        j.outer.from[j.outer.rank] = s->from[i];
        j.outer.to[j.outer.rank++] = s->to[i];
        j.count *= s->dims[i];
    }
    if (j.count * j.n == 0) return;
    /* A step is one inner row, or m_chunk columns of a transposition. */
    j.m_chunk = j.m ? tern__least(j.m, 64) : 1;
    int64_t chunks = j.m ? (j.m + j.m_chunk - 1) / j.m_chunk : 1, each = j.n * j.m_chunk;
    j.group = each < WORK ? WORK / each : 1;
    tern__parallel(c, (j.count * chunks + j.group - 1) / j.group, 2 * j.group * each, run_item, &j);
}

static void clear_range(void *arg, int64_t begin, int64_t end) {
    memset((char *)arg + begin, 0, (size_t)(end - begin));
}

void tern__clear(const tern_context *c, void *memory, size_t bytes) {
    tern__parallel_range(c, (int64_t)bytes, WORK * 8, 1, clear_range, memory);
}
