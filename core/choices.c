/* Finds rows of tables by name and reads settings. Knows no table. */
#include "choices.h"

#include "graph.h"
#include "json.h"

#include <stdio.h>
#include <string.h>

enum { NAMES = 800 }; /* bytes of a list of names in a sentence */

static const char *name_of(tern__choices choices, size_t i) {
    return *(const char *const *)((const char *)choices.rows + i * choices.row_size);
}

const void *tern__choice_find(tern__choices choices, const char *name) {
    for (size_t i = 0; i < choices.count; i++)
        if (!name || !strcmp(name_of(choices, i), name))
            return (const char *)choices.rows + i * choices.row_size;
    return NULL;
}

const char *tern__choice_names(tern__choices choices, char *out, size_t size) {
    size_t used = 0;
    *out = 0;
    for (size_t i = 0; i < choices.count && used < size; i++)
        used += (size_t)snprintf(out + used, size - used, "%s%s", i ? ", " : "",
                                 name_of(choices, i));
    return out;
}

tern_value tern__choice_refuse(tern_graph *g, const char *what, const char *name,
                               tern__choices choices) {
    char names[NAMES];
    tern__graph_fail(g, TERN_ERR_ARGUMENT, "there is no %s '%s'; there are %s", what, name,
                     tern__choice_names(choices, names, sizeof names));
    return (tern_value){g, -1};
}

/* ---- numbers of a struct ---- */

double tern__setting_get(const void *object, const tern__setting *setting) {
    const char *at = (const char *)object + setting->offset;
    return setting->whole ? *(const int *)at : *(const double *)at;
}

void tern__setting_set(void *object, const tern__setting *setting, double value) {
    char *at = (char *)object + setting->offset;
    if (setting->whole)
        *(int *)at = (int)value;
    else
        *(double *)at = value;
}

void tern__settings_copy(unsigned char *bytes, const void *object, tern__choices settings) {
    for (size_t i = 0; i < settings.count; i++) {
        const tern__setting *s =
            (const void *)((const char *)settings.rows + i * settings.row_size);
        memcpy(bytes + s->offset, (const char *)object + s->offset,
               s->whole ? sizeof(int) : sizeof(double));
    }
}

bool tern__settings_next(const char **text, char item[TERN__SETTING_ITEM]) {
    if (!*text || !**text) return false;
    const size_t length = strcspn(*text, ",");
    snprintf(item, TERN__SETTING_ITEM, "%.*s", (int)length, *text);
    *text += length + ((*text)[length] == ',');
    return true;
}

tern_status tern__settings_read(const tern__setting **setting, double *value, tern_context *c,
                                const char *what, tern__choices settings, const char *also,
                                char *item) {
    char names[NAMES], *equals = strchr(item, '=');
    if (!equals || !tern__json_read_number(equals + 1, value))
        return tern__fail(c, TERN_ERR_ARGUMENT, "%s '%s': write name=number", what, item);
    *equals = 0;
    if ((*setting = tern__choice_find(settings, item))) return TERN_OK;
    return tern__fail(c, TERN_ERR_ARGUMENT, "%s: there is no '%s'; there are %s%s%s", what, item,
                      tern__choice_names(settings, names, sizeof names), also ? ", " : "",
                      also ? also : "");
}
