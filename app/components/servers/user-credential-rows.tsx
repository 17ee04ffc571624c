'use client'

import { Plus, Trash2 } from 'lucide-react'
import { useRef } from 'react'
import type { UseFormRegisterReturn } from 'react-hook-form'
import type { UserCredentialRow } from '#app/components/servers/user-credential-values.ts'
import { Button } from '#app/components/ui/button.tsx'
import { FieldError } from '#app/components/ui/field.tsx'
import { Input } from '#app/components/ui/input.tsx'
import type { UserCredential } from '#contracts/user-credentials.ts'

type Box = keyof UserCredentialRow

interface UserCredentialRowsProps {
  kind: UserCredential['kind']
  rows: readonly { id: string }[]
  register: (index: number, box: Box) => UseFormRegisterReturn
  errorOf: (index: number, box: Box) => string | undefined
  onAdd: () => void
  onRemove: (index: number) => void
}

/** What a server asks of each of its users, one row each. */
export function UserCredentialRows({
  kind,
  rows,
  register,
  errorOf,
  onAdd,
  onRemove,
}: UserCredentialRowsProps) {
  const noun = kind === 'env' ? 'variable' : 'header'
  const add = useRef<HTMLButtonElement>(null)
  return (
    <>
      {rows.length > 0 ? (
        <ul className="grid gap-2">
          {rows.map(({ id }, index) => {
            const what = `users’ ${noun} ${index + 1}`
            const said = `${id}-said`
            const errors = { name: errorOf(index, 'name'), description: errorOf(index, 'description') }
            return (
              <li key={id} className="grid gap-2 rounded-lg border border-line p-2.5">
                <div className="grid grid-cols-[minmax(0,1fr)_auto] gap-2 sm:grid-cols-[minmax(0,2fr)_minmax(0,3fr)_auto]">
                  <Input
                    {...register(index, 'name')}
                    aria-label={`Name of ${what}`}
                    aria-invalid={errors.name ? true : undefined}
                    aria-describedby={errors.name ? said : undefined}
                    placeholder={kind === 'env' ? 'API_TOKEN' : 'Authorization'}
                    className="font-mono text-sm"
                    autoComplete="off"
                    autoCapitalize="none"
                    spellCheck={false}
                  />
                  <div className="max-sm:order-last max-sm:col-span-2">
                    <Input
                      {...register(index, 'description')}
                      aria-label={`Description of ${what}`}
                      aria-invalid={errors.description ? true : undefined}
                      aria-describedby={errors.description ? said : undefined}
                      placeholder={
                        kind === 'env' ? 'What it is and where to get it' : 'Such as: Bearer, then your token'
                      }
                      className="text-sm"
                      autoComplete="off"
                    />
                  </div>
                  <Button
                    variant="danger-quiet"
                    size="icon"
                    aria-label={`Remove ${what}`}
                    onClick={() => {
                      onRemove(index)
                      add.current?.focus()
                    }}
                  >
                    <Trash2 aria-hidden />
                  </Button>
                </div>
                <FieldError id={said} error={errors.name ?? errors.description} />
                <label className="flex w-fit items-center gap-2 text-[0.8125rem] text-muted">
                  <input type="checkbox" {...register(index, 'required')} className="size-4 accent-primary" />
                  Required: nobody is connected without it
                </label>
              </li>
            )
          })}
        </ul>
      ) : null}
      <Button ref={add} size="sm" className="w-fit" onClick={onAdd}>
        <Plus aria-hidden />
        Ask users for a {noun}
      </Button>
    </>
  )
}

/** The same to read. */
export function AskedOfUsers({ rows }: { rows: readonly Omit<UserCredential, 'kind'>[] }) {
  return (
    <ul className="grid gap-1.5">
      {rows.map(({ name, description, required }) => (
        <li key={name}>
          <code className="font-mono text-[0.8125rem] break-all">{name}</code>
          {required ? null : <span className="ml-1.5 text-muted">optional</span>}
          {description ? <p className="text-[0.8125rem] text-muted">{description}</p> : null}
        </li>
      ))}
    </ul>
  )
}
