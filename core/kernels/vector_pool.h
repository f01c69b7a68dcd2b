/* Pooling windows over channels-last rows; part of vector.c. */

typedef uint8_t v_u8 __attribute__((vector_size(VL)));
typedef uint16_t v_u16 __attribute__((vector_size(2 * VL)));

/* Numbers of 1, 2 or 4 bytes to and from lanes of 32 bits. */
V_INLINE vi numbers_load(const void *p, int64_t at, int size, int lanes) {
    if (size == 1) {
        v_u8 v = {0};
        if (lanes == VL)
            memcpy(&v, (const uint8_t *)p + at, VL);
        else
            memcpy(&v, (const uint8_t *)p + at, (size_t)lanes);
        return __builtin_convertvector(v, vi);
    }
    if (size == 2) {
        v_u16 v = {0};
        memcpy(&v, (const uint16_t *)p + at, (size_t)lanes * sizeof(uint16_t));
        return __builtin_convertvector(v, vi);
    }
    return (vi)v_load_part((const float *)p + at, lanes);
}

V_INLINE void numbers_store(void *p, int64_t at, int size, vi numbers, int lanes) {
    if (size == 1) {
        v_u8 v = __builtin_convertvector(numbers, v_u8);
        if (lanes == VL)
            memcpy((uint8_t *)p + at, &v, VL);
        else
            memcpy((uint8_t *)p + at, &v, (size_t)lanes);
    } else if (size == 2) {
        v_u16 v = __builtin_convertvector(numbers, v_u16);
        memcpy((uint16_t *)p + at, &v, (size_t)lanes * sizeof(uint16_t));
    } else {
        v_store_part((float *)p + at, (vf)numbers, lanes);
    }
}

V_INLINE void max_pool_loop(const tern__pool_run *run, float *y, void *numbers_at, int size) {
    int64_t columns = run->columns;
    for (int64_t p = 0; p < run->count; p++) {
        int64_t shift = p * run->step, out = p * columns;
        for (int64_t i = 0; i < columns; i += VL) {
            int lanes = columns - i < VL ? (int)(columns - i) : VL;
            vf best = lanes == VL ? v_load(run->taps[0] + shift + i)
                                  : v_load_part(run->taps[0] + shift + i, lanes);
            vi at = vi_set1(run->numbers[0]);
            for (int t = 1; t < run->n_taps; t++) {
                const float *x = run->taps[t] + shift + i;
                __builtin_prefetch(x + run->step); /* hardware does not foresee taps in turn */
                vf v = lanes == VL ? v_load(x) : v_load_part(x, lanes);
                vi better = v_gt(v, best) | (v_ne(v, v) & v_eq(best, best));
                best = v_select(better, v, best);
                if (size) at = vi_select(better, vi_set1(run->numbers[t]), at);
            }
            if (lanes == VL)
                v_store(y + out + i, best);
            else
                v_store_part(y + out + i, best, lanes);
            if (size) numbers_store(numbers_at, out + i, size, at, lanes);
        }
    }
}

static void max_pool(const tern__pool_run *run, float *y, void *numbers_at, int size) {
    if (!numbers_at)
        max_pool_loop(run, y, NULL, 0);
    else if (size == 1)
        max_pool_loop(run, y, numbers_at, 1);
    else
        max_pool_loop(run, y, numbers_at, size);
}

static void sum_pool(const tern__pool_run *run, float factor, float *y) {
    int64_t columns = run->columns;
    for (int64_t p = 0; p < run->count; p++) {
        int64_t shift = p * run->step;
        float *out = y + p * columns;
#define BODY(LOAD, STORE)                                                                          \
    vf sum = LOAD(run->taps[0] + shift + i);                                                       \
    for (int t = 1; t < run->n_taps; t++) sum += LOAD(run->taps[t] + shift + i);                   \
    STORE(out + i, sum * factor);
        EACH_VECTOR(columns, BODY);
#undef BODY
    }
}

V_INLINE void max_pool_gradient_loop(const float *dy, const void *numbers_at, int size,
                                     int32_t number, int64_t count, int64_t columns, float *dx,
                                     int64_t step, bool add) {
    for (int64_t p = 0; p < count; p++) {
        float *out = dx + p * step;
        int64_t from = p * columns;
        for (int64_t i = 0; i < columns; i += VL) {
            int lanes = columns - i < VL ? (int)(columns - i) : VL;
            vi here = numbers_load(numbers_at, from + i, size, lanes) == number;
            if (lanes == VL) {
                vf g = v_select(here, v_load(dy + from + i), v_zero());
                v_store(out + i, add ? v_add(v_load(out + i), g) : g);
            } else {
                vf g = v_select(here, v_load_part(dy + from + i, lanes), v_zero());
                v_store_part(out + i, add ? v_add(v_load_part(out + i, lanes), g) : g, lanes);
            }
        }
    }
}

static void max_pool_gradient(const float *dy, const void *numbers_at, int size, int32_t number,
                              int64_t count, int64_t columns, float *dx, int64_t step, bool add) {
    if (size == 1 && add)
        max_pool_gradient_loop(dy, numbers_at, 1, number, count, columns, dx, step, true);
    else if (size == 1)
        max_pool_gradient_loop(dy, numbers_at, 1, number, count, columns, dx, step, false);
    else
        max_pool_gradient_loop(dy, numbers_at, size, number, count, columns, dx, step, add);
}
