"""The same surface for programs that wait: every call blocks the thread that makes it.

The work is done by the async classes, in an event loop that runs in a thread of its own (`Portal`). A
class here names the methods of its async twin; `Blocking` and `Streaming` make of each one that waits,
with the same arguments and types. So there is one implementation, and the two cannot differ.
"""
