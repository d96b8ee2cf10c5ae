"""What is kept of a recorded call: copies that are made again, and distances between values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from grader.split.bridge.keeping import FAR, CannotKeep, Keeper, World, distance


def keeper() -> Keeper:
    return Keeper(lambda value: type(value).__name__ == "Foreign")


def kept_and_made(value: Any) -> tuple[Any, Any]:
    kept = keeper().keep(value)
    return kept, World().make(kept)


VALUES: list[Any] = [
    None,
    3,
    2.5,
    "text",
    np.arange(6.0).reshape(2, 3),
    np.float32(1.5),
    torch.arange(4),
    torch.ones(2, requires_grad=True),
    [1, (2, 3.0), {"a": np.ones(2)}, {4, 5}],
    np.array(["a", "b"]),
    len,
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_a_kept_value_is_made_again_as_it_was(value: Any) -> None:
    kept, made = kept_and_made(value)
    assert distance(made, kept) == 0.0
    assert type(made) is type(value)


def test_a_kept_value_is_a_private_copy() -> None:
    array, tensor, items = np.zeros(2), torch.zeros(2), [1]
    kept = keeper().keep([array, tensor, items])
    array[0], tensor[0] = 1.0, 1.0
    items.append(2)
    first, second = World().make(kept), World().make(kept)
    assert distance(first, kept) == 0.0
    first[0][0] = 7.0
    assert second[0][0] == 0.0
    assert second[2] == [1]


def test_what_is_passed_twice_is_one_object_again() -> None:
    array = np.zeros(2)
    _, made = kept_and_made((array, array))
    assert made[0] is made[1]


@pytest.mark.parametrize(
    "value",
    [object(), torch.nn.Linear(1, 1), np.array([object()])],
    ids=["object", "module", "objects"],
)
def test_what_cannot_be_copied_is_not_kept(value: Any) -> None:
    with pytest.raises(CannotKeep):
        keeper().keep([value])


def test_a_mirror_is_not_kept() -> None:
    class Foreign:
        def __call__(self) -> None: ...

    with pytest.raises(CannotKeep):
        keeper().keep({"f": Foreign()})


@pytest.mark.parametrize(
    ("got", "wanted"),
    [
        (1, 1.0),
        (True, 1),
        ([1], (1,)),
        (np.ones(2), [1.0, 1.0]),
        (np.ones(2), np.ones((1, 2))),
        (np.ones(2), np.ones(2, dtype=int)),
        (torch.ones(2), torch.ones(2, dtype=torch.float64)),
        (torch.ones(2), torch.ones(2, requires_grad=True)),
        (np.array([np.nan, 1.0]), np.array([1.0, np.nan])),
        (np.array([np.inf]), np.array([-np.inf])),
        ({"a": 1}, {"b": 1}),
        ("a", "b"),
    ],
)
def test_values_of_another_kind_or_shape_are_far_apart(got: Any, wanted: Any) -> None:
    assert distance(got, keeper().keep(wanted)) == FAR


def test_distance_is_measured_in_what_rounding_explains() -> None:
    one = keeper().keep(np.array([1.0, np.inf, np.nan]))
    assert distance(np.array([1.0, np.inf, np.nan]), one) == 0.0
    assert distance(np.array([1.0 + 1e-9, np.inf, np.nan]), one) < 1.0
    assert 1.0 < distance(np.array([1.0 + 1e-5, np.inf, np.nan]), one) < FAR
    single = keeper().keep(torch.tensor([1.0]))
    assert distance(torch.tensor([1.0 + 1e-5]), single) < 1.0


def test_a_generator_goes_on_where_the_call_before_left_it() -> None:
    rng = np.random.default_rng(3)
    calls = [keeper().keep(rng), keeper().keep(rng)]
    world, same = World(), np.random.default_rng(3)
    drawn = []
    for kept in calls:
        world.begin()
        drawn.append(world.make(kept).random())
    assert drawn == [same.random(), same.random()]
    world.begin()
    rng.random()
    assert world.make(keeper().keep(rng)).random() == np.random.default_rng(3).random(2)[1]


def test_a_function_keeps_what_it_closed_over() -> None:
    kept = []
    counted: list[int] = []
    for factor in (2, 3):

        def times(x: int) -> int:
            counted.append(x)
            return factor * x * len(counted)  # noqa: B023 -- what is tested

        kept.append(keeper().keep(times))
    worlds = [World().make(each) for each in kept]
    assert [function(5) for function in worlds] == [10, 15]
    assert counted == []
