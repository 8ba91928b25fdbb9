import { accessSync, constants } from 'node:fs'
import { join } from 'node:path'

/** Daemons live in sbin, which a user's PATH often lacks. */
export const programPath = `${process.env.PATH ?? ''}:/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin`

export function findProgram(name: string): string | undefined {
  for (const folder of programPath.split(':')) {
    if (folder === '') continue
    const path = join(folder, name)
    try {
      accessSync(path, constants.X_OK)
      return path
    } catch {
      // Not here: look on.
    }
  }
  return undefined
}
