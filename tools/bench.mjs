// `npm run bench`: plain JavaScript for the Node.js of the machine; the bench itself runs on the product's.
import { parseBenchOptions } from './bench/options.mjs'
import { exitWith } from './setup/fault.mjs'
import { runInPlace } from './setup/handover.mjs'
import { compileCache, serviceNode } from './setup/modules.mjs'
import { startGroups } from './setup/options.mjs'
import { createProgress } from './setup/progress.mjs'
import { root, setUp, withSbin } from './setup/setup.mjs'

await exitWith(async () => {
  const argv = process.argv.slice(2)
  const options = parseBenchOptions(argv)
  if (options.help !== undefined) {
    process.stdout.write(options.help)
    return 0
  }
  const hasMoves = options.groups.includes('moves')
  const hypervisor = hasMoves || options.groups.includes('libvirt') ? 'libvirt' : 'fake'
  const needs = startGroups({ hypervisor, image: 'none' }).filter(group => group !== 'client')
  const more = [...(hasMoves ? ['bench-moves'] : []), ...(options.groups.includes('distributed') ? ['test'] : [])]
  await setUp({ groups: [...needs, ...more], progress: createProgress() })
  return runInPlace(serviceNode(root), [`${root}/tools/bench.ts`, ...argv], {
    cwd: root,
    env: { ...withSbin(process.env), NODE_COMPILE_CACHE: compileCache(root) },
  })
})
