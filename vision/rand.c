/* The Rand score of a segmentation: how well pixels that belong together are together. */
#include "regions.h"

#include <tern/vision_metrics.h>

#include <math.h>

/* Pairs of pixels (a pixel with itself among them), of those that are inside an object of the
 * truth: in one object of both masks, of the one that is judged. */
typedef struct pairs {
    double both, mask;
} pairs;

static double square(int64_t n) { return (double)n * (double)n; }

/* Pixels of the truth's objects in the order of the mask's: order [pixels], first [mask->count + 1]
 * where in it each of the mask's objects begins. Pixels of no object of the mask are not in it;
 * their number is returned. */
static int64_t sort_pixels(const tern__regions *mask, const tern__regions *truth, size_t pixels,
                           uint32_t *order, int64_t *first) {
    int64_t outside = 0;
    for (size_t i = 0; i < pixels; i++) {
        if (truth->number[i] < 0) continue;
        if (mask->number[i] < 0)
            outside++;
        else
            first[mask->number[i] + 1]++;
    }
    for (size_t k = 0; k < mask->count; k++) first[k + 1] += first[k];
    for (size_t i = pixels; i-- > 0;) /* first[k + 1] runs down from the end of object k */
        if (truth->number[i] >= 0 && mask->number[i] >= 0)
            order[--first[mask->number[i] + 1]] = (uint32_t)i;
    for (size_t k = 0; k < mask->count; k++) first[k] = first[k + 1];
    return outside;
}

/* seen [truth->count] is zero, and is so again. */
static pairs count_pairs(const tern__regions *mask, const tern__regions *truth,
                         const uint32_t *order, const int64_t *first, int64_t inside,
                         int64_t outside, int64_t *seen) {
    pairs p = {.both = (double)outside, .mask = (double)outside};
    for (size_t k = 0; k < mask->count; k++) {
        const int64_t end = k + 1 < mask->count ? first[k + 1] : inside;
        p.mask += square(end - first[k]);
        for (int64_t i = first[k]; i < end; i++) /* (n + 1)^2 - n^2 */
            p.both += 2.0 * (double)seen[truth->number[order[i]]]++ + 1;
        for (int64_t i = first[k]; i < end; i++) seen[truth->number[order[i]]] = 0;
    }
    return p;
}

tern_status tern_mask_rand_error(double *error, const tern_mask *mask, const tern_mask *truth) {
    tern_context *c = truth->context;
    const size_t pixels = (size_t)truth->width * (size_t)truth->height;
    tern__regions said = {.mask = mask, .sides = true}, is = {.mask = truth, .sides = true};
    uint32_t *order = NULL;
    int64_t *first = NULL, *seen = NULL;
    *error = NAN;
    if (mask->width != truth->width || mask->height != truth->height)
        return tern__fail(c, TERN_ERR_SHAPE, "the mask is %dx%d and the true one %dx%d",
                          mask->width, mask->height, truth->width, truth->height);
    tern_status st = tern__regions_find(&said, 0);
    if (st == TERN_OK) st = tern__regions_find(&is, 0);
    if (st != TERN_OK) goto done;
    order = tern__alloc(c, pixels * sizeof *order);
    first = tern__calloc(c, said.count + 1, sizeof *first);
    seen = tern__calloc(c, is.count, sizeof *seen);
    if (!order || !first || !seen) {
        st = TERN_ERR_MEMORY;
        goto done;
    }
    int64_t all = 0;
    for (size_t i = 0; i < pixels; i++)
        if (is.number[i] >= 0) seen[is.number[i]]++, all++;
    double together = 0;
    for (size_t k = 0; k < is.count; k++) together += square(seen[k]), seen[k] = 0;
    const int64_t outside = sort_pixels(&said, &is, pixels, order, first);
    const pairs p = count_pairs(&said, &is, order, first, all - outside, outside, seen);
    if (all > 0) *error = 1 - 2 * p.both / (p.mask + together);
done:
    tern__free(c, seen);
    tern__free(c, first);
    tern__free(c, order);
    tern__regions_free(&is);
    tern__regions_free(&said);
    return st;
}
