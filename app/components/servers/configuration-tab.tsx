'use client'

import { KeyRound } from 'lucide-react'
import Link from 'next/link'
import { FromCatalog } from '#app/components/catalog/from-catalog.tsx'
import { AccessCard } from '#app/components/servers/access-card.tsx'
import { SOURCE_LABELS } from '#app/components/servers/changes.ts'
import { SHARING_LABELS, sourceText, TRANSPORT_LABELS } from '#app/components/servers/source-text.ts'
import { AskedOfUsers } from '#app/components/servers/user-credential-rows.tsx'
import { Card, CardHeader } from '#app/components/ui/card.tsx'
import { Facts } from '#app/components/ui/facts.tsx'
import { formatBytes } from '#app/components/ui/format.ts'
import { RelativeTime } from '#app/components/ui/relative-time.tsx'
import type { RevisionView, ServerDetail } from '#contracts/servers.ts'
import type { UserCredential } from '#contracts/user-credentials.ts'

function portText(port: { env: string } | { arg: string } | { fixed: number }): string {
  if ('env' in port) return `given in the variable ${port.env}`
  return 'arg' in port ? `given after the argument ${port.arg}` : `always ${port.fixed}`
}

const mono = (text: string) => <code className="font-mono text-[0.8125rem] break-all">{text}</code>

const secretMark = (
  <span className="inline-flex items-center gap-2 text-muted">
    <KeyRound aria-hidden className="size-3.5" />
    <span aria-hidden>••••••••</span>
    <span className="sr-only">secret</span>
  </span>
)

/** Variables of a process, headers of what runs elsewhere. */
function Given({ revision, remote }: { revision: RevisionView; remote: boolean }) {
  const items = remote
    ? revision.headerNames.map((name) => [name, secretMark] as const)
    : revision.env.map(({ name, secret, value }) => [name, secret ? secretMark : mono(value ?? '')] as const)
  return (
    <Card>
      <CardHeader
        title={remote ? 'Headers' : 'Environment variables'}
        hint="Secrets are encrypted and never shown again."
      />
      {items.length > 0 ? (
        <Facts items={items} />
      ) : (
        <p className="px-4 py-4 text-sm text-muted sm:px-5">It was given none.</p>
      )}
    </Card>
  )
}

function Brought({ asked }: { asked: UserCredential[] }) {
  const words = asked[0]?.kind === 'env' ? 'Variables of their own processes' : 'Headers of their own calls'
  return (
    <Card aria-label="What each user brings">
      <CardHeader title="What each user brings" hint={`${words}, asked for when they connect an agent.`} />
      <div className="px-4 py-4 text-sm sm:px-5">
        <AskedOfUsers rows={asked} />
      </div>
    </Card>
  )
}

/** The latest revision, as it was asked for, and what the toolbox says of what runs. */
export function ConfigurationTab({ server }: { server: ServerDetail }) {
  const { revision, instance } = server
  const source = revision?.source
  const remote = source?.type === 'remote'
  const args = source && 'args' in source ? (source.args ?? []) : []
  const serving =
    instance && revision && instance.revisionNumber !== revision.number ? instance.revisionNumber : null
  return (
    <div className="grid gap-5">
      <Card>
        <CardHeader
          title="Source"
          hint={
            revision
              ? `Revision ${revision.number}${serving ? `, which is not live: revision ${serving} is what runs` : ''}`
              : undefined
          }
        />
        <Facts
          items={[
            ['From the catalog', revision?.catalog ? <FromCatalog key="catalog" server={server} /> : null],
            [source ? SOURCE_LABELS[source.type] : 'Source', source ? mono(sourceText(source)) : null],
            [
              source?.type === 'image' ? 'Pulled digest' : 'Installed version',
              instance?.resolvedVersion ? mono(instance.resolvedVersion) : null,
            ],
            ['Executable', source?.type === 'npm' && source.bin ? mono(source.bin) : null],
            [
              'Arguments',
              args.length > 0 ? (
                <ul className="grid gap-0.5">
                  {args.map((argument, index) => (
                    // Arguments may repeat and never move.
                    <li key={index}>{mono(argument)}</li>
                  ))}
                </ul>
              ) : null,
            ],
            ['Transport', revision ? TRANSPORT_LABELS[revision.transport] : null],
            [
              'Endpoint',
              revision?.http ? `${revision.http.path}, port ${portText(revision.http.port)}` : null,
            ],
            [
              'Answers as',
              server.serverInfo
                ? `${server.serverInfo.name} ${server.serverInfo.version ?? ''}, MCP ${server.serverInfo.protocolVersion}`
                : null,
            ],
            ['Created', <RelativeTime key="created" at={server.createdAt} />],
          ]}
        />
      </Card>
      <Card>
        <CardHeader title="Runs on" />
        <Facts
          items={[
            [
              'Toolbox',
              server.toolbox ? (
                <Link
                  href={`/admin/toolboxes/${server.toolbox.id}`}
                  className="rounded text-primary underline underline-offset-3"
                >
                  {server.toolbox.name}
                </Link>
              ) : (
                'None'
              ),
            ],
            ['Process', revision?.transport === 'stdio' ? SHARING_LABELS[revision.sharing] : null],
            ['Instance', instance ? mono(instance.id) : null],
            ['Restarts', instance ? String(instance.restarts) : null],
            ['Up since', instance?.startedAt ? <RelativeTime key="up" at={instance.startedAt} /> : null],
            ['Memory in use', instance?.memoryBytes ? formatBytes(instance.memoryBytes) : null],
            [
              'Data kept in',
              revision && revision.data.length > 0 ? (
                <ul key="data" className="grid gap-0.5">
                  {revision.data.map(({ mountPath }) => (
                    <li key={mountPath}>{mono(mountPath)}</li>
                  ))}
                </ul>
              ) : null,
            ],
            [
              'Rollout',
              revision
                ? revision.rollout === 'recreate'
                  ? 'One after the other, since two would write the same data'
                  : `Side by side; calls that were begun have ${revision.drainSeconds} s to end`
                : null,
            ],
            [
              'Limits',
              revision && !remote
                ? `${formatBytes(revision.limits.memoryMb * 1024 * 1024)} of memory, ${revision.limits.cpus} CPU, ${revision.limits.pids} processes`
                : null,
            ],
          ]}
        />
      </Card>
      {revision ? <Given revision={revision} remote={remote} /> : null}
      {revision && revision.userCredentials.length > 0 ? <Brought asked={revision.userCredentials} /> : null}
      <AccessCard server={server} />
    </div>
  )
}
