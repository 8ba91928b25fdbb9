import { mkdirSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A new folder below `parent`, which is made if need be. The name is short: unix sockets below it have at most 107 characters. */
export function temporaryFolder(parent: string | undefined): string {
  if (parent !== undefined) mkdirSync(parent, { recursive: true })
  return mkdtempSync(join(parent ?? tmpdir(), 'nb-'))
}
