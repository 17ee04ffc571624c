import { SOURCE_LABELS } from '#app/components/servers/changes.ts'
import { sourceText, TRANSPORT_LABELS } from '#app/components/servers/source-text.ts'
import { Badge } from '#app/components/ui/badge.tsx'
import { Facts } from '#app/components/ui/facts.tsx'
import type { CatalogRelease } from '#contracts/catalog.ts'

interface Asked {
  name: string
  title?: string | undefined
  description?: string | undefined
  required: boolean
  secret?: boolean
  default?: string | undefined
  choices?: string[] | undefined
}

function AskedList({ title, items }: { title: string; items: Asked[] }) {
  if (items.length === 0) return null
  return (
    <section className="border-t border-line px-4 py-4 sm:px-5">
      <h3 className="mb-2 text-sm font-semibold">{title}</h3>
      <ul className="grid gap-3">
        {items.map((item) => (
          <li key={item.name} className="grid gap-0.5 text-sm">
            <p className="flex flex-wrap items-center gap-2">
              <code className="font-mono text-[0.8125rem] font-medium break-all">{item.name}</code>
              {item.title ? <span className="text-muted">{item.title}</span> : null}
              {item.required ? <Badge tone="info">Required</Badge> : null}
              {item.secret ? <Badge tone="neutral">Secret</Badge> : null}
            </p>
            {item.description ? <p className="text-[0.8125rem] text-muted">{item.description}</p> : null}
            {item.default === undefined ? null : (
              <p className="text-[0.8125rem] text-muted">
                Default: <code className="font-mono break-all">{item.default}</code>
              </p>
            )}
            {item.choices ? (
              <p className="text-[0.8125rem] text-muted">One of {item.choices.join(', ')}</p>
            ) : null}
          </li>
        ))}
      </ul>
    </section>
  )
}

function endpointText({ http }: CatalogRelease): string | null {
  if (!http) return null
  const { port } = http
  const where =
    'env' in port ? `port in ${port.env}` : 'arg' in port ? `port after ${port.arg}` : `port ${port.fixed}`
  return `${http.path}, ${where}`
}

function limitsText({ limits }: CatalogRelease): string | null {
  const parts = [
    limits.memoryMb === undefined ? null : `${limits.memoryMb} MiB`,
    limits.cpus === undefined ? null : `${limits.cpus} CPU`,
    limits.pids === undefined ? null : `${limits.pids} processes`,
  ].filter(Boolean)
  return parts.length > 0 ? parts.join(', ') : null
}

/** What a release runs and what it asks for. */
export function ReleaseDetail({ release }: { release: CatalogRelease }) {
  const { source } = release
  const args = 'args' in source ? (source.args ?? []) : []
  const mono = (text: string) => <code className="font-mono text-[0.8125rem] break-all">{text}</code>
  return (
    <>
      <Facts
        items={[
          [SOURCE_LABELS[source.type], mono(sourceText(source))],
          ['Executable', source.type === 'npm' && source.bin !== undefined ? mono(source.bin) : null],
          ['Arguments', args.length > 0 ? mono(args.join(' ')) : null],
          ['Transport', TRANSPORT_LABELS[release.transport]],
          ['Endpoint', endpointText(release)],
          ['Limits', limitsText(release)],
          [
            'Data',
            release.data.length > 0 ? mono(release.data.map(({ mountPath }) => mountPath).join(', ')) : null,
          ],
        ]}
      />
      <AskedList title="Variables" items={release.variables} />
      <AskedList title="Headers" items={release.headers} />
      <AskedList
        title="Arguments asked for"
        items={release.arguments.map(({ key, ...one }) => ({ ...one, name: one.flag ?? key }))}
      />
      <AskedList title="What each user brings" items={release.userCredentials} />
      {release.variables.length +
        release.headers.length +
        release.arguments.length +
        release.userCredentials.length ===
      0 ? (
        <p className="border-t border-line px-4 py-4 text-sm text-muted sm:px-5">It asks for nothing.</p>
      ) : null}
    </>
  )
}
