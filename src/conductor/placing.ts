import { instanceId } from '#base'
import { GroupPolicyViolated, NoValidHost, type RequestSpec, type Selection } from '#model'
import type { StepContext } from '#saga'
import { letGo } from './allocations.ts'
import type { ConductorDeps } from './deps.ts'
import { askScheduler } from './scheduling.ts'
import { mustKeepPolicy, withGroupNow } from './server-group.ts'

/** How often other builds of the same group may be faster. */
const mostTries = 5

/** Per server the claimed place first, then alternates. */
export type Places = Readonly<Record<string, readonly Selection[]>>

/**
 * Finds and claims a place for each of the new servers, or for none of them. May run again after an interruption: what an
 * earlier run has claimed is given back first.
 *
 * Servers of a group have their hosts written down together with the last look at the group. Whoever chooses next sees
 * them, so that of any number of builds at once none breaks the policy; the one that came too late chooses again.
 */
export async function placeServers(
  d: ConductorDeps,
  c: StepContext,
  spec: RequestSpec,
  instanceIds: readonly string[],
  requestId: string,
): Promise<Places> {
  for (let tries = 1; ; tries++) {
    await giveUpPlaces(d, spec, instanceIds)
    const asked = { spec: await withGroupNow(d, spec, instanceIds), instanceIds }
    // Even a cancelled one is waited for: its claims would come after they were given back, and belong to nobody.
    const result = await askScheduler(d, asked, { key: c.key, requestId })
    c.signal.throwIfAborted()
    if (!result.ok) {
      const detail = result.refusals.map(r => `${r.host}: ${r.filter}: ${r.reason}`).join('\n')
      throw NoValidHost({ reason: result.message }, { detail })
    }
    const places = Object.fromEntries(instanceIds.map((id, i) => [id, result.selections[i] ?? []]))
    try {
      if (asked.spec.serverGroup !== null) await writeHosts(d, places)
      return places
    } catch (error) {
      if (!GroupPolicyViolated.is(error) || tries >= mostTries) throw error
    }
  }
}

async function writeHosts(d: ConductorDeps, places: Places): Promise<void> {
  await d.store.transaction(async tx => {
    for (const [id, [first]] of Object.entries(places)) {
      if (first === undefined) continue
      await mustKeepPolicy(tx, id, first.host)
      const { host, node } = first
      await tx.instances.change(instanceId(id), { host, node }, d.clock.now(), { vmState: 'building' })
    }
  })
}

/** Nothing of a placement is left: no claim, and no host in the record of a server that is not built. */
export async function giveUpPlaces(d: ConductorDeps, spec: RequestSpec, instanceIds: readonly string[]): Promise<void> {
  for (const id of instanceIds) {
    await letGo(d, id)
    // Only those of groups had it written down.
    if (spec.serverGroup === null) continue
    await d.store.instances.change(instanceId(id), { host: null, node: null }, d.clock.now(), {
      vmState: 'building',
      taskState: 'scheduling',
    })
  }
}
