#!/usr/bin/env node
/** Commands for the operator of the cloud. */
import { runManage } from '#allinone/compose'

process.exitCode = await runManage(process.argv.slice(2))
