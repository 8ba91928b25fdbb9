import { readFileSync } from 'node:fs'

/** Linux counts CPU time in hundredths of a second for every program since 2.6. */
const tickMs = 10

/** CPU time that a process with all its threads has used, in milliseconds. */
export function cpuMsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) * tickMs
}

export function residentMiBOf(pid: number): number {
  const match = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
  return Number(match?.[1]) / 1024
}

/** A process and all it has started, as far as they still run. */
export function childrenOf(pid: number): readonly number[] {
  try {
    const own = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number)
    return own.flatMap(child => [child, ...childrenOf(child)])
  } catch {
    return []
  }
}

export const nameOf = (pid: number): string => readFileSync(`/proc/${pid}/comm`, 'utf8').trim()
