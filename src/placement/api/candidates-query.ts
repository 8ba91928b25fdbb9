import type { CandidateQuery, RequestGroup } from '#cloud'
import { badRequest, errorCode } from './errors.ts'
import { type Asker, readInTree, readMemberOf, readRequired, readResources, readTraits } from './query.ts'
import { numberSuffix, wordSuffix } from './schemas/candidates.ts'

type Groups = ReadonlyMap<string, RequestGroup>

/** The groups of a query, in the order in which their suffixes turn up. */
function readGroups(query: URLSearchParams, asker: Asker): Groups {
  const suffixForm = asker.has('wordSuffixes') ? wordSuffix : numberSuffix
  const key = new RegExp(`^(resources|required|member_of|in_tree)(${suffixForm})?$`)
  const groups = new Map<string, RequestGroup>()
  for (const name of query.keys()) {
    const match = key.exec(name)
    const suffix = match === null ? undefined : (match[2] ?? '')
    if (suffix === undefined || groups.has(suffix)) continue
    const last = (kind: string) => query.getAll(kind + suffix).at(-1)
    const [resources, inTree] = [last('resources'), last('in_tree')]
    groups.set(suffix, {
      suffix,
      resources: resources === undefined ? {} : readResources(resources),
      ...readRequired(query, `required${suffix}`, asker),
      ...readMemberOf(query, `member_of${suffix}`, asker),
      ...(inTree === undefined ? {} : { inTree: readInTree(inTree) }),
    })
  }
  return groups
}

const isResourceless = (group: RequestGroup): boolean => Object.keys(group.resources).length === 0

/** Until 1.35 every group needs resources. */
function checkOrphans(groups: Groups): void {
  const orphans = [...groups.values()].filter(isResourceless)
  const keys = (name: string, has: (group: RequestGroup) => boolean) =>
    orphans.filter(has).map(group => name + group.suffix)
  const traits = keys('required', group => group.required.length > 0)
  if (traits.length > 0) {
    throw badRequest(
      `All traits parameters must be associated with resources.  Found the following orphaned traits keys: ${traits.join(', ')}`,
    )
  }
  const aggregates = keys('member_of', group => group.memberOf.length + group.notMemberOf.length > 0)
  if (aggregates.length > 0) {
    throw badRequest(
      `All member_of parameters must be associated with resources. Found the following orphaned member_of keys: ${aggregates.join(', ')}`,
    )
  }
  if (orphans.length > 0) throw badRequest('All request groups must specify resources.')
  if (groups.size === 0) {
    throw badRequest('At least one request group (`resources` or `resources{$S}`) is required.')
  }
}

/** From 1.36 a group may go without, when `same_subtree` ties it to one that has some. */
function checkSubtrees(groups: Groups, sameSubtrees: readonly (readonly string[])[]): void {
  const named = new Set(sameSubtrees.flat())
  const resourceless = [...groups.values()].filter(isResourceless).map(group => group.suffix)
  const list = (suffixes: readonly string[]) => `[${suffixes.map(suffix => `'${suffix}'`).join(', ')}]`
  if (resourceless.length === groups.size) {
    throw badRequest('There must be at least one resources or resources[$S] parameter.', errorCode.missingValue)
  }
  const loose = resourceless.filter(suffix => !named.has(suffix))
  if (loose.length > 0) {
    throw badRequest(
      `Resourceless suffixed group request should be specified in \`same_subtree\` query param: bad group(s) - ${list(loose)}.`,
      errorCode.badValue,
    )
  }
  const unknown = [...named].filter(suffix => !groups.has(suffix))
  if (unknown.length > 0) {
    throw badRequest(
      `Real suffixes should be specified in \`same_subtree\`: ${list(unknown)} not found in ${list([...groups.keys()])}.`,
      errorCode.badValue,
    )
  }
}

function checkContradictions(groups: Groups): void {
  const found = [...groups.values()].flatMap(group =>
    group.required
      .filter(names => names.every(name => group.forbidden.includes(name)))
      .map(names => `required${group.suffix}: (${[...names].sort().join(', ')})`),
  )
  if (found.length === 0) return
  throw badRequest(
    `Conflicting required and forbidden traits found in the following traits keys: ${found.sort().join(', ')}`,
  )
}

/** `any` was never for the root. */
const rootAsker: Asker = { has: behaviour => behaviour === 'forbiddenTraits' }

function readRoot(query: URLSearchParams): { rootRequired: string[]; rootForbidden: string[] } {
  const values = query.getAll('root_required')
  if (values.length > 1) {
    throw badRequest("Query parameter 'root_required' may be specified only once.", errorCode.duplicateKey)
  }
  const { required, forbidden } =
    values[0] === undefined ? { required: [], forbidden: [] } : readTraits(values[0], rootAsker)
  const rootRequired = required.flat()
  const both = rootRequired.filter(name => forbidden.includes(name))
  if (both.length > 0) {
    throw badRequest(
      `Conflicting required and forbidden traits found in root_required: ${both.join(', ')}`,
      errorCode.badValue,
    )
  }
  return { rootRequired, rootForbidden: forbidden }
}

function readSubtrees(query: URLSearchParams): string[][] {
  return query.getAll('same_subtree').map(value => {
    const suffixes = [...new Set(value.split(',').map(suffix => suffix.trim()))]
    if (!suffixes.includes('')) return suffixes
    throw badRequest('Empty string (unsuffixed group) can not be specified in `same_subtree` ', errorCode.badValue)
  })
}

/** The query of GET /allocation_candidates; its form has been checked against the version's schema. */
export function readCandidateQuery(query: URLSearchParams, asker: Asker): CandidateQuery {
  const limit = query.get('limit')
  const root = readRoot(query)
  const sameSubtrees = readSubtrees(query)
  const groups = readGroups(query, asker)
  if (asker.has('sameSubtree')) checkSubtrees(groups, sameSubtrees)
  else checkOrphans(groups)
  if (asker.has('forbiddenTraits')) checkContradictions(groups)
  const policy = query.get('group_policy')
  if (policy === null && [...groups.keys()].filter(suffix => suffix !== '').length > 1) {
    throw badRequest('The "group_policy" parameter is required when specifying more than one "resources{N}" parameter.')
  }
  return {
    groups: [...groups.values()],
    ...(policy === 'none' || policy === 'isolate' ? { groupPolicy: policy } : {}),
    ...root,
    sameSubtrees,
    ...(limit === null ? {} : { limit: Number(limit) }),
  }
}
