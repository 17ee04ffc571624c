'use client'

import { FileUp, ScanText } from 'lucide-react'
import { type DragEvent, useRef, useState } from 'react'
import { Button } from '#app/components/ui/button.tsx'
import { FailureNotice } from '#app/components/ui/failure-notice.tsx'
import { Field } from '#app/components/ui/field.tsx'
import { Textarea } from '#app/components/ui/input.tsx'
import type { ShownFailure } from '#app/trpc/failure.ts'

/** As the contract: far above real files, and no megabytes in a text box. */
const MAX_CHARACTERS = 400_000

interface PasteConfigProps {
  text: string
  onText: (text: string) => void
  busy: boolean
  failure: ShownFailure | null
  onRead: () => void
}

/** A configuration as text or file; its format is found out by the server. */
export function PasteConfig({ text, onText, busy, failure, onRead }: PasteConfigProps) {
  const file = useRef<HTMLInputElement>(null)
  const [tooLarge, setTooLarge] = useState(false)
  const take = async (chosen: File | undefined) => {
    if (!chosen) return
    setTooLarge(chosen.size > MAX_CHARACTERS)
    if (chosen.size <= MAX_CHARACTERS) onText(await chosen.text())
  }
  const drop = (event: DragEvent) => {
    if (event.dataTransfer.files.length === 0) return
    event.preventDefault()
    void take(event.dataTransfer.files[0])
  }
  const wrong = failure?.fields['from.text']?.[0]
  return (
    <form
      className="grid gap-4"
      onSubmit={(event) => {
        event.preventDefault()
        if (text.trim() && !busy) onRead()
      }}
    >
      <Field
        label="Configuration"
        hint="server.json, claude_desktop_config.json, .mcp.json, .vscode/mcp.json or the config.toml of Codex. Paste it, drop its file here, or choose it."
        error={tooLarge ? 'The file is too large to be a configuration.' : wrong}
      >
        {(box) => (
          <Textarea
            {...box}
            rows={10}
            value={text}
            maxLength={MAX_CHARACTERS}
            onChange={(event) => onText(event.target.value)}
            onDragOver={(event) => event.preventDefault()}
            onDrop={drop}
            spellCheck={false}
            autoComplete="off"
            placeholder={
              '{\n  "mcpServers": {\n    "everything": {\n      "command": "npx",\n      "args": ["-y", "@modelcontextprotocol/server-everything"]\n    }\n  }\n}'
            }
            className="font-mono text-[0.8125rem] max-sm:text-[0.8125rem]"
          />
        )}
      </Field>
      {failure && !wrong ? <FailureNotice failure={failure} /> : null}
      <div className="flex flex-wrap justify-end gap-2">
        <input
          ref={file}
          type="file"
          hidden
          tabIndex={-1}
          aria-label="Configuration file"
          accept=".json,.jsonc,.toml,application/json,application/toml,text/plain"
          onChange={(event) => {
            void take(event.target.files?.[0])
            event.target.value = ''
          }}
        />
        <Button onClick={() => file.current?.click()}>
          <FileUp aria-hidden />
          Choose a file
        </Button>
        <Button type="submit" variant="primary" disabled={!text.trim()} busy={busy}>
          {busy ? null : <ScanText aria-hidden />}
          Read it
        </Button>
      </div>
    </form>
  )
}
