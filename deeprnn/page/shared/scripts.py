"""The page's scripts: modules in files beside what they draw, under an address that is another one when they change.

Knows: the package's `.js` files. Does not know: what they do, gradio.
"""

import functools
import hashlib
import json
from collections.abc import Iterator
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any

FOLDER = "scripts"
_ENDING = ".js"


@functools.cache
def scripts() -> dict[str, bytes]:
    """Every script by its path in the page's folder, such as `shared/dom.js`."""
    return dict(sorted(_found(resources.files("deeprnn.page"), "")))


def _found(folder: Traversable, path: str) -> Iterator[tuple[str, bytes]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _found(entry, f"{path}{entry.name}/")
        elif entry.name.endswith(_ENDING):
            yield path + entry.name, entry.read_bytes()


@functools.cache
def version() -> str:
    """What is another word whenever a script is changed, added or renamed."""
    return hashlib.sha256(repr(scripts()).encode()).hexdigest()[:16]


def address(script: str) -> str:
    """Where a script is, relative to the page."""
    if script not in scripts():
        raise ValueError(f"there is no script {script!r} in the page's folder, only {', '.join(scripts())}")
    return f"{FOLDER}/{version()}/{script}"


def mounting(script: str) -> str:
    """What draws a board: the script's `mount`, with all that gradio gives to a `js_on_load`."""
    return f"{_imported(script)}.then((module) => module.mount({{ element, props, server, trigger, watch }}));"


def calling(script: str, function: str, *first: Any) -> str:
    """A JavaScript function that calls a script's with these values, then with its own."""
    given = "".join(f"{json.dumps(value, ensure_ascii=False)}, " for value in first)
    return f"(...values) => {_imported(script)}.then((module) => module.{function}({given}...values))"


def _imported(script: str) -> str:
    """A relative address would be looked for beside gradio's own scripts."""
    return f"import(new URL({json.dumps(address(script))}, document.baseURI).href)"
