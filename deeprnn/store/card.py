"""The model card of a checkpoint, and that of a repository of checkpoints: their README.md.

Knows: Markdown, the Hub's front matter. Does not know: files, weights.
"""

import json
from collections.abc import Iterable, Mapping
from urllib.parse import quote

from deeprnn.documents import code_in_markdown, in_markdown
from deeprnn.measure.metrics import Metrics
from deeprnn.nn.cells import CELLS
from deeprnn.nn.model import CharRNN
from deeprnn.text.catalogue import language_of
from deeprnn.text.noise import told
from deeprnn.text.vocab import Vocab

OURS = "apache-2.0"  # the licence of a model of the project's own texts, unless another is claimed
WRITTEN = "<!-- written by deeprnn push; remove this line to keep what you write here -->"


def model_card(name: str, model: CharRNN, vocab: Vocab, metrics: Metrics) -> str:
    """Return the README.md of a checkpoint: Hub front matter, description, figures, how to load it.

    What others have named or written is shown in it as it is, never as markup.
    """
    config, text, sample, kept = model.config, metrics.text, metrics.sample, _saved_weights(metrics)
    kind = "residual stack" if config.residual else "plain stack"
    if config.pre_norm != config.residual:
        kind += f" {'with' if config.pre_norm else 'without'} LayerNorm"
    if config.wiring != "stack":
        kind = "one set of weights and one state shared by its layers (the classic mistake, shown on purpose)"
    cold = (
        "; `cold_256` is read in windows of 256 characters,\neach from a zero state"
        if "cold_256" in metrics.final
        else ""
    )
    rows = "\n".join(
        f"| {in_markdown(part)} | {figures.chars:,} | {figures.ppl:.4f} | {figures.bpc:.4f} | {figures.nats:.4f} |"
        for part, figures in metrics.final.items()
    )
    between = " " if sample.prompt[-1:].isspace() else ""
    language = "" if _has_own(metrics) else f"language: {language_of(text.name)}\n"  # unknown for a user's own text
    return f"""---
{_license_line([metrics])}{language}library_name: deeprnn
pipeline_tag: text-generation
tags: [character-level, recurrent-neural-network, {config.cell}]
---

# {in_markdown(name)}

A character language model: {config.num_layers} x {CELLS[config.cell].label} of {config.hidden_size} units, {kind};
{model.num_params:,} parameters, {len(vocab)} symbols (form `{vocab.form}`), trained on {_titles(metrics)}.

| part | characters | perplexity | bits/char | nats/char |
| --- | --- | --- | --- | --- |
{rows}

Guessing all symbols alike would be a perplexity of {len(vocab)}, knowing only how often each occurs
{metrics.unigram["val"]:.2f} on `val`. The state is carried through each part: `train_carried` is the beginning of the
training text (of poems the end), at most 50,000 characters, read as one; `train` counts the same up to eight times,
read from as many places in lanes as in training{cold}.
The lowest validation perplexity on the way was {metrics.best_ppl:.2f}, at epoch {metrics.best_epoch}; these are {kept}.

Trained by {code_in_markdown(metrics.command)} in {metrics.wall_seconds:,.0f} s on
{in_markdown(metrics.device)}, threads: {metrics.threads}.

```python
import deeprnn

lm = deeprnn.load({json.dumps(name, ensure_ascii=False)})  # the path of this card's folder
print(lm.generate({json.dumps(sample.prompt, ensure_ascii=False)}, seed={sample.seed}))
```

> {in_markdown(sample.prompt)}{between}**{in_markdown(sample.text)}**
"""


def repository_card(repo_id: str, found: Mapping[str, Metrics]) -> str:
    """Return the README.md of a repository of checkpoints: a table of them, and how to load one."""
    rows = "\n".join(
        f"| [{in_markdown(name)}]({quote(name)}/README.md) | {_titles(metrics)} | {metrics.num_params:,} "
        f"| {metrics.final['train'].ppl:.2f} | {metrics.heldout.ppl:.2f} |"
        for name, metrics in sorted(found.items())
    )
    return f"""---
{_license_line(found.values())}library_name: deeprnn
pipeline_tag: text-generation
tags: [character-level, recurrent-neural-network]
---

{WRITTEN}

# Character language models

| checkpoint | trained on | parameters | perplexity in training | held out |
| --- | --- | --- | --- | --- |
{rows}

```python
import deeprnn

lm = deeprnn.load({json.dumps(repo_id)}, name={json.dumps(min(found), ensure_ascii=False)})
```
"""


def _license_line(models: Iterable[Metrics]) -> str:
    """Return the line of the front matter for the licence of all models, or "" if they have several or one has none."""
    found = {metrics.license or ("" if _has_own(metrics) else OURS) for metrics in models}
    (common,) = found if len(found) == 1 else {""}
    return f"license: {common}\n" if common else ""


def _has_own(metrics: Metrics) -> bool:
    return any(text.own for text in metrics.texts)


def _titles(metrics: Metrics) -> str:
    return " + ".join(f"*{in_markdown(text.name)}*{told(text.noise)}" for text in metrics.texts)


def _saved_weights(metrics: Metrics) -> str:
    config = metrics.train_config
    kept = f"the {config.keep} epoch's weights"
    if metrics.stopped_after is not None:
        kept = f"{kept} of a run that was stopped after {metrics.stopped_after} of {config.epochs} epochs"
    return f"{kept}, averaged over training steps" if config.ema_decay else kept
