import { element } from './element.ts'
import type { Family } from './host.ts'
import { architectureOf, isByTcg, isX86 } from './machine.ts'
import { imageProperty, isTrue } from './properties.ts'

export const clock: Family = (spec, host) => {
  const isWindows = imageProperty(spec, 'os_type') === 'windows'
  const offset = isWindows ? 'localtime' : 'utc'
  // The timers are of the PC; elsewhere QEMU refuses them.
  if (!isX86(architectureOf(spec, host))) return element('clock', { offset })
  const hasHpet = isTrue(imageProperty(spec, 'hw_time_hpet'), false)
  return element(
    'clock',
    { offset },
    element('timer', { name: 'pit', tickpolicy: 'delay' }),
    element('timer', { name: 'rtc', tickpolicy: 'catchup' }),
    element('timer', { name: 'hpet', present: hasHpet ? 'yes' : 'no' }),
    isWindows && !isByTcg(spec, host) ? element('timer', { name: 'hypervclock', present: 'yes' }) : undefined,
  )
}
