"""The sentences that people read: TOML files with the English and the Chinese of each sentence side by side.

    [wiring.plain]
    en = "plain"
    zh = "直接堆叠"

Knows: files, languages. Does not know: where a sentence is shown.
"""

import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, Self, get_args

Lang = Literal["en", "zh"]
Sentence = dict[Lang, str]


class Words(Mapping[str, Sentence]):
    """Sentences by key; the key of a sentence in a table is `table.member`."""

    def __init__(self, sentences: Mapping[str, Sentence]) -> None:
        self._sentences = dict(sentences)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Return the sentences of a file.

        Raises:
            ValueError: it is not TOML, or a table in it is neither a sentence in each language nor a table of tables.
        """
        try:
            return cls(dict(_sentences(tomllib.loads(path.read_text("utf-8")))))
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error

    @classmethod
    def joined(cls, parts: Iterable[Mapping[str, Sentence]]) -> Self:
        """Return the sentences of all parts; their keys are different."""
        return cls({key: sentence for part in parts for key, sentence in part.items()})

    def below(self, name: str) -> Self:
        """Return the same sentences as members of the table `name`."""
        return type(self)({f"{name}.{key}": sentence for key, sentence in self.items()})

    def tr(self, key: str, lang: Lang, **values: object) -> str:
        """Return a sentence in one language, with its {places} filled in."""
        return self[key][lang].format(**values)

    def table(self, name: str, lang: Lang) -> dict[str, str]:
        """Return the sentences of a table by their names in it, in its order, with their {places} not filled in."""
        start = f"{name}."
        return {key.removeprefix(start): said[lang] for key, said in self.items() if key.startswith(start)}

    def __getitem__(self, key: str) -> Sentence:
        return self._sentences[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._sentences)

    def __len__(self) -> int:
        return len(self._sentences)


def in_both(make: Callable[[Lang], Any]) -> Any:
    """Join what `make` returns for each language into one JSON value; where they differ, it has both, by language."""
    return _joined(make("en"), make("zh"))


def _joined(en: Any, zh: Any) -> Any:
    if en == zh:
        return en
    if isinstance(en, dict) and isinstance(zh, dict) and en.keys() == zh.keys():
        return {key: _joined(value, zh[key]) for key, value in en.items()}
    if isinstance(en, list) and isinstance(zh, list) and len(en) == len(zh):
        return [_joined(*pair) for pair in zip(en, zh, strict=True)]
    return {"en": en, "zh": zh}


def _sentences(table: dict[str, Any], start: str = "") -> Iterator[tuple[str, Sentence]]:
    for name, inner in table.items():
        key = f"{start}{name}"
        if not isinstance(inner, dict):
            raise ValueError(f"{key!r} must be a table")
        if any(isinstance(value, dict) for value in inner.values()):
            yield from _sentences(inner, f"{key}.")
        elif set(inner) != set(get_args(Lang)) or not all(isinstance(said, str) for said in inner.values()):
            raise ValueError(f"{key!r} must be said in each of {get_args(Lang)}, and in nothing else")
        else:
            yield key, inner
