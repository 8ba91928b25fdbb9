import { declareFault } from '#base'
import { type CallContext, contract, method } from '#bus'

/** What these tests talk about. */
export const echoContract = contract('echo', {
  say: method<{ text: string }, { text: string; by: string }>(),
  nothing: method<Record<string, never>, null>(),
  fail: method<{ how: 'fault' | 'error' }, null>(),
  context: method<Record<string, never>, CallContext>(),
  slow: method<{ n: number }, { n: number }>(),
  big: method<{ bytes: number }, { text: string }>(),
})

export const Broken = declareFault('Broken', 'conflict', (p: { what: string }) => `The ${p.what} is broken.`, 418)

/** Answers `slow` calls in the opposite order of their arrival, as soon as `count` of them wait. */
export function echoHandlers(by: string, count = 2) {
  const waiting: (() => void)[] = []
  return {
    say: async ({ text }: { text: string }) => ({ text, by }),
    nothing: async () => undefined as unknown as null,
    fail: async ({ how }: { how: 'fault' | 'error' }): Promise<null> => {
      if (how === 'fault') throw Broken({ what: 'wheel' }, { detail: 'rusty' })
      throw new TypeError('a bug')
    },
    context: async (_: unknown, context: CallContext) => context,
    slow: ({ n }: { n: number }) =>
      new Promise<{ n: number }>(resolve => {
        waiting.push(() => resolve({ n }))
        if (waiting.length >= count) for (const answer of waiting.splice(0).toReversed()) answer()
      }),
    big: async ({ bytes }: { bytes: number }) => ({ text: 'ü\n'.repeat(bytes / 3) }),
  }
}
