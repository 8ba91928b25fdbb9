import type { GuestSpec } from '../../guest-spec.ts'
import { busOfImage } from './disk-place.ts'
import { hasDisplay, videoModel } from './display.ts'
import type { DomainHost } from './host.ts'
import { pointerBus } from './input.ts'
import { machineType } from './machine.ts'

/**
 * What this host gives the guest where its image says nothing, under the names of image properties. Kept with the server,
 * it stays so when nova.conf says otherwise one day, here or on another host.
 */
export function chosenHardware(spec: GuestSpec, host: DomainHost): Readonly<Record<string, string>> {
  const shown = hasDisplay(host)
  const chosen: Readonly<Record<string, string | undefined>> = {
    hw_machine_type: machineType(spec, host),
    hw_cdrom_bus: busOfImage('cdrom', spec, host),
    hw_disk_bus: busOfImage('disk', spec, host),
    hw_pointer_model: shown && pointerBus(spec, host) !== undefined ? 'usbtablet' : undefined,
    hw_video_model: shown ? videoModel(spec, host) : undefined,
    hw_vif_model: host.settings.usesVirtioNics ? 'virtio' : undefined,
  }
  return Object.fromEntries(
    Object.entries(chosen).flatMap(([name, value]) =>
      value === undefined || spec.image.properties[name] !== undefined ? [] : [[name, value]],
    ),
  )
}
