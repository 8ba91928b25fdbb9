import { element } from './element.ts'
import type { Family } from './host.ts'
import { imageProperty, isTrue } from './properties.ts'

export const clock: Family = spec => {
  const hasHpet = isTrue(imageProperty(spec, 'hw_time_hpet'), false)
  return element(
    'clock',
    { offset: imageProperty(spec, 'os_type') === 'windows' ? 'localtime' : 'utc' },
    element('timer', { name: 'pit', tickpolicy: 'delay' }),
    element('timer', { name: 'rtc', tickpolicy: 'catchup' }),
    element('timer', { name: 'hpet', present: hasHpet ? 'yes' : 'no' }),
  )
}
