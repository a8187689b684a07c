"""The header and the footer of Project Gutenberg, which are not part of the book between them.

Knows: their marks. Does not know: files, the catalogue.
"""

import re

_START = re.compile(
    r"^\*\*\* ?START OF TH(?:E|IS) PROJECT GUTENBERG EBOOK(?:[^*\n]*\n?[^*\n]+\*\*\* *$|.*$)", re.MULTILINE
)
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
    """Return a text without the headers of Project Gutenberg and the footers with its licence, if it has both.

    Of several books in one text each is kept.
    """
    books, start = list[str](), _START.search(text)
    while start and (end := _END.search(text, start.end())):
        books.append(text[start.end() : end.start()].strip())
        start = _START.search(text, end.end())
    return "\n\n".join(books) + "\n" if books else text
