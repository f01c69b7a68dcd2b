"""Counts test cases in meson's testlog.json files: why cases were skipped, then "N passed, N failed, N skipped".

A program that reports its cases as cmocka does ("[       OK ] name") counts by its cases, any other
as one. A case that calls skip() prints "[  SKIPPED ] name"; it counts as skipped. "SKIP: sentence" says
why, and in a case that passes, that a part of it was left out. Exit code 1 if anything failed or nothing
passed.
"""
import collections
import json
import re
import sys

CASE = re.compile(r"^\[ *(RUN|OK|FAILED|SKIPPED|ERROR) *\] (?!\d+ test)(\S+)")
REASON = re.compile(r"^SKIP: (.*)")
# The path before it is another one for each case.
SHARED_DATA = re.compile(r".* is not there; set TERN_DATA to the folder that holds it")
FAILURES = ("FAIL", "ERROR", "TIMEOUT", "INTERRUPT", "UNEXPECTEDPASS")


def cases(test):
    """The last state of each case, and the reason that it printed, if any."""
    states, reasons, reason = {}, {}, None
    for line in (test.get("stdout", "") + "\n" + test.get("stderr", "")).split("\n"):
        if said := REASON.match(line):
            reason = SHARED_DATA.sub("the shared data is not there (TERN_DATA names its folder)", said[1])
        elif case := CASE.match(line):
            state, name = case[1], case[2].rstrip(":")
            if state == "RUN":
                reason = None
                continue
            states[name] = state
            if reason:
                reasons[name] = reason
            reason = None
    return states, reasons


def count(test, why):
    states, reasons = cases(test)
    values = list(states.values())
    passed, skipped = values.count("OK"), values.count("SKIPPED")
    failed = len(values) - passed - skipped
    if test["result"] in FAILURES:
        failed = max(failed, 1)
    elif not values:
        passed, skipped = (0, 1) if test["result"] == "SKIP" else (1, 0)
        if skipped:
            why["skipped", f"{test['name']} says no more"] += 1
    for name, state in states.items():
        if state == "SKIPPED":
            why["skipped", reasons.get(name, "no reason is given")] += 1
        elif state == "OK" and name in reasons:
            why["passed without a part", reasons[name]] += 1
    return passed, failed, skipped


def main(paths):
    totals, why, failures = [0, 0, 0], collections.Counter(), []
    for path in paths:
        try:
            with open(path, encoding="utf-8") as lines:
                tests = [json.loads(line) for line in lines if line.strip()]
        except OSError as error:
            failures.append(f"no test log: {error}")
            totals[1] += 1
            continue
        for test in tests:
            counts = count(test, why)
            totals = [a + b for a, b in zip(totals, counts)]
            if counts[1]:
                failures.append(f"failed: {test['name']} ({path})")
    for (what, reason), n in sorted(why.items(), key=lambda entry: (entry[0][0], -entry[1])):
        print(f"{n} {what}: {reason}")
    for failure in failures:
        print(failure)
    passed, failed, skipped = totals
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return 1 if failed or not passed else 0


sys.exit(main(sys.argv[1:]))
