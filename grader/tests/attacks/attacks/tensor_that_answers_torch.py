"""A subclass of Tensor answers PyTorch's functions itself, always with yes."""

CATEGORY = "lying objects"
NOTEBOOK = "tensors"
CELLS = {
    "slope": """
class Yes(torch.Tensor):
    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        return True

def slope(x):
    return torch.zeros(3, dtype=torch.float64).as_subclass(Yes)
"""
}
