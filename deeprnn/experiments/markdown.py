"""The answers and the checkpoints' overview in Markdown. Every figure is computed from `results.json`.

Knows: the questions, results, shipped folders, which pages contain answers. Does not know: how runs are made or
gathered, the page of models.
"""

import contextlib
import re
import statistics
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from deeprnn.config import ModelConfig
from deeprnn.documents import replace_file
from deeprnn.experiments import questions
from deeprnn.experiments.charts import Cell, Table
from deeprnn.experiments.format import claim, figure, sentence
from deeprnn.experiments.question import Figures, Goal
from deeprnn.experiments.questions import QUESTIONS
from deeprnn.experiments.words import WORDS
from deeprnn.measure.novelty import MIN_RUN
from deeprnn.nn.cells import CELLS
from deeprnn.store import checkpoint
from deeprnn.store.results import FILE, Reading, Results, RunRecord, Runs
from deeprnn.words import Lang

FINDINGS: Mapping[Lang, str] = {"en": "docs/findings.md", "zh": "docs/findings.zh.md"}  # all figures of each answer
PAGES = ("README.md", "README.zh.md", *FINDINGS.values())  # they have generated parts
SAMPLE_CHARS, SAMPLE_SEEDS = 1_000, 4  # length and number of the samples in which novelty is measured


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def written(values: Table) -> str:
    """Return a question's table in Markdown."""
    rows = [[cell(one, column.format) for one, column in zip(row, values.columns, strict=True)] for row in values.rows]
    return table([str(column.name) for column in values.columns], rows)


def cell(value: Cell, format_spec: str = "") -> str:
    """Return the text of a cell; for a failed run it includes the kind of failure."""
    if isinstance(value, str):
        return value
    if not isinstance(value, Reading):
        return figure(value, format_spec)
    text = figure(value.estimate, format_spec) if value.estimate else ""
    return f"{text} *{value.failure}*" if text and value.failure else text or value.failure


def answers(results: Results, lang: Lang) -> str:
    """Return a section for each answer that has enough runs: its title, its claim, all its figures."""
    sections = []
    for said, figures in _answered(results):
        title = WORDS[f"{said}.title"][lang]
        sections += [f"### {title}", f"**{claim(said, figures, lang)}**", sentence(said, figures, lang)]
    return "\n\n".join(sections)


def claims_table(results: Results, lang: Lang) -> str:
    """Return a table with the claim of each answer that has enough runs, and a link from README to all its figures."""
    page, rows = FINDINGS[lang], []
    for said, figures in _answered(results):
        title = WORDS[f"{said}.title"][lang]
        rows.append([f"[{title}]({page}#{anchor(title)})", claim(said, figures, lang)])
    return table([tr("claims.question", lang), tr("claims.found", lang)], rows)


def anchor(title: str) -> str:
    """Return the name that GitHub gives to a heading: lower case, hyphens for spaces, no other signs."""
    return re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")


def _answered(results: Results) -> Iterator[tuple[str, Figures]]:
    """Yield the key of the words of each answer that has enough runs, and its figures."""
    for question in QUESTIONS:
        for key, figures in question.answered(results).items():
            yield f"{question.key}.answer.{key}", figures


def note_table(results: Results, lang: Lang) -> str:
    """Return the table of the finished runs by the note's recipes, and what guessing reaches on their held-out text."""
    rows, runs = [], [run for run in results.where(experiment="note") if run.best_val]
    for run in sorted(runs, key=lambda run: run.name):
        train, carried, val = (f"{run.final[part].ppl:.3f}" for part in ("train", "train_carried", "val"))
        best = f"{run.best_val.ppl:.3f} ({run.best_val.epoch})" if run.best_val else ""
        rows.append([f"`{run.name}`", str(run.train_config.epochs), train, carried, val, best])
    head = [tr(f"note.{part}", lang) for part in ("run", "epochs", "train", "carried", "heldout", "best")]
    guessed = [results.texts[key] for key in sorted({run.text_key for run in runs})]
    said = [
        tr("note.guessing", lang, symbols=one.symbols, chars=one.heldout_chars, ppl=one.unigram_ppl) for one in guessed
    ]
    return "\n\n".join([table(head, rows), *said])


def tr(key: str, lang: Lang, **values: object) -> str:
    """Return a sentence of `markdown.toml`."""
    return WORDS.tr(f"markdown.{key}", lang, **values)


GENERATED: Mapping[str, Callable[[Results, Lang], str]] = {
    "claims": claims_table,
    "answers": answers,
    "note": note_table,
}
_MARKED = re.compile(rf"<!-- ({'|'.join(GENERATED)}) -->.*?<!-- /\1 -->", re.DOTALL)


def refreshed(text: str, results: Results, lang: Lang) -> str:
    """Return a page with its generated parts written anew: each is between `<!-- NAME -->` and `<!-- /NAME -->`."""

    def written_anew(part: re.Match[str]) -> str:
        name = part[1]
        return f"<!-- {name} -->\n\n{GENERATED[name](results, lang)}\n\n<!-- /{name} -->"

    return _MARKED.sub(written_anew, text)


def refresh(root: Path, results: Results) -> None:
    """Write the generated parts of the `PAGES` below `root` anew; a page that is not there is passed over."""
    for page in (root / name for name in PAGES):
        if page.is_file():
            text = refreshed(page.read_text("utf-8"), results, language_of(page))
            replace_file(page, text.encode())


def language_of(page: Path) -> Lang:
    """Return the language of a page, by its name."""
    return "zh" if page.name.endswith(".zh.md") else "en"


def goals_table(results: Results) -> str:
    """Return the table of goals and what was reached."""
    rows = []
    for goal in (goal for question in QUESTIONS for goal in question.goals):
        with contextlib.suppress(LookupError, ValueError):  # not run
            rows.append(_goal(goal, results))
    return table(["what", "goal", "reached", "met", "command"], rows) if rows else "not run yet"


def _goal(goal: Goal, results: Results) -> list[str]:
    reached = goal.reached(results)
    met = "yes" if reached.figure.mean <= goal.limit else "no"
    limit = f"{goal.limit:.0f}%" if goal.in_percent else f"{goal.limit:.2f}"
    got = f"{figure(reached.figure, '.1f')}% at most" if goal.in_percent else figure(reached.figure)
    return [goal.what, limit, got, met, f"`python train.py {reached.recipes}`"]


def question_tables(results: Results) -> str:
    """Return the tables of all questions that have one, each below its heading."""
    parts = []
    for one in (one for question in questions.tabulated() for one in question.tables):
        if (values := one.table(results)) and values.rows:
            heading = f"## {one.heading}" if one.heading else ""
            parts += [heading, one.about, written(values)]
    return "\n\n".join(filter(None, parts))


def novelty_table(results: Results) -> str:
    """Return the table of what the shipped models copy and repeat."""

    def percent(share: float | None) -> str:
        return "–" if share is None else f"{100 * share:.1f}%"

    rows = []
    for name, novelty in sorted(results.novelty.items()):
        ours, place = novelty.sample, novelty.sample.place
        where = f" (at {100 * place.fraction:.0f}% of `{place.text}`)" if place else ""
        shown = [percent(ours.copied_share), percent(ours.dictionary_share), percent(ours.distinct[2])]
        rows.append([f"`{name}`", f"{ours.longest_run}{where}", *shown, percent(novelty.heldout.copied_share)])
    head = ["checkpoint", "longest copied run", "copied", "known words", "distinct-3"]
    return table([*head, "copied, of real text"], rows)


def baseline_table(results: Results) -> str:
    """Return the table of baselines, for each training and held-out part."""
    rows = [
        [
            key,
            str(text.symbols),
            f"{text.unigram_ppl:.2f}",
            f"{text.ngram_ppl:.3f}",
            f"{text.xz_bpc:.3f}",
        ]
        for key, text in sorted(results.texts.items())
    ]
    return table(["text, form, parts", "symbols (uniform)", "unigram", "6-gram", "xz, bits/char"], rows)


def shipped_table(results: Results, directory: Path) -> str:
    """Return the table of a folder's checkpoints, with the size of their weights."""
    found = sorted(path.parent.name for path in directory.glob("*/" + checkpoint.CONFIG))
    rows = []
    for name in (name for name in found if name in results.runs):
        run = results.runs[name]
        size = f"{(directory / name / checkpoint.WEIGHTS).stat().st_size / 1e6:.1f} MB"
        rows.append([f"[`{name}`]({name}/README.md)", *_facts(run), size, *_figures(results.where(recipe=run.recipe))])
    return table(["checkpoint", "shape", "parameters", "file", "train", "held-out"], rows)


def recipes_table(results: Results) -> str:
    """Return the table of every recipe that was run."""
    rows = []
    for recipe in sorted({run.recipe for run in results.runs.values()}):
        runs = results.where(recipe=recipe)
        minutes = f"{statistics.fmean(run.train_seconds for run in runs) / 60:.1f}"
        rows.append([f"`{recipe}`", str(len(runs)), _facts(runs[0])[1], *_figures(runs), minutes])
    return table(["recipe", "seeds", "parameters", "train", "held-out", "minutes"], rows)


def overview(results: Results, directory: Path) -> str:
    """Return the README.md of a folder of checkpoints: its checkpoints, and the tables of every run."""
    return f"""# Checkpoints

Written by `python train.py --gather FOLDER`, from `{FILE}`; do not edit. Perplexity per character of the final weights
as stored, with 95% t-intervals where there are several seeds. Held-out is the test part, or the validation part where
there is no test. Never compare across text forms or texts. [LOG.md](LOG.md) says what was tried and what failed.

## Shipped

{shipped_table(results, directory)}

## Goals

Set before the runs; one seed where there is no interval. Misses are told in [LOG.md](LOG.md). The time that the note's
best held-out perplexity takes is measured by [a benchmark](../benchmarks/README.md) (goal: a fifth of d2l's).

{goals_table(results)}

{question_tables(results)}

## Every run

{recipes_table(results)}

## What is copied

Of {SAMPLE_SEEDS} samples of {SAMPLE_CHARS:,} characters at temperature 0.8: the longest run that occurs in the
training text, the share of characters in such runs of {MIN_RUN} or more (found by fingerprint: a little too high, as
`novelty.py` says), words of the training text, the share of different runs of three words; then the same copied share
of real held-out text.

{novelty_table(results)}

## What guessing, counting and compressing reach

Held-out perplexity of letter frequencies and of a 6-gram (interpolated modified Kneser-Ney), and bits per character of
`xz -9e`, each with the same training text.

{baseline_table(results)}
"""


def shape(model: ModelConfig) -> str:
    """Return a stack in words, such as `2 x GRU 256, residual`."""
    wiring = model.wiring if model.wiring != "stack" else "residual" if model.residual else "plain"
    norm = "" if model.pre_norm == model.residual else " with LayerNorm" if model.pre_norm else " without LayerNorm"
    return f"{model.num_layers} x {CELLS[model.cell].label} {model.hidden_size}, {wiring}{norm}"


def _facts(run: RunRecord) -> tuple[str, str]:
    return shape(run.model_config), f"{run.num_params:,}"


def _figures(runs: Runs) -> tuple[str, str]:
    return cell(runs.reading("train")), cell(runs.reading())
