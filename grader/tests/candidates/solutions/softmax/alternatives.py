"""Other right answers."""

import numpy as np


def softmax__through_the_log(scores):
    """Subtracts the log of the sum."""
    shifted = scores - largest(scores)  # noqa: F821  # the notebook's
    return np.exp(shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True)))


def check_softmax__by_ratios(candidate):
    """Compares neighbours and sums."""
    scores = np.array([[0.0, 1.0, 3.0], [3e4, 3e4, 3e4 - 1]])
    found = candidate(scores)
    assert found.shape == scores.shape
    assert np.allclose(found.sum(axis=-1), 1)
    assert np.allclose(found[:, 1:], found[:, :-1] * np.exp(np.diff(scores)))
