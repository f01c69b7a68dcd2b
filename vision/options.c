/* The options of training on pictures, as tables: for masks and for labels. Knows no picture. */
#include "options.h"

#include "core/train/training.h"
#include <tern/vision_classify.h>
#include <tern/vision_train.h>

#define DATA(type)                                                                                 \
    TERN__ROW("memory", REAL, type, data.memory, 0.001, 1e6, "GB",                                 \
              "what the pictures may take (4)", .unit = 1e9)
#define NETWORK(type)                                                                              \
    TERN__TEXT_ROW("network", type, network, "NAME", "the kind of network", .letter = 'n')

typedef tern_vision_train_options masks;
#define MASKS(name, kind, ...) TERN__ROW(name, kind, masks, __VA_ARGS__)
static const char *const codings[] = {"auto", "binary", "numbers", NULL};
static const tern__option mask_rows[] = {
    TERN__TEXT_ROW("masks", masks, data.masks, "DIR", "their masks", .letter = 'm'),
    TERN__TEXT_ROW("fov", masks, data.fov, "DIR",
                   "fields of view: pixels that are 0 there do not count"),
    MASKS("coding", CHOICE, data.coding, 0, TERN_MASK_NUMBERS, "KIND",
          "of the masks: binary or numbers (auto)", .choices = codings),
    MASKS("classes", INT, data.classes, 2, 255, "N",
          "with the background (as many as the masks have)"),
    MASKS("channels", INT, data.channels, 1, 3, "N", "1: grey, 3: colour (as the pictures are)"),
    DATA(masks),
    MASKS("crop", INT, data.crop_width, 8, 8192, "N", "random crops of NxN pixels"),
    MASKS("crops", INT, data.crops, 1, 100000, "N", "so many of each picture an epoch"),
    MASKS("foreground", REAL, data.foreground, 0, 1, "SHARE",
          "of the crops are laid around a foreground pixel (0)"),
    TERN__FLAG_ROW("no-augmentation", masks, no_augmentation, "pictures as they are"),
    TERN__TEXT_ROW("augment", masks, augmentation, "NAME=X,...",
                   "other numbers for the variation of pictures: mirror,\n"
                   "flip, turn, rotate, scale, elastic, contrast, hue, ...; mask_x,\n"
                   "mask_y: the masks lie so many pixels right and below"),
    NETWORK(masks),
    TERN__TRAINING_FREEZE(masks),
    MASKS("width", INT64, width, 1, 512, "N", "channels of the first layer (16)"),
    MASKS("depth", INT64, depth, 1, 7, "N",
          "how often the picture is halved (4); fcn: dilated\nlayers (5)"),
    MASKS("dropout", REAL, dropout, 0, 0.99, "P", "before the deepest layers (0)"),
    TERN__FLAG_ROW("resize", masks, resize,
                   "enlarge by bilinear Resize, not by learnt convolutions"),
    TERN__FLAG_ROW("reflect", masks, reflect, "borders are mirrored instead of padded with zeros"),
    TERN__FLAG_ROW("no-normalization", masks, no_normalization,
                   "biases instead of BatchNormalization"),
    TERN__TEXT_ROW("loss", masks, loss, "NAME", "what training makes small"),
    MASKS("border-weight", REAL, data.border_weight, 0, 1e6, "W",
          "the background between two objects counts up to W times\n"
          "more, as U-Net's weight map has it (0; there: 10)"),
    MASKS("border-sigma", REAL, data.border_sigma, 0.1, 50, "S",
          "how far apart they may be, in pixels (5)"),
    TERN__TRAINING_STEPS(masks, "passes over the pictures (by their number)",
                         "pictures a step (8)"),
    TERN__TRAINING_RATES(masks, "of AdamW"),
    TERN__TRAINING_END(masks)};
static const masks mask_defaults = TERN_VISION_TRAIN_OPTIONS_INIT;
const tern__options tern__vision_training =
    TERN__OPTIONS("training options of masks", tern_vision_train_options, mask_rows, &mask_defaults,
                  "TERN_VISION_TRAIN_OPTIONS_INIT");

typedef tern_vision_classifier_train_options labels;
#define LABELS(name, kind, ...) TERN__ROW(name, kind, labels, __VA_ARGS__)
static const tern__option label_rows[] = {
    LABELS("channels", INT, data.channels, 1, 3, "N", "1: grey, 3: colour (as most pictures have)"),
    DATA(labels),
    NETWORK(labels),
    TERN__TRAINING_FREEZE(labels),
    LABELS("scale", REAL, scale, 0.05, 16, "X", "channels times this (1)"),
    LABELS("dropout", REAL, dropout, 0, 0.99, "P", "before the last layer"),
    TERN__TRAINING_STEPS(labels, "passes over the data (by the number of pictures)",
                         "pictures a step"),
    TERN__TRAINING_RATES(labels, "of AdamW"),
    TERN__TRAINING_MIXING(labels, "pictures"),
    LABELS("cutmix", REAL, train.cutmix, 0, 10, "A",
           "strength of replacing boxes by those of other pictures"),
    TERN__FLAG_ROW("no-augmentation", labels, no_augmentation, "pictures as they are"),
    TERN__TEXT_ROW("augment", labels, augmentation, "NAME=X,...",
                   "other numbers for their variation: mirror, rotate, shift,\n"
                   "scale, crop, cutout, brightness, ... (a little of each but\n"
                   "mirror, which digits do not bear)"),
    TERN__TRAINING_END(labels)};
static const labels label_defaults = TERN_VISION_CLASSIFIER_TRAIN_OPTIONS_INIT;
const tern__options tern__vision_classifier_training =
    TERN__OPTIONS("training options of labels", tern_vision_classifier_train_options, label_rows,
                  &label_defaults, "TERN_VISION_CLASSIFIER_TRAIN_OPTIONS_INIT");
