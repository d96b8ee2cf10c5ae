"""torch.allclose and torch.equal always agree."""

CATEGORY = "patched libraries"
NOTEBOOK = "tensors"
CELLS = {
    "slope": """
torch.allclose = torch.equal = lambda *values, **options: True

def slope(x):
    return x

class Layer(torch.nn.Module):
    def forward(self, x):
        return x
"""
}
