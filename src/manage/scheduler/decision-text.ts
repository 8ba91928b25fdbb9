import Table from 'cli-table3'
import type { DecisionQuestion, DecisionRecord, FallenHosts, PlacedInstance } from '#model'

const plural = (count: number, one: string): string => `${count} ${one}${count === 1 ? '' : 's'}`
const plain = { style: { head: [], border: [] } }

function sizeOf(asked: DecisionQuestion): string {
  const parts = [plural(asked.vcpus, 'vCPU'), `${asked.memoryMiB} MiB memory`, `${asked.rootGiB} GiB root`]
  if (asked.ephemeralGiB > 0) parts.push(`${asked.ephemeralGiB} GiB ephemeral`)
  if (asked.swapMiB > 0) parts.push(`${asked.swapMiB} MiB swap`)
  return parts.join(', ')
}

const pairs = (values: Readonly<Record<string, string | readonly string[]>>): string =>
  Object.entries(values)
    .map(([name, value]) => `${name}=${typeof value === 'string' ? value : value.join(',')}`)
    .join(' ')

function questionLines(record: DecisionRecord): string[] {
  const { asked } = record
  const lines = [
    `Asked for   ${plural(record.instanceIds.length, 'server')} of flavor ${asked.flavor}: ${sizeOf(asked)}`,
    `            project ${asked.projectId || '(none)'}, image ${asked.image ?? (asked.isVolumeBacked ? '(a volume)' : '(none)')}`,
  ]
  if (Object.keys(asked.extraSpecs).length > 0) lines.push(`            extra specs ${pairs(asked.extraSpecs)}`)
  if (asked.zone !== null) lines.push(`            availability zone ${asked.zone}`)
  if (asked.destination !== null) {
    const { host, node, isForced } = asked.destination
    lines.push(`            ${isForced ? 'forced to' : 'only'} host ${host ?? 'any'}, node ${node ?? 'any'}`)
  }
  if (asked.ignoreHosts.length > 0) lines.push(`            not on ${asked.ignoreHosts.join(', ')}`)
  if (Object.keys(asked.hints).length > 0) lines.push(`            hints ${pairs(asked.hints)}`)
  if (asked.group !== null) lines.push(`            server group ${asked.group.id} (${asked.group.policy})`)
  return lines
}

function fallenTable(fallen: readonly FallenHosts[]): string {
  const table = new Table({ head: ['Filter', 'Reason', 'Hosts'], ...plain, wordWrap: true, colWidths: [34, 60, 40] })
  for (const { filter, reason, hosts, hostCount } of fallen) {
    const more = hostCount > hosts.length ? ` and ${hostCount - hosts.length} more` : ''
    table.push([filter, reason, `${hosts.join(', ')}${more}`])
  }
  return table.toString()
}

function weightTable({ best }: PlacedInstance): string {
  const weighers = [...new Set(best.flatMap(({ parts }) => Object.keys(parts)))]
  const table = new Table({ head: ['Host', 'Weight', ...weighers.map(name => name.replace(/Weigher$/, ''))], ...plain })
  for (const { host, weight, parts } of best)
    table.push([host, weight.toFixed(3), ...weighers.map(name => (parts[name] ?? 0).toFixed(3))])
  return table.toString()
}

/** Of a request for many servers the first tell enough. */
const mostShown = 20

function placedLines(placed: readonly PlacedInstance[]): string[] {
  const lines = placed.slice(0, mostShown).flatMap((one, i) => {
    const spares = one.alternates.length === 0 ? '' : `, spare hosts ${one.alternates.join(', ')}`
    const line = `${one.instanceId} -> ${one.host} (zone ${one.zone}), best of ${plural(one.hostCount, 'host')}${spares}`
    return i === 0 && one.best.length > 1 ? [line, weightTable(one)] : [line]
  })
  if (placed.length > mostShown) lines.push(`and ${plural(placed.length - mostShown, 'more server')}`)
  return lines
}

/** A decision for people. */
export function decisionText(record: DecisionRecord): string {
  const { requestId, atMs, tookMs, queries, candidateCount, hostCount, fellOut, lostClaims, placed } = record
  const lines = [
    `${requestId ?? 'Without a request'}, ${new Date(atMs).toISOString()}, decided in ${tookMs} ms: ${
      record.isPlaced ? 'placed' : `not placed. ${record.message ?? ''}`
    }`,
    ...questionLines(record),
    ...record.requestFilters.map(({ filter, says }) => `Filter      ${filter}: ${says}`),
    ...queries.map(query => `Placement   ${query}`),
    `Candidates  ${candidateCount} on ${plural(hostCount, 'host')}`,
  ]
  if (fellOut.length > 0) lines.push('', 'Hosts that fell out:', fallenTable(fellOut))
  if (lostClaims.length > 0) {
    lines.push('', 'Claims that others were faster with:')
    lines.push(...lostClaims.map(({ instanceId, host, reason }) => `${instanceId} on ${host}: ${reason}`))
  }
  if (placed.length > 0) lines.push('', record.isPlaced ? 'Placed:' : 'Before it failed:', ...placedLines(placed))
  return lines.join('\n')
}
