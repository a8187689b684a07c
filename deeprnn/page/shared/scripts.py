"""The page's scripts: modules in the folders of the views, at an address that changes whenever a script changes.

Knows: the package's `.js` files, how gradio calls them. Does not know: what they do.

A page loads `main.js` in its head, before gradio's own script. So the code that gradio runs finds each module under
`deeprnn` and draws at once. (An `import(...)` in that code would finish only after gradio's whole start, 0.2 s later.)
Views whose boards are fetched when they are opened have their scripts fetched then, too.
"""

import functools
import hashlib
import json
import posixpath
import re
from collections.abc import Iterator
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any

FOLDER = "scripts"
BOARDS = "boards"
_ENDING = ".js"
_FIRST = "main.js"


@functools.cache
def scripts() -> dict[str, bytes]:
    """Return the content of every script by its path in the page's folder, such as `shared/dom.js`."""
    return dict(sorted(_found(resources.files("deeprnn.page"), "")))


def _found(folder: Traversable, path: str) -> Iterator[tuple[str, bytes]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _found(entry, f"{path}{entry.name}/")
        elif entry.name.endswith(_ENDING):
            yield path + entry.name, entry.read_bytes()


@functools.cache
def version() -> str:
    """Return a hash of all scripts and their paths."""
    return hashlib.sha256(repr(scripts()).encode()).hexdigest()[:16]


def address(script: str) -> str:
    """Return the address of a script, relative to the page."""
    return f"{FOLDER}/{version()}/{script}"


def addressed() -> dict[str, bytes]:
    """Return the content of every script by its address."""
    return {address(script): content for script, content in scripts().items()}


def board_address(view: str, content: bytes) -> str:
    """Return the address of a board's value, relative to the page."""
    return f"{BOARDS}/{hashlib.sha256(content).hexdigest()[:16]}/{view}.json"


@functools.cache
def loaded_first() -> tuple[str, ...]:
    """Return the scripts that the page loads at once: the first one, and what it imports. Others come with their views.

    An `import(...)` is no such import: `fixed.js` loads the script of a view in this way.
    """
    found = [_FIRST]
    for script in found:
        imported = re.findall(r"^(?:import|export)\b[^;]*?from '([^']+)';", scripts()[script].decode(), re.MULTILINE)
        paths = [posixpath.normpath(posixpath.join(posixpath.dirname(script), one)) for one in imported]
        found += [path for path in dict.fromkeys(paths) if path not in found]
    return tuple(sorted(found))


def tags() -> str:
    """Return the HTML tags that load the first scripts: all are requested at once, and run before any script below."""
    asked = "".join(f'<link rel="modulepreload" href="{address(script)}" />' for script in loaded_first())
    return f'{asked}<script type="module" src="{address(_FIRST)}"></script>'


def mounting(view: str, labels: Any) -> str:
    """Return the JavaScript that draws a board: it calls `mount` of a view's module with the labels."""
    said = json.dumps(labels, ensure_ascii=False)
    return f"deeprnn.{view}.mount({{ element, props, labels: {said}, server, trigger, watch }});"


def fetching(view: str, file: str, said: Any) -> str:
    """Return the JavaScript that fetches what a board shows and the script of its view, and then draws it.

    file: its JSON has the `labels` and the `value`. said: the words that are shown until then.
    """
    given = ", ".join(json.dumps(value, ensure_ascii=False) for value in (view, file, said))
    return f"deeprnn.fixed.mount({given}, {{ element, server, trigger, watch }});"


def calling(module: str, function: str, *first: Any) -> str:
    """Return a JavaScript function that calls one of a module with the values `first`, then its own arguments."""
    given = "".join(f"{json.dumps(value, ensure_ascii=False)}, " for value in first)
    return f"(...values) => deeprnn.{module}.{function}({given}...values)"
