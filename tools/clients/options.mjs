/** What `npm run test:tempest` and `npm run test:clients` understand; plain JavaScript, read before anything is installed. */
import { parseArgs } from 'node:util'
import { SetupFault } from '../setup/fault.mjs'

/** The suites of `npm run test:clients`. */
export const clientSuites = ['novaclient', 'openstackclient', 'openstacksdk', 'openstacksdk-cloud']

const help = (command, suites) => `Usage: npm run ${command} -- ${suites}[options]

Starts a cloud, of simulated hosts unless told otherwise, runs the tests that the clients bring along, unmodified, and
compares what passes, fails and is skipped with the lists in test/clients. The exit code is 0 when no test failed or was skipped that should
pass. docs/compatibility.md says why a test cannot pass.

  --regex R       only tests whose name matches
  --workers N     tests at a time (default 2)
  --hosts N       compute hosts (default 2)
${command === 'test:tempest' ? '  --hypervisor T  fake (default), or libvirt: real guests on hosts in network namespaces; as root, takes long\n' : ''}  --accept        write what happened into the lists
  --json          one JSON document on stdout instead of the words
  --keep          leave the folder with the logs behind
  --state DIR     make the temporary state folder under DIR (default: the system's temporary folder)
  --offset N      offset of the ports (default 21500)
  -h, --help      this text
`

const table = {
  regex: { type: 'string' },
  workers: { type: 'string' },
  hosts: { type: 'string' },
  hypervisor: { type: 'string' },
  accept: { type: 'boolean' },
  json: { type: 'boolean' },
  keep: { type: 'boolean' },
  state: { type: 'string' },
  offset: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
}

const refuser = command => message => {
  throw new SetupFault(`${message} (npm run ${command} -- --help lists the options)`, { exitCode: 2 })
}

function split(argv, refuse) {
  try {
    return parseArgs({ args: [...argv], options: table, strict: true, allowPositionals: true })
  } catch (error) {
    return refuse(error.message.split(/\. |\n/)[0].replace(/\.$/, ''))
  }
}

function regexOf(text, refuse) {
  try {
    new RegExp(text)
    return text
  } catch {
    return refuse(`--regex needs a regular expression, not '${text}'`)
  }
}

/**
 * @param {string} command `test:tempest` or `test:clients`
 * @param {readonly string[]} argv
 * @returns {import('./options.d.mts').SuiteOptions}
 */
export function parseSuiteOptions(command, argv) {
  const refuse = refuser(command)
  const { values, positionals } = split(argv, refuse)
  const known = command === 'test:tempest' ? [] : clientSuites
  const unknown = positionals.find(word => !known.includes(word))
  if (unknown !== undefined) refuse(`there is no suite '${unknown}'`)
  const whole = (name, standard, low, high) => {
    const text = values[name] ?? standard
    if (!/^\d{1,9}$/.test(text) || Number(text) < low || Number(text) > high)
      refuse(`--${name} needs a whole number from ${low} to ${high}, not '${text}'`)
    return Number(text)
  }
  const hypervisor = values.hypervisor ?? 'fake'
  if (hypervisor !== 'fake' && (hypervisor !== 'libvirt' || command !== 'test:tempest'))
    refuse(`--hypervisor ${hypervisor} is nothing that ${command} can do`)
  if (hypervisor === 'libvirt' && process.getuid?.() !== 0) refuse('real guests need root')
  const tempest = hypervisor === 'libvirt' ? 'tempest-libvirt' : 'tempest'
  return {
    help: values.help ? help(command, known.length === 0 ? '' : `[${known.join(' | ')}] `) : undefined,
    suites: command === 'test:tempest' ? [tempest] : positionals.length === 0 ? known : positionals,
    regex: values.regex === undefined ? undefined : regexOf(values.regex, refuse),
    workers: whole('workers', '2', 1, 64),
    hosts: whole('hosts', '2', 1, hypervisor === 'libvirt' ? 8 : 1000),
    needsGuests: hypervisor === 'libvirt',
    isAccepted: values.accept ?? false,
    isJson: values.json ?? false,
    isKept: values.keep ?? false,
    parent: values.state,
    offset: whole('offset', '21500', 0, 50_000),
  }
}
