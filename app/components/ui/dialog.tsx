'use client'

import { X } from 'lucide-react'
import { Dialog as Radix } from 'radix-ui'
import { type ReactNode, useRef } from 'react'
import { Button } from '#app/components/ui/button.tsx'
import { cn } from '#app/components/ui/cn.ts'

interface DialogProps {
  open: boolean
  onOpenChange: (open: boolean) => void
  title: string
  description?: ReactNode
  children: ReactNode
  /** Stays in view under the content that scrolls. */
  footer?: ReactNode
  wide?: boolean
  /** Closes by its buttons alone: for what cannot be shown again. */
  modalOnly?: boolean
}

/** What has the focus now, to give it back to; for an item of a menu, which is about to vanish, the button of the menu. */
function focusedNow(): HTMLElement | null {
  const focused = document.activeElement
  const menu = focused?.closest('[role="menu"]')
  const opener = menu ? document.getElementById(menu.getAttribute('aria-labelledby') ?? '') : focused
  return opener instanceof HTMLElement ? opener : null
}

/** Starts in the first box; where a box would raise a keyboard over the dialog, on the dialog itself. */
function focusFirst(event: Event): void {
  const dialog = event.currentTarget
  if (!(dialog instanceof HTMLElement)) return
  event.preventDefault()
  const box = dialog.querySelector<HTMLElement>('input:not([type="hidden"]), textarea')
  const first = box && window.matchMedia('(pointer: fine)').matches ? box : dialog
  first.focus()
}

/** A modal dialog; on narrow screens a sheet that rises from the lower edge. */
export function Dialog(props: DialogProps) {
  const opener = useRef<HTMLElement>(null)
  const keep = (event: Event) => {
    if (props.modalOnly) event.preventDefault()
  }
  return (
    <Radix.Root open={props.open} onOpenChange={props.onOpenChange}>
      <Radix.Portal>
        <Radix.Overlay className="fixed inset-0 z-50 animate-fade bg-[oklch(0.15_0.03_230/0.55)]" />
        <Radix.Content
          {...(props.description ? {} : { 'aria-describedby': undefined })}
          onOpenAutoFocus={(event) => {
            opener.current = focusedNow()
            focusFirst(event)
          }}
          onCloseAutoFocus={(event) => {
            event.preventDefault()
            opener.current?.focus()
          }}
          onInteractOutside={keep}
          onEscapeKeyDown={keep}
          className={cn(
            'fixed z-50 flex max-h-[92dvh] animate-rise flex-col border border-line bg-surface shadow-raised outline-none',
            'inset-x-0 bottom-0 rounded-t-2xl sm:inset-auto sm:top-[6dvh] sm:left-1/2 sm:max-h-[88dvh] sm:w-[calc(100vw-2rem)] sm:-translate-x-1/2 sm:rounded-2xl',
            props.wide ? 'sm:max-w-2xl' : 'sm:max-w-lg',
          )}
        >
          <header className="flex items-start gap-4 border-b border-line px-5 py-4 sm:px-6">
            <div className="min-w-0 flex-1">
              <Radix.Title className="text-lg font-semibold">{props.title}</Radix.Title>
              {props.description ? (
                <Radix.Description className="mt-0.5 text-sm text-muted">
                  {props.description}
                </Radix.Description>
              ) : null}
            </div>
            {props.modalOnly ? null : (
              <Radix.Close asChild>
                <Button variant="quiet" size="icon-sm" aria-label="Close" className="-mr-1.5">
                  <X aria-hidden />
                </Button>
              </Radix.Close>
            )}
          </header>
          <div className="min-h-0 flex-1 overflow-y-auto overscroll-contain px-5 py-5 sm:px-6">
            {props.children}
          </div>
          {props.footer ? (
            <footer className="flex flex-wrap items-center justify-end gap-2 border-t border-line px-5 py-3.5 sm:px-6">
              {props.footer}
            </footer>
          ) : null}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  )
}
