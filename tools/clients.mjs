// `npm run test:clients`: the functional suites of Debian's OpenStack clients, unmodified, against this cloud.
import { runSuiteCommand } from './clients/hand-over.mjs'

await runSuiteCommand('test:clients')
