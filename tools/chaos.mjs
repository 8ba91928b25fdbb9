// `npm run test:chaos`: everything that a server can be asked for, under kill -9.
import { chaosHelp, parseChaosOptions } from './chaos/options.mjs'
import { exitWith } from './setup/fault.mjs'
import { runInPlace } from './setup/handover.mjs'
import { compileCache, serviceNode } from './setup/modules.mjs'
import { createProgress } from './setup/progress.mjs'
import { root, setUp, withSbin } from './setup/setup.mjs'

await exitWith(async () => {
  const argv = process.argv.slice(2)
  const { help, topologies } = parseChaosOptions(argv)
  if (help) {
    process.stdout.write(chaosHelp)
    return 0
  }
  const engines = topologies.includes('engines') ? ['test'] : []
  const groups = topologies.includes('real-guests') ? ['service', 'libvirt', 'network', 'guest-stock'] : ['service']
  await setUp({ groups: [...groups, ...engines], progress: createProgress() })
  return runInPlace(serviceNode(root), [`${root}/test/chaos/main.ts`, ...argv], {
    cwd: root,
    env: { ...withSbin(process.env), NODE_COMPILE_CACHE: compileCache(root) },
  })
})
