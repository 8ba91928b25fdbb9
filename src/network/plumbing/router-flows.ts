import type { Commands } from './commands.ts'
import type { DesiredRouter } from './desired-model.ts'

/**
 * Connections of a router that its rules would no longer translate as they are. The kernel translates a connection as it
 * did its first packet, so one to a floating address would go on to whoever had that before. Looked up in the kernel and
 * not in what was done last, so that a change is followed also by a process that did not see it.
 */

interface Flow {
  readonly source: string
  readonly target: string
  readonly replySource: string
  readonly replyTarget: string
}

export function readFlows(text: string): readonly Flow[] {
  return text.split('\n').flatMap(line => {
    const [source, target, replySource, replyTarget] = [...line.matchAll(/ (?:src|dst)=(\S+)/g)].map(found => found[1])
    return source === undefined || target === undefined || replySource === undefined || replyTarget === undefined
      ? []
      : [{ source, target, replySource, replyTarget }]
  })
}

/** What a connection was given when there was no floating address yet stays good. */
export function isStale({ floating, snatAddress, names, gateways }: DesiredRouter, flow: Flow): boolean {
  const { source, target, replySource, replyTarget } = flow
  if (names.some(({ address }) => address === target)) return false
  const fixed = floating.find(ip => ip.address === target)?.fixedAddress
  if ((fixed ?? target) !== replySource) return true
  if (replyTarget === source || gateways.includes(source)) return false
  return replyTarget !== snatAddress && !floating.some(ip => ip.fixedAddress === source && ip.address === replyTarget)
}

export async function forgetStaleFlows(commands: Commands, router: DesiredRouter): Promise<void> {
  const flows = readFlows((await commands.ask('conntrack', ['-L', '-f', 'ipv4'])) ?? '')
  const stale = new Map(flows.filter(flow => isStale(router, flow)).map(flow => [Object.values(flow).join(), flow]))
  for (const { source, target, replySource, replyTarget } of stale.values()) {
    const original = ['--orig-src', source, '--orig-dst', target]
    const reply = ['--reply-src', replySource, '--reply-dst', replyTarget]
    await commands.ask('conntrack', ['-D', '-f', 'ipv4', ...original, ...reply])
  }
}
