import { contains, formatCidr, overlaps, parseCidr } from './addresses.ts'
import type { BindingGate } from './core/binding.ts'
import { joinSubnet } from './core/router-interfaces.ts'
import { createRouter, setGateway } from './core/routers.ts'
import type { Unit, Work } from './core/unit.ts'
import { AutoAllocationFailure } from './faults.ts'
import { createPlainNetwork } from './plain-network.ts'
import type { Plumber } from './plumbing/plumber.ts'
import type { Db } from './store/open.ts'

/** Where the networks of projects come from that leave the choice to us: 1024 of them, each with 61 addresses. */
const pool = '10.221.0.0/16'
const size = 64n
/** So many are offered to the host, which may have routes into the pool. */
const offered = 8

const names = { network: 'auto_allocated_network', subnet: 'auto_allocated_subnet_v4', router: 'auto_allocated_router' }

export interface AutoTopologyDeps {
  readonly db: Db
  readonly work: Work
  readonly gate: BindingGate
  readonly plumber: Plumber | undefined
}

const known = (db: Db, projectId: string) =>
  db
    .selectFrom('networks')
    .select('id')
    .where('projectId', '=', projectId)
    .where('name', '=', names.network)
    .orderBy('createdAtMs')
    .executeTakeFirst()

const outside = (db: Db) =>
  db
    .selectFrom('networks')
    .select('id')
    .where('isExternal', '=', 1)
    .where('isDefault', '=', 1)
    .orderBy('createdAtMs')
    .executeTakeFirst()

/** Refuses where no project could get a network: there must be a way out. */
export async function requireAutoTopology(db: Db): Promise<void> {
  if ((await outside(db)) === undefined) throw AutoAllocationFailure({ reason: 'No default router:external network' })
}

/** The first parts of the pool that no subnet of the cloud uses. */
async function freeParts(db: Db): Promise<readonly string[]> {
  const whole = parseCidr(pool)
  if (whole === undefined) return []
  const rows = await db.selectFrom('subnets').select('cidr').where('ipVersion', '=', 4).execute()
  const used = rows.flatMap(({ cidr }) => parseCidr(cidr) ?? []).filter(cidr => overlaps(cidr, whole))
  const parts: string[] = []
  for (let first = whole.first; contains(whole, { version: 4, value: first }); first += size) {
    const part = { version: 4 as const, first, last: first + size - 1n, prefix: 26 }
    if (!used.some(cidr => overlaps(cidr, part))) parts.push(formatCidr(part))
    if (parts.length === offered) break
  }
  return parts
}

async function build(unit: Unit, gate: BindingGate, projectId: string, cidr: string): Promise<string> {
  const outer = await outside(unit.db)
  if (outer === undefined) throw AutoAllocationFailure({ reason: 'No default router:external network' })
  const named = { name: names.network, subnetName: names.subnet }
  const { network, subnet } = await createPlainNetwork(unit, { projectId, ...named, cidr, isHostRouted: false })
  const router = await createRouter(unit, { projectId, description: '', name: names.router, isUp: 1 })
  const joined = await setGateway(unit, gate, router, { networkId: outer.id, snat: true, addresses: [] })
  await joinSubnet(unit, gate, joined, subnet.id, () => true)
  return network.id
}

/** The project's automatic network with its way out; made by whoever asks first, in one transaction. */
export async function autoTopology({ db, work, gate, plumber }: AutoTopologyDeps, projectId: string): Promise<string> {
  const before = await known(db, projectId)
  if (before !== undefined) return before.id
  const parts = await freeParts(db)
  const cidr = plumber === undefined ? parts[0] : await plumber.freeCidr(parts)
  if (cidr === undefined) throw AutoAllocationFailure({ reason: 'Unable to provide tenant private network' })
  return work.run(async unit => {
    const meanwhile = await known(unit.db, projectId)
    return meanwhile === undefined ? build(unit, gate, projectId, cidr) : meanwhile.id
  })
}
