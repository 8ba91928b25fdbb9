import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { declareFault, type Log, waitFor } from '#base'
import type { Cloud } from '../cloud.ts'
import type { AllInOneOptions } from '../options.ts'
import type { Ports } from '../ports.ts'
import type { Progress } from '../progress.ts'
import type { Secrets } from '../state-folder.ts'
import { CloudClient } from './client.ts'
import { firstFlavor, makeFlavors, makeKey, makeNetworks, openGroups } from './furniture.ts'
import { firstImage, makeStockImage, registerEmpty, registerOwn, startCirros } from './images.ts'

export interface FirstRun {
  readonly cloud: Cloud
  readonly options: AllInOneOptions
  readonly ports: Ports
  readonly secrets: Secrets
  readonly log: Log
  readonly progress: Progress
  /** Aborted at the stop: ends what goes on in the background. */
  readonly signal: AbortSignal
}

export interface ShownServer {
  readonly name: string
  readonly status: string
  readonly addresses: readonly string[]
}

export interface FirstRunResult {
  readonly servers: readonly ShownServer[]
  readonly keyFile: string | null
}

export const FirstServerFailed = declareFault(
  'FirstServerFailed',
  'final',
  (p: { reason: string }) => `The first server did not start: ${p.reason}`,
)

const serverName = 'first'
const groupName = 'ping-and-ssh'
/** A cold TCG boot on a busy machine takes seconds; past this something is wrong. */
const patienceMs = 180_000

interface Server {
  readonly id: string
  readonly name: string
  readonly status: string
  readonly addresses: Readonly<Record<string, readonly { addr: string }[]>>
  readonly fault?: { readonly message: string }
}

const listServers = async (client: CloudClient): Promise<readonly Server[]> =>
  (await client.call<{ servers: Server[] }>('compute', 'GET', '/servers/detail?limit=20')).servers

const shown = (server: Server): ShownServer => ({
  name: server.name,
  status: server.status,
  addresses: Object.values(server.addresses).flatMap(a => a.map(x => x.addr)),
})

async function createFirst(client: CloudClient, network: string): Promise<void> {
  if ((await listServers(client)).some(s => s.name === serverName)) return
  const { images } = await client.call<{ images: { id: string }[] }>('image', 'GET', `/images?name=${firstImage}`)
  const { flavors } = await client.call<{ flavors: { id: string; name: string }[] }>('compute', 'GET', '/flavors')
  const server = {
    name: serverName,
    imageRef: images[0]?.id,
    flavorRef: flavors.find(f => f.name === firstFlavor)?.id,
    key_name: serverName,
    networks: [{ uuid: network }],
    security_groups: [{ name: groupName }],
  }
  await client.call('compute', 'POST', '/servers', { server })
}

const untilRunning = (client: CloudClient): Promise<Server> =>
  waitFor(
    'the first server',
    async () => {
      const server = (await listServers(client)).find(s => s.name === serverName)
      if (server?.status === 'ERROR')
        throw FirstServerFailed({ reason: server.fault?.message ?? 'no reason was recorded' })
      return server?.status === 'ACTIVE' ? server : undefined
    },
    { deadlineMs: patienceMs, everyMs: 50 },
  )

/** Images are wanted at every start: a build that was cut short goes on. */
async function makeImages(run: FirstRun, client: CloudClient): Promise<void> {
  const { cloud, options, progress, log, signal } = run
  if (options.image !== undefined) await registerOwn(client, options.image, progress)
  if (options.hypervisor === 'fake') {
    await registerEmpty(client, firstImage)
    if (options.image === undefined) await registerEmpty(client, 'cirros')
    return
  }
  await makeStockImage(cloud, progress, signal)
  if (options.image === undefined) await startCirros(cloud, progress, log, signal)
}

/**
 * Furnishes a new cloud: flavors, a network, open groups, a key, images and a running server. Done once; what the user
 * deletes later stays deleted. A start that was cut short goes on where it was, because each thing is looked for first.
 */
export async function firstRun(run: FirstRun): Promise<FirstRunResult> {
  const { cloud, options, ports, secrets, progress } = run
  const client = await CloudClient.login(ports, secrets.adminPassword)
  const done = join(options.stateDir, 'furnished')
  const keyFile = join(options.stateDir, 'keys', serverName)
  if (!existsSync(done)) {
    await makeFlavors(client)
    const network = await makeNetworks(cloud)
    await openGroups(client, groupName)
    await makeKey(client, options.stateDir, serverName)
    await makeImages(run, client)
    if (!options.isBare) {
      await createFirst(client, network.id)
      await progress.step('booting the first server', () => untilRunning(client))
    }
    writeFileSync(done, '')
  } else await resumeImages(run)
  return { servers: (await listServers(client)).map(shown), keyFile: existsSync(keyFile) ? keyFile : null }
}

/** Later starts only see to it that an unfinished `cirros` gets finished. */
async function resumeImages({ cloud, options, progress, log, signal }: FirstRun): Promise<void> {
  if (options.hypervisor === 'libvirt' && options.image === undefined) await startCirros(cloud, progress, log, signal)
}
