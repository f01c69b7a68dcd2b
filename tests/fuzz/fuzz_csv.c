/* Fuzz target: any bytes as a table, by commas and by tabs. */
#include "core/base/csv.h"
#include "fuzz.h"

static void read_table(const uint8_t *bytes, size_t size, char separator, bool header) {
    tern_context *c = fuzz_context((size_t)64 << 20);
    tern__csv *csv;
    tern_status status = tern__csv_open_memory(&csv, c, "fuzz", bytes, size, separator, header);
    bool got = status == TERN_OK;
    size_t line = 0, fields = 0, length = 0;
    while (got && (status = tern__csv_next(csv, &got)) == TERN_OK && got) {
        fuzz_require(csv->line > line, "lines that go up");
        fuzz_require(!header || fields == 0 || csv->n_fields == fields,
                     "rows as long as the header");
        line = csv->line;
        fields = csv->n_fields;
        for (size_t i = 0; i < fields; i++) length += strlen(csv->fields[i]);
    }
    fuzz_require(length <= size, "no more text than there is");
    tern__csv_close(csv);
    fuzz_end(c, status);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    read_table(bytes, size, ',', false);
    read_table(bytes, size, ',', true);
    read_table(bytes, size, '\t', true);
    return 0;
}
