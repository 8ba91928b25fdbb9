/**
 * URLs of cells may be templates: `{scheme}`, `{username}`, `{password}`, `{hostname}`, `{port}`, `{path}`, `{query}`,
 * `{fragment}` stand for the parts of the URL in the reading process's own nova.conf, and with a number behind them for those
 * of one of several hosts, counted from 1. Other text in braces is left alone.
 */

/** Cut by hand: a URL of several hosts is none that `URL` reads. */
const form =
  /^(?<scheme>[\w+.-]+):\/\/(?<hosts>[^/?#]*)(?:\/(?<path>[^?#]*))?(?:\?(?<query>[^#]*))?(?:#(?<fragment>.*))?$/

const hostForm = /^(?:(?<username>[^:@]*)(?::(?<password>[^@]*))?@)?(?<hostname>\[[^\]]*\]|[^:]*)(?::(?<port>\d+))?$/

type Parts = ReadonlyMap<string, string>

function partsOf(url: string): Parts {
  const { scheme, hosts = '', path, query, fragment } = form.exec(url)?.groups ?? {}
  const parts = new Map<string, string>()
  const put = (name: string, value: string | undefined) => {
    if (value !== undefined) parts.set(name, value)
  }
  put('scheme', scheme)
  put('path', path)
  put('query', query)
  put('fragment', fragment)
  hosts.split(',').forEach((host, i) => {
    for (const [name, value] of Object.entries(hostForm.exec(host)?.groups ?? {})) {
      put(`${name}${i + 1}`, value)
      if (i === 0) put(name, value)
    }
  })
  return parts
}

const known = /\{(scheme|path|query|fragment|(?:username|password|hostname|port)\d*)\}/g

/**
 * The URL with what its places stand for. Where the own URL lacks one of them, the template is left as it is and `missing`
 * names them: nobody can connect to it, and the log says why.
 */
export function fillTemplate(
  template: string,
  own: string | null,
): { readonly url: string; readonly missing: string[] } {
  const parts: Parts = own === null ? new Map() : partsOf(own)
  const missing = [...template.matchAll(known)].map(([, name = '']) => name).filter(name => !parts.has(name))
  if (missing.length > 0) return { url: template, missing }
  return { url: template.replaceAll(known, (_, name: string) => parts.get(name) ?? ''), missing }
}
