"""The licences that a model card can name, by the Hub's identifiers.

Knows: https://huggingface.co/docs/hub/repositories-licenses. Does not know: cards, models.

Not here are those of other people's models, `unknown`, and `other`, which needs a name and the licence's text.
"""

import difflib

LIST = "https://huggingface.co/docs/hub/repositories-licenses"
CREATIVE_COMMONS = (
    *("cc", "cc0-1.0", "cc-by-2.0", "cc-by-2.5", "cc-by-3.0", "cc-by-4.0", "cc-by-sa-3.0", "cc-by-sa-4.0"),
    *("cc-by-nc-2.0", "cc-by-nc-3.0", "cc-by-nc-4.0", "cc-by-nd-4.0", "cc-by-nc-nd-3.0", "cc-by-nc-nd-4.0"),
    *("cc-by-nc-sa-2.0", "cc-by-nc-sa-3.0", "cc-by-nc-sa-4.0"),
)
RAIL = (
    *("openrail", "openrail++", "bigscience-openrail-m", "creativeml-openrail-m", "bigcode-openrail-m"),
    "bigscience-bloom-rail-1.0",
)
DATA = ("c-uda", "cdla-sharing-1.0", "cdla-permissive-1.0", "cdla-permissive-2.0", "odc-by", "odbl", "pddl")
SOFTWARE = (
    *("apache-2.0", "mit", "afl-3.0", "artistic-2.0", "bsl-1.0", "bsd", "bsd-2-clause", "bsd-3-clause"),
    *("bsd-3-clause-clear", "wtfpl", "ecl-2.0", "epl-1.0", "epl-2.0", "etalab-2.0", "eupl-1.1", "agpl-3.0", "gfdl"),
    *("gpl", "gpl-2.0", "gpl-3.0", "lgpl", "lgpl-2.1", "lgpl-3.0", "lgpl-lr", "isc", "lppl-1.3c", "ms-pl", "mpl-2.0"),
    *("osl-3.0", "postgresql", "ofl-1.1", "ncsa", "unlicense", "zlib"),
)
LICENSES = frozenset((*SOFTWARE, *CREATIVE_COMMONS, *RAIL, *DATA))


def checked_license(text: str) -> str:
    """Return the identifier of a licence.

    Raises:
        ValueError: it is none of `LICENSES`; the message says what is near.
    """
    if text in LICENSES:
        return text
    near = ", ".join(difflib.get_close_matches(text.lower(), sorted(LICENSES), n=3, cutoff=0.4))
    meant = f" ({near}?)" if near else ""
    raise ValueError(f"{text!r} is no licence that the Hub lists{meant}; see {LIST}, or write it into the card by hand")
