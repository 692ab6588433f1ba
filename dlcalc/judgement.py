"""Questions that no number answers: definitions, and claims that are judged or measured, not computed.

`dlcalc topics WORD` finds them, so that a student is told what can be computed instead, and that the rest is not.
"""

from __future__ import annotations

from typing import Literal, NamedTuple


class Judged(NamedTuple):
    """A question without a computed answer."""

    name: str
    question: str
    kind: Literal["definition", "judgement", "measurement"]
    taught: str
    """What textbooks say."""
    because: str
    """Why nothing is computed here."""
    see: tuple[str, ...] = ()
    """Commands, with their arguments, that compute what can be computed about it."""


QUESTIONS = (
    Judged(
        "split-roles",
        "What are the training, validation and test sets for?",
        "definition",
        "training: the parameters; validation: the hyperparameters; test: an estimate of generalisation, used once",
        "what each set is for is agreed on, not derived",
        ("selection-bias --models 1000 --examples 100", "k-fold --k 5"),
    ),
    Judged(
        "hyperparameters",
        "Which are hyperparameters: loss function, learning rate, number of layers, batch size, weights?",
        "definition",
        "what gradient descent does not learn: loss function, learning rate, layers, batch size; weights, biases and "
        "the γ and β of batch norm are parameters",
        "the word is defined by who chooses the value, and no formula says that",
        ("fc-params --layers 784,100,10", "k-fold --k 5 --settings 12"),
    ),
    Judged(
        "mlp-class-vs-reg",
        "Classification or regression: yes/no, gender, colour, product sales, price, team score?",
        "definition",
        "classification where the target is one of finitely many labels, regression where it is a quantity",
        "the kind of the target decides, and it is given, not computed",
        ("metrics --y 1,0,1,1 --predicted 1,0,0,1",),
    ),
    Judged(
        "multitask-false",
        "True or false: multitask learning is not applicable when one task has little data?",
        "judgement",
        "false, by most textbooks: layers that tasks share are trained on the data of all of them",
        "whether sharing helps depends on how alike the tasks are; no count of examples decides it",
        ("fc-params --inputs d --outputs C",),
    ),
    Judged(
        "overfit-remedies",
        "Training accuracy is high, validation accuracy low: does dropout, data augmentation or adding layers help?",
        "judgement",
        "dropout and augmentation, which act against overfitting; more layers fit the training set even better",
        "which remedy helps a network on its data is seen by trying, no formula decides it",
        ("early-stopping --train 9,5,3,2 --validation 9,6,7,8", "dropout --keep 0.5 --units 4"),
    ),
    Judged(
        "mlp-width",
        "Does increasing the number of hidden units help?",
        "judgement",
        "the lowest training loss that can be reached never rises, for a wider network contains the narrower one; the "
        "test loss may fall or rise",
        "what a wider network reaches when it is trained on given data is measured, not derived",
        ("fc-params --layers 784,100,10", "linear-regions --inputs 2 --hidden 5"),
    ),
    Judged(
        "sgd-flat-minima",
        "Does SGD avoid poor local minima and prefer flat ones?",
        "measurement",
        "often observed, and explained by the noise of its gradients; not a theorem",
        "it depends on the loss surface, the batch size and the learning rate of the network at hand",
        ("minibatch-variance --samples 100 --batch 10", "critical-point 'L = x^2 - y^2' --at x=0,y=0"),
    ),
    Judged(
        "bn-faster",
        "Does batch normalization (batch norm) speed up training, is it faster?",
        "measurement",
        "usually fewer iterations to a given loss, by larger learning rates; not for every network",
        "a claim about training runs: one run could only demonstrate it for one problem",
        ("batch-norm", "batch-norm --backward"),
    ),
)
"""All of them, under the names that the project's collections of questions give them."""
