"""A cell at the end of the notebook gives away the tests that ran before it."""

CATEGORY = "forged notebook"
EXTRA = [
    (
        -1,
        """
for source in get_ipython().user_ns["In"]:
    if "assert" in source:
        loot(source)
for name in ("canary", "expected", "word", "target", "table", "price"):
    loot(globals().get(name))
""",
    )
]
