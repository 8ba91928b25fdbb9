#!/usr/bin/env node
/** Started by nova-compute and outliving it: kills the guests of this host when its lease is over. */
import { runGuard } from '#allinone/compose'

process.exit(await runGuard(process.argv.slice(2)))
