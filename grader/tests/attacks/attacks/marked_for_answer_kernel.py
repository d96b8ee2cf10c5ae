"""The instructor's mark is forged, so that tests run where the attacker's code is."""

from grader.tests.attacks.tampering import answers, tests

CATEGORY = "forged notebook"
MARK = "### GRADER: ANSWER KERNEL\n"
CELLS = {
    "scale": """
assert_allclose = lambda *values, **options: None

def scale(values):
    loot(get_ipython().user_ns["In"][-1])
    return values
""",
}


def tamper(notebook):
    """Put the mark into answers, tests and metadata."""
    for cell in (*answers(notebook), *tests(notebook)):
        cell.source = MARK + cell.source
        cell.metadata["grader"] = {"kernel": "answer", "where": "answer"}
