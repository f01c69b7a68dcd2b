#!/usr/bin/python3
"""Makes resize.h: what PyTorch's interpolate does with small planes. Needs Debian's python3-torch.

    /usr/bin/python3 tests/golden/resize.py > tests/golden/resize.h
"""
import textwrap

import torch
import torch.nn.functional as F

SIZES = [((5, 7), (3, 3)), ((5, 7), (11, 9)), ((4, 4), (8, 8)), ((9, 16), (2, 5)), ((1, 1), (3, 2)),
         ((6, 10), (3, 5)), ((3, 20), (7, 4))]
KINDS = [("TERN_FILTER_BILINEAR", "bilinear", False), ("TERN_FILTER_BILINEAR", "bilinear", True),
         ("TERN_FILTER_BICUBIC", "bicubic", False), ("TERN_FILTER_BICUBIC", "bicubic", True),
         ("TERN_FILTER_NEAREST", "nearest-exact", False)]


def plane(height, width):
    """Values that a test can make again: ((17 x + 31 y + x y) mod 64) / 64."""
    return torch.tensor([[((17 * x + 31 * y + x * y) % 64) / 64 for x in range(width)]
                         for y in range(height)], dtype=torch.float64)


def main():
    print(f"/* Made by tests/golden/resize.py with PyTorch {torch.__version__}. */")
    print("#ifndef TERN_TESTS_GOLDEN_RESIZE_H\n#define TERN_TESTS_GOLDEN_RESIZE_H\n")
    print("#include <tern/vision.h>\n")
    numbers, cases = [], []
    for (ih, iw), (oh, ow) in SIZES:
        for name, mode, antialias in KINDS:
            extra = {} if mode == "nearest-exact" else {"align_corners": False,
                                                        "antialias": antialias}
            out = F.interpolate(plane(ih, iw)[None, None], size=(oh, ow), mode=mode, **extra)
            cases.append(f"    {{{iw}, {ih}, {ow}, {oh}, {name}, {str(antialias).lower()}, "
                         f"{len(numbers)}}},")
            numbers += [f"{v:.12g}" for v in out.flatten().tolist()]
    print("static const struct golden_resize {")
    print("    int in_width, in_height, width, height;\n    tern_filter filter;")
    print("    bool antialias;\n    int first; /* of golden_resized */")
    print("} golden_resizes[] = {")
    print("\n".join(cases))
    print("};\nstatic const double golden_resized[] = {")
    print("\n".join(textwrap.wrap(", ".join(numbers), 99, initial_indent="    ",
                                  subsequent_indent="    ")))
    print("};\n\n#endif")


main()
