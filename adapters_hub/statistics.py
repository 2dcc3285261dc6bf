"""The few figures that say how much a score is worth: intervals, a paired test, pass@k. Numbers in, numbers out.

Knows nothing of answers and tutors.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

CONFIDENCE = 0.95
DRAWS = 4_000_000
"""Numbers that a bootstrap draws at most: seconds, whatever the size of the sample."""


@dataclass(frozen=True)
class Interval:
    """Where a quantity lies with the confidence asked for."""

    low: float
    high: float


def wilson(successes: int, trials: int, confidence: float = CONFIDENCE) -> Interval:
    """Score interval of a share (Wilson 1927): never outside 0 to 1, usable for few trials and for none right. No trials: 0 to 1."""
    if not 0 <= successes <= trials:
        raise ValueError(f"{successes} of {trials}")
    if trials == 0:
        return Interval(0.0, 1.0)
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    share, per_trial = successes / trials, z * z / trials
    centre = share + per_trial / 2
    spread = z * math.sqrt(share * (1 - share) / trials + per_trial / trials / 4)
    low, high = (centre - spread) / (1 + per_trial), (centre + spread) / (1 + per_trial)
    return Interval(0.0 if successes == 0 else max(0.0, low), 1.0 if successes == trials else min(1.0, high))


def mcnemar(gained: int, lost: int) -> float:
    """Two-sided p-value of the exact test of McNemar (1947): the same rows were right on one side only, ``gained`` and ``lost`` times.

    The chance of a split at least as uneven when each such row falls to either side by the toss of a coin."""
    if gained < 0 or lost < 0:
        raise ValueError(f"{gained} gained, {lost} lost")
    tosses, term, tail = gained + lost, 1, 0
    for fewer in range(min(gained, lost) + 1):
        tail += term
        term = term * (tosses - fewer) // (fewer + 1)
    return min(1.0, 2 * tail / (1 << tosses))


def bootstrap_mean(values: Sequence[float], *, seed: int = 0, rounds: int = 2000, confidence: float = CONFIDENCE) -> Interval:
    """Percentile bootstrap (Efron 1979) of the mean of ``values``, e.g. of the differences of paired scores; same seed, same interval.

    Raises ValueError when there is none."""
    if not values:
        raise ValueError("no values")
    chance = random.Random(seed)
    rounds = max(200, min(rounds, DRAWS // len(values)))
    means = sorted(math.fsum(chance.choices(values, k=len(values))) / len(values) for _ in range(rounds))
    outside = (1 - confidence) / 2
    return Interval(means[math.floor(outside * (rounds - 1))], means[math.ceil((1 - outside) * (rounds - 1))])


def pass_at(k: int, samples: int, correct: int) -> float:
    """Chance that at least one of ``k`` answers is right when ``correct`` of ``samples`` were: estimator of Chen et al. 2021."""
    if not (1 <= k <= samples and 0 <= correct <= samples):
        raise ValueError(f"pass@{k} with {correct} of {samples} right")
    return 1.0 - math.comb(samples - correct, k) / math.comb(samples, k)
