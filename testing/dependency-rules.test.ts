import { execFile } from 'node:child_process'
import { copyFile, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'

const root = resolve(import.meta.dirname, '..')
const Report = z.object({
  diagnostics: z.array(z.object({ code: z.string(), help: z.string().optional(), filename: z.string() })),
})

const imports = 'eslint(no-restricted-imports)'
/** `[folder, import statement, start of the rule's message]`: each must be refused, with that message. */
const refused: [folder: string, statement: string, help: string][] = [
  ['contracts', `import { x } from 'pino'`, 'contracts/ imports zod alone'],
  ['contracts', `import { x } from '#protocol/x.ts'`, 'contracts/ imports zod alone'],
  ['contracts', `import { x } from 'node:fs'`, 'contracts/ imports zod alone'],
  ['contracts', `import { x } from '../server/x.ts'`, 'contracts/ imports zod alone'],
  ['protocol', `import { x } from '#server/env.ts'`, 'protocol/ imports contracts/'],
  ['protocol', `import { x } from '#mcp/probe.ts'`, 'protocol/ imports contracts/'],
  ['protocol', `import { x } from 'bullmq'`, 'protocol/ runs inside the agent'],
  ['mcp', `import { x } from '#dtma/x.ts'`, 'mcp/ imports contracts/'],
  ['mcp', `import { x } from '#protocol/x.ts'`, 'mcp/ imports contracts/'],
  ['mcp', `import { x } from '@prisma/client'`, 'mcp/ runs inside the agent'],
  ['dtma', `import { x } from '#server/env.ts'`, 'dtma/ imports contracts/'],
  ['dtma', `import type { X } from '#server/env.ts'`, 'dtma/ imports contracts/'],
  ['dtma/drivers', `import { x } from '#gateway/x.ts'`, 'dtma/ imports contracts/'],
  ['dtma', `export * from '#workers/x.ts'`, 'dtma/ imports contracts/'],
  ['dtma', `export const x = await import('#scripts/x.ts')`, 'dtma/ imports contracts/'],
  ['dtma', `import { x } from 'ioredis'`, 'dtma/ is shipped alone'],
  ['dtma/drivers', `import { x } from '../../server/env.ts'`, 'Write #folder/'],
  ['dtma/drivers', `import { x } from './../../server/env.ts'`, 'Write #folder/'],
  ['client', `import { x } from '#server/trpc/router.ts'`, 'client/ imports the type of the router'],
  ['client', `export { x } from '#server/trpc/router.ts'`, 'client/ imports the type of the router'],
  ['client', `import type { X } from '#server/db/client.ts'`, 'client/ imports the type of the router'],
  ['client', `import { x } from '#mcp/probe.ts'`, 'client/ imports contracts/ and the type'],
  ['client', `import { x } from 'next'`, 'client/ is shipped to other projects'],
  ['app/agents', `import { x } from '#server/db/with-actor.ts'`, 'Pages reach data'],
  ['app', `import { x } from '#server/deployments/create.ts'`, 'Pages reach data'],
  ['app', `import { x } from '@prisma/client'`, 'Pages reach data'],
  ['app', `import { x } from '#workers/index.ts'`, 'Pages import contracts/'],
  ['app/api/dtma', `import { x } from '#server/trpc/router.ts'`, 'Transports never call each other'],
  ['app/api/dtma', `import { x } from '#gateway/x.ts'`, 'Transports never call each other'],
  ['app/api/dtma', `import { x } from '#server/db/with-actor.ts'`, 'Route handlers call domain verbs'],
  ['app/api/trpc', `import { x } from '#workers/index.ts'`, 'Transports never call each other'],
  ['app/api/trpc', `import { x } from '#server/db/with-actor.ts'`, 'Route handlers call domain verbs'],
  ['server/deployments', `import { x } from '@trpc/server'`, 'The domain never imports tRPC'],
  ['server/deployments', `import { x } from '#server/trpc/router.ts'`, 'The domain knows no transport'],
  ['server/deployments', `import { x } from 'next/headers'`, 'The domain never imports Next'],
  ['server/deployments', `import { Worker } from 'bullmq'`, 'Workers are made in'],
  ['server/queues', `import * as bullmq from 'bullmq'`, 'Workers are made in'],
  ['server/deployments', `import { x } from '#workers/index.ts'`, 'The domain knows no transport'],
  ['server', `import { x } from '#gateway/index.ts'`, 'The domain knows no transport'],
  ['server', `import { x } from '#testing/env.ts'`, 'The domain knows no transport'],
  ['server/auth', `import { x } from '#server/trpc/router.ts'`, 'The domain knows no transport'],
  ['server/auth', `import { x } from '@trpc/server'`, 'The domain never imports tRPC'],
  ['server/trpc', `import { x } from '#workers/index.ts'`, 'Transports never call each other'],
  ['server/trpc', `import { x } from '#server/db/generated/client.ts'`, 'Procedures call domain verbs'],
  ['workers', `import { x } from '#gateway/index.ts'`, 'Transports never call each other'],
  ['workers', `import { x } from '#server/trpc/router.ts'`, 'Transports never call each other'],
  ['workers', `import { x } from 'next'`, 'Workers call domain verbs'],
  ['gateway', `import { x } from '#workers/index.ts'`, 'Transports never call each other'],
  ['gateway', `import { x } from '#server/trpc/router.ts'`, 'Transports never call each other'],
  ['gateway', `import { Worker } from 'bullmq'`, 'Workers are made in'],
  ['gateway', `import { x } from '@trpc/server'`, 'The gateway calls domain verbs'],
  ['scripts', `import { x } from '#testing/env.ts'`, 'Only tests import test code'],
  ['prisma', `import { Worker } from 'bullmq'`, 'Workers are made in'],
  ['e2e', `import { x } from '../server/env.ts'`, 'Write #folder/'],
  ['testing', `import { x } from '../server/env.ts'`, 'Write #folder/'],
]

/** What the rules are meant to leave alone: a rule that refuses everything would pass the list above too. */
const allowed: [folder: string, statement: string][] = [
  ['contracts', `import { z } from 'zod'`],
  ['contracts', `import { x } from './names.ts'`],
  ['contracts', `import { x } from '#contracts/names.ts'`],
  ['protocol', `import { x } from '#contracts/names.ts'`],
  ['mcp', `import { x } from '@modelcontextprotocol/sdk/client/index.js'`],
  ['dtma', `import { x } from '#protocol/x.ts'`],
  ['dtma/drivers', `import { x } from '#dtma/x.ts'`],
  ['client', `import type { X } from '#server/trpc/router.ts'`],
  ['client', `import { x } from '@trpc/client'`],
  ['app', `import { x } from '#server/trpc/caller.ts'`],
  ['app', `import { x } from '#app/components/button.tsx'`],
  ['app/api/trpc', `import { x } from '#server/trpc/router.ts'`],
  ['app/api/dtma', `import { x } from '#server/toolboxes/enroll.ts'`],
  ['server/queues', `import { Queue } from 'bullmq'`],
  ['server/auth', `import { x } from 'next-auth'`],
  ['server/trpc', `import { x } from '@trpc/server'`],
  ['workers', `import { Worker } from 'bullmq'`],
  ['gateway', `import { x } from '#server/agents/authorize.ts'`],
]

/** Whole files for the rules that need more than an import: `[path, text, rule]`. */
const offences: [path: string, text: string, rule: string][] = [
  [
    'server/cycle-a.ts',
    `import { b } from '#server/cycle-b.ts'\nexport const a = () => b`,
    'import(no-cycle)',
  ],
  ['server/cycle-b.ts', `import { a } from './cycle-a.ts'\nexport const b = () => a`, 'import(no-cycle)'],
  [
    'mcp/type-cycle-a.ts',
    `import type { B } from './type-cycle-b.ts'\nexport type A = B[]`,
    'import(no-cycle)',
  ],
  [
    'mcp/type-cycle-b.ts',
    `import type { A } from './type-cycle-a.ts'\nexport type B = { a?: A }`,
    'import(no-cycle)',
  ],
  [
    'workers/floating.ts',
    `const work = async () => 1\nexport function start() {\n  work()\n}`,
    'typescript(no-floating-promises)',
  ],
  [
    'workers/misused.ts',
    `const isReady = async () => true\nexport function start() {\n  if (isReady()) throw new Error('never')\n}`,
    'typescript(no-misused-promises)',
  ],
  [
    'server/raw.ts',
    `type Db = { $transaction(work: () => void): void }\nexport const raw = (db: Db) => db.$transaction(() => undefined)`,
    'eslint(no-restricted-properties)',
  ],
  [
    'server/db/not-with-actor.ts',
    `type Db = { $transaction(work: () => void): void }\nexport const { $transaction } = {} as Db`,
    'eslint(no-restricted-properties)',
  ],
]

/** `db.$transaction` is legal in this one file. */
const exempt: [path: string, text: string][] = [
  [
    'server/db/with-actor.ts',
    `type Db = { $transaction(work: () => void): void }\nexport const raw = (db: Db) => db.$transaction(() => undefined)`,
  ],
]

const refusedPath = (index: number) => `${refused[index]?.[0]}/refused-${index}.ts`
const allowedPath = (index: number) => `${allowed[index]?.[0]}/allowed-${index}.ts`

describe('oxlint with the repository’s own configuration', () => {
  let folder: string
  let found: Map<string, { code: string; help: string }[]>

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'toolberth-lint-'))
    for (const name of ['.oxlintrc.json', 'package.json', 'tsconfig.json']) {
      await copyFile(join(root, name), join(folder, name))
    }
    await symlink(join(root, 'node_modules'), join(folder, 'node_modules'))
    const files = [
      ...refused.map(([, statement], index) => [refusedPath(index), statement] as const),
      ...allowed.map(([, statement], index) => [allowedPath(index), statement] as const),
      ...offences,
      ...exempt,
    ]
    for (const [path, text] of files) {
      await mkdir(dirname(join(folder, path)), { recursive: true })
      await writeFile(join(folder, path), `${text}\n`)
    }
    // Folders by name: asked for the whole, oxlint would walk through the linked node_modules.
    const folders = new Set(files.map(([path]) => path.split('/')[0] ?? ''))
    found = await lint(folder, [...folders])
  }, 150_000)

  afterAll(async () => {
    await rm(folder, { recursive: true, force: true })
  })

  it.for(refused.map((entry, index) => ({ path: refusedPath(index), statement: entry[1], help: entry[2] })))(
    'refuses $statement in $path',
    ({ path, help }) => {
      const messages = (found.get(path) ?? [])
        .filter(({ code }) => code === imports)
        .map((entry) => entry.help)
      expect(messages.filter((message) => message.startsWith(help))).toHaveLength(1)
    },
  )

  it.for(allowed.map(([, statement], index) => ({ path: allowedPath(index), statement })))(
    'allows $statement in $path',
    ({ path }) => {
      expect((found.get(path) ?? []).filter(({ code }) => code === imports)).toEqual([])
    },
  )

  it.for(offences.map(([path, , rule]) => ({ path, rule })))('finds $rule in $path', ({ path, rule }) => {
    expect((found.get(path) ?? []).map(({ code }) => code)).toContain(rule)
  })

  it.for(exempt.map(([path]) => ({ path })))('leaves $path alone', ({ path }) => {
    expect(found.get(path) ?? []).toEqual([])
  })

  it('has a case for every folder of the repository', async () => {
    const manifest = z
      .object({ imports: z.record(z.string(), z.string()) })
      .parse(JSON.parse(await readFile(join(root, 'package.json'), 'utf8')))
    const folders = Object.keys(manifest.imports).flatMap((key) => /^#(\w+)\/\*$/.exec(key)?.[1] ?? [])
    const covered = new Set(refused.map(([path]) => path.split('/')[0]))
    expect(folders.filter((name) => !covered.has(name))).toEqual([])
  })
})

/** Diagnostics of `paths` inside `folder`, by file. */
async function lint(folder: string, paths: string[]): Promise<Map<string, { code: string; help: string }[]>> {
  const stdout = await new Promise<string>((done, fail) => {
    execFile(
      join(root, 'node_modules/.bin/oxlint'),
      ['-f', 'json', ...paths],
      { cwd: folder, timeout: 120_000, maxBuffer: 16 * 1024 * 1024 },
      // Exit code 1 says that something was found, which is the point.
      (error, out) =>
        out.startsWith('{') ? done(out) : fail(new Error(`oxlint said: ${out}`, { cause: error })),
    )
  })
  const found = new Map<string, { code: string; help: string }[]>()
  for (const { code, help = '', filename } of Report.parse(JSON.parse(stdout)).diagnostics) {
    const list = found.get(filename) ?? []
    list.push({ code, help })
    found.set(filename, list)
  }
  return found
}
