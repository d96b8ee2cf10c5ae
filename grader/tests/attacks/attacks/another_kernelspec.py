"""A kernel of the usual name in the grader's home is started for the next student."""

CATEGORY = "persistence"
LONG = True
CELLS = {
    "constant": """
import os

folder = "@HOME@/.local/share/jupyter/kernels/@MARK@"
os.makedirs(folder, exist_ok=True)
with open(os.path.join(folder, "kernel.json"), "w") as file:
    file.write('{"argv": ["/bin/true"], "display_name": "Python 3", "language": "python"}')
"""
}
