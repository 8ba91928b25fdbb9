import type { ApiCloud } from './harness.ts'

/** For tests of volumes: more of them than a project usually may have. */
export async function moreVolumes(cloud: ApiCloud): Promise<void> {
  const path = `/os-quota-sets/${cloud.member.projectId}`
  await cloud.cinder('PUT', path, { quota_set: { volumes: 100, snapshots: 100 } }, cloud.admin)
}
