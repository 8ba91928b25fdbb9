import { networkInterfaces } from 'node:os'

/** The first IPv4 address of this machine that is not loopback, as oslo_utils.netutils.get_my_ipv4 would pick. */
export function ownAddress(): string {
  const all = Object.values(networkInterfaces()).flatMap(addresses => addresses ?? [])
  return all.find(entry => entry.family === 'IPv4' && !entry.internal)?.address ?? '127.0.0.1'
}
