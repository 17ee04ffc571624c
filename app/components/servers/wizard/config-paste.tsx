'use client'

import { ArrowRight, FileSearch, FileUp } from 'lucide-react'
import { type ChangeEvent, useRef } from 'react'
import type { UseFormReturn } from 'react-hook-form'
import { SOURCE_LABELS } from '#app/components/servers/changes.ts'
import type { DeployValues } from '#app/components/servers/deploy-values.ts'
import { sourceText } from '#app/components/servers/source-text.ts'
import { importedValues } from '#app/components/servers/wizard/imported-values.ts'
import { setValues } from '#app/components/servers/wizard/set-values.ts'
import { Button } from '#app/components/ui/button.tsx'
import { FailureNotice } from '#app/components/ui/failure-notice.tsx'
import { Field } from '#app/components/ui/field.tsx'
import { plural } from '#app/components/ui/format.ts'
import { Textarea } from '#app/components/ui/input.tsx'
import { trpc } from '#app/trpc/client.ts'
import { readFailure } from '#app/trpc/failure.ts'
import type { ImportItem } from '#contracts/catalog-transfer.ts'

const EXAMPLE = `{
  "mcpServers": {
    "everything": {
      "command": "npx",
      "args": ["-y", "@modelcontextprotocol/server-everything"]
    }
  }
}`

function Found({ item, onUse }: { item: ImportItem; onUse: () => void }) {
  const { entry } = item
  return (
    <li className="flex flex-wrap items-start gap-x-4 gap-y-2 px-4 py-3">
      <div className="min-w-0 flex-1 basis-56">
        <p className="font-medium">{item.key}</p>
        {entry ? (
          <p className="text-[0.8125rem] text-muted">
            {SOURCE_LABELS[entry.release.source.type]}{' '}
            <span className="font-mono break-all">{sourceText(entry.release.source)}</span>
          </p>
        ) : null}
        {item.refusal ? <p className="text-[0.8125rem] text-warn">{item.refusal}</p> : null}
        {item.notes.map((note) => (
          <p key={note} className="text-[0.8125rem] text-muted">
            {note}
          </p>
        ))}
      </div>
      {entry ? (
        <Button size="sm" variant="primary" aria-label={`Use ${item.key}`} onClick={onUse}>
          Use this
          <ArrowRight aria-hidden />
        </Button>
      ) : null}
    </li>
  )
}

/** Reads the configuration of another program, and takes one of its servers over into the form. */
export function ConfigPaste({
  form,
  onUsed,
}: {
  form: UseFormReturn<DeployValues>
  onUsed: (name: string) => void
}) {
  const file = useRef<HTMLInputElement>(null)
  const read = trpc.catalog.import.useMutation()
  const failure = read.error ? readFailure(read.error) : null
  const atText = Object.entries(failure?.fields ?? {}).find(([path]) => path.startsWith('from'))?.[1][0]
  const preview = () => {
    form.clearErrors('configText')
    read.mutate({ from: { type: 'text', text: form.getValues('configText') } })
  }
  const load = async (event: ChangeEvent<HTMLInputElement>) => {
    const [chosen] = event.target.files ?? []
    if (!chosen) return
    form.setValue('configText', await chosen.text())
    preview()
  }
  const text = form.register('configText', { onChange: () => read.reset() })
  return (
    <div className="grid gap-4">
      <Field
        label="Configuration"
        hint="claude_desktop_config.json, .mcp.json, .vscode/mcp.json, server.json, or the config.toml of Codex. It is read and not kept."
        error={atText ?? form.formState.errors.configText?.message}
      >
        {(box) => (
          <Textarea
            {...box}
            {...text}
            rows={9}
            placeholder={EXAMPLE}
            className="font-mono text-[0.8125rem]"
            spellCheck={false}
            autoComplete="off"
          />
        )}
      </Field>
      <div className="flex flex-wrap gap-2">
        <Button onClick={preview} busy={read.isPending}>
          {read.isPending ? null : <FileSearch aria-hidden />}
          Find its servers
        </Button>
        <Button variant="quiet" onClick={() => file.current?.click()}>
          <FileUp aria-hidden />
          Choose a file
        </Button>
        <input
          ref={file}
          type="file"
          accept=".json,.jsonc,.toml,application/json"
          className="hidden"
          aria-label="File with a configuration"
          onChange={(event) => void load(event)}
        />
      </div>
      {failure && !atText ? <FailureNotice failure={failure} onRetry={preview} /> : null}
      {read.data ? (
        <section aria-label="Servers found" className="rounded-lg border border-line">
          <p role="status" className="border-b border-line px-4 py-2.5 text-sm text-muted">
            {plural(read.data.items.length, 'server')} found. Choose the one to deploy.
          </p>
          <ul className="divide-y divide-line">
            {read.data.items.map((item) => (
              <Found
                key={item.key}
                item={item}
                onUse={() => {
                  const values = importedValues(form.getValues(), item)
                  if (!values) return
                  setValues(form, values)
                  onUsed(item.key)
                }}
              />
            ))}
          </ul>
        </section>
      ) : null}
    </div>
  )
}
