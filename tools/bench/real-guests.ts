import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fromJson } from '#base'
import { Client } from './client.ts'
import { ControlPlane } from './control-plane.ts'
import { distribution, figure, median, type Row } from './figures.ts'
import { furnishReal } from './furniture.ts'
import { measureOperations } from './guest-operations.ts'
import { Observer } from './observer.ts'
import { childrenOf, nameOf, residentMiBOf } from './process-figures.ts'
import { commandOf, timeRawBoot, whenUserspace } from './raw-qemu.ts'
import { Servers } from './servers.ts'
import type { Undo } from './undo.ts'

const group = 'libvirt'
const ratioAim = 1.3

interface Boot {
  readonly activeMs: number
  readonly userspaceMs: number
  readonly command: readonly string[]
}

/** POST to ACTIVE and to the first line of the guest's init; the server is gone afterwards. */
async function bootOnce(servers: Servers, stateDir: string): Promise<Boot> {
  const startedAt = performance.now()
  const { id, tookMs } = await servers.boot()
  const command = commandOf(id)
  const userspaceMs = (await whenUserspace(join(stateDir, 'instances', id, 'console.log'))) - startedAt
  await servers.remove(id)
  return { activeMs: tookMs, userspaceMs, command }
}

/** Nova's process, and libvirt's own without the guests. */
function memory(plane: ControlPlane): Row[] {
  const nova = residentMiBOf(plane.pid)
  const init = join(plane.stateDir, 'libvirt', 'init.json')
  const daemons = childrenOf(fromJson<{ pid: number }>(readFileSync(init, 'utf8')).pid)
  const libvirt = daemons
    .filter(pid => !nameOf(pid).startsWith('qemu'))
    .map(residentMiBOf)
    .reduce((a, b) => a + b, 0)
  return [
    figure({ group, what: 'resident memory, control plane', unit: 'MiB', aim: { below: 250, of: 'p50' } }, nova),
    figure({ group, what: 'resident memory, libvirtd and virtlogd', unit: 'MiB' }, libvirt),
  ]
}

/** Real guests beside plain QEMU on the same machine with the same devices, by turns. */
export async function measureRealGuests(options: {
  undo: Undo
  offset: number
  parent: string | undefined
  rounds: number
}): Promise<Row[]> {
  const { undo, rounds } = options
  const plane = new ControlPlane({ ...options, hypervisor: 'libvirt' })
  const client = await Client.login(await plane.start())
  const observer = new Observer(plane.stateDir)
  undo.add(() => observer.close())
  const furniture = await furnishReal(client)
  const servers = new Servers(client, observer, furniture)
  // Fetches and unpacks the image.
  const { command } = await bootOnce(servers, plane.stateDir)
  const folder = dirname(plane.stateDir)
  const boots: Boot[] = []
  const raw: number[] = []
  for (let round = 0; round < rounds; round++) {
    // Who goes first changes, so that a machine that slows down is fair to both.
    const ours = async () => boots.push(await bootOnce(servers, plane.stateDir))
    const theirs = async () => raw.push(await timeRawBoot(command, folder, undo))
    for (const side of round % 2 === 0 ? [theirs, ours] : [ours, theirs]) await side()
  }
  const operations = await measureOperations({ client, servers }, { stateDir: plane.stateDir, folder, rounds })
  await client.close()
  const userspace = boots.map(boot => boot.userspaceMs)
  const guest = `${furniture.memoryMiB} MiB guest, image cached`
  return [
    distribution(
      { group, what: `POST /servers to ACTIVE, ${guest}`, unit: 'ms' },
      boots.map(b => b.activeMs),
    ),
    distribution({ group, what: 'POST /servers to userspace', unit: 'ms' }, userspace),
    distribution({ group, what: 'plain QEMU, exec to userspace', unit: 'ms' }, raw),
    figure(
      { group, what: 'ratio of the medians', unit: 'x', aim: { below: ratioAim, of: 'p50' } },
      median(userspace) / median(raw),
    ),
    ...operations,
    ...memory(plane),
  ]
}
