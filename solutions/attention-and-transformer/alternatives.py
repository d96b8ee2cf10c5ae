"""Other right answers, which must keep full marks."""

import cmath
import math

import torch
import torch.nn.functional as F
from torch import nn


def masked_softmax__fills_twice(scores, mask):
    """Lets the softmax make NaN in empty rows, and overwrites it: no gradient passes there."""
    if mask.dtype is not torch.bool:
        raise ValueError("the mask must be bool")
    hidden = scores.masked_fill(torch.logical_not(mask), float("-inf"))
    return F.softmax(hidden, dim=-1).masked_fill(torch.logical_not(mask), 0)


def masked_softmax__opens_empty_rows(scores, mask):
    """Allows everything in empty rows, with scores of 0, and sets their weights to 0 afterwards."""
    if mask.dtype != torch.bool:
        raise ValueError("the mask must be bool")
    full = mask.expand(scores.shape)
    empty = ~full.any(dim=-1, keepdim=True)
    safe = torch.where(full, scores, torch.zeros_like(scores))
    hidden = torch.where(full | empty, safe, torch.full_like(scores, -math.inf))
    return torch.where(full, hidden.softmax(dim=-1), torch.zeros_like(scores))


def masked_softmax__through_logarithms(scores, mask):
    """Subtracts the logarithm of the sum of exponentials, which is finite after a repair."""
    if not mask.dtype == torch.bool:
        raise ValueError("the mask must be bool")
    full = mask.expand(scores.shape)
    rows = full.any(dim=-1, keepdim=True)
    hidden = torch.where(full, scores, -torch.inf)
    hidden = torch.where(rows, hidden, torch.zeros_like(scores))
    weights = (hidden - hidden.logsumexp(dim=-1, keepdim=True)).exp()
    return torch.where(full, weights, torch.zeros_like(weights))


def masked_softmax__row_by_row(scores, mask):
    """Computes an ordinary softmax of the allowed scores of each row, in a loop."""
    if mask.dtype != torch.bool:
        raise ValueError("the mask must be bool")
    rows = scores.reshape(-1, scores.shape[-1])
    allowed = mask.expand(scores.shape).reshape(-1, scores.shape[-1])
    results = []
    for row, keep in zip(rows, allowed, strict=True):
        result = torch.zeros_like(row)
        if keep.any():
            result = result.index_put((keep.nonzero()[:, 0],), row[keep].softmax(dim=0))
        else:
            result = result + 0.0 * torch.where(keep, row, torch.zeros_like(row))
        results.append(result)
    return torch.stack(results).reshape(scores.shape)


def attention__scales_the_queries(Q, K, V, mask, softmax):
    """Divides the queries, which are fewer numbers than the scores."""
    if Q.shape[-1] != K.shape[-1] or K.shape[-2] != V.shape[-2]:
        raise ValueError("the shapes do not fit")
    scores = torch.matmul(Q * Q.shape[-1] ** -0.5, K.mT)
    everything = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device)
    A = softmax(scores, everything if mask is None else mask)
    return torch.matmul(A, V), A


def attention__einsum(Q, K, V, mask, softmax):
    """Names the axes with einsum."""
    d_k = Q.size(-1)
    if d_k != K.size(-1):
        raise ValueError("queries and keys differ in size")
    if K.size(-2) != V.size(-2):
        raise ValueError("keys and values differ in number")
    scores = torch.einsum("...qd,...kd->...qk", Q, K).div(math.sqrt(d_k))
    if mask is None:
        mask = scores.new_ones(1, dtype=torch.bool)
    A = softmax(scores, mask.expand(scores.shape))
    return torch.einsum("...qk,...kd->...qd", A, V), A


def attention_mask__loops(lengths, n, causal):
    """Fills the mask sequence by sequence and row by row."""
    kinds = (torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64)
    if lengths.dim() != 1 or lengths.dtype not in kinds:
        raise ValueError("lengths must be a vector of integers")
    mask = torch.zeros(len(lengths), 1, n, n, dtype=torch.bool, device=lengths.device)
    for b, length in enumerate(lengths.tolist()):
        if not 0 <= length <= n:
            raise ValueError("a length lies outside 0 to n")
        for i in range(n):
            mask[b, 0, i, : min(length, i + 1) if causal else length] = True
    return mask


def attention_mask__lower_triangle(lengths, n, causal):
    """Multiplies two masks, the lower triangle and the real keys."""
    if lengths.ndim != 1 or lengths.dtype not in (torch.int64, torch.int32, torch.uint8):
        raise ValueError("lengths must be a vector of integers")
    if len(lengths) and (int(lengths.min()) < 0 or int(lengths.max()) > n):
        raise ValueError("a length lies outside 0 to n")
    seen = torch.ones(n, n, dtype=torch.bool, device=lengths.device)
    if causal:
        seen = torch.tril(seen)
    real = torch.arange(n, device=lengths.device).unsqueeze(0) < lengths.unsqueeze(1)
    return seen.unsqueeze(0).unsqueeze(0) * real.unsqueeze(1).unsqueeze(1)


def multi_head_attention__slices(x, memory, params, n_heads, attend, mask=None):
    """Cuts the projections with chunk and stacks the heads along a new axis."""
    if x.shape[2] % n_heads != 0:
        raise ValueError("the heads do not divide d")
    Q = x @ params["W_q"].T + params["b_q"]
    K = memory @ params["W_k"].T + params["b_k"]
    V = memory @ params["W_v"].T + params["b_v"]
    Q, K, V = (torch.stack(t.chunk(n_heads, dim=-1), dim=1) for t in (Q, K, V))
    Y, A = attend(Q, K, V, mask)
    return torch.cat(list(Y.unbind(dim=1)), dim=-1) @ params["W_o"].T + params["b_o"], A


def multi_head_attention__splits_the_matrices(x, memory, params, n_heads, attend, mask=None):
    """Cuts the matrices in the place of the projected vectors, with einsum."""
    d = x.shape[-1]
    if d // n_heads * n_heads != d:
        raise ValueError("the heads do not divide d")

    def project(source, name):
        W = params[f"W_{name}"].reshape(n_heads, d // n_heads, d)
        b = params[f"b_{name}"].reshape(n_heads, 1, d // n_heads)
        return torch.einsum("bnd,hkd->bhnk", source, W) + b

    Y, A = attend(project(x, "q"), project(memory, "k"), project(memory, "v"), mask)
    W = params["W_o"].reshape(d, n_heads, d // n_heads)
    return torch.einsum("bhnk,dhk->bnd", Y, W) + params["b_o"], A


def positional_encoding__loops(n, d, dtype=torch.float32, device="cpu"):
    """Fills a table number by number."""
    if d % 2 == 1 or d <= 0:
        raise ValueError("d must be even and positive")
    rows = []
    for t in range(n):
        row = []
        for i in range(d // 2):
            angle = t / 10_000 ** (2 * i / d)
            row += [math.sin(angle), math.cos(angle)]
        rows.append(row)
    return torch.tensor(rows, dtype=torch.float64).to(device=device, dtype=dtype)


def positional_encoding__slices(n, d, dtype=torch.float32, device="cpu"):
    """Writes sines to the even and cosines to the odd columns of an empty table."""
    if d < 2 or d % 2 != 0:
        raise ValueError("d must be even and positive")
    position = torch.arange(n, dtype=torch.float64, device=device).unsqueeze(1)
    steps = torch.arange(0, d, 2, dtype=torch.float64, device=device)
    frequency = torch.exp(steps * (-math.log(10_000.0) / d))
    table = torch.empty(n, d, dtype=torch.float64, device=device)
    table[:, 0::2] = torch.sin(position * frequency)
    table[:, 1::2] = torch.cos(position * frequency)
    return table.to(dtype)


def positional_encoding__complex_numbers(n, d, dtype=torch.float32, device="cpu"):
    """Turns one complex number a pair, whose imaginary part is the sine."""
    if d % 2 or not d > 0:
        raise ValueError("d must be even and positive")
    turns = [[cmath.exp(1j * t * 10_000 ** (-2 * i / d)) for i in range(d // 2)] for t in range(n)]
    pairs = torch.view_as_real(torch.tensor(turns, dtype=torch.complex128))
    return pairs.flip(-1).flatten(1).to(device, dtype)


def transformer_block__by_hand(x, params, mix, mask=None, norm="pre"):
    """Writes the normalisation out."""
    if norm != "pre" and norm != "post":
        raise ValueError("norm must be pre or post")

    def normalise(t, gain, bias):
        mean = t.mean(dim=-1, keepdim=True)
        variance = t.var(dim=-1, unbiased=False, keepdim=True)
        return gain * (t - mean) / torch.sqrt(variance + 1e-5) + bias

    first = (params["gain_1"], params["bias_1"])
    second = (params["gain_2"], params["bias_2"])
    z = x + (mix(normalise(x, *first), mask) if norm == "pre" else mix(x, mask))
    z = z if norm == "pre" else normalise(z, *first)
    u = normalise(z, *second) if norm == "pre" else z
    inner = u @ params["W_1"].T + params["b_1"]
    inner = inner * (inner > 0)
    y = z + inner @ params["W_2"].T + params["b_2"]
    return y if norm == "pre" else normalise(y, *second)


def transformer_block__library_layers(x, params, mix, mask=None, norm="pre"):
    """Calls PyTorch's modules with the given parameters in the place of their own."""
    if norm not in {"pre", "post"}:
        raise ValueError("norm must be pre or post")
    layer = nn.LayerNorm(x.shape[-1], dtype=x.dtype, device=x.device)

    def normalise(t, k):
        own = {"weight": params[f"gain_{k}"], "bias": params[f"bias_{k}"]}
        return torch.func.functional_call(layer, own, (t,))

    def apart(t):
        inner = F.linear(t, params["W_1"], params["b_1"])
        return F.linear(F.relu(inner), params["W_2"], params["b_2"])

    for k, part in ((1, lambda t: mix(t, mask)), (2, apart)):
        x = x + part(normalise(x, k)) if norm == "pre" else normalise(x + part(x), k)
    return x
