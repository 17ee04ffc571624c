import type { ComponentProps } from 'react'
import { cn } from '#app/components/ui/cn.ts'

const base =
  'w-full min-w-0 rounded-lg border border-line-strong/60 bg-surface px-3 text-[0.9375rem] text-ink transition-colors placeholder:text-muted/70 hover:border-line-strong focus-visible:border-ring focus-visible:outline-1 focus-visible:outline-offset-0 disabled:cursor-not-allowed disabled:opacity-60 aria-invalid:border-bad max-sm:text-base'

export function Input({ className, ...props }: ComponentProps<'input'>) {
  return <input {...props} className={cn(base, 'h-10', className)} />
}

export function Textarea({ className, ...props }: ComponentProps<'textarea'>) {
  return <textarea rows={3} {...props} className={cn(base, 'py-2', className)} />
}
