#!/usr/bin/python3
"""Makes recurrent.h: what PyTorch's LSTM and GRU give, both ways, for sequences of different
lengths, with weights in ONNX's order of gates. Needs Debian's python3-torch.

    /usr/bin/python3 tests/golden/recurrent.py > tests/golden/recurrent.h
"""
import math
import textwrap

import torch

BATCH, STEPS, INPUTS, HIDDEN = 3, 4, 2, 3
LENGTHS = [4, 2, 3]
ORDER = {"lstm": [0, 3, 1, 2], "gru": [1, 0, 2]}  # of ONNX in PyTorch's i f g o and r z n


def array(name, values):
    text = ", ".join("%.9g" % v for v in values.flatten().tolist())
    print("static const float %s[] = {" % name)
    print("\n".join(textwrap.wrap(text, 96, initial_indent="    ", subsequent_indent="    ")))
    print("};")


def reorder(w, kind):
    gates = w.view(len(ORDER[kind]), HIDDEN, -1)
    return torch.cat([gates[i] for i in ORDER[kind]])


def fill(layer):
    count = 0
    for p in layer.parameters():
        values = [0.6 * math.sin(1.7 * (count + i) + 0.4) for i in range(p.numel())]
        count += p.numel()
        p.data = torch.tensor(values).view_as(p)


print("/* Made by tests/golden/recurrent.py with PyTorch %s. */" % torch.__version__.split("+")[0])
print("#ifndef TERN_TESTS_GOLDEN_RECURRENT_H")
print("#define TERN_TESTS_GOLDEN_RECURRENT_H\n\n#include <stdint.h>\n")
print("enum { GOLDEN_BATCH = %d, GOLDEN_STEPS = %d, GOLDEN_INPUTS = %d, GOLDEN_HIDDEN = %d };"
      % (BATCH, STEPS, INPUTS, HIDDEN))
print("static const int64_t golden_lengths[] = {%s};" % ", ".join(map(str, LENGTHS)))
x = torch.tensor([math.sin(0.9 * i) for i in range(BATCH * STEPS * INPUTS)])
x = x.view(BATCH, STEPS, INPUTS)
array("golden_x", x)
for kind, make in (("lstm", torch.nn.LSTM), ("gru", torch.nn.GRU)):
    layer = make(INPUTS, HIDDEN, batch_first=True, bidirectional=True)
    fill(layer)
    packed = torch.nn.utils.rnn.pack_padded_sequence(x, LENGTHS, True, enforce_sorted=False)
    y, _ = torch.nn.utils.rnn.pad_packed_sequence(layer(packed)[0], True)
    for name in ("weight_ih", "weight_hh"):
        both = [reorder(getattr(layer, name + "_l0" + way), kind) for way in ("", "_reverse")]
        array("golden_%s_%s" % (kind, "w" if name == "weight_ih" else "r"), torch.cat(both))
    both = [torch.cat([reorder(getattr(layer, "bias_%s_l0%s" % (b, way)), kind)
                       for b in ("ih", "hh")]) for way in ("", "_reverse")]
    array("golden_%s_b" % kind, torch.cat(both))
    array("golden_%s_y" % kind, y)
print("\n#endif")
