"""Lists of authorities for tests of draws."""

from outreach.campaigns.experiments import Listed


def some(count, network="Libre", *, first=9001, several=False, under_way=False, shares=False):
    """So many alike authorities, with FASE numbers from `first` on."""
    return [Listed(first + place, network, several, under_way, shares) for place in range(count)]
