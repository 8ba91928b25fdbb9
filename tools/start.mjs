// `npm start`: plain JavaScript for the Node.js of the machine, before anything is installed.
import { exitWith } from './setup/fault.mjs'
import { runInPlace } from './setup/handover.mjs'
import { compileCache, serviceNode } from './setup/modules.mjs'
import { help, parseStartOptions, startGroups } from './setup/options.mjs'
import { createProgress } from './setup/progress.mjs'
import { root, setUp, withSbin } from './setup/setup.mjs'

await exitWith(async () => {
  const argv = process.argv.slice(2)
  const options = parseStartOptions(argv)
  if (options.help) {
    process.stdout.write(help)
    return 0
  }
  await setUp({ groups: startGroups(options), progress: createProgress() })
  // Throws where no Node.js can run the services; the launcher finds the same one and knows its flags.
  serviceNode(root)
  return runInPlace(`${root}/bin/nova-allinone`, argv, {
    env: { ...withSbin(process.env), NODE_COMPILE_CACHE: compileCache(root) },
  })
})
