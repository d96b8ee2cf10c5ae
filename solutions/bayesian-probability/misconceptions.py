"""Wrong answers that students give, each with the sentence that whoever wrote it should read."""

import numpy as np


def _check_bayes(log_prior, log_likelihood):
    if log_prior.ndim != 1 or log_likelihood.ndim != 2:
        raise ValueError("log_prior must have one axis, log_likelihood two")
    if len(log_prior) != log_likelihood.shape[1]:
        raise ValueError("the numbers of hypotheses differ")
    for logs in (log_prior, log_likelihood):
        if np.isnan(logs).any() or np.isposinf(logs).any():
            raise ValueError("NaN or +inf")
    if np.isneginf(log_prior + log_likelihood).all(axis=1).any():
        raise ValueError("impossible data")


def bayes__leaves_the_logarithm(log_prior, log_likelihood):
    """Your posterior matches one computed with plain probabilities, which underflow to 0."""
    _check_bayes(log_prior, log_likelihood)
    joint = np.exp(log_prior) * np.exp(log_likelihood)
    evidence = joint.sum(axis=1)
    with np.errstate(all="ignore"):
        return np.log(joint / evidence[:, None]), np.log(evidence)


def bayes__forgets_the_prior(log_prior, log_likelihood):
    """Your posterior is the likelihood made to sum to 1; the prior must be multiplied in first."""
    _check_bayes(log_prior, log_likelihood)
    largest = log_likelihood.max(axis=1, keepdims=True)
    total = largest + np.log(np.exp(log_likelihood - largest).sum(axis=1, keepdims=True))
    return log_likelihood - total, total[:, 0]


def bayes__does_not_normalise(log_prior, log_likelihood):
    """Your posterior is prior times likelihood; it still has to be divided by the evidence."""
    _check_bayes(log_prior, log_likelihood)
    joint = log_prior + log_likelihood
    return joint, np.logaddexp.reduce(joint, axis=1)


def bayes__sums_over_data_sets(log_prior, log_likelihood):
    """Your evidence adds up over the data sets; it must add up over the hypotheses of each row."""
    _check_bayes(log_prior, log_likelihood)
    joint = log_prior + log_likelihood
    evidence = np.logaddexp.reduce(joint, axis=0)
    with np.errstate(all="ignore"):
        return joint - evidence, np.resize(evidence, len(joint))


def bayes__one_maximum_for_all_rows(log_prior, log_likelihood):
    """You subtract the largest entry of the whole array; each row needs a maximum of its own."""
    _check_bayes(log_prior, log_likelihood)
    joint = log_prior + log_likelihood
    if joint.size == 0:
        return joint, joint.sum(axis=1)
    largest = joint.max()
    with np.errstate(all="ignore"):
        evidence = largest + np.log(np.exp(joint - largest).sum(axis=1))
        return joint - evidence[:, None], evidence


def bayes__maximum_of_the_likelihood(log_prior, log_likelihood):
    """You shift by the largest likelihood, which may belong to a hypothesis of prior 0."""
    _check_bayes(log_prior, log_likelihood)
    joint = log_prior + log_likelihood
    largest = log_likelihood.max(axis=1)
    with np.errstate(all="ignore"):
        evidence = largest + np.log(np.exp(joint - largest[:, None]).sum(axis=1))
        return joint - evidence[:, None], evidence


def bayes__normalises_then_takes_logs(log_prior, log_likelihood):
    """Your evidence is right, but very improbable hypotheses become impossible: keep the logs."""
    _check_bayes(log_prior, log_likelihood)
    joint = log_prior + log_likelihood
    evidence = np.logaddexp.reduce(joint, axis=1)
    with np.errstate(all="ignore"):
        return np.log(np.exp(joint - evidence[:, None])), evidence


def bayes__answers_to_impossible_data(log_prior, log_likelihood):
    """Your function returns NaN for data that no hypothesis allows, instead of raising an error."""
    if log_prior.ndim != 1 or log_likelihood.ndim != 2:
        raise ValueError("log_prior must have one axis, log_likelihood two")
    if len(log_prior) != log_likelihood.shape[1]:
        raise ValueError("the numbers of hypotheses differ")
    for logs in (log_prior, log_likelihood):
        if np.isnan(logs).any() or np.isposinf(logs).any():
            raise ValueError("NaN or +inf")
    joint = log_prior + log_likelihood
    evidence = np.logaddexp.reduce(joint, axis=1)
    with np.errstate(all="ignore"):
        return joint - evidence[:, None], evidence


def _check_gaussian(mean, variance, noise, x, observed):
    if x.ndim != 2 or observed.shape != x.shape:
        raise ValueError("x and observed do not fit")
    if mean.shape != (len(x),) or variance.shape != (len(x),):
        raise ValueError("mean or variance does not fit")
    if not (noise > 0 and np.isfinite(noise) and (variance > 0).all()):
        raise ValueError("variances must be positive")
    if (np.isinf(variance) & ~observed.any(axis=1)).any():
        raise ValueError("an infinite variance needs a reading")


def gaussian_posterior__one_reading_per_series(mean, variance, noise, x, observed):
    """You treat the average of the readings as one reading; its precision is n / noise."""
    _check_gaussian(mean, variance, noise, x, observed)
    n = observed.sum(axis=1)
    average = np.where(observed, x, 0.0).sum(axis=1) / np.maximum(n, 1)
    post = 1 / (1 / variance + (n > 0) / noise)
    return post * (mean / variance + average / noise), post, post + noise


def gaussian_posterior__counts_the_gaps(mean, variance, noise, x, observed):
    """Your precision counts every column as a reading, also those where nothing was observed."""
    _check_gaussian(mean, variance, noise, x, observed)
    total = np.where(observed, x, 0.0).sum(axis=1)
    post = 1 / (1 / variance + x.shape[1] / noise)
    return post * (mean / variance + total / noise), post, post + noise


def gaussian_posterior__weighs_by_variance(mean, variance, noise, x, observed):
    """You weigh by variances; the weights are precisions, so that the surer side counts more."""
    _check_gaussian(mean, variance, noise, x, observed)
    n = observed.sum(axis=1)
    total = np.where(observed, x, 0.0).sum(axis=1)
    post = 1 / (1 / variance + n / noise)
    with np.errstate(all="ignore"):
        return (mean * variance + total * noise) / (variance + n * noise), post, post + noise


def gaussian_posterior__noise_is_a_standard_deviation(mean, variance, noise, x, observed):
    """You square the noise, but it already is a variance."""
    _check_gaussian(mean, variance, noise, x, observed)
    total = np.where(observed, x, 0.0).sum(axis=1)
    with np.errstate(all="ignore"):
        post = 1 / (1 / variance + observed.sum(axis=1) / noise**2)
        return post * (mean / variance + total / noise**2), post, post + noise


def gaussian_posterior__product_of_variances(mean, variance, noise, x, observed):
    """Your formula multiplies two variances, which overflows or turns to NaN for extreme ones."""
    _check_gaussian(mean, variance, noise, x, observed)
    n = observed.sum(axis=1)
    total = np.where(observed, x, 0.0).sum(axis=1)
    with np.errstate(all="ignore"):
        post = variance * noise / (noise + n * variance)
        return (mean * noise + total * variance) / (noise + n * variance), post, post + noise


def _check_normal_gamma(kappa, alpha, beta, x):
    if not (kappa > 0 and alpha > 0 and beta > 0) or x.ndim != 1:
        raise ValueError("kappa, alpha or beta is not positive, or x has not one axis")


def update_normal_gamma__mean_of_nothing(mu, kappa, alpha, beta, x):
    """Your function returns NaN without readings, because the mean of nothing is not a number."""
    _check_normal_gamma(kappa, alpha, beta, x)
    n = len(x)
    centre = x.mean() if n else np.nan
    scatter = np.sum((x - centre) ** 2) + kappa * n * (centre - mu) ** 2 / (kappa + n)
    return (kappa * mu + n * centre) / (kappa + n), kappa + n, alpha + n / 2, beta + scatter / 2
