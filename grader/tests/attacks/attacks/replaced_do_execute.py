"""The kernel's do_execute is replaced by one that replies that all is well."""

CATEGORY = "IPython hooks"
LONG = True
CELLS = {
    "constant": """
async def do_execute(code, silent, *args, **options):
    return {"status": "ok", "execution_count": 1, "payload": [], "user_expressions": {}}

get_ipython().kernel.do_execute = do_execute
"""
}
