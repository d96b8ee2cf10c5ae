"""Wrong answers that people really give; each must cost its own step and nothing else."""

import math

import torch


def _check_kl(mu, log_var):
    if mu.shape != log_var.shape:
        raise ValueError("mu and log_var must have the same shape")


def gaussian_kl__averages_the_entries(mu, log_var):
    """You average over the latent entries; the divergence of independent entries is their sum."""
    _check_kl(mu, log_var)
    return 0.5 * (mu**2 + log_var.exp() - 1 - log_var).mean(dim=-1)


def gaussian_kl__takes_log_var_for_log_sigma(mu, log_var):
    """You take log_var for the log of the standard deviation; it is the log of the variance."""
    _check_kl(mu, log_var)
    return 0.5 * (mu**2 + (2 * log_var).exp() - 1 - 2 * log_var).sum(dim=-1)


def gaussian_kl__forgets_the_half(mu, log_var):
    """Your divergence is twice too large: the factor 1/2 is missing."""
    _check_kl(mu, log_var)
    return (mu**2 + log_var.exp() - 1 - log_var).sum(dim=-1)


def gaussian_kl__the_other_direction(mu, log_var):
    """You compute KL(p || q); the ELBO needs KL(q || p), with the encoder's distribution first."""
    _check_kl(mu, log_var)
    return 0.5 * ((1 + mu**2) * (-log_var).exp() - 1 + log_var).sum(dim=-1)


def gaussian_kl__sums_over_the_pictures(mu, log_var):
    """You sum over the pictures too; there must be one divergence for each picture."""
    _check_kl(mu, log_var)
    return 0.5 * (mu**2 + log_var.exp() - 1 - log_var).sum()


def gaussian_kl__takes_the_log_of_a_rounded_variance(mu, log_var):
    """You take the log of exp(log_var), which rounds to 0 for small variances; use log_var."""
    _check_kl(mu, log_var)
    variance = log_var.exp()
    return 0.5 * (mu**2 + variance - 1 - variance.log()).sum(dim=-1)


def _check_sample(mu, log_var, noise):
    if mu.shape != log_var.shape or noise.shape[1:] != mu.shape:
        raise ValueError("the shapes do not fit")


def sample_latent__scales_by_the_variance(mu, log_var, noise):
    """You multiply the noise by the variance; the standard deviation is its square root."""
    _check_sample(mu, log_var, noise)
    return mu + log_var.exp() * noise


def sample_latent__takes_log_var_for_sigma(mu, log_var, noise):
    """You multiply the noise by log_var itself; exponentiate half of it to get sigma."""
    _check_sample(mu, log_var, noise)
    return mu + log_var * noise


def sample_latent__cuts_the_gradient(mu, log_var, noise):
    """Your samples have no gradient: something detaches them from mu and log_var."""
    _check_sample(mu, log_var, noise)
    with torch.no_grad():
        return mu + (0.5 * log_var).exp() * noise


def sample_latent__draws_its_own_noise(mu, log_var, noise):
    """You draw new noise; use the noise that is given, so that the result can be repeated."""
    _check_sample(mu, log_var, noise)
    return mu + (0.5 * log_var).exp() * torch.randn_like(noise)


def sample_latent__changes_the_noise(mu, log_var, noise):
    """You change the noise in place; the caller still needs it."""
    _check_sample(mu, log_var, noise)
    return noise.mul_((0.5 * log_var).detach().exp()) + mu


def _check_pictures(logits, x):
    if x.ndim != 2 or logits.shape[-2:] != x.shape:
        raise ValueError("the shapes do not fit")
    if not ((x >= 0) & (x <= 16) & (x == x.round())).all():
        raise ValueError("a pixel is no whole number from 0 to 16")


def _log_ways(x):
    return math.lgamma(17) - torch.lgamma(x + 1) - torch.lgamma(17 - x)


def log_likelihood__averages_the_pixels(logits, x):
    """You average over the pixels; the log likelihood of independent pixels is their sum."""
    _check_pictures(logits, x)
    fit = x * logits - 16 * torch.nn.functional.softplus(logits)
    return (_log_ways(x) + fit).mean(dim=-1)


def log_likelihood__goes_through_the_probability(logits, x):
    """You compute a probability and take its log; for large logits it has rounded to 0 or 1."""
    _check_pictures(logits, x)
    p = torch.sigmoid(logits)
    return (_log_ways(x) + torch.xlogy(x, p) + torch.xlogy(16 - x, 1 - p)).sum(dim=-1)


def log_likelihood__clips_the_probability(logits, x):
    """You clip the probability to avoid log(0); that makes large logits count too little."""
    _check_pictures(logits, x)
    p = torch.sigmoid(logits).clamp(1e-7, 1 - 1e-7)
    return (_log_ways(x) + x * p.log() + (16 - x) * (1 - p).log()).sum(dim=-1)


def log_likelihood__drops_the_coefficient(logits, x):
    """You leave out the binomial coefficient: the probabilities of all pictures do not sum to 1."""
    _check_pictures(logits, x)
    return (x * logits - 16 * torch.nn.functional.softplus(logits)).sum(dim=-1)


def log_likelihood__one_dot_a_pixel(logits, x):
    """You take x / 16 for the outcome of one coin; a pixel is the outcome of 16 coins."""
    _check_pictures(logits, x)
    return ((x / 16) * logits - torch.nn.functional.softplus(logits)).sum(dim=-1)


def log_likelihood__sums_over_the_pictures(logits, x):
    """You sum over the pictures too; there must be one log likelihood for each picture."""
    _check_pictures(logits, x)
    fit = x * logits - 16 * torch.nn.functional.softplus(logits)
    return (_log_ways(x) + fit).sum(dim=(-1, -2))


def _check_scores(z, mu, log_var, values):
    if z.ndim != 3 or mu.shape != log_var.shape or z.shape[1:] != mu.shape:
        raise ValueError("z, mu and log_var do not fit")
    if values.shape != z.shape[:2] or len(z) < 2:
        raise ValueError("values does not fit, or there is only one sample")


def score_gradients__no_baseline(z, mu, log_var, values):
    """You subtract no baseline: adding a constant to all values changes your estimates."""
    _check_scores(z, mu, log_var, values)
    variance = log_var.exp()
    score = (z - mu) / variance, 0.5 * ((z - mu) ** 2 / variance - 1)
    return score[0] * values.unsqueeze(-1), score[1] * values.unsqueeze(-1)


def score_gradients__baseline_includes_the_sample(z, mu, log_var, values):
    """Your baseline averages over all samples, the sample itself included; that biases the mean."""
    _check_scores(z, mu, log_var, values)
    variance = log_var.exp()
    gain = (values - values.mean(dim=0)).unsqueeze(-1)
    return gain * (z - mu) / variance, gain * 0.5 * ((z - mu) ** 2 / variance - 1)


def score_gradients__baseline_over_the_pictures(z, mu, log_var, values):
    """Your baseline mixes pictures; average the other samples of the same picture."""
    _check_scores(z, mu, log_var, values)
    variance = log_var.exp()
    others = (values.sum() - values) / (values.numel() - 1)
    gain = (values - others).unsqueeze(-1)
    return gain * (z - mu) / variance, gain * 0.5 * ((z - mu) ** 2 / variance - 1)


def score_gradients__forgets_the_variance(z, mu, log_var, values):
    """You do not divide z - mu by the variance."""
    _check_scores(z, mu, log_var, values)
    others = (values.sum(dim=0) - values) / (len(z) - 1)
    gain = (values - others).unsqueeze(-1)
    return gain * (z - mu), gain * 0.5 * ((z - mu) ** 2 - 1)


def score_gradients__for_sigma(z, mu, log_var, values):
    """Your second estimate is the derivative for sigma; the parameter is the log variance."""
    _check_scores(z, mu, log_var, values)
    sigma = log_var.exp().sqrt()
    others = (values.sum(dim=0) - values) / (len(z) - 1)
    gain = (values - others).unsqueeze(-1)
    return gain * (z - mu) / sigma**2, gain * ((z - mu) ** 2 / sigma**3 - 1 / sigma)


def score_gradients__forgets_the_normalising_constant(z, mu, log_var, values):
    """In the derivative for log_var the -1 is missing: the density's factor 1/sigma changes too."""
    _check_scores(z, mu, log_var, values)
    variance = log_var.exp()
    others = (values.sum(dim=0) - values) / (len(z) - 1)
    gain = (values - others).unsqueeze(-1)
    return gain * (z - mu) / variance, gain * 0.5 * (z - mu) ** 2 / variance


def _start(x, n_latent, betas, seed, batch_size, lr, n_hidden):
    if len(betas) == 0 or batch_size < 1:
        raise ValueError("no epoch, or no picture in a batch")
    generator = torch.Generator().manual_seed(seed)
    model = VAE(x.shape[1], n_latent, n_hidden, generator).to(x.device, x.dtype)  # noqa: F821
    return generator, model, torch.optim.Adam(model.parameters(), lr=lr)


def _objective(model, batch, generator, gaussian_kl, sample_latent, log_likelihood):
    mu, log_var = model.encode(batch)
    noise = torch.randn(1, *mu.shape, generator=generator, dtype=batch.dtype).to(batch.device)
    fit = log_likelihood(model.decode(sample_latent(mu, log_var, noise)), batch)[0]
    return fit, gaussian_kl(mu, log_var)


def _result(model, history):
    return {name: value.detach() for name, value in model.state_dict().items()}, history


def train__never_clears_the_gradient(
    x,
    n_latent,
    betas,
    seed,
    gaussian_kl,
    sample_latent,
    log_likelihood,
    batch_size=50,
    lr=3e-3,
    n_hidden=64,
):
    """You never clear the gradients, so each step also repeats all earlier ones."""
    generator, model, optimiser = _start(x, n_latent, betas, seed, batch_size, lr, n_hidden)
    history = []
    for beta in betas:
        total = 0.0
        for rows in torch.randperm(len(x), generator=generator).to(x.device).split(batch_size):
            fit, cost = _objective(
                model, x[rows], generator, gaussian_kl, sample_latent, log_likelihood
            )
            (beta * cost - fit).mean().backward()
            optimiser.step()
            total += (fit - cost).sum().item()
        history.append(total / len(x))
    return _result(model, history)


def train__adds_the_divergence(
    x,
    n_latent,
    betas,
    seed,
    gaussian_kl,
    sample_latent,
    log_likelihood,
    batch_size=50,
    lr=3e-3,
    n_hidden=64,
):
    """You reward the KL term; it must be subtracted from the log likelihood."""
    generator, model, optimiser = _start(x, n_latent, betas, seed, batch_size, lr, n_hidden)
    history = []
    for beta in betas:
        total = 0.0
        for rows in torch.randperm(len(x), generator=generator).to(x.device).split(batch_size):
            fit, cost = _objective(
                model, x[rows], generator, gaussian_kl, sample_latent, log_likelihood
            )
            optimiser.zero_grad()
            (-beta * cost - fit).mean().backward()
            optimiser.step()
            total += (fit - cost).sum().item()
        history.append(total / len(x))
    return _result(model, history)


def train__drops_the_last_batch(
    x,
    n_latent,
    betas,
    seed,
    gaussian_kl,
    sample_latent,
    log_likelihood,
    batch_size=50,
    lr=3e-3,
    n_hidden=64,
):
    """You leave out the last batch when it is smaller than the others."""
    generator, model, optimiser = _start(x, n_latent, betas, seed, batch_size, lr, n_hidden)
    history = []
    for beta in betas:
        total, count = 0.0, 0
        for rows in torch.randperm(len(x), generator=generator).to(x.device).split(batch_size):
            if len(rows) < batch_size and count:
                continue
            fit, cost = _objective(
                model, x[rows], generator, gaussian_kl, sample_latent, log_likelihood
            )
            optimiser.zero_grad()
            (beta * cost - fit).mean().backward()
            optimiser.step()
            total += (fit - cost).sum().item()
            count += len(rows)
        history.append(total / count)
    return _result(model, history)


def train__shuffles_once(
    x,
    n_latent,
    betas,
    seed,
    gaussian_kl,
    sample_latent,
    log_likelihood,
    batch_size=50,
    lr=3e-3,
    n_hidden=64,
):
    """You shuffle the pictures once; every epoch needs a new order."""
    generator, model, optimiser = _start(x, n_latent, betas, seed, batch_size, lr, n_hidden)
    history = []
    order = torch.randperm(len(x), generator=generator).to(x.device)
    for beta in betas:
        total = 0.0
        for rows in order.split(batch_size):
            fit, cost = _objective(
                model, x[rows], generator, gaussian_kl, sample_latent, log_likelihood
            )
            optimiser.zero_grad()
            (beta * cost - fit).mean().backward()
            optimiser.step()
            total += (fit - cost).sum().item()
        history.append(total / len(x))
    return _result(model, history)


def train__history_with_beta(
    x,
    n_latent,
    betas,
    seed,
    gaussian_kl,
    sample_latent,
    log_likelihood,
    batch_size=50,
    lr=3e-3,
    n_hidden=64,
):
    """Your history weighs the KL term with beta; it should hold the ELBO, without beta."""
    generator, model, optimiser = _start(x, n_latent, betas, seed, batch_size, lr, n_hidden)
    history = []
    for beta in betas:
        total = 0.0
        for rows in torch.randperm(len(x), generator=generator).to(x.device).split(batch_size):
            fit, cost = _objective(
                model, x[rows], generator, gaussian_kl, sample_latent, log_likelihood
            )
            optimiser.zero_grad()
            (beta * cost - fit).mean().backward()
            optimiser.step()
            total += (fit - beta * cost).sum().item()
        history.append(total / len(x))
    return _result(model, history)


def train__averages_the_batches(
    x,
    n_latent,
    betas,
    seed,
    gaussian_kl,
    sample_latent,
    log_likelihood,
    batch_size=50,
    lr=3e-3,
    n_hidden=64,
):
    """Your history averages the batches' averages, so pictures of a small last batch count more."""
    generator, model, optimiser = _start(x, n_latent, betas, seed, batch_size, lr, n_hidden)
    history = []
    for beta in betas:
        averages = []
        for rows in torch.randperm(len(x), generator=generator).to(x.device).split(batch_size):
            fit, cost = _objective(
                model, x[rows], generator, gaussian_kl, sample_latent, log_likelihood
            )
            optimiser.zero_grad()
            (beta * cost - fit).mean().backward()
            optimiser.step()
            averages.append((fit - cost).mean().item())
        history.append(sum(averages) / len(averages))
    return _result(model, history)


def train__same_noise_in_every_epoch(
    x,
    n_latent,
    betas,
    seed,
    gaussian_kl,
    sample_latent,
    log_likelihood,
    batch_size=50,
    lr=3e-3,
    n_hidden=64,
):
    """You start the noise anew in every epoch, so the same noise comes back again and again."""
    generator, model, optimiser = _start(x, n_latent, betas, seed, batch_size, lr, n_hidden)
    history = []
    for beta in betas:
        total = 0.0
        noise_generator = torch.Generator().manual_seed(seed + 1)
        for rows in torch.randperm(len(x), generator=generator).to(x.device).split(batch_size):
            fit, cost = _objective(
                model, x[rows], noise_generator, gaussian_kl, sample_latent, log_likelihood
            )
            optimiser.zero_grad()
            (beta * cost - fit).mean().backward()
            optimiser.step()
            total += (fit - cost).sum().item()
        history.append(total / len(x))
    return _result(model, history)


def train__seeds_the_global_generator(
    x,
    n_latent,
    betas,
    seed,
    gaussian_kl,
    sample_latent,
    log_likelihood,
    batch_size=50,
    lr=3e-3,
    n_hidden=64,
):
    """You seed PyTorch's global generator, which changes the random numbers of everybody else."""
    _, model, optimiser = _start(x, n_latent, betas, seed, batch_size, lr, n_hidden)
    torch.manual_seed(seed)
    history = []
    for beta in betas:
        total = 0.0
        for rows in torch.randperm(len(x)).to(x.device).split(batch_size):
            fit, cost = _objective(model, x[rows], None, gaussian_kl, sample_latent, log_likelihood)
            optimiser.zero_grad()
            (beta * cost - fit).mean().backward()
            optimiser.step()
            total += (fit - cost).sum().item()
        history.append(total / len(x))
    return _result(model, history)


def _check_bound(z, mu, log_var, log_px_given_z):
    if z.ndim != 3 or mu.shape != log_var.shape or z.shape[1:] != mu.shape:
        raise ValueError("z, mu and log_var do not fit")
    if log_px_given_z.shape != z.shape[:2]:
        raise ValueError("log_px_given_z does not fit")


def _log_weights(z, mu, log_var, log_px_given_z):
    difference = log_var + (z - mu) ** 2 / log_var.exp() - z**2  # 2 (ln p - ln q) for each entry
    return log_px_given_z + 0.5 * difference.sum(dim=-1)


def importance_bound__averages_the_logarithms(z, mu, log_var, log_px_given_z):
    """You average the logarithms of the weights: that is the ELBO again, for every K."""
    _check_bound(z, mu, log_var, log_px_given_z)
    return _log_weights(z, mu, log_var, log_px_given_z).mean(dim=0)


def importance_bound__leaves_the_logarithms(z, mu, log_var, log_px_given_z):
    """You compute the weights themselves, which round to 0; stay with logarithms."""
    _check_bound(z, mu, log_var, log_px_given_z)
    return _log_weights(z, mu, log_var, log_px_given_z).exp().mean(dim=0).log()


def importance_bound__sums_the_weights(z, mu, log_var, log_px_given_z):
    """You sum the weights; their average is smaller by the factor K."""
    _check_bound(z, mu, log_var, log_px_given_z)
    return torch.logsumexp(_log_weights(z, mu, log_var, log_px_given_z), dim=0)


def importance_bound__forgets_q(z, mu, log_var, log_px_given_z):
    """You do not divide by q(z | x), although the samples come from it."""
    _check_bound(z, mu, log_var, log_px_given_z)
    log_prior = -0.5 * (math.log(2 * math.pi) + z**2).sum(dim=-1)
    return torch.logsumexp(log_px_given_z + log_prior, dim=0) - math.log(len(z))


def importance_bound__forgets_the_prior(z, mu, log_var, log_px_given_z):
    """You average p(x | z) only: samples from q must be weighted with p(z) / q(z | x)."""
    _check_bound(z, mu, log_var, log_px_given_z)
    return torch.logsumexp(log_px_given_z, dim=0) - math.log(len(z))


def importance_bound__forgets_the_scale_of_q(z, mu, log_var, log_px_given_z):
    """Your ln q lacks the term with the logarithm of the variance."""
    _check_bound(z, mu, log_var, log_px_given_z)
    difference = (z - mu) ** 2 / log_var.exp() - z**2
    log_weights = log_px_given_z + 0.5 * difference.sum(dim=-1)
    return torch.logsumexp(log_weights, dim=0) - math.log(len(z))


def _check_use(mu, log_var):
    if mu.shape != log_var.shape or mu.ndim != 2 or len(mu) == 0:
        raise ValueError("mu and log_var must have the same shape (n_images, n_latent)")


def latent_use__does_not_centre(mu, log_var, threshold=0.01):
    """Your spread is the mean of mu squared: a mean that is the same everywhere tells nothing."""
    _check_use(mu, log_var)
    kl = 0.5 * (mu**2 + log_var.exp() - 1 - log_var).mean(dim=0)
    spread = (mu**2).mean(dim=0)
    return kl, spread, spread > threshold


def latent_use__measures_the_noise(mu, log_var, threshold=0.01):
    """Your spread is the variance of q itself; a collapsed dimension has the largest of all."""
    _check_use(mu, log_var)
    kl = 0.5 * (mu**2 + log_var.exp() - 1 - log_var).mean(dim=0)
    spread = log_var.exp().mean(dim=0)
    return kl, spread, spread > threshold


def latent_use__sums_over_the_dimensions(mu, log_var, threshold=0.01):
    """You sum the divergence over the dimensions; here each dimension needs its own."""
    _check_use(mu, log_var)
    kl = 0.5 * (mu**2 + log_var.exp() - 1 - log_var).sum(dim=1).mean()
    spread = mu.var(dim=0, correction=0)
    return kl, spread, spread > threshold


def latent_use__divides_by_one_less(mu, log_var, threshold=0.01):
    """You divide the spread by one less than the number of pictures."""
    _check_use(mu, log_var)
    kl = 0.5 * (mu**2 + log_var.exp() - 1 - log_var).mean(dim=0)
    spread = mu.var(dim=0)
    return kl, spread, spread > threshold


def latent_use__judges_by_the_divergence(mu, log_var, threshold=0.01):
    """You call a dimension active when it costs something; it must differ between pictures."""
    _check_use(mu, log_var)
    kl = 0.5 * (mu**2 + log_var.exp() - 1 - log_var).mean(dim=0)
    return kl, mu.var(dim=0, correction=0), kl > threshold
