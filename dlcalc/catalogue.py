"""Every command by area, and the search for them by words, synonyms and near spellings."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from typing import TYPE_CHECKING

from dlcalc import registry
from dlcalc.errors import DlcalcError
from dlcalc.judgement import QUESTIONS, Judged
from dlcalc.notation.patterns import compiled

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from dlcalc.topic import Topic

MOST = 8
"""Commands that a search names."""
FAR = 5
"""How many times better the best may be found than the last that is named."""
MAX_WORDS, MAX_LETTERS = 20, 200
"""Words, and letters of all of them, that a search takes."""
_WORD = r"[^\W_]+"
_ENDINGS = ("ion", "ing", "ed", "e", "s")
_LEAST_STEM, _LEAST_PREFIX = 3, 3
_LEAST_GUESSED, _NEAR = 4, 0.82
"""Letters of a word that may be misspelt, and how alike what is suggested must be: short words are alike by chance."""
_EMPTY = """
a an and are at by can do does for from has have how i if in into is it its many much of on or one per so some than
that the their there these this to true false use used was what when which why with you your
"""
"""Words that say nothing about what is sought."""
_SYNONYMS = (
    ("xavier", "glorot"), ("kaiming", "he initialisation", "he init"), ("init", "initialisation"),
    ("bias correction", "bias corrected"), ("soft threshold", "lasso", "proximal"), ("ridge", "l2", "weight decay"),
    ("lasso", "l1"), ("kernel size", "filter size", "window"), ("vanishing", "exploding", "saturates"),
    ("f1", "f1 score", "f score", "f measure"), ("sensitivity", "recall", "tpr", "hit rate"), ("jaccard", "iou"),
    ("precision", "ppv"), ("specificity", "tnr"), ("bagging", "ensemble", "committee", "majority vote"),
    ("k fold", "kfold", "cv", "cross validation"), ("loocv", "leave one out"), ("data leakage", "leakage", "leak"),
    ("overfitting", "training error", "selection"), ("learning curve", "more data", "training error"),
    ("cnn", "convnet", "convolution"), ("deconvolution", "transposed convolution"),
    ("fully connected", "dense", "linear layer", "mlp"), ("recurrent", "rnn", "lstm", "gru"),
    ("decision boundary", "linearly separable", "perceptron"), ("standard error", "standard deviation"),
    ("terminal velocity", "constant gradient"), ("transformer", "attention"),
    ("lookup table", "embedding"), ("skip connection", "shortcut", "residual", "resnet"),
    ("backprop", "backpropagation", "back propagation", "chain rule"), ("logsumexp", "lse", "log sum exp"),
    ("step size", "learning rate", "lr"), ("flops", "macs"), ("heavy ball", "momentum"),
    ("batchnorm", "batch norm", "batch normalisation"), ("layernorm", "layer norm", "layer normalisation"),
    ("crossentropy", "cross entropy", "log loss"), ("transfer learning", "freeze", "fully connected"),
    ("logistic regression", "logistic loss", "binary cross entropy", "bce"), ("smooth l1", "huber"),
    ("maximum likelihood", "mle", "likelihood"), ("rmse", "mse"),
    ("numerically stable", "numerical stability", "overflow"), ("dead", "dying", "exactly zero"),
    ("oversampling", "class imbalance", "imbalanced"), ("internal covariate shift", "batch normalisation"),
    ("fine tuning", "transfer learning", "freeze", "fully connected"), ("sparsity", "sparse", "exact zeros"),
    ("tikhonov", "ridge", "l2"), ("bias variance", "overfitting", "underfitting", "test error"),
    ("generalization", "generalisation gap", "test error"), ("dying relu", "dead relu", "kink", "saturates"),
    ("symmetry breaking", "symmetry"), ("dropconnect", "dropout"), ("monte carlo dropout", "mc dropout", "dropout"),
    ("noise injection", "input noise"), ("gaussian prior", "l2"), ("laplace prior", "l1"),
    ("object detection", "bounding box", "anchor box", "iou"), ("segmentation", "masks"),
    ("atrous", "dilated", "dilation"), ("siamese", "backprop"), ("autoencoder", "backprop"),
    ("temperature", "softmax"), ("cosine annealing", "cosine"), ("forget gate", "lstm"), ("global average", "average"),
    ("hyperparameter search", "grid search", "random search", "hyperparameters"),
    ("imbalanced", "imbalance", "majority class", "class weights"), ("standardization", "z score", "normalisation"),
    ("learning rate annealing", "learning rate decay", "learning rate schedule"), ("newton method", "hessian"),
    *((zoo, "zoo") for zoo in ("alexnet", "lenet", "vgg", "resnet50", "mobilenet", "unet", "u net")),
)  # fmt: skip
"""Words of one meaning; whoever types one finds what says another."""

Phrase = tuple[str, ...]


def stems(text: str) -> Phrase:
    """Split a text into its words, without endings, in one spelling.

    >>> stems("Normalization of losses"), stems("normalisation, a loss")
    (('normalisat', 'of', 'los'), ('normalisat', 'a', 'los'))
    """
    return tuple(map(_stem, compiled(_WORD).findall(text.lower().replace("iz", "is"))))


def _stem(word: str) -> str:
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _LEAST_STEM:
            return _stem(word.removesuffix(ending))
    return word


@dataclass(frozen=True)
class Entry:
    """What can be found: its texts, with how much a word in each of them counts."""

    texts: tuple[tuple[int, str], ...]

    @cached_property
    def words(self) -> Mapping[str, int]:
        """Every word with the most that it counts."""
        found: dict[str, int] = {}
        for weight, text in self.texts:
            for word in stems(text):
                found[word] = max(weight, found.get(word, 0))
        return found

    @cached_property
    def phrases(self) -> tuple[str, ...]:
        """The texts as rows of words, with how much each counts, for the search of several words in a row."""
        return tuple(f" {' '.join(stems(text))} " for _, text in self.texts)

    def score(self, phrase: Phrase) -> int:
        """Say how well a word is found, or a phrase: 0 where its words do not stand in a row, else they count twice."""
        each = [self._best(word) for word in phrase]
        if len(phrase) > 1:
            return 2 * sum(each) if any(f" {' '.join(phrase)} " in text for text in self.phrases) else 0
        return sum(each)

    def _best(self, wanted: str) -> int:
        """Say how much a word counts; its beginning counts a little less."""
        if wanted in self.words:
            return 2 * self.words[wanted]
        if len(wanted) < _LEAST_PREFIX:
            return 0
        return max((weight for word, weight in self.words.items() if word.startswith(wanted)), default=0)


def of_topic(topic: Topic) -> Entry:
    """Return what a command is found by."""
    options = " ".join(f"{p.name} {' '.join(p.given.flags)} {p.given.metavar} {p.given.help}" for p in topic.parameters)
    return Entry(
        (
            (16, topic.name),
            (10, topic.summary),
            (8, " ".join(topic.answers)),
            (6, topic.area),
            (4, topic.documentation.split("\n>>>", 1)[0]),
            (3, options),
            (2, " ".join(topic.examples)),
        )
    )


def of_question(judged: Judged) -> Entry:
    """Return what a question of judgement is found by."""
    return Entry(((10, judged.name), (10, judged.question), (4, judged.taught), (2, judged.because)))


@dataclass(frozen=True)
class Listing:
    """Commands, and questions that no command answers, with the words they were found by."""

    topics: tuple[Topic, ...]
    questions: tuple[Judged, ...] = ()
    words: str = ""
    missing: bool = False
    """True where nothing has all of the words, and this has most of them."""
    more: int = 0
    """How many commands were found beside these."""

    def by_area(self) -> dict[str, list[Topic]]:
        """Return the commands under their areas, in the order of the course."""
        areas = dict.fromkeys((*registry.AREAS, *(topic.area for topic in self.topics)))
        found = {area: [topic for topic in self.topics if topic.area == area] for area in areas}
        return {area: topics for area, topics in found.items() if topics}


def listed() -> Listing:
    """List every command."""
    return Listing(tuple(registry.every()))


def found(words: Iterable[str]) -> Listing:
    """Find commands and questions of judgement by words.

    Raises DlcalcError where nothing has any of them, with the nearest words that something has.

    >>> [topic.name for topic in found(["majority vote"]).topics][0]
    'ensemble'
    """
    text = " ".join(words)
    asked = compiled(_WORD).findall(text[: MAX_LETTERS + 1])
    if len(text) > MAX_LETTERS or len(asked) > MAX_WORDS:
        raise DlcalcError(f"these are more than {MAX_WORDS} words or {MAX_LETTERS} letters", "search for a few words")
    wanted = _wanted(stems(text))
    if not wanted:
        raise DlcalcError(f"{text!r} has no word to search for", f"see dlcalc {registry.INDEX}")
    topics, questions = tuple(registry.every()), QUESTIONS
    entries = {
        **{("topic", t.name): of_topic(t) for t in topics},
        **{("question", q.name): of_question(q) for q in questions},
    }
    scores = {key: [_score(entry, group) for group in wanted] for key, entry in entries.items()}
    hits = {key: sum(score > 0 for score in each) for key, each in scores.items()}
    most = max(hits.values())
    if 2 * most < len(wanted) or not most:
        raise _nothing(asked, entries.values())
    best = max(sum(scores[key]) for key in scores if hits[key] == most)
    close = (key for key in scores if hits[key] == most and FAR * sum(scores[key]) >= best)
    ranked = sorted(close, key=lambda key: -sum(scores[key]))
    chosen = [t for kind, name in ranked if kind == "topic" for t in topics if t.name == name]
    judged = [q for kind, name in ranked if kind == "question" for q in questions if q.name == name]
    return Listing(
        tuple(chosen[:MOST]), tuple(judged), text, missing=most < len(wanted), more=max(0, len(chosen) - MOST)
    )


def _wanted(words: Phrase) -> list[tuple[Phrase, ...]]:
    """Split what is typed into parts, each with the phrases that mean the same."""
    known = {stems(phrase): tuple(map(stems, group)) for group in reversed(_SYNONYMS) for phrase in group}
    longest, empty = max(map(len, known)), frozenset(stems(_EMPTY))
    out: list[tuple[Phrase, ...]] = []
    at = 0
    while at < len(words):
        for length in range(min(longest, len(words) - at), 0, -1):
            phrase = words[at : at + length]
            if phrase in known:
                out.append(tuple(dict.fromkeys((phrase, *known[phrase]))))
                at += length
                break
        else:
            if words[at] not in empty:
                out.append(((words[at],),))
            at += 1
    return out


def _score(entry: Entry, group: tuple[Phrase, ...]) -> int:
    """Say how well one of the phrases is found; the one that was typed counts double."""
    first, *others = (entry.score(phrase) for phrase in group)
    return max(2 * first, *others) if others else 2 * first


def _nothing(asked: Sequence[str], entries: Iterable[Entry]) -> DlcalcError:
    """Name the nearest words that something would be found by."""
    known = {word for entry in entries for _, text in entry.texts for word in compiled(_WORD).findall(text.lower())}
    typed = (word.lower() for word in asked if len(word) >= _LEAST_GUESSED)
    near = [close for word in typed for close in get_close_matches(word, sorted(known), n=2, cutoff=_NEAR)]
    words = f"{' '.join(asked)!r}"
    fix = (
        f"did you mean {' or '.join(dict.fromkeys(near))}?" if near else f"dlcalc {registry.INDEX} lists every command"
    )
    return DlcalcError(f"no command says anything about {words}", fix)
