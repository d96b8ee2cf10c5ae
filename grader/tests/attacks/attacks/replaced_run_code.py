"""The shell compiles later cells and then runs none of them."""

CATEGORY = "IPython hooks"
LONG = True
CELLS = {
    "constant": """
async def run_code(code, result=None, *, async_=False):
    return False

get_ipython().run_code = run_code
"""
}
