"""Outputs whose texts are lists of lines, which a file may hold, stop the scoring of a class."""

CATEGORY = "notebook bombs"
CELLS = {
    "constant": """
from ipykernel.zmqshell import ZMQInteractiveShell

kernel = get_ipython().kernel
send = kernel.session.send
for content in (
    {"name": "stdout", "text": ["one\\n", "two\\n"]},
    {"name": "stdout", "text": []},
):
    send(kernel.iopub_socket, "stream", content, kernel.get_parent())
for data in ({"text/plain": ["a", "b"]}, {"text/html": ["<b>", "</b>"]}):
    content = {"data": data, "metadata": {}, "transient": {}}
    send(kernel.iopub_socket, "display_data", content, kernel.get_parent())
"""
}
