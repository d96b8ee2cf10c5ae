"""Wrong answers that students give, each with the sentence that whoever wrote it should read."""

import torch


def _check_mask(mask):
    if mask.dtype != torch.bool:
        raise ValueError("mask must have dtype torch.bool")


def _right_weights(scores, mask):
    hidden = scores.masked_fill(~mask, -torch.inf)
    return hidden.softmax(dim=-1).masked_fill(~mask, 0.0)


def masked_softmax__masks_after_the_softmax(scores, mask):
    """Your weights match a mask that is applied after the softmax, so rows no longer sum to 1."""
    _check_mask(mask)
    return scores.softmax(dim=-1).masked_fill(~mask, 0.0)


def masked_softmax__rescales_what_is_left(scores, mask):
    """You rescale an ordinary softmax; a far larger forbidden score has rounded the rest to 0."""
    _check_mask(mask)
    weights = scores.softmax(dim=-1).masked_fill(~mask, 0.0)
    return weights / weights.sum(dim=-1, keepdim=True).clamp_min(1e-30)


def masked_softmax__hides_with_minus_1e9(scores, mask):
    """You hide scores behind a large negative number, so an empty row looks at all hidden keys."""
    _check_mask(mask)
    return scores.masked_fill(~mask, -1e9).softmax(dim=-1)


def masked_softmax__leaves_nan_in_empty_rows(scores, mask):
    """Your weights are NaN in rows where no key is allowed; they must be 0."""
    _check_mask(mask)
    return scores.masked_fill(~mask, -torch.inf).softmax(dim=-1)


def masked_softmax__cleans_only_the_output(scores, mask):
    """You replace NaN in the weights, but it is still in the gradient, or comes from the filler."""
    _check_mask(mask)
    bias = torch.zeros_like(scores).masked_fill(~mask, -torch.inf)
    return (scores + bias).softmax(dim=-1).nan_to_num(0.0)


def masked_softmax__overflows(scores, mask):
    """Your exponentials overflow: subtract the largest allowed score of each row first."""
    _check_mask(mask)
    exponentials = scores.masked_fill(~mask, -torch.inf).exp()
    total = exponentials.sum(dim=-1, keepdim=True)
    return exponentials / total.masked_fill(total == 0, 1.0)


def masked_softmax__subtracts_a_forbidden_maximum(scores, mask):
    """You subtract the largest of all scores, where a forbidden one may be far too large."""
    _check_mask(mask)
    top = scores.detach().amax(dim=-1, keepdim=True)
    exponentials = (scores - top).exp().masked_fill(~mask, 0.0)
    total = exponentials.sum(dim=-1, keepdim=True)
    return exponentials / total.masked_fill(total == 0, 1.0)


def masked_softmax__normalises_queries(scores, mask):
    """Your weights sum to 1 over the queries; for each query they must sum to 1 over the keys."""
    _check_mask(mask)
    if scores.ndim < 2:
        return _right_weights(scores, mask)
    full = mask.expand(scores.shape).transpose(-2, -1)
    return _right_weights(scores.transpose(-2, -1), full).transpose(-2, -1)


def masked_softmax__sets_forbidden_scores_to_zero(scores, mask):
    """You set forbidden scores to 0, but a score of 0 still has a weight in the softmax."""
    _check_mask(mask)
    return scores.masked_fill(~mask, 0.0).softmax(dim=-1)


def _angles(n, d, exponents, check=True):
    if check and (d < 2 or d % 2):
        raise ValueError("d must be even and at least 2")
    frequency = 10_000.0 ** (-exponents.double() / d)
    return torch.arange(n, dtype=torch.float64)[:, None] * frequency


def _pairs(first, second):
    return torch.stack([first, second], dim=-1).flatten(1)


def positional_encoding__accepts_odd_d(n, d, dtype=torch.float32, device="cpu"):
    """Your function accepts an odd number of components, which leaves a sine without its cosine."""
    angle = _angles(n, d, torch.arange(0, d, 2), check=False)
    return _pairs(angle.sin(), angle.cos())[:, :d].to(device, dtype)
