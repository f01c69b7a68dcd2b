/* Learning rate schedules against PyTorch's numbers. */
#include "one_context.h"

#include "core/train/schedule.h"
#include "golden/optimizers.h"

static void golden(void **state) {
    (void)state;
    for (size_t k = 0; k < sizeof golden_schedules / sizeof *golden_schedules; k++) {
        tern__schedule s;
        check_ok(context,
                 tern__schedule_make(&s, context, &golden_schedules[k].options,
                                     golden_schedules[k].rate, GOLDEN_EPOCHS, GOLDEN_EPOCH_STEPS));
        bool cycles = golden_schedules[k].options.kind == TERN_SCHEDULE_ONE_CYCLE;
        for (int64_t step = 0; step < GOLDEN_TOTAL; step++) {
            double rate = tern__schedule_rate(&s, step);
            if (!check_is_close(rate, golden_schedules[k].rates[step], 0, 1e-9))
                fail_msg("%s, step %lld: %.12g, PyTorch has %.12g", golden_schedules[k].name,
                         (long long)step, rate, golden_schedules[k].rates[step]);
            double momentum = tern__schedule_momentum(&s, step, 0.123);
            check_close(momentum, cycles ? golden_schedules[k].momenta[step] : 0.123, 0, 1e-9);
            if ((step + 1) % GOLDEN_EPOCH_STEPS == 0)
                tern__schedule_epoch(&s, golden_losses[step / GOLDEN_EPOCH_STEPS]);
        }
    }
}

static void short_runs(void **state) {
    (void)state;
    for (int kind = 0; kind <= TERN_SCHEDULE_PLATEAU; kind++)
        for (int steps = 1; steps < 5; steps++)
            for (int warm = 0; warm < 2; warm++) {
                tern__schedule s;
                tern_schedule_options o = {.kind = (tern_schedule_kind)kind};
                o.warmup_epochs = warm && kind != TERN_SCHEDULE_ONE_CYCLE ? 7 : 0;
                check_ok(context, tern__schedule_make(&s, context, &o, 0.1, 1, steps));
                for (int i = 0; i < steps; i++) {
                    double rate = tern__schedule_rate(&s, i);
                    assert_true(rate > 0 && rate <= 0.1);
                }
            }
}

static void a_loss_that_is_not_finite_is_no_progress(void **state) {
    (void)state;
    tern__schedule s;
    tern_schedule_options o = {.kind = TERN_SCHEDULE_PLATEAU, .plateau_patience = 1};
    check_ok(context, tern__schedule_make(&s, context, &o, 0.1, 10, 1));
    tern__schedule_epoch(&s, NAN);
    tern__schedule_epoch(&s, NAN);
    check_close(tern__schedule_rate(&s, 2), 0.01, 0, 1e-12);
    tern__schedule_epoch(&s, 5);
    check_close(s.best, 5, 0, 0);
}

static void refuses_options(void **state) {
    (void)state;
    static const struct {
        tern_schedule_options options;
        const char *text;
    } wrong[] = {
        {{.kind = 9}, "no kind 9"},
        {{.kind = TERN_SCHEDULE_ONE_CYCLE, .warmup_epochs = 1}, "its own warm-up"},
        {{.kind = TERN_SCHEDULE_COSINE, .minimum = 0.2}, "minimum is 0.2"},
        {{.kind = TERN_SCHEDULE_STEP, .step_epochs = -1}, "step_epochs is -1"},
        {{.kind = TERN_SCHEDULE_STEP, .gamma = 2}, "gamma is 2"},
        {{.kind = TERN_SCHEDULE_COSINE, .warmup_epochs = -1}, "warmup_epochs is -1"},
        {{.kind = TERN_SCHEDULE_ONE_CYCLE, .rise = 1}, "rise is 1"},
        {{.kind = TERN_SCHEDULE_ONE_CYCLE, .start_divisor = 0.5}, "start_divisor is 0.5"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        tern__schedule s;
        check_error(context, TERN_ERR_ARGUMENT, wrong[i].text,
                    tern__schedule_make(&s, context, &wrong[i].options, 0.1, 10, 10));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden),
        cmocka_unit_test(short_runs),
        cmocka_unit_test(a_loss_that_is_not_finite_is_no_progress),
        cmocka_unit_test(refuses_options),
    };
    return cmocka_run_group_tests(tests, open_context, close_context);
}
