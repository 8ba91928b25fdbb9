import { Fault, type FaultRecord, instanceId, waitFor } from '#base'
import { type ShareAccess, ShareAccessGrantError, type ShareGrantee } from '#cloud'
import type { Instance, ServerShare } from '#model'
import type { Store } from '#store'
import type { GuestShare, GuestSpec } from '#virt'
import type { ConductorDeps } from './deps.ts'
import { specOf } from './guest-spec.ts'
import { hostClient } from './hosts.ts'

/**
 * Shares of servers, by their record. The share service opens a share to the host (by its address) or to Nova's Ceph user,
 * with one rule for all servers that need it; the record says to whom it was opened for this server. All of this converges:
 * a rule that is there is used, one that is gone is made again at the next start.
 */

/** Nova's name in Ceph. */
const cephUser = 'nova'

const kindOf = ({ protocol }: ServerShare): ShareGrantee['type'] => (protocol === 'CEPHFS' ? 'cephx' : 'ip')

async function granteeOn(d: ConductorDeps, share: ServerShare, host: string): Promise<ShareGrantee> {
  const type = kindOf(share)
  if (type === 'cephx') return { type, to: cephUser }
  return { type, to: (await hostClient(d, host).shareConnector({})).address }
}

/** Other servers whose guests need the same rule. */
async function isNeeded(d: ConductorDeps, share: ServerShare): Promise<boolean> {
  const all = await d.store.serverShares.ofShare(share.shareId)
  return all.some(other => other.id !== share.id && other.accessTo === share.accessTo && other.status !== 'detaching')
}

async function ruleFor(d: ConductorDeps, shareId: string, grantee: ShareGrantee): Promise<ShareAccess> {
  const known = await d.shares.access(shareId, grantee)
  if (known !== undefined) return known
  try {
    return await d.shares.allow(shareId, grantee)
  } catch (error) {
    // Another server's saga may have been faster.
    const made = ShareAccessGrantError.is(error) ? await d.shares.access(shareId, grantee) : undefined
    if (made === undefined) throw error
    return made
  }
}

/** Manila applies rules afterwards; a share that is mounted before would be refused. */
async function applied(
  d: ConductorDeps,
  shareId: string,
  grantee: ShareGrantee,
  rule: ShareAccess,
): Promise<ShareAccess> {
  const { sharePolicyMs } = d.options
  if (rule.state === 'active' || sharePolicyMs === 0) return rule
  const look = async () => {
    const now = await d.shares.access(shareId, grantee)
    return now?.state === 'active' || now?.state === 'error' ? now : undefined
  }
  const found = await waitFor('the share to be open', look, {
    deadlineMs: sharePolicyMs,
    everyMs: 1000,
    clock: d.clock,
  }).catch((error: unknown) => {
    if (error instanceof Fault) throw error
    return undefined
  })
  if (found?.state === 'active') return found
  const reason = found === undefined ? 'Failed to set allow policy on share, too many retries' : 'the rule is in error'
  throw ShareAccessGrantError({ id: shareId, reason })
}

/** Opens the share to the host. The record names the grantee first, so that nobody closes what this server needs. */
export async function openShare(d: ConductorDeps, share: ServerShare, host: string): Promise<ShareAccess> {
  const grantee = await granteeOn(d, share, host)
  if (share.accessTo !== null && share.accessTo !== grantee.to) await closeShare(d, share)
  if (share.accessTo !== grantee.to)
    await d.store.serverShares.change(share.id, { accessTo: grantee.to }, d.clock.now())
  return applied(d, share.shareId, grantee, await ruleFor(d, share.shareId, grantee))
}

/** Closes it again unless another server needs it, also one that came in between. */
export async function closeShare(d: ConductorDeps, share: ServerShare): Promise<void> {
  const { accessTo } = share
  if (accessTo === null) return
  const grantee = { type: kindOf(share), to: accessTo }
  if (!(await isNeeded(d, share))) {
    await d.shares.deny(share.shareId, grantee)
    if (await isNeeded(d, share)) await ruleFor(d, share.shareId, grantee)
  }
  await d.store.serverShares.change(share.id, { accessTo: null }, d.clock.now())
}

async function guestShare(d: ConductorDeps, share: ServerShare, host: string): Promise<GuestShare> {
  const { shareId: id, tag, protocol, exportLocation } = share
  const { key } = await openShare(d, share, host)
  const user = kindOf(share) === 'cephx' ? { name: cephUser, key: key ?? '' } : null
  return { id, tag, protocol, exportLocation, user }
}

/** Everything for a start of a guest that has run before: the disks of the record, and its shares, open to the host. */
export async function startSpecOf(d: ConductorDeps, instance: Instance): Promise<GuestSpec> {
  const spec = await specOf(d, instance)
  const mine = await d.store.serverShares.of(instance.id)
  if (mine.length === 0 || instance.host === null) return spec
  const shares: GuestShare[] = []
  for (const share of mine) {
    try {
      shares.push(await guestShare(d, share, instance.host))
    } catch (error) {
      if (!(error instanceof Fault)) throw error
      const { code, kind, status, message, params } = error
      throw new Fault({ code, kind, status }, message, { ...params, shareId: share.shareId }, { cause: error })
    }
  }
  return { ...spec, shares }
}

/**
 * A start that failed over a share leaves the share and the server in error, as Nova has it; detaching the share, or a
 * hard reboot once it can be had again, mends the server.
 */
export async function noteShareFailure(
  tx: Store,
  id: string,
  failure: FaultRecord,
  { sagaId, nowMs }: { sagaId: string; nowMs: number },
): Promise<void> {
  const { shareId } = failure.params
  if (typeof shareId !== 'string') return
  const share = await tx.serverShares.findIn(id, shareId)
  if (share === undefined) return
  await tx.serverShares.change(share.id, { status: 'error' }, nowMs)
  await tx.instances.change(instanceId(id), { vmState: 'error' }, nowMs, { sagaId })
}

/** The end of a server. What the share service will not close stays open: that is not the server's business. */
export async function giveUpShares(d: ConductorDeps, id: string): Promise<void> {
  for (const share of await d.store.serverShares.of(id)) {
    try {
      await closeShare(d, share)
    } catch (error) {
      if (!(error instanceof Fault) || error.kind === 'transient') throw error
      d.log.warn({ instance_id: id, share_id: share.shareId, err: error }, 'share could not be closed with its server')
    }
  }
}
