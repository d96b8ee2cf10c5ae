"""Wrong answers that no edit of the reference says well; the others are in misconceptions.toml."""

import numpy as np


def check_move_values__believes_the_shape(candidate):
    """Your check looks at shape and type of the result and lets wrong values pass."""
    W = np.arange(12.0).reshape(3, 4)
    Q = candidate(W, 2, 2.0, 1, 2, 4.0)
    assert Q.shape == (3, 4, 5)
    assert Q.dtype == np.float64


def check_move_values__one_evening_by_hand(candidate):
    """Your check repeats the example of the text, which breaks few of the rules."""
    W = np.array([[0.0, 10.0], [20.0, 30.0], [40.0, 50.0]])
    Q = candidate(W, 1, 2.0, 0, 10, 0.0)
    assert np.array_equal(Q[1, 0], [-np.inf, 20.0, 8.0])
    assert np.allclose(Q[2, 1], [38.0, 50.0, 28.0])


def check_move_values__refuses_everything(candidate):
    """Your check refuses every candidate, right ones too."""
    raise AssertionError("no candidate is trusted")


def modified_policy_iteration__improves_after_following(
    look_ahead, follow, V, gamma, m, epsilon=1e-6, max_rounds=10_000
):
    """You look ahead again after the sweeps of a round, before you compare the bounds."""
    ahead = gamma / (1 - gamma)
    for n_rounds in range(1, max_rounds + 1):
        actions = look_ahead(V).argmax(axis=-1)
        for _ in range(m):
            V = follow(actions, V)
        Q = look_ahead(V)
        TV = Q.max(axis=-1)
        b, c = np.min(TV - V), np.max(TV - V)
        if ahead * (c - b) <= epsilon:
            return Q.argmax(axis=-1), TV + ahead * (b + c) / 2, n_rounds
        V = TV
    raise RuntimeError("the bounds are too far apart")


def modified_policy_iteration__stops_when_the_policy_repeats(
    look_ahead, follow, V, gamma, m, epsilon=1e-6, max_rounds=10_000
):
    """You stop when the policy repeats; after few sweeps its values may still be far away."""
    ahead = gamma / (1 - gamma)
    before = None
    for n_rounds in range(1, max_rounds + 1):
        Q = look_ahead(V)
        actions, TV = Q.argmax(axis=-1), Q.max(axis=-1)
        b, c = np.min(TV - V), np.max(TV - V)
        if before is not None and np.array_equal(actions, before):
            return actions, TV + ahead * (b + c) / 2, n_rounds
        before, V = actions, TV
        for _ in range(m):
            V = follow(actions, V)
    raise RuntimeError("the policy still changes")
