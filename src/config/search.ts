/** Where a program looks for its configuration when it is not told. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'

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
