/* Protobuf messages from bytes that nobody vouches for: the wire format is walked first, then
 * protobuf-c unpacks it within a budget of memory. Internal; knows no particular message.
 *
 * Why: protobuf-c 1.4.1 has no limit to nesting (30 KB of nested fields overflow the stack), turns
 * 1 MB of empty submessages into 130 MB, and merges repeated singular submessages in quadratic
 * time. */
#ifndef TERN_CORE_WIRE_H
#define TERN_CORE_WIRE_H

#include "core/base/base.h"
#include <protobuf-c/protobuf-c.h>

#define TERN__WIRE_DEPTH 64
#define TERN__WIRE_MESSAGES 1000000

/* Checks that bytes are a well-formed message of this description: nesting to TERN__WIRE_DEPTH, at
 * most TERN__WIRE_MESSAGES messages, every length within what is left of its message, a singular
 * submessage at most once, strings without NUL and in UTF-8. Unknown fields need only be
 * well-formed. name is for sentences. Errors: TERN_ERR_FORMAT, TERN_ERR_LIMIT. */
tern_status tern__wire_check(tern_context *c, const char *name,
                             const ProtobufCMessageDescriptor *description, const void *bytes,
                             size_t size);

/* Memory for one message tree. Must outlive it and not move. */
typedef struct tern__wire_budget {
    ProtobufCAllocator allocator;
    tern_context *context;
    size_t limit, used, failed; /* in bytes; failed: the request that went beyond, or 0 */
} tern__wire_budget;

/* Checks and unpacks, with 4 times the size and 64 MiB as the budget. *message is NULL on failure;
 * free with tern__wire_free and the same budget. */
tern_status tern__wire_unpack(ProtobufCMessage **message, tern__wire_budget *budget,
                              tern_context *c, const char *name,
                              const ProtobufCMessageDescriptor *description, const void *bytes,
                              size_t size);
void tern__wire_free(ProtobufCMessage *message, tern__wire_budget *budget);

#endif
