'use client'

import { Pencil } from 'lucide-react'
import type { ReactNode } from 'react'
import { SOURCE_LABELS, sharingOf, VISIBILITIES } from '#app/components/servers/changes.ts'
import { hasEnv, linesOf } from '#app/components/servers/deploy-input.ts'
import { AUTOMATIC, askedKind, type DeployValues, runsOf } from '#app/components/servers/deploy-values.ts'
import { SHARING_LABELS, TRANSPORT_LABELS } from '#app/components/servers/source-text.ts'
import { askedOf, mostRoom } from '#app/components/servers/toolbox-fit.ts'
import { AskedOfUsers } from '#app/components/servers/user-credential-rows.tsx'
import { isFilled } from '#app/components/servers/user-credential-values.ts'
import type { StepId } from '#app/components/servers/wizard/steps.ts'
import { Button } from '#app/components/ui/button.tsx'
import { Facts } from '#app/components/ui/facts.tsx'
import { plural } from '#app/components/ui/format.ts'
import { trpc } from '#app/trpc/client.ts'

const mono = (text: string) => (
  <code className="font-mono text-[0.8125rem] break-all whitespace-pre-wrap">{text}</code>
)

interface Given {
  name: string
  value: string
  secret?: boolean
}

/** Names and values, secrets masked. */
function GivenList({ rows }: { rows: Given[] }) {
  return (
    <ul className="grid gap-0.5">
      {rows.map((row) => (
        <li key={row.name} className="flex flex-wrap gap-x-2">
          {mono(row.name)}
          {(row.secret ?? true) ? (
            <span className="text-muted">
              <span aria-hidden>••••••••</span>
              <span className="sr-only">secret</span>
            </span>
          ) : (
            mono(row.value || '(empty)')
          )}
        </li>
      ))}
    </ul>
  )
}

function Part({
  title,
  step,
  onEdit,
  items,
}: {
  title: string
  step: StepId
  onEdit: (step: StepId) => void
  items: [string, ReactNode][]
}) {
  return (
    <section aria-label={title} className="rounded-lg border border-line">
      <header className="flex items-center justify-between gap-3 border-b border-line py-1.5 pr-2 pl-4 sm:pl-5">
        <h3 className="text-sm font-semibold">{title}</h3>
        <Button
          size="sm"
          variant="quiet"
          aria-label={`Edit ${title.toLowerCase()}`}
          onClick={() => onEdit(step)}
        >
          <Pencil aria-hidden />
          Edit
        </Button>
      </header>
      <Facts items={items} />
    </section>
  )
}

function sourceItems(values: DeployValues): [string, ReactNode][] {
  const origin = {
    catalog: [values.catalogSlug, values.catalogVersion].filter(Boolean).join(' '),
    npm: [values.package, values.version].filter(Boolean).join('@'),
    image: values.image,
    remote: values.url,
    config: '',
  }[values.sourceType]
  return [
    [SOURCE_LABELS[values.sourceType], mono(origin.trim())],
    ['Executable', values.sourceType === 'npm' && values.bin ? mono(values.bin) : null],
  ]
}

function configurationItems(values: DeployValues): [string, ReactNode][] {
  const here = hasEnv(values)
  const env = here ? values.env.filter((row) => row.name.trim() && (row.value || !row.asked)) : []
  const headers = here ? [] : values.headers.filter((row) => row.name.trim() && (row.value || !row.asked))
  const answers = values.answers.filter((row) => row.value.trim())
  const args = values.sourceType === 'npm' || values.sourceType === 'image' ? linesOf(values.args) : []
  const data = here ? linesOf(values.data) : []
  const asked = values.userCredentials.filter(isFilled)
  return [
    ['Name', mono(values.name)],
    ['Description', values.description.trim() || null],
    ['Arguments', args.length > 0 ? mono(args.join('\n')) : null],
    [
      'Answers',
      answers.length > 0 ? (
        <GivenList
          rows={answers.map(({ asked, value }) => ({ name: asked.title ?? asked.key, value, secret: false }))}
        />
      ) : null,
    ],
    ['Transport', values.sourceType === 'catalog' ? null : TRANSPORT_LABELS[values.transport]],
    ['Variables', env.length > 0 ? <GivenList rows={env} /> : null],
    ['Headers', headers.length > 0 ? <GivenList rows={headers} /> : null],
    ['Each user brings', asked.length > 0 ? <AskedOfUsers key="asked" rows={asked} /> : null],
    ['Process', askedKind(values) === 'env' ? SHARING_LABELS[sharingOf(values)] : null],
    ['Data kept in', data.length > 0 ? mono(data.join('\n')) : null],
    [
      'Limits',
      runsOf(values) === 'remote'
        ? null
        : `${values.memoryMb || 512} MiB of memory, ${values.cpus || 1} CPU, ${values.pids || 256} processes`,
    ],
    [
      'Who may use it',
      values.visibility === 'restricted'
        ? values.grants.length > 0
          ? plural(values.grants.length, 'user')
          : 'Only admins, until it is granted to somebody'
        : VISIBILITIES.everyone,
    ],
  ]
}

/** Everything that is going to be deployed, once more in one view. */
export function ReviewStep({ values, onEdit }: { values: DeployValues; onEdit: (step: StepId) => void }) {
  const toolboxes = trpc.toolboxes.list.useQuery()
  const items = toolboxes.data?.items ?? []
  const best = mostRoom(items, askedOf(values))
  const chosen = items.find((toolbox) => toolbox.id === values.toolboxId)?.name
  return (
    <>
      <Part title="Source" step="source" onEdit={onEdit} items={sourceItems(values)} />
      <Part title="Configuration" step="configuration" onEdit={onEdit} items={configurationItems(values)} />
      <Part
        title="Toolbox"
        step="toolbox"
        onEdit={onEdit}
        items={[
          [
            'Runs on',
            values.toolboxId === AUTOMATIC
              ? `Automatic${best ? `: now that is ${best.name}` : ''}`
              : (chosen ?? 'The toolbox that was chosen is gone'),
          ],
        ]}
      />
      <p className="text-sm text-muted">
        It goes live once it has answered a real MCP handshake; until then nobody can use it.
      </p>
    </>
  )
}
