"""Wrong answers that students give, each with the sentence that whoever wrote it should read."""

import torch
import torch.nn.functional as F


def _check_sequences(logits, tokens, mask):
    if logits.ndim != 3:
        raise ValueError("logits must have three axes")
    if tokens.shape != logits.shape[:2] or mask.shape != logits.shape[:2]:
        raise ValueError("tokens and mask must fit logits")
    if mask[:, 0].any():
        raise ValueError("the first token of a sequence has no prediction")


def _picked(log_probs, tokens, counts):
    targets = tokens.masked_fill(~counts, 0)
    return log_probs.gather(-1, targets.unsqueeze(-1)).squeeze(-1)


def sequence_log_probs__reads_the_scores_at_the_token_itself(logits, tokens, mask):
    """You use the logits at the token's own position; those one position earlier predict it."""
    _check_sequences(logits, tokens, mask)
    picked = _picked(F.log_softmax(logits, dim=-1), tokens, mask)
    return picked.masked_fill(~mask, 0.0).sum(dim=1)


def sequence_log_probs__shifts_the_tokens_but_not_the_mask(logits, tokens, mask):
    """You shift the tokens by one position but not the mask, so the wrong tokens are counted."""
    _check_sequences(logits, tokens, mask)
    targets = tokens[:, 1:].clamp(min=0, max=logits.shape[-1] - 1)
    counts = mask[:, :-1]
    picked = _picked(F.log_softmax(logits[:, :-1], dim=-1), targets, counts)
    return picked.masked_fill(~counts, 0.0).sum(dim=1)


def sequence_log_probs__takes_the_mean(logits, tokens, mask):
    """You average over the tokens of a response; its log-probability is their sum."""
    _check_sequences(logits, tokens, mask)
    counts = mask[:, 1:]
    picked = _picked(F.log_softmax(logits[:, :-1], dim=-1), tokens[:, 1:], counts)
    return picked.masked_fill(~counts, 0.0).sum(dim=1) / counts.sum(dim=1).clamp(min=1)


def sequence_log_probs__multiplies_by_the_mask(logits, tokens, mask):
    """You multiply by the mask, and 0 * -inf is NaN; choose with torch.where or masked_fill."""
    _check_sequences(logits, tokens, mask)
    counts = mask[:, 1:]
    picked = _picked(F.log_softmax(logits[:, :-1], dim=-1), tokens[:, 1:], counts)
    return (picked * counts).sum(dim=1)


def sequence_log_probs__takes_the_logarithm_of_the_softmax(logits, tokens, mask):
    """You take the log of a softmax that has rounded to 0; log_softmax never leaves logarithms."""
    _check_sequences(logits, tokens, mask)
    counts = mask[:, 1:]
    picked = _picked(torch.softmax(logits[:, :-1], dim=-1).log(), tokens[:, 1:], counts)
    return picked.masked_fill(~counts, 0.0).sum(dim=1)


def sequence_log_probs__counts_every_token(logits, tokens, mask):
    """You count the prompt and the padding as well; only tokens where the mask is True count."""
    _check_sequences(logits, tokens, mask)
    targets = tokens[:, 1:].clamp(min=0)
    log_probs = F.log_softmax(logits[:, :-1], dim=-1)
    return log_probs.gather(-1, targets.unsqueeze(-1)).squeeze(-1).sum(dim=1)


def sequence_log_probs__adds_raw_logits(logits, tokens, mask):
    """You add up the logits themselves; they become log-probabilities only through log_softmax."""
    _check_sequences(logits, tokens, mask)
    counts = mask[:, 1:]
    picked = _picked(logits[:, :-1], tokens[:, 1:], counts)
    return picked.masked_fill(~counts, 0.0).sum(dim=1)


def sequence_log_probs__cuts_the_gradient(logits, tokens, mask):
    """Your result records no gradient, so no model can be trained with it."""
    _check_sequences(logits, tokens, mask)
    counts = mask[:, 1:]
    picked = _picked(F.log_softmax(logits[:, :-1].detach(), dim=-1), tokens[:, 1:], counts)
    return picked.masked_fill(~counts, 0.0).sum(dim=1)


def sequence_log_probs__writes_into_tokens(logits, tokens, mask):
    """You overwrite the tokens that you were given; work on a copy of them."""
    _check_sequences(logits, tokens, mask)
    counts = mask[:, 1:]
    tokens[~mask] = 0
    picked = _picked(F.log_softmax(logits[:, :-1], dim=-1), tokens[:, 1:], counts)
    return picked.masked_fill(~counts, 0.0).sum(dim=1)


def _check_rewards(chosen_rewards, rejected_rewards):
    if chosen_rewards.ndim != 1 or chosen_rewards.shape != rejected_rewards.shape:
        raise ValueError("both rewards must have the same shape")
    if len(chosen_rewards) == 0:
        raise ValueError("there is no pair")


def bradley_terry_loss__takes_the_logarithm_of_the_sigmoid(chosen_rewards, rejected_rewards):
    """You take the log of a sigmoid that has rounded to 0, which is -inf; use logsigmoid."""
    _check_rewards(chosen_rewards, rejected_rewards)
    return -torch.sigmoid(chosen_rewards - rejected_rewards).log().mean()


def bradley_terry_loss__guards_with_a_small_number(chosen_rewards, rejected_rewards):
    """You add a small number inside the log: large losses are cut off, and with them gradients."""
    _check_rewards(chosen_rewards, rejected_rewards)
    return -(torch.sigmoid(chosen_rewards - rejected_rewards) + 1e-12).log().mean()


def bradley_terry_loss__swaps_winner_and_loser(chosen_rewards, rejected_rewards):
    """Your loss falls when the rejected response gains: the difference has the wrong sign."""
    _check_rewards(chosen_rewards, rejected_rewards)
    return -F.logsigmoid(rejected_rewards - chosen_rewards).mean()


def bradley_terry_loss__adds_up(chosen_rewards, rejected_rewards):
    """You return the sum over the pairs; the loss is their mean."""
    _check_rewards(chosen_rewards, rejected_rewards)
    return -F.logsigmoid(chosen_rewards - rejected_rewards).sum()


def bradley_terry_loss__returns_the_probability_of_error(chosen_rewards, rejected_rewards):
    """You return the mean probability of a wrong choice; the loss takes -log of the right one's."""
    _check_rewards(chosen_rewards, rejected_rewards)
    return torch.sigmoid(rejected_rewards - chosen_rewards).mean()


def bradley_terry_loss__counts_in_bits(chosen_rewards, rejected_rewards):
    """Your loss is in bits, 1 at equal rewards; use the natural logarithm, which gives ln 2."""
    _check_rewards(chosen_rewards, rejected_rewards)
    return -F.logsigmoid(chosen_rewards - rejected_rewards).mean() / torch.log(torch.tensor(2.0))


def bradley_terry_loss__lets_shapes_broadcast(chosen_rewards, rejected_rewards):
    """Your function accepts shapes that differ, and compares every winner with every loser."""
    return -F.logsigmoid(chosen_rewards - rejected_rewards).mean()


def _check_table(ref_log_probs, rewards, beta):
    if not beta > 0:
        raise ValueError("beta must be positive")
    if ref_log_probs.ndim != 2 or ref_log_probs.shape != rewards.shape:
        raise ValueError("ref_log_probs and rewards must have the same two axes")
    if (ref_log_probs == -float("inf")).all(dim=1).any():
        raise ValueError("some prompt has no possible response")


def optimal_policy__multiplies_by_beta(ref_log_probs, rewards, beta):
    """You multiply the rewards by beta; a larger beta keeps the policy nearer, so divide by it."""
    _check_table(ref_log_probs, rewards, beta)
    scores = ref_log_probs + rewards * beta
    log_partition = torch.logsumexp(scores, dim=1)
    return scores - log_partition[:, None], log_partition


def optimal_policy__forgets_the_reference(ref_log_probs, rewards, beta):
    """Your policy is a softmax of the rewards alone; each factor must be weighted by pi_ref."""
    _check_table(ref_log_probs, rewards, beta)
    scores = torch.where(ref_log_probs > -float("inf"), rewards / beta, -float("inf"))
    log_partition = torch.logsumexp(scores, dim=1)
    return scores - log_partition[:, None], log_partition


def optimal_policy__normalises_over_prompts(ref_log_probs, rewards, beta):
    """You normalise over the prompts; the responses to each prompt must have the sum 1."""
    _check_table(ref_log_probs, rewards, beta)
    scores = ref_log_probs + rewards / beta
    total = torch.logsumexp(scores, dim=0)
    return scores - total, torch.logsumexp(scores, dim=1)


def optimal_policy__leaves_the_logarithms(ref_log_probs, rewards, beta):
    """You compute exp(reward / beta) itself, which overflows; stay with logarithms, logsumexp."""
    _check_table(ref_log_probs, rewards, beta)
    weights = ref_log_probs.exp() * (rewards / beta).exp()
    total = weights.sum(dim=1)
    return (weights / total[:, None]).log(), total.log()


def optimal_policy__returns_the_partition_function_itself(ref_log_probs, rewards, beta):
    """Your second result is Z; its logarithm is asked for."""
    _check_table(ref_log_probs, rewards, beta)
    scores = ref_log_probs + rewards / beta
    log_partition = torch.logsumexp(scores, dim=1)
    return scores - log_partition[:, None], log_partition.exp()


def optimal_policy__forgets_the_largest_score(ref_log_probs, rewards, beta):
    """You subtract the largest score for stability, but do not add it to log Z again."""
    _check_table(ref_log_probs, rewards, beta)
    scores = ref_log_probs + rewards / beta
    scores = scores - scores.amax(dim=1, keepdim=True)
    log_partition = scores.exp().sum(dim=1).log()
    return scores - log_partition[:, None], log_partition


def optimal_policy__lets_nan_through(ref_log_probs, rewards, beta):
    """Your check of beta lets NaN through, because every comparison with NaN is false."""
    if beta <= 0:
        raise ValueError("beta must be positive")
    _check_table(ref_log_probs, rewards, 1.0)
    scores = ref_log_probs + rewards / beta
    log_partition = torch.logsumexp(scores, dim=1)
    return scores - log_partition[:, None], log_partition


def _check_pairs(four, beta):
    if not beta > 0:
        raise ValueError("beta must be positive")
    if len({t.shape for t in four}) > 1 or four[0].ndim != 1 or len(four[0]) == 0:
        raise ValueError("the four tensors must have the same shape")


def dpo_loss__forgets_the_reference(policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta):
    """You leave the reference out; what counts is how far each log-probability moved from it."""
    _check_pairs((policy_chosen, policy_rejected, ref_chosen, ref_rejected), beta)
    return -F.logsigmoid(beta * (policy_chosen - policy_rejected)).mean()


def dpo_loss__trains_the_reference_too(
    policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta
):
    """Gradients flow to the reference's log-probabilities; detach them, only the policy learns."""
    _check_pairs((policy_chosen, policy_rejected, ref_chosen, ref_rejected), beta)
    ratios = (policy_chosen - ref_chosen) - (policy_rejected - ref_rejected)
    return -F.logsigmoid(beta * ratios).mean()


def dpo_loss__puts_beta_outside(policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta):
    """You multiply the finished loss by beta; beta belongs inside the sigmoid."""
    _check_pairs((policy_chosen, policy_rejected, ref_chosen, ref_rejected), beta)
    ratios = (policy_chosen - ref_chosen.detach()) - (policy_rejected - ref_rejected.detach())
    return -beta * F.logsigmoid(ratios).mean()


def dpo_loss__divides_by_beta(policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta):
    """You divide the log-ratios by beta, as rewards were in the closed form; here it multiplies."""
    _check_pairs((policy_chosen, policy_rejected, ref_chosen, ref_rejected), beta)
    ratios = (policy_chosen - ref_chosen.detach()) - (policy_rejected - ref_rejected.detach())
    return -F.logsigmoid(ratios / beta).mean()


def dpo_loss__swaps_winner_and_loser(
    policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta
):
    """Your loss falls when the rejected responses gain: winner and loser are swapped."""
    _check_pairs((policy_chosen, policy_rejected, ref_chosen, ref_rejected), beta)
    ratios = (policy_rejected - ref_rejected.detach()) - (policy_chosen - ref_chosen.detach())
    return -F.logsigmoid(beta * ratios).mean()


def dpo_loss__takes_the_logarithm_of_the_sigmoid(
    policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta
):
    """You take the log of a sigmoid that has rounded to 0; logsigmoid is right at any size."""
    _check_pairs((policy_chosen, policy_rejected, ref_chosen, ref_rejected), beta)
    ratios = (policy_chosen - ref_chosen.detach()) - (policy_rejected - ref_rejected.detach())
    return -torch.sigmoid(beta * ratios).log().mean()


def dpo_loss__divides_probabilities(policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta):
    """You take ratios of probabilities, and forget the logarithm that the loss has before them."""
    _check_pairs((policy_chosen, policy_rejected, ref_chosen, ref_rejected), beta)
    chosen = (policy_chosen - ref_chosen.detach()).exp()
    rejected = (policy_rejected - ref_rejected.detach()).exp()
    return -F.logsigmoid(beta * (chosen - rejected)).mean()


def dpo_loss__lets_shapes_broadcast(policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta):
    """Your function accepts shapes that differ, and lets them broadcast into wrong pairs."""
    if not beta > 0:
        raise ValueError("beta must be positive")
    ratios = (policy_chosen - ref_chosen.detach()) - (policy_rejected - ref_rejected.detach())
    return -F.logsigmoid(beta * ratios).mean()


def _metrics(chosen, rejected, wins):
    return {
        "chosen_reward": chosen.mean().item(),
        "rejected_reward": rejected.mean().item(),
        "margin": (chosen - rejected).mean().item(),
        "accuracy": wins.double().mean().item(),
    }


def preference_metrics__counts_ties_as_lost(
    policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta
):
    """You count a tie as lost; a pair with equal implicit rewards counts one half."""
    _check_pairs((policy_chosen, policy_rejected, ref_chosen, ref_rejected), beta)
    chosen = beta * (policy_chosen - ref_chosen).detach()
    rejected = beta * (policy_rejected - ref_rejected).detach()
    return _metrics(chosen, rejected, chosen > rejected)


def preference_metrics__compares_log_probabilities(
    policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta
):
    """Your accuracy compares log-probabilities under the policy; compare the implicit rewards."""
    _check_pairs((policy_chosen, policy_rejected, ref_chosen, ref_rejected), beta)
    chosen = beta * (policy_chosen - ref_chosen).detach()
    rejected = beta * (policy_rejected - ref_rejected).detach()
    wins = (policy_chosen > policy_rejected) + 0.5 * (policy_chosen == policy_rejected)
    return _metrics(chosen, rejected, wins)


def preference_metrics__forgets_beta(
    policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta
):
    """Your implicit rewards lack the factor beta."""
    _check_pairs((policy_chosen, policy_rejected, ref_chosen, ref_rejected), beta)
    chosen = (policy_chosen - ref_chosen).detach()
    rejected = (policy_rejected - ref_rejected).detach()
    return _metrics(chosen, rejected, (chosen > rejected) + 0.5 * (chosen == rejected))


def preference_metrics__returns_tensors(
    policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta
):
    """Your values are tensors, which keep the graph alive in a log; use item() for numbers."""
    _check_pairs((policy_chosen, policy_rejected, ref_chosen, ref_rejected), beta)
    chosen, rejected = beta * (policy_chosen - ref_chosen), beta * (policy_rejected - ref_rejected)
    wins = (chosen > rejected).double() + 0.5 * (chosen == rejected).double()
    return {
        "chosen_reward": chosen.mean(),
        "rejected_reward": rejected.mean(),
        "margin": (chosen - rejected).mean(),
        "accuracy": wins.mean(),
    }


def _check_training(prompts, chosen, rejected, beta):
    if not beta > 0:
        raise ValueError("beta must be positive")
    if prompts.ndim != 1 or not prompts.shape == chosen.shape == rejected.shape:
        raise ValueError("prompts, chosen and rejected must have the same shape")


def _loss_of(logits, reference, prompts, chosen, rejected, beta):
    ratios = F.log_softmax(logits, dim=1) - F.log_softmax(reference, dim=1)
    return -F.logsigmoid(beta * (ratios[prompts, chosen] - ratios[prompts, rejected])).mean()


def train_dpo__never_clears_the_gradient(ref_logits, prompts, chosen, rejected, beta, lr, n_steps):
    """You never clear the gradient, so each update adds up all the gradients before it."""
    _check_training(prompts, chosen, rejected, beta)
    reference = ref_logits.detach()
    logits = reference.clone().requires_grad_()
    optimizer = torch.optim.SGD([logits], lr=lr)
    losses = []
    for _ in range(n_steps):
        loss = _loss_of(logits, reference, prompts, chosen, rejected, beta)
        losses.append(loss.item())
        loss.backward()
        optimizer.step()
    return logits.detach(), losses


def train_dpo__moves_the_reference_along(ref_logits, prompts, chosen, rejected, beta, lr, n_steps):
    """Your reference comes from the current logits: it moves along, and the loss stays ln 2."""
    _check_training(prompts, chosen, rejected, beta)
    logits = ref_logits.detach().clone()
    losses = []
    for _ in range(n_steps):
        leaf = logits.clone().requires_grad_()
        loss = _loss_of(leaf, logits, prompts, chosen, rejected, beta)
        losses.append(loss.item())
        logits = logits - lr * torch.autograd.grad(loss, leaf)[0]
    return logits, losses


def train_dpo__climbs(ref_logits, prompts, chosen, rejected, beta, lr, n_steps):
    """You add the gradient, which makes the loss larger; subtract it."""
    _check_training(prompts, chosen, rejected, beta)
    reference = ref_logits.detach()
    logits, losses = reference.clone(), []
    for _ in range(n_steps):
        leaf = logits.clone().requires_grad_()
        loss = _loss_of(leaf, reference, prompts, chosen, rejected, beta)
        losses.append(loss.item())
        logits = logits + lr * torch.autograd.grad(loss, leaf)[0]
    return logits, losses


def train_dpo__starts_from_zero(ref_logits, prompts, chosen, rejected, beta, lr, n_steps):
    """You start from logits of 0; training starts from the reference, where the loss is ln 2."""
    _check_training(prompts, chosen, rejected, beta)
    reference = ref_logits.detach()
    logits, losses = torch.zeros_like(reference), []
    for _ in range(n_steps):
        leaf = logits.clone().requires_grad_()
        loss = _loss_of(leaf, reference, prompts, chosen, rejected, beta)
        losses.append(loss.item())
        logits = logits - lr * torch.autograd.grad(loss, leaf)[0]
    return logits, losses


def train_dpo__notes_the_loss_after_the_update(
    ref_logits, prompts, chosen, rejected, beta, lr, n_steps
):
    """Your losses are those after each update; the first must be that of the reference, ln 2."""
    _check_training(prompts, chosen, rejected, beta)
    reference = ref_logits.detach()
    logits, losses = reference.clone(), []
    for _ in range(n_steps):
        leaf = logits.clone().requires_grad_()
        loss = _loss_of(leaf, reference, prompts, chosen, rejected, beta)
        logits = logits - lr * torch.autograd.grad(loss, leaf)[0]
        losses.append(_loss_of(logits, reference, prompts, chosen, rejected, beta).item())
    return logits, losses


def train_dpo__adds_up_the_pairs(ref_logits, prompts, chosen, rejected, beta, lr, n_steps):
    """You descend on the sum over the pairs; with the mean, steps do not grow with the data."""
    _check_training(prompts, chosen, rejected, beta)
    reference = ref_logits.detach()
    logits, losses = reference.clone(), []
    for _ in range(n_steps):
        leaf = logits.clone().requires_grad_()
        loss = _loss_of(leaf, reference, prompts, chosen, rejected, beta)
        losses.append(loss.item())
        logits = logits - lr * len(prompts) * torch.autograd.grad(loss, leaf)[0]
    return logits, losses


def train_dpo__uses_adam(ref_logits, prompts, chosen, rejected, beta, lr, n_steps):
    """Your steps are those of Adam; plain gradient descent subtracts lr times the gradient."""
    _check_training(prompts, chosen, rejected, beta)
    reference = ref_logits.detach()
    logits = reference.clone().requires_grad_()
    optimizer = torch.optim.Adam([logits], lr=lr)
    losses = []
    for _ in range(n_steps):
        loss = _loss_of(logits, reference, prompts, chosen, rejected, beta)
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return logits.detach(), losses
