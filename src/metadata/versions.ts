/** The dated versions of both trees, oldest first. */
export const ec2Versions = [
  '1.0',
  '2007-01-19',
  '2007-03-01',
  '2007-08-29',
  '2007-10-10',
  '2007-12-15',
  '2008-02-01',
  '2008-09-01',
  '2009-04-04',
] as const
export type Ec2Version = (typeof ec2Versions)[number]

export const openstackVersions = [
  '2012-08-10',
  '2013-04-04',
  '2013-10-17',
  '2015-10-15',
  '2016-06-30',
  '2016-10-06',
  '2017-02-22',
  '2018-08-27',
  '2020-10-14',
  '2025-04-04',
] as const
export type OpenstackVersion = (typeof openstackVersions)[number]

/** `latest` is the newest; anything else must be a version of the list. */
export function resolveVersion<V extends string>(versions: readonly V[], text: string | undefined): V | undefined {
  return text === 'latest' ? versions.at(-1) : versions.find(version => version === text)
}

/** Dates compare as text, and EC2's `1.0` sorts before all of them. */
export const isSince = (version: string, since: string): boolean => version >= since
