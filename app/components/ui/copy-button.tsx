'use client'

import { Check, Copy } from 'lucide-react'
import { useEffect, useState } from 'react'
import { toast } from 'sonner'
import { Button, type ButtonProps } from '#app/components/ui/button.tsx'

/** The clipboard API needs a secure page; plain HTTP on another machine falls back to a selection. */
async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    const area = document.createElement('textarea')
    area.value = text
    area.setAttribute('readonly', '')
    area.style.position = 'fixed'
    const host = document.querySelector('[role="dialog"]') ?? document.body
    host.append(area)
    area.select()
    const copied = document.execCommand('copy')
    area.remove()
    return copied
  }
}

interface CopyButtonProps extends Omit<ButtonProps, 'children' | 'onClick'> {
  text: string
  /** What is copied, for the button's name: "Copy token". */
  what: string
  /** Shows the words beside the icon. */
  labelled?: boolean
}

export function CopyButton({ text, what, labelled, ...props }: CopyButtonProps) {
  const [copied, setCopied] = useState(false)
  useEffect(() => {
    if (!copied) return
    const timer = setTimeout(() => setCopied(false), 2_000)
    return () => clearTimeout(timer)
  }, [copied])
  const Icon = copied ? Check : Copy
  return (
    <Button
      size={labelled ? 'sm' : 'icon-sm'}
      variant={labelled ? 'secondary' : 'quiet'}
      {...props}
      aria-label={copied ? 'Copied' : `Copy ${what}`}
      onClick={async () => {
        if (await copyText(text)) setCopied(true)
        else toast.error('Copying is not allowed here. Select the text and copy it by hand.')
      }}
    >
      <Icon aria-hidden />
      {labelled ? (copied ? 'Copied' : 'Copy') : null}
    </Button>
  )
}
