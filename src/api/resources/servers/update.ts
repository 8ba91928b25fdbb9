import { description, diskConfig, fqdn, hostname, ipv4, ipv6, name, operation, request, text } from '#api/kit'
import { declareFault } from '#base'
import { type Instance, InstanceNotFound } from '#model'
import type { InstanceChange } from '#store'
import type { ApiDeps } from '../../deps.ts'
import { canonicalIpV6 } from './access-address.ts'
import { findServer, isAdmin, targetOf } from './find.ts'
import { updateReply } from './shape.ts'
import { loadExtras, serverView, zoneOf } from './view.ts'

const op = operation<ApiDeps, { id: string }>()

/** 2.96 lets an owner take the pin off; anything else is a move, which this is not. */
export const PinRefused = declareFault(
  'PinnedAvailabilityZoneChange',
  'conflict',
  () => 'The pinned availability zone can only be removed, or set to the zone the server is in.',
)

const body = request('server', {
  name: name.optional(),
  accessIPv4: ipv4.optional(),
  accessIPv6: ipv6.optional(),
  'OS-DCF:diskConfig': diskConfig.optional(),
  description: description.optional().since('2.19'),
  hostname: hostname.optional().since('2.90').from('2.94', fqdn.optional()),
  pinned_availability_zone: text({ min: 1, max: 255 }).nullable().optional().since('2.104'),
})

/** Takes the pin off, or sets it to the zone the server is in; moves are other operations. */
async function pin(deps: ApiDeps, instance: Instance, zone: string | null): Promise<void> {
  const spec = await deps.store.requestSpecs.find(instance.id)
  if (spec === undefined || spec.requestedZone === zone) return
  if (zone !== null && zone !== zoneOf(deps, instance, await deps.store.aggregates.zones())) throw PinRefused({})
  if (zone !== null && spec.requestedZone !== null) throw PinRefused({})
  await deps.store.requestSpecs.save(instance.id, { ...spec, requestedZone: zone })
}

export const update = op({
  policy: 'os_compute_api:servers:update',
  body,
  reply: updateReply,
  faults: { InstanceNotFound: 404, PinnedAvailabilityZoneChange: 409 },
  async handle({ path, body, caller, allow, links }, deps) {
    const instance = await findServer(deps, caller, path.id)
    allow(targetOf(instance))
    const change: InstanceChange = {
      ...(body.name === undefined ? {} : { displayName: body.name.trim() }),
      ...(body.accessIPv4 === undefined ? {} : { accessIpV4: body.accessIPv4 }),
      ...(body.accessIPv6 === undefined ? {} : { accessIpV6: canonicalIpV6(body.accessIPv6) }),
      ...(body.description === undefined ? {} : { description: body.description }),
      ...(body.hostname === undefined ? {} : { hostname: body.hostname }),
      ...(body['OS-DCF:diskConfig'] === undefined
        ? {}
        : { systemMetadata: { ...instance.systemMetadata, disk_config: body['OS-DCF:diskConfig'] } }),
    }
    if (body.pinned_availability_zone !== undefined) await pin(deps, instance, body.pinned_availability_zone)
    if (!(await deps.store.instances.change(instance.id, change, deps.clock.now())))
      throw InstanceNotFound({ id: instance.id })
    const after = await deps.store.instances.get(instance.id)
    return serverView(deps, after, await loadExtras(deps, [after], { showsGroups: true }), {
      links,
      isAdmin: isAdmin(caller),
    })
  },
})
