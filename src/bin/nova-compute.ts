#!/usr/bin/env node
/** The guests of one host. */
import { openCompute, runService } from '#allinone/compose'

process.exit(await runService('nova-compute', process.argv.slice(2), openCompute))
