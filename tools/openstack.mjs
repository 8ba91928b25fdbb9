// `npm run test:openstack`: our services and adapters beside OpenStack's own, of Debian's packages.
import { spawnSync } from 'node:child_process'
import { inMachine } from './openstack/machine.mjs'
import { parseOpenstackOptions } from './openstack/options.mjs'
import { exitWith, SetupFault } from './setup/fault.mjs'
import { runInPlace } from './setup/handover.mjs'
import { compileCache, serviceNode } from './setup/modules.mjs'
import { createProgress } from './setup/progress.mjs'
import { root, setUp, withSbin } from './setup/setup.mjs'

await exitWith(async () => {
  const argv = process.argv.slice(2)
  const options = parseOpenstackOptions(argv)
  if (options.help !== undefined) {
    process.stdout.write(options.help)
    return 0
  }
  if (process.getuid?.() !== 0) throw new SetupFault('test:openstack needs root, as the services that it starts do.')
  await setUp({
    groups: ['service', 'test', 'client', 'neighbours', 'libvirt', 'guest-stock'],
    progress: createProgress(),
  })
  const env = { ...withSbin(process.env), NODE_COMPILE_CACHE: compileCache(root) }
  if (options.files.some(file => file.endsWith('/guests.test.ts'))) {
    const made = spawnSync(serviceNode(root), [`${root}/tools/openstack/guest-image.ts`], { stdio: 'inherit', env })
    if (made.status !== 0) throw new SetupFault('The image of the guests could not be made.')
  }
  const [command, ...args] = inMachine([serviceNode(root), `${root}/tools/openstack/run.ts`, ...argv])
  return runInPlace(command, args, {
    cwd: root,
    group: true,
    env,
  })
})
