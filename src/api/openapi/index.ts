/**
 * The Compute API described from its declarations: an OpenAPI 3.1 document per microversion and one page for people. Nothing
 * is written by hand, so it cannot differ from what is served. Called by ../index.ts, which serves it under /openapi.
 */
import { type Described, maxVersion, minor, minVersion, type VersionText } from '#api/kit'
import { openApiDocument } from './document.ts'
import { referencePage } from './reference-page.ts'

export { openApiDocument } from './document.ts'
export { referencePage } from './reference-page.ts'

export interface Page {
  readonly contentType: string
  readonly body: string
}

/** `/openapi` and `/openapi/2.90.json`; made when first asked for, then kept. Undefined: there is no such page. */
export function openApiPages(operations: () => readonly Described[]): (path: string, base: string) => Page | undefined {
  const kept = new Map<string, Page>()
  let described: readonly Described[] | undefined
  const all = () => (described ??= operations())
  const make = (path: string, base: string): Page | undefined => {
    if (path === '/openapi') {
      return { contentType: 'text/html; charset=utf-8', body: referencePage(all(), maxVersion) }
    }
    const [, text] = /^\/openapi\/(2\.\d+)\.json$/.exec(path) ?? []
    const version = text === undefined ? 0 : minor(text as VersionText)
    if (version < minVersion || version > maxVersion) return undefined
    return { contentType: 'application/json', body: JSON.stringify(openApiDocument(all(), version, base)) }
  }
  return (path, base) => {
    const key = `${base}${path}`
    const known = kept.get(key)
    if (known !== undefined) return known
    const page = make(path, base)
    // A base comes from the Host header: only a bounded number of them is worth keeping.
    if (page !== undefined && kept.size < 2 * maxVersion) kept.set(key, page)
    return page
  }
}
