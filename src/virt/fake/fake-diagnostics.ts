import { type Diagnostics, type PowerState, power } from '../driver.ts'
import type { GuestRecord } from './guest-record.ts'

const stateNames: Record<PowerState, Diagnostics['state']> = {
  [power.noState]: 'pending',
  [power.running]: 'running',
  [power.paused]: 'paused',
  [power.shutdown]: 'shutdown',
  [power.crashed]: 'crashed',
  [power.suspended]: 'suspended',
}

/** Numbers that follow from the guest and its uptime, so that they grow and are the same for the same question. */
export function fakeDiagnostics(guest: GuestRecord, nowMs: number): Diagnostics {
  const isUp = guest.power === power.running || guest.power === power.paused
  const uptime = isUp && guest.startedAtMs !== null ? Math.floor((nowMs - guest.startedAtMs) / 1000) : 0
  const { vcpus, memoryMiB } = guest.spec.flavor
  return {
    state: stateNames[guest.power],
    // Nova's API knows five names, of drivers that manage real guests; the simulated one plays this one.
    driver: 'libvirt',
    hypervisor: 'fake',
    hypervisorOs: 'fake-os',
    uptimeSeconds: isUp ? uptime : null,
    configDrive: guest.configDrive !== undefined,
    cpus: Array.from({ length: isUp ? vcpus : 0 }, (_, id) => ({
      id,
      timeNs: 1_300_000_000 + uptime * 6_000_000,
      utilisation: 1,
    })),
    nics: guest.vifs.map(({ mac }) => ({
      mac,
      rxOctets: 1024 + uptime * 60,
      rxErrors: 0,
      rxDrop: 0,
      rxPackets: 10 + uptime,
      txOctets: 1500 + uptime * 60,
      txErrors: 0,
      txDrop: 0,
      txPackets: 12 + uptime,
    })),
    disks: guest.disks.map(({ deviceName }) => ({
      device: deviceName.replace('/dev/', ''),
      readBytes: 12_582_912,
      readRequests: 700,
      writeBytes: 262_144 + uptime * 4096,
      writeRequests: 40 + uptime,
      errors: 0,
    })),
    memory: { maximumMiB: memoryMiB, usedMiB: isUp ? memoryMiB : 0 },
  }
}
