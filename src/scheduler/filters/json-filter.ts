import { parseForeignJson } from '#base'
import { hostAttribute } from '../host-attributes.ts'
import type { SchedulerHost } from '../host-source.ts'
import type { HostFilter } from './filter.ts'

type Operator = (args: readonly unknown[]) => unknown

/** The hint `query`: a JSON list of operator and arguments over host attributes: `[">=", "$free_ram_mb", 1024]`. */
export const jsonFilter: HostFilter = {
  name: 'JsonFilter',
  isOncePerRequest: false,
  runsOnRebuild: false,
  prepare({ spec }) {
    const text = spec.hints['query']?.[0]
    if (text === undefined || text === '') return null
    const query = readQuery(text)
    if (query === undefined) return () => `the hint query is not a JSON list of operator and arguments: ${text}`
    return host => {
      const answer = evaluate(query, host)
      const holds = Array.isArray(answer) ? answer.some(isTrue) : isTrue(answer)
      return holds || `the hint query does not hold on this host: ${text}`
    }
  },
}

const isTrue = (value: unknown): boolean => Boolean(value) && !(Array.isArray(value) && value.length === 0)

/** Compares the first argument with each of the others. */
const againstOthers =
  (compare: (first: unknown, other: unknown) => boolean): Operator =>
  args =>
    args.length > 1 && args.slice(1).every(other => compare(args[0], other))

const ordered = (holds: (order: number) => boolean) =>
  againstOthers((a, b) => {
    if (typeof a === 'number' && typeof b === 'number') return holds(a - b)
    return typeof a === 'string' && typeof b === 'string' && holds(a < b ? -1 : a > b ? 1 : 0)
  })

const operators: Readonly<Record<string, Operator>> = {
  '=': againstOthers((a, b) => a === b),
  '<': ordered(order => order < 0),
  '>': ordered(order => order > 0),
  '<=': ordered(order => order <= 0),
  '>=': ordered(order => order >= 0),
  in: args => args.length > 1 && args.slice(1).includes(args[0]),
  not: args => args.map(arg => !isTrue(arg)),
  or: args => args.some(isTrue),
  and: args => args.every(isTrue),
}

/** Undefined if the text is no list, or an operator in it is unknown. */
function readQuery(text: string): readonly unknown[] | undefined {
  try {
    const query = parseForeignJson(text)
    return Array.isArray(query) && isKnown(query) ? query : undefined
  } catch {
    return undefined
  }
}

const isKnown = (query: readonly unknown[]): boolean =>
  query.length === 0 ||
  (typeof query[0] === 'string' &&
    Object.hasOwn(operators, query[0]) &&
    query.slice(1).every(arg => !Array.isArray(arg) || isKnown(arg)))

function evaluate(query: readonly unknown[], host: SchedulerHost): unknown {
  if (query.length === 0) return true
  const args: unknown[] = []
  for (const arg of query.slice(1)) {
    const value = Array.isArray(arg) ? evaluate(arg, host) : typeof arg === 'string' ? lookUp(arg, host) : arg
    if (value !== undefined && value !== null) args.push(value)
  }
  return operators[String(query[0])]?.(args)
}

const lookUp = (text: string, host: SchedulerHost): unknown => {
  if (text === '') return undefined
  return text.startsWith('$') ? hostAttribute(host, text.slice(1).split('.')) : text
}
