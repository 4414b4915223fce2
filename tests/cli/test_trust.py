import json

import pytest

from vaezoo.errors import ProbeMismatch
from vaezoo.zoo import probe


def test_doctor_finds_packages_plugins_and_weights(vaezoo):
    code, out, _ = vaezoo("doctor", "--json")
    rows = {row["what"]: row["status"] for row in json.loads(out)}
    assert rows["torch"] == rows["plugin vaezoo:conv"] == rows["weights conv-beta.fashion"] == "ok"
    assert code == 0 and "All is well." in vaezoo("doctor")[1]


def test_plugins_list_names_each_with_its_status(vaezoo):
    found = {p["name"]: p["status"] for p in json.loads(vaezoo("plugins", "list", "--json")[1])}
    assert found["vaezoo:ladder"] == "ok"
    assert "PLUGIN" in vaezoo("plugins", "list")[1]


def test_verify_checks_hash_and_output(vaezoo):
    code, out, _ = vaezoo("verify", "mlp-seed", "--json")
    assert code == 0 and json.loads(out)[0]["ok"]


def test_verify_fails_when_the_output_is_another(vaezoo, monkeypatch):
    monkeypatch.setattr(probe, "probe", lambda model: (0.0,) * 8)
    code, out, _ = vaezoo("verify", "mlp-seed")
    assert json.loads(vaezoo("verify", "mlp-seed", "--json")[1])[0]["code"] == "probe-mismatch"
    assert code == ProbeMismatch.exit_code == 4 and "FAILED" in out and "where their card says" in out


def test_verify_of_an_unknown_name_ends_with_code_3(vaezoo):
    code, out, _ = vaezoo("verify", "nothing")
    assert code == 3 and "Expected a known model" in out


def test_verify_says_what_each_name_is_worth(vaezoo, monkeypatch):
    from dataclasses import replace

    from vaezoo.host.manager import current_zoo

    cards = current_zoo().registry.cards
    bare = replace(cards.get("mlp-seed.fashion"), probe=())
    wrong = replace(cards.get("mlp-vae.fashion"), sha256="0" * 64)
    changed = {"mlp-seed.fashion": {"vaezoo": bare}, "mlp-vae.fashion": {"vaezoo": wrong}}
    monkeypatch.setattr(cards, "entries", {**cards.entries, **changed})
    code, out, _ = vaezoo("verify", "mlp-seed", "mlp-vae", "nothing", "conv-cvae", "--json")
    rows = json.loads(out)
    assert code == 4 and [row["ok"] for row in rows] == [True, False, False, False]
    assert [row.get("code") for row in rows] == [None, "hash-mismatch", "unknown-name", "unknown-name"]
    assert "its card has no probe" in rows[0]["cause"]


def test_the_schema_is_printed(vaezoo):
    code, out, _ = vaezoo("schema")
    assert code == 0 and json.loads(out)["properties"]["weights"]["additionalProperties"]["required"][0] == "urls"


def test_verify_needs_a_name(vaezoo):
    code, _, err = vaezoo("verify")
    assert code == 2 and "Name a model, or give --all." in err


@pytest.mark.parametrize("name", ["mlp-seed", "mlp-vae", "conv-beta", "resnet-beta", "denoise"])
def test_every_shipped_weight_is_what_its_card_says(vaezoo, name):
    code, out, _ = vaezoo("verify", name)
    assert code == 0, out


def test_verify_all_leaves_out_what_was_never_fetched(vaezoo, monkeypatch, tmp_path):
    from dataclasses import replace

    from vaezoo.host.manager import current_zoo

    cards = current_zoo().registry.cards
    away = replace(cards.get("mlp-vae.fashion"), urls=("https://example.org/w",), sha256="1" * 64)
    monkeypatch.setenv("VAEZOO_HOME", str(tmp_path))
    entries = {name: cards.entries[name] for name in ("mlp-seed.fashion",)} | {"mlp-vae.fashion": {"vaezoo": away}}
    monkeypatch.setattr(cards, "entries", entries)
    code, out, _ = vaezoo("verify", "--all", "--json")
    assert code == 0 and [row["ok"] for row in json.loads(out)] == [True, None]
    assert "absent  not on this machine: vaezoo fetch mlp-vae.fashion" in vaezoo("verify", "--all")[1]
