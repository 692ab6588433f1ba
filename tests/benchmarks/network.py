"""Print what a thousand layers and VGG-16 cost, and, where PyTorch and torchinfo are installed, the ratio to torchinfo.

`python tests/benchmarks/network.py`. Nothing is asserted: times belong to a machine, not to a test.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from statistics import median
from subprocess import run
from time import perf_counter

RUNS = 5
DLCALC = (sys.executable, "-m", "dlcalc", "network")
THOUSAND = (*DLCALC, "32x32x8", "repeat 1000 { conv 8 3x3 p1 }", "-q")
VGG = (*DLCALC, "--zoo", "vgg16", "--get", "parameters,macs")
TORCHINFO = (
    sys.executable,
    "-c",
    "import torchvision, torchinfo; torchinfo.summary(torchvision.models.vgg16(), (1, 3, 224, 224), verbose=0)",
)


def seconds(command: tuple[str, ...]) -> float:
    """Time a command as a whole process; the median of a few runs."""
    found = []
    for _ in range(RUNS):
        start = perf_counter()
        run(command, check=True, capture_output=True)
        found.append(perf_counter() - start)
    return median(found)


def main() -> None:
    """Print one line per comparison."""
    mine = seconds(VGG)
    print(f"a thousand layers  {seconds(THOUSAND):.2f} s, beside --version {seconds((*DLCALC[:3], '--version')):.2f} s")  # noqa: T201 (a script)
    print(f"VGG-16             {mine:.2f} s")  # noqa: T201 (a script)
    if all(find_spec(name) for name in ("torch", "torchvision", "torchinfo")):
        print(f"torchinfo / dlcalc {seconds(TORCHINFO) / mine:.1f}   (at least 10)")  # noqa: T201 (a script)


if __name__ == "__main__":
    main()
