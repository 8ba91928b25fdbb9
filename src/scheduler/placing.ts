import type { InstanceId } from '#base'
import type { AllocationRequest } from '#cloud'
import { type HostDemand, type HostRefusal, hostDemand, type RequestSpec } from '#model'
import type { CandidateIndex } from './candidate-index.ts'
import { consume, withMember } from './consume.ts'
import type { HostCheck, HostFilter, PlacedRequest } from './filters/index.ts'
import type { SchedulerHost } from './host-source.ts'
import type { SchedulerOptions } from './options.ts'
import { Ranking } from './ranking.ts'
import { weigh } from './weigh.ts'
import type { HostWeigher } from './weighers/index.ts'

export interface PlacingInput {
  readonly spec: RequestSpec
  readonly hosts: readonly SchedulerHost[]
  readonly index: CandidateIndex
  /** All hosts are of a candidate. */
  readonly areCandidates?: boolean
  readonly filters: readonly HostFilter[]
  readonly weighers: readonly HostWeigher[]
  readonly options: SchedulerOptions
  readonly random: () => number
}

/** Who refused a claim, and why. */
export interface LostAnswer {
  readonly filter: string
  readonly reason: string
}

/**
 * The hosts of one request while its instances are placed one after the other: each rank filters and weighs what is
 * left, each take makes the chosen host fuller and the server group larger. A host that was refused once stays out,
 * for nothing that a request does to a host makes it fit better.
 */
export class Placing {
  readonly #input: PlacingInput
  readonly #refusals = new Map<string, HostRefusal>()
  readonly #demand: HostDemand
  #spec: RequestSpec
  #hosts: readonly SchedulerHost[]
  #rounds = 0

  constructor(input: PlacingInput) {
    this.#input = input
    this.#spec = input.spec
    this.#demand = hostDemand(input.spec)
    this.#hosts = input.hosts
    for (const [name, check] of hostBounds(input.spec)) this.#hosts = this.#apply(this.#hosts, name, check)
  }

  get index(): CandidateIndex {
    return this.#input.index
  }

  get options(): SchedulerOptions {
    return this.#input.options
  }

  /** Who fell out so far, and why. */
  get refusals(): readonly HostRefusal[] {
    return [...this.#refusals.values()]
  }

  /** The hosts that are good for the next instance, best first. Null asks for spare hosts of the request as a whole. */
  rank(instanceId: InstanceId | null): Ranking {
    const { index, weighers, options, random } = this.#input
    const request: PlacedRequest = { spec: this.#spec, instanceId, options }
    let hosts = this.#hosts
    if (index.isTouched || (this.#rounds === 0 && this.#input.areCandidates !== true)) {
      hosts = this.#apply(hosts, 'Placement', host => index.fits(host.nodeId) || index.whyNot(host.nodeId))
    }
    hosts = this.#filter(hosts, request)
    for (const weigher of hosts.length > 1 ? weighers : []) {
      const check = weigher.prepareCheck?.(request) ?? null
      if (check !== null) hosts = this.#apply(hosts, weigher.name, check)
    }
    this.#hosts = hosts
    this.#rounds++
    return new Ranking(hosts, weigh(hosts, weighers, request), options.filter_scheduler, random)
  }

  #filter(hosts: readonly SchedulerHost[], request: PlacedRequest): readonly SchedulerHost[] {
    // The operator forced the host (az:host:node): only placement may still say no.
    if (this.#spec.destination?.isForced) return hosts
    let left = hosts
    for (const filter of this.#input.filters) {
      if (left.length === 0) break
      if (filter.isOncePerRequest && this.#rounds > 0) continue
      const check = filter.prepare(request)
      if (check !== null) left = this.#apply(left, filter.name, check)
    }
    return left
  }

  /** The hosts that pass; the others are noted with the reason. */
  #apply(hosts: readonly SchedulerHost[], name: string, check: HostCheck): readonly SchedulerHost[] {
    const passed: SchedulerHost[] = []
    for (const host of hosts) {
      const verdict = check(host)
      if (verdict === true) passed.push(host)
      else this.#refusals.set(host.nodeId, { host: host.host, filter: name, reason: verdict })
    }
    return passed
  }

  /** One instance goes to this host. */
  take(instanceId: InstanceId, host: SchedulerHost, request: AllocationRequest): void {
    this.index.take(request)
    this.#refusals.delete(host.nodeId)
    this.#hosts = this.#hosts.map(other =>
      other === host ? consume(host, this.#spec, instanceId, this.#demand) : other,
    )
    this.#spec = withMember(this.#spec, host.host, instanceId)
  }

  /** A claim on this host was refused: by placement, because somebody else was faster, or by what the host has to name. */
  lose(host: SchedulerHost, request: AllocationRequest, { filter, reason }: LostAnswer): void {
    this.index.drop(request)
    this.#refusals.set(host.nodeId, { host: host.host, filter, reason })
  }
}

/** What the request itself says about hosts: the destination and those to be left out. */
function hostBounds({ destination, ignoreHosts }: RequestSpec): readonly (readonly [string, HostCheck])[] {
  const bounds: (readonly [string, HostCheck])[] = []
  if (destination !== null) {
    const { host: name, node } = destination
    const wanted = [name, node].filter(part => part !== null).join(':')
    bounds.push([
      'Destination',
      host =>
        ((name === null || host.host.toLowerCase() === name.toLowerCase()) && (node === null || host.node === node)) ||
        `the request asks for ${wanted}`,
    ])
  }
  if (ignoreHosts.length > 0) {
    const ignored = new Set(ignoreHosts.map(host => host.toLowerCase()))
    bounds.push(['IgnoreHosts', host => !ignored.has(host.host.toLowerCase()) || 'the request asks to leave it out'])
  }
  return bounds
}
