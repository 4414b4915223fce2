"""What strangers wrote, where it is shown: no command to paste that they chose, no codes that a terminal obeys."""

from __future__ import annotations

from pathlib import Path

import pytest

import vaezoo
from vaezoo.errors import ConfigError, PluginError, words_of


@pytest.mark.parametrize(
    ("owner", "version", "hint"),
    [
        ("acme:acme", "1.0", "If you trust it: pip install acme==1.0"),
        ("acme:acme", None, "pip install acme"),
        ("evil' || touch ran #:a", "1.0", "Expected the name and version of a distribution, got \"evil' || touch ran"),
        ("--index-url=https://acme.example acme:a", None, "Expected the name and version of a distribution"),
        ("acme:acme", "1.0' ; touch ran '", "Expected the name and version of a distribution"),
        ("acme\n:a", None, "Expected the name and version of a distribution"),
    ],
)
def test_no_command_is_printed_that_a_folder_chose(tmp_path: Path, owner: str, version: str | None, hint: str) -> None:
    import yaml

    folder = vaezoo.save(vaezoo.create("mlp-vae", hidden=[8], seed=0), tmp_path / "model")
    told = yaml.safe_load((folder / "vaezoo.yaml").read_text())
    told["model"]["encoder"]["owner"] = owner
    told["plugins"] |= {owner: version} if version else {}
    (folder / "vaezoo.yaml").write_text(yaml.safe_dump(told))
    with pytest.raises(PluginError, match="which is not installed") as error:
        vaezoo.load(folder)
    assert hint in str(error.value)
    assert ("pip install" in hint) == ("pip install" in str(error.value))


@pytest.mark.parametrize("code", ["\x1b[2J", "\x9b31m", "\x07", "\u202e", "\x08"])
def test_a_terminal_is_told_no_codes(code: str) -> None:
    told = words_of(ConfigError(f"It has the key {code}b.", value=code))
    assert (
        told.isprintable() and ascii(code[0])[1:-1] in told and words_of(ConfigError("é ü 中\n", value=1)) == "é ü 中"
    )
