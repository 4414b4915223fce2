"""References to code, package.module:name: from Python and registry files, never from folders, recipes or commands."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

import vaezoo
from vaezoo.cli.listing import explain
from vaezoo.core.likelihood.names import KINDS, kind_target
from vaezoo.core.likelihood.pixelwise import GaussianKind
from vaezoo.errors import ConfigError
from vaezoo.host.beliefs import refuse_references
from vaezoo.host.manager import current_zoo
from vaezoo.train.recipe import load_recipe


def test_a_saved_folder_runs_no_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "acme_ran.py").write_text("from pathlib import Path\nPath(__file__).with_suffix('.ran').touch()\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    vaezoo.save(vaezoo.create("mlp-vae", hidden=[8], seed=0), tmp_path / "model")
    told = tmp_path / "model/vaezoo.yaml"
    for key, old in (("belief", "gaussian"), ("likelihood", "bernoulli")):
        text = told.read_text()
        assert f"{key}: {old}" in text
        told.write_text(text.replace(f"{key}: {old}", f"{key}: acme_ran:thing(width=1)"))
        with pytest.raises(
            ConfigError, match=rf"asks for {key} 'acme_ran:thing\(width=1\)', which would import acme_ran"
        ):
            vaezoo.load(tmp_path / "model")
        told.write_text(text)
    assert vaezoo.load(tmp_path / "model") and not (tmp_path / "acme_ran.ran").exists()
    told.write_text(told.read_text().replace("likelihood: bernoulli", "likelihood: acme_ran:thing"))
    with pytest.raises(ConfigError, match="needs acme_ran:thing, which fails with AttributeError"):
        vaezoo.load(tmp_path / "model", trust_code=True)
    assert (tmp_path / "acme_ran.ran").exists()


def test_a_recipe_and_a_command_name_no_code() -> None:
    for override in ("encoder.belief=os:system", "encoder={name: mlp, belief: os.path:join}"):
        with pytest.raises(ConfigError, match="The recipe asks for"):
            load_recipe("mlp-vae", [f"overrides=['{override}']"])
    with pytest.raises(ConfigError, match=r"The command asks for encoder\.belief 'os:system'"):
        CliRunner().invoke(explain, ["mlp-vae", "encoder.belief=os:system"], catch_exceptions=False)
    assert load_recipe("mlp-vae", ["overrides=['encoder.belief=full-gaussian']"]).overrides


def test_what_is_declared_and_what_is_no_reference_is_let_pass() -> None:
    refuse_references({"likelihood": "vaezoo_noise.kinds:GaussianNoiseKind", "network": "timm:resnet18"}, "It")
    refuse_references({"around": "vq(entries=256)", "url": "https://acme.example/a:b", "widths": [1, 2]}, "It")
    with pytest.raises(ConfigError, match=r"asks for likelihood 'vaezoo_noise.kinds:Other'"):
        refuse_references({"decoder": {"likelihood": "vaezoo_noise.kinds:Other"}}, "It")


def test_python_may_name_code() -> None:
    model = vaezoo.create(
        "mlp-vae", hidden=[8], decoder={"likelihood": "vaezoo.core.likelihood.pixelwise:GaussianKind"}
    )
    assert isinstance(model.decoder.head.form, GaussianKind)  # type: ignore[union-attr]


def test_a_likelihood_is_declared_by_name() -> None:
    declared = current_zoo().registry.kinds["likelihood"]
    assert {name: declared.get(name).target for name in KINDS} == KINDS
    assert kind_target("gaussian-noise") == "vaezoo_noise.kinds:GaussianNoiseKind"
    vaezoo.register_likelihood("test-normal", GaussianKind)
    model = vaezoo.create("mlp-vae", hidden=[8], decoder={"likelihood": "test-normal"})
    assert isinstance(model.decoder.head.form, GaussianKind)  # type: ignore[union-attr]
    with pytest.raises(ConfigError, match=r"Expected a likelihood, got 'gausian'.* Did you mean 'gaussian'"):
        kind_target("gausian")
