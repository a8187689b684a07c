"""The words of the questions and their charts: `depth.asked` is what `depth.toml` says under `asked`.

Knows: the files of words beside the questions. Does not know: who shows them.
"""

from pathlib import Path

from deeprnn.words import Words

_READ = [Words.read(path).below(path.stem) for path in sorted(Path(__file__).parent.glob("*.toml"))]
WORDS = Words({key: said for words in _READ for key, said in words.items()})
