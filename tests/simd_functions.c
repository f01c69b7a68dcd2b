/* See simd_functions.h. */
#include "core/kernels/simd.h"
#include "simd_functions.h"

#define OVER_ARRAY(function)                                                                       \
    static void all_##function(float *y, const float *x, int count) {                              \
        for (int i = 0; i < count; i += VL) v_store(y + i, v_##function(v_load(x + i)));           \
    }
OVER_ARRAY(exp)
OVER_ARRAY(log)
OVER_ARRAY(tanh)
OVER_ARRAY(sigmoid)
OVER_ARRAY(erf)
OVER_ARRAY(sqrt)

static void copy_part(float *y, float *all, const float *x, int n) {
    vf v = v_load_part(x, n);
    v_store(all, v);
    v_store_part(y, v, n);
}

static void arithmetic(float *y, const float *pa, const float *pb, const float *pc) {
    vf a = v_load(pa), b = v_load(pb), c = v_load(pc);
    vf results[] = {v_add(a, b), v_fma(a, b, c), v_fnma(a, b, c),
                    v_min(a, b), v_max(a, b),    v_select(v_lt(a, b), a, b),
                    v_abs(a),    v_round(a)};
    for (int i = 0; i < 8; i++) v_store(y + i * VL, results[i]);
}

static float sum(const float *x) { return v_sum(v_load(x)); }

extern const simd_functions V_NAME(simd_functions);
const simd_functions V_NAME(simd_functions) = {
    VL, all_exp, all_log, all_tanh, all_sigmoid, all_erf, all_sqrt, copy_part, arithmetic, sum,
};
