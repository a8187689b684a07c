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

from deeprnn.lm.decoder import DecodeBatch, Decoder, schedule_ids
from deeprnn.lm.kernels import SAMPLE
from deeprnn.lm.sampling import Numbers, Sampling, uniforms
from deeprnn.nn.activations import Array

SLICE_SECONDS = 0.02
UPDATE_SECONDS = 0.05  # between two looks of a reader
LOOKS_A_SECOND = 240  # at a text, by all readers: a look costs the server more than a character does
LEAST_SECONDS = 1e-5  # that a slice is taken to have lasted, however coarse the clock
MAX_STEPS = 128  # of a slice, however fast
CORES = min(2, os.cpu_count() or 1)  # that are used for one kind of work
AHEAD = 256  # characters that nobody has taken yet, before a text waits: who has left costs nothing


def lower_thread_priority() -> None:
    """Let all other threads go first, so that the page answers while texts are written or read; where Linux can."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 5)


class Generation:
    """One text that is being written. Its reader takes what is there, and closes it when it is not wanted any more."""

    def __init__(
        self,
        scheduler: "Scheduler",
        forced_ids: NDArray[np.int64],
        numbers: Numbers,
        sampling: Sampling,
        updated: threading.Event,
    ) -> None:
        self.scheduler, self.sampling, self.updated = scheduler, sampling, updated
        self.forced_ids, self.numbers = (
            forced_ids,
            numbers,
        )  # still to be read or drawn; see `schedule_ids`
        self.ready: list[int] = []
        self.seconds = 0.0  # of the slices that it was written in
        self.error: Exception | None = None

    def take(self) -> list[int]:
        """The ids that were written since the last time; none if there are none yet.

        Raises:
            Exception: what kept it from being written.
        """
        with self.scheduler.lock:
            if self.error:
                raise self.error
            if self.waits_for_its_reader:
                self.scheduler.lock.notify()
            taken, self.ready = self.ready, []
        return taken

    def close(self) -> None:
        """Write no more of it."""
        with self.scheduler.lock:
            self.forced_ids = self.forced_ids[:0]
            self.scheduler.lock.notify()

    @property
    def waits_for_its_reader(self) -> bool:
        """Whether so much is ready that no more is written."""
        return len(self.ready) >= AHEAD


class _ModelBatch:
    """The texts of one model: those that have a slot, and those that are to join with their logits and state."""

    def __init__(self, decoder: Decoder) -> None:
        self.texts = DecodeBatch(decoder, 1)
        self.free = [0]
        self.seated: dict[Generation, int] = {}
        self.joining: list[tuple[Generation, Array, Array]] = []
        self.busy = False
        self.seconds_per_char = SLICE_SECONDS  # seconds for one character of one text

    def has_work(self) -> bool:
        """Whether some text is to be written, or is to join or leave."""
        return not self.busy and (
            bool(self.joining) or any(not len(w.forced_ids) or not w.waits_for_its_reader for w in self.seated)
        )

    def admit(self) -> list[Generation]:
        """Let those who have finished leave and those who wait join; the texts that are written now."""
        for generation in [generation for generation in self.seated if not len(generation.forced_ids)]:
            self.free.append(self.seated.pop(generation))
        for generation, logits, state in self.joining:
            if not self.free:
                slots = len(self.texts.logits)
                self.texts.grow(2 * slots)
                self.free = list(range(slots, 2 * slots))
            slot = self.seated[generation] = self.free.pop()
            self.texts.logits[slot], self.texts.states[slot] = logits, state
        self.joining.clear()
        return [one for one in self.seated if len(one.forced_ids) and not one.waits_for_its_reader]


class Scheduler:
    """The threads that write, started when they are first needed.

    count: how many; one for each core, but no more than two: two models at once, whatever their number of readers.
    """

    def __init__(self, count: int = CORES) -> None:
        self.count = count
        self.lock = threading.Condition()  # guards all below, and every Generation
        self._batches: OrderedDict[Decoder, _ModelBatch] = OrderedDict()  # the one that waited longest first
        self._threads: list[threading.Thread] = []

    def begin(
        self,
        decoder: Decoder,
        prompt_ids: Sequence[int],
        max_chars: int,
        sampling: Sampling,
        drawn: int = 0,
        updated: threading.Event | None = None,
    ) -> Generation:
        """Continue a prompt of at least one id; see `decoding.stream`.

        updated: is set whenever something was written, or could not be.
        """
        logits, state, unread = decoder.begin(prompt_ids)
        forced_ids, numbers = schedule_ids(unread, uniforms(sampling.seed, max_chars, drawn))
        generation = Generation(self, forced_ids, numbers, sampling, updated or threading.Event())
        with self.lock:
            if decoder not in self._batches:
                self._batches[decoder] = _ModelBatch(decoder)
            self._batches[decoder].joining.append((generation, logits, state))
            while len(self._threads) < self.count:
                self._threads.append(threading.Thread(target=self._work, name="writer", daemon=True))
                self._threads[-1].start()
            self.lock.notify()
        return generation

    def pause(self) -> float:
        """How many seconds a reader waits before it looks again; longer where there are many."""
        with self.lock:
            texts = sum(len(batch.seated) + len(batch.joining) for batch in self._batches.values())
        return max(UPDATE_SECONDS, texts / LOOKS_A_SECOND)

    def _work(self) -> None:
        lower_thread_priority()
        while True:
            with self.lock:
                self.lock.wait_for(lambda: any(batch.has_work() for batch in self._batches.values()))
                decoder, batch = next((d, batch) for d, batch in self._batches.items() if batch.has_work())
                self._batches.move_to_end(decoder)
                generations = batch.admit()
                if not batch.seated:
                    del self._batches[decoder]
                batch.busy = bool(generations)
                if not generations:
                    continue
                fitting = int(SLICE_SECONDS / batch.seconds_per_char / len(generations))
                longest = max(len(generation.forced_ids) for generation in generations)
            self._write(batch, generations, max(1, min(fitting, longest, MAX_STEPS)))
            with self.lock:
                batch.busy = False
                self.lock.notify()

    def _write(self, batch: _ModelBatch, generations: Sequence[Generation], steps: int) -> None:
        started = time.thread_time()  # not the wait for the interpreter, of which a busy server has much
        drawn: list[list[int]] = [[] for _ in generations]
        error = None
        try:
            forced_ids, numbers = np.zeros((len(generations), steps), np.int64), np.zeros((len(generations), steps))
            for i, generation in enumerate(generations):  # beyond its end a text reads zeros that nobody looks at
                part = generation.forced_ids[:steps]
                forced_ids[i, : len(part)], numbers[i, : len(part)] = part, generation.numbers[: len(part)]
            slots = [batch.seated[generation] for generation in generations]
            found = batch.texts.write(slots, forced_ids, numbers, [generation.sampling for generation in generations])
            drawn = [row[mask].tolist() for row, mask in zip(found, forced_ids == SAMPLE, strict=True)]
        except Exception as caught:  # the thread goes on; the readers are told
            error = caught
        seconds = time.thread_time() - started
        batch.seconds_per_char = max(seconds, LEAST_SECONDS) / steps / len(generations)
        with self.lock:
            for generation, ids in zip(generations, drawn, strict=True):
                if len(generation.forced_ids):  # else it was closed meanwhile
                    generation.ready += ids
                generation.forced_ids = generation.forced_ids[len(generation.forced_ids) if error else steps :]
                generation.numbers = generation.numbers[steps:]
                generation.seconds += seconds * len(ids) / steps
                generation.error = error
        for generation, ids in zip(generations, drawn, strict=True):
            if ids or error:
                generation.updated.set()
