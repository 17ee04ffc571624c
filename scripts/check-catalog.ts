import { parseArgs } from 'node:util'
import { createToolberthClient } from '#client/index.ts'
import { type CheckedEntry, checkEntry } from './check-catalog/check-entry.ts'

const USAGE = `Deploys every entry of the catalog on a running installation, one after the other, and deletes it again.
What has to be given gets a value that opens nothing; an entry that asks its service at the start fails with that.

  TOOLBERTH_URL=http://localhost:3000 TOOLBERTH_API_KEY=... node scripts/check-catalog.ts [name ...]

  --keep   leave the servers there
`

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { keep: { type: 'boolean', default: false }, help: { type: 'boolean', default: false } },
})
const { TOOLBERTH_URL: url = 'http://localhost:3000', TOOLBERTH_API_KEY: apiKey } = process.env

if (values.help || !apiKey) {
  process.stdout.write(USAGE)
  process.exitCode = values.help ? 0 : 2
} else {
  const api = createToolberthClient({ url, apiKey })
  const { items } = await api.catalog.list.query()
  const wanted = items.filter(({ slug }) => positionals.length === 0 || positionals.includes(slug))
  const checked: CheckedEntry[] = []
  for (const entry of wanted) {
    const result = await checkEntry(api, entry, { keep: values.keep })
    checked.push(result)
    process.stdout.write(`${lineOf(result)}\n`)
  }
  const failed = checked.filter(({ failure }) => failure !== null)
  const times = checked
    .flatMap(({ seconds, failure }) => (failure ? [] : [seconds]))
    .toSorted((a, b) => a - b)
  process.stdout.write(
    `${checked.length - failed.length} of ${checked.length} went live` +
      (times.length > 0
        ? `, median ${times[Math.floor(times.length / 2)]} s, slowest ${times.at(-1)} s\n`
        : '\n'),
  )
  if (failed.length > 0 || checked.length === 0) process.exitCode = 1
}

function lineOf({ slug, version, seconds, tools, failure }: CheckedEntry): string {
  const name = `${slug} ${version}`.padEnd(36)
  return failure === null ? `${name} live in ${seconds} s, ${tools} tools` : `${name} FAILED: ${failure}`
}
