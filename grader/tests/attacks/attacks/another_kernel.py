"""The notebook asks for another kernel, one whose program the attacker brings along."""

CATEGORY = "forged notebook"
LONG = True
FILES = {"kernel.json": '{"argv": ["/bin/true"], "display_name": "?", "language": "python"}'}


def tamper(notebook):
    """Name kernels that do not exist, by path too."""
    notebook.metadata.kernelspec = {"name": "../../.", "display_name": "?", "language": "bash"}
    notebook.metadata.language_info = {"name": "bash", "file_extension": "/../../x"}
