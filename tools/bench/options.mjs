/** What `npm run bench` was asked to measure; plain JavaScript, because it is read before anything is installed. */
import { parseArgs } from 'node:util'
import { SetupFault } from '../setup/fault.mjs'

export const groups = ['boots', 'reads', 'lists', 'start', 'scheduler', 'distributed', 'libvirt', 'moves']

const shorthands = {
  fake: ['boots', 'reads', 'lists', 'start'],
  quick: ['boots', 'reads', 'lists', 'start', 'scheduler'],
}

const help = `Usage: npm run bench -- [groups] [options]

Measures speed and size and prints one table. Nothing is asserted; the exit code is 0 unless a measurement broke.

  boots        servers made and removed with simulated hosts: latency, throughput, CPU, statements
  reads        lists and single servers with 1,000 servers, requests per second
  lists        all of 100, 1,000 and 10,000 servers page by page, alone and beside boots; single reads; memory
  start        start of an existing cloud, stop, resident memory
  scheduler    decisions among 100 to 10,000 hosts, their pure part and whole; boots while 1,000 hosts report
  distributed  every executable by itself on MariaDB and RabbitMQ: latency, CPU, statements and messages per boot
  libvirt      real guests beside plain QEMU; images of one, volumes into and out of one (root)
  moves        real guests between two hosts on this machine: live and cold migration beside virsh alone (root)
  fake         boots, reads, lists and start
  quick        all but libvirt and moves, with fewer rounds

Without a group: all but distributed; libvirt and moves only as root.

  --distributed   the group distributed
  --json          one JSON document on stdout instead of the table
  --state DIR     make the temporary state folders under DIR (default: the system's temporary folder)
  --offset N      offset of the ports (default 21000)
  --rounds N      guests per side in the libvirt group, and moves of each kind (default 5)
  -h, --help      this text
`

const table = {
  distributed: { type: 'boolean' },
  json: { type: 'boolean' },
  state: { type: 'string' },
  offset: { type: 'string' },
  rounds: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
}

const refuse = message => {
  throw new SetupFault(`${message} (npm run bench -- --help lists the options)`, { exitCode: 2 })
}

function whole(name, text, min, max) {
  if (!/^\d{1,9}$/.test(text) || Number(text) < min || Number(text) > max)
    refuse(`--${name} needs a whole number from ${min} to ${max}, not '${text}'`)
  return Number(text)
}

function split(argv) {
  try {
    return parseArgs({ args: [...argv], options: table, strict: true, allowPositionals: true })
  } catch (error) {
    return refuse(error.message.split(/\. |\n/)[0].replace(/\.$/, ''))
  }
}

/**
 * @param {readonly string[]} argv
 * @returns {import('./options.d.mts').BenchOptions}
 */
export function parseBenchOptions(argv) {
  const { values, positionals: words } = split(argv)
  const positionals = values.distributed === true ? [...words, 'distributed'] : words
  const unknown = positionals.find(word => shorthands[word] === undefined && !groups.includes(word))
  if (unknown !== undefined) refuse(`there is no group '${unknown}'`)
  const isRoot = process.getuid?.() === 0
  const forRoot = group => group === 'libvirt' || group === 'moves'
  const tooMuch = isRoot ? undefined : positionals.find(forRoot)
  if (tooMuch !== undefined) refuse(`the ${tooMuch} group needs root`)
  const asked = positionals.flatMap(word => shorthands[word] ?? [word])
  const chosen =
    asked.length === 0 ? groups.filter(group => group !== 'distributed' && (!forRoot(group) || isRoot)) : asked
  return {
    help: values.help ? help : undefined,
    groups: groups.filter(group => chosen.includes(group)),
    isQuick: positionals.includes('quick'),
    isJson: values.json ?? false,
    parent: values.state,
    offset: whole('offset', values.offset ?? '21000', 0, 50_000),
    rounds: whole('rounds', values.rounds ?? '5', 1, 100),
  }
}
