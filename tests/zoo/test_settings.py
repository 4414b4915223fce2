"""The user's configuration: where it is found, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from vaezoo import settings
from vaezoo.errors import ConfigError
from vaezoo.host.manager import current_zoo


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("VAEZOO_CONFIG", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_it_is_where_the_variables_say(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings().prefer == () and settings().licences is None and settings().path is None
    write(nowhere / ".config/vaezoo/config.yaml", "prefer: [home]")
    assert settings().prefer == ("home",)
    write(nowhere / "xdg/vaezoo/config.yaml", "prefer: [xdg, second]\nlicences: []")
    monkeypatch.setenv("XDG_CONFIG_HOME", "xdg")  # relative, so to be ignored
    assert settings().prefer == ("home",)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(nowhere / "xdg"))
    assert settings().prefer == ("xdg", "second") and settings().licences == ()
    monkeypatch.setenv("VAEZOO_CONFIG", str(write(nowhere / "mine.yaml", "licences: [MIT]")))
    assert settings().prefer == () and settings().licences == ("MIT",)


def test_a_user_without_a_home_has_none(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", homeless)
    assert settings().path is None


def test_a_home_that_is_somebody_elses_is_passed_over(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def barred(path: Path) -> bool:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "is_file", barred)
    assert settings().path is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("prefer: [a]\nlicenses: [MIT]", "line 2: unknown key 'licenses'. Did you mean 'licences'"),
        ("prefer: acme", "line 1: expected prefer as a list of texts, got 'acme'"),
        ("\nlicences: [1]", r"line 2: expected licences as a list of texts, got \[1\]"),
        ("prefer: [a]\nprefer: [b]", "the key 'prefer' stands twice"),
    ],
)
def test_what_it_does_not_understand_is_refused_with_its_line(
    nowhere: Path, monkeypatch: pytest.MonkeyPatch, text: str, message: str
) -> None:
    monkeypatch.setenv("VAEZOO_CONFIG", str(write(nowhere / "c.yaml", text)))
    with pytest.raises(ConfigError, match=message):
        settings()
    with pytest.raises(ConfigError, match=message):
        current_zoo.__wrapped__()


def test_a_file_that_is_not_there_is_said(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAEZOO_CONFIG", str(nowhere / "none.yaml"))
    with pytest.raises(ConfigError, match="Expected VAEZOO_CONFIG to name a file, got"):
        settings()


def test_the_zoo_obeys_it(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAEZOO_CONFIG", str(write(nowhere / "c.yaml", "prefer: [acme]")))
    assert {shelf.prefer for shelf in current_zoo.__wrapped__().registry.shelves().values()} == {("acme",)}
