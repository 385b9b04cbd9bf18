"""The commands that change a graph, as functions. Values are anything that JSON can say."""

from __future__ import annotations

import json
from collections.abc import Mapping

from roomcast.v1 import (
    Command,
    CommandBatch,
    CreateNode,
    DeleteNode,
    DeleteProperty,
    Link,
    Node,
    SetProperty,
)


def create_node(
    node_type: str,
    name: str,
    *,
    node_id: str = "",
    parent_id: str = "",
    properties: Mapping[str, object] | None = None,
) -> Command:
    """Adds a node, and the link from its parent if it names one. Without an id the core chooses one."""
    node = Node(
        node_id=node_id,
        node_type=node_type,
        name=name,
        parent_id=parent_id,
        properties={key: _text(value) for key, value in (properties or {}).items()},
    )
    return Command(create_node=CreateNode(node=node))


def delete_node(node_id: str) -> Command:
    """Removes a node without children, and the links to it."""
    return Command(delete_node=DeleteNode(node_id=node_id))


def link_node(parent_id: str, node_id: str) -> Command:
    """Puts a node below another."""
    return Command(link_node=Link(parent_id=parent_id, node_id=node_id))


def unlink_node(parent_id: str, node_id: str) -> Command:
    """Takes it away from there."""
    return Command(unlink_node=Link(parent_id=parent_id, node_id=node_id))


def set_property(node_id: str, key: str, value: object) -> Command:
    """Sets a property: at most 64 KiB as JSON."""
    return Command(set_property=SetProperty(node_id=node_id, key=key, value=_text(value)))


def delete_property(node_id: str, key: str) -> Command:
    """Removes a property."""
    return Command(delete_property=DeleteProperty(node_id=node_id, key=key))


def batch(*commands: Command) -> Command:
    """Up to 200 commands as one: each on what the one before left, all or none, undone at once."""
    return Command(batch=CommandBatch(commands=commands))


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
