import { type Bus, conductorContract } from '#bus'
import type { Config } from '#config'
import type { GuestWires } from '#virt'
import { secondsOf } from './shared.ts'

/** A host hears from the conductor what the network's agents have done; Neutron tells the API, and not the host. */
export function guestWires({ DEFAULT: options }: Config, bus: Bus): GuestWires {
  const conductor = bus.client(conductorContract)
  return {
    timeoutMs: secondsOf(options.vif_plugging_timeout),
    isFatal: options.vif_plugging_is_fatal,
    down: (instanceId, portIds, isSure) => conductor.portsDown({ host: options.host, instanceId, portIds, isSure }),
  }
}
