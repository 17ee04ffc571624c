'use client'

import { KeyRound, Trash2 } from 'lucide-react'
import { type FormEvent, useState } from 'react'
import { toast } from 'sonner'
import { useUpdateConnection } from '#app/components/connections/detail/use-update-connection.ts'
import { SecretInput } from '#app/components/servers/secret-input.tsx'
import { Badge } from '#app/components/ui/badge.tsx'
import { Button } from '#app/components/ui/button.tsx'
import { Card, CardHeader } from '#app/components/ui/card.tsx'
import { ConfirmDialog } from '#app/components/ui/confirm-dialog.tsx'
import { FailureNotice } from '#app/components/ui/failure-notice.tsx'
import { Field } from '#app/components/ui/field.tsx'
import { Input } from '#app/components/ui/input.tsx'
import { readFailure } from '#app/trpc/failure.ts'
import type { ConnectionDetail } from '#contracts/agents.ts'
import type { CredentialState } from '#contracts/connection-settings.ts'

/** The same function at every drawing, so that a box is focused as it opens and never again. */
const focusOnce = (box: HTMLInputElement | null) => box?.focus()

/** The owner's own credentials at this server. They go in, and never come out again. */
export function CredentialsPanel({ connection }: { connection: ConnectionDetail }) {
  const { credentials } = connection
  const ended = connection.state === 'disconnected'
  return (
    <div className="grid gap-5">
      <Card aria-label="Credentials">
        <CardHeader
          title="Your credentials"
          hint="Sent with the calls of this connection and of no other. They are encrypted, and shown to nobody."
        />
        {credentials.length === 0 ? (
          <p className="px-4 py-4 text-sm text-muted sm:px-5">This server gets none from you.</p>
        ) : (
          <ul aria-label="Credentials" className="divide-y divide-line">
            {credentials.map((one) => (
              <CredentialRow
                key={`${one.kind} ${one.name}`}
                connectionId={connection.id}
                credential={one}
                ended={ended}
              />
            ))}
          </ul>
        )}
      </Card>
      {ended || !connection.takesHeaders ? null : <AddHeader connectionId={connection.id} />}
    </div>
  )
}

function CredentialRow({
  connectionId,
  credential,
  ended,
}: {
  connectionId: string
  credential: CredentialState
  ended: boolean
}) {
  const [value, setValue] = useState<string | null>(null)
  const [removing, setRemoving] = useState(false)
  const update = useUpdateConnection({
    onSuccess: () => {
      setValue(null)
      setRemoving(false)
      toast.success(`${credential.name} was ${removing ? 'removed' : 'saved'}`)
    },
  })
  const { name, declared, required, set } = credential
  const write = (next: string | null) =>
    update.mutate({ id: connectionId, [declared ? 'credentials' : 'headers']: { [name]: next } })
  const save = (event: FormEvent) => {
    event.preventDefault()
    if (value) write(value)
  }
  return (
    <li className="grid gap-3 px-4 py-3.5 sm:px-5" aria-label={name}>
      <div className="flex flex-wrap items-center gap-2">
        <div className="min-w-0 flex-1 basis-48">
          <code className="font-mono text-sm font-semibold break-all">{name}</code>
          <p className="text-[0.8125rem] text-muted">
            {credential.kind === 'env' ? 'Variable of your own process' : 'Header'}
            {credential.description ? `. ${credential.description}` : ''}
          </p>
        </div>
        <Badge tone={set ? 'ok' : required ? 'bad' : 'neutral'} icon={KeyRound}>
          {set ? 'Set' : required ? 'Missing' : 'Not set'}
        </Badge>
        {ended || value !== null ? null : (
          <Button size="sm" aria-label={`${set ? 'Replace' : 'Set'} ${name}`} onClick={() => setValue('')}>
            {set ? 'Replace' : 'Set'}
          </Button>
        )}
        {ended || !set || required ? null : (
          <Button
            size="icon-sm"
            variant="danger-quiet"
            aria-label={`Remove ${name}`}
            onClick={() => {
              update.reset()
              setRemoving(true)
            }}
          >
            <Trash2 aria-hidden />
          </Button>
        )}
      </div>
      <ConfirmDialog
        open={removing}
        onOpenChange={setRemoving}
        title={`Remove ${name}?`}
        confirm="Remove"
        busy={update.isPending}
        error={update.error}
        onConfirm={() => write(null)}
      >
        Calls of this connection go on without it. Its value cannot be read back: to use it again, you enter
        it anew.
      </ConfirmDialog>
      {value === null ? null : (
        <form className="flex flex-wrap items-start gap-2" onSubmit={save}>
          <div className="min-w-0 flex-1 basis-56">
            <SecretInput
              secret
              ref={focusOnce}
              what={name}
              aria-label={`New value of ${name}`}
              value={value}
              onChange={(event) => setValue(event.target.value)}
            />
          </div>
          <Button type="submit" variant="primary" busy={update.isPending} disabled={value === ''}>
            Save
          </Button>
          <Button onClick={() => setValue(null)}>Cancel</Button>
        </form>
      )}
      {update.error && !removing ? <FailureNotice failure={readFailure(update.error)} /> : null}
    </li>
  )
}

function AddHeader({ connectionId }: { connectionId: string }) {
  const [name, setName] = useState('')
  const [value, setValue] = useState('')
  const update = useUpdateConnection({
    onSuccess: () => {
      setName('')
      setValue('')
      toast.success('The header was added')
    },
  })
  const failure = update.error ? readFailure(update.error) : null
  const field = failure?.fields[`headers.${name.trim()}`]?.[0]
  return (
    <Card aria-label="Add a header">
      <CardHeader title="Add a header" hint="Besides those that the server asks for." />
      <form
        className="grid gap-3 px-4 py-4 sm:grid-cols-[minmax(0,1fr)_minmax(0,2fr)_auto] sm:items-start sm:px-5"
        onSubmit={(event) => {
          event.preventDefault()
          if (name.trim() && value) update.mutate({ id: connectionId, headers: { [name.trim()]: value } })
        }}
      >
        <Field label="Header" error={field}>
          {(control) => (
            <Input
              {...control}
              value={name}
              className="font-mono"
              placeholder="X-Api-Key"
              autoComplete="off"
              onChange={(event) => setName(event.target.value)}
            />
          )}
        </Field>
        <Field label="Value">
          {(control) => (
            <SecretInput
              {...control}
              secret
              what="the header"
              value={value}
              onChange={(event) => setValue(event.target.value)}
            />
          )}
        </Field>
        <Button type="submit" className="sm:mt-7" busy={update.isPending} disabled={!name.trim() || !value}>
          Add
        </Button>
        {failure && field === undefined ? (
          <FailureNotice failure={failure} className="sm:col-span-3" />
        ) : null}
      </form>
    </Card>
  )
}
