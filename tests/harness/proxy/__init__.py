"""A plain-HTTP proxy in front of the real API server: holds, loses and refuses what a test names.

The API server behind it is a real one, so that a fault changes nothing but what it says. Everything
that is not named in a fault flows, watches included. It stands for the API server in two ways:

* in this process: `Api(proxy.configuration())`, which is the fixture `proxied`;
* for an operator's own process: a kubeconfig by `proxy.kubeconfig(plane.kubeconfig_for(token))`.

Each request is one `Effect`, told by method, path, query and body. Whether a write of a journal
commits, parks or only mends it is told by the state that stands there, which is read first; a read
of the proxy's own that shows in the audit log and nowhere else. Faults are sentences:

    gate = proxy.hold(Effect.TARGET_APPLY)                      # until gate.open(); see gate.reached()
    gate = proxy.hold(Effect.STATUS, Moment.AFTER, following=(Effect.JOURNAL_COMMIT,))
    proxy.lose_request(Effect.JOURNAL_BEGIN, times=2)           # the API server never hears of it
    proxy.lose_answer(Effect.JOURNAL_COMMIT)                    # it was done, and nobody was told
    proxy.answer(Effect.TARGET_DRY_RUN, 422, message="denied by a policy")
    proxy.answer(Effect.STATUS, 429, retry_after=1)
    proxy.answer(Effect.JOURNAL_BEGIN, 500, moment=Moment.AFTER)    # it was done, and denied
    proxy.delay(Effect.TARGET_APPLY, 11)                        # longer than the client waits
    proxy.close_watches()                                       # those that are open now
    proxy.expire_watches()                                      # the next one is told 410 in an event
    proxy.clear()                                               # nothing goes wrong any more

A fault waits for its effect, is used up by it, and the oldest one strikes first. `name` limits it to
one object (a journal goes by the name of its rotation, an Event by that of what it is about),
`following` to the time after effects of these kinds were done, one after the other. A fault before the
effect keeps the request from the API server, except for a hold or a delay that ends while the client
still waits: a request whose client went away is never forwarded. A fault after the effect strikes when
the API server has answered; a watch has no such moment.

`proxy.calls` is the journal: what was asked, and what was answered, in order.
"""

from harness.proxy.effects import Effect
from harness.proxy.faults import Call
from harness.proxy.server import DIRECTLY, Proxy

__all__ = ["DIRECTLY", "Call", "Effect", "Proxy"]
