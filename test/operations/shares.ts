import { type InstanceId, newUuid, waitFor } from '#base'
import type { Instance } from '#model'
import { power } from '#virt'
import { acceptShare, acceptShareRemoval } from '../../src/api/resources/server-shares/attach.ts'
import { caller, type SmallCloud } from './world.ts'

/** The share of the sweep: the user's, in no server until a case puts it into one. */

const asking = { caller, isAdmin: true, requestId: 'req-00000000-0000-0000-0000-000000000000' }

export async function userShare({ makeShare, api }: SmallCloud): Promise<string> {
  const id = await makeShare()
  const isThere = async () => ((await api.shares.get(caller, id)).status === 'available' ? true : undefined)
  await waitFor('the share', isThere, { deadlineMs: 60_000, everyMs: 2 })
  return id
}

export const shareCases = {
  'share-attach': {
    from: ['server-build', 'server-stop'],
    ask: async (cloud: SmallCloud, instance: Instance, shareId: string) => {
      const share = await cloud.api.shares.get(caller, shareId)
      await acceptShare(cloud.api, asking, instance, { share, tag: newUuid() })
    },
    vmState: 'stopped',
    power: power.shutdown,
    shares: 1,
  },
  'share-detach': {
    from: ['server-build', 'server-stop', 'share-attach'],
    ask: async (cloud: SmallCloud, instance: Instance, shareId: string) => {
      const share = await cloud.store.serverShares.findIn(instance.id, shareId)
      if (share !== undefined) await acceptShareRemoval(cloud.api, asking, instance, share)
    },
    vmState: 'stopped',
    power: power.shutdown,
    shares: 0,
  },
} as const

/** Record, rules of the share service and what the host has mounted tell the same story. */
export async function shareComplaints(
  { api, store, drivers }: SmallCloud,
  instance: Instance,
  shareId: string,
  wanted: number | undefined,
): Promise<readonly string[]> {
  const found: string[] = []
  const note = (isWrong: boolean, what: string) => {
    if (isWrong) found.push(what)
  }
  const rows = await store.serverShares.of(instance.id)
  const rule = await api.shares.access(shareId, { type: 'ip', to: '127.0.0.1' })
  const isOpen = rows.some(row => row.accessTo !== null)
  note(wanted !== undefined && rows.length !== wanted, `${rows.length} shares instead of ${wanted}`)
  note((rule !== undefined) !== isOpen, `the share is ${rule === undefined ? 'closed' : 'open'}, the record says not`)
  for (const { status, accessTo } of rows) {
    note(status === 'attaching' || status === 'detaching', `a share is ${status}`)
    note((status === 'inactive' || status === 'active') && accessTo === null, `an ${status} share is not open`)
    note(status === 'active' && instance.vmState !== 'active', `an active share in a ${instance.vmState} server`)
    note(status === 'inactive' && instance.vmState === 'active', 'an inactive share in an active server')
  }
  const guests = [...drivers.values()].flatMap(driver => driver.recordOf(instance.id as InstanceId) ?? [])
  for (const guest of guests) {
    const mounted = guest.mounted?.length ?? 0
    note(guest.power === power.shutdown && mounted > 0, 'shares are mounted for a guest that is off')
    note(
      // A guest that stopped in a saga that failed is carried in by the reconciler.
      guest.power === power.running && rows.some(row => row.status === 'active') && mounted !== rows.length,
      `${mounted} of ${rows.length} shares are mounted`,
    )
  }
  return found
}
