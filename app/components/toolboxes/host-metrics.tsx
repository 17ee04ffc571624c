import { cn } from '#app/components/ui/cn.ts'
import { formatBytes } from '#app/components/ui/format.ts'
import type { HostMetrics } from '#contracts/dtma.ts'

/** Shares above which a bar warns and alarms. */
const WARN_AT = 0.8
const ALARM_AT = 0.93

function Meter({ label, share, text }: { label: string; share: number; text: string }) {
  const bounded = Math.min(1, Math.max(0, share))
  return (
    <div className="grid gap-1.5">
      <p className="flex flex-wrap justify-between gap-x-3 text-[0.8125rem]">
        <span className="text-muted">{label}</span>
        <span className="tabular-nums">{text}</span>
      </p>
      <div
        role="meter"
        aria-label={label}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={Math.round(bounded * 100)}
        aria-valuetext={text}
        className="h-1.5 overflow-hidden rounded-full bg-sunken"
      >
        <div
          className={cn(
            'h-full rounded-full transition-[width]',
            bounded >= ALARM_AT ? 'bg-bad' : bounded >= WARN_AT ? 'bg-warn' : 'bg-primary',
          )}
          style={{ width: `${bounded * 100}%` }}
        />
      </div>
    </div>
  )
}

/** CPU load, memory and disk of a toolbox, as its last heartbeat said. */
export function HostMeters({ host, committedMb }: { host: HostMetrics; committedMb: number }) {
  const usedMemory = host.memoryTotalBytes - host.memoryFreeBytes
  const usedDisk = host.diskTotalBytes - host.diskFreeBytes
  const committed = committedMb * 1024 * 1024
  return (
    <div className="grid gap-4 sm:grid-cols-2">
      <Meter
        label="CPU load"
        share={host.load / Math.max(1, host.cpus)}
        text={`${host.load.toFixed(2)} on ${host.cpus} ${host.cpus === 1 ? 'core' : 'cores'}`}
      />
      <Meter
        label="Memory in use"
        share={usedMemory / Math.max(1, host.memoryTotalBytes)}
        text={`${formatBytes(usedMemory)} of ${formatBytes(host.memoryTotalBytes)}`}
      />
      <Meter
        label="Memory promised to servers"
        share={committed / Math.max(1, host.memoryTotalBytes)}
        text={`${formatBytes(committed)} of ${formatBytes(host.memoryTotalBytes)}`}
      />
      <Meter
        label="Disk in use"
        share={usedDisk / Math.max(1, host.diskTotalBytes)}
        text={`${formatBytes(usedDisk)} of ${formatBytes(host.diskTotalBytes)}`}
      />
    </div>
  )
}
