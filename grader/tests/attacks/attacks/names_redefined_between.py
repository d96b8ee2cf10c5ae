"""Cells added before each test give the test's own helpers another meaning."""

CATEGORY = "forged notebook"
LIES = """
assert_allclose = lambda *values, **options: None
np.loadtxt = lambda *values, **options: np.zeros(1)
isclose = isinstance = lambda *values, **options: True
abs = lambda value: 0.0
constant = 1.0
scale = total = lambda *values: np.zeros(3)
total = lambda: 0.0
"""
EXTRA = [(position, LIES) for position in (3, 6, 17)]
