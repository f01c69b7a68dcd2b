/* The command `tern`: finds the command that is asked for. */
#include "cli.h"

#include <stdio.h>
#include <string.h>

typedef struct entry {
    const char *group, *name, *summary;
    int (*run)(int argc, char **argv);
} entry;

static const entry entries[] = {
#ifdef CLI_HAS_AUDIO
    {"audio", "train", "train a network on labelled sounds", cli_audio_train},
    {"audio", "classify", "say what sounds are", cli_audio_classify},
    {"audio", "evaluate", "measure how often a model is right", cli_audio_evaluate},
    {"audio", "features", "turn a sound into an array or a picture", cli_audio_features},
    {"audio", "explain", "draw what in a sound speaks for a label", cli_audio_explain},
#endif
#ifdef CLI_HAS_TEXT
    {"text", "train", "train a network on labelled texts", cli_text_train},
    {"text", "classify", "say what texts are", cli_text_classify},
    {"text", "evaluate", "measure how often a model is right", cli_text_evaluate},
    {"text", "tag", "find the names in texts", cli_text_tag},
    {"text", "cross-validate", "train and measure on folds of the texts", cli_text_cross_validate},
    {"text", "vectors", "learn word vectors from texts", cli_text_vectors},
    {"text", "similar", "find words with vectors near to a word's", cli_text_similar},
#endif
#ifdef CLI_HAS_VISION
    {"vision", "train", "train a network on pictures and their masks", cli_vision_train},
    {"vision", "segment", "make masks of pictures", cli_vision_segment},
    {"vision", "evaluate", "measure how good a model's masks are", cli_vision_evaluate},
    {"vision", "train-classifier", "train a network on labelled pictures",
     cli_vision_train_classifier},
    {"vision", "classify", "say what pictures show", cli_vision_classify},
    {"vision", "evaluate-classifier", "measure how often a model is right",
     cli_vision_evaluate_classifier},
    {"vision", "explain", "draw what a network looks at", cli_vision_explain},
    {"vision", "filter", "filter a picture with a kernel of 3x3", cli_vision_filter},
#endif
    {"model", "info", "show what is in a model file", cli_model_info},
    {"model", "average", "make one model of several that went on from one", cli_model_average},
#if defined CLI_HAS_AUDIO || defined CLI_HAS_TEXT || defined CLI_HAS_VISION
    {"model", "embed", "write a layer's output as vectors", cli_model_embed},
    {"model", "similar", "find the pictures, sounds or texts most like one", cli_model_similar},
#endif
};
enum { ENTRIES = sizeof entries / sizeof *entries };

static const char *group_name(const void *list, size_t i) {
    static const char *const groups[] = {
#ifdef CLI_HAS_AUDIO
        "audio",
#endif
#ifdef CLI_HAS_TEXT
        "text",
#endif
#ifdef CLI_HAS_VISION
        "vision",
#endif
        "model", NULL};
    (void)list;
    return groups[i];
}

static int help(const char *group) {
    if (!group)
        printf("tern trains and runs convolutional networks on sound, text and pictures.\n\n");
    printf("usage: tern ");
    if (group)
        printf("%s", group);
    else
        for (size_t i = 0; group_name(NULL, i); i++)
            printf("%c%s", i ? '|' : '{', group_name(NULL, i));
    printf("%s COMMAND [OPTIONS]\n\n", group ? "" : "}");
    for (size_t i = 0; i < ENTRIES; i++)
        if (!group || !strcmp(group, entries[i].group)) {
            char name[40];
            snprintf(name, sizeof name, "tern %s %s", entries[i].group, entries[i].name);
            printf("  %-31s %s\n", name, entries[i].summary);
        }
    printf("\n");
    if (!group) printf("  tern --version\n");
    printf("  tern%s%s COMMAND --help   what a command takes\n", group ? " " : " GROUP",
           group ? group : "");
    if (!group)
        printf("\nA MODEL is a file, or the name of one in the folder $TERN_MODELS or of an "
               "installed one:\n"
               "esc10 (ten sounds), sentiment (of texts), cells (masks of micrographs).\n"
               "\nexit codes: 0 done, 1 failure, 2 usage, 3 bad data, 4 input/output, 5 training\n"
               "diverged, 130 interrupted (everything saved). NO_COLOR is respected.\n");
    return cli_finish(EXIT_OK);
}

static const char *command_name(const void *list, size_t i) {
    const char *group = list;
    for (size_t k = 0; k < ENTRIES; k++)
        if (!strcmp(entries[k].group, group) && i-- == 0) return entries[k].name;
    return NULL;
}

static int unknown(const char *group, const char *word, const char *near) {
    cli_complain("there is no %s '%s'%s%s%s", group ? "command" : "command group", word,
                 near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    fprintf(stderr, "'tern%s%s --help' lists what there is.\n", group ? " " : "",
            group ? group : "");
    return EXIT_USAGE;
}

static bool is_help(const char *word) { return !strcmp(word, "--help") || !strcmp(word, "-h"); }

static bool is_version(const char *word) {
    return !strcmp(word, "--version") || !strcmp(word, "-V") || !strcmp(word, "-v");
}

static bool is_group(const char *word) {
    for (size_t i = 0; group_name(NULL, i); i++)
        if (!strcmp(word, group_name(NULL, i))) return true;
    return false;
}

int main(int argc, char **argv) {
    const char *group = argc > 1 ? argv[1] : "--help";
    if (argc < 2) {
        help(NULL);
        return EXIT_USAGE;
    }
    /* tern help audio train = tern audio train --help */
    char *turned[] = {argv[0], argc > 2 ? argv[2] : NULL, argc > 3 ? argv[3] : "--help", "--help",
                      NULL};
    if (!strcmp(group, "help") && argc > 2) {
        group = argv[2];
        argv = turned;
        argc = argc > 3 ? 4 : 3;
    }
    if (is_help(group) || !strcmp(group, "help")) return help(NULL);
    if (is_version(group) || (argc == 3 && is_group(group) && is_version(argv[2]))) {
        printf("tern %s\n", tern_version());
        return cli_finish(EXIT_OK);
    }
    if (!is_group(group)) {
        for (size_t i = 0; i < ENTRIES; i++)
            if (!strcmp(entries[i].name, group)) {
                cli_complain("did you mean 'tern %s %s'?", entries[i].group, group);
                return EXIT_USAGE;
            }
        return unknown(NULL, group, cli_nearest(group, group_name, NULL));
    }
    if (argc < 3 || is_help(argv[2])) {
        int code = help(group);
        return argc < 3 ? EXIT_USAGE : code;
    }
    for (size_t i = 0; i < ENTRIES; i++)
        if (!strcmp(entries[i].group, group) && !strcmp(entries[i].name, argv[2]))
            return cli_finish(entries[i].run(argc - 2, argv + 2));
    return unknown(group, argv[2], cli_nearest(argv[2], command_name, group));
}
