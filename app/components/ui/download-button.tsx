'use client'

import { Download } from 'lucide-react'
import { Button } from '#app/components/ui/button.tsx'
import { saveFile } from '#app/components/ui/save-file.ts'

/** Saves a text under a name that a program looks for. */
export function DownloadButton({ text, fileName }: { text: string; fileName: string }) {
  return (
    <Button size="sm" onClick={() => saveFile(fileName, text)}>
      <Download aria-hidden />
      Download {fileName}
    </Button>
  )
}
