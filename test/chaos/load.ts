import { pause } from '#base'
import type { Arena } from './arena.ts'
import type { Reply } from './client.ts'
import type { Dice } from './dice.ts'
import { Life } from './life.ts'
import { Tally } from './tally.ts'
import type { World } from './world.ts'

export interface LoadOptions {
  readonly operations: number
  readonly workers: number
  /** Servers of one worker at a time. */
  readonly servers: number
}

/** What the load and the killer know of each other. */
export class Course {
  readonly tally = new Tally()
  /** Hosts whose nova-compute stays dead for a while. */
  readonly down = new Set<string>()
  /** Operations that were asked for, of any outcome. */
  asked = 0
  isOver = false
  #allowed = 0

  /** The users may ask for so many more things: they come in bursts, so that a kill finds many of them on their way. */
  allow(count: number): void {
    this.#allowed = this.asked + count
  }

  summary(): string {
    const { tally, asked } = this
    return `${asked} operations, ${tally.kills} kills, ${tally.total('done')} done, ${tally.total('undone')} undone`
  }

  get mayAsk(): boolean {
    return this.asked < this.#allowed
  }
}

/** Many users at once, each with servers of his own: what he does next follows from what he sees and from his dice. */
export async function runLoad(
  arena: Arena,
  world: World,
  course: Course,
  dice: Dice,
  options: LoadOptions,
): Promise<void> {
  const workers = Array.from({ length: options.workers }, (_, i) => new Worker(arena, world, course, dice.child(), i))
  try {
    await Promise.all(workers.map(worker => worker.run(options)))
  } finally {
    course.isOver = true
  }
}

class Worker {
  readonly #arena: Arena
  readonly #world: World
  readonly #course: Course
  readonly #dice: Dice
  readonly #number: number
  #lives: Life[] = []
  #made = 0

  constructor(arena: Arena, world: World, course: Course, dice: Dice, number: number) {
    this.#arena = arena
    this.#world = world
    this.#course = course
    this.#dice = dice
    this.#number = number
  }

  async run({ operations, servers }: LoadOptions): Promise<void> {
    while (this.#course.asked < operations) {
      if (!this.#course.mayAsk) {
        await pause(20)
        continue
      }
      this.#lives = this.#lives.filter(life => !life.isGone)
      const isNew = this.#lives.length === 0 || (this.#lives.length < servers && this.#dice.chance(0.2))
      if (isNew) await this.#create()
      else if (!((await this.#dice.pick(this.#lives)?.step()) ?? false)) await pause(50)
    }
  }

  #life(id: string): Life {
    const { client, killsGuests = false, hostCount } = this.#arena
    return new Life(id, { client, killsGuests, hostCount, world: this.#world, course: this.#course, dice: this.#dice })
  }

  async #create(): Promise<void> {
    const { client } = this.#arena
    const name = `w${this.#number}-${this.#made++}`
    const count = this.#dice.chance(0.15) ? 2 : 1
    this.#course.asked++
    let reply: Reply | undefined
    try {
      reply = await client.send('compute', 'POST', '/servers', this.#wish(name, count))
    } catch {
      // Taken or not: what there is of that name is looked after.
    }
    this.#course.tally.answered('create', reply?.status)
    if (reply !== undefined && reply.status >= 400) return this.#course.tally.refused('create', reply)
    const { status, body } = await client.get('compute', `/servers?name=${encodeURIComponent(`^${name}(-[12])?$`)}`)
    if (status !== 200) throw new Error(`the list of servers was answered with ${status}: ${JSON.stringify(body)}`)
    const lives = body.servers.map(({ id }: { id: string }) => this.#life(id))
    if (reply !== undefined && lives.length !== count)
      this.#course.tally.complain(`${lives.length} servers of ${count} that were accepted as ${name}`)
    this.#lives.push(...lives)
    for (const life of lives) {
      if (reply !== undefined) this.#course.tally.accepted.push(life.taken('create', reply.requestId))
      await life.born(reply?.requestId)
    }
  }

  #wish(name: string, count: number) {
    const { images, flavors, networkId, groups } = this.#world
    const [imageRef, flavorRef] = [this.#dice.pick(images), this.#dice.pick(flavors)]
    const group = this.#dice.chance(0.25) ? this.#dice.pick(groups) : undefined
    const isOnVolume = this.#dice.chance(0.2)
    const disk = {
      boot_index: 0,
      uuid: imageRef,
      source_type: 'image',
      destination_type: 'volume',
      volume_size: 1,
      delete_on_termination: true,
    }
    return {
      server: {
        name,
        flavorRef,
        networks: [{ uuid: networkId }],
        min_count: count,
        ...(isOnVolume ? { block_device_mapping_v2: [disk] } : { imageRef }),
      },
      ...(group === undefined ? {} : { 'os:scheduler_hints': { group } }),
    }
  }
}
