"""The table of layers: every word that names one, its class, and the fields that the word gives.

Adding a kind of layer is adding its class (see `layer.py`), its forward pass (see `trace.py`), and a row here.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from dlcalc.networks.dense import Fc, Flatten, Rbf, Reshape
from dlcalc.networks.elementwise import ACTIVATIONS, Activation, Dropout, Norm, Prelu
from dlcalc.networks.layer import Layer
from dlcalc.networks.sequences import GATES, Attention, Embedding, Positions, Recurrent
from dlcalc.networks.windows import (
    Conv,
    ConvTranspose,
    Crop,
    Depthwise,
    GlobalPool,
    Pad,
    Pool,
    Separable,
    Subsample,
    Upsample,
)


class Kind(NamedTuple):
    """A word for a layer."""

    make: type[Layer]
    preset: dict[str, Any]


_ROWS: tuple[tuple[str, type[Layer], dict[str, Any]], ...] = (
    ("conv convolution conv1d conv2d conv3d", Conv, {}),
    ("depthwise dwconv depthwise-conv", Depthwise, {}),
    ("separable separable-conv sepconv", Separable, {}),
    ("conv-transpose deconv upconv transposed-conv convtranspose", ConvTranspose, {}),
    ("pool", Pool, {}),
    ("max-pool maxpool", Pool, {"mode": "max"}),
    ("avg-pool avgpool average-pool", Pool, {"mode": "avg"}),
    ("subsample", Subsample, {}),
    ("global-pool gap global-avg-pool", GlobalPool, {}),
    ("global-max-pool", GlobalPool, {"mode": "max"}),
    ("pad zero-pad", Pad, {}),
    ("crop", Crop, {}),
    ("upsample", Upsample, {}),
    ("fc dense linear fully-connected", Fc, {}),
    ("rbf", Rbf, {}),
    ("flatten", Flatten, {}),
    ("reshape", Reshape, {}),
    ("norm", Norm, {}),
    ("batch-norm batchnorm bn", Norm, {"mode": "batch"}),
    ("layer-norm layernorm ln", Norm, {"mode": "layer"}),
    ("group-norm groupnorm gn", Norm, {"mode": "group"}),
    ("instance-norm instancenorm", Norm, {"mode": "instance"}),
    ("rms-norm rmsnorm", Norm, {"mode": "rms"}),
    ("prelu", Prelu, {}),
    ("dropout", Dropout, {}),
    ("identity skip", Layer, {}),
    ("embedding embed", Embedding, {}),
    ("positions position-embedding", Positions, {}),
    *((cell, Recurrent, {"cell": cell}) for cell in GATES),
    ("attention self-attention multi-head-attention mha", Attention, {}),
    *((name, Activation, {"function": name}) for name in ACTIVATIONS),
)
KINDS = {word: Kind(make, preset) for words, make, preset in _ROWS for word in words.split()}
BLOCKS = ("residual", "repeat", "parallel")
"""Words that are followed by layers in braces."""
