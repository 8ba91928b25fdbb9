/** `0-3,8`: as libvirt reads and writes sets of CPUs and of nodes. */
export function ranges(numbers: Iterable<number>): string {
  const sorted = [...new Set(numbers)].sort((a, b) => a - b)
  const parts: string[] = []
  for (let i = 0; i < sorted.length; ) {
    let end = i
    while (sorted[end + 1] === (sorted[end] ?? 0) + 1) end++
    parts.push(end === i ? `${sorted[i]}` : `${sorted[i]}-${sorted[end]}`)
    i = end + 1
  }
  return parts.join(',')
}
