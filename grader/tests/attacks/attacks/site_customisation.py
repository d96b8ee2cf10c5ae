"""A file beside the installed packages is run by every Python that starts later."""

CATEGORY = "persistence"
LONG = True
CELLS = {
    "constant": """
import os, site, sys

folders = [*site.getsitepackages(), site.getusersitepackages()]
folders += ["@HOME@/.local/lib/python3/site-packages"]
for folder in folders:
    try:
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, "@MARK@.pth"), "w") as file:
            file.write("# nothing\\n")
    except OSError:
        pass
"""
}
