/** A set-up failure that the user can act on: one clear line, details below it, and the exit code. */
export class SetupFault extends Error {
  /**
   * @param {string} message
   * @param {{ details?: string, exitCode?: number, cause?: unknown }} [options]
   */
  constructor(message, options = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'SetupFault'
    this.details = options.details ?? ''
    this.exitCode = options.exitCode ?? 1
  }
}

/** Somebody pressed Ctrl-C, or sent SIGTERM, during the set-up. */
export class Interrupted extends SetupFault {
  /** @param {string} signal */
  constructor(signal) {
    super(`stopped by ${signal}`, { exitCode: signal === 'SIGINT' ? 130 : 143 })
  }
}

/**
 * Runs a main function, prints what it refuses and exits with its code.
 * @param {() => Promise<number>} main
 */
export async function exitWith(main) {
  try {
    process.exitCode = await main()
  } catch (error) {
    if (!(error instanceof SetupFault)) throw error
    if (error.details !== '') process.stderr.write(`${error.details.trimEnd()}\n`)
    process.stderr.write(`${error.message}\n`)
    process.exitCode = error.exitCode
  }
  // Nothing may keep the terminal once the answer is out.
  process.exit()
}
