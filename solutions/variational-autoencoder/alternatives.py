"""Other right answers, which must keep full marks."""

import math

import torch


def gaussian_kl__grouped(mu, log_var):
    """Puts mu aside and uses expm1, which is exact near a variance of 1."""
    if tuple(mu.size()) != tuple(log_var.size()):
        raise ValueError("two different shapes")
    half = torch.expm1(log_var) - log_var
    return (mu.square().sum(-1) + half.sum(-1)) / 2


def gaussian_kl__entropy_and_cross_entropy(mu, log_var):
    """Takes the cross-entropy with the prior and subtracts the entropy of q."""
    if mu.shape != log_var.shape:
        raise ValueError("two different shapes")
    constant = math.log(2 * math.pi)
    cross_entropy = 0.5 * (constant + mu * mu + torch.exp(log_var))
    entropy = 0.5 * (constant + 1 + log_var)
    return torch.sum(cross_entropy - entropy, dim=-1)


def sample_latent__loop(mu, log_var, noise):
    """Makes one sample after the other and stacks them."""
    if noise.dim() != mu.dim() + 1 or log_var.shape != mu.shape:
        raise ValueError("axes are missing")
    samples = []
    sigma = torch.exp(log_var / 2)
    for one in noise:
        if one.shape != mu.shape:
            raise ValueError("noise of a wrong shape")
        samples.append(mu + sigma * one)
    return torch.stack(samples)


def sample_latent__addcmul(mu, log_var, noise):
    """Uses a fused multiply and add."""
    if log_var.shape != mu.shape or tuple(noise.shape)[1:] != tuple(mu.shape):
        raise ValueError("shapes do not fit")
    return torch.addcmul(mu.unsqueeze(0), torch.exp(log_var.mul(0.5)).unsqueeze(0), noise)


def log_likelihood__softplus(logits, x):
    """Multiplies out: x times the logit, minus 16 times softplus."""
    if x.dim() != 2 or logits.dim() < 2 or logits.shape[-2:] != x.shape:
        raise ValueError("shapes do not fit")
    if torch.isin(x, torch.arange(17, dtype=x.dtype, device=x.device)).logical_not().any():
        raise ValueError("a pixel is no whole number from 0 to 16")
    counts = torch.tensor([math.log(math.comb(16, k)) for k in range(17)])
    counts = counts.to(x.device, torch.float64).to(x.dtype)
    stable = x * logits - 16 * torch.logaddexp(logits, torch.zeros_like(logits))
    return torch.sum(counts[x.long()] + stable, dim=-1)


def log_likelihood__cross_entropy_with_logits(logits, x):
    """Uses PyTorch's binary cross-entropy on logits, once for each of the 16 dots."""
    if x.ndim != 2 or tuple(logits.shape)[-2:] != tuple(x.shape):
        raise ValueError("shapes do not fit")
    if bool(((x < 0) | (x > 16) | (x != x.floor()) | x.isnan()).any()):
        raise ValueError("a pixel is no whole number from 0 to 16")
    target = (x / 16).expand_as(logits)
    loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, target, reduction="none")
    ways = math.lgamma(17) - torch.lgamma(x + 1) - torch.lgamma(17 - x)
    return ways.sum(dim=-1) - 16 * loss.sum(dim=-1)


def score_gradients__loop(z, mu, log_var, values):
    """Takes one sample after the other and averages the rest."""
    if z.dim() != 3 or z.shape[0] < 2 or tuple(values.shape) != tuple(z.shape[:2]):
        raise ValueError("shapes do not fit")
    if z[0].shape != mu.shape or mu.shape != log_var.shape:
        raise ValueError("shapes do not fit")
    sigma = torch.exp(log_var / 2)
    for_mu, for_log_var = [], []
    for k in range(len(z)):
        rest = torch.cat([values[:k], values[k + 1 :]]).mean(dim=0)
        gain = (values[k] - rest)[:, None]
        noise = (z[k] - mu) / sigma
        for_mu.append(gain * noise / sigma)
        for_log_var.append(gain * (noise.square() - 1) / 2)
    return torch.stack(for_mu), torch.stack(for_log_var)


def score_gradients__scaled_deviation(z, mu, log_var, values):
    """Uses that the baseline makes K / (K - 1) times the deviation from the common mean."""
    if z.ndim != 3 or values.ndim != 2 or mu.shape != log_var.shape:
        raise ValueError("shapes do not fit")
    if z.shape[1:] != mu.shape or values.shape != z.shape[:2] or len(z) == 1:
        raise ValueError("shapes do not fit")
    k = z.shape[0]
    gain = ((values - values.mean(dim=0, keepdim=True)) * (k / (k - 1)))[..., None]
    precision = torch.exp(-log_var)
    return gain * (z - mu) * precision, gain * ((z - mu) ** 2 * precision - 1) / 2


def train__index_slices(
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
    """Cuts the order into slices by hand and clears the gradients after each step."""
    if not len(betas) or not batch_size >= 1:
        raise ValueError("nothing to do")
    rng = torch.Generator()
    rng.manual_seed(seed)
    vae = VAE(x.size(1), n_latent, n_hidden, rng).to(device=x.device, dtype=x.dtype)  # noqa: F821
    adam = torch.optim.Adam(vae.parameters(), lr)
    history = []
    for epoch in range(len(betas)):
        order = torch.randperm(x.size(0), generator=rng)
        scores = []
        for first in range(0, x.size(0), batch_size):
            batch = x[order[first : first + batch_size].to(x.device)]
            mu, log_var = vae.encode(batch)
            noise = torch.randn((1, len(batch), n_latent), generator=rng, dtype=x.dtype)
            z = sample_latent(mu, log_var, noise.to(x.device))
            fit = log_likelihood(vae.decode(z), batch).squeeze(0)
            kl = gaussian_kl(mu, log_var)
            loss = -(fit - betas[epoch] * kl).sum() / len(batch)
            loss.backward()
            adam.step()
            vae.zero_grad()
            scores.append((fit - kl).detach())
        history.append(float(torch.cat(scores).mean()))
    parameters = {name: value.detach().clone() for name, value in vae.state_dict().items()}
    return parameters, history


def train__all_noise_of_an_epoch_at_once(
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
    """Draws the noise of a whole epoch at once, and maximises instead of minimising."""
    if batch_size < 1 or len(list(betas)) < 1:
        raise ValueError("nothing to do")
    generator = torch.Generator().manual_seed(seed)
    model = VAE(x.shape[1], n_latent, n_hidden, generator).to(x)  # noqa: F821
    optimiser = torch.optim.Adam(model.parameters(), lr=lr, maximize=True)
    history = []
    for beta in betas:
        shuffled = x[torch.randperm(len(x), generator=generator).to(x.device)]
        noise = torch.randn(1, len(x), n_latent, generator=generator, dtype=x.dtype).to(x.device)
        elbos = torch.zeros(len(x), dtype=torch.float64)
        for start in range(0, len(x), batch_size):
            part = slice(start, start + batch_size)
            mu, log_var = model.encode(shuffled[part])
            logits = model.decode(sample_latent(mu, log_var, noise[:, part]))
            fit = log_likelihood(logits, shuffled[part])[0]
            cost = gaussian_kl(mu, log_var)
            optimiser.zero_grad(set_to_none=True)
            torch.mean(fit - beta * cost).backward()
            optimiser.step()
            elbos[part] = (fit - cost).detach().double().cpu()
        history.append(elbos.mean().item())
    return {name: p.detach() for name, p in model.named_parameters()}, history


def importance_bound__without_constants(z, mu, log_var, log_px_given_z):
    """Uses that the terms with 2 pi cancel, and shifts by the largest weight by hand."""
    if z.ndim != 3 or z.shape[1:] != mu.shape or mu.shape != log_var.shape:
        raise ValueError("shapes do not fit")
    if tuple(log_px_given_z.shape) != (z.shape[0], z.shape[1]):
        raise ValueError("shapes do not fit")
    noise = (z - mu) * torch.exp(-0.5 * log_var)
    log_weights = log_px_given_z + 0.5 * (noise**2 - z**2 + log_var).sum(dim=-1)
    largest = log_weights.max(dim=0).values
    return largest + (log_weights - largest).exp().mean(dim=0).log()


def importance_bound__distributions(z, mu, log_var, log_px_given_z):
    """Lets torch.distributions compute the densities."""
    if z.ndim != 3 or z.shape[1:] != mu.shape or mu.shape != log_var.shape:
        raise ValueError("shapes do not fit")
    if log_px_given_z.shape != z.shape[:2]:
        raise ValueError("shapes do not fit")
    q = torch.distributions.Normal(mu, torch.exp(log_var / 2))
    prior = torch.distributions.Normal(torch.zeros_like(mu), torch.ones_like(mu))
    log_ratio = (prior.log_prob(z) - q.log_prob(z)).sum(dim=2)
    return torch.logsumexp(log_px_given_z + log_ratio - math.log(z.shape[0]), dim=0)


def latent_use__loop(mu, log_var, threshold=0.01):
    """Goes through the dimensions one by one."""
    if mu.dim() != 2 or mu.shape != log_var.shape or mu.shape[0] < 1:
        raise ValueError("shapes do not fit")
    costs, spreads = [], []
    for j in range(mu.shape[1]):
        m, v = mu[:, j], log_var[:, j]
        costs.append(torch.mean(m * m + torch.expm1(v) - v) / 2)
        spreads.append(torch.mean((m - m.mean()) ** 2))
    spread = torch.stack(spreads)
    return torch.stack(costs), spread, torch.gt(spread, threshold)
