import { expect, expectAccessible, fillSignIn, test } from '#e2e/fixtures.ts'
import { deployByScript, deployThroughWizard, expectNoReload, watchReloads } from '#e2e/pages.ts'

const EVERYTHING = '@modelcontextprotocol/server-everything'

test('an admin signs in, and is told what is wrong when it fails', async ({ page, admin }) => {
  await page.goto('/admin/servers')
  await expect(page).toHaveURL(/\/sign-in\?callbackUrl=/)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await expect(page.getByText('Enter your e-mail address.')).toBeVisible()
  await page.getByLabel('E-mail').fill(admin.email)
  await page.getByLabel('Password', { exact: true }).fill('not the password')
  await page.getByRole('button', { name: 'Sign in' }).click()
  const alert = page.getByRole('alert').filter({ hasText: 'E-mail or password is wrong.' })
  await expect(alert).toContainText('Check both and try again.')
  await page.getByLabel('Password', { exact: true }).fill(admin.password)
  await page.getByRole('button', { name: 'Show password' }).click()
  await expect(page.getByLabel('Password', { exact: true })).toHaveAttribute('type', 'text')
  await page.getByRole('button', { name: 'Sign in' }).click()
  await expect(page).toHaveURL(/\/admin\/servers$/)
  await expect(page.getByRole('heading', { name: 'Servers', level: 1 })).toBeVisible()
})

test('a server is deployed, goes live before the eyes, is read and deleted', async ({
  adminPage,
  browser,
  baseURL,
  admin,
}) => {
  const name = 'e2e-everything'
  const other = await browser.newContext({ baseURL, storageState: admin.storageState })
  const overview = await other.newPage()
  await overview.goto('/admin')
  await expect(overview.locator('[data-stream="live"]').first()).toBeVisible()
  await watchReloads(overview)

  await deployThroughWizard(adminPage, { package: EVERYTHING, name, env: { API_TOKEN: 'not-to-be-shown' } })
  await watchReloads(adminPage)
  await expect(adminPage.getByRole('list', { name: 'Phases' })).toBeVisible()
  await expect(overview.getByRole('link', { name: `Server ${name} was created` })).toBeVisible()
  await expect(adminPage.getByText(/It went live after/)).toBeVisible({ timeout: 60_000 })
  await expect(adminPage.getByRole('log')).toContainText('Starting default (STDIO) server')
  await adminPage.getByRole('link', { name: `Open ${name}` }).click()
  await expect(adminPage.getByRole('heading', { name, level: 1 })).toBeVisible()
  await expect(adminPage.getByText('Running', { exact: true })).toBeVisible()
  await expect(overview.getByRole('link', { name: `Server ${name} is running` })).toBeVisible()
  await expectNoReload(overview)
  await other.close()

  const tools = adminPage.getByRole('list', { name: 'Tools' })
  await tools.getByText('echo', { exact: true }).click()
  await expect(tools.getByText('message', { exact: true }).first()).toBeVisible()
  await adminPage.getByRole('tab', { name: 'Logs' }).click()
  await expect(adminPage.getByRole('log')).toContainText('Starting default (STDIO) server')
  await adminPage.getByLabel('Search the log').fill('no line says this')
  await expect(adminPage.getByText('No line contains this.')).toBeVisible()
  await adminPage.getByLabel('Search the log').fill('')
  const download = adminPage.waitForEvent('download')
  await adminPage.getByRole('button', { name: 'Download' }).click()
  await adminPage.getByRole('menuitem', { name: 'Everything as text' }).click()
  expect((await download).suggestedFilename()).toMatch(new RegExp(`^${name}-.*\\.log$`))
  await adminPage.getByRole('button', { name: 'More actions' }).click()
  await adminPage.getByRole('menuitem', { name: 'Restart' }).click()
  await adminPage.getByRole('dialog').getByRole('button', { name: 'Restart server' }).click()
  const ended = /The MCP server (?:was ended by|ended with)/
  await expect(adminPage.getByRole('log')).toContainText(ended, { timeout: 30_000 })
  await expect(adminPage.getByText('Running', { exact: true })).toBeVisible({ timeout: 60_000 })
  await adminPage.getByRole('tab', { name: 'Configuration' }).click()
  await expect(adminPage.getByText('API_TOKEN')).toBeVisible()
  await expect(adminPage.getByText('not-to-be-shown')).toHaveCount(0)

  await adminPage.getByRole('button', { name: 'Stop' }).click()
  await adminPage.getByRole('dialog').getByRole('button', { name: 'Stop server' }).click()
  await expect(adminPage.getByText('Stopped', { exact: true })).toBeVisible({ timeout: 30_000 })
  await adminPage.getByRole('button', { name: 'Start' }).click()
  await expect(adminPage.getByText('Running', { exact: true })).toBeVisible({ timeout: 30_000 })
  await expectNoReload(adminPage)

  await adminPage.getByRole('button', { name: 'More actions' }).click()
  await adminPage.getByRole('menuitem', { name: 'Delete' }).click()
  const dialog = adminPage.getByRole('dialog', { name: `Delete ${name}?` })
  await expect(dialog.getByRole('button', { name: 'Delete server' })).toBeDisabled()
  await dialog.getByLabel(`Type ${name} to confirm`).fill(name)
  await dialog.getByRole('button', { name: 'Delete server' }).click()
  await expect(adminPage).toHaveURL(/\/admin\/servers$/)
  await expect(adminPage.getByRole('link', { name, exact: true })).toHaveCount(0, { timeout: 30_000 })
})

test('a deployment that fails says why, what to do next, and what it left', async ({ adminPage }) => {
  const name = 'e2e-misspelt'
  await deployThroughWizard(adminPage, { package: '@modelcontextprotocol/server-everythink', name })
  const alert = adminPage.getByRole('main').getByRole('alert')
  await expect(alert).toContainText('The npm registry knows no such package.', { timeout: 60_000 })
  await expect(alert).toContainText('Check the spelling of the package name and its scope.')
  await expect(adminPage.getByRole('region', { name: 'Log of the failed attempt' })).toBeVisible()
  await expect(adminPage.getByText('Everything of this attempt was removed')).toBeVisible({ timeout: 30_000 })

  const first = adminPage.url()
  await adminPage.getByRole('button', { name: 'Try again' }).click()
  await expect(adminPage, 'the next attempt has a page of its own').not.toHaveURL(first)
  await expect(alert).toContainText('The npm registry knows no such package.', { timeout: 60_000 })
  await adminPage.getByRole('link', { name, exact: true }).click()
  const card = adminPage.getByRole('region', { name: 'Current deployment' })
  await expect(card.getByRole('alert')).toContainText('The npm registry knows no such package.')
  await adminPage.getByRole('tab', { name: 'Deployments' }).click()
  await expect(
    adminPage.getByRole('list', { name: 'Deployments' }).getByText('Failed', { exact: true }),
  ).toHaveCount(2)

  await card.getByRole('link', { name: 'Edit configuration' }).click()
  await adminPage.getByLabel('npm package').fill(EVERYTHING)
  await adminPage.getByRole('button', { name: 'Review changes' }).click()
  await expect(adminPage.getByRole('list', { name: 'Changes' })).toContainText(
    '@modelcontextprotocol/server-everythink',
  )
  await adminPage.getByRole('button', { name: 'Deploy changes' }).click()
  await expect(adminPage.getByText(/It went live after/)).toBeVisible({ timeout: 60_000 })
  await adminPage.getByRole('link', { name: `Open ${name}` }).click()
  await expect(card).toHaveCount(0)

  await adminPage.getByRole('button', { name: 'More actions' }).click()
  await adminPage.getByRole('menuitem', { name: 'Delete' }).click()
  await adminPage.getByLabel(`Type ${name} to confirm`).fill(name)
  await adminPage.getByRole('button', { name: 'Delete server' }).click()
  await expect(adminPage).toHaveURL(/\/admin\/servers$/)
})

test('a running server is changed, and rolled back, while it serves', async ({ adminPage, api }) => {
  const name = 'e2e-changed'
  const id = await deployByScript(api, name, { API_TOKEN: { value: 'not-to-be-shown', secret: true } })
  await adminPage.goto(`/admin/servers/${id}`)
  await adminPage.getByRole('button', { name: 'More actions' }).click()
  await adminPage.getByRole('menuitem', { name: 'Edit configuration' }).click()
  await expect(adminPage.getByText('Secret: kept as it is.')).toBeVisible()
  await adminPage.getByRole('button', { name: 'Review changes' }).click()
  await expect(adminPage.getByText('Nothing was changed.')).toBeVisible()
  await expect(adminPage.getByRole('button', { name: 'Save changes' })).toBeDisabled()
  await adminPage.getByRole('button', { name: 'Back' }).click()
  await adminPage.getByRole('button', { name: 'Add variable' }).click()
  await adminPage.getByLabel('Name of variable 2').fill('GREETING')
  await adminPage.getByLabel('Value of variable 2').fill('hello')
  await expectAccessible(adminPage)
  await adminPage.getByRole('button', { name: 'Review changes' }).click()
  await expect(adminPage.getByRole('list', { name: 'Changes' }).getByRole('listitem')).toHaveText(
    /GREETING.*hello/,
  )
  await expectAccessible(adminPage)
  await adminPage.getByRole('button', { name: 'Deploy changes' }).click()
  await expect(adminPage.getByText(/It went live after/)).toBeVisible({ timeout: 60_000 })
  await adminPage.getByRole('link', { name: `Open ${name}` }).click()

  await adminPage.getByRole('tab', { name: 'Deployments' }).click()
  const deployments = adminPage.getByRole('list', { name: 'Deployments' }).locator(':scope > li')
  await expect(deployments.first()).toContainText(/Revision 2.*Serving/s, { timeout: 60_000 })
  await expect(adminPage.getByText('Running', { exact: true })).toBeVisible()
  await deployments.nth(1).locator('summary').click()
  await deployments.nth(1).getByRole('button', { name: 'Roll back to this' }).click()
  const dialog = adminPage.getByRole('dialog')
  await dialog.getByRole('button', { name: 'Roll back', exact: true }).click()
  await expect(deployments.first()).toContainText(/Revision 3.*Serving/s, { timeout: 60_000 })
  const { revision } = await api.servers.get.query({ id })
  expect(revision?.env).toEqual([{ name: 'API_TOKEN', secret: true, value: null }])
  await api.servers.delete.mutate({ id, confirmName: name })
})

test('a user is added and disabled, and cannot sign in any more', async ({ adminPage, page }) => {
  const email = `added-${Date.now()}@example.com`
  await adminPage.goto('/admin/users')
  await adminPage.getByRole('button', { name: 'Add user' }).click()
  await adminPage.getByLabel('E-mail').fill(email)
  await adminPage.getByRole('dialog').getByRole('button', { name: 'Add user' }).click()
  const password = (await adminPage.getByTestId('secret').textContent()) ?? ''
  await adminPage.getByRole('button', { name: 'Done' }).click()

  await fillSignIn(page, { email, password })
  await expect(page).toHaveURL(/\/agents$/)
  await page.goto('/admin')
  await expect(page, 'pages of admins are not for users').toHaveURL(/\/agents$/)

  await adminPage.getByRole('button', { name: `Actions for ${email}` }).click()
  await adminPage.getByRole('menuitem', { name: 'Disable' }).click()
  await adminPage.getByRole('dialog').getByRole('button', { name: 'Disable' }).click()
  await expect(
    adminPage
      .getByRole('listitem')
      .filter({ hasText: email })
      .getByText('Disabled')
      .filter({ visible: true }),
  ).toBeVisible()
  await page.goto('/agents')
  await expect(page, 'the session ended with the right to it').toHaveURL(/\/sign-in/)
})

test('the toolbox page shows the machine and its heartbeat', async ({ adminPage }) => {
  await adminPage.goto('/admin/toolboxes')
  await expect(adminPage.getByText(/Heartbeat (just now|\d+ s ago)/)).toBeVisible()
  await adminPage.getByRole('main').getByRole('link').first().click()
  await expect(adminPage.getByRole('meter', { name: 'Memory in use' })).toBeVisible()
  await expect(adminPage.getByText('Active', { exact: true })).toBeVisible()
})
