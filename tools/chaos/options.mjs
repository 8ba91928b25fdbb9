/** What `npm run test:chaos` understands; plain JavaScript, read before anything is installed. */
import { parseArgs } from 'node:util'
import { SetupFault } from '../setup/fault.mjs'

export const chaosHelp = `Usage: npm run test:chaos -- [options]

Users ask for everything that a server can be asked for, while the parts of the cloud are killed with SIGKILL at random
moments and started again. Then nothing may be left over, lost or undecided: no task, no orphan of any kind, every server
as asked or in ERROR with a reason. Choices follow from the seed, which is printed.

  --operations N   how many are asked for (default 200; 40 of real guests)
  --seed N         choices of an earlier run (default: random)
  --hypervisor H   fake (default), or libvirt: real guests, where libvirtd and QEMU are killed too (needs root)
  --topology T     of simulated hosts: one-process, distributed, both (default), or engines: distributed on MariaDB and
                   RabbitMQ, which are killed and slowed too, while a host's cable is cut and clocks jump (needs root);
                   or cells: the same without cable and clocks, on two cells
  --hosts N        simulated hosts, of each cell (default 3)
  --workers N      users at a time (default 8; 3 with real guests)
  --offset N       offset of the ports of the one process (default 22600)
  --keep           leave logs and databases behind
  -h, --help       this text
`

const table = {
  operations: { type: 'string' },
  seed: { type: 'string' },
  hypervisor: { type: 'string' },
  topology: { type: 'string' },
  hosts: { type: 'string' },
  workers: { type: 'string' },
  offset: { type: 'string' },
  keep: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
}

const refuse = message => {
  throw new SetupFault(`${message} (npm run test:chaos -- --help lists the options)`, { exitCode: 2 })
}

function parsed(argv) {
  try {
    return parseArgs({ args: [...argv], options: table, strict: true }).values
  } catch (error) {
    return refuse(error.message.split(/\. |\n/)[0].replace(/\.$/, ''))
  }
}

const topologies = {
  distributed: ['distributed'],
  'one-process': ['one-process'],
  engines: ['engines'],
  cells: ['cells'],
  both: ['distributed', 'one-process'],
}

/**
 * @param {readonly string[]} argv
 * @returns {import('./options.d.mts').ChaosOptions}
 */
export function parseChaosOptions(argv) {
  const values = parsed(argv)
  const whole = (name, standard, low, high) => {
    const text = values[name] ?? String(standard)
    if (!/^\d{1,10}$/.test(text) || Number(text) < low || Number(text) > high)
      refuse(`--${name} needs a whole number from ${low} to ${high}, not '${text}'`)
    return Number(text)
  }
  const { hypervisor = 'fake', topology = 'both' } = values
  if (hypervisor !== 'fake' && hypervisor !== 'libvirt') refuse(`there is no hypervisor '${hypervisor}'`)
  const isReal = hypervisor === 'libvirt'
  const chosen = isReal ? ['real-guests'] : (topologies[topology] ?? refuse(`there is no topology '${topology}'`))
  return {
    help: values.help === true,
    operations: whole('operations', isReal ? 40 : 200, 1, 1_000_000),
    seed: whole('seed', Math.floor(Math.random() * 2 ** 31), 0, 2 ** 32 - 1),
    topologies: chosen,
    hosts: whole('hosts', 3, 2, 20),
    workers: whole('workers', isReal ? 3 : 8, 1, 64),
    offset: whole('offset', 22_600, 0, 50_000),
    isKept: values.keep === true,
  }
}
