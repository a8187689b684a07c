"""The header and the footer of Project Gutenberg, which are not part of the book between them.

Knows: their marks. Does not know: files, the catalogue.
"""

import re

_START = re.compile(r"^\*\*\* ?START OF TH(?:E|IS) PROJECT GUTENBERG EBOOK.*$", re.MULTILINE)
_END = re.compile(
    r"^(?:End of (?:the )?Project Gutenberg.*|\*\*\* ?END OF TH(?:E|IS) PROJECT GUTENBERG EBOOK.*)$", re.MULTILINE
)


def strip_gutenberg(text: str) -> str:
    """Return the text between the header and the footer of Project Gutenberg.

    Raises:
        ValueError: the text has no header or no footer.
    """
    stripped = without_gutenberg(text)
    if stripped == text:
        raise ValueError("no Project Gutenberg header and footer found where the catalogue says there are.")
    return stripped


def without_gutenberg(text: str) -> str:
    """Return a text without the header of Project Gutenberg and the footer with its licence, if it has both."""
    start = _START.search(text)
    end = _END.search(text, start.end()) if start else None
    return text[start.end() : end.start()].strip() + "\n" if start and end else text
