import { cn } from '#app/components/ui/cn.ts'
import type { LogLine } from '#contracts/dtma.ts'

const STREAM_LOOKS: Record<LogLine['stream'], string> = {
  stdout: 'text-on-code',
  stderr: 'text-[oklch(0.84_0.1_70)]',
  agent: 'text-[oklch(0.8_0.08_215)]',
}

const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' })

/** Log lines as they came: time, stream and text. */
export function LogLines({ lines }: { lines: LogLine[] }) {
  return (
    <ol className="font-mono text-[0.8125rem] leading-relaxed">
      {lines.map((line, index) => (
        // Lines have no identity of their own.
        <li key={index} className="flex gap-3 px-4">
          <time
            dateTime={line.at}
            title={new Date(line.at).toLocaleString()}
            className="shrink-0 text-on-code/60 select-none"
            suppressHydrationWarning
          >
            {clock.format(new Date(line.at))}
          </time>
          <span className="w-12 shrink-0 text-on-code/60 select-none max-sm:hidden">{line.stream}</span>
          <span className={cn('min-w-0 break-words whitespace-pre-wrap', STREAM_LOOKS[line.stream])}>
            {line.text || ' '}
          </span>
        </li>
      ))}
    </ol>
  )
}
