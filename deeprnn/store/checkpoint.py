"""A checkpoint directory: atomic save, strict load, hashes.

Knows: the four files of `checkpoints/<name>/`. Does not know: training, the Hub, the page.

    model.safetensors  the weights, stored as float32, float16 or int8
    config.json        format, architecture, vocabulary with its text form, SHA-256 of the weights
    metrics.json       how it was trained and measured (made in `train.finish`)
    README.md          a model card with Hub front matter

Loaded weights are float32, whatever their storage type (see `storage`). Nothing is pickled.
"""

import copy
import hashlib
import json
import math
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors

from deeprnn.checks import listed, shortened, shown
from deeprnn.config import ModelConfig, Storage
from deeprnn.documents import Node, aside, printable, read_bytes, read_object, replace_file, write_flushed
from deeprnn.lm.decoder import Decoder
from deeprnn.lm.language_model import LanguageModel
from deeprnn.measure.metrics import Metrics, TextRecord
from deeprnn.nn.cells import CELLS
from deeprnn.nn.model import CharRNN
from deeprnn.nn.storage import decode_weights, encode_weights
from deeprnn.store.card import model_card
from deeprnn.store.header import PointerError, read_header
from deeprnn.text.vocab import Vocab

FORMAT = "deeprnn-checkpoint-1"
WEIGHTS, CONFIG, METRICS, CARD = FILES = ("model.safetensors", "config.json", "metrics.json", "README.md")
MAX_SYMBOLS = 100_000  # of an alphabet; Unicode has about as many ideographs


class ExistsError(ValueError):
    """A folder of that name exists already; it was not changed."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.directory = directory

    def __str__(self) -> str:
        """Return the remedy."""
        return f"{self.directory} exists; remove it or choose another place."


@dataclass(frozen=True, kw_only=True)
class CheckpointInfo:
    """The contents of a checkpoint's JSON files; the weights are not loaded.

    name: that of the directory, which training calls as the recipe with what differs from it, such as the seed; of an
        own model of a visitor its key, see `Registry.add`.
    """

    name: str
    path: Path
    config: ModelConfig
    vocab: Vocab
    weights_sha256: str
    metrics: Metrics

    @property
    def num_params(self) -> int:
        """The number of weights of the model."""
        return self.metrics.num_params

    @property
    def train_chars(self) -> int:
        """The number of characters that it was trained on."""
        return sum(end - start for start, end in (text.ranges["train"] for text in self.metrics.texts))

    @property
    def train_ppl(self) -> float:
        """Perplexity per character on the start of the training text (of poems the end) in lanes; see `measure`."""
        return self.metrics.final["train"].ppl

    @property
    def heldout_ppl(self) -> float:
        """Perplexity per character on the held-out part: test, or validation if there is no test part."""
        return self.metrics.heldout.ppl

    @property
    def unigram_ppl(self) -> float:
        """Perplexity of the training text if it is predicted only from how often each symbol occurs in it."""
        return self.metrics.unigram["train"]


def ngram_file(texts: Sequence[TextRecord]) -> str | None:
    """Return the file name of the n-gram of a model's training text; None if it was trained on several texts."""
    if len(texts) > 1:
        return None
    start, end = texts[0].ranges["train"]
    return f"{texts[0].file_stem}.{texts[0].form}.{start}-{end}.ngram"


def companion(directory: Path, shared: str, name: str) -> Path:
    """Return the path of an n-gram or a fingerprint: in the checkpoint's folder, else in the shared one beside it."""
    own = directory / name
    return own if os.path.lexists(own) else directory.parent / shared / name


def save(
    directory: Path,
    model: CharRNN,
    vocab: Vocab,
    metrics: dict[str, Any],
    storage: Storage,
    companions: Mapping[str, bytes] = MappingProxyType({}),
    *,
    replace: bool = False,
) -> None:
    """Write a whole checkpoint beside `directory`, flush it to disk, then rename it to `directory`.

    metrics: the contents of `metrics.json`; `Metrics` defines its required fields.
    companions: more files by name: n-grams and fingerprints of its texts; see `companion`.
    replace: whether a folder that is there goes, but not before the new one is whole.
    A warning is given if the compiled loops cannot run the model; see `Decoder.agrees`.

    Raises:
        ExistsError: `directory` exists, or another process has just made it; without `replace`, none is overwritten.
        ValueError: weights are not finite in the storage type, or `Metrics` cannot read the metrics.
    """
    if directory.exists() and not replace:
        raise ExistsError(directory)
    stored = encode_weights(model.state_dict(), storage)
    unfit = [name for name, tensor in stored.items() if not torch.isfinite(tensor).all()]
    if unfit:
        raise ValueError(
            f"{directory}: not finite as {storage}: {', '.join(unfit)}. Store float32, or train it better."
        )
    Decoder(copy.deepcopy(model), directory.name)  # warns
    weights = save_tensors(stored)
    config = {
        "format": FORMAT,
        "model": model.config.to_dict(),
        "vocab": {"form": vocab.form, "characters": vocab.characters},
        "weights_sha256": hashlib.sha256(weights).hexdigest(),
    }
    card = model_card(directory.name, model, vocab, Metrics.from_dict(metrics)).encode()
    files = {WEIGHTS: weights, CONFIG: _json_bytes(config), METRICS: _json_bytes(metrics), CARD: card}
    write_directory(directory, {**companions, **files}, replace=replace)


def save_failure(directory: Path, metrics: dict[str, Any]) -> None:
    """Save only `metrics.json`, for a run that failed.

    Raises:
        ExistsError: `directory` exists.
    """
    write_directory(directory, {METRICS: _json_bytes(metrics)})


def record_outcome(directory: Path, outcome: dict[str, str]) -> None:
    """Record in the `metrics.json` of a checkpoint what became of its run; all else stays.

    Raises:
        ValueError: the file cannot be read.
        OSError: it cannot be written; the one from before stays.
    """
    path = directory / METRICS
    replace_file(path, _json_bytes(read_object(path) | {"outcome": outcome}))


def write_directory(directory: Path, files: dict[str, bytes], *, replace: bool = False) -> None:
    """Write files beside `directory`, flush them to disk, then rename their folder to `directory`; see `save`.

    Raises:
        ExistsError: `directory` exists and is not to be replaced; another process may have made it meanwhile.
        OSError: a file cannot be written; the folder from before stays.
    """
    written, before = aside(directory), aside(directory)
    try:
        written.mkdir(parents=True)
        for name, data in files.items():
            write_flushed(written / name, data)
        flush_directory(written)
        if replace and directory.exists():
            directory.rename(before)
        try:
            written.rename(directory)
        except OSError as error:
            if directory.exists():
                raise ExistsError(directory) from error
            if before.exists():
                before.rename(directory)
            raise
    except (OSError, ExistsError):
        shutil.rmtree(written, ignore_errors=True)
        if directory.exists():
            shutil.rmtree(before, ignore_errors=True)
        raise
    shutil.rmtree(before, ignore_errors=True)
    flush_directory(directory.parent)


def read_info(directory: Path) -> CheckpointInfo:
    """Read a checkpoint's JSON files and check every field that a view uses; of the weights, check only the header.

    Raises:
        ValueError: the directory or a file is missing or malformed; the message names the file, the field and the
            remedy.
    """
    if not directory.is_dir():
        raise ValueError(
            f"no checkpoint at {directory}: give a directory that holds {CONFIG} and {WEIGHTS}; unpack a zip first."
        )
    name = directory.resolve().name if directory.name in ("", "..") else directory.name
    path = directory / CONFIG
    values = _read_json(path)
    if values.get("format") != FORMAT:
        raise ValueError(f"{path}: format {shown(values.get('format'))} is not {FORMAT!r}; update deeprnn to read it.")
    known = {"format", "model", "vocab", "weights_sha256"}
    if set(values) != known:
        raise _broken(path, f"its keys are {listed(values)}, not {listed(known)}")
    try:
        if printable(name) != name:
            raise ValueError("the folder's name holds characters that cannot be shown; rename it")
        config = ModelConfig.from_dict(values["model"])
        if config.cell not in CELLS:
            raise ValueError(f"model.cell: unknown cell {shown(config.cell)}; choose one of {sorted(CELLS)}")
        Node(values["vocab"], "vocab")["characters"].text(MAX_SYMBOLS, 0)
        vocab = Vocab.from_dict(values["vocab"])
        sha256 = Node(values["weights_sha256"], "weights_sha256").text(64, 64)
    except (ValueError, TypeError) as error:
        raise _broken(path, str(error)) from error
    metrics_path = directory / METRICS
    try:
        metrics = Metrics.from_dict(_read_json(metrics_path))
    except ValueError as error:
        raise _broken(metrics_path, str(error).removeprefix(f"{metrics_path}: ")) from error
    info = CheckpointInfo(name=name, path=directory, config=config, vocab=vocab, weights_sha256=sha256, metrics=metrics)
    _check_header(info)
    return info


def _check_header(info: CheckpointInfo) -> None:
    """Compare the header of the weights' file with the configuration; `load` checks the hash."""
    path = info.path / WEIGHTS
    try:
        tensors = read_header(path)
    except PointerError:
        raise
    except ValueError as error:
        raise _broken(path, str(error)) from error
    shapes = {name: one.shape for name, one in tensors.items() if not name.endswith(".scale")}
    layers = len({name.split(".")[1] for name in shapes if name.startswith("cells.")})
    if layers != info.config.state_layers:  # checked first, since a wrong number may be very large
        raise _broken(path, f"its layers are {layers}, but {CONFIG} asks for {info.config.state_layers}")
    _check_shapes(path, shapes, _empty_model(info))
    for name in tensors.keys() - shapes.keys():
        matrix = tensors.get(name.removesuffix(".scale"))
        if matrix is None or matrix.kind != "I8" or tensors[name].shape != matrix.shape[:1]:
            raise _broken(path, f"{shown(name)} is not the scale of an int8 matrix of as many rows")
    count = sum(map(math.prod, shapes.values()))
    if count != info.num_params:
        raise _broken(path, f"its tensors hold {count} weights, but {METRICS} says {info.num_params}")


def _empty_model(info: CheckpointInfo) -> CharRNN:
    """Make the model that a configuration describes without memory for weights, since wrong sizes may be very large."""
    with torch.device("meta"):
        return CharRNN(info.config, len(info.vocab))


def _check_shapes(path: Path, found: dict[str, tuple[int, ...]], model: CharRNN) -> None:
    expected = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    missing, extra = set(expected) - set(found), set(found) - set(expected)
    if missing or extra:
        raise _broken(
            path,
            f"weights missing: {listed(missing) if missing else 'none'}; "
            f"not expected: {listed(extra) if extra else 'none'}",
        )
    for name, shape in found.items():
        if shape != expected[name]:
            raise _broken(path, f"{name} has shape {shape}, but {CONFIG} asks for {expected[name]}")


def load(directory: Path, name: str | None = None) -> LanguageModel:
    """Load a checkpoint and check all of its weights.

    name: that of the model; that of the directory by default.

    Raises:
        ValueError: a file is missing, truncated, malformed or does not match its hash, or weights are missing, extra,
            of a wrong shape or not finite; the message names the file and the remedy.
    """
    info = read_info(directory)
    path = directory / WEIGHTS
    data = _read_bytes(path)
    found = hashlib.sha256(data).hexdigest()
    if found != info.weights_sha256:
        raise _broken(path, f"its SHA-256 is {found}, but {CONFIG} says {info.weights_sha256}")
    try:
        stored = load_tensors(data)
        del data  # which are as large as the tensors
        weights = decode_weights(stored)
    except (SafetensorError, ValueError, KeyError) as error:  # KeyError: an unknown type
        raise _broken(path, str(error)) from error
    model = _empty_model(info)
    _check_shapes(path, {name: tuple(tensor.shape) for name, tensor in weights.items()}, model)
    if unfit := next((name for name, tensor in weights.items() if not torch.isfinite(tensor).all()), None):
        raise _broken(path, f"{unfit} holds values that are not finite")
    model.load_state_dict(weights, assign=True)
    model.requires_grad_(False)
    return LanguageModel(name=name or info.name, model=model, vocab=info.vocab)


def _broken(path: Path, why: str) -> ValueError:
    return ValueError(f"{path}: {shortened(why.rstrip('.'))}. Download or train the checkpoint again.")


def _read_bytes(path: Path) -> bytes:
    try:
        return read_bytes(path)
    except ValueError as error:
        raise _broken(path, str(error)) from error


def _read_json(path: Path) -> dict[str, Any]:
    try:
        return read_object(path)
    except ValueError as error:
        raise _broken(path, str(error)) from error


def _json_bytes(values: dict[str, Any]) -> bytes:
    return (json.dumps(values, ensure_ascii=False, indent=1) + "\n").encode()


def own_files(directory: Path) -> list[Path]:
    """Return those of the four checkpoint files that exist, and no other files of the folder.

    Everybody can download these files, so a link that leads out of the folder of checkpoints is left out. The Hub's
    cache is an exception: its snapshots are links into its folder `blobs`.
    """
    found = [directory / name for name in sorted(FILES) if (directory / name).is_file()]
    home = directory.parent.resolve()
    places = [home, *([home.parent.parent / "blobs"] if home.parent.name == "snapshots" else [])]
    return [path for path in found if any(path.resolve().is_relative_to(place) for place in places)]


def flush_directory(path: Path) -> None:
    """Wait until a directory's entries are on disk; do nothing on Windows, where a directory cannot be opened."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except PermissionError:  # only from `open`: errors of `fsync` are raised
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
