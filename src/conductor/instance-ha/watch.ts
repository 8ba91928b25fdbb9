import { isoSeconds, newUuid } from '#base'
import type { HostFence } from '#bus'
import { emptyJournal } from '#saga'
import { type Service, turnOf } from '#store'
import type { ConductorDeps, InstanceHaOptions } from '../deps.ts'
import { type Begun, evacuateFrom, mayEvacuate } from './evacuations.ts'
import { isCertain, reason, reasonPrefix } from './fence.ts'
import { policyOf } from './policy.ts'
import { Silence } from './silence.ts'

const binary = 'nova-compute'

interface Failures {
  readonly heard: number
  readonly tries: number
  readonly nextAtMs: number
}

/**
 * Instance HA at one conductor: watches for lost hosts, has them fenced, and evacuates what was on those that are.
 *
 * Theory of operation. All that must be certain lies in the host's row: its count of reports (`reportCount`), the lease by
 * which its guests run, and the fence. A host is fenced by a compare-and-set on the count (`host-fence`), and a server's
 * evacuation is accepted in a transaction that finds the fence still holding (`isCertain`). So it does not matter how many
 * conductors watch, or where one of them dies; what this process remembers decides only how soon something is tried.
 */
export class HaWatch {
  readonly #d: ConductorDeps
  readonly #options: InstanceHaOptions
  readonly #monotonicMs: () => number
  readonly #silence: Silence
  readonly #failures = new Map<string, Failures>()
  #tellsAlarm = true

  constructor(
    d: ConductorDeps,
    options: InstanceHaOptions,
    { lookMs, monotonicMs = () => performance.now() }: { readonly lookMs: number; readonly monotonicMs?: () => number },
  ) {
    this.#d = d
    this.#options = options
    this.#monotonicMs = monotonicMs
    this.#silence = new Silence(3 * lookMs)
  }

  /** One look. Returns the sagas that have begun, and those to be interrupted for them. */
  async round(): Promise<Begun> {
    const services = await this.#d.store.services.list({ binary })
    this.#silence.look(services, this.#monotonicMs())
    const begun = [...(await this.#fenceLost(services))]
    const ended: string[] = []
    const fenced = services.filter(({ fence }) => fence !== null)
    const onTheirWay = fenced.length === 0 ? [] : await this.#d.store.sagas.openInputs(['server-evacuate'])
    let room = this.#options.mostEvacuations - onTheirWay.length
    for (const service of fenced) {
      const one = await this.#evacuate(service, Math.max(0, room))
      room -= one.begun.length
      begun.push(...one.begun)
      ended.push(...one.ended)
    }
    await this.#forgetReasons(services)
    return { begun, ended }
  }

  async #evacuate(service: Service, most: number): Promise<Begun> {
    const { host, fence } = service
    if (!isCertain(service)) {
      const left = await this.#d.store.instances.onHost(host)
      await this.#note(service, `the host is back; servers that were not evacuated: ${left.length}`)
      return { begun: [], ended: [] }
    }
    const { left, ...sagas } = await evacuateFrom(this.#d, service, most)
    await this.#note(service, `fenced by ${fence?.how} at ${isoSeconds(fence?.atMs ?? 0)}; servers left: ${left}`)
    return sagas
  }

  /** Since when one look after the other has found nothing new of a host that is to be fenced. */
  #neededMs({ leaseMs }: Service): number {
    return Math.max(this.#d.options.serviceDownTimeMs, leaseMs ?? 0) + this.#options.marginMs
  }

  async #fenceLost(services: readonly Service[]): Promise<readonly string[]> {
    // Those that an operator has taken out are his.
    const watched = services.filter(
      one => !one.isDisabled && !isCertain(one) && (!one.isForcedDown || one.fence !== null),
    )
    const silent = watched.filter(one => this.#silence.of(one) > this.#d.options.serviceDownTimeMs)
    if (silent.length === 0) return []
    if (silent.length * 2 > watched.length) {
      if (this.#tellsAlarm)
        this.#d.log.error(
          { silent: silent.map(({ host }) => host), of: watched.length },
          'more than half of all hosts are silent: that is the bus or this conductor, and nothing is fenced',
        )
      this.#tellsAlarm = false
      return []
    }
    this.#tellsAlarm = true
    const aggregates = await this.#d.store.aggregates.list()
    const begun: string[] = []
    for (const service of silent) {
      if (this.#silence.of(service) < this.#neededMs(service) || this.#mustRest(service)) continue
      if (policyOf(service.host, aggregates, this.#options.defaultPolicy) !== 'evacuate') continue
      if (!(await this.#d.store.instances.onHost(service.host)).some(mayEvacuate)) continue
      const sagaId = await this.#begin(service)
      if (sagaId !== undefined) begun.push(sagaId)
    }
    return begun
  }

  /** The pause after a failure grows, for as long as nothing is heard of the host. */
  #mustRest({ host, reportCount: heard }: Service): boolean {
    const before = this.#failures.get(host)
    return before?.heard === heard && this.#monotonicMs() < before.nextAtMs
  }

  /** One at a time for each host. */
  async #begin(service: Service): Promise<string | undefined> {
    const { host, reportCount: heard, leaseMs } = service
    const input: HostFence = { host, heard, leaseMs, silentMs: this.#silence.of(service) }
    const sagaId = await this.#d.store.transaction(async tx => {
      await tx.turn(turnOf.fence(host))
      const open = (await tx.sagas.openInputs(['host-fence'])) as readonly HostFence[]
      if (open.some(other => other.host === host)) return undefined
      const id = newUuid()
      await tx.sagas.add({ id, name: 'host-fence', instanceId: null, input }, emptyJournal(), this.#d.clock.now())
      return id
    })
    if (sagaId === undefined) return undefined
    const before = this.#failures.get(host)
    const tries = before?.heard === heard ? before.tries + 1 : 1
    const nextAtMs = this.#monotonicMs() + this.#options.retryMs * 2 ** Math.min(tries - 1, 6)
    this.#failures.set(host, { heard, tries, nextAtMs })
    this.#d.log.warn({ host, silent_ms: input.silentMs, lease_ms: leaseMs }, 'a host is lost; fencing it')
    return sagaId
  }

  /** A host that is heard of and not fenced has nothing to say for itself. */
  async #forgetReasons(services: readonly Service[]): Promise<void> {
    for (const service of services) {
      const { fence, disabledReason, isForcedDown } = service
      if (fence !== null || isForcedDown || disabledReason?.startsWith(reasonPrefix) !== true) continue
      if (this.#silence.of(service) > this.#d.options.serviceDownTimeMs) continue
      // Only once it was heard of: what stands still in the first look of a new conductor may be silent for long.
      if (this.#d.clock.now() - service.lastSeenAtMs > this.#d.options.serviceDownTimeMs) continue
      await this.#d.store.services.note(service, null, this.#d.clock.now())
    }
  }

  async #note(service: Service, text: string): Promise<void> {
    if (service.disabledReason === reason(text)) return
    await this.#d.store.services.note(service, reason(text), this.#d.clock.now())
  }
}

/** Undefined where nobody asked for it. */
export const haWatch = (d: ConductorDeps, lookMs: number): HaWatch | undefined =>
  d.options.instanceHa === undefined ? undefined : new HaWatch(d, d.options.instanceHa, { lookMs })
