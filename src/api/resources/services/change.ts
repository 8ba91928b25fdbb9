import { disabledTrait } from '#cloud'
import type { Service } from '#store'
import type { ApiDeps } from '../../deps.ts'

export interface ServiceChange {
  readonly isDisabled?: boolean
  readonly disabledReason?: string | null
  readonly isForcedDown?: boolean
}

/** Writes the change; where it decides about scheduling, placement knows it before the answer goes out. */
export async function changeService(deps: ApiDeps, service: Service, change: ServiceChange): Promise<Service> {
  const changed = await deps.notices.together(deps.store, async tx => {
    const after = await tx.services.change(service, change, deps.clock.now())
    await deps.notices.tell(tx, 'service.update', { service: after })
    return after
  })
  if (change.isDisabled !== undefined) await mirrorStatus(deps, changed)
  return changed
}

/**
 * Marks the providers of a disabled host, so that the scheduler leaves them out at once. The host's next report does the
 * same: a placement that cannot be reached now is no reason to refuse the operator.
 */
async function mirrorStatus(deps: ApiDeps, service: Service): Promise<void> {
  const nodes = (await deps.store.computeNodes.list()).filter(node => node.host === service.host)
  for (const { uuid } of nodes) {
    try {
      const traits = await deps.placement.traits(uuid)
      if (traits.includes(disabledTrait) === service.isDisabled) continue
      const others = traits.filter(trait => trait !== disabledTrait)
      await deps.placement.setTraits(uuid, service.isDisabled ? [...others, disabledTrait] : others)
    } catch (error) {
      const { host } = service
      deps.log.warn({ host, provider_id: uuid, err: error }, 'status not in placement yet; the host reports it again')
    }
  }
}
