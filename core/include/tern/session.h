/* Running a model. Models are immutable and sessions belong to one thread each: any number of
 * sessions run one model at once. */
#ifndef TERN_SESSION_H
#define TERN_SESSION_H

#include <tern/model.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tern_session tern_session;

/** Creates a session of a model, which must outlive it. The session keeps its own error sentence
 * and uses the threads of the model's context. Everything that is done with a session is done with
 * what is the session's own, so that threads that each have one need no locks, and may create and
 * free them at the same time (as long as nothing else uses the model's context meanwhile). What
 * calls on it give to the caller (metrics, pictures, ...) is to be freed before it, where they do
 * not say otherwise. Error: TERN_ERR_MEMORY alone, with *session NULL; nothing is written to the
 * model's context, the sentence is tern_session_message(NULL). */
TERN_API tern_status tern_session_create(tern_session **session, const tern_model *model);
/** Plans for these input shapes now (dims of each input, complete), so that running with them
 * allocates nothing. */
TERN_API tern_status tern_session_prepare(tern_session *session, const tern_tensor *inputs,
                                          size_t n_inputs);
/** Runs. inputs: in the order of the model's inputs, read only during the call.
 * outputs[0..n_outputs): filled with views of the session's memory, valid until the next run. A
 * shape not seen before is planned first (plans of the last few shapes are kept). Errors:
 * TERN_ERR_SHAPE, TERN_ERR_ARGUMENT (an id out of range, say). */
TERN_API tern_status tern_session_run(tern_session *session, const tern_tensor *inputs,
                                      size_t n_inputs, tern_tensor *outputs, size_t n_outputs);
/** The sentence of the last failure of this session, "" if there was none; of NULL that there was
 * no memory for one. */
TERN_API const char *tern_session_message(const tern_session *session);
/** The model this session runs. */
TERN_API const tern_model *tern_session_model(const tern_session *session);
/** Bytes of working memory (arena and packed weights) of the plan used last. */
TERN_API size_t tern_session_memory(const tern_session *session);
TERN_API void tern_session_free(tern_session *session);

#ifdef __cplusplus
}
#endif
#endif
