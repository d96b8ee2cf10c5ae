"""A module's output is a tensor subclass that, when compared, copies what it is compared with."""

CATEGORY = "lying objects"
LONG = True
NOTEBOOK = "tensors"
CELLS = {
    "layer": """
class Copying(torch.Tensor):
    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        if function is torch.equal:
            return super().__torch_function__(function, types, (args[1], args[1]), kwargs)
        return super().__torch_function__(function, types, args, kwargs or {})

class Layer(torch.nn.Module):
    def forward(self, x):
        return torch.zeros(2, dtype=torch.float64).as_subclass(Copying)
"""
}
