"""Metrics of a classifier."""

from __future__ import annotations

from typing import Annotated

from dlcalc.errors import DlcalcError
from dlcalc.givens import POSITIVE, UNIT, choice, scalar, values
from dlcalc.notation.expression import Expr, Num
from dlcalc.notation.printing import Value, plain
from dlcalc.solution import Solution, symbols
from dlcalc.topic import topic
from dlcalc.topics.metrics.binary import counted, of_rates
from dlcalc.topics.metrics.classes import of_classes
from dlcalc.topics.metrics.reading import from_labels, from_matrix

_COUNTS = ("tp", "fp", "fn", "tn")


@topic(
    area="evaluation",
    answers=(
        *("accuracy", "precision", "recall", "f1", "f_beta", "specificity", "fpr", "fnr", "npv", "balanced_accuracy"),
        *("mcc", "iou", "majority_accuracy", "error", "macro_precision", "macro_recall", "macro_f1", "micro_f1"),
    ),
    examples=(
        "--tp 8 --fp 2 --fn 4 --tn 86 --beta 2",
        "--y 1,0,1,1,0,1 --predicted 1,0,0,1,1,1",
        '--matrix "5,1,0;2,6,1;0,1,4"',
        "--precision p --recall r",
        "--tp TP --fp FP --fn FN --tn TN",
    ),
)
def metrics(
    *,
    tp: Annotated[Expr | None, scalar("--true-positives", help="True positives.", whole=True, least=0)] = None,
    fp: Annotated[Expr | None, scalar("--false-positives", help="False positives.", whole=True, least=0)] = None,
    fn: Annotated[Expr | None, scalar("--false-negatives", help="False negatives.", whole=True, least=0)] = None,
    tn: Annotated[Expr | None, scalar("--true-negatives", help="True negatives.", whole=True, least=0)] = None,
    y: Annotated[
        Value | None, values("--labels", "--actual", "--y-true", help="Actual labels: 1,0,1 or cat,dog,cat.")
    ] = None,
    predicted: Annotated[
        Value | None,
        values("--y-hat", "--y-pred", "--predictions", help="Predicted labels, or scores with --threshold."),
    ] = None,
    threshold: Annotated[
        Expr | None, scalar(help="Scores from here on (≥) are predicted positive, the others negative.")
    ] = None,
    matrix: Annotated[
        Value | None, values("--confusion", "--confusion-matrix", help='Confusion matrix of counts: "50,3;5,42".')
    ] = None,
    rows: Annotated[
        str, choice("actual", "predicted", help="What a row of the matrix is (default: actual).")
    ] = "actual",
    positive: Annotated[
        Expr | None, scalar(help="The label that is positive; of a matrix the number of its class, from 1.")
    ] = None,
    precision: Annotated[
        Expr | None, scalar("--ppv", help="Precision, where no counts are known.", domain=UNIT)
    ] = None,
    recall: Annotated[
        Expr | None, scalar("--sensitivity", "--tpr", help="Recall, where no counts are known.", domain=UNIT)
    ] = None,
    beta: Annotated[Expr | None, scalar(help="Answer F_β too: recall counts β times as much.", domain=POSITIVE)] = None,
) -> Solution:
    """Metrics of a classifier from its confusion matrix: accuracy, precision, recall, F1, specificity, majority class.

    precision = TP/(TP+FP), recall = sensitivity = TPR = TP/(TP+FN), specificity = TN/(TN+FP), F1 = 2PR/(P+R) =
    2TP/(2TP+FP+FN), F_β = (1+β²)PR/(β²P+R), IoU = TP/(TP+FP+FN). majority_accuracy is what always predicting the more
    frequent class scores. Of several classes: each against the rest, macro (mean over classes) and micro averages.
    Source: Goodfellow, Bengio and Courville, Deep Learning (2016), section 11.1; scikit-learn, metrics; Chicco and
    Jurman, The advantages of the Matthews correlation coefficient (2020).

    Raises DlcalcError for counts below 0, lists of different lengths, or givens that contradict each other.

    >>> metrics(tp=8, fp=2, fn=4, tn=86)["f1"].text, metrics(precision="0.8", recall="0.5")["f1"].text
    ('8/11', '8/13')
    """
    counts = dict(zip(_COUNTS, (tp, fp, fn, tn), strict=True))
    ways = {
        "counts": any(count is not None for count in counts.values()),
        "--matrix": matrix is not None,
        "--y and --predicted": y is not None or predicted is not None,
        "--precision and --recall": precision is not None or recall is not None,
    }
    said = [way for way, given in ways.items() if given]
    if len(said) > 1:
        raise DlcalcError(f"{' and '.join(said)} say the same twice", "give one of them")
    if beta is not None and not symbols(beta) and isinstance(beta, Num) and beta.value <= 0:
        raise DlcalcError(f"beta {plain(beta)} is not positive", "use 1 for F1, 2 to count recall more")
    if "--precision and --recall" in said:
        return of_rates(precision, recall, beta)
    if matrix is not None:
        table, named = from_matrix(matrix, rows, positive)
    elif said and said[0].startswith("--y"):
        table, named = from_labels(y, predicted, threshold, positive)
    else:
        return counted(counts, beta)
    if named.binary:
        (tn, fp), (fn, tp) = table
        return counted({"tp": tp, "fp": fp, "fn": fn, "tn": tn}, beta, conventions=named.conventions)
    return of_classes(table, named)
