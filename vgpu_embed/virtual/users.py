"""User objects: things of the program's that graphs keep, with a function that is called when nobody does any more."""

from __future__ import annotations

from vgpu_embed.virtual.answers import Answers, Refused
from vgpu_embed.virtual.executable import graph_of
from vgpu_embed.virtual.graphs import UserObject
from vgpu_embed.virtual.machine import INVALID_VALUE, initialised

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vgpu_embed.virtual.answers import AnyCall
    from vgpu_embed.virtual.machine import Machine

MOST = 0x7FFFFFFF
NO_DESTRUCTOR_SYNC = 1
"""CU_USER_OBJECT_NO_DESTRUCTOR_SYNC."""
MOVE = 1
"""CU_GRAPH_USER_OBJECT_MOVE."""

answers = Answers(ready=initialised)


@answers("cuUserObjectCreate")
def create(machine: Machine, call: AnyCall) -> int:
    """The only flag there is has to be given."""
    function = call.number("destroy")
    if not function or call.flags != NO_DESTRUCTOR_SYNC or not 0 < call.initialRefcount <= MOST:
        return INVALID_VALUE
    handle = machine.handle()
    result = call.reply(object_out=handle)
    if not result:
        user = UserObject(machine, function, call.number("ptr"), call.initialRefcount)
        machine.order.users[handle] = user
    return result


def _named(machine: Machine, call: AnyCall) -> UserObject:
    found = machine.order.users.get(call.number("object"))
    if found is None or not 0 < call.count <= MOST:
        raise Refused(INVALID_VALUE)
    return found


@answers("cuUserObjectRetain")
def retain(machine: Machine, call: AnyCall) -> int:
    _named(machine, call).retain(call.count)
    return 0


@answers("cuUserObjectRelease")
def release(machine: Machine, call: AnyCall) -> int:
    _named(machine, call).release(call.count)
    return 0


@answers("cuGraphRetainUserObject")
def retain_in_graph(machine: Machine, call: AnyCall) -> int:
    """The graph gets references of its own, or those of whoever calls."""
    graph, user = graph_of(machine, call.number("graph")), _named(machine, call)
    if call.flags & ~MOVE:
        return INVALID_VALUE
    graph.users[user] = graph.users.get(user, 0) + call.count
    if not call.flags:
        user.retain(call.count)
    return 0


@answers("cuGraphReleaseUserObject")
def release_from_graph(machine: Machine, call: AnyCall) -> int:
    graph, user = graph_of(machine, call.number("graph")), _named(machine, call)
    """As many references as the graph has, at most."""
    held = graph.users.get(user, 0)
    released = min(call.count, held)
    graph.users[user] = held - released
    user.release(released)
    return 0
