"""When two scores are level, for all benches that compare them."""

# Standard errors on either side that hold 95 % of a normal distribution.
WITHIN = 1.96


def error_of(interval):
    """The standard error of a score, from the 95 % interval that finial gives with it."""
    low, high = interval
    return (high - low) / (2 * WITHIN)


def verdict(gain, error):
    """Of a score that is better than another by `gain`, which is negative where it is worse."""
    return "level" if abs(gain) <= error else "ahead" if gain > 0 else "behind"
