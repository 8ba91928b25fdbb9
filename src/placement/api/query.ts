import { isUuidLike } from '#base'
import { badRequest } from './errors.ts'
import type { Behaviour } from './versions.ts'

/** What the readers below need to know of a version. */
export interface Asker {
  has(behaviour: Behaviour): boolean
}

/** `VCPU:2,MEMORY_MB:1024` */
export function readResources(text: string): Record<string, number> {
  const form = 'Badly formed resources parameter. Expected resources query string parameter in form: '
  const example = '?resources=VCPU:2,MEMORY_MB:1024.'
  if (text.trim() === '') throw badRequest(`${form}${example} Got: empty string.`)
  const resources: Record<string, number> = {}
  for (const item of text.split(',')) {
    const [name, amount, ...rest] = item.split(':')
    if (name === undefined || amount === undefined || rest.length > 0)
      throw badRequest(`${form}${example} Got: ${item}.`)
    if (!/^\s*[+-]?\d+\s*$/.test(amount)) {
      throw badRequest(`Requested resource ${name} expected positive integer amount. Got: ${amount}.`)
    }
    if (Number(amount) < 1) throw badRequest(`Requested resource ${name} requires amount >= 1. Got: ${Number(amount)}.`)
    resources[name] = Number(amount)
  }
  return resources
}

const complaint = 'Invalid query string parameters: '

function readAnyTraits(value: string, asker: Asker): string[] {
  const form = "The format 'in:HW_CPU_X86_VMX,CUSTOM_MAGIC'"
  if (!asker.has('anyTraits')) {
    throw badRequest(`${complaint}${form} only supported since microversion 1.39. Got: ${value}`)
  }
  const names = value
    .slice(3)
    .split(',')
    .map(name => name.trim())
  if (names.includes('')) {
    throw badRequest(
      `${complaint}Expected 'required' parameter value of the form: in:HW_CPU_X86_VMX,CUSTOM_MAGIC. ` +
        `Got an empty trait in: ${value}`,
    )
  }
  if (names.some(name => name.startsWith('!'))) {
    throw badRequest(`${complaint}${form} does not support forbidden traits. Got: ${value}`)
  }
  return names
}

/** One value of `required`: names, `!` before those that must not be; or `in:` and names of which one must be. */
export function readTraits(value: string, asker: Asker): { required: string[][]; forbidden: string[] } {
  if (value.startsWith('in:')) return { required: [readAnyTraits(value, asker)], forbidden: [] }
  const names = value.split(',').map(name => name.trim())
  // Any number of exclamation marks counts as one: an accident of the original that stayed.
  const forbidden = names.filter(name => name.startsWith('!')).map(name => name.replace(/^!+/, ''))
  const mayForbid = asker.has('forbiddenTraits')
  const form = `${complaint}Expected 'required' parameter value of the form: HW_CPU_X86_VMX,${mayForbid ? '!' : ''}CUSTOM_MAGIC.`
  if ([...names, ...forbidden].includes('')) throw badRequest(`${form} Got an empty trait in: ${value}`)
  if (forbidden.length > 0 && !mayForbid) throw badRequest(`${form} Got: ${value}`)
  return { required: names.filter(name => !name.startsWith('!')).map(name => [name]), forbidden }
}

/** All values of a `required` key; before 1.39 only the last one counted. */
export function readRequired(query: URLSearchParams, key: string, asker: Asker) {
  const values = query.getAll(key)
  const read = (asker.has('anyTraits') ? values : values.slice(-1)).map(value => readTraits(value, asker))
  return { required: read.flatMap(r => r.required), forbidden: [...new Set(read.flatMap(r => r.forbidden))] }
}

function readAggregates(value: string): { ids: string[]; not: boolean } {
  const not = value.startsWith('!')
  const rest = not ? value.slice(1) : value
  const many = rest.startsWith('in:')
  if (!many && value.includes(',')) {
    throw badRequest(
      "Multiple values for 'member_of' must be prefixed with the 'in:' or '!in:' keyword using the valid microversion. " +
        `Got: ${value}`,
    )
  }
  const ids = many ? rest.slice(3).split(',') : [rest]
  for (const id of ids) {
    if (isUuidLike(id)) continue
    throw badRequest(`${complaint}Expected 'member_of' parameter to contain valid UUID(s). Got: ${id}`)
  }
  return { ids, not }
}

/** All values of a `member_of` key, which may repeat from 1.24 and exclude from 1.32. */
export function readMemberOf(query: URLSearchParams, key: string, asker: Asker) {
  const values = query.getAll(key)
  if (values.length > 1 && !asker.has('repeatedMemberOf'))
    throw badRequest(`Multiple ${key} parameters are not supported`)
  const read = values.map(readAggregates)
  if (read.some(r => r.not) && !asker.has('forbiddenAggregates')) {
    throw badRequest(`Forbidden ${key} parameters are not supported in the specified microversion`)
  }
  return {
    memberOf: read.filter(r => !r.not).map(r => r.ids),
    notMemberOf: [...new Set(read.filter(r => r.not).flatMap(r => r.ids))],
  }
}

export function readInTree(value: string): string {
  const id = value.trim()
  if (isUuidLike(id)) return id
  throw badRequest(`${complaint}Expected 'in_tree' parameter to be a format of uuid. Got: ${value}`)
}
