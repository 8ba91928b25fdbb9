import { int, keyed, list, obj, operation, query, reply, resource, since } from '#api/kit'
import { type FittedTopology, numaTopology, volumeImage } from '#model'
import type { ApiDeps } from '../../deps.ts'
import { findServer, targetOf } from '../servers/find.ts'

const hostRule = 'compute:server:topology:host:index'

const node = obj({
  vcpu_set: list(int),
  siblings: list(list(int)),
  memory_mb: int,
  host_node: int.requires(hostRule).optional(),
  cpu_pinning: keyed({ '^[0-9]+$': int }).requires(hostRule).optional(),
})

const nodesOf = ({ cells }: FittedTopology) => ({
  nodes: cells.map(cell => ({
    vcpu_set: cell.cpus,
    siblings: [],
    memory_mb: cell.memoryMiB,
    host_node: cell.hostCell,
    cpu_pinning: Object.fromEntries(cell.pins.map(([guest, host]) => [String(guest), host])),
  })),
  pagesize_kb: cells[0]?.pageSizeKiB ?? null,
})

const show = operation<ApiDeps, { id: string }>()({
  exists: since('2.78'),
  policy: 'compute:server:topology:index',
  query: query({}, { strict: since('2.102') }),
  reply: reply(obj({ nodes: list(node), pagesize_kb: int.nullable() })),
  faults: { InstanceNotFound: 404 },
  async handle({ path, caller, allow }, deps) {
    const instance = await findServer(deps, caller, path.id)
    allow(targetOf(instance))
    const { properties } = instance.image ?? volumeImage(instance.systemMetadata)
    const given = (await deps.store.hostClaims.of(instance.id))?.numa ?? null
    if (given !== null) return nodesOf(given)
    // Not placed, or on a host that gives nothing by name: as it was asked for.
    const asked = numaTopology({ flavor: instance.flavor, imageProperties: properties })
    return {
      nodes: (asked?.cells ?? []).map(cell => ({
        vcpu_set: cell.cpus,
        siblings: [],
        memory_mb: cell.memoryMiB,
        host_node: cell.id,
        cpu_pinning: {},
      })),
      pagesize_kb: asked?.pageSizeKiB ?? null,
    }
  },
})

/** The NUMA nodes of a server; none when its flavor and image leave the layout to the host. */
export const serverTopology = resource('/servers/{id}/topology', { 'GET /': show })
