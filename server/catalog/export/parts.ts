import type { CatalogArgument, CatalogEntry, CatalogRelease } from '#contracts/catalog.ts'

/** An entry with the release that is written. */
export interface Exported {
  entry: CatalogEntry
  /** With what each user brings among what is asked for at once. */
  release: CatalogRelease
  userCredentials: CatalogRelease['userCredentials']
}

/** Notes of one export, each said once. */
export type Say = (note: string) => void

/** How a client starts a release that is no remote server: command, arguments and the names of its variables. */
export function commandOf(
  { entry, release }: Exported,
  fill: (argument: CatalogArgument) => string,
  say: Say,
): { command: string; args: string[] } | null {
  const { source } = release
  if (release.transport !== 'stdio') {
    say(`${entry.slug}: clients start servers over stdio only, so it was left out.`)
    return null
  }
  const args = [...('args' in source ? (source.args ?? []) : []), ...argumentsOf(release, fill)]
  if (source.type === 'npm') {
    const spec = source.version ? `${source.package}@${source.version}` : source.package
    const start = source.bin === undefined ? ['-y', spec] : ['-y', '-p', spec, source.bin]
    return { command: 'npx', args: [...start, ...args] }
  }
  if (source.type !== 'image') return null
  const limits = [
    ...(release.limits.memoryMb === undefined ? [] : ['--memory', `${release.limits.memoryMb}m`]),
    ...(release.limits.cpus === undefined ? [] : ['--cpus', String(release.limits.cpus)]),
  ]
  const volumes = release.data.flatMap(({ mountPath }, at) => ['-v', `${entry.slug}-${at + 1}:${mountPath}`])
  const env = release.variables.flatMap(({ name }) => ['-e', name])
  return {
    command: 'docker',
    args: ['run', '-i', '--rm', ...limits, ...volumes, ...env, source.image, ...args],
  }
}

/** Arguments that have a value or need one; those that may be left out are. */
function argumentsOf(release: CatalogRelease, fill: (argument: CatalogArgument) => string): string[] {
  return release.arguments
    .filter((one) => one.required || one.default !== undefined)
    .flatMap((one) => {
      const value = one.default ?? fill(one)
      return one.flag === undefined ? [value] : [one.flag, value]
    })
}

/** What a format of clients has no place for. */
export function sayLost({ entry, release, userCredentials }: Exported, say: Say): void {
  if (userCredentials.length > 0)
    say(`${entry.slug}: what each user brings here is asked of the one user that a client has.`)
  if (release.source.type === 'npm' && release.data.length > 0)
    say(`${entry.slug}: the folders of its data are not in this format.`)
  if (release.source.type === 'npm' && Object.keys(release.limits).length > 0)
    say('Limits of memory and CPU are not in this format.')
  if (entry.releases.length > 1) say('Only the newest release of each entry is exported.')
}
