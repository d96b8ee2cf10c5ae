"""Wrong answers that students give, each with the sentence that whoever wrote it should read."""

import math

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


def _check_update(log_prior, log_likelihoods, observed):
    if log_prior.ndim != 1 or observed.ndim != 1:
        raise ValueError("log_prior and observed must have one axis")
    if log_likelihoods.shape != (len(observed), len(log_prior)):
        raise ValueError("log_likelihoods does not fit")


def update_in_turn__starts_from_the_prior_each_time(log_prior, log_likelihoods, observed, bayes):
    """Each of your updates starts from the first prior again, not from the beliefs before it."""
    _check_update(log_prior, log_likelihoods, observed)
    beliefs, predictive = [log_prior], np.zeros(len(observed))
    for t in range(len(observed)):
        beliefs.append(beliefs[-1])
        if observed[t]:
            posterior, evidence = bayes(log_prior, log_likelihoods[t : t + 1])
            beliefs[-1], predictive[t] = posterior[0], evidence[0]
    return np.array(beliefs), predictive


def update_in_turn__counts_the_rows_of_missing_data(log_prior, log_likelihoods, observed, bayes):
    """Your beliefs change at missing observations, whose rows mean nothing."""
    _check_update(log_prior, log_likelihoods, observed)
    beliefs, predictive = [log_prior], np.zeros(len(observed))
    for t in range(len(observed)):
        posterior, evidence = bayes(beliefs[-1], log_likelihoods[t : t + 1])
        beliefs.append(posterior[0])
        predictive[t] = evidence[0]
    return np.array(beliefs), predictive


def update_in_turn__multiplies_nan_by_zero(log_prior, log_likelihoods, observed, bayes):
    """You blank out missing rows by a product with 0, but NaN times 0 is NaN."""
    _check_update(log_prior, log_likelihoods, observed)
    beliefs, predictive = [log_prior], np.zeros(len(observed))
    for t in range(len(observed)):
        posterior, evidence = bayes(beliefs[-1], log_likelihoods[t : t + 1] * float(observed[t]))
        beliefs.append(posterior[0])
        predictive[t] = evidence[0]
    return np.array(beliefs), predictive


def update_in_turn__drops_the_prior_row(log_prior, log_likelihoods, observed, bayes):
    """Your beliefs start after the first observation; row 0 must be the prior."""
    _check_update(log_prior, log_likelihoods, observed)
    belief, beliefs, predictive = log_prior, [], np.zeros(len(observed))
    for t in range(len(observed)):
        if observed[t]:
            posterior, evidence = bayes(belief, log_likelihoods[t : t + 1])
            belief, predictive[t] = posterior[0], evidence[0]
        beliefs.append(belief)
    return np.array(beliefs).reshape(-1, len(log_prior)), predictive


def update_in_turn__predicts_after_seeing(log_prior, log_likelihoods, observed, bayes):
    """Your predictive probability uses beliefs that have already seen the observation."""
    _check_update(log_prior, log_likelihoods, observed)
    beliefs, predictive = [log_prior], np.zeros(len(observed))
    for t in range(len(observed)):
        beliefs.append(beliefs[-1])
        if observed[t]:
            beliefs[-1] = bayes(beliefs[-2], log_likelihoods[t : t + 1])[0][0]
            predictive[t] = bayes(beliefs[-1], log_likelihoods[t : t + 1])[1][0]
    return np.array(beliefs), predictive


def _log_beta(a, b):
    log_gamma = np.vectorize(math.lgamma, otypes=[float])
    return log_gamma(a) + log_gamma(b) - log_gamma(a + b)


def _check_beta(a, b, heads, tails):
    if not a.shape == b.shape == heads.shape == tails.shape:
        raise ValueError("the shapes differ")
    if not ((a > 0) & (b > 0) & np.isfinite(a) & np.isfinite(b)).all():
        raise ValueError("a and b must be positive and finite")
    if (heads < 0).any() or (tails < 0).any():
        raise ValueError("a count cannot be negative")


def beta_bernoulli__predicts_the_frequency(a, b, heads, tails):
    """Your prediction is the fraction of heads so far, which ignores the prior."""
    _check_beta(a, b, heads, tails)
    evidence = _log_beta(a + heads, b + tails) - _log_beta(a, b)
    return a + heads, b + tails, heads / np.maximum(heads + tails, 1), evidence


def beta_bernoulli__predicts_the_mode(a, b, heads, tails):
    """Your prediction is the mode of the posterior; the next flip needs its mean."""
    _check_beta(a, b, heads, tails)
    a_post, b_post = a + heads, b + tails
    evidence = _log_beta(a_post, b_post) - _log_beta(a, b)
    with np.errstate(all="ignore"):
        return a_post, b_post, (a_post - 1) / (a_post + b_post - 2), evidence


def beta_bernoulli__counts_all_orders(a, b, heads, tails):
    """Your evidence is that of the counts in any order: leave out the binomial coefficient."""
    _check_beta(a, b, heads, tails)
    a_post, b_post = a + heads, b + tails
    orders = -np.log(heads + tails + 1.0) - _log_beta(heads + 1.0, tails + 1.0)
    evidence = orders + _log_beta(a_post, b_post) - _log_beta(a, b)
    return a_post, b_post, a_post / (a_post + b_post), evidence


def beta_bernoulli__forgets_the_normaliser_of_the_prior(a, b, heads, tails):
    """Your evidence is B(a', b') alone; it must be divided by the B(a, b) of the prior."""
    _check_beta(a, b, heads, tails)
    a_post, b_post = a + heads, b + tails
    return a_post, b_post, a_post / (a_post + b_post), _log_beta(a_post, b_post)


def beta_bernoulli__plugs_the_mean_in(a, b, heads, tails):
    """Your evidence is the likelihood at one value of theta, not its average over the prior."""
    _check_beta(a, b, heads, tails)
    a_post, b_post = a + heads, b + tails
    p = a_post / (a_post + b_post)
    return a_post, b_post, p, heads * np.log(p) + tails * np.log(1 - p)


def beta_bernoulli__gamma_overflows(a, b, heads, tails):
    """Your evidence uses Gamma functions that overflow above 171: use their logarithms."""
    _check_beta(a, b, heads, tails)
    gamma = np.vectorize(math.gamma, otypes=[float])
    a_post, b_post = a + heads, b + tails
    prior = gamma(a) * gamma(b) / gamma(a + b)
    evidence = np.log(gamma(a_post) * gamma(b_post) / gamma(a_post + b_post) / prior)
    return a_post, b_post, a_post / (a_post + b_post), evidence


def beta_bernoulli__swaps_heads_and_tails(a, b, heads, tails):
    """Your posterior adds the tails to a and the heads to b; it is the other way round."""
    _check_beta(a, b, heads, tails)
    a_post, b_post = a + tails, b + heads
    evidence = _log_beta(a_post, b_post) - _log_beta(a, b)
    return a_post, b_post, a_post / (a_post + b_post), evidence


def beta_bernoulli__lets_nan_through(a, b, heads, tails):
    """Your check of a and b lets NaN through, because every comparison with NaN is false."""
    if not a.shape == b.shape == heads.shape == tails.shape:
        raise ValueError("the shapes differ")
    if (a <= 0).any() or (b <= 0).any() or np.isinf(a).any() or np.isinf(b).any():
        raise ValueError("a and b must be positive and finite")
    if (heads < 0).any() or (tails < 0).any():
        raise ValueError("a count cannot be negative")
    a_post, b_post = a + heads, b + tails
    evidence = _log_beta(a_post, b_post) - _log_beta(a, b)
    return a_post, b_post, a_post / (a_post + b_post), evidence


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


def gaussian_posterior__multiplies_nan_by_zero(mean, variance, noise, x, observed):
    """You remove unobserved readings by a product with 0, but NaN times 0 is NaN."""
    _check_gaussian(mean, variance, noise, x, observed)
    post = 1 / (1 / variance + observed.sum(axis=1) / noise)
    total = (x * observed).sum(axis=1)
    return post * (mean / variance + total / noise), post, post + noise


def gaussian_posterior__forgets_the_noise_ahead(mean, variance, noise, x, observed):
    """Your variance of the next reading is that of the mean alone: the sensor adds its noise."""
    _check_gaussian(mean, variance, noise, x, observed)
    total = np.where(observed, x, 0.0).sum(axis=1)
    post = 1 / (1 / variance + observed.sum(axis=1) / noise)
    return post * (mean / variance + total / noise), post, post


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


def update_normal_gamma__difference_of_squares(mu, kappa, alpha, beta, x):
    """Your sum of squares is a difference of two huge numbers; subtract the mean first."""
    _check_normal_gamma(kappa, alpha, beta, x)
    n = len(x)
    if n == 0:
        return mu, kappa, alpha, beta
    centre = x.mean()
    scatter = np.sum(x**2) - n * centre**2 + kappa * n * (centre - mu) ** 2 / (kappa + n)
    return (kappa * mu + n * centre) / (kappa + n), kappa + n, alpha + n / 2, beta + scatter / 2


def update_normal_gamma__no_half_in_alpha(mu, kappa, alpha, beta, x):
    """Your alpha grows by 1 a reading; it must grow by 1/2."""
    _check_normal_gamma(kappa, alpha, beta, x)
    n = len(x)
    if n == 0:
        return mu, kappa, alpha, beta
    centre = x.mean()
    scatter = np.sum((x - centre) ** 2) + kappa * n * (centre - mu) ** 2 / (kappa + n)
    return (kappa * mu + n * centre) / (kappa + n), kappa + n, alpha + n, beta + scatter / 2


def update_normal_gamma__no_surprise_in_beta(mu, kappa, alpha, beta, x):
    """Your beta lacks the last term, for readings far from where the prior expects them."""
    _check_normal_gamma(kappa, alpha, beta, x)
    n = len(x)
    if n == 0:
        return mu, kappa, alpha, beta
    centre = x.mean()
    scatter = np.sum((x - centre) ** 2)
    return (kappa * mu + n * centre) / (kappa + n), kappa + n, alpha + n / 2, beta + scatter / 2


def update_normal_gamma__variance_for_the_sum(mu, kappa, alpha, beta, x):
    """Your beta uses the variance of the readings where their sum of squares belongs."""
    _check_normal_gamma(kappa, alpha, beta, x)
    n = len(x)
    if n == 0:
        return mu, kappa, alpha, beta
    centre = x.mean()
    scatter = np.var(x) + kappa * n * (centre - mu) ** 2 / (kappa + n)
    return (kappa * mu + n * centre) / (kappa + n), kappa + n, alpha + n / 2, beta + scatter / 2


def update_normal_gamma__squares_about_the_prior_mean(mu, kappa, alpha, beta, x):
    """Your squares are taken about the prior mean; the sum is about the readings' own mean."""
    _check_normal_gamma(kappa, alpha, beta, x)
    n = len(x)
    if n == 0:
        return mu, kappa, alpha, beta
    centre = x.mean()
    scatter = np.sum((x - mu) ** 2) + kappa * n * (centre - mu) ** 2 / (kappa + n)
    return (kappa * mu + n * centre) / (kappa + n), kappa + n, alpha + n / 2, beta + scatter / 2


def update_normal_gamma__mean_of_nothing(mu, kappa, alpha, beta, x):
    """Your function returns NaN without readings, because the mean of nothing is not a number."""
    _check_normal_gamma(kappa, alpha, beta, x)
    n = len(x)
    centre = x.mean() if n else np.nan
    scatter = np.sum((x - centre) ** 2) + kappa * n * (centre - mu) ** 2 / (kappa + n)
    return (kappa * mu + n * centre) / (kappa + n), kappa + n, alpha + n / 2, beta + scatter / 2


def _check_check(draws, u, flips):
    if draws.ndim != 1 or len(draws) == 0 or not ((draws >= 0) & (draws <= 1)).all():
        raise ValueError("draws must be probabilities")
    if u.shape != (len(draws), len(flips)):
        raise ValueError("u has a wrong shape")


def predictive_check__strictly_above(draws, u, flips, statistic):
    """You count simulated statistics above that of the data; equal ones count as well."""
    _check_check(draws, u, flips)
    simulated = (u < draws[:, None]).astype(int)
    values = np.array([float(statistic(row)) for row in simulated])
    return float(np.mean(values > statistic(flips))), values


def predictive_check__counts_the_other_side(draws, u, flips, statistic):
    """You count simulated statistics at most that of the data; those at least as large count."""
    _check_check(draws, u, flips)
    simulated = (u < draws[:, None]).astype(int)
    values = np.array([float(statistic(row)) for row in simulated])
    return float(np.mean(values <= statistic(flips))), values


def predictive_check__one_coin_for_all(draws, u, flips, statistic):
    """You simulate every data set with the mean of the draws; each has a draw of its own."""
    _check_check(draws, u, flips)
    simulated = (u < draws.mean()).astype(int)
    values = np.array([float(statistic(row)) for row in simulated])
    return float(np.mean(values >= statistic(flips))), values


def predictive_check__heads_and_tails_swapped(draws, u, flips, statistic):
    """Your simulated flips are 1 where they should be 0: heads is u below the probability."""
    _check_check(draws, u, flips)
    simulated = (u >= draws[:, None]).astype(int)
    values = np.array([float(statistic(row)) for row in simulated])
    return float(np.mean(values >= statistic(flips))), values


def predictive_check__heads_on_equality(draws, u, flips, statistic):
    """You count a random number equal to the probability as heads, so that p = 0 can give heads."""
    _check_check(draws, u, flips)
    simulated = (u <= draws[:, None]).astype(int)
    values = np.array([float(statistic(row)) for row in simulated])
    return float(np.mean(values >= statistic(flips))), values


def predictive_check__shuffles_instead(draws, u, flips, statistic):
    """Your simulated sets are the data in another order; draw new flips from the posterior."""
    _check_check(draws, u, flips)
    simulated = flips[np.argsort(u, axis=1)]
    values = np.array([float(statistic(row)) for row in simulated])
    return float(np.mean(values >= statistic(flips))), values
