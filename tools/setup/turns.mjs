/**
 * Programs that run at the same time and print to one place: the one that began first speaks, and what the others say is
 * kept until it is their turn.
 *
 * @param {(text: string | Buffer) => void} write
 * @returns {() => { say(text: string | Buffer): void, end(): void }} called by each program that begins
 */
export function createTurns(write) {
  const speakers = []
  const go = () => {
    for (let first = speakers[0]; first !== undefined; first = speakers[0]) {
      for (const text of first.kept.splice(0)) write(text)
      if (!first.isDone) return
      speakers.shift()
    }
  }
  return () => {
    const speaker = { kept: [], isDone: false }
    speakers.push(speaker)
    return {
      say(text) {
        speaker.kept.push(text)
        go()
      },
      end() {
        speaker.isDone = true
        go()
      },
    }
  }
}
