"""The trainings of all visitors: a queue of which one runs at a time, what each reports, how each ends.

Knows: processes of trainings, their folders, limits. Does not know: components, how a model is trained.

A visitor is known by the id of a session, and sees only its own trainings. Texts are written to the visitor's private
folder, and nowhere else.
"""

import logging
import secrets
import threading
import time
from collections import deque
from pathlib import Path

from deeprnn.experiments import own
from deeprnn.experiments.own import Options, OwnTextError, Plan
from deeprnn.page.environment import env_limit
from deeprnn.page.service.asked import RequestError
from deeprnn.page.training.folders import Folders
from deeprnn.page.training.process import Limits, TrainingProcess
from deeprnn.page.training.record import ENDED, Training
from deeprnn.page.training.texts import TITLE_CHARS, Texts, checked, key_of, written
from deeprnn.store.registry import Registry, for_log
from deeprnn.text.vocab import normalize

LOG = logging.getLogger(__name__)
MOST_JOBS = 8  # trainings that a visitor may have, finished ones too
MOST_WAITING = 20  # trainings of all visitors that wait or run
GRACE_SECONDS = 180  # seconds that a process which was asked to stop may report nothing
MORE_TIME = 1.25  # a training is stopped after this factor times the minutes that are allowed
IDLE_SECONDS = 3_600.0  # seconds after which the folder of a visitor who does nothing is removed
MEGABYTE = 1_000_000


class Trainings:
    """All trainings; its methods raise `RequestError` with the words for a visitor if they refuse something.

    minutes: the most of one training. registry: of the models that are served. A visitor's model is added to them when
    its training has ended with a checkpoint, and removed with it. idle_seconds: after them the trainings of a visitor
    who does nothing are removed.
    """

    def __init__(
        self, minutes: int, *, registry: Registry, place: Path | None = None, idle_seconds: float = IDLE_SECONDS
    ) -> None:
        self.minutes = minutes
        self._registry = registry
        self._memory = env_limit("TRAIN_MEMORY_MB", 3_000) * MEGABYTE
        self._disk = env_limit("TRAIN_DISK_MB", 2_000) * MEGABYTE
        self._idle = idle_seconds
        self._folders = Folders(place)
        self._texts = Texts()
        self._all: dict[str, Training] = {}
        self._queue: deque[Training] = deque()
        self._running: tuple[Training, TrainingProcess] | None = None
        self._seen: dict[str, float] = {}  # when each visitor last did something
        self._changes = 0
        self._closed = threading.Event()
        self._changed = threading.Condition()
        self._threads: list[threading.Thread] = []

    @property
    def changes(self) -> int:
        """How much has changed so far."""
        return self._changes

    def bring(self, visitor: str, text: str) -> str:
        """Keep a visitor's text, for estimates and trainings; return its key.

        Raises:
            RequestError: it is too short, too long, or no text; or nobody may train here.
        """
        self._check_allowed()
        checked(text)
        with self._changed:
            self._seen[visitor] = time.monotonic()
            self._begin()
        return self._texts.add(visitor, text)

    def text_of(self, visitor: str, key: str) -> str:
        """Return a text that a visitor has brought.

        Raises:
            RequestError: it is not kept any more.
        """
        if text := self._texts.get(visitor, key):
            return text
        with self._changed:
            for training in self._all.values():
                if training.visitor == visitor and training.source == key:
                    return Path(training.text).read_bytes().decode()  # with the line ends that it has
        raise RequestError("training.refused.gone")

    def estimate(self, text: str, options: Options) -> Plan:
        """Return what a training of a text would be, by the table of speeds.

        Raises:
            RequestError: it would be refused.
        """
        self._check_allowed()
        if options.epochs is None and options.minutes > self.minutes:
            raise RequestError("training.refused.minutes", most=self.minutes)
        try:
            plan = own.plan(normalize(checked(text), options.form), own.NAME, own.NAME, options)
        except OwnTextError as error:
            raise RequestError(error.key, **error.values) from error
        if options.epochs is not None and plan.seconds > 60 * self.minutes:
            raise RequestError("training.refused.long", minutes=round(plan.seconds / 60), most=self.minutes)
        return plan

    def submit(self, visitor: str, text: str, title: str, options: Options, *, book: str | None = None) -> str:
        """Queue a training; return its key.

        title: what the visitor calls the text; it becomes part of the model's name. book: the name of the text
        if the project knows it.

        Raises:
            RequestError: it is refused.
        """
        plan = self.estimate(text, options)
        with self._changed:
            self._seen[visitor] = time.monotonic()
            self._admit(visitor)
            key = secrets.token_hex(8)
            folder = None
            try:
                folder = self._folders.new(visitor, key)
                place = book or str(written(folder, title, text))
            except OSError as error:
                if folder:
                    self._folders.remove(folder)
                raise RequestError("training.failed.disk", reason=error.strerror, status=0) from error
            training = Training(
                key=key,
                visitor=visitor,
                title=title,
                options=options,
                text=place,
                source=book or key_of(text),
                folder=folder,
                planned=plan.figures,
            )
            self._all[key] = training
            self._enqueue(training)
        return key

    def stop(self, visitor: str, key: str) -> None:
        """Stop a training that runs, which keeps what there is; take one that waits out of the queue."""
        with self._changed:
            training = self._of(visitor, key)
            if training.state == "waiting":
                self._queue.remove(training)
                training.state, training.reason = "stopped", ("training.stopped.waiting", {})
            elif self._running and self._running[0] is training:
                training.state = "stopping"
                self._end_soon(self._running[1])
            self._tell()

    def resume(self, visitor: str, key: str) -> None:
        """Queue a training that was stopped again; it goes on where it was stopped.

        Raises:
            RequestError: it is not stopped, or has used its time.
        """
        with self._changed:
            training = self._of(visitor, key)
            if not (training.resumable or training.state == "stopped"):
                raise RequestError("training.refused.state")
            if training.spent:
                raise RequestError("training.refused.used", most=self.minutes)
            self._admit(visitor, new=False)
            training.resumed = training.resumable
            training.ending = training.reason = None
            self._enqueue(training)

    def remove(self, visitor: str, key: str) -> None:
        """Remove a training with all of its files; one that runs ends."""
        with self._changed:
            self._remove(self._of(visitor, key))
            self._tell()

    def leave(self, visitor: str) -> None:
        """Remove all trainings and files of a visitor."""
        with self._changed:
            for training in [one for one in self._all.values() if one.visitor == visitor]:
                self._remove(training)
            self._texts.leave(visitor)
            self._seen.pop(visitor, None)
            self._tell()

    def of(self, visitor: str) -> list[tuple[Training, int]]:
        """Return the trainings of a visitor, the oldest first, each with its place in the queue: 0 if it is not in it.

        The one that runs has no place; with it running, the next one is at place 1.
        """
        self.seen(visitor)
        with self._changed:
            places = {one.key: place for place, one in enumerate(self._queue, start=1)}
            return [(one, places.get(one.key, 0)) for one in self._all.values() if one.visitor == visitor]

    def seen(self, visitor: str) -> None:
        """Take in that a visitor is there, so that what it has is not removed; it never waits for a lock."""
        if visitor in self._seen:
            self._seen[visitor] = time.monotonic()

    def close(self) -> None:
        """End everything and remove all files."""
        with self._changed:
            self._closed.set()
            for training in list(self._all.values()):
                self._remove(training)
            self._tell()
        for thread in self._threads:
            thread.join(GRACE_SECONDS)
        self._folders.close()

    @property
    def _most_seconds(self) -> float:
        return 60 * self.minutes * MORE_TIME

    def _check_allowed(self) -> None:
        if not self.minutes:
            raise RequestError("training.refused.off")

    def _of(self, visitor: str, key: str) -> Training:
        training = self._all.get(key)
        if training is None or training.visitor != visitor:
            raise RequestError("training.refused.unknown")
        self._seen[visitor] = time.monotonic()
        return training

    def _admit(self, visitor: str, *, new: bool = True) -> None:
        """Check that a visitor may queue one more training, and that there is room for it."""
        if self._closed.is_set():
            raise RequestError("error_ending")
        if new and sum(one.visitor == visitor for one in self._all.values()) >= MOST_JOBS:
            raise RequestError("training.refused.many", most=MOST_JOBS)
        if len(self._queue) + bool(self._running) >= MOST_WAITING:
            raise RequestError("training.refused.queue", most=MOST_WAITING)
        if self._folders.used() >= self._disk:
            raise RequestError("training.refused.disk")

    def _enqueue(self, training: Training) -> None:
        training.state = "waiting"
        self._queue.append(training)
        self._begin()
        self._tell()

    def _begin(self) -> None:
        """Start what runs trainings, and what removes what is left, when there is something for the first time."""
        if self._threads or self._closed.is_set():
            return
        self._threads = [threading.Thread(target=work, daemon=True) for work in (self._work, self._sweep)]
        for thread in self._threads:
            thread.start()

    def _tell(self) -> None:
        self._changes += 1
        self._changed.notify_all()

    def _remove(self, training: Training) -> None:
        """Forget a training and its model. The files of one that runs are removed when its process has ended."""
        del self._all[training.key]
        self._registry.remove(training.name)
        if training in self._queue:
            self._queue.remove(training)
        if self._running and self._running[0] is training:
            self._running[1].kill()
        else:
            self._folders.remove(training.folder)

    def _work(self) -> None:
        """Run one training after the other."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._queue or self._closed.is_set())
                if self._closed.is_set():
                    return
                training = self._queue.popleft()
                training.state = "running"
                try:
                    process = self._start(training)
                except OSError as error:
                    training.state, training.reason = "failed", ("training.failed.disk", {"reason": error.strerror})
                    self._tell()
                    continue
                self._running = training, process
                self._tell()
            self._follow(training, process)

    def _start(self, training: Training) -> TrainingProcess:
        free = max(self._disk - self._folders.used(), MEGABYTE)
        limits = Limits(memory=self._memory, file=free // 2)
        return TrainingProcess(training.text, training.folder, training.options, limits, resume=training.resumed)

    def _follow(self, training: Training, process: TrainingProcess) -> None:
        """Take in what a process reports until it has ended; stop it if it takes too long."""
        started = time.monotonic()
        timer = threading.Timer(self._most_seconds - training.seconds, self._stop_late, (training, process))
        timer.daemon = True
        timer.start()
        for event in process.events():
            with self._changed:
                training.hear(event)
                self._tell()
        status = process.close()
        timer.cancel()
        with self._changed:
            self._running = None
            training.seconds += time.monotonic() - started
            training.spent = training.seconds >= self._most_seconds
            training.end(status)
            if training.key in self._all:
                self._serve(training)
            else:
                self._folders.remove(training.folder)
            self._tell()

    def _serve(self, training: Training) -> None:
        """Add the model of a training to those that are served, or replace it, if there is a checkpoint."""
        if training.checkpoint is None:
            return
        called = None if training.text == training.source else " ".join(training.title.split())[:TITLE_CHARS]
        try:
            self._registry.add(training.checkpoint, training.name, visitor=training.visitor, called=called)
        except ValueError as error:
            self._registry.remove(training.name)
            LOG.error("a training has ended without a whole checkpoint: %s", for_log(training.name, error))

    def _stop_late(self, training: Training, process: TrainingProcess) -> None:
        with self._changed:
            if self._running and self._running[0] is training:
                training.state, training.overtime = "stopping", True
                self._end_soon(process)
                self._tell()

    def _end_soon(self, process: TrainingProcess) -> None:
        """Ask a process to stop, and end it if it does not."""
        process.stop()
        self._kill_if_silent(process, time.monotonic(), GRACE_SECONDS)

    def _kill_if_silent(self, process: TrainingProcess, since: float, grace: float) -> None:
        """End a process that reports nothing for so long; while it measures a large model it says so every second."""
        silent = time.monotonic() - max(since, process.heard)
        if silent >= grace:
            process.kill()
            return
        timer = threading.Timer(grace - silent, self._kill_if_silent, (process, since, grace))
        timer.daemon = True
        timer.start()

    def _sweep(self) -> None:
        """Remove the trainings of visitors who have done nothing for long, and of whom none runs or waits."""
        while not self._closed.wait(min(60.0, self._idle / 4)):
            with self._changed:
                busy = {one.visitor for one in self._all.values() if one.state not in ENDED}
                now = time.monotonic()
                self._seen |= dict.fromkeys(busy, now)
                for visitor in [one for one, last in dict(self._seen).items() if now - last > self._idle]:
                    self.leave(visitor)
