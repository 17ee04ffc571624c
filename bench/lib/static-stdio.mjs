// An MCP server over stdio without dependencies.
import { createInterface } from 'node:readline'
import { answerTo } from './static-answer.mjs'

createInterface({ input: process.stdin }).on('line', (line) => {
  const answer = answerTo(JSON.parse(line))
  if (answer) process.stdout.write(`${JSON.stringify(answer)}\n`)
})
