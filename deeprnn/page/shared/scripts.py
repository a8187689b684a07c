"""The page's scripts: modules in files beside what they draw, under an address that is another one when they change.

Knows: the package's `.js` files, how gradio calls them. Does not know: what they do.

A page loads `main.js` in its head, before gradio's own script: what gradio runs then finds each module under `deeprnn`,
and draws at once. (An `import(...)` there would be answered when gradio is done with all of the page, 0.2 s later.)
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
_FIRST = "main.js"


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
    return f"{FOLDER}/{version()}/{script}"


def tags() -> str:
    """What loads the scripts: all are asked for at once, and run before any script below."""
    asked = "".join(f'<link rel="modulepreload" href="{address(script)}" />' for script in scripts())
    return f'{asked}<script type="module" src="{address(_FIRST)}"></script>'


def mounting(view: str, labels: Any) -> str:
    """What draws a board: the `mount` of a view's module, with labels and all that gradio gives to a `js_on_load`."""
    said = json.dumps(labels, ensure_ascii=False)
    return f"deeprnn.{view}.mount({{ element, props, labels: {said}, server, trigger, watch }});"


def calling(module: str, function: str, *first: Any) -> str:
    """A JavaScript function that calls a module's with these values, then with its own."""
    given = "".join(f"{json.dumps(value, ensure_ascii=False)}, " for value in first)
    return f"(...values) => deeprnn.{module}.{function}({given}...values)"
