import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { HostsCloud } from '../../test/guests/hosts.ts'
import { ControlPlane, type Ready } from '../bench/control-plane.ts'
import { temporaryFolder } from '../bench/temporary-folder.ts'
import type { Undo } from '../bench/undo.ts'

export interface PlaneOptions {
  readonly undo: Undo
  readonly offset: number
  readonly hosts: number
  readonly parent: string | undefined
  readonly config: string
  readonly isKept: boolean
}

/** The cloud of a suite, which goes away with `undo`. */
export interface Plane {
  readonly ready: Ready
  /** For the suite's own files. */
  readonly folder: string
  /** Ends the control plane. */
  stop(): Promise<unknown>
}

/** With hosts that are simulated. */
export async function simulatedPlane(options: PlaneOptions): Promise<Plane> {
  const plane = new ControlPlane({ ...options, hypervisor: 'fake' })
  const ready = await plane.start()
  return { ready, folder: dirname(plane.stateDir), stop: () => plane.stop() }
}

/** With hosts of this machine, each with a libvirt and a network of its own. */
export async function realPlane({ undo, offset, hosts, parent, config, isKept }: PlaneOptions): Promise<Plane> {
  const folder = temporaryFolder(parent)
  const image = join(folder, 'empty.raw')
  writeFileSync(image, Buffer.alloc(1_048_576))
  // With an image of its own it compiles no kernel in the background.
  const cloud = new HostsCloud({ offset, count: hosts, config, flags: ['--image', image] })
  undo.add(async () => {
    if (isKept) keepLogs(cloud, folder)
    await cloud.close()
  })
  await cloud.start()
  const { stateDir, ready } = cloud.cloud
  if (ready === undefined) throw new Error('the cloud is not up')
  return {
    ready: { urls: ready.urls as Ready['urls'], state: stateDir, pid: ready.pid },
    folder,
    stop: async () => {
      for (const host of cloud.hosts) await host.kill()
      await cloud.cloud.stop('SIGINT')
    },
  }
}

function keepLogs(cloud: HostsCloud, folder: string): void {
  const logs = join(folder, 'logs')
  mkdirSync(logs, { recursive: true })
  writeFileSync(join(logs, 'nova.log'), cloud.cloud.log())
  for (const host of cloud.hosts) copyFileSync(host.logFile, join(logs, `${host.name}.log`))
}
