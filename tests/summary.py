"""Counts test cases in meson's testlog.json files: "N passed, N failed, N skipped".

A program that reports its cases as cmocka does ("[       OK ] name") counts by its cases, any other
as one. A case that calls skip() prints "[  SKIPPED ] name"; it counts as skipped. Exit code 1 if anything
failed or nothing passed.
"""
import json
import re
import sys

CASE = re.compile(r"^\[ *(OK|FAILED|SKIPPED|ERROR) *\] (?!\d+ test)(\S+)", re.M)
FAILURES = ("FAIL", "ERROR", "TIMEOUT", "INTERRUPT", "UNEXPECTEDPASS")


def count(test):
    seen = {}
    for state, name in CASE.findall(test.get("stdout", "") + "\n" + test.get("stderr", "")):
        seen[name.rstrip(":")] = state
    states = list(seen.values())
    passed, skipped = states.count("OK"), states.count("SKIPPED")
    failed = len(states) - passed - skipped
    if test["result"] in FAILURES:
        failed = max(failed, 1)
    elif not states:
        passed, skipped = (0, 1) if test["result"] == "SKIP" else (1, 0)
    return passed, failed, skipped


def main(paths):
    totals = [0, 0, 0]
    for path in paths:
        try:
            with open(path, encoding="utf-8") as lines:
                tests = [json.loads(line) for line in lines if line.strip()]
        except OSError as error:
            print(f"no test log: {error}")
            totals[1] += 1
            continue
        for test in tests:
            counts = count(test)
            totals = [a + b for a, b in zip(totals, counts)]
            if counts[1]:
                print(f"failed: {test['name']} ({path})")
    passed, failed, skipped = totals
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return 1 if failed or not passed else 0


sys.exit(main(sys.argv[1:]))
