"""Other right answers, which must keep full marks."""

import itertools
import math

import numpy as np


def morning_values__einsum(V, days, gamma):
    """Names the axes with einsum, one location after the other."""
    W = np.array(V)
    letters = "abcdefgh"[: V.ndim]
    for axis, (M, income) in enumerate(days):
        old = letters[axis]
        new = letters.replace(old, "z")
        W = np.einsum(f"z{old},{letters}->{new}", M, W)
    W = W * gamma
    for axis, (_, income) in enumerate(days):
        W += np.expand_dims(income, [i for i in range(V.ndim) if i != axis])
    return W


def morning_values__last_axis_matmul(V, days, gamma):
    """Swaps one axis at a time to the end, where @ sums over it."""
    W = V * gamma
    for axis, (M, income) in enumerate(days):
        W = (W.swapaxes(axis, -1) @ M.T).swapaxes(axis, -1)
    for axis, (M, income) in enumerate(days):
        W = (W.swapaxes(axis, -1) + income).swapaxes(axis, -1)
    return W


def move_values__loops(W, max_move, move_cost=2.0, n_free=0, lot_size=10, lot_cost=0.0):
    """Goes through evenings and moves one by one."""
    n1, n2 = W.shape
    Q = np.empty((n1, n2, 2 * max_move + 1))
    for x, y, a in itertools.product(range(n1), range(n2), range(-max_move, max_move + 1)):
        value = -math.inf
        if -y <= a <= x:
            there, here = min(x - a, n1 - 1), min(y + a, n2 - 1)
            value = W[there, here]
            value -= move_cost * (-a if a < 0 else max(0, a - n_free))
            for cars in (there, here):
                if cars > lot_size:
                    value -= lot_cost
        Q[x, y, a + max_move] = value
    return Q


def move_values__parks_first(W, max_move, move_cost=2.0, n_free=0, lot_size=10, lot_cost=0.0):
    """Charges the car parks to the mornings once, and looks moves up in a padded array."""
    n1, n2 = W.shape
    parked = W - lot_cost * (np.arange(n1) > lot_size)[:, None]
    parked = parked - lot_cost * (np.arange(n2) > lot_size)[None, :]
    padded = np.pad(parked, max_move, mode="edge")
    padded[:max_move] = -np.inf
    padded[:, :max_move] = -np.inf
    Q = np.zeros((n1, n2, 2 * max_move + 1))
    for i, a in enumerate(range(-max_move, max_move + 1)):
        shifted = padded[max_move - a :, max_move + a :][:n1, :n2]
        Q[:, :, i] = shifted - move_cost * (abs(a) - min(max(a, 0), n_free))
    return Q


def move_values__index_arrays(W, max_move, move_cost=2.0, n_free=0, lot_size=10, lot_cost=0.0):
    """Does all evenings and moves at once, and marks the impossible ones last."""
    n1, n2 = W.shape
    x, y, a = np.ogrid[:n1, :n2, -max_move : max_move + 1]
    left, right = np.broadcast_arrays(x - a, y + a)
    impossible = (left < 0) | (right < 0)
    left, right = np.clip(left, 0, n1 - 1), np.clip(right, 0, n2 - 1)
    paid = np.where(a > 0, np.maximum(a - n_free, 0), -a)
    lots = (left > lot_size).astype(float) + (right > lot_size).astype(float)
    Q = W[left, right] - (move_cost * paid + lot_cost * lots)
    Q[impossible] = -np.inf
    return Q


def optimal_bounds__action_by_action(Q, V, gamma):
    """Computes the best case of every action, and compares it with the lower bound as told."""
    sweep = np.max(Q, axis=-1)
    change = sweep - V
    low, high = (gamma * extreme / (1 - gamma) for extreme in (change.min(), change.max()))
    at_best = Q + high
    return sweep + low, sweep + high, at_best >= (sweep + low)[..., np.newaxis]


def optimal_bounds__flat_loops(Q, V, gamma):
    """Flattens the states and collects the bounds in lists."""
    rows = Q.reshape(-1, Q.shape[-1]).tolist()
    best = [max(row) for row in rows]
    changes = [after - before for after, before in zip(best, V.ravel().tolist(), strict=True)]
    scale = gamma / (1 - gamma)
    least, most = scale * min(changes), scale * max(changes)
    possible = [
        [not q + (most - least) < top for q in row] for row, top in zip(rows, best, strict=True)
    ]
    lower = np.array([top + least for top in best]).reshape(V.shape)
    upper = np.array([top + most for top in best]).reshape(V.shape)
    return lower, upper, np.array(possible).reshape(Q.shape)


def modified_policy_iteration__recursive(
    look_ahead, follow, V, gamma, m, epsilon=1e-6, max_rounds=10_000
):
    """Calls itself with the values of the next round."""

    def round_number(n, V):
        Q = look_ahead(V)
        policy = np.argmax(Q, axis=-1)
        after = np.take_along_axis(Q, policy[..., np.newaxis], axis=-1).squeeze(-1)
        change = after - V
        width = gamma / (1 - gamma) * np.ptp(change)
        if width <= epsilon:
            middle = gamma / (1 - gamma) * (change.max() + change.min()) / 2
            return policy, after + middle, n
        if n == max_rounds:
            raise RuntimeError("too many rounds")
        for _ in range(m):
            after = follow(policy, after)
        return round_number(n + 1, after)

    return round_number(1, V)


def modified_policy_iteration__bounds_as_arrays(
    look_ahead, follow, V, gamma, m, epsilon=1e-6, max_rounds=10_000
):
    """Keeps both bounds, and makes m + 1 sweeps from the old values, the first of which is T*."""
    n_rounds = 0
    while n_rounds < max_rounds:
        Q = look_ahead(V)
        n_rounds += 1
        policy = Q.argmax(-1)
        best = np.amax(Q, -1)
        factor = gamma / (1.0 - gamma)
        low, high = factor * np.amin(best - V), factor * np.amax(best - V)
        if high - low <= epsilon:
            return policy, 0.5 * ((best + low) + (best + high)), n_rounds
        for _ in range(1 + m):
            V = follow(policy, V)
    raise RuntimeError("too many rounds")


def stopping_experiment__two_runs(P, R, gammas, epsilon):
    """Runs value iteration once for each rule."""

    def run(gamma, error):
        V, k = np.zeros(R.shape[0]), 0
        while True:
            V_new = np.max(R + gamma * np.einsum("ijk,k->ij", P, V), axis=1)
            k += 1
            if error(V_new - V) * gamma / (1 - gamma) <= epsilon:
                return k
            V = V_new

    rules = lambda d: max(abs(d)), lambda d: (max(d) - min(d)) / 2
    sweeps = np.array([[run(gamma, rule) for gamma in gammas] for rule in rules])
    x = np.log(1 / (1 - np.asarray(gammas)))
    exponents = [np.polyfit(x, np.log(row), 1)[0] for row in sweeps]
    return sweeps, np.array(exponents)


def stopping_experiment__normal_equations(P, R, gammas, epsilon):
    """Solves the least squares by lstsq, and counts in a dictionary."""
    counts = {}
    for j, gamma in enumerate(gammas):
        V, k = np.zeros(len(R)), 0
        limit = epsilon * (1 - gamma) / gamma
        while (0, j) not in counts or (1, j) not in counts:
            V_new = (R + gamma * np.tensordot(P, V, 1)).max(1)
            k += 1
            d = V_new - V
            V = V_new
            if np.abs(d).max() <= limit:
                counts.setdefault((0, j), k)
            if np.ptp(d) / 2 <= limit:
                counts.setdefault((1, j), k)
    sweeps = np.array([[counts[i, j] for j in range(len(gammas))] for i in range(2)])
    A = np.column_stack([-np.log1p(-np.array(gammas)), np.ones(len(gammas))])
    return sweeps, np.linalg.lstsq(A, np.log(sweeps).T)[0][0]


def check_move_values__by_properties(candidate):
    """States what each rule demands, and computes no reference."""
    W = np.random.default_rng(1).normal(size=(5, 7))
    plain = candidate(W, 6, 2.0, 0, 20, 0.0)
    x, y, i = np.indices(plain.shape)
    a = i - 6
    impossible = (a > x) | (-a > y)
    assert np.array_equal(np.isneginf(plain), impossible)
    may = ~impossible
    m1, m2 = np.minimum(x - a, 4)[may], np.minimum(y + a, 6)[may]
    assert np.allclose(plain[may], W[m1, m2] - 2.0 * abs(a)[may])
    saved = candidate(W, 6, 2.0, 2, 20, 0.0)[may] - plain[may]
    assert np.allclose(saved, 2.0 * np.clip(a[may], 0, 2))
    for size in (2, 4):
        fee = plain[may] - candidate(W, 6, 2.0, 0, size, 3.0)[may]
        assert np.allclose(fee, 3.0 * (1 * (m1 > size) + (m2 > size)))


def check_move_values__many_random_calls(candidate):
    """Compares with plain loops at random arguments, and says which entry was wrong."""
    rng = np.random.default_rng(3)
    for _ in range(12):
        n1, n2, most, free, lot = rng.integers([2, 2, 1, 0, 0], [7, 7, 5, 3, 6]).tolist()
        W = rng.uniform(-9, 9, (n1, n2))
        Q = candidate(W, most, 1.5, free, lot, 4.0)
        for x in range(n1):
            for y in range(n2):
                for a in range(-most, most + 1):
                    want = -math.inf
                    if a <= x and -a <= y:
                        left, right = min(x - a, n1 - 1), min(y + a, n2 - 1)
                        paid = sum(1 for car in range(abs(a)) if a < 0 or car >= free)
                        want = W[left, right] - 1.5 * paid
                        want -= 4.0 * sum(cars > lot for cars in (left, right))
                    have = Q[x, y, a + most]
                    if have != want and not abs(have - want) < 1e-9:
                        raise AssertionError(f"wrong at {x}, {y}, {a}")
