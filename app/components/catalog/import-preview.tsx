'use client'

import { CircleSlash } from 'lucide-react'
import { useId } from 'react'
import { FORMAT_LABELS } from '#app/components/catalog/formats.ts'
import { sourceText } from '#app/components/servers/source-text.ts'
import { Badge } from '#app/components/ui/badge.tsx'
import { Field } from '#app/components/ui/field.tsx'
import { plural } from '#app/components/ui/format.ts'
import { Input } from '#app/components/ui/input.tsx'
import type { ImportAnswer, ImportItem } from '#contracts/catalog-transfer.ts'
import { Name } from '#contracts/names.ts'

export interface ImportChoice {
  key: string
  slug: string
  /** Names of what each user brings. */
  usersBring: string[]
}

const ACTIONS = {
  create: 'New entry',
  release: 'New version',
  replace: 'Replaces this version',
  refuse: 'Cannot be run',
} as const

/** What a form of it would ask for. */
function askedText(item: ImportItem): string | null {
  if (!item.entry) return null
  const { variables, headers, arguments: args } = item.entry.release
  const parts = [
    variables.length > 0 ? plural(variables.length, 'variable') : null,
    headers.length > 0 ? plural(headers.length, 'header') : null,
    args.length > 0 ? plural(args.length, 'argument') : null,
  ].filter(Boolean)
  const secrets = [...variables, ...headers].filter(({ secret }) => secret).length
  if (parts.length === 0) return 'Asks for nothing'
  return `Asks for ${parts.join(', ')}${secrets > 0 ? `, ${secrets} of them secret` : ''}`
}

function Notes({ notes }: { notes: readonly string[] }) {
  if (notes.length === 0) return null
  return (
    <ul className="grid gap-0.5 text-[0.8125rem] text-muted">
      {notes.map((note) => (
        <li key={note}>{note}</li>
      ))}
    </ul>
  )
}

function Refused({ item }: { item: ImportItem }) {
  return (
    <li className="flex gap-3 px-4 py-3 text-sm">
      <CircleSlash aria-hidden className="mt-0.5 size-4 shrink-0 text-warn" />
      <div className="min-w-0">
        <p className="font-medium break-words">{item.key}</p>
        <p className="break-words text-muted">{item.refusal}</p>
      </div>
    </li>
  )
}

function Offered({
  item,
  choice,
  onToggle,
  onSlug,
  onUsersBring,
}: {
  item: ImportItem
  choice: ImportChoice | undefined
  onToggle: () => void
  onSlug: (slug: string) => void
  onUsersBring: (names: string[]) => void
}) {
  const id = useId()
  if (!item.entry) return null
  const wrong = choice ? Name.safeParse(choice.slug).error?.issues[0]?.message : undefined
  return (
    <li className="flex gap-3 px-4 py-3 text-sm">
      <input
        id={id}
        type="checkbox"
        checked={choice !== undefined}
        onChange={onToggle}
        className="mt-0.5 size-4 shrink-0 accent-primary"
      />
      <div className="grid min-w-0 flex-1 gap-1">
        <p className="flex flex-wrap items-center gap-2">
          <label htmlFor={id} className="font-medium break-words">
            {item.entry.title}
          </label>
          <Badge tone={item.action === 'create' ? 'ok' : 'info'}>{ACTIONS[item.action]}</Badge>
        </p>
        <p className="font-mono text-xs break-all text-muted">{sourceText(item.entry.release.source)}</p>
        <p className="text-[0.8125rem] text-muted">{askedText(item)}</p>
        <Notes notes={item.notes} />
        {choice && item.action === 'create' ? (
          <Field label="Name in the catalog" error={wrong} className="mt-1.5 max-w-xs">
            {(box) => (
              <Input
                {...box}
                value={choice.slug}
                onChange={(event) => onSlug(event.target.value)}
                className="h-8 font-mono text-[0.8125rem]"
                autoComplete="off"
                spellCheck={false}
              />
            )}
          </Field>
        ) : null}
        {choice ? <UsersBring item={item} chosen={choice.usersBring} onChange={onUsersBring} /> : null}
      </div>
    </li>
  )
}

/** Which of its secrets are each user's own, and not those of whoever deploys it. */
function UsersBring({
  item,
  chosen,
  onChange,
}: {
  item: ImportItem
  chosen: string[]
  onChange: (names: string[]) => void
}) {
  if (!item.entry) return null
  const { source, transport, variables, headers } = item.entry.release
  const remote = source.type === 'remote'
  const secrets = remote ? headers : transport === 'stdio' ? variables.filter(({ secret }) => secret) : []
  if (secrets.length === 0) return null
  return (
    <fieldset className="mt-1.5 grid gap-1">
      <legend className="mb-1 text-[0.8125rem] font-medium">Each user brings their own</legend>
      {secrets.map(({ name }) => (
        <label key={name} className="flex w-fit items-center gap-2 text-[0.8125rem]">
          <input
            type="checkbox"
            checked={chosen.includes(name)}
            onChange={({ target }) =>
              onChange(target.checked ? [...chosen, name] : chosen.filter((other) => other !== name))
            }
            className="size-4 accent-primary"
          />
          <code className="font-mono break-all">{name}</code>
        </label>
      ))}
    </fieldset>
  )
}

interface ImportPreviewProps {
  answer: ImportAnswer
  chosen: ImportChoice[]
  onChoose: (chosen: ImportChoice[]) => void
}

/** What would become of each server, which of them to take, and why some cannot be run. */
export function ImportPreview({ answer, chosen, onChoose }: ImportPreviewProps) {
  const offered = answer.items.filter(({ entry }) => entry !== null)
  const refused = answer.items.filter(({ entry }) => entry === null)
  return (
    <div className="grid gap-4">
      <p className="text-sm text-muted">
        Read as {FORMAT_LABELS[answer.format]}: {plural(offered.length, 'server')} can be imported
        {refused.length > 0 ? `, ${refused.length} cannot be run` : ''}.
      </p>
      {offered.length > 0 ? (
        <ul aria-label="Servers to import" className="divide-y divide-line rounded-lg border border-line">
          {offered.map((item) => (
            <Offered
              key={item.key}
              item={item}
              choice={chosen.find(({ key }) => key === item.key)}
              onToggle={() =>
                onChoose(
                  chosen.some(({ key }) => key === item.key)
                    ? chosen.filter(({ key }) => key !== item.key)
                    : [...chosen, { key: item.key, slug: item.entry?.slug ?? '', usersBring: [] }],
                )
              }
              onSlug={(slug) =>
                onChoose(chosen.map((one) => (one.key === item.key ? { ...one, slug } : one)))
              }
              onUsersBring={(usersBring) =>
                onChoose(chosen.map((one) => (one.key === item.key ? { ...one, usersBring } : one)))
              }
            />
          ))}
        </ul>
      ) : null}
      {refused.length > 0 ? (
        <section aria-label="Servers that cannot be run">
          <h3 className="mb-2 text-sm font-semibold">Cannot be run</h3>
          <ul className="divide-y divide-line rounded-lg border border-line">
            {refused.map((item) => (
              <Refused key={item.key} item={item} />
            ))}
          </ul>
        </section>
      ) : null}
    </div>
  )
}
