"""What a plugin changes for the whole process is put back, and said with its name."""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from zoo.guests import HOOK, PART, Guests, distribution

from vaezoo.host.asking import tell_created
from vaezoo.host.manager import Zoo
from vaezoo.host.shared import put_back, undisturbed
from vaezoo.zoo.create import create

from .test_plugins import python, run

CHANGES: dict[str, tuple[str, str]] = {
    "filters": ("import warnings; warnings.simplefilter('ignore')", "the warnings filters"),
    "category": ("import warnings; warnings.simplefilter('ignore', FutureWarning)", "the warnings filters"),
    "shown": ("import warnings; warnings.showwarning = lambda *a, **b: None", "the warnings filters"),
    "recursion": ("import sys; sys.setrecursionlimit(4321)", "the recursion limit"),
    "folder": ("import os; os.chdir('/')", "the working folder"),
    "handler": ("import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)", "the handlers of signals"),
    "seed": ("import random; random.seed(5)", "Python's random generator"),
    "numpy": ("import numpy; numpy.random.seed(5)", "NumPy's random generator"),
    "torch": ("import torch; torch.manual_seed(5)", "torch's random generator"),
    "dtype": ("import torch; torch.set_default_dtype(torch.float64)", "torch's default dtype"),
    "grad": ("import torch; torch.set_grad_enabled(False)", "torch's grad mode"),
}


def state() -> list[Any]:
    return [
        list(warnings.filters), warnings.showwarning, sys.getrecursionlimit(), os.getcwd(),
        signal.getsignal(signal.SIGTERM), random.getstate(), str(np.random.get_state()), torch.get_rng_state().tolist(),
        torch.get_default_dtype(), torch.is_grad_enabled(),
    ]  # fmt: skip


@pytest.fixture
def guests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Guests:
    return Guests(tmp_path, monkeypatch)


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_while_a_plugin_is_loaded_is_put_back_and_noted(guests: Guests, name: str) -> None:
    code, what = CHANGES[name]

    def vaezoo_models() -> dict[str, Any]:
        exec(code, {})
        return {}

    before = state()
    (plugin,) = [p for p in Zoo([guests.hooking("odd", vaezoo_models)]).plugins if p.short == "odd"]
    assert state() == before
    assert plugin.status == "ok" and plugin.note == f"loading it changes {what} for everybody, which was put back"


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_later_is_put_back_with_a_warning(name: str) -> None:
    code, what = CHANGES[name]
    before = state()
    with pytest.warns(UserWarning, match=f"the plugin odd:odd changes {what} for everybody"), undisturbed("odd:odd"):
        exec(code, {})
    assert state() == before


def test_one_that_raises_is_put_back_too() -> None:
    before = state()
    with pytest.raises(KeyError), put_back():
        random.seed(9)
        raise KeyError
    assert state() == before


def test_narrow_filters_stay_and_a_part_may_draw() -> None:
    with warnings.catch_warnings(), put_back(draws=True) as changed:
        before = random.getstate()
        random.random()
        warnings.filterwarnings("ignore", message="this one")
        warnings.filterwarnings("ignore", module="that_one")
    assert changed == [] and random.getstate() != before


def test_a_program_changes_its_own_process_as_it_likes() -> None:
    limit = sys.getrecursionlimit()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for owner in ("user", "vaezoo:conv"):
            with undisturbed(owner):
                sys.setrecursionlimit(limit + 1)
            assert sys.getrecursionlimit() == limit + 1
            sys.setrecursionlimit(limit)


def test_a_hook_that_changes_weights_is_named(guests: Guests) -> None:
    def vaezoo_after_create(name: str, model: Any) -> None:
        with torch.no_grad():
            next(model.encoder.parameters()).data.zero_()

    zoo = Zoo([guests.hooking("zero", vaezoo_after_create)])
    model = create("mlp-seed", seed=1)
    with pytest.warns(
        UserWarning, match="zero changed 1 of the .* tensors of 'mlp-seed' after it was made, such as 'enc"
    ):
        tell_created(zoo, "mlp-seed", model)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tell_created(zoo, "mlp-seed", model)  # they are zero already


def test_a_module_that_changes_the_dtype_when_it_is_built_harms_nobody(tmp_path: Path) -> None:
    part = PART.format(name="wide").replace("vaezoo_mlp.networks:DenseEncoder", "wide_parts:DenseEncoder")
    distribution(tmp_path, "wide", "", registry=part)
    code = "import torch; torch.set_default_dtype(torch.float64); from vaezoo_mlp.networks import DenseEncoder"
    (tmp_path / "wide_parts.py").write_text(code)
    script = """
import torch, warnings, vaezoo
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    model = vaezoo.create("mlp-vae", encoder="wide")
print(torch.get_default_dtype(), {p.dtype for p in model.parameters()}, [str(w.message) for w in said])
"""
    out = python(tmp_path, script, VAEZOO_PLUGIN_TIMEOUT="60")
    assert out.startswith("torch.float32 {torch.float32} ") and "plugin wide:wide changes torch's default dtype" in out


SPEAKS = """
import os, subprocess, sys
os.write(1, b'written\\n'); sys.__stdout__.write('printed\\n'); subprocess.run(['echo', 'echoed'])
"""


def test_what_is_written_below_python_goes_to_stderr(tmp_path: Path) -> None:
    distribution(tmp_path, "speaks", SPEAKS, registry=PART.format(name="speaks"))
    distribution(tmp_path, "closes", "import os; os.close(1)", registry=PART.format(name="closes"))
    distribution(tmp_path, "shuts", "import sys; sys.stdout.close(); raise ValueError", registry="")
    assert python(tmp_path, "import vaezoo; print(len(vaezoo.plugins()) > 3)", VAEZOO_PLUGINS="speaks") == "True\n"
    done = run(tmp_path, "-m", "vaezoo", "list", "conv-beta", "--json", VAEZOO_PLUGINS="speaks,closes,shuts")
    assert done.returncode == 0 and json.loads(done.stdout)[0]["name"] == "conv-beta", done.stderr
    assert all(word in done.stderr for word in ("written", "printed", "echoed"))


def test_json_stays_json_while_a_verb_works(tmp_path: Path) -> None:
    verb = HOOK.replace("vaezoo_registry_files", "vaezoo_declarations").split("@")[0]
    source = f"{verb}import os\nfrom vaezoo.host.hookspecs import Declaration\n@hookimpl\ndef vaezoo_declarations():\n"
    distribution(tmp_path, "late", f"{source}    return [Declaration('damage', 'late', 'late_part:damage', 'Odd.')]\n")
    (tmp_path / "late_part.py").write_text("import os\nos.write(1, b'later')\ndef damage(x): return x\n")
    done = run(tmp_path, "-m", "vaezoo", "info", "damage/late", "--json", VAEZOO_PLUGINS="late")
    assert done.returncode == 0 and json.loads(done.stdout)["name"] == "late" and "later" in done.stderr, done
