import { CompiledEndpoint } from './compiled.ts'
import type { Endpoint } from './operation.ts'

/** Everything at one method and path: one operation, or the actions told apart by the key of the body. */
export interface Site {
  readonly names: readonly string[]
  readonly plain: CompiledEndpoint | undefined
  readonly actions: ReadonlyMap<string, CompiledEndpoint>
}

interface Branch {
  readonly fixed: Map<string, Branch>
  any: Branch | undefined
  readonly methods: Map<
    string,
    { names: string[]; plain: CompiledEndpoint | undefined; actions: Map<string, CompiledEndpoint> }
  >
}

const branch = (): Branch => ({ fixed: new Map(), any: undefined, methods: new Map() })

export interface Match {
  readonly site: Site
  readonly values: readonly string[]
}

/** Finds the operations of a path below the mount. Fixed words win over names in braces. */
export class Router {
  readonly #root = branch()
  readonly endpoints: readonly CompiledEndpoint[]

  constructor(endpoints: readonly Endpoint<never>[]) {
    this.endpoints = endpoints.map(endpoint => this.#add(endpoint))
  }

  #add(endpoint: Endpoint<never>): CompiledEndpoint {
    const names: string[] = []
    let at = this.#root
    for (const word of endpoint.path.split('/').slice(1)) {
      if (word.startsWith('{')) {
        names.push(word.slice(1, -1))
        at = at.any ??= branch()
      } else {
        const next = at.fixed.get(word) ?? branch()
        at.fixed.set(word, next)
        at = next
      }
    }
    const compiled = new CompiledEndpoint(endpoint)
    const site = at.methods.get(endpoint.method) ?? { names, plain: undefined, actions: new Map() }
    at.methods.set(endpoint.method, site)
    const taken = endpoint.action === undefined ? site.plain : site.actions.get(endpoint.action)
    if (taken !== undefined)
      throw new Error(`declared twice: ${endpoint.method} ${endpoint.path} ${endpoint.action ?? ''}`)
    if (endpoint.action === undefined) site.plain = compiled
    else site.actions.set(endpoint.action, compiled)
    return compiled
  }

  match(method: string, words: readonly string[]): Match | undefined {
    const values: string[] = []
    const walk = (at: Branch, index: number): Site | undefined => {
      const word = words[index]
      if (word === undefined) return at.methods.get(method)
      const fixed = at.fixed.get(word)
      const found = fixed && walk(fixed, index + 1)
      if (found !== undefined) return found
      if (at.any === undefined || word === '') return undefined
      values.push(word)
      const named = walk(at.any, index + 1)
      if (named === undefined) values.pop()
      return named
    }
    const site = walk(this.#root, 0)
    return site && { site, values }
  }
}
