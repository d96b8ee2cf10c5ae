"""Graphics cards: which assignments ask for one, which a machine has, and how one is passed in."""

from __future__ import annotations

import ast
import os
import platform
import re
from dataclasses import replace

from grader.errors import SandboxError
from grader.release import AssignmentTemplate
from grader.sandbox import SandboxPolicy
from grader.sandbox.host import cuda_devices

CPU = "cpu"
CUDA = "cuda"
RESOURCE = "GPU"
"""What a worker with a graphics card is started with: `dask worker --resources GPU=1`."""

_PARAMETER = "DEVICE"
_VISIBLE = "CUDA_VISIBLE_DEVICES"
_CARD = re.compile(r"nvidia(\d+)")


def asks_for_device(template: AssignmentTemplate) -> bool:
    """Whether a notebook's cell with the tag `parameters` gives DEVICE a value."""
    return any(
        _PARAMETER in _assigned(cell.source)
        for notebook in template.notebooks.values()
        for cell in notebook.cells
        if "parameters" in cell.tags
    )


def _assigned(source: str) -> set[str]:
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return set()
    return {
        node.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }


def cards() -> list[str]:
    """The graphics cards that this process may use, as CUDA numbers or names them."""
    if _VISIBLE in os.environ:
        return [card.strip() for card in os.environ[_VISIBLE].split(",") if card.strip()]
    return [found[1] for node in cuda_devices() if (found := _CARD.fullmatch(node.name))]


def use_card(number: int, names: list[str]) -> None:
    """Bind this worker, the `number`th of its machine, to one of the cards."""
    os.environ[_VISIBLE] = names[number % len(names)]


def cuda_policy(policy: SandboxPolicy) -> SandboxPolicy:
    """`policy` with this worker's graphics card in the sandbox.

    Raises:
        SandboxError: there is none.
    """
    if not cards() or not cuda_devices():
        raise SandboxError(
            f"The worker on {platform.node()} has no NVIDIA graphics card: start it without "
            f"`--resources {RESOURCE}=1`, or grade with `--device {CPU}`."
        )
    # torch must not start CUDA to learn whether there is a card: a kernel may be forked later
    extra = [("PYTORCH_NVML_BASED_CUDA_CHECK", "1")]
    if _VISIBLE in os.environ:
        extra.append((_VISIBLE, os.environ[_VISIBLE]))
    return replace(policy, devices=cuda_devices(), environment=(*policy.environment, *extra))
