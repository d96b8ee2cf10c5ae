"""A mirror of one of PyTorch's modules."""

from __future__ import annotations

from typing import Any

import torch

from .mirror import RemoteMeta
from .values import CannotCross


class RemoteModule(torch.nn.Module, metaclass=RemoteMeta):
    """A mirror of a module: its parameters and buffers are here, its forward pass is not."""

    _mirrors_only = True
    _crossing: Any = None
    _number = 0
    _asked = False

    def forward(self, *arguments: Any, **options: Any) -> Any:
        """Ask the owner; parameters put in by `torch.func.functional_call` go along."""
        mirrored = self.__dict__["_mirrored"]
        replaced = {
            name: value
            for name, value in self.named_parameters()
            if mirrored.get(name) is not value
        }
        return self._crossing.peer.ask("forward", self, replaced, arguments, options)

    def train(self, mode: bool = True) -> Any:
        """As of a module."""
        super().train(mode)
        self._crossing.peer.ask("train", self, mode)
        return self

    def _apply(self, fn: Any, recurse: bool = True) -> Any:
        for value in self.parameters():
            new = fn(value.detach())
            if new.dtype != value.dtype or new.device != value.device:
                raise CannotCross(
                    f"a {type(self).__name__} is not moved or converted from the other kernel"
                )
        return self

    def __getattr__(self, name: str) -> Any:
        try:
            return super().__getattr__(name)
        except AttributeError:
            if name.startswith("_"):
                raise
        return self._crossing.peer.ask("attr", self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "training" or name.startswith("_"):
            super().__setattr__(name, value)
        else:
            self._crossing.peer.ask("set", self, name, value)

    def __repr__(self) -> str:
        return str(self._crossing.peer.ask("special", self, "__repr__"))

    def __deepcopy__(self, memo: Any) -> Any:
        return self._crossing.peer.ask("copy", self, True)

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise CannotCross(f"a {type(self).__name__} stays in the answer kernel; it is not pickled")
