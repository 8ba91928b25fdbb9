/** As `tail -n`: an end of line at the end of the text does not begin another line. */
export function lastLines(text: string, count: number): string {
  if (count <= 0) return ''
  const body = text.endsWith('\n') ? text.slice(0, -1) : text
  const kept = body.split('\n').slice(-count).join('\n')
  return text.endsWith('\n') ? `${kept}\n` : kept
}
