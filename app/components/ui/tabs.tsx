'use client'

import { Tabs as Radix } from 'radix-ui'
import { type ComponentProps, type ReactNode, useEffect, useRef } from 'react'
import { cn } from '#app/components/ui/cn.ts'

/** Pixels between a tab and the edge of the screen. */
const EDGE = 16

export const Tabs = Radix.Root

export function TabList({ label, children }: { label: string; children: ReactNode }) {
  const strip = useRef<HTMLDivElement>(null)
  const shown = useRef<string | null>(null)
  // A tab that the page chose by itself may be off a narrow screen; one that was scrolled away by hand is left there.
  useEffect(() => {
    const tab = strip.current?.querySelector<HTMLElement>('[role=tab][data-state=active]')
    if (!strip.current || !tab || tab.id === shown.current) return
    shown.current = tab.id
    const outer = strip.current.getBoundingClientRect()
    const inner = tab.getBoundingClientRect()
    if (inner.right > outer.right) strip.current.scrollLeft += inner.right - outer.right + EDGE
    else if (inner.left < outer.left) strip.current.scrollLeft -= outer.left - inner.left + EDGE
  })
  return (
    <div
      ref={strip}
      className="-mx-4 overflow-x-auto overflow-y-hidden border-b border-line px-4 [scrollbar-width:none] sm:mx-0 sm:px-0"
    >
      <Radix.List aria-label={label} className="flex w-max gap-1">
        {children}
      </Radix.List>
    </div>
  )
}

export function Tab({
  className,
  count,
  children,
  ...props
}: ComponentProps<typeof Radix.Trigger> & { count?: number | undefined }) {
  return (
    <Radix.Trigger
      {...props}
      className={cn(
        '-mb-px flex items-center gap-2 rounded-t-md border-b-2 border-transparent px-3 py-2.5 text-sm font-medium whitespace-nowrap text-muted transition-colors -outline-offset-2 hover:text-ink data-[state=active]:border-primary data-[state=active]:text-ink',
        className,
      )}
    >
      {children}
      {count === undefined ? null : (
        <span className="rounded-full bg-sunken px-1.5 text-xs leading-5 text-muted tabular-nums">
          {count}
        </span>
      )}
    </Radix.Trigger>
  )
}

export function TabPanel({ className, ...props }: ComponentProps<typeof Radix.Content>) {
  return <Radix.Content {...props} className={cn('pt-5 outline-offset-4', className)} />
}
