'use client'

import { CircleCheck, CircleX, Download } from 'lucide-react'
import { Badge } from '#app/components/ui/badge.tsx'
import { Button } from '#app/components/ui/button.tsx'
import { CodeBlock } from '#app/components/ui/code-block.tsx'
import { formatLatency } from '#app/components/ui/format.ts'
import { saveFile } from '#app/components/ui/save-file.ts'
import type { RawMessage, ToolCall } from '#contracts/tools.ts'

const OUTCOMES = {
  ok: { tone: 'ok', icon: CircleCheck, label: 'Answered' },
  tool_error: { tone: 'bad', icon: CircleX, label: 'The tool says it failed' },
  failed: { tone: 'bad', icon: CircleX, label: 'No result' },
} as const

/** What came of a call: each part of its result as what it is, and the messages as they went over the wire. */
export function CallResult({ call }: { call: ToolCall }) {
  const { tone, icon, label } = OUTCOMES[call.outcome]
  const content = Array.isArray(call.result?.content) ? call.result.content : []
  const structured = call.result?.structuredContent
  return (
    <div className="grid min-w-0 gap-4">
      <p className="flex flex-wrap items-center gap-3 text-sm text-muted">
        <Badge tone={tone} icon={icon}>
          {label}
        </Badge>
        in {formatLatency(call.latencyMs)}
      </p>
      {call.error ? (
        <p role="alert" className="rounded-lg border border-bad/35 bg-bad-soft px-4 py-3 text-sm">
          {call.error.message} <span className="font-mono text-muted">({call.error.code})</span>
        </p>
      ) : null}
      {content.map((part, at) => (
        // Parts have no other identity, and are never moved.
        <ContentPart key={at} part={part} />
      ))}
      {structured === undefined ? null : (
        <div className="grid gap-1.5">
          <h3 className="text-sm font-medium">Structured content</h3>
          <CodeBlock what="structured content" code={JSON.stringify(structured, null, 2)} />
        </div>
      )}
      {call.result && content.length === 0 && structured === undefined ? (
        <p className="text-sm text-muted">The result is empty.</p>
      ) : null}
      <details>
        <summary className="w-fit rounded text-[0.8125rem] text-muted hover:text-ink">Raw messages</summary>
        <div className="mt-2 grid gap-2">
          {call.messages.map((message, at) => (
            <Raw key={at} message={message} />
          ))}
        </div>
      </details>
    </div>
  )
}

function Raw({ message }: { message: RawMessage }) {
  const said = `${message.direction}, ${formatLatency(message.atMs)}${message.status === null ? '' : `, HTTP ${message.status}`}`
  return (
    <div className="grid min-w-0 gap-1">
      <p className="text-[0.8125rem] text-muted">{said}</p>
      <CodeBlock what={`message ${said}`} code={JSON.stringify(message.message, null, 2)} />
    </div>
  )
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null
const text = (value: unknown): string => (typeof value === 'string' ? value : '')
const MEDIA_TYPE = /^[\w.+-]+\/[\w.+-]+$/

/** One block of content (MCP, "Tool Result"); what is none of the known kinds is shown as JSON. */
function ContentPart({ part }: { part: unknown }) {
  if (!isRecord(part)) return <CodeBlock what="content" code={JSON.stringify(part, null, 2)} />
  const mediaType = MEDIA_TYPE.test(text(part.mimeType)) ? text(part.mimeType) : 'application/octet-stream'
  const data = `data:${mediaType};base64,${text(part.data)}`
  switch (part.type) {
    case 'text':
      return <CodeBlock what="text of the result" code={text(part.text)} />
    case 'image':
      return (
        // oxlint-disable-next-line next/no-img-element -- it is in the page already, there is nothing to optimise
        <img
          src={data}
          alt="Part of the result"
          className="max-h-96 w-fit max-w-full rounded-lg border border-line"
        />
      )
    case 'audio':
      // oxlint-disable-next-line jsx-a11y/media-has-caption -- the server gives none
      return <audio controls src={data} aria-label="Part of the result" />
    case 'resource':
      return isRecord(part.resource) ? <Resource resource={part.resource} /> : null
    case 'resource_link':
      return (
        <p className="text-sm">
          <span className="text-muted">Resource</span> {text(part.title) || text(part.name)}{' '}
          <code className="font-mono break-all">{text(part.uri)}</code>
        </p>
      )
    default:
      return <CodeBlock what="content" code={JSON.stringify(part, null, 2)} />
  }
}

function Resource({ resource }: { resource: Record<string, unknown> }) {
  const uri = text(resource.uri)
  const name = uri.split('/').at(-1) || 'resource'
  return (
    <div className="grid min-w-0 gap-1.5">
      <p className="flex flex-wrap items-center gap-2 text-[0.8125rem] text-muted">
        <code className="min-w-0 flex-1 font-mono break-all">{uri}</code>
        {typeof resource.blob === 'string' ? (
          <Button size="sm" onClick={() => saveFile(name, bytesOf(text(resource.blob)))}>
            <Download aria-hidden />
            Save
          </Button>
        ) : null}
      </p>
      {typeof resource.text === 'string' ? <CodeBlock what={uri} code={resource.text} /> : null}
    </div>
  )
}

/** What is no base64 is saved as it came. */
function bytesOf(base64: string): Uint8Array<ArrayBuffer> | string {
  try {
    return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))
  } catch {
    return base64
  }
}
