"""The training loop. A run that was stopped continues where it was, bit for bit on a CPU."""

from __future__ import annotations

import os
import platform
import time
import warnings
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import torch
from torch import Tensor

from vaezoo.core import Batch, Objective, Prior, with_revisions
from vaezoo.core.machine.arithmetic import arithmetic
from vaezoo.errors import ConfigError, TrainingError, VaezooError
from vaezoo.train.checkpoint import (
    CHECKPOINT,
    WEIGHTS,
    alone_in,
    has_its_weights,
    load_checkpoint,
    read_record,
    refuse_other_start,
    save_checkpoint,
    save_record,
    save_weights,
    warm_start,
)
from vaezoo.train.damages.pairs import refuse_enlarging
from vaezoo.train.data import Source, open_source
from vaezoo.train.journal import Journal, Tally
from vaezoo.train.purpose import with_purpose
from vaezoo.train.ranks import Ranks, join_ranks
from vaezoo.train.recipe import Recipe, recipe_dict, recipe_hash
from vaezoo.train.schedule import Average
from vaezoo.train.seeds import deterministic, mix, seed_torch
from vaezoo.train.stop import Stop
from vaezoo.train.update import BadStep, Updater

MODEL = "model"
"""Subfolder of a run that contains the model."""
VALID_IMAGES = 512  # at most, per validation


@final
@dataclass(frozen=True)
class Run:
    """Result of a run.

    Attributes:
        out: Folder of the run.
        weights: File of the model's averaged weights, safetensors.
        steps: Number of steps done, over all pieces of the run.
        total: Number of steps of the whole run. Fewer are done if it was stopped.
        reports: Last means of the loss and its reports; those of validation are ``valid.loss`` and so on.
    """

    out: Path
    weights: Path
    steps: int
    total: int
    reports: dict[str, float]


def train(
    recipe: Recipe,
    out: Path,
    *,
    objective: Objective | None = None,
    source: Source | None = None,
    start: Path | None = None,
    resume: bool = True,
    minutes: float | None = None,
) -> Run:
    """Trains a model, or continues its training.

    Args:
        recipe: Settings of the run.
        out: Folder of the run. It is created if missing.
        objective: Model and loss. None means the recipe's model with its default loss.
        source: Source of batches. None means the recipe's data.
        start: File of the weights that ``recipe.warm_start`` names, if that is the name of the stage before and not a
            path; see `vaezoo.train.recipe.stages`.
        resume: Whether to continue from the checkpoint in ``out``, if there is one.
        minutes: Wall time in minutes after which to stop with a checkpoint. None means no limit.

    Raises:
        CheckpointError: The checkpoint in ``out`` belongs to another configuration, or started from other weights.
        ConfigError: The recipe has pairs, but the model enlarges.
        TrainingError: ``recipe.patience`` steps in a row were bad; the last checkpoint is left as it was. Or another
            run uses ``out``.
        StoreError: The disk is full or cannot be written. The last checkpoint is left as it was.
    """
    if recipe.machine.threads > 0:
        torch.set_num_threads(recipe.machine.threads)
    stop = Stop(minutes)
    with deterministic(recipe.machine.deterministic), join_ranks(recipe.machine.device) as ranks, stop.listening():
        if source is None:
            source = open_source(recipe.data, recipe.data.sets, recipe.seed, recipe.data.pairs)
        if objective is None:
            from vaezoo.zoo.create import create_objective

            objective = create_objective(recipe.model, overrides=recipe.overrides, seed=recipe.seed)
        if recipe.data.pairs or recipe.data.valid_pairs:
            refuse_enlarging(objective.model, recipe.model)
        loop = _Loop(recipe, out, objective, source, ranks)
        with alone_in(out) if ranks.rank == 0 else nullcontext():
            loop.begin(resume, start)
            try:
                loop.go(stop)
            finally:
                loop.journal.close()
        return Run(out, out / WEIGHTS, loop.step, loop.total, loop.reports)


@final
class _Loop:
    """The state of a run between two steps."""

    def __init__(self, recipe: Recipe, out: Path, objective: Objective, source: Source, ranks: Ranks) -> None:
        self.recipe, self.out, self.source, self.ranks = recipe, out, source, ranks
        per_epoch = source.steps_per_epoch(recipe.batch)
        self.total = recipe.steps or max(1, round(recipe.epochs * per_epoch))
        self.rows = ranks.rows(recipe.batch, recipe.accumulate)
        self.format = torch.channels_last if recipe.machine.channels_last else torch.contiguous_format
        self.objective = objective.to(ranks.device, memory_format=self.format).train()  # type: ignore[call-overload]
        self.updater = Updater(self.objective, recipe, self.total, ranks)
        self.average = Average(self.objective.model, recipe.ema)
        valid, pairs = recipe.data.valid, recipe.data.valid_pairs
        self.valid = open_source(recipe.data, valid, mix(recipe.seed, -1), pairs) if valid or pairs else None
        self.config = {key: value for key, value in recipe_dict(recipe).items() if key != "machine"}
        self.config["content"] = {images.source: images.sha256 for images in source.images}
        self.step, self.reports, self.started_from = 0, dict[str, float](), ""
        self.spent = {"pixels": 0, "skipped_steps": 0, "cpu_seconds": 0.0, "wall_seconds": 0.0}

    def begin(self, resume: bool, start: Path | None = None) -> None:
        """Continues from the checkpoint, if there is one and it is wanted, and opens the log."""
        found = load_checkpoint(self.out, self.config) if resume else None
        if found is None:
            for part in self.objective.modules():
                if isinstance(part, Prior):
                    part.meet(self.images)
            if path := str(start or self.recipe.warm_start):
                grow, shed = self.recipe.grow, self.recipe.shed
                self.started_from = warm_start(self.objective.model, path, grow=grow, shed=shed)
            self.average = Average(self.objective.model, self.recipe.ema)
        if found is not None:
            self.objective.load_state_dict(found["objective"])
            self.average.load(with_revisions(self.objective.model, found["average"]))
            self.updater.load(found["optimizers"])
            self.step, self.spent, self.reports = found["step"], found["spent"], found["reports"]
            self.started_from = found.get("started_from", "")
            if start is not None:
                refuse_other_start(self.out, self.started_from, start)
        first = self.ranks.rank == 0
        self.journal = Journal(
            self.out if first else None, self.total, fresh=found is None, tensorboard=self.recipe.machine.tensorboard
        )
        self.journal.write("begin", self.step, total=self.total, device=str(self.ranks.device))

    def go(self, stop: Stop) -> None:
        """Runs the remaining steps, or until a stop is requested. Saves at the end."""
        machine, tally, bad, pixels = self.recipe.machine, Tally(), 0, 0
        self.clocks = time.process_time(), time.monotonic()
        saved = logged = time.monotonic()
        complete = read_record(self.out) and has_its_weights(self.out)
        if self.step == self.total and not complete:
            self.save()  # killed before its end, or damaged since
        while self.step < self.total:
            pieces = [self.draw(rows) for rows in self.rows]
            try:
                tally.add(self.updater.update(self.step, pieces))
                self.average.update(self.objective.model, self.step)
                bad = 0
            except BadStep as cause:
                bad += 1
                self.spent["skipped_steps"] += 1
                self.journal.write("skipped", self.step, cause=str(cause))
                if bad >= min(self.recipe.patience, self.total):
                    kept = self.out / CHECKPOINT
                    if not kept.exists() and self.step >= self.spent["skipped_steps"]:
                        self.save()  # no save was due yet; a skipped step leaves the state of the last good one
                    state = f"{kept} is the last good state" if kept.exists() else "Not one step was good"
                    raise TrainingError(
                        f"{bad} steps in a row were bad, the last one (step {self.step}) because {cause}.",
                        hint=f"{state}; try a lower optimizer.lr.",
                        value=str(cause),
                    ) from cause
            self.step += 1
            pixels += self.recipe.batch * pieces[0].y.shape[-2] * pieces[0].y.shape[-1]
            asked = self.ranks.any(stop.asked())
            now, last = time.monotonic(), asked or self.step == self.total
            if self.step % machine.log_every == 0 or last:
                self.reports = tally.empty()
                self.spent["pixels"] += pixels
                speed = {"megapixels_per_s": pixels / 1e6 / max(now - logged, 1e-9)}
                self.journal.write("train", self.step, **self.reports, **speed)
                logged, pixels = now, 0
            if self.valid is not None and (self.step % self.recipe.valid_every == 0 or self.step == self.total):
                valid = self.validate()
                self.reports |= {f"valid.{name}": value for name, value in valid.items()}
                self.journal.write("valid", self.step, **valid)
            if (bad == 0 and now - saved > 60 * machine.checkpoint_minutes) or last:
                self.save()
                saved = now
            if asked:
                break

    def draw(self, rows: range) -> Batch:
        """Returns some rows of this step's batch, on the device."""
        batch = self.source.batch(self.step, rows, self.recipe.batch, self.ranks.device)
        return batch.to(self.ranks.device, memory_format=self.format)

    def images(self, count: int) -> Tensor:
        """Returns images of the data, as targets of the model.

        Raises:
            ConfigError: The data has fewer images.
        """
        try:
            return self.source.batch(0, range(count), count, self.ranks.device).target
        except ConfigError as error:
            message = f"The prior needs {count} training images: {error}"
            raise ConfigError(message, hint="Lower prior.components.", value=count) from error

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """Returns loss and reports of the averaged weights on the first images of the validation data."""
        if self.valid is None or self.ranks.rank > 0:
            return {}
        size = self.recipe.batch
        count = min(self.valid.steps_per_epoch(size), max(1, VALID_IMAGES // size))
        weights = {f"model.{name}": value for name, value in self.average.weights.items()}
        tally = Tally()
        self.objective.eval()
        for index in range(count):
            seed_torch(mix(self.recipe.seed, index), self.ranks.device)
            batch = self.valid.batch(index, range(size), size, self.ranks.device).to(
                self.ranks.device, memory_format=self.format
            )
            with arithmetic(self.recipe.precision.value, self.ranks.device):
                terms = torch.func.functional_call(self.objective, weights, (batch, self.step))
            tally.add({"loss": terms.loss.float(), **terms.reports})
        self.objective.train()
        return tally.empty()

    def save(self) -> None:
        """Writes checkpoint, averaged weights, record, and the model with these weights for `vaezoo.load`."""
        self.charge()
        if self.ranks.rank > 0:
            return
        digest = recipe_hash(self.recipe)
        about = {"model": self.recipe.model, "recipe_sha256": digest, "step": str(self.step)}
        sha256 = save_weights(self.out, self.average.weights, about)
        save_checkpoint(
            self.out,
            {
                "config": self.config,
                "step": self.step,
                "spent": self.spent,
                "reports": self.reports,
                "started_from": self.started_from,
                "objective": self.objective.state_dict(),
                "average": self.average.weights,
                "optimizers": self.updater.state(),
            },
        )
        save_record(self.out, self.record(digest) | {"weights_sha256": sha256})
        if origin := getattr(self.objective.model, "origin", None):
            from vaezoo.publish.saving import save
            from vaezoo.zoo.create import build_model

            try:
                model = build_model(origin.spec, blank=True)
                model.load_state_dict(self.average.weights)
                model.origin = with_purpose(origin, self.recipe.data)
                save(model, self.out / MODEL)
            except (VaezooError, RuntimeError) as error:  # such as one that was changed after it was created
                reason = str(error).strip().splitlines()[0]
                warnings.warn(
                    f"vaezoo: the model is not saved completely in {self.out / MODEL}: {reason}", stacklevel=2
                )

    def charge(self) -> None:
        """Adds the time since the last call to the cost of the run."""
        clocks = time.process_time(), time.monotonic()
        self.spent["cpu_seconds"] += clocks[0] - self.clocks[0]
        self.spent["wall_seconds"] += clocks[1] - self.clocks[1]
        self.clocks = clocks

    def record(self, digest: str) -> dict[str, Any]:
        """Returns the record of the run. Its CPU seconds are those of the first process only."""
        cpu = f"{platform.machine()}, {os.cpu_count()} cores"
        hardware = torch.cuda.get_device_name(self.ranks.device) if self.ranks.device.type == "cuda" else cpu
        data = [
            {"set": s.source, "sha256": s.sha256, "licence": s.licence, "images": len(s.pixels)}
            for s in self.source.images
        ]
        return {
            "model": self.recipe.model,
            "recipe": recipe_dict(self.recipe),
            "recipe_sha256": digest,
            "warm_start_sha256": self.started_from,
            "data": data,
            "steps": self.step,
            "total_steps": self.total,
            **self.spent,
            "wall_hours": self.spent["wall_seconds"] / 3600,
            "reports": self.reports,
            "parameters": sum(p.numel() for p in self.objective.model.parameters()),
            "torch": torch.__version__,
            "processes": self.ranks.world,
            "hardware": hardware,
        }
