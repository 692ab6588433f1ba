"""What is asked of `init`: which of its four questions, and which givens go with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from dlcalc.errors import DlcalcError
from dlcalc.notation.expression import ZERO, Expr
from dlcalc.topics.init.units import refuse_negative

if TYPE_CHECKING:
    from dlcalc.givens import Size
    from dlcalc.notation.printing import Value
    from dlcalc.solution import Solution


class Asked(NamedTuple):
    """The givens; None where not given."""

    fan_in: Expr | None
    fan_out: Expr | None
    scheme: str | None
    distribution: str | None
    mode: str
    nonlinearity: str | None
    gain: Expr | None
    negative_slope: Expr | None
    kernel: Size | None
    in_channels: Expr | None
    out_channels: Expr | None
    groups: Expr | None
    layers: Value | None
    std: Expr | None
    depth: Expr | None
    var_w: Expr | None
    var_x: Expr | None
    mean_x: Expr
    residual: bool
    var_y: Expr | None
    cov: Expr


_LEFT_OUT = {"mode": "fan_in", "mean_x": ZERO, "residual": False, "cov": ZERO}
_SCHEME = (
    *("scheme", "fan_in", "fan_out", "distribution", "mode", "nonlinearity", "gain", "negative_slope"),
    *("kernel", "in_channels", "out_channels", "groups", "layers"),
)
_USES = {
    "residual": ("residual", "var_x", "var_y", "cov"),
    "scheme": _SCHEME,
    "std": ("std", "var_w", "fan_in", "fan_out", "depth", "nonlinearity", "negative_slope"),
    "": ("fan_in", "var_w", "var_x", "mean_x", "nonlinearity", "negative_slope"),
}


def answered(asked: Asked) -> Solution:
    """Answer the question that the givens ask."""
    for name in ("std", "var_w", "var_x", "var_y"):
        refuse_negative(name.replace("_", "-"), getattr(asked, name))
    kind = _kind(asked)
    for name, given in asked._asdict().items():
        if given != _LEFT_OUT.get(name) and name not in _USES[kind]:
            option = name.replace("_", "-")
            needed = "--scheme xavier, he or lecun" if name in _SCHEME else "--residual" if "y" in name else "--std S"
            fix = f"leave --{option} out" if kind else f"add {needed}, or leave --{option} out"
            raise DlcalcError(f"--{option} does not go with {f'--{kind}' if kind else 'the variance of a sum'}", fix)
    if kind == "residual":
        from dlcalc.topics.init.residual import summed

        return summed(asked.var_x, asked.var_y, asked.cov)
    if kind == "scheme":
        from dlcalc.topics.init.schemes import drawn

        return drawn(asked)
    if kind == "std":
        from dlcalc.topics.init.signal import carried

        return carried(asked)
    from dlcalc.topics.init.keeping import kept_variance

    units = asked.nonlinearity or ("linear" if asked.negative_slope is None else "leaky_relu")
    return kept_variance(asked.fan_in, asked.var_w, asked.var_x, asked.mean_x, units, asked.negative_slope)


def _kind(asked: Asked) -> str:
    if asked.residual or asked.var_y is not None or asked.cov != ZERO:
        return "residual"
    if asked.scheme is not None:
        return "scheme"
    return "std" if asked.std is not None or asked.depth is not None else ""
