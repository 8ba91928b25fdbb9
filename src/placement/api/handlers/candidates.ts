import type { AllocationRequest, Allocations, ProviderSummary } from '#cloud'
import { findCandidates } from '../../engine/candidates.ts'
import { checkQuery } from '../../operations/check-query.ts'
import { readCandidateQuery } from '../candidates-query.ts'
import { badRequest, reworded } from '../errors.ts'
import type { Call, Reply } from '../route.ts'

/** A dictionary since 1.12, a list before: each the form in which the version takes allocations back. */
function allocationsView(call: Call, allocations: Allocations) {
  const entries = Object.entries(allocations)
  return call.has('allocationsByProvider')
    ? Object.fromEntries(entries.map(([id, resources]) => [id, { resources }]))
    : entries.map(([uuid, resources]) => ({ resource_provider: { uuid }, resources }))
}

const requestView = (call: Call, request: AllocationRequest) => ({
  allocations: allocationsView(call, request.allocations),
  ...(call.has('mappings') ? { mappings: request.mappings } : {}),
})

function summaryView(call: Call, summary: ProviderSummary, asked: ReadonlySet<string>) {
  const { resources, traits, parentId, rootId } = summary
  return {
    resources: call.has('allClassesInSummaries')
      ? resources
      : Object.fromEntries(Object.entries(resources).filter(([name]) => asked.has(name))),
    ...(call.has('summaryTraits') ? { traits } : {}),
    ...(call.has('nestedCandidates') ? { parent_provider_uuid: parentId, root_provider_uuid: rootId } : {}),
  }
}

export const listCandidates = (call: Call): Promise<Reply> =>
  reworded(
    {
      ResourceClassNotFound: f => badRequest(`Invalid resource class in resources parameter: ${f.message}`),
      TraitNotFound: f => badRequest(f.message),
    },
    async () => {
      const query = readCandidateQuery(call.query, call)
      const snapshot = await call.ledger.read()
      checkQuery(snapshot, query)
      const found = findCandidates(snapshot, query, { ...call.search, nested: call.has('nestedCandidates') })
      const asked = new Set(query.groups.flatMap(group => Object.keys(group.resources)))
      const summaries = Object.entries(found.summaries).map(([id, summary]) => [id, summaryView(call, summary, asked)])
      return {
        status: 200,
        body: {
          allocation_requests: found.requests.map(request => requestView(call, request)),
          provider_summaries: Object.fromEntries(summaries) as Record<string, unknown>,
        },
      }
    },
  )
