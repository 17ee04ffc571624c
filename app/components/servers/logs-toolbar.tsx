'use client'

import { ArrowDownToLine, Download, Pause, WrapText } from 'lucide-react'
import { useState } from 'react'
import { toast } from 'sonner'
import { instanceName } from '#app/components/servers/logs-store.ts'
import { Button } from '#app/components/ui/button.tsx'
import { Menu, MenuItem } from '#app/components/ui/menu.tsx'
import { SearchInput } from '#app/components/ui/search-input.tsx'
import { Select } from '#app/components/ui/select.tsx'
import { ErrorAnswer } from '#contracts/errors.ts'
import type { LogInstance } from '#contracts/logs.ts'

export interface LogChoice {
  search: string
  level: 'all' | 'debug' | 'info' | 'warn' | 'error'
  /** `all`, or the id of one. */
  instance: string
  wrap: boolean
}

const LEVELS = [
  { value: 'all', label: 'Every level' },
  { value: 'debug', label: 'Debug and above' },
  { value: 'info', label: 'Info and above' },
  { value: 'warn', label: 'Warnings and errors' },
  { value: 'error', label: 'Errors' },
] as const

interface LogsToolbarProps {
  id: string
  choice: LogChoice
  onChoice: (change: Partial<LogChoice>) => void
  instances: LogInstance[]
  follow: boolean
  onFollow: (follow: boolean) => void
}

export function LogsToolbar({ id, choice, onChoice, instances, follow, onFollow }: LogsToolbarProps) {
  const gone = choice.instance !== 'all' && !instances.some((one) => one.id === choice.instance)
  return (
    <div className="flex flex-wrap gap-2">
      <SearchInput
        className="min-w-44 flex-1"
        aria-label="Search the log"
        placeholder="Search"
        maxLength={200}
        value={choice.search}
        onChange={(event) => onChoice({ search: event.target.value })}
      />
      <Select
        aria-label="Level"
        className="w-auto min-w-44 max-sm:flex-1"
        value={choice.level}
        onValueChange={(value) => onChoice({ level: value as LogChoice['level'] })}
        options={LEVELS}
      />
      {instances.length > 1 || choice.instance !== 'all' ? (
        <Select
          aria-label="Instance"
          className="w-auto min-w-44 max-sm:flex-1"
          value={choice.instance}
          onValueChange={(instance) => onChoice({ instance })}
          options={[
            { value: 'all', label: 'Every instance' },
            ...instances.map((one) => ({ value: one.id, label: instanceName(one) })),
            ...(gone ? [{ value: choice.instance, label: 'An instance that is gone' }] : []),
          ]}
        />
      ) : null}
      <div className="flex gap-2 max-sm:w-full">
        <Button aria-pressed={follow} onClick={() => onFollow(!follow)} className="max-sm:flex-1">
          {follow ? <Pause aria-hidden /> : <ArrowDownToLine aria-hidden />}
          {follow ? 'Following' : 'Follow'}
        </Button>
        <Button
          size="icon"
          aria-pressed={choice.wrap}
          aria-label="Wrap long lines"
          title="Wrap long lines"
          className="aria-pressed:bg-sunken"
          onClick={() => onChoice({ wrap: !choice.wrap })}
        >
          <WrapText aria-hidden />
        </Button>
        <DownloadMenu id={id} choice={choice} />
      </div>
    </div>
  )
}

function DownloadMenu({ id, choice }: { id: string; choice: LogChoice }) {
  const [busy, setBusy] = useState(false)
  const { search, level, instance } = choice
  const save = async (format: 'text' | 'ndjson', filtered: boolean) => {
    const query = new URLSearchParams({
      format,
      ...(instance !== 'all' && { instanceId: instance }),
      ...(filtered && search.trim() && { search: search.trim() }),
      ...(filtered && level !== 'all' && { level }),
    })
    setBusy(true)
    try {
      await saveFile(`/api/servers/${id}/logs?${query}`)
    } catch (error) {
      toast.error((error as Error).message)
    } finally {
      setBusy(false)
    }
  }
  const filters = search.trim() !== '' || level !== 'all'
  return (
    <Menu
      trigger={
        <Button size="icon" aria-label="Download" title="Download" busy={busy}>
          {busy ? null : <Download aria-hidden />}
        </Button>
      }
    >
      <MenuItem onSelect={() => void save('text', false)}>Everything as text</MenuItem>
      <MenuItem onSelect={() => void save('ndjson', false)}>Everything as JSON lines</MenuItem>
      {filters ? <MenuItem onSelect={() => void save('text', true)}>What was found, as text</MenuItem> : null}
      {filters ? (
        <MenuItem onSelect={() => void save('ndjson', true)}>What was found, as JSON lines</MenuItem>
      ) : null}
    </Menu>
  )
}

/** Fetched before it is saved, so that a refusal is said here and is no file. Throws with cause and next action. */
async function saveFile(path: string): Promise<void> {
  const response = await fetch(path).catch(() => null)
  if (!response) throw new Error('Toolberth cannot be reached. Check your connection and try again.')
  if (!response.ok) {
    const answer = (await response.json().catch(() => null)) as { error?: unknown } | null
    const refusal = ErrorAnswer.safeParse(answer?.error)
    throw new Error(
      refusal.success ? `${refusal.data.text} ${refusal.data.action}` : 'The log cannot be downloaded now.',
    )
  }
  const name = /filename="([^"]+)"/.exec(response.headers.get('content-disposition') ?? '')?.[1]
  const url = URL.createObjectURL(await response.blob())
  const link = document.createElement('a')
  link.href = url
  link.download = name ?? 'server.log'
  link.click()
  URL.revokeObjectURL(url)
}
