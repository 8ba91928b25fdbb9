import type { Link } from './words.ts'

/** Where a request came in, as far as answers repeat it in links. */
export interface Place {
  /** `http://host:8774`, or what compute_link_prefix says. */
  readonly base: string
  /** `/v2.1` or `/v2`. */
  readonly mount: string
  /** `/<project id>` when it was in the URL, else empty. */
  readonly project: string
}

/** The addresses an answer may name. Collections are written without a slash in front: `servers`, `servers/detail`. */
export class Links {
  readonly place: Place

  constructor(place: Place) {
    this.place = place
  }

  /** The versioned address of a thing. */
  self(collection: string, id: string | number): string {
    const { base, mount, project } = this.place
    return `${base}${mount}${project}/${collection}/${id}`
  }

  /** The address without version, kept for old clients. */
  bookmark(collection: string, id: string | number): string {
    const { base, project } = this.place
    return `${base}${project}/${collection}/${id}`
  }

  both(collection: string, id: string | number): Link[] {
    return [
      { rel: 'self', href: this.self(collection, id) },
      { rel: 'bookmark', href: this.bookmark(collection, id) },
    ]
  }

  /** The next page: the same query, sorted, with another marker. */
  next(collection: string, query: Readonly<Record<string, readonly string[]>>, marker: string | number): string {
    const { base, mount, project } = this.place
    const params = new URLSearchParams()
    for (const name of Object.keys(query).sort()) params.set(name, query[name]?.at(-1) ?? '')
    params.set('marker', String(marker))
    return `${base}${mount}${project}/${collection}?${params}`
  }
}

/** `compute_link_prefix` replaces scheme and host and may put a path in front. */
export const linkBase = (scheme: string, host: string, prefix: string | undefined): string =>
  prefix === undefined || prefix === '' ? `${scheme}://${host}` : prefix.replace(/\/+$/, '')
