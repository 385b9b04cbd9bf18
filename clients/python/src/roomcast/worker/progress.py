"""Progress of a job that goes through stages."""

from __future__ import annotations

from types import TracebackType

from roomcast.worker.work import PERCENT_MAX, AsyncWork


class AsyncProgressTracker:
    """Keeps the percent of a job and tells it.

    As a context manager it begins at 0, and ends at 100 unless an exception passes.

        async with AsyncProgressTracker(work) as progress:
            await progress.set_stage("Drafting", 40)
            await progress.increment(10, "second page")
    """

    def __init__(self, work: AsyncWork) -> None:
        """Tells of this job."""
        self._work = work
        self._current = 0.0

    @property
    def current(self) -> float:
        """What was told last, 0 to 100."""
        return self._current

    async def update(self, progress: float, message: str | None = None) -> None:
        """So far it is: 0 to 100, with a message for a person.

        Raises:
            ValueError: Out of range.
            LeaseLost: The job is another's, or has ended.
        """
        await self._tell(progress, message, None)

    async def increment(self, amount: float, message: str | None = None) -> None:
        """So much further, stopping at 100."""
        await self._tell(min(self._current + amount, PERCENT_MAX), message, None)

    async def set_stage(self, stage: str, progress: float) -> None:
        """A stage with its name, such as "Drafting", begins at this percent."""
        await self._tell(progress, f"Stage: {stage}", stage)

    async def _tell(self, progress: float, message: str | None, stage: str | None) -> None:
        await self._work.progress(progress, message, stage=stage)
        # The core counts a smaller value as the one before.
        self._current = max(self._current, progress)

    async def __aenter__(self) -> AsyncProgressTracker:
        """Begins at 0."""
        await self.update(0)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Ends at 100, unless something went wrong."""
        if error is None:
            await self.update(PERCENT_MAX)
