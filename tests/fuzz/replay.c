/* Runs a fuzz target without a fuzzer: replay FOLDER feeds it every file of the folder whole, cut
 * at several hundred places, and with bytes changed, taken out and put in, the same ones each time.
 */
#include "fuzz.h"

#include <dirent.h>

enum { CUTS = 400, CHANGES = 1500, LARGEST = 1 << 20 };

/* In memory of just this size, so that a sanitizer sees one byte too far. */
static void feed(const uint8_t *bytes, size_t size) {
    uint8_t *exact = malloc(size ? size : 1);
    fuzz_require(exact != NULL, "memory");
    memcpy(exact, bytes, size);
    LLVMFuzzerTestOneInput(exact, size);
    free(exact);
}

static void change_and_feed(const uint8_t *bytes, size_t size, tern__random *random) {
    static uint8_t changed[LARGEST + 64];
    memcpy(changed, bytes, size);
    for (int64_t times = 1 + tern__random_below(random, 3); times > 0 && size > 0; times--) {
        size_t at = (size_t)tern__random_below(random, (int64_t)size);
        size_t few = (size_t)tern__random_below(random, 9);
        switch (tern__random_below(random, 5)) {
        case 0:
            changed[at] ^= (uint8_t)(1u << tern__random_below(random, 8));
            break;
        case 1:
            changed[at] = (uint8_t)tern__random_u32(random);
            break;
        case 2:
            changed[at] = tern__random_below(random, 2) ? 0xff : 0;
            break;
        case 3:
            if (few > size - at) few = size - at;
            memmove(changed + at, changed + at + few, size - at - few);
            size -= few;
            break;
        default:
            if (size + few > LARGEST) break;
            memmove(changed + at + few, changed + at, size - at);
            size += few; /* what stood there is there twice */
        }
    }
    feed(changed, size);
}

static void feed_file(const char *path, uint64_t number) {
    static uint8_t bytes[LARGEST];
    FILE *f = fopen(path, "rb");
    fuzz_require(f != NULL, path);
    size_t size = fread(bytes, 1, sizeof bytes, f);
    fclose(f);
    feed(bytes, size);
    size_t step = size / CUTS + 1;
    for (size_t cut = 0; cut < size; cut += step) feed(bytes, cut);
    tern__random random = tern__random_make(1, number);
    for (int i = 0; i < CHANGES; i++) change_and_feed(bytes, size, &random);
}

int main(int count, char **arguments) {
    fuzz_require(count == 2, "usage: replay FOLDER");
    struct dirent **entries;
    int files = scandir(arguments[1], &entries, NULL, alphasort), fed = 0;
    fuzz_require(files >= 0, "a folder that can be read");
    for (int i = 0; i < files; i++) {
        char path[4096];
        if (entries[i]->d_name[0] != '.') {
            snprintf(path, sizeof path, "%s/%s", arguments[1], entries[i]->d_name);
            feed_file(path, (uint64_t)fed++);
        }
        free(entries[i]);
    }
    free(entries);
    fuzz_require(fed > 0, "files in the folder");
    printf("[       OK ] %d files, each whole, cut and changed\n", fed);
    return 0;
}
