"""tests/bench/run still measures everything that it tells of."""

import os
import subprocess
import sys

from lab import PATIENCE, SOURCE, case, check, equal, helper

PARTS = ("End to end", "Floors", "the three together", "Memory", "Stages", "XML", "Stored before", "Disk")


@case("bench: run --quick measures every part")
def quick():
    for name in ("floor-answer", "floor-rows", "floor-verify", "seed", "stages"):
        helper("tests/bench/" + name)
    p = subprocess.run([sys.executable, os.path.join(SOURCE, "tests", "bench", "run"), "--quick"], capture_output=True, text=True,
                       timeout=4 * PATIENCE)
    equal(p.returncode, 0, p.stderr)
    for part in PARTS:
        check(part in p.stdout, f"{part} is missing: {p.stdout}")
