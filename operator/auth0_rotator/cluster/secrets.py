"""Journals, targets and credentials: every read and write of a Secret."""

from base64 import b64decode
from collections.abc import AsyncIterator, Collection
from typing import Any

from auth0_rotator.cluster.api import Api, Body, Page
from auth0_rotator.conditions import Reason
from auth0_rotator.credential import ClientSecret
from auth0_rotator.errors import Refused
from auth0_rotator.journal import JOURNAL_TYPE, SENDING_FINALIZER, Journal, Plan, journal_name
from auth0_rotator.journal_secret import is_owned_by, journal_secret
from auth0_rotator.record import MANAGED_BY_LABEL, PREFIX, ROLE_LABEL, Role
from auth0_rotator.resource import CreationPolicy
from auth0_rotator.subject import Key
from auth0_rotator.target import Projection, Target, field_manager, left_fields
from auth0_rotator.target_secret import apply_body, parse_target


class Secrets:
    """Every method raises what `Api` raises."""

    def __init__(self, api: Api) -> None:
        """Work through `api`."""
        self._api = api

    async def get(self, namespace: str, name: str) -> Body | None:
        """Return the Secret as it stands now, None where there is none."""
        return await self._api.get("Secret", name, namespace)

    def pages(self, namespace: str | None) -> AsyncIterator[Page]:
        """Yield all Secrets that carry our label, a page at a time."""
        return self._api.pages("Secret", namespace, labels=ROLE_LABEL)

    def stray_journals(self, namespace: str | None) -> AsyncIterator[Page]:
        """Yield all journals that have lost our label, a page at a time."""
        fields = f"type={JOURNAL_TYPE}"
        return self._api.pages("Secret", namespace, labels=f"!{ROLE_LABEL}", fields=fields)

    async def write_journal(self, journal: Journal, *, key: Key, owner_uid: str) -> Body:
        """Write the journal by compare-and-swap, and return the Secret as it stands.

        Raises:
            Stale: somebody else wrote it since it was read, or made it, or deleted it.
        """
        body = journal_secret(journal, namespace=key.namespace, rotation=key.name, owner_uid=owner_uid)
        held = [credential.secret for credential in (journal.current, journal.next) if credential]
        held += [journal.previous] if journal.previous is not None else []
        write = self._api.create if journal.meta is None else self._api.replace
        return await write("Secret", body, manager=field_manager(key.name), hidden=held)

    async def delete_journal(self, key: Key, *, uid: str) -> None:
        """Delete the journal with this uid. One that is sending stays until it is released."""
        await self._api.delete("Secret", journal_name(key.name), key.namespace, uid=uid)

    async def release_journal(self, key: Key) -> None:
        """Delete a journal that nobody can read, and take our finalizer from it.

        Another Secret of its name is somebody's, and stays.

        Raises:
            Stale: it was changed meanwhile.
        """
        name = journal_name(key.name)
        found = await self.get(key.namespace, name)
        if found is None or found.get("type") != JOURNAL_TYPE:
            return
        await self.delete_journal(key, uid=found["metadata"]["uid"])
        found = await self.get(key.namespace, name)
        if found is None:
            return
        metadata = found["metadata"]
        others = [one for one in metadata.get("finalizers") or [] if one != SENDING_FINALIZER]
        patch = {"metadata": {"finalizers": others, "resourceVersion": metadata["resourceVersion"]}}
        await self._api.merge(
            "Secret",
            name,
            key.namespace,
            patch,
            manager=field_manager(key.name),
            hidden=parse_target(found).values,
        )

    async def write_target(
        self,
        projection: Projection,
        target: Target | None,
        *,
        left_by: Collection[str] = (),
        dry_run: bool = False,
    ) -> Body:
        """Write the target by compare-and-swap over what was seen, and return it as it stands.

        Fields of other managers are taken over only in a Secret that we wrote before, or that is akin
        (below); and those of the rotations in `left_by`, of whom nothing stays.

        Raises:
            Stale: the Secret is not what was seen.
            Contested: somebody else holds one of our keys in a Secret that is not ours yet.
        """
        manager = field_manager(projection.rotation)
        written = await self._api.apply(
            "Secret",
            apply_body(projection, target),
            manager=manager,
            force=target is not None
            and (bool(left_by) or manager in target.fields or _is_akin(target, projection)),
            dry_run=dry_run,
            # A policy may quote what stands there as well as what is to stand there.
            hidden=[*projection.data.values(), *(target.values if target is not None else ())],
        )
        standing = parse_target(written.body)
        left = left_fields(projection, standing, left_by)
        if dry_run or not left:
            return written.body
        cleared = await self._clear(projection, written.body, left)
        return written.body if cleared is None else cleared

    async def _clear(self, projection: Projection, found: Body, left: Collection[str]) -> Body | None:
        """Take fields out of the target, named as in `Target.fields`."""
        gone: dict[str, Any] = {"data": {}, "labels": {}, "annotations": {}, "ownerReferences": {}}
        for one in left:
            part, _, name = one.partition("/")
            gone[part][name] = None
        owners = found["metadata"].get("ownerReferences") or []
        metadata = {
            "uid": found["metadata"]["uid"],
            "resourceVersion": found["metadata"]["resourceVersion"],
            "labels": gone["labels"],
            "annotations": gone["annotations"],
            "ownerReferences": [one for one in owners if one["uid"] not in gone["ownerReferences"]],
        }
        patch = {"metadata": metadata, "data": gone["data"]}
        return await self._api.merge(
            "Secret",
            projection.name,
            projection.namespace,
            patch,
            manager=field_manager(projection.rotation),
            hidden=parse_target(found).values,
        )

    async def release_target(self, key: Key, plan: Plan) -> bool:
        """Let go of the Secret that was the target of `plan`: without our label and record it stays.

        With `deleteSecrets` it is deleted; of one that we only merged into, our keys are withdrawn.
        Nothing happens to a Secret that is not this rotation's target; returns whether it was.
        """
        found = await self._target_of(key, plan.target_name)
        if found is None:
            return False
        is_merged = plan.target.creation_policy is CreationPolicy.MERGE
        if plan.delete_secrets and not is_merged:
            uid = found["metadata"]["uid"]
            held = parse_target(found).values
            await self._api.delete("Secret", plan.target_name, key.namespace, uid=uid, hidden=held)
        else:
            await self._strip(key, found, with_values=plan.delete_secrets)
        return True

    async def withdraw(self, key: Key, name: str) -> bool:
        """Take our keys out of the Secret that they were merged into; return whether they were there."""
        found = await self._target_of(key, name)
        if found is not None:
            await self._strip(key, found, with_values=True)
        return found is not None

    async def _target_of(self, key: Key, name: str) -> Body | None:
        """Return the Secret as it stands now where it is this rotation's target."""
        found = await self.get(key.namespace, name)
        if found is None:
            return None
        target = parse_target(found)
        is_ours = target.rotation == key.name and target.labels.get(ROLE_LABEL) == Role.TARGET
        return found if is_ours else None

    async def _strip(self, key: Key, found: Body, *, with_values: bool) -> None:
        """Take label, record and owner of ours from a Secret, and our keys as well `with_values`."""
        target, manager = parse_target(found), field_manager(key.name)
        owners = found["metadata"].get("ownerReferences") or []
        metadata: dict[str, Any] = {
            "uid": target.uid,
            "resourceVersion": target.resource_version,
            "labels": dict.fromkeys((ROLE_LABEL, MANAGED_BY_LABEL)),
            "annotations": dict.fromkeys(name for name in target.annotations if name.startswith(PREFIX)),
            "ownerReferences": [owner for owner in owners if not is_owned_by(owner, key.name)],
        }
        gone: dict[str, Any] = {"metadata": metadata}
        if with_values:
            # Key by key: an apply of nothing would take along what nobody claims, and keys that
            # were once written as stringData are claimed by nobody.
            held = target.fields.get(manager, frozenset())
            keys = [field.removeprefix("data/") for field in held if field.startswith("data/")]
            gone["data"] = dict.fromkeys(keys)
        name = found["metadata"]["name"]
        await self._api.merge("Secret", name, key.namespace, gone, manager=manager, hidden=target.values)

    async def read_credentials(
        self, namespace: str, name: str, keys: tuple[str, str]
    ) -> tuple[str, ClientSecret]:
        """Return the client id and secret that stand under `keys` in a connection's Secret.

        Raises:
            Refused: with SecretMissing, where the Secret or a key is missing or empty.
        """
        secret = await self.get(namespace, name)
        if secret is None:
            message = f"the Secret {name} is missing in namespace {namespace}; create it"
            raise Refused(Reason.SECRET_MISSING, message)
        texts = []
        for key in keys:
            encoded = (secret.get("data") or {}).get(key, "")
            text = b64decode(encoded).decode(errors="replace").strip()
            if not text:
                message = f"the Secret {name} in namespace {namespace} has no value under {key}"
                raise Refused(Reason.SECRET_MISSING, message)
            texts.append(text)
        return texts[0], ClientSecret(texts[1])


def _is_akin(target: Target, projection: Projection) -> bool:
    """Return whether a record says that the Secret is this rotation's, or this client's; in one of
    another client a record may be replaced, but no value."""
    if target.record is None:
        return False
    is_client = target.record.client_id == projection.record.client_id
    is_beside = not projection.data.keys() & target.data.keys()
    return is_client or is_beside or target.rotation == projection.rotation
