import { fromJson, type InstanceId, instanceId } from '#base'
import { type GuestSummary, type PowerState, power } from '../../driver.ts'
import { type DomainStatus, mayBeInternalError, powerOf } from '../guest/power.ts'
import { type DomainRef, domainById, errorCode, isLibvirtError, type LibvirtClient, procedures } from '../rpc/index.ts'

const statsState = 1

/** The guest's state as libvirt has it; undefined when libvirt has no such guest. */
export async function statusOf(client: LibvirtClient, id: InstanceId): Promise<DomainStatus | undefined> {
  try {
    return await client.call(procedures.getState, domainById(id))
  } catch (error) {
    if (isLibvirtError(error, errorCode.noDomain)) return undefined
    throw error
  }
}

/** The power state, with QEMU asked where libvirt cannot tell a paused guest from a dead one. */
export async function powerOfGuest(
  client: LibvirtClient,
  domain: DomainRef,
  status: DomainStatus,
): Promise<PowerState> {
  if (!mayBeInternalError(status)) return powerOf(status)
  const isDead = await hasInternalError(client, domain)
  return isDead ? power.crashed : powerOf(status)
}

async function hasInternalError(client: LibvirtClient, domain: DomainRef): Promise<boolean> {
  try {
    const command = JSON.stringify({ execute: 'query-status' })
    const answer = await client.call(procedures.monitorCommand, { domain, command, flags: 0 }, 'long')
    return fromJson<{ return?: { status?: string } }>(answer).return?.status === 'internal-error'
  } catch (error) {
    // The guest ended meanwhile, or its monitor is busy: the next look will tell.
    if (isLibvirtError(error)) return false
    throw error
  }
}

/** All guests with their states in one call. */
export async function listGuests(client: LibvirtClient): Promise<GuestSummary[]> {
  const all = await client.call(procedures.stats, { domains: [], stats: statsState, flags: 0 })
  return Promise.all(
    all.map(async ({ domain, params }) => {
      const status = { state: Number(params.get('state.state') ?? 0), reason: Number(params.get('state.reason') ?? 0) }
      return { id: instanceId(domain.uuid), name: domain.name, power: await powerOfGuest(client, domain, status) }
    }),
  )
}
