"""Plugins that break, as real distributions in real processes: each costs its own models, and nothing else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import pytest
from zoo.guests import HOOK, PART, distribution

from vaezoo.errors import ConfigError
from vaezoo.host.guard import Refused, guarded, limit
from vaezoo.host.manager import Zoo

MARK = "from pathlib import Path\nPath(__file__).with_suffix('.ran').touch()\n"
FAULTS: dict[str, tuple[dict[str, str], str, str]] = {
    "raises": ({"source": "raise RuntimeError('boom')"}, "import-failed", "RuntimeError: boom"),
    "raises-base": (
        {"source": "class Odd(BaseException): pass\nraise Odd('neither')"},
        "import-failed",
        "Odd: neither",
    ),
    "generator-exit": ({"source": "raise GeneratorExit"}, "import-failed", "GeneratorExit"),
    "exits": ({"source": "import sys; sys.exit(3)"}, "import-failed", "it called exit(3)"),
    "syntax": ({"source": "def ("}, "import-failed", "SyntaxError"),
    "lacks": ({"source": "import no_such_package"}, "import-failed", "No module named 'no_such_package'"),
    "recursion": ({"source": "def f(): f()\nf()"}, "import-failed", "RecursionError"),
    "lines": ({"source": "raise RuntimeError('one\\ntwo')"}, "import-failed", "RuntimeError: one two"),
    "hangs": ({"source": "import time; time.sleep(60)"}, "import-failed", "it took more than 0.5 s"),
    "hangs-on": (
        {"source": "import time\nwhile True:\n    try: time.sleep(60)\n    except Exception: pass"},
        "import-failed",
        "it took more than 0.5 s",
    ),
    "hook-hangs": (
        {"source": HOOK.format(registry="x").replace("return", "import time; time.sleep(60); return")},
        "hook-raised",
        "it took more than 0.5 s",
    ),
    "hook-raises": (
        {"source": HOOK.format(registry="x").replace("return", "raise KeyError('gone'); return")},
        "hook-raised",
        "KeyError: 'gone'",
    ),
    "hook-exits": (
        {"source": HOOK.format(registry="x").replace("return", "raise SystemExit('bye'); return")},
        "hook-raised",
        "it called exit(bye)",
    ),
    "no-file": ({"source": HOOK.format(registry="none.yaml")}, "invalid", "none.yaml cannot be read: No such file"),
    "misspelt": (
        {"source": "from vaezoo import hookimpl\n@hookimpl\ndef vaezoo_regsitry_files(): return []"},
        "invalid",
        "there is no hook 'vaezoo_regsitry_files'. Did you mean 'vaezoo_registry_files'",
    ),
    "shadows": ({"source": "", "registry": PART.format(name="conv")}, "invalid", "registered already, by vaezoo:conv"),
    "newer-api": ({"source": MARK + "VAEZOO_API = 99"}, "incompatible", "it needs API 99, this vaezoo has 1"),
    "odd-api": ({"source": MARK + "VAEZOO_API: str = 'two'"}, "incompatible", "it needs API 'two'"),
    "hidden-api": ({"source": "VAEZOO_API = 90 + 9"}, "incompatible", "it needs API 99"),
    "newer-vaezoo": (
        {"source": MARK, "requires": "vaezoo (>=99) ; python_version>'3'"},
        "incompatible",
        "it needs vaezoo (>=99) ; python_version>'3', this is vaezoo",
    ),
    "malformed": (
        {"source": "", "registry": "parts: {encoder: {half: {target: 3}}}"},
        "invalid",
        "malformed.yaml, line 1",
    ),
    "prints": ({"source": "print('hello from a plugin')", "registry": PART.format(name="prints")}, "ok", ""),
    "optional": (
        {"source": "", "requires": "vaezoo>=99; extra == 'new'", "registry": PART.format(name="optional")},
        "ok",
        "",
    ),
    "twin-one": ({"source": "", "registry": PART.format(name="twin")}, "ok", ""),
    "twin-two": ({"source": "", "registry": PART.format(name="twin")}, "ok", ""),
    "well": ({"source": "", "registry": PART.format(name="well"), "requires": "vaezoo>=0.1"}, "ok", ""),
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a distribution for each fault, and one that has two plugins of one name."""
    folder = tmp_path_factory.mktemp("site")
    for name, (said, _, _) in FAULTS.items():
        distribution(folder, name, **said)
    distribution(folder, "double", "")
    info = folder / "double-1.0.dist-info/entry_points.txt"
    info.write_text(info.read_text() + "double = well\n")
    return folder


def run(site: Path, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(site), "VAEZOO_PLUGIN_TIMEOUT": "0.5", **variables}
    return subprocess.run([sys.executable, *command], env=environment, capture_output=True, text=True, timeout=120)


def python(site: Path, script: str, **variables: str) -> str:
    done = run(site, "-c", script, **variables)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def listed(site: Path) -> tuple[dict[str, Any], str]:
    """What ``vaezoo plugins list --json`` says of them all, and its stderr."""
    done = run(site, "-m", "vaezoo", "plugins", "list", "--json")
    assert done.returncode == 0, done.stderr
    return {p["name"]: p for p in json.loads(done.stdout)}, done.stderr


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_named_and_costs_nobody_else(listed: tuple[dict[str, Any], str], name: str) -> None:
    plugins, stderr = listed
    _, status, cause = FAULTS[name]
    found = plugins[f"{name}:{name}"]
    assert found["status"] == status and cause in found["cause"], found
    lines = [line for line in stderr.splitlines() if f"the plugin {name}:{name} is" in line]
    assert len(lines) == (status != "ok"), "one line of warning each, and no other"
    assert "Traceback" not in stderr


def test_what_one_prints_does_not_spoil_an_answer(listed: tuple[dict[str, Any], str]) -> None:
    assert "hello from a plugin" in listed[1]  # and stdout was JSON


def test_one_that_imports_torch_is_told(tmp_path: Path) -> None:
    distribution(tmp_path, "heavy", "import torch", registry=PART.format(name="heavy"))
    done = run(tmp_path, "-m", "vaezoo", "plugins", "list", VAEZOO_PLUGIN_TIMEOUT="60")
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("heavy:heavy")]
    assert "ok" in line and "note: declaring imports torch, which slows everybody's first look" in line
    done = run(tmp_path, "-m", "vaezoo", "plugins", "check", "heavy", "--json", VAEZOO_PLUGIN_TIMEOUT="60")
    answer = json.loads(done.stdout)
    failed = {check["check"]: check["cause"] for check in answer["checks"] if check["outcome"] == "failed"}
    assert done.returncode == 7 and not answer["ok"]
    assert "declaring heavy:heavy imports ['torch'" in failed["declaring loads no torch"]


def test_the_time_limit_leaves_no_half_of_torch_behind(tmp_path: Path) -> None:
    distribution(tmp_path, "heavy", "import torch, time; time.sleep(60)")
    script = "import vaezoo; print(vaezoo.plugins()[-1].cause); vaezoo.create('mlp-seed'); print('made')"
    out = python(tmp_path, script, VAEZOO_PLUGIN_TIMEOUT="0.2")
    assert out.splitlines() == ["it took more than 0.2 s", "made"]


def test_two_of_one_identity_are_one(listed: tuple[dict[str, Any], str], site: Path) -> None:
    script = "import vaezoo; print([(p.status, p.cause) for p in vaezoo.plugins() if p.name == 'double:double'])"
    assert python(site, script).count("another plugin has the same distribution and entry point") == 1


def test_what_is_incompatible_is_never_imported(listed: tuple[dict[str, Any], str], site: Path) -> None:
    assert sorted(p.name for p in site.glob("*.ran")) == []


def test_everybody_elses_models_work(site: Path) -> None:
    script = """
import vaezoo
print(vaezoo.create("conv-beta", pretrained=True, encoder=None or "conv").origin.weights.card.name)
print(vaezoo.create("mlp-vae", encoder="well").origin.spec.parts["encoder"].part.source.owner)
print(vaezoo.create("mlp-vae", encoder="twin-two/twin").origin.spec.parts["encoder"].part.source.owner)
"""
    assert python(site, script).splitlines()[-3:] == ["conv-beta.fashion", "well:well", "twin-two:twin-two"]


def test_a_model_of_a_broken_plugin_is_refused_with_the_cause(site: Path) -> None:
    done = run(site, "-m", "vaezoo", "explain", "boom-vae", VAEZOO_PLUGINS="raises")
    assert done.returncode == 3 or "RuntimeError: boom" in done.stderr
    script = "import vaezoo; vaezoo.create('boom-vae')"
    done = run(site, "-c", script, VAEZOO_PLUGINS="raises")
    assert "It may belong to a plugin that failed to load: raises:raises is import-failed: RuntimeError" in done.stderr


def test_strictness_ends_at_the_first(site: Path) -> None:
    done = run(site, "-m", "vaezoo", "list", VAEZOO_STRICT_PLUGINS="1", VAEZOO_PLUGINS="raises")
    assert done.returncode == 7 and done.stderr.startswith("vaezoo: The plugin raises:raises is import-failed")


def test_a_check_of_a_broken_plugin_fails_with_its_cause(site: Path) -> None:
    done = run(site, "-m", "vaezoo", "plugins", "check", "raises", VAEZOO_PLUGINS="raises")
    assert done.returncode == 7 and "it loads" in done.stdout and "RuntimeError: boom" in done.stdout


def test_a_plugin_that_kills_the_process_of_its_check_is_said(site: Path, tmp_path: Path) -> None:
    source = "import os\nimport sys\nif 'pytest' in sys.modules: os._exit(9)"
    distribution(tmp_path, "killer", source, registry=PART.format(name="killer"))
    done = run(tmp_path, "-m", "vaezoo", "plugins", "check", "killer")
    assert done.returncode == 7 and "ended the process that was to check it" in done.stderr


def test_metadata_that_cannot_be_read_hide_no_other(tmp_path: Path) -> None:
    distribution(tmp_path, "well", "", registry=PART.format(name="well"))
    distribution(tmp_path, "torn", "")
    (tmp_path / "torn-1.0.dist-info/entry_points.txt").write_text("[vaezoo.plugins]\nthis is no entry\n")
    done = run(tmp_path, "-m", "vaezoo", "plugins", "list", "--json")
    found = {p["name"]: p for p in json.loads(done.stdout)}
    assert found["well:well"]["status"] == found["vaezoo:conv"]["status"] == "ok"
    torn = [p for n, p in found.items() if n.startswith("torn")]
    assert torn and torn[0]["status"] == "invalid" and "entry_points.txt cannot be read" in torn[0]["cause"]


def test_the_limit_holds_while_somebody_imports_a_module_that_looks_at_the_zoo(tmp_path: Path) -> None:
    distribution(tmp_path, "slow", "import time; time.sleep(20)")
    (tmp_path / "looking.py").write_text("import vaezoo; print(vaezoo.plugins()[-1].cause)")
    begun = time.monotonic()
    assert python(tmp_path, "import looking").strip() == "it took more than 0.5 s"
    assert time.monotonic() - begun < 20


# Folders


CHECKOUT = """
[project]
name = "acme-lab"
version = "0.3"
dependencies = ["{needs}"]
[project.entry-points."vaezoo.plugins"]
lab = "acme_lab.plugin"
"""


def checkout(folder: Path, needs: str = "vaezoo", inside: str = "src") -> Path:
    package = folder / inside / "acme_lab"
    package.mkdir(parents=True)
    (folder / "pyproject.toml").write_text(CHECKOUT.format(needs=needs))
    (folder / "json.py").write_text("raise RuntimeError('what lies beside a package is not imported')")
    (package / "__init__.py").touch()
    (package / "plugin.py").write_text(HOOK.format(registry="r.yaml"))
    (package / "r.yaml").write_text(PART.format(name="lab"))
    return folder


def test_plugins_of_folders_are_loaded(tmp_path: Path) -> None:
    package = tmp_path / "shed/vaezoo_shed_door"
    package.mkdir(parents=True)
    (package / "plugin.py").write_text(HOOK.format(registry="r.yaml"))
    (package / "r.yaml").write_text(PART.format(name="shed"))
    folders = os.pathsep.join([str(checkout(tmp_path / "lab", inside=".")), "", str(tmp_path / "shed")])
    script = """
import vaezoo, json
print([(p.name, p.version, p.status) for p in vaezoo.plugins() if not p.name.startswith("vaezoo:")])
for name in ("lab", "local:shed-door/shed"):
    print(vaezoo.create("mlp-vae", encoder=name).origin.spec.parts["encoder"].part.source.owner)
"""
    out = python(tmp_path, script, VAEZOO_PLUGIN_PATH=folders).splitlines()
    assert out == ["[('acme-lab:lab', '0.3', 'ok'), ('local:shed-door', '', 'ok')]", "acme-lab:lab", "local:shed-door"]
    done = run(tmp_path, "-m", "vaezoo", "plugins", "check", "lab", VAEZOO_PLUGIN_PATH=folders)
    assert "declaring loads no torch" in done.stdout
    assert "11 of 12 checks hold" in done.stdout, done.stdout  # the part has no summary


def test_a_folder_goes_before_an_installed_plugin_of_its_name(tmp_path: Path) -> None:
    distribution(tmp_path, "acme-lab", "raise RuntimeError('the installed one')", entry="lab")
    path = str(checkout(tmp_path / "lab"))
    script = "import vaezoo; print([(p.status, p.version) for p in vaezoo.plugins() if p.name == 'acme-lab:lab'])"
    assert python(tmp_path, script, VAEZOO_PLUGIN_PATH=path).strip() == "[('ok', '0.3')]"


def test_a_folder_that_is_none_costs_itself_only(tmp_path: Path) -> None:
    faults = {
        "none": "no folder",
        "empty": "expected a checkout with a pyproject.toml, or packages with a registry.yaml or a plugin.py",
        "torn": "TOMLDecodeError",
        "mute": "has no entry point of the group vaezoo.plugins",
        "house": "a folder cannot take the place of vaezoo itself",
        "lists": "AttributeError",
        "newer": "it needs vaezoo>=99, this is vaezoo",
    }
    for name in list(faults)[1:]:
        (tmp_path / name).mkdir()
    (tmp_path / "torn/pyproject.toml").write_text("[project")
    (tmp_path / "mute/pyproject.toml").write_text("[project]\nname = 'mute'")
    (tmp_path / "house/pyproject.toml").write_text(CHECKOUT.replace("acme-lab", "vaezoo"))
    (tmp_path / "lists/pyproject.toml").write_text("project = [1]")
    (tmp_path / "newer").rmdir()
    checkout(tmp_path / "newer", "vaezoo>=99")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        zoo = Zoo([], folders=os.pathsep.join(str(tmp_path / name) for name in faults))
    assert len(zoo.plugins) == len(faults)
    for cause in faults.values():
        assert [p for p in zoo.failed() if cause in p.cause], (cause, zoo.failed())


# The time limit


@pytest.mark.parametrize("value", ["soon", "0", "-1", "nan"])
def test_a_limit_is_a_positive_number(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("VAEZOO_PLUGIN_TIMEOUT", value)
    with pytest.raises(
        ConfigError, match=f"Expected VAEZOO_PLUGIN_TIMEOUT as a positive number of seconds, got '{value}'"
    ):
        limit()


def test_anothers_alarm_still_rings() -> None:
    import signal

    rung: list[int] = []
    before = signal.signal(signal.SIGALRM, lambda number, frame: rung.append(number))
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        with pytest.raises(Refused, match="it took more than"), guarded("import-failed", 0.05):
            time.sleep(5)
        time.sleep(0.3)
        assert rung == [signal.SIGALRM]
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_there_is_no_limit_outside_the_main_thread() -> None:
    from threading import Thread

    ends: list[str] = []

    def work() -> None:
        with guarded("import-failed", 0.01):
            time.sleep(0.1)
            ends.append("whole")

    thread = Thread(target=work)
    thread.start()
    thread.join()
    assert ends == ["whole"]


def test_whoever_presses_ctrl_c_is_obeyed() -> None:
    with pytest.raises(KeyboardInterrupt), guarded("import-failed", 1.0):
        raise KeyboardInterrupt
