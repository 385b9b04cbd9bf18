"""The worker's side of `JobService.Work`.

`AsyncWorker` keeps a stream to a core open and hands each job to the handler of its kind as an
`AsyncWork`. Inside, a `Driver` moves messages between the stream and what is `Held`: one lease with its
`Ring` of reports.

A report is kept until the core says that it is durable, and goes again under the same number after a
reconnect; so the core takes each one exactly once, and a restart of the core loses none. The ring is
bounded: whoever reports waits while it is full.
"""
