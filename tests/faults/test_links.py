"""Links that somebody put into the cache: none is followed to a file of the user's."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

import pytest

from vaezoo.store import store as store_module
from vaezoo.store.store import Store
from vaezoo.zoo.weights import locate

from .conftest import card
from .server import BODY, SHA256, Faults

NOBODY = 65534
as_root = pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs root, to be two users")


@pytest.mark.parametrize(
    "name", [f"partial/{SHA256}.part", f"partial/{SHA256}.from.json", f"partial/{SHA256}.lock", "CACHEDIR.TAG"]
)
@pytest.mark.parametrize("there", [True, False])
def test_what_a_link_leads_to_is_not_written(
    server: Faults, store: Store, tmp_path: Path, name: str, there: bool
) -> None:
    mine = tmp_path / "mine"
    if there:
        mine.write_text("mine")
    (store.folder / "partial").mkdir(parents=True)
    (store.folder / name).symlink_to(mine)
    assert locate(card(server.at("good")))[1] == BODY
    assert mine.read_text() == "mine" if there else not mine.exists()


def test_a_second_name_of_a_file_is_not_written(server: Faults, store: Store, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.write_text("mine")
    (store.folder / "partial").mkdir(parents=True)
    os.link(mine, store.folder / "partial" / f"{SHA256}.part")
    assert locate(card(server.at("good")))[1] == BODY and mine.read_text() == "mine"


@as_root
@pytest.mark.parametrize("name", ["partial", "quarantine"])
def test_the_folder_that_anothers_link_leads_to_is_not_swept(
    server: Faults, store: Store, tmp_path: Path, name: str
) -> None:
    home = tmp_path / "my files"
    home.mkdir()
    (home / "thesis.tex").write_text("mine")
    os.utime(home / "thesis.tex", (0, 0))
    store.folder.mkdir()
    (store.folder / name).symlink_to(home)
    os.lchown(store.folder / name, NOBODY, NOBODY)
    with pytest.warns(UserWarning, match="it may belong to another user.*nothing is kept"):
        assert locate(card(server.at("good")))[1] == BODY
    for path in store.dead():
        store.remove(path)
    assert os.listdir(home) == ["thesis.tex"]


@pytest.fixture
def public(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The temporary folder of a machine, for a user who has no home."""

    def none() -> Path:
        raise RuntimeError("no home")

    folder = tmp_path / "tmp"
    folder.mkdir()
    folder.chmod(0o1777)
    monkeypatch.delenv("VAEZOO_HOME")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", none)
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def test_without_a_home_the_cache_is_private(public: Path, server: Faults) -> None:
    folder = store_module.home()
    assert folder.parent == public and str(os.geteuid()) in folder.name
    assert locate(card(server.at("good")))[1] == BODY
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700 and (folder / "blobs" / SHA256).is_file()


@as_root
@pytest.mark.parametrize("trap", ["folder", "link", "open"])
def test_a_cache_that_somebody_else_made_first_is_not_used(
    public: Path, server: Faults, tmp_path: Path, trap: str
) -> None:
    folder, mine = store_module.home(), tmp_path / "mine"
    mine.mkdir()
    if trap == "link":
        folder.symlink_to(mine)
    else:
        folder.mkdir()
        folder.chmod(0o777)
    if trap == "folder":
        os.chown(folder, NOBODY, NOBODY)
        folder.chmod(0o755)
    with pytest.warns(UserWarning, match="it may belong to another user.*nothing is kept"):
        assert locate(card(server.at("good")))[1] == BODY
    assert not os.listdir(mine) and not os.listdir(folder)
