import type { InstanceId } from '#base'
import type { AllocationRequest, Candidates } from '#cloud'
import type { HostRefusal, RequestSpec, Selection } from '#model'
import { zoneOf } from './aggregate-metadata.ts'
import { CandidateIndex } from './candidate-index.ts'
import { enabledFilters } from './filters/index.ts'
import type { SchedulerHost } from './host-source.ts'
import type { SchedulerOptions } from './options.ts'
import { type LostAnswer, Placing } from './placing.ts'
import type { RankedHost, Ranking } from './ranking.ts'
import { enabledWeighers } from './weighers/index.ts'

/** A claim that the selection wants made; the answer is true, or why it was refused; a bare text is placement's. */
export interface Attempt {
  readonly instanceId: InstanceId
  readonly host: SchedulerHost
  readonly request: AllocationRequest
}
export type AttemptAnswer = true | string | LostAnswer

/** Where one instance goes. */
export interface Choice {
  readonly instanceId: InstanceId
  readonly selection: Selection
  /** Not claimed; tried in this order if the build fails on the selection's host. */
  readonly alternates: readonly Selection[]
  /** How many hosts were good for it, and the best of them with their weights. */
  readonly hostCount: number
  readonly best: readonly RankedHost[]
}

export interface Choices {
  /** As many as found a host, in the order of the instances. */
  readonly choices: readonly Choice[]
  readonly refusals: readonly HostRefusal[]
}

/** Candidates of one host that are tried; with many devices a host has hundreds, and they lack the same thing. */
const mostTriesPerHost = 5
/** Candidates that need not be claimed to see that the host has not what they name. */
const mostLooksPerHost = 200
const bestShown = 10

interface Chosen {
  readonly instanceId: InstanceId
  readonly host: SchedulerHost
  readonly request: AllocationRequest
  readonly ranking: Ranking
  /** Place in the ranking. */
  readonly place: number
}

/**
 * Places instances one after the other. It only decides: every claim is handed out and its answer taken in, so the same
 * code runs against a real placement and, answering yes to all, as arithmetic. Stops at the first instance that
 * finds no host.
 */
export function* choosing(
  placing: Placing,
  instanceIds: readonly InstanceId[],
  wantsAlternates = true,
): Generator<Attempt, Choices, AttemptAnswer> {
  const chosen: Chosen[] = []
  for (const instanceId of instanceIds) {
    const one = yield* chooseOne(placing, instanceId)
    if (one === undefined) break
    chosen.push(one)
  }
  // Read before the spare hosts are ranked: who is no spare host has not been refused to anybody.
  const { refusals } = placing
  const spares = wantsAlternates ? findSpares(placing, chosen) : []
  return { choices: chosen.map(one => choiceOf(placing, one, spares)), refusals }
}

function* chooseOne(placing: Placing, instanceId: InstanceId): Generator<Attempt, Chosen | undefined, AttemptAnswer> {
  const ranking = placing.rank(instanceId)
  for (let place = 0; ; place++) {
    const host = ranking.at(place)?.host
    if (host === undefined) return undefined
    let tries = 0
    for (const request of placing.index.fitting(host.nodeId)) {
      const answer = yield { instanceId, host, request }
      if (answer === true) {
        placing.take(instanceId, host, request)
        return { instanceId, host, request, ranking, place }
      }
      const isOfHost = typeof answer !== 'string'
      placing.lose(host, request, isOfHost ? answer : { filter: 'Placement', reason: answer })
      // Another candidate of the host has the same CPUs, but may have other devices.
      tries += isOfHost && hasGroups(request) ? mostTriesPerHost / mostLooksPerHost : isOfHost ? mostTriesPerHost : 1
      if (tries >= mostTriesPerHost) break
    }
  }
}

/** Enough further hosts for every cell that was chosen, best first, none of them chosen for another instance. */
function findSpares(placing: Placing, chosen: readonly Chosen[]): readonly SchedulerHost[] {
  const wanted = placing.options.scheduler.max_attempts - 1
  const [first] = chosen
  if (wanted < 1 || first === undefined) return []
  const isSingle = chosen.length === 1
  // One instance: who came after it. Several: they have filled hosts and grown the group, so all are ranked once more.
  const ranking = isSingle ? first.ranking : placing.rank(null)
  const taken = new Set(chosen.map(one => one.host.nodeId))
  const missing = new Map(chosen.map(one => [one.host.cellId, wanted]))
  const spares: SchedulerHost[] = []
  for (let place = isSingle ? first.place + 1 : 0; missing.size > 0; place++) {
    const host = ranking.at(place)?.host
    if (host === undefined) break
    const left = missing.get(host.cellId)
    if (left === undefined || taken.has(host.nodeId) || placing.index.fitting(host.nodeId).length === 0) continue
    spares.push(host)
    if (left === 1) missing.delete(host.cellId)
    else missing.set(host.cellId, left - 1)
  }
  return spares
}

function choiceOf(
  placing: Placing,
  { instanceId, host, request, ranking }: Chosen,
  spares: readonly SchedulerHost[],
): Choice {
  const { options, index } = placing
  const best: RankedHost[] = []
  for (let place = 0; place < bestShown; place++) {
    const ranked = ranking.at(place)
    if (ranked !== undefined) best.push(ranked)
  }
  return {
    instanceId,
    selection: selectionOf(host, request, options),
    alternates: spares
      .filter(spare => spare.cellId === host.cellId)
      .flatMap(spare =>
        index
          .fitting(spare.nodeId)
          .slice(0, 1)
          .map(first => selectionOf(spare, first, options)),
      ),
    hostCount: ranking.count,
    best,
  }
}

const selectionOf = (host: SchedulerHost, request: AllocationRequest, options: SchedulerOptions): Selection => ({
  host: host.host,
  node: host.node,
  nodeId: host.nodeId,
  zone: zoneOf(host.aggregates, options.default_availability_zone),
  allocations: request.allocations,
  ...(hasGroups(request) ? { mappings: request.mappings } : {}),
})

/** Further groups than the unsuffixed one; only they say which of several devices was meant. */
const hasGroups = ({ mappings }: AllocationRequest): boolean => Object.keys(mappings).some(suffix => suffix !== '')

export interface SelectInput {
  readonly spec: RequestSpec
  readonly instanceIds: readonly InstanceId[]
  readonly hosts: readonly SchedulerHost[]
  readonly candidates: Candidates
  readonly options: SchedulerOptions
  readonly random: () => number
}

/** The whole decision as arithmetic over a snapshot: nothing is asked, nothing is claimed. Also counts how many fit. */
export function select(input: SelectInput): Choices {
  const { filter_scheduler: settings } = input.options
  const placing = new Placing({
    ...input,
    index: new CandidateIndex(input.candidates),
    filters: enabledFilters(settings.enabled_filters, settings.available_filters),
    weighers: enabledWeighers(settings.weight_classes),
  })
  const steps = choosing(placing, input.instanceIds)
  let step = steps.next()
  while (!step.done) step = steps.next(true)
  return step.value
}
