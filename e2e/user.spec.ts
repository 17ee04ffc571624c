import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { expect, expectAccessible, test } from '#e2e/fixtures.ts'
import { deployByScript, expectNoReload, watchReloads } from '#e2e/pages.ts'

/** A failed spec makes a new worker, which arranges everything once more. */
const SERVER = `e2e-shared-${process.env.TEST_WORKER_INDEX}`
const STOPPING = `e2e-stopping-${process.env.TEST_WORKER_INDEX}`

/** Names of the tools that an MCP client sees at an agent's URL. */
async function toolsAt(url: string, token: string): Promise<string[]> {
  const client = new Client({ name: 'e2e', version: '1.0.0' })
  await client.connect(
    new StreamableHTTPClientTransport(new URL(url), {
      requestInit: { headers: { Authorization: `Bearer ${token}` } },
    }),
  )
  try {
    return (await client.listTools()).tools.map((tool) => tool.name)
  } finally {
    await client.close()
  }
}

test.beforeAll(async ({ api }) => {
  await deployByScript(api, SERVER)
})

test('a user connects an agent after a tested handshake, uses it, and ends the connection', async ({
  userPage: page,
}) => {
  await page.goto('/')
  await expect(page).toHaveURL(/\/agents$/)
  await page.getByRole('button', { name: 'Create agent' }).first().click()
  await page.getByLabel('Name').fill('Laptop')
  await page.getByRole('dialog').getByRole('button', { name: 'Create agent' }).click()
  const token = (await page.getByTestId('secret').textContent()) ?? ''
  expect(token).toMatch(/^tba_/)
  await page.getByRole('button', { name: 'Open agent' }).click()
  await expect(page.getByRole('heading', { name: 'Laptop', level: 1 })).toBeVisible()
  await watchReloads(page)

  await page.getByRole('button', { name: 'Discover servers' }).click()
  const card = page.getByRole('region', { name: SERVER })
  await card.getByText(/^\d+ tools$/).click()
  await expect(
    card.getByText('get-sum', { exact: true }),
    'tools are in view before connecting',
  ).toBeVisible()
  await card.getByRole('button', { name: `Connect ${SERVER}` }).click()

  const wizard = page.getByRole('dialog', { name: `Connect ${SERVER}` })
  await wizard.getByLabel('Prefix', { exact: true }).fill('Not A Prefix')
  await wizard.getByRole('button', { name: 'Test connection' }).click()
  await expect(wizard.getByLabel('Prefix', { exact: true })).toHaveAccessibleDescription(/lower-case letters/)
  await wizard.getByLabel('Prefix', { exact: true }).fill('all')
  await expect(wizard.getByText('all__echo')).toBeVisible()
  await wizard.getByText('all 13 tools').click()
  await wizard.getByRole('switch', { name: 'Let the agent use get-env' }).click()
  await expect(wizard.getByText('12 of 13 tools')).toBeVisible()
  await wizard.getByText('Advanced').click()
  await wizard.getByLabel('Give up a call after (s)').fill('0')
  await wizard.getByRole('button', { name: 'Test connection' }).click()
  await expect(wizard.getByLabel('Give up a call after (s)')).toHaveAccessibleDescription(/Between 1 and 600/)
  await wizard.getByLabel('Give up a call after (s)').fill('30')
  await expectAccessible(page)
  // What was typed is still there after the wizard was left.
  await wizard.getByRole('button', { name: 'Cancel' }).click()
  await card.getByRole('button', { name: `Connect ${SERVER}` }).click()
  await expect(wizard.getByLabel('Prefix', { exact: true })).toHaveValue('all')
  await expect(wizard.getByText('12 of 13 tools')).toBeVisible()
  await wizard.getByRole('button', { name: 'Test connection' }).click()
  await expect(wizard.getByText(/The handshake passed in/)).toBeVisible({ timeout: 45_000 })
  await expect(wizard.getByText('all__get-sum')).toBeVisible()
  await expect(wizard.getByText('all__get-env')).toHaveCount(0)
  await wizard.getByRole('button', { name: 'Connect', exact: true }).click()
  await expect(wizard.getByText(`${SERVER} is connected.`)).toBeVisible()
  await wizard.getByRole('button', { name: 'Set up an MCP client' }).click()

  const url = (await page.getByTestId('agent-url').textContent()) ?? ''
  await expect(page.getByLabel('Claude Code configuration', { exact: true })).toContainText(token)
  await page.getByRole('tab', { name: 'Codex' }).click()
  await expect(page.getByLabel('Codex configuration', { exact: true }).first()).toContainText(url)
  await page.getByRole('tab', { name: 'Cursor' }).click()
  const download = page.waitForEvent('download')
  await page.getByRole('button', { name: 'Download mcp.json' }).click()
  expect((await download).suggestedFilename()).toBe('mcp.json')
  const listed = await toolsAt(url, token)
  expect(listed).toContain('all__echo')
  expect(listed).not.toContain('all__get-env')

  await page.getByRole('tab', { name: 'Connected' }).click()
  const connection = page.getByRole('region', { name: `Connection to ${SERVER}` })
  await expect(connection.getByText('Connected', { exact: true })).toBeVisible()
  await connection.getByRole('button', { name: `Disconnect ${SERVER}` }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Disconnect' }).click()
  await expect(page.getByText('Not connected to any server yet')).toBeVisible()
  // The gateway's rights are at most half a second old.
  await expect.poll(() => toolsAt(url, token), { timeout: 10_000 }).not.toContain('all__echo')

  await page.getByRole('button', { name: 'Discover servers' }).click()
  await page.getByRole('button', { name: `Connect ${SERVER}` }).click()
  await wizard.getByRole('button', { name: 'Test connection' }).click()
  await wizard.getByRole('button', { name: 'Connect', exact: true }).click({ timeout: 45_000 })
  await wizard.getByRole('button', { name: 'Done' }).click()
  await page.getByRole('tab', { name: 'Connected' }).click()
  await expect(connection.getByText('Connected', { exact: true })).toBeVisible()
  await expectNoReload(page)
})

test('a connection that cannot be tested ends with its cause and a way on', async ({
  userPage: page,
  api,
}) => {
  const serverId = await deployByScript(api, STOPPING)
  await page.goto('/agents')
  await page.getByRole('button', { name: 'Create agent' }).first().click()
  await page.getByLabel('Name').fill('Too late')
  await page.getByRole('dialog').getByRole('button', { name: 'Create agent' }).click()
  await page.getByRole('button', { name: 'Open agent' }).click()
  await page.getByRole('tab', { name: 'Discover' }).click()
  await page.getByRole('button', { name: `Connect ${STOPPING}` }).click()
  await api.servers.stop.mutate({ id: serverId })
  const wizard = page.getByRole('dialog', { name: `Connect ${STOPPING}` })
  await wizard.getByRole('button', { name: 'Test connection' }).click()
  await expect(wizard.getByRole('alert')).toContainText('The server is not running.', { timeout: 45_000 })
  await expect(wizard.getByRole('button', { name: 'Test again' })).toBeEnabled()
  await wizard.getByRole('button', { name: 'Close' }).click()
  await expect(page.getByRole('region', { name: STOPPING }), 'what does not run is not offered').toHaveCount(
    0,
  )
})

test("a user's own keys and theme", async ({ userPage: page }) => {
  await page.goto('/settings')
  await page.getByRole('radio', { name: 'Dark' }).click()
  await expect(page.locator('html')).toHaveClass(/dark/)
  await page.getByRole('button', { name: 'Create key' }).click()
  await page.getByLabel('Name').fill('ci')
  await page.getByRole('dialog').getByRole('button', { name: 'Create key' }).click()
  await expect(page.getByTestId('secret')).toHaveText(/^tbk_/)
  await page.getByRole('button', { name: 'Done' }).click()
  await page.getByRole('button', { name: 'Revoke ci' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Revoke key' }).click()
  await expect(page.getByText('Revoked')).toBeVisible()
})
