/* Checking and unpacking protobuf messages. Must not know any particular message. Source: the
 * protocol buffers documentation, "Encoding". */
#include "wire.h"

#include <inttypes.h>
#include <string.h>

/* --- the walk --- */

typedef struct walk {
    tern_context *context;
    const char *name;
    const unsigned char *start; /* of the file, for positions in sentences */
    size_t messages;
} walk;

typedef struct span {
    const unsigned char *at, *end;
} span;

static tern_status bad(const walk *w, const unsigned char *at, const char *what) {
    return tern__fail(w->context, TERN_ERR_FORMAT,
                      "%s: %s at byte %zu: cut off, damaged or not a "
                      "file of this kind",
                      w->name, what, (size_t)(at - w->start));
}

static bool read_varint(span *s, uint64_t *value) {
    uint64_t result = 0;
    for (int shift = 0; shift < 64; shift += 7) {
        if (s->at == s->end) return false;
        unsigned byte = *s->at++;
        if (shift == 63 && byte > 1) return false;
        result |= (uint64_t)(byte & 127) << shift;
        if (byte < 128) {
            *value = result;
            return true;
        }
    }
    return false;
}

/* Well-formed UTF-8 without NUL (RFC 3629: no surrogates, nothing overlong or beyond U+10FFFF). */
static bool is_text(const unsigned char *s, const unsigned char *end) {
    while (s < end) {
        unsigned first = *s++;
        if (first == 0) return false;
        if (first < 0x80) continue;
        int more = first >= 0xc2 && first < 0xe0   ? 1
                   : (first & 0xf0) == 0xe0        ? 2
                   : first >= 0xf0 && first < 0xf5 ? 3
                                                   : 0;
        if (more == 0 || end - s < more) return false;
        unsigned second = *s;
        if ((first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f) ||
            (first == 0xf0 && second < 0x90) || (first == 0xf4 && second > 0x8f))
            return false;
        while (more--)
            if ((*s++ & 0xc0) != 0x80) return false;
    }
    return true;
}

static tern_status walk_message(walk *w, const ProtobufCMessageDescriptor *d, span s, int depth);

/* A field of bytes, text, packed numbers or a submessage; *seen has a bit for each singular
 * submessage of the first 64 fields. */
static tern_status walk_block(walk *w, const ProtobufCFieldDescriptor *field, unsigned index,
                              span s, int depth, uint64_t *seen) {
    if (!field) return TERN_OK;
    if (field->type == PROTOBUF_C_TYPE_STRING && !is_text(s.at, s.end))
        return bad(w, s.at, "text that is not UTF-8");
    if (field->type != PROTOBUF_C_TYPE_MESSAGE) return TERN_OK;
    if (field->label != PROTOBUF_C_LABEL_REPEATED) {
        if (index >= 64 || (*seen >> index & 1))
            return bad(w, s.at, "a message that should be there once is there again");
        *seen |= (uint64_t)1 << index;
    }
    return walk_message(w, field->descriptor, s, depth + 1);
}

static tern_status walk_field(walk *w, const ProtobufCMessageDescriptor *d, span *s, int depth,
                              uint64_t *seen) {
    const unsigned char *begin = s->at;
    uint64_t tag, length;
    if (!read_varint(s, &tag) || tag >> 3 == 0 || tag > UINT32_MAX)
        return bad(w, begin, "a field without a valid number");
    switch (tag & 7) {
    case 0:
        return read_varint(s, &length) ? TERN_OK : bad(w, begin, "a number that does not end");
    case 1:
        length = 8;
        break;
    case 5:
        length = 4;
        break;
    case 2:
        if (!read_varint(s, &length)) return bad(w, begin, "a length that does not end");
        break;
    default:
        return bad(w, begin, "a field of unknown kind");
    }
    if (length > (uint64_t)(s->end - s->at))
        return bad(w, begin, "a field longer than what is left");
    span inside = {s->at, s->at + length};
    s->at = inside.end;
    if ((tag & 7) != 2) return TERN_OK;
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field(d, (unsigned)(tag >> 3));
    return walk_block(w, field, field ? (unsigned)(field - d->fields) : 0, inside, depth, seen);
}

static tern_status walk_message(walk *w, const ProtobufCMessageDescriptor *d, span s, int depth) {
    if (depth > TERN__WIRE_DEPTH)
        return tern__fail(w->context, TERN_ERR_LIMIT,
                          "%s: messages nested deeper than %d at byte %zu", w->name,
                          TERN__WIRE_DEPTH, (size_t)(s.at - w->start));
    if (++w->messages > TERN__WIRE_MESSAGES)
        return tern__fail(w->context, TERN_ERR_LIMIT, "%s: more than %d messages", w->name,
                          TERN__WIRE_MESSAGES);
    uint64_t seen = 0;
    tern_status status = TERN_OK;
    while (s.at < s.end && status == TERN_OK) status = walk_field(w, d, &s, depth, &seen);
    return status;
}

tern_status tern__wire_check(tern_context *c, const char *name,
                             const ProtobufCMessageDescriptor *description, const void *bytes,
                             size_t size) {
    walk w = {c, name, bytes, 0};
    span all = {bytes, (const unsigned char *)bytes + size};
    return walk_message(&w, description, all, 1);
}

/* --- the budget --- */

/* Each block is preceded by its size, in a header that keeps the alignment malloc would give. */
enum { HEADER = 16 };

static void *budget_alloc(void *data, size_t size) {
    tern__wire_budget *budget = data;
    size_t whole;
    if (!tern__add(size, HEADER + 63, &whole)) whole = SIZE_MAX;
    whole &= ~(size_t)63; /* what tern__alloc takes */
    if (whole > budget->limit - budget->used) {
        budget->failed = whole;
        return NULL;
    }
    char *block = tern__alloc(budget->context, whole);
    if (!block) return NULL;
    budget->used += whole;
    memcpy(block, &whole, sizeof whole);
    return block + HEADER;
}

static void budget_free(void *data, void *pointer) {
    tern__wire_budget *budget = data;
    if (!pointer) return;
    char *block = (char *)pointer - HEADER;
    size_t whole;
    memcpy(&whole, block, sizeof whole);
    budget->used -= whole;
    tern__free(budget->context, block);
}

tern_status tern__wire_unpack(ProtobufCMessage **message, tern__wire_budget *budget,
                              tern_context *c, const char *name,
                              const ProtobufCMessageDescriptor *description, const void *bytes,
                              size_t size) {
    *message = NULL;
    tern_status status = tern__wire_check(c, name, description, bytes, size);
    if (status != TERN_OK) return status;
    size_t limit;
    if (!tern__mul(size, 4, &limit) || !tern__add(limit, (size_t)64 << 20, &limit))
        limit = SIZE_MAX;
    *budget = (tern__wire_budget){{budget_alloc, budget_free, budget}, c, limit, 0, 0};
    c->status = TERN_OK; /* to see below whether an allocation failed */
    *message = protobuf_c_message_unpack(description, &budget->allocator, size, bytes);
    if (*message) return TERN_OK;
    if (budget->failed)
        return tern__fail(c, TERN_ERR_LIMIT,
                          "%s: unpacking %zu bytes takes more than %zu bytes of "
                          "memory",
                          name, size, limit);
    if (c->status == TERN_ERR_MEMORY) return TERN_ERR_MEMORY;
    return tern__fail(c, TERN_ERR_FORMAT,
                      "%s: a field of another kind than the format says: damaged "
                      "or not a file of this kind",
                      name);
}

void tern__wire_free(ProtobufCMessage *message, tern__wire_budget *budget) {
    if (message) protobuf_c_message_free_unpacked(message, &budget->allocator);
}
