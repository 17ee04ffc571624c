import { ChangeList } from '#app/components/servers/change-list.tsx'
import type { Deployment } from '#contracts/deployments.ts'

const LABELS: Readonly<Record<string, string>> = {
  'source.package': 'Package',
  'source.version': 'Version',
  'source.bin': 'Executable',
  'source.image': 'Image',
  'source.url': 'URL',
  transport: 'Transport',
  'limits.memoryMb': 'Memory (MiB)',
  'limits.cpus': 'CPUs',
  'limits.pids': 'Processes',
  'http.path': 'Path',
  'http.port.env': 'Port variable',
  'http.port.arg': 'Port argument',
  'http.port.fixed': 'Port',
  drainSeconds: 'Drain time (s)',
  sharing: 'Who shares its process',
}

/** The path of a value as people call it; what has no name of its own is shown as it is. */
function labelOf(name: string): string {
  const [first = '', ...rest] = name.split('.')
  if (first === 'env' || first === 'headers' || first === 'userCredentials') return rest.join('.')
  const argument = /^source\.args\.(\d+)$/.exec(name)?.[1]
  return LABELS[name] ?? (argument === undefined ? name : `Argument ${Number(argument) + 1}`)
}

/** What was changed since the revision that went live last, which is where a cause may be found. */
export function FailureChanges({ deployment: { changes } }: { deployment: Deployment }) {
  if (!changes) return null
  const shown = (value: string | null, secret: boolean, word: string) =>
    value === null || !secret ? value : word
  return (
    <section className="grid gap-2">
      <h3 className="text-[0.8125rem] font-medium">
        {changes.changes.length === 0
          ? `Its configuration is that of revision ${changes.against}, which went live.`
          : `What differs from revision ${changes.against}, which went live`}
      </h3>
      {changes.changes.length === 0 ? null : (
        <ChangeList
          changes={changes.changes.map(({ name, before, after, secret }) => ({
            label: labelOf(name),
            before: shown(before, secret, 'a secret'),
            after: shown(after, secret, before === null ? 'a secret' : 'another secret'),
            deploys: true,
          }))}
        />
      )}
    </section>
  )
}
