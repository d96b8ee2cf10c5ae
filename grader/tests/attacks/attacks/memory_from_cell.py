"""All memory of the answer kernel is searched, from a cell after the tests, for planted words."""

from grader.tests.attacks.memory import SEARCH

CATEGORY = "frames, gc, history"
EXTRA = [(-1, f"{SEARCH}\nreport_memory()")]
