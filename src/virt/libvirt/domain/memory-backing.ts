import type { GuestSpec } from '../../guest-spec.ts'
import { realtimeMemory } from './cpu-pins.ts'
import { element, type XmlElement } from './element.ts'
import type { DomainHost, Family } from './host.ts'
import { memoryEncryptionOf } from './memory-encryption.ts'
import { hugePages } from './numa.ts'
import { flavorOrImage, isTrue } from './properties.ts'

/** What is behind the guest's memory. Each part may ask for something; equal wishes become one element. */
type Part = (spec: GuestSpec, host: DomainHost) => readonly XmlElement[]

/** Encrypted memory cannot be put elsewhere: its place is in the encryption. */
const locked: Part = spec =>
  isTrue(flavorOrImage(spec, 'hw:locked_memory', 'hw_locked_memory'), false) || memoryEncryptionOf(spec) !== undefined
    ? [element('locked')]
    : []

const fileBacked: Part = (_spec, host) =>
  host.settings.isMemoryFileBacked
    ? [
        element('source', { type: 'file' }),
        element('access', { mode: 'shared' }),
        element('allocation', { mode: 'immediate' }),
        element('discard'),
      ]
    : []

/** Whoever serves a folder to the guest reads and writes in its memory. */
const served: Part = ({ shares = [] }) =>
  shares.length === 0 ? [] : [element('source', { type: 'memfd' }), element('access', { mode: 'shared' })]

const parts: readonly Part[] = [hugePages, locked, realtimeMemory, fileBacked, served]

export const memoryBacking: Family = (spec, host) => {
  const byName = new Map<string, XmlElement>()
  for (const part of parts)
    for (const child of part(spec, host)) if (!byName.has(child.name)) byName.set(child.name, child)
  return byName.size === 0 ? undefined : element('memoryBacking', {}, [...byName.values()])
}
