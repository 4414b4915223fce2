"""Publishing weights: a folder, or a repository of the hub, with the weights, their card and a page about them.

The card is a registry file that a plugin can ship unchanged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import yaml

from vaezoo.errors import BackendUnavailable, ConfigError, NetworkError, OfflineError
from vaezoo.files.folders import write_folder
from vaezoo.files.schema import conform, lacking
from vaezoo.files.yaml import parse_yaml
from vaezoo.host.manager import Zoo, current_zoo
from vaezoo.publish.page import page
from vaezoo.publish.saving import TOLD, WEIGHTS, load, read_told, read_weights
from vaezoo.registry.cards import card_from, card_schema
from vaezoo.registry.declared import registry_schema
from vaezoo.registry.registry import split_name
from vaezoo.store.schemes import offline
from vaezoo.zoo.described import body_of, describe, plain
from vaezoo.zoo.probe import probe
from vaezoo.zoo.specs import resolve
from vaezoo.zoo.weights import locate, pick

CARD, PAGE = "registry.yaml", "README.md"
_HEADER = "# Written by vaezoo publish: a registry file, which a plugin may ship beside its own.\n"


def publish(
    source: str | Path,
    to: str | Path,
    *,
    name: str = "",
    card: Mapping[str, Any] | None = None,
    urls: tuple[str, ...] = (),
    overwrite: bool = False,
    private: bool = False,
    zoo: Zoo | None = None,
) -> str:
    """Writes weights, their card and a page into a folder or a repository of the hub: all of them or none.

    Args:
        source: Name, ``arch`` or ``arch.tag``, or a folder written by `vaezoo.save`.
        to: Folder, or ``hf://organisation/repository@revision``. The default revision is ``main``.
        name: Name ``arch.tag`` for the weights of a folder. A configuration that is no registered model's needs a new
            arch.
        card: Fields of the card for a folder, in addition to those saved with it.
        urls: Further URLs of the weights, tried before all others.
        overwrite: Whether files of an existing folder may be replaced.
        private: Whether a repository that has to be created is private.
        zoo: Zoo to look names up in. None means the installed zoo.

    Returns:
        Folder, or URL of the commit.

    Raises:
        VaezooError: The weights are missing, as for `vaezoo.create`, or the card lacks a field.
        ConfigError: The target is a file, or a folder that already has such files.
        StoreError: The folder cannot be written.
        OfflineError: The network must not be used.
        BackendUnavailable: huggingface_hub is not installed.
        NetworkError: The hub refuses the files.
    """
    kept = zoo or current_zoo()
    hub = _hub(str(to)) if str(to).startswith("hf:") else None
    place = f"hf://{hub[0]}@{hub[1]}/{WEIGHTS}" if hub else Path(to, WEIGHTS).absolute().as_uri()
    if (Path(source) / TOLD).is_file() or Path(source).is_dir():
        files = _of_folder(Path(source), name, card or {}, (*urls, place), kept)
    elif name or card:
        raise ConfigError(
            f"A name or a card can be given for a folder only, got the weights {str(source)!r}.",
            hint="Weights that have a card keep it.",
            value=str(source),
        )
    else:
        files = _of_name(str(source), (*urls, place), kept)
    return _upload(files, *hub, private=private) if hub else str(_write(files, Path(to), overwrite))


def _of_name(name: str, urls: tuple[str, ...], zoo: Zoo) -> dict[str, bytes]:
    arch, tag = split_name(name)
    model = zoo.registry.models.get(arch)
    card = pick(zoo.registry, model.name, tag)
    content = locate(card)[1]
    others = [url for url in card.urls if url not in urls]
    fields = plain({k: v for k, v in asdict(card).items() if v not in ("", (), {})}, card.name)
    fields |= {"urls": [*urls, *others]}
    del fields["name"]
    return _files(card.name, fields, {}, model.summary, content, urls)


def _of_folder(folder: Path, name: str, facts: Mapping[str, Any], urls: tuple[str, ...], zoo: Zoo) -> dict[str, bytes]:
    told = read_told(folder)
    content = read_weights(folder, told)[1]
    if not split_name(name)[1]:
        raise ConfigError(
            f"Expected a name arch.tag for the weights in {folder}, got {name!r}.",
            hint="Give one by --as arch.tag.",
            value=name,
        )
    given = plain({**told.get("card", {}), **facts}, "the card")
    own = {"sha256", "size_bytes", "urls", "probe"}
    needed = lacking(dict.fromkeys(own) | given, card_schema())
    if needed:
        raise ConfigError(
            f"The card of {folder} lacks {', '.join(needed)}.",
            hint="Write them into a YAML file and give it as --card, or save with vaezoo.save(..., card={...}).",
            value=needed,
        )
    model = load(folder, zoo=zoo)
    spec, arch = model.origin.spec, split_name(name)[0]
    models: dict[str, Any] = {}
    if arch not in zoo.registry.models.entries:
        models = {arch: body_of(describe(spec))}
    elif _parts(describe(resolve(zoo.registry, arch))) != _parts(describe(spec)):
        raise ConfigError(
            f"The model {arch!r} has another configuration than the one in {folder}.",
            hint="Publish it --as another name: it then becomes a model of its own.",
            value=arch,
        )
    fields = {**given, **told["weights"], "urls": list(urls), "probe": list(probe(model))}
    files = _files(name, fields, models, spec.model.summary, content, urls)
    return files | {TOLD: (folder / TOLD).read_bytes()}


def _parts(told: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the parts of a description that define the network: all but the texts and the loss."""
    return {key: told.get(key) for key in ("encodes", "encoder", "prior", "decoder", "conditioner", "refine")}


def _files(
    name: str, fields: dict[str, Any], models: dict[str, Any], summary: str, content: bytes, urls: tuple[str, ...]
) -> dict[str, bytes]:
    order = [key for key in card_schema()["properties"] if key in fields]
    body = {
        "weights": {name: {key: fields[key] for key in order} | {k: v for k, v in fields.items() if k not in order}}
    }
    text = _HEADER + yaml.dump(
        ({"models": models} if models else {}) | body, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110
    )
    top = parse_yaml(text.encode())
    conform(top, registry_schema(), "The card", name)
    card = card_from(name, top["weights"][name], "The card")
    return {
        WEIGHTS: content,
        CARD: text.encode(),
        PAGE: page(card, summary, urls[-1], own_model=bool(models)).encode(),
    }


class _Dumper(yaml.SafeDumper):
    """Writes YAML without aliases, which registry files do not have."""

    def ignore_aliases(self, data: Any) -> bool:
        """Returns True."""
        return True


def _write(files: Mapping[str, bytes], folder: Path, overwrite: bool) -> Path:
    """Writes files into a folder, which appears or changes as a whole."""
    there = [name for name in files if (folder / name).exists()]
    if there and not overwrite:
        raise ConfigError(
            f"{folder / there[0]} exists already.", hint="Choose another folder, or overwrite it.", value=str(folder)
        )
    write_folder(folder, files)
    return folder


def _hub(to: str) -> tuple[str, str]:
    """Returns repository and revision of ``hf://organisation/repository@revision``."""
    repository, at, revision = to.removeprefix("hf://").partition("@")
    organisation, _, rest = repository.partition("/")
    if not to.startswith("hf://") or not (organisation and rest) or "/" in rest or (at and not revision):
        raise ConfigError(f"Expected hf://organisation/repository or …@revision, got {to!r}.", value=to)
    if off := offline():
        raise OfflineError(f"{to} cannot be reached while {off} is set.", hint="Publish to a folder.", value=to)
    return repository, revision or "main"


def _upload(files: Mapping[str, bytes], repository: str, revision: str, *, private: bool) -> str:
    """Commits all files at once. Returns the URL of the commit."""
    try:
        from huggingface_hub import CommitOperationAdd, HfApi
    except ImportError as error:
        raise BackendUnavailable(
            "Publishing to the hub needs huggingface_hub.", hint="pip install 'vaezoo[hub]'", value=repository
        ) from error
    api = HfApi(library_name="vaezoo")
    try:
        api.create_repo(repository, private=private, exist_ok=True)
        if revision != "main":
            api.create_branch(repository, branch=revision, exist_ok=True)
        operations = [CommitOperationAdd(name, content) for name, content in files.items()]
        done = api.create_commit(
            repository, operations, commit_message="Publish weights with vaezoo", revision=revision
        )
    except Exception as error:  # the hub's errors come from three libraries
        cause = str(error).strip().partition("\n")[0]
        raise NetworkError(
            f"The hub does not take {repository}: {type(error).__name__}: {cause}.",
            hint="Log in by `hf auth login`, and see that you may write there.",
            value=repository,
        ) from error
    return str(done.commit_url)
