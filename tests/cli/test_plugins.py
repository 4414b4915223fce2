"""``vaezoo plugins``: a new plugin's distribution is built, installed and passes its own tests."""

import json
import os
import subprocess
import sys

import pytest

from vaezoo.errors import ConfigError
from vaezoo.zoo.template import write_plugin


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


def test_a_new_plugin_builds_installs_and_passes_its_tests(vaezoo, tmp_path):
    code, out, _ = vaezoo("plugins", "new", str(tmp_path / "acme-blur"))
    folder, site = tmp_path / "vaezoo-acme-blur", tmp_path / "site"
    assert code == 0 and str(folder / "pyproject.toml") in out
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*pip, "--target", str(site), str(folder)], check=True, capture_output=True)
    environment = {**os.environ, "PYTHONPATH": str(site), "VAEZOO_STRICT_PLUGINS": "1"}
    tests = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(folder), str(folder)]
    done = subprocess.run(tests, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:]
    use = "import vaezoo; print(vaezoo.create('acme-blur-vae').encoder.__class__.__name__)"
    done = subprocess.run([sys.executable, "-c", use], env=environment, capture_output=True, text=True)
    assert done.stdout.strip() == "AcmeBlurEncoder", done.stderr
