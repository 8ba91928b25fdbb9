import type { Output } from './kit/command.ts'
import type { Choice } from './kit/parser.ts'
import type { ManageWorld } from './manage-world.ts'

interface Place {
  readonly world: ManageWorld
  write(text: string): void
  isInterrupted(): boolean
  rest(ms: number): Promise<void>
}

/** Runs a command and prints what it says, or with --json one document when it has ended. Returns its exit code. */
export async function runChoice({ command, given, asJson }: Choice, place: Place): Promise<number> {
  const said: string[] = []
  let isInLine = false
  const out: Output = {
    say(line) {
      said.push(line)
      if (!asJson) place.write(`${isInLine ? '\n' : ''}${line}\n`)
      isInLine = false
    },
    tick(part) {
      if (!asJson) place.write(part)
      isInLine = true
    },
    isInterrupted: () => place.isInterrupted(),
    rest: ms => place.rest(ms),
  }
  const answer = await command.run(given, { world: place.world, out })
  const { exitCode, text, value } = typeof answer === 'number' ? { exitCode: answer } : answer
  if (text !== undefined) out.say(text)
  if (asJson) place.write(`${JSON.stringify(value ?? { exit_code: exitCode, messages: said }, null, 2)}\n`)
  return exitCode
}
