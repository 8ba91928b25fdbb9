#!/usr/bin/env node
/** Chooses hosts. */
import { openScheduler, runService } from '#allinone/compose'

process.exit(await runService('nova-scheduler', process.argv.slice(2), openScheduler))
