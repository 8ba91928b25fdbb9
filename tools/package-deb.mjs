// `npm run package:deb`: a Debian package of this checkout, in dist/ or the folder that is named.
import { resolve } from 'node:path'
import { buildDebianPackage } from './package/debian.mjs'
import { exitWith, Interrupted, SetupFault } from './setup/fault.mjs'
import { createProgress } from './setup/progress.mjs'
import { root, setUp } from './setup/setup.mjs'

const usage = 'Usage: npm run package:deb -- [FOLDER]\n\nBuilds nova-ts_VERSION_ARCHITECTURE.deb there, or in dist.\n'

await exitWith(async () => {
  const [folder = 'dist', ...more] = process.argv.slice(2)
  if (folder === '--help' || folder === '-h') {
    process.stdout.write(usage)
    return 0
  }
  if (more.length > 0 || folder.startsWith('-')) throw new SetupFault(usage, { exitCode: 2 })
  const progress = createProgress()
  await setUp({ groups: ['service'], progress })
  const stopping = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM']) process.on(name, () => stopping.abort(new Interrupted(name)))
  const path = await buildDebianPackage({ root, folder: resolve(folder), progress, signal: stopping.signal })
  process.stdout.write(`${path}\n`)
  return 0
})
