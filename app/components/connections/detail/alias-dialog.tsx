'use client'

import { Pencil } from 'lucide-react'
import { useState } from 'react'
import { useUpdateConnection } from '#app/components/connections/detail/use-update-connection.ts'
import { Button } from '#app/components/ui/button.tsx'
import { Dialog } from '#app/components/ui/dialog.tsx'
import { FailureNotice } from '#app/components/ui/failure-notice.tsx'
import { Field } from '#app/components/ui/field.tsx'
import { Input } from '#app/components/ui/input.tsx'
import { readFailure } from '#app/trpc/failure.ts'
import type { ConnectionDetail } from '#contracts/agents.ts'
import { type ConnectionTool, ToolAlias } from '#contracts/connection-settings.ts'

/** Gives a tool another name for this agent; an empty box gives it back its own. */
export function AliasDialog({ connection, tool }: { connection: ConnectionDetail; tool: ConnectionTool }) {
  const [open, setOpen] = useState(false)
  const [typed, setTyped] = useState('')
  const update = useUpdateConnection({ onSuccess: () => setOpen(false) })
  const alias = typed.trim()
  const checked = alias === '' ? null : ToolAlias.safeParse(alias)
  const failure = update.error ? readFailure(update.error) : null
  const refused = failure?.fields['tools.0.alias']?.[0]
  const wrong = checked?.success === false ? checked.error.issues[0]?.message : refused
  return (
    <>
      <Button
        size="icon-sm"
        variant="quiet"
        aria-label={`Rename ${tool.name}`}
        onClick={() => {
          update.reset()
          setTyped(tool.alias ?? '')
          setOpen(true)
        }}
      >
        <Pencil aria-hidden />
      </Button>
      <Dialog
        open={open}
        onOpenChange={setOpen}
        title={`Another name for ${tool.name}`}
        footer={
          <>
            <Button onClick={() => setOpen(false)}>Cancel</Button>
            <Button
              type="submit"
              form="alias-form"
              variant="primary"
              busy={update.isPending}
              disabled={checked?.success === false}
            >
              Save
            </Button>
          </>
        }
      >
        <form
          id="alias-form"
          className="grid gap-4"
          onSubmit={(event) => {
            event.preventDefault()
            if (checked?.success === false) return
            const override = { name: tool.name, alias: alias === '' ? null : alias }
            update.mutate({ id: connection.id, tools: [override] })
          }}
        >
          <Field
            label="Name"
            optional
            error={wrong}
            hint={
              connection.prefixTools
                ? `Your agent sees ${connection.slug}__${alias || tool.name}.`
                : 'Leave it empty for its own name.'
            }
          >
            {(control) => (
              <Input
                {...control}
                value={typed}
                placeholder={tool.name}
                className="font-mono"
                autoComplete="off"
                autoCapitalize="none"
                spellCheck={false}
                onChange={(event) => {
                  setTyped(event.target.value)
                  if (update.error) update.reset()
                }}
              />
            )}
          </Field>
          {failure && refused === undefined ? <FailureNotice failure={failure} /> : null}
        </form>
      </Dialog>
    </>
  )
}
