import { bool, choice, float, int, str } from '../option.ts'

/** Ours: docs/decisions/0035-instance-ha.md. */
export const instanceHaSection = {
  enabled: bool(false, 'Conductors evacuate the servers of hosts that are lost, where the policy says so.'),
  default_policy: choice(
    ['none', 'evacuate'],
    'none',
    'Policy of hosts in no aggregate whose metadata has instance_ha=none or instance_ha=evacuate.',
  ),
  fence_command: str(
    null,
    'Program and arguments, without a shell, that switch a host off; {host} is its name. It ends with 0 only when the ' +
      'host is off.',
  ),
  fence_timeout: int(60, 'Seconds that the command may take.', { min: 1 }),
  fence_margin: float(
    15,
    'Seconds of silence beyond service_down_time, and beyond the lease of a host, for clocks and for killing guests.',
    { min: 1 },
  ),
  retry_interval: int(60, 'Seconds until what failed is tried again; twice as long after each further failure.', {
    min: 1,
  }),
  max_evacuations: int(20, 'Servers that are being evacuated at a time.', { min: 1 }),
  self_fence: bool(
    false,
    'This host kills its guests when no conductor has answered it for lease_time, and says so to the conductors.',
  ),
  lease_time: float(60, 'Seconds; at least three times report_interval.', { min: 1 }),
} as const
