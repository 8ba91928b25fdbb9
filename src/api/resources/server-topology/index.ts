import { int, keyed, list, obj, operation, query, reply, resource, since } from '#api/kit'
import { numaTopology, volumeImage } from '#model'
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
    const found = numaTopology({ flavor: instance.flavor, imageProperties: properties })
    return {
      nodes: (found?.cells ?? []).map(cell => ({
        vcpu_set: cell.cpus,
        // Threads and pins are told by hosts that give guests CPUs of their own.
        siblings: [],
        memory_mb: cell.memoryMiB,
        host_node: cell.id,
        cpu_pinning: {},
      })),
      pagesize_kb: found?.pageSizeKiB ?? null,
    }
  },
})

/** The NUMA nodes of a server; none when its flavor and image leave the layout to the host. */
export const serverTopology = resource('/servers/{id}/topology', { 'GET /': show })
