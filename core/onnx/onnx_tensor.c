/* Tensors of ONNX files: from any of their encodings to float or int64. Must not know what they are
 * for. Source: onnx.proto's description of TensorProto. */
#include "onnx.h"
#include "core/graph/shape.h"

#include <inttypes.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "raw_data is little-endian");

/* IEEE half precision, subnormal numbers, infinities and NaN included. */
static float half_to_float(uint16_t half) {
    uint32_t sign = (uint32_t)(half & 0x8000) << 16, exponent = half >> 10 & 31,
             mantissa = half & 1023;
    uint32_t bits;
    if (exponent == 31) {
        bits = sign | 0x7f800000u | mantissa << 13;
    } else if (exponent != 0) {
        bits = sign | (exponent + 112) << 23 | mantissa << 13;
    } else {
        float tiny = (float)mantissa * 0x1p-24f; /* exact */
        memcpy(&bits, &tiny, sizeof bits);
        bits |= sign;
    }
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static float bfloat_to_float(uint16_t half) {
    uint32_t bits = (uint32_t)half << 16;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* How the types are held: bytes of an element in raw_data, and which list holds them otherwise. */
static const struct type_info {
    const char *name;
    size_t size;
    enum { NOWHERE, FLOATS, INT32S, INT64S, DOUBLES, UINT64S } list;
    tern_type becomes;
} types[] = {
    [TERN__ONNX_FLOAT] = {"float", 4, FLOATS, TERN_FLOAT},
    [TERN__ONNX_UINT8] = {"uint8", 1, INT32S, TERN_INT64},
    [TERN__ONNX_INT8] = {"int8", 1, INT32S, TERN_INT64},
    [TERN__ONNX_UINT16] = {"uint16", 2, INT32S, TERN_INT64},
    [TERN__ONNX_INT16] = {"int16", 2, INT32S, TERN_INT64},
    [TERN__ONNX_INT32] = {"int32", 4, INT32S, TERN_INT64},
    [TERN__ONNX_INT64] = {"int64", 8, INT64S, TERN_INT64},
    [TERN__ONNX_BOOL] = {"bool", 1, INT32S, TERN_INT64},
    [TERN__ONNX_FLOAT16] = {"float16", 2, INT32S, TERN_FLOAT},
    [TERN__ONNX_DOUBLE] = {"double", 8, DOUBLES, TERN_FLOAT},
    [TERN__ONNX_UINT32] = {"uint32", 4, UINT64S, TERN_INT64},
    [TERN__ONNX_UINT64] = {"uint64", 8, UINT64S, TERN_INT64},
    [TERN__ONNX_BFLOAT16] = {"bfloat16", 2, INT32S, TERN_FLOAT},
};

#define EACH(from_type, to_type, expression)                                                       \
    for (size_t i = 0; i < count; i++) {                                                           \
        from_type x;                                                                               \
        memcpy(&x, bytes + i * sizeof x, sizeof x);                                                \
        ((to_type *)to)[i] = (to_type)(expression);                                                \
    }                                                                                              \
    break

/* Little-endian elements at any alignment. */
static void convert_raw(void *to, int type, const unsigned char *bytes, size_t count) {
    switch (type) {
    case TERN__ONNX_FLOAT:
        EACH(float, float, x);
    case TERN__ONNX_FLOAT16:
        EACH(uint16_t, float, half_to_float(x));
    case TERN__ONNX_BFLOAT16:
        EACH(uint16_t, float, bfloat_to_float(x));
    case TERN__ONNX_DOUBLE:
        EACH(double, float, x);
    case TERN__ONNX_UINT8:
        EACH(uint8_t, int64_t, x);
    case TERN__ONNX_INT8:
        EACH(int8_t, int64_t, x);
    case TERN__ONNX_UINT16:
        EACH(uint16_t, int64_t, x);
    case TERN__ONNX_INT16:
        EACH(int16_t, int64_t, x);
    case TERN__ONNX_INT32:
        EACH(int32_t, int64_t, x);
    case TERN__ONNX_UINT32:
        EACH(uint32_t, int64_t, x);
    case TERN__ONNX_UINT64:
        EACH(uint64_t, int64_t, x);
    case TERN__ONNX_BOOL:
        EACH(uint8_t, int64_t, x != 0);
    default:
        EACH(int64_t, int64_t, x);
    }
}

/* Elements from the list of their type, in which narrow types are widened and halves are their
 * bits. */
static void convert_list(void *to, int type, const Tern__Onnx__Tensor *t, size_t count) {
    float *floats = to;
    int64_t *ints = to;
    for (size_t i = 0; i < count; i++) switch (types[type].list) {
        case FLOATS:
            floats[i] = t->float_data[i];
            break;
        case DOUBLES:
            floats[i] = (float)t->double_data[i];
            break;
        case INT64S:
            ints[i] = t->int64_data[i];
            break;
        case UINT64S:
            ints[i] = (int64_t)t->uint64_data[i];
            break;
        default:
            if (type == TERN__ONNX_FLOAT16)
                floats[i] = half_to_float((uint16_t)t->int32_data[i]);
            else if (type == TERN__ONNX_BFLOAT16)
                floats[i] = bfloat_to_float((uint16_t)t->int32_data[i]);
            else
                ints[i] = t->int32_data[i];
        }
}

static size_t list_length(const Tern__Onnx__Tensor *t, int type) {
    switch (types[type].list) {
    case FLOATS:
        return t->n_float_data;
    case INT32S:
        return t->n_int32_data;
    case INT64S:
        return t->n_int64_data;
    case DOUBLES:
        return t->n_double_data;
    default:
        return t->n_uint64_data;
    }
}

static tern_status read_shape(tern__shape *shape, size_t *count, tern_context *c, const char *what,
                              const Tern__Onnx__Tensor *t) {
    if (t->n_dims > TERN_MAX_RANK)
        return tern__fail(c, TERN_ERR_LIMIT, "%s has %zu dimensions; the most is %d", what,
                          t->n_dims, TERN_MAX_RANK);
    *shape = (tern__shape){.type = types[t->data_type].becomes, .rank = (int)t->n_dims};
    int64_t product = 1;
    for (size_t i = 0; i < t->n_dims; i++) {
        if (t->dims[i] < 0 || !tern__mul_i64(product, t->dims[i], &product))
            return tern__fail(c, TERN_ERR_FORMAT,
                              "%s: dimension %zu is %" PRId64 ", which is not a size", what, i,
                              t->dims[i]);
        shape->dims[i] = t->dims[i];
    }
    *count = (size_t)product;
    return TERN_OK;
}

tern_status tern__onnx_tensor(tern__shape *shape, void **data, tern_context *c, const char *what,
                              const Tern__Onnx__Tensor *t) {
    *data = NULL;
    int type = t->data_type;
    if (t->data_location == 1 || t->n_external_data > 0)
        return tern__fail(c, TERN_ERR_UNSUPPORTED,
                          "%s keeps its data in another file, which tern does not read", what);
    if (type < 0 || (size_t)type >= sizeof types / sizeof *types || !types[type].name)
        return tern__fail(c, TERN_ERR_UNSUPPORTED,
                          "%s has elements of ONNX type %d; tern takes "
                          "floating-point, integer and bool",
                          what, type);
    size_t count = 0, bytes;
    tern_status status = read_shape(shape, &count, c, what, t);
    if (status != TERN_OK) return status;
    /* Checked against what the file holds before anything is allocated. */
    size_t holds = t->has_raw_data ? t->raw_data.len / types[type].size : list_length(t, type);
    if (holds != count || (t->has_raw_data && t->raw_data.len % types[type].size != 0))
        return tern__fail(c, TERN_ERR_FORMAT,
                          "%s has %zu elements of type %s where its shape needs %zu", what, holds,
                          types[type].name, count);
    if (!tern__mul(count, tern__type_size(shape->type), &bytes)) bytes = SIZE_MAX;
    *data = tern__alloc(c, bytes);
    if (!*data) return TERN_ERR_MEMORY;
    if (t->has_raw_data)
        convert_raw(*data, type, t->raw_data.data, count);
    else
        convert_list(*data, type, t, count);
    return TERN_OK;
}
