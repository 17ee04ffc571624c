import type { ReactNode } from 'react'

/** Names and values, one below the other; a value of null leaves its line out. */
export function Facts({ items }: { items: readonly (readonly [string, ReactNode])[] }) {
  return (
    <dl className="grid gap-x-6 gap-y-2.5 px-4 py-4 text-sm sm:grid-cols-[10rem_minmax(0,1fr)] sm:px-5">
      {items
        .filter(([, value]) => value !== null && value !== undefined)
        .map(([name, value]) => (
          <div key={name} className="contents">
            <dt className="text-muted max-sm:-mb-2.5 max-sm:text-[0.8125rem]">{name}</dt>
            <dd className="min-w-0 break-words">{value}</dd>
          </div>
        ))}
    </dl>
  )
}
