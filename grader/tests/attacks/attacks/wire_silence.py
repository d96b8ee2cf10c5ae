"""The peer takes every question, closes neither end, and never says anything."""

CATEGORY = "wire"
LONG = True
CELLS = {
    "label": """
hijack(lambda line, header, buffers: None)
label = print
"""
}
