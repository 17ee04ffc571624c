import { Search } from 'lucide-react'
import type { ComponentProps } from 'react'
import { cn } from '#app/components/ui/cn.ts'
import { Input } from '#app/components/ui/input.tsx'

/** `className` is the whole box's, for its place among others; name it with `aria-label`. */
export function SearchInput({ className, ...props }: Omit<ComponentProps<'input'>, 'type'>) {
  return (
    <div className={cn('relative', className)}>
      <Search aria-hidden className="absolute top-3 left-3 size-4 text-muted" />
      <Input {...props} type="search" className="pl-9" />
    </div>
  )
}
