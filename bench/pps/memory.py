"""Hugepages for a measurement, given back afterwards."""
import contextlib
import pathlib

PAGE_MIB = 2
_POOL = pathlib.Path("/sys/kernel/mm/hugepages/hugepages-2048kB")


def _count(name):
    return int((_POOL / name).read_text())


def _available_mib():
    for line in pathlib.Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) // 1024
    return 0


class NotEnough(Exception):
    """A sentence: what is missing."""


@contextlib.contextmanager
def hugepages(mib):
    """Has at least so many MiB of free 2 MiB hugepages while it lasts, then restores the number there was."""
    if not _POOL.is_dir():
        raise NotEnough("this kernel has no 2 MiB hugepages")
    before = _count("nr_hugepages")
    missing = -(-mib // PAGE_MIB) - _count("free_hugepages")
    if missing > 0 and missing * PAGE_MIB > _available_mib() - 512:
        raise NotEnough(f"{mib} MiB of hugepages are needed, {missing * PAGE_MIB} MiB more than there are, and only "
                        f"{_available_mib()} MiB of memory are available")
    try:
        if missing > 0:
            try:
                (_POOL / "nr_hugepages").write_text(str(before + missing))
            except OSError as error:
                raise NotEnough(f"{mib} MiB of hugepages are needed and {_POOL}/nr_hugepages cannot be written "
                                f"({error.strerror}): run as root") from error
            if _count("nr_hugepages") < before + missing:
                raise NotEnough(f"{mib} MiB of hugepages are needed; the kernel found only "
                                f"{_count('free_hugepages') * PAGE_MIB} MiB unfragmented")
        yield
    finally:
        if missing > 0 and _count("nr_hugepages") != before:
            (_POOL / "nr_hugepages").write_text(str(before))
