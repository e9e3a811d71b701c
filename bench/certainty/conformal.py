"""How often sets and intervals hold the truth, on 100 random deals of the images into validation and test.

As `finial_task::conformal` has them: of classes the truth lacks what its probability is below 1, of
labels the least probable true one counts, of numbers the distance to the true one.
"""

import numpy as np

import methods

COVERAGE = 0.9
DEALS = 100


def lacks(run, logits, targets):
    """What the truth lacks, `[N]`: the smaller, the better the answer fits; and which of all answers
    lack how much, `[N, answers]`, of which those are in the set that lack no more than the reach."""
    if run.task == "regression":
        deviation, mean = run.scale
        return np.abs(logits * deviation + mean - targets)[:, 0], None
    found = methods.probabilities(run.task, logits)
    if run.task == "multi-label":
        return np.where(targets > 0.5, 1 - found, 0).max(1), 1 - found
    if run.task == "binary":
        found = np.concatenate([1 - found, found], 1)
    return 1 - found[np.arange(len(found)), targets[:, 0].astype(int)], 1 - found


def section(runs):
    """The table of all data sets."""
    lines = [
        f"\n## Coverage\n\nAsked for: {COVERAGE:.0%}. The images that the head of each seed did not learn "
        f"from are dealt anew, {DEALS} times in all, as many to validation as before. Expected is "
        f"`⌈(n + 1) · {COVERAGE}⌉ / (n + 1)` for n validation images, more where scores are equal. The share seen "
        "in one deal varies by chance, as a beta-binomial distribution says; within chance is a deal that is "
        "no further from the expected than 2.58 of its standard deviations, which 99 of 100 should be.\n",
        "| data set | mean coverage | expected | least | most | deals within chance | mean size |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    return "\n".join([*lines, *(row(name, found) for name, found in runs.items())]) + "\n"


def row(name, runs):
    chance = np.random.default_rng(0)
    covered, sizes, inside = [], [], []
    for deal in range(DEALS):
        run = runs[deal % len(runs)]
        logits = np.concatenate([run.validation, run.test]).astype(float)
        targets = np.concatenate([run.validation_targets, run.test_targets])
        order = chance.permutation(len(logits))
        count = len(run.validation)
        truth, answers = lacks(run, logits, targets)
        known, asked = np.split(truth[order], [count])
        rank = int(np.ceil((count + 1) * COVERAGE))
        reach = np.sort(known)[rank - 1]
        held = asked <= reach
        if run.task in ("multi-class", "binary"):
            # A set is never empty: the most probable class is always in it.
            held |= asked <= answers[order[count:]].min(1)
        a, b, m = rank, count + 1 - rank, len(asked)
        expected = a / (a + b)
        error = np.sqrt(expected * (1 - expected) * (a + b + m) / (a + b + 1) / m)
        covered.append(held.mean())
        inside.append(abs(held.mean() - expected) <= 2.58 * error)
        width = 2 * reach if answers is None else (answers[order[count:]] <= reach).sum(1).mean()
        sizes.append(width)
    return (
        f"| {name} | {np.mean(covered):.4f} | {expected:.4f} | {min(covered):.3f} | {max(covered):.3f} | "
        f"{sum(inside)} of {DEALS} | {np.mean(sizes):.3f} |"
    )
