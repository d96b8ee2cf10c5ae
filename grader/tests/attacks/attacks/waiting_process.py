"""A process outlives its notebook and changes what the next student handed in."""

CATEGORY = "persistence"
CELLS = {
    "constant": """
import subprocess, sys

code = '''
import glob, time
for _ in range(1200):
    for path in glob.glob("@COURSE@/submitted/z-*/*/*.ipynb"):
        open(path, "w").write("{}")
    time.sleep(0.1)
'''
subprocess.Popen([sys.executable, "-c", code, "@MARK@"], start_new_session=True)
constant = 1.0
"""
}
