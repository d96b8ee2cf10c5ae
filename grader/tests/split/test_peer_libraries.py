"""PyTorch and pandas across the boundary: gradients, modules, frames."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import torch

from grader.split.bridge.values import CannotCross
from grader.tests.split.pairs import Pair, pair


@pytest.fixture
def two() -> Iterator[Pair]:
    with pair() as found:
        found.write("import torch\nimport pandas as pd\nimport numpy as np")
        yield found


NET = """
    class Net(torch.nn.Module):
        def __init__(self, width=3):
            super().__init__()
            torch.manual_seed(0)
            self.first = torch.nn.Linear(2, width, dtype=torch.float64)
            self.drop = torch.nn.Dropout(0.9)
            self.norm = torch.nn.BatchNorm1d(width, dtype=torch.float64)
            self.last = torch.nn.Linear(width, 1, dtype=torch.float64)
            self.width = width
        def forward(self, x, scale=1.0):
            return scale * self.last(self.drop(self.norm(torch.tanh(self.first(x)))))
        def features(self, x):
            return torch.tanh(self.first(x))
    def make(): return Net()
"""
DTYPES = [torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.complex64]
DTYPES += [torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64]


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_tensors_arrive_as_they_were(two: Pair, dtype: torch.dtype) -> None:
    two.write("def same(x):\n    global got\n    got = x.clone()\n    return got")
    for value in (
        torch.ones(2, 3).to(dtype),
        torch.tensor(1).to(dtype),
        torch.zeros(0, 2).to(dtype),
    ):
        found = two["same"](value)
        assert (found.dtype, found.shape) == (dtype, value.shape)
        assert torch.equal(found, value)
    strided = torch.arange(6).reshape(2, 3).to(dtype).T
    assert torch.equal(two["same"](strided), strided)


def test_a_sparse_tensor_is_refused(two: Pair) -> None:
    two.write("def f(x): return x")
    with pytest.raises(CannotCross, match="layout"):
        two["f"](torch.eye(2).to_sparse())


def test_a_tensor_that_was_changed_in_place_is_changed_here(two: Pair) -> None:
    two.write("def fill(x): x.fill_(7)\ndef grow(x): x.resize_(9)")
    value = torch.zeros(2, 2)
    row = value[0]
    two["fill"](value)
    assert row.tolist() == [7, 7]
    with pytest.raises((CannotCross, RuntimeError)):
        two["grow"](torch.zeros(2))


def test_gradients_flow_through_a_students_function(two: Pair) -> None:
    two.write("def f(x, y): return (x * y).sin() + x.pow(3).sum()")
    f = two["f"]
    x = torch.randn(3, dtype=torch.float64, requires_grad=True)
    y = torch.randn(3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(f, (x, y))
    assert torch.autograd.gradgradcheck(f, (x, y))
    f(x, y).sum().backward()
    wanted = torch.autograd.grad(((x * y).sin() + x.pow(3).sum()).sum(), (x, y))
    torch.testing.assert_close((x.grad, y.grad), wanted)


def test_gradients_flow_through_several_calls_and_our_own_steps(two: Pair) -> None:
    two.write("def f(x): return x.exp()\ndef g(a, b): return a * b")
    x = torch.tensor([0.5, 1.0], dtype=torch.float64, requires_grad=True)
    result = two["g"](two["f"](x) * 2, two["f"](x + 1)).sum()
    (found,) = torch.autograd.grad(result, x)
    torch.testing.assert_close(found, 2 * (2 * (2 * x + 1).exp()).detach())


def test_a_function_of_the_tests_is_differentiated_by_the_student(two: Pair) -> None:
    two.write(
        """
        def slope(f, at):
            x = torch.tensor(at, dtype=torch.float64, requires_grad=True)
            (found,) = torch.autograd.grad(f(x), x)
            return found.item()
        def newton(f, at):
            for _ in range(20):
                x = torch.tensor(at, dtype=torch.float64, requires_grad=True)
                y = f(x)
                y.backward()
                at = at - y.item() / x.grad.item()
            return at
        """
    )
    assert two["slope"](lambda x: x**3, 2.0) == pytest.approx(12)
    assert two["newton"](lambda x: x * x - 2, 1.0) == pytest.approx(2**0.5)


def test_a_backward_pass_of_the_students_fills_our_gradients(two: Pair) -> None:
    two.write("def learn(w):\n    loss = (w ** 2).sum()\n    loss.backward()\n    return loss")
    w = torch.tensor([1.0, 2.0], requires_grad=True)
    two["learn"](w)
    assert w.grad is not None
    assert w.grad.tolist() == [2, 4]


def test_a_module_has_its_parameters_and_state_here(two: Pair) -> None:
    two.write(NET)
    net = two["make"]()
    assert isinstance(net, torch.nn.Module)
    assert isinstance(net, two["Net"])
    names = [name for name, _ in net.named_parameters()]
    assert names == [f"{n}.{w}" for n in ("first", "norm", "last") for w in ("weight", "bias")]
    assert sum(p.numel() for p in net.parameters()) == 2 * 3 + 3 + 3 + 3 + 3 + 1
    assert all(isinstance(p, torch.nn.Parameter) for p in net.parameters())
    assert "norm.running_mean" in net.state_dict()
    assert net.width == 3
    assert isinstance(net.first, torch.nn.Linear)
    assert net.features(torch.ones(1, 2, dtype=torch.float64)).shape == (1, 3)
    net.eval()
    assert not net.training
    x = torch.randn(4, 2, dtype=torch.float64)
    assert torch.equal(net(x), net(x)), "no dropout in eval"
    assert torch.equal(net(x, scale=2.0), 2 * net(x))
    net.train()
    before = net.state_dict()["norm.running_mean"].clone()
    net(x)
    assert not torch.equal(net.state_dict()["norm.running_mean"], before)


def test_a_module_is_trained_from_this_side(two: Pair) -> None:
    two.write(NET + "    net = Net().eval()\n    def weight(): return net.last.weight.detach()")
    net = two["net"]
    x = torch.randn(8, 2, dtype=torch.float64)
    wanted = x.sum(1, keepdim=True)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    losses = []
    for _ in range(20):
        optimizer.zero_grad()
        loss = (net(x) - wanted).pow(2).mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] / 2
    torch.testing.assert_close(two["weight"](), net.last.weight.detach())


def test_parameters_may_be_loaded_and_replaced(two: Pair) -> None:
    two.write(NET)
    net, other = two["make"]().eval(), two["make"]().eval()
    with torch.no_grad():
        for p in other.parameters():
            p.zero_()
    x = torch.randn(3, 2, dtype=torch.float64)
    assert other(x).abs().sum() == 0
    other.load_state_dict(net.state_dict())
    torch.testing.assert_close(other(x), net(x))
    zeros = {name: torch.zeros_like(p) for name, p in net.named_parameters()}
    assert torch.func.functional_call(net, zeros, (x,)).abs().sum() == 0
    assert net(x).abs().sum() > 0
    inputs = [p.detach().clone().requires_grad_() for p in net.parameters()]
    names = [name for name, _ in net.named_parameters()]

    def through(*values: torch.Tensor) -> torch.Tensor:
        parameters = dict(zip(names, values, strict=True))
        return torch.func.functional_call(net, parameters, (x,))

    assert torch.autograd.gradcheck(through, inputs)


def test_a_students_training_loop_trains_a_module_of_the_tests(two: Pair) -> None:
    two.write(
        """
        def fit(net, x, y):
            optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
            for _ in range(20):
                optimizer.zero_grad()
                (net(x) - y).pow(2).mean().backward()
                optimizer.step()
        """
    )
    torch.manual_seed(0)
    net = torch.nn.Linear(2, 1)
    x = torch.randn(16, 2)
    y = x @ torch.tensor([[1.0], [2.0]])
    before = (net(x) - y).pow(2).mean().item()
    two["fit"](net, x, y)
    assert (net(x) - y).pow(2).mean().item() < before / 2


def test_parameters_that_a_student_freezes_are_frozen_here(two: Pair) -> None:
    two.write(
        """
        def freeze(model, wanted=False):
            for each in model[0].parameters(): each.requires_grad_(wanted)
        """
    )
    model = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Linear(2, 1))
    for wanted in (False, True):
        two["freeze"](model, wanted)
        assert [each.requires_grad for each in model.parameters()] == [wanted] * 2 + [True] * 2


def test_a_copy_of_a_module_is_another(two: Pair) -> None:
    two.write(NET)
    net = two["make"]().eval()
    other = copy.deepcopy(net)
    with torch.no_grad():
        other.last.bias.add_(1)
    x = torch.randn(3, 2, dtype=torch.float64)
    torch.testing.assert_close(other(x), net(x) + 1)


def frames() -> dict[str, pd.DataFrame]:
    index = pd.Index(["a", "b"], name="key")
    return {
        "plain": pd.DataFrame({"x": [1, 2], "y": [1.5, np.nan], "s": ["u", None]}),
        "labelled": pd.DataFrame({"x": [1, 2]}, index=index),
        "times": pd.DataFrame({"t": pd.to_datetime(["2024-01-01", "2024-02-01"])}),
        "kinds": pd.DataFrame({"c": pd.Categorical(["u", "v"]), "n": pd.array([1, None], "Int64")}),
        "levels": pd.DataFrame({("a", "b"): [1], ("a", "c"): [2]}),
        "empty": pd.DataFrame({"x": []}),
        "twice": pd.DataFrame([[1, 2]], columns=["x", "x"]),
    }


@pytest.mark.parametrize("name", frames())
def test_frames_arrive_as_they_were(two: Pair, name: str) -> None:
    two.write("def same(x):\n    global got\n    got = x.copy()\n    return got")
    frame = frames()[name]
    pd.testing.assert_frame_equal(two["same"](frame), frame)
    for at in range(frame.shape[1]):
        pd.testing.assert_series_equal(two["same"](frame.iloc[:, at]), frame.iloc[:, at])
    pd.testing.assert_index_equal(two["same"](frame.index), frame.index)


def test_a_frame_that_was_changed_in_place_is_changed_here(two: Pair) -> None:
    two.write("def add(f): f['z'] = f['x'] * 2\ndef leave(f): return f['x'].sum()")
    frame = pd.DataFrame({"x": [1, 2]})
    assert two["leave"](frame) == 3
    two["add"](frame)
    assert frame["z"].tolist() == [2, 4]
    assert list(frame.columns) == ["x", "z"]


@pytest.mark.parametrize("layout", ["csr", "csc", "coo", "lil", "dok"])
@pytest.mark.parametrize("kind", [scipy.sparse.coo_array, scipy.sparse.coo_matrix])
def test_sparse_matrices_go_by_value_both_ways(two: Pair, layout: str, kind: Any) -> None:
    matrix = kind(np.array([[0, 1.5], [0, 0], [2, 0]])).asformat(layout)
    two.write(
        """
        import scipy.sparse
        def same(x): return x
        def twice(x): return 2 * x
        def times(x, y): return x @ y
        def rescale(x): x *= 3
        """
    )
    assert two["same"](matrix) is matrix
    double = two["twice"](matrix)
    assert type(double) is type(2 * matrix)
    np.testing.assert_array_equal(double.toarray(), [[0, 3], [0, 0], [4, 0]])
    np.testing.assert_array_equal(two["times"](matrix, np.array([1, 1])), [1.5, 0, 2])
    assert abs(double - 2 * matrix).max() == 0
    if layout in ("csr", "csc", "coo"):
        two["rescale"](matrix)
        np.testing.assert_array_equal(matrix.toarray(), [[0, 4.5], [0, 0], [6, 0]])


def test_scalars_of_pandas(two: Pair) -> None:
    two.write("def same(x): return x")
    for value in (
        pd.Timestamp("2024-01-01 10:00"),
        pd.Timedelta("1 days"),
        pd.Timestamp("2024", tz="UTC"),
    ):
        assert two["same"](value) == value
    assert two["same"](pd.NaT) is pd.NaT
    assert two["same"](pd.NA) is pd.NA
