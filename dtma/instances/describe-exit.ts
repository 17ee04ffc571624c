import type { RunExit } from '#dtma/drivers/driver.ts'

export function describeExit(exit: RunExit): string {
  return exit.signal === null
    ? `The MCP server ended with code ${exit.exitCode}.`
    : `The MCP server was ended by ${exit.signal}.`
}
