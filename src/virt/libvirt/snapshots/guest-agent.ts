import type { InstanceId } from '#base'
import { power } from '../../driver.ts'
import { AgentNotEnabled, AgentUnresponsive, GuestInWrongState, HypervisorError } from '../../faults.ts'
import type { GuestAgent } from '../../guest-facets.ts'
import { statusOf } from '../daemon/daemon-calls.ts'
import { LibvirtGuest } from '../guest/guest.ts'
import type { GuestContext } from '../guest/guest-context.ts'
import { powerOf } from '../guest/power.ts'
import { domainById, errorCode, isLibvirtError, procedures } from '../rpc/index.ts'
import { nodeAt, nodesAt, parseXml } from '../xml-tree.ts'

const channelName = 'org.qemu.guest_agent.0'
/** A guest that still boots has its agent soon. */
const startMs = 20_000
/** After libvirt's five seconds for the agent to show itself. */
export const answerSeconds = 20

/** Asks the program in the guest, over the channel that the guest has when its image says that it runs one. */
export class LibvirtGuestAgent implements GuestAgent {
  readonly #context: GuestContext

  constructor(context: GuestContext) {
    this.#context = context
  }

  setPassword(id: InstanceId, user: string, password: string): Promise<void> {
    const { client } = this.#context
    const { changing, existing } = new LibvirtGuest(id, this.#context).steps
    return changing('set the password', async () => {
      mustRun(id, powerOf(await existing()))
      try {
        await whenAgentIsThere(this.#context, id)
        const domain = domainById(id)
        await client.call(procedures.setAgentTimeout, { domain, seconds: answerSeconds }, 'long')
        await client.call(procedures.setUserPassword, { domain, user, password }, 'long')
      } catch (error) {
        const isSilent = HypervisorError.is(error) || isLibvirtError(error, errorCode.agentUnresponsive)
        throw isSilent ? AgentUnresponsive({}, { cause: error, detail: error.message }) : error
      }
    })
  }
}

function mustRun(id: InstanceId, now: number): void {
  if (now === power.running) return
  const state = now === power.paused ? 'paused' : 'shut down'
  throw GuestInWrongState({ id, operation: 'set the password of', state })
}

type Agent = 'none' | 'away' | 'there'

async function agentOf({ client }: GuestContext, id: InstanceId): Promise<Agent> {
  const document = await client.call(procedures.xml, { domain: domainById(id), flags: 0 })
  const channel = nodesAt(parseXml(document), 'devices', 'channel')
    .map(node => nodeAt(node, 'target'))
    .find(target => target?.attributes.name === channelName)
  if (channel === undefined) return 'none'
  return channel.attributes.state === 'connected' ? 'there' : 'away'
}

export const isAgentThere = async (context: GuestContext, id: InstanceId): Promise<boolean> =>
  (await agentOf(context, id)) === 'there'

const notConnected = () => HypervisorError({ operation: 'guest agent', reason: 'the guest agent is not connected' })

/** For those who cannot wait for it. */
export async function mustHaveAgentNow(context: GuestContext, id: InstanceId): Promise<void> {
  const agent = await agentOf(context, id)
  if (agent === 'none') throw AgentNotEnabled({})
  if (agent === 'away') throw notConnected()
}

/**
 * Throws `AgentNotEnabled` for a guest without a channel, and another fault when nobody opens it in time or the guest goes
 * down.
 */
export async function whenAgentIsThere(context: GuestContext, id: InstanceId): Promise<void> {
  const agent = await agentOf(context, id)
  if (agent === 'none') throw AgentNotEnabled({})
  if (agent === 'there') return
  if (await comesUp(context, id)) return
  mustRun(id, powerOf((await statusOf(context.client, id)) ?? { state: 0, reason: 0 }))
  throw notConnected()
}

/** Waits for libvirt's event; false when the time is over, or the guest gone. */
function comesUp(context: GuestContext, id: InstanceId): Promise<boolean> {
  const { client, clock } = context
  return new Promise((resolve, reject) => {
    const settle = (settled: () => void) => {
      unsubscribe()
      cancelTimer()
      settled()
    }
    const look = () =>
      void statusOf(client, id)
        .then(async status => {
          if (status === undefined || powerOf(status) !== power.running) return settle(() => resolve(false))
          if ((await agentOf(context, id)) === 'there') settle(() => resolve(true))
        })
        .catch((error: unknown) => settle(() => (isLibvirtError(error) ? resolve(false) : reject(error as Error))))
    const unsubscribe = client.onEvent(event => {
      if (event.kind === 'reconnected' || event.domain.uuid === id) look()
    })
    const cancelTimer = clock.after(startMs, () => settle(() => resolve(false)))
    look()
  })
}

/** The guest slept and its clock with it; one without an agent finds the time out by itself. */
export async function setClock(context: GuestContext, id: InstanceId): Promise<void> {
  const { client, clock, log } = context
  if ((await agentOf(context, id)) !== 'there') return
  const domain = domainById(id)
  const nowMs = clock.now()
  const time = { seconds: Math.floor(nowMs / 1000), nanoseconds: (nowMs % 1000) * 1_000_000 }
  try {
    await client.call(procedures.setAgentTimeout, { domain, seconds: answerSeconds }, 'long')
    await client.call(procedures.setTime, { domain, ...time }, 'long')
  } catch (error) {
    if (!isLibvirtError(error)) throw error
    const isSilent = isLibvirtError(error, errorCode.agentUnresponsive)
    log.warn({ instance_id: id, err: error, is_silent: isSilent }, 'the clock of the guest could not be set')
  }
}
