"""Print the ratios that start-up and derivation are held to: `python tests/benchmarks/startup.py`.

Commands run in turn (A B A B …), so that a machine that slows down slows both; the median of the pairwise
ratios is printed beside its bound. Nothing is asserted: times belong to a machine, not to a test. Bytecode is
cached for both sides, as it is for an installed program.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter

RUNS = 9
BARE = "import typer\n\n\ndef main(text: str) -> None:\n    print(text)\n\n\ntyper.run(main)\n"
DLCALC = (sys.executable, "-m", "dlcalc")


def seconds(command: tuple[str, ...], folder: str) -> float:
    """Time one run of a command as a whole process."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    start = perf_counter()
    subprocess.run(command, check=True, capture_output=True, env={**environment, "PYTHONPYCACHEPREFIX": folder})
    return perf_counter() - start


def ratio(command: tuple[str, ...], against: tuple[str, ...], folder: str) -> float:
    """Return the median ratio of two commands run in turn, after one warm-up of each."""
    seconds(command, folder), seconds(against, folder)
    return median(seconds(command, folder) / seconds(against, folder) for _ in range(RUNS))


def main() -> None:
    """Print one line per promise."""
    with tempfile.TemporaryDirectory() as folder:
        bare = Path(folder) / "bare.py"
        bare.write_text(BARE)
        rows = (
            ("conv-params -q", (*DLCALC, "conv-params", "-c", "3", "-k", "7", "--filters", "16", "-q"),
             "a bare Typer program", (sys.executable, str(bare), "2368"), 1.35),
            ("momentum-expect --t t", (*DLCALC, "momentum-expect", "--t", "t"),
             "import sympy, numpy", (sys.executable, "-c", "import sympy, numpy"), 2.0),
            ("momentum-expect --t 3", (*DLCALC, "momentum-expect", "--t", "3"),
             "import sympy, numpy", (sys.executable, "-c", "import sympy, numpy"), 2.0),
            ("conv-params, derived", (*DLCALC, "conv-params", "-c", "3", "-k", "7", "--filters", "16"),
             "import sympy, numpy", (sys.executable, "-c", "import sympy, numpy"), 2.0),
        )  # fmt: skip
        for name, command, other, against, bound in rows:
            print(f"{name:24} / {other:22} = {ratio(command, against, folder):.2f}   (at most {bound})")  # noqa: T201 (a script)


if __name__ == "__main__":
    main()
