/* tern vision segment: pictures or folders of them in; masks, overlays, probabilities, run lengths
 * or polygons out. */
#include "cli.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct request {
    const char *output, *fov;
    double threshold, memory, tolerance, max_pixels;
    int64_t threads, least_area;
    bool probability, overlay, rle, polygons, all_views, quiet;
} request;

static const cli_command command = {
    "tern vision segment", "MODEL IMAGE... -o FILE|DIR [OPTIONS]",
    "Makes the masks of pictures (PNG, JPEG, PNM) of any size.",
    "IMAGE is a file, a folder (all pictures in it) or - for standard input. -o is a file for one "
    "picture,\n"
    "else a folder, which is made: DIR/NAME.png for each. Masks are PNG, 0 and 255, or with a "
    "palette for more\n"
    "classes. --rle and --polygons write a line of JSON for each picture to -o or standard "
    "output:\n"
    "  {\"file\":\"a.jpg\",\"width\":640,\"height\":480,\"rle\":{\"1\":\"start length ...\"}}\n"
    "  "
    "{\"file\":\"a.jpg\",\"width\":640,\"height\":480,\"objects\":[{\"label\":1,\"area\":..,"
    "\"rings\":..}]}\n"
    "Large pictures are cut into tiles that overlap; the mask is the same to the bit. A picture "
    "that cannot be\n"
    "read gives a sentence; the others are still done, and the exit code is that of the first "
    "failure."};

/* ---- pictures and where their masks go ---- */

typedef struct paths {
    char **at;
    size_t count, capacity;
} paths;

static bool add_path(paths *p, const char *folder, const char *name) {
    if (p->count == p->capacity) {
        const size_t capacity = p->capacity ? 2 * p->capacity : 64;
        char **grown = realloc(p->at, capacity * sizeof *grown);
        if (!grown) return false;
        p->at = grown;
        p->capacity = capacity;
    }
    char *path = malloc((folder ? strlen(folder) : 0) + strlen(name) + 2);
    if (!path) return false;
    if (folder)
        sprintf(path, "%s%s%s", folder, folder[strlen(folder) - 1] == '/' ? "" : "/", name);
    else
        strcpy(path, name);
    p->at[p->count++] = path;
    return true;
}

static void free_paths(paths *p) {
    for (size_t i = 0; i < p->count; i++) free(p->at[i]);
    free(p->at);
}

static int by_name(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool is_folder(const char *path) {
    struct stat info;
    return !stat(path, &info) && S_ISDIR(info.st_mode);
}

static int add_folder(paths *p, const char *folder) {
    DIR *d = opendir(folder);
    const size_t before = p->count;
    bool ok = d != NULL;
    for (struct dirent *e; d && ok && (e = readdir(d));)
        if (e->d_name[0] != '.' && tern_image_is_name(e->d_name))
            ok = add_path(p, folder, e->d_name);
    if (d) closedir(d);
    if (!d) {
        cli_complain("%s: %s", folder, strerror(errno));
        return EXIT_IO;
    }
    if (ok && p->count == before) {
        cli_complain(
            "%s: there is no picture in this folder (.png, .jpg, .jpeg, .pnm, .pbm, .pgm, .ppm)",
            folder);
        return EXIT_DATA;
    }
    if (ok) qsort(p->at + before, p->count - before, sizeof *p->at, by_name);
    return ok ? EXIT_OK : EXIT_FAILED;
}

/* "a/b.jpg" -> "folder/b.png". */
static char *target_in(const char *folder, const char *picture) {
    const char *slash = strrchr(picture, '/'), *base = slash ? slash + 1 : picture,
               *dot = strrchr(base, '.');
    if (!strcmp(picture, "-")) base = "stdin", dot = NULL;
    const size_t length = dot && dot > base ? (size_t)(dot - base) : strlen(base);
    char *path = malloc(strlen(folder) + length + 6);
    if (path) sprintf(path, "%s/%.*s.png", folder, (int)length, base);
    return path;
}

static bool same_file(const char *a, const char *b) {
    struct stat x, y;
    return !stat(a, &x) && !stat(b, &y) && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* Fills targets[i], the file of picture i; makes the folder. */
static int choose_targets(const request *r, const paths *pictures, bool folder, char **targets) {
    if (folder && mkdir(r->output, 0777) && errno != EEXIST) {
        cli_complain("%s cannot be made: %s", r->output, strerror(errno));
        return EXIT_IO;
    }
    if (folder && !is_folder(r->output))
        return cli_usage(&command,
                         "-o %s is a file, but there are several pictures: a folder is needed",
                         r->output);
    for (size_t i = 0; i < pictures->count; i++) {
        if (!(targets[i] = folder ? target_in(r->output, pictures->at[i]) : strdup(r->output)))
            return EXIT_FAILED;
        if (same_file(targets[i], pictures->at[i]))
            return cli_usage(&command, "%s would be overwritten with its own mask", targets[i]);
    }
    paths sorted = {.count = pictures->count, .at = malloc(pictures->count * sizeof *sorted.at)};
    if (!sorted.at) return EXIT_FAILED;
    memcpy(sorted.at, targets, sorted.count * sizeof *sorted.at);
    qsort(sorted.at, sorted.count, sizeof *sorted.at, by_name);
    int code = EXIT_OK;
    for (size_t i = 1; i < sorted.count && code == EXIT_OK; i++)
        if (!strcmp(sorted.at[i], sorted.at[i - 1]))
            code = cli_usage(&command, "two of the pictures would both become %s", sorted.at[i]);
    free(sorted.at);
    return code;
}

/* ---- writing ---- */

static int write_overlay(const tern_image *image, const tern_mask *mask, const char *path) {
    tern_image drawn = {0};
    int code = EXIT_OK;
    tern_status st = tern_mask_overlay(&drawn, image, mask, NULL);
    if (st != TERN_OK)
        code = cli_failed(mask->context, st);
    else if ((st = tern_image_save(&drawn, path, 0)) != TERN_OK)
        code = cli_failed(image->context, st);
    tern_image_free(&drawn);
    return code;
}

static json_t *runs_object(tern_context *c, const tern_mask *mask, tern_status *st) {
    json_t *runs = json_object();
    for (int label = 1; *st == TERN_OK && label < mask->classes; label++) {
        char *text, key[16];
        if ((*st = tern_mask_rle(&text, mask, label)) != TERN_OK) break;
        snprintf(key, sizeof key, "%d", label);
        if (*text || mask->classes == 2) tern__json_set(&runs, key, json_string(text));
        tern_free(c, text);
    }
    return runs;
}

static json_t *objects_list(const request *r, tern_context *c, const tern_mask *mask,
                            tern_status *st) {
    tern_polygons polygons = {0};
    char *text = NULL;
    *st = tern_mask_polygons(&polygons, mask, 0, r->tolerance, r->least_area);
    if (*st == TERN_OK) *st = tern_polygons_text(&text, &polygons, NULL);
    json_t *list = NULL;
    if (*st == TERN_OK) *st = tern__json_read(&list, c, "objects", text, strlen(text));
    tern_free(c, text);
    tern_polygons_free(&polygons);
    return list;
}

/* A line of JSON about a mask. */
static int write_line(const request *r, tern_context *c, const char *picture, const tern_mask *mask,
                      FILE *out) {
    tern_status st = TERN_OK;
    json_t *root = json_pack("{s:o, s:i, s:i}", "file", tern__json_text(picture), "width",
                             mask->width, "height", mask->height);
    json_t *content = r->rle ? runs_object(c, mask, &st) : objects_list(r, c, mask, &st);
    if (st != TERN_OK) {
        json_decref(root);
        json_decref(content);
        return cli_failed(mask->context, st);
    }
    tern__json_set(&root, r->rle ? "rle" : "objects", content);
    return cli_put_json(out, root);
}

static int write_picture(const request *r, const tern_image *image, const tern_mask *mask,
                         const char *path) {
    if (r->overlay) return write_overlay(image, mask, path);
    const tern_status st =
        r->probability ? tern_mask_save_probability(mask, path) : tern_mask_save(mask, path);
    return st == TERN_OK ? EXIT_OK : cli_failed(mask->context, st);
}

/* ---- the work ---- */

typedef struct work {
    const request *request;
    const char *model;
    const paths *pictures;
    char **targets; /* of --rle and --polygons: not used */
    tern_context *context;
    tern_session *session;
    cli_lines lines; /* of --rle and --polygons */
    char **fovs;     /* of each picture, where --fov is a folder */
} work;

static bool on_tile(void *user, int64_t done, int64_t count) {
    const work *w = user;
    if (!w->request->quiet && w->pictures->count == 1)
        cli_progress_count("tiles", (size_t)done, (size_t)count);
    return !cli_stopped();
}

/* Pixels outside the field of view, a mask in a file, are background. */
static tern_status look_through(tern_context *c, tern_mask *mask, const char *path) {
    tern_mask fov;
    tern_status st = tern_mask_load(&fov, c, path, TERN_MASK_BINARY, 2);
    if (st != TERN_OK) return st;
    st = tern_mask_restrict(mask, &fov);
    tern_mask_free(&fov);
    return st;
}

static int segment(work *w, const char *picture, const char *target, const char *fov) {
    const request *r = w->request;
    tern_vision_segment_options o = TERN_VISION_SEGMENT_OPTIONS_INIT;
    tern_image_options io = TERN_IMAGE_OPTIONS_INIT;
    tern_image image = {0};
    tern_mask mask = {0};
    int code = EXIT_OK;
    io.max_pixels = r->max_pixels * 1e6;
    o.threshold = r->threshold;
    o.probability = r->probability;
    o.all_views = r->all_views;
    o.memory = r->memory * 1e6;
    o.on_progress = on_tile;
    o.user = w;
    tern_status st = tern_image_load(&image, w->context, picture, &io);
    if (st != TERN_OK) return cli_failed(w->context, st);
    if ((st = tern_vision_segment(w->session, &image, &o, &mask)) != TERN_OK) {
        cli_complain("%s: %s", picture, tern_session_message(w->session));
        code = cli_exit_code(st);
    } else if (fov && (st = look_through(w->context, &mask, fov)) != TERN_OK) {
        cli_complain("%s: %s", picture, tern_context_message(w->context));
        code = cli_exit_code(st);
    } else if (r->rle || r->polygons) {
        code = write_line(r, w->context, picture, &mask, w->lines.out);
    } else {
        code = write_picture(r, &image, &mask, target);
    }
    tern_image_free(&image);
    tern_mask_free(&mask);
    return code;
}

/* The field of view of each picture. */
static int find_fovs(work *w, tern_context *c) {
    const size_t count = w->pictures->count;
    if (!(w->fovs = calloc(count, sizeof *w->fovs))) {
        cli_complain("out of memory");
        return EXIT_FAILED;
    }
    const tern_status st = tern_mask_find_files(w->fovs, c, w->request->fov,
                                                (const char *const *)w->pictures->at, count);
    return st == TERN_OK ? EXIT_OK : cli_failed(c, st);
}

static void free_fovs(work *w, tern_context *c) {
    for (size_t i = 0; w->fovs && i < w->pictures->count; i++) tern_free(c, w->fovs[i]);
    free(w->fovs);
}

/* What is written takes the place of nothing that is read: of no other picture either. */
static tern_status check_targets(const work *w, tern_context *c) {
    const request *r = w->request;
    const bool lines = r->rle || r->polygons;
    const size_t count = w->pictures->count;
    const char *const single[] = {w->model, r->fov};
    tern_status st = TERN_OK;
    for (size_t i = 0; i < (lines ? 1 : count) && st == TERN_OK; i++) {
        const char *target = lines ? r->output : w->targets[i];
        if (!target || !strcmp(target, "-")) continue;
        st = tern_file_check(c, target, single, 2);
        if (st == TERN_OK)
            st = tern_file_check(c, target, (const char *const *)w->pictures->at, count);
        if (st == TERN_OK && w->fovs)
            st = tern_file_check(c, target, (const char *const *)w->fovs, count);
    }
    return st;
}

static int segment_all(void *user, tern_context *c, tern_session *session) {
    work *w = user;
    const request *r = w->request;
    const size_t count = w->pictures->count;
    int code = EXIT_OK;
    w->context = c;
    w->session = session;
    if (r->fov && is_folder(r->fov)) code = find_fovs(w, c);
    const tern_status st = code == EXIT_OK ? check_targets(w, c) : TERN_OK;
    if (st != TERN_OK) code = cli_failed(c, st);
    if (code == EXIT_OK && (r->rle || r->polygons)) code = cli_lines_open(&w->lines, r->output);
    if (code != EXIT_OK) {
        free_fovs(w, c);
        return code;
    }
    cli_catch_interrupts();
    for (size_t i = 0; i < count && !cli_stopped(); i++) {
        const char *fov = w->fovs ? w->fovs[i] : r->fov;
        const int one = segment(w, w->pictures->at[i], w->targets[i], fov);
        if (code == EXIT_OK) code = one;
        if (!r->quiet && count > 1) cli_progress_count("pictures", i + 1, count);
    }
    cli_progress_clear();
    if (cli_stopped()) code = EXIT_INTERRUPTED;
    if (r->rle || r->polygons) code = cli_lines_close(&w->lines, c, code);
    free_fovs(w, c);
    return code;
}

static int gather(paths *pictures, int count, char **names, bool *folder) {
    int code = EXIT_OK;
    *folder = count > 1;
    for (int i = 0; i < count && code == EXIT_OK; i++) {
        if (is_folder(names[i]))
            *folder = true, code = add_folder(pictures, names[i]);
        else if (!add_path(pictures, NULL, names[i]))
            code = EXIT_FAILED;
    }
    return code;
}

static int check(const request *r, int operands, char **argv) {
    const int kinds = r->probability + r->overlay + r->rle + r->polygons;
    if (operands < 1) return cli_usage(&command, "a model and at least one picture are needed");
    if (operands < 2) return cli_usage(&command, "no picture is named after the model %s", argv[0]);
    if (tern_image_is_name(argv[0]))
        return cli_usage(&command, "the model comes first; %s is a picture", argv[0]);
    if (kinds > 1)
        return cli_usage(&command,
                         "--probability, --overlay, --rle and --polygons exclude each other");
    if (!r->output && !r->rle && !r->polygons)
        return cli_usage(&command, "-o is missing: a file or a folder");
    if (r->output && !strcmp(r->output, "-") && !r->rle && !r->polygons && isatty(STDOUT_FILENO))
        return cli_usage(&command, "a picture is not written to a terminal");
    return EXIT_OK;
}

int cli_vision_segment(int argc, char **argv) {
    request r = {.tolerance = 1, .least_area = 1};
    const cli_option options[] = {
        {"output", 'o', CLI_TEXT, &r.output, "FILE|DIR", "where masks go", 0, 0},
        {"threshold", 0, CLI_REAL, &r.threshold, "P",
         "probability from which on a pixel is foreground (the\nmodel's)", 0, 1},
        {"fov", 0, CLI_TEXT, &r.fov, "DIR|FILE",
         "fields of view, of the pictures' names, or one for all:\n"
         "pixels that are 0 there are background",
         0, 0},
        {"probability", 0, CLI_FLAG, &r.probability, NULL,
         "16-bit grey pictures of probabilities (FILE.npy: floats)", 0, 0},
        {"overlay", 0, CLI_FLAG, &r.overlay, NULL, "the picture with its mask in colour", 0, 0},
        {"rle", 0, CLI_FLAG, &r.rle, NULL, "run lengths as Kaggle has them", 0, 0},
        {"polygons", 0, CLI_FLAG, &r.polygons, NULL, "outlines of objects", 0, 0},
        {"tolerance", 0, CLI_REAL, &r.tolerance, "PIXELS",
         "how much outlines may be straightened (1)", 0, 1000},
        {"min-area", 0, CLI_INT, &r.least_area, "PIXELS",
         "smaller objects are left out of --polygons (1)", 1, 1e9},
        {"tta", 0, CLI_FLAG, &r.all_views, NULL,
         "average over turned and mirrored pictures: 8 times the\nwork, a little better", 0, 0},
        {"memory", 0, CLI_REAL, &r.memory, "MB", "for picture, mask and network (500)", 1, 1e6},
        {"max-pixels", 0, CLI_REAL, &r.max_pixels, "MILLIONS", "largest picture that is read (64)",
         0.001, 4000},
        CLI_THREADS(&r.threads),
        {"quiet", 'q', CLI_FLAG, &r.quiet, NULL, "no progress", 0, 0},
        CLI_END};
    int at = cli_parse(&command, options, argc, argv);
    if (at < 0) return cli_ended(at);
    int code = check(&r, argc - at, argv + at);
    if (code != EXIT_OK) return code;
    paths pictures = {0};
    bool folder;
    code = gather(&pictures, argc - at - 1, argv + at + 1, &folder);
    folder = folder || (r.output && is_folder(r.output));
    char **targets = calloc(pictures.count + 1, sizeof *targets);
    if (!targets) code = EXIT_FAILED;
    if (code == EXIT_OK && !r.rle && !r.polygons)
        code = choose_targets(&r, &pictures, folder, targets);
    else if (code == EXIT_OK && r.output && strcmp(r.output, "-"))
        code = cli_check_output(r.output);
    if (code == EXIT_OK)
        code = cli_with_model(
            argv[at], r.threads, r.quiet, segment_all,
            &(work){.request = &r, .model = argv[at], .pictures = &pictures, .targets = targets});
    for (size_t i = 0; targets && i < pictures.count; i++) free(targets[i]);
    free(targets);
    free_paths(&pictures);
    return code;
}
