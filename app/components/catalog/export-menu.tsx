'use client'

import { Download } from 'lucide-react'
import { type ReactNode, useState } from 'react'
import { FORMAT_LABELS } from '#app/components/catalog/formats.ts'
import { Button } from '#app/components/ui/button.tsx'
import { CodeBlock } from '#app/components/ui/code-block.tsx'
import { Dialog } from '#app/components/ui/dialog.tsx'
import { Menu, MenuItem, MenuLabel } from '#app/components/ui/menu.tsx'
import { QueryView } from '#app/components/ui/query-view.tsx'
import { saveFile } from '#app/components/ui/save-file.ts'
import { trpc } from '#app/trpc/client.ts'
import { TransferFormat } from '#contracts/catalog-transfer.ts'

function ExportDialog({
  ids,
  format,
  onClose,
}: {
  ids: string[]
  format: TransferFormat
  onClose: () => void
}) {
  const file = trpc.catalog.export.useQuery({ ids, format })
  return (
    <Dialog
      open
      wide
      onOpenChange={onClose}
      title={FORMAT_LABELS[format]}
      description="Secrets are not in it: their values are never kept in the catalog."
      footer={
        <>
          <Button onClick={onClose}>Close</Button>
          <Button
            variant="primary"
            disabled={!file.data}
            onClick={() => file.data && saveFile(file.data.fileName, file.data.text, file.data.mediaType)}
          >
            <Download aria-hidden />
            Save {file.data?.fileName ?? 'file'}
          </Button>
        </>
      }
    >
      <QueryView query={file}>
        {({ text, fileName, notes }) => (
          <div className="grid gap-3">
            {notes.length > 0 ? (
              <ul className="grid gap-1 rounded-lg bg-warn-soft px-4 py-3 text-sm text-ink">
                {notes.map((note) => (
                  <li key={note}>{note}</li>
                ))}
              </ul>
            ) : null}
            <CodeBlock code={text} what={fileName} className="max-h-[50dvh] overflow-y-auto" />
          </div>
        )}
      </QueryView>
    </Dialog>
  )
}

/** Entries in the words of another program: shown, copied or saved. */
export function ExportMenu({ ids, label, trigger }: { ids: string[]; label: string; trigger: ReactNode }) {
  const [format, setFormat] = useState<TransferFormat | null>(null)
  return (
    <>
      <Menu trigger={trigger}>
        <MenuLabel>{label}</MenuLabel>
        {TransferFormat.options.map((one) => (
          <MenuItem key={one} onSelect={() => setFormat(one)}>
            {FORMAT_LABELS[one]}
          </MenuItem>
        ))}
      </Menu>
      {format ? <ExportDialog ids={ids} format={format} onClose={() => setFormat(null)} /> : null}
    </>
  )
}
