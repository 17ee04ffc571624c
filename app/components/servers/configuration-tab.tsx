'use client'

import { KeyRound } from 'lucide-react'
import Link from 'next/link'
import { AccessCard } from '#app/components/servers/access-card.tsx'
import { sourceText, TRANSPORT_LABELS } from '#app/components/servers/source-text.ts'
import { Card, CardHeader } from '#app/components/ui/card.tsx'
import { Facts } from '#app/components/ui/facts.tsx'
import { formatBytes } from '#app/components/ui/format.ts'
import { RelativeTime } from '#app/components/ui/relative-time.tsx'
import type { ServerDetail } from '#contracts/servers.ts'

function portText(port: { env: string } | { arg: string } | { fixed: number }): string {
  if ('env' in port) return `given in the variable ${port.env}`
  return 'arg' in port ? `given after the argument ${port.arg}` : `always ${port.fixed}`
}

const mono = (text: string) => <code className="font-mono text-[0.8125rem] break-all">{text}</code>

/** The latest revision, as it was asked for, and what the toolbox says of what runs. */
export function ConfigurationTab({ server }: { server: ServerDetail }) {
  const { revision, instance } = server
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
            ['Package', revision ? mono(sourceText(revision.source)) : null],
            ['Installed version', instance?.resolvedVersion ? mono(instance.resolvedVersion) : null],
            [
              'Executable',
              revision?.source.type === 'npm' && revision.source.bin ? mono(revision.source.bin) : null,
            ],
            [
              'Arguments',
              revision?.source.type === 'npm' && revision.source.args?.length ? (
                <ul className="grid gap-0.5">
                  {revision.source.args.map((argument, index) => (
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
            ['Instance', instance ? mono(instance.id) : null],
            ['Restarts', instance ? String(instance.restarts) : null],
            ['Up since', instance?.startedAt ? <RelativeTime key="up" at={instance.startedAt} /> : null],
            ['Memory in use', instance?.memoryBytes ? formatBytes(instance.memoryBytes) : null],
            [
              'Limits',
              revision
                ? `${formatBytes(revision.limits.memoryMb * 1024 * 1024)} of memory, ${revision.limits.cpus} CPU, ${revision.limits.pids} processes`
                : null,
            ],
          ]}
        />
      </Card>
      <Card>
        <CardHeader title="Environment variables" hint="Secrets are encrypted and never shown again." />
        {revision && revision.env.length > 0 ? (
          <Facts
            items={revision.env.map((variable) => [
              variable.name,
              variable.secret ? (
                <span key={variable.name} className="inline-flex items-center gap-2 text-muted">
                  <KeyRound aria-hidden className="size-3.5" />
                  <span aria-hidden>••••••••</span>
                  <span className="sr-only">secret</span>
                </span>
              ) : (
                mono(variable.value ?? '')
              ),
            ])}
          />
        ) : (
          <p className="px-4 py-4 text-sm text-muted sm:px-5">It was given none.</p>
        )}
      </Card>
      <AccessCard server={server} />
    </div>
  )
}
