"""Other right answers, which must keep full marks."""

import heapq

import numpy as np


def backup__loops(P, R, gamma, V):
    """Adds up the future of every state and action in plain loops."""
    if not (gamma >= 0 and gamma <= 1):
        raise ValueError("gamma must lie in [0, 1]")
    if len(P.shape) != 3:
        raise ValueError("P must have three axes")
    n_states, n_actions, n_next = P.shape
    if n_states != n_next or R.shape != (n_states, n_actions) or V.shape != (n_states,):
        raise ValueError("the shapes of P, R and V do not fit together")
    Q = np.zeros((n_states, n_actions))
    for s in range(n_states):
        for a in range(n_actions):
            Q[s, a] = R[s, a]
            for s2 in range(n_states):
                Q[s, a] += gamma * P[s, a, s2] * V[s2]
    return Q


def backup__einsum(P, R, gamma, V):
    """Names the summed axis with einsum, and lets NumPy find shapes that do not fit."""
    if np.isnan(gamma) or gamma < 0 or gamma > 1:
        raise ValueError("gamma must lie in [0, 1]")
    if np.ndim(P) != 3 or np.shape(P)[0] != np.shape(P)[2]:
        raise ValueError("P must have shape (n_states, n_actions, n_states)")
    if np.shape(V) != (len(P),) or np.shape(R) != (len(P), P.shape[1]):
        raise ValueError("R or V does not fit P")
    return R + np.einsum("ijk,k->ij", P, gamma * V)


def evaluate_policy__one_matrix(P, R, gamma, policy, backup, theta=1e-10, max_sweeps=100_000):
    """Averages P and R over the policy once, so that a sweep is one matrix-vector product."""
    if theta <= 0 or np.isnan(theta) or policy.shape != P.shape[:2]:
        raise ValueError("theta or the shape of policy is not valid")
    if np.any(policy < 0) or np.any(np.abs(1 - policy.sum(axis=1)) > 1e-6):
        raise ValueError("rows of policy must be probability distributions")
    P_pi = np.einsum("sa,san->sn", policy, P)
    R_pi = np.einsum("sa,sa->s", policy, R)
    V = np.zeros(len(P))
    n_sweeps = 0
    while n_sweeps < max_sweeps:
        V_new = R_pi + gamma * (P_pi @ V)
        n_sweeps += 1
        settled = np.linalg.norm(V_new - V, ord=np.inf) < theta
        V = V_new
        if settled:
            return V, n_sweeps
    raise RuntimeError("the sweeps did not settle")


def evaluate_policy__loops(P, R, gamma, policy, backup, theta=1e-10, max_sweeps=100_000):
    """Averages the action values state by state, and keeps the largest change as it goes."""
    if not theta > 0:
        raise ValueError("theta must be positive")
    if policy.shape != R.shape:
        raise ValueError("policy must have the shape of R")
    for row in policy:
        if min(row) < 0 or not np.isclose(sum(row), 1.0, rtol=0, atol=1e-6):
            raise ValueError("rows of policy must be probability distributions")
    n_states, n_actions = R.shape
    V = np.zeros(n_states)
    for n_sweeps in range(1, max_sweeps + 1):
        Q = backup(P, R, gamma, V)
        V_new = np.zeros(n_states)
        delta = 0.0
        for s in range(n_states):
            for a in range(n_actions):
                V_new[s] += policy[s, a] * Q[s, a]
            delta = max(delta, abs(V_new[s] - V[s]))
        V = V_new
        if delta < theta:
            return V, n_sweeps
    raise RuntimeError("the sweeps did not settle")


def greedy_policy__loops(Q, tol=1e-9):
    """Collects the best actions of each state in a list."""
    if Q.ndim != 2 or np.isnan(Q).any():
        raise ValueError("Q must have two axes and no NaN")
    policy = np.zeros(Q.shape)
    for s, row in enumerate(Q):
        highest = max(row)
        best = [a for a, q in enumerate(row) if q >= highest - tol]
        for a in best:
            policy[s, a] = 1.0 / len(best)
    return policy


def greedy_policy__where(Q, tol=1e-9):
    """Marks the best actions with where, and divides each row by its sum."""
    if len(Q.shape) != 2 or np.any(Q != Q):
        raise ValueError("Q must have two axes and no NaN")
    marks = np.where(Q < np.amax(Q, axis=1)[:, None] - tol, 0.0, 1.0)
    return marks / np.sum(marks, axis=1)[:, None]


def policy_iteration__recursive(policy, evaluate, improve, tol=1e-9, max_rounds=1000):
    """Calls itself with the improved policy, and with the values that it knows already."""

    def further(V, rounds):
        if rounds == max_rounds:
            raise RuntimeError("values still rise")
        better = improve(V)
        V_better = evaluate(better)
        if not np.any(V_better - V > tol):
            return better, V_better, rounds + 1
        return further(V_better, rounds + 1)

    return further(evaluate(policy), 0)


def policy_iteration__while_loop(policy, evaluate, improve, tol=1e-9, max_rounds=1000):
    """Keeps a flag that says whether some value rose, and counts by hand."""
    V = evaluate(policy)
    n_rounds, rising = 0, True
    while rising:
        if n_rounds >= max_rounds:
            raise RuntimeError("values still rise")
        policy = improve(V.copy())
        V_new = evaluate(policy)
        n_rounds += 1
        rising = max(V_new - V) > tol
        V = V_new
    return policy, V, n_rounds


def value_iteration__own_arithmetic(P, R, gamma, backup, epsilon=1e-8, max_sweeps=100_000):
    """Does not call backup, and turns epsilon into a limit on the change beforehand."""
    if not (gamma >= 0 and gamma < 1 and epsilon > 0):
        raise ValueError("gamma must lie in [0, 1) and epsilon must be positive")
    factor = gamma / (1.0 - gamma)
    V = np.zeros(len(R))
    for n_sweeps in range(1, max_sweeps + 1):
        V_new = np.max(R + gamma * np.dot(P, V), axis=1)
        change = float(np.max(np.abs(V_new - V)))
        V = V_new
        if factor * change <= epsilon:
            return V, factor * change, n_sweeps
    raise RuntimeError("no convergence")


def value_iteration__while_loop(P, R, gamma, backup, epsilon=1e-8, max_sweeps=100_000):
    """Starts from an infinite bound and loops while it is too large."""
    if gamma == 1 or np.isnan(gamma) or gamma < 0 or gamma > 1:
        raise ValueError("gamma must lie in [0, 1)")
    if np.isnan(epsilon) or epsilon <= 0:
        raise ValueError("epsilon must be positive")
    V, bound, n_sweeps = np.zeros(R.shape[0]), np.inf, 0
    while bound > epsilon:
        if n_sweeps == max_sweeps:
            raise RuntimeError("no convergence")
        Q = backup(P, R, gamma, V)
        V_new = np.array([max(row) for row in Q])
        bound = gamma * max(abs(V_new - V)) / (1 - gamma)
        V, n_sweeps = V_new, n_sweeps + 1
    return V, bound, n_sweeps


def prioritised_sweeping__all_errors_again(P, R, gamma, V0, theta=1e-8, max_backups=1_000_000):
    """Computes every error again after each update: slow, and hard to get wrong."""
    if not (gamma >= 0 and gamma <= 1 and theta > 0 and V0.shape == (P.shape[0],)):
        raise ValueError("gamma, theta or the shape of V0 is not valid")
    V = np.array(V0)
    order = []
    for _ in range(max_backups + 1):
        target = np.max(R + gamma * np.einsum("san,n->sa", P, V), axis=1)
        error = np.abs(target - V)
        if np.all(error < theta):
            return V, order
        s = np.argmax(error)
        V[s] = target[s]
        order.append(s)
    raise RuntimeError("errors remain")


def prioritised_sweeping__heap(P, R, gamma, V0, theta=1e-8, max_backups=1_000_000):
    """Keeps the errors in a heap with lazy deletion, and lists of predecessors."""
    if not 0 <= gamma <= 1 or not theta > 0 or V0.shape != (len(P),):
        raise ValueError("gamma, theta or the shape of V0 is not valid")
    V = V0.copy()
    n_states = len(V)
    predecessors = [np.flatnonzero(P[:, :, s].any(axis=1)) for s in range(n_states)]
    target, error, heap = np.zeros(n_states), np.zeros(n_states), []

    def renew(s):
        target[s] = np.max(R[s] + gamma * P[s].dot(V))
        error[s] = abs(target[s] - V[s])
        heapq.heappush(heap, (-error[s], s))

    for s in range(n_states):
        renew(s)
    order = []
    while True:
        while -heap[0][0] != error[heap[0][1]]:
            heapq.heappop(heap)
        largest, s = -heap[0][0], heap[0][1]
        if largest < theta:
            return V, order
        if len(order) >= max_backups:
            raise RuntimeError("errors remain")
        V[s] = target[s]
        order.append(int(s))
        renew(s)
        for s2 in predecessors[s]:
            renew(int(s2))
