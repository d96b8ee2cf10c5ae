"""The function with which a test reads its data reads what the attacker likes."""

CATEGORY = "patched libraries"
LONG = True
CELLS = {
    "total": """
np.loadtxt = lambda *values, **options: np.zeros(1)

def total():
    return 0.0
"""
}
