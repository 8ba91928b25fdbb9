import type { RequestSpec } from '#model'

/** Hints whose values are ids of servers. */
const serverHints = ['same_host', 'different_host']

/** The servers whose place matters to a request: its own, its group's, those that its hints name. */
export function askedServers(spec: RequestSpec, instanceIds: readonly string[]): readonly string[] {
  const named = serverHints.flatMap(hint => spec.hints[hint] ?? [])
  const members = spec.serverGroup?.members ?? []
  return [...new Set([...instanceIds, ...members, ...named, ...named.map(id => id.toLowerCase())])]
}
