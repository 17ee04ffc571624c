import { fileURLToPath } from 'node:url'
import { packClient } from './pack-client/pack.ts'
import { StartError } from './start-error.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '')

try {
  console.log(await packClient(ROOT, `${ROOT}/dist`))
} catch (error) {
  if (!(error instanceof StartError)) throw error
  console.error(error.message)
  process.exitCode = 1
}
