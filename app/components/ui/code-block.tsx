import { cn } from '#app/components/ui/cn.ts'
import { CopyButton } from '#app/components/ui/copy-button.tsx'

/** Text to be copied as it is. */
export function CodeBlock({ code, what, className }: { code: string; what: string; className?: string }) {
  return (
    <div className={cn('relative min-w-0 rounded-lg bg-code text-on-code', className)}>
      <pre
        tabIndex={0}
        aria-label={what}
        className="overflow-x-auto rounded-lg py-3 pr-14 pl-4 font-mono text-[0.8125rem] leading-relaxed"
      >
        <code>{code}</code>
      </pre>
      <CopyButton
        text={code}
        what={what}
        className="absolute top-1.5 right-1.5 bg-code text-on-code/80 hover:bg-white/12 hover:text-on-code"
      />
    </div>
  )
}
