import { declareFault } from '#base'

export const CellSchedulerClassNotFound = declareFault(
  'ClassNotFound',
  'final',
  (p: { option: string; name: string; known: string }) =>
    `[cells] ${p.option}: Class ${p.name} could not be found. Known: ${p.known}.`,
)

/** The ones that the option's class paths name, by their last words; `all_…` stands for all. */
export function enabled<T extends { readonly name: string }>(
  option: string,
  classes: readonly string[],
  known: readonly T[],
): readonly T[] {
  const wanted = new Set<T>()
  for (const path of classes) {
    const name = path.split('.').at(-1) ?? ''
    const found = name.startsWith('all_') ? known : known.filter(one => one.name === name)
    if (found.length === 0)
      throw CellSchedulerClassNotFound({ option, name: path, known: known.map(one => one.name).join(', ') })
    for (const one of found) wanted.add(one)
  }
  return known.filter(one => wanted.has(one))
}
