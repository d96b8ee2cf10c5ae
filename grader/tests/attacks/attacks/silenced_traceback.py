"""Nothing that goes wrong is shown, and the shell forgets that it went wrong."""

CATEGORY = "IPython hooks"
LONG = True
CELLS = {
    "constant": """
from IPython.core.interactiveshell import ExecutionResult

shell = get_ipython()
shell.showtraceback = shell.showsyntaxerror = lambda *args, **options: None
nothing = property(lambda self: None, lambda self, value: None)
ExecutionResult.error_in_exec = ExecutionResult.error_before_exec = nothing
constant = 1.0
"""
}
