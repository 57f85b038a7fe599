"""The C heap as the decoder wants it. Called once, when a process that decodes starts."""

import ctypes

import pyarrow as pa

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -2, -3, -8  # glibc malloc.h
_MIB = 1 << 20


def tune_allocator() -> bool:
    """Keep freed memory in the process instead of faulting its pages in again for every batch; Arrow's as well, whose
    own pool gives pages back.

    Returns whether it took effect; where the C library has no mallopt (musl, macOS) nothing happens.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    settings = (
        (_M_MMAP_THRESHOLD, 1024 * _MIB),
        (_M_TRIM_THRESHOLD, 2048 * _MIB - 1),
        (_M_TOP_PAD, 64 * _MIB),
        (_M_ARENA_MAX, 1),  # threads have no heaps of their own, which would give their pages back
    )
    is_tuned = all([mallopt(name, value_bytes) == 1 for name, value_bytes in settings])
    if is_tuned:
        pa.set_memory_pool(pa.system_memory_pool())
    return is_tuned
