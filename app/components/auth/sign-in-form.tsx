'use client'

import { Eye, EyeOff, Info } from 'lucide-react'
import { signIn } from 'next-auth/react'
import { type FormEvent, useRef, useState } from 'react'
import { Button } from '#app/components/ui/button.tsx'
import { FailureNotice } from '#app/components/ui/failure-notice.tsx'
import { Field } from '#app/components/ui/field.tsx'
import { Input } from '#app/components/ui/input.tsx'
import { describeFailure, readFailure, type ShownFailure } from '#app/trpc/failure.ts'
import { ErrorCode } from '#contracts/errors.ts'
import { Email } from '#contracts/names.ts'

/** A refused sign-in carries a code of the catalogue; anything else is a failure of ours. */
function failureOf(error: string): ShownFailure {
  const code = ErrorCode.safeParse(error)
  return describeFailure({
    code: code.success ? code.data : 'INTERNAL',
    detail: null,
    variable: null,
    exitCode: null,
  })
}

function textOf(form: FormData, name: string): string {
  const value = form.get(name)
  return typeof value === 'string' ? value : ''
}

const NOTICES = {
  ended: 'Your session has ended. Sign in again to go on where you were.',
  changed: 'Your password was changed. Sign in with the new one.',
} as const

interface SignInFormProps {
  /** Path that is shown after it. */
  next: string
  /** Why one has to sign in again. */
  notice: keyof typeof NOTICES | null
  misconfigured: boolean
}

export function SignInForm({ next, notice, misconfigured }: SignInFormProps) {
  const [visible, setVisible] = useState(false)
  const [busy, setBusy] = useState(false)
  const [missing, setMissing] = useState<{ email?: string; password?: string }>({})
  const [failure, setFailure] = useState<ShownFailure | null>(misconfigured ? failureOf('INTERNAL') : null)
  const passwordRef = useRef<HTMLInputElement>(null)

  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const form = new FormData(event.currentTarget)
    const email = textOf(form, 'email').trim()
    const password = textOf(form, 'password')
    const wrong = {
      ...(Email.safeParse(email).success ? {} : { email: 'Enter your e-mail address.' }),
      ...(password ? {} : { password: 'Enter your password.' }),
    }
    setMissing(wrong)
    if (wrong.email || wrong.password) return
    setBusy(true)
    setFailure(null)
    try {
      const answer = await signIn('credentials', { email, password, redirect: false })
      // A whole page load: nothing of an earlier session's cache stays.
      if (answer?.ok && !answer.error) return window.location.assign(next)
      setFailure(failureOf(answer?.error ?? 'INTERNAL'))
      passwordRef.current?.select()
    } catch (error) {
      setFailure(readFailure(error))
    }
    setBusy(false)
  }

  return (
    <form onSubmit={submit} noValidate className="grid gap-5">
      {notice && !failure ? (
        <p
          role="status"
          className="flex items-start gap-2.5 rounded-xl bg-info-soft px-4 py-3 text-sm text-info"
        >
          <Info aria-hidden className="mt-0.5 size-4 shrink-0" />
          {NOTICES[notice]}
        </p>
      ) : null}
      {failure ? <FailureNotice failure={failure} /> : null}
      <Field label="E-mail" error={missing.email}>
        {(control) => (
          // oxlint-disable-next-line jsx-a11y/no-autofocus -- the page has this one purpose
          <Input {...control} name="email" type="email" autoComplete="username" autoFocus required />
        )}
      </Field>
      <Field label="Password" error={missing.password}>
        {(control) => (
          <div className="relative">
            <Input
              {...control}
              ref={passwordRef}
              name="password"
              type={visible ? 'text' : 'password'}
              autoComplete="current-password"
              className="pr-11"
              required
            />
            <Button
              variant="quiet"
              size="icon-sm"
              className="absolute top-1 right-1"
              aria-label={visible ? 'Hide password' : 'Show password'}
              aria-pressed={visible}
              onClick={() => setVisible(!visible)}
            >
              {visible ? <EyeOff aria-hidden /> : <Eye aria-hidden />}
            </Button>
          </div>
        )}
      </Field>
      <Button type="submit" variant="primary" busy={busy} className="mt-1 w-full">
        Sign in
      </Button>
    </form>
  )
}
