/* Pictures in and out: PNG, JPEG and PNM files of any kind within limits, conversion, resizing, and
 * the way to the floats that a network reads.
 *
 * A tern_image holds bytes or 16-bit numbers, as the file does; floats are made of the part that is
 * needed (tern_image_floats), so that a picture of 12 million pixels costs 36 MB. x runs from left
 * to right, y from top to bottom. Floats are planes: [channels][height][width], 0..1 before
 * normalisation. Masks, augmentation and data sets are in vision_*.h. Order here: files,
 * conversion, resizing, floats. */
#ifndef TERN_VISION_H
#define TERN_VISION_H

#include <tern/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Bounds of what is read. */
#define TERN_IMAGE_MAX_SIDE 65535
#define TERN_IMAGE_MAX_PIXELS 67108864.0 /* 64 Mpx; tern_image_options.max_pixels */

/** A picture in memory. All zero: none. Functions that make one free nothing before: the struct is
 *  overwritten, and all zero on failure. */
typedef struct tern_image {
    tern_context *context; /**< whose memory data and palette are */
    int width, height;     /**< pixels, 1..65535 */
    int channels;     /**< 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha (not premultiplied) */
    int bits;         /**< 8: data is uint8_t, 16: uint16_t of this machine's byte order */
    void *data;       /**< [height][width][channels], rows without gaps */
    int colours;      /**< 0; else data are colour numbers below it (channels 1, bits 8) */
    uint8_t *palette; /**< [colours][3] RGB, or NULL */
} tern_image;

/** Frees data and palette and makes the struct all zero. NULL and an all-zero struct are allowed.
 */
TERN_API void tern_image_free(tern_image *image);
/** Makes a black picture (alpha 0 as well). Errors: TERN_ERR_ARGUMENT for channels outside 1..4 or
 * bits other than 8 and 16; TERN_ERR_LIMIT for a side outside 1..65535. */
TERN_API tern_status tern_image_create(tern_image *image, tern_context *context, int width,
                                       int height, int channels, int bits);

/* ---- files ---- */

/** What becomes of transparency. */
typedef enum tern_alpha {
    TERN_ALPHA_WHITE, /**< the picture is laid on white: v a + max (1 - a), rounded */
    TERN_ALPHA_DROP,  /**< the colours as they stand in the file */
    TERN_ALPHA_KEEP   /**< 2 or 4 channels */
} tern_alpha;

typedef struct tern_image_options {
    size_t size;  /**< sizeof(tern_image_options), set by the _INIT macro */
    int channels; /**< 0: as in the file (after alpha); 1: grey; 3: RGB */
    int bits;     /**< 0: as in the file; 8; 16 */
    tern_alpha alpha;
    bool keep_palette; /**< a PNG with a palette gives colour numbers and the palette (masks); its
                            transparency is then dropped, channels and bits are not looked at */
    bool ignore_orientation; /**< false: a JPEG is turned as its EXIF orientation (1..8) says */
    double max_pixels;       /**< 0: TERN_IMAGE_MAX_PIXELS */
} tern_image_options;
#define TERN_IMAGE_OPTIONS_INIT                                                                    \
    { .size = sizeof(tern_image_options) }

/** Reads a picture; its kind is told by its first bytes, not by its name. PNG: every colour type
 * and depth, interlaced or not; 1, 2 and 4 bits become 8; a tRNS chunk is transparency. JPEG:
 *  baseline and progressive (at most 500 scans), grey, YCbCr, RGB; CMYK and YCCK become RGB without
 * a colour profile. PNM: P1..P6, maxval 1..65535 scaled to 255 or 65535. path "-" is standard
 * input. options may be NULL. Errors: TERN_ERR_IO, TERN_ERR_FORMAT (not a picture of these kinds,
 * damaged, or ending early), TERN_ERR_LIMIT (sides, max_pixels, scans, a file above 1 GiB). */
TERN_API tern_status tern_image_load(tern_image *image, tern_context *context, const char *path,
                                     const tern_image_options *options);
/** The same from bytes in memory; name is for sentences. */
TERN_API tern_status tern_image_load_memory(tern_image *image, tern_context *context,
                                            const char *name, const void *bytes, size_t size,
                                            const tern_image_options *options);
/** Only what tern_image_load would give: width, height, channels, bits, and colours (without
 * palette); data is NULL. Reads the file's beginning; damage further on is not seen. Not for "-".
 */
TERN_API tern_status tern_image_probe(tern_image *image, tern_context *context, const char *path,
                                      const tern_image_options *options);
/** Whether a file of this name is taken for a picture where folders are read: .png, .jpg, .jpeg,
 * .pnm, .pbm, .pgm, .ppm in any case. */
TERN_API bool tern_image_is_name(const char *path);

/** Writes a picture, the old file staying until the new one is complete. The kind follows the name:
 *  .png (all channels, 8 and 16 bits, palette), .jpg or .jpeg (grey and RGB, quality 1..100, 0: 92,
 *  4:4:4; 16 bits are rounded to 8, alpha is laid on white), .pgm, .ppm, .pnm (grey and RGB; alpha
 * laid on white). "-" is standard output, as PNG. Errors: TERN_ERR_ARGUMENT for another ending,
 *  TERN_ERR_IO. */
TERN_API tern_status tern_image_save(const tern_image *image, const char *path, int quality);

/* ---- conversion ---- */

/** Another number of channels (1..4) or bits (8, 16; 0: the same). Colour to grey is Rec. 601's
 *  luma of the stored values, (299 R + 587 G + 114 B) / 1000 rounded; grey to colour repeats; 8 to
 * 16 bits is times 257, 16 to 8 is division by 257 rounded; alpha that is taken away is laid on
 * white, alpha that is added is opaque. Palettes are looked up. out must not be in. */
TERN_API tern_status tern_image_convert(tern_image *out, const tern_image *in, int channels,
                                        int bits);
/** Turns and mirrors: orientation 1..8 as EXIF has it, what to do to see the picture upright: 1
 * nothing, 2 mirror left-right, 3 half turn, 4 mirror top-bottom, 5 transpose, 6 a quarter
 * clockwise, 7 transpose over the other diagonal, 8 a quarter counter-clockwise. */
TERN_API tern_status tern_image_turn(tern_image *out, const tern_image *in, int orientation);

/** What lies beyond the edges, along each axis; index -1 of a b c d is: */
typedef enum tern_border {
    TERN_BORDER_REFLECT,  /**< b: mirrored without the edge, again and again (one pixel: itself) */
    TERN_BORDER_CONSTANT, /**< black */
    TERN_BORDER_EDGE,     /**< a */
    TERN_BORDER_WRAP      /**< d */
} tern_border;

/** The part [y, y + height) x [x, x + width), which may lie partly or wholly outside. */
TERN_API tern_status tern_image_crop(tern_image *out, const tern_image *in, int x, int y, int width,
                                     int height, tern_border border);

/* ---- resizing ---- */

/** How values between pixels are found. Output pixel i of n looks at s = (i + 0.5) in / n - 0.5. */
typedef enum tern_filter {
    TERN_FILTER_BILINEAR, /**< triangle, 1 - |d| */
    TERN_FILTER_NEAREST,  /**< pixel floor((i + 0.5) in / n) (PyTorch's nearest-exact) */
    TERN_FILTER_BICUBIC, /**< Keys' cubic; a = -0.75 without antialias, -0.5 with it, as PyTorch has
                              it and Pillow's antialiased one */
    TERN_FILTER_AREA     /**< mean over [i in / n, (i + 1) in / n], edge pixels in part */
} tern_filter;

/** Resizes channels x rows. antialias (bilinear, bicubic): where the picture shrinks, the filter
 *  is widened by in / n, normalised, and cut at the edges (PyTorch's antialias=True, Pillow);
 *  otherwise pixels beyond the edge are the edge's. Sums in float; rounded to nearest. Alpha
 *  is filtered like a colour. Pictures with a palette: nearest only. Same bits for any number of
 *  threads. Source of the cubic: Keys 1981. */
TERN_API tern_status tern_image_resize(tern_image *out, const tern_image *in, int width, int height,
                                       tern_filter filter, bool antialias);
/** The same for floats: in [planes][in_height][in_width] -> out [planes][height][width], which the
 *  caller provides. Errors: TERN_ERR_LIMIT for sides outside 1..65535; TERN_ERR_MEMORY. */
TERN_API tern_status tern_planes_resize(tern_context *context, float *out, int width, int height,
                                        const float *in, int planes, int in_width, int in_height,
                                        tern_filter filter, bool antialias);

/* ---- floats ---- */

/** How a picture's numbers become a network's: (v / max - mean[c]) / std[c], max 255 or 65535. */
typedef struct tern_normalization {
    int channels; /**< 1 or 3: what the network reads */
    float mean[3], std[3];
} tern_normalization;
/** mean 0, std 1: values stay 0..1. */
#define TERN_NORMALIZATION_INIT                                                                    \
    {                                                                                              \
        3, {0, 0, 0}, { 1, 1, 1 }                                                                  \
    }

/** Makes floats of the part [y, y + height) x [x, x + width), which may reach beyond the edges,
 * where border says what is there (constant: black, which is then normalised like all else).
 * Channels are converted as tern_image_convert does. -> out
 * [normalization->channels][height][width]. normalization NULL: the picture's own channels without
 * alpha, mean 0, std 1. Errors: TERN_ERR_ARGUMENT. */
TERN_API tern_status tern_image_floats(const tern_image *image, int x, int y, int width, int height,
                                       tern_border border, const tern_normalization *normalization,
                                       float *out);
/** A picture of bits 8 or 16 of planes [channels][height][width]; values are cut to 0..1 (NaN: 0)
 * and rounded to nearest. channels 1..4. */
TERN_API tern_status tern_image_from_floats(tern_image *image, tern_context *context,
                                            const float *planes, int channels, int width,
                                            int height, int bits);

#ifdef __cplusplus
}
#endif
#endif
