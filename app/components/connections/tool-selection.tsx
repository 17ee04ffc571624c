'use client'

import { ChevronRight } from 'lucide-react'
import { useState } from 'react'
import { Button } from '#app/components/ui/button.tsx'
import { plural } from '#app/components/ui/format.ts'
import { SearchInput } from '#app/components/ui/search-input.tsx'
import { Switch } from '#app/components/ui/switch.tsx'
import type { AvailableServer } from '#contracts/agents.ts'

interface ToolSelectionProps {
  tools: AvailableServer['tools']
  /** Names of those that the agent shall not have. */
  off: string[]
  onChange: (off: string[]) => void
}

/** Which tools the agent gets: all of them, until some are switched off. */
export function ToolSelection({ tools, off, onChange }: ToolSelectionProps) {
  const [search, setSearch] = useState('')
  const wanted = search.trim().toLowerCase()
  const shown = tools.filter((tool) =>
    [tool.name, tool.title, tool.description].some((text) => text?.toLowerCase().includes(wanted)),
  )
  const on = tools.filter(({ name }) => !off.includes(name)).length
  return (
    <details className="group rounded-lg border border-line">
      <summary className="flex list-none items-center gap-2 rounded-lg px-3.5 py-2.5 text-sm -outline-offset-2 hover:bg-sunken/60">
        <ChevronRight aria-hidden className="size-4 text-muted transition-transform group-open:rotate-90" />
        <span className="font-medium">Tools</span>
        <span className="text-muted">
          {on === tools.length ? `all ${plural(on, 'tool')}` : `${on} of ${plural(tools.length, 'tool')}`}
        </span>
      </summary>
      <div className="grid gap-3 border-t border-line p-3.5">
        <div className="flex flex-wrap items-center gap-2">
          {tools.length > 8 ? (
            <SearchInput
              className="min-w-0 flex-1 basis-40"
              aria-label="Search tools to choose"
              placeholder="Search tools"
              value={search}
              onChange={(event) => setSearch(event.target.value)}
            />
          ) : null}
          <Button size="sm" disabled={off.length === 0} onClick={() => onChange([])}>
            All on
          </Button>
          <Button size="sm" disabled={on === 0} onClick={() => onChange(tools.map(({ name }) => name))}>
            All off
          </Button>
        </div>
        {shown.length === 0 ? (
          <p className="py-3 text-center text-sm text-muted">No tool matches.</p>
        ) : (
          <ul aria-label="Tools to choose" className="grid max-h-72 gap-0.5 overflow-y-auto">
            {shown.map(({ name, description }) => (
              <li key={name}>
                <label className="flex items-start gap-3 rounded-md px-1 py-1.5 hover:bg-sunken/60">
                  <Switch
                    checked={!off.includes(name)}
                    aria-label={`Let the agent use ${name}`}
                    onCheckedChange={(checked) =>
                      onChange(checked ? off.filter((one) => one !== name) : [...off, name])
                    }
                  />
                  <span className="min-w-0">
                    <code className="block font-mono text-[0.8125rem] font-semibold break-all">{name}</code>
                    {description ? (
                      <span className="line-clamp-2 block text-xs text-muted">{description}</span>
                    ) : null}
                  </span>
                </label>
              </li>
            ))}
          </ul>
        )}
      </div>
    </details>
  )
}
