"""The words of the questions and their charts; the key `depth.asked` is the table `asked` of `depth.toml`.

Knows: the files of words beside the questions. Does not know: where the words are shown.
"""

from pathlib import Path

from deeprnn.words import Words

WORDS = Words.joined(Words.read(path).below(path.stem) for path in sorted(Path(__file__).parent.glob("*.toml")))
