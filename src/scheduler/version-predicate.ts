import { readVersionNeed } from '#model'

/** A hypervisor's version number as libvirt counts it, three digits a part: 9002000 is 9.2.0. */
export function versionText(version: number): string {
  const parts: number[] = []
  for (let rest = version; rest > 0; rest = Math.floor(rest / 1000)) parts.unshift(rest % 1000)
  return parts.length === 0 ? '0' : parts.join('.')
}

/** Reads `>=6.0,<7`; undefined if it is no such predicate. */
export function readVersionPredicate(text: string): ((version: number) => boolean) | undefined {
  const isMet = readVersionNeed(text)
  return isMet === undefined ? undefined : version => isMet(versionText(version))
}
