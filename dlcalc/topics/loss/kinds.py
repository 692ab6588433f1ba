"""The kinds of losses: each is one program of one example, from which its value and its gradients follow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dlcalc.errors import DlcalcError, nearest

if TYPE_CHECKING:
    from collections.abc import Mapping

POSITIVE_LETTER = "(0,3)"
"""Where weights, thresholds and exponents lie that are letters."""
LINKS = {"sigmoid": "p = sigmoid(z)", "softmax": "p = softmax(z)"}


@dataclass(frozen=True)
class Kind:
    """A loss of one example, over a number, over classes, or over a pair of vectors."""

    name: str
    body: str
    """Statements that end in L; {alpha} and the like stand for what is given."""
    over: str
    """`entry`: every number is an example; `classes`: a row is; `pair`: two vectors are."""
    link: str = ""
    """How logits become predictions; empty where the loss takes scores as they are."""
    prediction: str = "p"
    target: str = "R"
    """Where a target lies: R, {0,1}, {-1,1}, onehot or simplex."""
    takes: tuple[str, ...] = ()
    """The options that it has."""
    said: tuple[str, ...] = ()
    synonyms: tuple[str, ...] = ()

    @property
    def probabilities(self) -> bool:
        """Whether predictions are probabilities."""
        return bool(self.link)

    @property
    def defined(self) -> frozenset[str]:
        """The names that the program defines."""
        return frozenset(part.partition("=")[0].strip() for part in self.body.split(";"))

    @property
    def classes(self) -> bool:
        """Whether a row of classes is one example."""
        return self.over == "classes"


_ONE_EXAMPLE = "binary: p is the probability of y = 1"
_CLASSES = "multi-class: p holds a probability per class, y is one-hot or holds soft labels that sum to 1"
_TABLE = (
    Kind("mse", "L = (p - y)^2", "entry", said=("squared error without 1/2",), synonyms=(
        "l2", "squared-error", "mean-squared-error", "brier", "quadratic", "least-squares")),
    Kind("half-mse", "L = 1/2 (p - y)^2", "entry", said=("squared error with 1/2",)),
    Kind("mae", "L = abs(p - y)", "entry", said=("absolute error",), synonyms=(
        "l1", "absolute-error", "mean-absolute-error")),
    Kind("huber", "a = p - y; L = 1(abs(a) <= {delta}) a^2/2 + 1(abs(a) > {delta}) {delta} (abs(a) - {delta}/2)",
         "entry", takes=("delta",), said=(
             "Huber: a²/2 up to |a| = δ, δ(|a| - δ/2) above; PyTorch's SmoothL1Loss(beta) is this over beta",),
         synonyms=("smooth-l1", "smoothl1")),
    Kind("bce", "L = -(y log(p) + (1 - y) log(1 - p))", "entry", "sigmoid", target="{0,1}", said=(_ONE_EXAMPLE,),
         synonyms=("binary-cross-entropy", "binary-crossentropy", "log-loss", "logistic", "bce-with-logits",
                   "bernoulli-nll", "bceloss", "bcewithlogitsloss")),
    Kind("weighted-bce", "L = -({alpha} y log(p) + {beta} (1 - y) log(1 - p))", "entry", "sigmoid", target="{0,1}",
         takes=("alpha", "beta"), said=(_ONE_EXAMPLE, "alpha weighs y = 1 (PyTorch's pos_weight), beta weighs y = 0"),
         synonyms=("weighted-binary-cross-entropy", "balanced-bce", "wbce")),
    Kind("focal", "L = -({alpha} y (1 - p)^{gamma} log(p) + {beta} (1 - y) p^{gamma} log(1 - p))", "entry", "sigmoid",
         target="{0,1}", takes=("alpha", "beta", "gamma"), said=(
             _ONE_EXAMPLE, "focal: -α_t (1 - p_t)^γ ln(p_t), p_t the probability of the true class"),
         synonyms=("focal-loss", "sigmoid-focal-loss", "binary-focal-crossentropy")),
    Kind("hinge", "L = relu({delta} - y z)", "entry", prediction="z", target="{-1,1}", takes=("delta",),
         said=("labels are -1 and 1; z is the score, no probability",), synonyms=("hinge-loss", "binary-hinge", "svm")),
    Kind("multiclass-hinge", "L = sum((1 - y) .* relu(z - y^T z + {delta}))", "classes", prediction="z",
         target="onehot", takes=("delta",), said=(
             "summed over the wrong classes; PyTorch's MultiMarginLoss divides by the number of classes",),
         synonyms=("multiclass-svm", "svm-multiclass", "multi-margin", "categorical-hinge")),
    Kind("cross-entropy", "L = -sum({w}y .* log(p))", "classes", "softmax", target="onehot", takes=("w",),
         said=(_CLASSES,), synonyms=("categorical-cross-entropy", "categorical-crossentropy", "ce", "softmax-loss",
                                     "sparse-categorical-crossentropy", "crossentropyloss")),
    Kind("nll", "L = -sum({w}y .* log(p))", "classes", "softmax", target="onehot", takes=("w",), said=(
        _CLASSES, "NLL: minus the log of the probability of the true class (PyTorch's NLLLoss is handed ln p)"),
         synonyms=("negative-log-likelihood", "nllloss")),
    Kind("label-smoothing", "q = {smoothed}; L = -sum(q .* log(p))", "classes", "softmax", target="onehot",
         takes=("epsilon",), said=(_CLASSES,), synonyms=("label-smoothed-cross-entropy", "smoothed-cross-entropy")),
    Kind("kl", "L = sum(y .* (log(y) - log(p)))", "classes", "softmax", target="simplex", said=(
        "KL(y ‖ p): the target stands first and weighs, as in PyTorch's KLDivLoss(input = ln p, target = y)",),
         synonyms=("kl-div", "kl-divergence", "kullback-leibler", "relative-entropy", "kldivloss")),
    Kind("reverse-kl", "L = sum(p .* (log(p) - log(y)))", "classes", "softmax", target="simplex", said=(
        "KL(p ‖ y): the prediction stands first and weighs",)),
    Kind("cosine", "s = cossim(p, y); L = -{label} s", "pair", takes=("label",), said=(
        "signed form -l·cos(p, y) with the label l = 1 of a genuine pair, -1 of a forged one",),
         synonyms=("cosine-similarity", "cosine-loss")),
    Kind("cosine-distance", "s = cossim(p, y); L = 1 - s", "pair", said=("1 - cos(p, y)",)),
    Kind("cosine-embedding", "s = cossim(p, y); L = (1 + {label})/2 (1 - s) + (1 - {label})/2 relu(s - {delta})",
         "pair", takes=("label", "delta"), said=(
             "1 - cos for the label 1, max(0, cos - margin) for -1 (PyTorch's CosineEmbeddingLoss)",),
         synonyms=("cosineembeddingloss",)),
)  # fmt: skip
KINDS = {kind.name: kind for kind in _TABLE}
SPELLED = {word: kind.name for kind in _TABLE for word in (kind.name, *kind.synonyms)}
WRITTEN_OUT = {
    "squared-hinge": "backprop 'L = relu(1 - y z)^2'",
    "triplet": "backprop 'a, p, n in R^d; L = relu(||a - p||^2 - ||a - n||^2 + m)'",
    "contrastive": "backprop 'a, b in R^d; L = y ||a - b||^2 + (1 - y) relu(m - ||a - b||)^2'",
    "dice": "backprop 'p, y in R^n; L = 1 - 2 p^T y/(sum(p) + sum(y))'",
    "log-cosh": "backprop 'L = ln((exp(p - y) + exp(y - p))/2)'",
    "rmse": "backprop 'p, y in R^n; L = sqrt(mean((p - y).^2))'",
    "poisson": "loss --likelihood poisson",
    "gaussian": "loss --likelihood gaussian",
}
"""Losses that are no kind of this question, and how they are asked."""
SMOOTHED = {
    "all": "(1 - {epsilon}) y + {epsilon}/{C}",
    "others": "(1 - {epsilon}) y + {epsilon}/({C} - 1) (1 - y)",
}
"""What one-hot labels become: ε spread over all classes, the true one too, or over the others."""


def kind_of(text: str) -> Kind:
    """Find a kind by one of its names.

    Raises DlcalcError for an unknown one, with the nearest.

    >>> kind_of("binary cross entropy").name
    'bce'
    """
    written = "-".join(text.strip().lower().replace("_", " ").replace("-", " ").split())
    found = SPELLED.get(written) or SPELLED.get(written.removesuffix("-loss"))
    if found is None:
        elsewhere = WRITTEN_OUT.get(written.removesuffix("-loss"))
        fix = f"write it out: dlcalc {elsewhere}" if elsewhere else nearest(written, SPELLED)
        missing = f"--kind {text} is not known" if written else "--kind is missing"
        raise DlcalcError(missing, fix or f"use {', '.join(KINDS)}")
    return KINDS[found]


def program(kind: Kind, given: Mapping[str, str], *, link: str, spread: str, names: Mapping[str, str]) -> str:
    """Write the program of one example: its declarations, how logits become predictions, and the loss.

    >>> program(KINDS["bce"], {}, link="sigmoid", spread="all", names={})
    'y in {0,1}; z in (-2,2); p = sigmoid(z); L = -(y log(p) + (1 - y) log(1 - p))'
    """
    size = "" if kind.over == "entry" else "^C" if kind.classes else "^n"
    target = {"onehot": "onehot(C)", "simplex": "(0,1)^C"}.get(
        kind.target, f"R{size}" if kind.target == "R" else kind.target
    )
    leaf, reals = ("z", f"(-2,2){size}") if link else (kind.prediction, f"R{size}")
    smoothed = SMOOTHED[spread].format(epsilon=given.get("epsilon", "epsilon"), C="C")
    options = {name: given.get(name, name) for name in ("alpha", "beta", "gamma", "delta", "epsilon", "label")}
    body = kind.body.format(**options, w=given.get("w", ""), smoothed=smoothed)
    letters = sorted({name for name in kind.takes if given.get(name, name) == name and name != "w"})
    declared = [f"{_declared_in(name, names.get(name, name))}" for name in letters]
    parts = [f"y in {target}", f"{leaf} in {reals}", *declared, *([LINKS[link]] if link else []), body]
    return "; ".join(_renamed(part, names) for part in parts)


def _declared_in(name: str, written: str) -> str:
    return f"{written} in " + {"epsilon": "(0,1)", "label": "{-1,1}"}.get(name, POSITIVE_LETTER)


def _renamed(text: str, names: Mapping[str, str]) -> str:
    """Put other names in the place of p, y and z."""
    from dlcalc.notation.patterns import compiled

    return compiled(r"(?<![\w'])[pyz](?!\w)").sub(lambda found: names.get(found.group(), found.group()), text)
