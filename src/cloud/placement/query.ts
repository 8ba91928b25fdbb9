import type { CandidateQuery, RequestGroup } from './port.ts'

const traits = (required: readonly (readonly string[])[], forbidden: readonly string[]): string[] => {
  const single = required.filter(any => any.length === 1).map(any => any[0] ?? '')
  const all = [...single, ...forbidden.map(name => `!${name}`)]
  const several = required.filter(any => any.length > 1).map(any => `in:${any.join(',')}`)
  return [...(all.length === 0 ? [] : [all.join(',')]), ...several]
}

function addGroup(params: URLSearchParams, group: RequestGroup): void {
  const { suffix } = group
  const resources = Object.entries(group.resources).map(([name, amount]) => `${name}:${amount}`)
  if (resources.length > 0) params.append(`resources${suffix}`, resources.join(','))
  for (const value of traits(group.required, group.forbidden)) params.append(`required${suffix}`, value)
  for (const any of group.memberOf)
    params.append(`member_of${suffix}`, any.length === 1 ? (any[0] ?? '') : `in:${any.join(',')}`)
  if (group.notMemberOf.length > 0) params.append(`member_of${suffix}`, `!in:${group.notMemberOf.join(',')}`)
  if (group.inTree !== undefined) params.append(`in_tree${suffix}`, group.inTree)
}

/** A candidates query as microversion 1.39 reads it. */
export function candidateParams(query: CandidateQuery): URLSearchParams {
  const params = new URLSearchParams()
  for (const group of query.groups) addGroup(params, group)
  const rootTraits = traits(
    query.rootRequired.map(name => [name]),
    query.rootForbidden,
  )
  for (const value of rootTraits) params.append('root_required', value)
  for (const suffixes of query.sameSubtrees) params.append('same_subtree', suffixes.join(','))
  if (query.groupPolicy !== undefined) params.set('group_policy', query.groupPolicy)
  if (query.limit !== undefined) params.set('limit', String(query.limit))
  return params
}
