"""Other right answers, which must keep full marks."""

import math

import numpy as np


def bayes__logaddexp(log_prior, log_likelihood):
    """Lets NumPy add numbers that are given by their logarithms."""
    if np.ndim(log_prior) != 1 or np.ndim(log_likelihood) != 2:
        raise ValueError("log_prior must have one axis, log_likelihood two")
    if len(log_prior) != log_likelihood.shape[1]:
        raise ValueError("the numbers of hypotheses differ")
    if not ((log_prior < np.inf).all() and (log_likelihood < np.inf).all()):
        raise ValueError("NaN or +inf is no logarithm of a probability")
    log_joint = log_prior[None, :] + log_likelihood
    log_evidence = np.logaddexp.reduce(log_joint, axis=1)
    if (log_evidence == -np.inf).any():
        raise ValueError("impossible data")
    return log_joint - log_evidence[:, None], log_evidence


def bayes__loops(log_prior, log_likelihood):
    """Goes through the rows one by one, with plain Python numbers."""
    if log_prior.ndim != 1 or log_likelihood.ndim != 2:
        raise ValueError("wrong number of axes")
    n_sets, n_hypotheses = log_likelihood.shape
    if log_prior.shape != (n_hypotheses,):
        raise ValueError("the numbers of hypotheses differ")
    for value in [*log_prior, *log_likelihood.ravel()]:
        if math.isnan(value) or value == math.inf:
            raise ValueError("NaN or +inf is no logarithm of a probability")
    log_posterior, log_evidence = np.zeros((n_sets, n_hypotheses)), np.zeros(n_sets)
    for i in range(n_sets):
        joint = [log_prior[k] + log_likelihood[i, k] for k in range(n_hypotheses)]
        best = max(joint)
        if best == -math.inf:
            raise ValueError("impossible data")
        log_evidence[i] = best + math.log(sum(math.exp(v - best) for v in joint))
        for k in range(n_hypotheses):
            log_posterior[i, k] = joint[k] - log_evidence[i]
    return log_posterior, log_evidence


def update_in_turn__cumulative_sums(log_prior, log_likelihoods, observed, bayes):
    """Adds up the log likelihoods, normalises the rows, and takes differences as predictions."""
    if log_prior.ndim != 1 or observed.ndim != 1:
        raise ValueError("log_prior and observed must have one axis")
    if log_likelihoods.shape != (observed.size, log_prior.size):
        raise ValueError("log_likelihoods does not fit")
    steps = np.where(observed[:, None], log_likelihoods, 0.0)
    totals = np.vstack([log_prior, log_prior + np.cumsum(steps, axis=0)])
    log_evidence = np.logaddexp.reduce(totals, axis=1)
    if np.isneginf(log_evidence).any():
        raise ValueError("impossible data")
    return totals - log_evidence[:, None], np.diff(log_evidence)


def update_in_turn__all_prefixes_at_once(log_prior, log_likelihoods, observed, bayes):
    """Asks bayes for the posterior of every prefix of the data in a single call."""
    shapes_fit = log_prior.ndim == 1 and observed.ndim == 1 and log_likelihoods.ndim == 2
    if not shapes_fit or log_likelihoods.shape != (len(observed), len(log_prior)):
        raise ValueError("the shapes do not fit")
    prefixes = np.zeros((len(observed) + 1, len(log_prior)))
    for t in range(len(observed)):
        prefixes[t + 1] = prefixes[t] + (log_likelihoods[t] if observed[t] else 0.0)
    log_beliefs, log_evidence = bayes(log_prior, prefixes)
    return log_beliefs, log_evidence[1:] - log_evidence[:-1]


def beta_bernoulli__one_flip_after_the_other(a, b, heads, tails):
    """Multiplies the predictive probabilities of the flips, first the heads and then the tails."""
    if len({a.shape, b.shape, heads.shape, tails.shape}) > 1:
        raise ValueError("the shapes differ")
    if np.any(~(a > 0)) or np.any(~(b > 0)) or np.any(np.isinf(a)) or np.any(np.isinf(b)):
        raise ValueError("a and b must be positive and finite")
    if np.any(heads < 0) or np.any(tails < 0):
        raise ValueError("a count cannot be negative")
    log_evidence = np.zeros(a.shape)
    for i in np.ndindex(a.shape):
        log_evidence[i] += np.log(a[i] + np.arange(heads[i])).sum()
        log_evidence[i] += np.log(b[i] + np.arange(tails[i])).sum()
        log_evidence[i] -= np.log(a[i] + b[i] + np.arange(heads[i] + tails[i])).sum()
    a_post, b_post = a + heads, b + tails
    return a_post, b_post, 1 / (1 + b_post / a_post), log_evidence


def beta_bernoulli__gamma_terms(a, b, heads, tails):
    """Writes the ratio of Beta functions as a sum of six terms, entry by entry."""
    if not (a.shape == b.shape and b.shape == heads.shape and heads.shape == tails.shape):
        raise ValueError("the shapes differ")
    flat = list(zip(a.ravel(), b.ravel(), heads.ravel(), tails.ravel(), strict=True))
    for a_i, b_i, h, t in flat:
        if not (0 < a_i < math.inf and 0 < b_i < math.inf and h >= 0 and t >= 0):
            raise ValueError("a parameter or a count is not valid")
    logs = [
        (math.lgamma(a_i + h) - math.lgamma(a_i))
        + (math.lgamma(b_i + t) - math.lgamma(b_i))
        - (math.lgamma(a_i + b_i + h + t) - math.lgamma(a_i + b_i))
        for a_i, b_i, h, t in flat
    ]
    total = a + b + heads + tails
    return a + heads, b + tails, (a + heads) / total, np.array(logs).reshape(a.shape)


def gaussian_posterior__one_reading_at_a_time(mean, variance, noise, x, observed):
    """Moves each mean towards each reading by a gain, as a Kalman filter does."""
    if x.ndim != 2 or x.shape != observed.shape or mean.ndim != 1 or variance.ndim != 1:
        raise ValueError("the shapes do not fit")
    if len(mean) != len(x) or len(variance) != len(x):
        raise ValueError("the numbers of series differ")
    if not 0 < noise < np.inf or np.isnan(variance).any() or (variance <= 0).any():
        raise ValueError("variances must be positive")
    if (np.isinf(variance) & (observed.sum(axis=1) == 0)).any():
        raise ValueError("an infinite variance needs a reading")
    m, v = mean.astype(float), variance.astype(float)
    for j in range(x.shape[1]):
        seen = observed[:, j]
        gain = 1 / (1 + noise / v[seen])
        m[seen] += gain * (x[seen, j] - m[seen])
        v[seen] = gain * noise
    return m, v, v + noise


def gaussian_posterior__weights(mean, variance, noise, x, observed):
    """Averages prior mean and sample mean with weights that sum to 1, series by series."""
    if observed.ndim != 2 or observed.shape != x.shape:
        raise ValueError("x and observed do not fit")
    if mean.shape != (x.shape[0],) or variance.shape != (x.shape[0],):
        raise ValueError("mean or variance does not fit")
    if not noise > 0 or np.isinf(noise) or not np.all(variance > 0):
        raise ValueError("variances must be positive")
    means, variances = [], []
    for m, v, row, seen in zip(mean, variance, x, observed, strict=True):
        readings = row[seen]
        if len(readings) == 0:
            if np.isinf(v):
                raise ValueError("an infinite variance needs a reading")
            means.append(m)
            variances.append(v)
            continue
        of_the_mean = noise / len(readings)
        weight = 1 / (1 + of_the_mean / v)
        means.append((1 - weight) * m + weight * readings.mean())
        variances.append(weight * of_the_mean)
    return np.array(means), np.array(variances), np.array(variances) + noise


def update_normal_gamma__one_reading_at_a_time(mu, kappa, alpha, beta, x):
    """Applies the update for a single reading again and again."""
    if x.ndim != 1 or not min(kappa, alpha, beta) > 0:
        raise ValueError("a parameter is not positive, or x has not one axis")
    if np.isnan([kappa, alpha, beta]).any():
        raise ValueError("a parameter is NaN")
    for reading in x:
        beta = beta + kappa * (reading - mu) ** 2 / (2 * (kappa + 1))
        mu = mu + (reading - mu) / (kappa + 1)
        kappa, alpha = kappa + 1, alpha + 0.5
    return float(mu), float(kappa), float(alpha), float(beta)


def update_normal_gamma__centred_at_the_prior(mu, kappa, alpha, beta, x):
    """Measures the readings from the prior mean, where differences of squares are harmless."""
    if len(x.shape) != 1:
        raise ValueError("x must have one axis")
    for value in (kappa, alpha, beta):
        if math.isnan(value) or value <= 0:
            raise ValueError("kappa, alpha and beta must be positive")
    away = x - mu
    n, total = x.size, float(away.sum())
    squares = float(away @ away) - total**2 / (kappa + n)
    return mu + total / (kappa + n), kappa + n, alpha + 0.5 * n, beta + 0.5 * squares


def predictive_check__loops(draws, u, flips, statistic):
    """Simulates flip by flip and counts in plain Python."""
    if draws.ndim != 1 or draws.size == 0:
        raise ValueError("draws must have one axis and an entry")
    if np.isnan(draws).any() or draws.min() < 0 or draws.max() > 1:
        raise ValueError("draws must lie in [0, 1]")
    if u.ndim != 2 or u.shape != (draws.size, flips.size):
        raise ValueError("u has a wrong shape")
    threshold, values, n_extreme = statistic(flips), [], 0
    for d in range(draws.size):
        simulated = [1 if u[d, i] < draws[d] else 0 for i in range(flips.size)]
        values.append(statistic(np.array(simulated, dtype=np.int64)))
        if values[-1] >= threshold:
            n_extreme += 1
    return n_extreme / draws.size, np.array(values, dtype=float)


def predictive_check__apply_along_axis(draws, u, flips, statistic):
    """Lets NumPy apply the statistic to every row."""
    if draws.ndim != 1 or not draws.size or not np.all((0 <= draws) & (draws <= 1)):
        raise ValueError("draws must be probabilities")
    if u.shape != (draws.shape[0], flips.shape[0]):
        raise ValueError("u has a wrong shape")
    simulated = np.where(u < draws.reshape(-1, 1), 1, 0)
    values = np.apply_along_axis(lambda row: float(statistic(row)), 1, simulated)
    return np.count_nonzero(values >= statistic(flips)) / len(draws), values
