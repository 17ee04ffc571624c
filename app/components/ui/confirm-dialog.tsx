'use client'

import { type ReactNode, useState } from 'react'
import { Button } from '#app/components/ui/button.tsx'
import { Dialog } from '#app/components/ui/dialog.tsx'
import { FailureNotice } from '#app/components/ui/failure-notice.tsx'
import { Field } from '#app/components/ui/field.tsx'
import { Input } from '#app/components/ui/input.tsx'
import { readFailure } from '#app/trpc/failure.ts'

interface ConfirmDialogProps {
  open: boolean
  onOpenChange: (open: boolean) => void
  title: string
  children: ReactNode
  /** The verb on the button. */
  confirm: string
  danger?: boolean
  /** Has to be typed before the button works. */
  typeName?: string
  busy: boolean
  error: unknown
  onConfirm: () => void
}

/** Asks before something that cannot be undone, and shows in place when it fails. */
export function ConfirmDialog(props: ConfirmDialogProps) {
  const [typed, setTyped] = useState('')
  const [wasOpen, setWasOpen] = useState(props.open)
  if (wasOpen !== props.open) {
    setWasOpen(props.open)
    setTyped('')
  }
  const ready = props.typeName === undefined || typed.trim() === props.typeName
  return (
    <Dialog
      open={props.open}
      onOpenChange={props.onOpenChange}
      title={props.title}
      footer={
        <>
          <Button onClick={() => props.onOpenChange(false)}>Cancel</Button>
          <Button
            type="submit"
            form="confirm-form"
            variant={props.danger === false ? 'primary' : 'danger'}
            disabled={!ready}
            busy={props.busy}
          >
            {props.confirm}
          </Button>
        </>
      }
    >
      <form
        id="confirm-form"
        className="grid gap-4"
        onSubmit={(event) => {
          event.preventDefault()
          // A dialog inside a form is elsewhere in the page, but React still tells that form.
          event.stopPropagation()
          if (ready && !props.busy) props.onConfirm()
        }}
      >
        <div className="text-sm text-muted">{props.children}</div>
        {props.typeName === undefined ? null : (
          <Field
            label={
              <>
                Type <span className="font-mono">{props.typeName}</span> to confirm
              </>
            }
          >
            {(control) => (
              <Input
                {...control}
                value={typed}
                onChange={(event) => setTyped(event.target.value)}
                autoComplete="off"
                autoCapitalize="none"
                spellCheck={false}
              />
            )}
          </Field>
        )}
        {props.error ? <FailureNotice failure={readFailure(props.error)} /> : null}
      </form>
    </Dialog>
  )
}
