/* LSTM and GRU: see ops/harness.h for what each row goes through. */
#include "ops/harness.h"

#define BATCH_FIRST OP_INT_ATTRIBUTE("layout", 1)
#define BOTH_WAYS OP_TEXT_ATTRIBUTE("direction", "bidirectional")
#define BACKWARDS OP_TEXT_ATTRIBUTE("direction", "reverse")
#define RESET_AFTER OP_INT_ATTRIBUTE("linear_before_reset", 1)
#define LENGTHS(...)                                                                               \
    {                                                                                              \
        .kind = OP_INTS, .rank = 1,                                                                \
        .dims = {(int64_t)(sizeof((double[]){__VA_ARGS__}) / sizeof(double))},                     \
        .data = (const double[]) {                                                                 \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }
#define WHOLE_LENGTHS(...)                                                                         \
    {                                                                                              \
        .kind = OP_INTS, .rank = 1, .whole = true,                                                 \
        .dims = {(int64_t)(sizeof((double[]){__VA_ARGS__}) / sizeof(double))},                     \
        .data = (const double[]) {                                                                 \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }
#define NONE                                                                                       \
    { .kind = OP_NONE }

#define LSTM(name, ...)                                                                            \
    { .title = "LSTM_" name, .op = "LSTM", .reference = reference_lstm, __VA_ARGS__ }
#define LSTM_WEIGHTS(d, h, i) OP_WEIGHT(d, 4 * (h), i), OP_WEIGHT(d, 4 * (h), h)
#define LSTM_BIASED(d, h, i) LSTM_WEIGHTS(d, h, i), OP_WEIGHT(d, 8 * (h))

static const op_row lstm[] = {
    LSTM("forward", .inputs = {OP_WEIGHT(4, 3, 5), LSTM_BIASED(1, 6, 5)}, .one_piece = true),
    LSTM("no_bias", .inputs = {OP_WEIGHT(3, 2, 4), LSTM_WEIGHTS(1, 3, 4)}, .one_piece = true,
         .outputs = 3),
    LSTM("reverse", .inputs = {OP_WEIGHT(4, 3, 5), LSTM_BIASED(1, 3, 5)}, .one_piece = true,
         .attributes = {BACKWARDS}, .outputs = 3),
    LSTM("both_ways", .inputs = {OP_WEIGHT(4, 3, 2), LSTM_BIASED(2, 3, 2)}, .one_piece = true,
         .attributes = {BOTH_WAYS, OP_INT_ATTRIBUTE("hidden_size", 3)}, .outputs = 3),
    LSTM("states",
         .inputs = {OP_WEIGHT(3, 2, 4), LSTM_BIASED(1, 3, 4), NONE, OP_WEIGHT(1, 2, 3),
                    OP_WEIGHT(1, 2, 3)},
         .one_piece = true, .outputs = 3),
    LSTM("batch_first",
         .inputs = {OP_FLOAT(3, 4, 5), LSTM_BIASED(2, 3, 5), NONE, OP_FLOAT(3, 2, 3),
                    OP_FLOAT(3, 2, 3)},
         .attributes = {BATCH_FIRST, BOTH_WAYS}, .outputs = 3),
    LSTM("lengths",
         .inputs = {OP_WEIGHT(5, 4, 3), LSTM_BIASED(2, 3, 3), WHOLE_LENGTHS(3, 5, 0, 1),
                    OP_WEIGHT(2, 4, 3), OP_WEIGHT(2, 4, 3)},
         .one_piece = true, .attributes = {BOTH_WAYS}, .outputs = 3),
    LSTM("lengths_batch_first",
         .inputs = {OP_FLOAT(4, 5, 3), LSTM_BIASED(2, 3, 3), LENGTHS(2, 5, 4, 3)},
         .attributes = {BATCH_FIRST, BOTH_WAYS}, .outputs = 3),
    LSTM("no_length_at_all",
         .inputs = {OP_FLOAT(2, 3, 3), LSTM_BIASED(1, 2, 3), LENGTHS(0, 0), OP_FLOAT(2, 1, 2)},
         .attributes = {BATCH_FIRST}, .outputs = 3),
    LSTM("peepholes",
         .inputs = {OP_FLOAT(3, 4, 5), LSTM_BIASED(2, 3, 5), LENGTHS(4, 2, 1), OP_FLOAT(3, 2, 3),
                    OP_FLOAT(3, 2, 3), OP_WEIGHT(2, 9)},
         .attributes = {BATCH_FIRST, BOTH_WAYS}, .outputs = 3),
    LSTM("many_sequences", .inputs = {OP_FLOAT(70, 2, 3), LSTM_BIASED(1, 5, 3)},
         .attributes = {BATCH_FIRST}, .no_gradient = true, .outputs = 2),
    LSTM("wide",
         .inputs = {OP_FLOAT(7, 6, 37), LSTM_BIASED(2, 41, 37), LENGTHS(1, 2, 3, 4, 5, 6, 6)},
         .attributes = {BATCH_FIRST, BOTH_WAYS}, .no_gradient = true, .outputs = 3),
};

#define GRU(name, ...)                                                                             \
    { .title = "GRU_" name, .op = "GRU", .reference = reference_gru, __VA_ARGS__ }
#define GRU_WEIGHTS(d, h, i) OP_WEIGHT(d, 3 * (h), i), OP_WEIGHT(d, 3 * (h), h)
#define GRU_BIASED(d, h, i) GRU_WEIGHTS(d, h, i), OP_WEIGHT(d, 6 * (h))
/* Both definitions of the new gate. */
#define GRUS(name, ...)                                                                            \
    GRU(name, .inputs = {__VA_ARGS__}, .attributes = {BATCH_FIRST, BOTH_WAYS}, .outputs = 2),      \
        GRU(name "_reset_after", .inputs = {__VA_ARGS__},                                          \
            .attributes = {BATCH_FIRST, BOTH_WAYS, RESET_AFTER}, .outputs = 2)

static const op_row gru[] = {
    GRU("forward", .inputs = {OP_WEIGHT(4, 3, 5), GRU_BIASED(1, 6, 5)}, .one_piece = true),
    GRU("reset_after", .inputs = {OP_WEIGHT(4, 3, 5), GRU_BIASED(1, 6, 5)}, .one_piece = true,
        .attributes = {RESET_AFTER}, .outputs = 2),
    GRU("reverse", .inputs = {OP_WEIGHT(4, 3, 5), GRU_BIASED(1, 3, 5)}, .one_piece = true,
        .attributes = {BACKWARDS}, .outputs = 2),
    GRUS("no_bias", OP_FLOAT(3, 4, 2), GRU_WEIGHTS(2, 3, 2)),
    GRUS("states", OP_FLOAT(3, 4, 5), GRU_BIASED(2, 3, 5), NONE, OP_FLOAT(3, 2, 3)),
    GRUS("lengths", OP_FLOAT(4, 5, 3), GRU_BIASED(2, 3, 3), LENGTHS(3, 5, 0, 1), OP_FLOAT(4, 2, 3)),
    GRU("many_sequences", .inputs = {OP_FLOAT(70, 2, 3), GRU_BIASED(1, 5, 3)},
        .attributes = {BATCH_FIRST}, .no_gradient = true, .outputs = 2),
    GRU("wide", .inputs = {OP_FLOAT(7, 6, 37), GRU_BIASED(2, 41, 37)},
        .attributes = {BATCH_FIRST, BOTH_WAYS, RESET_AFTER}, .no_gradient = true, .outputs = 2,
        .tolerance = 1e-5 /* of sums of 78 products */),
};

#define MISTAKE(name, status_, text_, ...)                                                         \
    { .row = {.title = "LSTM_" name, .op = "LSTM", __VA_ARGS__}, .status = status_, .text = text_ }

static const op_mistake mistakes[] = {
    MISTAKE("gates", TERN_ERR_SHAPE, "[1, 11, 5]",
            .inputs = {OP_FLOAT(4, 3, 5), OP_WEIGHT(1, 11, 5), OP_WEIGHT(1, 12, 3)}),
    MISTAKE("inputs", TERN_ERR_SHAPE, "[4, 3, 6]",
            .inputs = {OP_FLOAT(4, 3, 6), LSTM_WEIGHTS(1, 3, 5)}),
    MISTAKE("directions", TERN_ERR_SHAPE, "weights of 1 directions",
            .inputs = {OP_FLOAT(4, 3, 5), LSTM_WEIGHTS(1, 3, 5)}, .attributes = {BOTH_WAYS}),
    MISTAKE("direction", TERN_ERR_ARGUMENT, "direction 'sideways'",
            .inputs = {OP_FLOAT(4, 3, 5), LSTM_WEIGHTS(1, 3, 5)},
            .attributes = {OP_TEXT_ATTRIBUTE("direction", "sideways")}),
    MISTAKE("hidden_size", TERN_ERR_SHAPE, "hidden_size is 4",
            .inputs = {OP_FLOAT(4, 3, 5), LSTM_WEIGHTS(1, 3, 5)},
            .attributes = {OP_INT_ATTRIBUTE("hidden_size", 4)}),
    MISTAKE("clip", TERN_ERR_UNSUPPORTED, "clip is 2",
            .inputs = {OP_FLOAT(4, 3, 5), LSTM_WEIGHTS(1, 3, 5)},
            .attributes = {OP_REAL_ATTRIBUTE("clip", 2)}),
    MISTAKE("layout", TERN_ERR_ARGUMENT, "layout is 2",
            .inputs = {OP_FLOAT(4, 3, 5), LSTM_WEIGHTS(1, 3, 5)},
            .attributes = {OP_INT_ATTRIBUTE("layout", 2)}),
    MISTAKE("bias", TERN_ERR_SHAPE, "B is [1, 12] and must be [1, 24]",
            .inputs = {OP_FLOAT(4, 3, 5), LSTM_WEIGHTS(1, 3, 5), OP_WEIGHT(1, 12)}),
    MISTAKE("state", TERN_ERR_SHAPE, "initial_h is [1, 4, 3] and must be [1, 3, 3]",
            .inputs = {OP_FLOAT(4, 3, 5), LSTM_WEIGHTS(1, 3, 5), NONE, NONE, OP_WEIGHT(1, 4, 3)}),
};

int main(void) {
    return op_rows_run("lstm", lstm, sizeof lstm / sizeof *lstm) +
           op_rows_run("gru", gru, sizeof gru / sizeof *gru) +
           op_mistakes_run("mistakes", mistakes, sizeof mistakes / sizeof *mistakes);
}
