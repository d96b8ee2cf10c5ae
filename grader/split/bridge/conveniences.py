"""What a test may use without a word: modules by their usual names, and the student's figure."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .tester import Tester

CONVENTIONS = {
    "np": "numpy",
    "pd": "pandas",
    "plt": "matplotlib.pyplot",
    "mpl": "matplotlib",
    "nn": "torch.nn",
    "F": "torch.nn.functional",
    "optim": "torch.optim",
    "sp": "scipy",
    "sns": "seaborn",
    "nx": "networkx",
}
"""What everybody calls these modules; a test that uses such a name means the module itself."""
LIBRARIES = frozenset(
    ["numpy", "torch", "pandas", "matplotlib", "scipy", "sklearn", "gymnasium", "networkx"]
)


def conventional(name: str) -> Any:
    """The module that a name means by convention or because it is the module's own name."""
    target = CONVENTIONS.get(name, name)
    if name not in CONVENTIONS and name not in sys.stdlib_module_names and name not in LIBRARIES:
        return None
    try:
        __import__(target)
    except ImportError:
        return None
    return sys.modules[target]


def figures_of(tester: Tester) -> None:
    """Let a test cell's own `plt.gcf()` and `plt.gca()` find what a student's function drew."""
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is None or getattr(pyplot, "_of_student", False):
        return
    pyplot._of_student = True  # type: ignore[attr-defined]  # a mark of ours
    for what in ("gcf", "gca"):
        original = getattr(pyplot, what)

        def current(*arguments: Any, _what: str = what, _original: Any = original) -> Any:
            asked_by_test = sys._getframe(1).f_globals is tester.names
            if asked_by_test and not arguments and not _drawn(pyplot):
                found = tester.figure(_what)
                if found is not None:
                    return found
            return _original(*arguments)

        setattr(pyplot, what, current)


def _drawn(pyplot: Any) -> bool:
    """Whether the test itself has drawn something."""
    return any(pyplot.figure(number).axes for number in pyplot.get_fignums())
