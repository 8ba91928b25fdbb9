import { Fault } from '#base'
import type { Store } from '#store'
import type { CommandContext } from '../kit/command.ts'

/** A cell's database that a command works on. */
export interface Target {
  /** For names of tables; empty where there is one cell. */
  readonly prefix: string
  /** For people. */
  readonly title: string
  readonly store: Store
}

/** The database of nova.conf, or with `all` those of every cell. A cell that is away is a typed fault. */
export async function* targets({ world }: CommandContext, all: boolean): AsyncGenerator<Target> {
  if (!all) {
    yield { prefix: '', title: 'DB', store: await world.store() }
    return
  }
  for (const cell of await (await world.cells()).list()) {
    const { name, uuid } = cell
    const identity = name === null ? uuid : `${uuid}(${name})`
    yield { prefix: name === null ? '' : `${name}.`, title: `Cell ${identity}`, store: await cell.store() }
  }
}

/** Whether the API's database answers; why not is said. */
export async function hasApi({ world, out }: CommandContext, hint: string): Promise<boolean> {
  try {
    await (await world.apiStore()).cellMappings.list()
    return true
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    out.say(`${hint} ${error.message}`)
    return false
  }
}
