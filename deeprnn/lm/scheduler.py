"""Continuous batching: many texts are generated at once, and texts join or leave a model's batch between time slices.

Knows: decoders and ids, threads. Does not know: text, the page.

A few threads share the work. A free thread takes the model that has waited longest and runs it for one time slice on
all its texts together. So a long text does not delay a short one, and each weight is loaded from memory once for all
texts. The result for one text does not depend on the other texts (see `kernels`).
"""

import os
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from deeprnn.lm.decoder import DecodeBatch, Decoder, places_of, schedule_ids
from deeprnn.lm.sampling import Numbers, Sampling, uniforms
from deeprnn.lm.template import Choices, Template
from deeprnn.nn.activations import Array

SLICE_SECONDS = 0.02  # the intended length of a time slice
UPDATE_SECONDS = 0.05  # the least time between two polls of a reader
POLLS_A_SECOND = 240  # the most polls of all readers together: a poll costs the server more than a character
LEAST_SECONDS = 1e-5  # the least time that a slice is assumed to take, since the clock may be coarse
MAX_STEPS = 128  # the most characters of one text in a slice
CORES = min(2, os.cpu_count() or 1)  # threads for one kind of work
MAX_UNREAD = 256  # a text with this many unread characters waits, so that a reader who has left costs nothing more


def lower_thread_priority() -> None:
    """Lower the priority of this thread, so that the page can answer while texts are generated or read; Linux only.

    A process that was started with a lower one (`nice`) keeps it: only root may raise it again.
    """
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), max(5, os.getpriority(os.PRIO_PROCESS, 0)))


class Generation:
    """One text that is being generated. Its reader calls `take` for new ids, and `close` to stop it."""

    def __init__(
        self,
        scheduler: "Scheduler",
        forced_ids: NDArray[np.int64],
        numbers: Numbers,
        unread: int,
        sampling: Sampling,
        choices: Choices | None,
        updated: threading.Event,
    ) -> None:
        self.scheduler, self.sampling, self.choices, self.updated = scheduler, sampling, choices, updated
        self.forced_ids, self.numbers = forced_ids, numbers  # the remaining steps; see `schedule_ids`
        self.unread = unread  # the remaining steps that read the prompt
        self.ready: list[int] = []  # ids that the reader has not taken yet
        self.seconds = 0.0  # CPU time of the slices in which it was generated
        self.error: Exception | None = None

    def take(self) -> list[int]:
        """Return the ids that were generated since the last call, maybe none.

        Raises:
            Exception: the error that ended the generation.
        """
        with self.scheduler.lock:
            if self.error:
                raise self.error
            if self.waits_for_reader:
                self.scheduler.lock.notify()
            taken, self.ready = self.ready, []
        return taken

    def close(self) -> None:
        """Stop generating this text."""
        with self.scheduler.lock:
            self.forced_ids = self.forced_ids[:0]
            self.scheduler.lock.notify()

    @property
    def waits_for_reader(self) -> bool:
        """Whether generating pauses because the reader has too many ids to take."""
        return len(self.ready) >= MAX_UNREAD


class _ModelBatch:
    """The texts of one model: those that have a slot, and those that wait for one, with their logits and states."""

    def __init__(self, decoder: Decoder) -> None:
        self.texts = DecodeBatch(decoder, 1)
        self.free = [0]
        self.slots: dict[Generation, int] = {}
        self.joining: list[tuple[Generation, Array, Array]] = []
        self.busy = False
        self.seconds_per_char = SLICE_SECONDS  # seconds for one character of one text

    def has_work(self) -> bool:
        """Return whether some text can be generated, can get a slot or can give up its slot."""
        return not self.busy and (
            bool(self.joining) or any(not len(w.forced_ids) or not w.waits_for_reader for w in self.slots)
        )

    def admit(self) -> list[Generation]:
        """Free the slots of finished texts, give slots to waiting texts, and return the texts of the next slice."""
        for generation in [generation for generation in self.slots if not len(generation.forced_ids)]:
            self.free.append(self.slots.pop(generation))
        for generation, logits, state in self.joining:
            if not self.free:
                slots = len(self.texts.logits)
                self.texts.grow(2 * slots)
                self.free = list(range(slots, 2 * slots))
            slot = self.slots[generation] = self.free.pop()
            self.texts.logits[slot], self.texts.states[slot] = logits, state
        self.joining.clear()
        return [one for one in self.slots if len(one.forced_ids) and not one.waits_for_reader]


class Scheduler:
    """The threads that generate texts, started at the first text.

    count: the number of threads, and so of models that run at the same time.
    """

    def __init__(self, count: int = CORES) -> None:
        self.count = count
        self.lock = threading.Condition()  # protects the fields below, and every Generation
        self._batches: OrderedDict[Decoder, _ModelBatch] = OrderedDict()  # the batch that has waited longest first
        self._threads: list[threading.Thread] = []

    def begin(
        self,
        decoder: Decoder,
        prompt_ids: Sequence[int],
        max_chars: int,
        sampling: Sampling,
        drawn: int = 0,
        updated: threading.Event | None = None,
        template: Template | None = None,
    ) -> Generation:
        """Start to continue a prompt of at least one id; see `decoder.stream`.

        updated: an event that is set whenever ids were generated or an error occurred.
        """
        places = places_of(decoder, template, drawn, max_chars)
        logits, state, unread = decoder.begin(prompt_ids)
        forced_ids, numbers = schedule_ids(unread, uniforms(sampling.seed, len(places), drawn), places)
        choices, updated = template.choices if template else None, updated or threading.Event()
        generation = Generation(self, forced_ids, numbers, len(unread), sampling, choices, updated)
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
        """Return the seconds that a reader waits between two polls; longer if there are many texts."""
        with self.lock:
            texts = sum(len(batch.slots) + len(batch.joining) for batch in self._batches.values())
        return max(UPDATE_SECONDS, texts / POLLS_A_SECOND)

    def _work(self) -> None:
        lower_thread_priority()
        while True:
            with self.lock:
                # 1. Wait for work, and take the batch that has waited longest.
                self.lock.wait_for(lambda: any(batch.has_work() for batch in self._batches.values()))
                decoder, batch = next((d, batch) for d, batch in self._batches.items() if batch.has_work())
                self._batches.move_to_end(decoder)
                # 2. Let texts join and leave it; a batch without texts is removed.
                generations = batch.admit()
                if not batch.slots:
                    del self._batches[decoder]
                batch.busy = bool(generations)
                if not generations:
                    continue
                # 3. Choose the number of steps so that the slice takes about SLICE_SECONDS.
                fitting = int(SLICE_SECONDS / batch.seconds_per_char / len(generations))
                longest = max(len(generation.forced_ids) for generation in generations)
            # 4. Generate without the lock: `busy` keeps other threads from this batch.
            self._write(batch, generations, max(1, min(fitting, longest, MAX_STEPS)))
            with self.lock:
                batch.busy = False
                self.lock.notify()

    def _write(self, batch: _ModelBatch, generations: Sequence[Generation], steps: int) -> None:
        started = time.thread_time()  # CPU time: a busy server often waits for the interpreter's lock
        made: list[list[int]] = [[] for _ in generations]
        error = None
        try:
            forced_ids, numbers = np.zeros((len(generations), steps), np.int64), np.zeros((len(generations), steps))
            for i, generation in enumerate(generations):  # after its end a text reads zeros, which are ignored
                part = generation.forced_ids[:steps]
                forced_ids[i, : len(part)], numbers[i, : len(part)] = part, generation.numbers[: len(part)]
            slots = [batch.slots[generation] for generation in generations]
            samplings = [generation.sampling for generation in generations]
            choices = [generation.choices for generation in generations]
            found = batch.texts.write(slots, forced_ids, numbers, samplings, choices)
            made = [row[one.unread : len(one.forced_ids)].tolist() for row, one in zip(found, generations, strict=True)]
        except Exception as caught:  # the thread goes on; `take` raises the error to the readers
            error = caught
        seconds = time.thread_time() - started
        batch.seconds_per_char = max(seconds, LEAST_SECONDS) / steps / len(generations)
        with self.lock:
            for generation, ids in zip(generations, made, strict=True):
                if len(generation.forced_ids):  # else the reader closed it during the slice
                    generation.ready += ids
                generation.forced_ids = generation.forced_ids[len(generation.forced_ids) if error else steps :]
                generation.numbers = generation.numbers[steps:]
                generation.unread = max(0, generation.unread - steps)
                generation.seconds += seconds * len(ids) / steps
                generation.error = error
        for generation, ids in zip(generations, made, strict=True):
            if ids or error:
                generation.updated.set()
