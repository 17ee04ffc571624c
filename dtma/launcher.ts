import { launch } from './launcher/launch.ts'

launch(import.meta.dirname).catch((error: Error) => {
  process.stderr.write(`launcher: ${error.message}\n`)
  process.exit(1)
})
