/* Reading whole files and replacing them: every call that can fail fails once, and the old file is
 * still there. */
#include "check.h"
#include "core/base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>

static char folder[64];
static tern_context *context;

static char *in_folder(const char *name) {
    static char path[16][512];
    static int turn;
    turn = (turn + 1) % 16;
    snprintf(path[turn], sizeof path[turn], "%s/%s", folder, name);
    return path[turn];
}

static int count_entries(void) {
    DIR *d = opendir(folder);
    assert_non_null(d);
    int count = 0;
    for (struct dirent *e; (e = readdir(d));) count += e->d_name[0] != '.' || e->d_name[1] > '.';
    closedir(d);
    return count;
}

static int make_folder(void **state) {
    (void)state;
    strcpy(folder, "tern-test-file-XXXXXX");
    if (!mkdtemp(folder)) return -1;
    return tern_context_create(&context, NULL) == TERN_OK ? 0 : -1;
}

static int remove_folder(void **state) {
    (void)state;
    DIR *d = opendir(folder);
    if (!d) return -1;
    for (struct dirent *e; (e = readdir(d));)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            unlink(in_folder(e->d_name));
    closedir(d);
    tern_context_free(context);
    return rmdir(folder);
}

static void write_plain(const char *path, const void *data, size_t size) {
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, size, f), size);
    assert_int_equal(fclose(f), 0);
}

static void assert_holds(const char *path, const void *data, size_t size) {
    char *bytes;
    size_t got;
    check_ok(context, tern__file_read(&bytes, &got, context, path, SIZE_MAX));
    assert_int_equal(got, size);
    assert_memory_equal(bytes, data, size);
    assert_int_equal(bytes[size], 0);
    tern__free(context, bytes);
}

static void reads_and_refuses(void **state) {
    (void)state;
    char *bytes = folder;
    size_t size = 7;
    const char *path = in_folder("ten");
    write_plain(path, "0123456789", 10);
    check_ok(context, tern__file_read(&bytes, &size, context, path, 10));
    assert_int_equal(size, 10);
    assert_string_equal(bytes, "0123456789");
    tern__free(context, bytes);
    check_error(context, TERN_ERR_LIMIT, "has 10 bytes; the limit is 9",
                tern__file_read(&bytes, &size, context, path, 9));
    assert_null(bytes);
    assert_int_equal(size, 0);
    check_error(context, TERN_ERR_IO, "is a folder",
                tern__file_read(&bytes, &size, context, folder, 9));
    check_error(context, TERN_ERR_IO, "absent: cannot open: No such file",
                tern__file_read(&bytes, &size, context, in_folder("absent"), 9));
    check_error(context, TERN_ERR_IO, "neither a regular file nor a pipe",
                tern__file_read(&bytes, &size, context, "/dev/zero", 9));
    const char *pipe_path = in_folder("pipe");
    assert_int_equal(mkfifo(pipe_path, 0600), 0);
    for (size_t limit = 9; limit <= 100; limit += 91) { /* a pipe is read to its end, bounded */
        const pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            const int out = open(pipe_path, O_WRONLY); /* the reader may come first or last */
            const bool written = write(out, "01234", 5) == 5 && write(out, "56789", 5) == 5;
            _exit(written ? 0 : 1);
        }
        const tern_status st = tern__file_read(&bytes, &size, context, pipe_path, limit);
        waitpid(child, NULL, 0);
        if (limit == 9) {
            check_error(context, TERN_ERR_LIMIT, "larger than the limit of 9 bytes", st);
            continue;
        }
        check_ok(context, st);
        assert_int_equal(size, 10);
        assert_string_equal(bytes, "0123456789");
        tern__free(context, bytes);
    }
    write_plain(path, "", 0);
    assert_holds(path, "", 0);
    /* A regular file that gives no size beforehand. */
    check_ok(context, tern__file_read(&bytes, &size, context, "/proc/self/status", 1 << 20));
    assert_true(size > 100);
    tern__free(context, bytes);
}

static void reads_standard_input(void **state) {
    (void)state;
    static char data[200000];
    for (size_t i = 0; i < sizeof data; i++) data[i] = (char)(i * 7 + i / 251);
    const char *path = in_folder("input");
    write_plain(path, data, sizeof data);
    int old = dup(0), fd = open(path, O_RDONLY);
    assert_true(old >= 0 && fd >= 0 && dup2(fd, 0) == 0);
    char *bytes, *refused;
    size_t size, refused_size;
    tern_status status = tern__file_read_stdin(&bytes, &size, context, sizeof data);
    lseek(0, 0, SEEK_SET);
    tern_status limited = tern__file_read_stdin(&refused, &refused_size, context, sizeof data - 1);
    dup2(old, 0);
    close(old);
    close(fd);
    assert_int_equal(status, TERN_OK);
    assert_int_equal(limited, TERN_ERR_LIMIT);
    assert_null(refused);
    assert_int_equal(size, sizeof data);
    assert_memory_equal(bytes, data, size);
    tern__free(context, bytes);
}

static void replaces(void **state) {
    (void)state;
    const char *path = in_folder("model");
    check_ok(context, tern_file_save(context, path, "first", 5));
    assert_holds(path, "first", 5);
    assert_int_equal(chmod(path, 0640), 0);
    /* Small pieces, one that fills the buffer, one that goes past it. */
    static char expected[300000];
    for (size_t i = 0; i < sizeof expected; i++) expected[i] = (char)(i * 31 + i / 1009);
    const size_t pieces[] = {1, 65535, 3, 0, 65536, 70000, 10, 98915};
    tern__file_writer *w;
    check_ok(context, tern__file_writer_open(&w, context, path));
    size_t at = 0;
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; at += pieces[i++])
        check_ok(context, tern__file_write(w, expected + at, pieces[i]));
    assert_int_equal(at, sizeof expected);
    assert_holds(path, "first", 5);
    check_ok(context, tern__file_writer_commit(&w));
    assert_null(w);
    assert_holds(path, expected, sizeof expected);
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0640);
    /* Through a symbolic link: the link stays, what it points to is replaced. */
    const char *link = in_folder("link");
    assert_int_equal(symlink("model", link), 0);
    check_ok(context, tern_file_save(context, link, "linked", 6));
    assert_holds(path, "linked", 6);
    assert_int_equal(lstat(link, &info), 0);
    assert_true(S_ISLNK(info.st_mode));
    /* Dropped. */
    check_ok(context, tern__file_writer_open(&w, context, path));
    check_ok(context, tern__file_write(w, "x", 1));
    tern__file_writer_abort(&w);
    tern__file_writer_abort(&w);
    assert_holds(path, "linked", 6);
    assert_int_equal(count_entries(), 2);
}

static void long_names_fit(void **state) {
    (void)state;
    char name[256];
    memset(name, 'n', 255);
    name[255] = 0;
    check_ok(context, tern_file_save(context, in_folder(name), "long", 4));
    assert_holds(in_folder(name), "long", 4);
    /* In the current folder, by a bare name. */
    assert_int_equal(chdir(folder), 0);
    tern_status status = tern_file_save(context, "bare", "bare", 4);
    assert_int_equal(chdir(".."), 0);
    assert_int_equal(status, TERN_OK);
    assert_holds(in_folder("bare"), "bare", 4);
}

static void refuses_targets(void **state) {
    (void)state;
    check_error(context, TERN_ERR_IO, "is a folder", tern_file_save(context, folder, "x", 1));
    check_error(context, TERN_ERR_IO, "is a folder",
                tern_file_save(context, in_folder("new/"), "x", 1));
    check_error(context, TERN_ERR_IO, "No such file",
                tern_file_save(context, in_folder("absent/file"), "x", 1));
    check_error(context, TERN_ERR_ARGUMENT, "empty", tern_file_save(context, "", "x", 1));
}

static void devices_are_written_through(void **state) {
    (void)state;
    static const char data[100000];
    check_error(context, TERN_ERR_IO, "/dev/full: cannot write: No space left",
                tern_file_save(context, "/dev/full", data, 5));
    check_error(context, TERN_ERR_IO, "No space left",
                tern_file_save(context, "/dev/full", data, sizeof data));
    check_ok(context, tern_file_save(context, "/dev/null", data, sizeof data));
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    char path[64], got[6] = "";
    snprintf(path, sizeof path, "/proc/self/fd/%d", ends[1]);
    check_ok(context, tern_file_save(context, path, "piped", 5));
    assert_int_equal(read(ends[0], got, 5), 5);
    assert_string_equal(got, "piped");
    close(ends[0]);
    close(ends[1]);
}

/* Makes call number `fail_at` fail with ENOSPC; all before go to the system. Writes are short. */
typedef struct failing {
    int calls, fail_at;
    bool again; /* fail all later calls too */
} failing;

static bool fails(void *user) {
    failing *f = user;
    int call = f->calls++;
    errno = ENOSPC;
    return f->again ? call >= f->fail_at : call == f->fail_at;
}
static int failing_open(void *user, const char *path, int flags, mode_t mode) {
    return fails(user) ? -1 : open(path, flags, mode);
}
static ssize_t failing_write(void *user, int fd, const void *data, size_t size) {
    return fails(user) ? -1 : write(fd, data, size > 40000 ? 40000 : size);
}
static int failing_fsync(void *user, int fd) { return fails(user) ? -1 : fsync(fd); }
static int failing_close(void *user, int fd) {
    bool failed = fails(user);
    close(fd);
    return failed ? -1 : 0;
}
static int failing_rename(void *user, const char *from, const char *to) {
    return fails(user) ? -1 : rename(from, to);
}

static void every_call_fails_once(void **state) {
    (void)state;
    static char old[1000], new[150000];
    memset(old, 'o', sizeof old);
    memset(new, 'n', sizeof new);
    const char *path = in_folder("model");
    failing f;
    const struct tern__file_calls calls = {
        &f, failing_open, failing_write, failing_fsync, failing_close, failing_rename};
    for (int again = 0; again < 2; again++) {
        int failures = 0;
        tern_status status = TERN_ERR_IO;
        for (int i = 0; status != TERN_OK; i++) {
            assert_true(i < 100);
            write_plain(path, old, sizeof old);
            f = (failing){0, i, again};
            context->file_calls = &calls;
            tern__file_writer *w;
            status = tern__file_writer_open(&w, context, path);
            if (status == TERN_OK) {
                tern__file_write(w, new, 100);
                tern__file_write(w, new, sizeof new - 100);
                status = tern__file_writer_commit(&w);
            } else {
                assert_null(w);
            }
            context->file_calls = NULL;
            assert_int_equal(count_entries(), 1);
            if (f.calls <= i) assert_int_equal(status, TERN_OK);
            if (status == TERN_OK) {
                assert_holds(path, new, sizeof new);
            } else {
                check_error(context, TERN_ERR_IO, "No space left", status);
                failures++;
                struct stat info;
                assert_int_equal(stat(path, &info), 0);
                assert_holds(path, info.st_size == sizeof new ? new : old,
                             info.st_size == sizeof new ? sizeof new : sizeof old);
            }
        }
        /* open, five writes, fsync, close, rename, the folder's open and fsync */
        assert_int_equal(failures, 11);
    }
}

static void sweeps_only_its_own(void **state) {
    (void)state;
    const char *path = in_folder("model");
    const char *stale = in_folder(".model.0123456789abcdef.tern-tmp");
    write_plain(stale, "stale", 5);
    write_plain(in_folder(".model.0123456789abcdeX.tern-tmp"), "not ours", 8);
    write_plain(in_folder(".other.0123456789abcdef.tern-tmp"), "not ours", 8);
    write_plain(in_folder(".model.0123456789abcdef.tern-tmp~"), "not ours", 8);
    /* Two writers of one path at once: the second does not take the first's file away. */
    tern__file_writer *first, *second;
    check_ok(context, tern__file_writer_open(&first, context, path));
    assert_int_equal(access(in_folder(".model.0123456789abcdef.tern-tmp"), F_OK), -1);
    assert_int_equal(count_entries(), 4);
    check_ok(context, tern__file_writer_open(&second, context, path));
    assert_int_equal(count_entries(), 5);
    check_ok(context, tern__file_write(first, "1st", 3));
    check_ok(context, tern__file_write(second, "2nd", 3));
    check_ok(context, tern__file_writer_commit(&second));
    assert_holds(path, "2nd", 3);
    check_ok(context, tern__file_writer_commit(&first));
    assert_holds(path, "1st", 3);
    assert_int_equal(count_entries(), 4);
    /* A process that dies in the middle. */
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        tern__file_writer *w;
        if (tern__file_writer_open(&w, context, path) != TERN_OK) _exit(1);
        tern__file_write(w, "half", 4);
        _exit(0);
    }
    int result;
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_int_equal(result, 0);
    assert_int_equal(count_entries(), 5);
    assert_holds(path, "1st", 3);
    check_ok(context, tern_file_save(context, path, "3rd", 3));
    assert_holds(path, "3rd", 3);
    assert_int_equal(count_entries(), 4);
}

typedef struct counting {
    int left, live;
} counting;

static void *counting_allocate(void *user, size_t size) {
    counting *n = user;
    if (n->left-- == 0) return NULL;
    n->live++;
    return aligned_alloc(64, (size + 63) & ~(size_t)63);
}
static void counting_release(void *user, void *pointer) {
    ((counting *)user)->live--;
    free(pointer);
}

static void every_allocation_fails_once(void **state) {
    (void)state;
    counting n = {-1, 0};
    tern_allocator allocator = {counting_allocate, counting_release, &n};
    tern_context_options o = TERN_CONTEXT_OPTIONS_INIT;
    o.allocator = &allocator;
    tern_context *c;
    check_ok(c, tern_context_create(&c, &o));
    const char *path = in_folder("model");
    tern_status status = TERN_ERR_MEMORY;
    const int live = n.live; /* of the context */
    for (int i = 0; status != TERN_OK; i++) {
        write_plain(path, "old", 3);
        n.left = i;
        status = tern_file_save(c, path, "new", 3);
        if (status == TERN_OK) {
            char *bytes;
            size_t size;
            status = tern__file_read(&bytes, &size, c, path, 10);
            if (status == TERN_OK) tern__free(c, bytes);
        }
        n.left = -1;
        assert_true(status == TERN_OK || status == TERN_ERR_MEMORY);
        assert_int_equal(n.live, live);
        assert_int_equal(count_entries(), 1);
    }
    tern_context_free(c);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(reads_and_refuses),     TEST(reads_standard_input), TEST(replaces),
        TEST(long_names_fit),        TEST(refuses_targets),      TEST(devices_are_written_through),
        TEST(every_call_fails_once), TEST(sweeps_only_its_own),  TEST(every_allocation_fails_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
