"""Many texts at once: requests of one model step together, and join or leave between two slices of time.

Knows: decoders and ids, threads. Does not know: text, the page.

A few threads take turns: the model that has waited longest writes for one slice with all its texts side by side. So a
long text does not hold up a short one, and each weight is fetched from memory once for all texts. What a text becomes
does not depend on its company (see `decoding`).
"""

import os
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from deeprnn.cells.base import Array
from deeprnn.decoding import DRAWN, Decoder, Texts, planned
from deeprnn.sampling import Numbers, Sampling, luck

SLICE_SECONDS = 0.02
UPDATE_SECONDS = 0.05  # between two looks of a reader
LOOKS_A_SECOND = 240  # at a text, by all readers: a look costs the server more than a character does
LEAST_SECONDS = 1e-5  # that a slice is taken to have lasted, however coarse the clock
MAX_STEPS = 128  # of a slice, however fast
CORES = min(2, os.cpu_count() or 1)  # that are used for one kind of work
AHEAD = 256  # characters that nobody has taken yet, before a text waits: who has left costs nothing


def step_back() -> None:
    """Let all other threads go first, so that the page answers while texts are written or read; where Linux can."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 5)


class Writing:
    """One text that is being written. Its reader takes what is there, and closes it when it is not wanted any more."""

    def __init__(
        self,
        writers: "Writers",
        given: NDArray[np.int64],
        numbers: Numbers,
        sampling: Sampling,
        news: threading.Event,
    ) -> None:
        self.writers, self.sampling, self.news = writers, sampling, news
        self.given, self.numbers = given, numbers  # what is still to be read or drawn; see `decoding.planned`
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
            self.given = self.given[:0]
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
        self.joining: list[tuple[Writing, Array, Array]] = []
        self.busy = False
        self.pace = SLICE_SECONDS  # seconds for one character of one text

    def has_work(self) -> bool:
        """Whether some text is to be written, or is to join or leave."""
        return not self.busy and (
            bool(self.joining) or any(not len(w.given) or not w.waits_for_its_reader for w in self.seated)
        )

    def seat(self) -> list[Writing]:
        """Let those who have finished leave and those who wait join; the texts that are written now."""
        for writing in [writing for writing in self.seated if not len(writing.given)]:
            self.free.append(self.seated.pop(writing))
        for writing, logits, state in self.joining:
            if not self.free:
                slots = len(self.texts.logits)
                self.texts.grow(2 * slots)
                self.free = list(range(slots, 2 * slots))
            slot = self.seated[writing] = self.free.pop()
            self.texts.logits[slot], self.texts.states[slot] = logits, state
        self.joining.clear()
        return [writing for writing in self.seated if len(writing.given) and not writing.waits_for_its_reader]


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
        """Continue a prompt of at least one id; see `decoding.stream`.

        news: is set whenever something was written, or could not be.
        """
        logits, state, unread = decoder.begin(prompt_ids)
        given, numbers = planned(unread, luck(sampling.seed, max_chars, drawn))
        writing = Writing(self, given, numbers, sampling, news or threading.Event())
        with self.turn:
            if decoder not in self._desks:
                self._desks[decoder] = _Desk(decoder)
            self._desks[decoder].joining.append((writing, logits, state))
            while len(self._threads) < self.count:
                self._threads.append(threading.Thread(target=self._work, name="writer", daemon=True))
                self._threads[-1].start()
            self.turn.notify()
        return writing

    def pause(self) -> float:
        """How many seconds a reader waits before it looks again; longer where there are many."""
        with self.turn:
            texts = sum(len(desk.seated) + len(desk.joining) for desk in self._desks.values())
        return max(UPDATE_SECONDS, texts / LOOKS_A_SECOND)

    def _work(self) -> None:
        step_back()
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
                fitting = int(SLICE_SECONDS / desk.pace / len(writings))
                longest = max(len(writing.given) for writing in writings)
            self._write(desk, writings, max(1, min(fitting, longest, MAX_STEPS)))
            with self.turn:
                desk.busy = False
                self.turn.notify()

    def _write(self, desk: _Desk, writings: Sequence[Writing], steps: int) -> None:
        started = time.thread_time()  # not the wait for the interpreter, of which a busy server has much
        drawn: list[list[int]] = [[] for _ in writings]
        error = None
        try:
            given, numbers = np.zeros((len(writings), steps), np.int64), np.zeros((len(writings), steps))
            for i, writing in enumerate(writings):  # beyond its end a text reads zeros that nobody looks at
                part = writing.given[:steps]
                given[i, : len(part)], numbers[i, : len(part)] = part, writing.numbers[: len(part)]
            slots = [desk.seated[writing] for writing in writings]
            found = desk.texts.write(slots, given, numbers, [writing.sampling for writing in writings])
            drawn = [row[mask].tolist() for row, mask in zip(found, given == DRAWN, strict=True)]
        except Exception as caught:  # the thread goes on; the readers are told
            error = caught
        seconds = time.thread_time() - started
        desk.pace = max(seconds, LEAST_SECONDS) / steps / len(writings)
        with self.turn:
            for writing, ids in zip(writings, drawn, strict=True):
                if len(writing.given):  # else it was closed meanwhile
                    writing.ready += ids
                writing.given = writing.given[len(writing.given) if error else steps :]
                writing.numbers = writing.numbers[steps:]
                writing.seconds += seconds * len(ids) / steps
                writing.error = error
        for writing, ids in zip(writings, drawn, strict=True):
            if ids or error:
                writing.news.set()
