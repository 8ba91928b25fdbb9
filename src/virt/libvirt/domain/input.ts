import type { GuestSpec } from '../../guest-spec.ts'
import { hasDisplay } from './display.ts'
import { element } from './element.ts'
import type { DomainHost, Family } from './host.ts'
import { architectureOf } from './machine.ts'
import { flavorOrImage, imageProperty } from './properties.ts'

/** The bus of the guest's tablet: a display needs a pointer that says where it is. Undefined: PS/2 is all there is. */
export function pointerBus(spec: GuestSpec, host: DomainHost): string | undefined {
  const bus = imageProperty(spec, 'hw_input_bus')
  if (bus !== undefined) return bus
  const wantsTablet = imageProperty(spec, 'hw_pointer_model') !== undefined
  const hasUsb = flavorOrImage(spec, 'hw:usb_model', 'hw_usb_model') !== 'none'
  if (!hasUsb || (!wantsTablet && host.settings.pointerModel !== 'usbtablet')) return undefined
  // The agent of a SPICE display moves the pointer by itself.
  const { spice, vncListen } = host.settings
  return spice?.hasAgent === true && vncListen === null ? undefined : 'usb'
}

const keyboardBus = (spec: GuestSpec, host: DomainHost): string | undefined =>
  imageProperty(spec, 'hw_input_bus') ?? (architectureOf(spec, host) === 'aarch64' ? 'usb' : undefined)

export const input: Family = (spec, host) => {
  if (!hasDisplay(host)) return undefined
  const device = (type: string, bus: string | undefined) => (bus === undefined ? [] : [element('input', { type, bus })])
  return [...device('tablet', pointerBus(spec, host)), ...device('keyboard', keyboardBus(spec, host))]
}

export const needsUsb = (spec: GuestSpec, host: DomainHost): boolean =>
  hasDisplay(host) && (pointerBus(spec, host) === 'usb' || keyboardBus(spec, host) === 'usb')
