"""The language reference that every Python contains: a text that is always at hand.

Knows: where Python keeps it. Does not know: what it is used for.
"""

NAME = "python-docs"


def read() -> str:
    """Return the reference, about 465,000 characters; those of other releases of Python differ."""
    from pydoc_data.topics import topics  # 0.7 MB, imported only when needed

    return "\n\n".join(topics[key].strip() for key in sorted(topics)) + "\n"
