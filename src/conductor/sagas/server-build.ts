import { faultFromRecord, instanceId } from '#base'
import type { ServerBuild } from '#bus'
import { isVolume, MaxRetriesExceeded, type Selection } from '#model'
import { type Journal, saga } from '#saga'
import type { Store } from '#store'
import type { ConductorDeps } from '../deps.ts'
import { goToCell, stayInCell } from '../handover.ts'
import { makeVolumes, unmakeVolumes } from '../new-volumes.ts'
import { isCancel, say } from '../notices.ts'
import { giveUpPlaces, type Places, placeServers } from '../placing.ts'
import { finishEvent, recordFault, startEvent } from '../records.ts'
import { releaseVolumes, reserveVolumes } from '../volumes.ts'
import { type BuildOnHost, buildEvent, instanceBuild } from './instance-build.ts'

const scheduleEvent = 'conductor_schedule_and_build_instances'

/** Faults of the request itself: another host would answer the same. */
const hopelessElsewhere = new Set([
  'ImageUnacceptable',
  'SignatureVerificationError',
  'CertificateValidationFailed',
  'FlavorDiskSmallerThanImage',
  'ImageNotFound',
  'PortNotFound',
  'NetworkNotFound',
  'SecurityGroupNotFound',
  'FixedIpAlreadyInUse',
  'PortLimitExceeded',
  'NoMoreFixedIps',
  'UnexpectedTaskStateError',
  'InstanceNotFound',
  'VolumeNotFound',
  'InvalidInput',
  'InvalidVolume',
  'NetworksWithQoSPolicyNotSupported',
])

/** What the reservation has found for its servers; undefined when its journal is history already. */
async function reservedPlaces(d: ConductorDeps, sagaId: string): Promise<Places | undefined> {
  const journal = await d.store.sagas.endedJournal<Journal>(sagaId)
  if (journal === undefined) return undefined
  if (journal.failure !== null) throw faultFromRecord(journal.failure)
  return journal.outputs['places'] as Places
}

/**
 * From an accepted request to a running guest: choose hosts, go to their cell, then build on the first, or on an alternate if that fails.
 * The row ends `active`, or `error` with a fault that says per host what was missing, and then nothing else is left of it.
 */
export const serverBuild = saga<ConductorDeps, ServerBuild, Store>('server-build')
  .step(
    // The user's own volumes; most are held since the request was accepted.
    'reservations',
    (s, d) => reserveVolumes(d, s.input.instanceId),
    (s, d) => releaseVolumes(d, s.input.instanceId),
  )
  .step(
    'selections',
    async (s, d, c): Promise<readonly Selection[]> => {
      const { instanceId: id, reservation } = s.input
      const reserved = reservation == null ? undefined : await reservedPlaces(d, reservation)
      const places = reserved ?? (await placeServers(d, c, s.input.spec, [id], s.input.requestId))
      return places[id] ?? []
    },
    (s, d) => giveUpPlaces(d, s.input.spec, [s.input.instanceId]),
  )
  .step(
    'cell',
    (s, d, c) => goToCell(d, c, s.input.instanceId, s.selections[0]),
    (s, d, c) => stayInCell(d, c, s.input.instanceId, s.selections?.[0]),
  )
  .step(
    'volumes',
    (s, d, c) => makeVolumes(d, c, s.input.instanceId, s.selections[0]?.zone ?? d.options.defaultZone),
    (s, d, c) => unmakeVolumes(d, c, s.input.instanceId),
  )
  .attempt('build', {
    items: (s): BuildOnHost[] => s.selections.map((selection, i) => ({ ...s.input, selection, isClaimed: i === 0 })),
    child: instanceBuild,
    mayTryNext: failure => !hopelessElsewhere.has(failure.code),
    exhausted: (s, failures) => {
      const last = failures.at(-1)
      // A failure that no other host could mend is told as it is.
      if (last !== undefined && hopelessElsewhere.has(last.code)) return faultFromRecord(last)
      const reason = failures.map((f, i) => `${s.selections[i]?.host ?? '?'}: ${f.message}`).join(' ')
      const detail = failures.map(f => f.detail ?? f.message).join('\n')
      return MaxRetriesExceeded({ id: s.input.instanceId, reason }, { detail })
    },
  })
  .settled(async (s, outcome, tx, { sagaId, nowMs }) => {
    // The guest has its drive, or there will be none.
    await tx.launchSecrets.forget(s.input.instanceId)
    if (outcome.status === 'done') return
    const id = instanceId(s.input.instanceId)
    const change = { vmState: 'error', taskState: null, host: null, node: null, progress: 0 } as const
    const isOurs = await tx.instances.change(id, change, nowMs, { sagaId })
    // Not ours: a delete has cancelled the build and writes the end itself.
    if (!isOurs) return
    // A server that never was has no volumes.
    for (const device of await tx.blockDevices.of(id)) if (isVolume(device)) await tx.blockDevices.remove(device.id)
    await recordFault(tx, nowMs, s.input, outcome.failure, null)
    if (s.selections === undefined) {
      await startEvent(tx, nowMs, s.input, scheduleEvent, null)
      await finishEvent(tx, nowMs, s.input, scheduleEvent, outcome.failure)
    } else await finishEvent(tx, nowMs, s.input, buildEvent, outcome.failure)
  })
  .telling({
    done: say('instance.create.end'),
    undone: say('compute_task.build_instances.error', (s, failure) =>
      isCancel(failure) || hopelessElsewhere.has(failure?.code ?? '')
        ? undefined
        : { spec: s.input.spec, state: 'error' },
    ),
  })
