"""Other right answers, which must keep full marks."""

import math

import torch
import torch.nn.functional as F


def sequence_log_probs__cross_entropy(logits, tokens, mask):
    """Lets cross_entropy do the shift's work, with its own index for tokens to ignore."""
    if logits.dim() != 3 or tuple(tokens.shape) != tuple(logits.shape[:2]):
        raise ValueError("logits and tokens do not fit together")
    if mask.shape != tokens.shape or bool(mask[:, 0].any()):
        raise ValueError("mask does not fit tokens or counts the first one")
    batch, length, vocab = logits.shape
    if length == 1:
        return logits.new_zeros(batch)
    targets = torch.where(mask, tokens, -1)[:, 1:]
    losses = F.cross_entropy(
        logits[:, :-1].reshape(-1, vocab), targets.reshape(-1), ignore_index=-1, reduction="none"
    )
    return -losses.view(batch, length - 1).sum(-1)


def sequence_log_probs__loops(logits, tokens, mask):
    """Walks through the marked tokens one by one."""
    if len(logits.shape) != 3:
        raise ValueError("logits must have three axes")
    if logits.shape[:2] != tokens.shape or logits.shape[:2] != mask.shape:
        raise ValueError("the shapes do not fit together")
    totals = []
    for scores, row, counts in zip(logits, tokens.tolist(), mask.tolist(), strict=True):
        if counts[0]:
            raise ValueError("nothing predicts the first token")
        total = scores.new_zeros(())
        for t in range(1, len(row)):
            if counts[t]:
                total = total + scores[t - 1, row[t]] - scores[t - 1].logsumexp(0)
        totals.append(total)
    return torch.stack(totals)


def sequence_log_probs__scatter(logits, tokens, mask):
    """Collects the marked places only, and adds them up where they belong."""
    if logits.ndim != 3 or tokens.shape != logits.shape[:-1] or mask.shape != logits.shape[:-1]:
        raise ValueError("the shapes do not fit together")
    rows, places = mask.nonzero(as_tuple=True)
    if (places == 0).any():
        raise ValueError("nothing predicts the first token")
    scores = logits[rows, places - 1]
    own = scores.gather(1, tokens[rows, places][:, None])[:, 0] - scores.logsumexp(1)
    return logits.new_zeros(len(logits)).index_add(0, rows, own)


def bradley_terry_loss__softplus(chosen_rewards, rejected_rewards):
    """-log sigmoid(d) is softplus(-d)."""
    if chosen_rewards.shape != rejected_rewards.shape or chosen_rewards.dim() != 1:
        raise ValueError("the shapes do not fit")
    if chosen_rewards.numel() == 0:
        raise ValueError("no pairs")
    return torch.mean(F.softplus(rejected_rewards - chosen_rewards))


def bradley_terry_loss__cross_entropy(chosen_rewards, rejected_rewards):
    """A classification with two classes, of which the first is always right."""
    if chosen_rewards.dim() != 1 or chosen_rewards.size() != rejected_rewards.size():
        raise ValueError("the shapes do not fit")
    if not chosen_rewards.numel():
        raise ValueError("no pairs")
    both = torch.stack([chosen_rewards, rejected_rewards], dim=1)
    return F.cross_entropy(both, torch.zeros(len(both), dtype=torch.int64, device=both.device))


def bradley_terry_loss__logaddexp(chosen_rewards, rejected_rewards):
    """log(1 + exp(-d)) is the logarithm of a sum of two exponentials."""
    if chosen_rewards.shape != rejected_rewards.shape or chosen_rewards.ndim != 1:
        raise ValueError("the shapes do not fit")
    if chosen_rewards.shape[0] < 1:
        raise ValueError("no pairs")
    gap = rejected_rewards - chosen_rewards
    return torch.logaddexp(gap, torch.zeros_like(gap)).mean()


def optimal_policy__log_softmax(ref_log_probs, rewards, beta):
    """log_softmax normalises, and log Z is what it took away from the largest score."""
    if math.isnan(beta) or beta <= 0:
        raise ValueError("beta must be positive")
    if ref_log_probs.shape != rewards.shape or ref_log_probs.dim() != 2:
        raise ValueError("the shapes do not fit")
    if torch.isinf(ref_log_probs).all(dim=1).any():
        raise ValueError("a prompt has no response")
    scores = rewards / beta + ref_log_probs
    log_probs = scores.log_softmax(dim=-1)
    best = scores.argmax(dim=1, keepdim=True)
    return log_probs, (scores.gather(1, best) - log_probs.gather(1, best))[:, 0]


def optimal_policy__by_hand(ref_log_probs, rewards, beta):
    """Subtracts the largest score before the exponential, and adds it again."""
    if not (beta > 0 and ref_log_probs.shape == rewards.shape and rewards.dim() == 2):
        raise ValueError("beta or the shapes are not valid")
    scores = ref_log_probs + rewards * (1 / beta)
    largest = scores.max(dim=1, keepdim=True).values
    if torch.any(largest == -math.inf):
        raise ValueError("a prompt has no response")
    log_partition = largest + (scores - largest).exp().sum(dim=1, keepdim=True).log()
    return scores - log_partition, log_partition.squeeze(1)


def dpo_loss__softplus(policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta):
    """Takes the policy's and the reference's differences first, and softplus for the loss."""
    four = [policy_chosen, policy_rejected, ref_chosen, ref_rejected]
    if not beta > 0 or any(t.dim() != 1 or t.shape != four[0].shape for t in four):
        raise ValueError("beta or the shapes are not valid")
    if not policy_chosen.numel():
        raise ValueError("no pairs")
    with torch.no_grad():
        reference = ref_chosen - ref_rejected
    return F.softplus(beta * (reference - (policy_chosen - policy_rejected))).mean()


def dpo_loss__implicit_rewards(policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta):
    """Builds the implicit rewards and treats each pair as a classification."""
    if math.isnan(beta) or beta <= 0:
        raise ValueError("beta must be positive")
    four = (policy_chosen, policy_rejected, ref_chosen, ref_rejected)
    if len({t.shape for t in four}) > 1 or four[0].dim() != 1 or four[0].shape[0] == 0:
        raise ValueError("the shapes do not fit")
    rewards = torch.stack(
        [beta * (policy_chosen - ref_chosen.data), beta * (policy_rejected - ref_rejected.data)]
    )
    return -rewards.log_softmax(dim=0)[0].mean()


def preference_metrics__sign(policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta):
    """The sign of a margin is 1, 0 or -1, and the accuracy half of it plus one half."""
    four = (policy_chosen, policy_rejected, ref_chosen, ref_rejected)
    if not beta > 0 or any(t.shape != four[0].shape or t.dim() != 1 for t in four):
        raise ValueError("beta or the shapes are not valid")
    if not four[0].numel():
        raise ValueError("no pairs")
    with torch.no_grad():
        chosen, rejected = beta * (four[0] - four[2]), beta * (four[1] - four[3])
        return {
            "accuracy": float((1 + torch.sign(chosen - rejected)).mean() / 2),
            "margin": float(chosen.mean() - rejected.mean()),
            "chosen_reward": float(chosen.mean()),
            "rejected_reward": float(rejected.mean()),
        }


def preference_metrics__loops(policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta):
    """Adds up in plain Python."""
    four = (policy_chosen, policy_rejected, ref_chosen, ref_rejected)
    if not beta > 0:
        raise ValueError("beta must be positive")
    if any(t.ndim != 1 or t.shape != policy_chosen.shape for t in four) or not len(policy_chosen):
        raise ValueError("the shapes do not fit")
    totals = dict.fromkeys(["chosen_reward", "rejected_reward", "margin", "accuracy"], 0.0)
    pairs = list(zip(*(t.tolist() for t in four), strict=True))
    for pi_w, pi_l, ref_w, ref_l in pairs:
        won, lost = beta * (pi_w - ref_w), beta * (pi_l - ref_l)
        totals["chosen_reward"] += won
        totals["rejected_reward"] += lost
        totals["margin"] += won - lost
        totals["accuracy"] += (won > lost) + (won == lost) / 2
    return {key: total / len(pairs) for key, total in totals.items()}


def train_dpo__by_autograd_grad(ref_logits, prompts, chosen, rejected, beta, lr, n_steps):
    """Asks for the gradient as a value, and makes a new tensor in every step."""
    if not beta > 0 or prompts.dim() != 1:
        raise ValueError("beta or prompts is not valid")
    if prompts.shape != chosen.shape or prompts.shape != rejected.shape:
        raise ValueError("the shapes do not fit")
    reference = ref_logits.detach().log_softmax(1)
    logits, losses = ref_logits.detach().clone(), []
    for _ in range(n_steps):
        logits.requires_grad_(True)
        moved = logits.log_softmax(1) - reference
        loss = F.softplus(beta * (moved[prompts, rejected] - moved[prompts, chosen])).mean()
        losses.append(loss.item())
        (gradient,) = torch.autograd.grad(loss, logits)
        logits = logits.detach() - lr * gradient
    return logits.detach(), losses


def train_dpo__gradient_by_hand(ref_logits, prompts, chosen, rejected, beta, lr, n_steps):
    """Uses that the normaliser cancels, so that the gradient is a sum of one weight a pair."""
    if math.isnan(beta) or beta <= 0:
        raise ValueError("beta must be positive")
    if not (prompts.shape == chosen.shape == rejected.shape and prompts.dim() == 1):
        raise ValueError("the shapes do not fit")
    start = ref_logits.detach()
    logits, losses = start.clone(), []
    for _ in range(n_steps):
        moved = logits - start
        margin = beta * (moved[prompts, chosen] - moved[prompts, rejected])
        losses.append(F.softplus(-margin).mean().item())
        weight = lr * beta * torch.sigmoid(-margin) / len(prompts)
        logits = logits.index_put((prompts, chosen), weight, accumulate=True)
        logits = logits.index_put((prompts, rejected), -weight, accumulate=True)
    return logits, losses
