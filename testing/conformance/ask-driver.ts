/**
 * Stands for a client where the conformance suite starts one: `node ask-driver.ts DRIVER URL`. Asks the driver, in whose process
 * the real client is, to do what the scenario wants of a client of the server at URL, and ends when it is done.
 */
const [driver = '', url = ''] = process.argv.slice(2)
const { MCP_CONFORMANCE_SCENARIO: scenario, MCP_CONFORMANCE_CONTEXT: context } = process.env
await fetch(driver, {
  method: 'POST',
  body: JSON.stringify({ scenario, url, context: context === undefined ? {} : JSON.parse(context) }),
})

export {}
