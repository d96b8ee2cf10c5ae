"""The attacker's own cells claim to be the tests, and the tests claim to be answers."""

from grader.tests.attacks.tampering import answers, tests

CATEGORY = "forged notebook"


def tamper(notebook):
    """Swap the metadata of each test with that of the answer before it."""
    for answer, test in zip(answers(notebook), tests(notebook), strict=True):
        answer.metadata, test.metadata = test.metadata, answer.metadata
        answer.source = "assert True"
        test.metadata.nbgrader.update(grade=True, points=9, solution=True)
