import type { Clock, Log } from '#base'
import type { IdentityPort, NetworkPort, NetworkView, VifPlugger } from '#cloud'
import { type Face, lateFace } from '#http'
import { agentWires } from './agents.ts'
import { createNeutronFace } from './api/face.ts'
import type { BindingGate } from './core/binding.ts'
import { settleDhcpPorts } from './core/dhcp-ports.ts'
import { createWork, type Touched, type Unit } from './core/unit.ts'
import { type DefaultNetwork, ensureDefaultNetwork } from './default-network.ts'
import { createMetadataSource, type MetadataSource } from './metadata-source.ts'
import { createPlugger } from './plugger.ts'
import type { Plumber } from './plumbing/plumber.ts'
import { createPortAdapter } from './port-adapter.ts'
import { ensurePublicNetwork, type PublicNetwork } from './public-network.ts'
import { type Db, deploymentId, openStore } from './store/open.ts'

export interface NetworkServiceOptions {
  readonly databaseUrl: string
  readonly identity: IdentityPort
  readonly log: Log
  readonly clock: Clock
  /** Absent with hypervisors that connect nothing. */
  readonly plumber?: Plumber
  /** The host whose ports the plumber connects, as nova-compute names it; needed with a plumber. */
  readonly host?: string
}

export interface NetworkService {
  readonly port: NetworkPort
  readonly plugger: VifPlugger
  /** The Neutron v2.0 API, not yet listening. */
  readonly face: Face
  readonly metadataSource: MetadataSource
  /** Who keeps a record of servers' addresses is told whose are others now; the API answers when it has followed. */
  onServersChanged(listener: (serverIds: readonly string[]) => Promise<void>): void
  /** Makes the project's network of that name unless it exists. */
  ensureDefaultNetwork(wanted: DefaultNetwork): Promise<NetworkView>
  /** Makes an external network and the project's router to it, unless the project has a network of that name. */
  ensurePublicNetwork(wanted: PublicNetwork): Promise<void>
  /** Brings the host in line with the store from nothing. */
  reconcile(): Promise<void>
  close(): Promise<void>
}

function createGate(options: NetworkServiceOptions): BindingGate {
  const { plumber, host } = options
  if (plumber === undefined) return { plumbedHost: undefined, refusal: async () => undefined }
  if (host === undefined) throw new Error('a network service with a plumber must know its host')
  return {
    plumbedHost: host,
    otherHosts: new Set(plumber.otherHosts),
    refusal: (networkId, cidrs) => plumber.refusal(networkId, cidrs),
  }
}

const isNothing = ({ networks, ports, groups }: Touched): boolean => networks.size + ports.size + groups.size === 0

async function countBound(db: Db): Promise<number> {
  const row = await db
    .selectFrom('ports')
    .select(db.fn.countAll<number>().as('count'))
    .where('isPlugged', '=', 1)
    .executeTakeFirstOrThrow()
  return Number(row.count)
}

async function countOf(db: Db, table: 'routers' | 'floatingIps'): Promise<number> {
  const row = await db.selectFrom(table).select(db.fn.countAll<number>().as('count')).executeTakeFirstOrThrow()
  return Number(row.count)
}

/** What an earlier version of this service did without. */
async function settleAll(db: Db, clock: Clock, settle: (unit: Unit) => Promise<void>): Promise<void> {
  const all = await db.selectFrom('networks').select('id').execute()
  const work = createWork(db, clock, { settle, follow: async () => undefined })
  await work.run(async ({ touched }) => {
    for (const { id } of all) touched.networks.add(id)
  })
}

export async function createNetworkService(options: NetworkServiceOptions): Promise<NetworkService> {
  const { identity, log, clock, plumber } = options
  const db = await openStore(options.databaseUrl)
  const deployment = await deploymentId(db)
  const startedAtMs = clock.now()
  const gate = createGate(options)
  let tellServers: (serverIds: readonly string[]) => Promise<void> = async () => undefined
  const follow = async (touched: Touched): Promise<void> => {
    if (plumber !== undefined && !isNothing(touched)) {
      // What is stored stays stored; the plumber tries again by itself.
      await plumber
        .converge()
        .catch((error: unknown) => log.error({ err: error }, 'the host does not follow the network'))
    }
    if (touched.servers.size === 0) return
    await tellServers([...touched.servers]).catch((error: unknown) =>
      log.error({ err: error, server_ids: [...touched.servers] }, 'records of servers do not follow their ports'),
    )
  }
  const settle = (unit: Unit) => settleDhcpPorts(unit, gate)
  const work = createWork(db, clock, { settle, follow })
  if (plumber !== undefined) {
    await settleAll(db, clock, settle)
    await plumber.start(db, deployment)
  }
  const agents = {
    async agents() {
      if (plumber === undefined) return []
      const [bridges, live] = [await countBound(db), await plumber.liveNetworks()]
      return agentWires({
        deployment,
        host: options.host ?? '',
        startedAtMs,
        nowMs: clock.now(),
        isAlive: plumber.isHealthy(),
        bridges,
        dhcpNetworks: live.length,
        routers: await countOf(db, 'routers'),
        floatingIps: await countOf(db, 'floatingIps'),
      })
    },
  }
  const topology = { db, work, gate, plumber }
  const face = lateFace(() => createNeutronFace({ db, work, identity, log, gate, agents, topology }))
  return {
    port: createPortAdapter(topology),
    plugger: createPlugger({ db, work, plumber }),
    get face() {
      return face.get()
    },
    metadataSource: createMetadataSource(db),
    onServersChanged: listener => {
      tellServers = listener
    },
    ensureDefaultNetwork: wanted => ensureDefaultNetwork({ db, work, plumber }, wanted),
    ensurePublicNetwork: wanted => ensurePublicNetwork({ work, gate, plumber }, wanted),
    reconcile: async () => plumber?.reconcile(),
    async close() {
      await face.close()
      await plumber?.close()
      await db.destroy()
    },
  }
}
