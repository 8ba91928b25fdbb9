import { guestName, type Instance, type Vif } from '#model'
import type { GuestSpec, GuestVif } from '#virt'

/** A bridge name that no host can have: the driver refuses it, and the text shows up in the fault. */
const unbound = 'unbound'

export function guestVif(vif: Vif, instance: Instance): GuestVif {
  const bridge = vif.details['bridge_name']
  return {
    portId: vif.portId,
    mac: vif.mac,
    kind: 'bridge',
    bridge: typeof bridge === 'string' ? bridge : unbound,
    devName: vif.devName,
    mtu: vif.mtu,
    model: instance.image?.properties['hw_vif_model'] ?? 'virtio',
  }
}

/** Everything the host needs to make the guest of an instance. */
export function guestSpec(instance: Instance, vifs: readonly Vif[] = instance.networkInfo): GuestSpec {
  const { flavor, image } = instance
  if (image === null) throw new Error(`instance ${instance.id} has no image and volumes are not served here`)
  return {
    id: instance.id,
    name: guestName(instance.number),
    displayName: instance.displayName,
    projectId: instance.projectId,
    projectName: instance.systemMetadata['owner_project_name'] ?? null,
    userId: instance.userId,
    userName: instance.systemMetadata['owner_user_name'] ?? null,
    createdAtMs: instance.createdAtMs,
    flavor: {
      id: flavor.flavorId,
      name: flavor.name,
      vcpus: flavor.vcpus,
      memoryMiB: flavor.memoryMiB,
      rootGiB: flavor.rootGiB,
      ephemeralGiB: flavor.ephemeralGiB,
      swapMiB: flavor.swapMiB,
      extraSpecs: flavor.extraSpecs,
    },
    image,
    vifs: vifs.map(vif => guestVif(vif, instance)),
  }
}
