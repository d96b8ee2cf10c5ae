"""A forged execute_result with a number of points is sent while the test runs."""

CATEGORY = "IPython hooks"
CELLS = {
    "share": """
def share(n):
    kernel = get_ipython().kernel
    content = {"data": {"text/plain": "3.0"}, "metadata": {}, "execution_count": 1}
    kernel.session.send(
        kernel.iopub_socket, "execute_result", content, parent=kernel.get_parent()
    )
    return 0.0
"""
}
