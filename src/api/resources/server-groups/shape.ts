import { int, list, obj, oneOf, positive, request, str, text } from '#api/kit'
import { type ServerGroup, serverGroupPolicies } from '#model'

const onePolicy = <const L extends readonly string[]>(...names: L) =>
  list(oneOf(...names), { min: 1, max: 1, unique: true })

export const groupBody = request('server_group', {
  // Without white space around it at the old endpoint too.
  name: text({ min: 1, max: 255, format: 'name' }),
  policies: onePolicy('anti-affinity', 'affinity')
    .from('2.15', onePolicy(...serverGroupPolicies))
    .until('2.64'),
  policy: oneOf(...serverGroupPolicies).since('2.64'),
  rules: obj({ max_server_per_host: positive.optional() }).optional().since('2.64'),
})

export const group = {
  id: str,
  name: str,
  policies: list(str).until('2.64'),
  // Never held anything.
  metadata: obj({}).until('2.64'),
  policy: str.since('2.64'),
  rules: obj({ max_server_per_host: int.optional() }).since('2.64'),
  members: list(str),
  project_id: str.since('2.13'),
  user_id: str.since('2.13'),
} as const

/** A group as answers show it, with those members that live. */
export const groupView = (g: ServerGroup, living: ReadonlySet<string>) => ({
  id: g.id,
  name: g.name,
  policies: [g.policy],
  metadata: {},
  policy: g.policy,
  rules: g.rules,
  members: g.members.filter(member => living.has(member)),
  project_id: g.projectId,
  user_id: g.userId,
})
