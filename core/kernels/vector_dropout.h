/* Dropout: random masks and their use; part of vector.c. */

typedef uint64_t v_pairs __attribute__((vector_size(V_BYTES), may_alias));

/* Low and high words of the products of all lanes of x with a number. */
V_INLINE void multiply_wide(vi x, uint32_t by, vi *low, vi *high) {
    vi even = vi_multiply_even(x, by), odd = vi_multiply_even((vi)((v_pairs)x >> 32), by);
    const v_pairs lower = (v_pairs){0} + 0xffffffffu;
    *low = (vi)(((v_pairs)even & lower) | ((v_pairs)odd << 32));
    *high = (vi)(((v_pairs)even >> 32) | ((v_pairs)odd & ~lower));
}

/* Philox4x32-10 of VL counters that follow each other, as tern__philox has it: words[w] holds word
 * w of each. */
V_INLINE void philox_lanes(uint64_t seed, uint64_t stream, uint64_t index, vi words[4]) {
    uint32_t k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32);
    uint32_t lower[VL], upper[VL];
    for (int i = 0; i < VL; i++) {
        lower[i] = (uint32_t)(index + (uint64_t)i);
        upper[i] = (uint32_t)((index + (uint64_t)i) >> 32);
    }
    vi x0 = vi_load((const int32_t *)lower), x1 = vi_load((const int32_t *)upper);
    vi x2 = vi_set1((int32_t)(uint32_t)stream), x3 = vi_set1((int32_t)(uint32_t)(stream >> 32));
    for (int round = 0; round < 10; round++) {
        vi a_low, a_high, b_low, b_high;
        multiply_wide(x0, 0xD2511F53u, &a_low, &a_high);
        multiply_wide(x2, 0xCD9E8D57u, &b_low, &b_high);
        x0 = b_high ^ x1 ^ (int32_t)k0;
        x2 = a_high ^ x3 ^ (int32_t)k1;
        x1 = b_low;
        x3 = a_low;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    words[0] = x0;
    words[1] = x1;
    words[2] = x2;
    words[3] = x3;
}

/* Byte w of lane i says whether word w of counter i is large enough: four bytes a counter, in the
 * order of the elements on any little-endian machine. */
static void dropout_mask(uint64_t seed, uint64_t stream, uint64_t first, uint32_t threshold,
                         uint8_t *keep, int64_t n) {
    const vi flip = vi_set1(INT32_MIN), least = vi_set1((int32_t)(threshold ^ 0x80000000u));
    for (int64_t begin = 0; begin < n; begin += 4 * VL) {
        vi words[4], bytes = vi_set1(0);
        philox_lanes(seed, stream, (first + (uint64_t)begin) / 4, words);
        for (int w = 0; w < 4; w++)
            bytes |= ((words[w] ^ flip) >= least) & vi_set1((int32_t)(1u << (8 * w)));
        size_t count = n - begin < 4 * VL ? (size_t)(n - begin) : 4 * VL;
        memcpy(keep + begin, &bytes, count);
    }
}

static void dropout_apply(const float *x, const uint8_t *keep, float factor, float *y, int64_t n,
                          bool add) {
    for (int64_t i = 0; i < n; i += VL) {
        int lanes = n - i < VL ? (int)(n - i) : VL;
        vi stays = numbers_load(keep, i, 1, lanes) != 0;
        if (lanes == VL) {
            vf value = v_select(stays, v_load(x + i) * factor, v_zero());
            v_store(y + i, add ? v_add(v_load(y + i), value) : value);
        } else {
            vf value = v_select(stays, v_load_part(x + i, lanes) * factor, v_zero());
            v_store_part(y + i, add ? v_add(v_load_part(y + i, lanes), value) : value, lanes);
        }
    }
}
