import { bool, choice, int, list, str } from '../option.ts'

const limit = (preset: number, what: string) => int(preset, `${what}; -1 is unlimited.`, { min: -1 })

export const quotaSection = {
  instances: limit(10, 'Servers per project'),
  cores: limit(20, 'Virtual CPUs per project'),
  ram: limit(51_200, 'MiB of memory per project'),
  metadata_items: limit(128, 'Metadata items per server'),
  injected_files: limit(5, 'Injected files per server'),
  injected_file_content_bytes: limit(10_240, 'Bytes of an injected file'),
  injected_file_path_length: limit(255, 'Length of the path of an injected file'),
  key_pairs: limit(100, 'Key pairs per user'),
  server_groups: limit(10, 'Server groups per project'),
  server_group_members: limit(10, 'Servers per server group'),
  driver: str('nova.quota.DbQuotaDriver', 'Also nova.quota.NoopQuotaDriver and nova.quota.UnifiedLimitsDriver.'),
  recheck_quota: bool(true, 'Check again after the server was made.'),
  count_usage_from_placement: bool(false, 'Count cores and memory in placement.'),
  unified_limits_resource_strategy: choice(['require', 'ignore'], 'require', 'Resources without a registered limit.'),
  unified_limits_resource_list: list(['servers'], 'Resources that strategy is about.'),
} as const
