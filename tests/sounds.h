/* Small sound files for tests, written without libsndfile, and a folder that is removed afterwards.
 */
#ifndef TERN_TESTS_SOUNDS_H
#define TERN_TESTS_SOUNDS_H

#include "check.h"

#include <ftw.h>
#include <sys/stat.h>

/* 16-bit PCM, mono. samples NULL: a sine of `hertz` with a little noise of `seed`. */
static inline void sounds_write(const char *path, int rate, int count, double hertz,
                                unsigned seed) {
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    const uint32_t bytes = 2 * (uint32_t)count, riff = 36 + bytes, format = 16;
    const uint32_t rates[2] = {(uint32_t)rate, 2 * (uint32_t)rate};
    const uint16_t pcm[2] = {1, 1}, block[2] = {2, 16};
    fwrite("RIFF", 1, 4, file), fwrite(&riff, 4, 1, file), fwrite("WAVEfmt ", 1, 8, file);
    fwrite(&format, 4, 1, file), fwrite(pcm, 2, 2, file), fwrite(rates, 4, 2, file);
    fwrite(block, 2, 2, file), fwrite("data", 1, 4, file), fwrite(&bytes, 4, 1, file);
    for (int i = 0; i < count; i++) {
        seed = seed * 1664525u + 1013904223u;
        double noise = (double)(seed >> 8) / (1 << 24) - 0.5;
        double x =
            hertz > 0 ? 0.4 * sin(2 * 3.14159265358979 * hertz * i / rate) + 0.05 * noise : 0;
        int16_t s = (int16_t)lrint(32767 * x);
        fwrite(&s, 2, 1, file);
    }
    assert_int_equal(fclose(file), 0);
}

static inline void sounds_text(const char *path, const char *text) {
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

/* "FOLDER/name" in a ring of static buffers. */
static inline const char *sounds_path(const char *folder, const char *name) {
    static char paths[8][600];
    static int next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static inline void sounds_folder(char folder[64]) {
    strcpy(folder, "/tmp/tern-sounds-XXXXXX");
    assert_non_null(mkdtemp(folder));
}

static inline int sounds_remove_one(const char *path, const struct stat *info, int type,
                                    struct FTW *where) {
    (void)info, (void)type, (void)where;
    return remove(path);
}
static inline void sounds_remove(const char *folder) {
    nftw(folder, sounds_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

#endif
