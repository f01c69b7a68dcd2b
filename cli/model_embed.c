/* tern model embed and similar: the output of a layer as a vector, and whose vectors are near to
 * one. */
#include "cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct request {
    const char *layer, *output, *distance, *data;
    int64_t top, threads;
    bool json, quiet;
} request;

/* Vectors of files, or of texts, and what to call them. */
typedef struct vectors {
    float *at; /* [count][length] */
    int64_t length, count, capacity;
    char **texts; /* [count]; NULL: they are of files */
} vectors;

static const cli_command embed_command = {
    "tern model embed", "MODEL FILE... -o VECTORS.npy [--layer NODE]",
    "Writes what a layer of a network makes of pictures, sounds or texts: an array [files,\n"
    "numbers] that NumPy reads.",
    "Without --layer it is what goes into the last layer of weights. 'tern model info' lists the\n"
    "nodes. A sound that is longer than the network's window gives the mean of its windows. For a\n"
    "model of texts every line of the files (-: of standard input) is a text: [lines, numbers]."};

static const cli_command similar_command = {
    "tern model similar", "MODEL QUERY FILE... | MODEL --data DIR|IDX [OPTIONS]",
    "Prints which of the files a network takes for most like QUERY: those whose vectors are\n"
    "nearest.",
    "The vector is a layer's output; without --layer what goes into the last layer of weights.\n"
    "With --json one object is printed:\n"
    "  {\"query\":\"a.png\",\"similar\":[{\"file\":\"b.png\",\"distance\":0.1},...]}\n"
    "For a model of texts QUERY is a text, and so is every line of the files (-: of standard\n"
    "input); JSON then has \"text\" in place of \"file\".\n"
    "With --data instead of files: for how many pictures of a folder per label, or of idx files\n"
    "(those not named train-...), the nearest other one has the same label."};

static const char *const distances[] = {"cosine", "euclidean", "maximum", NULL};
static const char *distance_name(const void *list, size_t i) {
    (void)list;
    return distances[i];
}

static bool find_distance(const char *name, tern_distance_kind *kind) {
    static const tern_distance_kind kinds[] = {TERN_DISTANCE_COSINE, TERN_DISTANCE_EUCLIDEAN,
                                               TERN_DISTANCE_MAXIMUM};
    for (int i = 0; distances[i]; i++)
        if (!name || !strcmp(name, distances[i])) {
            *kind = kinds[i];
            return true;
        }
    return false;
}

/* Takes up a vector; text NULL: of a file. The sentence of a failure is said. */
static int add_vector(vectors *v, const float *vector, int64_t length, const char *text) {
    if (v->count == v->capacity) {
        const int64_t capacity = v->capacity ? 2 * v->capacity : 64;
        float *at = realloc(v->at, (size_t)capacity * (size_t)length * sizeof *at);
        if (at) v->at = at;
        char **texts = at && text ? realloc(v->texts, (size_t)capacity * sizeof *texts) : NULL;
        if (texts) v->texts = texts;
        if (!at || (text && !texts)) {
            cli_complain("out of memory");
            return EXIT_FAILED;
        }
        v->capacity = capacity;
        v->length = length;
    }
    memcpy(v->at + v->count * v->length, vector, (size_t)length * sizeof *vector);
    if (text && !(v->texts[v->count] = strdup(text))) {
        cli_complain("out of memory");
        return EXIT_FAILED;
    }
    v->count++;
    return EXIT_OK;
}

#ifdef CLI_HAS_TEXT
static int embed_text(vectors *v, tern_session *session, const char *text) {
    const float *vector;
    int64_t length;
    const tern_status st = tern_text_embed(session, text, &vector, &length);
    return st == TERN_OK ? add_vector(v, vector, length, text) : cli_session_failed(session, st);
}

/* Every line of a file ("-": of standard input). */
static int embed_lines(vectors *v, tern_context *c, tern_session *session, const char *path) {
    tern_text_reader_options o = TERN_TEXT_READER_OPTIONS_INIT;
    tern_text_reader *reader = NULL;
    int code = EXIT_OK;
    o.format = TERN_TEXT_FORMAT_LINES;
    o.unlabelled = true;
    tern_status st = tern_text_reader_open(&reader, c, path, &o);
    for (bool got = true; st == TERN_OK && code == EXIT_OK && got;) {
        tern_text_record record;
        st = tern_text_reader_next(reader, &record, &got);
        if (st == TERN_OK && got) code = embed_text(v, session, record.text);
    }
    tern_text_reader_close(reader);
    return st == TERN_OK ? code : cli_failed(c, st);
}
#endif

typedef tern_status embed_file(tern_session *session, const char *path, const float **vector,
                               int64_t *length);

/* By the front end that the model has, of those that this command was built with; none: texts. */
static embed_file *choose_embed(const tern_model *model) {
    (void)model;
#ifdef CLI_HAS_TEXT
    if (tern_model_metadata(model, "tern.text")) return NULL;
#endif
#ifdef CLI_HAS_AUDIO
    if (tern_model_metadata(model, "tern.audio")) return tern_audio_embed_file;
#endif
#if defined CLI_HAS_VISION
    return tern_vision_embed_file; /* which says so where there is no front end at all */
#elif defined CLI_HAS_AUDIO
    return tern_audio_embed_file;
#else
    return NULL;
#endif
}

/* Every vector. query: the first of texts is one itself. */
static int embed_all(vectors *v, tern_context *c, tern_session *session, char **files, int count,
                     bool query) {
    embed_file *embed = choose_embed(tern_session_model(session));
    int code = EXIT_OK;
    (void)c;
    for (int i = 0; i < count && code == EXIT_OK; i++) {
        const float *vector;
        int64_t length;
#ifdef CLI_HAS_TEXT
        if (!embed) {
            code = query && i == 0 ? embed_text(v, session, files[i])
                                   : embed_lines(v, c, session, files[i]);
            continue;
        }
#endif
        const tern_status st = embed(session, files[i], &vector, &length);
        code =
            st == TERN_OK ? add_vector(v, vector, length, NULL) : cli_session_failed(session, st);
    }
    if (code == EXIT_OK && v->count <= query) {
        cli_complain("there is no text in %s", files[count - 1]);
        code = EXIT_DATA;
    }
    return code;
}

typedef struct neighbour {
    int file;
    double distance;
} neighbour;

static int by_distance(const void *a, const void *b) {
    const neighbour *x = a, *y = b;
    if (x->distance != y->distance) return x->distance < y->distance ? -1 : 1;
    return x->file - y->file;
}

static int print_similar(const request *r, const vectors *v, char **files) {
    tern_distance_kind kind = TERN_DISTANCE_COSINE;
    char **names = v->texts ? v->texts : files;
    const int64_t n = v->count - 1;
    neighbour *list = calloc((size_t)n, sizeof *list);
    if (!list) return EXIT_FAILED;
    json_t *similar = json_array();
    find_distance(r->distance, &kind);
    for (int i = 0; i < n; i++)
        list[i] =
            (neighbour){i + 1, tern_distance(kind, v->at, v->at + (i + 1) * v->length, v->length)};
    qsort(list, (size_t)n, sizeof *list, by_distance);
    for (int i = 0; i < n && i < r->top; i++) {
        if (r->json)
            tern__json_append(&similar, json_pack("{s:o, s:f}", v->texts ? "text" : "file",
                                                  tern__json_text(names[list[i].file]), "distance",
                                                  list[i].distance));
        else
            printf("%.4f  %s\n", list[i].distance, names[list[i].file]);
    }
    free(list);
    if (r->json)
        return cli_print_json(
            json_pack("{s:o, s:o}", "query", tern__json_text(names[0]), "similar", similar));
    json_decref(similar);
    return EXIT_OK;
}

#ifdef CLI_HAS_VISION
/* The data as the whole model, of which `cut` is a part, would see them. */
static tern_status open_data(tern_vision_dataset **data, tern_context *c, const request *r,
                             const tern_model *model) {
    tern_vision_dataset_options o = TERN_VISION_DATASET_OPTIONS_INIT;
    tern_vision_classifier_info info;
    tern_session *session;
    tern_status st = tern_session_create(&session, model);
    if (st != TERN_OK) {
        cli_complain("%s", tern_session_message(NULL));
        return st;
    }
    if ((st = tern_vision_classifier_describe(&info, session)) == TERN_OK) {
        o.held_out = true;
        o.width = info.width;
        o.height = info.height;
        o.channels = info.normalization.channels;
        st = tern_vision_dataset_open_labels(data, c, r->data, &o);
        if (st == TERN_OK) st = tern_vision_dataset_set_normalization(*data, &info.normalization);
        if (st != TERN_OK) cli_complain("%s", tern_context_message(c));
    } else {
        cli_complain("%s", tern_session_message(session));
    }
    tern_session_free(session);
    return st;
}

static int agreement(const request *r, tern_context *c, const tern_model *model,
                     const tern_model *cut) {
    tern_distance_kind kind = TERN_DISTANCE_COSINE;
    tern_vision_dataset *data = NULL;
    float *at = NULL;
    int64_t length, *classes = NULL;
    double share = 0;
    find_distance(r->distance, &kind);
    tern_status st = open_data(&data, c, r, model);
    if (st != TERN_OK) {
        tern_vision_dataset_free(data);
        return cli_exit_code(st);
    }
    const tern_dataset *samples = tern_vision_dataset_samples(data);
    const int64_t n = tern_dataset_count(samples);
    classes = calloc((size_t)n, sizeof *classes);
    for (int64_t i = 0; classes && i < n; i++) classes[i] = tern_dataset_class(samples, i);
    st = classes ? tern_model_run(&at, &length, cut, samples, 64) : TERN_ERR_MEMORY;
    if (st == TERN_OK) st = tern_nearest_agreement(&share, c, at, n, length, classes, kind);
    int code = st == TERN_OK ? EXIT_OK : cli_failed(c, st);
    if (st == TERN_OK && r->json)
        code = cli_print_json(json_pack("{s:f, s:I, s:I}", "agreement", share, "n", (json_int_t)n,
                                        "length", (json_int_t)length));
    else if (st == TERN_OK)
        printf("%.2f %% of %lld pictures have the label of their nearest neighbour\n", 100 * share,
               (long long)n);
    tern_free(c, at);
    free(classes);
    tern_vision_dataset_free(data);
    return code;
}
#endif

static int run(const request *r, const char *path, char **files, int count) {
    tern_context *c = NULL;
    tern_model *model = NULL, *cut = NULL;
    tern_session *session = NULL;
    vectors v = {0};
    int code;
    tern_status st = cli_context(&c, r->threads, &r->quiet);
    if (st == TERN_OK && r->output) {
        st = tern_file_check(c, r->output, &path, 1);
        if (st == TERN_OK)
            st = tern_file_check(c, r->output, (const char *const *)files, (size_t)count);
    }
    if (st == TERN_OK) st = tern_model_load(&model, c, path);
    if (st == TERN_OK) st = tern_model_cut(&cut, model, r->layer);
    if (st != TERN_OK) {
        code = cli_failed(c, st);
    } else if ((st = tern_session_create(&session, cut)) != TERN_OK) {
        code = cli_session_failed(NULL, st);
#ifdef CLI_HAS_VISION
    } else if (r->data) {
        code = agreement(r, c, model, cut);
#endif
    } else if ((code = embed_all(&v, c, session, files, count, !r->output)) != EXIT_OK) {
        /* it was said what failed */
    } else if (r->output) {
        const tern_tensor array = {TERN_FLOAT, 2, {v.count, v.length}, v.at};
        st = tern_tensor_save(&array, c, r->output);
        code = st == TERN_OK ? EXIT_OK : cli_failed(c, st);
    } else {
        code = print_similar(r, &v, files);
    }
    for (int64_t i = 0; v.texts && i < v.count; i++) free(v.texts[i]);
    free(v.texts);
    free(v.at);
    tern_session_free(session);
    tern_model_free(cut);
    tern_model_free(model);
    tern_context_free(c);
    return code;
}

int cli_model_embed(int argc, char **argv) {
    request r = {0};
    const cli_option options[] = {
        {"output", 'o', CLI_TEXT, &r.output, "FILE.npy", "the vectors", 0, 0},
        {"layer", 'l', CLI_TEXT, &r.layer, "NODE", "whose output it is", 0, 0},
        CLI_THREADS(&r.threads),
        CLI_END};
    int at = cli_parse(&embed_command, options, argc, argv);
    if (at < 0) return cli_ended(at);
    if (argc - at < 2) return cli_usage(&embed_command, "a model and at least one file are needed");
    if (!r.output)
        return cli_usage(&embed_command, "-o is missing: where the vectors are to be written");
    return run(&r, argv[at], argv + at + 1, argc - at - 1);
}

int cli_model_similar(int argc, char **argv) {
    request r = {.top = 10};
    tern_distance_kind kind;
    const cli_option options[] = {
        {"top", 'k', CLI_INT, &r.top, "K", "so many files, the nearest first (10)", 1, 1000000},
#ifdef CLI_HAS_VISION
        {"data", 'd', CLI_TEXT, &r.data, "DIR|IDX",
         "labelled pictures to be compared with each other", 0, 0},
#endif
        {"distance", 0, CLI_TEXT, &r.distance, "NAME", "cosine, euclidean or maximum (cosine)", 0,
         0},
        {"layer", 'l', CLI_TEXT, &r.layer, "NODE", "whose output it is", 0, 0},
        {"json", 'j', CLI_FLAG, &r.json, NULL, "one JSON object", 0, 0},
        CLI_THREADS(&r.threads),
        CLI_END};
    int at = cli_parse(&similar_command, options, argc, argv);
    if (at < 0) return cli_ended(at);
    if (r.data && argc - at != 1)
        return cli_usage(&similar_command, "with --data only the model is named");
    if (!r.data && argc - at < 3)
        return cli_usage(&similar_command,
                         "a model, a query and at least one file to compare it with are needed");
    if (!find_distance(r.distance, &kind)) {
        const char *near = cli_nearest(r.distance, distance_name, NULL);
        return cli_usage(&similar_command,
                         "--distance %s: there are cosine, euclidean and maximum%s%s%s", r.distance,
                         near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    }
    return run(&r, argv[at], argv + at + 1, argc - at - 1);
}
