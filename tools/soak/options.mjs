/** What `npm run test:soak` understands; plain JavaScript, read before anything is installed. */
import { parseArgs } from 'node:util'
import { SetupFault } from '../setup/fault.mjs'

export const soakHelp = `Usage: npm run test:soak -- [options]

Every executable by itself on MariaDB and RabbitMQ; users make servers, change them and remove them without a pause. The exit
code is 0 when no process has grown after the first third of the time, and nothing is left when the last server is gone.

  --minutes N   how long (default 10)
  --workers N   users at a time (default 8)
  -h, --help    this text
`

const refuse = message => {
  throw new SetupFault(`${message} (npm run test:soak -- --help lists the options)`, { exitCode: 2 })
}

const table = { minutes: { type: 'string' }, workers: { type: 'string' }, help: { type: 'boolean', short: 'h' } }

function parsed(argv) {
  try {
    return parseArgs({ args: [...argv], options: table, strict: true }).values
  } catch (error) {
    return refuse(error.message.split(/\. |\n/)[0].replace(/\.$/, ''))
  }
}

/** @param {readonly string[]} argv @returns {import('./options.d.mts').SoakOptions} */
export function parseSoakOptions(argv) {
  const values = parsed(argv)
  const whole = (name, standard, high) => {
    const text = values[name] ?? String(standard)
    if (!/^[1-9]\d{0,4}$/.test(text) || Number(text) > high)
      refuse(`--${name} needs a whole number from 1 to ${high}, not '${text}'`)
    return Number(text)
  }
  return { help: values.help === true, minutes: whole('minutes', 10, 10_000), workers: whole('workers', 8, 64) }
}
