import type { Reply } from '../route.ts'

/** The only version there will ever be, so it is current; the link is relative and means this very address. */
export async function showVersions(): Promise<Reply> {
  const version = {
    id: 'v1.0',
    max_version: '1.39',
    min_version: '1.0',
    status: 'CURRENT',
    links: [{ rel: 'self', href: '' }],
  }
  return { status: 200, body: { versions: [version] } }
}
