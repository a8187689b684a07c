"""One training of a visitor: what was asked for, what its process has reported, how it has ended.

Knows: the events of `deeprnn train --json`. Does not know: processes, the queue.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from deeprnn.experiments.own import Options
from deeprnn.store.registry import private_name

State = Literal["waiting", "running", "stopping", "stopped", "finished", "failed"]
ENDED = ("stopped", "finished", "failed")


@dataclass(kw_only=True, eq=False)
class Training:
    """One training of a visitor.

    text: a file, or the name of a known text. source: that name, or the key of the visitor's text (see `texts`).
    planned, described, progress: the last events of these names; planned is an estimate until the process has measured
    this machine. losses: the epoch, the seconds and the loss of each progress. curve: the records of all measurements.
    ending: the last event. reason: key and values of the words that say why it stopped or failed. checkpoint: the
    folder of the model; if it was stopped, of its weights so far.
    """

    key: str
    visitor: str
    title: str
    options: Options
    text: str
    source: str
    folder: Path
    planned: dict[str, Any]
    state: State = "waiting"
    described: dict[str, Any] | None = None
    progress: dict[str, Any] | None = None
    losses: list[tuple[float, float, float]] = field(default_factory=list)
    curve: list[dict[str, Any]] = field(default_factory=list)
    ending: dict[str, Any] | None = None
    reason: tuple[str, dict[str, Any]] | None = None
    checkpoint: Path | None = None
    seconds: float = 0.0  # of all its processes
    resumed: bool = False
    overtime: bool = False
    spent: bool = False  # whether it has used its time

    @property
    def name(self) -> str:
        """The name of its model."""
        return private_name(self.key)

    @property
    def resumable(self) -> bool:
        """Whether it can go on where it ended."""
        return self.state in ("stopped", "failed") and any(self.folder.glob(".*.snapshot.safetensors"))

    def hear(self, event: dict[str, Any]) -> None:
        """Take in what the process reports."""
        name = event.pop("event", "")
        if name == "planned":
            self.planned = event
        elif name == "described":
            self.described, self.curve = event, event.pop("curve")
        elif name == "progress":
            self.progress = event
            while self.losses and self.losses[-1][0] >= event["epoch"]:  # it goes on from an earlier snapshot
                self.losses.pop()
            self.losses.append((event["epoch"], event["seconds"], event["loss"]))
        elif name == "measured":
            self.curve.append(event)
        elif name in ENDED:
            self.ending = event | {"state": name}
            self.checkpoint = Path(event["folder"]) if "folder" in event else self.checkpoint

    def end(self, status: int) -> None:
        """Take in that the process has ended; a status below 0 is that of a signal."""
        ending = self.ending or {"state": "failed", "kind": "killed" if status < 0 else "crashed"}
        self.state = ending["state"]
        self.reason = None
        if self.state == "failed":
            values = {"reason": ending.get("reason", ""), "status": abs(status)}
            self.reason = f"training.failed.{ending['kind']}", values
        elif self.state == "stopped":
            self.reason = "training.stopped.overtime" if self.overtime else "training.stopped.asked", {}
