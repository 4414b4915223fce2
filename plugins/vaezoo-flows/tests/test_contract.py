"""The contract that vaezoo asks of every plugin and model."""

from typing import ClassVar

import torch
from vaezoo.testing import ModelContract, PluginContract

torch.set_num_threads(1)


class TestPlugin(PluginContract):
    package = "vaezoo_flows"


class TestIAF(ModelContract):
    model = "flow-iaf"


class TestNSF(ModelContract):
    model = "flow-nsf"


class TestPlanar(ModelContract):
    model = "flow-planar"


class TestPrior(ModelContract):
    model = "flow-prior"


class TestPriorOnGrids(ModelContract):
    """One flow for all cells of a convolutional model, at every size."""

    model = "conv-beta"
    params: ClassVar = {"prior": {"name": "flow", "flow": "maf"}, "loss": "elbo"}
