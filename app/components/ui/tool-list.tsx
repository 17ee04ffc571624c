'use client'

import { Braces, ChevronRight, Wrench } from 'lucide-react'
import { useState } from 'react'
import { cn } from '#app/components/ui/cn.ts'
import { CodeBlock } from '#app/components/ui/code-block.tsx'
import { EmptyState } from '#app/components/ui/empty-state.tsx'
import { SearchInput } from '#app/components/ui/search-input.tsx'

interface ShownTool {
  name: string
  title?: string | null | undefined
  description?: string | null | undefined
  inputSchema?: Record<string, unknown> | undefined
}

interface Parameter {
  name: string
  type: string
  required: boolean
  description: string | null
}

/** The parameters of a schema's top level, as its author wrote them: nothing about their form is certain. */
function parametersOf(schema: Record<string, unknown>): Parameter[] {
  const properties = schema.properties
  if (typeof properties !== 'object' || properties === null) return []
  const required = Array.isArray(schema.required) ? schema.required : []
  return Object.entries(properties).map(([name, value]) => {
    const property = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>
    const types = [property.type].flat().filter((type) => typeof type === 'string')
    return {
      name,
      type: types.join(' | ') || (property.enum ? 'enum' : 'any'),
      required: required.includes(name),
      description: typeof property.description === 'string' ? property.description : null,
    }
  })
}

function Schema({ tool }: { tool: ShownTool }) {
  const parameters = parametersOf(tool.inputSchema ?? {})
  return (
    <div className="grid gap-3">
      {parameters.length === 0 ? (
        <p className="text-[0.8125rem] text-muted">It takes no parameters.</p>
      ) : (
        <dl className="grid gap-2">
          {parameters.map((parameter) => (
            <div key={parameter.name} className="text-[0.8125rem]">
              <dt className="flex flex-wrap items-baseline gap-x-2">
                <code className="font-mono font-medium break-all">{parameter.name}</code>
                <span className="text-muted">{parameter.type}</span>
                {parameter.required ? <span className="text-info">required</span> : null}
              </dt>
              {parameter.description ? <dd className="text-muted">{parameter.description}</dd> : null}
            </div>
          ))}
        </dl>
      )}
      <details className="group/json">
        <summary className="flex w-fit list-none items-center gap-1.5 rounded text-[0.8125rem] text-muted hover:text-ink">
          <Braces aria-hidden className="size-3.5" />
          JSON Schema
        </summary>
        <CodeBlock
          className="mt-2"
          what={`input schema of ${tool.name}`}
          code={JSON.stringify(tool.inputSchema ?? {}, null, 2)}
        />
      </details>
    </div>
  )
}

function ToolRow({ tool }: { tool: ShownTool }) {
  const heading = (
    <>
      <code className="font-mono text-sm font-semibold break-all">{tool.name}</code>
      {tool.title && tool.title !== tool.name ? (
        <>
          {' '}
          <span className="text-[0.8125rem] text-muted">{tool.title}</span>
        </>
      ) : null}
      {tool.description ? (
        <p className="mt-0.5 line-clamp-3 text-[0.8125rem] text-muted">{tool.description}</p>
      ) : null}
    </>
  )
  if (!tool.inputSchema) return <li className="px-4 py-3">{heading}</li>
  return (
    <li>
      <details className="group">
        <summary className="flex list-none gap-2.5 px-4 py-3 -outline-offset-2 hover:bg-sunken/60">
          <ChevronRight
            aria-hidden
            className="mt-1 size-4 shrink-0 text-muted transition-transform group-open:rotate-90"
          />
          <div className="min-w-0 flex-1">{heading}</div>
        </summary>
        <div className="px-4 pt-1 pb-4 pl-10.5">
          <Schema tool={tool} />
        </div>
      </details>
    </li>
  )
}

interface ToolListProps {
  tools: ShownTool[]
  /** Shown when there are none. */
  empty: string
  className?: string
}

/** Tools with their descriptions, and their parameters where they are known; searchable when there are many. */
export function ToolList({ tools, empty, className }: ToolListProps) {
  const [search, setSearch] = useState('')
  if (tools.length === 0) return <EmptyState icon={Wrench} title={empty} />
  const wanted = search.trim().toLowerCase()
  const shown = tools.filter((tool) =>
    [tool.name, tool.title, tool.description].some((text) => text?.toLowerCase().includes(wanted)),
  )
  return (
    <div className={cn('grid gap-3', className)}>
      {tools.length > 8 ? (
        <SearchInput
          aria-label="Search tools"
          placeholder={`Search ${tools.length} tools`}
          value={search}
          onChange={(event) => setSearch(event.target.value)}
        />
      ) : null}
      {shown.length === 0 ? <p className="py-6 text-center text-sm text-muted">No tool matches.</p> : null}
      {shown.length > 0 ? (
        <ul
          aria-label="Tools"
          className="divide-y divide-line overflow-hidden rounded-xl border border-line bg-surface"
        >
          {shown.map((tool) => (
            <ToolRow key={tool.name} tool={tool} />
          ))}
        </ul>
      ) : null}
    </div>
  )
}
