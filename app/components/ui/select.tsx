import { Check, ChevronDown } from 'lucide-react'
import { Select as Radix } from 'radix-ui'
import type { ReactNode } from 'react'
import { cn } from '#app/components/ui/cn.ts'

interface Option {
  value: string
  label: string
  /** One more line under the label. */
  hint?: ReactNode
  disabled?: boolean
}

interface SelectProps {
  value: string
  onValueChange: (value: string) => void
  options: readonly Option[]
  id?: string
  className?: string
  'aria-label'?: string
  'aria-invalid'?: boolean | undefined
  'aria-describedby'?: string | undefined
  disabled?: boolean
}

export function Select({ value, onValueChange, options, className, disabled, ...trigger }: SelectProps) {
  return (
    <Radix.Root value={value} onValueChange={onValueChange} {...(disabled ? { disabled } : {})}>
      <Radix.Trigger
        {...trigger}
        className={cn(
          'flex h-10 w-full items-center justify-between gap-2 rounded-lg border border-line-strong/60 bg-surface px-3 text-left text-[0.9375rem] transition-colors hover:border-line-strong disabled:opacity-60 aria-invalid:border-bad',
          className,
        )}
      >
        <span className="truncate">
          <Radix.Value>{options.find((option) => option.value === value)?.label}</Radix.Value>
        </span>
        <Radix.Icon>
          <ChevronDown aria-hidden className="size-4 text-muted" />
        </Radix.Icon>
      </Radix.Trigger>
      <Radix.Portal>
        <Radix.Content
          position="popper"
          sideOffset={4}
          className="z-[70] max-h-72 min-w-(--radix-select-trigger-width) animate-fade overflow-hidden rounded-lg border border-line bg-surface shadow-raised"
        >
          <Radix.Viewport className="p-1">
            {options.map((option) => (
              <Radix.Item
                key={option.value}
                value={option.value}
                {...(option.disabled ? { disabled: true } : {})}
                className="relative rounded-md py-1.5 pr-8 pl-2.5 text-sm outline-none select-none data-disabled:opacity-50 data-highlighted:bg-primary-soft"
              >
                <Radix.ItemText>{option.label}</Radix.ItemText>
                {option.hint ? <div className="text-xs text-muted">{option.hint}</div> : null}
                <Radix.ItemIndicator className="absolute top-2 right-2">
                  <Check aria-hidden className="size-4 text-primary" />
                </Radix.ItemIndicator>
              </Radix.Item>
            ))}
          </Radix.Viewport>
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  )
}
