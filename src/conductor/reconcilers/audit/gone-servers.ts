import type { Instance } from '#model'
import { letGo } from '../../allocations.ts'
import type { ConductorDeps } from '../../deps.ts'
import { disconnect, preservedPorts } from '../../interfaces.ts'

/** In one round; the next one goes on behind them. */
const mostAtOnce = 200
/** How far the first round looks back: whatever died before this process. */
const lookBackMs = 24 * 3_600_000

/** What a deleted server still has anywhere is taken from it, as its deletion would have done. */
async function clear(d: ConductorDeps, instance: Instance): Promise<void> {
  const { id } = instance
  const ports = await d.network.ports('service', { deviceId: id })
  if (ports.length > 0) {
    d.log.warn({ instance_id: id, ports: ports.map(port => port.id) }, 'ports of a server that is deleted')
    await disconnect(d, id, preservedPorts(instance))
  }
  for (const attachment of await d.volumes.attachments('service', { serverId: id })) {
    d.log.warn({ instance_id: id, volume_id: attachment.volumeId }, 'volume attached to a server that is deleted')
    await d.volumes.deleteAttachment('service', attachment.id)
  }
  const { allocations } = await d.placement.consumer(id)
  if (Object.keys(allocations).length > 0) {
    d.log.warn({ instance_id: id, allocations }, 'allocation of a server that is deleted')
    await letGo(d, id)
  }
}

/** Looks once at every server that was deleted, when nobody works for it any more. */
export class GoneServersAudit {
  readonly #deps: ConductorDeps
  #fromMs: number

  constructor(deps: ConductorDeps) {
    this.#deps = deps
    this.#fromMs = deps.clock.now() - lookBackMs
  }

  /** `graceMs`: calls that were on their way when the server was deleted have arrived by then. */
  async round(graceMs: number): Promise<void> {
    const { store, clock } = this.#deps
    const toMs = clock.now() - graceMs
    const gone = await store.instances.deletedBetween(this.#fromMs, toMs, mostAtOnce)
    for (const instance of gone) {
      await clear(this.#deps, instance)
      this.#fromMs = instance.deletedAtMs ?? this.#fromMs
    }
    if (gone.length < mostAtOnce) this.#fromMs = Math.max(this.#fromMs, toMs)
  }
}
