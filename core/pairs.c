/* The door to the kernels of pairs. */
#include "pairs.h"
#include "kernels/kernels.h"
#include "kernels/pairs.h"

double tern__pairs_step(const tern_context *c, const tern__pair_steps *steps) {
    return c->kernels->pairs->steps(steps);
}

typedef struct products {
    const tern__pairs_kernels *kernels;
    const float *x, *rows;
    int64_t stride, n;
    float *y;
} products;

static void some_products(void *arg, int64_t begin, int64_t end) {
    const products *p = arg;
    p->kernels->products(p->x, p->rows + begin * p->stride, p->stride, end - begin, p->n,
                         p->y + begin);
}

void tern__pairs_products(const tern_context *c, const float *x, const float *rows, int64_t stride,
                          int64_t count, int64_t n, float *y) {
    products p = {c->kernels->pairs, x, rows, stride, n, y};
    tern__parallel_range(c, count, 1024, some_products, &p);
}
