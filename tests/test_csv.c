/* Tables: RFC 4180's rules, bounds, and sentences with line numbers. */
#include "one_context.h"
#include "core/base/csv.h"

#include <unistd.h>

/* Reads a whole table: rows as "LINE:<field><field>", one after the other. */
static tern_status read_table(char *out, size_t size, const char *name, const char *text,
                              size_t length, bool header) {
    tern__csv *csv;
    out[0] = 0;
    char *exact = malloc(length ? length : 1); /* so that a sanitizer sees one byte too far */
    memcpy(exact, text, length);
    tern_status status = tern__csv_open_memory(&csv, context, name, exact, length, 0, header);
    bool got = status == TERN_OK;
    size_t used = 0;
    while (got && (status = tern__csv_next(csv, &got)) == TERN_OK && got) {
        used += (size_t)snprintf(out + used, size - used, "%zu:", csv->line);
        for (size_t i = 0; i < csv->n_fields; i++)
            used += (size_t)snprintf(out + used, size - used, "<%s>", csv->fields[i]);
        assert_true(used < size);
    }
    if (status != TERN_OK && csv) {
        assert_false(got);
        assert_int_equal(tern__csv_next(csv, &got), status); /* errors stick */
    }
    tern__csv_close(csv);
    free(exact);
    return status;
}

static void rows(const char *text, const char *expected) {
    char out[2000];
    check_ok(context, read_table(out, sizeof out, "t.csv", text, strlen(text), false));
    assert_string_equal(out, expected);
}

static void rules(void **state) {
    (void)state;
    rows("", "");
    rows("\n\r\n\r\n", "");
    rows("a", "1:<a>");
    rows("a,b\nc,d", "1:<a><b>2:<c><d>");
    rows("a,b\r\nc,d\r\n", "1:<a><b>2:<c><d>");
    rows("a,b\rc,d\r", "1:<a><b>2:<c><d>");
    rows("\xef\xbb\xbf"
         "a\n\n\nb\n",
         "1:<a>4:<b>");
    rows(",\n", "1:<><>");
    rows("a,", "1:<a><>");
    rows("\"\"\n", "1:<>");
    rows("\"a,\"\"b\"\"\",\"c\nd\r\ne\"\nf,\n", "1:<a,\"b\"><c\nd\r\ne>4:<f><>");
    rows("\"x\ry\"\nz", "1:<x\ry>3:<z>");
    rows("5\" pipe, \"x\"\n", "1:<5\" pipe>< \"x\">");
    rows("\xef\xbb", "1:<\xef\xbb>");
    char out[200];
    const char *tabs = "\"a\tb,c\"\n\td\n";
    check_ok(context, read_table(out, sizeof out, "t.tsv", tabs, strlen(tabs), false));
    assert_string_equal(out, "1:<\"a><b,c\">2:<><d>");
}

/* Tables as programs write them: separators that the first line shows, quotes in files of TABs. */
static void as_written(void **state) {
    (void)state;
    static const struct {
        const char *name, *text, *expected;
    } cases[] = {
        {"t.TSV", "a,b\tc\r\rd\te\r", "1:<a,b><c>3:<d><e>"},
        {"t.csv", "a\tb\nc\td, e\n", "1:<a><b>2:<c><d, e>"},
        {"t.csv", "a;b\n\"c;d\";\"e\"\"\"\n", "1:<a><b>2:<c;d><e\">"},
        {"t.csv", "a,b;c\td\n", "1:<a><b;c\td>"},
        {"/dev/fd/63", "a, b\tc\n", "1:<a, b><c>"},
        {"/dev/fd/63", "a,b\n", "1:<a><b>"},
        {"t.tsv", "a\t\"b \"\"c\"\" d\"\n\"e\" f\t\"g\"\n", "1:<a><b \"c\" d>2:<\"e\" f><\"g\">"},
        {"t.tsv", "\"a\"\t\"b\"\n\"c\td\"\t\"e\nf\"\ng\t5\" h\n",
         "1:<a><b>2:<c\td><e\nf>4:<g><5\" h>"},
        {"t.tsv", "\xef\xbb\xbf\"a\"\t\"b\"\n", "1:<a><b>"},
    };
    char out[500];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *text = cases[i].text;
        check_ok(context, read_table(out, sizeof out, cases[i].name, text, strlen(text), false));
        assert_string_equal(out, cases[i].expected);
    }
    /* The last field takes the rest of the line. */
    tern__csv *csv;
    bool got;
    check_ok(context,
             tern__csv_open_memory(&csv, context, "t", "\n\na\tb\tc\t\n \nd\n", 14, '\t', false));
    csv->most_fields = 2;
    check_ok(context, tern__csv_next(csv, &got));
    assert_int_equal(csv->n_fields, 2);
    assert_string_equal(csv->fields[1], "b\tc\t");
    assert_int_equal(csv->n_blank, 2);
    tern__csv_close(csv);
}

static void numbered_columns(void **state) {
    (void)state;
    static const char text[] = "x,y,z\n\nu,v\n";
    tern__csv *csv;
    size_t index;
    bool got;
    check_ok(context, tern__csv_open_memory(&csv, context, "t", text, strlen(text), ',', false));
    check_ok(context, tern__csv_column(csv, "3", &index));
    assert_int_equal(index, 2);
    static const char *const wrong[] = {"0", "x", "", "-1", "1x", "12345678"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        check_error(context, TERN_ERR_FORMAT, "is no column: without a header they are numbered",
                    tern__csv_column(csv, wrong[i], &index));
    check_ok(context, tern__csv_next(csv, &got));
    assert_string_equal(csv->fields[2], "z");
    check_error(context, TERN_ERR_FORMAT, "t, line 3: 2 fields, but column 3 is asked for",
                tern__csv_next(csv, &got));
    tern__csv_close(csv);
    /* Names are without blanks around them, and rows of blanks are none. */
    static const char blanks[] = "file , label\n \na,b\n";
    check_ok(context, tern__csv_open_memory(&csv, context, "t", blanks, strlen(blanks), ',', true));
    check_ok(context, tern__csv_column(csv, "label", &index));
    check_ok(context, tern__csv_column(csv, "file", &index));
    check_error(context, TERN_ERR_FORMAT, "(--no-header)", tern__csv_column(csv, "2", &index));
    check_ok(context, tern__csv_next(csv, &got));
    assert_int_equal(csv->line, 3);
    tern__csv_close(csv);
}

static void refuse(const char *text, size_t length, bool header, const char *sentence) {
    char out[2000];
    check_error(context, TERN_ERR_FORMAT, sentence,
                read_table(out, sizeof out, "t.csv", text, length, header));
}
#define REFUSE(text, header, sentence) refuse(text, sizeof text - 1, header, sentence)

static void refusals(void **state) {
    (void)state;
    REFUSE("a\nb\0c\n", false, "t.csv, line 2: a NUL byte");
    REFUSE("a\n\"b\nc\0\"\n", false, "t.csv, line 3: a NUL byte");
    REFUSE("a\n\"b\nc", false, "t.csv, line 2: the quote that opens here never closes");
    REFUSE("a\n\n\"b\"c\n", false, "t.csv, line 3: text after a closing quote");
    REFUSE("\xff\xfe"
           "a\0",
           false, "UTF-16");
    REFUSE("\xfe\xff\0a", true, "t.csv: the text is UTF-16; save it as UTF-8");
    REFUSE("a\0,\0b\0\n\0", true, "UTF-16");
    REFUSE("\0a\0,\0b", false, "UTF-16");
    REFUSE("\xff\xfe\0\0a\0\0\0", false, "UTF-32");
    REFUSE("", true, "the table is empty");
    REFUSE("a,b\n\"1\n\",2\n1\n", true, "t.csv, line 4: 1 field where the header has 2");
    REFUSE("a,b\n1,2,3\n", true, "line 2: 3 fields");
}

static void columns(void **state) {
    (void)state;
    const char *text = "file,label,x,x\n1,2,3,4\n";
    tern__csv *csv;
    size_t index = 9;
    bool got;
    check_ok(context, tern__csv_open_memory(&csv, context, "t", text, strlen(text), ',', true));
    check_ok(context, tern__csv_column(csv, "label", &index));
    assert_int_equal(index, 1);
    assert_true(tern__csv_has_column(csv, "x"));
    assert_false(tern__csv_has_column(csv, "y"));
    check_error(context, TERN_ERR_FORMAT, "t: no column is named 'y'; there are: file, label, x, x",
                tern__csv_column(csv, "y", &index));
    check_error(context, TERN_ERR_FORMAT, "2 columns are named 'x'",
                tern__csv_column(csv, "x", &index));
    check_ok(context, tern__csv_next(csv, &got));
    assert_true(got);
    assert_string_equal(csv->fields[3], "4");
    check_error(context, TERN_ERR_FORMAT, "t, line 2: no file 1",
                tern__csv_fail(csv, TERN_ERR_FORMAT, "no file %s", csv->fields[0]));
    check_ok(context, tern__csv_next(csv, &got));
    assert_false(got);
    tern__csv_close(csv);
    /* A long list of columns is cut. */
    char many[4000] = "";
    for (int i = 0; i < 300; i++) sprintf(many + strlen(many), "%scolumn%d", i ? "," : "", i);
    check_ok(context, tern__csv_open_memory(&csv, context, "t", many, strlen(many), ',', true));
    check_error(context, TERN_ERR_FORMAT, "...", tern__csv_column(csv, "y", &index));
    tern__csv_close(csv);
}

static void long_rows(void **state) {
    (void)state;
    size_t size = (size_t)5 << 20;
    char *text = malloc(size), *out = malloc(size);
    /* A row of nearly the limit, then one beyond it. */
    memset(text, 'x', size);
    size_t first = TERN__CSV_ROW_LIMIT - 1;
    text[first] = '\n';
    check_ok(context, read_table(out, size, "t", text, first + 1, false));
    assert_int_equal(strlen(out), first + 4);
    check_error(context, TERN_ERR_LIMIT, "line 2: the row is longer than 1048576 bytes",
                read_table(out, size, "t", text, size, false));
    memset(text, ',', size); /* as many fields as a row can have */
    check_error(context, TERN_ERR_LIMIT, "line 1: the row is longer",
                read_table(out, size, "t", text, size, false));
    free(text);
    free(out);
}

static void files(void **state) {
    (void)state;
    tern__csv *csv;
    bool got;
    check_error(context, TERN_ERR_IO, "absent.csv: cannot open: No such file",
                tern__csv_open(&csv, context, "absent.csv", 0, true));
    assert_null(csv);
    check_error(context, TERN_ERR_IO, "is a folder", tern__csv_open(&csv, context, ".", 0, true));
    /* Longer than the buffer, so that rows and line ends fall on its edges. */
    char path[64];
    snprintf(path, sizeof path, "tern-test-%d.csv", (int)getpid());
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    fputs("\xef\xbb\xbfnumber,\"sq\"\"uare\"\r\n", f);
    for (int i = 0; i < 50000; i++) fprintf(f, "%d,\"%lld\"\r\n", i, (long long)i * i);
    assert_int_equal(fclose(f), 0);
    check_ok(context, tern__csv_open(&csv, context, path, 0, true));
    size_t index;
    check_ok(context, tern__csv_column(csv, "sq\"uare", &index));
    for (int i = 0; i < 50000; i++) {
        check_ok(context, tern__csv_next(csv, &got));
        assert_true(got);
        assert_int_equal(csv->line, i + 2);
        assert_int_equal(atoi(csv->fields[0]), i);
        assert_int_equal(atoll(csv->fields[1]), (long long)i * i);
    }
    check_ok(context, tern__csv_next(csv, &got));
    assert_false(got);
    tern__csv_close(csv);
    unlink(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules),
        cmocka_unit_test(as_written),
        cmocka_unit_test(numbered_columns),
        cmocka_unit_test(refusals),
        cmocka_unit_test(columns),
        cmocka_unit_test(long_rows),
        cmocka_unit_test(files),
    };
    return cmocka_run_group_tests(tests, open_context, close_context);
}
