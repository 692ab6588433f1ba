"""Regular expressions, compiled when they are first used: a light start needs almost none of them."""

from __future__ import annotations

import re
from functools import cache


@cache
def compiled(pattern: str) -> re.Pattern[str]:
    """Compile a pattern, once.

    >>> compiled("a+").match("aab").group()
    'aa'
    """
    return re.compile(pattern)
