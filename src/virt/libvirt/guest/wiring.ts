/**
 * Interfaces of guests that an agent of the network wires, like Neutron's for Linux bridges: what has to be there before
 * libvirt can make the tap, and the wait for the agent, which sees the tap and tells Neutron, which tells Nova.
 */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { type InstanceId, pause } from '#base'
import { power } from '../../driver.ts'
import { GuestNotFound, HypervisorError, InterfaceNotPlugged } from '../../faults.ts'
import type { GuestVif } from '../../guest-spec.ts'
import { statusOf } from '../daemon/daemon-calls.ts'
import { domainById, errorCode, isLibvirtError, procedures } from '../rpc/index.ts'
import type { GuestContext } from './guest-context.ts'
import { hasProcess, powerOf } from './power.ts'

const run = promisify(execFile)

/** As Neutron's agent calls the bridge of a network; others are somebody else's to make. */
const agentsBridge = /^brq[0-9a-f-]{1,11}$/

const isThere = (bridge: string): boolean => existsSync(`/sys/class/net/${bridge}/bridge`)

/** Without spanning tree, and without addresses of its own: it is a wire and no host. */
async function makeBridge(name: string): Promise<void> {
  try {
    await run('ip', [
      'link',
      'add',
      name,
      'type',
      'bridge',
      'forward_delay',
      '0',
      'stp_state',
      '0',
      'mcast_snooping',
      '0',
    ])
    const ipv6 = `/proc/sys/net/ipv6/conf/${name}/disable_ipv6`
    if (existsSync(ipv6)) await writeFile(ipv6, '1')
    await run('ip', ['link', 'set', name, 'up'])
  } catch (error) {
    // The agent makes it too, and may have been faster.
    if (isThere(name)) return
    throw HypervisorError({ operation: 'plug', reason: `bridge ${name} cannot be made` }, { cause: error })
  }
}

/** Converges; where nobody but us wires guests their bridges exist, and nothing happens. */
export async function makeBridges({ wires }: GuestContext, vifs: readonly GuestVif[]): Promise<void> {
  if (wires === undefined) return
  const bridges = new Set(vifs.filter(vif => vif.card === undefined).map(vif => vif.bridge))
  for (const name of bridges) if (agentsBridge.test(name) && !isThere(name)) await makeBridge(name)
}

/** The ports that a guest has to wait for. */
export async function awaitedPorts(
  { wires }: GuestContext,
  id: InstanceId,
  vifs: readonly GuestVif[],
): Promise<readonly string[]> {
  if (wires === undefined || wires.timeoutMs === 0 || vifs.length === 0) return []
  const ports = vifs.map(vif => vif.portId)
  return wires.down(id, ports, true)
}

/** Between two looks at what the network has told; the network itself is asked every so many looks, for news get lost. */
const lookMs = 250
const looksPerQuestion = 20

/** Lets a guest go that stands still, once these ports are up, or its time is over and it may go without them. */
export async function releaseWhenUp(context: GuestContext, id: InstanceId, ports: readonly string[]): Promise<void> {
  const { client, clock, log, wires } = context
  if (wires !== undefined) {
    const end = clock.now() + wires.timeoutMs
    let left = ports
    for (let look = 1; left.length > 0 && clock.now() < end; look++) {
      await pause(lookMs, clock)
      const status = await statusOf(client, id)
      if (status === undefined || !hasProcess(status)) throw GuestNotFound({ id })
      left = await wires.down(id, left, look % looksPerQuestion === 0)
    }
    if (left.length > 0) {
      log.warn(
        { instance_id: id, ports: left, timeout_ms: wires.timeoutMs },
        'ports of a guest have not come up in time',
      )
      if (wires.isFatal) throw InterfaceNotPlugged({ id, ports: left.join(', ') })
    }
  }
  try {
    await client.call(procedures.resume, domainById(id), 'long')
  } catch (error) {
    // Let go already, by another process of ours or when the answer was lost.
    const status = isLibvirtError(error, errorCode.operationInvalid) ? await statusOf(client, id) : undefined
    if (status === undefined || powerOf(status) !== power.running) throw error
  }
}
