#!/usr/bin/python3
"""Makes optimizers.h: what PyTorch's optimisers and schedules do. Needs Debian's python3-torch.

    /usr/bin/python3 tests/golden/optimizers.py > tests/golden/optimizers.h
"""
import math
import textwrap

import torch

STEPS, N = 10, 7
O = torch.optim


def line(text=""):
    """Prints, wrapped to 100 columns."""
    indent = " " * (len(text) - len(text.lstrip()) + 1)
    for row in text.split("\n"):
        print("\n".join(textwrap.wrap(row, 100, subsequent_indent=indent, break_on_hyphens=False))
              if len(row) > 100 else row)


def start():
    return torch.tensor([0.5 * math.sin(1.3 * i + 0.2) for i in range(N)], dtype=torch.float32)


def gradient(step):
    """Varied sizes and signs, a zero and a tiny one."""
    g = [math.sin(0.7 * i + 1.1 * step) * 10.0 ** (i % 3 - 1) for i in range(N)]
    g[3] = 0.0 if step % 2 else g[3]
    g[5] *= 1e-6
    return torch.tensor(g, dtype=torch.float32)


KINDS = [
    ("SGD", lambda p: O.SGD(p, lr=0.01), ".kind = TERN_OPTIMIZER_SGD"),
    ("SGD momentum", lambda p: O.SGD(p, lr=0.05, momentum=0.9),
     ".kind = TERN_OPTIMIZER_SGD, .learning_rate = 0.05, .momentum = 0.9"),
    ("SGD dampening", lambda p: O.SGD(p, lr=0.05, momentum=0.8, dampening=0.3, weight_decay=0.1),
     ".kind = TERN_OPTIMIZER_SGD, .learning_rate = 0.05, .momentum = 0.8, .dampening = 0.3, "
     ".weight_decay = 0.1"),
    ("SGD Nesterov", lambda p: O.SGD(p, lr=0.05, momentum=0.9, nesterov=True, weight_decay=0.01),
     ".kind = TERN_OPTIMIZER_SGD, .learning_rate = 0.05, .momentum = 0.9, .nesterov = true, "
     ".weight_decay = 0.01"),
    ("Adam", lambda p: O.Adam(p), ".kind = TERN_OPTIMIZER_ADAM"),
    ("Adam decay", lambda p: O.Adam(p, lr=0.02, betas=(0.8, 0.95), eps=1e-5, weight_decay=0.1),
     ".kind = TERN_OPTIMIZER_ADAM, .learning_rate = 0.02, .beta1 = 0.8, .beta2 = 0.95, "
     ".epsilon = 1e-5, .weight_decay = 0.1"),
    ("AdamW", lambda p: O.AdamW(p), ".kind = TERN_OPTIMIZER_ADAMW"),
    ("AdamW decay", lambda p: O.AdamW(p, lr=0.02, weight_decay=0.3),
     ".kind = TERN_OPTIMIZER_ADAMW, .learning_rate = 0.02, .weight_decay = 0.3"),
    ("RMSprop", lambda p: O.RMSprop(p), ".kind = TERN_OPTIMIZER_RMSPROP"),
    ("RMSprop momentum", lambda p: O.RMSprop(p, lr=0.003, alpha=0.9, momentum=0.7, weight_decay=0.1),
     ".kind = TERN_OPTIMIZER_RMSPROP, .learning_rate = 0.003, .smoothing = 0.9, .momentum = 0.7, "
     ".weight_decay = 0.1"),
    ("Adadelta", lambda p: O.Adadelta(p), ".kind = TERN_OPTIMIZER_ADADELTA"),
    ("Adadelta decay", lambda p: O.Adadelta(p, lr=0.5, rho=0.8, weight_decay=0.1),
     ".kind = TERN_OPTIMIZER_ADADELTA, .learning_rate = 0.5, .smoothing = 0.8, .weight_decay = 0.1"),
    ("clip_norm", lambda p: O.SGD(p, lr=0.1),
     ".kind = TERN_OPTIMIZER_SGD, .learning_rate = 0.1, .clip_norm = 0.5"),
    ("clip_value", lambda p: O.SGD(p, lr=0.1),
     ".kind = TERN_OPTIMIZER_SGD, .learning_rate = 0.1, .clip_value = 0.25"),
]


def numbers(values, digits=9):
    return ", ".join(f"{v:.{digits}g}" for v in values)


def optimizers():
    line(f"enum {{ GOLDEN_STEPS = {STEPS}, GOLDEN_N = {N} }};\n")
    line(f"static const float golden_start[GOLDEN_N] = {{{numbers(start().tolist())}}};")
    line("static const float golden_gradients[GOLDEN_STEPS][GOLDEN_N] = {")
    for step in range(STEPS):
        line(f"    {{{numbers(gradient(step).tolist())}}},")
    line("};\n")
    line("/* Weights after the first and after the last step. */")
    line("static const struct {\n    const char *name;\n    tern_optimizer_options options;")
    line("    float first[GOLDEN_N], last[GOLDEN_N];\n} golden_optimizers[] = {")
    for name, make, text in KINDS:
        w = torch.nn.Parameter(start())
        optimizer = make([w])
        for step in range(STEPS):
            w.grad = gradient(step)
            if name == "clip_norm":
                torch.nn.utils.clip_grad_norm_([w], 0.5)
            if name == "clip_value":
                torch.nn.utils.clip_grad_value_([w], 0.25)
            optimizer.step()
            if step == 0:
                first = w.detach().tolist()
        line(f'    {{"{name}",\n     {{{text}}},')
        line(f"     {{{numbers(first)}}},\n     {{{numbers(w.detach().tolist())}}}}},")
    line("};\n")


LOSSES = [1.0, 0.9, 0.91, 0.92, 0.93, 0.8, 0.81, 0.79999, 0.82, 0.83, 0.84, 0.85, 0.86, 0.7, 0.71,
          0.72, 0.73, 0.74, 0.75, 0.76]
EPOCHS, PER_EPOCH = 20, 5


def run(make, rate, steps, every=1, sgd_momentum=0.0):
    w = torch.nn.Parameter(torch.zeros(1))
    optimizer = O.SGD([w], lr=rate, momentum=sgd_momentum)
    schedule = make(optimizer)
    rates, momenta = [], []
    for step in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        momenta.append(optimizer.param_groups[0]["momentum"])
        optimizer.step()
        if (step + 1) % every == 0 and step + 1 < steps:
            if isinstance(schedule, O.lr_scheduler.ReduceLROnPlateau):
                schedule.step(LOSSES[step // every])
            else:
                schedule.step()
    return rates, momenta


def schedules():
    S = O.lr_scheduler
    steps = EPOCHS * PER_EPOCH

    def warm_cosine(o):
        a = S.LinearLR(o, start_factor=0.1, end_factor=1, total_iters=15)
        b = S.CosineAnnealingLR(o, T_max=steps - 15, eta_min=0.001)
        return S.SequentialLR(o, [a, b], milestones=[15])

    rows = [
        ("step", ".kind = TERN_SCHEDULE_STEP, .step_epochs = 6, .gamma = 0.3", 0.1,
         run(lambda o: S.StepLR(o, 6, 0.3), 0.1, steps, PER_EPOCH)),
        ("cosine", ".kind = TERN_SCHEDULE_COSINE, .minimum = 0.01", 0.1,
         run(lambda o: S.CosineAnnealingLR(o, steps, 0.01), 0.1, steps)),
        ("warm-up, cosine",
         ".kind = TERN_SCHEDULE_COSINE, .minimum = 0.001, .warmup_epochs = 3, .warmup_start = 0.1",
         0.2, run(warm_cosine, 0.2, steps)),
        ("one-cycle", ".kind = TERN_SCHEDULE_ONE_CYCLE, .cycle_momentum = true", 0.05,
         run(lambda o: S.OneCycleLR(o, 0.05, total_steps=steps), 0.05, steps, 1, 0.9)),
        ("one-cycle of one's own",
         ".kind = TERN_SCHEDULE_ONE_CYCLE, .cycle_momentum = true, .rise = 0.45, "
         ".start_divisor = 10, .end_divisor = 100, .base_momentum = 0.8, .maximum_momentum = 0.9",
         0.02, run(lambda o: S.OneCycleLR(o, 0.02, total_steps=steps, pct_start=0.45, div_factor=10,
                                          final_div_factor=100, base_momentum=0.8,
                                          max_momentum=0.9), 0.02, steps, 1, 0.9)),
        ("plateau",
         ".kind = TERN_SCHEDULE_PLATEAU, .gamma = 0.5, .plateau_patience = 2, "
         ".plateau_cooldown = 1, .minimum = 0.02",
         0.1, run(lambda o: S.ReduceLROnPlateau(o, factor=0.5, patience=2, cooldown=1, min_lr=0.02),
                  0.1, steps, PER_EPOCH)),
    ]
    line(f"enum {{ GOLDEN_EPOCHS = {EPOCHS}, GOLDEN_EPOCH_STEPS = {PER_EPOCH},")
    line(f"       GOLDEN_TOTAL = {steps} }};")
    line(f"static const double golden_losses[GOLDEN_EPOCHS] = {{{numbers(LOSSES)}}};\n")
    line("/* momenta: of one-cycle only. */")
    line("static const struct {\n    const char *name;\n    tern_schedule_options options;")
    line("    double rate;\n    double rates[GOLDEN_TOTAL], momenta[GOLDEN_TOTAL];")
    line("} golden_schedules[] = {")
    for name, text, rate, (rates, momenta) in rows:
        line(f'    {{"{name}",\n     {{{text}}},\n     {rate},')
        line(f"     {{{numbers(rates, 12)}}},\n     {{{numbers(momenta, 12)}}}}},")
    line("};")


line("/* Made by tests/golden/optimizers.py with PyTorch " + torch.__version__.split("+")[0] + ". */")
line("#ifndef TERN_TESTS_GOLDEN_OPTIMIZERS_H\n#define TERN_TESTS_GOLDEN_OPTIMIZERS_H\n")
line("#include <tern/train.h>\n")
optimizers()
schedules()
line("\n#endif")
