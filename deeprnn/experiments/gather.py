"""Gathers finished runs into `results.json` and writes the checkpoints' overview from it.

Knows: folders of runs, texts, baselines. Does not know: how a model is trained, the page.
"""

import itertools
import math
import statistics
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from deeprnn.config import Recipe, TrainConfig
from deeprnn.documents import Node, holding, read_object, replace_file
from deeprnn.experiments.judging import has_style, style_of, style_of_texts
from deeprnn.experiments.markdown import SAMPLE_CHARS, SAMPLE_SEEDS, overview, shape
from deeprnn.experiments.questions import all_recipes
from deeprnn.experiments.recipes import expected_params
from deeprnn.experiments.verse import is_verse, verse_of, verse_of_text
from deeprnn.lm.evaluation import unigram_ppl
from deeprnn.measure import lines
from deeprnn.measure.baselines import NGRAMS, ORDER, NGram, xz_bpc
from deeprnn.measure.metrics import Figures, TextRecord, heldout, read_texts
from deeprnn.measure.novelty import FINGERPRINTS, CopiedSpan, Fingerprint, TextPart, load_all, measure
from deeprnn.store import checkpoint
from deeprnn.store.checkpoint import CheckpointInfo
from deeprnn.store.registry import read_all
from deeprnn.store.results import FILE, Baselines, Copied, Novelty, Results, RunRecord
from deeprnn.store.style import RealStyle, Style
from deeprnn.store.verse import Verse, VerseText
from deeprnn.text.catalogue import catalogue, is_poems
from deeprnn.text.corpora import is_known, load_corpus, own_name, titles_of_poems
from deeprnn.text.noise import told
from deeprnn.text.sources import TEXTS
from deeprnn.text.splits import Data, prepare
from deeprnn.train.finish import outcome_of
from deeprnn.train.measurement import check_texts, measure_elsewhere, unmarked

NGRAM_TEXTS = (
    "time_machine",
    "tiny_shakespeare",
    "journey_to_the_west",
    "tang_poems",
)  # the texts whose n-grams are shipped
WEIGHTS_PER_SECOND = {"float32": 8e9, "bfloat16": 1.6e10}  # weights x characters per second on one core
_KEPT = (
    *("name", "recipe", "experiment", "seed", "command", "outcome", "num_params", "model_config", "train_config"),
    *("final", "elsewhere", "best_val", "storage", "train_seconds", "wall_seconds", "chars_per_second", "device"),
    "threads",
)
_COLUMNS = ("epoch", "chars", "seconds", "train_ppl", "val_nats", "val_ppl")


def gather(folders: Iterable[Path], directory: Path, own: Sequence[Path] = ()) -> tuple[Results, list[str]]:
    """Add the runs of `folders` and of `directory` itself to its results, and write them with their overview.

    A run of `directory` itself, whose weights are shown, comes before one of the same name elsewhere. own: the user's
    own text files, on which runs were trained; those that training has converted lie beside the runs and are found.
    Also returns a sentence for each run that was left out and each model of which something was not measured, with the
    reason; the others are not affected.

    Raises:
        ValueError: a folder or file is missing, the present results cannot be read, or another process adds to them.
    """
    folders = list(folders)
    if missing := [str(folder) for folder in folders if not folder.is_dir()]:
        raise ValueError(f"no folder {', '.join(missing)}: name one that holds finished runs.")
    with _alone_in(directory):
        return _gathered(folders, directory, own)


@contextmanager
def _alone_in(directory: Path) -> Iterator[None]:
    """Add to a folder's results for as long as the block lasts, and no other process beside it, where locks are known.

    Raises:
        ValueError: another process adds to them.
    """
    with ExitStack() as held:
        try:
            held.enter_context(holding(directory / ".gathering"))
        except BlockingIOError:
            raise ValueError(f"another process adds runs to {directory}: try again when it has ended.") from None
        except (OSError, ImportError):
            pass
        yield


def _gathered(folders: Sequence[Path], directory: Path, own: Sequence[Path]) -> tuple[Results, list[str]]:
    """Do what `gather` says."""
    texts_of = Texts([*own, *(path for folder in folders for path in folder.glob(f"{TEXTS}/*/*.txt"))])
    known, left_out = Results.read(directory), list[str]()
    runs, texts, folder_of = _records(_finished(directory, *folders), known, texts_of, left_out)
    novel = _novelty(directory, runs, known, texts_of, left_out)
    verse, verse_texts = _verse(runs, folder_of, known, texts_of, left_out)
    style, style_texts = _style(runs, folder_of, known, left_out)
    recipes = all_recipes()
    runs = {name: with_known_scores(with_experiment(run, recipes), known.runs.get(name)) for name, run in runs.items()}
    for name, folder in folder_of.items():
        with _or_said(left_out, f"{folder} is not scored on more texts"):
            runs[name] = scored_on_more(runs[name], folder, recipes.get(runs[name].recipe), texts_of)
    results = Results(
        runs=runs,
        texts=texts,
        novelty=novel,
        verse=verse,
        verse_texts=verse_texts,
        style=style,
        style_texts=style_texts,
    )
    replace_file(directory / FILE, results.to_json().encode())
    replace_file(directory / "README.md", overview(results, directory).encode())
    return results, left_out


@contextmanager
def _or_said(left_out: list[str], said: str) -> Iterator[None]:
    """Go on after an error, which `left_out` then tells after what is `said`."""
    try:
        yield
    except (ValueError, OSError) as error:
        left_out.append(f"{said}: {error}")


def _records(
    finished: Iterable[Path], known: Results, texts_of: "Texts", left_out: list[str]
) -> tuple[dict[str, RunRecord], dict[str, Baselines], dict[str, Path]]:
    """Return the records of the known and the finished runs, by name, the baselines of their texts and their folders.

    finished: the `metrics.json` of each run; one whose name came before is only checked.
    """
    runs, texts, folder_of = dict(known.runs), dict(known.texts), dict[str, Path]()
    for path in finished:
        try:
            metrics = read_object(path)
            if "stopped_after" in metrics:
                raise ValueError(_why_stopped(metrics))
            key = text_key(metrics)
            if "model_config" not in metrics:  # trained before metrics.json contained it
                metrics["model_config"] = checkpoint.read_info(path.parent).config.to_dict()
            run = _compact(metrics, key)
            if run.name in folder_of:
                _check_same(run, runs[run.name], folder_of[run.name])
                continue
            if key not in texts and run.final:
                texts[key] = baselines(texts_of.prepared(run.train_config, read_texts(metrics), path.parent))
            runs[run.name], folder_of[run.name] = run, path.parent
        except (ValueError, LookupError, TypeError, AttributeError, OSError) as error:
            left_out.append(f"{path.parent} is left out: {error}")
    return runs, texts, folder_of


def _novelty(
    directory: Path, names: Container[str], known: Results, texts_of: "Texts", left_out: list[str]
) -> dict[str, Novelty]:
    """Return what each shipped model copies, if its run is among `names`; if it is not measured, what is known of it.

    What the page shows beside it, n-grams and the lines of poems, is written where it is missing.
    """
    infos, broken = read_all(directory)
    infos = [info for info in infos if info.name in names]
    left_out += [f"what {directory / name} copies is not measured: {error}" for name, error in broken.items()]
    shipped = {*broken, *(info.name for info in infos)}
    novel = {name: one for name, one in known.novelty.items() if name in shipped}
    for info in infos:
        with _or_said(left_out, f"what {info.path} copies is not measured"):
            novel[info.name] = novelty_of(info, known.novelty.get(info.name), texts_of)
            write_ngram(info)
            write_lines(info)
    return novel


def _verse(
    runs: Mapping[str, RunRecord], folder_of: Mapping[str, Path], known: Results, texts_of: "Texts", left_out: list[str]
) -> tuple[dict[str, Verse], dict[str, VerseText]]:
    """Return the form of the poems that each run writes, and of those of each text."""
    verse, texts = dict(known.verse), dict(known.verse_texts)
    for name, folder in folder_of.items():
        if is_verse(runs[name]):
            with _or_said(left_out, f"the form of the poems of {folder} is not counted"):
                if (key := runs[name].text_key) not in texts:
                    texts[key] = verse_of_text(texts_of.found(runs[name].train_config))
                verse[name] = verse_of(checkpoint.read_info(folder), verse.get(name))
    return verse, texts


def _style(
    runs: Mapping[str, RunRecord], folder_of: Mapping[str, Path], known: Results, left_out: list[str]
) -> tuple[dict[str, Style], dict[str, RealStyle]]:
    """Return whom each run of authors sounds like, and real texts."""
    style, texts = dict(known.style), known.style_texts
    for name, folder in folder_of.items():
        if has_style(runs[name]):
            with _or_said(left_out, f"whom the texts of {folder} sound like is not measured"):
                texts = style_of_texts(texts)
                style[name] = style_of(checkpoint.read_info(folder), style.get(name))
    return style, texts


def _finished(*folders: Path) -> list[Path]:
    """Return the metrics of the runs in folders, in their order, by name; without what is just being saved."""
    each = [sorted(folder.glob(f"[!.]*/{checkpoint.METRICS}")) for folder in folders]
    return list(dict.fromkeys(itertools.chain(*each)))


def _check_same(run: RunRecord, taken: RunRecord, folder: Path) -> None:
    """Check that a run came to what one of the same name did, which was gathered before.

    Raises:
        ValueError: it came to something else.
    """
    if run.final != taken.final or run.outcome != taken.outcome:
        raise ValueError(f"{folder} is a run of the same name with other figures; keep one of them.")


class Texts:
    """Finds the texts of runs: those of the catalogue by name, the user's own in the given files."""

    def __init__(self, own: Sequence[Path]) -> None:
        self._own = {own_name(path): str(path) for path in own if not is_known(str(path))}

    def place(self, name: str) -> str:
        """Return the name or path by which `load_corpus` finds a text.

        Raises:
            ValueError: the text is the user's own, and its file was not given.
        """
        if not is_known(name) and name not in self._own:
            raise ValueError(f"{name} is a text of your own: name its file with --data, as it was when it was read.")
        return self._own.get(name, name)

    def found(self, config: TrainConfig) -> TrainConfig:
        """Return a configuration with the names of its texts replaced by `place`."""
        more, others = (tuple(map(self.place, names)) for names in (config.more_texts, config.score_on))
        return replace(config, text=self.place(config.text), more_texts=more, score_on=others)

    def prepared(self, config: TrainConfig, records: Sequence[TextRecord], folder: Path) -> Data:
        """Return the prepared texts of a configuration; records: of the texts that the run in `folder` read.

        Raises:
            ValueError: a text cannot be loaded, or is not the one that was read.
        """
        data = prepare(self.found(config), torch.device("cpu"))
        check_texts(data, records, folder)
        return data


def novelty_of(info: CheckpointInfo, known: Novelty | None, texts: Texts) -> Novelty:
    """Measure what a shipped model copies and repeats in `SAMPLE_SEEDS` samples of `SAMPLE_CHARS`; also real text.

    Missing fingerprints of its training texts are written beside the checkpoints. known: an earlier result, which is
    returned if the weights and settings are the same.

    Raises:
        ValueError: the checkpoint is broken, or a text is missing.
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
    """Write the n-gram of a shipped model's training text beside the checkpoints, if it is shipped and missing.

    It is not written for texts outside `NGRAM_TEXTS`, such as the user's own.
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


def write_lines(info: CheckpointInfo) -> None:
    """Write the index of the lines of a shipped model's training text, if that is of poems and the index is missing."""
    record = info.metrics.text
    if not is_poems(record.name) or record.form != "full":
        return
    source = TextPart.from_record(record)
    path = info.path.parent / FINGERPRINTS / lines.filename(source)
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        text = load_corpus(record.name, record.form).text
        lines.LineIndex.build(source, text, titles_of_poems(record.name)).save(path.parent)


def with_known_scores(run: RunRecord, known: RunRecord | None) -> RunRecord:
    """Return a run with the scores on further texts that an earlier record of the same run has."""
    if known is None or known.final != run.final:
        return run
    return replace(run, elsewhere=known.elsewhere | run.elsewhere)


def scored_on_more(run: RunRecord, folder: Path, recipe: Recipe | None, texts: Texts) -> RunRecord:
    """Return a run that is also scored on the texts that its recipe names now but did not when it was trained.

    Raises:
        ValueError: the checkpoint is broken, or a text cannot be loaded or is not the one that it was trained on.
    """
    if recipe is None or not run.final or run.experiment != recipe.experiment:
        return run
    missing = tuple(text for text in recipe.train.score_on if text not in run.elsewhere)
    if not missing:
        return run
    records = checkpoint.read_info(folder).metrics.texts
    data = texts.prepared(replace(run.train_config, score_on=missing), records, folder)
    lm = checkpoint.load(folder)
    if lm.vocab != data.vocab:
        raise ValueError("it has another alphabet than its texts give.")
    return replace(run, elsewhere=run.elsewhere | Figures.read_each(Node(measure_elsewhere(lm.model, data))))


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
    """Return the mean of each share over samples, and the longest copied run of all samples with its place."""
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
    """Return one line for each recipe: its shape, weights, and minutes of training; a "~" marks expected minutes."""
    recipes = list(recipes)
    wide = max(len(recipe.name) for recipe in recipes)
    lines = []
    for recipe in recipes:
        config, runs = recipe.train, results.where(recipe=recipe.name)
        texts = "+".join(dict.fromkeys((config.text, *config.more_texts))) + told(config.noise)
        minutes = f"{runs[0].train_seconds / 60:6.1f}" if runs else f"~{expected_minutes(recipe):5.1f}"
        size = f"{shape(recipe.model):28} {expected_params(recipe) / 1e6:5.2f} M {minutes} min"
        epochs = f"{config.epochs} epoch{'s' * (config.epochs > 1)} of {texts}"
        alone = f", the last {config.alone_epochs} of {config.text} alone" if config.alone_epochs else ""
        lines.append(f"{recipe.name:{wide}} {size}  {epochs}{alone}")
    return "\n".join(lines)


def expected_minutes(recipe: Recipe) -> float:
    """Return the expected minutes on one core of 2024, at `WEIGHTS_PER_SECOND` weights x characters per second."""
    config = recipe.train
    limit, chars, own = config.max_train_chars, config.noisy_chars, 0
    for name in (config.text, *config.more_texts):
        entry = catalogue().get(name)
        size = 60_000 if entry is None else entry.chars
        most = limit if name == config.text or config.max_more_chars is None else config.max_more_chars
        used = min(int(config.train_fraction * size), most or size)
        chars, own = chars + used, own or used
    read = chars * (config.epochs - config.alone_epochs) + own * config.alone_epochs
    return read * expected_params(recipe) / WEIGHTS_PER_SECOND[config.precision] / 60


def text_key(metrics: dict[str, Any]) -> str:
    """Return a key that is equal for runs on the same parts of the same texts, with the same alphabet."""
    sources = read_texts(metrics)
    parts = [_part(source) for source in sources]
    val, test = (sources[0].ranges.get(part, ("", "")) for part in ("val", "test"))
    config = metrics["train_config"]
    marked = "marked " if config.get("mark_texts") else ""
    least = f" min {config['min_count']}" if config.get("min_count", 1) > 1 else ""
    return f"{marked}{sources[0].form} {'+'.join(parts)} val {val[0]}-{val[1]} test {test[0]}-{test[1]}{least}"


def _part(source: TextRecord) -> str:
    """Return a text and the end of its training part; with noise, its start and the noise too."""
    start, end = source.ranges["train"]
    return f"{source.name}:{end}" if source.noise == "none" else f"{source.name}:{start}-{end}{told(source.noise)}"


def baselines(data: Data) -> Baselines:
    """Return the figures of guessing, an n-gram and xz on the held-out part of prepared texts.

    As of models, marks of texts are not scored; the n-gram of the training text reads them.
    """
    train, held = (data.unmarked(ids) for ids in (data.parts["train"], heldout(data.parts)))
    vocab_size, read = len(data.vocab), heldout(data.parts)
    counted = unmarked(NGram.build(data.parts["train"], vocab_size, ORDER).nats(read), read[1:], data.marks)
    mixed_in = data.vocab.encode("".join(source.cut("train") for source in data.sources[1:]))
    return Baselines(
        symbols=vocab_size,
        train_chars=len(train),
        heldout_chars=len(held),
        unigram_nats=math.log(unigram_ppl(train, held, vocab_size)),
        ngram_nats=counted.mean().item(),
        ngram_order=ORDER,
        mixed_in_nats=NGram.build(mixed_in, vocab_size, ORDER).nats(held).mean().item() if mixed_in else None,
        xz_bpc=xz_bpc(data.vocab.decode(train.tolist()), data.vocab.decode(held.tolist())),
    )


def _why_stopped(metrics: dict[str, Any]) -> str:
    """Return why a run that was stopped before its end does not count, and the remedy."""
    if metrics["outcome"]["status"] == "diverged":
        return "it was stopped, and diverged when it went on; remove it, and train it again with a lower --lr."
    return "it was stopped before its end; continue it with --resume."


def _compact(metrics: dict[str, Any], key: str) -> RunRecord:
    """Return the record of a run, without what it wrote, with its curve by columns; key: the `text_key` of the run."""
    curve = metrics["curve"]
    columns = {key: [round(record[key], 6) for record in curve] for key in _COLUMNS if curve}
    run = {key: metrics[key] for key in _KEPT if key in metrics} | {"curve": columns}
    if "outcome" not in run:  # trained before metrics.json contained it
        run["outcome"] = outcome_of(metrics["best_val"]["ppl"], metrics["baselines"]["unigram"]["val"])
    return RunRecord.read(Node(run | {"text_key": key}))


def with_experiment(run: RunRecord, recipes: Mapping[str, Recipe]) -> RunRecord:
    """Return a run with its experiment; an old run that recorded none gets that of its recipe, if their settings agree.

    The precision may differ from the recipe's: a processor without bfloat16 uses float32. So may the texts that are
    scored at the end.
    """
    recipe = recipes.get(run.recipe)
    if run.experiment or recipe is None:
        return run
    free = {field: getattr(recipe.train, field) for field in ("seed", "precision", "score_on")}
    config = replace(run.train_config, **free)
    ours = (run.model_config, config) == (recipe.model, recipe.train)
    return replace(run, experiment=recipe.experiment) if ours else run
