/** What `npm run test:openstack` understands; plain JavaScript, read before anything is installed. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { SetupFault } from '../setup/fault.mjs'
import { root } from '../setup/setup.mjs'

const folder = join(root, 'test/openstack')
const names = () =>
  readdirSync(folder)
    .filter(name => name.endsWith('.test.ts'))
    .map(name => name.replace(/\.test\.ts$/, ''))
    .sort()

const help = () => `Usage: npm run test:openstack -- [${names().join(' | ')}] [options]

Starts Keystone, Glance, Placement, Neutron and Cinder of Debian's packages in a folder of their own, and runs the
contract tests of our adapters, and our services beside them; with Horizon, which a browser works.

  --up         only start them, and keep them until Ctrl-C
  --agents     with Neutron's agents and Cinder's NFS driver from the beginning
  --dashboard  with Horizon from the beginning
  --keep       leave the folder with configuration, logs and pictures behind when something failed
  -h, --help   this text
`

/**
 * @param {readonly string[]} argv
 * @returns {import('./options.d.mts').OpenstackOptions}
 */
export function parseOpenstackOptions(argv) {
  const options = {
    agents: { type: 'boolean' },
    dashboard: { type: 'boolean' },
    up: { type: 'boolean' },
    keep: { type: 'boolean' },
    help: { type: 'boolean', short: 'h' },
  }
  let parsed
  try {
    parsed = parseArgs({ args: [...argv], options, strict: true, allowPositionals: true })
  } catch (error) {
    throw new SetupFault(`${error.message}\n\n${help()}`, { exitCode: 2 })
  }
  const { values, positionals } = parsed
  const known = names()
  const unknown = positionals.find(name => !known.includes(name))
  if (unknown !== undefined)
    throw new SetupFault(`there are no tests called '${unknown}', only ${known.join(', ')}`, { exitCode: 2 })
  return {
    help: values.help ? help() : undefined,
    files: (positionals.length === 0 ? known : positionals).map(name => join(folder, `${name}.test.ts`)),
    hasAgents: values.agents ?? false,
    hasDashboard: values.dashboard ?? false,
    isUpOnly: values.up ?? false,
    isKept: values.keep ?? false,
  }
}
