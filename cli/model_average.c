/* tern model average: one model whose weights are the means of several. */
#include "cli.h"

#include <stdio.h>

static const cli_command command = {
    "tern model average", "MODEL MODEL... -o MODEL.onnx",
    "Writes one model whose weights are the means of those of several of the same network.",
    "Models that went on from one model (train --init), with other data, variation or seeds, are "
    "often better\n"
    "averaged than each of them, at no cost in use. Models trained apart are not: their weights do "
    "not match.\n"
    "Labels, front end and threshold are those of the first.\n"
    "\n"
    "example:\n"
    "  tern vision train --images i --masks m --init cells.onnx --seed 1 -o a.onnx\n"
    "  tern vision train --images i --masks m --init cells.onnx --seed 2 -o b.onnx\n"
    "  tern model average a.onnx b.onnx -o cells.onnx"};

enum { MOST = 64 };

static tern_status average(tern_context *c, char **paths, size_t count, const char *output) {
    tern_model *models[MOST] = {NULL}, *mean = NULL;
    tern_status st = TERN_OK;
    for (size_t k = 0; st == TERN_OK && k < count; k++)
        st = tern_model_load(&models[k], c, paths[k]);
    if (st == TERN_OK) st = tern_model_average(&mean, (const tern_model *const *)models, count);
    if (st == TERN_OK) st = tern_model_save(mean, output);
    tern_model_free(mean);
    for (size_t k = 0; k < count; k++) tern_model_free(models[k]);
    return st;
}

int cli_model_average(int argc, char **argv) {
    static const bool quiet = true;
    const char *output = NULL;
    const cli_option options[] = {{"output", 'o', CLI_TEXT, &output, "FILE", "the model", 0, 0},
                                  CLI_END};
    const int at = cli_parse(&command, options, argc, argv);
    if (at < 0) return cli_ended(at);
    if (argc - at < 2) return cli_usage(&command, "at least two models are needed");
    if (argc - at > MOST) return cli_usage(&command, "at most %d models can be averaged", MOST);
    int code = cli_check_model_name(&command, output, NULL);
    if (code == EXIT_OK) code = cli_check_output(output);
    if (code != EXIT_OK) return code;
    tern_context *c = NULL;
    tern_status st = cli_context(&c, 0, &quiet);
    if (st == TERN_OK)
        st = tern_file_check(c, output, (const char *const *)argv + at, (size_t)(argc - at));
    if (st == TERN_OK) st = average(c, argv + at, (size_t)(argc - at), output);
    code = st == TERN_OK ? EXIT_OK : cli_failed(c, st);
    tern_context_free(c);
    return code;
}
