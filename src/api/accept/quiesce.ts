import { declareFault, Fault, pause } from '#base'
import type { Instance } from '#model'
import type { ApiDeps } from '../deps.ts'

export const QuiesceUnsupported = declareFault(
  'InstanceQuiesceNotSupported',
  'refused',
  (p: { id: string }) => `Quiescing is not supported in instance ${p.id}`,
)
export const AgentMissing = declareFault('QemuGuestAgentNotEnabled', 'refused', () => 'QEMU guest agent is not enabled')

/** However long a snapshot takes: a guest that is held still for longer is lost to its users. */
const heldAtMostMs = 60_000
const lookMs = 500

const isTrue = (text: string | undefined): boolean => /^(1|t|true|on|y|yes)$/i.test(text ?? '')

export interface Held {
  /** The snapshots have been asked for: the guest goes on when they are made. Nobody waits for it. */
  letGoAfter(snapshotIds: readonly string[]): void
}

/**
 * Has the guest of a running server hold its file systems still. Where its image insists on it, what stands in the way is
 * the answer; otherwise the volumes are copied as they are. If we die, the host lets the guest go by itself.
 */
export async function holdStill(
  deps: ApiDeps,
  { id, host, vmState }: Instance,
  properties: Readonly<Record<string, string>>,
): Promise<Held> {
  const nothing = { letGoAfter: () => undefined }
  if (vmState !== 'active' || host === null) return nothing
  try {
    await deps.computeOn(host).quiesce({ id, atMostMs: heldAtMostMs })
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    const isMissing = error.code === 'InstanceAgentNotEnabled'
    if (isTrue(properties['os_require_quiesce']))
      throw (isMissing ? AgentMissing : QuiesceUnsupported)({ id }, { cause: error, detail: error.message })
    deps.log.info({ instance_id: id, reason: error.message }, 'the guest is not quiesced')
    return nothing
  }
  const letGo = async (snapshotIds: readonly string[]) => {
    try {
      await whenMade(deps, snapshotIds)
    } finally {
      await deps.computeOn(host).unquiesce({ id })
    }
  }
  return {
    letGoAfter: ids =>
      void letGo(ids).catch(error => deps.log.warn({ instance_id: id, err: error }, 'the guest lets go by itself')),
  }
}

async function whenMade(deps: ApiDeps, snapshotIds: readonly string[]): Promise<void> {
  const endMs = deps.clock.now() + heldAtMostMs
  for (const id of snapshotIds) {
    while (deps.clock.now() < endMs && (await deps.volumes.getSnapshot('service', id)).status === 'creating')
      await pause(lookMs, deps.clock)
  }
}
