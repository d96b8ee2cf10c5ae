"""sys.exit(0) ends the notebook with a report of success before any test has run."""

CATEGORY = "exits and signals"
CELLS = {"constant": "import sys\n\nsys.exit(0)", "label": "quit()"}
