"""What a job writes: bytes by channel, kept for those who watch and those who come later."""

from __future__ import annotations

from roomcast.errors import ReportRefused
from roomcast.v1 import Fault, OutputChunk, Report
from roomcast.worker.held import Held
from roomcast.worker.ring import JOINED_BYTES_MAX

# A chunk is a report's worth.
CHUNK_BYTES_MAX = JOINED_BYTES_MAX


class AsyncOutput:
    """One channel of a job's output, written from the beginning of the attempt."""

    def __init__(self, channel: str, held: Held) -> None:
        """Made by the work."""
        self._channel = channel
        self._held = held
        self._offset = 0
        self._refusal: Fault | None = None

    async def write(self, data: str | bytes) -> None:
        """Appends text (as UTF-8) or bytes.

        Raises:
            LeaseLost: The job is another's, or has ended.
            ReportRefused: The core did not take what was written before, such as a channel too many:
                nothing can follow it.
        """
        if self._refusal is not None:
            raise ReportRefused.of(self._refusal)
        rest = memoryview(data.encode() if isinstance(data, str) else data)
        while rest:
            chunk, rest = rest[:CHUNK_BYTES_MAX], rest[CHUNK_BYTES_MAX:]
            await self._held.room()
            # Nothing waits between the offset and the push: another writer's chunk comes before or after.
            output = OutputChunk(channel=self._channel, offset=self._offset, data=bytes(chunk))
            self._offset += len(chunk)
            if not self._held.ring.join(output):
                self._held.push(Report(output=[output]), self._settle)

    def _settle(self, fault: Fault | None) -> None:
        self._refusal = self._refusal or fault
