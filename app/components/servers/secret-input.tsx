'use client'

import { Eye, EyeOff } from 'lucide-react'
import { type ComponentProps, useState } from 'react'
import { Button } from '#app/components/ui/button.tsx'
import { cn } from '#app/components/ui/cn.ts'
import { Input } from '#app/components/ui/input.tsx'

/** A box whose text is masked until one asks to see it; a plain one when it holds no secret. */
export function SecretInput({
  secret,
  what,
  className,
  ...props
}: ComponentProps<typeof Input> & {
  secret: boolean
  /** Completes "Show …" for the button. */
  what: string
}) {
  const [shown, setShown] = useState(false)
  return (
    <div className="relative">
      <Input
        {...props}
        type={secret && !shown ? 'password' : 'text'}
        className={cn('font-mono text-sm', secret && 'pr-10', className)}
        autoComplete={secret ? 'new-password' : 'off'}
        spellCheck={false}
      />
      {secret ? (
        <Button
          variant="quiet"
          size="icon-sm"
          className="absolute top-1 right-1"
          aria-label={shown ? `Hide ${what}` : `Show ${what}`}
          aria-pressed={shown}
          onClick={() => setShown(!shown)}
        >
          {shown ? <EyeOff aria-hidden /> : <Eye aria-hidden />}
        </Button>
      ) : null}
    </div>
  )
}
