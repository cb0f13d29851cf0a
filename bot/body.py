"""The body of a request that may be large, read no further than it may be."""

from __future__ import annotations

from collections.abc import AsyncIterable

_DROPPED_TIMES = 4


async def read_body(chunks: AsyncIterable[bytes], *, longest: int) -> bytes | None:
    """Returns a body, or None where it is too long.

    What is too long is received for a while longer and dropped: most clients read
    their refusal only after they have sent everything.

    Args:
        chunks: the body as it arrives.
        longest: bytes that it may have.
    """
    kept, size_bytes = bytearray(), 0
    async for chunk in chunks:
        size_bytes += len(chunk)
        if size_bytes <= longest:
            kept += chunk
        elif size_bytes > longest * _DROPPED_TIMES:
            break
    return bytes(kept) if size_bytes <= longest else None
