import { resolve } from 'node:path'
import { Command, InvalidArgumentError, Option } from 'commander'
import type { HostPlace } from '#network'

/** What the user chose for the one-machine cloud. */
export interface AllInOneOptions {
  /** Everything that outlives a stop lies in this folder. */
  readonly stateDir: string
  readonly offset: number
  readonly hypervisor: 'libvirt' | 'fake'
  readonly hosts: number
  /** Hosts of nova-computes of their own on this machine, whose guests live in network namespaces. */
  readonly others: readonly HostPlace[]
  readonly isBare: boolean
  readonly isJson: boolean
  /** Take the cloud off this machine instead of starting it. */
  readonly isDestroy: boolean
  /** File or URL of an image that takes the place of `cirros`. */
  readonly image: string | undefined
  readonly configFiles: readonly string[]
  readonly configDirs: readonly string[]
}

const whole = (low: number, high: number) => (text: string) => {
  const value = Number(text)
  if (!/^\d+$/.test(text) || value < low || value > high)
    throw new InvalidArgumentError(`a whole number from ${low} to ${high}`)
  return value
}

const place = (text: string, before: readonly HostPlace[]): readonly HostPlace[] => {
  const [, host, netns] = /^([\w.-]+)=([\w.-]+)$/.exec(text) ?? []
  if (host === undefined || netns === undefined) throw new InvalidArgumentError('HOST=NAMESPACE')
  return [...before, { host, netns }]
}

const gather = (value: string, before: readonly string[]): readonly string[] => [...before, value]

/** Ends the process with 2 and one line when an option is wrong. */
export function readOptions(argv: readonly string[]): AllInOneOptions {
  const program = new Command('nova-allinone')
    .description('A complete OpenStack Compute cloud in one process on this machine.')
    .option('--state <DIR>', 'where the cloud keeps everything', './state')
    .addOption(new Option('--offset <N>', 'shift every port by N').default(0).argParser(whole(0, 50_000)))
    .addOption(
      new Option('--hypervisor <TYPE>', 'libvirt (real guests) or fake (none)')
        .choices(['libvirt', 'fake'])
        .default('libvirt'),
    )
    .addOption(
      new Option('--hosts <N>', 'compute hosts in this process; more than one: fake only')
        .default(1)
        .argParser(whole(0, 10_000)),
    )
    .option(
      '--other-host <HOST=NAMESPACE>',
      'a nova-compute of its own on this machine, with its guests in that network namespace; may be repeated',
      place,
      [] as readonly HostPlace[],
    )
    .option('--image <FILE|URL>', 'use this image as cirros')
    .option('--bare', 'no first server', false)
    .option('--json', 'one JSON line when ready, everything else on stderr', false)
    .option('--destroy', 'remove the cloud of this state folder, guests and all', false)
    .option('--config-file <FILE>', 'nova.conf, may be repeated', gather, [] as readonly string[])
    .option('--config-dir <DIR>', 'folder of *.conf files, may be repeated', gather, [] as readonly string[])
    .exitOverride(error => process.exit(error.exitCode === 0 ? 0 : 2))
  program.parse([...argv], { from: 'user' })
  const o = program.opts<{
    state: string
    offset: number
    hypervisor: 'libvirt' | 'fake'
    hosts: number
    otherHost: readonly HostPlace[]
    image?: string
    bare: boolean
    json: boolean
    destroy: boolean
    configFile: readonly string[]
    configDir: readonly string[]
  }>()
  if (o.hosts > 1 && o.hypervisor !== 'fake') program.error('error: --hosts needs --hypervisor fake', { exitCode: 2 })
  return {
    stateDir: resolve(o.state),
    offset: o.offset,
    hypervisor: o.hypervisor,
    hosts: o.hosts,
    others: o.otherHost,
    isBare: o.bare,
    isJson: o.json,
    isDestroy: o.destroy,
    image: o.image,
    configFiles: o.configFile,
    configDirs: o.configDir,
  }
}
