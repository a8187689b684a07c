"""The API endpoints for programs: `/models`, `/generate`, `/poem`, `/score`, `/next_char`; the page's limits hold.

Knows: the names and types of the endpoints. Does not know: views.
"""

from typing import Any

import gradio as gr

from deeprnn.page import service
from deeprnn.page.service import RequestError
from deeprnn.page.shared.widgets import READS, WRITES, refusal
from deeprnn.store.registry import Registry


def build(registry: Registry) -> None:
    """Add the endpoints to the page that is being built."""

    def models() -> list[dict]:
        return service.list_models(registry)

    def generate(
        prompt: str,
        models: list[str],
        max_chars: int = 200,
        temperature: float = 0.8,
        top_k: int = 0,
        top_p: float = 1.0,
        seed: int = 0,
    ) -> list[dict]:
        request = {
            "prompt": prompt,
            "models": models,
            "max_chars": max_chars,
            "temperature": temperature,
            "top_k": top_k,
            "top_p": top_p,
            "seed": seed,
        }
        return _answered(lambda: service.generate(registry, **request))

    def poem(
        models: list[str],
        line_chars: int = 5,
        lines: int = 4,
        opening: str = "",
        acrostic: str = "",
        temperature: float = 0.8,
        top_k: int = 0,
        top_p: float = 1.0,
        seed: int = 0,
        regulated: bool = False,
    ) -> list[dict]:
        request = {
            "models": models,
            "line_chars": line_chars,
            "lines": lines,
            "opening": opening,
            "acrostic": acrostic,
            "regulated": regulated,
            "temperature": temperature,
            "top_k": top_k,
            "top_p": top_p,
            "seed": seed,
        }
        return _answered(lambda: service.poem(registry, **request))

    def score(text: str, models: list[str]) -> list[dict]:
        return _answered(lambda: service.score(registry, text=text, models=models))

    def next_char(prompt: str, models: list[str], k: int = 10) -> list[dict]:
        return _answered(lambda: service.next_char(registry, prompt=prompt, models=models, k=k))

    gr.api(models, api_name="models", api_description="Every model: name, cell, num_layers, perplexities ...")
    gr.api(
        generate,
        api_name="generate",
        api_description="Continue a prompt with up to six models; temperature 0 is greedy; same seed, same text.",
        **WRITES,
    )
    gr.api(
        poem,
        api_name="poem",
        api_description="Write a poem of 4 or 8 lines of 5 or 7 characters with up to six models; opening: its first"
        " characters; acrostic: the first character of each line; regulated: keep tones and rhyme; same seed, same"
        " poem.",
        **WRITES,
    )
    gr.api(
        score,
        api_name="score",
        api_description="Perplexity, bits per character and nats of each character after the first, for each model.",
        **READS,
    )
    gr.api(
        next_char,
        api_name="next_char",
        api_description="The k likeliest next characters of each model after a prompt, with their probabilities.",
        **READS,
    )


def _answered(ask: Any) -> Any:
    try:
        return ask()
    except RequestError as error:
        raise refusal(error, "en") from error
