/* Files of texts: bytes and lines, gzip, the four formats, and everything that can be wrong with
 * them. */
#define _XOPEN_SOURCE 700
#include "texts.h"

#include "text/stream.h"

#include <zlib.h>

/* ---- bytes and lines ---- */

static void lines(void **state) {
    texts_fixture *f = *state;
    static const char text[] = "one\r\ntwo\n\n\rthree\0four\nlast";
    static const char *const expected[] = {"one", "two", "", "\rthree", "last"};
    static const size_t lengths[] = {3, 3, 0, 11, 4};
    tern__stream *s;
    char *line;
    size_t length, got;
    const unsigned char *bytes;
    check_ok(f->c, tern__stream_open(&s, f->c, texts_file(f, "a", text, sizeof text - 1)));
    assert_int_equal(tern__stream_left(s), sizeof text - 1);
    check_ok(f->c, tern__stream_peek(s, &bytes, 3, &got));
    assert_true(got >= 3);
    assert_memory_equal(bytes, "one", 3);
    for (size_t i = 0; i < 5; i++) {
        check_ok(f->c, tern__stream_next_line(s, &line, &length, 100));
        assert_string_equal(line, expected[i]);
        assert_int_equal(length, lengths[i]);
        assert_int_equal(tern__stream_line(s), i + 1);
        assert_int_equal(line[length], 0);
    }
    assert_int_equal(tern__stream_left(s), 0);
    for (int i = 0; i < 2; i++) {
        check_ok(f->c, tern__stream_next_line(s, &line, &length, 100));
        assert_null(line);
    }
    tern__stream_close(s);
    /* Lines and bytes from one stream. */
    char rest[40];
    check_ok(f->c, tern__stream_open_memory(&s, f->c, "memory", text, sizeof text - 1));
    check_ok(f->c, tern__stream_next_line(s, &line, &length, 100));
    check_ok(f->c, tern__stream_read(s, rest, 4, &got));
    assert_int_equal(got, 4);
    check_ok(f->c, tern__stream_read(s, rest + 4, sizeof rest - 4, &got));
    assert_int_equal(got, sizeof text - 1 - 9);
    assert_memory_equal(rest, text + 5, sizeof text - 1 - 5);
    tern__stream_close(s);
    check_error(f->c, TERN_ERR_IO, "cannot open: No such file",
                tern__stream_open(&s, f->c, "/nowhere/at/all"));
    assert_null(s);
    check_error(f->c, TERN_ERR_IO, "is a folder", tern__stream_open(&s, f->c, f->folder));
}

/* Lines of every length around the buffer's and the limit's, with both ends of line. */
static void long_lines(void **state) {
    texts_fixture *f = *state;
    static const size_t sizes[] = {65534, 65535, 65536, 65537, 131071, 131072, 200000, 3};
    const size_t n = sizeof sizes / sizeof *sizes;
    char *text = malloc(1 << 20), *p = text;
    for (size_t i = 0; i < n; i++) {
        memset(p, 'a' + (int)i, sizes[i]);
        p += sizes[i];
        if (i % 2) *p++ = '\r';
        *p++ = '\n';
    }
    for (int from_file = 0; from_file < 2; from_file++) {
        tern__stream *s;
        char *line;
        size_t length;
        if (from_file)
            check_ok(f->c,
                     tern__stream_open(&s, f->c, texts_file(f, "l", text, (size_t)(p - text))));
        else
            check_ok(f->c, tern__stream_open_memory(&s, f->c, "m", text, (size_t)(p - text)));
        for (size_t i = 0; i < n; i++) {
            check_ok(f->c, tern__stream_next_line(s, &line, &length, 200000));
            assert_int_equal(length, sizes[i]);
            assert_int_equal(line[0], 'a' + (int)i);
            assert_int_equal(line[length - 1], 'a' + (int)i);
        }
        tern__stream_close(s);
        check_ok(f->c, tern__stream_open_memory(&s, f->c, "m", text, (size_t)(p - text)));
        for (size_t i = 0; i < 6; i++)
            check_ok(f->c, tern__stream_next_line(s, &line, &length, 199999));
        for (int twice = 0; twice < 2; twice++) { /* it sticks */
            check_error(f->c, TERN_ERR_LIMIT, "m, line 7: the line is longer than 199999 bytes",
                        tern__stream_next_line(s, &line, &length, 199999));
            assert_null(line);
        }
        tern__stream_close(s);
    }
    free(text);
}

/* text as one gzip member -> its bytes, the caller's. */
static size_t pack(unsigned char *out, size_t room, const char *text, size_t size) {
    z_stream z = {0};
    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = (unsigned char *)(uintptr_t)text;
    z.avail_in = (unsigned)size;
    z.next_out = out;
    z.avail_out = (unsigned)room;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    deflateEnd(&z);
    return z.total_out;
}

static tern_status read_through(tern_context *c, const void *bytes, size_t size, char *out,
                                size_t room, size_t *got) {
    tern__stream *s = NULL;
    tern_status st = tern__stream_open_memory(&s, c, "packed", bytes, size);
    *got = 0;
    if (st == TERN_OK) st = tern__stream_read(s, out, room, got);
    tern__stream_close(s);
    return st;
}

static void gzip(void **state) {
    texts_fixture *f = *state;
    static char text[300000], out[700000];
    static unsigned char packed[400000];
    for (size_t i = 0; i < sizeof text; i++) text[i] = (char)('a' + (i * i / 7 + i % 31) % 26);
    size_t one = pack(packed, sizeof packed, text, sizeof text), got;
    size_t two = one + pack(packed + one, sizeof packed - one, "end\n", 4);
    check_ok(f->c, read_through(f->c, packed, one, out, sizeof out, &got));
    assert_int_equal(got, sizeof text);
    assert_memory_equal(out, text, sizeof text);
    check_ok(f->c, read_through(f->c, packed, two, out, sizeof out, &got)); /* two members */
    assert_int_equal(got, sizeof text + 4);
    assert_memory_equal(out + sizeof text, "end\n", 4);
    memset(packed + two, 0, 1000); /* a tape's block */
    check_ok(f->c, read_through(f->c, packed, two + 1000, out, sizeof out, &got));
    assert_int_equal(got, sizeof text + 4);
    packed[two + 999] = 'x';
    check_error(f->c, TERN_ERR_FORMAT, "packed: after the gzip data stands something else",
                read_through(f->c, packed, two + 1000, out, sizeof out, &got));
    for (size_t cut = 3; cut < two; cut += cut < 30 || cut > two - 40 ? 1 : 997)
        if (cut != one && cut != one + 1) /* there it is whole, or not gzip's any more */
            check_error(f->c, TERN_ERR_FORMAT, "the file is cut short",
                        read_through(f->c, packed, cut, out, sizeof out, &got));
    packed[one / 2] ^= 0x55;
    check_error(f->c, TERN_ERR_FORMAT, "damaged gzip data",
                read_through(f->c, packed, one, out, sizeof out, &got));
    packed[one / 2] ^= 0x55;
    packed[one - 6] ^= 1; /* the checksum */
    check_error(f->c, TERN_ERR_FORMAT, "damaged gzip data",
                read_through(f->c, packed, one, out, sizeof out, &got));
}

/* ---- formats ---- */

/* The file's texts as lines: line number, label, text, tokens with tags; then the skipped ones. */
static tern_status show(texts_fixture *f, const char *path, const tern_text_reader_options *o,
                        char *out, size_t size) {
    tern_text_reader *r = NULL;
    tern_text_record k;
    size_t used = 0;
    out[0] = 0;
    tern_status st = tern_text_reader_open(&r, f->c, path, o);
    if (st != TERN_OK) assert_null(r);
    for (bool got = true; st == TERN_OK;) {
        st = tern_text_reader_next(r, &k, &got);
        if (st != TERN_OK || !got) break;
        assert_int_equal(strlen(k.text), k.length);
        used += (size_t)snprintf(out + used, size - used, "%zu %s [%s]", k.line,
                                 k.label ? k.label : "-", k.text);
        for (size_t i = 0; i < k.n_tokens; i++)
            used += (size_t)snprintf(out + used, size - used, " %.*s/%s",
                                     (int)(k.tokens[i].end - k.tokens[i].begin),
                                     k.text + k.tokens[i].begin, k.tags[i]);
        used += (size_t)snprintf(out + used, size - used, "; ");
    }
    if (st == TERN_OK)
        snprintf(out + used, size - used, "%zu", tern_text_reader_skipped(r));
    else if (r) /* sticks */
        assert_int_equal(tern_text_reader_next(r, &k, &(bool){true}), st);
    tern_text_reader_close(r);
    return st;
}

static void formats(void **state) {
    texts_fixture *f = *state;
    static const struct {
        const char *name, *text, *expected;
        bool unlabelled;
        const char *text_column, *label_column;
        bool no_header;
    } cases[] = {
        /* tables of TABs: columns by name and by number, a header that names the defaults */
        {"a.tsv", "sentence\tmood\na b\t1\nc\"\t0\n", "2 1 [a b]; 3 0 [c\"]; 0", false, "sentence",
         "mood", false},
        {"a.tab", "id\tlabel\ttext\n1\tpos\ta\r\n", "2 pos [a]; 0", false, NULL, NULL, false},
        {"a.tsv", "a b\t1\nc\t0\n", "1 1 [a b]; 2 0 [c]; 0", false, "1", "2", true},
        {"a.tsv", "text\tlabel\n", "1 text [label]; 0", false, NULL, NULL, true},
        {"a.txt", "body\tmood\na,b\t1\n", "2 1 [a,b]; 0", false, "body", "mood", false},
        {"a.txt", "body,mood\n\"a,b\",1\n", "2 1 [a,b]; 0", false, "body", "mood", false},
        {"a.csv", "3,\"a, b\",c\n4,d,e\n", "1 3 [a, b]; 2 4 [d]; 0", false, NULL, NULL, true},
        {"a.csv", "3,\"a, b\",c\n", "1 c [3]; 0", false, "1", "3", true},
        {"a.csv", "text;label\na, b;1\n", "2 1 [a, b]; 0", false, NULL, NULL, false},
        {"a.csv", "text\tlabel\ra\t1\r", "2 1 [a]; 0", false, NULL, NULL, false},
        {"a.csv", "text , label\n\n  \na,1\n", "4 1 [a]; 2", false, NULL, NULL, false},
        /* fastText */
        {"a.txt", "__label__x a b\n__label__y\tc\td\n__label__z e\tf\n__label__w\n",
         "1 x [a b]; 2 y [c\td]; 3 z [e\tf]; 1", false, NULL, NULL, false},
        /* labels: no blanks around them (also no-break and ideographic ones), in NFC */
        {"a.tsv",
         "\xC2\xA0"
         "cafe\xCC\x81\xE3\x80\x80\ta\n\xEF\xBB\xBFx\tb\n",
         "1 caf\xC3\xA9 [a]; 2 x [b]; 0", false, NULL, NULL, false},
        {"a.csv", "text,label\na,e\xCC\x81\n", "2 \xC3\xA9 [a]; 0", false, NULL, NULL, false},
        {"a.conll", "a\te\xCC\x81 \n", "1 - [a] a/\xC3\xA9; 0", false, NULL, NULL, false},
        {"a.tsv", "a\xff \tb\n", "1 a\xff [b]; 0", false, NULL, NULL, false},
        /* comments, and # as a token */
        {"a.conll",
         "# id = 1\n# text = A b\nA\tO\n# within\nb\tO\n#\tO\n#tag\tB-x\n\n#newdoc\nC\tO\n",
         "3 - [A b # #tag] A/O b/O #/O #tag/B-x; 10 - [C] C/O; 0", false, NULL, NULL, false},
        {"a.conll",
         "-DOCSTART- -X- O O\n\n# text = EU x\nEU NNP O B-ORG\n# # O O\n#1 CD O O\n# sent 2\n",
         "4 - [EU # #1] EU/B-ORG #/O #1/O; 0", false, NULL, NULL, false},
        {"a.tsv",
         "\xEF\xBB\xBF"
         "1\ta b\r\n\n \t \n 0 \tc\td\nx\t \n2\te",
         "1 1 [a b]; 4 0 [c\td]; 6 2 [e]; 3", false, NULL, NULL, false},
        {"a.txt", "1\ta b\n", "1 1 [a b]; 0", false, NULL, NULL, false},
        {"a.txt", "1\ta b\n\n", "1 - [1\ta b]; 2 - []; 1", true, NULL, NULL, false},
        {"a.TSV", "1\ta b\n\n", "1 - [a b]; 1", true, NULL, NULL, false},
        {"a.csv", "id,label,text\n7,pos,\"a, \"\"b\"\"\nc\"\n8,neg,\n9, neg ,d\n",
         "2 pos [a, \"b\"\nc]; 5 neg [d]; 1", false, NULL, NULL, false},
        {"a.csv", "body,label\nx,1\n", "2 1 [x]; 0", false, "body", NULL, false},
        {"a.csv", "body\nx\n", "2 - [x]; 0", true, "body", NULL, false},
        {"a.conll", "-DOCSTART- -X- O\n\nA\tO\r\n's\tB-x\n\t\n\n\xEF\xBB\xBF\nC\tz\tI-x\n",
         "3 - [A 's] A/O 's/B-x; 8 - [C] C/I-x; 0", false, NULL, NULL, false},
        {"a.bio", "EU NNP B-ORG\nrejects VBZ O\n", "1 - [EU rejects] EU/B-ORG rejects/O; 0", false,
         NULL, NULL, false},
        {"a.conll", "", "0", false, NULL, NULL, false},
        {"a.tsv", "", "0", false, NULL, NULL, false},
    };
    char got[1000], name[32];
    unsigned char packed[1000];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tern_text_reader_options o = TERN_TEXT_READER_OPTIONS_INIT;
        o.unlabelled = cases[i].unlabelled;
        o.text_column = cases[i].text_column;
        o.label_column = cases[i].label_column;
        o.no_header = cases[i].no_header;
        check_ok(f->c, show(f, texts_write(f, cases[i].name, cases[i].text), &o, got, sizeof got));
        assert_string_equal(got, cases[i].expected);
        const size_t size = pack(packed, sizeof packed, cases[i].text, strlen(cases[i].text));
        snprintf(name, sizeof name, "%s.gz", cases[i].name);
        check_ok(f->c, show(f, texts_file(f, name, packed, size), &o, got, sizeof got));
        assert_string_equal(got, cases[i].expected);
    }
}

static void bad_input(void **state) {
    texts_fixture *f = *state;
    static const struct {
        const char *name, *text;
        tern_status status;
        const char *sentence;
    } cases[] = {
        {"a.tsv", "1\ta\nno tab\n", TERN_ERR_FORMAT, "a.tsv, line 2: there is no TAB"},
        {"a.tsv", "1\ta\n \ttext\n", TERN_ERR_FORMAT, "a.tsv, line 2: the label is empty"},
        {"a.tsv",
         "\xff\xfe"
         "1\t\n",
         TERN_ERR_FORMAT, "a.tsv: the text is UTF-16; save it as UTF-8"},
        {"a.csv", "text,kind\nx,1\n", TERN_ERR_FORMAT,
         "no column is named 'label'; there are: text, kind"},
        {"a.csv", "text,label\nx,1\ny, \n", TERN_ERR_FORMAT, "a.csv, line 3: the label is empty"},
        {"a.csv", "text,label\nx\n", TERN_ERR_FORMAT,
         "a.csv, line 2: 1 field where the header has 2"},
        {"a.csv", "", TERN_ERR_FORMAT, "the table is empty"},
        {"a.txt", "__label__a __label__\n", TERN_ERR_FORMAT,
         "a.txt, line 1: a second __label__; a text has one label"},
        {"a.txt", "__label__ x\n", TERN_ERR_FORMAT, "a.txt, line 1: the label is empty"},
        {"a.tsv", "id\ttext\tlabel\n1\ta\n", TERN_ERR_FORMAT,
         "a.tsv, line 2: 2 fields where the header has 3"},
        {"a.conll", "a\tO\nb\n", TERN_ERR_FORMAT, "a.conll, line 2: there is no tag"},
        {"a.conll", "a\tO\nb\t \n", TERN_ERR_FORMAT, "a.conll, line 2: there is no tag"},
        {"a.conll", "\tO\n", TERN_ERR_FORMAT, "a.conll, line 1: the token before the TAB is empty"},
        {"a.conll", "aaa\tO\nbbbbbbbbbbbbbbbbb\tO\n", TERN_ERR_LIMIT,
         "line 2: the text is longer than 20"},
        {"a.tsv", "1\ta\n2\t5678901234567890123\n", TERN_ERR_LIMIT,
         "line 2: the row is longer than 20 bytes"},
    };
    char got[1000];
    tern_text_reader_options o = TERN_TEXT_READER_OPTIONS_INIT;
    o.line_limit = 20;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_error(f->c, cases[i].status, cases[i].sentence,
                    show(f, texts_write(f, cases[i].name, cases[i].text), &o, got, sizeof got));
    check_error(f->c, TERN_ERR_FORMAT, "a.tsv, line 2: a NUL byte",
                show(f, texts_file(f, "a.tsv", "1\ta\n2\tb\0c\n", 11), &o, got, sizeof got));
    check_error(f->c, TERN_ERR_FORMAT, "a.conll, line 1: byte 2 is NUL",
                show(f, texts_file(f, "a.conll", "a\0\tO\n", 5), &o, got, sizeof got));
    check_error(f->c, TERN_ERR_FORMAT, "a.csv, line 2: a NUL byte",
                show(f, texts_file(f, "a.csv", "text,label\na\0,b\n", 16), &o, got, sizeof got));
    static const char *const names[] = {"u.tsv", "u.csv", "u.conll", "u.txt"};
    for (size_t i = 0; i < 4; i++)
        for (int mark = 0; mark < 2; mark++) {
            static const char wide[] = "\xff\xfe"
                                       "a\0\t\0b\0\n\0";
            check_error(
                f->c, TERN_ERR_FORMAT, "the text is UTF-16; save it as UTF-8",
                show(f,
                     texts_file(f, names[i], wide + 2 * mark, sizeof wide - 1 - 2 * (size_t)mark),
                     NULL, got, sizeof got));
        }
    tern_text_reader_options columns = TERN_TEXT_READER_OPTIONS_INIT;
    columns.text_column = "sentence";
    check_error(f->c, TERN_ERR_FORMAT,
                "a.tsv: no column is named 'sentence'; there are: label, body",
                show(f, texts_write(f, "a.tsv", "label\tbody\n1\ta\n"), &columns, got, sizeof got));
    check_error(f->c, TERN_ERR_ARGUMENT, "columns are chosen in tables",
                show(f, texts_write(f, "a.conll", "a\tO\n"), &columns, got, sizeof got));
    columns.no_header = true;
    columns.text_column = "4";
    check_error(f->c, TERN_ERR_FORMAT, "a.tsv, line 1: 2 fields, but column 4 is asked for",
                show(f, texts_write(f, "a.tsv", "1\ta\n"), &columns, got, sizeof got));
    columns.text_column = "1";
    check_error(f->c, TERN_ERR_ARGUMENT, "column 1 cannot be both",
                show(f, f->path, &columns, got, sizeof got));
    check_error(f->c, TERN_ERR_IO, "cannot open",
                show(f, "/nowhere/at/all.tsv", NULL, got, sizeof got));
    /* A line of 10 MB, which a higher limit lets pass. */
    char *big = malloc(10000003);
    memcpy(big, "1\t", 2);
    memset(big + 2, 'a', 10000000);
    big[10000002] = '\n';
    texts_file(f, "big.tsv", big, 10000003);
    free(big);
    tern_text_reader *r;
    tern_text_record k;
    bool got_one;
    check_error(f->c, TERN_ERR_LIMIT, "big.tsv, line 1: the row is longer than 1048576 bytes",
                show(f, f->path, NULL, got, sizeof got));
    o.line_limit = 11000000;
    check_ok(f->c, tern_text_reader_open(&r, f->c, f->path, &o));
    check_ok(f->c, tern_text_reader_next(r, &k, &got_one));
    assert_int_equal(k.length, 10000000);
    tern_text_reader_close(r);
    o.size = 1;
    check_error(f->c, TERN_ERR_ARGUMENT, "TERN_TEXT_READER_OPTIONS_INIT",
                tern_text_reader_open(&r, f->c, f->path, &o));
    o.size = sizeof o;
    o.format = (tern_text_format)9;
    check_error(f->c, TERN_ERR_ARGUMENT, "no format 9",
                tern_text_reader_open(&r, f->c, f->path, &o));
}

/* A pipe: texts arrive as they are written. */
static void standard_input(void **state) {
    texts_fixture *f = *state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    const int saved = dup(STDIN_FILENO);
    assert_int_equal(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
    close(ends[0]);
    tern_text_reader *r;
    tern_text_record k;
    bool got;
    tern_text_reader_options o = TERN_TEXT_READER_OPTIONS_INIT;
    o.unlabelled = true;
    assert_int_equal(write(ends[1], "first\n", 6), 6);
    check_ok(f->c, tern_text_reader_open(&r, f->c, "-", &o));
    assert_string_equal(tern_text_reader_name(r), "standard input");
    check_ok(f->c, tern_text_reader_next(r, &k, &got));
    assert_string_equal(k.text, "first");
    assert_int_equal(write(ends[1], "second", 6), 6);
    close(ends[1]);
    check_ok(f->c, tern_text_reader_next(r, &k, &got));
    assert_string_equal(k.text, "second");
    check_ok(f->c, tern_text_reader_next(r, &k, &got));
    assert_false(got);
    tern_text_reader_close(r);
    assert_int_equal(dup2(saved, STDIN_FILENO), STDIN_FILENO);
    close(saved);
}

static tern_status read_each_format(texts_fixture *f) {
    char path[128], got[1000];
    static const char *const names[] = {"m.tsv.gz", "m.csv", "m.conll", "m.tsv"};
    tern_status st = TERN_OK;
    for (int i = 0; st == TERN_OK && i < 4; i++) {
        snprintf(path, sizeof path, "%s/%s", f->folder, names[i]);
        st = show(f, path, NULL, got, sizeof got);
    }
    return st;
}

static void without_memory(void **state) {
    texts_fixture *f = *state;
    unsigned char packed[1000];
    texts_file(f, "m.tsv.gz", packed, pack(packed, sizeof packed, "1\ta b\n2\tb\n", 10));
    texts_write(f, "m.csv", "text,label\nx,1\n");
    texts_write(f, "m.conll", "a\tO\nb\tB-x\n\nc\tO\n");
    texts_write(f, "m.tsv", "1\ta b\n2\tb\n");
    texts_starve(f, read_each_format);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(lines, texts_set_up, texts_tear_down),
        cmocka_unit_test_setup_teardown(long_lines, texts_set_up, texts_tear_down),
        cmocka_unit_test_setup_teardown(gzip, texts_set_up, texts_tear_down),
        cmocka_unit_test_setup_teardown(formats, texts_set_up, texts_tear_down),
        cmocka_unit_test_setup_teardown(bad_input, texts_set_up, texts_tear_down),
        cmocka_unit_test_setup_teardown(standard_input, texts_set_up, texts_tear_down),
        cmocka_unit_test_setup_teardown(without_memory, texts_set_up, texts_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
