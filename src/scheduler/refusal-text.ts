import type { HostRefusal } from '#model'

/** Nova's sentence, on which people and tools have learned to look. */
export const notEnoughHosts = 'There are not enough hosts available.'

/** A fault's message is cut at 255 characters, and "No valid host was found. " stands before ours. */
const mostCharacters = 255 - 'No valid host was found. '.length
const namesShown = 2

interface Group {
  readonly filter: string
  readonly reason: string
  readonly hosts: string[]
}

const byName = new Intl.Collator('en', { numeric: true }).compare

/** Hosts that were refused by the same filter for the same reason; those that had room in placement come first. */
function grouped(refusals: readonly HostRefusal[]): Group[] {
  const groups = new Map<string, Group>()
  for (const { host, filter, reason } of refusals) {
    const key = `${filter}\n${reason}`
    const group = groups.get(key)
    if (group === undefined) groups.set(key, { filter, reason, hosts: [host] })
    else group.hosts.push(host)
  }
  for (const { hosts } of groups.values()) hosts.sort(byName)
  const isPlacement = (group: Group) => (group.filter === 'Placement' ? 1 : 0)
  return [...groups.values()].sort(
    (a, b) => isPlacement(a) - isPlacement(b) || byName(a.hosts[0] ?? '', b.hosts[0] ?? ''),
  )
}

function namesOf(hosts: readonly string[]): string {
  if (hosts.length <= namesShown + 1) return hosts.join(', ')
  return `${hosts.slice(0, namesShown).join(', ')} and ${hosts.length - namesShown} more`
}

const cut = (text: string, length: number): string => (text.length <= length ? text : `${text.slice(0, length - 1)}…`)

/** The message for the instance's fault: the known sentence, then as many hosts with reasons as there is room for. */
export function refusalMessage(refusals: readonly HostRefusal[], firstSentence = notEnoughHosts): string {
  let message = firstSentence
  let told = 0
  for (const { filter, reason, hosts } of grouped(refusals)) {
    const left = refusals.length - told - hosts.length
    const rest = left > 0 ? `; and ${left} more ${left === 1 ? 'host' : 'hosts'}` : ''
    const entry = `${told === 0 ? ' ' : '; '}${namesOf(hosts)}: ${filter}: ${reason}`
    if (message.length + entry.length + rest.length <= mostCharacters) {
      message += entry
    } else if (told === 0) {
      return message + cut(entry, mostCharacters - message.length - rest.length) + rest
    } else {
      const untold = refusals.length - told
      return `${message}; and ${untold} more ${untold === 1 ? 'host' : 'hosts'}`
    }
    told += hosts.length
  }
  return message
}

/** The complete list for the fault's details, one line per filter and reason. */
export const refusalDetails = (refusals: readonly HostRefusal[]): string =>
  grouped(refusals)
    .map(({ filter, reason, hosts }) => `${hosts.join(', ')}: ${filter}: ${reason}`)
    .join('\n')
