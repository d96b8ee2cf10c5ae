"""Wrong answers that no small edit makes."""

import math

import numpy as np


def _plain(scores):
    """Nobody must read this: it is not normalised."""
    return np.exp(scores - scores.max())


def softmax__forgets_to_divide(scores):
    """You return exponentials; divide each row by its sum."""
    return _plain(scores)


def softmax__only_one_row(scores, base=math.e):
    """You return equal probabilities in every row but one."""
    found = np.full(scores.shape, 1 / scores.shape[-1])
    found.flat[: scores.shape[-1]] = base ** (scores.flat[: scores.shape[-1]] - scores.max())
    return found / found.sum(axis=-1, keepdims=True)


def check_softmax__accepts_everything(candidate):
    """Your test never raises AssertionError."""
    candidate(np.zeros(3))
