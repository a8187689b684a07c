"""Gradio's theme and the style sheet.

Knows: colours, cells, fonts, files. Does not know: models, views. The page loads no fonts: it uses the reader's own.
"""

from importlib import resources

import gradio as gr

from deeprnn.nn.cells import CELLS

FONTS = ["system-ui", "-apple-system", "Segoe UI", "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", "sans-serif"]
MONO = ["ui-monospace", "Menlo", "Consolas", "Noto Sans Mono CJK SC", "monospace"]
GROUND = {"light": "#fbfaf6", "dark": "#15161a"}  # behind everything
ICON, PICTURE = (resources.files("deeprnn.page").joinpath(f"shared/{name}") for name in ("icon.svg", "preview.png"))

_FIRST = "shared/first.css"
_SHEETS = ("shared/base.css", "shared/charts.css", "shared/code.css", "shared/term.css")  # before those of the views
_VIEWS = ("compare", "watch", "training", "score", "experiments", "inside", "learn", "checkpoints")


def asset(name: str) -> str:
    """Return the text of a style sheet or template in the page's folder."""
    return resources.files("deeprnn.page").joinpath(name).read_text("utf-8")


def panel(view: str) -> str:
    """Return the class of a view's panel."""
    return f"view-{view}"


def first_styles() -> str:
    """Return the styles in the head of the page: what its first picture needs, before gradio adds the style sheet.

    gradio first draws the first view, then selects the one of the address: until then, that one alone is visible.
    """
    only = (f':root[data-opening="{view}"] .tabitem:not(.{panel(view)})' for view in _VIEWS)
    return f"{asset(_FIRST)}{', '.join(only)} {{ display: none !important; }}"


def style_sheet() -> str:
    """Return the shared style sheets, those of the views, and the cells' colours: `.gru` and `var(--gru)`."""
    light, dark = (" ".join(f"--{name}: {cell.colours[ground]};" for name, cell in CELLS.items()) for ground in (0, 1))
    classes = " ".join(f".{name} {{ color: var(--{name}); }}" for name in CELLS)
    grounds = f".gradio-container {{ {light} }} .dark .gradio-container, .gradio-container.dark {{ {dark} }}"
    sheets = "".join(asset(name) for name in (*_SHEETS, *(f"{view}/{view}.css" for view in _VIEWS)))
    return f"{sheets}{grounds} {classes}\n"


def theme() -> gr.themes.Base:
    """Return gradio's theme: warm white in light mode, near black in dark mode."""
    base = gr.themes.Base(primary_hue="stone", neutral_hue="stone", font=FONTS, font_mono=MONO)
    return base.set(
        body_background_fill=GROUND["light"],
        body_background_fill_dark=GROUND["dark"],
        body_text_color_subdued="#625e57",
        body_text_color_subdued_dark="#aaa599",
        block_info_text_color="#625e57",
        block_info_text_color_dark="#aaa599",
        input_placeholder_color="#625e57",
        input_placeholder_color_dark="#aaa599",
        block_background_fill="#ffffff",
        block_background_fill_dark="#1c1e23",
        block_border_color="#e4e0d6",
        block_border_color_dark="#31343b",
        input_border_width="1px",
        input_border_color="#8b857a",
        input_border_color_dark="#6f7480",
        input_background_fill="#fbfaf6",
        input_background_fill_dark="#15161a",
        button_primary_background_fill="#1d1c1a",
        button_primary_background_fill_dark="#ece9e2",
        button_primary_background_fill_hover="#3a3834",
        button_primary_background_fill_hover_dark="#ffffff",
        button_primary_text_color="#fbfaf6",
        button_primary_text_color_dark="#15161a",
    )
