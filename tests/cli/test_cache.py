"""``fetch`` and ``cache`` as a user meets them."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from vaezoo.host.manager import current_zoo
from vaezoo.store.store import Store


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A shelf whose only card is of a file that is not on this machine; returns a folder that has it."""
    monkeypatch.setenv("VAEZOO_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("VAEZOO_OFFLINE", "1")
    monkeypatch.delenv("VAEZOO_SEEDS", raising=False)
    cards = current_zoo().registry.cards
    name, owner, card = next((n, o, c) for n, o, c in cards.all() if n.startswith("mlp-seed."))
    from vaezoo.zoo.weights import locate

    content = locate(card)[1]
    away = replace(card, urls=("https://weights.invalid/w",))
    monkeypatch.setattr(cards, "entries", {name: {owner: away}})
    folder = tmp_path / "stick" / "sub"
    folder.mkdir(parents=True)
    (folder / "any name").write_bytes(content)
    (folder / "other").write_bytes(b"other")
    return folder.parent


def test_fetch_says_where_weights_that_ship_are(vaezoo):
    code, out, _ = vaezoo("fetch", "mlp-seed", "--json")
    assert code == 0 and Path(json.loads(out)[0]["path"]).is_file()


def test_fetch_offline_says_where_to_put_it_and_seed_does(vaezoo, shelf):
    code, out, _ = vaezoo("fetch", "mlp-seed")
    assert code == 6 and "VAEZOO_OFFLINE is set" in out and str(Store().folder) in out
    code, out, _ = vaezoo("doctor", "--json")
    assert [r["status"] for r in json.loads(out) if r["what"].startswith("weights")] == ["absent"] and code == 0
    assert "taken" in vaezoo("cache", "seed", str(shelf))[1]
    assert "there already" in vaezoo("cache", "seed", str(shelf))[1]
    assert not json.loads(vaezoo("cache", "seed", str(shelf), "--json")[1])[0]["new"]
    code, out, _ = vaezoo("fetch", "mlp-seed", "--json")
    found = json.loads(out)[0]
    assert code == 0 and found["ok"] and Path(found["path"]).parent == Store().folder / "blobs"


def test_fetch_goes_on_after_a_name_it_does_not_know(vaezoo):
    code, out, _ = vaezoo("fetch", "nothing", "mlp-seed.nothing", "conv-cvae", "mlp-seed", "--json")
    assert code == 3 and [f["ok"] for f in json.loads(out)] == [False, False, False, True]
    assert vaezoo("fetch")[0] == 2


def test_the_cache_is_listed_and_pruned(vaezoo, shelf):
    assert vaezoo("cache", "path")[1].strip() == str(Store().folder)
    assert json.loads(vaezoo("cache", "path", "--json")[1]) == {"path": str(Store().folder), "seeds": []}
    assert vaezoo("cache", "ls")[1] == "" and json.loads(vaezoo("cache", "ls", "--json")[1]) == []
    vaezoo("cache", "seed", str(shelf))
    (row,) = json.loads(vaezoo("cache", "ls", "--json")[1])
    assert row["status"] == "ok" and row["names"][0].startswith("mlp-seed.") and "WEIGHTS" in vaezoo("cache", "ls")[1]
    stray = Store().path_of("0" * 64)
    stray.write_bytes(b"x")
    part = Store().folder / "partial" / f"{'0' * 64}.part"
    part.touch()
    os.utime(part, (0, 0))
    assert "0.0 MiB would be removed." in vaezoo("cache", "prune", "--dry-run")[1] and stray.exists()
    removed = [Path(r["path"]) for r in json.loads(vaezoo("cache", "prune", "--json")[1])]
    assert stray in removed and part in removed and not stray.exists() and not part.exists()
    assert len(Store().blobs()) == 1
    assert "removed" in vaezoo("cache", "prune", "--all")[1] and Store().blobs() == []


def test_a_folder_without_weights(vaezoo, shelf, tmp_path):
    (tmp_path / "empty").mkdir()
    code, out, err = vaezoo("cache", "seed", str(tmp_path / "empty"))
    assert (code, out) == (0, "") and "is a weight that a card names" in err
