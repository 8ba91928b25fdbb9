#!/usr/bin/env node
/** Carries out what was accepted, and answers the hosts. */
import { openConductor, runService } from '#allinone/compose'

process.exit(await runService('nova-conductor', process.argv.slice(2), openConductor))
