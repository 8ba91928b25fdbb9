import { fromJson } from '#base'
import type { Commands } from './commands.ts'
import type { DesiredRouting } from './routing.ts'

/**
 * Extra routes of routers. They hold for what comes from the networks of one router, not for this host, so each router with
 * routes has a routing table of its own, looked up for packets from its bridges. All our rules have one priority: that
 * is how those of an earlier run are found.
 */
const priority = '21077'
const firstTable = 21_077

interface RuleJson {
  readonly priority?: number
  readonly table?: string
}

type Family = '-4' | '-6'
const families: readonly Family[] = ['-4', '-6']

const familyOf = (address: string): Family => (address.includes(':') ? '-6' : '-4')

export class PolicyRoutes {
  readonly #commands: Commands
  /** What was last made; undefined: whatever an earlier run left. */
  #made: string | undefined

  constructor(commands: Commands) {
    this.#commands = commands
  }

  forget(): void {
    this.#made = undefined
  }

  async apply({ routes }: DesiredRouting): Promise<void> {
    const wanted = JSON.stringify(routes)
    if (this.#made === wanted) return
    await this.#clear()
    for (const [index, router] of routes.entries()) {
      const table = String(firstTable + index)
      for (const { destination, nexthop, bridge } of router.routes) {
        const route = ['route', 'replace', destination, 'via', nexthop, 'dev', bridge, 'table', table]
        await this.#commands.run('ip', [familyOf(nexthop), ...route])
      }
      for (const family of new Set(router.routes.map(({ nexthop }) => familyOf(nexthop)))) {
        for (const bridge of router.bridges) {
          const rule = ['rule', 'add', 'priority', priority, 'iif', bridge, 'lookup', table]
          await this.#commands.run('ip', [family, ...rule])
        }
      }
    }
    this.#made = wanted
  }

  async #clear(): Promise<void> {
    if (this.#made === '[]') return
    for (const family of families) {
      const text = await this.#commands.ask('ip', [family, '-j', 'rule', 'show', 'priority', priority])
      const rules = text === undefined || text.trim() === '' ? [] : fromJson<RuleJson[]>(text)
      for (const { table } of rules) {
        await this.#commands.ask('ip', [family, 'rule', 'delete', 'priority', priority])
        if (table !== undefined) await this.#commands.ask('ip', [family, 'route', 'flush', 'table', table])
      }
    }
  }
}
