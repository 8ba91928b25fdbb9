/**
 * Theory of operation.
 *
 * A request goes: request filters -> placement candidates -> host states -> filters and weighers -> claims. All but
 * the claims is arithmetic over a snapshot that may be stale, so a claim may be refused, and that is a normal answer:
 * the next candidate or host is tried. If the hosts ran out and claims were lost on the way, candidates are asked for
 * again.
 *
 * The scheduler keeps nothing. What it leaves behind are the claims of the instances it placed, and only if it placed
 * all of them: otherwise it releases those it made before it answers. If the process dies in between, claims stay under
 * the instances' ids; whoever runs the request again releases those ids first (`AllocationUpdateFailed` reminds them).
 * Two schedulers may choose the same host for one server group at once; nova-compute checks the group again.
 */
import type { Clock, InstanceId, Log } from '#base'
import type { CandidateQuery, Candidates, NetworkPort, PlacementPort } from '#cloud'
import { type HostDemand, type HostRefusal, hostDemand, type RequestSpec, type SchedulingResult } from '#model'
import { askedServers } from './asked-servers.ts'
import { CandidateIndex } from './candidate-index.ts'
import { claim, isUnknownName } from './claim.ts'
import { type HostClaimer, HostClaims } from './claim-host.ts'
import type { LostClaim, SchedulingDecision } from './decision.ts'
import { placementRefusals } from './explain-refusals.ts'
import { QueryRefused } from './faults.ts'
import { enabledFilters, type HostFilter } from './filters/index.ts'
import { unsupportedPolicy } from './group-policy.ts'
import { withDetails } from './host-details.ts'
import type { HostSource, SchedulerHost } from './host-source.ts'
import type { SchedulerOptions } from './options.ts'
import { candidateQuery, fallbackQuery, type QueryOptions } from './placement-query.ts'
import { Placing } from './placing.ts'
import { checkRebuild, isRebuildCheck, noSuchHost } from './rebuild-check.ts'
import { refusalMessage } from './refusal-text.ts'
import {
  type FilterableRequest,
  filterRequest,
  type RequestFilterNote,
  readsAggregates,
  routedNetworks,
} from './request-filters/index.ts'
import { type Attempt, type AttemptAnswer, type Choice, choosing } from './select.ts'
import { UsageShelf } from './usage.ts'
import { enabledWeighers, type HostWeigher } from './weighers/index.ts'

export interface SchedulerDeps {
  readonly placement: PlacementPort
  readonly hosts: HostSource
  /** Absent where hosts have nothing to claim but what placement counts. */
  readonly claims?: HostClaimer
  /** For networks that are routed between segments; absent: there are none. */
  readonly network?: Pick<NetworkPort, 'subnets' | 'subnetsOfNetwork'>
  readonly options: SchedulerOptions
  readonly log: Log
  readonly clock: Clock
  /** 0 to below 1, as Math.random. */
  readonly random: () => number
  /** Told of every answer, after it is certain. */
  readonly onDecision?: (decision: SchedulingDecision) => void
}

export interface SelectionWish {
  /** False where nobody would try another host: evacuate, unshelve. */
  readonly wantsAlternates?: boolean
  /** The user's request, for the record of the decision. */
  readonly requestId?: string | undefined
  /** Decides as always, claims nothing. */
  readonly isRehearsal?: boolean
}

export interface Scheduler {
  /**
   * Finds and claims a host for every instance, or for none. A request that does not fit is an answer, not a fault.
   * Instances that may hold claims of an interrupted run have to be released by the caller first.
   */
  selectDestinations(
    spec: RequestSpec,
    instanceIds: readonly InstanceId[],
    wish?: SelectionWish,
  ): Promise<SchedulingResult>
}

/** How often candidates are asked for when other schedulers keep taking what was found. */
const mostRounds = 3

/** Throws `HostFilterNotFound` or `HostWeigherNotFound` for a configuration that names what does not exist. */
export function createScheduler(deps: SchedulerDeps): Scheduler {
  const { filter_scheduler: settings } = deps.options
  const filters = enabledFilters(settings.enabled_filters, settings.available_filters)
  const weighers = enabledWeighers(settings.weight_classes)
  const usage = new UsageShelf()
  return {
    async selectDestinations(spec, instanceIds, wish = {}) {
      const run = new SchedulingRun({ ...deps, filters, weighers, usage }, spec, instanceIds, wish)
      return run.decide()
    },
  }
}

interface RunDeps extends SchedulerDeps {
  readonly filters: readonly HostFilter[]
  readonly weighers: readonly HostWeigher[]
  readonly usage: UsageShelf
}

/** What one round over the candidates came to. */
interface Round {
  readonly choices: readonly Choice[]
  readonly refusals: readonly HostRefusal[]
}

/** One request on its way through the scheduler, gathering what the decision record tells. */
class SchedulingRun {
  readonly #deps: RunDeps
  readonly #spec: RequestSpec
  readonly #instanceIds: readonly InstanceId[]
  readonly #wish: SelectionWish
  readonly #startedAtMs: number
  readonly #demand: HostDemand
  readonly #hostClaims: HostClaims
  readonly #lostClaims: LostClaim[] = []
  #notes: readonly RequestFilterNote[] = []
  #queries: readonly CandidateQuery[] = []
  #candidateCount = 0
  #hostCount = 0
  #round: Round = { choices: [], refusals: [] }

  constructor(deps: RunDeps, spec: RequestSpec, instanceIds: readonly InstanceId[], wish: SelectionWish) {
    this.#deps = deps
    this.#spec = spec
    this.#instanceIds = instanceIds
    this.#wish = wish
    this.#demand = hostDemand(spec)
    this.#hostClaims = new HostClaims(this.#demand, deps.placement, deps.claims)
    this.#startedAtMs = deps.clock.now()
  }

  async decide(): Promise<SchedulingResult> {
    const result = await this.#result()
    this.#tell(result)
    return result
  }

  async #result(): Promise<SchedulingResult> {
    const { filters, weighers } = this.#deps
    const unsupported = unsupportedPolicy(this.#spec, [...filters, ...weighers])
    if (unsupported !== undefined) return refused(unsupported)
    if (isRebuildCheck(this.#spec)) return checkRebuild(this.#deps, this.#spec, this.#instanceIds)
    const prepared = await this.#prepare()
    if ('message' in prepared) return refused(prepared.message)
    try {
      return await this.#place()
    } catch (error) {
      if (QueryRefused.is(error)) return refused(error.message)
      throw error
    }
  }

  /** Request filters and destination: what is to be asked of placement. */
  async #prepare(): Promise<{ readonly message: string } | { readonly isReady: true }> {
    const { hosts, options } = this.#deps
    const spec = this.#spec
    const aggregates = readsAggregates({ spec, options }) ? await hosts.aggregates() : []
    const oldestCompute = await hosts.oldestCompute?.()
    const filtered = filterRequest({
      spec,
      options,
      aggregates,
      ...(oldestCompute === undefined ? {} : { oldestCompute }),
      ...(await this.#routed()),
    })
    if (!filtered.ok) return { message: filtered.message }
    this.#notes = filtered.notes
    const tree = await this.#destinationTree()
    if (tree === undefined)
      return { message: noSuchHost(spec.destination?.host ?? null, spec.destination?.node ?? null) }
    const how = { options, changes: filtered.changes, ...tree }
    const fallback = fallbackQuery(spec, how)
    this.#queries = [candidateQuery(spec, how), ...(fallback === undefined ? [] : [fallback])]
    return { isReady: true }
  }

  async #routed(): Promise<Pick<FilterableRequest, 'routed'>> {
    const { network, placement, options } = this.#deps
    if (network === undefined || !options.scheduler.query_placement_for_routed_network_aggregates) return {}
    return { routed: await routedNetworks({ network, placement }, this.#spec) }
  }

  /** A destination that is one compute node confines the query to it. Undefined: there is no such host. */
  async #destinationTree(): Promise<Pick<QueryOptions, 'inTree' | 'isUnlimited'> | undefined> {
    const { destination } = this.#spec
    if (destination === null) return {}
    const nodes = await this.#deps.hosts.findNodes({ host: destination.host, node: destination.node })
    const [first] = nodes
    if (first === undefined) return undefined
    return nodes.length === 1 ? { inTree: first.nodeId } : { isUnlimited: true }
  }

  async #place(): Promise<SchedulingResult> {
    for (let round = 1; ; round++) {
      const lostBefore = this.#lostClaims.length
      this.#round = await this.#tryAll()
      const { choices, refusals } = this.#round
      if (choices.length === this.#instanceIds.length) {
        const selections = choices.map(({ selection, alternates }) => [selection, ...alternates])
        return { ok: true, selections, refusals }
      }
      const isContended = this.#lostClaims.length > lostBefore
      if (!isContended || round >= mostRounds) return this.#refusedByHosts(refusals)
    }
  }

  /** One round over fresh candidates. Unless it places all instances it leaves no claim. */
  async #tryAll(): Promise<Round> {
    const { filters, weighers, options, random } = this.#deps
    const candidates = await this.#candidates()
    const index = new CandidateIndex(candidates)
    const asked = askedServers(this.#spec, this.#instanceIds)
    const states = this.#deps.usage.withUsage(await this.#hostStates(index.providerIds, asked), candidates)
    this.#candidateCount = candidates.alone?.ids.length ?? candidates.requests.length
    this.#hostCount = states.length
    const placing = new Placing({
      spec: this.#spec,
      hosts: states,
      areCandidates: true,
      index,
      filters,
      weighers,
      options,
      random,
    })
    const claimed: InstanceId[] = []
    let isComplete = false
    try {
      const round = await this.#claimAll(placing, claimed)
      isComplete = round.choices.length === this.#instanceIds.length
      return round
    } finally {
      if (!isComplete && this.#wish.isRehearsal !== true) await this.#release(claimed)
    }
  }

  async #hostStates(
    nodeIds: readonly string[],
    asked: ReturnType<typeof askedServers>,
  ): Promise<readonly SchedulerHost[]> {
    const { hosts, filters, weighers, options } = this.#deps
    const states = inRightCell(this.#spec, await hosts.hostStates(nodeIds, asked))
    return withDetails(hosts, states, { spec: this.#spec, demand: this.#demand, filters, weighers, options })
  }

  async #candidates(): Promise<Candidates> {
    const answers: Candidates[] = []
    for (const query of this.#queries) {
      try {
        answers.push(await this.#deps.placement.candidates(query))
      } catch (error) {
        throw isUnknownName(error) ? QueryRefused({ reason: error.message }, { cause: error }) : error
      }
    }
    const [first] = answers
    if (first !== undefined && answers.length === 1) return first
    return {
      requests: answers.flatMap(({ requests }) => requests),
      summaries: Object.assign({}, ...answers.map(({ summaries }) => summaries)),
    }
  }

  async #claimAll(placing: Placing, claimed: InstanceId[]): Promise<Round> {
    const steps = choosing(placing, this.#instanceIds, this.#wish.wantsAlternates ?? true)
    let step = steps.next()
    while (!step.done) {
      step = steps.next((await this.#hostClaims.lacking(step.value)) ?? (await this.#claimOne(step.value, claimed)))
    }
    return step.value
  }

  /** Placement's amounts, then what the host has by name. */
  async #claimOne(attempt: Attempt, claimed: InstanceId[]): Promise<AttemptAnswer> {
    if (this.#wish.isRehearsal === true) return true
    const { instanceId, host } = attempt
    let answer: AttemptAnswer = await claim(this.#deps.placement, this.#spec, attempt)
    if (answer === true) {
      claimed.push(instanceId)
      answer = await this.#hostClaims.claim(attempt)
      if (answer !== true) {
        claimed.pop()
        await this.#release([instanceId])
      }
    }
    if (answer === true) return true
    const reason = typeof answer === 'string' ? answer : answer.reason
    this.#lostClaims.push({ instanceId, host: host.host, reason })
    return answer
  }

  /** Releases what it can; a claim that stays is found by the audit of allocations, and the log says so. */
  async #release(instanceIds: readonly InstanceId[]): Promise<void> {
    for (const instanceId of instanceIds) {
      try {
        await this.#deps.claims?.release(instanceId)
        await this.#deps.placement.release(instanceId)
      } catch (error) {
        this.#deps.log.error({ instance_id: instanceId, err: error }, 'a claim could not be released')
      }
    }
  }

  async #refusedByHosts(filtered: readonly HostRefusal[]): Promise<SchedulingResult> {
    const [query] = this.#queries
    const known = new Set(filtered.map(({ host }) => host))
    const explained = query === undefined ? [] : await placementRefusals(this.#deps, query, this.#spec)
    const refusals = [...filtered, ...explained.filter(({ host }) => !known.has(host))]
    return { ok: false, message: refusalMessage(refusals), refusals }
  }

  #tell(result: SchedulingResult): void {
    const { clock, log, onDecision } = this.#deps
    const tookMs = clock.now() - this.#startedAtMs
    const fields = { instance_ids: this.#instanceIds, hosts_considered: this.#hostCount, took_ms: tookMs }
    if (result.ok) log.info({ ...fields, hosts: result.selections.map(([one]) => one?.host) }, 'destinations selected')
    else log.info({ ...fields, message: result.message }, 'no destination found')
    try {
      onDecision?.({
        atMs: this.#startedAtMs,
        tookMs,
        requestId: this.#wish.requestId ?? null,
        instanceIds: this.#instanceIds,
        spec: this.#spec,
        requestFilters: this.#notes,
        queries: this.#queries,
        candidateCount: this.#candidateCount,
        hostCount: this.#hostCount,
        choices: this.#round.choices,
        lostClaims: this.#lostClaims,
        refusals: result.refusals,
        result,
      })
    } catch (error) {
      // The claims are made and the answer stands, whatever a listener thinks of it.
      log.error({ err: error }, 'a listener of scheduling decisions failed')
    }
  }
}

/** A server that is in a cell may stay there, disabled or not. */
const inRightCell = ({ cellId }: RequestSpec, hosts: readonly SchedulerHost[]): readonly SchedulerHost[] => {
  const isWrong =
    cellId === undefined
      ? (host: SchedulerHost) => host.isInDisabledCell === true
      : (host: SchedulerHost) => host.cellId !== undefined && host.cellId !== cellId
  // The very same list where none is: whoever knows it has not to look at it again.
  return hosts.some(isWrong) ? hosts.filter(host => !isWrong(host)) : hosts
}

const refused = (message: string): SchedulingResult => ({ ok: false, message, refusals: [] })
