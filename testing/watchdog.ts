import { sweepRunFolder } from '#testing/run-folder.ts'

// Standard input is a pipe from the test run: it ends when the run does, whatever ended it.
const folder = process.argv[2]
if (!folder) throw new Error('The watchdog needs the run folder.')
process.stdin.resume()
process.stdin.once('end', () => void sweepRunFolder(folder))
process.on('SIGINT', () => undefined)
process.on('SIGTERM', () => undefined)
