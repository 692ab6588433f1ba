"""Networks that ship with dlcalc, one file each."""

from __future__ import annotations

from importlib.resources import files

from dlcalc.errors import DlcalcError, nearest

ENDING = ".net"


def names() -> list[str]:
    """Return the names of the networks.

    >>> "resnet50" in names()
    True
    """
    return sorted(entry.name.removesuffix(ENDING) for entry in files(__name__).iterdir() if entry.name.endswith(ENDING))


def text(name: str) -> str:
    """Return the stack of a network by its name; case and hyphens do not matter.

    Raises DlcalcError for a name that is none.
    """
    known = names()
    spelled = {one.replace("-", ""): one for one in known}
    found = spelled.get(name.strip().lower().replace("-", "").replace("_", ""))
    if found is None:
        close = nearest(name.lower(), known)
        raise DlcalcError(f"--zoo {name[:40]} is not in the zoo", close or f"it has {', '.join(known)}")
    return files(__name__).joinpath(found + ENDING).read_text(encoding="utf-8")
