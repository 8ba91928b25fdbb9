import type { Config } from '#config'
import { cpusIn } from '#model'
import type { LibvirtDriverOptions } from '#virt/libvirt'

type DomainOptions = NonNullable<LibvirtDriverOptions['domain']>

/** `x86_64=q35,aarch64=virt`; what is no pair is passed over, as in Nova. */
const machineTypes = (pairs: readonly string[]): Readonly<Record<string, string>> =>
  Object.fromEntries(
    pairs.flatMap(pair => {
      const [architecture = '', machine = ''] = pair.split('=', 2).map(part => part.trim())
      return machine === '' ? [] : [[architecture, machine]]
    }),
  )

function spiceOf({ spice }: Config): Exclude<DomainOptions['spice'], undefined> {
  if (!spice.enabled) return null
  return {
    listen: spice.server_listen,
    hasAgent: spice.agent_enabled,
    imageCompression: spice.image_compression,
    jpegCompression: spice.jpeg_compression,
    zlibCompression: spice.zlib_compression,
    playbackCompression: spice.playback_compression,
    streamingMode: spice.streaming_mode,
    isSecureOnly: spice.require_secure,
  }
}

const portRange = (text: string): { readonly first: number; readonly last: number } | null => {
  const [, first = '', last = ''] = /^(\d+):(\d+)$/.exec(text) ?? []
  return first === '' ? null : { first: Number(first), last: Number(last) }
}

/** What nova.conf says about the definitions of guests. */
export const domainSettings = (config: Config, hasEveryDevice: boolean): DomainOptions => {
  const { libvirt, vnc, serial_console: serial, DEFAULT, workarounds } = config
  const ports = portRange(serial.port_range)
  return {
    cpuModels: libvirt.cpu_models,
    cpuExtraFlags: libvirt.cpu_model_extra_flags,
    machineTypes: machineTypes(libvirt.hw_machine_type),
    pciePorts: libvirt.num_pcie_ports,
    vncListen: vnc.enabled ? vnc.server_listen : null,
    spice: spiceOf(config),
    serialListen: serial.enabled ? serial.proxyclient_address : null,
    ...(ports === null ? {} : { serialPortRange: ports }),
    pointerModel: DEFAULT.pointer_model,
    machineSerial: libvirt.sysinfo_serial,
    memoryStatsSeconds: Math.max(0, libvirt.mem_stats_period_seconds),
    rngBackend: libvirt.rng_dev_path,
    rxQueueSize: libvirt.rx_queue_size,
    ...(libvirt.max_queues === null ? {} : { maxQueues: libvirt.max_queues }),
    usesVirtioNics: libvirt.use_virtio_for_bridges,
    perfEvents: libvirt.enabled_perf_events,
    hasApic: !workarounds.libvirt_disable_apic,
    hasTpm: hasEveryDevice || libvirt.swtpm_enabled,
    tpmSecretSecurity: libvirt.supported_tpm_secret_security,
    isMemoryFileBacked: libvirt.file_backed_memory > 0,
    sharedCpus: config.compute.cpu_shared_set ? [...cpusIn(config.compute.cpu_shared_set)] : null,
  }
}
