/* tern model info: prints what is in a model file. */
#include "cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const cli_command command = {
    "tern model info", "MODEL [--input 1,3,224,224] [--json]",
    "Shows the nodes of a network with the shapes of their outputs, weights and work (a "
    "multiply-add is\n"
    "two FLOP), the memory a session needs, and the metadata: labels, front end, how it was "
    "trained.",
    "Dimensions that are known only at run time are taken from the front end that the model "
    "carries\n"
    "(batch 1; pictures of any size: 256x256; texts: 32 words), or from --input."};

/* "[1, 64, 32, 125]" */
static const char *shape_text(const tern_tensor *t, char *out, size_t size) {
    size_t n = (size_t)snprintf(out, size, "[");
    for (int i = 0; i < t->rank && n < size; i++)
        n += (size_t)snprintf(out + n, size - n, "%s%lld", i ? ", " : "", (long long)t->dims[i]);
    if (n < size) snprintf(out + n, size - n, "]");
    return out;
}

/* 1234567 -> "1,234,567" */
static const char *thousands(int64_t value, char *out, size_t size) {
    char digits[32];
    int n = snprintf(digits, sizeof digits, "%lld", (long long)value);
    size_t used = 0;
    for (int i = 0; i < n && used + 2 < size; i++) {
        if (i && (n - i) % 3 == 0) out[used++] = ',';
        out[used++] = digits[i];
    }
    out[used] = 0;
    return out;
}

static int widest_name(const tern_model_info *info) {
    size_t widest = 4;
    for (size_t i = 0; i < info->n_nodes; i++)
        if (strlen(info->nodes[i].name) > widest) widest = strlen(info->nodes[i].name);
    return widest > 40 ? 40 : (int)widest;
}

static void print_ports(const char *what, const tern_port_info *ports, size_t count) {
    char text[200];
    for (size_t i = 0; i < count; i++)
        printf("%-8s %s %s%s\n", what, ports[i].name,
               shape_text(&ports[i].shape, text, sizeof text),
               ports[i].shape.type == TERN_INT64 ? " int64" : "");
}

/* In one line; a vocabulary, a word a line, is longer than anyone reads. */
static void print_metadata(const char *key, const char *text) {
    enum { MOST = 600 };
    const size_t length = strlen(text);
    size_t shown = length < MOST ? length : MOST;
    while (shown < length && ((unsigned char)text[shown] & 0xC0) == 0x80) shown--;
    printf("  %s: ", key);
    for (size_t i = 0; i < shown; i++) putchar(text[i] == '\n' ? ' ' : text[i]);
    if (shown < length) printf("... (%zu bytes; --json gives all)", length);
    printf("\n");
}

static void print_text(const char *path, const tern_model *model, const tern_model_info *info) {
    char shape[200], number[40], line[400];
    const int name = widest_name(info);
    printf("%s\n", path);
    print_ports("input", info->inputs, info->n_inputs);
    print_ports("output", info->outputs, info->n_outputs);
    int n = snprintf(line, sizeof line, "%-*s  %-20s %-22s %12s %10s", name, "node", "operator",
                     "output", "parameters", "MFLOP");
    printf("\n%s\n", line);
    for (size_t i = 0; i < info->n_nodes; i++) {
        const tern_node_info *k = &info->nodes[i];
        printf("%-*s  %-20s %-22s %12s", name, k->name, k->op,
               shape_text(&k->shape, shape, sizeof shape),
               k->parameters ? thousands(k->parameters, number, sizeof number) : "");
        if (k->flops > 0) printf(" %10.3f", k->flops * 1e-6);
        printf("\n");
    }
    for (int i = 0; i < n; i++) putchar('-');
    printf("\n%-*s  %-20s %-22s %12s %10.3f\n", name, "total", "", "",
           thousands(info->parameters, number, sizeof number), info->flops * 1e-6);
    printf("\nweights %.2f MB, memory of a session %.2f MB\n", (double)info->weight_bytes / 1e6,
           (double)info->memory_bytes / 1e6);
    if (info->n_metadata) printf("\nmetadata\n");
    for (size_t i = 0; i < info->n_metadata; i++)
        print_metadata(info->metadata_keys[i], tern_model_metadata(model, info->metadata_keys[i]));
}

static json_t *dims_json(const tern_tensor *t) {
    json_t *list = json_array();
    for (int i = 0; i < t->rank; i++) tern__json_append(&list, json_integer(t->dims[i]));
    return list;
}

static json_t *ports_json(const tern_port_info *ports, size_t count) {
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        tern__json_append(&list,
                          json_pack("{s:o, s:s, s:o}", "name", tern__json_text(ports[i].name),
                                    "type", ports[i].shape.type == TERN_INT64 ? "int64" : "float",
                                    "shape", dims_json(&ports[i].shape)));
    return list;
}

static int print_json(tern_context *c, const char *path, const tern_model *model,
                      const tern_model_info *info) {
    json_t *nodes = json_array(), *metadata = json_object();
    for (size_t i = 0; i < info->n_nodes; i++) {
        const tern_node_info *k = &info->nodes[i];
        tern__json_append(&nodes,
                          json_pack("{s:o, s:s, s:o, s:I, s:f}", "name", tern__json_text(k->name),
                                    "operator", k->op, "shape", dims_json(&k->shape), "parameters",
                                    (json_int_t)k->parameters, "flops", k->flops));
    }
    for (size_t i = 0; i < info->n_metadata; i++) {
        const char *text = tern_model_metadata(model, info->metadata_keys[i]);
        const char open = *text;
        json_t *key = tern__json_text(info->metadata_keys[i]), *value = NULL;
        const bool is_json =
            (open == '{' || open == '[') &&
            tern__json_read(&value, c, "metadata", text, strlen(text)) != TERN_ERR_FORMAT;
        tern__json_set(&metadata, json_string_value(key), is_json ? value : tern__json_text(text));
        json_decref(key);
    }
    return cli_print_json(
        json_pack("{s:o, s:o, s:o, s:o, s:I, s:f, s:I, s:I, s:o}", "file", tern__json_text(path),
                  "inputs", ports_json(info->inputs, info->n_inputs), "outputs",
                  ports_json(info->outputs, info->n_outputs), "nodes", nodes, "parameters",
                  (json_int_t)info->parameters, "flops", info->flops, "weight_bytes",
                  (json_int_t)info->weight_bytes, "memory_bytes", (json_int_t)info->memory_bytes,
                  "metadata", metadata));
}

enum { MOST_INPUTS = 16 };

/* The shapes of all inputs of a model. */
typedef struct shapes {
    tern_tensor at[MOST_INPUTS];
    size_t count;
} shapes;

/* "1,3,224,224"; several inputs: "1,32:1,32,8" */
static bool read_shapes(shapes *s, const char *text) {
    char *end;
    for (size_t i = 0; i < s->count; i++) {
        tern_tensor *x = &s->at[i];
        for (x->rank = 0; x->rank < TERN_MAX_RANK; text = end + 1) {
            x->dims[x->rank] = strtoll(text, &end, 10);
            if (end == text || x->dims[x->rank++] < 1) return false;
            if (*end != ',') break;
        }
        if (*end != (i + 1 < s->count ? ':' : 0)) return false;
        text = end + 1;
    }
    return s->count > 0;
}

/* What the front end of the model gives to the network. */
#ifdef CLI_HAS_AUDIO
static tern_status sound_input(tern_tensor *x, tern_session *session) {
    tern_audio_model_info info;
    const tern_status st = tern_audio_describe(&info, session);
    if (st != TERN_OK) return st;
    *x = (tern_tensor){
        TERN_FLOAT, 4, {1, 1, (int64_t)info.window.rows, (int64_t)info.window.frames}, NULL};
    if (info.waveform) x->rank = 3, x->dims[2] = (int64_t)info.window.samples;
    return TERN_OK;
}
#endif
#ifdef CLI_HAS_VISION
static tern_status picture_input(tern_tensor *x, tern_session *session) {
    tern_vision_model_info mask;
    tern_vision_classifier_info class;
    int64_t channels, height, width;
    tern_status st = tern_vision_describe(&mask, session);
    if (st == TERN_OK) {
        channels = mask.channels, height = mask.height, width = mask.width;
    } else {
        if (st != TERN_ERR_MEMORY) st = tern_vision_classifier_describe(&class, session);
        if (st != TERN_OK) return st;
        channels = class.normalization.channels, height = class.height, width = class.width;
    }
    /* a mask model without a size of its own takes any: one that all halvings divide */
    *x = (tern_tensor){
        TERN_FLOAT, 4, {1, channels, height ? height : 256, width ? width : 256}, NULL};
    return TERN_OK;
}
#endif

#ifdef CLI_HAS_TEXT
static tern_status text_input(tern_tensor *x, tern_session *session) {
    (void)session;
    *x = (tern_tensor){TERN_INT64, 2, {1, 32}, NULL};
    return TERN_OK;
}
#endif

/* What the front end gives: the first input; unknown dimensions of the others (a tagger's
 * sub-words) are the first's. False where it gives none; then *code is that of a memory that ran
 * out, if it is why. */
static bool choose_shapes(shapes *s, int *code, tern_context *c, const tern_model *model) {
    static const struct {
        const char *key; /* of the front end's metadata */
        tern_status (*input)(tern_tensor *x, tern_session *session);
    } front_ends[] = {
#ifdef CLI_HAS_AUDIO
        {"tern.audio", sound_input},
#endif
#ifdef CLI_HAS_TEXT
        {"tern.text", text_input},
#endif
#ifdef CLI_HAS_VISION
        {"tern.vision", picture_input},
#endif
        {NULL, NULL}};
    bool found = false;
    for (size_t i = 0; front_ends[i].key && !found && s->count; i++) {
        tern_session *session = NULL;
        if (!tern_model_metadata(model, front_ends[i].key)) continue;
        tern_status st = tern_session_create(&session, model);
        if (st == TERN_OK) st = front_ends[i].input(&s->at[0], session);
        if (st == TERN_ERR_MEMORY)
            *code = session ? cli_session_failed(session, st) : cli_failed(c, st);
        tern_session_free(session);
        found = st == TERN_OK;
    }
    for (size_t i = 1; found && i < s->count; i++)
        for (int k = 0; k < s->at[i].rank; k++)
            if (s->at[i].dims[k] < 0) s->at[i].dims[k] = k < s->at[0].rank ? s->at[0].dims[k] : 1;
    return found;
}

/* --input's, or what the front end gives, or the model's own. */
static int describe(tern_model_info **info, tern_context *c, const tern_model *model,
                    const char *input) {
    shapes s = {.count = tern_model_input_count(model)};
    bool given = false;
    int code = EXIT_OK;
    if (s.count <= MOST_INPUTS) {
        for (size_t i = 0; i < s.count; i++) s.at[i] = tern_model_input(model, i).shape;
        given = input ? read_shapes(&s, input) : choose_shapes(&s, &code, c, model);
    }
    if (input && !given)
        return cli_usage(&command,
                         "--input takes whole numbers above 0, as 1,3,224,224, and a ':' between "
                         "inputs, of which the model has %zu; not '%s'",
                         s.count, input);
    if (code != EXIT_OK) return code;
    const tern_status st = tern_model_describe(info, model, given ? s.at : NULL);
    return st == TERN_OK ? EXIT_OK : cli_failed(c, st);
}

int cli_model_info(int argc, char **argv) {
    static const bool quiet = true;
    const char *input = NULL;
    bool json = false;
    const cli_option options[] = {{"input", 'i', CLI_TEXT, &input, "D,D,...",
                                   "shape of the input (several: D,D:D,D,D)", 0, 0},
                                  {"json", 'j', CLI_FLAG, &json, NULL, "one JSON object", 0, 0},
                                  CLI_END};
    int at = cli_parse(&command, options, argc, argv);
    if (at < 0) return cli_ended(at);
    if (argc - at < 1) return cli_usage(&command, "the model is missing");
    if (argc - at > 1) return cli_usage(&command, "'%s' is not understood", argv[at + 1]);
    tern_context *c = NULL;
    tern_model *model = NULL;
    tern_model_info *info = NULL;
    int code;
    tern_status st = cli_context(&c, 0, &quiet);
    if (st == TERN_OK) st = tern_model_load(&model, c, argv[at]);
    code = st == TERN_OK ? describe(&info, c, model, input) : cli_failed(c, st);
    if (info && json)
        code = print_json(c, argv[at], model, info);
    else if (info)
        print_text(argv[at], model, info);
    tern_model_info_free(info, model);
    tern_model_free(model);
    tern_context_free(c);
    return code;
}
