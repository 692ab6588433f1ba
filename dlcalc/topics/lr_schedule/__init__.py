"""Learning-rate schedules: the rate at any epoch, in numbers or in letters, and the first epoch below a value."""

from __future__ import annotations

from typing import Annotated

from dlcalc.errors import DlcalcError, nearest
from dlcalc.givens import POSITIVE, scalar, switch, text, values
from dlcalc.notation.evaluate import approximate
from dlcalc.notation.expression import ONE, ZERO, Expr, Num, Sym, expr
from dlcalc.notation.printing import Value, plain
from dlcalc.solution import Solution
from dlcalc.topic import topic
from dlcalc.topics.lr_schedule.kinds import KINDS, NAMES, WARM_UP

MAX_EPOCH = 10**6
"""The last epoch that a number may name."""
MAX_TABLE = 1_000


@topic(
    area="optimisation",
    answers=("lr", "first_epoch"),
    examples=(
        "--kind step --lr 0.1 --step-size 5 --gamma 0.5 --at 0,4,5,9,10",
        "--kind cosine --lr 0.1 --min 0.001 --t-max 10 --at 0,2,5,7,10",
        "--kind exponential --lr 0.1 --gamma 0.9 --below 0.01",
        "--kind exponential --decay k",
        "--kind cosine --min eta_min",
        "--kind cosine --lr 0.1 --warmup 5 --t-max 25 --at 0,1,5,15,25",
        "--kind noam --dim 512 --warmup 4000 --at 1,4000,16000",
        "--kind multi-step --lr 0.1 --gamma 0.1 --milestones 30,80 --at 29,30,80",
    ),
)
def lr_schedule(
    *,
    kind: Annotated[
        str,
        text(help=f"{', '.join(KINDS)} or {WARM_UP}; PyTorch's names too.", metavar="KIND"),
    ],
    lr: Annotated[
        Expr | None,
        scalar("--lr0", "--eta0", "--eta", "--base-lr", "--learning-rate", help="First rate.", domain=POSITIVE),
    ] = None,
    gamma: Annotated[
        Expr | None,
        scalar("--factor", "--decay-rate", help="Factor that the rate is multiplied by.", domain=POSITIVE),
    ] = None,
    step_size: Annotated[
        Expr | None,
        scalar(
            "--decay-steps", "--drop-every", help="Epochs between two drops; else t counts in it.", whole=True, least=1
        ),
    ] = None,
    milestones: Annotated[Value | None, values(help="Epochs of the drops of multi-step: 30,80.")] = None,
    decay: Annotated[
        Expr | None, scalar("-k", help="Rate k of e^(-kt) and of 1/(1 + kt).", domain=POSITIVE, least=0)
    ] = None,
    t_max: Annotated[
        Expr | None,
        scalar("--total", "--total-epochs", help="Epoch T that the decay leads to.", whole=True, least=1),
    ] = None,
    min: Annotated[
        Expr, scalar("--eta-min", "--lr-min", "--end", help="Rate that the decay leads to (default 0).", least=0)
    ] = ZERO,
    power: Annotated[Expr, scalar("-p", help="Power of polynomial decay (default 1).", domain=POSITIVE, least=0)] = ONE,
    warmup: Annotated[
        Expr | None,
        scalar("--warm-up", "--warmup-epochs", "--warmup-steps", help="Epochs of a linear warm-up.", whole=True),
    ] = None,
    dim: Annotated[Expr | None, scalar("--d-model", help="Width d of noam.", whole=True, least=1)] = None,
    at: Annotated[
        Value | None, values("--epoch", "-t", "--step", help="Epochs 0,5,10, or a symbol (default: any t).")
    ] = None,
    epochs: Annotated[Expr | None, scalar(help="Answer for every epoch from the first to this.", whole=True)] = None,
    below: Annotated[Expr | None, scalar("--until", help="Find the first epoch with a rate below this.")] = None,
    staircase: Annotated[bool, switch(help="Round t/s down in exponential decay: step decay (default: no).")] = False,
) -> Solution:
    """Learning-rate schedule: step, exponential, inverse time, cosine, polynomial decay, warm-up, Noam.

    η_0·γ^⌊t/s⌋ (step), η_0·γ^t or η_0·e^(-kt) (exponential), η_0/(1 + kt) (inverse time),
    min + (η_0 - min)(1 + cos(πt/T))/2 (cosine), and more. A warm-up of w epochs raises the rate as t/w, and the
    schedule begins at its end; T counts the epochs of the warm-up too.
    Source: torch.optim.lr_scheduler; Loshchilov and Hutter, SGDR (2017); Vaswani et al., Attention is all you need
    (2017), section 5.3; Goyal et al., Accurate, large minibatch SGD (2017).

    Raises DlcalcError when a given is missing for the epochs asked, is out of range, or the rate never falls so low.

    >>> lr_schedule(kind="step", lr="0.1", step_size=5, gamma="0.5", at=[0, 4, 5, 9, 10]).value
    [0.1, 0.1, 0.05, 0.05, 0.025]
    >>> print(lr_schedule(kind="exponential", decay="k").answers[0].text)
    eta_0*exp(-k*t)
    """
    word = kind.strip().lower().replace("_", "-").replace(" ", "-")
    if word not in NAMES:
        raise DlcalcError(f"--kind {kind[:40]} is not known", nearest(word, NAMES) or f"use {', '.join(KINDS)}")
    name = NAMES[word]
    if name == "exponential" and gamma is None and decay is not None:
        name = "natural-exponential"
    if name == "exponential" and staircase:
        name = "step"
    given = {
        "lr": lr, "gamma": gamma, "step_size": step_size, "decay": decay, "t_max": t_max, "min": min, "power": power,
        "warmup": warmup, "dim": dim, "milestones": milestones,
    }  # fmt: skip
    _refuse(name, given, defaults={"min": ZERO, "power": ONE})
    if word != name and NAMES[word] == "constant" and warmup is None and "warm" in word:
        given["warmup"] = Sym("w")
    if name == "noam" and lr is None:
        given["lr"] = ONE
    from dlcalc.topics.lr_schedule.answering import solved

    return solved(name, given, _epochs(name, at, epochs), below)


def _refuse(name: str, given: dict[str, Expr | Value | None], defaults: dict[str, Expr]) -> None:
    """Refuse what the kind does not take, and what is out of range."""
    takes = {"lr", "warmup", *KINDS[name].takes}
    for other, value in given.items():
        if value is not None and other not in takes and value != defaults.get(other):
            raise DlcalcError(f"{name} takes no --{other.replace('_', '-')}", f"it takes {_listed(takes)}")
    if given["warmup"] is not None and name == "inverse-sqrt":
        raise DlcalcError("inverse-sqrt has no value at the end of a warm-up", "use --kind noam")
    for positive in ("lr", "gamma", "power"):
        value = given[positive]
        if isinstance(value, Expr) and (found := approximate(value)) is not None and found <= 0:
            raise DlcalcError(f"{positive} {plain(value)} is not positive", "use a number above 0")
    warm, total = given["warmup"], given["t_max"]
    if isinstance(warm, Num) and warm.value < (1 if name == "noam" else 0):
        raise DlcalcError(f"warmup {plain(warm)} is too small", "use 1 or more")
    if isinstance(warm, Num) and isinstance(total, Num) and warm.value >= total.value:
        raise DlcalcError(
            f"the warm-up takes {plain(warm)} of {plain(total)} epochs, so none is left to decay",
            f"use --t-max {int(warm.value) + 1} or more: it counts the warm-up too",
        )
    for value in (warm, total):
        if isinstance(value, Num) and value.value > MAX_EPOCH:
            raise DlcalcError(f"{plain(value)} epochs are too many", f"use at most {MAX_EPOCH:,}")


def _listed(names: set[str]) -> str:
    return ", ".join(f"--{name.replace('_', '-')}" for name in sorted(names))


def _epochs(name: str, at: Value | None, last: Expr | None) -> Value:
    """Read the epochs that are asked; without any, the letter t."""
    first = KINDS[name].first
    if at is not None and last is not None:
        raise DlcalcError("--at and --epochs both name epochs", "leave one of them out")
    if isinstance(last, Num):
        if not first <= last.value < MAX_TABLE:
            raise DlcalcError(f"--epochs {plain(last)} makes no table", f"use {first} to {MAX_TABLE - 1}, or --at")
        return tuple(expr(t) for t in range(first, int(last.value) + 1))
    found = at if at is not None else last if last is not None else Sym("t")
    for t in found if isinstance(found, tuple) else (found,):
        if isinstance(t, tuple):
            raise DlcalcError("--at is a list of epochs, not rows", "write --at 0,5,10")
        if isinstance(t, Num) and (t.value.denominator != 1 or not first <= t.value <= MAX_EPOCH):
            raise DlcalcError(
                f"epoch {plain(t)} is not a whole number from {first} to {MAX_EPOCH:,}",
                f"{name} counts from {first}",
            )
    return found
