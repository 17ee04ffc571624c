import { KeyRound } from 'lucide-react'
import { CopyButton } from '#app/components/ui/copy-button.tsx'

/** A secret that is shown this once. */
export function SecretOnce({ secret, what }: { secret: string; what: string }) {
  return (
    <div className="grid gap-3 rounded-xl border border-brass/60 bg-warn-soft p-4">
      <p className="flex items-start gap-2.5 text-sm">
        <KeyRound aria-hidden className="mt-0.5 size-4 shrink-0 text-warn" />
        <span>Copy the {what} now. It is stored as a hash, so it cannot be shown again.</span>
      </p>
      <div className="flex items-center gap-2">
        <code
          data-testid="secret"
          className="min-w-0 flex-1 rounded-lg border border-line bg-surface px-3 py-2 font-mono text-[0.8125rem] break-all"
        >
          {secret}
        </code>
        <CopyButton text={secret} what={what} labelled />
      </div>
    </div>
  )
}
