import { pause, waitFor } from '#base'
import type { Client, Json, Reply } from './client.ts'
import type { Dice } from './dice.ts'
import type { Course } from './load.ts'
import { type Ask, forceDelete, type Operation, operations, type Shown } from './operations.ts'
import type { Accepted } from './tally.ts'
import type { World } from './world.ts'

export interface Surroundings {
  /** Guests are killed too: any server may be off at any time. */
  readonly killsGuests: boolean
  readonly hostCount: number
  readonly client: Client
  readonly world: World
  readonly course: Course
  readonly dice: Dice
}

/**
 * Dead hosts come back within seconds, but on a busy machine the next kill comes before much is done. What has not ended
 * by then is stuck, and what is stuck is so for ever: waiting longer costs nothing.
 */
const patienceMs = 300_000
const gone = 'gone'

/** One server and its user, who does one thing after the other and looks whether it came out as he was told. */
export class Life {
  readonly #id: string
  readonly #at: Surroundings
  isGone = false

  constructor(id: string, at: Surroundings) {
    this.#id = id
    this.#at = at
  }

  async #show(): Promise<Shown | undefined> {
    const { status, body } = await this.#at.client.get('compute', `/servers/${this.#id}`)
    return status === 404 ? undefined : body.server
  }

  /** Whether the record of the action has begun and nothing of it is open. */
  async #hasResult(requestId: string): Promise<boolean> {
    const path = `/servers/${this.#id}/os-instance-actions/${requestId}`
    const { status, body } = await this.#at.client.get('compute', path)
    if (status !== 200) return false
    const { events } = body.instanceAction
    return events.length > 0 && events.every((event: Json) => event.finish_time !== null)
  }

  /** Waits until nobody works on the server. */
  async #settled(operation: string, requestId: string | undefined): Promise<Shown | undefined> {
    try {
      return await waitFor<{ server: Shown | undefined }>(
        `the end of ${operation}`,
        async () => {
          const hasResult = requestId === undefined || (await this.#hasResult(requestId))
          const server = await this.#show()
          if (server === undefined) return { server }
          if (server['OS-EXT-STS:task_state'] !== null || server['OS-EXT-STS:vm_state'] === 'building') return undefined
          return hasResult ? { server } : undefined
        },
        { deadlineMs: patienceMs, everyMs: 80 },
      ).then(({ server }) => server)
    } catch {
      const { body } = await this.#at.client.get('compute', `/servers/${this.#id}/os-instance-actions`)
      const { server } = (await this.#at.client.get('compute', `/servers/${this.#id}`)).body
      const state = `${server?.status} ${server?.['OS-EXT-STS:task_state']}`
      this.#at.course.tally.complain(
        `${this.#id}: ${operation} (${requestId}) never ended: ${state} ${JSON.stringify(body)}`,
      )
      // Nothing more can be learned from it.
      this.isGone = true
      return undefined
    }
  }

  taken(operation: string, requestId: string): Accepted {
    return { serverId: this.#id, operation, requestId }
  }

  /** Waits for the end of its creation. */
  async born(requestId: string | undefined): Promise<void> {
    const server = await this.#settled('create', requestId)
    this.isGone ||= server === undefined
    this.#mustExplain('create', server)
    const isDone = server?.status === 'ACTIVE'
    this.#at.course.tally.ended('create', isDone ? 'done' : 'undone')
  }

  #mustExplain(operation: string, server: Shown | undefined): void {
    if (server?.status === 'ERROR' && !server.fault?.message)
      this.#at.course.tally.complain(`${this.#id}: ERROR without a fault after ${operation}`)
  }

  /** Does one thing; false when there was nothing to do. */
  async step(): Promise<boolean> {
    const server = await this.#show()
    if (server === undefined) {
      this.isGone = true
      return true
    }
    const chosen = await this.#choose(server)
    if (chosen === undefined) return false
    const { operation, ask } = chosen
    this.#at.course.asked++
    const reply = await this.#send(operation, ask)
    if (reply !== undefined && reply.status >= 400) return true
    if (this.#at.dice.chance(0.05)) return this.#changeMind(operation, reply?.requestId)
    const after = await this.#settled(operation.name, reply?.requestId)
    if (!this.isGone) await this.#judge(operation, server, after, reply?.requestId)
    this.isGone ||= after === undefined
    return true
  }

  async #send({ name }: Operation, { method, path, body }: Ask): Promise<Reply | undefined> {
    const { client, course } = this.#at
    let reply: Reply | undefined
    try {
      reply = await client.send('compute', method, `/servers/${this.#id}${path}`, body)
    } catch {
      // Taken or not: both are right.
    }
    course.tally.answered(name, reply?.status)
    if (reply === undefined) return undefined
    if (reply.status >= 400) course.tally.refused(name, reply)
    else course.tally.accepted.push(this.taken(name, reply.requestId))
    return reply
  }

  /** Deletes the server in the middle of what it was asked to do. */
  async #changeMind(operation: Operation, requestId: string | undefined): Promise<boolean> {
    const { dice, course } = this.#at
    await pause(dice.whole(0, 150))
    course.asked++
    const reply = await this.#send(forceDelete, forceDelete.ask({} as never) as Ask)
    const after = await this.#settled(`${operation.name} and delete`, reply?.status === 202 ? undefined : requestId)
    if (reply?.status === 202 && after !== undefined) course.tally.complain(`${this.#id}: deleted and still there`)
    this.isGone ||= after === undefined
    return true
  }

  async #choose(server: Shown): Promise<{ operation: Operation; ask: Ask } | undefined> {
    const { world, dice, course, client } = this.#at
    const possible = operations.filter(({ from }) => from.includes(server.status))
    const attachments = await client.get('compute', `/servers/${this.#id}/os-volume_attachments`)
    const interfaces = await client.get('compute', `/servers/${this.#id}/os-interface`)
    const volumes = await client.get('volume', `/v3/${client.projectId}/volumes/detail`)
    if (attachments.status !== 200 || interfaces.status !== 200) return undefined
    const has: string[] = attachments.body.volumeAttachments.map((a: Json) => a.volumeId)
    const idle: string[] = volumes.body.volumes.filter((v: Json) => v.status === 'available').map((v: Json) => v.id)
    const scene = {
      server,
      world,
      dice,
      hostCount: this.#at.hostCount,
      attached: world.volumes.filter(id => has.includes(id)),
      free: world.volumes.filter(id => idle.includes(id)),
      ports: interfaces.body.interfaceAttachments.map((a: Json) => a.port_id),
      down: course.down,
    }
    const asks = possible.flatMap(operation => {
      const ask = operation.ask(scene)
      return ask === undefined ? [] : [{ operation, ask, weight: operation.weight }]
    })
    return dice.weighted(asks)
  }

  /** It came out as asked, or it is as before (or in an ERROR that says why) and the record of the action says so. */
  async #judge(
    operation: Operation,
    before: Shown,
    after: Shown | undefined,
    requestId: string | undefined,
  ): Promise<void> {
    const { tally } = this.#at.course
    const wanted = [...(operation.ends ?? [before.status]), ...(this.#at.killsGuests ? ['SHUTOFF'] : [])]
    const is = after?.status ?? gone
    this.#mustExplain(operation.name, after)
    if (requestId === undefined) {
      tally.ended(operation.name, 'unknown')
      // A lost answer, or an action that was taken and failed.
      if (![...wanted, before.status, 'ERROR'].includes(is))
        tally.complain(`${this.#id}: ${operation.name} from ${before.status} came to ${is}`)
      return
    }
    if (is === gone) {
      tally.ended(operation.name, 'done')
      // Put away servers are reclaimed by and by.
      if (!wanted.includes(gone) && before.status !== 'SOFT_DELETED')
        tally.complain(`${this.#id}: gone after ${operation.name}`)
      return
    }
    const { body } = await this.#at.client.get('compute', `/servers/${this.#id}/os-instance-actions/${requestId}`)
    const hasFailed = body.instanceAction?.message !== null
    tally.ended(operation.name, hasFailed ? 'undone' : 'done')
    const right = hasFailed ? [before.status, 'ERROR', ...wanted] : this.#followers(wanted)
    if (!right.includes(is))
      tally.complain(
        `${this.#id}: ${operation.name} (${requestId}) ${hasFailed ? 'failed' : 'succeeded'} from ${before.status} and came to ${is}`,
      )
  }

  /** What comes by itself after that: shelved servers are offloaded, those put away are reclaimed. */
  #followers(statuses: readonly string[]): readonly string[] {
    return statuses.includes('SHELVED') ? [...statuses, 'SHELVED_OFFLOADED'] : statuses
  }
}
