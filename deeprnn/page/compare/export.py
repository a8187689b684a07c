"""A comparison as a file: JSON (which can be opened again), CSV, Markdown.

Knows: boards and their figures. Does not know: components.
"""

import contextlib
import csv
import io
import json
from typing import Any

from deeprnn.documents import code_in_markdown, in_markdown
from deeprnn.page import service
from deeprnn.page.compare.cards import Board, Card
from deeprnn.page.service import RequestError
from deeprnn.page.shared.poems import settings_of
from deeprnn.page.shared.widgets import perplexity, title_of
from deeprnn.page.words import tr
from deeprnn.store.registry import Registry
from deeprnn.words import Lang

BYTE_ORDER_MARK = "\ufeff"  # without it, Excel reads a CSV file in the encoding of the computer's country
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # the characters with which one may begin
FORMAT = "deeprnn comparison, version 1"
MAX_FILE_CHARS = 2_000_000  # enough for six texts of the greatest length, with the figures of each character
_COLUMNS = ("model", "title", "num_params", "train_ppl", "heldout_ppl", "state", "chars_per_second", "unknown")
_MEASURES = ("longest_run", "copied_share", "repetition", "dictionary_share")


def export(registry: Registry, board: Board, kind: str, lang: Lang = "en") -> tuple[str, str]:
    """Return the MIME type and the text of a file; kind: json, csv or md. json does not depend on the language.

    Raises:
        RequestError: there is no such kind.
    """
    board = board.stopped()
    if kind == "json":
        return "application/json", json.dumps(_record(registry, board), ensure_ascii=False, indent=1)
    if kind == "csv":
        return "text/csv", _csv(registry, board, lang)
    if kind == "md":
        return "text/markdown", _markdown(registry, board, lang)
    raise RequestError("error_text_type", field="kind")


def reopen(registry: Registry, text: Any) -> Board:
    """Return the board of an exported JSON file.

    Raises:
        RequestError: the text is not such a file, one of its models is not in the registry, or all are own ones of a
            visitor that are gone.
    """
    if not isinstance(text, str) or len(text) > MAX_FILE_CHARS:
        raise RequestError("error_file")
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RequestError("error_file") from error
    board = Board.read(registry, value).stopped()
    if board.gone and not board.cards:
        raise RequestError("error_model_gone")
    return board


def _figures(registry: Registry, card: Card) -> dict[str, Any]:
    info = registry.info(card.model)
    measured: dict[str, Any] = {}
    with contextlib.suppress(RequestError):  # only the figures of a broken model are missing
        measured = service.analyse(registry, card.model, card.prompt, card.text) if card.text else {}
    return {
        "num_params": info.num_params,
        "train_ppl": info.train_ppl,
        "heldout_ppl": info.heldout_ppl,
    } | {key: measured.get(key) for key in (*_MEASURES, "distinct", "runs", "nats")}


def _record(registry: Registry, board: Board) -> dict[str, Any]:
    cards = [vars(card) | {"figures": _figures(registry, card)} for card in board.cards]
    return {
        "format": FORMAT,
        "prompt": board.prompt,
        "seed": board.seed,
        "sampling": board.sampling,
        "preset": board.preset,
        "budget": board.budget,
        **settings_of(board.form),
        "cards": cards,
    }


def _csv(registry: Registry, board: Board, lang: Lang) -> str:
    """Return one row for each model, no cell of which is a formula."""
    out = io.StringIO()
    writer = csv.writer(out)
    form = settings_of(board.form)
    writer.writerow([*_COLUMNS, *_MEASURES, "seed", *board.sampling, *form, "prompt", "text"])
    for card in board.cards:
        figures = _figures(registry, card)
        known = {
            "model": card.model,
            "title": title_of(registry, card.model, lang),
            "state": card.state,
            "chars_per_second": round(card.speed, 1),
            "unknown": card.unknown,
        }
        row = [(figures | known)[key] for key in (*_COLUMNS, *_MEASURES)]
        writer.writerow(
            map(_cell, [*row, board.seed, *board.sampling.values(), *form.values(), card.prompt, card.text])
        )
    return BYTE_ORDER_MARK + out.getvalue()


def _cell(value: Any) -> Any:
    """Return a value for a spreadsheet; a text that it would read as a formula gets an apostrophe before it."""
    return f"'{value}" if isinstance(value, str) and value.lstrip(" ").startswith(FORMULA) else value


def _markdown(registry: Registry, board: Board, lang: Lang) -> str:
    """Return a table of figures, then every text between fences that are longer than all backticks in it."""
    settings = {key: f"{value:g}" for key, value in board.sampling.items()}
    lines = [tr("compare.md_settings", lang, seed=board.seed, **settings)]
    if board.form:
        form = tr(f"compare.shapes.{settings_of(board.form)['shape']}", lang)
        lines += ["", tr("compare.md_regulated" if board.form.regulated else "compare.md_form", lang, form=form)]
    lines += ["", f"| {tr('compare.md_head', lang)} |"]
    lines.append("| --- | --- | --- | --- | --- | --- |")
    for card in board.cards:
        figures = _figures(registry, card)
        copied = "" if figures["copied_share"] is None else f"{figures['copied_share']:.0%}"
        longest = "" if figures["longest_run"] is None else figures["longest_run"]
        ppls = " | ".join(perplexity(figures[key]) for key in ("train_ppl", "heldout_ppl"))
        title = in_markdown(title_of(registry, card.model, lang))
        name = code_in_markdown(card.model).replace("|", r"\|")  # in a table this is a bar, not the end of a cell
        lines.append(f"| {title} | {name} | {ppls} | {copied} | {longest} |")
    for card in board.cards:
        whole = card.text if board.form else card.prompt + "⟶" + card.text
        fence = "`" * max(3, *(len(run) + 1 for run in _backtick_runs(whole)))
        title, name = in_markdown(title_of(registry, card.model, lang)), code_in_markdown(card.model)
        lines += ["", f"{title} ({name})", "", fence, whole, fence]
    return "\n".join(lines) + "\n"


def _backtick_runs(text: str) -> list[str]:
    return "".join(c if c == "`" else " " for c in text).split() or [""]
