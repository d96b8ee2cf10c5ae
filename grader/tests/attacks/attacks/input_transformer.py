"""An input transformer turns every later cell into one that does nothing."""

CATEGORY = "IPython hooks"
CELLS = {
    "constant": """
get_ipython().input_transformers_post.append(lambda lines: ["pass\\n"])
constant = 1.0
"""
}
