/** "0.4 s", "12 s", "1 min 05 s" from milliseconds. */
export function formatDuration(ms: number): string {
  const seconds = Math.max(0, ms) / 1000
  if (seconds < 10) return `${seconds.toFixed(1)} s`
  if (seconds < 60) return `${Math.round(seconds)} s`
  const whole = Math.round(seconds)
  const minutes = Math.floor(whole / 60)
  if (minutes < 60) return `${minutes} min ${String(whole % 60).padStart(2, '0')} s`
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`
}

/** The same in whole seconds, at least one: for what is rough or keeps counting. */
export function formatWhole(ms: number): string {
  const seconds = Math.max(1, Math.floor(ms / 1000))
  return seconds < 10 ? `${seconds} s` : formatDuration(seconds * 1000)
}

/** "340 ms" under a second, then seconds. */
export const formatLatency = (ms: number): string =>
  ms < 1000 ? `${Math.max(1, Math.round(ms))} ms` : formatDuration(ms)

/** Binary units: "512 MiB", "7.6 GiB". */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  let value = bytes
  let unit = 0
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024
    unit += 1
  }
  return `${value >= 100 || unit === 0 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`
}

export const plural = (count: number, one: string, many = `${one}s`): string =>
  `${count} ${count === 1 ? one : many}`
