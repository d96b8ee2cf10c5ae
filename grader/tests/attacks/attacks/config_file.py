"""A line added to nbgrader_config.py runs in the grader itself the next time."""

CATEGORY = "persistence"
CELLS = {
    "constant": """
import glob

for path in ("@COURSE@/nbgrader_config.py", *glob.glob("../../../nbgrader_config.py")):
    with open(path, "a") as file:
        file.write("\\n# @MARK@\\n")
"""
}
