import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { StartError } from '#scripts/start-error.ts'

/** Writes the declarations of `client/index.ts` and of everything it gets types from into the folder `out`. Throws StartError. */
export async function emitDeclarations(root: string, out: string): Promise<void> {
  const config = join(out, 'tsconfig.json')
  writeFileSync(
    config,
    JSON.stringify({
      extends: join(root, 'tsconfig.json'),
      files: [join(root, 'client/index.ts')],
      include: [],
      compilerOptions: {
        rootDir: root,
        outDir: out,
        typeRoots: [join(root, 'node_modules/@types')],
        plugins: [],
        allowJs: false,
        incremental: false,
        noEmit: false,
        declaration: true,
        emitDeclarationOnly: true,
        noEmitOnError: true,
      },
    }),
  )
  const tsc = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin', 'tsc')
  await new Promise<void>((resolve, reject) => {
    execFile(
      process.execPath,
      [tsc, '--project', config, '--pretty', 'false'],
      { cwd: root },
      (error, stdout) => {
        if (error) reject(new StartError(`The client has type errors:\n${stdout.trim() || error.message}`))
        else resolve()
      },
    )
  })
}
