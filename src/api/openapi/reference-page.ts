import { type Described, minor, type Version, type VersionText, versionText } from '#api/kit'
import { summaryOf } from './operation.ts'

const escape = (text: string): string =>
  text.replace(/[&<>"]/g, c => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[c] ?? c)

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b)

/** What changes at a cut: status, query, request, reply; empty where the operation only behaves otherwise. */
function changesAt(operation: Described, version: Version): string[] {
  const before = version - 1
  const differs = (part: 'query' | 'body' | 'reply') =>
    !same(operation.schemaAt(part, before), operation.schemaAt(part, version))
  return [
    ...(operation.statusAt(before) === operation.statusAt(version) ? [] : [`status ${operation.statusAt(version)}`]),
    ...(differs('query') ? ['query'] : []),
    ...(differs('body') ? ['request'] : []),
    ...(differs('reply') ? ['reply'] : []),
  ]
}

function history(operation: Described): string {
  const exists = (version: Version): boolean =>
    operation.versions.some(
      ([from, to]) => version >= minor(from as VersionText) && version <= minor(to as VersionText),
    )
  const steps = operation.cuts.flatMap(text => {
    const version = minor(text as VersionText)
    if (version <= 1 || !exists(version) || !exists(version - 1)) return []
    const changes = changesAt(operation, version)
    return [`<li><b>${text}</b> ${changes.length === 0 ? 'behaviour' : changes.join(', ')}</li>`]
  })
  return steps.length === 0 ? '' : `<ul>${steps.join('')}</ul>`
}

function row(operation: Described): string {
  const newest = minor((operation.versions.at(-1)?.[1] ?? '2.1') as VersionText)
  const errors = [...new Set(Object.values(operation.faultsAt(newest)))].sort((a, b) => a - b)
  const rules = [operation.policy, ...operation.alsoPolicies].filter(rule => rule !== null)
  const cells = [
    `<code>${escape(summaryOf({ ...operation, summary: undefined }))}</code>${operation.summary === undefined ? '' : `<p>${escape(operation.summary)}</p>`}`,
    escape(operation.versions.map(range => range.join(' – ')).join(', ')),
    String(operation.statusAt(newest)),
    errors.join(' '),
    rules.map(rule => `<code>${escape(rule)}</code>`).join('<br>'),
    history(operation),
  ]
  return `<tr>${cells.map(cell => `<td>${cell}</td>`).join('')}</tr>`
}

const style = `body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:80rem;padding:0 1rem;color:#1b1f24;background:#fff}
table{border-collapse:collapse;width:100%}td,th{border-bottom:1px solid #d8dee4;padding:.4rem .6rem;text-align:left;vertical-align:top}
code{font-size:.9em}ul{margin:0;padding-left:1.1rem}h2{margin-top:2.5rem}.wide{overflow-x:auto}
@media(prefers-color-scheme:dark){body{background:#12161b;color:#e6edf3}td,th{border-color:#30363d}a{color:#79b8ff}}`

/** One page for people: every route with its microversions, rules, statuses and what changed when. */
export function referencePage(operations: readonly Described[], newest: Version): string {
  const groups = new Map<string, Described[]>()
  for (const operation of operations) {
    const name = operation.path.split('/')[1] || 'versions'
    groups.set(name, [...(groups.get(name) ?? []), operation])
  }
  const sections = [...groups]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(
      ([name, group]) => `<h2 id="${escape(name)}">${escape(name)}</h2><div class="wide"><table>
<tr><th>operation</th><th>microversions</th><th>status</th><th>errors</th><th>policy</th><th>changes</th></tr>
${group.map(row).join('\n')}</table></div>`,
    )
  const links = Array.from({ length: newest }, (_, i) => versionText(i + 1))
    .map(text => `<a href="openapi/${text}.json">${text}</a>`)
    .join(' ')
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Compute API ${versionText(newest)}</title><style>${style}</style></head><body>
<h1>Compute API, 2.1 to ${versionText(newest)}</h1>
<p>${operations.length} operations. OpenAPI 3.1 documents by microversion: ${links}</p>
${sections.join('\n')}</body></html>
`
}
