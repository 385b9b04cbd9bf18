"""What a job writes: bytes by channel, kept for those who watch and those who come later."""

from __future__ import annotations

from roomcast.v1 import OutputChunk, Report
from roomcast.worker.held import Held

# Small enough to be on its way at once, and to keep a full ring of reports small.
CHUNK_BYTES_MAX = 64 << 10


class AsyncOutput:
    """One channel of a job's output, written from the beginning of the attempt."""

    def __init__(self, channel: str, held: Held) -> None:
        """Made by the work."""
        self._channel = channel
        self._held = held
        self._offset = 0

    async def write(self, data: str | bytes) -> None:
        """Appends text (as UTF-8) or bytes.

        Raises:
            LeaseLost: The job is another's, or has ended.
        """
        rest = memoryview(data.encode() if isinstance(data, str) else data)
        while rest:
            chunk, rest = rest[:CHUNK_BYTES_MAX], rest[CHUNK_BYTES_MAX:]
            await self._held.room()
            # Nothing waits between the offset and the push: another writer's chunk comes before or after.
            output = OutputChunk(channel=self._channel, offset=self._offset, data=bytes(chunk))
            self._offset += len(chunk)
            self._held.push(Report(output=[output]))
