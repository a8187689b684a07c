"""Gathers finished runs into `results.json` and writes the checkpoints' overview from it.

Knows: folders of runs, texts, baselines. Does not know: how a model is trained, the page.
"""

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from deeprnn.config import ModelConfig, Recipe, TrainConfig
from deeprnn.documents import Node, read_object
from deeprnn.experiments import tables
from deeprnn.experiments.findings import format_ppl
from deeprnn.experiments.recipes import expected_params
from deeprnn.experiments.tables import table
from deeprnn.lm.evaluation import unigram_ppl
from deeprnn.measure.baselines import NGRAMS, ORDER, NGram, xz_bpc
from deeprnn.measure.metrics import read_texts
from deeprnn.measure.novelty import FINGERPRINTS, MIN_RUN, CopiedSpan, Fingerprint, TextPart, load_all, measure
from deeprnn.nn.cells import CELLS
from deeprnn.store import checkpoint
from deeprnn.store.checkpoint import CheckpointInfo
from deeprnn.store.registry import list_checkpoints
from deeprnn.store.results import FILE, Baselines, Copied, Novelty, Results, RunRecord, recipe_of
from deeprnn.text.corpora import catalogue, is_known, load_corpus, own_name
from deeprnn.text.splits import prepare
from deeprnn.train.finish import outcome_of

MARKS = "<!-- answers -->", "<!-- /answers -->"  # in the README: what is between them is written here
SAMPLE_CHARS, SAMPLE_SEEDS = 1_000, 4  # of what novelty is measured in
NGRAM_TEXTS = ("time_machine", "tiny_shakespeare", "journey_to_the_west")  # whose n-grams are shipped
WEIGHTS_PER_SECOND = {"float32": 8e9, "bfloat16": 1.6e10}  # times characters, on one core, measured on this family
_KEPT = (
    *("name", "seed", "command", "outcome", "num_params", "model_config", "train_config", "final", "elsewhere"),
    *("best_val", "storage", "train_seconds", "wall_seconds", "chars_per_second", "device", "threads"),
)


def gather(folders: Iterable[Path], directory: Path, own: Sequence[Path] = ()) -> tuple[Results, list[str]]:
    """Add the runs of `folders` and of `directory` itself to its results, and write them with their overview.

    own: files of texts of one's own, which runs were trained on. The second part of the answer says which runs were
    left out, of which models novelty was not measured, and why: they take none of the others with them.

    Raises:
        ValueError: a folder or file is not there, or the results that are there cannot be read.
    """
    folders = list(folders)
    if missing := [str(folder) for folder in folders if not folder.is_dir()]:
        raise ValueError(f"no folder {', '.join(missing)}: name one that holds finished runs.")
    texts_of = Texts(own)
    known = Results.read(directory)
    runs, texts, novel, left_out = dict(known.runs), dict(known.texts), dict[str, Novelty](), list[str]()
    for path in sorted(p for folder in (*folders, directory) for p in folder.glob("*/" + checkpoint.METRICS)):
        try:
            metrics = read_object(path)
            key = text_key(metrics)
            if "model_config" not in metrics:  # trained before metrics.json held it
                metrics["model_config"] = checkpoint.read_info(path.parent).config.to_dict()
            run = _compact(metrics, key)
            if key not in texts and run.final:
                texts[key] = baselines(texts_of.found(run.train_config))
            runs[run.name] = run
        except (ValueError, LookupError, TypeError, AttributeError, OSError) as error:
            left_out.append(f"{path.parent} is left out: {error}")
    for info in (info for info in list_checkpoints(directory) if info.name in runs):
        try:
            novel[info.name] = novelty_of(info, known.novelty.get(info.name), texts_of)
            write_ngram(info)
        except (ValueError, OSError) as error:
            left_out.append(f"what {info.path} copies is not measured: {error}")
            novel |= {name: one for name, one in known.novelty.items() if name == info.name}
    results = Results(runs=runs, texts=texts, novelty=novel)
    checkpoint.write_flushed(directory / FILE, results.to_json().encode())
    checkpoint.write_flushed(directory / "README.md", overview(results, directory).encode())
    return results, left_out


class Texts:
    """Where the texts of runs are: ours by their names, those of one's own in the files that were named."""

    def __init__(self, own: Sequence[Path]) -> None:
        self._own = {own_name(path): str(path) for path in own}

    def place(self, name: str) -> str:
        """What `load_corpus` finds a text by.

        Raises:
            ValueError: it is one of the user's own, and its file was not named.
        """
        if not is_known(name) and name not in self._own:
            raise ValueError(f"{name} is a text of your own: name its file with --data, as it was when it was read.")
        return self._own.get(name, name)

    def found(self, config: TrainConfig) -> TrainConfig:
        """A configuration with its texts where they are."""
        more, others = (tuple(map(self.place, names)) for names in (config.more_texts, config.score_on))
        return replace(config, text=self.place(config.text), more_texts=more, score_on=others)


def novelty_of(info: CheckpointInfo, known: Novelty | None, texts: Texts) -> Novelty:
    """What a shipped model copies and repeats in `SAMPLE_SEEDS` samples of `SAMPLE_CHARS`, beside real held-out text.

    Writes the fingerprints of its training texts beside the checkpoints where they are missing. known: what is
    returned again if it is of the same weights.

    Raises:
        ValueError: the checkpoint is broken, or a text is not there.
    """
    settings: dict[str, Any] = {
        "temperature": 0.8,
        "max_chars": SAMPLE_CHARS,
        "prompt": info.metrics.sample.prompt,
    }
    about = {"weights_sha256": info.weights_sha256, **settings, "seeds": tuple(range(SAMPLE_SEEDS))}
    if known and replace(known, **about) == known:
        return known
    fingerprints = _fingerprints(info, texts)
    lm = checkpoint.load(info.path)
    samples = [
        measure(lm.generate(seed=seed, **settings), fingerprints, settings["prompt"]) for seed in range(SAMPLE_SEEDS)
    ]
    corpus = load_corpus(texts.place(info.metrics.text.name), info.vocab.form)
    start, end = info.metrics.text.heldout
    pieces = range(start, end - SAMPLE_CHARS + 1, SAMPLE_CHARS)[:SAMPLE_SEEDS]
    heldout = [measure(corpus.text[at : at + SAMPLE_CHARS], fingerprints) for at in pieces]
    return Novelty(**about, sample=_mean_novelty(samples), heldout=_mean_novelty(heldout))


def write_ngram(info: CheckpointInfo) -> None:
    """Write the n-gram of a shipped model's training text beside the checkpoints, where one belongs and is missing.

    A model of a text of one's own has its own.
    """
    name = checkpoint.ngram_file(info.metrics.texts)
    if name is None or info.metrics.text.name not in NGRAM_TEXTS:
        return
    path = info.path.parent / NGRAMS / name
    if path.exists():
        return
    start, end = info.metrics.text.ranges["train"]
    ids = info.vocab.encode(load_corpus(info.metrics.text.name, info.vocab.form).text[start:end])
    path.parent.mkdir(exist_ok=True)
    NGram.fitting(ids, len(info.vocab)).save(path)


def _fingerprints(info: CheckpointInfo, texts: Texts) -> list[Fingerprint]:
    found = []
    for source in (TextPart.from_record(record) for record in info.metrics.texts):
        path = checkpoint.companion(info.path, FINGERPRINTS, source.filename)
        if not path.exists():
            path.parent.mkdir(exist_ok=True)
            text = load_corpus(texts.place(source.name), source.form).text
            Fingerprint.build(source.name, source.form, text, source.start, source.end).save(path.parent)
        found += load_all(path.parent, [source])
    return found


def _mean_novelty(measured: list[dict[str, Any]]) -> Copied:
    """The mean of each share over samples, and the longest run of them all with its place."""
    longest = max((run for one in measured for run in one["runs"]), key=lambda r: r["end"] - r["start"], default=None)
    means = {key: _mean([one[key] for one in measured]) for key in ("copied_share", "repetition", "dictionary_share")}
    return Copied(
        longest_run=max((one["longest_run"] for one in measured), default=0),
        place=CopiedSpan(**longest) if longest else None,
        distinct=tuple(_mean([one["distinct"][n] for one in measured]) for n in range(3)),
        **means,
    )


def _mean(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.fmean(known) if known else None


def listing(recipes: Iterable[Recipe], results: Results) -> str:
    """One line a recipe: its shape, weights, minutes of training as they were measured, or ~ as expected."""
    lines = []
    for recipe in recipes:
        config, runs = recipe.train, results.seeds(recipe.name)
        texts = "+".join(dict.fromkeys((config.text, *config.more_texts)))
        minutes = f"{runs[0].train_seconds / 60:6.1f}" if runs else f"~{expected_minutes(recipe):5.1f}"
        shape = f"{_shape(recipe.model):28} {expected_params(recipe) / 1e6:5.2f} M {minutes} min"
        lines.append(f"{recipe.name:28} {shape}  {config.epochs} epochs of {texts}")
    return "\n".join(lines)


def expected_minutes(recipe: Recipe) -> float:
    """Minutes on one core of 2024: it gets through about `WEIGHTS_PER_SECOND` weights times characters a second."""
    config = recipe.train
    chars = 0
    for name in (config.text, *config.more_texts):
        entry = catalogue().get(name)
        size = 60_000 if entry is None else entry.bytes // (2 if entry.encoding == "gb18030" else 1)
        chars += min(int(config.train_fraction * size), config.max_train_chars or size)
    return chars * config.epochs * expected_params(recipe) / WEIGHTS_PER_SECOND[config.precision] / 60


def text_key(metrics: dict[str, Any]) -> str:
    """What two runs on the same parts of the same texts share."""
    sources = read_texts(metrics)
    parts = [f"{source.name}:{source.ranges['train'][1]}" for source in sources]
    val, test = (sources[0].ranges.get(part, ("", "")) for part in ("val", "test"))
    marked = "marked " if metrics["train_config"].get("mark_texts") else ""
    return f"{marked}{sources[0].form} {'+'.join(parts)} val {val[0]}-{val[1]} test {test[0]}-{test[1]}"


def baselines(config: TrainConfig) -> Baselines:
    """What guessing, counting and compressing make of a configuration's held-out part, trained on the same text."""
    data = prepare(config, torch.device("cpu"))
    train, held = data.parts["train"], data.parts.get("test", data.parts["val"])
    vocab_size = len(data.vocab)
    return Baselines(
        symbols=vocab_size,
        train_chars=len(train),
        heldout_chars=len(held),
        unigram_nats=math.log(unigram_ppl(train, held, vocab_size)),
        ngram_nats=NGram.build(train, vocab_size, ORDER).nats(held).mean().item(),
        ngram_order=ORDER,
        xz_bpc=xz_bpc(data.vocab.decode(train.tolist()), data.vocab.decode(held.tolist())),
    )


def overview(results: Results, directory: Path) -> str:
    """The README.md of a folder of checkpoints: what it holds, and every run that was measured."""
    found = sorted(path.parent.name for path in directory.glob("*/" + checkpoint.CONFIG))
    shipped = [name for name in found if name in results.runs]
    files = {name: (directory / name / checkpoint.WEIGHTS).stat().st_size / 1e6 for name in shipped}
    own = table(
        ["checkpoint", "shape", "parameters", "file", "train", "held-out"],
        (
            [f"[`{n}`]({n}/README.md)", *_facts(results.runs[n]), f"{files[n]:.1f} MB", *_figures(results, n)]
            for n in shipped
        ),
    )
    recipes = sorted({recipe_of(name) for name in results.runs})
    every = table(
        ["recipe", "seeds", "parameters", "train", "held-out", "minutes"],
        (
            [
                f"`{r}`",
                str(len(results.seeds(r))),
                _facts(results.seeds(r)[0])[1],
                *_figures(results, r),
                _minutes(results, r),
            ]
            for r in recipes
        ),
    )
    return f"""# Checkpoints

Written by `python train.py --gather FOLDER`, from `{FILE}`; do not edit. Perplexity per character of the final weights
as stored, with 95% t-intervals where there are several seeds. Held-out is the test part, or the validation part where
there is no test. Never compare across text forms or texts. [LOG.md](LOG.md) says what was tried and what failed.

## Shipped

{own}

## Goals

Set before the runs; one seed where there is no interval. Misses are told in [LOG.md](LOG.md). The time that the note's
best held-out perplexity takes is measured by [a benchmark](../benchmarks/README.md) (goal: a fifth of d2l's).

{tables.goals_table(results)}

## Depth, at equal parameters

Half a million weights, ten epochs of *The Time Machine*, held-out perplexity.

{tables.depth_table(results)}

## Depth, at equal width

The same with 128 units in every layer.

{tables.depth_table(results, "width")}

## Depth, residual, at a learning rate of 0.005

As the first table, which was trained at 0.002.

{tables.depth_table(results, "rate")}

## More data

One model and training, held out the same tail of *The Time Machine*; train and test figures are those of the weights
that were best on the validation part.

{tables.data_table(results)}

## Authors

Perplexity on each author's test part after 465,000 characters in all.

{tables.author_table(results)}

The same after all the text there is of each.

{tables.author_table(results, "shelf")}

## What each part of the training buys

{tables.ablation_table(results)}

## Every run

{every}

## What is copied

Of {SAMPLE_SEEDS} samples of {SAMPLE_CHARS:,} characters at temperature 0.8: the longest run that occurs in the
training text, the share of characters in such runs of {MIN_RUN} or more (found by fingerprint: a little too high, as
`novelty.py` says), words of the training text, distinct words of three in a row; then the same copied share of real
held-out text.

{tables.novelty_table(results)}

## What guessing, counting and compressing reach

Held-out perplexity of letter frequencies and of a 6-gram (interpolated modified Kneser-Ney), and bits per character of
`xz -9e`, each with the same training text.

{tables.baseline_table(results)}
"""


def refresh(readme: Path, results: Results) -> None:
    """Write the answers between a README's two marks; one without them is left as it is."""
    text = readme.read_text("utf-8") if readme.is_file() else ""
    if MARKS[0] in text:
        before, rest = text.split(MARKS[0], 1)
        answers = "\n".join(f"- {sentence}" for sentence in tables.verdicts(results))
        after = rest.split(MARKS[1], 1)[1]
        checkpoint.write_flushed(readme, f"{before}{MARKS[0]}\n{answers}\n{MARKS[1]}{after}".encode())


def _compact(metrics: dict[str, Any], key: str) -> RunRecord:
    """A run without its sample, its curve by columns; `key`: that of its texts."""
    curve = metrics["curve"]
    columns = {key: [round(record[key], 6) for record in curve] for key in (curve[0] if curve else ())}
    run = {key: metrics[key] for key in _KEPT if key in metrics} | {"curve": columns}
    if "outcome" not in run:  # trained before metrics.json held it
        run["outcome"] = outcome_of(metrics["best_val"]["ppl"], metrics["baselines"]["unigram"]["val"])
    return RunRecord.read(Node(run | {"text_key": key}))


def _shape(model: ModelConfig) -> str:
    wiring = model.wiring if model.wiring != "stack" else "residual" if model.residual else "plain"
    return f"{model.num_layers} x {CELLS[model.cell].label} {model.hidden_size}, {wiring}"


def _facts(run: RunRecord) -> tuple[str, str]:
    return _shape(run.model_config), f"{run.num_params:,}"


def _figures(results: Results, recipe: str) -> tuple[str, str]:
    return format_ppl(results, recipe, "train"), format_ppl(results, recipe)


def _minutes(results: Results, recipe: str) -> str:
    return f"{statistics.fmean(run.train_seconds for run in results.seeds(recipe)) / 60:.1f}"
