"""Whole networks: from text, a file or a zoo to a table with one row per layer.

How a stack becomes a table:

    text (language.py), Keras JSON (keras_json.py), ONNX (onnx_file.py), the zoo (zoo/*.net)
      -> graph.Graph     nodes in order: a layer (a frozen record), the nodes it reads, its name, its place in the text
      -> walk.walk       one pass: shapes are checked, a node becomes a `Row` (output, weights, field)
      -> summary         totals over the rows, the answers of the question

Independent of all that, `trace.py` runs a forward pass with NumPy: arrays are made as large as what flows in asks,
their entries counted; and a window is really slid over the indices of an axis to see what an output entry can see.

Choices that the modules share:

- A *quantity* is an `int` while it is known and an expression while it holds a symbol (`quantities.py`): networks in
  numbers cost integer arithmetic, networks in letters need no second code path.
- A *shape* is a tuple of quantities, channels last: `(height, width, channels)`, `(length, width)`, `(features,)`.
- A *layer* is a frozen dataclass whose fields say how they are written (`layer.py`), with one method `effect`, a pure
  function of the shapes that flow in. Adding a kind of layer is adding that class (in `windows.py`, `dense.py`,
  `sequences.py`, `elementwise.py` or `joins.py`), its forward pass in `trace.py`, and its row in `kinds.py`.
- A graph, not a tree, is walked: `residual`, `parallel` and `repeat` are spellings for nodes that read several others,
  so that models from files need nothing of their own. A symbolic `repeat L` is one round with a factor L.
- A *field* (`field.py`) is what an output entry sees of the input: an interval per axis, kept for as many neighbouring
  entries as differ (more than one only behind a transposed convolution).
"""
