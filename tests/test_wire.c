/* Protobuf's wire format: bounds that protobuf-c lacks. The messages are ONNX's, but nothing here
 * depends on what they mean. */
#include "one_context.h"
#include "core/onnx/wire.h"
#include "onnx.pb-c.h"

#define MODEL &tern__onnx__model__descriptor
#define NODE &tern__onnx__node__descriptor

static tern_status unpack(const ProtobufCMessageDescriptor *d, const void *bytes, size_t size) {
    tern__wire_budget budget;
    ProtobufCMessage *message;
    char *exact = malloc(size ? size : 1); /* so that a sanitizer sees one byte too far */
    memcpy(exact, bytes, size);
    tern_status status = tern__wire_unpack(&message, &budget, context, "x", d, exact, size);
    assert_true((status == TERN_OK) == (message != NULL));
    tern__wire_free(message, &budget);
    if (message) assert_int_equal(budget.used, 0);
    free(exact);
    return status;
}

static void good_messages(void **state) {
    (void)state;
    check_ok(context, unpack(MODEL, "", 0));
    check_ok(context, unpack(MODEL, "\x08\x08\x12\x02tf", 6));
    check_ok(context, unpack(MODEL, "\x3a\x02\x12\x00", 4)); /* a graph with an empty name */
    /* Unknown fields of every kind, a number of ten bytes. */
    check_ok(context, unpack(MODEL,
                             "\xc0\x3e\x01\xc1\x3e"
                             "12345678"
                             "\xc5\x3e"
                             "1234"
                             "\xc2\x3e\x01z",
                             23));
    check_ok(context, unpack(MODEL, "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11));
    check_ok(context, unpack(NODE, "\x0a\x09\xc3\xa4\xe2\x82\xac\xf0\x9f\x90\xa6", 11));
}

static void refuse(const ProtobufCMessageDescriptor *d, const char *bytes, size_t size,
                   const char *sentence) {
    check_error(context, TERN_ERR_FORMAT, sentence, unpack(d, bytes, size));
}
#define REFUSE(d, bytes, sentence) refuse(d, bytes, sizeof bytes - 1, sentence)

static void bad_messages(void **state) {
    (void)state;
    REFUSE(MODEL, "\x08", "a number that does not end at byte 0");
    REFUSE(MODEL, "\x08\x08\x80", "a field without a valid number at byte 2");
    REFUSE(MODEL, "\x00\x01", "a field without a valid number");
    REFUSE(MODEL, "\x80\x80\x80\x80\x10\x01",
           "a field without a valid number"); /* beyond 32 bits */
    REFUSE(MODEL, "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", "does not end"); /* beyond 64 */
    REFUSE(MODEL,
           "\x12\x03"
           "ab",
           "longer than what is left");
    REFUSE(MODEL, "\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "longer than what is left");
    REFUSE(MODEL, "\x12\x80", "a length that does not end");
    REFUSE(MODEL,
           "\x0d"
           "123",
           "longer than what is left");
    REFUSE(MODEL,
           "\x09"
           "1234567",
           "longer than what is left");
    REFUSE(MODEL, "\x0b\x0c", "a field of unknown kind"); /* groups */
    REFUSE(MODEL,
           "\x3a\x03\x12\x02"
           "ab",
           "longer than what is left"); /* beyond its message */
    REFUSE(MODEL, "\x3a\x00\x3a\x00", "there again");
    REFUSE(MODEL,
           "\x12\x02"
           "a\0",
           "not UTF-8");
    REFUSE(MODEL, "\x12\x01\x80", "not UTF-8");
    REFUSE(MODEL, "\x12\x02\xc0\xaf", "not UTF-8");         /* overlong */
    REFUSE(MODEL, "\x12\x03\xe0\x80\xaf", "not UTF-8");     /* overlong */
    REFUSE(MODEL, "\x12\x03\xed\xa0\x80", "not UTF-8");     /* a surrogate */
    REFUSE(MODEL, "\x12\x04\xf4\x90\x80\x80", "not UTF-8"); /* beyond Unicode */
    REFUSE(MODEL, "\x12\x02\xe2\x82", "not UTF-8");         /* cut */
    REFUSE(MODEL, "\x10\x01", "a field of another kind");   /* a number where text is expected */
}

/* None of tern's messages nests in itself, so one that does is described here. */
static const ProtobufCMessageDescriptor *nesting(void) {
    static ProtobufCMessageDescriptor d;
    static ProtobufCFieldDescriptor field;
    static const unsigned by_name[1];
    static const ProtobufCIntRange ranges[2] = {{1, 0}, {0, 1}};
    field = (ProtobufCFieldDescriptor){.name = "self",
                                       .id = 1,
                                       .label = PROTOBUF_C_LABEL_OPTIONAL,
                                       .type = PROTOBUF_C_TYPE_MESSAGE,
                                       .offset = sizeof(ProtobufCMessage),
                                       .descriptor = &d};
    d = (ProtobufCMessageDescriptor){.magic = PROTOBUF_C__MESSAGE_DESCRIPTOR_MAGIC,
                                     .name = "self",
                                     .sizeof_message = sizeof(ProtobufCMessage) + sizeof(void *),
                                     .n_fields = 1,
                                     .fields = &field,
                                     .fields_sorted_by_name = by_name,
                                     .n_field_ranges = 1,
                                     .field_ranges = ranges};
    return &d;
}

/* Wraps from the inside out; returns the size, the message ends at buffer + size. */
static size_t nest(unsigned char *buffer, size_t capacity, int depth) {
    size_t size = 0;
    for (int i = 1; i < depth; i++) {
        unsigned char head[6] = {0x0a};
        size_t n = 1, left = size;
        do {
            head[n++] = (unsigned char)((left & 127) | (left > 127 ? 128 : 0));
            left >>= 7;
        } while (left);
        assert_true(size + n <= capacity);
        size += n;
        memcpy(buffer + capacity - size, head, n);
    }
    memmove(buffer, buffer + capacity - size, size);
    return size;
}

static void nested_messages(void **state) {
    (void)state;
    static unsigned char buffer[400000];
    size_t size = nest(buffer, sizeof buffer, TERN__WIRE_DEPTH);
    check_ok(context, unpack(nesting(), buffer, size));
    size = nest(buffer, sizeof buffer, TERN__WIRE_DEPTH + 1);
    check_error(context, TERN_ERR_LIMIT, "nested deeper than 64", unpack(nesting(), buffer, size));
    size = nest(buffer, sizeof buffer, 100000);
    assert_true(size > 300000);
    check_error(context, TERN_ERR_LIMIT, "nested deeper than 64", unpack(nesting(), buffer, size));
}

static size_t live, peak;
static void *counting_allocate(void *user, size_t size) {
    (void)user;
    size_t *block = aligned_alloc(64, ((size + 63) & ~(size_t)63) + 64);
    if (!block) return NULL;
    *block = size;
    live += size;
    if (live > peak) peak = live;
    return (char *)block + 64;
}
static void counting_release(void *user, void *pointer) {
    (void)user;
    size_t *block = (size_t *)(void *)((char *)pointer - 64);
    live -= *block;
    free(block);
}

static void memory_is_bounded(void **state) {
    (void)state;
    /* A graph of so many empty nodes. */
    const size_t nodes = 600000, size = 5 + 2 * nodes;
    unsigned char *bytes = malloc(size);
    assert_non_null(bytes);
    memcpy(bytes, "\x3a\x80\x9f\x49", 4);
    uint32_t length = (uint32_t)(2 * nodes);
    bytes[1] = (unsigned char)(length & 127) | 128;
    bytes[2] = (unsigned char)(length >> 7 & 127) | 128;
    bytes[3] = (unsigned char)(length >> 14 & 127);
    for (size_t i = 4; i + 1 < 4 + length; i += 2) bytes[i] = 0x0a, bytes[i + 1] = 0;
    tern_allocator allocator = {counting_allocate, counting_release, NULL};
    tern_context_options o = TERN_CONTEXT_OPTIONS_INIT;
    o.allocator = &allocator;
    tern_context *c;
    check_ok(c, tern_context_create(&c, &o));
    size_t before = live;
    peak = live;
    tern__wire_budget budget;
    ProtobufCMessage *message;
    check_error(c, TERN_ERR_LIMIT, "bytes of memory",
                tern__wire_unpack(&message, &budget, c, "x", MODEL, bytes, 4 + length));
    assert_null(message);
    assert_int_equal(live, before);
    assert_true(peak - before <= 4 * size + ((size_t)64 << 20));
    assert_true(peak - before > (size_t)60 << 20);
    free(bytes);
    tern_context_free(c);
    /* And of more than the walk allows. */
    const size_t many = TERN__WIRE_MESSAGES + 10;
    unsigned char *list = malloc(2 * many);
    assert_non_null(list);
    for (size_t i = 0; i < many; i++) list[2 * i] = 0x42, list[2 * i + 1] = 0; /* opset_import */
    check_error(context, TERN_ERR_LIMIT, "more than 1000000 messages",
                unpack(MODEL, list, 2 * many));
    free(list);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_messages),
        cmocka_unit_test(bad_messages),
        cmocka_unit_test(nested_messages),
        cmocka_unit_test(memory_is_bounded),
    };
    return cmocka_run_group_tests(tests, open_context, close_context);
}
