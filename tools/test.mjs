// `npm test`: the same set-up as `npm start` plus the tools of the tests, then every suite in order.
import { exitWith } from './setup/fault.mjs'
import { createProgress } from './setup/progress.mjs'
import { setUp } from './setup/setup.mjs'
import { chooseSuites, findSuites, testGroups, testHelp } from './setup/suites.mjs'
import { runSuites } from './setup/test-run.mjs'

await exitWith(async () => {
  const names = process.argv.slice(2)
  if (names.includes('--help') || names.includes('-h')) {
    process.stdout.write(testHelp(findSuites()))
    return 0
  }
  const suites = chooseSuites(findSuites(), names)
  await setUp({ groups: testGroups(suites), progress: createProgress() })
  return runSuites(suites)
})
