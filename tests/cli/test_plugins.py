"""``vaezoo plugins``: a new plugin's distribution is built, installed and passes its own tests."""

import json
import os
import subprocess
import sys
import sysconfig
import venv

import pytest
from PIL import Image

from vaezoo.errors import ConfigError
from vaezoo.host.template import write_plugin


def test_show_names_parts_and_models(vaezoo):
    code, out, _ = vaezoo("plugins", "show", "ladder", "--json")
    found = json.loads(out)[0]
    assert code == 0 and found["name"] == "vaezoo:ladder" and "prior ladder" in found["parts"]
    assert "conditioner pyramid" in vaezoo("plugins", "show", "vaezoo:ladder")[1]


def test_show_of_an_unknown_plugin_ends_with_a_suggestion(vaezoo):
    code, _, err = vaezoo("plugins", "show", "vaezoo:lader")
    assert code == 3 and "Did you mean 'vaezoo:ladder'" in err


def test_new_refuses_a_bad_name_and_a_folder_in_use(vaezoo, tmp_path):
    with pytest.raises(ConfigError, match="lower case words joined by hyphens, got 'Not_a_name'"):
        write_plugin(tmp_path / "Not_a_name")
    (tmp_path / "vaezoo-mine").mkdir()
    (tmp_path / "vaezoo-mine/notes.txt").write_text("mine")
    code, _, err = vaezoo("plugins", "new", str(tmp_path / "mine"))
    assert code == 2 and "exists already" in err
    assert [p.name for p in (tmp_path / "vaezoo-mine").iterdir()] == ["notes.txt"]


def test_new_refuses_a_name_that_would_replace_an_installed_package(tmp_path):
    with pytest.raises(ConfigError, match="The package vaezoo_conv is installed already, and a plugin 'conv' would"):
        write_plugin(tmp_path / "conv")
    assert not list(tmp_path.iterdir())


def test_a_new_plugin_builds_installs_and_passes_its_tests(vaezoo, tmp_path):
    """In an environment of its own, which borrows all but the plugin from this one."""
    code, out, _ = vaezoo("plugins", "new", str(tmp_path / "acme-blur"))
    folder, fresh = tmp_path / "vaezoo-acme-blur", tmp_path / "fresh"
    assert code == 0 and str(folder / "pyproject.toml") in out
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    wheels = [*pip, "wheel", "--no-deps", "--no-build-isolation", "--no-index", "-w", str(tmp_path), str(folder)]
    subprocess.run(wheels, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("vaezoo_acme_blur-0.1.0-*.whl")
    venv.create(fresh)
    python, ours = str(fresh / "bin" / "python"), sysconfig.get_path("purelib")
    (site,) = fresh.glob("lib/python*/site-packages")
    (site / "borrowed.pth").write_text(f"import site; site.addsitedir({ours!r})\n")
    subprocess.run([*pip, "--python", python, "install", "--no-deps", "--no-index", str(wheel)], check=True)
    assert list(site.glob("vaezoo_acme_blur/registry.yaml"))
    environment = {**os.environ, "VAEZOO_STRICT_PLUGINS": "1", "PYTHONPATH": "", "OMP_NUM_THREADS": "1"}

    def run(*arguments):
        done = subprocess.run([python, *arguments], env=environment, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return done.stdout

    assert "32 passed" in run("-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(folder), str(folder))
    assert "12 of 12 checks hold" in run("-m", "vaezoo", "plugins", "check", "vaezoo-acme-blur:acme-blur")
    made = run("-c", "import vaezoo; print(vaezoo.create('acme-blur-vae').encoder.__class__.__name__)")
    assert made.strip() == "AcmeBlurEncoder"


def test_a_new_task_passes_its_tests_and_is_used_by_name(tmp_path):
    folder = tmp_path / "vaezoo-acme-fill"
    assert write_plugin(tmp_path / "acme-fill", "task") and not (folder / "vaezoo_acme_fill/networks.py").exists()
    Image.new("RGB", (40, 30), "gray").save(photo := tmp_path / "photo.png")
    environment = {
        **os.environ,
        "VAEZOO_STRICT_PLUGINS": "1",
        "VAEZOO_PLUGIN_PATH": str(folder),
        "OMP_NUM_THREADS": "1",
    }

    def run(*arguments):
        command = [sys.executable, "-m", *arguments]
        done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return done.stdout

    options = ("-q", "-p", "no:cacheprovider", "--rootdir", str(folder))
    said = run("pytest", *options, "--vaezoo-plugin", "acme-fill", str(folder))
    assert " passed" in said and "failed" not in said and "skipped" not in said
    assert "photo.enhanced.png" in run("vaezoo", "enhance", str(photo), "--task", "acme-fill", "--margin", "0.02")
    assert "Default: 0.01." in " ".join(run("vaezoo", "enhance", "--task", "acme-fill", "--help").split())
    assert "12 of 12 checks hold" in run("vaezoo", "plugins", "check", "acme-fill")


def test_a_kind_without_a_template_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"Expected a kind of plugin, got 'tusk'\. Did you mean 'task'"):
        write_plugin(tmp_path / "acme", "tusk")
