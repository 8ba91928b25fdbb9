import assert from 'node:assert/strict'
import { renderXml, type XmlElement } from './element.ts'
import type { DomainHost, Family } from './host.ts'
import { type SampleOptions, sampleHost, sampleSpec } from './sample-spec.ts'
import type { DomainSettings } from './settings.ts'
import { defaultSettings } from './settings.ts'

/** A spec in, the whole fragment out, on one line. */
export const shows = (family: Family, options: SampleOptions, expected: string, host: Partial<DomainHost> = {}) => {
  const made = family(sampleSpec(options), sampleHost(host))
  const parts: readonly XmlElement[] = made === undefined ? [] : Array.isArray(made) ? made : [made as XmlElement]
  assert.equal(
    parts
      .map(part => renderXml(part))
      .join('')
      .replaceAll(/\n\s*/g, ''),
    expected,
  )
}

/** A host whose nova.conf says this. */
export const configured = (settings: Partial<DomainSettings>): Partial<DomainHost> => ({
  settings: { ...defaultSettings, ...settings },
})
