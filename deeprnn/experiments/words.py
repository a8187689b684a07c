"""The words of the questions and their charts; the key `depth.asked` is the table `asked` of `depth.toml`.

Knows: the files of words beside the questions. Does not know: where the words are shown.
"""

from pathlib import Path

from deeprnn.words import Words

_READ = [Words.read(path).below(path.stem) for path in sorted(Path(__file__).parent.glob("*.toml"))]
WORDS = Words({key: said for words in _READ for key, said in words.items()})
