"""Trainable parameters of recurrent layers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any

from dlcalc.counting import like_terms, times, total
from dlcalc.derivation import Letters
from dlcalc.errors import DlcalcError
from dlcalc.givens import COUNT, choice, scalar, switch
from dlcalc.notation.evaluate import PLAIN
from dlcalc.notation.expression import ONE, ZERO, Expr, Num, Sym, number
from dlcalc.notation.printing import unicode
from dlcalc.solution import Domain, Slip, Solution, symbols
from dlcalc.tally import Listed, Part, Shape, Tally
from dlcalc.topic import topic

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dlcalc.passes import Layers

TWO = number(2)
FEW = Domain(COUNT.low, COUNT.low + 2, whole=True)
"""Sizes where the loops read every weight, step by step: few, because they multiply; three tell quadratics apart."""
MAX_LISTED = 100
"""Stacked layers that are told apart, and passed through at the very sizes asked."""
STEPS = 2
"""Steps of the sequence that the forward pass takes; all of them share their weights."""

GATES = {
    "rnn": ("the state",),
    "gru": ("the reset gate", "the update gate", "the new state"),
    "lstm": ("the input gate", "the forget gate", "the output gate", "the new cell"),
}


@dataclass(frozen=True, slots=True)
class Recurrent:
    """Recurrent layers: their sizes, as givens or in letters, and what they hold."""

    cell: str
    inputs: Expr
    hidden: Expr
    layers: Expr
    directions: int
    biases: int
    projection: Expr | None
    outputs: Expr | None
    bias: bool
    reset_after: bool
    gates: int

    @property
    def state(self) -> Expr:
        """Give the size of what a layer hands on, per direction."""
        return self.hidden if self.projection is None else self.projection

    @property
    def handed_on(self) -> Expr:
        """Give the size of what a layer hands to the next."""
        return times(number(self.directions), self.state)

    def first_gate(self, *, biases: bool = True) -> Expr:
        """Write what a gate of the first layer holds: `d h + h² + h`."""
        return self._gate(times(self.inputs, self.hidden), times(self.state, self.hidden), biases=biases)

    def next_gate(self, *, biases: bool = True) -> Expr:
        """Write what a gate of a layer on top holds, whose inputs are states too: `2h² + h`."""
        return self._gate(times(number(self.directions + 1), self.state, self.hidden), biases=biases)

    def _gate(self, *weights: Expr, biases: bool) -> Expr:
        vectors = [times(number(self.biases), self.hidden)] if biases and self.biases else []
        return total([*weights, *vectors])

    def layer(self, gate: Expr) -> Expr:
        """Write what a layer holds, given one of its gates."""
        gates = times(number(self.directions * self.gates), gate)
        return total([gates, *self._projected(ONE)])

    def _projected(self, layers: Expr) -> list[Expr]:
        if self.projection is None:
            return []
        return [times(number(self.directions), layers, self.projection, self.hidden)]

    def output(self) -> Expr:
        """Write what the output layer holds."""
        if self.outputs is None:
            return ZERO
        return total([times(self.handed_on, self.outputs), *([self.outputs] if self.bias else [])])

    def weights(self) -> Expr:
        """Write all weights."""
        many = number(self.directions * self.gates)
        terms = [times(many, self.first_gate(biases=False))]
        if self.layers != ONE:
            terms.append(times(many, self.layers - ONE, self.next_gate(biases=False)))
        out = [times(self.handed_on, self.outputs)] if self.outputs is not None else []
        return total([*terms, *self._projected(self.layers), *out])

    def all_biases(self) -> Expr:
        """Write all biases."""
        many = times(number(self.directions * self.gates * self.biases), self.layers, self.hidden)
        out = [self.outputs] if self.outputs is not None and self.bias else []
        return total([*([many] if self.biases else []), *out])

    def parameters(self) -> Expr:
        """Add up weights and biases."""
        return like_terms(self.weights() + self.all_biases())


@topic(
    area="layers",
    answers=(
        *("parameters", "gate", "recurrent", "first_layer", "next_layer", "output_layer", "weights", "biases"),
        *("W_shape", "U_shape", "b_shape", "V_shape", "joined_shape", "weight_ih_shape", "weight_hh_shape"),
        "layer_parameters",
    ),
    examples=(
        "--cell lstm --inputs 64 --hidden 32",
        "--cell gru --inputs 10 --hidden 20 --framework keras",
        "--cell rnn --inputs 5 --hidden 8 --outputs 3 --layers 2 --bidirectional",
        "--cell lstm --inputs d --hidden h",
    ),
)
def rnn_params(
    *,
    inputs: Annotated[
        Expr, scalar("-i", "--input", "--input-size", "--features", help="Entries of x at a step.", whole=True, least=1)
    ],
    hidden: Annotated[
        Expr, scalar("-n", "--hidden-size", "--units", help="Entries of the state h.", whole=True, least=1)
    ],
    cell: Annotated[
        str, choice("rnn", "gru", "lstm", flags=("--kind", "--type"), help="The recurrent cell (default rnn).")
    ] = "rnn",
    outputs: Annotated[
        Expr | None,
        scalar(
            "-o",
            "--output",
            "--classes",
            help="Units of a dense layer on the state (default: none).",
            whole=True,
            least=1,
        ),
    ] = None,
    layers: Annotated[
        Expr, scalar("-L", "--num-layers", help="Stacked recurrent layers (default 1).", whole=True, least=1)
    ] = ONE,
    bidirectional: Annotated[bool, switch(help="A second cell reads the sequence backwards.")] = False,
    bias: Annotated[bool, switch(help="Biases (default: yes).")] = True,
    framework: Annotated[
        str | None,
        choice(
            "book", "keras", "pytorch", help="Whose bias vectors: book has one per gate, pytorch two (default book)."
        ),
    ] = None,
    bias_vectors: Annotated[str | None, choice("1", "2", help="Bias vectors per gate, whatever the framework.")] = None,
    reset_after: Annotated[
        bool | None, switch(help="A GRU resets after the product with U (Keras: yes; then it has two bias vectors).")
    ] = None,
    projection: Annotated[
        Expr | None,
        scalar(
            "-p", "--proj-size", help="An LSTM's state is projected to this size (default: not).", whole=True, least=1
        ),
    ] = None,
) -> Solution:
    """Trainable parameters of recurrent layers.

    A gate has W (h × d), U (h × h) and b (h): dh + h² + h. A plain RNN has one such set, a GRU 3, an LSTM 4; a
    bidirectional layer has twice as many; a layer on top of another sees its state, of both directions, as input.
    PyTorch has two bias vectors per gate, Keras one (a GRU that resets after the product two).
    Source: Hochreiter and Schmidhuber (1997); Cho et al. (2014); torch.nn.RNN, GRU, LSTM; keras.layers.GRU, LSTM.

    Raises DlcalcError when a given belongs to another cell, or the givens about biases contradict each other.

    >>> rnn_params(cell="lstm", inputs=4096, hidden=256).value
    4457472
    >>> rnn_params(cell="gru", inputs=10, hidden=20, framework="pytorch").value
    1920
    """
    if cell != "gru" and reset_after is not None:
        raise DlcalcError(f"a cell {cell} has no reset gate", "add --cell gru, or leave --reset-after out")
    if cell != "lstm" and projection is not None:
        raise DlcalcError(f"a cell {cell} has no projection", "add --cell lstm, or leave --projection out")
    if framework == "pytorch" and reset_after is False:
        raise DlcalcError("PyTorch's GRU resets after the product with U", "use --framework keras or book")
    after = reset_after if reset_after is not None else framework in {"keras", "pytorch"}
    asked = Recurrent(
        cell=cell,
        inputs=inputs,
        hidden=hidden,
        layers=layers,
        directions=2 if bidirectional else 1,
        biases=_vectors(cell, framework, bias_vectors, after=after) if bias else 0,
        projection=projection,
        outputs=outputs,
        bias=bias,
        reset_after=after,
        gates=len(GATES[cell]),
    )
    if not bias and bias_vectors is not None:
        raise DlcalcError(f"--no-bias leaves no bias, but --bias-vectors is {bias_vectors}", "leave one of them out")
    return _tally(asked).solution({"parameters": tuple(_slips(asked))})


def _vectors(cell: str, framework: str | None, given: str | None, *, after: bool) -> int:
    """Find how many bias vectors a gate has; what is said twice must agree."""
    conventional = 2 if framework == "pytorch" or (cell == "gru" and after) else 1
    if given is not None and framework not in {None, "book"} and int(given) != conventional:
        name = {"keras": "Keras", "pytorch": "PyTorch"}[framework]
        raise DlcalcError(
            f"--bias-vectors {given} is not what {name} has in this cell, which is {conventional}",
            "leave one of them out",
        )
    return int(given) if given is not None else conventional


def _tally(asked: Recurrent) -> Tally:
    """Write the layers in letters."""
    letters = Letters(
        taken=symbols(asked.inputs, asked.hidden, asked.layers, asked.projection or ONE, asked.outputs or ONE)
    )
    inputs, hidden = letters.letter("d", asked.inputs, FEW), letters.letter("h", asked.hidden, FEW)
    lettered = replace(
        asked,
        inputs=inputs,
        hidden=hidden,
        layers=ONE if asked.layers == ONE else letters.letter("L", asked.layers, FEW),
        projection=None if asked.projection is None else letters.letter("p", asked.projection, FEW),
        outputs=None if asked.outputs is None else letters.letter("K", asked.outputs, FEW),
    )
    return Tally(
        letters,
        lambda net, sizes: _forward(lettered, net, sizes),
        tuple(_parts(asked, lettered)),
        shapes=tuple(_shapes(lettered)),
        lists=_lists(asked),
        assumptions=[f"{unicode(asked.layers)} ≥ 1"] if symbols(asked.layers) else [],
        conventions=tuple(_conventions(asked)),
        notes=[f"more than {MAX_LISTED} layers are not listed one by one"] if _too_many(asked) else [],
        tied=True,
        counted_on_arrays=not _too_many(asked),
    )


def _too_many(asked: Recurrent) -> bool:
    return isinstance(asked.layers, Num) and asked.layers.value > MAX_LISTED


def _parts(asked: Recurrent, lettered: Recurrent) -> Iterator[Part]:
    """Derive the gate, the layers, the total; then the weights and the biases apart."""
    h, d, r = (unicode(size) for size in (asked.hidden, asked.inputs, asked.state))
    vectors = {0: "", 1: f", b has {h} entries", 2: f", two vectors b have {h} entries each"}[asked.biases]
    held = f"W is {h} × {d}, U is {h} × {r}{vectors}"
    one = lettered.first_gate()
    if asked.gates > 1:
        yield Part("gate", one, f"a gate: {held}", ("l1.forward.0.*",))
        one, held = Sym("gate"), f"{asked.gates} of them, for {', '.join(GATES[asked.cell])}"
    both = ", in each direction" if asked.directions > 1 else ""
    projected = f"; projected from {h} to {r}" if asked.projection is not None else ""
    name = "recurrent" if lettered.layers == ONE else "first_layer"
    yield Part(name, lettered.layer(one), f"{held}{both}{projected}", ("l1.*",))
    if lettered.layers != ONE:
        seen = unicode(like_terms(asked.handed_on))
        above = f"a layer on top has {seen} inputs, the state{'s of both directions' if both else ''} below"
        yield Part("next_layer", lettered.layer(lettered.next_gate()), above, ("next.*",))
        stack = total([Sym("first_layer"), times(lettered.layers - ONE, Sym("next_layer"))])
        yield Part("recurrent", stack, "the first layer, and those on top of it", ("l*",))
    if asked.outputs is not None:
        v = f"the output: V is {unicode(asked.outputs)} × {unicode(like_terms(asked.handed_on))}"
        yield Part("output_layer", lettered.output(), f"{v}{', and its biases' if asked.bias else ''}", ("out.*",))
    every = [Sym("recurrent"), *([Sym("output_layer")] if asked.outputs is not None else [])]
    yield Part("parameters", total(every), "all that is trained; the steps share it", ("l*", "out.*"))
    yield Part("weights", lettered.weights(), "the matrices alone", ("l*.weight*", "out.weight"))
    biases = "the biases alone" if asked.bias else "no biases"
    yield Part("biases", lettered.all_biases(), biases, ("l*.bias*", "out.bias"))


def _shapes(lettered: Recurrent) -> Iterator[Shape]:
    """List the shapes of the first layer: gate by gate, joined, and with the gates stacked."""
    d, h, r, first = lettered.inputs, lettered.hidden, lettered.state, "l1.forward.0."
    yield Shape("W_shape", f"{first}weight_W", (h, d))
    yield Shape("U_shape", f"{first}weight_U", (h, r))
    if lettered.biases:
        yield Shape("b_shape", f"{first}bias_1", (h,))
    if lettered.outputs is not None:
        yield Shape("V_shape", "out.weight", (lettered.outputs, lettered.handed_on))
    yield Shape("joined_shape", "joined", (h, d + r))
    if lettered.gates > 1:
        stacked = times(number(lettered.gates), h)
        yield Shape("weight_ih_shape", "stacked_ih", (stacked, d))
        yield Shape("weight_hh_shape", "stacked_hh", (stacked, r))


def _lists(asked: Recurrent) -> tuple[Listed, ...]:
    if not isinstance(asked.layers, Num) or asked.layers == ONE or _too_many(asked):
        return ()
    names = ["first_layer"] + ["next_layer"] * (int(asked.layers.value) - 1)
    return (Listed("layer_parameters", [(Sym(name), (f"l{i}.*",)) for i, name in enumerate(names, 1)]),)


# the forward pass


def _forward(lettered: Recurrent, net: Layers, sizes: Mapping[str, int]) -> None:
    """Let a sequence pass through all layers and one more, then the gates of the first layer stacked, and joined."""

    def size(of: Expr) -> int:
        return int(PLAIN.value(of, sizes))

    sequence = [net.vector(size(lettered.inputs)) for _ in range(STEPS)]
    x, state = sequence[0], net.vector(size(lettered.state))
    stack = [f"l{layer}" for layer in range(1, size(lettered.layers) + 1)]
    for layer in (*stack, *(["next"] if lettered.layers != ONE else [])):
        there = _read_through(lettered, net, sizes, f"{layer}.forward", sequence)
        if lettered.directions > 1:
            back = _read_through(lettered, net, sizes, f"{layer}.backward", sequence[::-1])[::-1]
            there = [net.join(pair) for pair in zip(there, back, strict=True)]
        sequence = there
    if lettered.outputs is not None:
        net.linear(sequence[-1], size(lettered.outputs), "out.weight", "out.bias" if lettered.bias else "")
    stacked = lettered.gates * size(lettered.hidden)
    gates = net.add(net.linear(x, stacked, "stacked_ih"), net.linear(state, stacked, "stacked_hh"))
    whole = net.linear(net.join([x, state]), size(lettered.hidden), "joined")
    net.add(net.split(gates, lettered.gates)[0], whole)


def _read_through(
    lettered: Recurrent, net: Layers, sizes: Mapping[str, int], name: str, sequence: list[Any]
) -> list[Any]:
    """Take a cell from step to step, and return its states."""
    hidden = int(PLAIN.value(lettered.hidden, sizes))
    cell, state, states = net.vector(hidden), net.vector(int(PLAIN.value(lettered.state, sizes))), []
    first, second = ("bias_1" if lettered.biases else "", "bias_2" if lettered.biases > 1 else "")

    def of_input(gate: int, x: Any) -> Any:  # noqa: ANN401 (as the layers want it)
        return net.linear(x, hidden, f"{name}.{gate}.weight_W", first and f"{name}.{gate}.{first}")

    def of_state(gate: int, h: Any) -> Any:  # noqa: ANN401 (as the layers want it)
        return net.linear(h, hidden, f"{name}.{gate}.weight_U", second and f"{name}.{gate}.{second}")

    for x in sequence:
        if lettered.cell == "gru":
            reset, update = (net.add(of_input(gate, x), of_state(gate, state)) for gate in (0, 1))
            if lettered.reset_after:
                new = net.add(of_input(2, x), net.multiply(reset, of_state(2, state)))
            else:
                new = net.add(of_input(2, x), of_state(2, net.multiply(reset, state)))
            state = net.add(net.multiply(update, new), net.multiply(update, state))
        elif lettered.cell == "lstm":
            i, f, o, g = (net.add(of_input(gate, x), of_state(gate, state)) for gate in range(lettered.gates))
            cell = net.add(net.multiply(f, cell), net.multiply(i, g))
            state = net.multiply(o, cell)
            if lettered.projection is not None:
                state = net.linear(state, int(PLAIN.value(lettered.projection, sizes)), f"{name}.weight_P")
        else:
            state = net.add(of_input(0, x), of_state(0, state))
        states.append(state)
    return states


# what is said


_BIASES = {
    0: "no bias vectors",
    1: "one bias vector per gate, as in the equations and in Keras; PyTorch has two (--framework pytorch)",
    2: "two bias vectors per gate, b with W and b′ with U, as in PyTorch and in a GRU of Keras that resets after U",
}


def _conventions(asked: Recurrent) -> Iterator[str]:
    """Say what a cell computes, and whose bias vectors are counted."""
    if asked.cell == "rnn":
        yield f"h_t = f(Wx_t + Uh_(t−1){['', ' + b', ' + b + b′'][asked.biases]})"
    else:
        vectors = ["W and U", "W, U and b", "W, U, b and b′"][asked.biases]
        yield f"{', '.join(GATES[asked.cell])}: each has its own {vectors} (in short, each is a gate)"
    yield "matrices stand left of their vectors; Keras stores them transposed"
    yield _BIASES[asked.biases]
    if asked.cell == "gru":
        yield (
            "the reset gate acts after the product with U"
            if asked.reset_after
            else ("the reset gate acts before the product with U; in Keras and PyTorch after it (--reset-after)")
        )
    if asked.directions > 1:
        yield "the states of both directions are joined: twice as many entries leave a layer"
    if asked.projection is not None:
        yield "the projection of the state has no bias, as in PyTorch"
    yield "the number of steps does not matter: all steps share the parameters"


def _slips(asked: Recurrent) -> Iterator[Slip]:
    """Explain common wrong totals, most of them as the total of other layers."""
    layer = "recurrent" if asked.layers == ONE else "first_layer"
    yield from _slips_of_a_layer(asked, "gate" if asked.gates > 1 else layer, layer)
    if asked.directions > 1:
        yield _other(asked, "the second direction has a cell of its own", layer, directions=1)
    else:
        yield _other(asked, "the layer reads in one direction only", layer, directions=2)
    if asked.layers != ONE:
        yield from _slips_of_a_stack(asked)
    if asked.outputs is not None:
        yield _other(asked, "the output layer is missing", "output_layer", outputs=None)
        if asked.directions > 1:
            half = times(asked.state, asked.outputs)
            yield _less(asked, half, "the output sees the states of both directions", "output_layer")
    if asked.projection is not None:
        yield _other(asked, "the state is projected", layer, projection=None)


def _other(asked: Recurrent, because: str, rule: str, **changed: Any) -> Slip:  # noqa: ANN401 (fields of the layers)
    """Take the total of other layers for a slip."""
    return Slip(replace(asked, **changed).parameters(), because, rule)


def _less(asked: Recurrent, missing: Expr, because: str, rule: str) -> Slip:
    return Slip(like_terms(asked.parameters() - missing), because, rule)


def _slips_of_a_layer(asked: Recurrent, rule: str, layer: str) -> Iterator[Slip]:
    """Explain biases, gates and matrices that are missing or too many."""
    if asked.bias:
        said = "is one bias vector per gate, not two as in PyTorch"
        if asked.biases > 1:
            said = "are two bias vectors per gate, not one"
        yield _other(asked, "the biases are missing", rule, biases=0, bias=False)
        yield _other(asked, f"there {said}", rule, biases=3 - asked.biases)
    else:
        for vectors in (1, 2):
            yield _other(asked, "there are no biases here", "biases", biases=vectors, bias=True)
    names = {
        "lstm": "an LSTM has 3 gates and the new cell: 4 sets",
        "gru": "a GRU has 2 gates and the new state: 3 sets",
    }
    for gates in {1, 2, 3, 4} - {asked.gates} if asked.gates > 1 else ():
        yield _other(asked, f"{names[asked.cell]} of W, U and b, not {gates}", layer, gates=gates)
    recurrent = times(asked.layers, number(asked.directions * asked.gates), asked.state, asked.hidden)
    yield _less(asked, recurrent, "the matrices U, from state to state, are missing", rule)


def _slips_of_a_stack(asked: Recurrent) -> Iterator[Slip]:
    """Explain layers on top that are missing, or see something else."""
    above = times(asked.layers - ONE, number(asked.directions * asked.gates), asked.hidden)
    yield _other(asked, "only the first of the layers is counted", "recurrent", layers=ONE)
    same = times(above, asked.handed_on - asked.inputs)
    yield _less(asked, same, "a layer on top sees the state below, not x", "next_layer")
    if asked.directions > 1:
        one = times(above, asked.state)
        yield _less(asked, one, "a layer on top sees the states of both directions", "next_layer")
