import { plainText } from '#app/components/servers/logs-store.ts'
import { cn } from '#app/components/ui/cn.ts'
import type { LogLevel, LogLine } from '#contracts/dtma.ts'

const LEVEL_LOOKS: Record<LogLevel, string> = {
  debug: 'text-on-code/70',
  info: 'text-on-code',
  warn: 'text-[oklch(0.86_0.11_85)]',
  error: 'text-[oklch(0.8_0.12_25)]',
}
const AGENT_LOOKS = 'text-[oklch(0.8_0.08_215)]'

const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' })

/** One line: time, level or where it comes from, and text. */
export function LogLineText({
  line,
  wrap = true,
  instance,
}: {
  line: LogLine
  wrap?: boolean
  /** Which instance it is of, where there are several. */
  instance?: string | undefined
}) {
  const looks = line.stream === 'agent' ? AGENT_LOOKS : LEVEL_LOOKS[line.level ?? 'info']
  return (
    <>
      <time
        dateTime={line.at}
        title={new Date(line.at).toLocaleString()}
        className="shrink-0 text-on-code/60 select-none"
        suppressHydrationWarning
      >
        {clock.format(new Date(line.at))}
      </time>
      {instance ? <span className="shrink-0 text-on-code/60 select-none">{instance}</span> : null}
      <span
        title={line.stream}
        className={cn('w-14 shrink-0 select-none max-sm:hidden', line.level ? looks : 'text-on-code/60')}
      >
        {line.level ?? (line.stream === 'agent' ? 'toolbox' : line.stream)}
      </span>
      <span className={cn(wrap ? 'min-w-0 break-words whitespace-pre-wrap' : 'whitespace-pre', looks)}>
        {plainText(line.text) || ' '}
      </span>
    </>
  )
}

/** Log lines as they came, few enough to be all on the page. */
export function LogLines({ lines }: { lines: LogLine[] }) {
  return (
    <ol className="font-mono text-[0.8125rem] leading-relaxed">
      {lines.map((line, index) => (
        // Lines of before have no identity of their own.
        <li key={index} className="flex gap-3 px-4">
          <LogLineText line={line} />
        </li>
      ))}
    </ol>
  )
}
