import type { GuestSpec } from '../../guest-spec.ts'
import type { DomainHost } from './host.ts'
import type { Loader } from './loader.ts'
import { architectureOf, canonicalMachine, isPciExpress, machineType } from './machine.ts'
import { flavorOrImage, imageProperty, isTrue } from './properties.ts'

export interface Firmware {
  readonly loader: Loader
  readonly isSecure: boolean
  readonly isStateless: boolean
}

export type FirmwareChoice =
  | { readonly kind: 'bios' }
  | { readonly kind: 'uefi'; readonly firmware: Firmware }
  | { readonly kind: 'none'; readonly wantsSecureBoot: boolean }

/** Only `*` and `?` occur in descriptors. */
const matches = (pattern: string, text: string): boolean =>
  new RegExp(
    `^${pattern
      .replaceAll(/[.+^${}()|[\]\\]/g, '\\$&')
      .replaceAll('*', '.*')
      .replaceAll('?', '.')}$`,
  ).test(text)

const fits = (loader: Loader, architecture: string, machine: string): boolean =>
  loader.targets.some(
    target => target.architecture === architecture && target.machines.some(pattern => matches(pattern, machine)),
  )

/** UEFI is asked for by the image; an Arm guest has nothing else. */
export const wantsUefi = (spec: GuestSpec, host: DomainHost): boolean => {
  const asked = imageProperty(spec, 'hw_firmware_type')
  return asked === 'uefi' || (asked === undefined && architectureOf(spec, host) === 'aarch64')
}

/** Secure boot needs system management mode, and that the q35. */
const canBeSecure = (spec: GuestSpec, host: DomainHost): boolean =>
  architectureOf(spec, host) !== 'x86_64' || isPciExpress(machineType(spec, host))

/**
 * The build that this guest boots. `optional` secure boot is on where the host has a build for it; a guest that asks for
 * none gets a build without.
 */
export function firmwareOf(spec: GuestSpec, host: DomainHost): FirmwareChoice {
  if (!wantsUefi(spec, host)) return { kind: 'bios' }
  const policy = flavorOrImage(spec, 'os:secure_boot', 'os_secure_boot')
  const isStateless = isTrue(imageProperty(spec, 'hw_firmware_stateless'), false)
  const architecture = architectureOf(spec, host)
  const machine = canonicalMachine(spec, host)
  const find = (isSecure: boolean) =>
    host.loaders.find(
      loader =>
        fits(loader, architecture, machine) &&
        loader.features.includes('secure-boot') === isSecure &&
        (isStateless || loader.nvramTemplate !== null),
    )
  const secure = policy === undefined || policy === 'disabled' || !canBeSecure(spec, host) ? undefined : find(true)
  if (secure !== undefined) return { kind: 'uefi', firmware: { loader: secure, isSecure: true, isStateless } }
  const plain = policy === 'required' ? undefined : find(false)
  if (plain !== undefined) return { kind: 'uefi', firmware: { loader: plain, isSecure: false, isStateless } }
  return { kind: 'none', wantsSecureBoot: policy === 'required' }
}

export const needsSmm = (spec: GuestSpec, host: DomainHost): boolean => {
  const choice = firmwareOf(spec, host)
  return choice.kind === 'uefi' && choice.firmware.loader.features.includes('requires-smm')
}

/** Whether some guest could boot so, for traits. */
export const canBoot = (host: Pick<DomainHost, 'loaders'>, feature?: string): boolean =>
  host.loaders.some(loader => feature === undefined || loader.features.includes(feature))
