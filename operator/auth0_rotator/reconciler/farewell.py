"""The end of a rotation object, and the end of a doubt that only a person could end."""

from datetime import timedelta
from typing import Final

from auth0_rotator.auth0 import Liveness
from auth0_rotator.conditions import Reason
from auth0_rotator.decision import Decision
from auth0_rotator.decision.model import hold
from auth0_rotator.decision.sending import ABANDON_AFTER
from auth0_rotator.errors import Refused, Retry, Stale, Unknown
from auth0_rotator.journal import LATE_REQUEST, journal_name, refused
from auth0_rotator.observation import Observation, given
from auth0_rotator.reconciler.change import deliver_known
from auth0_rotator.reconciler.verification import BELIEVED_AFTER
from auth0_rotator.reconciler.world import Pass
from auth0_rotator.schedule import is_ahead
from auth0_rotator.subject import REVOKE_FINALIZER, SETTLE_DOUBT, Rotation

REVOKE_PAUSE: Final = timedelta(seconds=15)


async def guard(run: Pass, o: Observation, _: Decision) -> None:
    """Set or remove the finalizer that lets a revocation come before the object is gone."""
    rotation = given(o.rotation)
    others = _other_finalizers(rotation)
    is_wanted = given(rotation.spec).deletion.revoke_generated_credentials
    await _set_finalizers(run, o, (*others, REVOKE_FINALIZER) if is_wanted else others)


def _other_finalizers(rotation: Rotation) -> tuple[str, ...]:
    return tuple(name for name in rotation.finalizers if name != REVOKE_FINALIZER)


async def _set_finalizers(run: Pass, o: Observation, finalizers: tuple[str, ...]) -> None:
    version = given(o.rotation).resource_version
    body = await run.world.objects.set_finalizers(run.key, finalizers, version=version)
    if body is None or (body["metadata"].get("deletionTimestamp") and not finalizers):
        run.world.mirror.forget_rotation(run.key)
    else:
        run.world.mirror.put_rotation(body)


async def finalize(run: Pass, o: Observation, _: Decision) -> None:
    """Revoke where the deleted rotation asks for it; delete the journal of one that is gone."""
    if o.rotation is not None:
        if REVOKE_FINALIZER in o.rotation.finalizers:
            await _revoke_and_release(run, o)
        else:
            run.obstacle = hold(Reason.FINALIZING, "a finalizer of somebody else keeps the rotation")
        return
    await run.read_rotation()
    if run.key in run.world.mirror.rotations:
        message = "the rotation is there after all"
        raise Stale(Reason.BUSY, message)
    for name in o.to_withdraw:
        if await run.world.secrets.withdraw(run.key, name):
            run.notice(
                Reason.TARGET_RELEASED, f"the keys of this rotation were taken out of the Secret {name}"
            )
        await run.read_secret(name)
    meta = o.journal.meta if o.journal is not None else None
    if meta is None:
        return
    if meta.deleting_since is None:
        await run.world.secrets.delete_journal(run.key, uid=meta.uid)
        await run.read_secret(journal_name(run.key.name))
    left = run.journal()
    if left is not None and not left.is_sending and left.meta is not None and not left.meta.is_intact:
        # Our own finalizer is on it, though nothing is open.
        await run.write_journal(left)
        left = run.journal()
    if left is not None and not left.is_sending:
        run.obstacle = hold(Reason.FINALIZING, "a finalizer of somebody else keeps the journal")


async def tell_what_stays(run: Pass) -> None:
    """Say, once the rotation is gone, which Secrets stay behind."""
    uid = run.memory.uid
    targets = run.world.mirror.targets_of(run.key)
    names = ", ".join(sorted(name for name, target in targets.items() if uid not in target.owners))
    if not uid or not names:
        return
    run.notice(
        Reason.TARGET_KEPT,
        f"the rotation was deleted; the Secret {names} stays and its value stays valid. "
        "Delete it when nobody uses it any more; or create the rotation again, and the value is adopted",
    )
    await run.post_notices(uid)


async def _revoke_and_release(run: Pass, o: Observation) -> None:
    """Give the client a secret that nobody knows, once; after ten minutes of any fault give up."""
    rotation = given(o.rotation)
    refusal = _revocation_refusal(o)
    late_until = given(o.journal).late_until if o.journal is not None else None
    if refusal is None and late_until is not None and is_ahead(late_until, o.now, at_most=LATE_REQUEST):
        message = "a request of the last rotation may still take effect, and would undo the revocation"
        run.obstacle = hold(Reason.FINALIZING, message, late_until)
        return
    if refusal is None:
        try:
            await _revoke(run, o)
        except (Retry, Unknown, Refused) as error:
            is_hopeless = error.reason == Reason.CLIENT_UNKNOWN
            since = min(rotation.deleting_since or o.now, o.leaving_seen_at or o.now)
            if not is_hopeless and o.now - since < ABANDON_AFTER:
                run.obstacle = hold(Reason.FINALIZING, error.message, o.now + REVOKE_PAUSE)
                return
            message = f"the client secret was not revoked and may stay valid: {error.message}"
            if run.memory.is_revoked:
                message = (
                    "the client secret was revoked, but the Secret that stays still says where its dead "
                    f"value comes from, and would be adopted: {error.message}"
                )
            run.notice(Reason.REVOCATION_ABANDONED, message, is_warning=True)
    else:
        run.notice(Reason.REVOCATION_ABANDONED, refusal, is_warning=True)
    await run.post_notices(rotation.uid)
    await _set_finalizers(run, o, _other_finalizers(rotation))


def _revocation_refusal(o: Observation) -> str | None:
    """Return why there is nothing to revoke, None where there is."""
    current = o.journal.current if o.journal is not None else None
    if current is None:
        return "nothing was revoked: this rotation never delivered a value"
    if o.connection.reason is Reason.NAMESPACE_NOT_ALLOWED:
        return f"nothing was revoked: {o.connection.message}"
    if o.connection.domain not in {"", current.record.domain}:
        return f"nothing was revoked: the connection does not lead to {current.record.domain} any more"
    if current.record.client_id == o.connection.client_id:
        return "nothing was revoked: this is the client by which the operator itself authenticates"
    if not current.record.is_generated:
        return "nothing was revoked: the value was not made by this rotation"
    if any(rival.claim == "client" for rival in o.rivals):
        return "nothing was revoked: another rotation manages the same client"
    return None


async def _revoke(run: Pass, o: Observation) -> None:
    """Revoke the value that the journal committed, and no other.

    Raises:
        RotatorError: as for `Tenant.revoke_client_secret`.
    """
    current = given(given(o.journal).current)
    tenant = run.tenant(o)
    client_id, rotated_at = current.record.client_id, current.record.rotated_at
    # While a change spreads, a refusal does not say that the value is dead.
    is_spread = rotated_at is None or abs(o.now - rotated_at) >= BELIEVED_AFTER
    is_dead = run.memory.is_revoked or (
        is_spread and await tenant.probe(client_id, current.secret) is Liveness.NOT_LIVE
    )
    if is_dead and not run.memory.is_revocation_sent:
        message = (
            "the tenant does not accept the delivered value: it was revoked before, or rotated "
            "elsewhere, and what is live now was not touched"
        )
        run.notice(Reason.REVOCATION_ABANDONED, message + await _let_dead_value_go(run, o))
        return
    if not is_dead:
        permit = await tenant.prepare()
        run.memory.is_revocation_sent = True
        await tenant.revoke_client_secret(permit, client_id)
        run.memory.is_revoked = True
    message = "the client secret was revoked at the tenant"
    run.notice(Reason.REVOKED, message + await _let_dead_value_go(run, o))


async def _let_dead_value_go(run: Pass, o: Observation) -> str:
    """Take the commit record from a target that stays: nobody shall adopt what is dead."""
    if o.plan is None or o.plan.delete_secrets:
        return ""
    name = o.plan.target_name
    is_kept = await run.world.secrets.release_target(run.key, o.plan)
    await run.read_secret(name)
    return f"; the Secret {name} keeps the dead value" if is_kept else ""


async def abandon(run: Pass, o: Observation, decision: Decision) -> None:
    """Release a journal whose outcome nobody will tell; it goes with the object that owned it."""
    if o.journal is not None:
        await run.write_journal(refused(o.journal))
    else:
        await run.world.secrets.release_journal(run.key)
        await run.read_secret(journal_name(run.key.name))
        if o.rotation is not None:
            await _set_finalizers(run, o, _other_finalizers(o.rotation))
    run.memory.attempt = None
    run.notice(Reason.ABANDONED, decision.message, is_warning=True)


async def settle(run: Pass, o: Observation, decision: Decision) -> None:
    """End a doubt by a person's word, and take the word away so that it settles no later one."""
    journal, rotation = given(o.journal), given(o.rotation)
    if rotation.settle_doubt == "next":
        await deliver_known(run, o, given(journal.next))
    else:
        await run.write_journal(refused(journal))
        run.memory.attempt = None
    run.notice(Reason.DOUBT_SETTLED, decision.message)
    body = await run.world.objects.remove_annotation(run.key, SETTLE_DOUBT)
    if body is not None:
        run.world.mirror.put_rotation(body)
