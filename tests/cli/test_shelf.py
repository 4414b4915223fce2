import json
import os
import subprocess
import sys

import pytest

from vaezoo.errors import DuplicateName
from vaezoo.host.manager import current_zoo
from vaezoo.zoo.info import SECTIONS


def test_list_shows_each_model_and_its_weights(vaezoo):
    code, out, _ = vaezoo("list")
    assert code == 0
    lines = {line.split()[0]: line for line in out.splitlines()}
    assert {"denoise", "mlp-seed", "mlp-vae", "conv-beta", "resnet-beta"} <= set(lines)
    assert "generate" in lines["conv-beta"]


def test_list_by_pattern_and_task(vaezoo):
    assert [m["name"] for m in json.loads(vaezoo("list", "mlp-*", "--json")[1])] == ["mlp-seed", "mlp-style", "mlp-vae"]
    denoisers = {m["name"] for m in json.loads(vaezoo("list", "--task", "denoise", "--json")[1])}
    assert {"denoise", "divnoising"} <= denoisers and "mlp-vae" not in denoisers


def test_an_unknown_task_is_answered_with_the_nearest(vaezoo):
    code, _, err = vaezoo("list", "--task", "denoize")
    assert code == 3 and "Did you mean 'denoise'" in err


def test_list_says_so_when_nothing_matches(vaezoo):
    code, out, err = vaezoo("list", "nothing-*")
    assert (code, out) == (0, "") and "No model matches 'nothing-*'" in err


def test_list_of_pretrained_names_tags(vaezoo):
    names = [m["name"] for m in json.loads(vaezoo("list", "--pretrained", "--json")[1])]
    assert names and all("." in name for name in names)


def test_info_shows_the_card(vaezoo):
    code, out, _ = vaezoo("info", "conv-beta", "--json")
    card = next(iter(json.loads(out)["weights"].values()))
    assert code == 0 and len(card["sha256"]) == 64 and card["data"] and card["scores"]
    assert "summary: A convolutional" in vaezoo("info", "conv-beta")[1]


def test_explain_gives_every_value_its_origin(vaezoo):
    code, out, _ = vaezoo("explain", "conv-beta", "loss.beta=3", "--json")
    tree = json.loads(out)
    assert code == 0
    beta = tree["loss"]["params"]["beta"]
    assert beta == {"value": 3.0, "origin": "override", "help": "Weight of the rate."}
    assert tree["encoder"]["params"]["gather"]["origin"] == "default"
    assert "registry.yaml:" in tree["encoder"]["params"]["widths"]["origin"]
    assert tree["prior"]["params"]["latent_stride"]["origin"] == "the encoder 'conv'"


def test_explain_fits_in_a_hundred_columns(vaezoo):
    for name, *rest in (("conv-beta",), ("denoise", "--size", "64x64"), ("resnet-beta",), ("mlp-seed",)):
        code, out, _ = vaezoo("explain", name, "--cost", *rest)
        assert code == 0 and max(map(len, out.splitlines())) <= 100, name
        assert "├─ restore (mean path)" in out and "✓ the decoder takes the prior's state" in out
        assert "NOT SO" not in out and ", by vaezoo:" in out and "sha256 " in out


def test_explain_says_what_is_not_so_and_what_is_set(vaezoo, monkeypatch):
    monkeypatch.setenv("VAEZOO_OFFLINE", "1")
    out = vaezoo("explain", "conv-beta", "latent_channels=8", "--cost")[1]
    assert "✗ NOT SO: the weights 'fashion' have the names and shapes" in out
    assert "VAEZOO_OFFLINE  1" in out and "← override" in out
    out = vaezoo("explain", "conv-cvae")[1]
    assert "├─ weights: none" in out and "context, vector" in out and "conditioner: labels" in out
    assert "H/2×W/2" in vaezoo("explain", "denoise")[1]


def test_explain_refuses_a_size_that_is_none(vaezoo):
    for size, message in (
        ("28", "Expected a size as height and width, such as 28x28, got '28'"),
        ("28x28x3", "such as 28x28, got '28x28x3'"),
        ("-1x5", "such as 28x28, got '-1x5'"),
        ("0x5", "whole numbers from 1 to 65536, got (0, 5)"),
        ("32x32", "Expected size (28, 28), the one that 'mlp-vae' takes, got (32, 32)"),
    ):
        code, out, err = vaezoo("explain", "mlp-vae", "--size", size)
        assert (code, out) == (2, "") and message in err, size
    assert json.loads(vaezoo("explain", "denoise", "--size", "37×53", "--json")[1])["shapes"]["padded"] == [40, 56]


def test_explained_python_builds_the_same_model(vaezoo):
    import vaezoo as zoo

    namespace: dict = {}
    exec(json.loads(vaezoo("explain", "denoise", "--json")[1])["python"], namespace)
    own = {name: tensor.shape for name, tensor in zoo.create("denoise").state_dict().items()}
    assert {name: tensor.shape for name, tensor in namespace["model"].state_dict().items()} == own
    assert "└─ in Python" in vaezoo("explain", "denoise")[1]


def test_unknown_names_end_with_a_suggestion_and_code_3(vaezoo):
    code, _, err = vaezoo("info", "conv-bta")
    assert code == 3 and "Did you mean 'conv-beta'" in err and err.count("\n") == 1


def test_misspelt_override_ends_with_a_suggestion_and_code_2(vaezoo):
    code, _, err = vaezoo("explain", "conv-beta", "latent_chanels=3")
    assert code == 2 and "'latent_channels'" in err


def test_unknown_verb_is_answered_with_the_nearest(vaezoo):
    code, _, err = vaezoo("enhanc", "a.png")
    assert code == 2 and "Did you mean 'enhance'" in err


def test_a_code_page_without_some_letter_costs_the_letter_only():
    where = {**os.environ, "PYTHONIOENCODING": "cp1252"}
    done = subprocess.run([sys.executable, "-m", "vaezoo", "info", "conv-beta"], env=where, capture_output=True)
    assert done.returncode == 0 and b"?-VAE" in done.stdout and not done.stderr


def test_list_of_a_kind_names_what_is_declared_of_it(vaezoo):
    rows = {row["name"]: row for row in json.loads(vaezoo("list", "--kind", "tasks", "--json")[1])}
    assert rows["denoise"]["owner"] == "vaezoo:denoise" and "registry.yaml:" in rows["denoise"]["declared"]
    assert "Removes noise" in vaezoo("list", "--kind", "task", "den*")[1]
    for kind in SECTIONS:
        code, out, err = vaezoo("list", "--kind", kind)
        assert code == 0 and ("OWNER" in out or "none matches" in err), kind
    assert "conv" in vaezoo("list", "--kind", "encoder")[1]


def test_a_kind_that_is_none_and_a_task_of_no_model(vaezoo):
    code, _, err = vaezoo("list", "--kind", "taskz")
    assert code == 3 and "Expected a kind of thing that the zoo has, got 'taskz'. Known: models, encoders" in err
    code, _, err = vaezoo("list", "--kind", "losses", "--pretrained")
    assert code == 2 and "Only models have a task and weights" in err


def test_info_of_a_task_shows_its_options(vaezoo):
    found = json.loads(vaezoo("info", "task/deblur", "--json")[1])
    assert found["summary"].startswith("Undoes a blur") and found["target"] == "vaezoo_deblur.deblur:Deblur"
    assert found["options"]["iterations"] == {
        "kind": "whole number",
        "default": 8,
        "help": "Number of iterations, at least 1.",
    }
    assert "default: 8" in vaezoo("info", "tasks/deblur")[1]


def test_info_of_other_kinds_and_of_what_is_not_there(vaezoo):
    found = json.loads(vaezoo("info", "encoder/conv", "--json")[1])
    assert found["kind"] == "encoder" and found["owner"] == "vaezoo:conv" and "options" not in found
    code, _, err = vaezoo("info", "task/denoize")
    assert code == 3 and "Expected a known task, got 'denoize'. Did you mean 'denoise'" in err
    assert json.loads(vaezoo("info", "task/vaezoo:denoise/denoise", "--json")[1])["owner"] == "vaezoo:denoise"


def test_plugins_show_names_the_tasks(vaezoo):
    assert json.loads(vaezoo("plugins", "show", "deblur", "--json")[1])[0]["tasks"] == ["blind-deblur", "deblur"]


def test_the_recipes_that_ship_are_listed_and_nobody_else_can_take_their_names(vaezoo):
    code, out, _ = vaezoo("list", "denoise*", "--kind", "recipes")
    assert code == 0 and "denoise-photo" in out and "Colour denoising of Gaussian noise" in out
    with pytest.raises(DuplicateName, match="'denoise'"):
        current_zoo().registry.kinds["recipe"].check("denoise", "acme:acme")
