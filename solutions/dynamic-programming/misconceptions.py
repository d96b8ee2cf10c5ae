"""Wrong answers that students give, each with the sentence that whoever wrote it should read."""

import numpy as np


def _check_backup(P, R, gamma, V):
    if not 0 <= gamma <= 1 or P.ndim != 3 or P.shape[0] != P.shape[2]:
        raise ValueError("gamma or P is not valid")
    if R.shape != P.shape[:2] or V.shape != P.shape[:1]:
        raise ValueError("the shapes do not fit")


def backup__forgets_the_discount(P, R, gamma, V):
    """Your action values match a backup that adds the next state's value without gamma."""
    _check_backup(P, R, gamma, V)
    return R + P @ V


def backup__discounts_the_reward_too(P, R, gamma, V):
    """Your action values match a backup that multiplies the immediate reward by gamma as well."""
    _check_backup(P, R, gamma, V)
    return gamma * (R + P @ V)


def backup__reads_transitions_backwards(P, R, gamma, V):
    """Your action values match a backup that sums over the first axis of P, where you come from."""
    _check_backup(P, R, gamma, V)
    return R + gamma * np.einsum("nas,n->sa", P, V)


def backup__only_the_likeliest_next_state(P, R, gamma, V):
    """Your action values match a backup that looks only at the most probable next state."""
    _check_backup(P, R, gamma, V)
    return R + gamma * V[P.argmax(axis=2)]


def backup__all_next_states_alike(P, R, gamma, V):
    """Your action values match a backup that gives every reachable next state the same weight."""
    _check_backup(P, R, gamma, V)
    reachable = P > 0
    return R + gamma * (reachable @ V) / reachable.sum(axis=2)


def backup__adds_the_current_state(P, R, gamma, V):
    """Your action values match a backup that uses the value of the state you leave, not enter."""
    _check_backup(P, R, gamma, V)
    return R + gamma * V[:, None]


def backup__lets_nan_through(P, R, gamma, V):
    """Your check of gamma lets NaN through, because every comparison with NaN is false."""
    if gamma < 0 or gamma > 1:
        raise ValueError("gamma must lie in [0, 1]")
    if P.ndim != 3 or P.shape[0] != P.shape[2]:
        raise ValueError("P must have shape (n_states, n_actions, n_states)")
    if R.shape != P.shape[:2] or V.shape != P.shape[:1]:
        raise ValueError("the shapes do not fit")
    return R + gamma * (P @ V)


def backup__never_checks_shapes(P, R, gamma, V):
    """Your function accepts arrays whose shapes do not fit together, and lets them broadcast."""
    if not 0 <= gamma <= 1:
        raise ValueError("gamma must lie in [0, 1]")
    return R + gamma * (P @ V)


def _check_evaluation(R, policy, theta):
    if not theta > 0:
        raise ValueError("theta must be positive")
    if policy.shape != R.shape:
        raise ValueError("policy must have the shape of R")
    if (policy < 0).any() or (np.abs(policy.sum(axis=1) - 1) > 1e-6).any():
        raise ValueError("each row of policy must be a probability distribution")


def evaluate_policy__updates_in_place(P, R, gamma, policy, backup, theta=1e-10, max_sweeps=100_000):
    """Your values match sweeps in place: later states of a sweep already see its new values."""
    _check_evaluation(R, policy, theta)
    V = np.zeros(len(P))
    for n_sweeps in range(1, max_sweeps + 1):
        largest = 0.0
        for s in range(len(V)):
            old = V[s]
            V[s] = policy[s] @ backup(P, R, gamma, V)[s]
            largest = max(largest, abs(V[s] - old))
        if largest < theta:
            return V, n_sweeps
    raise RuntimeError("no convergence")


def evaluate_policy__stops_on_the_mean_change(
    P, R, gamma, policy, backup, theta=1e-10, max_sweeps=100_000
):
    """Your sweeps stop when the mean change is small; the largest change must be below theta."""
    _check_evaluation(R, policy, theta)
    V = np.zeros(len(P))
    for n_sweeps in range(1, max_sweeps + 1):
        V_old = V
        V = (policy * backup(P, R, gamma, V_old)).sum(axis=1)
        if np.abs(V - V_old).mean() < theta:
            return V, n_sweeps
    raise RuntimeError("no convergence")


def evaluate_policy__takes_the_best_action(
    P, R, gamma, policy, backup, theta=1e-10, max_sweeps=100_000
):
    """Your values are those of the best action everywhere, not of the policy that was given."""
    _check_evaluation(R, policy, theta)
    V = np.zeros(len(P))
    for n_sweeps in range(1, max_sweeps + 1):
        V_old = V
        V = backup(P, R, gamma, V_old).max(axis=1)
        if np.abs(V - V_old).max() < theta:
            return V, n_sweeps
    raise RuntimeError("no convergence")


def evaluate_policy__forgets_the_sign_of_a_change(
    P, R, gamma, policy, backup, theta=1e-10, max_sweeps=100_000
):
    """Your sweeps stop when no value rises any more, though values may still be falling."""
    _check_evaluation(R, policy, theta)
    V = np.zeros(len(P))
    for n_sweeps in range(1, max_sweeps + 1):
        V_old = V
        V = (policy * backup(P, R, gamma, V_old)).sum(axis=1)
        if (V - V_old).max() < theta:
            return V, n_sweeps
    raise RuntimeError("no convergence")


def evaluate_policy__returns_the_values_before_the_last_sweep(
    P, R, gamma, policy, backup, theta=1e-10, max_sweeps=100_000
):
    """You return the values from before the last sweep instead of those that it produced."""
    _check_evaluation(R, policy, theta)
    V = np.zeros(len(P))
    for n_sweeps in range(1, max_sweeps + 1):
        V_new = (policy * backup(P, R, gamma, V)).sum(axis=1)
        if np.abs(V_new - V).max() < theta:
            return V, n_sweeps
        V = V_new
    raise RuntimeError("no convergence")


def evaluate_policy__does_not_count_the_last_sweep(
    P, R, gamma, policy, backup, theta=1e-10, max_sweeps=100_000
):
    """Your number of sweeps is one too small: the last sweep, which finds no change, counts too."""
    _check_evaluation(R, policy, theta)
    V = np.zeros(len(P))
    for n_sweeps in range(max_sweeps):
        V_old = V
        V = (policy * backup(P, R, gamma, V_old)).sum(axis=1)
        if np.abs(V - V_old).max() < theta:
            return V, n_sweeps
    raise RuntimeError("no convergence")


def evaluate_policy__stops_at_a_change_equal_to_theta(
    P, R, gamma, policy, backup, theta=1e-10, max_sweeps=100_000
):
    """Your sweeps stop when the largest change equals theta; it must be strictly below theta."""
    _check_evaluation(R, policy, theta)
    V = np.zeros(len(P))
    for n_sweeps in range(1, max_sweeps + 1):
        V_old = V
        V = (policy * backup(P, R, gamma, V_old)).sum(axis=1)
        if np.abs(V - V_old).max() <= theta:
            return V, n_sweeps
    raise RuntimeError("no convergence")


def evaluate_policy__gives_up_without_a_word(
    P, R, gamma, policy, backup, theta=1e-10, max_sweeps=100_000
):
    """When the sweeps do not settle, you return unfinished values instead of raising an error."""
    _check_evaluation(R, policy, theta)
    V = np.zeros(len(P))
    for n_sweeps in range(1, max_sweeps + 1):
        V_old = V
        V = (policy * backup(P, R, gamma, V_old)).sum(axis=1)
        if np.abs(V - V_old).max() < theta:
            break
    return V, n_sweeps


def _check_action_values(Q):
    if Q.ndim != 2 or np.isnan(Q).any():
        raise ValueError("Q must have two axes and no NaN")


def greedy_policy__compares_states(Q, tol=1e-9):
    """You take the maximum over the states (axis 0); each state must compare its own actions."""
    _check_action_values(Q)
    best = Q >= Q.max(axis=0, keepdims=True) - tol
    return best / np.maximum(best.sum(axis=1, keepdims=True), 1)


def greedy_policy__takes_the_worst(Q, tol=1e-9):
    """Your policy takes the actions with the lowest values, as if Q held costs."""
    _check_action_values(Q)
    best = Q <= Q.min(axis=1, keepdims=True) + tol
    return best / best.sum(axis=1, keepdims=True)


def greedy_policy__returns_action_numbers(Q, tol=1e-9):
    """You return the number of the best action; a policy gives a probability to every action."""
    _check_action_values(Q)
    return Q.argmax(axis=1)


def greedy_policy__keeps_only_the_first_of_ties(Q, tol=1e-9):
    """Your policy gives all probability to the first of several best actions; share it equally."""
    _check_action_values(Q)
    return np.eye(Q.shape[1])[Q.argmax(axis=1)]


def greedy_policy__does_not_share(Q, tol=1e-9):
    """Your policy gives probability 1 to each of several best actions, so rows exceed 1."""
    _check_action_values(Q)
    return (Q >= Q.max(axis=1, keepdims=True) - tol).astype(float)


def greedy_policy__wants_exact_ties(Q, tol=1e-9):
    """You count only exactly equal values as ties; values within tol of the highest tie too."""
    _check_action_values(Q)
    best = Q == Q.max(axis=1, keepdims=True)
    return best / best.sum(axis=1, keepdims=True)


def greedy_policy__softmax(Q, tol=1e-9):
    """Your policy gives some probability to every action, as a softmax does; greedy does not."""
    _check_action_values(Q)
    weight = np.exp(Q - Q.max(axis=1, keepdims=True))
    return weight / weight.sum(axis=1, keepdims=True)


def policy_iteration__compares_policies(policy, evaluate, improve, tol=1e-9, max_rounds=1000):
    """You stop when the policy repeats itself; with ties it may change for ever at equal values."""
    V = evaluate(policy)
    for n_rounds in range(1, max_rounds + 1):
        old = policy
        policy = improve(V)
        V = evaluate(policy)
        if np.allclose(policy, old):
            return policy, V, n_rounds
    raise RuntimeError("the policy still changes")


def policy_iteration__improves_once(policy, evaluate, improve, tol=1e-9, max_rounds=1000):
    """You improve the policy only once; its new values may allow a further improvement."""
    policy = improve(evaluate(policy))
    return policy, evaluate(policy), 1


def policy_iteration__returns_old_values(policy, evaluate, improve, tol=1e-9, max_rounds=1000):
    """The values you return belong to the policy before the last improvement."""
    V = evaluate(policy)
    for n_rounds in range(1, max_rounds + 1):
        policy = improve(V)
        V_new = evaluate(policy)
        if (V_new - V).max() <= tol:
            return policy, V, n_rounds
        V = V_new
    raise RuntimeError("values still rise")


def policy_iteration__stops_when_one_state_is_done(
    policy, evaluate, improve, tol=1e-9, max_rounds=1000
):
    """You stop as soon as one state's value no longer rises; no state's value may rise any more."""
    V = evaluate(policy)
    for n_rounds in range(1, max_rounds + 1):
        V_old = V
        policy = improve(V_old)
        V = evaluate(policy)
        if (V - V_old).min() <= tol:
            return policy, V, n_rounds
    raise RuntimeError("values still rise")


def _check_value_iteration(gamma, epsilon):
    if not 0 <= gamma < 1:
        raise ValueError("gamma must lie in [0, 1)")
    if not epsilon > 0:
        raise ValueError("epsilon must be positive")


def value_iteration__takes_a_small_change_for_a_small_error(
    P, R, gamma, backup, epsilon=1e-8, max_sweeps=100_000
):
    """You stop on a small change; the error may be gamma / (1 - gamma) times as large."""
    _check_value_iteration(gamma, epsilon)
    V = np.zeros(len(P))
    for n_sweeps in range(1, max_sweeps + 1):
        V_old = V
        V = backup(P, R, gamma, V_old).max(axis=1)
        change = np.abs(V - V_old).max()
        if change <= epsilon:
            return V, change, n_sweeps
    raise RuntimeError("no convergence")


def value_iteration__bounds_the_older_values(P, R, gamma, backup, epsilon=1e-8, max_sweeps=100_000):
    """Your bound lacks the factor gamma: it holds for the values before the last sweep."""
    _check_value_iteration(gamma, epsilon)
    V = np.zeros(len(P))
    for n_sweeps in range(1, max_sweeps + 1):
        V_old = V
        V = backup(P, R, gamma, V_old).max(axis=1)
        bound = np.abs(V - V_old).max() / (1 - gamma)
        if bound <= epsilon:
            return V, bound, n_sweeps
    raise RuntimeError("no convergence")


def value_iteration__averages_the_actions(P, R, gamma, backup, epsilon=1e-8, max_sweeps=100_000):
    """Your sweeps average over the actions; value iteration takes the best action."""
    _check_value_iteration(gamma, epsilon)
    V = np.zeros(len(P))
    for n_sweeps in range(1, max_sweeps + 1):
        V_old = V
        V = backup(P, R, gamma, V_old).mean(axis=1)
        bound = gamma / (1 - gamma) * np.abs(V - V_old).max()
        if bound <= epsilon:
            return V, bound, n_sweeps
    raise RuntimeError("no convergence")


def value_iteration__bounds_the_mean_error(P, R, gamma, backup, epsilon=1e-8, max_sweeps=100_000):
    """Your bound uses the mean change; the guarantee needs the largest change of any state."""
    _check_value_iteration(gamma, epsilon)
    V = np.zeros(len(P))
    for n_sweeps in range(1, max_sweeps + 1):
        V_old = V
        V = backup(P, R, gamma, V_old).max(axis=1)
        bound = gamma / (1 - gamma) * np.abs(V - V_old).mean()
        if bound <= epsilon:
            return V, bound, n_sweeps
    raise RuntimeError("no convergence")


def _check_prioritised_sweeping(P, gamma, V0, theta):
    if not (0 <= gamma <= 1 and theta > 0 and V0.shape == P.shape[:1]):
        raise ValueError("gamma, theta or the shape of V0 is not valid")


def prioritised_sweeping__forgets_the_predecessors(
    P, R, gamma, V0, theta=1e-8, max_backups=1_000_000
):
    """After an update you renew only that state's error; its predecessors' errors change too."""
    _check_prioritised_sweeping(P, gamma, V0, theta)
    V, order = V0.copy(), []
    error = np.abs((R + gamma * P @ V).max(axis=1) - V)
    while error.max() >= theta:
        if len(order) == max_backups:
            raise RuntimeError("errors remain")
        s = int(error.argmax())
        V[s] = (R[s] + gamma * P[s] @ V).max()
        error[s] = abs((R[s] + gamma * P[s] @ V).max() - V[s])
        order.append(s)
    return V, order


def prioritised_sweeping__renews_the_successors(P, R, gamma, V0, theta=1e-8, max_backups=10**6):
    """You renew the errors of successors after an update; the predecessors need it."""
    _check_prioritised_sweeping(P, gamma, V0, theta)
    V, order = V0.copy(), []
    error = np.abs((R + gamma * P @ V).max(axis=1) - V)
    while error.max() >= theta:
        if len(order) == max_backups:
            raise RuntimeError("errors remain")
        s = int(error.argmax())
        V[s] = (R[s] + gamma * P[s] @ V).max()
        order.append(s)
        renew = (P[s] > 0).any(axis=0)
        renew[s] = True
        error[renew] = np.abs((R + gamma * P @ V).max(axis=1) - V)[renew]
    return V, order


def prioritised_sweeping__takes_the_updated_state_for_done(
    P, R, gamma, V0, theta=1e-8, max_backups=1_000_000
):
    """You set the error of an updated state to 0; it is not 0 where an action may stay in place."""
    _check_prioritised_sweeping(P, gamma, V0, theta)
    V, order = V0.copy(), []
    error = np.abs((R + gamma * P @ V).max(axis=1) - V)
    while error.max() >= theta:
        if len(order) == max_backups:
            raise RuntimeError("errors remain")
        s = int(error.argmax())
        V[s] = (R[s] + gamma * P[s] @ V).max()
        order.append(s)
        renew = (P[:, :, s] > 0).any(axis=1)
        error[renew] = np.abs((R + gamma * P @ V).max(axis=1) - V)[renew]
        error[s] = 0.0
    return V, order


def prioritised_sweeping__goes_round_in_order(P, R, gamma, V0, theta=1e-8, max_backups=1_000_000):
    """You update the first state whose error is too large; the one with the largest goes first."""
    _check_prioritised_sweeping(P, gamma, V0, theta)
    V, order = V0.copy(), []
    while True:
        error = np.abs((R + gamma * P @ V).max(axis=1) - V)
        if error.max() < theta:
            return V, order
        if len(order) == max_backups:
            raise RuntimeError("errors remain")
        s = int(np.argmax(error >= theta))
        V[s] = (R[s] + gamma * P[s] @ V).max()
        order.append(s)


def prioritised_sweeping__sees_only_values_that_are_too_low(
    P, R, gamma, V0, theta=1e-8, max_backups=1_000_000
):
    """You update only states whose value is too low; a value that is too high is an error too."""
    _check_prioritised_sweeping(P, gamma, V0, theta)
    V, order = V0.copy(), []
    while True:
        error = (R + gamma * P @ V).max(axis=1) - V
        if error.max() < theta:
            return V, order
        if len(order) == max_backups:
            raise RuntimeError("errors remain")
        s = int(error.argmax())
        V[s] += error[s]
        order.append(s)


def prioritised_sweeping__updates_all_states_at_once(
    P, R, gamma, V0, theta=1e-8, max_backups=1_000_000
):
    """You update every state in each round, as a sweep does; update one state, then look again."""
    _check_prioritised_sweeping(P, gamma, V0, theta)
    V, order = V0.copy(), []
    while True:
        target = (R + gamma * P @ V).max(axis=1)
        error = np.abs(target - V)
        if error.max() < theta:
            return V, order
        if len(order) + len(V) > max_backups:
            raise RuntimeError("errors remain")
        order += [int(s) for s in np.argsort(-error, kind="stable")]
        V = target
