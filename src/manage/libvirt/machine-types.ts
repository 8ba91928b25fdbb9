import { declareFault } from '#base'

export const UnsupportedMachineType = declareFault(
  'UnsupportedMachineType',
  'refused',
  (p: { type: string }) => `Machine type ${p.type} is not supported.`,
)

export const InvalidMachineTypeUpdate = declareFault(
  'InvalidMachineTypeUpdate',
  'refused',
  (p: { from: string; to: string }) =>
    `Cannot update machine type ${p.from} to ${p.to}. Updates are only allowed between versions of the same machine type.`,
)

/** Names that may be set: families by alias, by version, and by the versions of RHEL. */
const families: readonly RegExp[] = [
  /^pc$/,
  /^q35$/,
  /^virt$/,
  /^s390-ccw-virtio$/,
  /^pc-\d+\.\d+/,
  /^pc-i440fx-\d+\.\d+/,
  /^pc-q35-\d+\.\d+/,
  /^virt-\d+\.\d+/,
  /^s390-ccw-virtio-\d+\.\d+/,
  /^pc-i440fx-rhel\d\.\d+\.\d+/,
  /^pc-q35-rhel\d\.\d+\.\d+/,
]

const versionOf = (type: string): readonly number[] =>
  (/(\d+(?:\.\d+){1,2})$/.exec(type)?.[1] ?? '').split('.').map(Number)

function isOlder(type: string, than: string): boolean {
  const [left, right] = [versionOf(type), versionOf(than)]
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0)
    if (difference !== 0) return difference < 0
  }
  return false
}

/** Throws for a type that guests are not known to run on, and for one that a guest of `from` would not bear. */
export function checkMachineType(to: string, from: string | undefined): void {
  if (!families.some(family => family.test(to))) throw UnsupportedMachineType({ type: to })
  if (from === undefined) return
  const isOther = families.some(family => family.test(from) && !family.test(to))
  if (isOther || isOlder(to, from)) throw InvalidMachineTypeUpdate({ from, to })
}
