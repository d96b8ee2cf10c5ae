"""All memory of the answer kernel is searched, while a test calls it, for planted words."""

from grader.tests.attacks.memory import SEARCH

CATEGORY = "frames, gc, history"
CELLS = {
    "label": f"{SEARCH}\n\ndef label(n):\n    report_memory()",
}
