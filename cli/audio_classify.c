/* tern audio classify: prints what sounds are. */
#include "cli.h"

#include <string.h>

static const cli_command command = {
    "tern audio classify", "MODEL FILE... [--top K] [--json]",
    "Says what each sound is: any file that libsndfile reads, any rate, any number of channels, "
    "any\n"
    "length.",
    "FILE - is standard input. With --json each file gives one line:\n"
    "  {\"file\":\"x.wav\",\"label\":\"dog_bark\",\"score\":0.97,\"top\":[{\"label\":\"dog_bark\","
    "\"score\":0.97},...]}\n"
    "A file that cannot be read gives a sentence on stderr; the others are still classified, and "
    "the\n"
    "exit code is that of the first failure."};

/* Models end in .onnx; a sound where the model should be is a common slip. */
static bool swapped(const char *model, const char *file) {
    size_t n = strlen(model), m = strlen(file);
    return !(n > 5 && !strcmp(model + n - 5, ".onnx")) && m > 5 && !strcmp(file + m - 5, ".onnx");
}

static int check(int operands, char **argv) {
    if (operands < 1) return cli_usage(&command, "a model and at least one sound are needed");
    if (operands < 2)
        return cli_usage(&command, "no sound is named after the model %s ('-': standard input)",
                         argv[0]);
    if (swapped(argv[0], argv[1]))
        return cli_usage(&command, "the model comes first: tern audio classify %s %s", argv[1],
                         argv[0]);
    return EXIT_OK;
}

int cli_audio_classify(int argc, char **argv) {
    return cli_classify_command(&command, check, tern_audio_classify_file, argc, argv);
}
