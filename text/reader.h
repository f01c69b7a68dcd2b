/* The reader of texts from the inside. Internal to text. */
#ifndef TERN_TEXT_READER_H
#define TERN_TEXT_READER_H

#include "core/base/labels.h"
#include <tern/text_dataset.h>

/* The options as they will be used. TERN_ERR_ARGUMENT. */
tern_status tern__text_reader_options_check(tern_text_reader_options *checked, tern_context *c,
                                            const tern_text_reader_options *options);
/* A reader of bytes that the caller keeps as long; name is for sentences and says the format, as a
 * path does. */
tern_status tern__text_reader_open_memory(tern_text_reader **reader, tern_context *c,
                                          const char *name, const void *bytes, size_t size,
                                          const tern_text_reader_options *options);
/* Whether its texts come with a tag for each token. */
bool tern__text_reader_tagged(const tern_text_reader *reader);

/* What it skipped so far, which labels are lost by that, and which spellings it took as one. */
void tern__text_reader_report(const tern_text_reader *reader, tern__findings *findings);

#endif
