import { bare, ipAddress, list, obj, str, tag, uuid } from '#api/kit'
import type { PortView } from '#cloud'
import type { Instance } from '#model'

export const attachment = {
  net_id: str,
  port_id: str,
  mac_addr: str,
  port_state: str,
  fixed_ips: list(obj({ subnet_id: str, ip_address: str })).nullable(),
  tag: str.nullable().since('2.70'),
}

/** No `interfaceAttachment` at all means: any network. */
export const attachBody = bare(
  obj({
    interfaceAttachment: obj({
      net_id: uuid.optional(),
      port_id: uuid.optional(),
      fixed_ips: list(obj({ ip_address: ipAddress }), { min: 1, max: 1 }).optional(),
      tag: tag.optional().since('2.49'),
    }).optional(),
  }),
)

export const attachmentView = (port: PortView, instance: Instance) => ({
  net_id: port.networkId,
  port_id: port.id,
  mac_addr: port.macAddress,
  port_state: port.status,
  fixed_ips: port.fixedIps.map(ip => ({ subnet_id: ip.subnetId, ip_address: ip.ipAddress })),
  tag: instance.networkInfo.find(vif => vif.portId === port.id)?.tag ?? null,
})
