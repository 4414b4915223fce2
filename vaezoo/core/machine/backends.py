"""Imports timm when a part needs it, also beside a CPU build of torch, and makes its networks without weights.

Importing this module imports neither torch nor timm.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

from vaezoo.errors import BackendUnavailable, ConfigError, UnknownName, suggest

if TYPE_CHECKING:
    from torch import nn

_SCHEMA = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
_SHAPING = """
act_layer attn_drop_rate aux_head avg_down base_width bias block_size cardinality channels class_token conv_mlp
depth depths dim dims downsamples drop_path_rate drop_rate dynamic_img_pad dynamic_img_size embed_dim embed_dims
expand_ratio features_only fc_norm final_norm fix_init global_pool groups head_dim head_hidden_size head_init_scale
head_norm_first img_size in_chans init_values key_dim kernel_size kernel_sizes layer_scale_init_value layers
ls_init_value mlp_ratio mlp_ratios no_embed_class norm_eps norm_layer num_classes num_features num_heads
out_features out_indices output_stride pad_type patch_drop_rate patch_size pos_drop_rate pos_embed pre_norm
proj_drop_rate qk_norm qkv_bias qkv_fused reg_tokens replace_stem_pool rope_temperature scale_attn_norm
scale_mlp_norm sr_ratios stem_chs stem_size stem_type stem_width strict_img_size use_abs_pos_emb use_fc_norm
use_pos_embed use_post_norm use_rel_pos_bias weight_init widths window_size zero_init_last
"""
OPTIONS = frozenset(_SHAPING.split())
"""Arguments of networks that a configuration may name. They shape a network, and none names a file or an address."""
_declared: list[Any] = []
"""The declared operators. They are undone when this list is deleted."""


def import_timm() -> Any:
    """Imports timm.

    timm imports torchvision, whose compiled part a CPU build of torch does not load. The import then fails on two
    operators that nothing here calls. Declaring their schemas makes it succeed.

    Raises:
        BackendUnavailable: timm cannot be imported for any other reason.
    """
    try:
        return import_module("timm")
    except RuntimeError as error:
        if "torchvision::nms" not in str(error):
            raise BackendUnavailable(
                f"timm cannot be imported: {error}.", hint="Reinstall timm and torchvision.", value="timm"
            ) from error
    except ImportError as error:
        raise BackendUnavailable(
            f"timm cannot be imported: {error}.", hint="Run pip install timm torchvision.", value="timm"
        ) from error
    import torch

    library = torch.library.Library("torchvision", "DEF")
    for name in ("nms", "qnms"):
        library.define(name + _SCHEMA)
    _declared.append(library)
    for name in [n for n in sys.modules if n.partition(".")[0] in ("torchvision", "timm")]:
        del sys.modules[name]
    try:
        return import_module("timm")
    except Exception as error:
        raise BackendUnavailable(
            f"timm cannot be imported: {error}.",
            hint="Install the torchvision that belongs to your torch.",
            value="timm",
        ) from error


def timm_network(backbone: str, **arguments: Any) -> nn.Module:
    """Makes a network of timm with random weights. It reads no file and opens no connection.

    Args:
        backbone: Name of the network in timm.
        arguments: Arguments for ``timm.create_model``. Plain values are for `OPTIONS` alone, since a file may name
            them: ``checkpoint_path`` would be unpickled. Lists, as configurations have them, become tuples.

    Raises:
        BackendUnavailable: timm cannot be imported.
        UnknownName: timm has no such network.
        ConfigError: The network does not accept an argument.
    """
    for key, value in arguments.items():
        if key not in OPTIONS | {"pretrained"} and isinstance(value, str | int | float | list | tuple | dict):
            raise ConfigError(
                f"Expected options of timm's {backbone!r} that shape a network, got {key!r}.",
                hint=suggest(key, OPTIONS), value=key,
            )  # fmt: skip
    timm = import_timm()
    if ":" in backbone or not timm.is_model(backbone):  # hf-hub:NAME, local-dir:PATH
        raise UnknownName(
            f"Expected a timm backbone, got {backbone!r}.", hint=suggest(backbone, timm.list_models()), value=backbone
        )
    arguments = {k: tuple(v) if isinstance(v, (list, tuple)) else v for k, v in arguments.items()}
    try:
        network: nn.Module = timm.create_model(backbone, **{**arguments, "pretrained": False})
    except (TypeError, RuntimeError, AttributeError, ValueError, AssertionError) as error:
        raise ConfigError(
            f"timm's {backbone!r} cannot be an encoder with options {arguments}: {str(error) or type(error).__name__}",
            value=backbone,
        ) from error
    return network
