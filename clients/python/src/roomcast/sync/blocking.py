"""Methods that wait, made of methods that are awaited."""

from __future__ import annotations

import functools
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Generator
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar, overload

from roomcast.sync.portal import Portal

P = ParamSpec("P")
InnerT = TypeVar("InnerT")
ResultT = TypeVar("ResultT")


class Facade(Generic[InnerT]):
    """Something async with a portal to it."""

    def __init__(self, portal: Portal, inner: InnerT) -> None:
        """Stands before `inner`, whose loop is the portal's."""
        self._portal = portal
        self._inner = inner

    @property
    def portal(self) -> Portal:
        """Where `inner` lives."""
        return self._portal

    @property
    def inner(self) -> InnerT:
        """The async twin. It is to be used in the portal's loop only."""
        return self._inner


class Blocking(Generic[P, ResultT]):
    """A method that waits for the async one's result."""

    def __init__(self, method: Callable[Concatenate[Any, P], Coroutine[Any, Any, ResultT]]) -> None:
        """Stands for `method` of the async twin."""
        self.method = method
        self.__doc__ = method.__doc__

    @overload
    def __get__(self, facade: None, owner: type) -> Blocking[P, ResultT]: ...

    @overload
    def __get__(self, facade: Facade[Any], owner: type) -> Callable[P, ResultT]: ...

    def __get__(
        self, facade: Facade[Any] | None, owner: type
    ) -> Blocking[P, ResultT] | Callable[P, ResultT]:
        """The method of one object."""
        if facade is None:
            return self
        portal, inner = facade.portal, facade.inner

        @functools.wraps(self.method)
        def wait(*args: P.args, **kwargs: P.kwargs) -> ResultT:
            return portal.call(self.method(inner, *args, **kwargs))

        return wait


class Streaming(Generic[P, ResultT]):
    """A method that gives, one after the other, what the async iterator gives."""

    def __init__(self, method: Callable[Concatenate[Any, P], AsyncIterator[ResultT]]) -> None:
        """Stands for `method` of the async twin."""
        self.method = method
        self.__doc__ = method.__doc__

    @overload
    def __get__(self, facade: None, owner: type) -> Streaming[P, ResultT]: ...

    @overload
    def __get__(
        self, facade: Facade[Any], owner: type
    ) -> Callable[P, Generator[ResultT, None, None]]: ...

    def __get__(
        self, facade: Facade[Any] | None, owner: type
    ) -> Streaming[P, ResultT] | Callable[P, Generator[ResultT, None, None]]:
        """The method of one object."""
        if facade is None:
            return self
        portal, inner = facade.portal, facade.inner

        @functools.wraps(self.method)
        def iterate(*args: P.args, **kwargs: P.kwargs) -> Generator[ResultT, None, None]:
            return _pull(portal, self.method(inner, *args, **kwargs))

        return iterate


def _pull(portal: Portal, items: AsyncIterator[ResultT]) -> Generator[ResultT, None, None]:
    async def step() -> tuple[ResultT] | None:
        try:
            return (await anext(items),)
        except StopAsyncIteration:
            return None

    async def close() -> None:
        if isinstance(items, AsyncGenerator):
            await items.aclose()

    try:
        while pulled := portal.call(step()):
            yield pulled[0]
    finally:
        # A client that was closed before has ended it.
        if portal.is_open:
            portal.call(close())
