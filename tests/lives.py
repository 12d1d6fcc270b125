"""How random lives are drawn: the same ones each time, each named by its seed."""

from hypothesis import HealthCheck, Phase, settings


def seeds_of(count: int) -> settings:
    """So many draws; a seed does not shrink, it names its life."""
    return settings(
        max_examples=count,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
