import { canonicalAddress } from '../addresses.ts'
import type { Commands } from './commands.ts'
import type { Desired } from './desired-model.ts'
import { frame } from './firewall-frame.ts'
import { difference, type Ruleset } from './firewall-model.ts'
import { buildRulesets, frameRulesets } from './firewall-rules.ts'
import { type FirewallState, type StaleFlow, staleFlows } from './stale-flows.ts'

/** The two nft tables of this cloud; knows what it last wrote and writes only what changed. */
export class Firewall {
  readonly #commands: Commands
  readonly #inet: string
  readonly #bridge: string
  #applied: { inet: Ruleset; bridge: Ruleset } | undefined
  /** What the last apply was told; stays known when the tables have to be written anew. */
  #last: FirewallState | undefined

  constructor(commands: Commands, name: string) {
    this.#commands = commands
    this.#inet = `inet ${name}`
    this.#bridge = `bridge ${name}`
  }

  /** The next apply writes everything anew, whatever is there now. */
  forget(): void {
    this.#applied = undefined
  }

  async apply(desired: Desired): Promise<void> {
    const wanted = buildRulesets(desired)
    const before = this.#applied ?? frameRulesets()
    const state: FirewallState = { desired, inet: wanted.inet }
    const script = [
      ...(this.#applied === undefined ? frame(this.#inet, this.#bridge) : []),
      ...difference(this.#inet, before.inet, wanted.inet),
      ...difference(this.#bridge, before.bridge, wanted.bridge),
    ]
    if (script.length === 0) {
      this.#last = state
      return
    }
    try {
      await this.#commands.run('nft', ['-f', '-'], { input: `${script.join('\n')}\n` })
    } catch (error) {
      // Somebody else may have touched our tables: start from nothing next time.
      this.#applied = undefined
      throw error
    }
    this.#applied = wanted
    const stale = this.#last === undefined ? [] : staleFlows(this.#last, state)
    this.#last = state
    for (const flow of await this.#existing(stale)) await this.#forgetFlow(flow)
  }

  /** A rule of a large group concerns many ports of which few have flows; looking costs as much as forgetting one. */
  async #existing(stale: readonly StaleFlow[]): Promise<readonly StaleFlow[]> {
    if (stale.length === 0) return []
    const present = new Set<string>()
    for (const version of new Set(stale.map(flow => flow.version))) {
      const text = (await this.#commands.ask('conntrack', ['-L', '-f', `ipv${version}`])) ?? ''
      for (const [, address] of text.matchAll(/(?:src|dst)=(\S+)/g)) present.add(canonicalAddress(address ?? '') ?? '')
    }
    return stale.filter(flow => present.has(flow.address))
  }

  /** Fails when there is no such flow, which is fine. The reply's source is the guest also where its address is translated. */
  async #forgetFlow({ address, version, zone, direction, protocol, peers }: StaleFlow): Promise<void> {
    const [side, otherSide] = direction === 'ingress' ? ['--reply-src', '--orig-src'] : ['--orig-src', '--orig-dst']
    const kind = protocol === undefined ? [] : ['-p', String(protocol)]
    // On networks without a zone there is no other with that address.
    const where = zone === undefined ? [] : ['-w', String(zone)]
    const other = peers === undefined ? [] : [otherSide, peers]
    await this.#commands.ask('conntrack', ['-D', '-f', `ipv${version}`, side, address, ...where, ...other, ...kind])
  }

  /** All connections of a network that is gone. */
  async forgetZone(zone: number): Promise<void> {
    await this.#commands.ask('conntrack', ['-D', '-w', String(zone)])
  }

  /** Both tables are there. */
  async isIntact(): Promise<boolean> {
    const text = await this.#commands.ask('nft', ['list', 'tables'])
    const lines = new Set(text?.split('\n').map(line => line.trim()) ?? [])
    return lines.has(`table ${this.#inet}`) && lines.has(`table ${this.#bridge}`)
  }

  async remove(): Promise<void> {
    const tables = [this.#inet, this.#bridge]
    const script = tables.flatMap(table => [`add table ${table}`, `delete table ${table}`])
    await this.#commands.run('nft', ['-f', '-'], { input: `${script.join('\n')}\n` })
    this.#applied = undefined
  }
}
