"""Python code as pieces of text, each with its kind; `code.js` draws them.

Knows: Pygments. Does not know: colours, where code is shown.
"""

from pygments.lexers.python import PythonLexer
from pygments.token import Comment, Keyword, Name, Number, Operator, String

Pieces = list[list[str]]
_LEXER = PythonLexer(ensurenl=False, stripnl=False)
_KINDS = (
    (Keyword, "keyword"),
    (Operator.Word, "keyword"),
    (String, "string"),
    (Comment, "comment"),
    (Number, "number"),
    (Name.Function, "defined"),
)


def pieces(source: str) -> Pieces:
    """Return pairs [kind, text] whose texts joined are the source; the kind of most text is ""."""
    found: Pieces = []
    for token, text in _LEXER.get_tokens(source):
        kind = next((name for of, name in _KINDS if token in of), "")
        if found and (found[-1][0] == kind or not text.strip()):
            found[-1][1] += text
        else:
            found.append([kind, text])
    return found
