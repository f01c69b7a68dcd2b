/* Operators that move elements: see ops/harness.h for what each row goes through. */
#include "ops/harness.h"

#define ROW(name, function, ...)                                                                   \
    { .title = #name, .reference = function, __VA_ARGS__ }
#define AXIS(n) .attributes = {OP_INT_ATTRIBUTE("axis", n)}
#define PERM(...) .attributes = {OP_INTS_ATTRIBUTE("perm", __VA_ARGS__)}
#define IDS(...)                                                                                   \
    { .kind = OP_INTS, .whole = true, .data = (const double[]){__VA_ARGS__}, OP_DIMS(2, 3) }
#define SIX 1, 3, 0, 3, 2, 3

static const op_row rows[] = {
    ROW(Concat_channels, reference_concat, .op = "Concat", AXIS(1),
        .inputs = {OP_FLOAT(2, 3, 4, 5), OP_FLOAT(2, 1, 4, 5), OP_FLOAT(2, 9, 4, 5)}),
    ROW(Concat_last, reference_concat, .op = "Concat", AXIS(-1),
        .inputs = {OP_FLOAT(2, 3, 4), OP_FLOAT(2, 3, 2)}),
    ROW(Concat_batch, reference_concat, .op = "Concat", AXIS(0), .one_piece = true,
        .inputs = {OP_WEIGHT(2, 3), OP_WEIGHT(4, 3)}),
    ROW(Concat_one, reference_concat, .op = "Concat", AXIS(1), .inputs = {OP_FLOAT(2, 3, 4)}),
    ROW(Split_channels, reference_split, .op = "Split", AXIS(1), .outputs = 3,
        .inputs = {OP_FLOAT(2, 9, 4, 5), OP_NUMBERS(3, 1, 5)}),
    ROW(Split_equal, reference_split, .op = "Split", AXIS(-1), .outputs = 2,
        .inputs = {OP_FLOAT(2, 3, 6)}),
    ROW(Slice_spatial, reference_slice, .op = "Slice",
        .inputs = {OP_FLOAT(2, 3, 6, 7), OP_NUMBERS(1, 2), OP_NUMBERS(5, 100), OP_NUMBERS(2, -1)}),
    ROW(Slice_steps, reference_slice, .op = "Slice",
        .inputs = {OP_FLOAT(2, 5, 7), OP_NUMBERS(0, -1), OP_NUMBERS(-1, -100), OP_NUMBERS(1, 2),
                   OP_NUMBERS(2, -3)}),
    ROW(Slice_reversed, reference_slice, .op = "Slice",
        .inputs = {OP_FLOAT(2, 5, 7), OP_NUMBERS(9), OP_NUMBERS(-9), OP_NUMBERS(1),
                   OP_NUMBERS(-1)}),
    ROW(Slice_without_axes, reference_slice, .op = "Slice", .one_piece = true,
        .inputs = {OP_FLOAT(3, 5), OP_NUMBERS(1, 1), OP_NUMBERS(3, -1)}),
    ROW(Transpose_reverse, reference_transpose, .op = "Transpose", .one_piece = true,
        .inputs = {OP_FLOAT(2, 3, 4)}),
    ROW(Transpose_matrix, reference_transpose, .op = "Transpose", .one_piece = true,
        .inputs = {OP_FLOAT(67, 41)}, .no_gradient = true),
    ROW(Transpose_last_two, reference_transpose, .op = "Transpose", PERM(0, 2, 1), .alias = true,
        .inputs = {OP_FLOAT(2, 9, 13)}),
    ROW(Transpose_to_last, reference_transpose, .op = "Transpose", PERM(0, 2, 3, 1), .alias = true,
        .inputs = {OP_FLOAT(2, 3, 4, 5)}),
    ROW(Transpose_from_last, reference_transpose, .op = "Transpose", PERM(0, 3, 1, 2),
        .alias = true, .inputs = {OP_FLOAT(2, 3, 4, 5)}),
    ROW(Transpose_swap, reference_transpose, .op = "Transpose", PERM(0, 1, 3, 2),
        .inputs = {OP_FLOAT(2, 3, 4, 5)}),
    ROW(Transpose_five, reference_transpose, .op = "Transpose", PERM(0, 3, 2, 4, 1),
        .inputs = {OP_FLOAT(2, 3, 4, 2, 3)}),
    ROW(Reshape, reference_reshape, .op = "Reshape", .alias = true,
        .inputs = {OP_FLOAT(2, 3, 4, 5), OP_NUMBERS(0, -1, 4)}),
    ROW(Reshape_up, reference_reshape, .op = "Reshape", .alias = true,
        .inputs = {OP_FLOAT(2, 12), OP_NUMBERS(-1, 3, 2, 2)}),
    ROW(Flatten, reference_flatten, .op = "Flatten", .alias = true,
        .inputs = {OP_FLOAT(2, 3, 4, 5)}),
    ROW(Flatten_axis, reference_flatten, .op = "Flatten", .alias = true, AXIS(-1),
        .inputs = {OP_FLOAT(2, 3, 4)}),
    ROW(Squeeze, reference_squeeze, .op = "Squeeze", .alias = true,
        .inputs = {OP_FLOAT(2, 5, 1, 1), OP_NUMBERS(2, -1)}),
    ROW(Unsqueeze, reference_unsqueeze, .op = "Unsqueeze", .alias = true,
        .inputs = {OP_FLOAT(2, 3, 5), OP_NUMBERS(1, -1)}),
    ROW(Gather_rows, reference_gather, .op = "Gather", .inputs = {OP_WEIGHT(5, 7), IDS(SIX)},
        .one_piece = true),
    ROW(Gather_axis, reference_gather, .op = "Gather", AXIS(1),
        .inputs = {OP_FLOAT(2, 4, 3), IDS(SIX)}),
    ROW(Gather_negative, reference_gather, .op = "Gather", AXIS(-1),
        .inputs = {OP_FLOAT(2, 3, 4), IDS(-1, -4, 0, 3, -2, -1)}),
    ROW(Gather_one, reference_gather, .op = "Gather", AXIS(1), .no_gradient = false,
        .inputs = {OP_FLOAT(2, 4, 3),
                   {.kind = OP_LIST, .whole = true, .data = (const double[]){2}}}),
};

int main(void) {
    return op_rows_run("operators that move elements", rows, sizeof rows / sizeof *rows);
}
