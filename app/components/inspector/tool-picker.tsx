'use client'

import { useState } from 'react'
import { Card } from '#app/components/ui/card.tsx'
import { cn } from '#app/components/ui/cn.ts'
import { SearchInput } from '#app/components/ui/search-input.tsx'
import { ERROR_CATALOGUE, ErrorCode } from '#contracts/errors.ts'
import type { ToolList } from '#contracts/tools.ts'

/** The gateway names a code of the catalogue; nobody here reads codes. */
function reasonText(reason: string): string {
  if (reason === 'CALL_TIMED_OUT') return 'The server did not answer in time.'
  const code = ErrorCode.safeParse(reason)
  return code.success ? ERROR_CATALOGUE[code.data].text : reason
}

interface ToolPickerProps extends Pick<ToolList, 'tools' | 'backends'> {
  picked: string
  onPick: (name: string) => void
}

/** The agent's tools to choose from, and which servers did not answer in time. */
export function ToolPicker({ tools, backends, picked, onPick }: ToolPickerProps) {
  const [search, setSearch] = useState('')
  const wanted = search.trim().toLowerCase()
  const found = tools.filter((tool) =>
    [tool.name, tool.title, tool.description].some((text) => text?.toLowerCase().includes(wanted)),
  )
  return (
    <Card aria-label="Tools" className="grid gap-3 p-3">
      <SearchInput
        aria-label="Search tools"
        placeholder={`Search ${tools.length} tools`}
        value={search}
        onChange={(event) => setSearch(event.target.value)}
      />
      {Object.entries(backends).map(([slug, { state, reason }]) => (
        <p key={slug} className="rounded-lg bg-warn-soft px-3 py-2 text-[0.8125rem] text-warn">
          <code className="font-mono break-all">{slug}</code>
          {state === 'stale' ? ': its tools as they were last read.' : ': its tools could not be read.'}
          {reason ? ` ${reasonText(reason)}` : ''}
        </p>
      ))}
      {found.length === 0 ? <p className="px-1 pb-2 text-sm text-muted">No tool matches.</p> : null}
      <ul aria-label="Tools" className="grid max-h-[32rem] gap-0.5 overflow-y-auto max-lg:max-h-60">
        {found.map((tool) => (
          <li key={tool.name}>
            <button
              type="button"
              aria-pressed={tool.name === picked}
              onClick={() => onPick(tool.name)}
              className={cn(
                'w-full rounded-lg px-3 py-2 text-left -outline-offset-2',
                tool.name === picked ? 'bg-primary-soft' : 'hover:bg-sunken',
              )}
            >
              <code className="font-mono text-sm font-medium break-all">{tool.name}</code>
              {tool.description ? (
                <span className="line-clamp-2 block text-[0.8125rem] text-muted">{tool.description}</span>
              ) : null}
            </button>
          </li>
        ))}
      </ul>
    </Card>
  )
}
