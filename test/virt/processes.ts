import { readdirSync, readFileSync } from 'node:fs'

/** All processes of this machine with their command lines, arguments separated by zero bytes. */
export function processes(): { pid: number; commandLine: string }[] {
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .flatMap(name => {
      try {
        return [{ pid: Number(name), commandLine: readFileSync(`/proc/${name}/cmdline`, 'utf8') }]
      } catch {
        return []
      }
    })
}
