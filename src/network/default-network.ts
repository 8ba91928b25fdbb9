import { declareFault } from '#base'
import type { NetworkView } from '#cloud'
import type { Work } from './core/unit.ts'
import { createPlainNetwork } from './plain-network.ts'
import type { Plumber } from './plumbing/plumber.ts'
import type { Db } from './store/open.ts'
import { networkViews } from './views.ts'

export const NoFreeSubnet = declareFault(
  'NoFreeSubnet',
  'final',
  (p: { tried: string }) => `Every subnet for the default network collides with a route of this host: ${p.tried}`,
)

export interface DefaultNetwork {
  readonly projectId: string
  readonly name: string
  readonly cidr?: string
}

/** Small, and in corners of the private ranges that home routers, Docker and VPNs seldom use. */
const choices = [
  '10.0.0.0/26',
  '10.89.0.0/24',
  '172.29.64.0/24',
  '192.168.177.0/24',
  '10.213.77.0/24',
  '100.120.8.0/24',
]

export async function ensureDefaultNetwork(
  deps: { db: Db; work: Work; plumber: Plumber | undefined },
  { projectId, name, cidr: asked }: DefaultNetwork,
): Promise<NetworkView> {
  const { db, work, plumber } = deps
  const candidates = asked === undefined ? choices : [asked]
  const cidr = plumber === undefined ? candidates[0] : await plumber.freeCidr(candidates)
  const id = await work.run(async unit => {
    const known = await unit.db
      .selectFrom('networks')
      .select('id')
      .where('projectId', '=', projectId)
      .where('name', '=', name)
      .executeTakeFirst()
    if (known !== undefined) return known.id
    if (cidr === undefined) throw NoFreeSubnet({ tried: candidates.join(', ') })
    const subnetName = `${name}-subnet`
    const { network } = await createPlainNetwork(unit, { projectId, name, subnetName, cidr, isHostRouted: true })
    return network.id
  })
  const rows = await db.selectFrom('networks').selectAll().where('id', '=', id).execute()
  const [view] = await networkViews(db, rows)
  if (view === undefined) throw new Error('the default network vanished while it was made')
  return view
}
