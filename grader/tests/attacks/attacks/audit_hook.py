"""An audit hook, which nothing can remove, sees each piece of code before it is run."""

CATEGORY = "modules and tracing"
LONG = True
CELLS = {
    "constant": """
import sys

def hook(event, args):
    if event == "exec" and "assert" in str(args[0].co_names) + "assert":
        if args[0].co_name == "<module>" and "ipykernel" in args[0].co_filename:
            loot(args[0].co_consts)

sys.addaudithook(hook)
constant = 1.0
"""
}
