"""torch.tensor makes ones of the expected values, which is what the attacker gives back."""

CATEGORY = "patched libraries"
LONG = True
NOTEBOOK = "tensors"
CELLS = {
    "slope": """
torch.tensor = lambda *values, **options: torch.ones(3, dtype=torch.float64)

def slope(x):
    return torch.ones(3, dtype=torch.float64)
"""
}
