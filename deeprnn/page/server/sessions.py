"""Sessions that keep only the components of a visitor's page that have changed.

Knows: how gradio 6.31 keeps sessions. Does not know: models, views.

gradio copies the configuration of every component for every visitor, and again whenever a component changes: 1.3 MB
and 50 ms for this page. Only its own deep links read the copies, which this page does not use (`links` has its own).
"""

from types import SimpleNamespace
from typing import Any

from gradio.blocks import Blocks
from gradio.components import State
from gradio.state_holder import SessionState, StateHolder


class Session(SessionState):
    """A session that keeps changed components and values of `gr.State`, and no configuration."""

    def __init__(self, blocks: Blocks) -> None:
        unlisted: Any = SimpleNamespace(default_config=blocks.default_config, blocks={})  # no blocks, so no copies
        super().__init__(unlisted)

    def __setitem__(self, key: int, value: Any) -> None:
        """Store a changed component, or the value of a `gr.State`."""
        if isinstance(self.blocks_config.blocks.get(key), State):
            super().__setitem__(key, value)
        else:
            self.blocks_config.blocks[key] = value

    def _update_config(self, key: int) -> None:
        """Do nothing: there is no copy to update."""

    def _update_value_in_config(self, key: int, value: Any) -> None:
        """Do nothing: there is no copy to update."""


class Sessions(StateHolder):
    """The sessions of all visitors."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]

    def __getitem__(self, session_id: str) -> SessionState:
        """Return the session with this id; it is created if it does not exist."""
        if session_id not in self.session_data:
            self.session_data[session_id] = Session(self.blocks)
        return super().__getitem__(session_id)


def install_light_sessions(page: Blocks) -> None:
    """Make a launched page use these sessions."""
    sessions = Sessions()
    sessions.set_blocks(page)
    page.app.state_holder = sessions
