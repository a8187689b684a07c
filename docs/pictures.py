"""Makes the READMEs' pictures of a page that is being served: `python docs/pictures.py http://127.0.0.1:7860`."""

import io
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

from browser import chromium
from PIL import Image
from playwright.sync_api import Page

QUERY = "view=compare&preset=depth"
SIZE = {"width": 1200, "height": 960}
SCALE, COLOURS = 1.5, 64  # device pixels for each pixel of the page; colours that are kept
NAMES = {"en": "page.png", "zh": "page.zh.png"}


def picture(page: Page, address: str) -> Image.Image:
    """Return the view with the texts that its models wrote beforehand, in few colours."""
    page.goto(address)
    page.locator("span.copied").first.wait_for()
    page.evaluate("document.fonts.ready")
    taken = Image.open(io.BytesIO(page.screenshot(animations="disabled")))
    return taken.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)


def main(root: str) -> None:
    """Save the picture of each language beside this file."""
    with chromium() as browser:
        page = browser.new_page(viewport=SIZE, device_scale_factor=SCALE, color_scheme="light")
        for lang, name in NAMES.items():
            picture(page, f"{root}/?{QUERY}&lang={lang}").save(Path(__file__).parent / name, optimize=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
