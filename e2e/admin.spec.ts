import { expect, expectAccessible, fillSignIn, test } from '#e2e/fixtures.ts'
import { deployByScript, deployThroughDialog, expectNoReload, watchReloads } from '#e2e/pages.ts'

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

  await deployThroughDialog(adminPage, { package: EVERYTHING, name, env: { API_TOKEN: 'not-to-be-shown' } })
  await watchReloads(adminPage)
  await expect(adminPage.getByRole('heading', { name, level: 1 })).toBeVisible()
  await expect(adminPage.getByRole('list', { name: 'Phases' })).toBeVisible()
  await expect(overview.getByRole('link', { name: `Server ${name} was created` })).toBeVisible()
  await expect(adminPage.getByText('Running', { exact: true })).toBeVisible({ timeout: 60_000 })
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
  await deployThroughDialog(adminPage, { package: '@modelcontextprotocol/server-everythink', name })
  const card = adminPage.getByRole('region', { name: 'Current deployment' })
  const alert = card.getByRole('alert')
  await expect(alert).toContainText('The npm registry knows no such package.', { timeout: 60_000 })
  await expect(alert).toContainText('Check the spelling of the package name and its scope.')
  await expect(card.getByRole('region', { name: 'Log of the failed attempt' })).toBeVisible()
  await expect(card.getByText('Everything of this attempt was removed')).toBeVisible({ timeout: 30_000 })

  await card.getByRole('button', { name: 'Try again' }).click()
  await adminPage.getByRole('tab', { name: 'Deployments' }).click()
  await expect(
    adminPage.getByRole('list', { name: 'Deployments' }).getByText('Failed', { exact: true }),
  ).toHaveCount(2, { timeout: 60_000 })

  await card.getByRole('button', { name: 'Edit configuration' }).click()
  const dialog = adminPage.getByRole('dialog')
  await dialog.getByLabel('npm package').fill('@modelcontextprotocol/server-everything')
  await dialog.getByRole('button', { name: 'Review changes' }).click()
  const changes = dialog.getByRole('list', { name: 'Changes' })
  await expect(changes).toContainText('@modelcontextprotocol/server-everythink')
  await dialog.getByRole('button', { name: 'Deploy changes' }).click()
  await expect(dialog).toHaveCount(0)
  await expect(adminPage.getByText('Running', { exact: true })).toBeVisible({ timeout: 60_000 })
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
  const dialog = adminPage.getByRole('dialog')
  await expect(dialog.getByText('Secret: kept as it is.')).toBeVisible()
  await dialog.getByRole('button', { name: 'Review changes' }).click()
  await expect(dialog.getByText('Nothing was changed.')).toBeVisible()
  await expect(dialog.getByRole('button', { name: 'Save changes' })).toBeDisabled()
  await dialog.getByRole('button', { name: 'Back' }).click()
  await dialog.getByRole('button', { name: 'Add variable' }).click()
  await dialog.getByLabel('Name of variable 2').fill('GREETING')
  await dialog.getByLabel('Value of variable 2').fill('hello')
  await expectAccessible(adminPage)
  await dialog.getByRole('button', { name: 'Review changes' }).click()
  await expect(dialog.getByRole('list', { name: 'Changes' }).getByRole('listitem')).toHaveText(
    /GREETING.*hello/,
  )
  await expectAccessible(adminPage)
  await dialog.getByRole('button', { name: 'Deploy changes' }).click()

  await adminPage.getByRole('tab', { name: 'Deployments' }).click()
  const deployments = adminPage.getByRole('list', { name: 'Deployments' }).locator(':scope > li')
  await expect(deployments.first()).toContainText(/Revision 2.*Serving/s, { timeout: 60_000 })
  await expect(adminPage.getByText('Running', { exact: true })).toBeVisible()
  await deployments.nth(1).locator('summary').click()
  await deployments.nth(1).getByRole('button', { name: 'Roll back to this' }).click()
  await dialog.getByRole('button', { name: 'Roll back', exact: true }).click()
  await expect(deployments.first()).toContainText(/Revision 3.*Serving/s, { timeout: 60_000 })
  const { revision } = await api.servers.get.query({ id })
  expect(revision?.env).toEqual([{ name: 'API_TOKEN', secret: true, value: null }])
  await api.servers.delete.mutate({ id, confirmName: name })
})

test('the deploy dialog checks what it is given, at its boxes', async ({ adminPage }) => {
  await adminPage.goto('/admin/servers?deploy=1')
  const dialog = adminPage.getByRole('dialog', { name: 'Deploy an MCP server' })
  await dialog.getByLabel('npm package').fill('https://example.com/package.tgz')
  await dialog.getByLabel('Name', { exact: true }).fill('No Spaces')
  await dialog.getByRole('button', { name: 'Add variable' }).click()
  await dialog.getByLabel('Name of variable 1').fill('PATH')
  await dialog.getByText('Advanced').click()
  await dialog.getByLabel('Memory (MiB)').fill('1')
  await dialog.getByRole('button', { name: 'Deploy', exact: true }).click()
  await expect(dialog.getByLabel('npm package')).toHaveAccessibleDescription(/not an npm package name/)
  await expect(dialog.getByLabel('Name', { exact: true })).toHaveAccessibleDescription(/lower-case letters/)
  await expect(dialog.getByText('PATH is set by the toolbox and cannot be given.')).toBeVisible()
  await expect(dialog.getByText('At least 64 MiB.')).toBeVisible()
  await expect(adminPage).toHaveURL(/deploy=1/)
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
