"""Many texts at once: requests of one model step together, and join or leave between two slices of time.

Knows: decoders and ids, threads. Does not know: text, the page.

A few threads take turns: the model that has waited longest writes for one slice with all its texts side by side. So a
long text does not hold up a short one, and each weight is fetched from memory once for all texts. What a text becomes
does not depend on its company (see `decoding`).
"""

import os
import threading
import time
from collections import OrderedDict
from collections.abc import Sequence

import numpy as np

from deeprnn.decoding import Decoder, Texts
from deeprnn.sampling import Luck, Sampling

SLICE_SECONDS = 0.01
MAX_STEPS = 64  # of a slice, however fast
CORES = min(2, os.cpu_count() or 1)  # that are used for one kind of work
AHEAD = 256  # characters that nobody has taken yet, before a text waits: who has left costs nothing


class Writing:
    """One text that is being written. Its reader takes what is there, and closes it when it is not wanted any more."""

    def __init__(self, writers: "Writers", left: int, sampling: Sampling, drawn: int, news: threading.Event) -> None:
        self.writers, self.sampling, self.left, self.news = writers, sampling, left, news
        self.luck = Luck(sampling.seed, drawn)
        self.ready: list[int] = []
        self.seconds = 0.0  # of the slices that it was written in
        self.error: Exception | None = None

    def take(self) -> list[int]:
        """The ids that were written since the last time; none if there are none yet.

        Raises:
            Exception: what kept it from being written.
        """
        with self.writers.turn:
            if self.error:
                raise self.error
            if self.waits_for_its_reader:
                self.writers.turn.notify()
            taken, self.ready = self.ready, []
        return taken

    def close(self) -> None:
        """Write no more of it."""
        with self.writers.turn:
            self.left = 0
            self.writers.turn.notify()

    @property
    def waits_for_its_reader(self) -> bool:
        """Whether so much is ready that no more is written."""
        return len(self.ready) >= AHEAD


class _Desk:
    """The texts of one model: those that have a slot, and those that are to join with their logits and state."""

    def __init__(self, decoder: Decoder) -> None:
        self.texts = Texts(decoder, 1)
        self.free = [0]
        self.seated: dict[Writing, int] = {}
        self.joining: list[tuple[Writing, tuple[np.ndarray, np.ndarray]]] = []
        self.busy = False
        self.pace = SLICE_SECONDS  # seconds for one character of one text

    def has_work(self) -> bool:
        return not self.busy and (
            bool(self.joining) or any(w.left == 0 or not w.waits_for_its_reader for w in self.seated)
        )

    def seat(self) -> list[Writing]:
        """Let those who have finished leave and those who wait join; the texts that are written now."""
        for writing in [writing for writing in self.seated if writing.left == 0]:
            self.free.append(self.seated.pop(writing))
        for writing, begun in self.joining:
            if not self.free:
                slots = len(self.texts.logits)
                self.texts.grow(2 * slots)
                self.free = list(range(slots, 2 * slots))
            slot = self.seated[writing] = self.free.pop()
            self.texts.logits[slot], self.texts.states[slot] = begun
        self.joining.clear()
        return [writing for writing in self.seated if writing.left and not writing.waits_for_its_reader]


class Writers:
    """The threads that write, started when they are first needed.

    count: how many; one for each core, but no more than two: two models at once, whatever their number of readers.
    """

    def __init__(self, count: int = CORES) -> None:
        self.count = count
        self.turn = threading.Condition()  # guards all below, and every Writing
        self._desks: OrderedDict[Decoder, _Desk] = OrderedDict()  # the one that waited longest first
        self._threads: list[threading.Thread] = []

    def begin(
        self,
        decoder: Decoder,
        prompt_ids: Sequence[int],
        max_chars: int,
        sampling: Sampling,
        drawn: int = 0,
        news: threading.Event | None = None,
    ) -> Writing:
        """Continue a prompt of at least one id; see `decoding.stream`. The prompt is read here and now.

        news: is set whenever something was written, or could not be.
        """
        writing = Writing(self, max_chars, sampling, drawn, news or threading.Event())
        begun = decoder.read(prompt_ids)
        with self.turn:
            self._desks.setdefault(decoder, _Desk(decoder)).joining.append((writing, begun))
            while len(self._threads) < self.count:
                self._threads.append(threading.Thread(target=self._work, name="writer", daemon=True))
                self._threads[-1].start()
            self.turn.notify()
        return writing

    def _work(self) -> None:
        while True:
            with self.turn:
                self.turn.wait_for(lambda: any(desk.has_work() for desk in self._desks.values()))
                decoder, desk = next((d, desk) for d, desk in self._desks.items() if desk.has_work())
                self._desks.move_to_end(decoder)
                writings = desk.seat()
                if not desk.seated:
                    del self._desks[decoder]
                desk.busy = bool(writings)
                if not writings:
                    continue
                steps = max(
                    1, min(int(SLICE_SECONDS / desk.pace / len(writings)), MAX_STEPS, max(w.left for w in writings))
                )
            self._write(desk, writings, steps)
            with self.turn:
                desk.busy = False
                self.turn.notify()

    def _write(self, desk: _Desk, writings: Sequence[Writing], steps: int) -> None:
        started = time.perf_counter()
        ids: Sequence[list[int]] = [[] for _ in writings]
        error = None
        try:
            luck = np.stack([writing.luck.take(steps) for writing in writings])
            slots = [desk.seated[writing] for writing in writings]
            ids = desk.texts.write(slots, luck, [writing.sampling for writing in writings]).tolist()
        except Exception as caught:  # the thread goes on; the readers are told
            error = caught
        seconds = time.perf_counter() - started
        desk.pace = seconds / steps / len(writings)
        with self.turn:
            for writing, found in zip(writings, ids, strict=True):
                used = found[: writing.left]
                writing.ready += used
                writing.left = 0 if error else writing.left - len(used)
                writing.seconds += seconds * len(used) / steps
                writing.error = error
        for writing in writings:
            writing.news.set()
