// `npm run test:soak`: servers are made and removed for minutes; nothing may grow, and nothing be left over.
import { exitWith } from './setup/fault.mjs'
import { runInPlace } from './setup/handover.mjs'
import { compileCache, serviceNode } from './setup/modules.mjs'
import { createProgress } from './setup/progress.mjs'
import { root, setUp, withSbin } from './setup/setup.mjs'
import { parseSoakOptions, soakHelp } from './soak/options.mjs'

await exitWith(async () => {
  const argv = process.argv.slice(2)
  if (parseSoakOptions(argv).help) {
    process.stdout.write(soakHelp)
    return 0
  }
  await setUp({ groups: ['service', 'test'], progress: createProgress() })
  return runInPlace(serviceNode(root), [`${root}/tools/soak/main.ts`, ...argv], {
    cwd: root,
    env: { ...withSbin(process.env), NODE_COMPILE_CACHE: compileCache(root) },
  })
})
