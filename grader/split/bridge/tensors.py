"""PyTorch across the boundary: tensors, their gradients, and modules.

A tensor that requires a gradient has a key, `(side, number)`, under which both sides keep their
own copy of it. What is computed from copies comes back linked: its backward pass asks the side
that computed it for the vector-Jacobian product, as deep as the graph goes to and fro.
Parameters and buffers of modules are kept equal on both sides with every message.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from .decoding import Decoder
from .modules import RemoteModule
from .values import SMALL_BUFFER, CannotCross, Encoder
from .wire import WireError

if TYPE_CHECKING:
    from .crossing import Crossing

_DTYPES = {
    str(found).removeprefix("torch."): found
    for found in (
        *(torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.bool, torch.uint8),
        *(torch.int8, torch.int16, torch.int32, torch.int64, torch.complex64, torch.complex128),
    )
}
_NUMPYS = frozenset(_DTYPES.values()) - {torch.bfloat16}
_MAX_DIMENSIONS = 32
_OURS, _THEIRS = 0, 1
Key = tuple[int, int]
"""Whose tensor it was first (ours or theirs), and its number there."""


class Link(torch.autograd.Function):
    """A tensor that the other side computed from tensors of this one."""

    @staticmethod
    def forward(
        ctx: Any, crossing: Crossing, number: int, keys: list[Any], value: Any, *inputs: Any
    ) -> Any:
        """The value itself."""
        ctx.crossing, ctx.number, ctx.keys = crossing, number, keys
        return value.view_as(value)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        """Ask for the vector-Jacobian product; differentiable where a graph is wanted."""
        if ctx.number in ctx.crossing.tensors.cut:
            return (None,) * len(ctx.needs_input_grad)
        found = ctx.crossing.peer.ask(
            "vjp",
            ctx.number,
            [list(key) for key in ctx.keys],
            gradients[0],
            torch.is_grad_enabled(),
        )
        if type(found) is not list or len(found) != len(ctx.keys):
            raise WireError("malformed gradients")
        found += [None] * (len(ctx.needs_input_grad) - 4 - len(found))
        return (None, None, None, None, *found)


class TensorCrossing:
    """Encodes and decodes tensors for one `Crossing`.

    Args:
        crossing: which knows the peer and the mirrors.
    """

    def __init__(self, crossing: Crossing) -> None:
        self._crossing = crossing
        self._tensors: dict[Key, Any] = {}
        self._keys: dict[int, Key] = {}
        self._versions: dict[Key, Any] = {}
        self._kept: dict[Key, _Kept] = {}
        self._nodes: dict[Any, Key] = {}
        self.cut: frozenset[int] = frozenset()
        """Computed tensors of theirs behind which they go on with the backward pass themselves."""
        self._next = 0

    def forget(self) -> None:
        """Drop graphs; tensors of modules stay."""
        self._tensors = {key: found for key, found in self._tensors.items() if key in self._kept}
        self._keys = {id(found): key for key, found in self._tensors.items()}
        self._versions = {k: found for k, found in self._versions.items() if k in self._tensors}
        self._nodes.clear()

    # tensors

    def encode(self, value: Any, encoder: Encoder) -> Any:
        """The node of a tensor."""
        encoder.number(value)
        return self.write(value, encoder)

    def write(self, value: Any, encoder: Encoder) -> Any:
        """The node of a tensor that has a number already."""
        if value.layout is not torch.strided or value.is_quantized:
            raise CannotCross(f"a tensor of layout {value.layout}")
        name = str(value.dtype).removeprefix("torch.")
        if name not in _DTYPES:
            raise CannotCross(f"a tensor of dtype {value.dtype}")
        link: Any = None
        if value.requires_grad or self._keys.get(id(value)) in self._kept:
            key = self._key(value)
            link = [*key, [list(leaf) for leaf in self._leaves(value)[0]]]
        gradient = None
        if value.is_leaf and value.grad is not None and value.requires_grad:
            gradient = [*_meta(value.grad), encoder.buffer(_data(value.grad))]
        flags = ("p" if isinstance(value, torch.nn.Parameter) else "") + (
            "" if not value.requires_grad else "g" if value.is_leaf else "c"
        )
        return ["T", *_meta(value), flags, link, gradient, encoder.buffer(_data(value))]

    def decode(self, node: list[Any], decoder: Decoder) -> Any:
        """The tensor of a node."""
        _, name, shape, device, flags, link, gradient, index = node
        value = self._plain(name, shape, device, index, decoder)
        grad = None
        if gradient is not None:
            grad = self._gradient(gradient, decoder)
        if link is None:
            if flags == "p":
                value = torch.nn.Parameter(value, requires_grad=False)
            return decoder.number(value)
        return decoder.number(self._linked(value, flags, link, grad))

    def _linked(self, value: Any, flags: str, link: Any, gradient: Any) -> Any:
        side, number, leaves = link
        if side not in (_OURS, _THEIRS) or type(number) is not int or type(leaves) is not list:
            raise WireError("a malformed link")
        key = (1 - side, number)  # the sender's own are not ours
        known = self._tensors.get(key)
        if known is not None:
            if known.shape != value.shape or known.dtype != value.dtype:
                raise WireError("a tensor that became another")
            if (key[0] == _OURS or known.is_leaf) and not torch.equal(known.detach(), value):
                self._crossing.before_change(known)
                with torch.no_grad():
                    known.data.copy_(value)  # as of one tensor: no new version
            if gradient is not None and known.is_leaf:
                known.grad = gradient
            return known
        if key[0] == _OURS:
            raise WireError("a tensor that was never sent")
        if "c" in flags:
            value = self._computed(value, number, leaves)
        elif "g" in flags:
            value = self._leaf(value, flags, gradient)
        elif "p" in flags:
            value = torch.nn.Parameter(value, requires_grad=False)
        self._tensors[key] = value
        self._keys[id(value)] = key
        self._versions[key] = value._version
        if "c" in flags:
            self._nodes[value.grad_fn] = key
        return value

    def _computed(self, value: Any, number: int, leaves: list[Any]) -> Any:
        """A tensor linked to those of ours that it was computed from, if there are any."""
        _needs_real(value)
        keys = [self._known_key(leaf) for leaf in leaves]
        inputs = [self._tensors[found] for found in keys]
        if not any(found.requires_grad for found in inputs):
            inputs.append(torch.zeros((), requires_grad=True))  # so that backward is asked for
        theirs = [(1 - side, at) for side, at in keys]
        with torch.enable_grad():
            made: Any = Link.apply  # untyped in torch
            return made(self._crossing, number, theirs, value, *inputs)

    @staticmethod
    def _leaf(value: Any, flags: str, gradient: Any) -> Any:
        _needs_real(value)
        value = torch.nn.Parameter(value) if "p" in flags else value.requires_grad_()
        value.grad = gradient
        return value

    def _known_key(self, found: Any) -> Key:
        if type(found) is not list or len(found) != 2:
            raise WireError("a malformed key")
        key = (1 - found[0], found[1]) if found[0] in (_OURS, _THEIRS) else None
        if key is None or key not in self._tensors:
            raise WireError("a gradient of a tensor that was never sent")
        return key

    def _key(self, value: Any) -> Key:
        key = self._keys.get(id(value))
        if key is not None and (
            key[0] == _OURS or value.is_leaf or self._versions.get(key) == value._version
        ):
            return key
        self._next += 1
        key = (_OURS, self._next)
        self._tensors[key] = value
        self._keys[id(value)] = key
        return key

    def _leaves(self, value: Any) -> tuple[list[Key], list[Any]]:
        """What `value` was computed from: keys that the other side knows, and other leaves."""
        known: dict[Key, None] = {}
        other: dict[int, Any] = {}
        seen = set()
        waiting = [] if value.grad_fn is None else [value.grad_fn]
        while waiting:
            node = waiting.pop()
            if node in seen:
                continue
            seen.add(node)
            if node in self._nodes:
                known[self._nodes[node]] = None
                continue
            variable = getattr(node, "variable", None)
            if variable is not None:
                key = self._keys.get(id(variable))
                if key is not None:
                    known[key] = None
                else:
                    other[id(variable)] = variable
            waiting += [step for step, _ in node.next_functions if step is not None]
        return list(known), list(other.values())

    def vjp(self, number: Any, keys: Any, gradient: Any, graph: Any) -> Any:
        """Serve the backward pass of something computed here."""
        if type(keys) is not list or not isinstance(gradient, torch.Tensor):
            raise WireError("a malformed backward pass")
        output = self._tensors.get((_OURS, number))
        if output is None or output.shape != gradient.shape:
            raise WireError("a backward pass of nothing")
        inputs = []
        for found in keys:
            key = tuple(found)
            if key not in self._tensors:
                raise WireError("a gradient of a tensor that was never sent")
            inputs.append(self._tensors[key])
        own = self._leaves(output)[1]
        computed = {key[1] for key in map(tuple, keys) if key[0] == _THEIRS}
        before, self.cut = self.cut, frozenset(computed)
        try:
            found = torch.autograd.grad(
                [output],
                [*inputs, *own],
                [gradient],
                retain_graph=True,
                create_graph=graph is True,
                allow_unused=True,
            )
        finally:
            self.cut = before
        for leaf, grad in zip(own, found[len(inputs) :], strict=True):
            if grad is not None:  # of a leaf that only this side knows
                self._crossing.before_change(leaf)
                leaf.grad = grad if leaf.grad is None else leaf.grad + grad
        return list(found[: len(inputs)])

    def overwrite(self, value: Any, node: Any, decoder: Decoder) -> None:
        """Do to a tensor of ours what was done to its copy, gradient included."""
        if type(node) is not list or len(node) != 8 or node[0] != "T":
            raise WireError("a change of kind")
        _, name, shape, device, _, _, gradient, index = node
        new = self._plain(name, shape, device, index, decoder)
        if new.shape != value.shape or new.dtype != value.dtype:
            raise CannotCross("a tensor argument changed its shape or dtype in place")
        if not torch.equal(value.detach(), new):
            with torch.no_grad():
                value.data.copy_(new)
        if gradient is not None:
            grad = self._gradient(gradient, decoder)
            if value.is_leaf:
                value.grad = grad
            elif value.requires_grad:
                torch.autograd.backward([value], [grad], retain_graph=True)

    def _plain(
        self, name: Any, shape: Any, device: Any, index: Any, decoder: Decoder
    ) -> torch.Tensor:
        dtype = _DTYPES.get(name)
        if dtype is None or type(device) is not str:
            raise WireError("a tensor that may not pass")
        data = decoder.buffer(index)
        sizes = decoder.shape(shape, dtype.itemsize, len(data))
        if len(sizes) > _MAX_DIMENSIONS:
            raise WireError("a tensor of too many dimensions")
        if not data:
            return torch.empty(sizes, dtype=dtype)
        if dtype is torch.bool:  # a byte of which only 0 and 1 mean anything
            value = torch.frombuffer(data, dtype=torch.uint8).reshape(sizes).ne(0)
        else:  # nobody else has these bytes
            value = torch.frombuffer(data, dtype=dtype).reshape(sizes)
        if device.startswith("cuda"):
            if not torch.cuda.is_available():
                raise CannotCross("a tensor on a graphics card, which this kernel does not have")
            value = value.cuda()
        return value

    def _gradient(self, node: Any, decoder: Decoder) -> torch.Tensor:
        if type(node) is not list or len(node) != 4:
            raise WireError("a malformed gradient")
        name, shape, device, index = node
        return self._plain(name, shape, device, index, decoder)

    def name(self, text: Any) -> Any:
        """A dtype or device by its name."""
        if type(text) is str and text.removeprefix("torch.") in _DTYPES:
            return _DTYPES[text.removeprefix("torch.")]
        if type(text) is str and text.partition(":")[0] in ("cpu", "cuda", "meta"):
            return torch.device(text)
        raise WireError("a name that may not pass")

    # modules

    def module(self, number: int, cls: type) -> Any:
        """A mirror of a module."""
        if not issubclass(cls, RemoteModule):
            raise WireError("a module of a class that is none")
        made = cls.__new__(cls)
        torch.nn.Module.__init__(made)
        made.__dict__["_crossing"] = self._crossing
        made.__dict__["_number"] = number
        return made

    def fill(self, module: Any) -> None:
        """Fetch what a fresh mirror holds: parameters, buffers, children."""
        found = self._crossing.peer.ask("module", module)
        if type(found) is not tuple or len(found) != 4:
            raise WireError("a malformed module")
        training, parameters, buffers, children = found
        module.__dict__["training"] = training is True
        for name, value in parameters.items():
            if not isinstance(value, torch.Tensor):
                raise WireError("a malformed module")
            if not isinstance(value, torch.nn.Parameter):
                value = torch.nn.Parameter(value, requires_grad=False)
            module._parameters[name] = value
        for name, value in buffers.items():
            module._buffers[name] = value
        for name, child in children.items():
            if not isinstance(child, torch.nn.Module):
                raise WireError("a malformed module")
            module._modules[name] = child
        for value in [*module._parameters.values(), *module._buffers.values()]:
            self._share(value)
        module.__dict__["_mirrored"] = dict(module.named_parameters())

    def describe_module(self, module: Any) -> Any:
        """What `fill` of the other side takes in; from here on its tensors are kept equal."""
        for value in [*module._parameters.values(), *module._buffers.values()]:
            if value is not None:
                self.keep(value)
        return (
            module.training,
            {name: v for name, v in module._parameters.items() if v is not None},
            {name: v for name, v in module._buffers.items() if v is not None},
            {name: v for name, v in module._modules.items() if v is not None},
        )

    def keep(self, value: Any) -> None:
        """Keep a tensor of ours equal on both sides from now on."""
        key = self._key(value)
        if key not in self._kept:
            self._kept[key] = _Kept(value)

    def changed(self, encoder: Encoder) -> list[Any]:
        """Nodes of kept tensors that were changed on this side since the last message."""
        nodes = []
        for key, kept in self._kept.items():
            if kept.changed():
                value = kept.value
                grad = value.grad if value.is_leaf else None
                gradient = None if grad is None else [*_meta(grad), encoder.buffer(_data(grad))]
                flags = [value.requires_grad, gradient]
                nodes.append([*key, *_meta(value), *flags, encoder.buffer(_data(value))])
        return nodes

    def take_in(self, nodes: Any, decoder: Decoder) -> None:
        """Make kept tensors what the other side made of them."""
        for node in nodes if type(nodes) is list else [None]:
            if type(node) is not list or len(node) != 8 or node[0] not in (_OURS, _THEIRS):
                raise WireError("a malformed tensor")
            side, number, name, shape, device, wanted, gradient, index = node
            key = (1 - side, number)
            new = self._plain(name, shape, device, index, decoder)
            grad = None if gradient is None else self._gradient(gradient, decoder)
            kept = self._kept.get(key)
            if kept is None:
                if key[0] == _THEIRS:
                    continue  # its module has no mirror here any more
                raise WireError("a tensor that is not shared")
            value = kept.value
            if new.shape != value.shape or new.dtype != value.dtype:
                raise WireError("a shared tensor became another")
            self._crossing.before_change(value)
            with torch.no_grad():
                value.data.copy_(new)
            value.grad = grad
            if value.is_leaf and (value.is_floating_point() or value.is_complex()):
                value.requires_grad_(wanted is True)
            kept.note()

    def _share(self, value: Any) -> None:
        """Keep the mirror of a module's tensor equal to its original from now on."""
        key = self._keys.get(id(value))
        if key is not None and key not in self._kept:
            self._kept[key] = _Kept(value)


class _Kept:
    """A tensor that is kept equal on both sides, and how it looked at the last message."""

    def __init__(self, value: Any) -> None:
        self.value = value
        self.note()

    def note(self) -> None:
        grad = self.value.grad if self.value.is_leaf else None
        self._wanted = self.value.requires_grad
        self._copy = self.value.detach().clone()
        self._grad = None if grad is None else (grad, grad._version)

    def changed(self) -> bool:
        grad = self.value.grad if self.value.is_leaf else None
        same_grad = (grad is None and self._grad is None) or (
            grad is not None
            and self._grad is not None
            and grad is self._grad[0]
            and grad._version == self._grad[1]
        )
        same_grad = same_grad and self.value.requires_grad == self._wanted
        same = same_grad and torch.equal(self.value.detach(), self._copy)
        if not same:
            self.note()
        return not same


def _needs_real(value: Any) -> None:
    if not (value.is_floating_point() or value.is_complex()):
        raise WireError("a gradient of integers")


def _meta(value: Any) -> list[Any]:
    return [str(value.dtype).removeprefix("torch."), list(value.shape), str(value.device)]


def _data(value: Any) -> Any:
    if value.is_cpu and value.dtype in _NUMPYS and value.nbytes <= SMALL_BUFFER:
        return value.numpy(force=True).tobytes()
    flat = value.detach().cpu().resolve_conj().resolve_neg().contiguous().reshape(-1)
    return flat.view(torch.uint8).numpy() if flat.numel() else b""
