"""An IPython shell for notebooks with magics, outside of any kernel."""

from __future__ import annotations

from typing import Any

from IPython.core.interactiveshell import InteractiveShell


class QuietShell(InteractiveShell):
    """Knows magics, and shows nothing."""

    def enable_gui(self, gui: Any = None) -> None:
        """There is no event loop to enable."""


def shell() -> InteractiveShell:
    """The one shell of this process; notebooks call it get_ipython."""
    return QuietShell.instance()
