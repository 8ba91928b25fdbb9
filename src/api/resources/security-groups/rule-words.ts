import { isIP } from 'node:net'
import { BadPrefix, InvalidCidr, InvalidIpProtocol, InvalidPortRange, NotIntegers, RuleIncomplete } from './faults.ts'
import type { LegacyRule } from './legacy.ts'

/** From the words of a rule, in which old clients are free, to the rule. Pure. */
export interface RuleWords {
  readonly ip_protocol?: unknown
  readonly from_port?: unknown
  readonly to_port?: unknown
  readonly cidr?: unknown
}

const isGiven = (value: unknown): boolean => value !== undefined && value !== null
const isEmpty = (value: unknown): boolean => !isGiven(value) || value === '' || value === 0 || value === false

function cidrOf(value: unknown): string {
  if (isEmpty(value)) return '0.0.0.0/0'
  const text = typeof value === 'string' ? unescaped(value) : JSON.stringify(value)
  const [address = '', prefix = '', ...rest] = text.split('/')
  const width = { 0: -1, 4: 32, 6: 128 }[isIP(address) as 0 | 4 | 6]
  if (rest.length > 0 || !/^\d{1,3}$/.test(prefix) || Number(prefix) > width) throw InvalidCidr({ cidr: text })
  if (Number(prefix) === 0 && address !== '0.0.0.0' && address !== '::') throw BadPrefix({ cidr: text })
  return text
}

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** As Python's int(): digits in a string count, fractions are cut off. */
function integerOf(value: unknown, isIcmp: boolean): number {
  const number = typeof value === 'string' && /^\s*[+-]?\d+\s*$/.test(value) ? Number(value) : value
  if (typeof number === 'boolean') return Number(number)
  if (typeof number !== 'number' || !Number.isFinite(number)) {
    const what = isIcmp ? 'Type and Code must be integers for ICMP protocol type' : 'To and From ports must be integers'
    throw NotIntegers({ reason: what })
  }
  return Math.trunc(number)
}

function checkRange(protocol: string, from: number, to: number): void {
  const refuse = (reason: string) => InvalidPortRange({ from, to, reason })
  if (protocol === 'ICMP') {
    if (Math.min(from, to) < -1 || Math.max(from, to) > 255) throw refuse('For ICMP, the type:code must be valid')
    return
  }
  if (from > to) throw refuse('Former value cannot be greater than the later')
  if (from < 1 || to > 65_535) throw refuse(`Valid ${protocol} ports should be between 1-65535`)
}

/** A source group without ports opens everything of its protocol. */
function portWords(words: RuleWords, isOfGroup: boolean): readonly [unknown, unknown] {
  const { from_port: from, to_port: to } = words
  if (!isOfGroup || isGiven(from) || isGiven(to)) return [from, to]
  const protocol = isEmpty(words.ip_protocol) ? '' : String(words.ip_protocol).toUpperCase()
  if (protocol === 'ICMP') return [-1, -1]
  return protocol === 'TCP' || protocol === 'UDP' ? [1, 65_535] : [from, to]
}

export function readRule(words: RuleWords, groupId: string | null): LegacyRule {
  const cidr = groupId === null ? cidrOf(words.cidr) : ''
  const [from, to] = portWords(words, groupId !== null)
  if (isEmpty(words.ip_protocol) || !isGiven(from) || !isGiven(to)) {
    if (groupId === null) throw RuleIncomplete({})
    return { protocol: null, fromPort: null, toPort: null, groupId, cidr }
  }
  const protocol = String(words.ip_protocol)
  const upper = protocol.toUpperCase()
  const [fromPort, toPort] = [integerOf(from, upper === 'ICMP'), integerOf(to, upper === 'ICMP')]
  if (!['TCP', 'UDP', 'ICMP'].includes(upper)) throw InvalidIpProtocol({ protocol })
  checkRange(upper, fromPort, toPort)
  return { protocol, fromPort, toPort, groupId, cidr }
}
