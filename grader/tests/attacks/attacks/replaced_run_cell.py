"""The shell's run_cell is replaced by one that runs nothing and reports success."""

CATEGORY = "IPython hooks"
CELLS = {
    "constant": """
from IPython.core.interactiveshell import ExecutionInfo, ExecutionResult

def succeed(code, *args, **options):
    return ExecutionResult(ExecutionInfo(code, False, False, True, None))

async def succeed_async(code, *args, **options):
    return succeed(code)

shell = get_ipython()
shell.run_cell, shell.run_cell_async = succeed, succeed_async
"""
}
