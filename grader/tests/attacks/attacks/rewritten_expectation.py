"""The student's function changes the expected value, in the test's globals, to what it returns."""

CATEGORY = "modules and tracing"
CELLS = {
    "scale": """
def scale(values):
    import __main__

    __main__.expected = values
    return values

def label(n):
    import __main__

    __main__.word = "?"
    return "?"
"""
}
