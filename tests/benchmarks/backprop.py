"""Print how long back-propagation takes beyond its imports: `python tests/benchmarks/backprop.py`.

The time per statement should not grow with their number. Nothing is asserted: times belong to a machine.
"""

from __future__ import annotations

from statistics import median
from time import process_time

from dlcalc import registry

RUNS = 5
SIX = "h1 = relu(W1 x + b1) + Ws x; a2 = W2 h1 + b2; h2 = tanh(a2); z = W3 h2; e = z - y; L = 1/2 ||e||^2"


def deep(layers: int) -> str:
    """Write a network with two statements per layer."""
    lines = [f"a{k} = W{k} h{k - 1} + b{k}; h{k} = tanh(a{k})" for k in range(1, layers + 1)]
    return "\n".join(["h0 = x", *lines, f"L = 1/2 ||h{layers} - y||^2"])


def seconds(program: str, wrt: str = "") -> float:
    """Time one solution with its derivation and checks, after a warm-up."""
    ask = registry.load("backprop")
    found = []
    for _ in range(RUNS):
        start = process_time()
        assert ask(program=program, wrt=wrt).holds
        found.append(process_time() - start)
    return median(found[1:])


def main() -> None:
    """Print one line per promise."""
    print(f"six statements, five gradients: {seconds(SIX, 'W1,W2,W3,b1,b2'):.3f} s   (at most 0.2)")  # noqa: T201 (a script)
    for layers in (25, 50, 100, 200):
        taken = seconds(deep(layers))
        count = 2 * layers + 2
        print(f"{count} statements: {taken:.2f} s, {1000 * taken / count:.1f} ms each")  # noqa: T201 (a script)


if __name__ == "__main__":
    main()
