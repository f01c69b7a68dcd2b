/* Draws something like a slice of tissue under an electron microscope, for examples/run, which
 * cannot ship a real one: draw_cells OUT.png. Cells are the places that are nearest to one of some
 * random points; between them lie dark membranes, in them grey matter with darker bodies. */
#include <tern/tern.h>
#include <math.h>
#include <stdio.h>

enum { SIDE = 512, CELLS = 70, BODIES = 90 };

static double draw(void) { /* 0..1, always the same numbers */
    static unsigned state = 2463534242u;
    state ^= state << 13, state ^= state >> 17, state ^= state << 5;
    return state / 4294967296.0;
}

/* Brightness of a pixel, 0..1. */
static double tissue(double x, double y, double cells[][2], double bodies[][3]) {
    int near = -1;
    double nearest = 1e9, membrane = 1e9, light = 0.66;
    const double u = x + 9 * sin(y / 31) + 3 * sin(y / 9),
                 v = y + 9 * sin(x / 27) + 3 * sin(x / 11);
    for (int i = 0; i < CELLS; i++) {
        const double d = hypot(u - cells[i][0], v - cells[i][1]);
        if (d < nearest) nearest = d, near = i;
    }
    for (int i = 0; i < CELLS; i++) { /* how far is it to the line halfway between two points? */
        const double apart = hypot(cells[i][0] - cells[near][0], cells[i][1] - cells[near][1]);
        const double d = hypot(u - cells[i][0], v - cells[i][1]);
        if (i != near) membrane = fmin(membrane, (d * d - nearest * nearest) / (2 * apart));
    }
    for (int i = 0; i < BODIES; i++)
        if (hypot(x - bodies[i][0], y - bodies[i][1]) < bodies[i][2]) light = 0.56;
    return light - 0.5 * exp(-pow(membrane / 3.5, 2));
}

int main(int argc, char **argv) {
    tern_context *c = NULL;
    tern_image image = {0}, noisy = {0};
    tern_vision_augmentation grain = {.noise = 0.2, .blur = 1};
    double cells[CELLS][2], bodies[BODIES][3];
    if (argc != 2) return fprintf(stderr, "usage: draw_cells OUT.png\n"), 2;
    for (int i = 0; i < CELLS; i++) cells[i][0] = SIDE * draw(), cells[i][1] = SIDE * draw();
    for (int i = 0; i < BODIES; i++)
        bodies[i][0] = SIDE * draw(), bodies[i][1] = SIDE * draw(), bodies[i][2] = 2 + 5 * draw();
    tern_status st = tern_context_create(&c, NULL);
    if (st == TERN_OK) st = tern_image_create(&image, c, SIDE, SIDE, 1, 8);
    for (int i = 0; st == TERN_OK && i < SIDE * SIDE; i++)
        ((uint8_t *)image.data)[i] = (uint8_t)(255 * tissue(i % SIDE, i / SIDE, cells, bodies));
    if (st == TERN_OK) st = tern_vision_augment(&noisy, NULL, &image, NULL, &grain, 1);
    if (st == TERN_OK) st = tern_image_save(&noisy, argv[1], 0);
    if (st != TERN_OK) fprintf(stderr, "%s\n", tern_context_message(c));
    tern_image_free(&image);
    tern_image_free(&noisy);
    tern_context_free(c);
    return st != TERN_OK;
}
