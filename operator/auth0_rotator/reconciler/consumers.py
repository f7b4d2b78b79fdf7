"""Who uses a value: the workloads that the spec names, and those that are found."""

from auth0_rotator.consumers import Workload
from auth0_rotator.discovery import restarter_of
from auth0_rotator.observation import Observation, given
from auth0_rotator.reconciler.memory import RollOut
from auth0_rotator.reconciler.world import Pass
from auth0_rotator.resource import DISCOVERED
from auth0_rotator.subject import Rotation


def subject_of(rotation: Rotation, rotation_id: str) -> str:
    """Return what a look at consumers is about: this value, and these consumers."""
    return " ".join([rotation_id, *_to_restart(rotation)])


def named_by(rotation: Rotation) -> tuple[str, ...]:
    """Return the consumers that the spec names, as kind/name."""
    return tuple(one for one in _to_restart(rotation) if one != DISCOVERED)


def is_discovering(rotation: Rotation) -> bool:
    """Return whether consumers that nobody names are restarted as well."""
    return DISCOVERED in _to_restart(rotation)


def _to_restart(rotation: Rotation) -> tuple[str, ...]:
    return rotation.spec.to_restart if rotation.spec is not None else ()


async def read_consumers(run: Pass, o: Observation) -> dict[str, Workload]:
    """Return all consumers that there are and that can be restarted, as they stand now, by kind/name."""
    rotation, namespace, workloads = given(o.rotation), run.key.namespace, run.world.workloads
    names = named_by(rotation)
    if is_discovering(rotation):
        there, target = await workloads.all(namespace), given(o.plan).target_name
        return {one: each for one, each in there.items() if one in names or target in each.secrets}
    return {one: each for one in names if (each := await workloads.find(namespace, one)) is not None}


async def find_consumers(run: Pass, o: Observation, rolling: RollOut) -> None:
    """Note who reads the target, and by which annotation another tool restarts it; once a rotation."""
    rotation = given(o.rotation)
    if rolling.found is not None or not is_discovering(rotation):
        return
    there, name = await read_consumers(run, o), given(o.plan).target_name
    of_secret = o.target.annotations if o.target is not None else {}
    run.memory.uses = {one: each.secrets for one, each in there.items()}
    rolling.found = {
        one: restarter_of(each.annotations, each.marks, name, of_secret)
        for one, each in there.items()
        if one not in named_by(rotation)
    }


def sharing(run: Pass, consumer: str) -> list[Rotation]:
    """Return the other rotations for which this consumer is restarted as well, as far as is known."""
    return [
        rotation
        for rotation in _neighbours(run)
        if consumer in named_by(rotation) or _may_find(run, rotation, consumer)
    ]


def _neighbours(run: Pass) -> list[Rotation]:
    """Return the other rotations of the namespace that have consumers; looked up once a pass."""
    if run.neighbours is None:
        run.neighbours = [
            rotation
            for rotation in run.world.mirror.rotations.values()
            if rotation.key.namespace == run.key.namespace
            and rotation.key != run.key
            and _to_restart(rotation)
        ]
    return run.neighbours


def _may_find(run: Pass, other: Rotation, consumer: str) -> bool:
    """Return whether another rotation finds this consumer; whoever was not read yet may be found."""
    used = run.memory.uses.get(consumer)
    is_used = used is None or (other.plan is not None and other.plan.target_name in used)
    return is_discovering(other) and is_used
