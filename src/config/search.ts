/** Where a program looks for its configuration when it is not told. */
import { existsSync } from 'node:fs'
import { dirname, isAbsolute, join } from 'node:path'

export interface SearchPlace {
  readonly home: string
  readonly etc?: string
}

/** `nova.conf` and `<prog>.conf` (and their `.conf.d` folders), each from the first of ~/.nova, ~, /etc/nova, /etc. */
export function defaultConfigFiles(prog: string, place: SearchPlace): { files: string[]; dirs: string[] } {
  const etc = place.etc ?? '/etc'
  const folders = [join(place.home, '.nova'), place.home, join(etc, 'nova'), etc]
  const first = (name: string) => folders.map(folder => join(folder, name)).find(path => existsSync(path))
  const all = (suffix: string) =>
    ['nova', prog].map(name => first(`${name}${suffix}`)).filter(path => path !== undefined)
  return { files: all('.conf'), dirs: all('.conf.d') }
}

/**
 * A file that the configuration names, such as policy.yaml: as it is when absolute, else beside the configuration files (the
 * last one first), else in the folders that are searched for them. When there is none yet: where it would be looked for
 * first, so that it is found when somebody makes it.
 */
export function findBeside(files: readonly string[], name: string, place: SearchPlace): string {
  if (isAbsolute(name)) return name
  const etc = place.etc ?? '/etc'
  const beside = files.map(file => dirname(file)).toReversed()
  const folders = [...beside, join(place.home, '.nova'), place.home, join(etc, 'nova'), etc]
  const paths = folders.map(folder => join(folder, name))
  return paths.find(path => existsSync(path)) ?? paths[beside.length === 0 ? 2 : 0] ?? name
}
