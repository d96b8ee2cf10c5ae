"""Wrong answers that students give, each with the sentence that whoever wrote it should read."""

import math

import torch
import torch.nn.functional as F


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


def masked_softmax__true_means_hidden(scores, mask):
    """You hide the keys where the mask is True; here True means that the key is allowed."""
    _check_mask(mask)
    return _right_weights(scores, ~mask)


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


def masked_softmax__takes_any_mask(scores, mask):
    """Your function accepts masks of numbers; it must refuse what is not of dtype torch.bool."""
    return _right_weights(scores, mask.bool())


def _attention(Q, K, V, mask, softmax, divisor, check=True):
    if check and (Q.shape[-1] != K.shape[-1] or K.shape[-2] != V.shape[-2]):
        raise ValueError("queries, keys and values do not fit")
    scores = Q @ K.transpose(-2, -1) / divisor
    A = softmax(scores, torch.ones_like(scores, dtype=torch.bool) if mask is None else mask)
    return A @ V, A


def attention__forgets_to_divide(Q, K, V, mask, softmax):
    """Your scores are the bare dot products; divide them by the square root of d_k."""
    return _attention(Q, K, V, mask, softmax, 1.0)


def attention__divides_by_d_k(Q, K, V, mask, softmax):
    """Your scores are divided by d_k; it must be the square root of d_k."""
    return _attention(Q, K, V, mask, softmax, Q.shape[-1])


def attention__divides_by_the_number_of_keys(Q, K, V, mask, softmax):
    """Your scores are divided by the square root of the number of keys, not of their size d_k."""
    return _attention(Q, K, V, mask, softmax, math.sqrt(K.shape[-2]))


def attention__ignores_the_mask(Q, K, V, mask, softmax):
    """Your function never uses its mask: every query looks at every key."""
    return _attention(Q, K, V, None, softmax, math.sqrt(Q.shape[-1]))


def attention__hands_on_no_mask(Q, K, V, mask, softmax):
    """You hand None to softmax, which needs a mask: give it one that allows everything."""
    return _attention(
        Q, K, V, mask, lambda scores, _: softmax(scores, mask), math.sqrt(Q.shape[-1])
    )


def attention__weighs_the_keys(Q, K, V, mask, softmax):
    """Your output is the weighted mean of the keys; it must be that of the values."""
    _, A = _attention(Q, K, V, mask, softmax, math.sqrt(Q.shape[-1]))
    return A @ K, A


def attention__never_checks(Q, K, V, mask, softmax):
    """You leave shapes that do not fit to PyTorch, which does not raise a ValueError for them."""
    return _attention(Q, K, V, mask, softmax, math.sqrt(Q.shape[-1]), check=False)


def _rules(lengths, n, check=True):
    """What the two rules allow: real keys (batch, 1, n, n) and keys that are not later (n, n)."""
    if lengths.ndim != 1 or lengths.is_floating_point() or lengths.dtype == torch.bool:
        raise ValueError("lengths must be an integer tensor with one axis")
    if check and ((lengths < 0) | (lengths > n)).any():
        raise ValueError("every length must lie between 0 and n")
    j = torch.arange(n, device=lengths.device)
    return (j < lengths[:, None])[:, None, None, :].expand(-1, 1, n, n), j <= j[:, None]


def attention_mask__true_means_hidden(lengths, n, causal):
    """Your mask is the wrong way round: True must mean that the query may look at the key."""
    real, past = _rules(lengths, n)
    return ~(real & past) if causal else ~real


def attention_mask__hides_queries(lengths, n, causal):
    """Your mask hides the rows of padded queries; it is the padded keys (columns) that must go."""
    real, past = _rules(lengths, n)
    return real.mT & past if causal else real.mT


def attention_mask__hides_itself(lengths, n, causal):
    """Your causal mask hides the query's own position; it may look at itself and before itself."""
    real, past = _rules(lengths, n)
    return real & ~past.mT if causal else real


def attention_mask__looks_at_the_future(lengths, n, causal):
    """Your causal mask lets queries look at later keys instead of earlier ones."""
    real, past = _rules(lengths, n)
    return real & past.mT if causal else real


def attention_mask__one_position_too_many(lengths, n, causal):
    """Your mask allows one padded position: counted from 0, real ones are below the length."""
    _, past = _rules(lengths, n)
    real = (torch.arange(n, device=lengths.device) <= lengths[:, None])[:, None, None, :]
    return real & past if causal else real.expand(-1, 1, n, n)


def attention_mask__has_no_axis_for_heads(lengths, n, causal):
    """Your mask lacks the axis of length 1 for the heads: its shape must be (batch, 1, n, n)."""
    real, past = _rules(lengths, n)
    return (real & past if causal else real)[:, 0]


def attention_mask__accepts_any_length(lengths, n, causal):
    """Your function accepts lengths below 0 or above n, which no sequence of the batch can have."""
    real, past = _rules(lengths, n, check=False)
    return real & past if causal else real


def _project(source, params, name):
    return F.linear(source, params[f"W_{name}"], params[f"b_{name}"])


def _split(t, n_heads):
    return t.unflatten(-1, (n_heads, -1)).transpose(1, 2)


def _join(t):
    return t.transpose(1, 2).flatten(2)


def _lookup(sources, params, n_heads, attend, mask, split=_split, join=_join):
    """Everything but the last projection; sources are where queries, keys and values come from."""
    if sources[0].shape[-1] % n_heads:
        raise ValueError("d must be a multiple of n_heads")
    Q, K, V = (split(_project(t, params, k), n_heads) for t, k in zip(sources, "qkv", strict=True))
    heads, weights = attend(Q, K, V, mask)
    return join(heads), weights


def multi_head_attention__reshapes_without_transposing(
    x, memory, params, n_heads, attend, mask=None
):
    """You reshape to (batch, n_heads, n, d_k) without moving an axis, which mixes up positions."""

    def split(t, n_heads):
        return t.reshape(t.shape[0], n_heads, t.shape[1], -1)

    def join(t):
        return t.reshape(x.shape)

    found, A = _lookup((x, memory, memory), params, n_heads, attend, mask, split, join)
    return _project(found, params, "o"), A


def multi_head_attention__interleaves_the_heads(x, memory, params, n_heads, attend, mask=None):
    """Your heads take every n_heads-th component; each head owns d_k components side by side."""

    def split(t, n_heads):
        return t.unflatten(-1, (-1, n_heads)).permute(0, 3, 1, 2)

    def join(t):
        return t.permute(0, 2, 3, 1).flatten(2)

    found, A = _lookup((x, memory, memory), params, n_heads, attend, mask, split, join)
    return _project(found, params, "o"), A


def multi_head_attention__joins_without_transposing(x, memory, params, n_heads, attend, mask=None):
    """You join the heads without moving their axis back, so a row holds several positions."""

    def join(t):
        return t.reshape(x.shape)

    found, A = _lookup((x, memory, memory), params, n_heads, attend, mask, _split, join)
    return _project(found, params, "o"), A


def multi_head_attention__ignores_the_memory(x, memory, params, n_heads, attend, mask=None):
    """Your keys and values come from x; they must come from memory."""
    found, A = _lookup((x, x, x), params, n_heads, attend, mask)
    return _project(found, params, "o"), A


def multi_head_attention__forgets_the_last_projection(
    x, memory, params, n_heads, attend, mask=None
):
    """You return the joined heads without the last projection by W_o and b_o."""
    return _lookup((x, memory, memory), params, n_heads, attend, mask)


def multi_head_attention__multiplies_by_w(x, memory, params, n_heads, attend, mask=None):
    """You multiply by W; a projection as in nn.Linear multiplies by the transpose of W."""
    turned = {name: t.T if name.startswith("W") else t for name, t in params.items()}
    found, A = _lookup((x, memory, memory), turned, n_heads, attend, mask)
    return _project(found, turned, "o"), A


def multi_head_attention__forgets_the_biases(x, memory, params, n_heads, attend, mask=None):
    """Your projections leave out the biases b_q, b_k, b_v and b_o."""
    bare = {name: t if name.startswith("W") else None for name, t in params.items()}
    found, A = _lookup((x, memory, memory), bare, n_heads, attend, mask)
    return _project(found, bare, "o"), A


def multi_head_attention__drops_the_mask(x, memory, params, n_heads, attend, mask=None):
    """You do not hand the mask to attend."""
    found, A = _lookup((x, memory, memory), params, n_heads, attend, None)
    return _project(found, params, "o"), A


def _angles(n, d, exponents, check=True):
    if check and (d < 2 or d % 2):
        raise ValueError("d must be even and at least 2")
    frequency = 10_000.0 ** (-exponents.double() / d)
    return torch.arange(n, dtype=torch.float64)[:, None] * frequency


def _pairs(first, second):
    return torch.stack([first, second], dim=-1).flatten(1)


def positional_encoding__halves_the_components(n, d, dtype=torch.float32, device="cpu"):
    """You put all sines before all cosines; here they alternate, sine at even components."""
    angle = _angles(n, d, torch.arange(0, d, 2))
    return torch.cat([angle.sin(), angle.cos()], dim=-1).to(device, dtype)


def positional_encoding__starts_with_the_cosine(n, d, dtype=torch.float32, device="cpu"):
    """Your sines and cosines are exchanged: even components hold sines, odd ones cosines."""
    angle = _angles(n, d, torch.arange(0, d, 2))
    return _pairs(angle.cos(), angle.sin()).to(device, dtype)


def positional_encoding__halves_the_exponent(n, d, dtype=torch.float32, device="cpu"):
    """Your exponent is i / d for pair i; it must be 2 i / d."""
    angle = _angles(n, d, torch.arange(d // 2))
    return _pairs(angle.sin(), angle.cos()).to(device, dtype)


def positional_encoding__gives_each_component_a_frequency(n, d, dtype=torch.float32, device="cpu"):
    """Your sine and cosine of a pair have different frequencies, so a shift is no rotation."""
    angle = _angles(n, d, torch.arange(d))
    return torch.where(torch.arange(d) % 2 == 0, angle.sin(), angle.cos()).to(device, dtype)


def positional_encoding__counts_from_one(n, d, dtype=torch.float32, device="cpu"):
    """Your positions start at 1; the first position is 0."""
    angle = _angles(n + 1, d, torch.arange(0, d, 2))[1:]
    return _pairs(angle.sin(), angle.cos()).to(device, dtype)


def positional_encoding__computes_angles_in_float32(n, d, dtype=torch.float32, device="cpu"):
    """Your angles are computed in float32, which is too coarse for late positions."""
    if d < 2 or d % 2:
        raise ValueError("d must be even and at least 2")
    frequency = 10_000.0 ** (-torch.arange(0, d, 2, dtype=torch.float32) / d)
    angle = torch.arange(n, dtype=torch.float32)[:, None] * frequency
    return _pairs(angle.sin(), angle.cos()).to(device, dtype)


def positional_encoding__accepts_odd_d(n, d, dtype=torch.float32, device="cpu"):
    """Your function accepts an odd number of components, which leaves a sine without its cosine."""
    angle = _angles(n, d, torch.arange(0, d, 2), check=False)
    return _pairs(angle.sin(), angle.cos())[:, :d].to(device, dtype)


def _check_norm(norm):
    if norm not in ("pre", "post"):
        raise ValueError("norm must be pre or post")


def _norm(t, params, k):
    return F.layer_norm(t, t.shape[-1:], params[f"gain_{k}"], params[f"bias_{k}"], eps=1e-5)


def _ffn(t, params):
    return F.relu(t @ params["W_1"].T + params["b_1"]) @ params["W_2"].T + params["b_2"]


def _block(x, params, mix, mask, norm, normalise, ffn):
    _check_norm(norm)
    if norm == "pre":
        z = x + mix(normalise(x, params, 1), mask)
        return z + ffn(normalise(z, params, 2), params)
    z = normalise(x + mix(x, mask), params, 1)
    return normalise(z + ffn(z, params), params, 2)


def transformer_block__exchanges_pre_and_post(x, params, mix, mask=None, norm="pre"):
    """Your "pre" and "post" are exchanged: "pre" normalises the input of each part."""
    _check_norm(norm)
    other = "post" if norm == "pre" else "pre"
    return _block(x, params, mix, mask, other, _norm, _ffn)


def transformer_block__forgets_the_residuals(x, params, mix, mask=None, norm="pre"):
    """Your block lacks the residual connections: the input of each part is added to its output."""
    _check_norm(norm)
    if norm == "pre":
        z = mix(_norm(x, params, 1), mask)
        return _ffn(_norm(z, params, 2), params)
    z = _norm(mix(x, mask), params, 1)
    return _norm(_ffn(z, params), params, 2)


def transformer_block__adds_the_normalised_input(x, params, mix, mask=None, norm="pre"):
    """With norm "pre" you add the normalised input; the residual adds the input as it came."""
    _check_norm(norm)
    if norm == "pre":
        u = _norm(x, params, 1)
        z = u + mix(u, mask)
        w = _norm(z, params, 2)
        return w + _ffn(w, params)
    return _block(x, params, mix, mask, norm, _norm, _ffn)


def transformer_block__normalises_over_positions(x, params, mix, mask=None, norm="pre"):
    """Your normalisation mixes positions: take mean and variance of one position's components."""

    def normalise(t, params, k):
        centred = t - t.mean(dim=(1, 2), keepdim=True)
        scale = torch.rsqrt((centred**2).mean(dim=(1, 2), keepdim=True) + 1e-5)
        return params[f"gain_{k}"] * centred * scale + params[f"bias_{k}"]

    return _block(x, params, mix, mask, norm, normalise, _ffn)


def transformer_block__divides_by_d_minus_one(x, params, mix, mask=None, norm="pre"):
    """Your variance divides by d - 1, as torch.var does by default; here it divides by d."""

    def normalise(t, params, k):
        scale = torch.rsqrt(t.var(dim=-1, keepdim=True) + 1e-5)
        centred = t - t.mean(dim=-1, keepdim=True)
        return params[f"gain_{k}"] * centred * scale + params[f"bias_{k}"]

    return _block(x, params, mix, mask, norm, normalise, _ffn)


def transformer_block__adds_epsilon_to_the_deviation(x, params, mix, mask=None, norm="pre"):
    """You add epsilon to the standard deviation; it belongs to the variance, under the root."""

    def normalise(t, params, k):
        centred = t - t.mean(dim=-1, keepdim=True)
        deviation = (centred**2).mean(dim=-1, keepdim=True).sqrt()
        return params[f"gain_{k}"] * centred / (deviation + 1e-5) + params[f"bias_{k}"]

    return _block(x, params, mix, mask, norm, normalise, _ffn)


def transformer_block__shares_one_normalisation(x, params, mix, mask=None, norm="pre"):
    """You use gain_1 and bias_1 twice; the second normalisation has its own, gain_2 and bias_2."""

    def normalise(t, params, k):
        return _norm(t, params, 1)

    return _block(x, params, mix, mask, norm, normalise, _ffn)


def transformer_block__forgets_the_relu(x, params, mix, mask=None, norm="pre"):
    """Your FFN has no max(0, ...) in the middle, so its two matrices are worth one."""

    def ffn(t, params):
        return (t @ params["W_1"].T + params["b_1"]) @ params["W_2"].T + params["b_2"]

    return _block(x, params, mix, mask, norm, _norm, ffn)


def transformer_block__drops_the_mask(x, params, mix, mask=None, norm="pre"):
    """You do not hand the mask to mix."""
    return _block(x, params, mix, None, norm, _norm, _ffn)


def transformer_block__takes_any_norm(x, params, mix, mask=None, norm="pre"):
    """Your function treats every unknown norm as "post" in the place of refusing it."""
    return _block(x, params, mix, mask, "pre" if norm == "pre" else "post", _norm, _ffn)
