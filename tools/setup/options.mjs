/** The options of `npm start`: checked here so that a typing error does not first cost a package installation. */
import { existsSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { SetupFault } from './fault.mjs'

export const help = `Usage: npm start -- [options]

Installs what is missing, then runs a complete OpenStack Compute cloud in one process on this machine.
The first start takes a few minutes, later ones a second or two. Ctrl-C stops it.

  --state DIR           where the cloud keeps everything (default ./state)
  --offset N            shift every port by N, to run a second cloud beside the first (default 0)
  --hypervisor TYPE     libvirt (real guests, the default) or fake (no guests, needs almost no packages)
  --hosts N             number of compute hosts, 1 to 10000; only with --hypervisor fake (default 1)
  --image FILE|URL      use this image as cirros, instead of the small guest that is built here
  --bare                do not start a first server
  --config-file FILE    nova.conf to read; may be repeated
  --config-dir DIR      folder of *.conf files to read; may be repeated
  --destroy             remove the cloud of the state folder: guests, networks, everything
  --json                print one JSON line on stdout when ready; everything else goes to stderr
  -h, --help            this text
`

const refuse = message => {
  throw new SetupFault(`${message} (npm start -- --help lists the options)`, { exitCode: 2 })
}

const table = {
  state: { type: 'string' },
  offset: { type: 'string' },
  hypervisor: { type: 'string' },
  hosts: { type: 'string' },
  image: { type: 'string' },
  bare: { type: 'boolean' },
  'config-file': { type: 'string', multiple: true },
  'config-dir': { type: 'string', multiple: true },
  json: { type: 'boolean' },
  destroy: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
}

function split(argv) {
  try {
    return parseArgs({ args: [...argv], options: table, strict: true, allowPositionals: true })
  } catch (error) {
    // The first sentence names the option; the rest explains Node's parser.
    const [sentence] = error.message.split(/\. |\n/)
    return refuse(sentence.replace(/\.$/, ''))
  }
}

function wholeNumber(name, text, min, max) {
  if (!/^\d{1,9}$/.test(text) || Number(text) < min || Number(text) > max) {
    refuse(`--${name} needs a whole number from ${min} to ${max}, not '${text}'`)
  }
  return Number(text)
}

/**
 * @param {readonly string[]} argv what stands after `npm start --`
 * @returns {{ help: boolean, hypervisor: 'libvirt' | 'fake', image: string | undefined }}
 */
export function parseStartOptions(argv) {
  const { values, positionals } = split(argv)
  if (positionals.length > 0) {
    refuse(`Unexpected argument '${positionals[0]}'; options go after "--", as in: npm start -- --hypervisor fake`)
  }
  const hypervisor = values.hypervisor ?? 'libvirt'
  if (hypervisor !== 'libvirt' && hypervisor !== 'fake') refuse(`--hypervisor is libvirt or fake, not '${hypervisor}'`)
  if (values.offset !== undefined) wholeNumber('offset', values.offset, 0, 50_000)
  if (values.hosts !== undefined) {
    wholeNumber('hosts', values.hosts, 1, 10_000)
    if (hypervisor !== 'fake' && Number(values.hosts) > 1) refuse('--hosts works only with --hypervisor fake')
  }
  if (values.state === '') refuse('--state needs a folder')
  const { image } = values
  if (image !== undefined && !/^https?:\/\//.test(image) && !existsSync(image))
    refuse(`--image: there is no file ${image}`)
  for (const path of [...(values['config-file'] ?? []), ...(values['config-dir'] ?? [])]) {
    if (!existsSync(path)) refuse(`There is no configuration ${path}`)
  }
  return { help: values.help ?? false, hypervisor, image }
}

/**
 * The package groups that a start with these options needs.
 * @param {{ hypervisor: string, image?: string | undefined }} options
 */
export function startGroups(options) {
  if (options.hypervisor === 'fake') return ['service', 'client']
  // The first server's image is always built; the kernel of `cirros` only when no own image takes its place.
  return [
    'service',
    'client',
    'libvirt',
    'network',
    'guest-stock',
    ...(options.image === undefined ? ['guest-tiny'] : []),
  ]
}
