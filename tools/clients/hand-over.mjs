/** Installs what the suites need, then runs tools/clients/run.ts on the Node.js of the product. */
import { exitWith } from '../setup/fault.mjs'
import { runInPlace } from '../setup/handover.mjs'
import { compileCache, serviceNode } from '../setup/modules.mjs'
import { createProgress } from '../setup/progress.mjs'
import { root, setUp, withSbin } from '../setup/setup.mjs'
import { parseSuiteOptions } from './options.mjs'

/** @param {string} command `test:tempest` or `test:clients` */
export const runSuiteCommand = command =>
  exitWith(async () => {
    const argv = process.argv.slice(2)
    const options = parseSuiteOptions(command, argv)
    if (options.help !== undefined) {
      process.stdout.write(options.help)
      return 0
    }
    const guests = options.needsGuests ? ['libvirt', 'network', 'guest-stock', 'guest-tiny'] : []
    await setUp({ groups: ['service', 'client-suites', ...guests], progress: createProgress() })
    return runInPlace(serviceNode(root), [`${root}/tools/clients/run.ts`, command, ...argv], {
      cwd: root,
      env: { ...withSbin(process.env), NODE_COMPILE_CACHE: compileCache(root) },
    })
  })
