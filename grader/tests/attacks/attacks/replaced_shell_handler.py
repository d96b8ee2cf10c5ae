"""The handler of execute requests is replaced: it replies ok at once and runs no cell."""

CATEGORY = "IPython hooks"
LONG = True
CELLS = {
    "constant": """
kernel = get_ipython().kernel

async def handler(stream, ident, parent):
    kernel.session.send(stream, "execute_reply", {
        "status": "ok", "execution_count": 1, "payload": [], "user_expressions": {},
    }, parent, ident=ident)

kernel.shell_handlers["execute_request"] = handler
"""
}
