import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { expect, expectAccessible, test } from '#e2e/fixtures.ts'
import { deployByScript, expectNoReload, watchReloads } from '#e2e/pages.ts'

const SERVER = `e2e-pinned-${process.env.TEST_WORKER_INDEX}`

test('the owner of a connection switches tools, renames them, and approves what changed', async ({
  adminPage: page,
  api,
}) => {
  test.slow()
  const serverId = await deployByScript(api, SERVER)
  const { id: agentId, url, token } = await api.agents.create.mutate({ name: 'Careful' })
  await api.connections.create.mutate({ agentId, serverId, slug: 'p' })
  const client = new Client({ name: 'e2e', version: '1.0.0' })
  await client.connect(
    new StreamableHTTPClientTransport(new URL(url), {
      requestInit: { headers: { Authorization: `Bearer ${token}` } },
    }),
  )
  const tools = async () => (await client.listTools()).tools.map(({ name }) => name)

  await page.goto(`/agents/${agentId}`)
  await page.getByRole('link', { name: SERVER }).click()
  await expect(page.getByRole('heading', { name: SERVER, level: 1 })).toBeVisible()
  await watchReloads(page)
  const echo = page.getByRole('listitem', { name: 'echo', exact: true })
  await expect(echo.getByText('p__echo')).toBeVisible()

  await echo.getByRole('switch', { name: 'Let the agent use echo' }).click()
  await expect(echo.getByRole('switch')).not.toBeChecked()
  // The gateway's rights are at most half a second old.
  await expect.poll(tools, { timeout: 10_000 }).not.toContain('p__echo')
  await echo.getByRole('switch').click()
  await expect(echo.getByRole('switch')).toBeChecked()

  await echo.getByRole('button', { name: 'Rename echo' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Name').fill('not a name')
  await expect(dialog.getByRole('alert')).toContainText('letters')
  await dialog.getByLabel('Name').fill('say')
  await dialog.getByRole('button', { name: 'Save' }).click()
  await expect(echo.getByText('p__say')).toBeVisible()
  await expect.poll(tools, { timeout: 10_000 }).toContain('p__say')

  await page.getByRole('tab', { name: 'Settings' }).click()
  const timeout = page.getByLabel('Give up a call after (s)')
  await timeout.fill('0')
  await page.getByRole('button', { name: 'Save settings' }).click()
  await expect(timeout).toHaveAccessibleDescription(/Between 1 and 600/)
  await timeout.fill('30')
  await page.getByRole('button', { name: 'Save settings' }).click()
  await expect(page.getByText('The settings were saved')).toBeVisible()
  await expectAccessible(page)
  await page.getByRole('tab', { name: 'Credentials' }).click()
  await expect(page.getByText('This server gets none from you.')).toBeVisible()
  await page.getByRole('button', { name: 'Test now' }).click()
  await expect(page.getByText(`${SERVER} answered`)).toBeVisible({ timeout: 30_000 })
  await page.getByRole('tab', { name: 'Tests' }).click()
  await expect(page.getByRole('list', { name: 'Tests' }).getByText('Passed').first()).toBeVisible()
  await page.getByRole('tab', { name: 'Events' }).click()
  const events = page.getByRole('list', { name: 'Events' }).getByRole('listitem')
  await expect(events.filter({ hasText: 'Settings changed' }).first()).toBeVisible()
  await expect(events.last()).toContainText('After a test that passed')
  await expectAccessible(page)
  await expectNoReload(page)

  await page.getByRole('navigation', { name: 'Breadcrumb' }).getByRole('link').click()
  await page.getByRole('link', { name: 'Try a tool' }).click()
  await page.getByRole('button', { name: /^p__get-sum/ }).click()
  await page.getByLabel('a', { exact: true }).fill('many')
  await page.getByLabel('b', { exact: true }).fill('3')
  await page.getByRole('button', { name: 'Call p__get-sum' }).click()
  await expect(page.getByLabel('a', { exact: true })).toHaveAccessibleDescription(/not a number/)
  await page.getByLabel('a', { exact: true }).fill('4')
  await page.getByRole('button', { name: 'Call p__get-sum' }).click()
  const result = page.getByRole('region', { name: 'Result' })
  await expect(result.getByLabel('text of the result', { exact: true })).toContainText('7', {
    timeout: 30_000,
  })
  await expectAccessible(page)
  await page.goBack()
  await page.getByRole('link', { name: SERVER }).click()
  await page.getByRole('tab', { name: 'Calls' }).click()
  await expect(page.getByRole('list', { name: 'Calls' }).getByText('tried by hand')).toBeVisible()

  await page.getByRole('button', { name: 'Disconnect' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Disconnect' }).click()
  await expect(page).toHaveURL(new RegExp(`/agents/${agentId}$`))
  await expect.poll(tools, { timeout: 10_000 }).toEqual([])
  await client.close()
  await api.agents.delete.mutate({ id: agentId })
  await api.servers.delete.mutate({ id: serverId, confirmName: SERVER })
})

test('a user is asked for what the server needs of each, and for what it needs later', async ({
  adminPage: page,
  api,
}) => {
  test.slow()
  const name = `e2e-asking-${process.env.TEST_WORKER_INDEX}`
  const key = { kind: 'header', name: 'X-Key', description: 'Your profile shows it.' } as const
  const serverId = await deployByScript(api, name, undefined, {
    source: { type: 'npm', package: '@modelcontextprotocol/server-everything', args: ['streamableHttp'] },
    transport: 'streamable-http',
    userCredentials: [key],
  })
  const { id: agentId } = await api.agents.create.mutate({ name: 'Asked' })
  await page.goto(`/agents/${agentId}`)
  await page.getByRole('button', { name: 'Discover servers' }).click()
  await page.getByRole('button', { name: `Connect ${name}` }).click()
  const dialog = page.getByRole('dialog')
  const box = dialog.getByLabel('X-Key', { exact: true })
  await dialog.getByRole('button', { name: 'Test connection' }).click()
  await expect(box).toHaveAccessibleDescription(
    /Your profile shows it. The server does not answer you without/,
  )
  await expectAccessible(page)
  await box.fill('very secret')
  await expect(box).toHaveAttribute('type', 'password')
  await dialog.getByRole('button', { name: 'Test connection' }).click()
  await dialog.getByRole('button', { name: 'Connect', exact: true }).click({ timeout: 60_000 })
  await dialog.getByRole('button', { name: 'Done' }).click()

  const { revisionNumber } = await api.servers.update.mutate({
    id: serverId,
    userCredentials: [key, { kind: 'header', name: 'X-Region' }],
  })
  await expect
    .poll(async () => (await api.servers.get.query({ id: serverId })).instance?.revisionNumber, {
      timeout: 60_000,
    })
    .toBe(revisionNumber)
  await page.goto(`/agents/${agentId}`)
  await page.getByRole('link', { name }).click()
  await expect(page.getByRole('alert').filter({ hasText: 'X-Region' })).toBeVisible()
  await expectAccessible(page)
  await page.getByRole('button', { name: 'Set X-Region' }).click()
  await page.getByLabel('New value of X-Region').fill('eu')
  await page.getByRole('button', { name: 'Save' }).click()
  await expect(page.getByRole('alert').filter({ hasText: 'X-Region' })).toBeHidden()
  await expect(page.getByText('Connected', { exact: true })).toBeVisible({ timeout: 30_000 })
  await expect(page.locator('body')).not.toContainText('very secret')
  await api.agents.delete.mutate({ id: agentId })
  await api.servers.delete.mutate({ id: serverId, confirmName: name })
})

test('a token is replaced, and the old one works on for a while', async ({ adminPage: page, api }) => {
  const { id, url, token } = await api.agents.create.mutate({ name: 'Rotated' })
  await page.goto(`/agents/${id}`)
  await page.getByRole('button', { name: 'More actions' }).click()
  await page.getByRole('menuitem', { name: 'Rotate token' }).click()
  await page.getByRole('combobox', { name: 'The present token stops working' }).click()
  await page.getByRole('option', { name: 'in 15 minutes' }).click()
  await expectAccessible(page)
  await page.getByRole('dialog').getByRole('button', { name: 'Rotate token' }).click()
  await expect(page.getByText('The token before this one works until')).toBeVisible()
  const fresh = (await page.getByTestId('secret').textContent()) ?? ''
  expect(fresh).not.toBe(token)
  for (const one of [fresh, token]) {
    const client = new Client({ name: 'e2e', version: '1.0.0' })
    const requestInit = { headers: { Authorization: `Bearer ${one}` } }
    await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit }))
    await client.close()
  }
  await api.agents.delete.mutate({ id })
})
