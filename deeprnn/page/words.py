"""All sentences of the page by key (`view.key` in a view, `question.key` in a question), and a visitor's language.

Knows: the files of words beside the views. Does not know: components.
"""

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import parse_qsl

from deeprnn.experiments.words import WORDS as OF_QUESTIONS
from deeprnn.words import Lang, Words

LANGUAGES: dict[str, Lang] = {"English": "en", "中文": "zh"}
NAMES: dict[Lang, str] = {lang: name for name, lang in LANGUAGES.items()}
SPACE: dict[Lang, str] = {"en": " ", "zh": ""}  # between two sentences
COMMA: dict[Lang, str] = {"en": ", ", "zh": "，"}  # between two parts of a name
_FOLDER = Path(__file__).parent
_FILE = "words.toml"
FILES = (
    OF_QUESTIONS,
    Words.read(_FOLDER / _FILE),
    Words.read(_FOLDER / "books.toml").below("book"),
    *(Words.read(path).below(path.parent.name) for path in sorted(_FOLDER.glob(f"*/{_FILE}"))),
)
WORDS = Words.joined(FILES)
tr, table = WORDS.tr, WORDS.table


def language(query: Mapping[str, str], accept_language: str) -> Lang:
    """Return the language that the query parameter `lang` names, else the browser's first choice."""
    asked = query.get("lang") or accept_language
    return "zh" if asked.strip().lower().startswith("zh") else "en"


def language_of(headers: Mapping[str, str]) -> Lang:
    """Return the language of a request: the one in the page's address, else the browser's first choice."""
    query = headers.get("referer", "").partition("?")[2]
    return language(dict(parse_qsl(query)), headers.get("accept-language", ""))
