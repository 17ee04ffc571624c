'use client'

import { ArrowLeft, Download } from 'lucide-react'
import { useState } from 'react'
import { toast } from 'sonner'
import { type ImportChoice, ImportPreview } from '#app/components/catalog/import-preview.tsx'
import { PasteConfig } from '#app/components/catalog/paste-config.tsx'
import { RegistrySearch } from '#app/components/catalog/registry-search.tsx'
import { Button } from '#app/components/ui/button.tsx'
import { Dialog } from '#app/components/ui/dialog.tsx'
import { FailureNotice } from '#app/components/ui/failure-notice.tsx'
import { plural } from '#app/components/ui/format.ts'
import { Tab, TabList, TabPanel, Tabs } from '#app/components/ui/tabs.tsx'
import { trpc } from '#app/trpc/client.ts'
import { readFailure } from '#app/trpc/failure.ts'
import type { ImportAnswer, ImportCatalog } from '#contracts/catalog-transfer.ts'
import { Name } from '#contracts/names.ts'

/** What is new is chosen at first, under the name that it would have; what would take the place of something is not. */
function firstChoice({ items }: ImportAnswer): ImportChoice[] {
  return items.flatMap(({ key, entry, action }) =>
    entry && action !== 'replace' ? [{ key, slug: entry.slug, usersBring: [] }] : [],
  )
}

/** Takes servers into the catalog: first where they come from, then what would become of them. */
export function ImportDialog({ onClose }: { onClose: () => void }) {
  const utils = trpc.useUtils()
  const [text, setText] = useState('')
  const [tab, setTab] = useState('paste')
  const [from, setFrom] = useState<ImportCatalog['from'] | null>(null)
  const [chosen, setChosen] = useState<ImportChoice[]>([])
  const preview = trpc.catalog.import.useMutation({
    onSuccess: (answer) => setChosen(firstChoice(answer)),
  })
  const apply = trpc.catalog.import.useMutation({
    onSuccess: ({ items }) => {
      toast.success(`${plural(items.length, 'server')} imported into the catalog`)
      void utils.catalog.invalidate()
      onClose()
    },
  })
  const read = (next: ImportCatalog['from']) => {
    setFrom(next)
    apply.reset()
    preview.mutate({ from: next })
  }
  const back = () => {
    preview.reset()
    apply.reset()
  }
  const answer = preview.data
  const failure = preview.error ? readFailure(preview.error) : null
  return (
    <Dialog
      open
      wide
      onOpenChange={onClose}
      title="Import servers"
      description={
        answer
          ? 'Choose what to take into the catalog. Values of secrets are not kept.'
          : 'From the configuration of another client, or from the MCP registry.'
      }
      footer={
        answer ? (
          <>
            <Button onClick={back} className="mr-auto">
              <ArrowLeft aria-hidden />
              Back
            </Button>
            <Button onClick={onClose}>Cancel</Button>
            <Button
              variant="primary"
              disabled={chosen.length === 0 || chosen.some(({ slug }) => !Name.safeParse(slug).success)}
              busy={apply.isPending}
              onClick={() => from && apply.mutate({ from, apply: chosen })}
            >
              <Download aria-hidden />
              {chosen.length > 0 ? `Import ${plural(chosen.length, 'server')}` : 'Import'}
            </Button>
          </>
        ) : undefined
      }
    >
      {answer ? (
        <div className="grid gap-4">
          <ImportPreview answer={answer} chosen={chosen} onChoose={setChosen} />
          {apply.error ? <FailureNotice failure={readFailure(apply.error)} /> : null}
        </div>
      ) : (
        <Tabs value={tab} onValueChange={setTab}>
          <TabList label="Where from">
            <Tab value="paste">Text or file</Tab>
            <Tab value="registry">MCP registry</Tab>
          </TabList>
          <TabPanel value="paste">
            <PasteConfig
              text={text}
              onText={(next) => {
                setText(next)
                preview.reset()
              }}
              busy={preview.isPending}
              failure={failure}
              onRead={() => read({ type: 'text', text })}
            />
          </TabPanel>
          <TabPanel value="registry">
            <RegistrySearch
              busy={preview.isPending}
              failure={failure}
              onChoose={(name, version) => read({ type: 'registry', name, ...(version && { version }) })}
            />
          </TabPanel>
        </Tabs>
      )}
    </Dialog>
  )
}
